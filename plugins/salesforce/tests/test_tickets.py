"""Cases and what happened to them as tickets and acts."""

import pytest

from tallystick.records.types import RECORD_TYPES
from tallystick_salesforce.faults import FieldError

SECOND = 1_000_000
AUGUST = 1_785_542_400_000_000
ADA, BO = "005000000000001AAA", "005000000000002AAA"
QUEUE = "00G000000000001AAA"
CASE = "500000000000001AAA"
ASKER = "003000000000001AAA"


def _columns(record):
    return dict(zip(RECORD_TYPES[record.type].column, record.values, strict=True))


@pytest.fixture
def made(org, connect, read):
    """Give the records of one stream for some rows of its object."""

    def make(stream, entity, *rows, **settings):
        org.rows[entity] = list(rows)
        return read({found.name: found for found in connect(**settings).streams()}[stream])[1]

    return make


def _acts(records):
    return [_columns(record) for record in records if record.type == "ticket_event"]


def test_a_case_becomes_a_ticket_and_its_creation(made, row):
    """Who asks is its contact, and its number is what others call it."""
    ticket, created = made(
        "cases",
        "Case",
        row(
            "500",
            1,
            Status="Working",
            IsClosed=False,
            Origin="Web Chat",
            OwnerId=ADA,
            ContactId=ASKER,
            AccountId="001000000000001AAA",
            CaseNumber="00001026",
            CreatedById=BO,
            ParentId="500000000000009AAA",
        ),
    )
    columns = _columns(ticket)

    assert columns == {
        **dict.fromkeys(columns),
        "created_at": AUGUST + SECOND,
        "updated_at": AUGUST + SECOND,
        "status": "open",
        "channel": "chat",
        "via": "Web Chat",
        "requester_id": ASKER,
        "submitter_id": BO,
        "assignee_id": ADA,
        "organization_id": "001000000000001AAA",
        "external_id": "00001026",
        "follow_up_of": "500000000000009AAA",
    }
    assert (created.id, created.values[:4]) == (f"{CASE}.created", (AUGUST + SECOND, CASE, "created", BO))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Status": "New", "IsClosed": False}, "new"),
        ({"Status": "Escalated", "IsClosed": False}, "open"),
        ({"Status": "Done", "IsClosed": True}, "solved"),
        ({"Status": "Waiting", "IsClosed": False}, "pending"),
        ({"Status": "Odd"}, None),
        ({"Status": "Done", "IsClosed": True, "IsDeleted": True}, "deleted"),
        ({"Status": "Done", "IsClosed": True, "IsDeleted": True, "MasterRecordId": "500000000000002AAA"}, "closed"),
    ],
)
def test_a_status_is_put_in_our_words(made, row, fields, expected):
    """What closes a case is told by the case itself; a table may tell more; what is not said is not known."""
    ticket = made("cases", "Case", row("500", 1, **fields), case_status_values={"waiting": "pending"})[0]

    assert (_columns(ticket)["status"], ticket.deleted) == (expected, False)


def test_a_queue_owns_as_a_group(made, row):
    """An owner is a person or a queue, by its id."""
    columns = _columns(made("cases", "Case", row("500", 1, OwnerId=QUEUE))[0])

    assert (columns["assignee_id"], columns["group_id"]) == (None, QUEUE)


@pytest.mark.parametrize(
    ("origin", "channel"),
    [("Email", "email"), ("Phone", "voice"), ("Web", "web"), ("WhatsApp", "messaging"), ("Fax", "other"), (None, None)],
)
def test_an_origin_is_put_in_our_words(made, row, origin, channel):
    """Where a case came from decides which silence counts."""
    assert _columns(made("cases", "Case", row("500", 1, Origin=origin))[0])["channel"] == channel


def test_the_end_of_a_case_is_an_act(made, row):
    """Deleting is one on the case; merging is one on either."""
    master = "500000000000009AAA"
    records = made(
        "cases",
        "Case",
        row("500", 1, IsDeleted=True, LastModifiedById=ADA),
        row("500", 2, IsDeleted=True, MasterRecordId=master, LastModifiedById=ADA),
    )
    ends = [act for act in _acts(records) if act["kind"] != "created"]

    assert [(act["ticket_id"], act["kind"], act["other_ticket_id"], act["actor_id"]) for act in ends] == [
        (CASE, "deleted", None, ADA),
        ("500000000000002AAA", "merged", master, ADA),
        (master, "absorbed", "500000000000002AAA", ADA),
    ]


def _moved(row, number, field, old, new, *, by=ADA):
    return row("017", number, CaseId=CASE, Field=field, OldValue=old, NewValue=new, CreatedById=by)


