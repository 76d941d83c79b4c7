"""What happened to tickets, read from histories: created, solved, reopened, assigned, merged; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tallystick.records.model import Record, Value
from tallystick_hubspot.directory import Directory, Stages
from tallystick_hubspot.history import Histories, Written
from tallystick_hubspot.objects import TicketProperties, at
from tallystick_hubspot.search import Item
from tallystick_hubspot.who import NOBODY, Who, created_through, writer

__all__ = ["act", "merged_ids", "removed", "ticket_acts"]

STAGE, OWNER, MERGED = "hs_pipeline_stage", "hubspot_owner_id", "hs_merged_object_ids"


def act(
    ticket: str,
    part: str,
    when: int,
    kind: str,
    who: Who,
    *,
    raw: bytes,
    channel: str | None = None,
    public: bool | None = None,
    says: str | None = None,
    value: str | None = None,
    previous: str | None = None,
    assignee: str | None = None,
    other: str | None = None,
) -> Record:
    """Give one act on a ticket; its id is the ticket's and the part's.

    Args:
        ticket: The ticket's id.
        part: What tells it apart from the other acts on the ticket.
        when: When it happened, microseconds UTC.
        kind: One of the kinds of `ticket_event`.
        who: Who did it.
        raw: What HubSpot said of it, exactly as delivered.
        channel: Through what it was done.
        public: For a message: whether the customer sees it.
        says: For a message: what it says.
        value: The new value.
        previous: The value before.
        assignee: To whom it was assigned.
        other: The other ticket of a merge.
    """
    if channel is None:
        channel = "rule" if who.by == "rule" else "api" if who.app is not None else None
    values: tuple[Value, ...] = (
        *(when, ticket, kind, who.actor, who.by, who.rule, channel, public, says),
        *(value, previous, assignee, None, other, None),
    )
    return Record("ticket_event", f"{ticket}.{part}", when, values, raw)


def ticket_acts(item: Item, found: Histories, stages: Stages, directory: Directory) -> Iterator[Record]:
    """Yield what the histories of a ticket tell, oldest first within each property.

    Args:
        item: The ticket.
        found: Its histories.
        stages: What the stages mean.
        directory: Knows who an owner is.
    """
    properties: TicketProperties = item.row.properties
    moves = found.get(STAGE, [])
    yield from _created(item, properties, moves)
    yield from _moves(item.id, properties.hs_pipeline, moves, stages)
    yield from _owners(item.id, found.get(OWNER, []), directory)
    yield from _merges(item, found.get(MERGED, []))


def removed(item: Item, when: int) -> Record:
    """Give the act by which a ticket was deleted; who did it is not told."""
    return act(item.id, f"deleted.{when // 1_000}", when, "deleted", NOBODY, raw=item.raw)


def merged_ids(text: str | None) -> list[str]:
    """Give the ids of the objects that were merged into one, from its property."""
    return [key for part in (text or "").replace(",", ";").split(";") if (key := part.strip())]


def _created(item: Item, properties: TicketProperties, moves: Sequence[Written]) -> Iterator[Record]:
    when = at(properties.createdate) or at(item.row.created_at)
    if when is None:
        return
    user, app = properties.hs_created_by_user_id or None, created_through(properties)
    who = Who("user", user, app) if user or app else NOBODY
    first = moves[0] if moves else None
    yield act(
        item.id,
        "created",
        when,
        "created",
        who,
        raw=first.raw if first else item.raw,
        value=first.entry.value if first else None,
    )


def _moves(ticket: str, pipeline: str | None, moves: Sequence[Written], stages: Stages) -> Iterator[Record]:
    before: str | None = None
    was: bool | None = False
    for place, (move, part) in enumerate(_named(moves)):
        stage = move.entry.value or None
        closed = stages.stage(pipeline, stage).closed
        if place > 0 or closed:
            # A ticket may be born closed: that is its first solution.
            kind = _turn(was, closed)
            yield act(
                ticket, f"stage.{part}", move.at, kind, writer(move.entry), raw=move.raw, value=stage, previous=before
            )
        # A stage that no pipeline has does not hide that a ticket was closed before and is open after it.
        before, was = stage, was if closed is None else closed


def _turn(was: bool | None, closed: bool | None) -> str:  # noqa: FBT001 - two states of one ticket
    """Give what a move between stages means; one from or to a stage that no pipeline has is only a move."""
    if closed and was is not True:
        return "solved"
    return "reopened" if was and closed is False else "status"


def _owners(ticket: str, entries: Sequence[Written], directory: Directory) -> Iterator[Record]:
    before: str | None = None
    for place, (entry, part) in enumerate(_named(entries)):
        owner = directory.user(entry.entry.value)
        if owner is not None or place > 0:
            yield act(
                ticket,
                f"owner.{part}",
                entry.at,
                "assigned",
                writer(entry.entry),
                raw=entry.raw,
                value=owner,
                previous=before,
                assignee=owner,
            )
        before = owner


def _merges(item: Item, entries: Sequence[Written]) -> Iterator[Record]:
    known = {item.id}
    for entry in entries:
        for other in merged_ids(entry.entry.value):
            if other not in known:
                known.add(other)
                yield from _merge(item.id, other, entry.at, writer(entry.entry), entry.raw)
    # Where the history says nothing of it, all that is known is that it was before the last change.
    when = at(item.row.updated_at) or at(item.row.created_at)
    for other in merged_ids(item.row.properties.hs_merged_object_ids):
        if other not in known and when is not None:
            yield from _merge(item.id, other, when, NOBODY, item.raw)


def _merge(ticket: str, other: str, when: int, who: Who, raw: bytes) -> Iterator[Record]:
    yield act(ticket, f"absorbed.{other}", when, "absorbed", who, raw=raw, other=other)
    yield act(other, f"merged.{ticket}", when, "merged", who, raw=raw, other=ticket)


def _named(entries: Sequence[Written]) -> Iterator[tuple[Written, str]]:
    """Yield each value with what tells it apart from the others: its time, and its place among those of one time.

    Its place in the whole history is no name, because old values fall out of it.
    """
    seen: dict[int, int] = {}
    for entry in entries:
        place = seen[entry.at] = seen.get(entry.at, 0) + 1
        yield entry, f"{entry.at // 1_000}" + (f".{place}" if place > 1 else "")
