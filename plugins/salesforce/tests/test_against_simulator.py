"""The connector against the simulator, over a real socket, as a buyer's would read Salesforce."""

import random
from collections import Counter

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tallystick.database.engine import open_database
from tallystick.errors import AuthorizationError
from tallystick.records.catalog import RecordStore, coverage
from tallystick.records.scan import connect
from tallystick.records.types import RECORD_TYPES
from tallystick.sync.engine import sync_source
from tallystick.testing.instants import iso
from tallystick_salesforce.faults import QuotaError
from tallystick_salesforce.simulator import Paging, sample_plan
from tallystick_salesforce.simulator.sample import END
from tallystick_salesforce.streams import LAG, OVERLAP

SECOND = 1_000_000
UNTIL = END * SECOND
LATER = "2026-11-20T06:00:00Z"
SECRET = "VerySecretOfTheApp"
CUSTOM = {"meeting": {"accepted": {"path": "Meeting_Accepted__c", "type": "boolean"}}}
STATUS = {"Held": "completed", "No Show": "no_show", "Cancelled": "canceled"}
MEETINGS = {"custom": CUSTOM, "meeting_status_field": "Meeting_Outcome__c", "meeting_status_values": STATUS}


def _streams(connector):
    return {stream.name: stream for stream in connector.streams()}


def _read(stream, watermark=None, until=UNTIL):
    pages = [page for part in stream.plan(watermark, until) for page in stream.read(part)]
    return pages, [record for page in pages for record in page.records]


def _columns(record):
    return dict(zip(RECORD_TYPES[record.type].column, record.values, strict=True))


def _all(connector):
    return {name: _read(stream)[1] for name, stream in _streams(connector).items()}


# --- what is read


def test_every_stream_reads_the_sample(company, open_):
    """Each object becomes its record types, and nothing else; every stream is known up to the lag."""
    connector = open_(company(), **MEETINGS)
    found = _all(connector)
    told = {name: dict(Counter(record.type for record in records)) for name, records in found.items()}

    assert told["events"] == {"meeting": 27}
    assert told["event_relations"] == {"attendee": 10}
    assert told["tasks"] == {"call": 6}
    assert told["voice_calls"] == {"call": 6}
    assert told["video_calls"] == {"call": 10}
    assert told["opportunities"] == {"deal": 12}
    assert told["accounts"] == {"account": 10}
    assert told["contacts"] == {"contact": 20, "actor": 20}
    assert set(told["cases"]) == {"ticket", "ticket_event"}
    assert set(told["case_history"]) == {"change", "ticket_event"}
    assert all(found.values())
    assert {page.watermark for stream in connector.streams() for page in _read(stream)[0][-1:]} == {UNTIL - LAG}


def test_ids_are_unique_within_a_type(company, open_):
    """No two streams tell different things under one id, but for what is the same act."""
    seen = {}
    for name, records in _all(open_(company(), **MEETINGS)).items():
        for record in records:
            known = seen.setdefault((record.type, record.id), (name, record.values))
            assert known[1] == record.values or name == known[0]


def test_a_real_length_stands_in_a_call_alone(company, open_):
    """A call of 14:59 and one of 15:00 belong to meetings that were both scheduled for half an hour."""
    org = company()
    found = _all(open_(org, **MEETINGS))
    meetings = {record.id: _columns(record) for record in found["events"]}
    calls = {columns["meeting_id"]: columns for columns in map(_columns, found["video_calls"])}
    short, long = org.id("meeting0"), org.id("meeting2")

    assert [calls[key]["seconds"] for key in (short, long)] == [899, 1020]
    assert {meetings[key]["ends_at"] - meetings[key]["starts_at"] for key in (short, long)} == {1800 * SECOND}
    assert calls[short]["medium"] == "conference"


