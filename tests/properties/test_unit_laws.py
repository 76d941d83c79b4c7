"""Laws of units: no order of rows or of equal claims decides who is paid, and nothing is ever paid twice."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.contracts import load_contract
from tallystick.outcomes import Inputs
from tallystick.outcomes.predicate import Unit
from tallystick.period import DAY, zone
from tallystick.records.types import COMMON, RECORD_TYPES
from tallystick.verification.claim import Claim
from tallystick.verification.units import Holder, Units
from tallystick.verification.verifier import Decision

BERLIN = zone("Europe/Berlin")
START = 1_789_000_000_000_000
NOW = START + 30 * DAY
CONTRACT = """\
contract: acme
version: 1
buyer: Acme
vendor: {name: Vendor}
timezone: Europe/Berlin
currency: EUR
term: {start: 2026-01-01}
outcomes:
  solved:
    source: desk
    record: ticket
    facts: {carries_on: follow_up_of, went_into: external_id, asked_by: requester_id}
    clauses:
      solved: {test: "status = 'solved'", open: "status = 'pending'"}
    price: {per_unit: 1}
"""
ARROW = {"text": pa.string(), "integer": pa.int64(), "boolean": pa.bool_(), "instant": pa.int64()}
IDS = [str(number) for number in range(1, 8)]
UNITS = [Unit(("carries_on", "went_into")), Unit(("went_into",)), Unit((), "asked_by"), None]


@st.composite
def tickets(draw):
    """Give a handful of tickets with links, requesters and days, circles included."""
    ids = draw(st.lists(st.sampled_from(IDS), min_size=1, unique=True))
    return [
        {
            "id": ticket,
            "created_at": START + draw(st.integers(0, 5)) * DAY // 2,
            "status": draw(st.sampled_from(["solved", "solved", "pending", "open", None])),
            "follow_up_of": draw(st.none() | st.sampled_from(IDS)),
            "external_id": draw(st.none() | st.sampled_from(IDS)),
            "requester_id": draw(st.none() | st.sampled_from("ab")),
        }
        for ticket in ids
    ]


def _rows(found):
    """Give tickets as rows of the decided predicate."""
    names = {"carries_on": "follow_up_of", "went_into": "external_id", "asked_by": "requester_id"}
    return [
        {"id": row["id"], "occurred_at": row["created_at"], **{f"fact_{name}": row[of] for name, of in names.items()}}
        for row in found
    ]


def _connected(unit, rows):
    """Give the units of rows by going from each to its neighbours, as a set of frozen sets of ids."""
    near = {record: {record} for record in {*IDS, *(row["id"] for row in rows)}}

    def join(one, other):
        near[one].add(other)
        near[other].add(one)

    for row in rows if unit else ():
        for link in unit.links:
            if row[f"fact_{link}"] is not None:
                join(row["id"], row[f"fact_{link}"])
        for other in rows if unit.key else ():
            days = [BERLIN.to_local(each["occurred_at"]) // DAY for each in (row, other)]
            if (
                row["fact_asked_by"] is not None
                and row["fact_asked_by"] == other["fact_asked_by"]
                and len(set(days)) == 1
            ):
                join(row["id"], other["id"])
    found = set()
    for start in near:
        seen, stack = {start}, [start]
        while stack:
            fresh = near[stack.pop()] - seen
            seen |= fresh
            stack.extend(fresh)
        found.add(frozenset(seen))
    return found


@given(tickets(), st.sampled_from([*UNITS, Unit(("carries_on", "went_into"), "asked_by")]), st.randoms())
def test_units_are_what_links_connect(found, unit, random):
    """Units are the connected parts of the graph of links and equal days, in whatever order the rows come."""
    rows = _rows(found)
    expected = _connected(unit, rows)
    random.shuffle(rows)
    units = Units(unit, rows, BERLIN)

    by_root = {}
    for record in IDS:
        by_root.setdefault(units.of(record), set()).add(record)
    assert set(map(frozenset, by_root.values())) == expected


@given(tickets(), st.lists(st.tuples(st.sampled_from(IDS), st.text("abc", min_size=1)), max_size=6))
def test_a_unit_has_one_holder(found, claims):
    """However often a unit is given away, the first one has it, and all its records say so."""
    units = Units(UNITS[0], _rows(found), BERLIN)
    first = {}
    for record, claim in claims:
        holder = Holder(claim, record, "verified")
        first.setdefault(units.of(record), holder)
        units.hold(record, holder)

    assert {record: units.holder(record) for record in IDS} == {record: first.get(units.of(record)) for record in IDS}


@pytest.fixture(scope="module")
def decide():
    """Give a function from tickets, claims and a unit to the verdicts; one database serves all examples."""
    with TemporaryDirectory() as folder, duckdb.connect() as database:
        path = Path(folder) / "acme.yaml"
        path.write_text(CONTRACT)
        contract = load_contract(path, templates={}, custom={"desk": {}})
        database.execute("SET threads = 1")
        columns = {column.name: ARROW[column.kind] for column in (*COMMON, *RECORD_TYPES["ticket"].columns)}
        common = {"source": "desk", "version": 1, "seq": 1, "deleted": False, "raw_sha256": "00"}
        inputs = Inputs(read_from={"ticket": 0}, read_to={"ticket": NOW})
        plain = contract.outcomes["solved"]

        def run(found, claims, unit, before=None):
            filled = [{**common, **row} for row in found]
            table = pa.table({name: pa.array([row.get(name) for row in filled], of) for name, of in columns.items()})
            database.register("ticket", table)
            database.register("ticket_all", table)
            outcome = replace(plain, predicate=replace(plain.predicate, unit=unit))
            decision = Decision(database, contract, outcome, inputs, now=0, before=before or {})
            owner = {}
            return decision.claimed(claims, owner) + decision.found(owner)

        yield run


def _claim(number, ref):
    return Claim(f"C{number}", "solved", ref, NOW - DAY, None, None)


some_claims = st.lists(st.sampled_from([*IDS, "nothing"]), max_size=8).map(
    lambda refs: [_claim(number, ref) for number, ref in enumerate(refs)]
)
laws = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])


def _unit_of(found, unit):
    """Give the unit of each ticket, by walking the links of all of them."""
    return {record: group for group in _connected(unit, _rows(found)) for record in group}


def _paid(units, verdicts):
    """Count the verified verdicts of each unit."""
    return Counter(units[verdict.record_id] for verdict in verdicts if verdict.status == "verified")


@laws
@given(tickets(), some_claims, st.sampled_from(UNITS))
def test_a_unit_is_paid_once(decide, found, claims, unit):
    """Claims and what nobody claimed taken together, at most one verdict pays for a unit."""
    verdicts = decide(found, claims, unit)

    assert set(_paid(_unit_of(found, unit), verdicts).values()) <= {1}


@laws
@given(tickets(), some_claims, st.sampled_from(UNITS), st.randoms())
def test_rows_come_in_no_order(decide, found, claims, unit, random):
    """The same records in another order give the same verdicts."""
    assert decide(random.sample(found, len(found)), claims, unit) == decide(found, claims, unit)


@laws
@given(tickets(), some_claims, st.sampled_from(UNITS), st.randoms())
def test_the_order_of_claims_does_not_decide_which_units_are_paid(decide, found, claims, unit, random):
    """Where no claim waits, claims in another order may be paid instead, and for the same units."""
    waiting = {row[name] for row in found for name in ("id", "external_id") if row["status"] == "pending"}
    decided = [claim for claim in claims if claim.ref not in waiting]
    units = _unit_of(found, unit)
    shuffled = random.sample(decided, len(decided))

    assert _paid(units, decide(found, shuffled, unit)) == _paid(units, decide(found, decided, unit))


@laws
@given(tickets(), some_claims, st.sampled_from(UNITS))
def test_a_unit_that_meets_is_paid_or_waits(decide, found, claims, unit):
    """A unit with a record that meets is paid, claimed or found, unless a claim on it waits."""
    verdicts = decide(found, claims, unit)
    units = _unit_of(found, unit)
    waiting = {units[verdict.record_id] for verdict in verdicts if verdict.status == "pending" and verdict.record_id}
    meeting = {units[row["id"]] for row in found if row["status"] == "solved"}

    assert meeting - waiting == _paid(units, verdicts).keys() - waiting


@laws
@given(tickets(), some_claims, st.sampled_from(UNITS))
def test_deciding_again_changes_nothing(decide, found, claims, unit):
    """With its own verdicts as those before, a decision gives them again."""
    verdicts = decide(found, claims, unit)

    assert decide(found, claims, unit, {verdict.subject: verdict for verdict in verdicts}) == verdicts


APART = [Unit((), "asked_by", days) for days in (0, 1, 2)] + [Unit(("carries_on",), "asked_by", 2)]


@laws
@given(tickets(), some_claims, st.sampled_from(APART), st.randoms())
def test_no_two_that_exclude_each_other_are_paid(decide, found, claims, unit, random):
    """Of records of one key too close to each other one alone is paid, and no order of rows decides which."""
    verdicts = decide(found, claims, unit)
    paid = [verdict for verdict in verdicts if verdict.status == "verified"]
    keys = {row["id"]: row["requester_id"] for row in found}

    for index, one in enumerate(paid):
        for other in paid[:index]:
            days = abs(one.occurred_at - other.occurred_at) / DAY
            assert keys[one.record_id] is None or keys[one.record_id] != keys[other.record_id] or days >= unit.days
    assert decide(random.sample(found, len(found)), claims, unit) == verdicts
    assert decide(found, claims, unit, {verdict.subject: verdict for verdict in verdicts}) == verdicts


@laws
@given(tickets(), some_claims, st.sampled_from([*UNITS, *APART]), st.randoms())
def test_what_is_paid_stays_paid_whatever_is_decided_later(decide, found, claims, unit, random):
    """However the records that wait are decided, no claim that was verified before is taken back."""
    paid = {verdict.subject for verdict in decide(found, claims, unit) if verdict.status == "verified"}
    later = [
        {**row, "status": random.choice(["solved", "open", "pending"])} if row["status"] == "pending" else row
        for row in found
    ]
    still = {verdict.subject for verdict in decide(later, claims, unit) if verdict.status == "verified"}

    assert {subject for subject in paid if subject.startswith("claim:")} <= still


@laws
@given(tickets(), some_claims, st.sampled_from(APART))
def test_what_meets_and_is_not_paid_is_excluded(decide, found, claims, unit):
    """A record that meets is paid, or another one that is paid or waits keeps it off."""
    verdicts = decide(found, claims, unit)
    units = Units(unit, _rows(found), BERLIN)
    kept = {verdict.record_id for verdict in verdicts if verdict.status in {"verified", "pending"}}

    for row in found:
        if row["status"] == "solved" and row["id"] not in kept:
            assert any(units.exclude(row["id"], other) for other in kept if other)
