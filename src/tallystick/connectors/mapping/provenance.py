"""What sources that hold states alone cannot tell, whatever they are: who wrote a field, and when."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from tallystick.connectors.base import CheckRow

__all__ = ["provenance_row"]


def provenance_row(types: AbstractSet[str]) -> CheckRow:
    """Give the row of `check` that says which clauses cannot be decided by records of these types alone.

    A table holds states; who wrote them is known only where a history is mapped too, and that proves what the system
    which wrote it says.
    """
    lacks = []
    if "change" not in types:
        lacks.append("who wrote a field and when (acceptance, tags, stages)")
    if "ticket" in types and "ticket_event" not in types:
        lacks.append("who acted on a ticket, handed it over or reopened it")
    if types & {"meeting", "call"} and "attendee" not in types:
        lacks.append("who took part")
    if not lacks:
        return CheckRow("provenance", "ok", "a history is mapped; it proves what the system it comes from wrote there")
    return CheckRow(
        "provenance",
        "warning",
        f"this source does not tell {'; nor '.join(lacks)}: clauses about it are not decided",
        "Map the history too: to change, ticket_event or attendee.",
    )
