"""Tickets, users, ratings and events become records."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.connectors import CustomField
from tallystick.records.types import RECORD_TYPES
from tallystick_zendesk.acts import ActReader
from tallystick_zendesk.mapping import TicketReader, ai_agent_act, clock_of_ticket, rating_act, user_record
from tallystick_zendesk.via import channel, read_via

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


def _event(*children, merge_tags=("closed_by_merge",), **fields):
    event = {
        "id": 700,
        "ticket_id": 35436,
        "timestamp": AT,
        "created_at": "2026-09-01T00:00:00Z",
        "updater_id": 5,
        "via": "Web form",
        "event_type": "Audit",
        "child_events": list(children),
        **fields,
    }
    raw = json.dumps(event, indent=1).encode()
    records = ActReader(merge_tags).records(raw)
    assert {record.raw for record in records} <= {raw}
    assert {record.as_of for record in records} <= {NOW}
    assert len({(record.type, record.id) for record in records}) == len(records)
    return records


def _acts(*children, **fields):
    return [_columns(record) for record in _event(*children, **fields) if record.type == "ticket_event"]


def _act(*children, **fields):
    [act] = _acts(*children, **fields)
    return act


def _change(**fields):
    return {"id": 1, "via": "Web form", "via_reference_id": None, "event_type": "Change", **fields}


def _comment(**fields):
    via = {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}}
    return {
        "id": 2,
        "type": "Comment",
        "event_type": "Comment",
        "author_id": 5,
        "public": True,
        "body": "x",
        "via": via,
        **fields,
    }


# --- tickets


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


# --- events: who


@pytest.mark.parametrize(
    ("child", "event", "expected"),
    [
        ({"via": "Web form"}, {}, ("user", "5", None, "web")),
        ({"via": None}, {"via": "Mail"}, ("user", "5", None, "email")),
        ({"via": []}, {"via": {"channel": "api"}}, ("user", "5", None, "api")),
        ({"via": "Rule", "via_reference_id": 77}, {}, ("rule", None, "77", "rule")),
        ({"via": 8, "via_reference_id": 77}, {}, ("rule", None, "77", "rule")),
        (
            {"via": {"channel": "rule", "source": {"from": {"id": 78}, "rel": "trigger"}}},
            {},
            ("rule", None, "78", "rule"),
        ),
        (
            {"via": {"channel": "x", "source": {"from": {"id": "78"}, "rel": "automation"}}},
            {},
            ("rule", None, "78", "rule"),
        ),
        (
            {"via": None},
            {"via": {"channel": "rule", "source": {"from": {"id": 79}, "rel": "automation"}}, "updater_id": -1},
            ("rule", None, "79", "rule"),
        ),
        ({"via": "Web form"}, {"via": "Rule"}, ("user", "5", None, "web")),
        ({"via": "Web form"}, {"updater_id": -1}, ("system", None, None, "web")),
        ({"via": "Web form"}, {"updater_id": None}, ("system", None, None, "web")),
        ({"via": "Web form"}, {"updater_id": "6"}, ("user", "6", None, "web")),
        ({"via": None}, {"via": None}, ("user", "5", None, None)),
    ],
)
def test_who_did_it(child, event, expected):
    """The child's own via decides, then the event's; a rule is nobody, and -1 is the system."""
    act = _act(_change(status="pending", previous_value="open", **child), **event)

    assert (act["by"], act["actor_id"], act["rule_id"], act["channel"]) == expected


def test_a_message_is_its_authors():
    """Who wrote a message is its author, whoever's update it stands in; the system's update does not hide a person."""
    message = _act(_comment(author_id="77"), updater_id=-1)

    assert (message["by"], message["actor_id"]) == ("user", "77")
    assert _act(_comment(author_id=-1), updater_id=5)["by"] == "system"
    assert _act(_comment(author_id=None))["actor_id"] == "5"
    rule = _act(_comment(via={"channel": "rule", "source": {"from": {"id": 1}, "rel": "trigger"}}))
    assert (rule["by"], rule["actor_id"], rule["rule_id"]) == ("rule", None, "1")


# --- events: what


def test_a_creation_is_one_act():
    """Fields at creation are one act, and one per tag; an assignee given then is not assigned by anybody."""
    records = _event(
        {"event_type": "Create", "via": "Mail", "subject": "Help"},
        {"event_type": "Create", "via": "Mail", "status": "new"},
        {"event_type": "Create", "via": "Mail", "assignee_id": 8},
        {"event_type": "Create", "via": "Mail", "group_id": 9},
        {"event_type": "Create", "via": "Rule", "via_reference_id": 1, "tags": ["b", "a"]},
        _comment(body="Hi"),
        via="Mail",
    )
    acts = {record.id: _columns(record) for record in records}

    assert list(acts) == ["700.cr", "700.04.a", "700.04.b", "700.05"]
    created = acts["700.cr"]
    assert (created["kind"], created["value"], created["assignee_id"], created["group_id"]) == (
        "created",
        "new",
        "8",
        "9",
    )
    assert (created["by"], created["actor_id"], created["channel"]) == ("user", "5", "email")
    assert [(acts[key]["kind"], acts[key]["value"], acts[key]["by"]) for key in ("700.04.a", "700.04.b")] == [
        ("tagged", "a", "rule"),
        ("tagged", "b", "rule"),
    ]
    assert acts["700.05"]["says"] == "greeting"


def test_a_ticket_created_solved_is_solved_too():
    """A ticket that is solved from the start has both acts."""
    records = _event({"event_type": "Create", "status": "solved", "tags": ["x"]}, via=None)

    assert [(record.id, record.values[2]) for record in records] == [
        ("700.cr", "created"),
        ("700.cs", "solved"),
        ("700.00.a", "tagged"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("open", "solved", "solved"),
        ("deleted", "solved", "undeleted"),
        ("solved", "open", "reopened"),
        ("solved", "new", "reopened"),
        ("solved", "pending", "reopened"),
        ("solved", "hold", "reopened"),
        ("solved", "closed", "closed"),
        ("open", "closed", "closed"),
        ("open", "deleted", "deleted"),
        ("deleted", "open", "undeleted"),
        ("open", "pending", "status"),
        ("solved", "solved", "status"),
        (None, "open", "status"),
        ("Solved", "Open", "reopened"),
    ],
)
def test_each_change_of_status(old, new, kind):
    """What a change of status means depends on both ends."""
    act = _act(_change(status=new, previous_value=old))

    assert (act["kind"], act["value"], act["previous"]) == (kind, new.lower(), old and old.lower())


@pytest.mark.parametrize(
    ("comment", "says"),
    [
        ({"plain_body": "Thanks!"}, "thanks"),
        ({"plain_body": "It broke again"}, "other"),
        ({"plain_body": "Thanks!", "public": False}, None),
        ({"plain_body": "Thanks!", "author_id": 6}, None),
        ({"plain_body": "Thanks!", "via": "Rule"}, None),
    ],
)
def test_a_reopening_carries_what_was_said(comment, says):
    """What the one who reopened said in public in the same event stands with the reopening; nobody else's words do."""
    acts = _acts(_change(status="open", previous_value="solved"), _comment(**comment))

    assert [act["says"] for act in acts if act["kind"] == "reopened"] == [says]


