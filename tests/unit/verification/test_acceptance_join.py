"""Which meetings of two sources are one: by an id, or by a prospect at that time."""

from collections import defaultdict

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.met import booking, invited

from tallystick.contracts import Evidence
from tallystick.records.types import COMMON, RECORD_TYPES
from tallystick.verification.corroboration import BESIDE, join_meetings

ARROW = {"text": pa.string(), "integer": pa.int64(), "boolean": pa.bool_(), "instant": pa.int64()}
IDS = ("external_id",)
BOTH = ("external_id", "attendees")
TWINS = {"meeting": "meeting", "attendee": "attendee", f"{BESIDE}meeting": "meeting", f"{BESIDE}attendee": "attendee"}


def _table(kind, rows):
    columns = {column.name: ARROW[column.kind] for column in (*COMMON, *RECORD_TYPES[kind].columns)}
    return pa.table({name: pa.array([row.get(name) for row in rows], of) for name, of in columns.items()})


@pytest.fixture(scope="module")
def database():
    """One DuckDB for all examples."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        yield connection


def _join(database, world, match):
    """Join, and give own id, id there and candidates of each pair, in their order."""
    for name, kind in TWINS.items():
        database.register(f"raw_{name}", _table(kind, world.get(name, [])))
        database.execute(f'CREATE OR REPLACE TEMP VIEW "{name}" AS FROM raw_{name}')
    join_meetings(database, Evidence("sales", match))
    found = database.execute("SELECT meeting_id, id, candidates FROM acceptance_meeting ORDER BY ALL").fetchall()
    return [tuple(row) for row in found]


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        ([{"external_id": "x"}], [{"external_id": "x"}], [("m0", "o0", None)]),
        ([{"external_id": "x"}], [{"external_id": "y"}], []),
        ([{"external_id": None}], [{"external_id": None}], []),
        ([{"external_id": "x", "parent_id": "m9"}], [{"external_id": "x"}], []),
        ([{"external_id": "x"}], [{"external_id": "x", "parent_id": "o9"}], []),
        (
            [{"external_id": "x"}] * 2,
            [{"external_id": "x"}],
            [("m0", "o0", "m0 m1"), ("m1", "o0", "m0 m1")],
        ),
        (
            [{"external_id": "x"}],
            [{"external_id": "x"}] * 2,
            [("m0", "o0", "sales:o0 sales:o1"), ("m0", "o1", "sales:o0 sales:o1")],
        ),
    ],
)
def test_an_external_id_joins(database, here, there, expected):
    """Two meetings of one external id are one; several of one id are all told, copies being none."""
    world = {
        "meeting": [booking(f"m{n}", **columns) for n, columns in enumerate(here)],
        f"{BESIDE}meeting": [booking(f"o{n}", **columns) for n, columns in enumerate(there)],
    }

    assert _join(database, world, IDS) == expected


@pytest.mark.parametrize(
    ("meeting", "here", "there", "joined"),
    [
        ({}, {}, {}, True),
        ({"start": 29}, {}, {}, True),
        ({"start": 30}, {}, {}, False),
        ({"start": -29}, {}, {}, True),
        ({"start": -30}, {}, {}, False),
        ({"ends_at": None}, {}, {}, False),
        ({"all_day": True}, {}, {}, False),
        ({}, {"email": "q@x.example"}, {}, False),
        ({}, {"email": None}, {"email": None}, False),
        ({}, {"internal": True}, {}, False),
        ({}, {}, {"internal": True}, False),
        ({}, {"internal": None}, {"internal": None}, True),
    ],
)
def test_a_prospect_at_that_time_joins(database, meeting, here, there, joined):
    """An address of the prospect's side in both, at overlapping times, makes two meetings one."""
    world = {
        "meeting": [booking("m")],
        f"{BESIDE}meeting": [booking("o", **meeting)],
        "attendee": [invited("m", **here)] * 2,
        f"{BESIDE}attendee": [invited("o", **there)],
    }

    assert _join(database, world, ("attendees",)) == ([("m", "o", None)] if joined else [])
    assert _join(database, world, IDS) == []


def test_the_first_key_that_fits_decides(database):
    """Where an external id pairs a meeting, neither of the two is one more by its attendees."""
    world = {
        "meeting": [booking("m1", external_id="x"), booking("m2")],
        f"{BESIDE}meeting": [booking("o1", external_id="x"), booking("o2")],
        "attendee": [invited("m1"), invited("m2")],
        f"{BESIDE}attendee": [invited("o1"), invited("o2")],
    }

    assert _join(database, world, BOTH) == [("m1", "o1", None), ("m2", "o2", None)]
    everything = "m1 m2 sales:o1 sales:o2"
    assert _join(database, world, BOTH[::-1]) == [(m, o, everything) for m in ("m1", "m2") for o in ("o1", "o2")]


names = st.sampled_from(["x", "y", None])
emails = st.sampled_from(["p", "q", None])
flags = st.sampled_from([True, False, None])
MEETINGS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 3), names, st.sampled_from([None, None, "m"])), max_size=4
)
GUESTS = st.lists(st.tuples(st.integers(0, 3), emails, flags), max_size=5)
matches = st.sampled_from([IDS, ("attendees",), BOTH, BOTH[::-1]])


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(records=st.tuples(MEETINGS, MEETINGS, GUESTS, GUESTS), match=matches, random=st.randoms())
def test_the_join_is_what_it_says(database, records, match, random):
    """Whatever the records and their order, meetings are paired as the keys say, worked out one by one."""
    own, others, inside, outside = records
    here, there = (
        [booking(f"{side}{n}", 10 * at, 10 * long, external_id=x, parent_id=p) for n, (at, long, x, p) in enumerate(of)]
        for side, of in (("m", own), ("o", others))
    )
    ours, theirs = (
        [invited(f"{side}{n}", email, internal) for n, email, internal in of]
        for side, of in (("m", inside), ("o", outside))
    )

    def fits(key, one, other):
        if one["parent_id"] or other["parent_id"]:
            return False
        if key == "external_id":
            return one["external_id"] is not None and one["external_id"] == other["external_id"]
        met, seen = (
            {guest["email"] for guest in of if guest["meeting_id"] == meeting["id"] and not guest["internal"]} - {None}
            for of, meeting in ((ours, one), (theirs, other))
        )
        return bool(met & seen) and one["starts_at"] < other["ends_at"] and other["starts_at"] < one["ends_at"]

    pairs, taken = [], set()
    for key in match:
        fresh = [
            (one["id"], other["id"])
            for one in here
            for other in there
            if fits(key, one, other) and not {one["id"], other["id"]} & taken
        ]
        taken |= {name for pair in fresh for name in pair}
        pairs += fresh
    mine, yours = defaultdict(list), defaultdict(list)
    for one, other in sorted(pairs):
        mine[one].append(f"sales:{other}")
        yours[other].append(one)
    expected = []
    for one, other in sorted(pairs):
        several = [*(yours[other] if len(yours[other]) > 1 else []), *(mine[one] if len(mine[one]) > 1 else [])]
        expected.append((one, other, " ".join(several) or None))
    world = dict(zip(TWINS, (here, ours, there, theirs), strict=True))

    assert _join(database, world, match) == expected
    shuffled = {name: random.sample(rows, len(rows)) for name, rows in world.items()}
    assert _join(database, shuffled, match) == expected
