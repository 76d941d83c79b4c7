"""Tickets, users and ratings become records."""

import json

import msgspec
import pytest

from tallystick.connectors import CustomField
from tallystick.records.types import RECORD_TYPES
from tallystick_zendesk.mapping import TicketReader, ai_agent_act, clock_of_ticket, rating_act, user_record
from tallystick_zendesk.via import channel

AT = 1_788_220_800
NOW = AT * 1_000_000
TICKET = {
    "id": 35436,
    "generated_timestamp": AT,
    "created_at": "2026-08-31T22:00:00Z",
    "updated_at": "2026-08-31T23:00:00Z",
    "status": "solved",
    "via": {"channel": "email", "source": {"from": {"address": "a@b.test"}, "to": {}, "rel": None}},
    "from_messaging_channel": False,
    "requester_id": 20978392,
    "submitter_id": 20978392,
    "assignee_id": 235323,
    "group_id": 98738,
    "organization_id": 509974,
    "external_id": "order-7",
    "tags": ["vip", "billing"],
    "email_cc_ids": [9, 10],
    "collaborator_ids": [10, 11],
    "satisfaction_rating": {"score": "good", "id": 1, "comment": None},
}


def _columns(record):
    columns = RECORD_TYPES[record.type].columns
    assert len(columns) == len(record.values)
    return dict(zip([column.name for column in columns], record.values, strict=True))


def _ticket(custom=None, reopens=None, **fields):
    raw = json.dumps({**TICKET, **fields}, indent=1).encode()
    record = TicketReader({"ticket": custom or {}}).record(raw, reopens)
    assert record.raw == raw
    return record


def test_a_ticket():
    """Every column of a ticket is filled from its field, ids as text, lists sorted and joined."""
    record = _ticket(reopens={"35436": 2})

    assert (record.type, record.id, record.as_of, record.deleted) == ("ticket", "35436", NOW, False)
    assert _columns(record) == {
        "created_at": NOW - 7_200_000_000,
        "updated_at": NOW - 3_600_000_000,
        "status": "solved",
        "channel": "email",
        "via": "email",
        "requester_id": "20978392",
        "submitter_id": "20978392",
        "assignee_id": "235323",
        "group_id": "98738",
        "organization_id": "509974",
        "external_id": "order-7",
        "follow_up_of": None,
        "tags": "billing vip",
        "cc_ids": "10 9",
        "csat": 5,
        "reopens_reported": 2,
    }


def test_a_ticket_of_which_little_is_known():
    """What is missing or null is null; a deleted ticket is a version like any other."""
    raw = b'{"id": "7", "updated_at": "2026-09-01T00:00:00Z", "status": "deleted", "requester_id": null}'
    record = TicketReader({}).record(raw)

    assert (record.id, record.as_of, record.deleted) == ("7", NOW, False)
    assert {name for name, value in _columns(record).items() if value is not None} == {
        "updated_at",
        "status",
        "channel",
    }


@pytest.mark.parametrize(
    "raw", [b"{}", b'{"id": 1}', b'{"id": [], "generated_timestamp": 1}', b'{"id": 1, "status": 2}', b"["]
)
def test_what_is_no_ticket_is_told(raw):
    """A row without id or time, or in another shape, is an error of msgspec."""
    with pytest.raises(msgspec.DecodeError):
        TicketReader({}).record(raw)


@pytest.mark.parametrize(
    ("rating", "csat"),
    [
        ({"score": "good_with_comment"}, 5),
        ({"score": "bad"}, 1),
        ({"score": "badwithcomment"}, 1),
        ({"score": "offered"}, None),
        ({"score": 7}, None),
        ({}, None),
        (None, None),
        ("good", 5),
        ([], None),
    ],
)
def test_the_rating_of_a_ticket(rating, csat):
    """Good is 5, bad is 1, and anything else is not rated."""
    assert _columns(_ticket(satisfaction_rating=rating))["csat"] == csat


@pytest.mark.parametrize(
    ("via", "messaging", "expected"),
    [
        ("email", False, "email"),
        ("mail", False, "email"),
        ("native_messaging", False, "messaging"),
        ("whatsapp", False, "messaging"),
        ("sunshine_conversations_api", False, "messaging"),
        ("telegram", False, "messaging"),
        ("api", True, "messaging"),
        ("chat_transcript", False, "chat"),
        ("voicemail", False, "voice"),
        ("phone_call_inbound", False, "voice"),
        ("web", False, "web"),
        ("web_widget", False, "web"),
        ("mobile_sdk", False, "web"),
        ("helpcenter", False, "web"),
        ("closed_ticket", False, "web"),
        ("twitter", False, "social"),
        ("facebook", False, "social"),
        ("instagram_dm", False, "social"),
        ("web_service", False, "api"),
        ("rule", False, "other"),
        ("side_conversation", False, "other"),
        ("pigeon", False, "other"),
        (None, False, "other"),
        (0, False, "web"),
        (4, False, "email"),
        (99, False, "other"),
    ],
)
def test_the_channel_of_a_ticket(via, messaging, expected):
    """Zendesk's many words become eight; the mark of a messaging ticket decides."""
    record = _ticket(via={"channel": via}, from_messaging_channel=messaging)

    assert _columns(record)["channel"] == expected
    assert channel("web") == "web"


