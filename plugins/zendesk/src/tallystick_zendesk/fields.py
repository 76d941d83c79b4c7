"""The fields that changed in an event and become no act: provenance of priorities, subjects, custom fields; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec

from tallystick_zendesk.objects import Child
from tallystick_zendesk.parts import grade

__all__ = ["FIELDS", "Fields", "changed_fields", "children_of", "told_by_acts"]

Fields: TypeAlias = dict[str, msgspec.Raw]
"""All fields of a child by name, as they came."""

UNSET = msgspec.UNSET
FIELDS = msgspec.json.Decoder(Fields)
_BY_ID = frozenset({"custom_ticket_fields", "custom_fields"})
_NO_FIELDS = frozenset(
    {
        *("id", "via", "via_reference_id", "previous_value", "event_type", "added_tags", "removed_tags"),
        *("audit_id", "created_at", "metadata", "attachments", "comment_present", "comment_public"),
        # These become acts, or, where they cannot, are given by name.
        *("status", "assignee_id", "group_id", "tags", "satisfaction_score", "mark_as_spam"),
    }
)
_MADE_WITH = _NO_FIELDS | {
    *("brand_id", "description", "is_public", "locale_id", "organization_id", "priority", "requester_id"),
    *("subject", "submitter_id", "ticket_form_id", "type"),
}
"""What tickets are made with, to pass over the most of it at once: none of these is a custom field."""


class _Children(msgspec.Struct):
    child_events: list[msgspec.Raw] | None = None


_CHILDREN = msgspec.json.Decoder(_Children)


def children_of(raw: bytes) -> Sequence[msgspec.Raw]:
    """Give the children of an event, each as it came: what one of them holds must not keep another from being read."""
    return _CHILDREN.decode(raw).child_events or ()


def changed_fields(
    child: Child, fields: Fields, *, custom_only: bool = False
) -> list[tuple[str, str | None, str | None]]:
    """Give the fields of a change that become no act: name, value before and after as compact JSON.

    Args:
        child: What changed; no act tells of it.
        fields: All its fields.
        custom_only: Whether only custom fields are wanted.
    """
    if custom_only and _MADE_WITH.issuperset(fields):
        return []
    found = list(_changed(child, fields))
    return [change for change in found if change[0].startswith("custom.")] if custom_only else found


def _changed(child: Child, fields: Fields) -> Iterator[tuple[str, str | None, str | None]]:
    old = fields.get("previous_value")
    for field, new in fields.items():
        if field in _BY_ID and bytes(new).lstrip().startswith(b"{"):
            yield from _custom(new, old)
        elif field.isdigit():
            yield f"custom.{field}", _compact(old), _compact(new)
        elif _is_plain(field, child) or (field in _UNTOLD and _untold(field, child)):
            yield field, _compact(old), _compact(new)


def _is_plain(field: str, child: Child) -> bool:
    told = type(child.type) is str and child.type in {"Change", "change"}
    return field not in _NO_FIELDS and not (field == "type" and told)


_UNTOLD = frozenset({"satisfaction_score", "tags"})


def _untold(field: str, child: Child) -> bool:
    if field == "tags":
        return child.added_tags is None and child.removed_tags is None and child.previous_value is UNSET
    return grade(child.satisfaction_score) is None


def told_by_acts(child: Child) -> bool:
    """Tell whether a child changed one of the fields that always become acts; then no other field changed in it."""
    return (
        child.status is not UNSET
        or child.assignee_id is not UNSET
        or child.group_id is not UNSET
        or (child.tags is not UNSET and not _untold("tags", child))
    )


def _custom(new: msgspec.Raw, old: msgspec.Raw | None) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield custom fields, each by its id; the value before stands by itself, or by id as well."""
    values = FIELDS.decode(new)
    before: dict[str, msgspec.Raw] = {}
    by_id = old is not None and bytes(old).lstrip().startswith(b"{")
    if old is not None and by_id:
        before = FIELDS.decode(old)
    for field, value in values.items():
        yield f"custom.{field}", _compact(before.get(field) if by_id else old), _compact(value)


def _compact(value: msgspec.Raw | None) -> str | None:
    return None if value is None else msgspec.json.format(bytes(value), indent=-1).decode(errors="replace")
