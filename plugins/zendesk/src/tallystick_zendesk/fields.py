"""The fields that changed in an event and become no act: provenance of priorities, subjects, custom fields; pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tallystick_zendesk.objects import Child
from tallystick_zendesk.parts import Part, grade

__all__ = ["changed_fields"]

UNSET = msgspec.UNSET
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NO_FIELDS = frozenset(
    {
        *("id", "via", "via_reference_id", "previous_value", "event_type", "added_tags", "removed_tags"),
        *("audit_id", "created_at", "metadata", "attachments", "comment_present", "comment_public"),
        # These become acts, or, where they cannot, are given by name.
        *("status", "assignee_id", "group_id", "tags", "satisfaction_score", "mark_as_spam"),
    }
)


def changed_fields(part: Part) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield the fields of a change that become no act: name, value before and after as compact JSON."""
    child = part.child
    if not _told_by_acts(child):
        found = _FIELDS.decode(part.raw)
        old = found.get("previous_value")
        for field, new in found.items():
            if field in {"custom_ticket_fields", "custom_fields"} and bytes(new).lstrip().startswith(b"{"):
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


def _told_by_acts(child: Child) -> bool:
    """Tell whether a child changed one of the fields that always become acts; then no other field changed in it."""
    return (
        child.status is not UNSET
        or child.assignee_id is not UNSET
        or child.group_id is not UNSET
        or (child.tags is not UNSET and not _untold("tags", child))
    )


def _custom(new: msgspec.Raw, old: msgspec.Raw | None) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield custom fields, each by its id; the value before stands by itself, or by id as well."""
    values = _FIELDS.decode(new)
    before: dict[str, msgspec.Raw] = {}
    by_id = old is not None and bytes(old).lstrip().startswith(b"{")
    if old is not None and by_id:
        before = _FIELDS.decode(old)
    for field, value in values.items():
        yield f"custom.{field}", _compact(before.get(field) if by_id else old), _compact(value)


def _compact(value: msgspec.Raw | None) -> str | None:
    return None if value is None else msgspec.json.format(bytes(value), indent=-1).decode(errors="replace")
