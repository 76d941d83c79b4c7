"""Recomputing a bundle: from the evidence to the last cent, without a network, a database or credentials.

Every record in the bundle is decided again by the reference interpreter, every claim by the same rules, every line by
the same prices. What comes out is compared with what the ledger in the bundle recorded and what its statement says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import Any

import msgspec

from tallystick.canonical import canonical
from tallystick.collector import no_collections
from tallystick.contracts import Agreement
from tallystick.errors import Error, LedgerError, StorageError, Tampered
from tallystick.ledger.checkpoint import Checkpoint
from tallystick.ledger.keychain import KeyChain
from tallystick.period import format_instant
from tallystick.statements.apart import Apart, decided_apart
from tallystick.statements.archive import Archive
from tallystick.statements.bundle_format import EVIDENCE, INPUTS
from tallystick.statements.bundle_reader import BundleReader
from tallystick.statements.conduct import breaches, undone
from tallystick.statements.evidence import Mismatch
from tallystick.statements.exhibit import Exhibit
from tallystick.statements.repriced import Repriced, Repricing, as_text
from tallystick.verification.claim import Claim
from tallystick.verification.facts import Row
from tallystick.verification.finality import is_kept
from tallystick.verification.rules import Rules, decide_each, recorded_quantity
from tallystick.verification.units import Held
from tallystick.verification.verdict import Verdict

__all__ = ["Recomputation", "Step", "recompute"]

_MOST = 50
# Bytes of evidence, of some tens of thousands of records, that are worth another process: to start one takes a second.
_LARGE = 16 << 20
_KEEP = "Keep the bundle: what it holds does not belong together."


class Step(msgspec.Struct, frozen=True):
    """One step of the recomputation, and what it came to."""

    name: str
    text: str


@dataclass
class Recomputation:
    """What came out: `differences` is empty if both sides agree.

    `totals` are those recomputed, as text. `roots` are the roots of the ledger by size, proven by the bundle.
    """

    contract: str
    period: str
    checkpoint: Checkpoint
    keys: KeyChain
    note: str
    roots: Mapping[int, bytes]
    agreement: Agreement
    now: int
    steps: list[Step] = field(default_factory=list)
    differences: list[Mismatch] = field(default_factory=list)
    more: int = 0
    totals: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)

    def differ(self, found: Iterable[Mismatch]) -> int:
        """Note differences, and give how many they were; the first 50 are kept."""
        count = 0
        for one in found:
            count += 1
            if len(self.differences) < _MOST:
                self.differences.append(one)
            else:
                self.more += 1
        return count

    def step(self, name: str, text: str) -> None:
        """Note a step."""
        self.steps.append(Step(name, text))


def recompute(archive: Archive, *, processes: int = 1) -> Recomputation:
    """Recompute a bundle.

    Args:
        archive: The open archive, verified. Whose its signatures are is not asked here.
        processes: With two or more, the evidence of a large bundle is decided by a second process; what comes out is
            the same. It is started anew (`spawn`), so that a script needs `if __name__ == "__main__"`.

    Raises:
        Tampered: What the bundle holds does not belong together; names member, line, entry or field.
        Inconsistent: Its checkpoints contradict each other.
        StorageError: The second process ended by itself.
    """
    large = sum(member.size for member in archive.members if member.name == EVIDENCE) > _LARGE
    with no_collections(), decided_apart(archive) if processes > 1 and large else nullcontext() as apart:
        try:
            return _Recompute(archive, apart).run()
        except (LedgerError, StorageError):
            raise
        except (Error, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
            message = error.message if isinstance(error, Error) else f"{type(error).__name__}: {error}"
            raise Tampered(f"what the bundle holds cannot be decided: {message}", hint=_KEEP) from error


class _Recompute:
    def __init__(self, archive: Archive, apart: Apart | None = None) -> None:
        self._archive = archive
        self.bundle = bundle = BundleReader(archive, apart)
        self.inputs, self.ledger = bundle.inputs, bundle.ledger
        self.agreement = bundle.ledger.agreement(bundle.inputs.ledger_size)
        self.heads = bundle.ledger.heads(bundle.inputs.ledger_size)
        self.done = Recomputation(
            bundle.inputs.contract,
            bundle.inputs.period,
            bundle.checkpoint,
            bundle.keys,
            bundle.note,
            bundle.roots,
            self.agreement,
            now=bundle.inputs.now,
        )

    def run(self) -> Recomputation:
        checkpoint, ledger, done = self.bundle.checkpoint, self.ledger, self.done
        done.step(
            "ledger",
            f"{ledger.count} of {checkpoint.size} entries are shown; with hashes of the others they give the signed "
            f"root {checkpoint.root.hex()[:16]}...",
        )
        versions = ", ".join(f"version {version.version} {version.sha256[:12]}" for version in self.agreement.versions)
        done.step("contract", f"{self.agreement.name} is built from its recorded text: {versions}")
        self._conduct()
        repricing = Repricing(self._archive, self.bundle, self.agreement, self.heads)
        # Prices rest on the ledger alone, so they are computed while another process decides the evidence.
        priced = repricing.at_sight()
        self._decide()
        self._statement(priced or repricing.in_full())
        return done

    def _conduct(self) -> None:
        """Hold the entries against what their keeper may write, and tell what rests on his word that it was agreed."""
        wrong = self.done.differ(self._out_of_time())
        wrong += self.done.differ(breaches(self.ledger, self.bundle.roots))
        text = f"{wrong} things are not what may be written" if wrong else "each may be written after those before it"
        now = format_instant(self.inputs.now)
        self.done.step("conduct", f"{self.ledger.count} entries, decided as of {now}: {text}")
        if (ended := self.agreement.termination) is not None:
            told = f"the ledger says that the {ended.by} gave notice at {format_instant(ended.given_at)}"
            self.done.step("end", f"{told}: the first day after the contract is {ended.on.isoformat()}")
        if settled := self.ledger.settled(self.inputs.ledger_size):
            shown = ", ".join(
                f"{subject} as {one.status} in {one.dispute}" for subject, one in islice(settled.items(), 5)
            )
            more = f" and {len(settled) - 5} more" if len(settled) > 5 else ""
            told = f"{len(settled)} claims are settled, as the ledger says; compare with what you agreed to"
            self.done.step("settled", f"{told}: {shown}{more}")

    def _out_of_time(self) -> Iterator[Mismatch]:
        """Give what the inputs say that cannot be by the instant that is decided as of, or in the contract's zone."""
        now, place = self.inputs.now, self.agreement.newest.timezone
        newest = max(at for index, at in self.ledger.times.items() if index < self.inputs.ledger_size)
        if now < newest:
            yield Mismatch(INPUTS, "now", format_instant(now), f"no earlier than {format_instant(newest)}")
        for basis in self.inputs.decisions:
            for kind, at in basis.read_to.items():
                if at is not None and at > now:
                    said, found = format_instant(at), f"no later than {format_instant(now)}"
                    yield Mismatch(INPUTS, f"{basis.outcome}: read_to of {kind}", said, found)
        if self.inputs.timezone != place:
            yield Mismatch(INPUTS, "timezone", self.inputs.timezone, place)

    def _decide(self) -> None:
        """Decide everything again; what that rests on is gone when prices are computed."""
        claims, order = self.bundle.claims()
        told = f"{len(claims)} claims are those of {len(self.ledger.imports)} recorded imports, none more"
        self.done.step("claims", told)
        exhibits = self.bundle.exhibits(self.agreement)
        self._evidence()
        outcomes = self._outcomes(exhibits, order)
        if self.inputs.private:
            self._opened_verdicts(outcomes)
        else:
            self._verdicts(outcomes, claims)

    def _evidence(self) -> None:
        counts, differ = self.bundle.counts, self.done.differ(self.bundle.mismatches)
        self.done.counts |= counts
        shown = (
            f"{counts['opened']} of {counts['records']} are opened and"
            if self.inputs.private
            else (f"{counts['records']} records are")
        )
        told = f"{differ} places differ" if differ else "every clause is as the bundle says"
        self.done.step("evidence", f"{shown} decided again from {counts['rows']} rows: {told}")

    def _outcomes(self, exhibits: Sequence[Exhibit], order: Mapping[str, int]) -> list[Rules]:
        rivals = self.bundle.rivals()
        settled = self.ledger.settled(self.inputs.ledger_size)
        held: Held = {}
        return [
            Rules(
                exhibit,
                version,
                outcome,
                exhibit.inputs,
                before=self.heads.before,
                meant_before=self.heads.record_of,
                rivals=rivals,
                order=order,
                held=held,
                now=self.inputs.now,
                span=self.agreement.span(version),
                settled=settled,
            )
            for exhibit, (version, outcome) in zip(
                exhibits,
                ((version, outcome) for version in self.agreement.versions for outcome in version.outcomes.values()),
                strict=True,
            )
        ]

    def _verdicts(self, outcomes: Sequence[Rules], claims: Sequence[Claim]) -> None:
        """Decide every claim again, and hold the verdicts against those of the ledger."""
        heads, recorded = self.heads, self.ledger.verdicts
        moved = self.done.differ(
            Mismatch(f"ledger entry {index}", "locks_at", _when(said), _when(follows))
            for index, said, follows in self.ledger.moved_locks()
        )
        places = dict(heads.indexes)
        wrong = count = 0
        for verdict in decide_each(outcomes, claims):
            count += 1
            index = places.pop(verdict.subject, None)
            if index is None:
                wrong += self.done.differ([Mismatch("ledger", verdict.subject, "no verdict", verdict.status)])
            elif heads.before[verdict.subject] is not verdict and not recorded.holds(index, verdict):
                wrong += self.done.differ(_fields(index, recorded[index], verdict))
        for subject, index in sorted(places.items(), key=itemgetter(1)):
            # What was found once and is neither claimed nor met any more stays closed; nothing else stands alone.
            said = recorded[index].status
            wrong += self.done.differ([Mismatch(f"ledger entry {index}", subject, said, "no verdict")])
        undecided = {subject for rules in outcomes for subject in rules.undecided}
        wrong += self.done.differ(undone(self.ledger, heads, undecided))
        kept = sorted(subject for rules in outcomes for subject in rules.kept)
        self.done.counts |= {"verdicts": count, "kept": len(kept)}
        text = f"{count} verdicts decided again: " + (f"{wrong + moved} differ" if wrong + moved else "the same")
        self.done.step("verdicts", text)
        self._tell_kept(kept)

    def _tell_kept(self, kept: Sequence[str]) -> None:
        if kept:
            indexes, recorded = self.heads.indexes, self.ledger.verdicts
            entries = [(subject, indexes[subject]) for subject in islice(kept, 5)]
            told = ", ".join(f"{subject} (entry {index} of {recorded.written(index)})" for subject, index in entries)
            more = f" and {len(kept) - 5} more" if len(kept) > 5 else ""
            self.done.step("kept", f"{len(kept)} kept since their lock, although the evidence changed: {told}{more}")

    def _opened_verdicts(self, outcomes: Sequence[Rules]) -> None:
        """Hold the verdicts on opened records against them, record by record; the others are taken as recorded."""
        again, count = 0, len(self.heads.indexes)
        kept: list[str] = []
        for index, head in self.heads.items():
            for rules in outcomes:
                row = rules.facts.rows().get(head.record_id or "")
                if row is None or (rules.contract.sha256, rules.outcome.name) != (head.contract_sha256, head.outcome):
                    continue
                again += 1
                verdict = self.ledger.verdicts[index]
                wrong = list(_of_record(index, verdict, row, rules))
                unknown = row["status"] in {"pending", "unverifiable"}
                if wrong and is_kept(rules.contract, verdict, rules.now, unknown=unknown):
                    kept.append(head.subject)
                else:
                    self.done.differ(wrong)
        self.done.counts |= {"verdicts": again, "kept": len(kept), "taken": count - again}
        self.done.step(
            "verdicts", f"{again} verdicts decided again from what is opened; {count - again} taken as recorded"
        )
        self._tell_kept(sorted(kept))

    def _statement(self, found: Repriced) -> None:
        """Tell what the prices come to, and where they are not what the statement says."""
        self.done.totals = found.totals
        differ = self.done.differ(found.differences)
        text = f"{differ} places differ" if differ else f"{found.lines} lines priced again: the same bytes"
        self.done.step("statement", text)
        self.done.counts |= {"lines": found.lines}


