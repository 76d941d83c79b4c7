"""What the verbs of disputes do on an opened project, and how disputes are printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tallystick.cli.output import print_table, say
from tallystick.cli.reading import look_up
from tallystick.database import schema
from tallystick.errors import ConfigurationError
from tallystick.period import format_instant
from tallystick.verification.dispute_acts import DisputeBook, newest_verdict, read_disputes
from tallystick.verification.disputes import DISPUTE, Dispute, LiveLook, LiveRecord, Party, ResolvedAs, Resolver
from tallystick.verification.exhibits import ExhibitFolder, exhibit_of, read_exhibits
from tallystick.verification.verdict import Verdict

if TYPE_CHECKING:
    from tallystick.cli.project import Project
    from tallystick.records.model import Record
    from tallystick.verification.trace import Trace

__all__ = [
    "EVIDENCE",
    "answer_dispute",
    "dispute_fields",
    "exhibit_findings",
    "exhibit_paths",
    "find_dispute",
    "list_disputes",
    "open_dispute",
    "print_dispute",
    "print_disputes",
    "print_standing",
    "resolve_dispute",
]

EVIDENCE = "evidence"
"""Folder of the exhibits, in that of the project's data."""


def open_dispute(
    project: Project,
    claim_id: str,
    contract: str | None,
    *,
    by: Party,
    reason: str,
    text: str,
    evidence: Sequence[Path],
    live: bool,
    now: int,
) -> Dispute:
    """Open a dispute, after looking the record up in its source if that is wanted.

    Raises:
        ConfigurationError: See `DisputeBook.open`.
        InputError: A file cannot be handed in.
        ConnectorError: The source could not be asked; nothing was opened.
    """
    book = _book(project, contract or _contract_of(project, claim_id))
    newest = book.check_open(claim_id, by=by, reason=reason, text=text, now=now)
    handed_in = read_exhibits(evidence)
    looked, raw = _look_up(project, newest.verdict) if live else (None, [])
    _folder(project).keep([*(data for _, data in handed_in), *raw])
    return book.open(
        project.signer,
        claim_id,
        by=by,
        reason=reason,
        text=text,
        now=now,
        evidence=[exhibit for exhibit, _ in handed_in],
        lookup=looked,
    )


def answer_dispute(
    project: Project, dispute_id: str, *, by: Party, text: str, evidence: Sequence[Path], now: int
) -> Dispute:
    """Record the other side's answer.

    Raises:
        ConfigurationError: See `DisputeBook.answer`.
        InputError: A file cannot be handed in.
    """
    book = _book(project, find_dispute(project, dispute_id).contract)
    handed_in = read_exhibits(evidence)
    _folder(project).keep(data for _, data in handed_in)
    exhibits = [exhibit for exhibit, _ in handed_in]
    return book.answer(project.signer, dispute_id, by=by, text=text, now=now, evidence=exhibits)


def resolve_dispute(
    project: Project,
    dispute_id: str,
    *,
    outcome: ResolvedAs,
    by: Resolver,
    text: str,
    quantity: str | None,
    currency: str | None,
    now: int,
) -> Dispute:
    """Record how a dispute ended.

    Raises:
        ConfigurationError: See `DisputeBook.resolve`.
    """
    return _book(project, find_dispute(project, dispute_id).contract).resolve(
        project.signer,
        dispute_id,
        outcome=outcome,
        by=by,
        text=text,
        now=now,
        quantity=quantity,
        currency=currency,
    )


def list_disputes(project: Project, contract: str | None) -> list[Dispute]:
    """Give the disputes under one contract, or under all of the project, each oldest first."""
    names = [project.contract(contract).name] if contract else list(project.contracts)
    return [dispute for name in names for dispute in read_disputes(project.engine, project.log, name)]