def test_who_accepted_a_meeting_and_when_is_told(company, open_):
    """The field's change names the account executive, at or after the end; the role is in the snapshot of users."""
    org = company()
    found = _all(open_(org, **MEETINGS))
    changes = [_columns(record) for record in found["activity_history"]]
    [accepted] = [
        change
        for change in changes
        if change["object_id"] == org.id("meeting0") and change["field"] == "custom.accepted"
    ]
    roles = {record.id: _columns(record)["role"] for record in found["users"]}
    [meeting] = [record for record in found["events"] if record.id == org.id("meeting0")]

    assert (accepted["object_type"], accepted["new"]) == ("meeting", "true")
    assert roles[accepted["actor_id"]] == "Account Executive"
    assert accepted["at"] > _columns(meeting)["ends_at"]
    assert meeting.custom == {"accepted": True}
    assert _columns(meeting)["status"] == "completed"


def test_group_copies_lead_to_their_originals(company, open_):
    """Each invited user has a copy, and the event it is one of is found by who is invited to what."""
    org = company()
    meetings = {record.id: _columns(record) for record in _all(open_(org, **MEETINGS))["events"]}
    copies = {key: columns["parent_id"] for key, columns in meetings.items() if columns["parent_id"] is not None}

    assert len(copies) == 5
    for place, owner in enumerate(["ae2", "ae1", "ae2", "ae1"]):
        assert copies[org.id(f"meeting{place}/{owner}/copy")] == org.id(f"meeting{place}")
    assert {meetings[parent]["parent_id"] for parent in copies.values()} == {None}


def test_stages_are_told_with_their_authors(company, open_):
    """Who moved a deal on stands in the history that is always on, also where a field history tells it too."""
    org = company()
    found = _all(open_(org))
    stages = [
        (change["old"], change["new"], change["actor_id"])
        for change in map(_columns, found["opportunity_history"])
        if change["object_id"] == org.id("deal0") and change["field"] == "stage"
    ]

    assert stages == [
        (None, '"Prospecting"', org.id("bot")),
        ('"Prospecting"', '"Qualification"', org.id("ae2")),
        ('"Qualification"', '"Closed Won"', org.id("ae2")),
    ]
    assert "stage" not in {_columns(record)["field"] for record in found["opportunity_field_history"]}


def test_deletions_merges_and_what_vanished(company, open_):
    """A deleted event is a tombstone, a merged account says into which, and a hard deletion leaves no trace."""
    org = company()
    found = _all(open_(org))
    events = {record.id: record for record in found["events"]}
    accounts = {record.id: _columns(record) for record in found["accounts"]}
    tickets = {record.id: _columns(record) for record in found["cases"] if record.type == "ticket"}

    assert events[org.id("meeting19")].deleted
    assert accounts[org.id("account9")]["merged_into"] == org.id("account8")
    assert tickets[org.id("case17")]["status"] == "deleted"
    assert org.id("case18") not in tickets
    assert org.id("lead7") not in {record.id for record in found["leads"]}


def test_archived_events_are_read(company, open_):
    """An event of more than a year ago is archived; it is read all the same."""
    org = company()

    assert org.id("old meeting") in {record.id for record in _all(open_(org))["events"]}


def test_a_handoff_is_told_in_every_way(company, open_):
    """The session, the owner, the mail and the comment of the agent; and the bot alone where nobody stepped in."""
    org = company()
    found = _all(open_(org))
    acts = [_columns(record) for records in found.values() for record in records if record.type == "ticket_event"]
    agent, helpbot, contact = org.id("agent"), org.id("helpbot"), org.id("contact1.1")
    handed = {(act["kind"], act["actor_id"]) for act in acts if act["ticket_id"] == org.id("case1")}
    alone = {act["kind"] for act in acts if act["ticket_id"] == org.id("case0")}

    assert {("message", agent), ("message", helpbot), ("message", contact), ("solved", agent)} <= handed
    assert ("assigned", agent) in handed
    assert {"created", "solved", "ai_agent", "message"} <= alone
    assert "assigned" not in alone