def _fields(index: int, said: Verdict, found: Verdict) -> Iterator[Mismatch]:
    same = True
    for name in Verdict.__struct_fields__:
        one, other = getattr(said, name), getattr(found, name)
        if canonical(one) != canonical(other):
            yield Mismatch(f"ledger entry {index}", f"{said.subject}: {name}", as_text(one), as_text(other))
            same = False
    if same:
        yield Mismatch(f"ledger entry {index}", said.subject, "the same in other words", as_text(found.status))


def _of_record(index: int, verdict: Verdict, row: Row, rules: Rules) -> Iterator[Mismatch]:
    """Compare what a verdict says of its record with the record; duplicates and the like rest on other claims."""
    status = {"meets": "verified"}.get(row["status"], row["status"])
    clauses = {clause.name for clause in rules.outcome.predicate.clauses}
    reasons = {reason.clause for reason in verdict.reasons}
    if not reasons <= clauses or verdict.status == "reversed":
        return
    told = {"status": status, "occurred_at": row["occurred_at"], "evidence": rules.facts.cited()[row["id"]]}
    if status == "verified":
        told |= {"quantity": recorded_quantity(row["quantity"]), "decided_at": row["decided_at"]}
    for name, value in told.items():
        if canonical(getattr(verdict, name)) != canonical(value):
            yield Mismatch(
                f"ledger entry {index}", f"{verdict.subject}: {name}", as_text(getattr(verdict, name)), as_text(value)
            )


def _when(at: Any) -> str:
    return format_instant(at) if type(at) is int else "never"
