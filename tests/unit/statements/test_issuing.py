"""Issuing: once, when nothing may change any more, and the same bytes for ever; what changes later is a note."""

import json
import subprocess
import sys

import pytest
from sqlalchemy import text as sql
from tests.ledgers import TERMS, Ledger, at, payment, refund

from tallystick.database.engine import transaction
from tallystick.errors import ConfigurationError, Tampered
from tallystick.ledger import Log
from tallystick.period import DAY
from tallystick.statements.render import render
from tallystick.verification.acts import append_acts

CAPPED = TERMS.replace("outcomes:", "billing: {cap: {monthly: 15.00, excess: carried}}\noutcomes:")
OCTOBER = at("10-01T08:00:00")
NOVEMBER = at("11-02T08:00:00")


@pytest.fixture
def ledger(tmp_path):
    """A project with two claims of September that locked, read and verified past its end."""
    made = Ledger(tmp_path, CAPPED)
    made.claim("A,paid,ch_1,,,", "B,paid,ch_2,,,", "C,paid,ch_3,,,", now=at("09-01"))
    made.turn(payment("ch_1", at("09-01")), payment("ch_2", at("09-10"), "80.00"), now=OCTOBER)
    yield made
    made.engine.dispose()


def _totals(statement):
    return [str(amount) for amount in statement.totals]


def _notes(statement):
    return [(note.period, note.kind, str(note.amount)) for note in statement.notes]


def test_issuing_records_what_was_said(ledger):
    """The statement becomes an entry of the ledger, with its digest, its total and the size it was computed from."""
    size = ledger.log.size
    statement = ledger.issue("2026-09", OCTOBER)
    entry = json.loads(ledger.log.read(size))

    assert _totals(statement) == ["15.00 EUR"]
    assert ledger.log.size == size + 1
    assert (entry["kind"], entry["key"], entry["size"], entry["sha256"]) == (
        "statement",
        "2026-09",
        size,
        statement.digest,
    )
    assert entry["totals"] == [{"minor": 1500, "currency": "EUR", "exponent": 2}]
    [issued] = ledger.book.issued()
    assert (issued.entry, issued.period.label, issued.prepared_at) == (size, "2026-09", OCTOBER)
    assert ledger.fsck() == []


def test_the_same_bytes_whatever_comes_later(ledger):
    """An issued statement is given again byte for byte after refunds, new claims, verdicts, notes and a new version."""
    issued = ledger.issue("2026-09", OCTOBER)
    forms = {form: render(issued, form) for form in ("json", "csv", "html")}
    october = None
    for step in range(4):
        now = at("10-02") + step * 20 * DAY
        if step == 0:
            ledger.turn(refund("re_1", "ch_1", at("10-02")), now=now)
        if step == 1:
            ledger.claim("D,paid,ch_4,,,", now=now)
            ledger.turn(payment("ch_4", at("09-20")), now=now)
        if step == 2:
            october = ledger.issue("2026-10", now)
        if step == 3:
            ledger.agree(CAPPED.replace("version: 1", "version: 2\neffective: 2027-02-01"))
            ledger.turn(payment("ch_2", at("09-10"), "70.00", known=70 * DAY), now=now)
        for form, content in forms.items():
            assert render(ledger.prepare("2026-09", now + DAY), form) == content

    assert _notes(october) == [("2026-09", "credit", "0.00 EUR")] or october.notes == ()
    again = ledger.prepare("2026-10", at("12-20"))
    assert render(again, "json") == render(october, "json")
    assert ledger.fsck() == []


