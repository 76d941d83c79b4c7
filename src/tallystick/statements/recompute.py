"""Recomputing a bundle: from the evidence to the last cent, without a network, a database or credentials.

Every record in the bundle is decided again by the reference interpreter, every claim by the same rules, every line by
the same prices. What comes out is compared with what the ledger in the bundle recorded and what its statement says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

import msgspec

from tallystick.canonical import canonical, digest
from tallystick.contracts import Agreement
from tallystick.errors import ConfigurationError, ContractError, Error, LedgerError, Tampered
from tallystick.ledger.checkpoint import Checkpoint, open_checkpoint
from tallystick.ledger.keychain import KeyChain
from tallystick.ledger.pruned import PrunedTree, Shown, read_piece
from tallystick.outcomes import Inputs
from tallystick.period import format_instant, parse_instant, parse_period, zone
from tallystick.statements.archive import Archive
from tallystick.statements.bundle_format import (
    CHECKPOINT,
    CLAIMS,
    EVIDENCE,
    INPUTS,
    KEYS,
    LEDGER,
    MEMBERS,
    REFERENCES,
    RIVALS,
    STATEMENT_FILE,
    UNITS,
    BundleInputs,
    ClaimLine,
    Lines,
    RecordLine,
    ReferenceLine,
    RivalLine,
    RowBody,
    RowLine,
    UnitLine,
)
from tallystick.statements.commitments import check_opened
from tallystick.statements.disclosed import Disclosed
from tallystick.statements.exhibit import Exhibit, Mismatch
from tallystick.statements.notes import restate
from tallystick.statements.rating import rate
from tallystick.statements.statement import LedgerHead, Statement, statement_data
from tallystick.verification.claim import Claim
from tallystick.verification.facts import Candidates
from tallystick.verification.rules import Rules, decide_all
from tallystick.verification.units import Held, Holder
from tallystick.verification.verdict import Verdict

__all__ = ["Recomputation", "Step", "recompute"]

_MOST = 50
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


def recompute(archive: Archive) -> Recomputation:
    """Recompute a bundle.

    Args:
        archive: The open archive, verified. Whose its signatures are is not asked here.

    Raises:
        Tampered: What the bundle holds does not belong together; names member, line, entry or field.
        Inconsistent: Its checkpoints contradict each other.
    """
    try:
        return _Recompute(archive).run()
    except LedgerError:
        raise
    except (Error, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
        message = error.message if isinstance(error, Error) else f"{type(error).__name__}: {error}"
        raise Tampered(f"what the bundle holds cannot be decided: {message}", hint=_KEEP) from error


class _Recompute:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def run(self) -> Recomputation:
        listed = tuple(member.name for member in self._archive.members)
        if listed != MEMBERS:
            raise Tampered(f"a bundle has the members {', '.join(MEMBERS)}, this one: {', '.join(listed)}", hint=_KEEP)
        inputs = self._inputs()
        self.inputs = inputs
        keys = KeyChain.parse(self._archive.read(KEYS), KEYS)
        ledger, checkpoint, note, roots = self._ledger(keys)
        self.ledger = ledger
        agreement = ledger.agreement(inputs.ledger_size)
        self.done = Recomputation(
            inputs.contract, inputs.period, checkpoint, keys, note, roots, agreement, now=inputs.now
        )
        size = inputs.ledger_size
        self.done.step(
            "ledger",
            f"{ledger.count} of {checkpoint.size} entries are shown; with hashes of the others they give the signed "
            f"root {checkpoint.root.hex()[:16]}...",
        )
        versions = ", ".join(f"version {version.version} {version.sha256[:12]}" for version in agreement.versions)
        self.done.step("contract", f"{agreement.name} is built from its recorded text: {versions}")
        claims, order = self._claims()
        self.done.step("claims", f"{len(claims)} claims are those of {len(ledger.imports)} recorded imports, none more")
        heads = ledger.heads(size)
        exhibits, opened = self._exhibits(agreement)
        self._verdicts(agreement, exhibits, claims, order, heads, opened)
        self._statement(agreement, heads, roots)
        return self.done

    # --- what the bundle holds

    def _inputs(self) -> BundleInputs:
        try:
            inputs = msgspec.convert(self._archive.json(INPUTS), BundleInputs)
        except msgspec.ValidationError as error:
            raise Tampered(f"this version reads no such bundle: {error}", where=INPUTS, hint=_KEEP) from error
        if inputs.ledger_size < 0 or any(size < 0 for size in inputs.sizes):
            raise Tampered("a size of the ledger is negative", where=INPUTS, hint=_KEEP)
        return inputs

    def _ledger(self, keys: KeyChain) -> tuple[Disclosed, Checkpoint, str, dict[int, bytes]]:
        try:
            note = self._archive.read(CHECKPOINT).decode()
        except UnicodeDecodeError as error:
            raise Tampered("this is not UTF-8", where=CHECKPOINT, hint=_KEEP) from error
        checkpoint = open_checkpoint(note, keys, keys.origin)
        sizes = {self.inputs.ledger_size, *self.inputs.sizes}
        if max(sizes) > checkpoint.size:
            raise Tampered(f"the ledger was signed at {checkpoint.size} entries, and rests on more", where=CHECKPOINT)
        tree, found = PrunedTree(checkpoint.size, sizes), Disclosed(self.inputs.contract)
        for number, line in enumerate(self._archive.lines(LEDGER), 1):
            try:
                piece = read_piece(line, f"{LEDGER}:{number}")
                tree.add(piece)
                if isinstance(piece, Shown):
                    found.add(piece.index, piece.entry, piece.leaf)
            except Tampered as error:
                raise Tampered(error.message, hint=error.hint, where=error.where or f"{LEDGER}:{number}") from error
        roots = tree.roots()
        if roots[checkpoint.size] != checkpoint.root:
            raise Tampered(
                f"the entries and hashes give the root {roots[checkpoint.size].hex()}, signed was "
                f"{checkpoint.root.hex()}",
                hint="Every entry shown gives the hash beside it, so one of those hashes or a hidden part was changed.",
                where=LEDGER,
            )
        return found, checkpoint, note, roots

    def _claims(self) -> tuple[list[Claim], dict[str, int]]:
        """Give the claims and the entry each was taken in by, once they are those that the ledger recorded."""
        claims, order, ranks = [], {}, []
        taken: dict[int, list[tuple[str, str]]] = {index: [] for index in self.ledger.imports}
        for number, line in Lines(ClaimLine, CLAIMS).each(self._archive.lines(CLAIMS)):
            where = f"{CLAIMS}:{number}"
            claim = Claim(line.claim_id, line.outcome, line.ref, line.claimed_at, _amount(line, where), line.currency)
            if line.entry not in taken or line.claim_id in order:
                raise Tampered(f"claim {line.claim_id} stands here twice, or in no import", where=where, hint=_KEEP)
            taken[line.entry].append((claim.claim_id, claim.digest))
            claims.append(claim)
            order[claim.claim_id] = line.entry
            ranks.append((line.entry, claim.claimed_at is None, claim.claimed_at or 0, claim.claim_id))
            if len(ranks) > 1 and ranks[-1] < ranks[-2]:
                raise Tampered(f"claim {line.claim_id} stands before one that counts first", where=where, hint=_KEEP)
        for index, found in taken.items():
            entry = self.ledger.imports[index]
            if (entry.count, entry.claims_sha256) != (len(found), digest([held for _, held in sorted(found)])):
                raise Tampered(
                    f"the {len(found)} claims of ledger entry {index} are not the {entry.count} that it records: one "
                    "is missing, added or changed",
                    where=CLAIMS,
                    hint=_KEEP,
                )
        return claims, order

    def _exhibits(self, agreement: Agreement) -> tuple[list[Exhibit], set[tuple[int, str]]]:
        """Decide every record again; in a private bundle only those that are opened, which are told."""
        expected = [(version.version, name) for version in agreement.versions for name in version.outcomes]
        if expected != [(basis.version, basis.outcome) for basis in self.inputs.decisions]:
            raise Tampered("the outcomes are not those of the contract", where=INPUTS, hint=_KEEP)
        place = zone(agreement.newest.timezone)
        exhibits = [
            Exhibit(outcome.predicate, Inputs(basis.read_from, basis.read_to), place)
            for basis, outcome in zip(
                self.inputs.decisions,
                (outcome for version in agreement.versions for outcome in version.outcomes.values()),
                strict=True,
            )
        ]
        self._references(exhibits)
        opened = self._evidence(exhibits)
        return exhibits, opened

    def _references(self, exhibits: Sequence[Exhibit]) -> None:
        for number, line in Lines(ReferenceLine, REFERENCES).each(self._archive.lines(REFERENCES)):
            exhibit = _at(exhibits, line.decision, f"{REFERENCES}:{number}")
            exhibit.references[line.ref] = Candidates(line.exact, line.others)
            if line.deleted is not None:
                exhibit.tombstones[line.ref] = line.deleted
        for number, unit in Lines(UnitLine, UNITS).each(self._archive.lines(UNITS)):
            exhibit = _at(exhibits, unit.decision, f"{UNITS}:{number}")
            wanted = exhibit.predicate.unit
            if wanted is None or set(unit.facts) != set(wanted.facts):
                raise Tampered("these are not the facts of the unit", where=f"{UNITS}:{number}", hint=_KEEP)
            facts = {f"fact_{name}": value for name, value in unit.facts.items()}
            exhibit.others.append({"id": unit.id, "occurred_at": unit.occurred_at, **facts})

    def _evidence(self, exhibits: Sequence[Exhibit]) -> set[tuple[int, str]]:
        rows: list[RowBody] = []
        used = 0
        opened: set[tuple[int, str]] = set()
        row_lines, record_lines = Lines(RowLine, EVIDENCE), Lines(RecordLine, EVIDENCE)
        count = differ = 0
        last = (-1, "")
        for number, line in enumerate(self._archive.lines(EVIDENCE), 1):
            where = f"{EVIDENCE}:{number}"
            if line.startswith(b'{"row":{'):
                rows.append(row_lines.read(line, number).row)
                self._check_row(rows[-1], where)
                continue
            record = record_lines.read(line, number)
            exhibit = _at(exhibits, record.decision, where)
            cited = {record.row, *(one for numbers in record.related.values() for one in numbers)}
            if not set(range(used, len(rows))) <= cited or (record.decision, record.id) <= last:
                raise Tampered(f"record {record.id} is out of order, or rows before it are not its own", where=where)
            used, last = len(rows), (record.decision, record.id)
            count += 1
            if self.inputs.private and any(rows[one].data is None for one in cited if 0 <= one < len(rows)):
                continue
            opened.add(last)
            differ += self.done.differ(exhibit.add(record, rows, where))
        if used != len(rows):
            raise Tampered("rows at the end belong to no record", where=EVIDENCE, hint=_KEEP)
        shown = f"{len(opened)} of {count} are opened and " if self.inputs.private else f"{count} records are "
        told = f"{differ} clauses differ" if differ else "every clause is as the bundle says"
        self.done.step("evidence", f"{shown}decided again from {len(rows)} rows: {told}")
        self.done.counts |= {"records": count, "opened": len(opened), "rows": len(rows)}
        return opened

    def _check_row(self, row: RowBody, where: str) -> None:
        if not self.inputs.private:
            if row.data is None or row.commitments is not None or row.salts is not None:
                raise Tampered(f"{row.type} {row.id} version {row.version} is not shown", where=where, hint=_KEEP)
            return
        if row.commitments is None:
            raise Tampered(f"{row.type} {row.id} version {row.version} has no commitments", where=where, hint=_KEEP)
        if row.data is not None or row.salts is not None:
            check_opened(row, where)

    def _rivals(self) -> dict[tuple[str, str, str], list[tuple[int, Holder]]]:
        rivals: dict[tuple[str, str, str], list[tuple[int, Holder]]] = defaultdict(list)
        for _, line in Lines(RivalLine, RIVALS).each(self._archive.lines(RIVALS)):
            holder = Holder(line.claim_id, line.record_id, line.status, line.contract)
            rivals[line.source, line.type, line.record_id].append((line.entry, holder))
        return rivals

    # --- deciding and pricing again

    def _verdicts(
        self,
        agreement: Agreement,
        exhibits: Sequence[Exhibit],
        claims: Sequence[Claim],
        order: Mapping[str, int],
        heads: Mapping[int, Verdict],
        opened: set[tuple[int, str]],
    ) -> None:
        """Decide every claim again, and hold the verdicts against those of the ledger."""
        moved = self.done.differ(
            Mismatch(f"ledger entry {index}", name, _when(said), _when(found))
            for index, name, said, found in self.ledger.moved_locks()
        )
        before = {verdict.subject: verdict for verdict in heads.values()}
        rivals = self._rivals()
        held: Held = {}
        outcomes = [
            Rules(
                exhibit,
                version,
                outcome,
                exhibit.inputs,
                before=before,
                rivals=rivals,
                order=order,
                held=held,
                now=self.inputs.now,
                span=agreement.span(version),
            )
            for exhibit, (version, outcome) in zip(
                exhibits,
                ((version, outcome) for version in agreement.versions for outcome in version.outcomes.values()),
                strict=True,
            )
        ]
        if self.inputs.private:
            self._opened_verdicts(outcomes, heads, opened)
            return
        verdicts = decide_all(outcomes, claims)
        places = {verdict.subject: index for index, verdict in heads.items()}
        wrong = 0
        for verdict in verdicts:
            index = places.pop(verdict.subject, None)
            if index is None:
                wrong += self.done.differ([Mismatch("ledger", verdict.subject, "no verdict", verdict.status)])
            elif heads[index] is not verdict and not self.ledger.holds(index, verdict):
                wrong += self.done.differ(_fields(index, heads[index], verdict))
        for subject, index in places.items():
            # What was found once and is neither claimed nor met any more stays closed; nothing else stands alone.
            wrong += self.done.differ([Mismatch(f"ledger entry {index}", subject, heads[index].status, "no verdict")])
        kept = sorted(subject for rules in outcomes for subject in rules.kept)
        self.done.counts |= {"verdicts": len(verdicts), "kept": len(kept)}
        text = f"{len(verdicts)} verdicts decided again: " + (
            f"{wrong + moved} differ" if wrong + moved else "the same"
        )
        self.done.step("verdicts", text)
        if kept:
            entries = {verdict.subject: index for index, verdict in heads.items()}
            told = ", ".join(
                f"{subject} (entry {entries[subject]} of {self.ledger.written[entries[subject]]})"
                for subject in islice(kept, 5)
            )
            more = f" and {len(kept) - 5} more" if len(kept) > 5 else ""
            self.done.step("kept", f"{len(kept)} kept since their lock, although the evidence changed: {told}{more}")

    def _opened_verdicts(
        self, outcomes: Sequence[Rules], heads: Mapping[int, Verdict], opened: set[tuple[int, str]]
    ) -> None:
        """Hold the verdicts on opened records against them, record by record; the others are taken as recorded."""
        again = 0
        for index, verdict in heads.items():
            for place, rules in enumerate(outcomes):
                known = rules.contract.sha256 == verdict.contract_sha256 and rules.outcome.name == verdict.outcome
                if known and (place, verdict.record_id) in opened:
                    again += 1
                    self.done.differ(_of_record(index, verdict, rules))
        self.done.counts |= {"verdicts": again, "kept": 0, "taken": len(heads) - again}
        self.done.step(
            "verdicts", f"{again} verdicts decided again from what is opened; {len(heads) - again} taken as recorded"
        )

    def _statement(self, agreement: Agreement, heads: Mapping[int, Verdict], roots: Mapping[int, bytes]) -> None:
        """Price everything again, and compare the statement byte for byte."""
        data = self._archive.read(STATEMENT_FILE)
        said = self._archive.json(STATEMENT_FILE)
        try:
            prepared_at = parse_instant(said["prepared_at"])
            period = parse_period(self.inputs.period, agreement.newest.timezone)
        except (ConfigurationError, LookupError, TypeError) as error:
            raise Tampered(f"the statement does not say when it was prepared: {error}", where=STATEMENT_FILE) from error
        size = self.inputs.ledger_size
        issued = [statement for statement in self.ledger.issued(size) if statement.period != period]
        billed = None
        if issued:
            then = issued[-1].size
            periods = [statement.period for statement in issued]
            billed = restate(self.ledger.agreement(then), self.ledger.heads(then), periods, {})
        try:
            found = rate(
                agreement,
                heads,
                period,
                prepared_at=prepared_at,
                ledger=LedgerHead(size, roots[size].hex()),
                issued=issued,
                billed=billed,
            )
        except ContractError as error:
            raise Tampered(f"the verdicts cannot be priced: {error.message}", hint=_KEEP) from error
        again = statement_data(found)
        differ = self.done.differ(_compare(said, again)) if data != canonical(again) else 0
        self.done.totals = tuple(str(amount) for amount in found.totals)
        differ += self.done.differ(self._against_issue(found))
        text = f"{differ} places differ" if differ else f"{len(found.lines)} lines priced again: the same bytes"
        self.done.step("statement", text)
        self.done.counts |= {"lines": len(found.lines)}

    def _against_issue(self, found: Statement) -> Iterator[Mismatch]:
        """Hold the statement against the ledger entry that issued it, where one did."""
        for statement in self.ledger.issued(self.done.checkpoint.size):
            if statement.period == found.period and statement.sha256 != found.digest:
                yield Mismatch(f"ledger entry {statement.entry}", "sha256", statement.sha256, found.digest)


def _at(exhibits: Sequence[Exhibit], place: int, where: str) -> Exhibit:
    if not 0 <= place < len(exhibits):
        raise Tampered(f"there is no decision {place}", where=where, hint=_KEEP)
    return exhibits[place]


def _amount(line: ClaimLine, where: str) -> Decimal | None:
    if line.amount is None:
        return None
    try:
        amount = Decimal(line.amount)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or f"{amount:f}" != line.amount:
        raise Tampered(f"the amount of claim {line.claim_id} is {line.amount!r}", where=where, hint=_KEEP)
    return amount


def _fields(index: int, said: Verdict, found: Verdict) -> Iterator[Mismatch]:
    same = True
    for name in Verdict.__struct_fields__:
        one, other = getattr(said, name), getattr(found, name)
        if canonical(one) != canonical(other):
            yield Mismatch(f"ledger entry {index}", f"{said.subject}: {name}", _text(one), _text(other))
            same = False
    if same:
        yield Mismatch(f"ledger entry {index}", said.subject, "the same in other words", _text(found.status))


def _of_record(index: int, verdict: Verdict, rules: Rules) -> Iterator[Mismatch]:
    """Compare what a verdict says of its record with the record; duplicates and the like rest on other claims."""
    row = rules.facts.rows()[verdict.record_id or ""]
    status = {"meets": "verified"}.get(row["status"], row["status"])
    clauses = {clause.name for clause in rules.outcome.predicate.clauses}
    reasons = {reason.clause for reason in verdict.reasons}
    if not reasons <= clauses or verdict.status == "reversed":
        return
    told = {"status": status, "occurred_at": row["occurred_at"], "evidence": rules.facts.cited()[row["id"]]}
    if status == "verified":
        told |= {"quantity": row["quantity"], "decided_at": row["decided_at"]}
    for name, value in told.items():
        if canonical(getattr(verdict, name)) != canonical(value):
            yield Mismatch(
                f"ledger entry {index}", f"{verdict.subject}: {name}", _text(getattr(verdict, name)), _text(value)
            )


def _compare(said: Any, found: Any, place: str = "") -> Iterator[Mismatch]:
    """Give the places at which two values differ, with the lines of a statement named by their subject."""
    if isinstance(said, dict) and isinstance(found, dict):
        for name in sorted(said.keys() | found.keys()):
            if name not in said or name not in found:
                yield Mismatch(STATEMENT_FILE, f"{place}{name}", _text(said.get(name)), _text(found.get(name)))
            else:
                yield from _compare(said[name], found[name], f"{place}{name}.")
    elif isinstance(said, list) and isinstance(found, list):
        for number, (one, other) in enumerate(zip(said, found, strict=False)):
            yield from _compare(one, other, f"{place[:-1]}[{_name(other, number)}].")
        if len(said) != len(found):
            yield Mismatch(STATEMENT_FILE, place[:-1], f"{len(said)} of them", f"{len(found)} of them")
    elif type(said) is not type(found) or said != found:
        yield Mismatch(STATEMENT_FILE, place[:-1], _text(said), _text(found))


def _name(item: Any, number: int) -> str:
    subject = item.get("subject") if isinstance(item, dict) else None
    return str(number) if subject is None else str(subject)


def _text(value: Any) -> str:
    text = canonical(value).decode()
    return text if len(text) <= 200 else f"{text[:200]}..."


def _when(at: Any) -> str:
    return format_instant(at) if type(at) is int else "never"
