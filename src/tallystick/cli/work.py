"""What several verbs do: sync, verify, price, explain and check an opened project; and how they print it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy.exc import DBAPIError

from tallystick.cli.disputing import exhibit_findings, print_standing
from tallystick.cli.drafts import variants_of
from tallystick.cli.output import money_text, print_table, say
from tallystick.cli.project import Project
from tallystick.cli.reading import sync_one
from tallystick.errors import ConfigurationError
from tallystick.ledger import fsck
from tallystick.period import parse_period
from tallystick.statements import Statement
from tallystick.statements.issuing import StatementBook
from tallystick.verification.acts import refuse_the_past
from tallystick.verification.agreements import read_agreement
from tallystick.verification.corroboration import connect_outcome, inputs_for
from tallystick.verification.dispute_acts import newest_verdict, read_disputes
from tallystick.verification.recorder import read_verdicts, verify_contract
from tallystick.verification.standing import Standing
from tallystick.verification.trace import Trace, trace
from tallystick.verification.verdict import Verdict

__all__ = [
    "compare_presets",
    "explain_subject",
    "fsck_project",
    "issue_statement",
    "prepare_statement",
    "print_comparison",
    "print_differences",
    "print_explanation",
    "print_sync",
    "print_verify",
    "sync_sources",
    "verdict_heads",
    "verify_contracts",
]

_DECIDED = ("meets", "rejected", "pending", "unverifiable")


def sync_sources(project: Project, names: Sequence[str], now: int, *, watched: bool = True) -> list[dict[str, Any]]:
    """Read the named sources one after the other; an error of one does not keep the others from being read."""
    reports = []
    with _stop_on_signals() as stop:
        for name in names:
            if stop.is_set():
                reports.append(_unread(name))
            else:
                reports.append(sync_one(project, name, now, stop, watched=watched))
    return reports


def verify_contracts(project: Project, names: Sequence[str], now: int) -> list[dict[str, Any]]:
    """Decide the named contracts one after the other; those with claims under others again, until nothing changes.

    Whoever comes first in line for a record is paid, in whatever order the contracts are decided. What leaves for the
    project's sinks is written with the verdicts.
    """
    # An instant that no verdict may have is none from which a sink is told.
    refuse_the_past(project.log, now)
    outbox = project.outbox
    outbox.register(project.engine, now)
    found: dict[str, dict[str, Any]] = {}
    again = list(names)
    for _ in range(len(names) + 1):
        changed = 0
        for name in again:
            agreed = project.contract(name)
            report = verify_contract(
                project.engine, project.store, project.log, project.signer, agreed, now=now, outlet=outbox
            )
            changed += report.changed
            before = found.get(name, {}).get("changed", 0)
            found[name] = {**msgspec.to_builtins(report), "changed": before + report.changed}
        again = [name for name in again if found[name]["contested"]]
        if not changed or len(again) < 2:
            break
    return list(found.values())


def compare_presets(project: Project, names: Sequence[str], preset: str, now: int) -> list[dict[str, Any]]:
    """Set each outcome that comes from a template beside one of the template's presets, over the same records.

    Raises:
        ConfigurationError: No outcome of the contracts comes from a template with such a preset.
    """
    from tallystick.statements.comparison import compare

    compared = []
    for contract in map(project.contract, names):
        for variants in variants_of(project, contract).values():
            outcome = variants.outcome
            if preset in variants.template.presets:
                other = variants.as_preset(preset).predicate
                inputs = inputs_for(project.engine, outcome, now)
                with connect_outcome(project.store, outcome) as database:
                    compared.append(compare(database, contract, outcome, other, inputs, name=preset))
    if not compared:
        known = sorted({name for template in project.host.templates.values() for name in template.presets})
        raise ConfigurationError(
            f"no outcome of {', '.join(names) or 'any contract'} can be compared with {preset!r}",
            hint=f"Presets are: {', '.join(known)}; they are compared with outcomes that use their template.",
        )
    return [msgspec.to_builtins(comparison) for comparison in compared]


def prepare_statement(project: Project, contract: str, period: str, now: int) -> Statement:
    """Give the statement for a period: as it was issued, or as it would be from the newest verdicts in the ledger."""
    agreed = project.contract(contract)
    book = StatementBook(project.engine, project.log, agreed)
    return book.prepare(parse_period(period, agreed.timezone), now=now)


def issue_statement(project: Project, contract: str, period: str, now: int) -> Statement:
    """Issue the statement for a period."""
    agreed = project.contract(contract)
    book = StatementBook(project.engine, project.log, agreed)
    return book.issue(project.signer, parse_period(period, agreed.timezone), now=now)


def verdict_heads(project: Project, contract: str) -> dict[str, Verdict]:
    """Give the newest verdict of each subject; found subjects that were closed since are left out."""
    verdicts = read_verdicts(project.engine, contract).values()
    return {verdict.subject: verdict for verdict in verdicts if not verdict.found or verdict.status == "verified"}


def fsck_project(project: Project) -> dict[str, Any]:
    """Recompute the ledger, the claims and the evidence from bytes, and hold the outbox of the sinks against them."""
    from tallystick.records.audit import fsck as fsck_records
    from tallystick.sinks.audit import fsck_outbox
    from tallystick.verification.audit import fsck_decisions

    report = fsck(project.engine, project.log.origin, project.keychain)
    findings = [str(finding) for finding in report.findings]
    told = 0

    def outbox() -> list[str]:
        nonlocal told
        told, wrong = fsck_outbox(project.engine, project.log.origin)
        return wrong

    checks: tuple[Callable[[], Iterable[object]], ...] = (
        lambda: fsck_decisions(project.engine, project.log, project.store),
        lambda: fsck_records(project.store),
        lambda: exhibit_findings(project),
        outbox,
    )
    for check in checks:
        try:
            findings += map(str, check())
        except DBAPIError as error:
            findings.append(f"database: cannot be read: {error.orig}")
    return {
        "entries": report.entries,
        "root": report.root,
        "outbox": told,
        "fsck": "altered" if findings else "ok",
        "findings": findings,
    }


def explain_subject(project: Project, subject: str, contract: str | None, now: int) -> Trace:
    """Retell the newest verdict on a claim or a record.

    Raises:
        ConfigurationError: No contract has a verdict on it, or several do.
    """
    names = [contract] if contract else list(project.contracts)
    meant = {subject, *(whole_id(subject) for whole_id in project.whole_ids.values())}
    matches = [
        (project.contract(name), verdict)
        for name in names
        for verdict in verdict_heads(project, name).values()
        if meant & {verdict.subject, verdict.subject.partition(":")[2], verdict.record_id, verdict.ref}
    ]
    if not matches:
        raise ConfigurationError(
            f"there is no verdict on {subject!r}",
            hint="Name a claim id or a record id; run `tallystick verify` first if it is new.",
        )
    matches.sort(key=lambda match: match[1].subject != f"claim:{subject}")
    agreed, verdict = matches[0]
    agreement = read_agreement(project.engine, project.log, agreed)
    agreed = agreement.by_sha256.get(verdict.contract_sha256, agreement.newest)
    newest = newest_verdict(project.engine, agreed.name, verdict.subject)
    assert newest is not None  # noqa: S101 - it was among the newest verdicts
    standing = Standing(newest.at, read_disputes(project.engine, project.log, agreed.name), now)
    outcome = agreed.outcomes[verdict.outcome]
    with connect_outcome(project.store, outcome) as database:
        inputs = inputs_for(project.engine, outcome, now)
        return trace(database, agreed, outcome, verdict, inputs, standing=standing)


def print_sync(reports: Sequence[dict[str, Any]]) -> None:
    """Print what was read, a row per stream."""
    for report in reports:
        rows = [
            (stream["stream"], f"{stream['read']:,}", f"{stream['stored']:,}", stream["watermark"] or "never")
            for stream in report["streams"]
        ]
        title = f"{report['source']}: {report['stored']:,} new records in {report['calls']:,} calls"
        print_table(title, ["Stream", "Read", "New", "Complete up to"], rows, right=[1, 2])
        for error in report["errors"]:
            say(f"incomplete: {error}")


def print_verify(reports: Sequence[dict[str, Any]]) -> None:
    """Print the verdicts by status, and why claims were rejected."""
    for report in reports:
        counts = report["counts"]
        print_table(report["contract"], list(counts), [list(counts.values())], right=range(len(counts)))
        for clause, count in report["reasons"][:5]:
            say(f"  {count} rejected by {clause}")
        if report["claimed_twice"]:
            rows = [(twice["claim_id"], twice["status"], twice["text"]) for twice in report["claimed_twice"][:20]]
            print_table(f"Claimed twice: {len(report['claimed_twice'])}", ["Claim", "Is", "Because"], rows)
        say(f"{report['changed']} verdicts changed.")


def print_comparison(compared: Sequence[dict[str, Any]]) -> None:
    """Print what each definition gives, and which clauses make the difference."""
    for found in compared:
        rows = [
            (
                counted["definition"],
                f"{counted['units']:,}",
                money_text(counted["amounts"]),
                *(f"{counted['records'].get(status, 0):,}" for status in _DECIDED),
            )
            for counted in found["counted"]
        ]
        title = f"{found['outcome']} of {found['contract']}, at the contract's price, before floor and cap"
        print_table(title, ["Definition", "Units", "Money", *map(str.capitalize, _DECIDED)], rows, right=range(1, 7))
        print_differences(found["differences"])


def print_differences(differences: Sequence[Mapping[str, Any]]) -> None:
    """Print which clauses make the difference between two definitions."""
    rows = [(f"{row['records']:,}", row["paid_by"], row["other"], row["status"], row["clause"]) for row in differences]
    headers = ["Records", "Paid under", "Not under", "There it is", "By clause"]
    print_table("What makes the difference", headers, rows, right=[0])


def print_explanation(told: Trace) -> None:
    """Print a verdict clause by clause, then who wrote what."""
    say(f"{told.subject}: {told.status} under {told.contract} version {told.contract_version}")
    for reason in told.reasons:
        say(f"  {reason}")
    print_standing(told)
    if told.story:
        moments = [(moment.at, moment.who, moment.what, ", ".join(moment.clauses)) for moment in told.story]
        print_table("What happened", ["When", "Who", "What", "Makes false"], moments)
    rows = [
        (
            ">" if clause.decides else "",
            clause.clause,
            clause.state,
            clause.because
            if clause.state != "true"
            else ", ".join(f"{name} = {value}" for name, value in clause.reads.items()),
            clause.would_hold_if,
        )
        for clause in told.clauses
    ]
    if rows:
        print_table(f"{told.record_type} {told.record_id}", ["", "Clause", "Is", "Because", "Would hold if"], rows)
    if told.writes:
        say("Who wrote what:")
    for write in told.writes:
        change = f" {write.field}: {write.old} -> {write.new}" if write.field else ""
        say(f"  {write.at}  {write.object_id}  {write.event}{change}  by {write.by}")


def _unread(name: str) -> dict[str, Any]:
    """Give the report of a source that was not reached."""
    errors = ["not read: the run was stopped before"]
    return {"source": name, "stored": 0, "calls": 0, "seconds": 0.0, "streams": [], "errors": errors}


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """Turn Ctrl-C and SIGTERM into an orderly stop; a second one ends the process at once."""
    stop = threading.Event()
    before = {}

    def ask(number: int, _frame: Any) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