def test_a_follow_up_names_its_parent():
    """The parent is read from where it says follow_up, else from the field for it."""
    via = {"channel": "web", "source": {"from": {"ticket_id": 42}, "to": {}, "rel": "follow_up"}}

    assert _columns(_ticket(via=via))["follow_up_of"] == "42"
    assert _columns(_ticket(via_followup_source_id=43))["follow_up_of"] == "43"
    other = {"channel": "web", "source": {"from": {"ticket_id": 42}, "rel": "problem"}}
    assert _columns(_ticket(via=other))["follow_up_of"] is None


def test_reopens_may_stand_in_the_ticket():
    """The count beside the ticket goes before the one in it; without either it is null."""
    assert _columns(_ticket(metric_set={"reopens": 3}))["reopens_reported"] == 3
    assert _columns(_ticket({}, {"35436": 1}, metric_set={"reopens": 3}))["reopens_reported"] == 1
    assert _columns(_ticket(reopens={"1": 1}))["reopens_reported"] is None
    assert _columns(_ticket(metric_set={"reopens": 2**70}))["reopens_reported"] is None
    assert _columns(_ticket(metric_set={"reopens": "4"}))["reopens_reported"] == 4


def test_custom_fields_are_picked_by_id():
    """A path leads into the ticket, or to a custom field by its id; a fraction stays exact."""
    custom = {
        "plan": CustomField(path="custom_fields.360001"),
        "price": CustomField(path="custom_fields.360002", type="money"),
        "brand": CustomField(path="brand_id"),
        "none": CustomField(path="custom_fields.1"),
    }
    fields = [{"id": 360001, "value": "gold"}, {"id": 360002, "value": 1.10}, "odd"]
    found = _ticket(custom, custom_fields=fields, brand_id=8).custom

    assert {name: str(value) for name, value in found.items()} == {
        "plan": "gold",
        "price": "1.1",
        "brand": "8",
        "none": "None",
    }
    assert _ticket().custom is None


def test_the_clock_of_the_export():
    """The order of the tickets export is that of generated_timestamp, and of nothing else."""
    assert clock_of_ticket(json.dumps(TICKET).encode()) == NOW
    assert clock_of_ticket(b'{"id": 1, "updated_at": "2026-09-01T00:00:00Z"}') is None


# --- users, AI agent tickets, ratings


@pytest.mark.parametrize(
    ("fields", "kind", "active"),
    [
        ({"role": "end-user"}, "person", True),
        ({"role": "agent"}, "unknown", True),
        ({"role": "admin", "suspended": True}, "unknown", False),
        ({"role": "end-user", "active": False}, "person", False),
        ({"role": None, "active": None}, "unknown", None),
    ],
)
def test_a_user(fields, kind, active):
    """A customer is a person; an agent may be a bot, so nothing is said; one deleted or suspended is not active."""
    user = {
        "id": 5,
        "name": "A",
        "email": "a@b.test",
        "active": True,
        "created_at": "2026-08-31T00:00:00Z",
        "updated_at": "2026-09-01T00:00:00Z",
        **fields,
    }
    record = user_record(json.dumps(user).encode())

    assert (record.type, record.id, record.as_of, record.deleted) == ("actor", "5", NOW, False)
    assert _columns(record) == {
        "created_at": NOW - 86_400_000_000,
        "kind": kind,
        "name": "A",
        "email": "a@b.test",
        "role": fields["role"],
        "active": active,
    }


def test_an_ai_agent_ticket():
    """A row of the AI agent scope is an act of its own, once per state of the ticket."""
    record = ai_agent_act(json.dumps(TICKET).encode())
    act = _columns(record)

    assert record.id == f"ai.35436.{AT}"
    assert {name: value for name, value in act.items() if value is not None} == {
        "at": NOW,
        "ticket_id": "35436",
        "kind": "ai_agent",
        "by": "system",
    }


def test_a_rating():
    """A rating is an act of the requester; one that was only offered is none."""
    row = {"id": 9, "ticket_id": 35436, "requester_id": 7, "score": "bad", "updated_at": "2026-09-01T00:00:00Z"}
    record = rating_act(json.dumps(row).encode())
    act = _columns(record)

    assert (record.id, act["kind"], act["actor_id"], act["by"]) == ("rating.9", "rated", "7", "user")
    assert (act["score"], act["value"], act["at"]) == (1, "bad", NOW)
    assert rating_act(json.dumps({**row, "score": "offered"}).encode()) is None


@pytest.mark.parametrize("read", [user_record, ai_agent_act, rating_act])
def test_rows_without_a_time_are_told(read):
    """A user, a ticket or a rating without any time is an error of msgspec."""
    with pytest.raises(msgspec.ValidationError):
        read(b'{"id": 1, "ticket_id": 2, "score": "good"}')
