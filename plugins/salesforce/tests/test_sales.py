"""Events, calls and opportunities as records, column by column."""

import json
from decimal import Decimal

import pytest

from tallystick.records.types import RECORD_TYPES
from tallystick_salesforce.faults import FieldError

AUGUST = 1_785_542_400_000_000
SECOND = 1_000_000
STATUS = {"Completed": "completed", "No Show": "no_show", "Rescheduled": "rescheduled"}


def _columns(record):
    return dict(zip(RECORD_TYPES[record.type].column, record.values, strict=True))


@pytest.fixture
def made(org, connect, read):
    """Give the records of one stream for some rows of its object, as columns beside the records."""

    def make(stream, entity, *rows, **settings):
        org.rows[entity] = list(rows)
        found = {found.name: found for found in connect(**settings).streams()}[stream]
        records = read(found)[1]
        return records, [_columns(record) for record in records]

    return make


def test_an_event_becomes_a_meeting(made, row):
    """Its length is the scheduled one, its status is not known, and it names whom and what it is about."""
    event = row(
        "00U",
        1,
        Subject="Demo",
        WhoId="00Q000000000001AAA",
        WhatId="006000000000001AAA",
        AccountId="001000000000001AAA",
        OwnerId="005000000000001AAA",
        CreatedById="005000000000002AAA",
        StartDateTime="2026-08-03T10:00:00.000+0000",
        EndDateTime="2026-08-03T10:30:00.000+0000",
        IsAllDayEvent=False,
        IsChild=False,
        RecurrenceActivityId="00U000000000009AAA",
    )
    [record], [columns] = made("events", "Event", event)
    start = AUGUST + (2 * 86_400 + 36_000) * SECOND

    assert (record.type, record.id, record.as_of) == ("meeting", "00U000000000001AAA", AUGUST + SECOND)
    assert columns == {
        "created_at": AUGUST + SECOND,
        "updated_at": AUGUST + SECOND,
        "starts_at": start,
        "ends_at": start + 1800 * SECOND,
        "all_day": False,
        "status": None,
        "title": "Demo",
        "owner_id": "005000000000001AAA",
        "created_by": "005000000000002AAA",
        "app_id": None,
        "account_id": "001000000000001AAA",
        "contact_id": "00Q000000000001AAA",
        "deal_id": "006000000000001AAA",
        "external_id": None,
        "parent_id": None,
        "series_id": "00U000000000009AAA",
        "rescheduled_from": None,
    }


def test_without_an_end_the_scheduled_minutes_tell_it(made, row):
    """An event of no length at all is one, and one without a start has no end."""
    times = {"StartDateTime": "2026-08-03T10:00:00.000+0000"}
    events = [
        row("00U", 1, **times, DurationInMinutes=15),
        row("00U", 2, **times, DurationInMinutes=0),
        row("00U", 3, DurationInMinutes=15),
        row("00U", 4, **times),
    ]
    _, columns = made("events", "Event", *events)
    lengths = [
        None if None in (found["starts_at"], found["ends_at"]) else found["ends_at"] - found["starts_at"]
        for found in columns
    ]

    assert lengths == [900 * SECOND, 0, None, None]


def test_an_invited_users_copy_is_told_from_the_event(made, row):
    """Salesforce marks a copy and does not say of what: its parent is unknown, which is not the same as none."""
    _, columns = made("events", "Event", row("00U", 1, IsChild=False), row("00U", 2, IsChild=True), row("00U", 3))

    assert [found["parent_id"] for found in columns] == [None, "unknown", None]


def _gathering(row, **times):
    return {"Subject": "Demo", "StartDateTime": "2026-08-03T10:00:00.000+0000", "EndDateTime": None, **times}


def _invited(row, number, event, user, told):
    return row(
        "0RE", number, EventId=f"00U{event:012d}AAA", RelationId=user, IsInvitee=True, Event={**told, "IsChild": False}
    )