def test_a_reopening_by_the_system_says_nothing():
    """Where nobody's update it was, nobody said anything."""
    acts = _acts(_change(status="open", previous_value="solved"), _comment(body="Thanks"), updater_id=-1)

    assert next(act for act in acts if act["kind"] == "reopened")["says"] is None


def test_assigned_and_grouped():
    """New and old assignee and group are told as text; to nobody is null."""
    assigned = _act(_change(assignee_id=8, previous_value="7"))
    grouped = _act(_change(group_id="9", previous_value=None))

    assert (assigned["kind"], assigned["assignee_id"], assigned["previous"]) == ("assigned", "8", "7")
    assert (grouped["kind"], grouped["group_id"], grouped["previous"]) == ("grouped", "9", None)
    assert _act(_change(assignee_id=None, previous_value=8))["assignee_id"] is None


@pytest.mark.parametrize(
    "lists",
    [
        {"added_tags": ["n", "m"], "removed_tags": ["a"]},
        {"added_tags": "m n", "removed_tags": "a"},
        {"previous_value": ["a", "b"]},
        {"previous_value": "a b"},
    ],
)
def test_tags_that_came_and_went(lists):
    """Each tag is an act of its own, from the lists or from the difference."""
    records = _event(_change(tags=["b", "m", "n"], **lists))

    assert [(record.id, record.values[2], record.values[9]) for record in records] == [
        ("700.00.a", "tagged", "m"),
        ("700.00.b", "tagged", "n"),
        ("700.00.c", "untagged", "a"),
    ]