def test_a_late_refund_becomes_a_credit_note(tmp_path):
    """What was billed and then given back is a note on the next statement, which names the claim, and only once."""
    ledger = Ledger(tmp_path)
    ledger.claim("A,paid,ch_1,,,", "B,paid,ch_2,,,", now=at("09-01"))
    ledger.turn(payment("ch_1", at("09-01")), payment("ch_2", at("09-10"), "80.00"), now=OCTOBER)
    assert _totals(ledger.issue("2026-09", OCTOBER)) == ["18.00 EUR"]
    ledger.turn(refund("re_1", "ch_1", at("10-05")), now=at("10-06"))
    ledger.turn(now=NOVEMBER)
    october = ledger.issue("2026-10", NOVEMBER)

    assert _notes(october) == [("2026-09", "credit", "-10.00 EUR")]
    [change] = october.notes[0].changes
    assert (change.subject, change.status, str(change.before), change.after) == (
        "claim:A",
        "reversed",
        "10.00 EUR",
        None,
    )
    assert change.reason.startswith("unrefunded: ")
    assert _totals(october) == ["-10.00 EUR"]
    ledger.turn(now=at("12-02"))
    assert ledger.prepare("2026-11", at("12-02")).notes == ()
    ledger.engine.dispose()


def test_a_claim_taken_in_late_becomes_a_debit_note(ledger):
    """A claim on an outcome that locked in an issued month is owed by a debit note on the next statement."""
    ledger.issue("2026-09", OCTOBER)
    ledger.claim("D,paid,ch_4,,,", now=at("10-05"))
    ledger.turn(payment("ch_4", at("09-03"), "9.00"), now=NOVEMBER)

    # September stays at its cap; what is new is carried into October.
    october = ledger.prepare("2026-10", NOVEMBER)
    assert _notes(october) == []
    assert _totals(october) == ["3.90 EUR"]


def test_months_may_be_issued_in_any_order(ledger):
    """A month issued after a later one has its own statement, and what it moves in the later one is a note."""
    ledger.claim("D,paid,ch_4,,,", now=OCTOBER)
    ledger.turn(payment("ch_4", at("10-10"), "30.00"), now=NOVEMBER)
    october = ledger.issue("2026-10", NOVEMBER)
    september = ledger.issue("2026-09", NOVEMBER)

    assert _totals(october) == ["6.00 EUR"]
    assert _totals(september) == ["15.00 EUR"]
    assert [statement.period.label for statement in ledger.book.issued()] == ["2026-10", "2026-09"]
    ledger.turn(refund("re_1", "ch_1", at("11-03")), now=at("11-04"))
    assert _notes(ledger.prepare("2026-11", at("12-02"))) == [
        ("2026-10", "credit", "-3.00 EUR"),
        ("2026-09", "credit", "-7.00 EUR"),
    ]


def test_a_statement_is_issued_once(ledger):
    """The same period is not issued again, and nothing is written."""
    ledger.issue("2026-09", OCTOBER)
    size = ledger.log.size
    with pytest.raises(ConfigurationError, match="the statement of acme for 2026-09 was issued already"):
        ledger.issue("2026-09", OCTOBER)

    assert ledger.log.size == size


@pytest.mark.parametrize(("first", "second"), [("2026-09", "2026Q3"), ("2026Q3", "2026-09"), ("2026Q3", "2026-07")])
def test_months_or_quarters(ledger, first, second):
    """A quarter over an issued month, and a month in an issued quarter, are neither issued nor prepared."""
    ledger.issue(first, OCTOBER)
    for attempt in (ledger.issue, ledger.prepare):
        with pytest.raises(ConfigurationError, match=f"{second} overlaps {first}, for which a statement was issued"):
            attempt(second, OCTOBER)


def test_a_month_beside_an_issued_quarter(ledger):
    """Months before and after an issued quarter do not overlap it."""
    ledger.issue("2026Q3", OCTOBER)

    assert ledger.issue("2026-06", OCTOBER).period.label == "2026-06"
    assert ledger.prepare("2026-10", OCTOBER).provisional == ("The period is not over yet.",)


def test_a_period_that_is_not_over(ledger):
    """A period is issued from its last instant on, in the contract's zone, and not before."""
    with pytest.raises(ConfigurationError, match="for 2026-10 may still change: The period is not over yet"):
        ledger.issue("2026-10", at("10-31T22:59:59"))
    assert ledger.issue("2026-10", at("10-31T23:00:00")).provisional == ()


