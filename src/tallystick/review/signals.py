"""Signals that a number is being played, by either side: something to ask about, and never a verdict.

Each one counts records in the buyer's own systems; a count is flagged above a threshold that stands beside it. Nothing
here changes what is owed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import duckdb
import pyarrow as pa

from tallystick.contracts import Contract, Outcome, Tiers
from tallystick.outcomes import Inputs, compile_predicate
from tallystick.outcomes.meeting_qualified import free_mail_domains
from tallystick.period import zone
from tallystick.review.numbers import happened_at
from tallystick.statements.line import Line
from tallystick.verification.verdict import VerdictHead

__all__ = ["SIGNALS", "Signal", "signals_of", "stops_at_a_tier"]

_SECOND = 1_000_000
_MINUTE = 60
_HOUR = 3600 * _SECOND
_DAY = 24 * _HOUR


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


def stops_at_a_tier(outcome: Outcome, months: Sequence[Sequence[Line]]) -> Iterator[Signal]:
    """Give the signal of an outcome that is priced by tiers of units: months that end just below or on a step.

    Args:
        outcome: One of a contract's outcomes.
        months: The lines of each month under review, of whatever outcome.
    """
    price = outcome.price
    if not isinstance(price, Tiers) or price.by_percent:
        return
    edges = [price.included + step.up_to for step in price.steps if step.up_to is not None]
    reached = [sum((line.quantity for line in lines if line.outcome == outcome.name), Decimal(0)) for lines in months]
    # The last twentieth below a step: 96 to 100 of 100.
    count = sum(any(edge * 95 < 100 * units <= edge * 100 for edge in edges) for units in reached)
    says = "months whose paid units end in the last twentieth below a step of the price, or on it"
    yield Signal("stops_at_a_tier", "either", outcome.name, says, count, 2)


def _register(database: duckdb.DuckDBPyConnection, name: str, verdicts: Sequence[VerdictHead]) -> None:
    known = [verdict for verdict in verdicts if verdict.record_id is not None]
    table = {
        "id": pa.array([verdict.record_id for verdict in known], pa.string()),
        "claimed_at": pa.array([verdict.claimed_at for verdict in known], pa.int64()),
        "locks_at": pa.array([verdict.locks_at for verdict in known], pa.int64()),
        "since": pa.array([happened_at(verdict) for verdict in known], pa.int64()),
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
        "SELECT count(*) FROM (SELECT a.email FROM attendee a SEMI JOIN paid ON paid.id = a.meeting_id "
        f"WHERE {_of_a_prospect(asked)} AND a.email IS NOT NULL "
        "GROUP BY a.email HAVING count(DISTINCT a.meeting_id) > 2)"
    )
    says = "addresses of prospects in three or more verified meetings"
    yield Signal("same_attendee", "vendor", asked.outcome.name, says, asked.count(query), 1)


def _self_booked(asked: _Asked) -> Iterator[Signal]:
    """Meetings in which somebody of the vendor's own domains sat where a prospect would."""
    if asked.outcome.predicate.record != "meeting":
        return
    query = (
        "SELECT count(DISTINCT a.meeting_id) FROM attendee a SEMI JOIN paid ON paid.id = a.meeting_id "
        f"WHERE a.internal IS NOT TRUE AND {_there('a')} AND a.domain IN ({_texts(_vendor_domains(asked))})"
    )
    says = "verified meetings attended by an address of the vendor's own domains"
    yield Signal("self_booked", "vendor", asked.outcome.name, says, asked.count(query), 1)


def _one_company(asked: _Asked) -> Iterator[Signal]:
    """One company under several accounts, each with a verified meeting, where one per account is paid."""
    if asked.outcome.predicate.record != "meeting":
        return
    query = (
        "SELECT count(*) FROM (SELECT lower(o.domain) FROM account o JOIN meeting m ON m.account_id = o.id "
        f"SEMI JOIN paid ON paid.id = m.id WHERE lower(o.domain) NOT IN ({_texts(('', *free_mail_domains()))}) "
        "GROUP BY 1 HAVING count(DISTINCT o.id) > 1)"
    )
    says = "companies, by their domain, with verified meetings under two or more accounts"
    yield Signal("one_company", "vendor", asked.outcome.name, says, asked.count(query), 1)


