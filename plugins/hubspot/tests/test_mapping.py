"""Objects become records: what each column is, and what stays null."""

import json
from decimal import Decimal
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.connectors import CustomField
from tallystick.records.types import RECORD_TYPES
from tallystick_hubspot.changes import ChangeReader
from tallystick_hubspot.directory import Pipeline, Stage, Stages
from tallystick_hubspot.history import read_histories
from tallystick_hubspot.kinds import CALLS, COMPANIES, CONTACTS, DEALS, KINDS, MEETINGS, TICKETS
from tallystick_hubspot.objects import HistoryRow, at, boolean, decimal, identifier, moment, number
from tallystick_hubspot.people import company_values, contact_values
from tallystick_hubspot.sales import DISPOSITIONS, Around, as_of, call_values, deal_values, meeting_values
from tallystick_hubspot.search import Item
from tallystick_hubspot.settings import Settings
from tallystick_hubspot.tickets import ticket_values

NOBODY = Around({}, {})
DIRECTORY = SimpleNamespace(user=lambda owner: f"u{owner}" if owner else None, currency=lambda: "eur")
SECOND = 1_000_000
AT = 1_788_249_600 * SECOND
NO_STAGES = Stages([])


def _item(kind, key="5", **properties):
    raw = json.dumps({"id": key, "properties": properties, "createdAt": "2026-09-01T08:00:00Z"}).encode()
    return Item(key, raw, kind.decode(raw))


def _named(kind, values):
    columns = [column.name for column in RECORD_TYPES[kind.record].columns]
    assert len(columns) == len(values)
    return dict(zip(columns, values, strict=True))


def _meeting(settings=None, around=NOBODY, **properties):
    item = _item(MEETINGS, **properties)
    return _named(MEETINGS, meeting_values(item, around, DIRECTORY, settings or Settings()))


def _call(settings=None, around=NOBODY, **properties):
    item = _item(CALLS, **properties)
    return _named(CALLS, call_values(item, around, DIRECTORY, settings or Settings()))


def _deal(stages=NO_STAGES, **properties):
    return _named(DEALS, deal_values(_item(DEALS, **properties), NOBODY, DIRECTORY, stages))


# --- meetings and calls


def test_a_meeting():
    """Every column that HubSpot tells has it, and what it does not tell is null."""
    found = _meeting(
        hs_createdate="2026-09-01T08:00:00.500Z",
        hs_lastmodifieddate="2026-09-01T09:00:00Z",
        hs_timestamp="2026-09-02T08:00:00Z",
        hs_meeting_start_time="2026-09-02T08:05:00Z",
        hs_meeting_end_time="2026-09-02T08:35:00Z",
        hs_meeting_outcome="COMPLETED",
        hs_meeting_title="Demo",
        hs_meeting_external_url="https://meet.test/1",
        hubspot_owner_id="31",
        hs_created_by_user_id="9001",
        hs_object_source="INTEGRATION",
        hs_object_source_id="77123",
    )

    assert {name: value for name, value in found.items() if value is not None} == {
        "created_at": AT + 500_000,
        "updated_at": AT + 3600 * SECOND,
        "starts_at": AT + 86_700 * SECOND,
        "ends_at": AT + 88_500 * SECOND,
        "status": "completed",
        "title": "Demo",
        "owner_id": "u31",
        "created_by": "9001",
        "app_id": "app:77123",
        "external_id": "https://meet.test/1",
    }


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("SCHEDULED", "scheduled"),
        ("RESCHEDULED", "rescheduled"),
        ("NO_SHOW", "no_show"),
        ("CANCELED", "canceled"),
        ("completed", "completed"),
        ("HELD_REMOTELY", "completed"),
        ("POSTPONED", None),
        ("", None),
        (None, None),
    ],
)
def test_the_status_of_a_meeting(outcome, status):
    """HubSpot's outcomes are translated, the buyer's own where they are declared, and no other is guessed."""
    settings = Settings(outcomes={"HELD_REMOTELY": "completed"})

    assert _meeting(settings, hs_meeting_outcome=outcome)["status"] == status


