"""A second source of calls: what joins them to meetings, what is ambiguous, and how far both have to be read."""

from collections import defaultdict
from dataclasses import replace

import duckdb
import msgspec
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.contracts import Evidence, load_contract
from tallystick.database.engine import open_database
from tallystick.errors import ContractError
from tallystick.ledger import Log, load_or_create_key
from tallystick.outcomes.meeting_qualified import QUALIFIED_MEETING
from tallystick.records.catalog import Progress, RecordStore
from tallystick.records.model import Record
from tallystick.records.types import COMMON, RECORD_TYPES
from tallystick.verification.audit import fsck_decisions
from tallystick.verification.corroboration import OTHER, OWN, connect_outcome, inputs_for, join_calls
from tallystick.verification.intake import import_file
from tallystick.verification.recorder import read_verdicts, verify_contract
from tallystick.verification.trace import trace

DAY = 86_400_000_000
MINUTE = 60_000_000
START = 1_790_000_000_000_000
NOW = START + 20 * DAY
ARROW = {"text": pa.string(), "integer": pa.int64(), "boolean": pa.bool_(), "instant": pa.int64()}
IDS = ("external_id",)
BOTH = ("external_id", "attendees")


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
    """Join, and give the meetings and candidates of each call of the second source, in their order."""
    tables = {"meeting": "meeting"} | {f"{side}{kind}": kind for side in (OWN, OTHER) for kind in ("call", "attendee")}
    for name, kind in tables.items():
        database.register(f"raw_{name}", _table(kind, world.get(name, [])))
        database.execute(f'CREATE OR REPLACE TEMP VIEW "{name}" AS FROM raw_{name}')
    join_calls(database, Evidence("dialer", match))
    found = database.execute(
        "SELECT id, meeting_id, candidates FROM call WHERE source = 'dialer' ORDER BY ALL"
    ).fetchall()
    return [tuple(row) for row in found]


def _meeting(name, start=0, **columns):
    times = {"starts_at": START + start * MINUTE, "ends_at": START + (start + 30) * MINUTE}
    return {"source": "crm", "id": name, **times, **columns}


def _call(name="c1", start=0, minutes=20, **columns):
    times = {"started_at": START + start * MINUTE, "ended_at": START + (start + minutes) * MINUTE}
    return {"source": "dialer", "id": name, "seconds": minutes * 60, **times, **columns}


def _guest(email="p@x.example", internal=False, **columns):
    return {"email": email, "internal": internal, **columns}


@pytest.mark.parametrize(
    ("meetings", "expected"),
    [
        ([_meeting("m1", external_id="x")], [("c1", "m1", None)]),
        ([_meeting("m1", external_id="y")], []),
        ([_meeting("m1", external_id=None)], []),
        ([_meeting("m1", external_id="x", parent_id="m0")], []),
        ([_meeting("m1", external_id="x", status="canceled")], []),
        (
            [_meeting("m1", external_id="x", status="rescheduled"), _meeting("m2", external_id="x")],
            [("c1", "m2", None)],
        ),
        (
            [_meeting("m2", external_id="x"), _meeting("m1", external_id="x")],
            [("c1", "m1", "m1 m2"), ("c1", "m2", "m1 m2")],
        ),
    ],
)
def test_an_external_id_joins(database, meetings, expected):
    """A call and a meeting of one external id belong together; several of one id are all told."""
    world = {"meeting": meetings, f"{OTHER}call": [_call(external_id="x")]}

    assert _join(database, world, IDS) == expected


@pytest.mark.parametrize(
    ("call", "here", "there", "joined"),
    [
        ({}, {}, {}, True),
        ({"start": 29}, {}, {}, True),
        ({"start": 30}, {}, {}, False),
        ({"start": -19}, {}, {}, True),
        ({"start": -20}, {}, {}, False),
        ({"ended_at": None}, {}, {}, False),
        ({}, {"email": "q@x.example"}, {}, False),
        ({}, {"email": None}, {"email": None}, False),
        ({}, {"internal": True}, {}, False),
        ({}, {}, {"internal": True}, False),
        ({}, {"internal": None}, {"internal": None}, True),
    ],
)
def test_a_prospect_at_that_time_joins(database, call, here, there, joined):
    """An address of the prospect's side in both, at overlapping times, joins a call to a meeting."""
    world = {
        "meeting": [_meeting("m1")],
        f"{OTHER}call": [_call(**call)],
        f"{OWN}attendee": [_guest(meeting_id="m1", **here)] * 2,
        f"{OTHER}attendee": [_guest(call_id="c1", **there)],
    }

    assert _join(database, world, ("attendees",)) == ([("c1", "m1", None)] if joined else [])
    assert _join(database, world, IDS) == []