def test_tags_without_what_was_before_are_a_change():
    """Where it is not told which tags were there, none counts as added by this person."""
    [record] = _event(_change(tags=["a"]))

    assert (record.type, record.values[4:7]) == ("change", ("tags", None, '["a"]'))


def test_many_acts_of_one_child_stay_in_order():
    """Ids of more acts than letters still sort in their order."""
    records = _event(_change(tags=[f"t{n:03d}" for n in range(80)], previous_value=[]))
    ids = [record.id for record in records]

    assert len(set(ids)) == 80
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("child", "kind", "value", "score"),
    [
        (_change(satisfaction_score="good", previous_value="offered"), "rated", "good", 5),
        (_change(satisfaction_score="bad_with_comment", previous_value="good"), "rated", "bad_with_comment", 1),
        ({"event_type": "SatisfactionRating", "score": "good"}, "rated", "good", 5),
        ({"event_type": "SurveyResponseSubmitted", "rating": 4}, "rated", "4", 4),
        ({"event_type": "SurveyResponseSubmitted", "survey_response": {"answers": [{"rating": "2"}]}}, "rated", "2", 2),
        ({"type": "AgentMacroReference", "macro_id": "12"}, "macro", "12", None),
        ({"event_type": "CollaborationThreadCreated"}, "side_conversation", None, None),
        ({"event_type": "TicketSharingEvent"}, "shared", None, None),
        ({"event_type": "CommentRedactionEvent", "comment_id": 3}, "redacted", "3", None),
        ({"event_type": "AttachmentRedactionEvent"}, "redacted", None, None),
        ({"event_type": "CommentPrivacyChange", "public": False}, "privacy", "private", None),
        ({"event_type": "CommentPrivacyChange", "public": True}, "privacy", "public", None),
        ({"event_type": "mark_as_spam"}, "spam", None, None),
        (_change(mark_as_spam=True), "spam", None, None),
        ({"event_type": "ChatEnded", "author_id": 9}, "call", None, None),
        ({"event_type": "VoiceComment", "author_id": 9}, "call", None, None),
        (_comment(type="VoiceComment"), "call", None, None),
        (_comment(via="Phone call (incoming)"), "call", None, None),
        (_comment(public=False, via={"channel": "side_conversation"}), "side_conversation", None, None),
    ],
)
def test_each_kind_of_child(child, kind, value, score):
    """Every documented child becomes its act."""
    act = _act(child)

    assert (act["kind"], act["value"], act["score"]) == (kind, value, score)


@pytest.mark.parametrize(
    "child",
    [
        {"event_type": "SatisfactionRating", "score": "offered"},
        {"event_type": "SurveyResponseSubmitted", "rating": 9},
        {"event_type": "SurveyResponseSubmitted"},
        {"event_type": "SurveyOffered"},
        {"event_type": "Notification", "body": "x"},
        {"event_type": "FutureThing", "status": "solved"},
        {"event_type": "Create"} | {"event_type": "created"},
        {},
        None,
        7,
        "x",
        [],
    ],
)
def test_what_we_do_not_know_is_left_out(child):
    """Undocumented children, and children that are no objects, make no record and no error."""
    assert _event(child) == []