@pytest.fixture
def behind(tmp_path):
    """A project that read its source up to a day in September, when a claim was still waiting."""
    made = Ledger(tmp_path)
    made.claim("A,paid,ch_1,,,", now=at("09-20"))
    made.read(payment("ch_1", at("09-20")), upto=at("09-21"))
    made.verify(OCTOBER)
    yield made
    made.engine.dispose()


def test_claims_that_wait_for_the_source(behind):
    """While a claim waits for a window that is over and was not read past, nothing is issued; read on, it is."""
    with pytest.raises(ConfigurationError, match="1 claim is pending whose windows end before the period does"):
        behind.issue("2026-09", OCTOBER)
    assert behind.book.issued() == []
    behind.turn(now=OCTOBER)

    assert _totals(behind.issue("2026-09", OCTOBER)) == ["10.00 EUR"]


def test_a_ledger_that_grew_meanwhile(ledger, monkeypatch):
    """What another process writes between preparing and recording stops the issue; issued again, it counts it."""
    prepare = type(ledger.book).prepare

    def prepare_slowly(book, period, *, now):
        statement = prepare(book, period, now=now)
        other = Log(ledger.engine, "tallystick/test")
        entry = {"kind": "remark", "at": "2026-10-01T08:00:00Z", "contract": "acme", "key": "1"}
        with transaction(ledger.engine) as connection:
            append_acts(connection, other, "acme", [entry])
            other.checkpoint(connection, ledger.signer)
        return statement

    with monkeypatch.context() as patch:
        patch.setattr(type(ledger.book), "prepare", prepare_slowly)
        with pytest.raises(ConfigurationError, match="the ledger grew while the statement was prepared"):
            ledger.issue("2026-09", OCTOBER)

    assert ledger.book.issued() == []
    assert _totals(ledger.issue("2026-09", OCTOBER)) == ["15.00 EUR"]


# --- what was altered


def _alter(ledger, match, old, new):
    """Change bytes of the entries that hold a text, past the trigger that guards them."""
    with ledger.engine.begin() as connection:
        connection.execute(sql("DROP TRIGGER IF EXISTS ledger_entry_no_update"))
        done = connection.execute(
            sql(
                "UPDATE ledger_entry SET data = CAST(REPLACE(CAST(data AS TEXT), :old, :new) AS BLOB) "
                "WHERE INSTR(CAST(data AS TEXT), :match) AND INSTR(CAST(data AS TEXT), :old)"
            ),
            {"old": old, "new": new, "match": match},
        )
    assert done.rowcount == 1


@pytest.mark.parametrize(
    ("match", "old", "new"),
    [
        ('"kind":"statement"', '"minor":1500', '"minor":1400'),
        ('"claim:A"', '"quantity":"100', '"quantity":"101'),
        ('"claim:B"', '"status":"verified"', '"status":"reversed"'),
    ],
)
def test_an_altered_entry_is_found_by_the_next_statement(tmp_path, match, old, new):
    """A stored statement or a verdict that says something else stops the next statement, which names the entry."""
    ledger = Ledger(tmp_path)
    ledger.claim("A,paid,ch_1,,,", "B,paid,ch_2,,,", now=at("09-01"))
    ledger.turn(payment("ch_1", at("09-01"), "100.00"), payment("ch_2", at("09-10"), "50.00"), now=OCTOBER)
    issued = ledger.issue("2026-09", OCTOBER)
    entry = ledger.log.size - 1
    assert _totals(issued) == ["15.00 EUR"]
    _alter(ledger, match, old, new)

    with pytest.raises(Tampered, match=f"ledger entry {entry}: the statement for 2026-09 and its notes come to"):
        ledger.prepare("2026-10", NOVEMBER)
    ledger.engine.dispose()