def test_a_cases_history_tells_acts_and_changes(made, row):
    """Closing solves, opening a closed case reopens it, and a person or a queue is given it."""
    rows = [
        _moved(row, 1, "created", None, None),
        _moved(row, 2, "Status", "New", "Working"),
        _moved(row, 3, "Owner", QUEUE, BO),
        _moved(row, 4, "Owner", "Tier 1", "Bo Human"),
        _moved(row, 5, "Status", "Working", "Closed", by=BO),
        _moved(row, 6, "Status", "closed", "Working"),
        _moved(row, 7, "Owner", BO, QUEUE),
        _moved(row, 8, "Priority", "Low", "High"),
    ]
    records = made("case_history", "CaseHistory", *rows)
    acts = _acts(records)

    assert [(act["kind"], act["value"], act["previous"], act["actor_id"]) for act in acts] == [
        ("status", "Working", "New", ADA),
        ("assigned", BO, QUEUE, ADA),
        ("solved", "Closed", "Working", BO),
        ("reopened", "Working", "closed", ADA),
        ("grouped", QUEUE, BO, ADA),
    ]
    assert [(act["assignee_id"], act["group_id"]) for act in acts if act["kind"] in {"assigned", "grouped"}] == [
        (BO, None),
        (None, QUEUE),
    ]
    changes = [_columns(record) for record in records if record.type == "change"]
    assert [change["field"] for change in changes] == [
        None, "status", "assignee_id", "Owner", "status", "status", "assignee_id", "Priority",
    ]  # fmt: skip
    assert len({(record.type, record.id) for record in records}) == len(records)


def test_which_statuses_close_a_case_is_asked_for_once(org, made, row):
    """The org says it, unless the configuration does."""
    rows = [_moved(row, 1, "Status", "New", "Done")]
    org.rows["CaseStatus"][0] |= {"ApiName": "Done", "MasterLabel": "Fertig"}
    told = made("case_history", "CaseHistory", *rows)
    org.rows["CaseStatus"][0] |= {"IsClosed": False}
    set_by_hand = made("case_history", "CaseHistory", *rows, closed_case_statuses=["done"])

    assert [_acts(records)[0]["kind"] for records in (told, set_by_hand)] == ["solved", "solved"]
    assert org.names().count("query CaseStatus") == 1


def test_without_knowing_what_closes_a_case_nothing_is_read(org, made, row):
    """Who solved it could not be told, so it is not guessed."""
    org.hidden.add("CaseStatus")
    with pytest.raises(FieldError, match="which statuses close"):
        made("case_history", "CaseHistory", _moved(row, 1, "Status", "New", "Closed"))


def test_the_trail_tells_acts_only_where_no_history_does(made, row):
    """Of the two records of the same act, one is enough."""
    base = {"CaseId": CASE, "LastModifiedById": ADA}
    rows = [
        row("0TR", 1, **base, Status="New", OwnerId=QUEUE),
        row("0TR", 2, **base, Status="New", OwnerId=BO),
        row("0TR", 3, **base, Status="Closed", OwnerId=BO),
    ]
    beside = made("case_trail", "CaseHistory2", *rows)
    alone = made("case_trail", "CaseHistory2", *rows, without=["CaseHistory"])

    assert _acts(beside) == []
    assert [_columns(record)["field"] for record in beside] == ["assignee_id", "status"]
    assert [(act["kind"], act["value"]) for act in _acts(alone)] == [("assigned", BO), ("solved", "Closed")]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"AgentType": "BotToAgent", "OwnerId": BO, "AcceptTime": "2026-08-02T00:00:00.000+0000"}, ("assigned", BO)),
        ({"AgentType": "Agent", "OwnerId": BO, "AcceptTime": "2026-08-02T00:00:00.000+0000"}, ("assigned", BO)),
        ({"AgentType": "Agent", "OwnerId": QUEUE, "AcceptTime": "2026-08-02T00:00:00.000+0000"}, ("assigned", None)),
        ({"AgentType": "BotToAgent", "OwnerId": BO}, None),
        ({"AgentType": "Bot", "EndTime": "2026-08-02T00:00:00.000+0000"}, ("ai_agent", None)),
        ({"AgentType": "Bot"}, None),
        ({"AgentType": "System", "EndTime": "2026-08-02T00:00:00.000+0000"}, None),
    ],
)
def test_a_session_tells_who_took_it(made, row, fields, expected):
    """A person who accepted it was given the case at that time; a bot that ended it handled it alone."""
    acts = _acts(made("messaging_sessions", "MessagingSession", row("0Mw", 1, CaseId=CASE, **fields)))
    shown = [(act["kind"], act["assignee_id"]) for act in acts]

    assert shown == ([] if expected is None else [expected])
    assert all(act["at"] == AUGUST + 86_400 * SECOND for act in acts)


