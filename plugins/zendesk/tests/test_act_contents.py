"""Events become acts: what was said, merges, fields, and children of any shape."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.records.types import RECORD_TYPES
from tallystick_zendesk.acts import ActReader
from tallystick_zendesk.via import read_via

AT = 1_788_220_800
NOW = AT * 1_000_000


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


def test_messages(read_act):
    """A message tells whether it is public, as delivered, and what it says."""
    private = read_act(_comment(public=False, plain_body="Thanks"))
    without = read_act({"event_type": "Comment", "comment_present": True, "comment_public": True})
    html = read_act(_comment(body=None, html_body="<p>Thanks!</p>"))
    odd = read_act(_comment(public="yes", body=None))

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


def test_a_public_reply_through_a_side_conversation_stays_a_message(read_act):
    """What the customer sees is a message, however it came in."""
    assert read_act(_comment(via={"channel": "side_conversation"}))["kind"] == "message"


MERGED = {"channel": "merge", "source": {"from": {}, "to": {"ticket_id": 900}, "rel": "merge"}}
ABSORBED = {
    "channel": "web",
    "source": {"from": {"ticket_id": "901", "ticket_ids": [901, 902]}, "to": {}, "rel": "merge"},
}


def test_merges(read_acts, read_act):
    """The comment a merge leaves tells into which ticket this one went, or which came in; else it is a message."""
    assert [(act["kind"], act["other_ticket_id"]) for act in read_acts(_comment(via=MERGED))] == [("merged", "900")]
    assert [(act["kind"], act["other_ticket_id"]) for act in read_acts(_comment(via=ABSORBED))] == [
        ("absorbed", "901"),
        ("absorbed", "902"),
    ]
    assert [act["kind"] for act in read_acts(_comment(via="Ticket merge"))] == ["message"]
    own = {"channel": "merge", "source": {"from": {"ticket_id": 35436}, "to": {"ticket_id": 900}, "rel": "merge"}}
    assert read_act(_comment(via=own))["kind"] == "merged"
    swapped = {"channel": "merge", "source": {"from": {"ticket_id": 900}, "to": {"ticket_id": 35436}, "rel": "merge"}}
    assert read_act(_comment(via=swapped))["kind"] == "absorbed"


CLOSING = _change(status="closed", previous_value="open")


def test_a_merge_known_by_its_tag_alone(read_acts):
    """Without a comment the tag tells of the merge if the ticket is closed with it; with one, it adds nothing."""
    tag = _change(tags=["closed_by_merge"], added_tags=["closed_by_merge"])

    def kinds(*children, **given):
        return [act["kind"] for act in read_acts(*children, CLOSING, **given)][:-1]

    assert kinds(tag) == ["tagged", "merged"]
    assert kinds(_comment(via=MERGED), tag) == ["merged", "tagged"]
    assert kinds(tag, _comment(via=MERGED)) == ["tagged", "merged"]
    assert kinds(tag, _comment()) == ["tagged", "merged", "message"]
    assert kinds(tag, merge_tags=["zusammen"]) == ["tagged"]
    other = _change(tags=["zusammen"], added_tags=["zusammen"])
    assert kinds(other, merge_tags=["zusammen"]) == ["tagged", "merged"]
    assert [act["kind"] for act in read_acts(tag)] == ["tagged"]


def test_ids_do_not_depend_on_the_configuration(read_records):
    """An act has the same id whatever tags are said to mark a merge, so reading again doubles nothing."""
    children = (_change(tags=["a", "dup"], added_tags=["a", "dup"]), CLOSING)
    plain = {record.id for record in read_records(*children)}
    more = {record.id for record in read_records(*children, merge_tags=["dup"])}

    assert plain == {"700.00.a", "700.00.b", "700.01"}
    assert more == plain | {"700.00.mg"}


def test_who_is_not_told_is_nobody_known(read_act):
    """An author or updater that cannot be read is somebody unknown, never the updater and never the system."""
    for odd in ([1], {}, "", 1.5):
        act = read_act(_comment(author_id=odd))
        assert (act["by"], act["actor_id"]) == ("user", None)
    assert read_act(_comment(author_id=22.0))["actor_id"] == "22"


def test_what_is_written_on_behalf_of_somebody_is_marked(read_act):
    """A comment in another user's name is on behalf of that user, and what came through an API says so."""
    assert read_act(_comment(author_id=77))["channel"] == "on_behalf"
    assert read_act(_comment(via={"channel": "sunshine_conversations_api"}))["channel"] == "api"


def test_a_file_says_more_than_thanks(read_act):
    """Thanks with a file attached is not mere thanks."""
    assert read_act(_comment(body="Thanks!", plain_body="Thanks!"))["says"] == "thanks"
    assert read_act(_comment(body="Thanks!", plain_body="Thanks!", attachments=[{"id": 1}]))["says"] == "other"


@pytest.mark.parametrize(
    ("lines", "agents"),
    [
        ([{"actor_type": "agent", "actor_id": 501}, {"actor_type": "Agent", "actor_id": "501"}], ["501"]),
        ([{"actor_type": "agent", "actor_id": 7}, {"actor_type": "agent", "actor_id": 5}], ["5", "7"]),
        ([{"actor_type": "agent", "actor_name": "Ada"}], [None]),
        ([{"actor_type": "end_user", "actor_id": 700}, {"actor_type": None}, None, 7], []),
        ("no list", []),
        (None, []),
    ],
)
def test_the_agents_of_a_chat_are_told_whoever_ended_it(read_acts, lines, agents):
    """A chat that the bot or the customer ends hides no person who chatted before; one without an id is somebody."""
    ended, *joined = read_acts({"event_type": "ChatEnded", "author_id": 900, "value": {"history": lines}})

    assert (ended["kind"], ended["actor_id"]) == ("call", "900")
    assert [(act["kind"], act["by"], act["actor_id"]) for act in joined] == [("call", "user", who) for who in agents]


