"""Events become changes."""

import json

import msgspec
import pytest
import stripe

from tallystick.records.types import RECORD_TYPES
from tallystick_stripe.changes import EVENT_TYPES, changes, decode_event

AT = 1_788_220_800
NAMES = [column.name for column in RECORD_TYPES["change"].columns]
MONEY = {
    *("charge.succeeded", "charge.captured", "charge.failed", "charge.updated", "charge.refunded"),
    *("refund.created", "refund.updated", "refund.failed"),
    *("charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"),
    *("charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated"),
    *("invoice.paid", "invoice.updated", "invoice_payment.paid", "credit_note.created", "credit_note.voided"),
    "payment_intent.succeeded",
}


def _event(thing=None, previous=None, **fields):
    data = {"object": {"id": "in_1", "object": "invoice", "status": "paid", "metadata": {"a": "2"}, **(thing or {})}}
    if previous is not None:
        data["previous_attributes"] = previous
    return {
        "id": "evt_1",
        "object": "event",
        "type": "invoice.updated",
        "created": AT,
        "api_version": "2026-10-28.endive",
        "data": data,
        "request": {"id": "req_1", "idempotency_key": None},
        **fields,
    }


def _rows(event):
    return [dict(zip(NAMES, record.values, strict=True)) for record in changes(event)]


def _decode(event, indent=None):
    return decode_event(json.dumps(event, indent=indent).encode())


def test_an_event_without_previous_values_is_one_change():
    """It names no field, and carries what happened to which object by which request."""
    event = _decode(_event())
    [record] = changes(event)

    assert (record.type, record.id, record.as_of, record.raw) == ("change", "evt_1", AT * 1_000_000, event.raw)
    assert _rows(event) == [
        {
            "at": AT * 1_000_000,
            "object_type": "invoice",
            "object_id": "in_1",
            "event": "invoice.updated",
            "field": None,
            "old": None,
            "new": None,
            "actor_id": None,
            "app_id": None,
            "request_id": "req_1",
        }
    ]


def test_each_changed_field_is_one_change():
    """Old and new stand as compact JSON; of a nested value the new one is whole."""
    event = _decode(_event({"total": 1.50}, {"status": "open", "metadata": {"a": None}, "gone": [1, 2]}), indent=2)

    assert [record.id for record in changes(event)] == ["evt_1#status", "evt_1#metadata.a", "evt_1#gone"]
    assert [(row["field"], row["old"], row["new"]) for row in _rows(event)] == [
        ("status", '"open"', '"paid"'),
        ("metadata.a", "null", '"2"'),
        ("gone", "[1,2]", None),
    ]


def test_numbers_keep_their_digits():
    """A value is compacted as text, so that no digit passes through a float."""
    raw = json.dumps(_event({}, {"rate": 1})).replace('"rate": 1', '"rate":  1.10000000000000000001 ').encode()

    assert _rows(decode_event(raw))[0]["old"] == "1.10000000000000000001"


@pytest.mark.parametrize(
    ("request_", "found"),
    [({"id": "req_1"}, "req_1"), ({"id": None}, None), (None, None), ("req_old", "req_old")],
)
def test_who_asked_is_the_request(request_, found):
    """Null means that Stripe acted by itself; very old events carry the bare id."""
    assert _rows(_decode(_event(request=request_)))[0]["request_id"] == found


@pytest.mark.parametrize(
    ("name", "kind"), [("charge", "payment"), ("dispute", "dispute"), ("payment_intent", "payment_intent")]
)
def test_the_object_is_named_as_our_records_are(name, kind):
    """An object we map has our record type's name, another one keeps Stripe's."""
    assert _rows(_decode(_event({"object": name})))[0]["object_type"] == kind


@pytest.mark.parametrize("previous", [None, {}])
def test_no_previous_values_in_either_form(previous):
    """Previous attributes that are null or empty name no field."""
    assert [row["field"] for row in _rows(_decode(_event(previous=previous)))] == [None]


@pytest.mark.parametrize(
    "broken", [{"id": None}, {"type": 5}, {"created": "x"}, {"data": {}}, {"data": {"object": []}}]
)
def test_what_is_no_event_is_refused(broken):
    """An event without id, type, time or object is another shape."""
    with pytest.raises(msgspec.ValidationError):
        _decode({**_event(), **broken})


def test_the_money_events_are_all_asked_for():
    """The nineteen types that tell of money are there, in passes of at most twenty, none twice."""
    asked = [name for types in EVENT_TYPES for name in types]

    assert len(MONEY) == 19
    assert set(asked) >= MONEY
    assert len(asked) == len(set(asked))
    assert all(len(types) <= 20 for types in EVENT_TYPES)


def test_all_events_of_a_kind_of_object_share_a_pass():
    """No kind of object has events in two passes, so that within a pass its newest state comes first."""
    kinds = [{name.split(".")[0] for name in types} for types in EVENT_TYPES]

    assert kinds[0].isdisjoint(kinds[1])


def test_every_type_asked_for_exists():
    """The SDK of the pinned version knows every event type we ask for."""
    known = str(stripe.Event.__annotations__["type"])

    assert [name for types in EVENT_TYPES for name in types if f'"{name}"' not in known.replace("'", '"')] == []
