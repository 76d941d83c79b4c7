"""The statement of a bundle priced again from the ledger in it, and compared byte for byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from tallystick.canonical import canonical
from tallystick.contracts import Agreement
from tallystick.errors import ConfigurationError, ContractError, Tampered
from tallystick.period import parse_instant, parse_period
from tallystick.statements.archive import Archive
from tallystick.statements.bundle_format import STATEMENT_FILE
from tallystick.statements.bundle_reader import BundleReader
from tallystick.statements.evidence import Mismatch
from tallystick.statements.notes import restate
from tallystick.statements.rating import rate
from tallystick.statements.recorded import Newest
from tallystick.statements.statement import LedgerHead, Statement, statement_data, statement_json

__all__ = ["Repriced", "Repricing", "as_text"]

_KEEP = "Keep the bundle: what it holds does not belong together."


class Repriced(NamedTuple):
    """What the prices come to: the totals as text, how many lines, and where that is not what the bundle says."""

    totals: tuple[str, ...]
    lines: int
    differences: Iterable[Mismatch]


class Repricing:
    """Prices the statement of a bundle again.

    Args:
        archive: The open archive.
        bundle: Its content, of which the ledger and the inputs are looked at.
        agreement: The contract, version by version.
        heads: The verdicts that are priced.
    """

    def __init__(self, archive: Archive, bundle: BundleReader, agreement: Agreement, heads: Newest) -> None:
        self._archive = archive
        self._bundle = bundle
        self._ledger = bundle.ledger
        self._agreement = agreement
        self._heads = heads

    def at_sight(self) -> Repriced | None:
        """Price as of the instant that everything was decided as of, and compare the bytes while they are read.

        None where the statement has other bytes, or where anything is wrong: `in_full` tells what.
        """
        try:
            found = self._priced(self._bundle.inputs.now)
            if _alike(self._archive.chunks(STATEMENT_FILE), statement_json(found)):
                return _repriced(found, list(self._against_issue(found)))
        except Exception:  # noqa: BLE001 - whatever it is, `in_full` comes upon it again when it is its turn
            return None
        return None

    def in_full(self) -> Repriced:
        """Price everything, and tell every place at which the statement says something else.

        Raises:
            Tampered: The statement cannot be read, or what the ledger holds cannot be priced.
        """
        found = self._priced(self._prepared_at())
        differences: Iterable[Mismatch] = ()
        if not _alike(self._archive.chunks(STATEMENT_FILE), statement_json(found)):
            differences = _compare(self._archive.json(STATEMENT_FILE), statement_data(found))
        return _repriced(found, chain(differences, self._against_issue(found)))

    def _prepared_at(self) -> int:
        """Give when the statement says that it was prepared."""
        data = self._archive.read(STATEMENT_FILE)
        try:
            try:
                said = _said.decode(data).prepared_at
            except msgspec.DecodeError:
                said = self._archive.json(STATEMENT_FILE)["prepared_at"]
            return parse_instant(said)
        except (ConfigurationError, LookupError, TypeError) as error:
            raise _unsaid(error) from error

    def _priced(self, prepared_at: int) -> Statement:
        """Price everything again."""
        agreement, ledger, size = self._agreement, self._ledger, self._bundle.inputs.ledger_size
        try:
            period = parse_period(self._bundle.inputs.period, agreement.newest.timezone)
        except (ConfigurationError, LookupError, TypeError) as error:
            raise _unsaid(error) from error
        issued = [statement for statement in ledger.issued(size) if statement.period != period]
        billed = None
        if issued:
            then = issued[-1].size
            periods = [statement.period for statement in issued]
            billed = restate(ledger.agreement(then), ledger.heads(then), periods, ledger.findings(then))
        try:
            return rate(
                agreement,
                self._heads,
                period,
                prepared_at=prepared_at,
                ledger=LedgerHead(size, self._bundle.roots[size].hex()),
                issued=issued,
                billed=billed,
                findings=ledger.findings(size),
            )
        except ContractError as error:
            raise Tampered(f"the verdicts cannot be priced: {error.message}", hint=_KEEP) from error

    def _against_issue(self, found: Statement) -> Iterator[Mismatch]:
        """Hold the statement against the ledger entry that issued it, where one did, and others of its months."""
        for statement in self._ledger.issued(self._bundle.checkpoint.size):
            other = statement.period
            if other != found.period and other.start < found.period.end and found.period.start < other.end:
                yield Mismatch(
                    f"ledger entry {statement.entry}", other.label, "issued", f"billed in {found.period.label}"
                )
            if statement.period == found.period and statement.sha256 != found.digest:
                yield Mismatch(f"ledger entry {statement.entry}", "sha256", statement.sha256, found.digest)


def _repriced(found: Statement, differences: Iterable[Mismatch]) -> Repriced:
    return Repriced(tuple(str(amount) for amount in found.totals), len(found.lines), differences)


class _Said(msgspec.Struct, gc=False):
    prepared_at: Any


_said = msgspec.json.Decoder(_Said)


def _unsaid(error: Exception) -> Tampered:
    return Tampered(f"the statement does not say when it was prepared: {error}", where=STATEMENT_FILE)


def _alike(chunks: Iterator[bytes], pieces: Iterable[bytes]) -> bool:
    """Tell whether bytes that come in chunks are those that come in pieces."""
    held = b""
    for piece in pieces:
        while len(held) < len(piece):
            chunk = next(chunks, None)
            if chunk is None:
                return False
            held += chunk
        if not held.startswith(piece):
            return False
        held = held[len(piece) :]
    return not held and not any(chunks)


def _compare(said: Any, found: Any, place: str = "") -> Iterator[Mismatch]:
    """Give the places at which two values differ, with the lines of a statement named by their subject."""
    if isinstance(said, dict) and isinstance(found, dict):
        for name in sorted(said.keys() | found.keys()):
            if name not in said or name not in found:
                yield Mismatch(STATEMENT_FILE, f"{place}{name}", as_text(said.get(name)), as_text(found.get(name)))
            else:
                yield from _compare(said[name], found[name], f"{place}{name}.")
    elif isinstance(said, list) and isinstance(found, list):
        for number, (one, other) in enumerate(zip(said, found, strict=False)):
            yield from _compare(one, other, f"{place[:-1]}[{_name(other, number)}].")
        if len(said) != len(found):
            yield Mismatch(STATEMENT_FILE, place[:-1], f"{len(said)} of them", f"{len(found)} of them")
    elif type(said) is not type(found) or said != found:
        yield Mismatch(STATEMENT_FILE, place[:-1], as_text(said), as_text(found))


def _name(item: Any, number: int) -> str:
    subject = item.get("subject") if isinstance(item, dict) else None
    return str(number) if subject is None else str(subject)


def as_text(value: Any) -> str:
    """Give a value as a difference shows it."""
    text = canonical(value).decode()
    return text if len(text) <= 200 else f"{text[:200]}..."