def _closed_in_bulk(asked: _Asked) -> Iterator[Signal]:
    """Tickets that were solved in the very same minute by the vendor, by a rule, or by the system itself."""
    if asked.outcome.predicate.record != "ticket":
        return
    query = (
        "SELECT max(n) FROM (SELECT count(DISTINCT e.ticket_id) AS n FROM ticket_event e "
        "SEMI JOIN paid ON paid.id = e.ticket_id WHERE e.kind = 'solved' AND "
        f"(e.actor_id IS NULL OR e.\"by\" IN ('rule', 'system') OR e.actor_id IN ({_vendors(asked)})) "
        f'GROUP BY e."at" // {_MINUTE * _SECOND})'
    )
    says = "verified tickets that the vendor, or no person, solved in one minute, the most of any"
    yield Signal("closed_in_bulk", "vendor", asked.outcome.name, says, asked.count(query), 20)


def _split_conversations(asked: _Asked) -> Iterator[Signal]:
    """Tickets of one requester that were opened within a day of each other and are each paid."""
    if asked.outcome.predicate.record != "ticket":
        return
    query = (
        "SELECT count(*) FROM (SELECT created_at - lag(created_at) OVER (PARTITION BY requester_id ORDER BY created_at,"
        f" id) AS gap FROM ticket SEMI JOIN paid USING (id) WHERE requester_id IS NOT NULL) WHERE gap < {_DAY}"
    )
    of_all = asked.count("SELECT count(*) FROM paid")
    says = "verified tickets opened within 24 hours after another verified one of the same requester"
    yield Signal("split_conversations", "vendor", asked.outcome.name, says, asked.count(query), max(5, of_all // 10))


def _refused_in_bulk(asked: _Asked) -> Iterator[Signal]:
    """Claims that were refused after one person wrote into many of their records, all within an hour."""
    # What was written before the outcome happened, such as an import, is no answer to it.
    query = (
        'SELECT max(n) FROM (SELECT count(DISTINCT c.object_id) OVER (PARTITION BY c.actor_id ORDER BY c."at" '
        f"RANGE BETWEEN {_HOUR - 1} PRECEDING AND CURRENT ROW) AS n FROM change c JOIN refused r ON "
        f'r.id = c.object_id WHERE c."at" >= r.since AND {_by_the_buyer(asked)})'
    )
    says = "records of refused claims that one person of the buyer wrote into within an hour, the most of any"
    yield Signal("refused_in_bulk", "buyer", asked.outcome.name, says, asked.count(query), 10)


def _near_the_lock(asked: _Asked) -> Iterator[Signal]:
    """Claims that were verified, and are not any more, whose record was written into in the two days to the lock."""
    query = (
        "SELECT count(DISTINCT c.object_id) FROM change c JOIN refused r ON r.id = c.object_id "
        f'WHERE c."at" < r.locks_at AND c."at" >= r.locks_at - {2 * _DAY} AND c."at" >= r.since '
        f"AND {_by_the_buyer(asked)}"
    )
    says = "records of claims verified once and then refused that the buyer wrote into in the two days before the lock"
    yield Signal("near_the_lock", "buyer", asked.outcome.name, says, asked.count(query), 5)


def _back_dated(asked: _Asked) -> Iterator[Signal]:
    """Changes that name a time days before which the same field's history had been read without them."""
    record = asked.outcome.predicate.record
    # That the record itself was read is not enough: at a first load, and for a record whose history is read only once
    # it is a candidate, old changes come after it, rightly.
    query = (
        'WITH seen AS (SELECT id, object_id, field, min("at") AS "at", min(observed_at) AS observed_at FROM change_all '
        "SEMI JOIN (SELECT id FROM paid UNION ALL SELECT id FROM refused) n ON n.id = object_id "
        "GROUP BY id, object_id, field) SELECT count(*) FROM seen c WHERE EXISTS (SELECT 1 FROM seen e "
        "WHERE e.object_id = c.object_id AND e.field IS NOT DISTINCT FROM c.field AND e.observed_at < c.observed_at "
        f'AND e.observed_at > c."at" + {3 * _DAY})'
    )
    says = f"changes of claimed {record}s dated three days or more before a reading of their history that lacked them"
    yield Signal("back_dated", "either", asked.outcome.name, says, asked.count(query), 3)


def _deleted(asked: _Asked) -> Iterator[Signal]:
    """Records that were deleted after they were claimed and have not come back."""
    record = asked.outcome.predicate.record
    query = (
        f'SELECT count(DISTINCT r.id) FROM "{record}_all" r JOIN (FROM paid UNION ALL FROM refused) c ON c.id = r.id '
        f'WHERE r.deleted AND r.as_of > c.claimed_at AND r.version = (SELECT max(version) FROM "{record}_all" o '
        "WHERE o.id = r.id)"
    )
    says = f"{record}s that were deleted after they were claimed"
    yield Signal("deleted_after_the_claim", "buyer", asked.outcome.name, says, asked.count(query), 3)


def _there(relation: str) -> str:
    """Give the condition that somebody invited is not known to have stayed away."""
    return f"coalesce({relation}.attended, {relation}.response <> 'declined', true)"


def _of_a_prospect(asked: _Asked) -> str:
    others = _texts([*_domains(asked, "internal_domains"), *_vendor_domains(asked)])
    return f"a.internal IS NOT TRUE AND coalesce(a.domain NOT IN ({others}), true) AND {_there('a')}"


def _vendor_domains(asked: _Asked) -> list[str]:
    """Give the vendor's domains: those that the contract excludes, and those of its users' addresses.

    A domain that many have, or that a user who is not the vendor's has too, tells nothing.
    """
    domain = "SELECT lower(split_part(email, '@', 2)) FROM actor WHERE email LIKE '%@%' AND id"
    query = f"{domain} IN ({_vendors(asked)}) EXCEPT {domain} NOT IN ({_vendors(asked)})"
    found = {name for (name,) in asked.database.execute(query).fetchall()}
    known = found - set(free_mail_domains()) - set(_domains(asked, "internal_domains"))
    return [*_domains(asked, "excluded_domains"), *sorted(known)]


def _domains(asked: _Asked, setting: str) -> list[str]:
    return [domain.lower() for domain in asked.outcome.settings.get(setting, ())]


def _by_the_buyer(asked: _Asked) -> str:
    vendors = _vendors(asked)
    return f"c.actor_id IS NOT NULL AND c.actor_id NOT IN ({vendors}) AND coalesce(c.app_id NOT IN ({vendors}), true)"


def _vendors(asked: _Asked) -> str:
    return _texts([*asked.contract.vendor.identities.get(asked.outcome.source, ()), *asked.outcome.vendors])


def _texts(values: Iterable[str]) -> str:
    """Give SQL texts for a list; where it is empty the empty text, which is nobody's, as SQL has no empty list."""
    return ", ".join("'" + one.replace("'", "''") + "'" for one in values) or "''"


SIGNALS: Mapping[str, Callable[[_Asked], Iterator[Signal]]] = {
    "just_over_the_minimum": _just_over_the_minimum,
    "same_attendee": _same_attendee,
    "self_booked": _self_booked,
    "one_company": _one_company,
    "closed_in_bulk": _closed_in_bulk,
    "split_conversations": _split_conversations,
    "refused_in_bulk": _refused_in_bulk,
    "near_the_lock": _near_the_lock,
    "back_dated": _back_dated,
    "deleted_after_the_claim": _deleted,
}
"""All signals by name."""