def test_a_copys_event_is_the_one_its_owner_is_invited_to(org, made, row):
    """Subject and times are the event's own; where two events are alike, or none is, it cannot be told."""
    ada, bo, eve = (f"005{number:012d}AAA" for number in (1, 2, 3))
    told, other = _gathering(row), _gathering(row, Subject="Other")
    org.rows["EventRelation"] = [
        _invited(row, 1, 1, ada, told),
        _invited(row, 2, 2, bo, told),
        _invited(row, 3, 3, bo, told),
        _invited(row, 4, 4, eve, other),
    ]
    copies = [row("00U", 10 + number, OwnerId=user, IsChild=True, **told) for number, user in enumerate((ada, bo, eve))]
    _, columns = made("events", "Event", row("00U", 1, IsChild=False, **told), *copies)

    assert [found["parent_id"] for found in columns] == [None, "00U000000000001AAA", "unknown", "unknown"]
    assert org.names().count("query EventRelation") == 1


@pytest.mark.parametrize("hidden", ["EventRelation", "EventRelation.EventId"])
def test_without_relations_a_copys_event_is_unknown(org, made, row, hidden):
    """What cannot be read says nothing; that it cannot is told by the stream of relations."""
    org.hidden.add(hidden)
    _, columns = made("events", "Event", row("00U", 1, OwnerId="005000000000001AAA", IsChild=True, **_gathering(row)))

    assert columns[0]["parent_id"] == "unknown"


def test_what_an_event_is_about_is_told_by_its_kind(made, row):
    """A case is no deal, and an account is no contact."""
    _, [columns] = made("events", "Event", row("00U", 1, WhoId="001000000000001AAA", WhatId="500000000000001AAA"))

    assert (columns["contact_id"], columns["deal_id"]) == (None, None)


def test_how_a_meeting_went_is_told_by_a_field_of_the_buyers(org, made, row):
    """A value in the table becomes our word, whatever its letters' case; any other is not known."""
    org.fields["Event"] += ["Status__c", "Zoom__c", "Length__c"]
    said = ["completed", "No Show", "Who knows", None]
    events = [row("00U", n, Status__c=word, Zoom__c=f"z{n}", Length__c=15.0) for n, word in enumerate(said)]
    records, columns = made(
        "events",
        "Event",
        *events,
        meeting_status_field="Status__c",
        meeting_status_values=STATUS,
        meeting_external_id_field="Zoom__c",
        custom={"meeting": {"minutes": {"path": "Length__c", "type": "integer"}}},
    )

    assert [found["status"] for found in columns] == ["completed", "no_show", None, None]
    assert [found["external_id"] for found in columns] == ["z0", "z1", "z2", "z3"]
    assert [record.custom for record in records] == [{"minutes": 15}] * 4


def test_who_is_related_to_an_event_is_an_attendee(made, row):
    """A user is internal, a contact or lead is not; what an event is about is no attendee."""
    event = {"EventId": "00U000000000001AAA"}
    rows = [
        row(
            "0RE",
            1,
            **event,
            RelationId="005000000000001AAA",
            Status="Accepted",
            RespondedDate="2026-08-02T00:00:00.000+0000",
        ),
        row(
            "0RE",
            2,
            **event,
            RelationId="003000000000001AAA",
            Status="Declined",
            Relation={"Type": "Contact", "Email": "Bo@X.Test"},
        ),
        row("0RE", 3, **event, RelationId="023000000000001AAA", Status="New"),
        row("0RE", 4, **event, RelationId="006000000000001AAA", IsWhat=True),
    ]
    _, columns = made("event_relations", "EventRelation", *rows)
    shown = [(c["internal"], c["actor_id"], c["contact_id"], c["response"], c["email"], c["domain"]) for c in columns]

    assert shown == [
        (True, "005000000000001AAA", None, "accepted", None, None),
        (False, None, "003000000000001AAA", "declined", "bo@x.test", "x.test"),
        (None, None, None, "none", None, None),
    ]
    assert columns[0]["responded_at"] == AUGUST + 86_400 * SECOND
    assert {c["attended"] for c in columns} == {None}
    assert {c["meeting_id"] for c in columns} == {"00U000000000001AAA"}


