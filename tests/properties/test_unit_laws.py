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
def contract():
    """A contract over tickets, decided by their status."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "acme.yaml"
        path.write_text(CONTRACT)
        return load_contract(path, templates={}, custom={"desk": {}})


@pytest.fixture(scope="module")
def duck():
    """One DuckDB for all examples, with an empty table of every type."""
    with duckdb.connect() as database:
        database.execute("SET threads = 1")
        yield database


def _decide(duck, contract, found, claims, unit, before=None):
    columns = {column.name: ARROW[column.kind] for column in (*COMMON, *RECORD_TYPES["ticket"].columns)}
    common = {"source": "desk", "version": 1, "seq": 1, "deleted": False, "raw_sha256": "00"}
    filled = [{**common, **row} for row in found]
    table = pa.table({name: pa.array([row.get(name) for row in filled], of) for name, of in columns.items()})
    duck.register("ticket", table)
    plain = contract.outcomes["solved"]
    outcome = replace(plain, predicate=replace(plain.predicate, unit=unit))
    inputs = Inputs(read_from={"ticket": 0}, read_to={"ticket": NOW})
    decision = Decision(duck, contract, outcome, inputs, before=before or {})
    owner = {}
    verdicts = decision.claimed(claims, owner)
    return verdicts + decision.found(owner), decision.units


def _claim(number, ref):
    return Claim(f"C{number}", "solved", ref, NOW - DAY, None, None)


some_claims = st.lists(st.sampled_from([*IDS, "nothing"]), max_size=8).map(
    lambda refs: [_claim(number, ref) for number, ref in enumerate(refs)]
)
laws = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@laws
@given(tickets(), some_claims, st.sampled_from(UNITS))
def test_a_unit_is_paid_once(duck, contract, found, claims, unit):
    """Claims and what nobody claimed taken together, at most one verdict pays for a unit."""
    verdicts, units = _decide(duck, contract, found, claims, unit)

    paid = Counter(units.of(verdict.record_id) for verdict in verdicts if verdict.status == "verified")
    assert set(paid.values()) <= {1}


@laws
@given(tickets(), some_claims, st.sampled_from(UNITS), st.randoms())
def test_which_units_are_paid_does_not_depend_on_order(duck, contract, found, claims, unit, random):
    """Rows come in no order: shuffled, they give the same verdicts. Claims shuffled give the same units paid or waiting."""
    verdicts, units = _decide(duck, contract, found, claims, unit)
    shuffled = random.sample(found, len(found))
    again, _ = _decide(duck, contract, shuffled, claims, unit)
    assert again == verdicts
    free = [claim for claim in claims if _status(found, claim.ref) != "pending"]
    some, units = _decide(duck, contract, found, free, unit)
    other, _ = _decide(duck, contract, shuffled, random.sample(free, len(free)), unit)

    assert _paid(units, other) == _paid(units, some)


def _status(found, ref):
    return next((row["status"] for row in found if row["id"] == ref), None)


def _paid(units, verdicts):
    return {units.of(verdict.record_id) for verdict in verdicts if verdict.status == "verified"}


@laws
@given(tickets(), some_claims, st.sampled_from(UNITS))
def test_every_unit_that_meets_is_paid_or_waits(duck, contract, found, claims, unit):
    """A unit with a record that meets, and not only claims on records that do not, is paid unless a claim on it waits."""
    verdicts, units = _decide(duck, contract, found, claims, unit)
    paid = _paid(units, verdicts)
    waiting = {units.of(verdict.record_id) for verdict in verdicts if verdict.status == "pending" and verdict.record_id}
    meeting = {units.of(row["id"]) for row in found if row["status"] == "solved"}

    assert meeting - waiting == paid - waiting


@laws
@given(tickets(), some_claims, st.sampled_from(UNITS))
def test_deciding_again_changes_nothing(duck, contract, found, claims, unit):
    """With its own verdicts as those before, a decision gives them again, byte for byte."""
    verdicts, _ = _decide(duck, contract, found, claims, unit)
    before = {verdict.subject: verdict for verdict in verdicts}
    again, _ = _decide(duck, contract, found, claims, unit, before)

    assert again == verdicts
