"""A statement reads the same as JSON, as CSV and as a page, and no form of it can be turned against its reader."""

import csv
import io
import json
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser

import pytest
import rfc8785

from tallystick.statements.cells import harmless
from tallystick.statements.render import CSV_COLUMNS, FORMS, render
from tallystick.verification.verdict import Reason


@pytest.fixture
def statement(acme):
    """A statement with lines in two currencies, a cap, a found outcome and claims of every status."""
    builder = acme.terms(cap="100.00")
    return builder.rate(
        builder.verdict("A", quantity="1000.00"),
        builder.verdict("B", quantity="10.00", currency="USD"),
        builder.verdict("found:recovered:ch_9", quantity="80.00"),
        *(builder.verdict(f"C-{status}", status) for status in ("pending", "rejected", "unverifiable", "reversed")),
    )


def _rows(statement):
    return list(csv.DictReader(io.StringIO(render(statement, "csv").decode(), newline="")))


class _Page(HTMLParser):
    """What a page shows, and what it would load."""

    def __init__(self, content):
        super().__init__()
        self.text, self.tags, self.loads = [], [], []
        self.hidden = 0
        self.feed(content.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.hidden += tag == "style"
        self.loads += [value for name, value in attrs if name in {"src", "href", "srcset", "action", "data"}]

    def handle_endtag(self, tag):
        self.hidden -= tag == "style"

    def handle_data(self, data):
        if not self.hidden:
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


# --- JSON


def test_json_is_canonical(statement):
    """The JSON form is RFC 8785 plus a line end, carries the digest, and holds no number with a decimal point."""
    content = render(statement, "json")
    data = json.loads(content, parse_float=pytest.fail)

    assert content == rfc8785.dumps(data) + b"\n"
    assert data["sha256"] == statement.digest


def test_json_adds_up(statement):
    """A reader of the JSON form finds lines, adjustments and total as decimal texts that add up exactly."""
    data = json.loads(render(statement, "json"))

    euros = [Decimal(part["amount"]) for part in data["lines"] + data["adjustments"] if part["currency"] == "EUR"]
    assert sum(euros) == Decimal(data["total"]) == Decimal("100.00")
    assert data["totals"] == [{"amount": "100.00", "currency": "EUR"}, {"amount": "1.25", "currency": "USD"}]
    assert data["saved_by_cap"] == "25.00"
    assert data["claims"]["counts"]["claimed"] == 6
    assert data["found_not_claimed"][0]["amount"] == "10.00"
    assert data["lines"][0] == {
        "outcome": "recovered",
        "subject": "claim:A",
        "ref": "A",
        "record": {"type": "payment", "id": "ch_A"},
        "occurred_at": "2026-08-10T10:00:00Z",
        "decided_at": "2026-09-10T10:00:00Z",
        "locks_at": "2026-09-10T10:00:00Z",
        "quantity": "1000.00",
        "unit": "EUR",
        "rate": None,
        "price": "12.5 %",
        "amount": "125.00",
        "currency": "EUR",
        "within_cap": "100.00",
        "status": "verified",
        "contract_version": 1,
        "ledger_entry": 10,
    }


@pytest.mark.parametrize(
    ("quantity", "text"),
    [("100.00", "100.00"), ("1E+2", "100"), ("1E-7", "0.0000001"), ("-2.50E+3", "-2500"), ("0E-8", "0.00000000")],
)
def test_json_writes_quantities_in_plain_notation(acme, quantity, text):
    """A quantity is written with the digits it has, without a power of ten."""
    data = json.loads(render(acme.rate(acme.verdict("A", quantity=quantity)), "json"))
    assert data["lines"][0]["quantity"] == text


def test_json_of_an_unknown_instant(acme):
    """An outcome of which nobody knows when it happened says null."""
    data = json.loads(render(acme.rate(acme.verdict("A", occurred_at=None)), "json"))

    assert data["lines"][0]["occurred_at"] is None


# --- CSV


def test_csv_adds_up(statement):
    """The amounts of the CSV form add up to the totals, currency by currency, and found outcomes are not among them."""
    rows = _rows(statement)

    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row["kind"] for row in rows] == ["line", "line", "cap", "found"]
    totals = {"EUR": Decimal(0), "USD": Decimal(0)}
    for row in rows:
        totals[row["currency"]] += Decimal(row["amount"] or 0)
    assert totals == {amount.currency.code: amount.amount for amount in statement.totals}
    assert rows[3]["amount_if_claimed"] == "10.00"
    assert rows[2]["note"] == "September 2026: lowered from 125.00 EUR to the cap of 100.00 EUR"


def test_csv_keeps_negative_numbers(statement):
    """A negative amount stays a number: it has no apostrophe."""
    assert _rows(statement)[2]["amount"] == "-25.00"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