# --- signing in


@pytest.fixture(scope="module")
def key():
    """A private key in PEM, and its public one."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    public = made.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    return made.private_bytes(pem, form, serialization.NoEncryption()).decode(), public.decode()


@pytest.mark.parametrize("audience", ["login", "test"])
def test_a_signed_assertion_signs_in(company, open_, key, tmp_path, audience):
    """Without any shared secret, the app's key signs for a user of the org."""
    (tmp_path / "key.pem").write_text(key[0])
    org = company(public_key=key[1])
    username = next(row["Username"] for row in org.app.world.org.rows["User"].values() if row["IsActive"])
    signed = {"username": username, "private_key": f"file:{tmp_path}/key.pem", "audience": audience}
    connector = open_(org, client_secret=None, **signed)

    assert len(_read(_streams(connector)["users"])[1]) == 9


def test_a_key_or_a_user_that_is_not_known_is_told(company, open_, key, tmp_path):
    """Another key, and a user the org does not have, are the operator's to mend."""
    (tmp_path / "key.pem").write_text(key[0])
    signed = {"client_secret": None, "username": "no@such.user", "private_key": f"file:{tmp_path}/key.pem"}
    for org in (company(public_key=key[1]), company()):
        with pytest.raises(AuthorizationError, match="sign-in"):
            _read(_streams(open_(org, **signed))["users"])


def test_a_wrong_secret_is_told(company, open_, monkeypatch):
    """The secret is not repeated, and nothing more is asked."""
    org = company()
    connector = open_(org, client_id="wrong-key")
    with pytest.raises(AuthorizationError) as caught:
        _read(_streams(connector)["users"])

    assert SECRET not in caught.value.diagnostics()
    assert connector.calls() == 1


# --- how it is read


@pytest.mark.parametrize("paging", [Paging(page=3), Paging(page=200, short=True)])
def test_pages_of_any_size_give_the_same(company, open_, paging):
    """Small and short pages give the records that large ones give."""
    small, large = _all(open_(company(paging=paging))), _all(open_(company()))
    counts = [
        {name: sorted((record.type, record.id) for record in records) for name, records in found.items()}
        for found in (small, large)
    ]

    assert counts[0] == counts[1]


def test_bulk_gives_what_pages_give(company, open_):
    """A job's rows become the same records; only what a page cannot tell apart either differs."""
    org = company()
    bulk, pages = _all(open_(org, bulk_above=1, **MEETINGS)), _all(open_(org, bulk_above=None, **MEETINGS))

    for name, records in pages.items():
        told = {(record.type, record.id): (record.values, record.custom, record.deleted) for record in records}
        jobs = {(record.type, record.id): (record.values, record.custom, record.deleted) for record in bulk[name]}
        assert jobs == told, name


def test_an_increment_brings_what_changed_and_no_more(company, open_):
    """The next window brings what happened since, and the overlap again."""
    org = company(now=iso(END - 6 * 86_400))
    connector = open_(org)
    before = _read(_streams(connector)["cases"], until=UNTIL - 6 * 86_400 * SECOND)[0][-1].watermark
    org.steer("clock", {"to": iso(END)})
    later = _read(_streams(connector)["events"], before)[1]

    assert {org.id("meeting19"), org.id("meeting4")} <= {record.id for record in later if record.deleted}
    assert org.id("meeting12") not in {record.id for record in later}
    assert min(record.as_of for record in later) >= before - OVERLAP


def test_a_late_transaction_is_found_by_a_later_read(company, open_):
    """A stage that shows itself ten minutes late, behind the watermark, is read by the overlap."""
    plan = sample_plan()
    at = END - 500
    plan.update(at, "deal5", by="ae1", StageName="Qualification", late=400)
    org = company(plan, now=iso(END - 300))
    connector = open_(org)
    first = _read(_streams(connector)["opportunities"], until=UNTIL)
    org.steer("clock", {"to": iso(END + 600)})
    again = _read(_streams(connector)["opportunities"], first[0][-1].watermark, (END + 600) * SECOND)[1]

    assert org.id("deal5") in {record.id for record in again}


