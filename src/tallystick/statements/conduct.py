"""What the keeper of a ledger may not write: the rules that its own commands keep to, held against its entries.

Whoever has the key of a ledger can sign any entry. What an entry claims is not proven by that, but whether it could
come about at all follows from the entries before it: when a version may take effect, how soon a contract ends, what
still changes after a lock, who settles a dispute alone, which lines a sample draws.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from tallystick.canonical import canonical
from tallystick.contracts import Agreement, Contract, calendar_of
from tallystick.errors import Error
from tallystick.period import Period, format_instant
from tallystick.statements.disclosed import Disclosed
from tallystick.statements.evidence import Mismatch
from tallystick.statements.issued import STATEMENT, issued_of
from tallystick.statements.recorded import Newest
from tallystick.verification.dispute_rules import check_open, check_resolve
from tallystick.verification.disputes import ANSWER, DISPUTE, RESOLUTION, Dispute, disputes_of, settlements_of
from tallystick.verification.entries import TERMINATION, termination_of
from tallystick.verification.sample_audit import SampleAudit
from tallystick.verification.verdict import Verdict

__all__ = ["breaches", "undone"]


def breaches(ledger: Disclosed, roots: Mapping[int, bytes]) -> Iterator[Mismatch]:
    """Give the entries about a contract that Tallystick would not have written after those before them.

    Args:
        ledger: The entries.
        roots: Roots of the ledger by size.
    """
    return _Conduct(ledger, roots).run()


def undone(ledger: Disclosed, heads: Newest, undecided: Collection[str]) -> Iterator[Mismatch]:
    """Give the verdicts that were locked, and were reversed then although nothing speaks against them.

    Args:
        ledger: The entries.
        heads: The newest verdict of each subject.
        undecided: Subjects that are reversed because something is unknown, which is no evidence against them.
    """
    if not undecided:
        return
    before: dict[str, int] = {}
    for index, subject in ledger.verdicts.subjects():
        if subject not in undecided:
            continue
        place, before[subject] = before.get(subject), index
        if place is None or heads.indexes.get(subject) != index:
            continue
        known = ledger.verdicts[place]
        if known.locks_at is not None and known.status == "verified" and ledger.times[index] >= known.locks_at:
            found = f"verified, as it locked at {format_instant(known.locks_at)} and nothing is known against it"
            yield _breach(index, subject, ledger.verdicts[index].status, found)


class _Conduct:
    def __init__(self, ledger: Disclosed, roots: Mapping[int, bytes]) -> None:
        self._ledger = ledger
        self._newest: dict[str, int] = {}
        self._by_sha256 = {contract.sha256: contract for contract in ledger.versions.values()}
        self._samples = SampleAudit(lambda size: roots.get(size, b""))
        self._disputed: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
        self._settled: set[str] = set()
        self._issued: list[Period] = []
        self._agreed: Agreement | None = None

    def run(self) -> Iterator[Mismatch]:
        before = 0
        verdicts = self._ledger.verdicts.subjects()
        following, subject = next(verdicts, (-1, ""))
        for index, at in self._ledger.times.items():
            if at < before:
                yield _breach(index, "at", format_instant(at), f"no earlier than {format_instant(before)}")
            before = max(at, before)
            if index in self._ledger.versions:
                yield from self._version(index, at)
            elif index in self._ledger.acts:
                yield from self._act(index, at)
            elif index == following:
                yield from self._verdict(index, subject, at)
                following, subject = next(verdicts, (-1, ""))

    def _version(self, index: int, at: int) -> Iterator[Mismatch]:
        contract = self._ledger.versions[index]
        self._agreed = None
        self._samples.see_contract(contract.sha256, contract.body)
        known = [other for place, other in self._ledger.versions.items() if place < index]
        if not known:
            return
        where = f"version {contract.version}"
        if contract.effective_at is not None and contract.effective_at <= at:
            said, found = format_instant(contract.effective_at), f"later than its entry, {format_instant(at)}"
            yield _breach(index, f"{where}: effective", said, found)
        if contract.version <= known[-1].version:
            yield _breach(index, where, str(contract.version), f"more than {known[-1].version}")
        if contract.timezone != known[-1].timezone:
            yield _breach(index, f"{where}: timezone", contract.timezone, known[-1].timezone)

    def _verdict(self, index: int, subject: str, at: int) -> Iterator[Mismatch]:
        """Hold a verdict against the one before it: once that is locked little moves it, and after a while nothing."""
        self._samples.see_verdict(index)
        place, self._newest[subject] = self._newest.get(subject), index
        if place is None or subject in self._settled:
            return
        before, verdict = self._ledger.verdicts[place], self._ledger.verdicts[index]
        contract = self._by_sha256.get(verdict.contract_sha256)
        if contract is None or before.locks_at is None:
            return
        if at < before.locks_at or before.status in {"pending", "rejected"}:
            return
        until = calendar_of(contract, before.locks_at).clawback_until
        if at >= until:
            found = f"{before.status}, as nothing moves it from {format_instant(until)} on"
            yield _breach(index, verdict.subject, f"{verdict.status} at {format_instant(at)}", found)
        elif verdict.status == "pending" and before.status in {"verified", "reversed"}:
            found = f"{before.status}, as it locked at {format_instant(before.locks_at)}"
            yield _breach(index, verdict.subject, verdict.status, found)

    def _act(self, index: int, at: int) -> Iterator[Mismatch]:
        act = self._ledger.acts[index]
        kind = str(act.get("kind"))
        try:
            if kind == TERMINATION:
                yield from self._termination(index, at)
            elif kind == STATEMENT:
                yield from self._statement(index, at)
            elif kind in {DISPUTE, ANSWER, RESOLUTION}:
                self._dispute(index, at, act)
            else:
                newest = (msgspec.to_builtins(self._ledger.verdicts[place]) for place in self._newest.values())
                for text in self._samples.see_act(index, kind, canonical(act), newest):
                    yield _breach(index, kind, "as it stands", text)
        except (Error, ValueError, TypeError, LookupError, ArithmeticError) as error:
            why = error.message if isinstance(error, Error) else str(error)
            yield _breach(index, kind, "as it stands", f"not allowed: {why}")

    def _statement(self, index: int, at: int) -> Iterator[Mismatch]:
        """Refuse a statement that bills twice, or before its period is over."""
        issued = issued_of(index, self._ledger.acts[index]).period
        if at < issued.end:
            yield _breach(
                index, issued.label, format_instant(at), f"issued no earlier than {format_instant(issued.end)}"
            )
        for known in self._issued:
            if known.start < issued.end and issued.start < known.end:
                yield _breach(index, issued.label, "issued", f"nothing, as {known.label} was issued")
        self._issued.append(issued)

    def _termination(self, index: int, at: int) -> Iterator[Mismatch]:
        ended = termination_of(self._ledger.acts[index])
        agreement, self._agreed = self._ledger.agreement(index), None
        if agreement.termination is not None:
            yield _breach(index, "key", ended.on.isoformat(), f"none: it was ended on {agreement.termination.on}")
        elif ended.on < (earliest := agreement.earliest_end(at)):
            yield _breach(index, "key", ended.on.isoformat(), f"no earlier than {earliest.isoformat()}, by its notice")

    def _dispute(self, index: int, at: int, act: Mapping[str, Any]) -> None:
        """Return when an act in a dispute is one that its party may do then."""
        if act["kind"] == DISPUTE:
            own = self._disputed.setdefault(f"claim:{act['claim_id']}", [])
        else:
            own = next(
                (acts for acts in self._disputed.values() if any(one["key"] == act["key"] for _, one in acts)), []
            )
            if not own:
                raise LookupError(f"there is no dispute {act['key']}")
        before = disputes_of(own)
        own.append((index, act))
        now = disputes_of(own)
        dispute = next(one for one in now if one.id == act["key"])
        place = self._newest[dispute.subject]
        verdict = self._ledger.verdicts[place]
        contract = self._governing(index, verdict)
        if act["kind"] == DISPUTE:
            recorded = self._ledger.times[place]
            check_open(contract, verdict, recorded, before, by=dispute.by, reason=dispute.reason, now=at)
        elif act["kind"] == RESOLUTION:
            self._settled |= settlements_of(now).keys()
            _check_resolution(contract, next(one for one in before if one.id == dispute.id), dispute, verdict)

    def _governing(self, index: int, verdict: Verdict) -> Contract:
        if self._agreed is None:
            self._agreed = self._ledger.agreement(index)
        return self._agreed.by_sha256.get(verdict.contract_sha256, self._agreed.newest)


def _check_resolution(contract: Contract, before: Dispute, after: Dispute, verdict: Verdict) -> None:
    done = after.resolution
    if done is not None:
        paid = (done.quantity, done.currency)
        check_resolve(contract, before, verdict, outcome=done.outcome, by=done.by, paid=paid, now=done.at)


def _breach(index: int, field: str, said: str, found: str) -> Mismatch:
    return Mismatch(f"ledger entry {index}", field, said, found)
