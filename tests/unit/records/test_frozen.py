"""Frozen types: of what happened, the first version seen counts, whatever the system says later."""

import msgspec
import pytest

from tallystick.contracts import load_contract
from tallystick.database.engine import open_database
from tallystick.outcomes import Inputs, compile_evidence
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED
from tallystick.records.catalog import RecordStore
from tallystick.records.compaction import compact
from tallystick.records.model import Record
from tallystick.records.scan import connect
from tallystick.records.types import RECORD_TYPES
from tallystick.verification.claim import Claim
from tallystick.verification.verifier import Decision

DAY = 86_400_000_000
HOUR = DAY // 24
START = 1_780_000_000_000_000
NOW = START + 30 * DAY
CONTRACT = """\
contract: desk
version: 1
buyer: Acme
vendor: {name: Fixly, identities: {desk: ["900"]}}
timezone: Europe/Berlin
currency: EUR
term: {start: 2026-01-01}
outcomes:
  resolved:
    source: desk
    uses: ticket-resolved
    price: {per_unit: 1}
"""


@pytest.fixture
def desk(tmp_path):
    """An empty store for records of a help desk."""
    engine = open_database(tmp_path / "t.db", create=True)
    yield RecordStore(engine, tmp_path / "records")
    engine.dispose()


def _record(kind, record_id, as_of, /, *, deleted=False, **values):
    names = [column.name for column in RECORD_TYPES[kind].columns]
    raw = msgspec.json.encode({"id": record_id, **values, "deleted": deleted})
    return Record(kind, record_id, as_of, tuple(values.get(name) for name in names), raw, deleted=deleted)


def _act(record_id, kind, at, /, as_of=None, **values):
    values = {"ticket_id": "t1", "kind": kind, "at": START + round(at * HOUR), "by": "user", **values}
    return _record("ticket_event", record_id, as_of or values["at"], **values)


def _store(store, *records):
    store.commit("desk", records, (), connector="test 1", api_version="1", observed_at=NOW)


def _said(store, view="ticket_event", **more):
    with connect(store, "desk", **more) as database:
        return database.execute(f"SELECT id, version, says FROM {view} ORDER BY id, version").fetchall()


def test_acts_are_frozen_and_what_changes_is_not():
    """Of all types only the acts on a ticket are frozen."""
    assert [kind for kind, declared in RECORD_TYPES.items() if declared.frozen] == ["ticket_event"]


def test_the_first_version_counts(desk):
    """An act that reads otherwise later stays what it was; every version is kept."""
    _store(desk, _act("1", "message", 1, says="other"), _act("2", "message", 2, says="other"))
    _store(desk, _act("1", "message", 1, NOW, says="empty"))
    _store(desk, _act("1", "message", 1, NOW + 1, says="thanks"))

    assert _said(desk) == [("1", 1, "other"), ("2", 1, "other")]
    assert _said(desk, "ticket_event_all") == [
        ("1", 1, "other"),
        ("1", 2, "empty"),
        ("1", 3, "thanks"),
        ("2", 1, "other"),
    ]


def test_a_deletion_undoes_nothing(desk):
    """An act that the system deletes later happened all the same."""
    _store(desk, _act("1", "message", 1, says="other"))
    _store(desk, _act("1", "message", 1, NOW, deleted=True))

    assert _said(desk) == [("1", 1, "other")]


def test_what_was_first_seen_as_deleted_never_counts(desk):
    """An act known from its deletion alone is not there, also when it comes back."""
    _store(desk, _act("1", "message", 1, deleted=True))
    assert _said(desk) == []
    _store(desk, _act("1", "message", 1, NOW, says="other"))

    assert _said(desk) == []


def test_both_versions_in_one_batch(desk):
    """Of two versions that come in one batch the first one counts too."""
    _store(desk, _act("1", "message", 1, says="other"), _act("1", "message", 1, NOW, says="empty"))

    assert _said(desk) == [("1", 1, "other")]


@pytest.mark.parametrize(("seq", "expected"), [(0, []), (1, [("1", 1, "other")]), (2, [("1", 1, "other")])])
def test_as_of_any_sequence_number(desk, seq, expected):
    """As of any row the first version is the one that counts, from the row it came with."""
    _store(desk, _act("1", "message", 1, says="other"))
    _store(desk, _act("1", "message", 1, NOW, says="empty"))

    assert _said(desk, as_of_seq=seq) == expected


def test_compaction_keeps_the_first_version(desk):
    """Joining segments changes neither view."""
    for number in range(4):
        _store(
            desk, _act("1", "message", 1, NOW + number, says=f"{number}"), _act(f"9{number}", "message", 1, says="x")
        )
    before = _said(desk), _said(desk, "ticket_event_all")
    compact(desk, many=2)

    assert (_said(desk), _said(desk, "ticket_event_all")) == before
    assert before[0][0] == ("1", 1, "0")