def test_a_stored_sync_is_exact_and_repeats_nothing(company, open_, store):
    """A second sync of an unchanged org stores nothing; what is known of each type reaches to the lag."""
    org = company()
    first = sync_source(store, "crm", open_(org, **MEETINGS), until=UNTIL, observed_at=UNTIL)
    second = sync_source(store, "crm", open_(org, **MEETINGS), until=UNTIL + SECOND, observed_at=UNTIL + SECOND)
    known = coverage(store.engine, "crm")

    assert (first.errors, second.errors) == ([], [])
    assert sum(report.stored for report in first.streams) > 200
    assert sum(report.stored for report in second.streams) == 0
    assert {found.watermark for found in known.values()} == {UNTIL - LAG}


def test_a_quota_makes_the_run_incomplete_and_the_next_one_whole(company, open_, store):
    """Nothing is lost and nothing known too early: a day later the next run reads the rest."""
    org, day = company(daily_limit=40), 86_400 * SECOND
    share = {"share_per_run": 1, "stop_at_org_use": 1}
    first = sync_source(store, "crm", open_(org, **share), until=UNTIL, observed_at=UNTIL)
    early = coverage(store.engine, "crm")
    org.steer("clock", {"to": iso(END + 90_000)})
    org.app.usage.limit = 1000
    later = UNTIL + day
    second = sync_source(store, "crm", open_(org, **share), until=later, observed_at=later)
    whole = coverage(store.engine, "crm")

    assert {type(error) for error in first.errors} == {QuotaError}
    assert None in {found.watermark for found in early.values()}
    assert second.errors == []
    assert None not in {found.watermark for found in whole.values()}
    assert sum(report.stored for report in [*first.streams, *second.streams]) > 200


@pytest.mark.parametrize("seed", [0, 1])
def test_whatever_went_wrong_on_the_way_nothing_is_lost(company, open_, tmp_path, seed):
    """Syncs at any time, by a clock ahead or behind, each with faults: the store has what one clean sync has."""
    chance, day = random.Random(seed), 86_400
    kinds = ("401", "500", "503", "429", "query_timeout", "expired_locator", "short_page", "job_failed", "400")
    plain, held = (RecordStore(open_database(tmp_path / f"{n}.db", create=True), tmp_path / n) for n in ("one", "two"))
    sync_source(plain, "crm", open_(company(), **MEETINGS), until=UNTIL, observed_at=UNTIL)
    now = END - 40 * day
    org = company(now=iso(now), paging=Paging(page=chance.choice([1, 2, 3, 7])))

    def sync(until, bulk):
        connector = open_(org, bulk_above=bulk, **MEETINGS)
        return sync_source(held, "crm", connector, until=until * SECOND, observed_at=until * SECOND)

    while now < END:
        now = min(END, now + chance.choice([600, 7200, day, 5 * day, 10 * day]))
        org.steer("clock", {"to": iso(now)})
        org.steer("faults", [{"kind": chance.choice(kinds), "times": chance.choice([1, 2, 9])} for _ in range(4)])
        sync(now + chance.choice([-400, 0, 90, 4000]), chance.choice([1, 3, None]))
    org.steer("faults", [])
    # Plans that were left open are finished first.
    reports = [sync(END, None) for _ in range(3)]

    assert reports[-1].errors == []
    assert {stream.watermark for stream in reports[-1].streams} == {UNTIL - LAG}
    assert _stored(plain) - _stored(held) == set()
    plain.engine.dispose()
    held.engine.dispose()


def _stored(held):
    with connect(held, "crm") as database:
        return {(kind, *row) for kind in RECORD_TYPES for row in database.execute(f"SELECT id FROM {kind}").fetchall()}


# --- faults
