"""What was said and done in conversations: who, to whom, through what, and whether the customer sees it."""

import json

import msgspec
import pytest

from tallystick_hubspot.messages import thread_records
from tallystick_hubspot.threads import Said, Thread, ThreadEntry

EMAILS = {"ada@nordwind.example": "9001"}


def _said(channel="1000", **fields):
    entry = {"id": "m1", "type": "MESSAGE", "createdAt": "2026-09-01T08:00:00Z", "text": "It is done.", **fields}
    raw = json.dumps(entry).encode()
    return Said(Thread("7", channel), msgspec.json.decode(raw, type=ThreadEntry), raw)


def _records(*said):
    return list(thread_records("5", said, EMAILS))


def _act(said):
    return next(record for record in _records(said) if record.type == "ticket_event").values


@pytest.mark.parametrize(
    ("author", "client", "who"),
    [
        ("A-9001", {"clientType": "HUBSPOT"}, ("9001", "user", "chat")),
        ("A-9001", {"clientType": "INTEGRATION", "integrationAppId": 77123}, ("app:77123", "user", "api")),
        ("B-7", None, ("B-7", "user", "chat")),
        ("L-8", None, ("L-8", "user", "chat")),
        ("I-88", None, ("app:88", "user", "chat")),
        ("V-42", None, ("V-42", "user", "chat")),
        ("V-42", {"clientType": "INTEGRATION", "integrationAppId": "77123"}, ("V-42", "user", "api")),
        ("E-Carl@Clay.example", None, ("E-carl@clay.example", "user", "chat")),
        ("E-Ada@Nordwind.example", None, ("9001", "user", "chat")),
        ("S-hubspot", {"clientType": "SYSTEM"}, (None, "rule", "rule")),
        ("X-1", None, (None, "user", "chat")),
        ("nobody", None, (None, "user", "chat")),
        (None, None, (None, "user", "chat")),
        (5, None, (None, "user", "chat")),
    ],
)
def test_who_said_it(author, client, who):
    """A person, a bot, an application behind a person's seat, a customer, the system, or somebody who is not known."""
    values = _act(_said(createdBy=author, senders=[{"actorId": author}], client=client))

    assert (values[3], values[4], values[6]) == who
    assert (values[2], values[7], values[8]) == ("message", True, "other")


@pytest.mark.parametrize(("kind", "public"), [("MESSAGE", True), ("WELCOME_MESSAGE", True), ("COMMENT", False)])
def test_who_sees_it(kind, public):
    """Messages go to the customer, comments stay inside."""
    assert _act(_said(type=kind, createdBy="A-9001"))[7] is public


def test_a_message_sent_for_another_is_told():
    """A message is its sender's, and where somebody else made it, it was sent on behalf."""
    values = _act(_said(createdBy="A-9001", senders=[{"actorId": "V-42"}]))

    assert (values[3], values[6]) == ("V-42", "on_behalf")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"text": "Thanks, that worked!"}, "thanks"),
        ({"text": "Thanks, but no"}, "other"),
        ({"text": "Thanks!", "attachments": [{"fileId": "1"}]}, "other"),
        ({"text": "Thanks!", "truncationStatus": "TRUNCATED_TO_MOST_RECENT_REPLY"}, "other"),
        ({"text": "Thanks!", "truncationStatus": "NOT_TRUNCATED"}, "thanks"),
        ({"text": None, "richText": "<p>Danke</p>"}, "thanks"),
        ({"text": None}, None),
        ({"text": None, "attachments": [{"fileId": "1"}]}, "other"),
        ({"text": " "}, "empty"),
        ({"text": 5}, None),
    ],
)
def test_what_it_says(fields, says):
    """Only words that say nothing else are thanks; what came without a text says nothing that is known."""
    assert _act(_said(createdBy="V-42", **fields))[8] == says


@pytest.mark.parametrize(
    ("fields", "given"),
    [
        ({"assignedTo": "A-9001", "assignedFrom": "B-7"}, ("9001", "B-7")),
        ({"assignedTo": None, "assignedFrom": "A-9001"}, (None, "9001")),
        ({"assignedTo": "B-7"}, ("B-7", None)),
        ({"assignedTo": "Z-9"}, ("Z-9", None)),
    ],
)
def test_an_assignment(fields, given):
    """It says to whom, and from whom; somebody who is not known has an id that no actor has."""
    values = _act(_said(type="ASSIGNMENT", createdBy="S-hubspot", **fields))

    assert (values[2], values[4], values[11], values[10]) == ("assigned", "system", *given)
    assert values[9] == given[0]


@pytest.mark.parametrize("kind", ["THREAD_STATUS_CHANGE", "THREAD_INBOX_CHANGE", "SOMETHING_NEW", None, 5])
def test_what_is_no_act_is_passed_over(kind):
    """The state of a thread is not that of the ticket, and an unknown kind is no error."""
    assert _records(_said(type=kind, createdBy="A-9001")) == []


def test_strangers_are_actors_once():
    """Each visitor, address, bot and application becomes an actor with its role; users come from the owners."""
    said = [
        _said(id=str(number), createdBy=author, client=client)
        for number, (author, client) in enumerate(
            [
                ("V-42", None),
                ("V-42", None),
                ("E-carl@clay.example", None),
                ("B-7", None),
                ("L-8", None),
                ("A-9001", None),
                ("A-9001", {"integrationAppId": 77123}),
                ("S-hubspot", None),
            ]
        )
    ]
    actors = {
        record.id: (record.values[1], record.values[4], record.raw)
        for record in _records(*said)
        if record.type == "actor"
    }

    assert actors == {
        "V-42": ("person", "end-user", b'"V-42"'),
        "E-carl@clay.example": ("person", "end-user", b'"E-carl@clay.example"'),
        "B-7": ("application", "bot", b'"B-7"'),
        "L-8": ("application", "bot", b'"L-8"'),
        "app:77123": ("application", None, b"77123"),
    }


def test_an_entry_is_kept_as_delivered():
    """Id, ticket and bytes of an act are those of the entry."""
    said = _said(createdBy="A-9001")
    record = _records(said)[0]

    assert (record.id, record.values[1], record.raw) == ("5.7.m1", "5", said.raw)


def test_an_entry_without_a_time_is_another_shape():
    """What cannot be put in order is told."""
    with pytest.raises(msgspec.ValidationError):
        _records(_said(createdAt=None))


def test_what_is_no_act_needs_no_time():
    """An entry of a kind that is not read does not end the read of all tickets, whatever it lacks."""
    assert (
        _records(_said(type="SOMETHING_NEW", createdAt=None), _said(type="THREAD_STATUS_CHANGE", createdAt=None)) == []
    )
    with pytest.raises(msgspec.ValidationError, match="no time"):
        _records(_said(createdAt=None))