def test_a_spam_ticket_that_is_deleted_is_both():
    """A deletion that came in as spam is told twice."""
    acts = _acts(_change(status="deleted", previous_value="open", via="Marked as spam"))

    assert [act["kind"] for act in acts] == ["deleted", "spam"]


def test_messages():
    """A message tells whether it is public, as delivered, and what it says."""
    private = _act(_comment(public=False, plain_body="Thanks"))
    without = _act({"event_type": "Comment", "comment_present": True, "comment_public": True})
    html = _act(_comment(body=None, html_body="<p>Thanks!</p>"))
    odd = _act(_comment(public="yes", body=None))

    assert (private["kind"], private["public"], private["says"]) == ("message", False, "thanks")
    assert (without["kind"], without["public"], without["says"]) == ("message", True, None)
    assert html["says"] == "thanks"
    assert (odd["public"], odd["says"]) == (None, None)


def test_markup_that_cannot_be_read_says_nothing():
    """A body of HTML that is no text leaves unknown what was said."""
    raw = json.dumps({"id": 1, "ticket_id": 2, "timestamp": AT, "child_events": [_comment(body=None)]}).encode()
    for markup in (b"1e999", b"7", b"null"):
        odd = raw.replace(b'"body": null', b'"html_body": ' + markup)
        [record] = ActReader().records(odd)
        assert odd != raw
        assert record.values[8] is None


def test_a_public_reply_through_a_side_conversation_stays_a_message():
    """What the customer sees is a message, however it came in."""
    assert _act(_comment(via={"channel": "side_conversation"}))["kind"] == "message"


MERGED = {"channel": "merge", "source": {"from": {}, "to": {"ticket_id": 900}, "rel": "merge"}}
ABSORBED = {
    "channel": "web",
    "source": {"from": {"ticket_id": "901", "ticket_ids": [901, 902]}, "to": {}, "rel": "merge"},
}


def test_merges():
    """The comment a merge leaves tells into which ticket this one went, or which came in; else it is a message."""
    assert [(act["kind"], act["other_ticket_id"]) for act in _acts(_comment(via=MERGED))] == [("merged", "900")]
    assert [(act["kind"], act["other_ticket_id"]) for act in _acts(_comment(via=ABSORBED))] == [
        ("absorbed", "901"),
        ("absorbed", "902"),
    ]
    assert [act["kind"] for act in _acts(_comment(via="Ticket merge"))] == ["message"]
    own = {"channel": "merge", "source": {"from": {"ticket_id": 35436}, "to": {"ticket_id": 900}, "rel": "merge"}}
    assert _act(_comment(via=own))["kind"] == "merged"
    swapped = {"channel": "merge", "source": {"from": {"ticket_id": 900}, "to": {"ticket_id": 35436}, "rel": "merge"}}
    assert _act(_comment(via=swapped))["kind"] == "absorbed"


CLOSING = _change(status="closed", previous_value="open")


def test_a_merge_known_by_its_tag_alone():
    """Without a comment the tag tells of the merge if the ticket is closed with it; with one, it adds nothing."""
    tag = _change(tags=["closed_by_merge"], added_tags=["closed_by_merge"])

    def kinds(*children, **given):
        return [act["kind"] for act in _acts(*children, CLOSING, **given)][:-1]

    assert kinds(tag) == ["tagged", "merged"]
    assert kinds(_comment(via=MERGED), tag) == ["merged", "tagged"]
    assert kinds(tag, _comment(via=MERGED)) == ["tagged", "merged"]
    assert kinds(tag, _comment()) == ["tagged", "merged", "message"]
    assert kinds(tag, merge_tags=["zusammen"]) == ["tagged"]
    other = _change(tags=["zusammen"], added_tags=["zusammen"])
    assert kinds(other, merge_tags=["zusammen"]) == ["tagged", "merged"]
    assert [act["kind"] for act in _acts(tag)] == ["tagged"]