def find_dispute(project: Project, dispute_id: str) -> Dispute:
    """Give one dispute of the project.

    Raises:
        ConfigurationError: There is none of that id; the newest are named.
    """
    disputes = list_disputes(project, None)
    for dispute in disputes:
        if dispute.id == dispute_id:
            return dispute
    newest = ", ".join(dispute.id for dispute in disputes[-5:]) or "none"
    raise ConfigurationError(f"this project has no dispute {dispute_id!r}; the newest are: {newest}")


def exhibit_findings(project: Project) -> list[str]:
    """Say which exhibits of disputes are gone or altered; empty is good."""
    return _folder(project).findings(_exhibits(project))


def exhibit_paths(project: Project) -> dict[str, Path]:
    """Give where each exhibit lies that the ledger names, by its hash."""
    return {sha256: _folder(project).path / sha256 for _, sha256 in _exhibits(project)}


def _exhibits(project: Project) -> list[tuple[str, str]]:
    """Give the exhibits that the ledger names, each with its dispute, under whatever contract."""
    acts = schema.ledger_act.c
    query = select(acts.contract).where(acts.kind == DISPUTE).distinct().order_by(acts.contract)
    with project.engine.connect() as connection:
        names = connection.execute(query).scalars().all()
    disputes = [dispute for name in names for dispute in read_disputes(project.engine, project.log, name)]
    return [(dispute.id, sha256) for dispute in disputes for sha256 in dispute.exhibits()]


def dispute_fields(dispute: Dispute, now: int) -> dict[str, Any]:
    """Give a dispute as the object that `--json` prints."""
    answer, resolution = dispute.answer, dispute.resolution
    return {
        "id": dispute.id,
        "contract": dispute.contract,
        "claim_id": dispute.claim_id,
        "state": dispute.state(now),
        "by": dispute.by,
        "reason": dispute.reason,
        "text": dispute.text,
        "opened_at": format_instant(dispute.opened_at),
        "dispute_until": format_instant(dispute.dispute_until),
        "answer_until": format_instant(dispute.answer_until),
        "settle_until": format_instant(dispute.settle_until),
        "verdict": {"entry": dispute.verdict_entry, "status": dispute.verdict_status},
        "entry": dispute.entry,
        "evidence": list(dispute.evidence),
        "lookup": dispute.lookup,
        "answer": None
        if answer is None
        else {
            "by": answer.by,
            "at": format_instant(answer.at),
            "late": answer.late,
            "text": answer.text,
            "evidence": list(answer.evidence),
        },
        "resolution": None
        if resolution is None
        else {
            "outcome": resolution.outcome,
            "by": resolution.by,
            "at": format_instant(resolution.at),
            "text": resolution.text,
            "quantity": resolution.quantity,
            "currency": resolution.currency,
        },
    }


def print_disputes(disputes: Sequence[Dispute], now: int) -> None:
    """Print a row for each dispute, with the next deadline of those that are not settled."""
    rows = [
        (
            dispute.id,
            dispute.claim_id,
            dispute.by,
            dispute.reason,
            dispute.state(now),
            _next(dispute, now),
        )
        for dispute in disputes
    ]
    print_table("", ["Dispute", "Claim", "By", "Reason", "Is", "Next"], rows)


def print_dispute(dispute: Dispute, now: int) -> None:
    """Print one dispute: what each side says and handed in, and what is due."""
    say(f"{dispute.id}: {dispute.state(now)}, on the claim {dispute.claim_id} under {dispute.contract}")
    say(f"  {format_instant(dispute.opened_at)}  the {dispute.by}, {dispute.reason}: {dispute.text}")
    _print_exhibits([(item.name, item.sha256) for item in dispute.evidence])
    if dispute.lookup is not None:
        say(f"    as {dispute.lookup.source} showed {dispute.lookup.ref} then:")
        live = dispute.lookup.records
        _print_exhibits([(f"{item.type} {item.id}{_marks(item)}", item.sha256) for item in live])
    if dispute.answer is not None:
        late = ", late" if dispute.answer.late else ""
        say(f"  {format_instant(dispute.answer.at)}  the {dispute.answer.by} answers{late}: {dispute.answer.text}")
        _print_exhibits([(item.name, item.sha256) for item in dispute.answer.evidence])
    if dispute.resolution is not None:
        ended = dispute.resolution
        paid = "" if ended.quantity is None else f" with {ended.quantity} {ended.currency or ''}".rstrip()
        say(f"  {format_instant(ended.at)}  {ended.outcome} by {ended.by}{paid}: {ended.text}")
    if dispute.unsettled(now):
        say(f"  next: {_next(dispute, now)}")