def test_other_types_show_the_newest_version(desk):
    """A ticket is what it is now."""
    _store(desk, _record("ticket", "t1", START, status="open"))
    _store(desk, _record("ticket", "t1", NOW, status="closed"))
    with connect(desk, "desk") as database:
        assert database.execute("SELECT version, status FROM ticket").fetchall() == [(2, "closed")]


@pytest.fixture
def resolved(desk):
    """A ticket that the agent 900 resolved, after a person's note, with the first version of each user."""
    _store(
        desk,
        _record("actor", "900", START - DAY, role="agent"),
        _record("actor", "501", START - DAY, role="agent"),
        _record("actor", "700", START - DAY, role="end-user"),
        _record("ticket", "t1", START, created_at=START, updated_at=START, channel="email", requester_id="700"),
        _act("1", "message", 0, actor_id="700", public=True, says="other"),
        _act("2", "message", 1, actor_id="900", public=True, says="other"),
        _act("3", "message", 2, actor_id="501", public=False, says="other"),
        _act("4", "solved", 3, actor_id="900"),
    )
    return desk


@pytest.fixture
def decide(tmp_path):
    """Give a function from a store to the verdict on a claim on its ticket."""
    path = tmp_path / "desk.yaml"
    path.write_text(CONTRACT)
    contract = load_contract(path, templates={"ticket-resolved": TICKET_RESOLVED}, custom={"desk": {}})
    inputs = Inputs(read_from=dict.fromkeys(RECORD_TYPES, 0), read_to=dict.fromkeys(RECORD_TYPES, NOW))

    def run(store, **more):
        with connect(store, "desk", **more) as database:
            decision = Decision(database, contract, contract.outcomes["resolved"], inputs, now=0, before={})
            [verdict] = decision.claimed([Claim("A", "resolved", "t1", None, None, None)], {})
        return verdict

    return run


def _cited(verdict, kind):
    return [(item.id, item.version) for item in verdict.evidence if item.type == kind]


def test_a_verdict_cites_the_version_that_gave_the_role(resolved, decide):
    """A verdict rests on the ticket, its acts, and each user as of the act, whose hash it names."""
    verdict = decide(resolved)

    assert verdict.status == "verified"
    assert _cited(verdict, "ticket") == [("t1", 1)]
    assert _cited(verdict, "ticket_event") == [("1", 1), ("2", 1), ("3", 1), ("4", 1)]
    assert _cited(verdict, "actor") == [("501", 1), ("700", 1), ("900", 1)]
    with connect(resolved, "desk") as database:
        known = dict(database.execute("SELECT id, raw_sha256 FROM actor").fetchall())
    assert {item.id: item.raw_sha256 for item in verdict.evidence if item.type == "actor"} == known


@pytest.mark.parametrize("deleted", [False, True])
def test_a_later_version_of_a_user_changes_no_evidence(resolved, decide, deleted):
    """Who became or ceased to be an agent after the act leaves the verdict as it was, byte for byte."""
    before = decide(resolved)
    _store(resolved, _record("actor", "501", START + DAY, role="end-user", deleted=deleted))
    _store(resolved, _record("actor", "700", START + DAY, role="admin", deleted=deleted))

    assert decide(resolved) == before


def test_a_version_from_before_the_act_is_what_counts(resolved, decide):
    """The role held at an act is cited in place of the older one, and both where acts lie on either side."""
    _store(resolved, _record("actor", "501", START + HOUR, role="end-user"))
    _store(resolved, _record("actor", "900", START + 2 * HOUR, role="admin"))
    verdict = decide(resolved)

    assert _cited(verdict, "actor") == [("501", 2), ("700", 1), ("900", 1), ("900", 2)]


def test_a_later_version_of_an_act_changes_no_evidence(resolved, decide):
    """What the system says later about an act is neither decided by nor cited."""
    before = decide(resolved)
    _store(resolved, _act("2", "message", 1, NOW, actor_id="900", public=False, says="empty"))
    _store(resolved, _act("4", "solved", 3, NOW, actor_id="900", deleted=True))

    assert decide(resolved) == before


def test_evidence_is_as_of_the_sequence_number(resolved, decide):
    """Decided as of a row, a version that came after it is not cited."""
    before, seq = decide(resolved), resolved.last_seq()
    _store(resolved, _record("actor", "501", START + HOUR, role="end-user"))

    assert decide(resolved, as_of_seq=seq) == before
    assert decide(resolved) != before


def test_a_looked_up_version_is_cited_once(resolved):
    """However many acts a user did, the version comes once for each record, under the name of what it was read for."""
    _store(resolved, *(_act(f"1{number}", "message", 4 + number, actor_id="501", says="x") for number in range(3)))
    predicate = TICKET_RESOLVED.predicate({"bots": ["900"]})
    with connect(resolved, "desk") as database:
        database.execute("CREATE TABLE ids AS SELECT 't1' AS id")
        query = f"SELECT relation, id, count(*) FROM ({compile_evidence(predicate, 'ids')}) WHERE type = 'actor'"
        rows = database.execute(f"{query} GROUP BY ALL ORDER BY ALL").fetchall()

    assert rows == [("events.actor_role", user, 1) for user in ("501", "700", "900")]