def test_ids_do_not_depend_on_the_configuration():
    """An act has the same id whatever tags are said to mark a merge, so reading again doubles nothing."""
    children = (_change(tags=["a", "dup"], added_tags=["a", "dup"]), CLOSING)
    plain = {record.id for record in _event(*children)}
    more = {record.id for record in _event(*children, merge_tags=["dup"])}

    assert plain == {"700.00.a", "700.00.b", "700.01"}
    assert more == plain | {"700.00.mg"}


def test_who_is_not_told_is_nobody_known():
    """An author or updater that cannot be read is somebody unknown, never the updater and never the system."""
    for odd in ([1], {}, "", 1.5):
        act = _act(_comment(author_id=odd))
        assert (act["by"], act["actor_id"]) == ("user", None)
    assert _act(_comment(author_id=22.0))["actor_id"] == "22"


def test_what_is_written_on_behalf_of_somebody_is_marked():
    """A comment in another user's name is on behalf of that user, and what came through an API says so."""
    assert _act(_comment(author_id=77))["channel"] == "on_behalf"
    assert _act(_comment(via={"channel": "sunshine_conversations_api"}))["channel"] == "api"


def test_a_file_says_more_than_thanks():
    """Thanks with a file attached is not mere thanks."""
    assert _act(_comment(body="Thanks!", plain_body="Thanks!"))["says"] == "thanks"
    assert _act(_comment(body="Thanks!", plain_body="Thanks!", attachments=[{"id": 1}]))["says"] == "other"


def test_who_picked_up_a_call_is_told():
    """A call of the customer is the customer's, and the one who answered it acted too."""
    call = {
        **_comment(author_id=5),
        "event_type": "VoiceComment",
        "type": "VoiceComment",
        "data": {"answered_by_id": 22},
    }

    assert [(act["kind"], act["actor_id"]) for act in _acts(call)] == [("call", "5"), ("call", "22")]


def test_custom_fields_at_creation_are_changes():
    """A field that a form sets at once is a change like any other."""
    made = {"id": 1, "event_type": "Create", "custom_ticket_fields": {"360001": True}}
    fields = [record.values[4] for record in _event(made) if record.type == "change"]

    assert fields == ["custom.360001"]


def test_the_act_that_opens_a_follow_up_names_its_parent():
    """The act that opens a follow-up names the ticket it carries on."""
    via = {"channel": "web", "source": {"from": {"ticket_id": 900}, "to": {}, "rel": "follow_up"}}
    made = {"id": 1, "event_type": "Create", "status": "new", "via": via}
    acts = {record.values[2]: record.values for record in _event(made, via=via) if record.type == "ticket_event"}

    assert acts["created"][13] == "900"


# --- events: changes


def test_changes_carry_what_no_act_does():
    """A priority, a type, custom fields and the like are changes with their values as compact JSON."""
    records = _event(
        _change(priority="high", previous_value=None),
        _change(type="problem", previous_value="incident"),
        _change(custom_ticket_fields={"360001": [1, 2], "360002": True}, previous_value={"360001": None}),
        _change(**{"360003": 1.10}, previous_value="x"),
        _change(satisfaction_score="offered", previous_value="unoffered"),
        _change(subject="b", via="Rule", via_reference_id=3),
    )

    assert {record.type for record in records} == {"change"}
    assert [(record.id, *record.values[4:8]) for record in records] == [
        ("700.00", "priority", "null", '"high"', "5"),
        ("700.01", "type", '"incident"', '"problem"', "5"),
        ("700.02.a", "custom.360001", "null", "[1,2]", "5"),
        ("700.02.b", "custom.360002", None, "true", "5"),
        ("700.03", "custom.360003", '"x"', "1.1", "5"),
        ("700.04", "satisfaction_score", '"unoffered"', '"offered"', "5"),
        ("700.05", "subject", None, '"b"', None),
    ]
    assert records[0].values == (NOW, "ticket", "35436", "Change", "priority", "null", '"high"', "5", None, None)