@pytest.mark.parametrize(
    ("match", "old", "new"),
    [
        ('"claim:A"', '"quantity":"100', '"quantity":"101'),
        ('"claim:A"', '"ref":"ch_1"', '"ref":"ch_8"'),
        ('"kind":"statement"', '"sha256":"', '"sha256":"0'),
    ],
)
def test_an_altered_entry_is_found_when_it_is_given_again(ledger, match, old, new):
    """Whatever lies under an issued statement: other bytes there give another one, and that is said."""
    ledger.issue("2026-09", OCTOBER)
    _alter(ledger, match, old, new)

    with pytest.raises(Tampered):
        ledger.prepare("2026-09", NOVEMBER)
    assert ledger.fsck() != []


def test_an_index_that_leads_elsewhere(ledger):
    """An index of acts that names another entry as the statement is found."""
    ledger.issue("2026-09", OCTOBER)
    with ledger.engine.begin() as connection:
        connection.execute(sql("UPDATE ledger_act SET idx = 0"))

    with pytest.raises(Tampered, match="ledger entry 0 is not the statement"):
        ledger.prepare("2026-10", NOVEMBER)


# --- by the command line


@pytest.fixture
def typed(ledger):
    """Runs a verb in the folder of the ledger, as a process of its own, and gives how it ended."""
    project = """\
project: test
folder: .
sources:
  billing: {connector: stripe, key: "env:NO_KEY", start: 2026-01-01}
contracts: [contract.yaml]
"""
    (ledger.folder / "tallystick.yaml").write_text(project)

    def run(*words):
        command = [sys.executable, "-m", "tallystick", *words]
        return subprocess.run(command, cwd=ledger.folder, capture_output=True, text=True, check=False)

    return run


def test_a_statement_is_issued_by_the_command_line(typed, ledger):
    """`statement --issue` prints what it issues, and `statement` prints the same bytes from then on."""
    first = typed("statement", "acme", "2026-09", "--issue", "--now", "2026-10-01T08:00:00Z")
    ledger.turn(refund("re_1", "ch_1", at("10-02")), now=at("10-03"))
    again = typed("statement", "acme", "2026-09", "--now", "2026-12-24T00:00:00Z")

    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert json.loads(first.stdout)["total"] == "15.00"
    assert again.stdout == first.stdout
    assert [statement.sha256 for statement in ledger.book.issued()] == [ledger.prepare("2026-09", OCTOBER).digest]


@pytest.mark.parametrize(
    ("label", "now", "says"),
    [
        ("2026-09", "2026-10-01T08:00:00Z", "the statement of acme for 2026-09 was issued already"),
        ("2026Q3", "2026-10-01T08:00:00Z", "2026Q3 overlaps 2026-09, for which a statement was issued"),
        ("2026-10", "2026-10-31T22:59:59Z", "the statement of acme for 2026-10 may still change: The period is not"),
        ("2026-13", "2026-10-01T08:00:00Z", "'2026-13' is not a period"),
    ],
)
def test_what_is_refused_exits_with_2(typed, ledger, label, now, says):
    """What cannot be issued is said in one message with exit code 2, and the ledger is as it was."""
    ledger.issue("2026-09", OCTOBER)
    size = ledger.log.size
    done = typed("statement", "acme", label, "--issue", "--now", now)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {says}")
    assert ledger.log.size == size


@pytest.mark.parametrize(
    ("label", "altered"),
    [
        ("2026-09", ('"claim:A"', '"quantity":"100', '"quantity":"900')),
        ("2026-10", ('"kind":"statement"', '"minor":1500', '"minor":1400')),
    ],
)
def test_what_was_altered_exits_with_4(typed, ledger, label, altered):
    """A statement that the ledger does not bear out any more is said with exit code 4, given again or corrected."""
    ledger.issue("2026-09", OCTOBER)
    _alter(ledger, *altered)
    done = typed("statement", "acme", label, "--now", "2026-11-02T08:00:00Z")

    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("error: ledger entry ")