def test_formula_cells(acme, start):
    """Text from a vendor or a source that a spreadsheet would run starts with an apostrophe in CSV."""
    evil = f'{start}HYPERLINK("http://x"),"'
    builder = acme.rate(acme.verdict(f"claim:{evil}", record_id=evil, occurred_at=None))
    [row] = _rows(builder)

    assert row["claim"] == row["record_id"] == f"'{evil}"
    assert row["occurred_at"] == ""


@pytest.mark.parametrize("text", ["", "C-0001", "ch_3Pabc", "a=b", "1-2", "'=1"])
def test_harmless_cells(text):
    """Ordinary text is written as it is."""
    assert harmless(text) == text


# --- HTML


def test_the_page_says_who_owes_what(statement):
    """The page begins with who owes whom how much, and goes on with how it adds up and why."""
    words = _Page(render(statement, "html")).words

    assert "Acme GmbH owes Recoverly Collections 100.00 EUR and 1.25 USD" in words
    assert "1 verified outcome priced and rounded one by one 125.00 EUR" in words
    assert "Cap relief September 2026: lowered from 125.00 EUR to the cap of 100.00 EUR \u221225.00 EUR" in words
    assert "Recovered Overdue invoices that were paid" in words
    assert "Met but never claimed: 1" in words
    assert "tallystick ledger fsck" in words
    assert statement.digest in words
    assert "PROVISIONAL" not in words


def test_the_page_loads_nothing(statement):
    """The page is one file: no script, no picture, no link, and a policy that forbids loading any."""
    page = _Page(render(statement, "html"))

    assert not {"script", "img", "link", "iframe", "object", "a", "form"} & set(page.tags)
    assert page.loads == []
    assert b"default-src 'none'" in render(statement, "html")
    assert b"url(" not in render(statement, "html")


def test_the_page_escapes(acme):
    """Names, ids and reasons from outside are text on the page, never markup."""
    evil = "<script>alert(1)</script>&\"'"
    statement = acme.rate(
        acme.verdict(f"claim:{evil}", record_id=evil),
        acme.verdict("R", "rejected", reasons=(Reason(evil, evil),)),
    )
    content = render(statement, "html")

    assert b"<script" not in content
    assert content.count(b"&lt;script&gt;") == 4
    assert evil in _Page(content).words


def test_a_provisional_page(acme):
    """A provisional statement says so above everything else, and why."""
    words = _Page(render(acme.rate(now="2026-09-20T00:00:00Z"), "html")).words

    assert words.index("PROVISIONAL The period is not over yet.") < words.index("owes")


def test_an_empty_page(acme):
    """A statement without lines, floor and claims says so in words."""
    words = _Page(render(acme.rate(), "html")).words

    assert "0.00 EUR for 0 outcomes" in words
    assert "No claimed outcome locked in this period." in words
    assert "Met but never claimed" not in words
    assert "Why claims are not on this statement" not in words


def test_a_floor_on_the_page(acme):
    """A floor says how many days it was counted for, if not for the whole month."""
    part = acme.terms(floor="3000.00", start=date(2026, 9, 16)).rate()
    whole = acme.terms(floor="3000.00").rate()

    assert "raised from 0.00 EUR to the floor of 1,500.00 EUR for 15 of 30 days" in _Page(render(part, "html")).words
    assert "to the floor of 3,000.00 EUR 3,000.00 EUR" in _Page(render(whole, "html")).words


def test_verified_in_other_periods(acme):
    """The page says how many verified claims stand on other statements, and which instants nobody knows."""
    october = acme.verdict("B", decided_at=acme.verdict("A").decided_at + 40 * 86_400_000_000)
    words = _Page(render(acme.rate(acme.verdict("A", occurred_at=None), october), "html")).words

    assert "1 of them on this statement, the others locked in other periods" in words
    assert "unknown 10 Sep 2026" in words


@pytest.mark.parametrize(("label", "title"), [("2026Q1", "First quarter 2026"), ("2026Q4", "Fourth quarter 2026")])
def test_title_of_a_quarter(acme, label, title):
    """A quarter is called what people call it."""
    assert f"Statement for {title}" in _Page(render(acme.rate(period=label), "html")).words


def test_special_reasons_in_words(acme):
    """Reasons that are no clause of the contract are said in words."""
    verdicts = [
        acme.verdict(clause, "rejected", reasons=(Reason(clause, "..."),))
        for clause in ("duplicate", "no_such_record", "not_automatic")
    ]
    words = _Page(render(acme.rate(*verdicts), "html")).words

    assert all(said in words for said in ("claimed twice", "no such record", "not automatic"))


# --- all forms


@pytest.mark.parametrize("form", FORMS)
def test_the_same_bytes(statement, form):
    """Rendering twice gives the same bytes."""
    assert render(statement, form) == render(statement, form)


def test_unknown_form(statement):
    """A form that is none of the four is refused."""
    with pytest.raises(ValueError, match="unknown form 'xml'; use json, csv, html, pdf"):
        render(statement, "xml")