def test_a_call_logged_as_a_task_tells_how_long_it_took(made, row):
    """It stands at the time it was logged; a task that is no call is not read."""
    rows = [
        row("00T", 1, TaskSubtype="Call", CallDurationInSeconds=899, CallDisposition="Left Voicemail", CallObject="x1"),
        row("00T", 2, TaskSubtype="Email"),
        row("00T", 3, TaskSubtype="Task", CallDurationInSeconds=5, WhoId="003000000000001AAA"),
    ]
    _, columns = made("tasks", "Task", *rows)

    assert [(c["seconds"], c["status"], c["external_id"]) for c in columns] == [
        (899, "voicemail", "x1"),
        (5, None, None),
    ]
    assert [c["started_at"] for c in columns] == [AUGUST + SECOND, AUGUST + 3 * SECOND]
    assert [c["ended_at"] for c in columns] == [None, None]
    assert columns[1]["contact_id"] == "003000000000001AAA"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Connected", "connected"),
        ("No Answer", "no_answer"),
        ("not-answered", "no_answer"),
        ("line BUSY", "busy"),
        ("Wrong Number", "wrong_number"),
        ("Interested!", "other"),
        ("", None),
    ],
)
def test_a_disposition_is_put_in_our_words(made, row, said, expected):
    """Organisations write their own; what cannot be placed is other, and nothing is not known."""
    _, [columns] = made("tasks", "Task", row("00T", 1, TaskSubtype="Call", CallDisposition=said))

    assert columns["status"] == expected


def test_a_telephone_call_has_its_real_times(made, row):
    """Start, end and seconds are those of the telephone system."""
    call = row(
        "0LQ",
        1,
        CallStartDateTime="2026-08-02T10:00:00.000+0000",
        CallEndDateTime="2026-08-02T10:15:00.000+0000",
        CallDurationInSeconds=900,
        ActivityId="00T000000000001AAA",
        UserId="005000000000001AAA",
        RelatedRecordId="006000000000001AAA",
        VendorCallKey="k1",
    )
    _, [columns] = made("voice_calls", "VoiceCall", call)

    assert (columns["ended_at"] - columns["started_at"], columns["seconds"]) == (900 * SECOND, 900)
    assert (columns["medium"], columns["meeting_id"], columns["owner_id"]) == ("phone", None, "005000000000001AAA")
    assert (columns["deal_id"], columns["contact_id"], columns["external_id"]) == ("006000000000001AAA", None, "k1")


def test_a_call_by_video_belongs_to_its_event(made, row):
    """One that took time connected somebody; one that took none is not said to have."""
    times = {"StartDateTime": "2026-08-02T10:00:00.000+0000", "EventId": "00U000000000001AAA"}
    rows = [
        row("6Vd", 1, **times, DurationInSeconds=1800, HostId="005000000000001AAA", ExternalId="zoom-1"),
        row("6Vd", 2, **times, DurationInSeconds=0),
        row("6Vd", 3, **times),
    ]
    _, columns = made("video_calls", "VideoCall", *rows)

    assert [(c["seconds"], c["status"]) for c in columns] == [(1800, "connected"), (0, None), (None, None)]
    assert {(c["medium"], c["meeting_id"]) for c in columns} == {("conference", "00U000000000001AAA")}
    assert columns[0]["external_id"] == "zoom-1"


def test_who_took_part_in_a_call_attended(made, row):
    """Somebody who was there is an attendee of the call, inside or outside the company."""
    rows = [
        row("6Vp", 1, VideoCallId="6Vd000000000001AAA", RelatedPersonId="005000000000001AAA"),
        row("6Vp", 2, VideoCallId="6Vd000000000001AAA", Email="Bo@X.test", JoinDateTime="2026-08-02T10:00:00.000+0000"),
    ]
    _, columns = made("video_participants", "VideoCallParticipant", *rows)

    assert [(c["call_id"], c["meeting_id"], c["attended"]) for c in columns] == [("6Vd000000000001AAA", None, True)] * 2
    assert [(c["internal"], c["email"]) for c in columns] == [(True, None), (None, "bo@x.test")]
    assert columns[1]["at"] == AUGUST + (86_400 + 36_000) * SECOND


