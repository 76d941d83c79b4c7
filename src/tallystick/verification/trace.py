"""A decision trace: one verdict retold clause by clause by the reference interpreter, with who wrote what and when."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from tallystick.contracts import Contract, Outcome
from tallystick.outcomes import Evaluation, Inputs, compile_evidence, explain, interpret, read_row
from tallystick.period import format_instant, zone
from tallystick.verification.verdict import Verdict

__all__ = ["ClauseTrace", "Trace", "Write", "trace"]

_MOST_WRITES = 50


class ClauseTrace(msgspec.Struct, frozen=True):
    """One clause: what it asks, what was found, the values it read, and what would have flipped it."""

    clause: str
    state: str
    test: str
    because: str
    reads: dict[str, str]
    would_hold_if: str
    until: str | None
    decides: bool


class Write(msgspec.Struct, frozen=True):
    """One change to a record the verdict rests on: when, which field, from what to what, by which call.

    `by` is the actor, application or request the system names; `automation` where it says that nobody called.
    """

    at: str
    object_type: str
    object_id: str
    event: str
    field: str | None
    old: str | None
    new: str | None
    by: str


class Trace(msgspec.Struct, frozen=True):
    """A verdict and everything it rests on."""

    subject: str
    status: str
    contract: str
    contract_version: int
    outcome: str
    ref: str
    record_type: str
    record_id: str | None
    reasons: list[str]
    occurred_at: str | None
    decided_at: str | None
    clauses: list[ClauseTrace]
    writes: list[Write]
    evidence: list[str]


def trace(
    database: duckdb.DuckDBPyConnection, contract: Contract, outcome: Outcome, verdict: Verdict, inputs: Inputs
) -> Trace:
    """Retell a verdict from the evidence it rests on.

    The reference interpreter decides it again, independently of the query that decided it the first time.
    """
    clauses: list[ClauseTrace] = []
    writes: list[Write] = []
    if verdict.record_id is not None:
        evaluation, objects = _decide_again(database, contract, outcome, verdict.record_id, inputs)
        if evaluation is not None:
            clauses = [_clause(told) for told in explain(outcome.predicate, evaluation)]
        writes = _writes(database, objects)
    return Trace(
        subject=verdict.subject,
        status=verdict.status,
        contract=verdict.contract,
        contract_version=verdict.contract_version,
        outcome=verdict.outcome,
        ref=verdict.ref,
        record_type=verdict.record_type,
        record_id=verdict.record_id,
        reasons=[f"{reason.clause}: {reason.text}" for reason in verdict.reasons],
        occurred_at=_text(verdict.occurred_at),
        decided_at=_text(verdict.decided_at),
        clauses=clauses,
        writes=writes,
        evidence=[
            f"{item.type} {item.id} version {item.version} sha256 {item.raw_sha256}" for item in verdict.evidence
        ],
    )


def _decide_again(
    database: duckdb.DuckDBPyConnection, contract: Contract, outcome: Outcome, record_id: str, inputs: Inputs
) -> tuple[Evaluation | None, list[str]]:
    """Interpret the predicate for one record; gives None when the record is gone, and the ids the verdict rests on."""
    database.register("asked", pa.table({"id": pa.array([record_id], pa.string())}))
    query = f"SELECT relation, type, id, data FROM ({compile_evidence(outcome.predicate, 'asked')})"
    base: dict[str, Any] | None = None
    related: dict[str, list[dict[str, Any]]] = defaultdict(list)
    objects = [record_id]
    for relation, kind, target_id, data in database.execute(query).fetchall():
        if relation == "":
            base = read_row(kind, data)
        else:
            related[relation].append(read_row(kind, data))
            objects.append(target_id)
    if base is None:
        return None, objects
    return interpret(outcome.predicate, base, related, inputs, zone(contract.timezone)), objects


def _clause(told: Any) -> ClauseTrace:
    return ClauseTrace(
        clause=told.clause,
        state=told.state.word,
        test=told.text,
        because=told.because,
        reads=dict(told.reads),
        would_hold_if=told.flip.removeprefix("would hold if "),
        until=_text(told.until),
        decides=told.decides,
    )


def _writes(database: duckdb.DuckDBPyConnection, objects: list[str]) -> list[Write]:
    database.register("written", pa.table({"id": pa.array(sorted(set(objects)), pa.string())}))
    rows = database.execute(
        'SELECT "at", object_type, object_id, event, field, "old", "new", '
        "coalesce(actor_id, app_id, request_id, 'automation') FROM change "
        'WHERE object_id IN (SELECT id FROM written) ORDER BY "at", id LIMIT ?',
        [_MOST_WRITES],
    ).fetchall()
    return [Write(format_instant(at), *rest) for at, *rest in rows]


def _text(at: int | None) -> str | None:
    return None if at is None else format_instant(at)
