"""Reading the members of a bundle: each line for itself, and that they belong together. Nothing is priced here."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from tallystick.canonical import digest
from tallystick.contracts import Agreement
from tallystick.errors import Tampered
from tallystick.ledger.checkpoint import Checkpoint, open_checkpoint
from tallystick.ledger.keychain import KeyChain
from tallystick.ledger.pruned import PrunedTree, Shown, read_piece
from tallystick.outcomes import Inputs
from tallystick.statements.apart import Apart
from tallystick.statements.archive import Archive
from tallystick.statements.bundle_format import (
    CHECKPOINT,
    CLAIMS,
    INPUTS,
    KEYS,
    LEDGER,
    MEMBERS,
    REFERENCES,
    RIVALS,
    UNITS,
    BundleInputs,
    ClaimLine,
    Lines,
    ReferenceLine,
    RivalLine,
    UnitLine,
)
from tallystick.statements.disclosed import Disclosed
from tallystick.statements.evidence import Mismatch, decide_evidence
from tallystick.statements.exhibit import Exhibit
from tallystick.verification.claim import Claim
from tallystick.verification.facts import Candidates
from tallystick.verification.units import Holder

__all__ = ["BundleReader"]

_PLAIN = re.compile(r"-?[0-9]{1,1000}(\.[0-9]{1,1000})?", re.ASCII)

_KEEP = "Keep the bundle: what it holds does not belong together."


class BundleReader:
    """The content of a bundle; `inputs`, `keys` and the ledger are read and proven when it is made.

    `ledger` holds the entries, `roots` the roots of the ledger by size, `note` the signed `checkpoint`. Once `exhibits`
    was called, `mismatches` holds the clauses that were decided in another way, `counts` what there was.

    Args:
        archive: The open archive, verified.
        apart: Another process that decides its evidence; without it that is done here.

    Raises:
        Tampered: Something is missing, or is not what was signed.
    """

    def __init__(self, archive: Archive, apart: Apart | None = None) -> None:
        self._archive = archive
        self._apart = apart
        self.mismatches: list[Mismatch] = []
        self.counts: dict[str, int] = {}
        listed = tuple(member.name for member in archive.members)
        if listed != MEMBERS:
            raise Tampered(f"a bundle has the members {', '.join(MEMBERS)}, this one: {', '.join(listed)}", hint=_KEEP)
        self.inputs = self._read_inputs()
        self.keys = KeyChain.parse(archive.read(KEYS), KEYS)
        self.ledger, self.checkpoint, self.note, self.roots = self._read_ledger(self.keys)

    def _read_inputs(self) -> BundleInputs:
        try:
            inputs = msgspec.convert(self._archive.json(INPUTS), BundleInputs)
        except msgspec.ValidationError as error:
            raise Tampered(f"this version reads no such bundle: {error}", where=INPUTS, hint=_KEEP) from error
        if inputs.ledger_size < 0 or any(size < 0 for size in inputs.sizes):
            raise Tampered("a size of the ledger is negative", where=INPUTS, hint=_KEEP)
        return inputs

    def _read_ledger(self, keys: KeyChain) -> tuple[Disclosed, Checkpoint, str, dict[int, bytes]]:
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
                    found.add(piece.index, piece.entry)
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

    def claims(self) -> tuple[list[Claim], dict[str, int]]:
        """Give the claims and the entry each was taken in by, once they are those that the ledger recorded."""
        claims: list[Claim] = []
        order: dict[str, int] = {}
        before = (-1, False, 0, "")
        # With each import its index once more, so that all claims of it share one number.
        taken: dict[int, tuple[int, list[tuple[str, str]]]] = {index: (index, []) for index in self.ledger.imports}
        for number, line in Lines(ClaimLine, CLAIMS).each(self._archive.lines(CLAIMS)):
            where = f"{CLAIMS}:{number}"
            claim = Claim(line.claim_id, line.outcome, line.ref, line.claimed_at, _amount(line, where), line.currency)
            if line.entry not in taken or line.claim_id in order:
                raise Tampered(f"claim {line.claim_id} stands here twice, or in no import", where=where, hint=_KEEP)
            order[claim.claim_id], held = taken[line.entry]
            held.append((claim.claim_id, claim.digest))
            claims.append(claim)
            rank = (line.entry, claim.claimed_at is None, claim.claimed_at or 0, claim.claim_id)
            if rank < before:
                raise Tampered(f"claim {line.claim_id} stands before one that counts first", where=where, hint=_KEEP)
            before = rank
        for index, found in taken.values():
            entry = self.ledger.imports[index]
            if (entry.count, entry.claims_sha256) != (len(found), digest([held for _, held in sorted(found)])):
                raise Tampered(
                    f"the {len(found)} claims of ledger entry {index} are not the {entry.count} that it records: one "
                    "is missing, added or changed",
                    where=CLAIMS,
                    hint=_KEEP,
                )
        return claims, order

    def exhibits(self, agreement: Agreement) -> list[Exhibit]:
        """Decide every record again; in a private bundle only those that are opened."""
        expected = [(version.version, name) for version in agreement.versions for name in version.outcomes]
        if expected != [(basis.version, basis.outcome) for basis in self.inputs.decisions]:
            raise Tampered("the outcomes are not those of the contract", where=INPUTS, hint=_KEEP)
        exhibits = [
            Exhibit(outcome.predicate, Inputs(basis.read_from, basis.read_to))
            for basis, outcome in zip(
                self.inputs.decisions,
                (outcome for version in agreement.versions for outcome in version.outcomes.values()),
                strict=True,
            )
        ]
        self._references(exhibits)
        self._evidence(exhibits, agreement)
        return exhibits

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

    def _evidence(self, exhibits: Sequence[Exhibit], agreement: Agreement) -> None:
        apart = self._apart
        decided = (
            apart.found()
            if apart is not None and apart.done()
            else decide_evidence(self._archive, self.inputs, agreement)
        )
        records = rows = 0
        for found in decided:
            records, rows = records + 1, found.rows
            if found.held is not None:
                exhibits[found.decision].held[found.id] = found.held
                self.mismatches += found.mismatches
        opened = sum(len(exhibit.held) for exhibit in exhibits)
        self.counts = {"records": records, "opened": opened, "rows": rows}

    def rivals(self) -> dict[tuple[str, str, str], list[tuple[int, Holder]]]:
        """Give the claims under other contracts that are in line for something here."""
        rivals: dict[tuple[str, str, str], list[tuple[int, Holder]]] = defaultdict(list)
        for _, line in Lines(RivalLine, RIVALS).each(self._archive.lines(RIVALS)):
            holder = Holder(line.claim_id, line.record_id, line.status, line.contract)
            rivals[line.source, line.type, line.record_id].append((line.entry, holder))
        return rivals


def _at(exhibits: Sequence[Exhibit], place: int, where: str) -> Exhibit:
    if not 0 <= place < len(exhibits):
        raise Tampered(f"there is no decision {place}", where=where, hint=_KEEP)
    return exhibits[place]


def _amount(line: ClaimLine, where: str) -> Decimal | None:
    if line.amount is None:
        return None
    # Before it is a number: a few signs with an exponent would be gigabytes in plain notation.
    if not _PLAIN.fullmatch(line.amount) or f"{(amount := Decimal(line.amount)):f}" != line.amount:
        raise Tampered(f"the amount of claim {line.claim_id} is {line.amount!r}", where=where, hint=_KEEP)
    return amount