def test_a_meeting_without_a_start_begins_at_its_time():
    """Where there is no start the time of the activity stands for it; an end is never guessed."""
    found = _meeting(hs_timestamp="2026-09-01T08:00:00Z")

    assert (found["starts_at"], found["ends_at"]) == (AT, None)


def test_times_are_instants():
    """A meeting over the end of summer time is an hour longer than its clock says; one may have no length at all."""
    over = _meeting(hs_meeting_start_time="2026-10-25T02:30:00+02:00", hs_meeting_end_time="2026-10-25T02:30:00+01:00")
    none = _meeting(hs_meeting_start_time="2026-09-01T08:00:00Z", hs_meeting_end_time="2026-09-01T08:00:00.000Z")

    assert over["ends_at"] - over["starts_at"] == 3_600 * SECOND
    assert none["ends_at"] == none["starts_at"]
    assert over["all_day"] is None


def test_a_declared_property_is_the_external_id():
    """What the calendar calls a meeting may stand in a property of the account."""
    found = _meeting(Settings(meeting_external_id="calendar_uid"), calendar_uid="uid-1", hs_meeting_external_url="x")

    assert found["external_id"] == "uid-1"


def test_a_call():
    """Milliseconds become whole seconds, rounded down, and the end is the start and what it took."""
    found = _call(
        hs_timestamp="2026-09-01T08:00:00Z",
        hs_call_duration="899999",
        hs_call_disposition="F240BBAC-87c9-4f6e-bf70-924b57d47db7",
        hs_call_recording_url="https://rec.test/1",
    )

    assert found["started_at"] == AT
    assert found["ended_at"] == AT + 899_999_000
    assert (found["seconds"], found["status"], found["medium"], found["recorded"]) == (899, "connected", "phone", True)


@pytest.mark.parametrize("duration", [None, "", "soon", "1.5", "99999999999999999999"])
def test_a_duration_that_is_none_stays_null(duration):
    """A call whose length cannot be read has none, and no end."""
    found = _call(hs_timestamp="2026-09-01T08:00:00Z", hs_call_duration=duration)

    assert (found["seconds"], found["ended_at"]) == (None, None)


@pytest.mark.parametrize(
    ("disposition", "state", "status"),
    [
        *((key, "COMPLETED", word) for key, word in DISPOSITIONS.items()),
        ("own-guid", "COMPLETED", "connected"),
        ("another-guid", "COMPLETED", "other"),
        (None, "COMPLETED", None),
        (None, "BUSY", "busy"),
        (None, "NO_ANSWER", "no_answer"),
        ("", "MISSED", "no_answer"),
        (None, None, None),
    ],
)
def test_the_status_of_a_call(disposition, state, status):
    """The disposition decides; that a call is over does not say that anybody was reached."""
    settings = Settings(dispositions={"own-guid": "connected"})

    assert _call(settings, hs_call_disposition=disposition, hs_call_status=state)["status"] == status


def test_a_conference_and_its_meeting():
    """Which property says that a call was a conference, and which meeting it belongs to, is configured."""
    settings = Settings(conference=("sort", frozenset({"zoom"})), call_meeting="meeting_id", call_external_id="uuid")
    found = _call(settings, sort="zoom", meeting_id="512", uuid="z-1")
    linked = _call(Settings(call_meeting="association"), Around({"meetings": {"5": ["512", "600"]}}, {}))

    assert (found["medium"], found["meeting_id"], found["external_id"]) == ("conference", "512", "z-1")
    assert linked["meeting_id"] == "512"
    assert _call(settings, sort="phone")["medium"] == "phone"
    assert _call(sort="zoom", meeting_id="512")["meeting_id"] is None


# --- deals


STAGES = Stages(
    [
        msgspec.convert(
            {
                "id": "default",
                "stages": [
                    {"id": "open", "metadata": {"isClosed": "false", "probability": "0.4"}},
                    {"id": "won", "metadata": {"isClosed": "true", "probability": "1.0"}},
                    {"id": "lost", "metadata": {"isClosed": "true", "probability": "0.0"}},
                    {"id": "odd", "metadata": {}},
                ],
            },
            Pipeline,
        )
    ]
)


