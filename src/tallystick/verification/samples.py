"""Samples in the ledger: the list of a month is committed, lines are drawn from it, people answer, findings follow.

A `sample` entry holds the terms, the ledger whose verdicts make the list, and what was drawn from it. A
`sample_verdict` entry holds what one person says about one line; see `answers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, select

from tallystick.canonical import digest
from tallystick.contracts import Contract, lock_instant
from tallystick.database import schema
from tallystick.database.engine import transaction
from tallystick.errors import ConfigurationError, ContractError
from tallystick.ledger import Log, Signer
from tallystick.period import Period, format_instant, parse_period
from tallystick.verification.acts import append_acts, read_acts, refuse_the_past
from tallystick.verification.agreements import read_agreement
from tallystick.verification.drawn import ANSWER, SAMPLE, DrawnSample, Listed, ReadAt, SampleEntry, samples_of
from tallystick.verification.recorder import read_verdicts
from tallystick.verification.sampling import Finding, draw, seed_of
from tallystick.verification.verdict import Verdict

__all__ = ["draw_samples", "list_lines", "read_findings", "read_month", "read_samples"]


def draw_samples(
    engine: Engine,
    log: Log,
    signer: Signer,
    contract: Contract,
    month: str,
    *,
    outcomes: Sequence[str] = (),
    now: int,
) -> list[DrawnSample]:
    """Commit the list of a month and draw from it, all in one transaction.

    The terms are those in force when the month begins. Samples that were drawn before stay what they are.

    Args:
        engine: The project's database.
        log: The ledger.
        signer: Signs its checkpoint.
        contract: The version that is agreed now.
        month: Such as `2026-09`.
        outcomes: Names of the outcomes; without one, all that have terms for a sample and were not drawn yet.
        now: Instant of the draw, in microseconds UTC.

    Raises:
        ConfigurationError: The month is no month or not over; an outcome is not known, has no such terms or was drawn;
            a claim that may lock in the month is not decided; `now` lies before the newest entry of the ledger.
        ContractError: Nothing was decided under this version yet.
    """
    refuse_the_past(log, now)
    period = _month(contract, month)
    if now < period.end:
        raise ConfigurationError(
            f"the month {month} is not over before {format_instant(period.end)}",
            hint="A sample is drawn from a list to which no line is added any more.",
        )
    with transaction(engine) as connection:
        _check_used(connection, contract)
        terms = read_agreement(engine, log, contract).governing(period.start)
        before = {sample.entry.outcome for sample in read_month(engine, log, contract.name, month)}
        wanted = _wanted(terms, month, outcomes, before)
        verdicts = list(read_verdicts(engine, contract.name).values())
        size = log.size_in(connection)
        read_at = ReadAt(size, log.root(size).hex())
        drawn = []
        for outcome in wanted:
            _check_decided(connection, terms, outcome, period, verdicts)
            drawn.append(_sample(terms, outcome, period, verdicts, read_at=read_at, now=now))
        entries = [{"kind": SAMPLE, "key": entry.key, **_plain(entry)} for entry in drawn]
        indexes = append_acts(connection, log, contract.name, entries)
        log.checkpoint(connection, signer)
    return [DrawnSample(idx, entry) for idx, entry in zip(indexes, drawn, strict=True)]


def list_lines(verdicts: Iterable[Verdict], outcome: str, month: Period) -> list[str]:
    """Give the list a sample is drawn from: subjects of the verified claims that lock in the month, sorted.

    Texts are sorted by their code points, as their bytes in UTF-8 are.
    """
    return sorted(
        verdict.subject
        for verdict in verdicts
        if verdict.outcome == outcome
        and verdict.status == "verified"
        and not verdict.found
        and _locked_in(verdict, month)
    )


def read_samples(engine: Engine, log: Log, contract: str, upto: int | None = None) -> list[DrawnSample]:
    """Give the samples under a contract with the answers so far, in the order of the ledger.

    Args:
        engine: The project's database.
        log: The ledger.
        contract: Name of the contract.
        upto: Size of the ledger to read as of; all of it by default.

    Raises:
        Tampered: The index leads to an entry that is no such act.
    """
    samples = read_acts(engine, log, contract, SAMPLE, upto)
    answers = read_acts(engine, log, contract, ANSWER, upto)
    return samples_of([*samples, *answers])


def read_month(engine: Engine, log: Log, contract: str, month: str) -> list[DrawnSample]:
    """Give the samples of one month; see `read_samples`."""
    return [sample for sample in read_samples(engine, log, contract) if sample.entry.month == month]


def read_findings(engine: Engine, log: Log, contract: str, upto: int | None = None) -> dict[tuple[str, str], Finding]:
    """Give what the samples under a contract say, by outcome and month; what was not drawn is not there.

    Raises:
        Tampered: See `read_samples`.
    """
    return {
        (sample.entry.outcome, sample.entry.month): sample.finding
        for sample in read_samples(engine, log, contract, upto)
    }


def _locked_in(verdict: Verdict, month: Period) -> bool:
    return verdict.locks_at in month


def _month(contract: Contract, month: str) -> Period:
    period = parse_period(month, contract.timezone)
    if "Q" in month:
        raise ConfigurationError(f"{month} is not a month", hint="A sample is drawn month by month: 2026-09.")
    return period


def _check_used(connection: Connection, contract: Contract) -> None:
    table = schema.contract_version
    query = select(table.c.sha256).where(table.c.contract == contract.name, table.c.version == contract.version)
    known = connection.execute(query).scalar()
    if known != contract.sha256:
        what = "with another text" if known else "for nothing yet"
        raise ContractError(
            f"contract {contract.name} version {contract.version} was used {what}",
            hint=f"Run `tallystick verify {contract.name}` first.",
        )


def _wanted(terms: Contract, month: str, outcomes: Sequence[str], before: set[str]) -> list[str]:
    sampled = [name for name, outcome in terms.outcomes.items() if outcome.sample is not None]
    for name in outcomes:
        if name not in sampled:
            why = "has no sample in its terms" if name in terms.outcomes else "is not known"
            raise ConfigurationError(
                f"outcome {name!r} of {terms.name} version {terms.version} {why}",
                hint=f"Outcomes with a sample: {', '.join(sampled) or 'none'}.",
            )
    if not sampled:
        raise ConfigurationError(
            f"no outcome of {terms.name} version {terms.version}, which is in force in {month}, has a sample in its "
            "terms",
            hint="What is sampled, and what follows, is agreed before: `sample:` of an outcome.",
        )
    wanted = list(dict.fromkeys(outcomes)) or [name for name in sampled if name not in before]
    if again := sorted(before.intersection(wanted)) or ([] if wanted else sampled):
        raise ConfigurationError(
            f"the sample of {', '.join(again)} for {month} was drawn already, and is drawn once",
            hint=f"See `tallystick sample show {terms.name} {month}`.",
        )
    return wanted


def _check_decided(
    connection: Connection, contract: Contract, outcome: str, month: Period, verdicts: Iterable[Verdict]
) -> None:
    """Refuse while a claim may still join the list: one without a verdict, or pending past the windows it waits for."""
    head, claim = schema.verdict_head, schema.claim
    known = select(head.c.subject).where(head.c.contract == contract.name)
    query = select(claim.c.claim_id).where(
        claim.c.contract == contract.name, claim.c.outcome == outcome, ("claim:" + claim.c.claim_id).not_in(known)
    )
    waiting = [f"claim:{claim_id}" for claim_id in connection.execute(query).scalars()]
    waiting += [
        verdict.subject
        for verdict in verdicts
        if verdict.outcome == outcome and verdict.status == "pending" and not verdict.found
        if any(reason.until and lock_instant(contract, reason.until) < month.end for reason in verdict.reasons)
    ]
    if waiting:
        count = "1 claim" if len(waiting) == 1 else f"{len(waiting)} claims"
        raise ConfigurationError(
            f"{count} on {outcome} may still lock in {month.label} and have no final verdict, such as {min(waiting)}",
            hint="Run `tallystick sync`, then `tallystick verify`.",
        )


def _sample(
    contract: Contract, outcome: str, month: Period, verdicts: Iterable[Verdict], *, read_at: ReadAt, now: int
) -> SampleEntry:
    terms = contract.outcomes[outcome].sample
    if terms is None:
        raise ValueError(f"{outcome} has no sample in its terms")
    lines = list_lines(verdicts, outcome, month)
    seed = seed_of(read_at.root, contract.sha256, outcome, month.label)
    return SampleEntry(
        at=format_instant(now),
        contract=contract.name,
        contract_sha256=contract.sha256,
        outcome=outcome,
        month=month.label,
        terms=terms,
        ledger=read_at,
        population=Listed(len(lines), digest(lines)),
        drawn=tuple(draw(lines, terms.size, seed)),
    )


def _plain(entry: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(entry)
    return plain
