"""`tallystick review` over a project that was read from a simulator: a page, a paper, and numbers that add up."""

import io
import re

import pypdf
import pytest
from tests.exports import contract_of

from tallystick.cli.project import open_project
from tallystick.period import parse_period
from tallystick.review.numbers import happened_at
from tallystick.verification.recorder import read_verdicts

STATUSES = ("verified", "pending", "rejected", "unverifiable", "reversed")


def _fill(company):
    company.run("sync", "--now", company.now)
    company.run("claims", "import", company.write_claims(), "--contract", contract_of(company), "--now", company.now)
    company.run("verify", "--now", company.now)


def _rejected(company, quarter):
    """Give the claim id of one that was rejected, and of which the outcome happened in a quarter."""
    period = parse_period(quarter, "Europe/Berlin")
    with open_project(company.folder / "tallystick.yaml") as project:
        verdicts = read_verdicts(project.engine, contract_of(company)).values()
    return next(
        verdict.subject.removeprefix("claim:")
        for verdict in verdicts
        if verdict.status == "rejected" and happened_at(verdict) in period
    )


def _quarter(company):
    year, month = company.story.period.split("-")
    return f"{year}Q{(int(month) + 2) // 3}"


@pytest.mark.parametrize("kind", ["company", "desk_company", "sales_company"])
def test_a_quarter_of_each_system(kind, request):
    """The numbers of a quarter add up, agree with the statement, and show the signals of the system's records."""
    company = request.getfixturevalue(kind)
    _fill(company)
    name, quarter = contract_of(company), _quarter(company)
    before = company.json("ledger", "fsck")
    data = company.json("review", name, "--quarter", quarter, "--now", company.now)

    statement = company.json("statement", name, company.story.period, "--now", company.now)
    [month] = [each for each in data["months"] if each["month"] == company.story.period]
    assert month["owed"] in [{key: total[key] for key in ("amount", "currency")} for total in statement["totals"]]
    assert month["lines"] == sum(line["currency"] == month["owed"]["currency"] for line in statement["lines"])
    assert 0 < sum(data["counts"].values()) <= len(company.story.claims)
    assert sum(each["claims"] for each in data["rejected_by"]) == data["counts"]["rejected"] > 0
    for status in STATUSES:
        assert sum(each["counts"][status] for each in data["outcomes"]) == data["counts"][status]
    assert data["signals"]
    # Everything was read for the first time, so that nothing can have been back-dated.
    assert {signal["count"] for signal in data["signals"] if signal["name"] == "back_dated"} <= {0}
    assert company.json("ledger", "fsck") == before
    assert company.json("review", name, "--quarter", quarter, "--now", company.now) == data


def test_the_page_and_the_paper(company):
    """The page loads nothing, the paper's text can be read out, and both name the same amount owed."""
    _fill(company)
    name, quarter = contract_of(company), _quarter(company)
    told = company.run("review", name, "--quarter", quarter, "--now", company.now)
    assert told.stdout == f"Review: review-{name}-{quarter}.html\n"
    html = (company.folder / f"review-{name}-{quarter}.html").read_text(encoding="utf-8")
    company.run("review", name, "--quarter", quarter, "--format", "pdf", "-o", "r.pdf", "--now", company.now)
    paper = "".join(
        page.extract_text() for page in pypdf.PdfReader(io.BytesIO((company.folder / "r.pdf").read_bytes())).pages
    )
    owed = company.json("review", name, "--quarter", quarter, "--now", company.now)["owed"]

    assert (
        re.findall(r"""(?:src|href|srcset|data|action)\s*=\s*["'](?!#)|url\((?!#)|@import|<script|<link""", html) == []
    )
    for text in (html, paper):
        plain = " ".join(text.replace("\u00a0", " ").split())
        assert f"{owed['amount']} {owed['currency']}" in plain.replace(",", "")
        assert "The way out" in plain
        assert "Signals are no verdicts" in plain


def test_disputes_of_the_quarter(company):
    """A dispute on a claim of the quarter is told by its state, and not in a review of another quarter."""
    _fill(company)
    name, quarter = contract_of(company), _quarter(company)
    words = ["dispute", "open", _rejected(company, quarter), "--by", "vendor", "--reason", "other", "--text", "No."]
    company.run(*words, "--now", company.now)

    assert company.json("review", name, "--quarter", quarter, "--now", company.now)["disputes"] == {"open": 1}
    assert company.json("review", name, "--quarter", "2025Q4", "--now", company.now)["disputes"] == {}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nobody", "--quarter", "2026Q3"], 2, "nobody"),
        (["NAME", "--quarter", "summer"], 2, "is not a period"),
        (["NAME", "--quarter", "2059Q1"], 2, "2059Q1 has not begun"),
    ],
)
def test_what_cannot_be_reviewed(company, arguments, code, says):
    """A contract nobody knows, a text that is no period and a quarter to come are refused, and no file is written."""
    company.run("sync", "--now", company.now)
    words = [contract_of(company) if word == "NAME" else word for word in arguments]
    done = company.run("review", *words, "--now", company.now, check=False)

    assert (done.returncode, says in done.stderr, done.stdout) == (code, True, "")
    assert list(company.folder.glob("review-*")) == []
