"""Delivery: events of the outbox are handed to their sinks, at least once, those of one claim in their order.

Before a call the attempt is durable, after it its end is. A process that is killed between the two leaves an attempt
without an end, and the event is handed over again with the same key.
"""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine, Row, bindparam, func, select, update

from tallystick.database import schema
from tallystick.database.engine import transaction
from tallystick.errors import (
    AuthorizationError,
    ConfigurationError,
    ConnectorError,
    Error,
    LedgerError,
    PermanentError,
    PluginError,
    RateLimited,
    RetryableError,
)
from tallystick.ledger import Log
from tallystick.sinks.base import Sink, UndeliverableError
from tallystick.sinks.reading import attempt_of, event_of

__all__ = ["MOST", "SinkReport", "deliver", "resume"]

MOST = 5_000
"""Events that one turn hands to one sink at most; the next turn goes on."""

_BATCH = 100
_REFUSALS = 3
_ATTEMPTS = 24
_IN_A_ROW = 3
_FIRST_WAIT = 60_000_000
_LONGEST_WAIT = 6 * 3_600_000_000
_NOTE = 500
_NAMED = 3
"""Dead letters that a report names; the others it counts."""


class SinkReport(msgspec.Struct):
    """What a turn did for one sink: events delivered, newly given up, and left; and what a person should look at."""

    sink: str
    delivered: int = 0
    dead: int = 0
    waiting: int = 0
    errors: list[str] = []


def deliver(
    engine: Engine, log: Log, sinks: Mapping[str, Sink], *, clock: Callable[[], int], most: int = MOST
) -> list[SinkReport]:
    """Hand over what is due, sink by sink; trouble with one does not keep the others from being served.

    The caller holds the project's lock, so that no event is handed over by two processes at once.

    Args:
        engine: The project's database.
        log: The ledger.
        sinks: The sinks by their names.
        clock: Gives the instant of each attempt.
        most: Events for each sink at most.

    Raises:
        Tampered: The ledger does not hold what an event was written for.
    """
    return [_Delivery(engine, log, name, sink, clock).run(most) for name, sink in sinks.items()]


def resume(engine: Engine, names: Sequence[str], now: int) -> None:
    """Say that this copy of an imported project is the one that delivers, from `now` on.

    What was waiting, or has locked by now, may have been sent by the other copy since, so each such event counts as one
    whose attempt has no known end.
    """
    table, sink = schema.outbox, schema.sink
    held = select(sink.c.name).where(sink.c.held, sink.c.name.in_(names))
    unsure = func.coalesce(table.c.unsure_since, table.c.due_at)
    with transaction(engine) as connection:
        locked = (table.c.state == "scheduled") & (table.c.due_at <= now)
        waiting = update(table).where(table.c.sink.in_(held), (table.c.state == "waiting") | locked)
        connection.execute(waiting.values(unsure_since=unsure))
        connection.execute(update(sink).where(sink.c.name.in_(names)).values(held=False))


class _StopError(Exception):
    """Nothing more for this sink in this turn."""