@pytest.mark.parametrize(
    ("stage", "flags", "expected"),
    [
        ("open", ("true", "true"), (False, False, None)),
        ("won", ("false", "false"), (True, True, AT)),
        ("lost", (None, None), (True, False, AT)),
        ("odd", ("true", "false"), (True, False, AT)),
        ("gone", (None, None), (None, None, None)),
        (None, ("false", "false"), (False, False, None)),
    ],
)
def test_what_the_stage_of_a_deal_means(stage, flags, expected):
    """The pipeline decides, then what HubSpot computed; a date that is only expected closes nothing."""
    found = _deal(
        STAGES,
        pipeline="default",
        dealstage=stage,
        hs_is_closed=flags[0],
        hs_is_closed_won=flags[1],
        closedate="2026-09-01T08:00:00Z",
    )

    assert (found["closed"], found["won"], found["closed_at"]) == expected


@pytest.mark.parametrize(
    ("amount", "code", "expected"),
    [
        ("12000.50", "usd", (Decimal("12000.50"), "USD", 2)),
        ("0.1", "JPY", (Decimal("0.1"), "JPY", 0)),
        ("1", "KWD", (Decimal(1), "KWD", 3)),
        ("1", None, (Decimal(1), "EUR", 2)),
        ("", None, (None, None, None)),
        ("NaN", "USD", (None, "USD", 2)),
        ("1e999999999", "USD", (None, "USD", 2)),
        ("9" * 41, "USD", (None, "USD", 2)),
    ],
)
def test_what_a_deal_is_worth(amount, code, expected):
    """An amount is exact, in the deal's currency, else in the account's."""
    found = _deal(amount=amount, deal_currency_code=code)

    assert (found["amount"], found["currency"], found["exponent"]) == expected
    assert not isinstance(found["amount"], float)


# --- contacts, companies, tickets


def test_a_contact():
    """Addresses are in lower case, the company is the primary one, else the one with the lowest id."""
    item = _item(CONTACTS, firstname="Carl", lastname="Clay", email=" Carl@Clay.Example ", jobtitle="CFO")
    found = _named(CONTACTS, contact_values(item, Around({"companies": {"5": ["201"]}}, {}), DIRECTORY))
    primary = _item(CONTACTS, associatedcompanyid="202", lifecyclestage="opportunity", email="no address")
    other = _named(CONTACTS, contact_values(primary, NOBODY, DIRECTORY))

    assert (found["kind"], found["name"], found["email"]) == ("contact", "Carl Clay", "carl@clay.example")
    assert (found["domain"], found["title"], found["account_id"]) == ("clay.example", "CFO", "201")
    assert (other["name"], other["domain"], other["account_id"], other["status"]) == (None, None, "202", "opportunity")


def test_a_company():
    """A company has its domain in lower case."""
    found = _named(COMPANIES, company_values(_item(COMPANIES, name="Clay", domain="Clay.Example"), DIRECTORY))

    assert (found["name"], found["domain"], found["merged_into"]) == ("Clay", "clay.example", None)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"hs_is_closed": "true"}, "solved"),
        ({"hs_is_closed": "false"}, "open"),
        ({}, None),
        ({"hs_is_closed": "perhaps"}, None),
    ],
)
def test_a_ticket_whose_stage_no_pipeline_has(properties, expected):
    """What HubSpot computed stands for a stage that is not known; without it the status is null."""
    found = _named(TICKETS, ticket_values(_item(TICKETS, **properties), NOBODY, DIRECTORY, NO_STAGES))

    assert found["status"] == expected


@pytest.mark.parametrize(
    ("source", "channel"),
    [("CHAT", "chat"), ("email", "email"), ("FORM", "web"), ("PHONE", "voice"), ("FAX", "other"), (None, None)],
)
def test_the_channel_of_a_ticket(source, channel):
    """Where a ticket came from is translated, and kept in HubSpot's word as well."""
    found = _named(TICKETS, ticket_values(_item(TICKETS, source_type=source), NOBODY, DIRECTORY, NO_STAGES))

    assert (found["channel"], found["via"]) == (channel, source)