def test_the_first_key_that_fits_decides(database):
    """Where the external id fits one meeting, others at that time are none; without it they are candidates."""
    world = {
        "meeting": [_meeting("m1", external_id="x"), _meeting("m2"), _meeting("m3", 10)],
        f"{OTHER}call": [_call(external_id="x"), _call("c2", external_id="unknown")],
        f"{OWN}attendee": [_guest(meeting_id=name) for name in ("m1", "m2", "m3")],
        f"{OTHER}attendee": [_guest(call_id="c1"), _guest(call_id="c2")],
    }

    several = [("c2", name, "m1 m2 m3") for name in ("m1", "m2", "m3")]
    assert _join(database, world, BOTH) == [("c1", "m1", None), *several]
    assert len(_join(database, world, ("attendees", "external_id"))) == 6


def test_own_calls_stay_and_authors_are_told_apart(database):
    """Calls of the own source are as they were; authors of joined ones carry the name of their source."""
    own = {"source": "crm", "id": "c1", "meeting_id": "m1", "created_by": "u1"}
    world = {
        "meeting": [_meeting("m1", external_id="x")],
        f"{OWN}call": [own],
        f"{OTHER}call": [_call(external_id="x", created_by="u1", app_id="a"), _call("c2", external_id="x")],
        f"{OWN}attendee": [_guest(call_id="c1"), _guest(call_id="c9"), _guest(meeting_id="m1")],
    }
    _join(database, world, IDS)

    found = database.execute("SELECT source, id, meeting_id, created_by, app_id FROM call ORDER BY ALL").fetchall()
    assert found == [
        ("crm", "c1", "m1", "u1", None),
        ("dialer", "c1", "m1", "dialer:u1", "dialer:a"),
        ("dialer", "c2", "m1", None, None),
    ]
    # The own call of that id cannot be told from the joined one, so that nobody took part in it.
    assert database.execute("SELECT call_id FROM attendee ORDER BY 1").fetchall() == [("c9",), (None,), (None,)]


names = st.sampled_from(["x", "y", None])
emails = st.sampled_from(["p", "q", None])
flags = st.sampled_from([True, False, None])
states = st.sampled_from([None, "scheduled", "canceled", "rescheduled", "no_show"])
MEETINGS = st.lists(st.tuples(st.integers(0, 6), names, st.sampled_from([None, None, "m0"]), states), max_size=4)
CALLS = st.lists(st.tuples(st.integers(-3, 6), st.integers(0, 4), names), max_size=4)
GUESTS = st.lists(st.tuples(st.integers(0, 3), emails, flags), max_size=5)
matches = st.sampled_from([IDS, ("attendees",), BOTH, BOTH[::-1]])


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(records=st.tuples(MEETINGS, CALLS, GUESTS, GUESTS), match=matches, random=st.randoms())
def test_the_join_is_what_it_says(database, records, match, random):
    """Whatever the records and their order, calls go to the meetings that the keys name, worked out one by one."""
    meetings, calls, here, there = records
    booked = [
        _meeting(f"m{n}", 10 * at, external_id=x, parent_id=p, status=s) for n, (at, x, p, s) in enumerate(meetings)
    ]
    spoken = [_call(f"c{n}", 10 * at, 10 * long, external_id=x) for n, (at, long, x) in enumerate(calls)]
    inside = [_guest(email, internal, meeting_id=f"m{n}") for n, email, internal in here]
    outside = [_guest(email, internal, call_id=f"c{n}") for n, email, internal in there]
    world = {"meeting": booked, f"{OTHER}call": spoken, f"{OWN}attendee": inside, f"{OTHER}attendee": outside}

    expected = []
    for call in spoken:
        fits = defaultdict(list)
        standing = [meeting for meeting in booked if meeting["status"] not in {"canceled", "rescheduled"}]
        for meeting in standing:
            if meeting["parent_id"] is None and meeting["external_id"] == call["external_id"] is not None:
                fits["external_id"].append(meeting["id"])
            met = {g["email"] for g in inside if g["meeting_id"] == meeting["id"] and not g["internal"]} - {None}
            heard = {g["email"] for g in outside if g["call_id"] == call["id"] and not g["internal"]}
            together = call["started_at"] < meeting["ends_at"] and call["ended_at"] > meeting["starts_at"]
            if meeting["parent_id"] is None and met & heard and together:
                fits["attendees"].append(meeting["id"])
        chosen = next((fits[key] for key in match if fits[key]), [])
        expected += [(call["id"], name, " ".join(sorted(chosen)) if len(chosen) > 1 else None) for name in chosen]
    found = _join(database, world, match)

    assert found == sorted(expected)
    shuffled = {name: random.sample(rows, len(rows)) for name, rows in world.items()}
    assert _join(database, shuffled, match) == found


