"""Of which event an invited user's copy is one.

A copy shares subject and times with its event, and its owner is invited to it. Where exactly one event is like that, it
is the one; else the copy's event cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeAlias

from tallystick_salesforce.faults import FieldError, MissingError
from tallystick_salesforce.objects import EventRow, InviteRow, micros
from tallystick_salesforce.org import Org, read_rows
from tallystick_salesforce.soql import Instant, one_of

__all__ = ["parents_of"]

_AT_A_TIME = 500
_Likeness: TypeAlias = tuple[str | None, str | None, datetime | None, datetime | None]


def parents_of(org: Org, copies: Sequence[EventRow]) -> dict[str, str]:
    """Give the events of copies, by the ids of the copies; one that cannot be told is left out.

    Args:
        org: The org; one call is made for five hundred copies.
        copies: Events that are copies.

    Raises:
        Error: A call was refused or could not be made.
    """
    if not org.reads("EventRelation"):
        return {}
    found: dict[_Likeness, set[str]] = {}
    try:
        for first in range(0, len(copies), _AT_A_TIME):
            for invite in _invites(org, copies[first : first + _AT_A_TIME]):
                event = invite.event
                if event is not None:
                    like = (invite.relation_id, event.subject, event.start_date_time, event.end_date_time)
                    found.setdefault(like, set()).add(invite.event_id)
    except (FieldError, MissingError):
        return {}  # the stream of relations says that they cannot be read
    alike = {row.id: found.get(_likeness(row), set()) for row in copies}
    return {key: next(iter(events)) for key, events in alike.items() if len(events) == 1}


def _invites(org: Org, copies: Sequence[EventRow]) -> Iterator[InviteRow]:
    owners = [row.owner_id for row in copies if row.owner_id is not None]
    starts = [Instant(at) for row in copies if (at := micros(row.start_date_time)) is not None]
    if owners and starts:
        where = [
            one_of("RelationId", owners),
            "IsInvitee = true",
            "Event.IsChild = false",
            one_of("Event.StartDateTime", starts),
        ]
        soql = org.select_all("EventRelation", InviteRow, where=where, order=("Id",))
        yield from read_rows(org.api, soql, InviteRow, deleted=True)


def _likeness(row: EventRow) -> _Likeness:
    return row.owner_id, row.subject, row.start_date_time, row.end_date_time