def test_who_asks():
    """The requester is named as a visitor of conversations is, so that both are told to be the same."""
    around = Around({"contacts": {"5": ["42", "99"]}, "companies": {"5": ["201"]}}, {})
    found = _named(TICKETS, ticket_values(_item(TICKETS), around, DIRECTORY, NO_STAGES))

    assert (found["requester_id"], found["organization_id"]) == ("V-42", "201")


def test_pipelines_that_do_not_agree_leave_a_stage_open():
    """A stage id of two pipelines is known in each; in a third one nothing is known of it."""
    pipelines = [
        {"id": key, "stages": [{"id": "1", "metadata": {"ticketState": state}}]}
        for key, state in (("a", "OPEN"), ("b", "CLOSED"))
    ]
    stages = Stages([msgspec.convert(one, Pipeline) for one in pipelines])

    assert stages.stage("a", "1").closed is False
    assert stages.stage("b", "1").closed is True
    assert stages.stage("c", "1") == Stage()
    assert stages.stage("a", None) == Stage()


def test_an_object_without_any_time_is_another_shape():
    """As of when an object holds has to be told."""
    raw = b'{"id": "5", "properties": {}}'
    with pytest.raises(msgspec.ValidationError):
        as_of(Item("5", raw, TICKETS.decode(raw)))


# --- changes


def _changes(kind, settings=None, **histories):
    body = json.dumps({"id": "5", "propertiesWithHistory": histories}).encode()
    found = read_histories(msgspec.json.decode(body, type=HistoryRow), list(histories))
    reader = ChangeReader(kind, settings or Settings(), DIRECTORY)
    return [_named_change(record) for record in reader.records("5", found)]


def _named_change(record):
    columns = [column.name for column in RECORD_TYPES["change"].columns]
    return {**dict(zip(columns, record.values, strict=True)), "id": record.id}


def _wrote(value, minute=0, **source):
    source = source or {"sourceType": "CRM_UI", "sourceId": "userId:9001"}
    return {"value": value, "timestamp": f"2026-09-01T08:{minute:02d}:00Z", **source}


@pytest.mark.parametrize(
    ("kind", "name", "field", "values"),
    [
        (MEETINGS, "hs_meeting_outcome", "status", (("NO_SHOW", '"no_show"'), ("ODD", "null"))),
        (MEETINGS, "hs_meeting_start_time", "starts_at", (("2026-09-01T08:00:00Z", str(AT)), ("", "null"))),
        (MEETINGS, "hubspot_owner_id", "owner_id", (("31", '"u31"'), ("", "null"))),
        (CALLS, "hs_call_duration", "seconds", (("61000", "61"), ("x", "null"))),
        (CALLS, "hs_call_disposition", "status", (("own", '"other"'),)),
        (DEALS, "dealstage", "stage", (("won", '"won"'),)),
        (CONTACTS, "lifecyclestage", "status", (("opportunity", '"opportunity"'),)),
        (TICKETS, "hs_pipeline_stage", "hs_pipeline_stage", (("4", '"4"'), (None, "null"))),
        (TICKETS, "hubspot_owner_id", "assignee_id", (("31", '"u31"'),)),
        (COMPANIES, "anything", "anything", (('a "b"', '"a \\"b\\""'),)),
    ],
)
def test_a_change_is_in_our_words(kind, name, field, values):
    """The field is our column where it is one, and its values are what stands in that column, as JSON."""
    for value, expected in values:
        [change] = _changes(kind, **{name: [_wrote(value)]})
        assert (change["object_type"], change["object_id"], change["field"]) == (kind.record, "5", field)
        assert (change["old"], change["new"]) == (None, expected)
        assert change["id"] == f"{kind.record}.5.{name}.{AT // 1000}"


