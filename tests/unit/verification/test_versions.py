"""Versions of a contract, each for what happened in its time, and the end of a contract by notice."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import text as sql
from tests.ledgers import TERMS, Ledger, at, payment, record

from tallystick.contracts import Agreement, Termination
from tallystick.errors import ConfigurationError, ContractError, Tampered
from tallystick.period import DAY, format_instant
from tallystick.statements.render import render
from tallystick.verification.agreements import terminate

MIDNIGHT = at("09-30T22:00:00")  # the first of October in Berlin
SECOND = 1_000_000
V2 = TERMS.replace("version: 1", "version: 2\neffective: 2026-10-01").replace("percent: 10", "percent: 20")
V3 = TERMS.replace("version: 1", "version: 3\neffective: 2026-11-01").replace("percent: 10", "percent: 30")


@pytest.fixture
def ledger(tmp_path):
    """A project under the first version, which was used in August."""
    made = Ledger(tmp_path)
    made.verify(at("08-20"))
    yield made
    made.engine.dispose()


def _agree(ledger, text, now):
    """Go by another version and use it."""
    ledger.agree(text)
    ledger.verify(now)


def _governed(ledger):
    return {subject.removeprefix("claim:"): verdict.contract_version for subject, verdict in ledger.verdicts.items()}


def test_a_second_before_and_after_midnight(ledger):
    """What happened up to the midnight of the zone is decided under the old version, from then on under the new one."""
    ledger.claim("A,paid,ch_1,,,", "B,paid,ch_2,,,", now=at("09-20"))
    _agree(ledger, V2, at("09-21"))
    ledger.turn(payment("ch_1", MIDNIGHT - SECOND), payment("ch_2", MIDNIGHT), now=at("10-10"))

    assert _governed(ledger) == {"A": 1, "B": 2}
    lines = ledger.prepare("2026-10", at("11-02")).lines
    assert [(line.version, str(line.amount)) for line in lines] == [(1, "10.00 EUR"), (2, "20.00 EUR")]


def test_three_versions(ledger):
    """Each of three versions decides its own time, whenever it is decided, and the agreement knows the spans."""
    _agree(ledger, V2, at("09-01"))
    _agree(ledger, V3, at("10-05"))
    november = at("10-31T23:00:00")
    days = [MIDNIGHT - 1, MIDNIGHT, november - 1, november]
    ledger.claim(*(f"{name},paid,ch_{name},,," for name in "ABCD"), now=at("10-05"))
    ledger.turn(*(payment(f"ch_{name}", day) for name, day in zip("ABCD", days, strict=True)), now=at("11-20"))

    assert _governed(ledger) == {"A": 1, "B": 2, "C": 2, "D": 3}
    agreement = ledger.agreement
    assert [agreement.span(contract) for contract in agreement.versions] == [
        (None, MIDNIGHT),
        (MIDNIGHT, november),
        (november, None),
    ]
    assert [agreement.governing(day).version for day in days] == [1, 2, 2, 3]
    assert ledger.verify(at("11-21")) == 0
    assert ledger.fsck() == []


def test_found_outcomes_follow_their_version_too(ledger):
    """What nobody claimed is found once, under the version of its time."""
    _agree(ledger, V2, at("09-21"))
    ledger.turn(payment("ch_1", MIDNIGHT - SECOND), payment("ch_2", MIDNIGHT), now=at("10-10"))

    found = {verdict.record_id: verdict.contract_version for verdict in ledger.verdicts.values()}
    assert found == {"ch_1": 1, "ch_2": 2}


def test_an_outcome_of_one_version_alone(ledger):
    """What happened while no version had its outcome is rejected as such; while one had it, it counts."""
    added = V2 + V2.partition("outcomes:\n")[2].replace("  paid:", "  again:")
    without = V3.replace("  paid:", "  again:")
    _agree(ledger, added, at("09-21"))
    ledger.claim("A,again,ch_1,,,", "B,again,ch_2,,,", "C,paid,ch_3,,,", now=at("09-22"))
    _agree(ledger, without, at("10-05"))
    ledger.turn(
        payment("ch_1", MIDNIGHT - SECOND),
        payment("ch_2", MIDNIGHT),
        payment("ch_3", at("11-05")),
        now=at("11-20"),
    )
    told = {subject: (verdict.status, verdict.contract_version) for subject, verdict in ledger.verdicts.items()}

    assert told["claim:A"] == ("rejected", 2)
    assert told["claim:B"] == ("verified", 2)
    assert told["claim:C"] == ("rejected", 2)
    assert [ledger.verdicts[f"claim:{name}"].reasons[0].clause for name in "AC"] == ["version", "version"]
    assert "when another version was in force, which has no outcome paid" in ledger.verdicts["claim:C"].reasons[0].text


def test_a_record_is_one_unit_across_versions(ledger):
    """A record claimed twice, under outcomes of two versions, is paid once: the version of its time pays."""
    other = V2.replace("  paid:", "  again:")
    ledger.claim("A,paid,ch_1,,,", "B,paid,ch_2,,,", now=at("09-20"))
    _agree(ledger, other, at("09-21"))
    ledger.claim("C,again,ch_1,,,", "D,again,ch_2,,,", now=at("09-22"))
    ledger.turn(payment("ch_1", at("09-25")), payment("ch_2", at("10-05")), now=at("10-20"))
    told = {subject[-1]: (verdict.status, verdict.reasons[:1]) for subject, verdict in ledger.verdicts.items()}

    assert {name: status for name, (status, _) in told.items()} == {
        "A": "verified",
        "B": "rejected",
        "C": "rejected",
        "D": "verified",
    }
    assert [told[name][1][0].clause for name in "BC"] == ["version", "version"]
    assert [verdict for verdict in ledger.verdicts.values() if verdict.found] == []


def test_what_happened_at_no_known_instant(ledger):
    """A claim on what is not there is decided under the version in force; once it locked it keeps its version."""
    ledger.claim("A,paid,ch_9,2026-09-10T00:00:00Z,,", now=at("09-20"))
    _agree(ledger, V2, at("09-21"))
    ledger.turn(now=at("09-25"))
    assert _governed(ledger) == {"A": 1}
    ledger.turn(now=at("10-05"))
    assert _governed(ledger) == {"A": 2}
    assert ledger.verify(at("10-06")) == 0


def test_a_record_without_an_instant_is_in_no_other_term(ledger):
    """A record that does not say when it happened is unverifiable, and not refused as outside the term."""
    values = {"status": "succeeded", "method": "card", "amount_captured": Decimal(10), "currency": "EUR", "exponent": 2}
    ledger.claim("A,paid,ch_1,,,", now=at("09-20"))
    ledger.turn(record("payment", "ch_1", at("09-10"), **values), now=at("09-21"))

    assert ledger.told("A") == ("unverifiable", None, 1)
    assert ledger.verdicts["claim:A"].reasons[0].clause != "term"


def test_what_the_buyer_bears_keeps_the_version_it_locked_under(tmp_path):
    """A locked claim on a record that is gone keeps its terms and its price when a new version takes effect."""
    bears = TERMS.replace("outcomes:", "unverifiable: {borne_by: buyer, grace_days: 1}\noutcomes:")
    ledger = Ledger(tmp_path, bears)
    ledger.claim("A,paid,ch_1,2026-09-10T00:00:00Z,100.00,EUR", now=at("09-20"))
    lost = payment("ch_1", at("09-01"))
    ledger.turn(type(lost)("payment", "ch_1", at("09-02"), lost.values, b"{}", deleted=True), now=at("09-21"))
    ledger.agree(V2.replace("outcomes:", "unverifiable: {borne_by: buyer, grace_days: 1}\noutcomes:"))
    ledger.verify(at("09-22"))
    ledger.issue("2026-09", at("10-02"))
    assert ledger.turn(now=at("10-05")) == 0

    assert ledger.told("A") == ("unverifiable", "2026-09-11T00:00:00Z", 1)
    assert ledger.prepare("2026-10", at("11-02")).notes == ()
    ledger.engine.dispose()


def test_a_later_version_leaves_a_statement_as_it_was(ledger):
    """A statement of the first version is the same, byte for byte, before and after the second one is agreed."""
    ledger.claim("A,paid,ch_1,,,", now=at("09-01"))
    ledger.turn(payment("ch_1", at("09-01")), now=at("09-10"))
    ledger.turn(now=at("10-02"))
    ledger.issue("2026-09", at("10-02"))
    before = render(ledger.prepare("2026-09", at("10-02")), "json")
    ledger.agree(V2.replace("2026-10-01", "2026-11-01"))
    assert render(ledger.prepare("2026-09", at("10-03")), "json") == before
    ledger.verify(at("10-03"))
    ledger.turn(now=at("11-03"))

    assert render(ledger.prepare("2026-09", at("11-03")), "json") == before
    assert ledger.prepare("2026-10", at("11-03")).notes == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (V2.replace("effective: 2026-10-01\n", ""), "does not say from when on it decides"),
        (V2.replace("2026-10-01", "2026-09-01"), "it would change the past"),
        (V2.replace("version: 2", "version: 1"), "version 1 was already used with another text"),
        (V2.replace("Europe/Berlin", "Europe/London"), "another time zone"),
    ],
)
def test_a_version_that_would_change_the_past(ledger, text, says):
    """A version without a day, with one that is over, or that counts its months anew is refused and leaves no trace."""
    ledger.verify(at("09-20"))
    size = ledger.log.size
    with pytest.raises(ContractError, match=says):
        _agree(ledger, text, at("09-21"))

    assert ledger.log.size == size
    ledger.agree(TERMS)
    assert ledger.verify(at("09-22")) == 0
    assert ledger.fsck() == []


def test_a_version_takes_effect_after_the_one_before_it(ledger):
    """A third version that starts with or before the second is refused before it is recorded: nothing is stuck."""
    _agree(ledger, V2, at("08-21"))
    for day in ("2026-09-01", "2026-10-01"):
        with pytest.raises(ContractError, match=r"takes effect on .*, not after version 2, which does on 2026-10-01"):
            _agree(ledger, V3.replace("2026-11-01", day), at("08-22"))
    _agree(ledger, V3, at("08-23"))

    assert [contract.version for contract in ledger.agreement.versions] == [1, 2, 3]


def test_the_instant_of_a_version_is_its_first(ledger):
    """At the very midnight at which a version takes effect it is too late to agree on it."""
    ledger.verify(at("09-20"))
    with pytest.raises(ContractError, match="it would change the past"):
        _agree(ledger, V2, MIDNIGHT)
    _agree(ledger, V2, MIDNIGHT - 1)


def test_an_agreement_of_versions_without_order():
    """Versions handed over by themselves must say when they take effect, one after the other."""
    first, second, third = (_loaded(text) for text in (TERMS, V2, V3))

    assert Agreement.of(third, first, second).versions == (first, second, third)
    assert Agreement.of(first).name == "acme"
    with pytest.raises(ContractError, match="version 2 does not say from when on it decides"):
        Agreement.of(first, _loaded(V2.replace("effective: 2026-10-01\n", "")))
    with pytest.raises(ContractError, match="not after version 2"):
        Agreement.of(first, second, _loaded(V3.replace("2026-11-01", "2026-10-01")))


def _loaded(text):
    from tests.terms import agreed

    return agreed(text)


def test_a_text_that_was_altered_in_the_ledger(ledger):
    """A recorded version whose text is another one by now is found, and nothing is decided under it."""
    ledger.verify(at("09-20"))
    _agree(ledger, V2, at("09-21"))
    with ledger.engine.begin() as connection:
        connection.execute(sql("DROP TRIGGER ledger_entry_no_update"))
        altered = "REPLACE(CAST(data AS TEXT), '\"10\"', '\"11\"')"
        connection.execute(sql(f"UPDATE ledger_entry SET data = CAST({altered} AS BLOB) WHERE idx = 0"))

    with pytest.raises(Tampered, match="version 1 is not the one that was recorded"):
        ledger.verify(at("09-22"))


# --- termination


def _end(ledger, on, given, by="buyer"):
    termination = Termination(date.fromisoformat(on), by, "too dear", given)
    return terminate(ledger.engine, ledger.log, ledger.signer, ledger.contract, termination)


def test_a_termination_ends_the_term(ledger):
    """What happens from the day of the end on is outside the term; what happened before still counts and locks."""
    ledger.claim("A,paid,ch_1,,,", "B,paid,ch_2,,,", now=at("09-01"))
    agreement = _end(ledger, "2026-10-01", at("09-01"))
    ledger.turn(payment("ch_1", MIDNIGHT - 1), payment("ch_2", MIDNIGHT), now=at("10-20"))

    assert format_instant(agreement.newest.term.ends_at) == "2026-09-30T22:00:00Z"
    assert agreement.termination == Termination(date(2026, 10, 1), "buyer", "too dear", at("09-01"))
    assert {name: verdict.status for name, verdict in ledger.verdicts.items()} == {
        "claim:A": "verified",
        "claim:B": "rejected",
    }
    assert ledger.verdicts["claim:B"].reasons[0].clause == "term"
    assert [str(line.amount) for line in ledger.prepare("2026-10", at("11-02")).lines] == ["10.00 EUR"]
    assert ledger.fsck() == []


def test_the_tail_counts_what_comes_a_little_later(tmp_path):
    """Days of a tail after the end still count, up to the midnight that ends them, in the days of the zone."""
    ledger = Ledger(tmp_path, TERMS.replace("{start: 2026-01-01}", "{start: 2026-01-01, tail_days: 30}"))
    end = at("10-30T23:00:00")  # thirty days on, after the clock changed
    ledger.claim("A,paid,ch_1,,,", "B,paid,ch_2,,,", now=at("09-01"))
    _end(ledger, "2026-10-01", at("09-01"))
    ledger.turn(payment("ch_1", end - 1), payment("ch_2", end), now=at("11-20"))

    assert {name: verdict.status for name, verdict in ledger.verdicts.items()} == {
        "claim:A": "verified",
        "claim:B": "rejected",
    }
    ledger.engine.dispose()


def test_the_last_floor_counts_by_days(tmp_path):
    """The final statement has the floor of the days that the term still covers, and the months after it none."""
    ledger = Ledger(tmp_path, TERMS.replace("outcomes:", "billing: {floor: {monthly: 310.00}}\noutcomes:"))
    ledger.verify(at("09-01"))
    _end(ledger, "2026-10-11", at("09-02"))

    told = [(str(ledger.prepare(label, at("12-02")).total)) for label in ("2026-09", "2026-10", "2026-11")]
    assert told == ["310.00 EUR", "100.00 EUR", "0.00 EUR"]
    ledger.engine.dispose()


@pytest.mark.parametrize(
    ("on", "given", "says"),
    [
        ("2026-10-01", "09-02", "allow 2026-10-02 at the earliest"),
        ("2026-10-01", "09-01T22:00:00", "given on 2026-09-02"),  # already the next day in Berlin
        ("2026-08-01", "09-02", "allow 2026-10-02 at the earliest"),
    ],
)
def test_a_notice_that_is_too_short(ledger, on, given, says):
    """A notice is counted in days of the contract's zone; too short a one is refused and nothing is recorded."""
    ledger.verify(at("09-01"))
    size = ledger.log.size
    with pytest.raises(ContractError, match=says):
        _end(ledger, on, at(given))

    assert ledger.log.size == size
    assert ledger.agreement.termination is None