CONTRACT = """\
contract: acme
version: 1
buyer: Acme
vendor: {name: Vendor, identities: {crm: [bot], dialer: [robot]}}
timezone: Europe/Berlin
currency: EUR
term: {start: 2026-01-01}
outcomes:
  met:
    source: crm
    uses: qualified-meeting
    with: {acceptance: none}
    evidence:
      calls: {source: dialer, match: [external_id, attendees]}
    price: {per_unit: 240}
"""
KINDS = ("meeting", "attendee", "change", "account")


class _Office:
    """Two sources, a ledger, and a contract about meetings in one with calls in the other."""

    def __init__(self, folder):
        self.folder = folder
        self.engine = open_database(folder / "tallystick.db", create=True)
        self.store = RecordStore(self.engine, folder / "records")
        self.log = Log(self.engine, "tallystick/test")
        self.signer = load_or_create_key(folder / "ledger.key", "tallystick/test")
        self.contract = self.load()
        for source, kinds in (("crm", KINDS), ("dialer", ("call", "attendee"))):
            for kind in kinds:
                self.store.plan(source, kind, [kind], [(0, NOW, {})])

    def load(self, *change):
        """Read the contract, one text in it replaced."""
        path = self.folder / "acme.yaml"
        path.write_text(CONTRACT.replace(*change) if change else CONTRACT)
        templates = {"qualified-meeting": QUALIFIED_MEETING}
        return load_contract(path, templates=templates, custom={"crm": {}, "dialer": {}})

    def read(self, source, kind, *records, until=NOW):
        """Store records of a stream, read up to an instant."""
        stored = []
        for values in records:
            columns = [column.name for column in RECORD_TYPES[kind].columns]
            raw = msgspec.json.encode(values)
            stored.append(Record(kind, values["id"], START, tuple(values.get(name) for name in columns), raw))
        progress = [Progress(kind, 0, None, until)]
        self.store.commit(source, stored, progress, connector="test 1", api_version="1", observed_at=NOW)

    def verify(self):
        """Verify; give status and first reason of the claim, and what it rests on."""
        path = self.folder / "claims.csv"
        path.write_text("claim_id,outcome,ref,claimed_at,amount,currency\nA,met,m1,,,\n")
        import_file(self.engine, self.log, self.signer, self.contract, path, now=NOW)
        verify_contract(self.engine, self.store, self.log, self.signer, self.contract, now=NOW)
        [verdict] = [each for each in read_verdicts(self.engine, "acme").values() if not each.found]
        return verdict


@pytest.fixture
def office(tmp_path):
    """Two sources of which one meeting, m1, is known, with both sides invited; the dialer was read and is empty."""
    made = _Office(tmp_path)
    made.read(
        "crm",
        "meeting",
        _meeting("m1", created_at=START, updated_at=START, created_by="bot", account_id="a1", external_id="x"),
    )
    guests = (_guest(domain="x.example"), _guest("b@acme.example", internal=True, domain="acme.example"))
    made.read("crm", "attendee", *({"id": f"g{n}", "at": START, "meeting_id": "m1", **g} for n, g in enumerate(guests)))
    for source, kind in (("crm", "change"), ("crm", "account"), ("dialer", "call"), ("dialer", "attendee")):
        made.read(source, kind)
    yield made
    made.engine.dispose()


SPOKEN = {**_call(external_id="x"), "medium": "phone"}


def test_a_call_of_the_second_source_proves_the_meeting(office):
    """Without the second source nothing shows a length; with a call there it is verified, and the call is cited."""
    assert (office.verify().status, office.verify().reasons[0].clause) == ("unverifiable", "held")

    office.read("dialer", "call", SPOKEN)
    verdict = office.verify()
    assert verdict.status == "verified"
    assert ("dialer", "call", "c1") in {(item.source, item.type, item.id) for item in verdict.evidence}
    assert list(fsck_decisions(office.engine, office.log, office.store)) == []


def test_the_trace_agrees(office):
    """The reference interpreter tells the same of both sources as the query did."""
    office.read("dialer", "call", SPOKEN)
    verdict = office.verify()
    outcome = office.contract.outcomes["met"]
    with connect_outcome(office.store, outcome) as database:
        told = trace(database, office.contract, outcome, verdict, inputs_for(office.engine, outcome, NOW))

    assert {clause.state for clause in told.clauses} == {"true"}
    assert {clause.clause: clause.reads for clause in told.clauses}["held"]["held_length"] == "20 minutes"


def test_an_ambiguous_call_proves_nothing_and_names_both(office):
    """A call that fits two meetings makes both unverifiable, and the reason names them."""
    office.read("crm", "meeting", _meeting("m2", created_at=START, updated_at=START, created_by="bot", external_id="x"))
    office.read("dialer", "call", SPOKEN)
    verdict = office.verify()

    assert (verdict.status, verdict.reasons[0].clause) == ("unverifiable", "calls_told_apart")
    assert verdict.reasons[0].text == "a conversation of 1200 seconds may belong to any of 'm1 m2'"


