"""Sinks of an opened project: delivering and listing; and how they are printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from tallystick.cli.output import print_table, say
from tallystick.database import schema
from tallystick.errors import ConfigurationError
from tallystick.period import format_instant
from tallystick.sinks.deliver import deliver, resume
from tallystick.sinks.reading import STATES, count_repeated, count_states

if TYPE_CHECKING:
    from tallystick.cli.project import Project, SinkOf

__all__ = [
    "deliver_sinks",
    "list_sinks",
    "print_delivered",
    "print_sinks",
    "resume_sinks",
]

_RENAMED = "if it is the same receiver, give it back its old name before the next turn."


def deliver_sinks(project: Project, names: Sequence[str], clock: Callable[[], int]) -> list[dict[str, Any]]:
    """Hand over what is due to the named sinks; to all of the project where none is named.

    Args:
        project: The project, whose lock is held.
        names: Sinks.
        clock: Gives the instant of each attempt.

    Raises:
        ConfigurationError: The project has no such sink; or it was imported without the key of its ledger.
    """
    _check(project, names)
    chosen = list(names or project.sinks)
    if not chosen:
        return []
    if project.only_imported:
        raise ConfigurationError(
            "the project was imported without the key of its ledger; it delivers nothing",
            hint=f"The project it came from delivers. To go on here, place its key: {project.key_path}.",
        )
    with project.opened_sinks(chosen, clock) as sinks:
        return [msgspec.to_builtins(report) for report in deliver(project.engine, project.log, sinks, clock=clock)]


def list_sinks(project: Project) -> list[dict[str, Any]]:
    """Give every sink, those of the project file first, with how many events are in each state."""
    counts = count_states(project.engine)
    with project.engine.connect() as connection:
        known = {row.name: row for row in connection.execute(select(schema.sink).order_by(schema.sink.c.name))}
    names = list(dict.fromkeys([*project.sinks, *known, *counts]))
    repeated = count_repeated(project.engine, [name for name in names if name not in project.sinks])
    rows = []
    for name in names:
        sink, row = project.sinks.get(name), known.get(name)
        rows.append(
            {
                "sink": name,
                "kind": sink.kind.name if sink else None,
                "events": list(sink.subscription.events) if sink else [],
                "contracts": list(sink.subscription.contracts) if sink else [],
                "since": format_instant(row.since) if row else None,
                "from": _from(sink),
                "held": bool(row and row.held),
                **{state: counts.get(name, {}).get(state, 0) for state in STATES},
                "repeated": repeated.get(name, 0),
            }
        )
    return rows


def resume_sinks(project: Project, names: Sequence[str], now: int) -> list[str]:
    """Say that this copy of an imported project delivers to the named sinks, or to all; gives their names."""
    _check(project, names)
    chosen = list(names or project.sinks)
    resume(project.engine, chosen, now)
    return chosen


def print_delivered(reports: Sequence[Mapping[str, Any]]) -> None:
    """Print what was delivered, a line for each sink, and what stood in the way."""
    for report in reports:
        text = f"{report['sink']}: {report['delivered']:,} delivered, {report['waiting']:,} waiting"
        say(f"{text}, {report['dead']:,} given up" if report["dead"] else text)
        for error in report["errors"]:
            say(f"  {error}")


def print_sinks(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the sinks as a table."""
    cells = [
        (
            row["sink"],
            row["kind"] or "not in tallystick.yaml",
            ", ".join(row["events"]),
            *(row[name] for name in STATES),
        )
        for row in rows
    ]
    headers = [*map(str.capitalize, STATES)]
    print_table("", ["Sink", "Kind", "Events", *headers], cells, right=range(3, 3 + len(headers)))
    gone = ", ".join(row["sink"] for row in rows if not row["kind"] and row["delivered"])
    for row in rows:
        if row["repeated"]:
            say(f"{row['sink']} is still to be told {row['repeated']:,} events that {gone} was told: {_RENAMED}")
        if gone and row["from"] and not row["since"]:
            say(f"{row['sink']} is new, and from {row['from']} on may be told what {gone} was told: {_RENAMED}")
        if row["held"]:
            say(f"{row['sink']} is held, because the project was imported: see `tallystick sinks resume --help`.")
        if row["since"] and row["from"] and row["from"] != row["since"]:
            text = f"{row['sink']} is told from {row['since']} on, and `from` says {row['from']}"
            say(f"{text}: the next `tallystick verify` takes it up, or says why it cannot.")


def _from(sink: SinkOf | None) -> str | None:
    since = sink.subscription.since if sink else None
    return None if since is None else format_instant(since)


def _check(project: Project, names: Sequence[str]) -> None:
    for name in names:
        if name not in project.sinks:
            has = ", ".join(project.sinks) or "none"
            raise ConfigurationError(f"this project has no sink {name!r}; it has: {has}", where=str(project.root))
