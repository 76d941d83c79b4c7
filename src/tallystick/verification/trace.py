"""A decision trace: one verdict retold clause by clause by the reference interpreter, with who wrote what and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from operator import itemgetter
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from tallystick.contracts import Contract, Outcome, calendar_of
from tallystick.outcomes import Evaluation, Inputs, State, compile_evidence, explain, interpret, read_row, tree
from tallystick.outcomes.derived import spans
from tallystick.period import format_instant, zone
from tallystick.records.types import LookedUp
from tallystick.verification.standing import DisputeTrace, FinalityTrace, Standing
from tallystick.verification.verdict import Verdict

__all__ = ["ClauseTrace", "Moment", "Trace", "Write", "trace"]

_BY_EVIDENCE = {"meets": "verified", "rejected": "rejected", "pending": "pending", "unverifiable": "unverifiable"}
_MOST_WRITES = 50
_MOST_MOMENTS = 200


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

    `by` is the actor, application or request the system names; `automation` where it says that nobody called. Ids of a
    second source have its name before them.
    """

    at: str
    object_type: str
    object_id: str
    event: str
    field: str | None
    old: str | None
    new: str | None
    by: str


class Moment(msgspec.Struct, frozen=True):
    """One moment of a record's story: when, who, what, and the clauses that it made false.

    `who` is empty for the end of a window. An act is told apart from others by its instant alone, so acts of one second
    share their blame; clauses that count or compare amounts blame no act.
    """

    at: str
    who: str
    what: str
    clauses: list[str]


class Trace(msgspec.Struct, frozen=True):
    """A verdict and everything it rests on; `story` tells, moment by moment, what happened to the record."""

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
    story: list[Moment] = []
    finality: FinalityTrace | None = None
    kept: str | None = None
    disputes: list[DisputeTrace] = []


def trace(
    database: duckdb.DuckDBPyConnection,
    contract: Contract,
    outcome: Outcome,
    verdict: Verdict,
    inputs: Inputs,
    *,
    standing: Standing | None = None,
) -> Trace:
    """Retell a verdict from the evidence it rests on.

    The reference interpreter decides it again, independently of the query that decided it the first time.

    Args:
        database: The evidence, as `records.scan.connect` gives it.
        contract: The version the verdict was given under.
        outcome: Its outcome.
        verdict: The verdict.
        inputs: Since when and up to when the streams were read.
        standing: When it was recorded, the disputes of the contract, and the instant at which it is retold; without it
            the trace has no dates of finality.
    """
    clauses: list[ClauseTrace] = []
    writes: list[Write] = []
    story: list[Moment] = []
    evaluation: Evaluation | None = None
    if verdict.record_id is not None:
        evaluation, objects = _decide_again(database, contract, outcome, verdict.record_id, inputs)
        if evaluation is not None:
            clauses = [_clause(told) for told in explain(outcome.predicate, evaluation)]
            story = _story(database, contract, outcome, verdict.record_id, evaluation)
        writes = _writes(database, outcome, objects)
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
        story=story,
        finality=None if standing is None else standing.finality(contract, verdict),
        kept=None
        if evaluation is None or standing is None
        else _kept(contract, outcome, verdict, evaluation, standing.now),
        disputes=[] if standing is None else standing.disputes_on(verdict),
    )


def _kept(contract: Contract, outcome: Outcome, verdict: Verdict, evaluation: Evaluation, now: int) -> str | None:
    """Say why a verdict stands although today's evidence says otherwise; None where it does not, or not for good."""
    found = _BY_EVIDENCE[evaluation.status]
    settled = bool(verdict.reasons) and verdict.reasons[0].clause == "dispute"
    if found == ("rejected" if verdict.status == "reversed" else verdict.status):
        return None
    if not settled and (
        verdict.locks_at is None or now < verdict.locks_at or verdict.status in {"pending", "rejected"}
    ):
        return None
    over = settled or now >= calendar_of(contract, verdict.locks_at or now).clawback_until
    if not over and found not in {"pending", "unverifiable"}:
        return None
    clause = "" if evaluation.clause is None else f" by {outcome.predicate.clauses[evaluation.clause].name}"
    why = "the parties settled it" if settled else "it is locked"
    return f"by today's evidence it would be {found}{clause}; it stays {verdict.status}, because {why}"


def _decide_again(
    database: duckdb.DuckDBPyConnection, contract: Contract, outcome: Outcome, record_id: str, inputs: Inputs
) -> tuple[Evaluation | None, set[tuple[str, str]]]:
    """Interpret the predicate for one record; None when it is gone; and what it rests on, by source and id."""
    database.register("asked", pa.table({"id": pa.array([record_id], pa.string())}))
    query = f"SELECT relation, source, type, id, data FROM ({compile_evidence(outcome.predicate, 'asked')})"
    base: dict[str, Any] | None = None
    related: dict[str, list[dict[str, Any]]] = defaultdict(list)
    objects = {(outcome.source, record_id)}
    for relation, source, kind, target_id, data in database.execute(query).fetchall():
        if relation == "":
            base = read_row(kind, data)
        else:
            related[relation].append(read_row(kind, data))
            objects.add((source, target_id))
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