@pytest.mark.parametrize(("author", "status"), [("robot", "rejected"), ("bot", "verified"), (None, "verified")])
def test_the_vendor_of_the_second_source_attests_itself(office, author, status):
    """Who the vendor is in the second source is asked there; its id in the other one is somebody else's here."""
    office.read("dialer", "call", {**SPOKEN, "created_by": author})

    assert office.verify().status == status


def _watermark(office, source, stream, value):
    """Say that a stream was read up to an instant, or never."""
    with office.engine.begin() as connection:
        told = "NULL" if value is None else value
        where = f"source = '{source}' AND stream = '{stream}'"
        connection.exec_driver_sql(f"UPDATE stream_state SET watermark = {told} WHERE {where}")


@pytest.mark.parametrize(("source", "kind"), [("dialer", "call"), ("dialer", "attendee"), ("crm", "attendee")])
@pytest.mark.parametrize("value", [START + DAY, None])
def test_all_that_is_joined_has_to_be_read(office, source, kind, value):
    """As long as one of the streams that join a call was not read to the end of the window, nothing is missing yet."""
    outcome = office.contract.outcomes["met"]
    assert inputs_for(office.engine, outcome, NOW).read_to["call"] == NOW

    _watermark(office, source, kind, value)
    assert inputs_for(office.engine, outcome, NOW).read_to["call"] == value
    assert office.verify().status == "pending"


def test_only_what_joins_has_to_be_read(office):
    """With external ids alone the attendees of calls do not matter; calls of the own source do, where it has any."""
    _watermark(office, "dialer", "attendee", None)
    outcome = office.load("match: [external_id, attendees]", "match: [external_id]").outcomes["met"]
    assert inputs_for(office.engine, outcome, NOW).read_to["call"] == NOW

    office.store.plan("crm", "call", ["call"], [(0, NOW, {})])
    assert inputs_for(office.engine, outcome, NOW).read_to["call"] is None
    office.read("crm", "call", until=START)
    found = inputs_for(office.engine, outcome, NOW)
    assert (found.read_to["call"], found.read_from["call"], found.read_to["meeting"]) == (START, 0, NOW)


def test_without_a_second_source_nothing_is_joined(office):
    """An outcome that names none has the records and the watermarks of its own source alone."""
    evidence = "    evidence:\n      calls: {source: dialer, match: [external_id, attendees]}\n"
    outcome = office.load(evidence, "").outcomes["met"]
    office.read("dialer", "call", SPOKEN)

    assert "call" not in inputs_for(office.engine, outcome, NOW).read_to
    with connect_outcome(office.store, outcome) as database:
        assert database.execute("SELECT count(*) FROM call").fetchall() == [(0,)]


def test_a_join_that_fails_leaves_no_connection(office):
    """What goes wrong while joining is raised as it is."""
    outcome = replace(office.contract.outcomes["met"], calls=Evidence("dialer", ("nothing",)))

    with pytest.raises(KeyError, match="nothing"):
        connect_outcome(office.store, outcome)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("source: dialer", "source: dialler", "14:23: outcomes.met.evidence.calls.source: no source is named dialler"),
        ("source: dialer", "source: crm", "14:23: outcomes.met.evidence.calls.source: it is the outcome's own source"),
        ("match: [external_id, attendees]", "match: []", "14:38: outcomes.met.evidence.calls.match"),
        ("match: [external_id, attendees]", "match: [name]", "14:39: outcomes.met.evidence.calls.match.0"),
        ("      calls:", "      deals:", "14:7: "),
        (
            "uses: qualified-meeting\n    with: {acceptance: none}",
            "record: payment\n    clauses: {paid: captured}",
            "14:23: outcomes.met.evidence.calls.source: a payment has no calls",
        ),
    ],
)
def test_evidence_that_says_nothing_is_refused(office, old, new, said):
    """A second source that is none, no key, or an outcome without calls is refused at its place."""
    with pytest.raises(ContractError) as caught:
        office.load(old, new)

    assert said in str(caught.value)


def test_the_second_source_is_part_of_what_is_pinned(office):
    """Source, keys and the vendor's identities there are in the contract's body, and so in its hash."""
    outcome = next(given for given in office.contract.body["outcomes"] if given["name"] == "met")

    assert outcome["evidence"] == {"calls": {"source": "dialer", "match": ["external_id", "attendees"]}}
    assert outcome["rule"]["params"]["vendor_ids"] == "bot dialer:robot"
    assert office.load("[external_id, attendees]", "[external_id]").sha256 != office.contract.sha256
