"""One scheduled turn and its record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import insert, select, update

from tallystick.cli.notices import notices, print_notice
from tallystick.cli.output import say
from tallystick.cli.sending import deliver_sinks, print_delivered
from tallystick.cli.work import sync_sources, verify_contracts
from tallystick.connectors import HttpConfig
from tallystick.database import schema
from tallystick.database.engine import transaction
from tallystick.errors import ConfigurationError, Error
from tallystick.period import DAY, format_instant

if TYPE_CHECKING:
    from tallystick.cli.project import Project

__all__ = ["last_turn", "print_turn", "take_turn"]

_AHEAD = 2 * DAY
"""No live system tells its own present later than that: Zendesk after an hour of quiet, most at once."""


def take_turn(project: Project, clock: Callable[[], int], *, machine: bool = False) -> dict[str, Any]:
    """Sync the sources that are due, verify every contract, deliver to the sinks, and keep the record of the turn.

    A source that could not be read makes the exit code 3; the contracts are verified all the same, and what its missing
    part would decide stays pending, because its watermark has not moved. A sink that could not be reached makes it 3
    too; what it did not get waits for the next turn.

    Args:
        project: The project, whose lock is held.
        clock: Gives the instant of the turn, and later that of each delivery.
        machine: Whether that is the machine's own clock, which nobody looks at.

    Raises:
        ConfigurationError: The machine's clock is days ahead of the systems that were read; nothing is decided.
    """
    now = clock()
    since = _before(project)
    with transaction(project.engine) as connection:
        row = connection.execute(insert(schema.run).values(started_at=now)).inserted_primary_key
        assert row is not None  # noqa: S101 - the table has an integer key
        number = int(row[0])
    report: dict[str, Any] = {
        "run": number,
        "started_at": format_instant(now),
        "exit_code": 70,
        "error": "it ended early",
    }
    try:
        report["sources"] = sync_sources(project, _due(project, now), now)
        if machine:
            _refuse_the_future(project, report["sources"], now)
        report["contracts"] = verify_contracts(project, list(project.contracts), now)
        report["notices"] = [notices(project, contract, since, now) for contract in project.contracts.values()]
        report["sinks"] = deliver_sinks(project, [], clock)
        incomplete = any(part["errors"] for part in (*report["sources"], *report["sinks"]))
        report.update(exit_code=3 if incomplete else 0, error=None)
    except Error as error:
        report.update(exit_code=error.exit_code, error=error.diagnostics())
        raise
    finally:
        text = msgspec.json.encode(report).decode()
        changed = update(schema.run).where(schema.run.c.id == number)
        with transaction(project.engine) as connection:
            connection.execute(changed.values(finished_at=now, exit_code=report["exit_code"], report=text))
    return report


def last_turn(project: Project) -> dict[str, Any]:
    """Give the record of the last turn that finished.

    Raises:
        ConfigurationError: No turn was taken yet.
    """
    query = (
        select(schema.run.c.report).where(schema.run.c.report.is_not(None)).order_by(schema.run.c.id.desc()).limit(1)
    )
    with project.engine.connect() as connection:
        text = connection.execute(query).scalar()
    if text is None:
        raise ConfigurationError("no turn was taken in this project yet", hint="Run `tallystick run` first.")
    report: dict[str, Any] = msgspec.json.decode(text)
    return report


def print_turn(report: dict[str, Any]) -> None:
    """Print the record of a turn, one line each for sources and contracts."""
    for source in report.get("sources", []):
        state = "; ".join(source["errors"]) or "complete"
        say(f"{source['source']}: {source['stored']} new records in {source['calls']} calls; {state}")
    for contract in report.get("contracts", []):
        say(f"{contract['contract']}: {contract['changed']} verdicts changed; {contract['counts']}")
    print_delivered(report.get("sinks", []))
    for notice in report.get("notices", []):
        print_notice(notice)
    if report["error"]:
        say(report["error"])


def _refuse_the_future(project: Project, sources: Sequence[dict[str, Any]], now: int) -> None:
    """Return unless every system of which something was just read to its end is days behind the clock.

    What is recorded can never be preceded: one turn by a clock that is years ahead would be the last one for years.
    """
    told = [
        (_instant(stream["watermark"]), part["source"])
        for part in sources
        if issubclass(project.source(part["source"]).kind.config_model, HttpConfig)
        for stream in part["streams"]
        if stream["complete"] and stream["watermark"]
    ]
    newest, name = max(told, default=(now, ""))
    if now - newest > _AHEAD:
        raise ConfigurationError(
            f"the clock of this machine is {(now - newest) // DAY:,} days ahead of {name}, which was read up to "
            f"{format_instant(newest)}; nothing was decided",
            hint="Set the clock and run again. If it is right, `tallystick verify` decides all the same.",
        )


def _before(project: Project) -> int | None:
    """Give when the newest turn began; None before the first."""
    query = select(schema.run.c.started_at).order_by(schema.run.c.id.desc()).limit(1)
    with project.engine.connect() as connection:
        found: int | None = connection.execute(query).scalar()
    return found


def _due(project: Project, now: int) -> list[str]:
    """Name the sources whose last complete sync is at least `every_minutes` old."""
    query = (
        select(schema.run.c.report).where(schema.run.c.report.is_not(None)).order_by(schema.run.c.id.desc()).limit(100)
    )
    with project.engine.connect() as connection:
        records = [msgspec.json.decode(text) for text in connection.execute(query).scalars()]
    due = []
    for name, source in project.sources.items():
        read = (
            record["started_at"]
            for record in records
            for done in record.get("sources", [])
            # A turn of a later instant was taken by a wrong clock: it does not put off the next one.
            if done["source"] == name and not done["errors"] and _instant(record["started_at"]) <= now
        )
        newest = next(read, None)
        if newest is None or now - _instant(newest) >= source.every_minutes * 60_000_000:
            due.append(name)
    return due


def _instant(text: str) -> int:
    from tallystick.period import parse_instant

    return parse_instant(text)