def _story(
    database: duckdb.DuckDBPyConnection, contract: Contract, outcome: Outcome, record_id: str, evaluation: Evaluation
) -> list[Moment]:
    """Tell the acts on a record in their order, with the ends of windows between them."""
    kind = outcome.predicate.record_type
    if kind.story is None:
        return []
    blamed = _blamed(outcome, evaluation)
    relation = kind.relation[kind.story]
    vendor = {*contract.vendor.identities.get(outcome.source, ()), *outcome.vendors}
    culprits = ", ".join(map(str, blamed)) or "NULL"
    rows = database.execute(
        'SELECT e."at", e.id, e.kind, e.actor_id, e."by", e.public, e.previous, '
        "coalesce(e.value, g.value, e.assignee_id, e.group_id, e.other_ticket_id, CAST(e.score AS VARCHAR)) AS value, "
        f"nullif(e.says, 'other'), n.value AS name, r.value AS role FROM {relation.target} e "
        f'LEFT JOIN {spans(_NAME)} n ON n.id = e.actor_id AND e."at" >= n.since AND e."at" < n.until '
        f'LEFT JOIN {spans(_ROLE)} r ON r.id = e.actor_id AND e."at" >= r.since AND e."at" < r.until '
        f'LEFT JOIN {spans(_NAME)} g ON g.id = e.assignee_id AND e."at" >= g.since AND e."at" < g.until '
        f'WHERE e.{relation.remote} = ? ORDER BY coalesce(e."at" IN ({culprits}), false) DESC, e."at", e.id LIMIT ?',
        [record_id, _MOST_MOMENTS],
    ).fetchall()
    told = [(at, Moment(format_instant(at), _who(row, vendor), _what(row), blamed.get(at, []))) for at, *row in rows]
    ends = {name: at for name, at in evaluation.facts.items() if name.endswith("_end") and isinstance(at, int)}
    told = [(at, Moment(format_instant(at), "", name.replace("_", " "), [])) for name, at in ends.items()] + told
    return [moment for _, moment in sorted(told, key=itemgetter(0))]


def _blamed(outcome: Outcome, evaluation: Evaluation) -> dict[int, list[str]]:
    """Give the clauses that are false, by the instants their tests rest on; ends of windows make nothing false."""
    predicate = outcome.predicate
    ends = predicate.closure(clause.until for clause in predicate.clauses if clause.until is not None)
    blamed: dict[int, list[str]] = defaultdict(list)
    for clause, found in zip(predicate.clauses, evaluation.clauses, strict=True):
        for node in tree.walk(clause.test) if found.state is State.FALSE else ():
            if isinstance(node, tree.FactRef) and node.type == tree.INSTANT and node.name not in ends:
                at = evaluation.facts.get(node.name)
                if isinstance(at, int) and clause.name not in blamed[at]:
                    blamed[at].append(clause.name)
    return blamed


def _who(row: Sequence[Any], vendor: Collection[str]) -> str:
    _, _, actor, by, *_, name, role = row
    if by == "rule":
        return "a rule"
    if actor is None:
        return "the system"
    kind = "the vendor" if actor in vendor else role or "unknown"
    return f"{name or actor} ({kind})"


def _what(row: Sequence[Any]) -> str:
    _, kind, _, _, public, previous, value, says, *_ = row
    if kind == "message":
        kind = "message" if public is None else "public message" if public else "internal note"
        return f"{kind}: {says}" if says else kind
    change = f" {previous} -> {value}" if previous and value else f" {value}" if value else ""
    return f"{kind}{change}"


_NAME = LookedUp("actor_name", "text", "Name of the actor.", "actor", "actor_id", "name")
_ROLE = LookedUp("actor_role", "text", "Role of the actor.", "actor", "actor_id", "role")


def _writes(database: duckdb.DuckDBPyConnection, outcome: Outcome, objects: Collection[tuple[str, str]]) -> list[Write]:
    sources, ids = zip(*sorted(objects), strict=True)
    written = {"source": pa.array(sources, pa.string()), "object_id": pa.array(ids, pa.string())}
    database.register("written", pa.table(written))
    beside = "" if outcome.acceptance is None else " UNION ALL FROM acceptance_change"
    named = "CASE WHEN source <> $own THEN source || ':' ELSE '' END"
    rows = database.execute(
        f'SELECT "at", object_type, {named} || object_id, event, field, "old", "new", '
        f"{named} || coalesce(actor_id, app_id, request_id, 'automation') FROM (FROM change{beside}) "
        f'SEMI JOIN written USING (source, object_id) ORDER BY "at", source, id LIMIT {_MOST_WRITES}',
        {"own": outcome.source},
    ).fetchall()
    return [Write(format_instant(at), *rest) for at, *rest in rows]


def _text(at: int | None) -> str | None:
    return None if at is None else format_instant(at)