def test_a_session_without_a_case_tells_nothing_of_one(made, row):
    """Until it has a case there is no ticket to tell of."""
    fields = {"AgentType": "Agent", "OwnerId": BO, "AcceptTime": "2026-08-02T00:00:00.000+0000"}

    assert made("messaging_sessions", "MessagingSession", row("0Mw", 1, **fields)) == []


def _entry(row, number, actor_type, actor, *, kind="Text", text="How do I do it?", session="0dw1"):
    told = {"ActorType": actor_type, "ActorId": actor, "EntryType": kind, "Message": text}
    return row("0Jx", number, ConversationId=session, EntryTime="2026-08-02T00:00:00.000+0000", **told)


def test_entries_of_a_conversation_are_messages_of_the_case(org, made, row):
    """The session tells the case and who asks; an escalation by the bot is a mark."""
    session = row("0Mw", 1, CaseId=CASE, ConversationId="0dw1", EndUserContactId=ASKER)
    org.rows["MessagingSession"] = [session]
    rows = [
        _entry(row, 1, "EndUser", "0PA1"),
        _entry(row, 2, "Bot", "0Xx1"),
        _entry(row, 3, "Bot", "0Xx1", kind="BotEscalated"),
        _entry(row, 4, "Agent", BO, text="Thanks"),
        _entry(row, 5, "System", None),
        _entry(row, 6, "Agent", BO, text=None),
    ]
    acts = _acts(made("conversation_entries", "ConversationEntry", *rows))

    assert [(act["kind"], act["actor_id"], act["public"], act["says"]) for act in acts] == [
        ("message", ASKER, True, "other"),
        ("message", "0Xx1", True, "other"),
        ("tagged", "0Xx1", None, None),
        ("message", BO, True, "thanks"),
        ("message", BO, True, None),
    ]
    assert {act["ticket_id"] for act in acts} == {CASE}
    assert org.names().count("query MessagingSession") == 1


def test_entries_may_name_the_session_itself(org, made, row):
    """Either way leads to the case: by the conversation, or by the session's own id."""
    org.rows["MessagingSession"] = [row("0Mw", 1, CaseId=CASE, EndUserContactId=ASKER)]
    entries = [_entry(row, 1, "EndUser", "0PA1", session="0Mw000000000001AAA")]
    told = made("conversation_entries", "ConversationEntry", *entries)

    assert [act["actor_id"] for act in _acts(told)] == [ASKER]
    assert made("messaging_sessions", "MessagingSession", *org.rows["MessagingSession"]) == told


def test_entries_of_a_session_that_got_its_case_late_are_read_with_it(org, made, row):
    """They were passed over while there was no case; the session brings them, with the same ids."""
    org.rows["ConversationEntry"] = [_entry(row, 1, "Agent", BO)]
    session = row("0Mw", 1, CaseId=CASE, ConversationId="0dw1")
    before = made("conversation_entries", "ConversationEntry", *org.rows["ConversationEntry"])
    late = made("messaging_sessions", "MessagingSession", session)
    again = made("conversation_entries", "ConversationEntry", *org.rows["ConversationEntry"])

    assert before == []
    assert late == again
    assert [record.id for record in late] == ["0Jx000000000001AAA"]


def _mail(row, number, **fields):
    parent = {"ContactId": ASKER, "ContactEmail": "Bo@x.test"}
    told = {"ParentId": CASE, "Parent": parent, "TextBody": "Hello?", "CreatedById": ADA, "Incoming": False}
    return row("02s", number, **{**told, "MessageDate": "2026-08-02T00:00:00.000+0000", "Status": "3", **fields})


def test_an_email_is_a_public_message_of_whoever_wrote_it(made, row):
    """What goes out is its author's; what comes in is the contact's only if it has the contact's address."""
    rows = [
        _mail(row, 1),
        _mail(row, 2, Incoming=True, FromAddress="bo@X.test"),
        _mail(row, 3, Incoming=True, FromAddress="eve@evil.test"),
        _mail(row, 4, Incoming=True),
        _mail(row, 5, Status="5"),
        _mail(row, 6, ParentId="006000000000001AAA"),
    ]
    acts = _acts(made("emails", "EmailMessage", *rows))

    assert [act["actor_id"] for act in acts] == [ADA, ASKER, "email:eve@evil.test", None]
    assert {(act["kind"], act["public"], act["channel"], act["says"]) for act in acts} == {
        ("message", True, "email", "other")
    }


def test_a_comment_is_public_where_it_is_published(made, row):
    """A comment that is not published is a note."""
    base = {"ParentId": CASE, "CreatedById": ADA, "CommentBody": "Done"}
    acts = _acts(
        made(
            "case_comments",
            "CaseComment",
            row("00a", 1, **base, IsPublished=True),
            row("00a", 2, **base, IsPublished=False),
        )
    )

    assert [(act["kind"], act["public"], act["actor_id"]) for act in acts] == [
        ("message", True, ADA),
        ("message", False, ADA),
    ]