def _next(dispute: Dispute, now: int) -> str:
    state = dispute.state(now)
    if state == "open":
        overdue = ", overdue" if now >= dispute.answer_until else ""
        return f"the {dispute.other} answers by {format_instant(dispute.answer_until)}{overdue}"
    if state == "answered":
        return f"both settle it by {format_instant(dispute.settle_until)}"
    return "a person on each side settles it" if state == "escalated" else ""


def _print_exhibits(items: Sequence[tuple[str, str]]) -> None:
    for name, sha256 in items:
        say(f"    {name}  sha256 {sha256}")


def _marks(record: LiveRecord) -> str:
    return (" (deleted)" if record.deleted else "") + (", as the verdict cites it" if record.cited else "")


def _look_up(project: Project, verdict: Verdict) -> tuple[LiveLook, list[bytes]]:
    """Ask the source for what a claim means, with its history; the raw bytes are what is kept."""
    contract = project.contract(verdict.contract)
    if verdict.outcome not in contract.outcomes:
        raise ConfigurationError(
            f"{contract.name} version {contract.version} has no outcome {verdict.outcome}, so that no source is known",
            hint="Add --no-lookup.",
        )
    source = contract.outcomes[verdict.outcome].source
    ref, records = look_up(project, source, verdict.record_type, verdict.record_id or verdict.ref)
    cited = {item.raw_sha256 for item in verdict.evidence}
    return LiveLook(source, ref, tuple(_live(record, cited) for record in records)), [item.raw for item in records]


def _live(record: Record, cited: set[str]) -> LiveRecord:
    raw = exhibit_of(record.id, bytes(record.raw))
    at = format_instant(record.as_of)
    known = raw.sha256 in cited
    return LiveRecord(record.type, record.id, at, record.deleted, raw.sha256, raw.size, known)


def _book(project: Project, contract: str) -> DisputeBook:
    return DisputeBook(project.engine, project.log, project.contract(contract))


def _folder(project: Project) -> ExhibitFolder:
    return ExhibitFolder(project.folder / EVIDENCE)


def _contract_of(project: Project, claim_id: str) -> str:
    """Give the one contract that has a verdict on a claim."""
    found = [name for name in project.contracts if newest_verdict(project.engine, name, f"claim:{claim_id}")]
    if len(found) != 1:
        known = f"contracts with such a claim: {', '.join(found)}" if found else "no contract has a verdict on it"
        raise ConfigurationError(f"which claim {claim_id!r} is meant? {known}", hint="Name the contract: --contract.")
    return found[0]


def print_standing(told: Trace) -> None:
    """Print how far an explained verdict has come to be final, and what is in dispute about it."""
    if told.kept:
        say(f"  {told.kept}")
    if told.finality is not None:
        dates = told.finality
        named = {
            "observed": dates.observed_at,
            "decided": dates.decided_at,
            "locks": dates.locks_at,
            "disputable until": dates.disputable_until,
            "clawback until": dates.clawback_until,
            "closes": dates.closes_at,
        }
        say(f"  now {dates.stage}: " + ", ".join(f"{name} {at}" for name, at in named.items() if at))
        say(f"  {dates.on_silence}")
    for dispute in told.disputes:
        ends = f", until {dispute.until}" if dispute.until else f" as {dispute.outcome}" if dispute.outcome else ""
        say(f"  {dispute.id}: {dispute.state}{ends}; the {dispute.by}, {dispute.reason}: {dispute.text}")
