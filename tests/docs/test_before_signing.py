"""What the docs say of the time before signing is run, and the shapes they describe are those that are printed."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from tallystick.statements import backtest_report as report
from tallystick.statements.comparison import ContractComparison

DOCS = Path(__file__).parents[2] / "docs"
BUYER = (DOCS / "buyer.md").read_text(encoding="utf-8")
BACKTEST = (DOCS / "backtest.md").read_text(encoding="utf-8")


def _commands():
    section = BUYER[BUYER.index("Before you sign") : BUYER.index("Read the verdicts")]
    block = re.search(r"```console\n(.*?)```", section, re.DOTALL).group(1)
    return [line.removeprefix("$ tallystick ").split() for line in block.splitlines()]


@pytest.mark.slow
def test_the_commands_before_signing(desk_company):
    """Every command of the section runs on a company's own records; the linter alone has something to say."""
    company = desk_company
    agreed = company.folder / "contracts/contract.yaml"
    text = re.sub(r"^contract: .*", "contract: acme", agreed.read_text(), flags=re.MULTILINE)
    agreed.write_text(text)
    offer = text.replace("version: 1", "version: 2").replace("reopen_days: 7", "reopen_days: 14")
    assert offer != text
    (company.folder / "contracts/offer.yaml").write_text(offer.replace("per_unit: 0.99", "per_unit: 1.20"))
    company.run("sync", "--now", company.now)
    printed = {}
    for words in _commands():
        extra = ["--now", company.now] if words[0] in {"backtest", "verify"} or words[1] == "diff" else []
        done = company.run(*words, *extra, check=False)
        assert done.returncode == (1 if words[1] == "lint" else 0), done.stderr
        printed[" ".join(words[:2])] = done.stdout

    assert "warning no-keys" in printed["contract lint"]
    assert "SHA-256" in printed["contract show"]
    assert "not_returned" in printed["backtest acme"]
    assert "outcomes.resolved.with.reopen_days" in printed["contract diff"]
    assert "intercom-like" in printed["verify acme"]
    assert not list(company.folder.glob("contracts/*.json"))
    _shapes(company)


def _shapes(company):
    """Hold what --json prints against the types that the page describes."""
    told = company.run("backtest", "acme", "--from", "2026-09", "--no-steps", "--json", "--now", company.now).stdout
    found = msgspec.json.decode(told, type=report.Backtest)
    assert found.outcomes[0].steps == ()
    assert sum(month.units["resolved"] for month in found.months) == found.outcomes[0].range.decided.units > 0
    told = company.run(
        "contract", "diff", "acme", "contracts/offer.yaml", "--json", "--now", company.now, "--period", "2026-10"
    ).stdout
    money = msgspec.convert(json.loads(told)["money"], ContractComparison)
    assert money.outcomes[0].new.amounts["USD"] > "0"
    body = company.json("contract", "show", "acme")
    assert body["sha256"] == found.sha256
    linted = json.loads(company.run("contract", "lint", "acme", "--json", check=False).stdout)
    assert set(linted) == {"contract", "version", "sha256", "findings", "counts"}
    assert set(linted["findings"][0]) == {"rule", "severity", "file", "line", "column", "reason", "rewrite"}


def test_the_fields_of_a_backtest_are_described():
    """Every field that a backtest has stands on its page."""
    for shape in (
        report.Backtest,
        report.OutcomeBacktest,
        report.Range,
        report.Estimate,
        report.MonthEstimate,
        report.BreakEven,
        report.ClauseEffect,
        report.StepEffect,
        report.PresetEffect,
    ):
        fields = [field.name for field in msgspec.structs.fields(shape)]
        assert [name for name in fields if not re.search(rf"[`.]{name}[`\[]", BACKTEST)] == []
