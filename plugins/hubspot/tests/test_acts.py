"""What happened to tickets, from their histories: what a move means, and who made it."""

import json
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick_hubspot.acts import merged_ids, ticket_acts
from tallystick_hubspot.directory import Pipeline, Stages
from tallystick_hubspot.history import read_histories
from tallystick_hubspot.kinds import TICKETS
from tallystick_hubspot.objects import HistoryRow
from tallystick_hubspot.search import Item

NAMES = ("hs_pipeline_stage", "hubspot_owner_id", "hs_merged_object_ids")
PIPELINES = [
    {
        "id": "0",
        "stages": [
            {"id": "1", "metadata": {"ticketState": "OPEN"}},
            {"id": "4", "metadata": {"ticketState": "CLOSED"}},
        ],
    },
]
STAGES = Stages([msgspec.convert(one, Pipeline) for one in PIPELINES])
DIRECTORY = SimpleNamespace(user=lambda owner: f"u{owner}" if owner else None)
UI, APP, FLOW = (
    {"sourceType": "CRM_UI", "sourceId": "userId:9001", "updatedByUserId": 9001},
    {"sourceType": "INTEGRATION", "sourceId": "77123", "updatedByUserId": 9001},
    {"sourceType": "AUTOMATION_PLATFORM", "sourceId": "flowId:5"},
)


def _at(minute):
    return f"2026-09-01T08:{minute:02d}:00.000Z"


def _entry(value, minute, source=UI):
    return {"value": value, "timestamp": _at(minute), **source}


def _item(**properties):
    found = {"createdate": _at(0), "hs_pipeline": "0", **properties}
    raw = json.dumps({"id": "7", "updatedAt": _at(59), "properties": found}).encode()
    return Item("7", raw, TICKETS.decode(raw))


def _acts(item=None, **histories):
    """Give the acts of a ticket; the entries are given newest first, as HubSpot does."""
    body = json.dumps({"id": "7", "propertiesWithHistory": histories}).encode()
    found = read_histories(msgspec.json.decode(body, type=HistoryRow), NAMES)
    records = list(ticket_acts(item or _item(), found, STAGES, DIRECTORY))
    assert all(len(record.values) == 15 for record in records)
    return records


def _kinds(records):
    return [record.values[2] for record in records if record.values[2] != "created"]


def test_solved_reopened_solved():
    """Moves between stages that close and stages that do not become solutions and reopenings, with their authors."""
    moves = [_entry("4", 9, APP), _entry("1", 6, FLOW), _entry("4", 3), _entry("1", 0)]
    records = _acts(hs_pipeline_stage=moves)[1:]

    assert [(r.values[2], r.values[3], r.values[4], r.values[5], r.values[9], r.values[10]) for r in records] == [
        ("solved", "9001", "user", None, "4", "1"),
        ("reopened", None, "rule", "flowId:5", "1", "4"),
        ("solved", "app:77123", "user", None, "4", "1"),
    ]
    assert [r.values[6] for r in records] == [None, "rule", "api"]
    assert json.loads(records[0].raw) == moves[2]
    assert records[0].id == f"7.stage.{records[0].values[0] // 1000}"


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        (["1"], []),
        (["4"], ["solved"]),
        (["1", "1"], ["status"]),
        (["4", "4"], ["solved", "status"]),
        (["1", "9"], ["status"]),
        (["9", "4"], ["solved"]),
        (["4", "9", "4"], ["solved", "status", "status"]),
        (["4", "9", "1"], ["solved", "status", "reopened"]),
        (["1", ""], ["status"]),
    ],
)
def test_what_a_move_means(values, kinds):
    """A ticket born closed is solved; a stage that no pipeline has hides no reopening."""
    moves = [_entry(value, minute) for minute, value in enumerate(values)][::-1]

    assert _kinds(_acts(hs_pipeline_stage=moves)) == kinds


def test_the_creation_names_who_opened_it():
    """The application counts before the user it acts for; where neither is told the system did it."""
    assert _acts(_item(hs_created_by_user_id="9001"))[0].values[3:5] == ("9001", "user")
    by_app = _item(hs_created_by_user_id="9001", hs_object_source="INTEGRATION", hs_object_source_id="77123")
    assert _acts(by_app)[0].values[3:7] == ("app:77123", "user", None, "api")
    assert _acts(_item(hs_object_source="CONVERSATIONS"))[0].values[3:5] == (None, "system")