def test_the_shortest_notice(ledger):
    """Exactly the days of the notice are enough, also late in the evening before."""
    assert _end(ledger, "2026-10-01", at("09-01T21:59:59")).termination.on == date(2026, 10, 1)


def test_the_least_term(tmp_path):
    """Before the months that a contract runs at least no notice ends it; the 31st is the last day of a short month."""
    ledger = Ledger(tmp_path, TERMS.replace("{start: 2026-01-01}", "{start: 2026-01-31, minimum_months: 13}"))
    with pytest.raises(ContractError, match="the least term allow 2027-02-28 at the earliest"):
        _end(ledger, "2027-02-27", at("09-01"))
    assert _end(ledger, "2027-02-28", at("09-01")).newest.term.end == date(2027, 2, 28)
    ledger.engine.dispose()


def test_a_contract_is_ended_once(ledger):
    """A termination is not taken back, nor given twice."""
    _end(ledger, "2026-12-01", at("09-01"))
    with pytest.raises(ContractError, match="was ended already: it ends before 2026-12-01"):
        _end(ledger, "2026-11-01", at("09-02"), by="vendor")


def test_a_contract_that_ends_by_itself(tmp_path):
    """A notice for the day on which the contract ends anyway, or a later one, is refused."""
    ledger = Ledger(tmp_path, TERMS.replace("{start: 2026-01-01}", "{start: 2026-01-01, end: 2026-11-01}"))
    for day in ("2026-11-01", "2026-12-01"):
        with pytest.raises(ContractError, match="ends before 2026-11-01 by itself"):
            _end(ledger, day, at("09-01"))
    assert _end(ledger, "2026-10-31", at("09-01")).newest.term.end == date(2026, 10, 31)
    ledger.engine.dispose()


