"""Audits of one ticket become the records its events became; pure.

An audit is the same thing as an event of the export: same id, same parts in the same order. But its parts name the
changed field beside the value, ids are texts, and who did a part is said only where it differs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tallystick.records.model import Record
from tallystick_zendesk.acts import ActReader
from tallystick_zendesk.objects import Id, at, identifier
from tallystick_zendesk.parts import UNKNOWN, Head, read_parts
from tallystick_zendesk.via import read_via

__all__ = ["Comments", "audit_records"]

_ID_FIELDS = frozenset({"assignee_id", "group_id", "requester_id", "organization_id", "brand_id", "ticket_form_id"})
_SPOKEN = (
    "Comment",
    "VoiceComment",
    "TpeVoiceComment",
    "FacebookComment",
    "Tweet",
)  # no sets: what came may be no word
_FIELDS = ("Create", "Change")
_TEXTS = ("author_id", "body", "plain_body", "html_body", "public")


class _Audit(msgspec.Struct):
    id: Id
    ticket_id: Id
    created_at: str | None = None
    author_id: Any = None
    via: Any = None
    events: list[Any] | None = None


_AUDIT = msgspec.json.Decoder(_Audit)


class Comments:
    """The comments of a ticket by their ids, for what an audit leaves out of them.

    Args:
        comments: As Zendesk lists them.
    """

    def __init__(self, comments: Iterable[Any] = ()) -> None:
        rows = (comment for comment in comments if type(comment) is dict)
        self._rows = {identifier(row.get("id")): row for row in rows}

    def complete(self, part: dict[str, Any]) -> dict[str, Any]:
        """Give a comment's part of an audit with what it lacks."""
        row = self._rows.get(identifier(part.get("id")), {})
        return {**{name: row[name] for name in _TEXTS if name in row}, **part}


def audit_records(raw: bytes, comments: Comments, acts: ActReader) -> list[Record]:
    """Give the records of one audit, with the ids and columns that its event in the export has.

    Args:
        raw: Its JSON exactly as delivered.
        comments: The comments of the ticket.
        acts: Makes the records.

    Raises:
        msgspec.DecodeError: It is not JSON, or (`ValidationError`) not in the shape of an audit.
    """
    audit = _AUDIT.decode(raw)
    key, ticket, when = identifier(audit.id), identifier(audit.ticket_id), at(audit.created_at)
    if key is None or ticket is None or when is None:
        raise msgspec.ValidationError("an audit has no id, no ticket or no time")
    via = read_via(audit.via)
    author = identifier(audit.author_id)
    if author is None and audit.author_id is not None:
        author = UNKNOWN
    head = Head(key, ticket, when, author, via, via.origin if via else None, raw)
    parts = [msgspec.json.encode(_as_child(part, comments)) for part in audit.events or ()]
    return acts.read(head, read_parts(parts))


def _as_child(part: Any, comments: Comments) -> Any:
    """Give a part of an audit in the form that a child of an event has."""
    if type(part) is not dict:
        return None
    kind, field = part.get("type"), part.get("field_name")
    if kind in _SPOKEN:
        return {**comments.complete(part), "event_type": kind}
    if kind not in _FIELDS:
        return {**part, "event_type": kind}
    if type(field) is not str:
        return None
    child = {name: part[name] for name in ("id", "via", "via_reference_id") if name in part}
    child["event_type"] = kind
    if "previous_value" in part:
        child["previous_value"] = _as_exported(field, part["previous_value"])
    value = _as_exported(field, part.get("value"))
    return {**child, **({"custom_ticket_fields": {field: value}} if field.isdigit() else {field: value})}


def _as_exported(field: str, value: Any) -> Any:
    """Give a value as the export has it: ids are numbers there."""
    return int(value) if field in _ID_FIELDS and type(value) is str and value.isascii() and value.isdigit() else value