def test_owners_are_assigned():
    """Each owner is an assignment to a user, none is one to nobody, and a ticket without an owner had none."""
    records = _acts(hubspot_owner_id=[_entry("", 5), _entry("31", 3), _entry("", 0)])

    assert [(r.values[2], r.values[9], r.values[10], r.values[11]) for r in records[1:]] == [
        ("assigned", "u31", None, "u31"),
        ("assigned", None, "u31", None),
    ]


def test_merges_are_acts_on_both():
    """Each id that is new in the list is a merge of its own, and one of the ticket's own is none."""
    records = _acts(hs_merged_object_ids=[_entry("8;9;7", 5), _entry("8", 3)])[1:]

    assert [(r.id, r.values[1], r.values[2], r.values[13]) for r in records] == [
        ("7.absorbed.8", "7", "absorbed", "8"),
        ("8.merged.7", "8", "merged", "7"),
        ("7.absorbed.9", "7", "absorbed", "9"),
        ("9.merged.7", "9", "merged", "7"),
    ]
    alone = _acts(_item(hs_merged_object_ids="8", createdate=_at(1)), hs_merged_object_ids=[])
    assert [r.id for r in alone] == ["7.created", "7.absorbed.8", "8.merged.7"]
    assert alone[1].values[0] == alone[0].values[0] + 58 * 60_000_000
    assert merged_ids(" 1; 2,3;;") == ["1", "2", "3"]
    assert merged_ids(None) == []


@pytest.mark.parametrize(
    ("source", "who"),
    [
        ({"sourceType": "CRM_UI", "sourceId": "userId:5"}, ("5", "user")),
        ({"sourceType": "CRM_UI"}, (None, "user")),
        ({"sourceType": "MOBILE_IOS", "updatedByUserId": 5}, ("5", "user")),
        ({"sourceType": "API", "sourceId": "88"}, ("app:88", "user")),
        ({"sourceType": "API", "sourceId": "not-a-number"}, (None, "user")),
        ({"sourceType": "INTEGRATION", "sourceId": 88}, ("app:88", "user")),
        ({"sourceType": "WORKFLOWS", "sourceId": "5", "updatedByUserId": 5}, (None, "rule")),
        ({"sourceType": "API", "updatedByUserId": 5}, (None, "user")),
        ({"sourceType": "INTEGRATION", "sourceId": "userId:5"}, (None, "user")),
        ({"sourceType": "CALCULATED"}, (None, "system")),
        ({"sourceType": "CALCULATED", "updatedByUserId": 5}, (None, "system")),
        ({"sourceType": "BACKFILL", "sourceId": "userId:5"}, (None, "system")),
        ({"sourceType": "MERGE_OBJECTS"}, (None, "system")),
        ({"sourceType": "MERGE_OBJECTS", "updatedByUserId": 5}, ("5", "user")),
        ({"sourceType": "SOMETHING_NEW"}, (None, "user")),
        ({}, (None, "user")),
    ],
)
def test_who_wrote_a_value(source, who):
    """Somebody of whom nothing is told is a user without an id, so that no absence of people is made of it."""
    record = _acts(hs_pipeline_stage=[_entry("4", 3, source), _entry("1", 0)])[1]

    assert record.values[3:5] == who


def test_two_values_of_one_instant_are_two_acts():
    """Values of one millisecond have ids of their own, in the order in which HubSpot lists them."""
    records = _acts(hs_pipeline_stage=[_entry("1", 3), _entry("4", 3), _entry("1", 0)])[1:]

    assert [r.values[2] for r in records] == ["solved", "reopened"]
    assert records[1].id == f"{records[0].id}.2"


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.sampled_from(["1", "4", "9"]), min_size=2, max_size=12), cut=st.integers(1, 11))
def test_the_ids_of_acts_outlast_a_capped_history(values, cut):
    """Whatever falls out of a history, the acts that are still in it keep ids, and none gets another's."""
    moves = [_entry(value, minute) for minute, value in enumerate(values)][::-1]
    whole = {record.id: record.values[0] for record in _acts(hs_pipeline_stage=moves)}
    rest = {record.id: record.values[0] for record in _acts(hs_pipeline_stage=moves[:cut])}

    assert rest.items() <= whole.items()


def test_a_value_without_a_time_is_another_shape():
    """A history that cannot be put in order is told, and not passed over."""
    with pytest.raises(msgspec.ValidationError):
        _acts(hs_pipeline_stage=[{"value": "1"}])
    with pytest.raises(msgspec.ValidationError):
        _acts(hs_pipeline_stage={"value": "1"})
