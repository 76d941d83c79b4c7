"""The worked example of the page about settlement: every command prints what the page shows, every sum is right."""

import json
import os
import re
import subprocess
import sys
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from tests.docs.settlement import plan

from tallystick.testing.serving import running
from tallystick.testing.simulation import Simulator
from tallystick_stripe.simulator.app import create_app

PAGE = (Path(__file__).parents[2] / "docs" / "settlement.md").read_text(encoding="utf-8")
ORIGIN = "http://127.0.0.1:8010"
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL))
SHARE = re.compile(r"([\d.]+) x ([\d.]+) % = ([\d.]+) -> ([\d.]+)")
SUM = re.compile(r"[-+\d. ]+ = -?[\d.]+")


def _commands():
    """Give the commands of the page in order, each with the lines that it prints there."""
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            yield command, _lines(printed)


def _lines(text):
    return [line.rstrip() for line in text.rstrip("\n").split("\n")] if text.strip() else []


class _Reader:
    """Somebody who types what the page says, with a simulated Stripe whose clock goes along."""

    def __init__(self, folder, origin):
        self.folder = folder
        self.simulator = Simulator(origin)
        for name, text in FILES.items():
            (folder / name).write_text(text.replace(ORIGIN, origin))

    def type(self, command):
        """Run a line in a shell and give what it printed."""
        if (moment := re.search(r" sync --now (\S+)", command)) is not None:
            self.simulator.move_clock(moment[1])
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"],
            cwd=self.folder,
            env={**os.environ, "PATH": path, "COLUMNS": "100", "STRIPE_KEY": "rk_live_demo", "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stderr}"
        return _lines(done.stdout)


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """The folder after all commands of the page were run, and what each of them printed."""
    folder = tmp_path_factory.mktemp("settlement")
    with running(create_app(plan=plan(), now="2026-10-01T06:00:00Z")) as origin:
        reader = _Reader(folder, origin)
        printed = [(command, reader.type(command)) for command, _ in _commands()]
        reader.simulator.close()
    return folder, printed


def test_the_commands_print_what_the_page_shows(read):
    """Typed in order, each command prints the lines of the page."""
    assert read[1] == list(_commands())


def test_the_sums_of_the_page_are_right():
    """Every share is rounded as told, and every sum comes to what stands behind it."""
    told = [line for block in re.findall(r"```arithmetic\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    for line in told:
        if (share := SHARE.fullmatch(line)) is not None:
            amount, percent, exact, rounded = map(Decimal, share.groups())
            assert amount * percent / 100 == exact
            assert exact.quantize(Decimal("0.01"), ROUND_HALF_UP) == rounded
        else:
            assert SUM.fullmatch(line)
            left, _, right = line.partition(" = ")
            parts = re.findall(r"(^|[-+] )([\d.]+)", left)
            assert sum(Decimal(f"{sign.strip()}{amount}") for sign, amount in parts) == Decimal(right)
    assert len(told) == 18


def test_the_sums_are_those_of_the_statements(read):
    """The amounts that the page computes are the lines, steps, notes and totals of the two statements."""
    september, october = (json.loads((read[0] / f"{name}.json").read_text()) for name in ("september", "october"))
    shares = [share[4] for share in SHARE.finditer(PAGE)]

    assert shares[:7] == [line["amount"] for line in september["lines"]]
    assert [step["amount"] for step in september["adjustments"]] == ["-53.08", "-77.73"]
    assert shares[7] == "53.08"
    assert [line["amount"] for line in october["lines"]] == [shares[9]] == ["65.00"]
    [note] = october["notes"]
    assert (note["restated"], note["issued"], note["amount"]) == ("378.73", "400.00", "-21.27")
    assert (september["total"], october["total"]) == ("400.00", "43.73")