def test_who_picked_up_a_call_is_told(read_acts):
    """A call of the customer is the customer's, and the one who answered it acted too."""
    call = {
        **_comment(author_id=5),
        "event_type": "VoiceComment",
        "type": "VoiceComment",
        "data": {"answered_by_id": 22},
    }

    assert [(act["kind"], act["actor_id"]) for act in read_acts(call)] == [("call", "5"), ("call", "22")]


def test_custom_fields_at_creation_are_changes(read_records):
    """A field that a form sets at once is a change like any other."""
    made = {"id": 1, "event_type": "Create", "custom_ticket_fields": {"360001": True}}
    fields = [record.values[4] for record in read_records(made) if record.type == "change"]

    assert fields == ["custom.360001"]


def test_the_act_that_opens_a_follow_up_names_its_parent(read_records):
    """The act that opens a follow-up names the ticket it carries on."""
    via = {"channel": "web", "source": {"from": {"ticket_id": 900}, "to": {}, "rel": "follow_up"}}
    made = {"id": 1, "event_type": "Create", "status": "new", "via": via}
    acts = {record.values[2]: record.values for record in read_records(made, via=via) if record.type == "ticket_event"}

    assert acts["created"][13] == "900"


# --- events: changes


def test_changes_carry_what_no_act_does(read_records):
    """A priority, a type, custom fields and the like are changes with their values as compact JSON."""
    records = read_records(
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


def test_a_custom_field_with_a_plain_value_before(read_records):
    """The value before of one custom field may stand by itself."""
    [record] = read_records(_change(custom_ticket_fields={"1": "b"}, previous_value="a"))

    assert record.values[4:7] == ("custom.1", '"a"', '"b"')


# --- events: whatever comes


@pytest.mark.parametrize(
    "fields", [{"id": None}, {"ticket_id": []}, {"timestamp": None, "created_at": None}, {"id": " "}]
)
def test_an_event_without_id_ticket_or_time_is_told(read_records, fields):
    """What cannot be placed is an error of msgspec."""
    with pytest.raises(msgspec.ValidationError):
        read_records(_comment(), **fields)


def test_numbers_may_come_as_text(read_records):
    """Ids and times as text give the same records as numbers."""
    number, text = (
        read_records(_comment()),
        read_records(_comment(author_id="5"), id="700", ticket_id="35436", timestamp=str(AT)),
    )

    assert [(one.id, one.values) for one in number] == [(one.id, one.values) for one in text]


def test_the_time_of_creation_stands_in(read_act):
    """Without a timestamp, the time of creation counts."""
    assert read_act(_comment(), timestamp=None)["at"] == NOW


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
def test_no_child_is_ever_an_error(columns_of, read_records, children, updater, via):
    """Whatever children hold, in whatever order, records of the right width with distinct ids come out."""
    for record in read_records(*children, updater_id=updater, via=via):
        found = columns_of(record)
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
def test_the_order_of_children_changes_ids_only(read_records, children):
    """The same children in another order give the same acts under other ids."""
    found = sorted((record.type, repr(record.values)) for record in read_records(*children))
    plain = [_comment(), _change(status="solved", previous_value="open"), _change(priority="x", previous_value=None)]

    assert found == sorted((record.type, repr(record.values)) for record in read_records(*plain))


@pytest.mark.parametrize("via", [None, [], True, 1.5, "", "  ", {}, {"channel": None}, {"source": []}, {"channel": {}}])
def test_a_via_that_says_nothing(via):
    """What cannot be read says nothing, so that the event's own via counts."""
    assert read_via(via) is None


def _read(raw):
    try:
        return [(record.id, record.values) for record in ActReader().records(raw)]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return type(error)


@pytest.mark.parametrize("before", ["null", "[]", '[{"event_type":"Change","priority":1}]', '[1,{"subject":2}]'])
def test_of_children_that_are_told_twice_the_last_count(before):
    """Where an event names its children twice, only the last of them are read, whatever the first were."""
    head = f'{{"id":700,"ticket_id":7,"timestamp":{AT}'
    children = '"child_events":[{"event_type":"Change","priority":"high","previous_value":null}]}'
    expected = _read(f"{head},{children}".encode())

    assert [key for key, _ in expected] == ["700.00"]
    assert _read(f'{head},"child_events":{before},{children}'.encode()) == expected


def test_bytes_that_are_no_text_matter_where_they_are_read():
    """In a name that we do not read they keep no other part from being read, and never hide what else is wrong."""
    change = b'{"event_type":"Change","priority":"high"}'
    event = b'{"id":700,"ticket_id":7,"timestamp":1788220800,"child_events":[%s]}'
    spoilt = event % (b'{"event_type":"MarkAsSpam","\xff":1},' + change)

    assert [key for key, _ in _read(spoilt)] == ["700.00", "700.01"]
    assert _read(event % b'{"status":"\xff"}') is UnicodeDecodeError
    assert _read(b'{"id":700,"child_events":[{"status":"\xff"}]}') is msgspec.ValidationError