def test_the_value_before_is_that_of_the_entry_before():
    """Entries come newest first and become changes oldest first; before the oldest one nothing is known."""
    found = _changes(DEALS, dealstage=[_wrote("won", 5), _wrote("open", 3), _wrote("first", 1)])

    assert [(change["old"], change["new"]) for change in found] == [
        (None, '"first"'),
        ('"first"', '"open"'),
        ('"open"', '"won"'),
    ]
    assert [change["actor_id"] for change in found] == ["9001"] * 3


@pytest.mark.parametrize(
    ("source", "who"),
    [
        ({"sourceType": "INTEGRATION", "sourceId": "77123", "updatedByUserId": 9001}, ("9001", "app:77123")),
        ({"sourceType": "INTEGRATION", "sourceId": "77123"}, (None, "app:77123")),
        ({"sourceType": "AUTOMATION_PLATFORM", "sourceId": "flowId:5"}, (None, None)),
        ({"sourceType": "CRM_UI"}, (None, None)),
        ({"sourceType": "IMPORT", "sourceId": "userId:9001"}, ("9001", None)),
        ({"sourceType": "CALCULATED", "updatedByUserId": 9001}, (None, None)),
        ({"sourceType": "MERGE_OBJECTS", "updatedByUserId": 9001}, (None, None)),
        ({"sourceType": "API", "updatedByUserId": 9001}, (None, None)),
    ],
)
def test_who_wrote_is_told_as_far_as_hubspot_does(source, who):
    """User and application are both told where both are; a null author stays null."""
    [change] = _changes(DEALS, dealstage=[_wrote("won", **source)])

    assert (change["actor_id"], change["app_id"]) == who
    assert change["event"] == source["sourceType"]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("boolean", "true", "true"),
        ("boolean", "yes", '"yes"'),
        ("integer", "30", "30"),
        ("money", "1.50", '"1.50"'),
        ("text", "x", '"x"'),
    ],
)
def test_a_declared_field_keeps_its_type(kind, value, expected):
    """The values of a declared field are typed as it is, and what does not read as its type stays text."""
    settings = Settings(custom={"meeting": {"own": CustomField(path="properties.own_one", type=kind)}})
    [change] = _changes(MEETINGS, settings, own_one=[_wrote(value)])

    assert (change["field"], change["new"]) == ("custom.own", expected)


# --- what stands in a text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-09-01T08:00:00Z", AT),
        ("2026-09-01T08:00:00.123Z", AT + 123_000),
        ("2026-09-01T10:00:00+02:00", AT),
        ("2026-09-01", AT - 8 * 3600 * SECOND),
        ("1788249600000", AT),
        ("20260901", AT - 8 * 3600 * SECOND),
        ("2026-09-01T08:00:00", None),
        ("1950-01-01T00:00:00Z", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("9" * 18, None),
    ],
)
def test_an_instant(text, expected):
    """Instants come in several forms; one without an offset, or that cannot be, is none."""
    assert at(text) == expected


@given(st.integers(0, 4_000_000_000_000))
def test_milliseconds_are_read_as_texts_and_as_numbers(value):
    """A number of milliseconds means the same instant, written either way."""
    assert moment(value) == value * 1000
    if value > 99_999_999:
        assert at(str(value)) == value * 1000


@pytest.mark.parametrize("value", [None, "", " ", [], {}, 1.5, True])
def test_what_is_no_id(value):
    """What cannot name anything is none."""
    assert identifier(value) is None


def test_numbers_and_truth():
    """Texts are read exactly, or not at all."""
    assert [number(text) for text in ("5", "-5", 5, "5.0", "", None, "\u0665")] == [5, -5, 5, None, None, None, None]
    assert [boolean(text) for text in ("true", "False", "yes", "", None)] == [True, False, None, None, None]
    assert decimal("0.1") == Decimal("0.1")
    assert decimal("x") is None


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_our_names_are_columns(kind):
    """Every property that is renamed in changes is called as a column of the record type."""
    columns = {column.name for column in RECORD_TYPES[kind.record].columns}

    assert set(kind.columns.values()) <= columns
    assert set(kind.history) <= {*kind.properties}
    assert kind.stamp in kind.properties
