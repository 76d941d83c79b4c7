"""Stripe's events become changes; pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tallystick.records.model import Record, Value
from tallystick_stripe.mapping import OBJECT_TYPES
from tallystick_stripe.objects import Seconds

__all__ = ["EVENT_TYPES", "Event", "changes", "decode_event"]

_PAYMENT_EVENTS = (
    "charge.captured",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.expired",
    "charge.failed",
    "charge.pending",
    "charge.refunded",
    "charge.succeeded",
    "charge.updated",
    "payment_intent.succeeded",
    "refund.created",
    "refund.failed",
    "refund.updated",
)
_INVOICE_EVENTS = (
    "credit_note.created",
    "credit_note.updated",
    "credit_note.voided",
    "customer.deleted",
    "customer.updated",
    "invoice.deleted",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.overdue",
    "invoice.overpaid",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.updated",
    "invoice.voided",
    "invoice_payment.paid",
)

EVENT_TYPES = (_PAYMENT_EVENTS, _INVOICE_EVENTS)
"""Event types we ask for, in passes of at most 20, the most one call may name.

All events of one kind of object are in one pass: a list is newest first, so within a pass the newest state of an object
comes first, even among events of the same second.
"""


class _Request(msgspec.Struct, gc=False):
    id: str | None = None


class _Data(msgspec.Struct, gc=False):
    object: msgspec.Raw
    previous_attributes: msgspec.Raw = msgspec.Raw(b"null")


class _Wire(msgspec.Struct, gc=False):
    id: str
    type: str
    created: Seconds
    data: _Data
    api_version: str | None = None
    request: str | _Request | None = None


class _Head(msgspec.Struct, gc=False):
    object: str
    id: str | None = None


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event: what happened to which object, by which call.

    `object` holds the object's exact bytes as of `created` (seconds), at `api_version`. `request_id` is None when
    Stripe acted by itself. `raw` is the event as delivered.
    """

    id: str
    type: str
    created: int
    api_version: str | None
    request_id: str | None
    name: str
    key: str | None
    object: bytes
    previous: dict[str, msgspec.Raw]
    raw: bytes


_EVENT = msgspec.json.Decoder(_Wire)
_HEAD = msgspec.json.Decoder(_Head)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_PREVIOUS = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)


def decode_event(raw: bytes) -> Event:
    """Read an event.

    Raises:
        msgspec.DecodeError: It is not one.
    """
    wire = _EVENT.decode(raw)
    thing = bytes(wire.data.object)
    head = _HEAD.decode(thing)
    request = wire.request
    return Event(
        id=wire.id,
        type=wire.type,
        created=wire.created,
        api_version=wire.api_version,
        request_id=request.id if isinstance(request, _Request) else request,
        name=head.object,
        key=head.id,
        object=thing,
        previous=_PREVIOUS.decode(wire.data.previous_attributes) or {},
        raw=raw,
    )


def changes(event: Event) -> list[Record]:
    """Give the changes of an event: one per top-level field that changed, or one without a field when it names none.

    Metadata keys are fields of their own, `metadata.<key>`.

    `old` and `new` are compact JSON. Of a nested value Stripe names only the parts that changed as old, and all of it
    as new. Stripe does not say who did it, only by which request.
    """
    at = event.created * 1_000_000
    about = (OBJECT_TYPES.get(event.name, event.name), event.key, event.type)
    if not event.previous:
        values: tuple[Value, ...] = (at, *about, None, None, None, None, None, event.request_id)
        return [Record("change", event.id, at, values, event.raw)]
    fields = _FIELDS.decode(event.object)
    return [
        Record(
            "change",
            f"{event.id}#{field}",
            at,
            (at, *about, field, _compact(old), _compact(new), None, None, event.request_id),
            event.raw,
        )
        for field, old, new in _changed(event.previous, fields)
    ]


def _changed(
    previous: dict[str, msgspec.Raw], fields: dict[str, msgspec.Raw]
) -> Iterator[tuple[str, msgspec.Raw, msgspec.Raw | None]]:
    """Yield each changed field with its old and new value; of the metadata, each key that changed as a field."""
    for field, old in previous.items():
        new = fields.get(field)
        if field == "metadata" and bytes(old).startswith(b"{"):
            keys = _FIELDS.decode(new) if new is not None and bytes(new).startswith(b"{") else {}
            yield from ((f"metadata.{key}", value, keys.get(key)) for key, value in _FIELDS.decode(old).items())
        else:
            yield field, old, new


def _compact(value: msgspec.Raw | None) -> str | None:
    return None if value is None else msgspec.json.format(bytes(value), indent=-1).decode()
