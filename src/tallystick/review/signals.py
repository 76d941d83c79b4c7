"""Signals that a number is being played, by either side: something to ask about, and never a verdict.

Each one counts records in the buyer's own systems; a count is flagged above a threshold that stands beside it. Nothing
here changes what is owed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import duckdb
import pyarrow as pa

from tallystick.contracts import Contract, Outcome
from tallystick.outcomes import Inputs, compile_predicate
from tallystick.period import zone
from tallystick.verification.verdict import VerdictHead

__all__ = ["SIGNALS", "Signal", "signals_of"]

_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Signal:
    """One count: of whose doing it would speak, what was counted, how often, and from how many on it is flagged."""

    name: str
    side: Literal["vendor", "buyer", "either"]
    outcome: str
    says: str
    count: int
    threshold: int

    @property
    def flagged(self) -> bool:
        """Whether it is worth a question."""
        return self.count >= self.threshold


@dataclass(frozen=True)
class _Asked:
    """What a signal may ask: the records of one outcome, with those claimed in the tables `paid` and `refused`."""

    database: duckdb.DuckDBPyConnection
    contract: Contract
    outcome: Outcome
    inputs: Inputs

    def count(self, query: str) -> int:
        """Give the number that a query gives; nothing is 0."""
        row = self.database.execute(query).fetchone()
        return 0 if row is None or row[0] is None else int(row[0])


def signals_of(
    database: duckdb.DuckDBPyConnection,
    contract: Contract,
    outcome: Outcome,
    inputs: Inputs,
    verdicts: Sequence[VerdictHead],
) -> list[Signal]:
    """Give every signal that the record type of an outcome can show.

    Args:
        database: A connection with one view per record type, as `connect_outcome` gives it.
        contract: The version of the contract.
        outcome: One of its outcomes.
        inputs: How far its sources were read.
        verdicts: The verdicts on the claims on it.
    """
    _register(database, "paid", [verdict for verdict in verdicts if verdict.status == "verified"])
    _register(database, "refused", [verdict for verdict in verdicts if verdict.status in {"rejected", "reversed"}])
    asked = _Asked(database, contract, outcome, inputs)
    return [signal for ask in SIGNALS.values() for signal in ask(asked)]


def _register(database: duckdb.DuckDBPyConnection, name: str, verdicts: Sequence[VerdictHead]) -> None:
    known = [verdict for verdict in verdicts if verdict.record_id is not None]
    table = {
        "id": pa.array([verdict.record_id for verdict in known], pa.string()),
        "claimed_at": pa.array([verdict.claimed_at for verdict in known], pa.int64()),
        "locks_at": pa.array([verdict.locks_at for verdict in known], pa.int64()),
    }
    database.register(name, pa.table(table))


def _just_over_the_minimum(asked: _Asked) -> Iterator[Signal]:
    """Meetings that took little more than the least they have to, beside those that took a little more than that."""
    minutes = asked.outcome.predicate.fact.get("talk_seconds") and asked.outcome.settings.get("min_minutes", 15)
    if not isinstance(minutes, int):
        return
    predicate = asked.outcome.predicate.of_facts(["talk_seconds"])
    compiled = compile_predicate(predicate, asked.inputs, zone(asked.contract.timezone))
    least, step = minutes * _MINUTE, max(minutes * _MINUTE // 10, 1)
    just, more = (
        asked.count(
            f'SELECT count(*) FROM ({compiled}) d SEMI JOIN paid USING (id) WHERE d."fact_talk_seconds" >= {start} '
            f'AND d."fact_talk_seconds" < {start + step}'
        )
        for start in (least, least + step)
    )
    says = (
        f"verified meetings that took {minutes} minutes and less than a tenth more; {more} took up to two tenths more"
    )
    yield Signal("just_over_the_minimum", "vendor", asked.outcome.name, says, just, max(10, 3 * more))


def _same_attendee(asked: _Asked) -> Iterator[Signal]:
    """One address of a prospect in several verified meetings."""
    if asked.outcome.predicate.record != "meeting":
        return
    query = (
        "SELECT count(*) FROM (SELECT email FROM attendee a SEMI JOIN paid ON paid.id = a.meeting_id "
        "WHERE a.internal IS NOT TRUE AND a.email IS NOT NULL GROUP BY email HAVING count(DISTINCT a.meeting_id) > 2)"
    )
    says = "addresses that attended three or more verified meetings"
    yield Signal("same_attendee", "vendor", asked.outcome.name, says, asked.count(query), 1)


def _closed_in_bulk(asked: _Asked) -> Iterator[Signal]:
    """Tickets that were solved in the very same minute by nobody, or by the vendor."""
    if asked.outcome.predicate.record != "ticket":
        return
    people = "NOT coalesce(e.actor_role IN ('agent', 'admin'), false)"
    query = (
        f"SELECT max(n) FROM (SELECT count(*) AS n FROM ticket_event e SEMI JOIN paid ON paid.id = e.ticket_id "
        f"WHERE e.kind = 'solved' AND {people} GROUP BY e.\"at\" // {60_000_000})"
    )
    says = "verified tickets that were solved in one minute, the most of any"
    yield Signal("closed_in_bulk", "vendor", asked.outcome.name, says, asked.count(query), 20)


def _refused_in_bulk(asked: _Asked) -> Iterator[Signal]:
    """Claims that were refused after one person wrote into many of their records within the hour."""
    query = (
        f"SELECT max(n) FROM (SELECT count(DISTINCT c.object_id) AS n FROM change c SEMI JOIN refused ON "
        f"refused.id = c.object_id WHERE c.actor_id IS NOT NULL {_not_the_vendor(asked)} "
        f'GROUP BY c.actor_id, c."at" // {_HOUR})'
    )
    says = "records of refused claims that one person wrote into within an hour, the most of any"
    yield Signal("refused_in_bulk", "buyer", asked.outcome.name, says, asked.count(query), 10)


def _near_the_lock(asked: _Asked) -> Iterator[Signal]:
    """Claims that were reversed after somebody wrote into their record in the two days before the lock."""
    query = (
        "SELECT count(DISTINCT c.object_id) FROM change c JOIN refused ON refused.id = c.object_id "
        f'WHERE c."at" < refused.locks_at AND c."at" >= refused.locks_at - {2 * _DAY} '
        f"AND c.actor_id IS NOT NULL {_not_the_vendor(asked)}"
    )
    says = "records of refused claims that were written into in the two days before their lock"
    yield Signal("near_the_lock", "buyer", asked.outcome.name, says, asked.count(query), 5)


def _back_dated(asked: _Asked) -> Iterator[Signal]:
    """Changes that name a time at which the record was seen without them, days later."""
    record = asked.outcome.predicate.record
    query = (
        "SELECT count(*) FROM change c WHERE c.object_id IN (SELECT id FROM paid UNION ALL SELECT id FROM refused) AND "
        f'EXISTS (SELECT 1 FROM "{record}_all" r WHERE r.id = c.object_id AND r.observed_at < c.observed_at '
        f'AND r.observed_at > c."at" + {3 * _DAY})'
    )
    says = f"changes of claimed {record}s that name a time after which the record was read without them"
    yield Signal("back_dated", "either", asked.outcome.name, says, asked.count(query), 3)


def _deleted(asked: _Asked) -> Iterator[Signal]:
    """Records that were deleted after they were claimed."""
    record = asked.outcome.predicate.record
    query = (
        f'SELECT count(DISTINCT r.id) FROM "{record}_all" r JOIN (FROM paid UNION ALL FROM refused) c ON c.id = r.id '
        "WHERE r.deleted AND r.as_of > c.claimed_at"
    )
    says = f"{record}s that were deleted after they were claimed"
    yield Signal("deleted_after_the_claim", "buyer", asked.outcome.name, says, asked.count(query), 3)


def _not_the_vendor(asked: _Asked) -> str:
    known = [*asked.contract.vendor.identities.get(asked.outcome.source, ()), *asked.outcome.vendors]
    listed = ", ".join("'" + one.replace("'", "''") + "'" for one in known)
    return f"AND c.actor_id NOT IN ({listed})" if listed else ""


SIGNALS: Mapping[str, Callable[[_Asked], Iterator[Signal]]] = {
    "just_over_the_minimum": _just_over_the_minimum,
    "same_attendee": _same_attendee,
    "closed_in_bulk": _closed_in_bulk,
    "refused_in_bulk": _refused_in_bulk,
    "near_the_lock": _near_the_lock,
    "back_dated": _back_dated,
    "deleted_after_the_claim": _deleted,
}
"""All signals by name."""
