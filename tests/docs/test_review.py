"""The page about the review is held against a real review: its commands run, its keys and signals are all there are."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.reviewed import BASELINE, contract_of, outcome, review_on, verdict_of

from tallystick.contracts import Sample
from tallystick.money import Money, currency
from tallystick.period import parse_instant, parse_period
from tallystick.review.data import review_data
from tallystick.review.signals import SIGNALS, Signal
from tallystick.statements import Issued
from tallystick.verification.sampling import judge

PAGE = (Path(__file__).parents[2] / "docs" / "review.md").read_text(encoding="utf-8")
EUR, USD = currency("EUR"), currency("USD")
OPEN = {"counts", "disputes"}


def _table(heading):
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| (.+?) \|", section, re.MULTILINE)[1:]


def _paths(value, path=""):
    """Give the paths of all leaves, with a star for keys that are data."""
    if isinstance(value, dict):
        for key, below in value.items():
            star = path.rpartition(".")[2] in OPEN
            yield from _paths(below, f"{path}.*" if star else f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for below in value:
            yield from _paths(below, f"{path}[]")
    else:
        yield path


def test_the_keys_are_those_of_the_page(tmp_path):
    """The data of a review that has everything has exactly the keys of the page."""
    acme = contract_of(
        tmp_path,
        outcome("held", more=BASELINE),
        billing="{floor: {monthly: 400.00}, currencies: {USD: {floor: {monthly: 7.00}}}}",
        off_ramp="[{measure: verified_rate, below: 60, months: 1}]",
    )
    at, july = "2026-07-10T10:00:00Z", parse_period("2026-07", "Europe/Berlin")
    verdicts = [verdict_of(acme, status, at, status) for status in ("verified", "rejected", "reversed")]
    issued = [Issued(1, july, {}, {"2026-06": {EUR: Money(-100, EUR)}}, 1, july.end, "0" * 64)]
    review = review_on(acme, verdicts, issued=issued)
    sample = ("2026-07", "held", judge(Sample(2, 5, 95, "hold"), 9, 1, 1))
    signals = [Signal("x", "vendor", "held", "things", 1, 1)]
    data = review_data(review, signals, {"open": 1}, [sample], now=parse_instant("2026-10-15T10:00:00Z"))
    told = [key for row in _table("As data") for key in re.findall("`([^`]+)`", row)]

    assert sorted(told) == sorted(set(_paths(data)))


def test_the_signals_are_those_of_the_page():
    """Every signal stands on the page, and the page tells of no other."""
    assert sorted(_table("Signals")) == sorted(f"`{name}`" for name in (*SIGNALS, "stops_at_a_tier"))


def test_the_commands_of_the_page_run(exported, small_story):
    """The commands of the page run in a project as they stand, and write what the page says."""
    folder = exported[0]
    [block] = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    printed = []
    for line in block.splitlines():
        words = line.removeprefix("$ tallystick ").split()
        command = [sys.executable, "-m", "tallystick", *words, "--now", small_story.stages[-1]]
        environment = {**os.environ, **small_story.environment}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
        printed.append(done.stdout)

    assert printed[:2] == ["Review: review-recoverly-collections-2026Q3.html\n", "Review: review.pdf\n"]
    assert json.loads(printed[2])["period"] == "2026-09"
    assert (folder / "review.pdf").read_bytes().startswith(b"%PDF")
    assert b"The way out" in (folder / "review-recoverly-collections-2026Q3.html").read_bytes()