def test_a_custom_field_with_a_plain_value_before():
    """The value before of one custom field may stand by itself."""
    [record] = _event(_change(custom_ticket_fields={"1": "b"}, previous_value="a"))

    assert record.values[4:7] == ("custom.1", '"a"', '"b"')


# --- events: whatever comes


@pytest.mark.parametrize(
    "fields", [{"id": None}, {"ticket_id": []}, {"timestamp": None, "created_at": None}, {"id": " "}]
)
def test_an_event_without_id_ticket_or_time_is_told(fields):
    """What cannot be placed is an error of msgspec."""
    with pytest.raises(msgspec.ValidationError):
        _event(_comment(), **fields)


def test_numbers_may_come_as_text():
    """Ids and times as text give the same records as numbers."""
    number, text = _event(_comment()), _event(_comment(author_id="5"), id="700", ticket_id="35436", timestamp=str(AT))

    assert [(one.id, one.values) for one in number] == [(one.id, one.values) for one in text]


def test_the_time_of_creation_stands_in():
    """Without a timestamp, the time of creation counts."""
    assert _act(_comment(), timestamp=None)["at"] == NOW


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KINDS = [
    "Create",
    "Change",
    "Comment",
    "VoiceComment",
    "ChatEnded",
    "SatisfactionRating",
    "SurveyResponseSubmitted",
    "x",
]
FIELDS = [
    *("status", "assignee_id", "group_id", "tags", "added_tags", "removed_tags", "previous_value", "via", "type"),
    *("via_reference_id", "author_id", "public", "body", "plain_body", "html_body", "custom_ticket_fields", "123"),
    *("satisfaction_score", "mark_as_spam", "macro_id", "comment_id", "score", "rating", "answers", "survey_response"),
]
VIA = st.fixed_dictionaries({"channel": JSON, "source": st.fixed_dictionaries({"from": JSON, "to": JSON, "rel": JSON})})
CHILD = st.dictionaries(st.sampled_from(FIELDS), JSON | VIA, max_size=6).flatmap(
    lambda child: st.sampled_from(KINDS).map(lambda kind: {**child, "event_type": kind})
)


@given(st.lists(CHILD | JSON, max_size=5), st.none() | st.integers(-1, 9) | st.text(max_size=3), JSON | VIA)
def test_no_child_is_ever_an_error(children, updater, via):
    """Whatever children hold, in whatever order, records of the right width with distinct ids come out."""
    for record in _event(*children, updater_id=updater, via=via):
        found = _columns(record)
        kinds = {column.name: column.kind for column in RECORD_TYPES[record.type].columns}
        for name, value in found.items():
            wanted = {"text": str, "integer": int, "boolean": bool, "instant": int}[kinds[name]]
            assert value is None or type(value) is wanted
        assert found.get("by", "user") in {"user", "rule", "system"}
        assert found.get("by") != "rule" or found["actor_id"] is None


@given(
    st.permutations(
        [_comment(), _change(status="solved", previous_value="open"), _change(priority="x", previous_value=None), None]
    )
)
def test_the_order_of_children_changes_ids_only(children):
    """The same children in another order give the same acts under other ids."""
    found = sorted((record.type, repr(record.values)) for record in _event(*children))
    plain = [_comment(), _change(status="solved", previous_value="open"), _change(priority="x", previous_value=None)]

    assert found == sorted((record.type, repr(record.values)) for record in _event(*plain))


@pytest.mark.parametrize("via", [None, [], True, 1.5, "", "  ", {}, {"channel": None}, {"source": []}, {"channel": {}}])
def test_a_via_that_says_nothing(via):
    """What cannot be read says nothing, so that the event's own via counts."""
    assert read_via(via) is None
