"""Writing the outbox: what leaves becomes durable with the ledger entries it comes from, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, Row, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tallystick.database import schema
from tallystick.database.engine import transaction
from tallystick.errors import ConfigurationError
from tallystick.period import format_instant, parse_instant
from tallystick.sinks.base import EventName
from tallystick.sinks.standing import Standing, Told, Versions, key_of, read_told, told_by
from tallystick.verification.recorder import Recorded
from tallystick.verification.verdict import VerdictHead

__all__ = ["Outbox", "Subscription"]

_ROWS = 2_000
_PICKED = 500
_CLAIM = "claim:"
_TOLD = ("waiting", "delivered", "dead", "dismissed")


class Subscription(msgspec.Struct, frozen=True):
    """What leaves for one sink: events of contracts, from an instant on; without one, from when it is first seen.

    `where` is the place in the project file that names the instant.
    """

    sink: str
    events: tuple[EventName, ...]
    contracts: tuple[str, ...]
    since: int | None = None
    where: str | None = None

    @property
    def covers(self) -> str:
        """What it covers, as one text."""
        return msgspec.json.encode({"contracts": sorted(self.contracts), "events": sorted(self.events)}).decode()


class _Known(NamedTuple):
    """Claims whose lock was taken back just now, and claims of which something was told before."""

    withdrawn: frozenset[str]
    told: frozenset[str]


class Outbox:
    """Writes what leaves for the sinks of a project.

    Give it to `verify_contract` as its outlet.

    Args:
        origin: Name of the ledger.
        subscriptions: What leaves for each sink that the project file names.
    """

    def __init__(self, origin: str, subscriptions: Sequence[Subscription]) -> None:
        self._origin = origin
        self._subscriptions = subscriptions

    def register(self, engine: Engine, now: int) -> None:
        """Take in what the project file says of sinks, in a transaction of its own.

        A new sink is told what is still to come: outcomes that lock from `since` (or `now`) on, and those verified from
        then on. One that is back, covers something else than before, or is told from an earlier instant on, is brought
        to how things stand as if it had been so all along. Again changes nothing.

        Raises:
            ConfigurationError: A sink that was told something is to be told from a later instant on.
        """
        table = schema.sink
        with transaction(engine) as connection:
            known = {row.name: row for row in connection.execute(select(table))}
            named = {subscription.sink for subscription in self._subscriptions}
            gone = [name for name, row in known.items() if row.active and name not in named]
            if gone:
                connection.execute(update(table).where(table.c.name.in_(gone)).values(active=False))
            for subscription in self._subscriptions:
                row = known.get(subscription.sink)
                since = _since(connection, subscription, row, now)
                if row is None:
                    values = {"name": subscription.sink, "since": since, "held": False}
                    connection.execute(insert(table).values(**values, covers=subscription.covers, active=True))
                elif (row.active, row.covers, row.since) != (True, subscription.covers, since):
                    changed = update(table).where(table.c.name == subscription.sink)
                    connection.execute(changed.values(covers=subscription.covers, active=True, since=since))
                else:
                    continue
                self._catch_up(connection, subscription, since)

    def __call__(self, connection: Connection, contract: str, recorded: Sequence[Recorded], now: int) -> None:
        """Write what was recorded under a contract, in the transaction that records it."""
        concerned = [each for each in self._subscriptions if contract in each.contracts]
        if not concerned:
            return
        changes = list(self._changes(connection, recorded))
        for subscription in concerned:
            if changes:
                verdicts = [change[0].verdict for change in changes]
                withdrawn = _withdraw(connection, subscription.sink, contract, verdicts)
                known = _Known(withdrawn, _told(connection, subscription.sink, contract, verdicts))
                _write(connection, self._rows(subscription, changes, known, now))
            _release(connection, subscription.sink, contract, now)

    def _changes(
        self, connection: Connection, recorded: Sequence[Recorded]
    ) -> Iterator[tuple[Recorded, Standing | None, Standing | None]]:
        """Give the claims that count something else than before, with what they counted and count."""
        versions = Versions(connection)
        claims = [change for change in recorded if change.verdict.subject.startswith(_CLAIM)]
        for start in range(0, len(claims), _PICKED):
            some = claims[start : start + _PICKED]
            before = read_told(connection, [change.replaces for change in some if change.replaces is not None])
            for change in some:
                old = None if change.replaces is None else versions.standing(before[change.replaces].verdict)
                new = versions.standing(change.verdict)
                if old != new:
                    yield change, old, new

    def _rows(
        self,
        subscription: Subscription,
        changes: Sequence[tuple[Recorded, Standing | None, Standing | None]],
        known: _Known,
        now: int,
    ) -> Iterator[dict[str, Any]]:
        follows = {"verified", "locked"} & set(subscription.events)
        since = now if subscription.since is None else subscription.since
        for change, old, new in changes:
            subject, locks_at = change.verdict.subject, change.verdict.locks_at
            # Before the sink's day nothing begins to be told; what was told by an older version is still taken back.
            begun = now >= since or subject in known.told
            event = told_by(old, new) if begun else None
            # What was never told need not be taken back.
            if event == "verified" or (event is not None and (subject in known.told or not follows)):
                yield from self._row(subscription, change, event, now)
            open_still = old is None or subject in known.withdrawn or (locks_at or 0) > now
            if new is not None and locks_at is not None and open_still and (begun or locks_at >= since):
                yield from self._row(subscription, change, "locked", locks_at)

    def _row(
        self, subscription: Subscription, change: Recorded, event: EventName, due_at: int
    ) -> Iterator[dict[str, Any]]:
        if event not in subscription.events:
            return
        verdict = change.verdict
        yield {
            "sink": subscription.sink,
            "key": key_of(self._origin, verdict, event, change.idx, change.entry),
            "contract": verdict.contract,
            "subject": verdict.subject,
            "event": event,
            "idx": change.idx,
            "replaces": change.replaces,
            "due_at": due_at,
            "state": "scheduled" if event == "locked" else "waiting",
            "attempts": 0,
            "next_at": due_at,
        }

    def _catch_up(self, connection: Connection, subscription: Subscription, since: int) -> None:
        """Write what the newest verdicts tell from an instant on, beyond what was told."""
        table = schema.outbox
        scheduled = (table.c.sink == subscription.sink, table.c.state == "scheduled")
        connection.execute(update(table).where(*scheduled).values(state="withdrawn"))
        versions = Versions(connection)
        for contract in subscription.contracts:
            last = _last_told(connection, subscription.sink, contract)
            _write(connection, self._standing_rows(versions, subscription, contract, since, last))

    def _standing_rows(
        self,
        versions: Versions,
        subscription: Subscription,
        contract: str,
        since: int,
        last: Mapping[str, _Last],
    ) -> Iterator[dict[str, Any]]:
        for idx, data in _newest(versions.connection, contract):
            told = _DECODER.decode(data)
            verdict, at = told.verdict, parse_instant(told.at)
            new, before = versions.standing(verdict), last.get(verdict.subject)
            old = before.standing(versions) if before else None
            change = Recorded(idx, data, verdict, before.idx if before and before.idx != idx else None)
            event = told_by(old, new)
            if event is not None and (before or at >= since):
                yield from self._row(subscription, change, event, at)
            untold = old is None or before is None or not before.locked
            if new is not None and verdict.locks_at is not None and verdict.locks_at >= since and untold:
                yield from self._row(subscription, change, "locked", verdict.locks_at)


class _Last(NamedTuple):
    """What a sink was told last of a claim, by which ledger entry, and whether that it locked."""

    event: str
    idx: int
    locked: bool

    def standing(self, versions: Versions) -> Standing | None:
        if self.event == "reversed":
            return None
        return versions.standing(read_told(versions.connection, [self.idx])[self.idx].verdict)


_DECODER = msgspec.json.Decoder(Told)


def _since(connection: Connection, subscription: Subscription, row: Row[Any] | None, now: int) -> int:
    """Give the instant from which a sink is told; `row` is what is known of it."""
    given = subscription.since
    if row is None:
        return now if given is None else given
    table = schema.outbox.c
    some = select(table.id).where(table.sink == subscription.sink, table.state.in_(_TOLD)).limit(1)
    told, before = connection.execute(some).first() is not None, int(row.since)
    if given is None:
        # A day that was still to come when it was taken out of the project file holds nothing back any more.
        return before if told else min(before, now)
    if told and given > before:
        raise ConfigurationError(
            f"the sink {subscription.sink} is told from {format_instant(before)} on, and what was told is not "
            f"taken back: `from` cannot be a later day any more",
            where=subscription.where,
            hint="Write that day or an earlier one. A sink under another name begins anew, from any day on.",
        )
    return given


def _newest(connection: Connection, contract: str) -> Iterator[tuple[int, bytes]]:
    """Give the newest verdicts on claims under a contract, by ledger index, in the order of the ledger."""
    head, entry = schema.verdict_head, schema.ledger_entry
    query = select(entry.c.idx, entry.c.data).join(head, head.c.idx == entry.c.idx)
    query = query.where(head.c.contract == contract, head.c.subject.startswith(_CLAIM)).order_by(entry.c.idx)
    for idx, data in connection.execute(query, execution_options={"yield_per": _ROWS}):
        yield idx, bytes(data)


def _last_told(connection: Connection, sink: str, contract: str) -> dict[str, _Last]:
    table = schema.outbox.c
    query = select(table.subject, table.event, table.idx).where(table.sink == sink, table.contract == contract)
    found: dict[str, _Last] = {}
    for subject, event, idx in connection.execute(query.where(table.state.in_(_TOLD)).order_by(table.id)):
        # What was borne by the buyer may be verified after its lock; only what was reversed locks anew.
        locked = event == "locked" or (subject in found and found[subject].locked and event != "reversed")
        found[subject] = _Last(event, idx, locked)
    return found


def _write(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows; one that is there already stays as it is, unless it was withdrawn."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    table = schema.outbox
    statement = dialect.insert(table)
    statement = statement.on_conflict_do_update(
        index_elements=["sink", "key"],
        set_={"state": statement.excluded.state},
        where=table.c.state == "withdrawn",
    )
    source = iter(rows)
    while batch := list(islice(source, _ROWS)):
        connection.execute(statement, batch)


def _withdraw(connection: Connection, sink: str, contract: str, verdicts: Sequence[VerdictHead]) -> frozenset[str]:
    """Take back the locks of claims that count something else now; give the subjects that had one."""
    table = schema.outbox
    found = _subjects(connection, sink, contract, verdicts, ("scheduled",))
    where = (table.c.sink == sink, table.c.contract == contract, table.c.state == "scheduled")
    changed = update(table).where(*where).values(state="withdrawn")
    held = sorted(found)
    for start in range(0, len(held), _PICKED):
        connection.execute(changed.where(table.c.subject.in_(held[start : start + _PICKED])))
    return found


def _told(connection: Connection, sink: str, contract: str, verdicts: Sequence[VerdictHead]) -> frozenset[str]:
    """Give the subjects of which something was told, or is on its way."""
    return _subjects(connection, sink, contract, verdicts, _TOLD)


def _subjects(
    connection: Connection, sink: str, contract: str, verdicts: Sequence[VerdictHead], states: Sequence[str]
) -> frozenset[str]:
    table = schema.outbox.c
    where = (table.sink == sink, table.contract == contract, table.state.in_(states))
    found: set[str] = set()
    for start in range(0, len(verdicts), _PICKED):
        subjects = [verdict.subject for verdict in verdicts[start : start + _PICKED]]
        found |= set(connection.execute(select(table.subject).where(*where, table.subject.in_(subjects))).scalars())
    return frozenset(found)


def _release(connection: Connection, sink: str, contract: str, now: int) -> None:
    """Let go what has locked: the contract was decided as of an instant at or after the lock."""
    table = schema.outbox
    where = (table.c.sink == sink, table.c.contract == contract, table.c.state == "scheduled", table.c.due_at <= now)
    connection.execute(update(table).where(*where).values(state="waiting"))
