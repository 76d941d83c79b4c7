"""What the ledger part of a bundle says about one contract, read from its entries and from nothing else."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tallystick.canonical import canonical
from tallystick.contracts import Agreement, Contract
from tallystick.errors import Error, Tampered
from tallystick.ledger.pruned import Shown, read_piece
from tallystick.period import parse_instant
from tallystick.statements.archive import Archive
from tallystick.statements.bundle_format import LEDGER, BundleInputs
from tallystick.statements.issued import STATEMENT, issued_of
from tallystick.statements.months import Findings
from tallystick.statements.recorded import Instants, Newest, Recorded
from tallystick.statements.statement import Issued
from tallystick.verification.disputes import disputes_of, settlements_of
from tallystick.verification.drawn import findings_of
from tallystick.verification.entries import TERMINATION, VerdictEntry, build_version, termination_of
from tallystick.verification.finality import lock_of
from tallystick.verification.verdict import Settlement, Verdict

__all__ = ["ClaimsEntry", "Disclosed", "contract_of"]

_KEEP = "Keep the bundle: a ledger entry in it is not one that Tallystick writes."


class ClaimsEntry(msgspec.Struct, frozen=True):
    """An import of claims: how many, and the digest of their digests by claim id."""

    kind: str
    at: str
    contract: str
    contract_sha256: str
    file_sha256: str
    count: int
    claims_sha256: str


class _Head(msgspec.Struct, frozen=True, gc=False):
    kind: str
    at: str


class _ContractEntry(msgspec.Struct, frozen=True):
    kind: str
    at: str
    contract: str
    version: int
    sha256: str
    body: dict[str, Any]


_CONTRACT = b'"kind":"contract"'
_head = msgspec.json.Decoder(_Head)
_claims = msgspec.json.Decoder(ClaimsEntry)
_contract = msgspec.json.Decoder(_ContractEntry)
_verdict = msgspec.json.Decoder(VerdictEntry)
_NEVER = -(2**63)


class Disclosed:
    """The entries about one contract, taken one by one in the order of the ledger.

    `verdicts` holds every verdict by its ledger index; `times` says of every entry when it was written, as it says
    itself, in microseconds UTC.
    """

    def __init__(self, contract: str) -> None:
        self.contract = contract
        self.versions: dict[int, Contract] = {}
        self.imports: dict[int, ClaimsEntry] = {}
        self.verdicts = Recorded()
        self.times = Instants()
        self.acts: dict[int, dict[str, Any]] = {}
        self.count = 0
        self._by_sha256: dict[str, Contract] = {}
        self._locks = _Locks()
        self._beginning, self._at = b"\0", 0

    def add(self, index: int, entry: bytes) -> None:
        """Take an entry.

        Raises:
            Tampered: It is not about the contract, or is not an entry that Tallystick writes; names it.
        """
        self.count += 1
        try:
            about = self._add(index, entry)
        except Tampered as error:
            raise Tampered(f"ledger entry {index}: {error.message}", hint=error.hint) from error
        except (msgspec.DecodeError, ValueError, TypeError, LookupError, ArithmeticError, Error) as error:
            raise Tampered(f"ledger entry {index} cannot be read: {error}", hint=_KEEP) from error
        if about != self.contract:
            raise Tampered(f"ledger entry {index} is about {about}, not about {self.contract}", hint=_KEEP)

    def _add(self, index: int, entry: bytes) -> str:
        # Thousands of verdicts are written at one instant, and all begin alike.
        kind = "verdict"
        if not entry.startswith(self._beginning):
            head = _head.decode(entry)
            kind, self._at = head.kind, parse_instant(head.at)
            self._beginning = b'{"at":%b,"kind":"verdict",' % canonical(head.at)
        self.times.add(index, self._at)
        match kind:
            case "verdict":
                verdict = _verdict.decode(entry).verdict
                self.verdicts.add(index, entry, verdict)
                self._locks.add(index, verdict, self._by_sha256.get(verdict.contract_sha256))
                return verdict.contract
            case "claims":
                self.imports[index] = _claims.decode(entry)
                return self.imports[index].contract
            case "contract":
                version = _contract.decode(entry)
                built = build_version(entry, version.sha256)
                if (built.name, built.version) != (version.contract, version.version):
                    raise Tampered("the text of the contract is of another one than the entry says", hint=_KEEP)
                self.versions[index] = self._by_sha256[built.sha256] = built
                return version.contract
            case _:
                act: dict[str, Any] = msgspec.json.decode(entry)
                self.acts[index] = act
                return str(act.get("contract"))

    def agreement(self, size: int) -> Agreement:
        """Give the agreement as the first `size` entries have it.

        Raises:
            Tampered: There is no version among them, or they do not follow from each other.
        """
        known = [contract for index, contract in self.versions.items() if index < size]
        ended = [act for index, act in self.acts.items() if index < size and act.get("kind") == TERMINATION]
        if not known:
            raise Tampered(f"the ledger in the bundle holds no text of {self.contract}", hint=_KEEP)
        try:
            return Agreement.of(*known, termination=termination_of(ended[-1]) if ended else None)
        except (Error, ValueError, TypeError, LookupError) as error:
            raise Tampered(f"the versions of {self.contract} do not follow from each other: {error}") from error

    def heads(self, size: int) -> Newest:
        """Give the newest verdict of each subject among the first `size` entries."""
        return self.verdicts.newest(size)

    def issued(self, size: int) -> list[Issued]:
        """Give the statements that were issued among the first `size` entries, oldest first.

        Raises:
            Tampered: An entry does not say what was issued.
        """
        found = []
        for index, act in self.acts.items():
            if act.get("kind") == STATEMENT and index < size:
                try:
                    found.append(issued_of(index, act))
                except (Error, ValueError, TypeError, LookupError) as error:
                    raise Tampered(f"ledger entry {index} does not say which statement was issued: {error}") from error
        return found

    def findings(self, size: int) -> Findings:
        """Give what acceptance samples say among the first `size` entries.

        Raises:
            Tampered: An entry is no sample, or no answer.
        """
        try:
            return findings_of((index, act) for index, act in self.acts.items() if index < size)
        except (Error, ValueError, TypeError, LookupError) as error:
            raise Tampered(f"a sample in the bundle cannot be read: {error}", hint=_KEEP) from error

    def settled(self, size: int) -> dict[str, Settlement]:
        """Give what the parties settled among the first `size` entries, by subject.

        Raises:
            Tampered: A dispute is not one that Tallystick writes.
        """
        disputes = disputes_of((index, act) for index, act in sorted(self.acts.items()) if index < size)
        return settlements_of(disputes)

    def moved_locks(self) -> Iterator[tuple[int, int | None, int | None]]:
        """Give each verdict whose lock is not the one that follows from when it was first known.

        Yields:
            Ledger index, what the entry says, what follows.
        """
        return self._locks.moved(self.verdicts, self._by_sha256)


class _Locks:
    """When the verdicts of a ledger lock, as they say, and as it follows from them."""

    def __init__(self) -> None:
        self._said = array("q")
        # By ledger index: what follows, where the entry says something else; and those whose contract was not known.
        self._follows: dict[int, int | None] = {}
        self._unsure: set[int] = set()

    def add(self, index: int, verdict: Verdict, contract: Contract | None) -> None:
        """Take the next verdict, and the text it was decided under, if that is known already."""
        self._said.append(_NEVER if verdict.locks_at is None else verdict.locks_at)
        if verdict.locks_at is None:
            return
        if contract is None:
            self._unsure.add(index)
        elif (follows := lock_of(contract, verdict, None)) != verdict.locks_at:
            self._follows[index] = follows

    def moved(
        self, verdicts: Recorded, contracts: Mapping[str, Contract]
    ) -> Iterator[tuple[int, int | None, int | None]]:
        """See `Disclosed.moved_locks`; the first lock of a subject follows from its verdict, and the others are it."""
        held: dict[str, int] = {}
        for (index, subject), at in zip(verdicts.subjects(), self._said, strict=True):
            said, first = None if at == _NEVER else at, held.get(subject)
            if first is not None:
                if said != first:
                    yield index, said, first
                continue
            if said is None:
                continue
            follows = self._follows.get(index, said)
            if index in self._unsure:
                verdict = verdicts[index]
                contract = contracts.get(verdict.contract_sha256)
                if contract is None:
                    continue
                follows = lock_of(contract, verdict, None)
            if follows != said:
                yield index, said, follows
            held[subject] = said


def contract_of(archive: Archive, inputs: BundleInputs) -> Agreement:
    """Give the agreement that a bundle rests on, from those entries alone that record a text; none of it is proven.

    Raises:
        Tampered: There is none, or the versions do not follow from each other.
    """
    found = Disclosed(inputs.contract)
    for number, line in enumerate(archive.lines(LEDGER), 1):
        if _CONTRACT in line and isinstance(piece := read_piece(line, f"{LEDGER}:{number}"), Shown):
            found.add(piece.index, piece.entry)
    return found.agreement(inputs.ledger_size)
