"""Dead letters of an opened project: shown, tried again, dismissed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import outerjoin, select

from tallystick.cli.output import in_line, say
from tallystick.database import schema
from tallystick.errors import ConfigurationError
from tallystick.period import format_instant
from tallystick.sinks.dead import dismiss, retry

if TYPE_CHECKING:
    from tallystick.cli.project import Project

__all__ = ["dead_letters", "dismiss_dead", "print_dead_letters", "retry_dead"]

_LONGEST = 500


def dead_letters(project: Project, names: Sequence[str], *, dismissed: bool = False) -> list[dict[str, Any]]:
    """Give the events that were given up, oldest first, of the named sinks or of all; those that rest, if asked for."""
    table, rests = schema.outbox.c, schema.dismissal.c
    joined = outerjoin(schema.outbox, schema.dismissal, (rests.sink == table.sink) & (rests.key == table.key))
    states = ("dead", "dismissed") if dismissed else ("dead",)
    query = select(schema.outbox, rests.at, rests.reason).select_from(joined)
    query = query.where(table.state.in_(states)).order_by(table.id)
    with project.engine.connect() as connection:
        rows = connection.execute(query.where(table.sink.in_(names)) if names else query).all()
    return [
        {
            "sink": row.sink,
            "key": row.key,
            "event": row.event,
            "contract": row.contract,
            "claim": row.subject.removeprefix("claim:"),
            "ledger_entry": row.idx,
            "attempts": row.attempts,
            "given_up_at": format_instant(row.done_at),
            "may_have_arrived": row.unsure_since is not None,
            "why": row.note,
            "dismissed_at": None if row.at is None else format_instant(row.at),
            "reason": row.reason,
        }
        for row in rows
    ]


def retry_dead(project: Project, key: str | None, now: int) -> int:
    """Let a dead letter, or all of them, be tried again; gives how many.

    Raises:
        ConfigurationError: No dead letter has that key, or a correction or reversal was delivered since.
    """
    count = retry(project.engine, key, now)
    if key is not None and not count:
        raise ConfigurationError(
            f"there is no dead letter {key} that can be tried again",
            hint="Run `tallystick sinks dead`. One that a correction or reversal was delivered behind holds no more.",
        )
    return count


def dismiss_dead(project: Project, sink: str, keys: Sequence[str] | None, reason: str, now: int) -> int:
    """Let dead letters of a sink rest, or all of them where `keys` is None; gives how many.

    Raises:
        ConfigurationError: There is no such dead letter; or the reason is empty or too long.
    """
    if not 0 < len(reason.strip()) <= _LONGEST:
        raise ConfigurationError(f"a reason has up to {_LONGEST} characters, and is not empty")
    return dismiss(project.engine, sink, keys, reason.strip(), now)


def print_dead_letters(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the dead letters with what to do about each."""
    if not rows:
        say("No dead letters.")
    for row in rows:
        arrived = "; an attempt may have arrived" if row["may_have_arrived"] else ""
        say(f"{row['key']}  {row['sink']}  {row['event']} {row['contract']} {row['claim']}")
        say(f"  given up {row['given_up_at']} after {row['attempts']} attempts{arrived}: {row['why']}")
        if row["dismissed_at"]:
            say(f"  dismissed {row['dismissed_at']}: {in_line(row['reason'])}")
    if any(row["dismissed_at"] is None for row in rows):
        say("Send one again: `tallystick sinks retry KEY`. Let it rest: `tallystick sinks dismiss SINK KEY`.")