def test_a_termination_ends_every_version(ledger):
    """Versions agreed before the notice all end on its day; one whose own term is over before keeps it."""
    _agree(ledger, V2.replace("{start: 2026-01-01}", "{start: 2026-01-01, end: 2026-11-15}"), at("08-21"))
    agreement = _end(ledger, "2026-11-01", at("09-01"))
    assert [contract.term.end for contract in agreement.versions] == [date(2026, 11, 1), date(2026, 11, 1)]

    whole = Agreement.of(*agreement.versions, termination=Termination(date(2026, 12, 1), "buyer", "", 0))
    assert [contract.term.end for contract in whole.versions] == [date(2026, 11, 1), date(2026, 11, 1)]


def test_a_notice_is_not_given_in_the_past(ledger):
    """A notice dated before the newest entry of the ledger is refused: it would change what was decided since."""
    with pytest.raises(ConfigurationError, match="the ledger was last written as of 2026-08-20"):
        _end(ledger, "2026-10-01", at("08-01"))


def test_an_issued_statement_stands_whatever_ends(tmp_path):
    """A statement issued before the notice is the same afterwards, carried excess included."""
    capped = "billing: {cap: {monthly: 5.00, excess: carried}}\noutcomes:"
    ledger = Ledger(tmp_path, TERMS.replace("outcomes:", capped))
    ledger.claim("A,paid,ch_1,,,", now=at("09-01"))
    ledger.turn(payment("ch_1", at("09-01")), now=at("10-01"))
    issued = ledger.issue("2026-09", at("10-01"))
    _end(ledger, "2026-11-01", at("10-01"))

    assert render(ledger.prepare("2026-09", at("12-01")), "json") == render(issued, "json")
    assert [str(ledger.prepare(label, at("12-02")).total) for label in ("2026-10", "2026-11")] == [
        "5.00 EUR",
        "0.00 EUR",
    ]
    ledger.engine.dispose()


def test_days_of_the_clock_change_are_days(ledger):
    """The end of a contract is the midnight of its zone, in winter an hour later than in summer by UTC."""
    agreement = _end(ledger, "2026-12-01", at("09-01"))

    assert format_instant(agreement.newest.term.ends_at) == "2026-11-30T23:00:00Z"
    assert agreement.newest.term.ends_at - MIDNIGHT == 61 * DAY + 3_600 * SECOND