def test_an_opportunity_becomes_a_deal(org, made, row):
    """Amounts are exact, the currency is the org's where the row names none, and closing has the time of the stage."""
    org.fields["Opportunity"].remove("CurrencyIsoCode")
    org.rows["Organization"] = [{"Id": "00D1", "DefaultCurrencyIsoCode": "eur"}]
    deal = row(
        "006",
        1,
        Name="Big",
        StageName="Closed Won",
        IsClosed=True,
        IsWon=True,
        Amount=1000.10,
        LastStageChangeDate="2026-08-02T00:00:00.000+0000",
        AccountId="001000000000001AAA",
    )
    open_deal = row("006", 2, IsClosed=False, LastStageChangeDate="2026-08-02T00:00:00.000+0000")
    _, [columns, other] = made("opportunities", "Opportunity", deal, open_deal)

    assert (columns["amount"], columns["currency"], columns["exponent"]) == (Decimal("1000.1"), "EUR", 2)
    assert (columns["stage"], columns["closed"], columns["won"]) == ("Closed Won", True, True)
    assert columns["closed_at"] == AUGUST + 86_400 * SECOND
    assert (other["closed_at"], other["amount"]) == (None, None)


def test_a_number_passes_through_no_float(org, made, row):
    """What a float would round is exact, in a column and in a declared field."""
    org.fields["Opportunity"] += ["Fee__c"]
    digits = "1234567890123456.78"
    org.rows["Opportunity"] = [row("006", 1)]
    serve = org.answer

    def exact(method, url, headers, body):
        status, told, content = serve(method, url, headers, body)
        content = content.replace(b'"Amount": null', b'"Amount": ' + digits.encode())
        return status, told, content.replace(b'"Fee__c": null', b'"Fee__c": ' + digits.encode())

    org.answer = exact
    [record], [columns] = made(
        "opportunities",
        "Opportunity",
        row("006", 1),
        currency="USD",
        custom={"deal": {"fee": {"path": "Fee__c", "type": "money"}}},
    )

    assert columns["amount"] == record.custom["fee"] == Decimal(digits)
    assert columns["currency"] == "USD"


def test_several_currencies_name_themselves(org, made, row):
    """In such an org each row says its own, and nothing is asked for."""
    _, [columns] = made("opportunities", "Opportunity", row("006", 1, CurrencyIsoCode="JPY"))

    assert columns["currency"] == "JPY"
    assert "query Organization" not in org.names()


def test_a_declared_field_that_cannot_be_seen_stops_the_stream(made, row):
    """A misspelt field is an error and no empty column."""
    with pytest.raises(FieldError, match="Event has no field Nothing__c"):
        made("events", "Event", row("00U", 1), custom={"meeting": {"x": {"path": "Nothing__c"}}})


def test_a_field_that_one_of_several_objects_has_is_no_mistake(org, made, row):
    """Leads and contacts become one record type: a field of leads is null for contacts."""
    org.fields["Lead"] += ["Score__c"]
    custom = {"contact": {"score": {"path": "Score__c", "type": "integer"}}}
    leads, _ = made("leads", "Lead", row("00Q", 1, Score__c="7"), custom=custom)
    contacts, _ = made("contacts", "Contact", row("003", 1), custom=custom)

    assert leads[0].custom == {"score": 7}
    assert contacts[0].custom is None


def test_a_field_behind_a_lookup_is_read(org, made, row):
    """A path of two steps is selected as it is, once the lookup is seen."""
    org.fields["Case"] += ["Account.Region__c"]
    custom = {"ticket": {"region": {"path": "Account.Region__c"}}}
    records, _ = made("cases", "Case", row("500", 1, Account={"Region__c": "EMEA"}), custom=custom)

    assert records[0].custom == {"region": "EMEA"}
    assert json.loads(records[0].raw)["Account"]["Region__c"] == "EMEA"