class _Delivery:
    """One turn for one sink."""

    def __init__(self, engine: Engine, log: Log, name: str, sink: Sink, clock: Callable[[], int]) -> None:
        self._engine = engine
        self._log = log
        self._name = name
        self._sink = sink
        self._clock = clock
        self._report = SinkReport(name, errors=[])
        self._in_a_row = 0

    def run(self, most: int) -> SinkReport:
        left = 0 if self._held() else most
        try:
            while left > 0 and (rows := self._begin(min(left, _BATCH))):
                left -= len(rows)
                self._hand_over(rows)
        except _StopError:
            pass
        self._report.waiting = self._waiting()
        return self._report

    def _held(self) -> bool:
        table = schema.sink.c
        with self._engine.connect() as connection:
            held = bool(connection.execute(select(table.held).where(table.name == self._name)).scalar())
        if held and self._waiting():
            self._report.errors.append(
                "held: the project was imported, and the one it came from may deliver still; when that has ended, run "
                "`tallystick sinks resume`"
            )
        return held

    def _begin(self, most: int) -> Sequence[Row[Any]]:
        """Give the next events, the oldest of each claim that is not over yet, with the attempt noted durably."""
        table, older = schema.outbox, schema.outbox.alias("older")
        same = (older.c.sink == table.c.sink, older.c.contract == table.c.contract, older.c.subject == table.c.subject)
        before = select(older.c.id).where(*same, older.c.state == "waiting", older.c.id < table.c.id).exists()
        now = self._clock()
        query = select(table).where(table.c.sink == self._name, table.c.state == "waiting", table.c.next_at <= now)
        with transaction(self._engine) as connection:
            rows = connection.execute(query.where(~before).order_by(table.c.id).limit(most)).all()
            if not rows:
                return rows
            begun = update(table).where(table.c.id.in_([row.id for row in rows]))
            unsure = func.coalesce(table.c.unsure_since, now)
            connection.execute(begun.values(attempts=table.c.attempts + 1, unsure_since=unsure))
        return rows

    def _hand_over(self, rows: Sequence[Row[Any]]) -> None:
        for position, row in enumerate(rows):
            try:
                self._attempt(row)
            except BaseException:
                self._not_begun(rows[position + 1 :])
                raise

    def _attempt(self, row: Row[Any]) -> None:
        try:
            with self._engine.connect() as connection:
                event = event_of(connection, self._log, row)
                attempt = attempt_of(connection, row, self._clock())
            self._sink.deliver(event, attempt)
        except LedgerError:
            self._not_begun([row])
            raise
        except UndeliverableError as error:
            self._give_up(row, error, unsure=row.unsure_since)
        except RateLimited as error:
            self._later(row, error, unsure=row.unsure_since, wait=error.retry_after)
            self._stop(error)
        except RetryableError as error:
            self._uncertain(row, error)
        except (AuthorizationError, ConfigurationError) as error:
            self._not_begun([row])
            self._stop(error)
        except PermanentError as error:
            self._refused(row, error)
        except Error as error:
            self._not_begun([row])
            self._stop(error)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; the other sinks are served all the same
            found = _wrapped(error, self._sink)
            self._later(row, found, unsure=row.unsure_since or self._clock())
            self._stop(found)
        else:
            self._in_a_row = 0
            self._end(row, state="delivered", done_at=self._clock(), unsure_since=None, note=None)
            self._report.delivered += 1

    def _uncertain(self, row: Row[Any], error: RetryableError) -> None:
        self._failed(row, error, unsure=row.unsure_since or self._clock(), most=_ATTEMPTS)

    def _refused(self, row: Row[Any], error: PermanentError) -> None:
        self._failed(row, error, unsure=row.unsure_since, most=_REFUSALS)

    def _failed(self, row: Row[Any], error: ConnectorError, *, unsure: int | None, most: int) -> None:
        """Put an event off, or give it up; several failures in a row are the sink's, not the events'."""
        if row.attempts + 1 >= most:
            self._give_up(row, error, unsure=unsure)
        else:
            self._later(row, error, unsure=unsure)
        self._in_a_row += 1
        if self._in_a_row >= _IN_A_ROW:
            self._stop(error)
        if (said := _shown(error)) not in self._report.errors and row.attempts + 1 < most:
            self._report.errors.append(said)

    def _give_up(self, row: Row[Any], error: Error, *, unsure: int | None) -> None:
        self._end(row, state="dead", done_at=self._clock(), unsure_since=unsure, note=_shown(error))
        self._report.dead += 1
        if self._report.dead <= _NAMED:
            self._report.errors.append(f"gave up {row.key}: {_shown(error)}")

    def _later(self, row: Row[Any], error: Error, *, unsure: int | None, wait: float | None = None) -> None:
        delay = max(backoff(row.key, row.attempts + 1), int((wait or 0) * 1_000_000))
        self._end(row, next_at=self._clock() + delay, unsure_since=unsure, note=_shown(error))

    def _stop(self, error: Error) -> None:
        if (said := _shown(error)) not in self._report.errors:
            self._report.errors.append(said)
        raise _StopError from error

    def _end(self, row: Row[Any], **values: Any) -> None:
        table = schema.outbox
        with transaction(self._engine) as connection:
            connection.execute(update(table).where(table.c.id == row.id).values(**values))

    def _not_begun(self, rows: Sequence[Row[Any]]) -> None:
        """Take back the attempts of events that no call was made for."""
        if not rows:
            return
        table = schema.outbox
        was = [{"this": row.id, "attempts": row.attempts, "unsure_since": row.unsure_since} for row in rows]
        changed = update(table).where(table.c.id == bindparam("this"))
        with transaction(self._engine) as connection:
            connection.execute(changed, was)

    def _waiting(self) -> int:
        table = schema.outbox.c
        query = select(func.count()).where(table.sink == self._name, table.state == "waiting")
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())


def backoff(key: str, attempts: int) -> int:
    """Give the microseconds to wait after so many attempts: between 0 and a minute doubled each time, at most 6 hours.

    The part of it is taken from a hash of the key and the attempt: spread like chance, and the same when asked again.
    """
    longest = min(_FIRST_WAIT << min(attempts - 1, 20), _LONGEST_WAIT)
    part = int.from_bytes(hashlib.sha256(f"{key} {attempts}".encode()).digest()[:8])
    return longest * part >> 64


def _shown(error: Error) -> str:
    return error.diagnostics().replace("\n  ", " ")[:_NOTE]


def _wrapped(error: Exception, sink: Sink) -> PluginError:
    """Give an unexpected error of a sink as one of ours, without its text, which may hold what a message must not."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return PluginError(
        f"the sink {sink.name} failed: {type(error).__name__}{place}", hint="Report it to the author of its plugin."
    )
