"""One audit under construction: its children, in the form the ticket events export gives them.

The name of a changed field is the key of its value, and `event_type` says `Create` or `Change`:
https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tallystick.testing.instants import iso
from tallystick_zendesk.simulator.plan import Act, Effect
from tallystick_zendesk.simulator.vias import display, rule_via, via

__all__ = ["STEP", "Draft", "Obj"]

Obj = dict[str, Any]
"""JSON as Python has it."""

STEP = 100
"""Distance between the ids of two events; those of the children lie between."""


class Draft:
    """Collects the children of one event.

    Args:
        event_id: Its id; the children are numbered from the next one.
        act: What happened.
    """

    def __init__(self, event_id: int, act: Act) -> None:
        self.event_id = event_id
        self.act = act
        self.children: list[Obj] = []
        self._via = display(act.via)

    def add(self, kind: str, *, by: Effect | None = None, **payload: Any) -> Obj:
        """Add a child of any type; `by` is the rule that made it, if one did.

        Raises:
            ValueError: One act has more children than there are ids for.
        """
        if len(self.children) >= STEP - 2:
            raise ValueError(f"an act of ticket {self.act.ticket} at {self.act.at} has too many parts")
        child = {
            "id": self.event_id + 1 + len(self.children),
            "via": rule_via(by.rule, by.rel) if by else self._via,
            "via_reference_id": by.rule if by else None,
            **payload,
            "event_type": kind,
        }
        self.children.append(child)
        return child

    def create(self, field: str, value: object) -> None:
        """Add a field at creation."""
        values: Obj = {field: value}
        self.add("Create", **values)

    def change(self, field: str, new: object, old: object, by: Effect | None = None) -> None:
        """Add a changed field."""
        values: Obj = {field: new}
        self.add("Change", by=by, **values, previous_value=old)

    def tags(self, new: Sequence[str], old: Sequence[str], by: Effect | None = None) -> None:
        """Add changed tags; one event in four does not list what came and what went."""
        if list(new) == list(old):
            return
        lists: Obj = {"added_tags": [t for t in new if t not in old], "removed_tags": [t for t in old if t not in new]}
        shown = lists if self.event_id // STEP % 4 != 3 else {}
        self.add("Change", by=by, tags=list(new), **shown, previous_value=list(old))

    def comment(self, body: str, *, author: int, public: bool, came_by: object, voice: bool = False) -> Obj:
        """Add a comment, as `include=comment_events` shows it."""
        kind = "VoiceComment" if voice else "Comment"
        child = self.add(
            kind,
            type=kind,
            author_id=author,
            body=body,
            html_body=_html(body),
            plain_body=body,
            public=public,
            attachments=[],
            audit_id=self.event_id,
            created_at=iso(self.act.at),
        )
        child["via"] = came_by if came_by is not None else via(self.act.via)
        if voice:
            started = iso(self.act.at - 180)
            child["data"] = {"from": "+4930000001", "to": "+4930000002", "call_duration": 180, "started_at": started}
        return child


def _html(body: str) -> str:
    escaped = body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>")
    return f'<div class="zd-comment" dir="auto">{escaped}</div>'
