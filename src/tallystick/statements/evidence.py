"""The evidence of a bundle: every record in it is decided again, by the reference interpreter and nothing else.

What the bundle says about each clause came from a query; what is found here is compared with it, clause by clause.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Context, Decimal, Inexact
from functools import cache
from typing import Any

import msgspec

from tallystick.contracts import Agreement
from tallystick.errors import Tampered
from tallystick.outcomes import Evaluation, Inputs, Interpreter, Predicate, State
from tallystick.period import Zone, zone
from tallystick.records.types import RECORD_TYPES
from tallystick.statements.archive import Archive
from tallystick.statements.bundle_format import EVIDENCE, BundleInputs, Lines, RecordLine, RowBody, RowLine
from tallystick.statements.commitments import check_opened
from tallystick.statements.exhibit import OF_MONEY, Key, pack
from tallystick.statements.shelf import Shelf

__all__ = ["Found", "Mismatch", "decide_evidence"]

_EXACT = Context(prec=80, traps=[Inexact])
_KEEP = "Keep the bundle: this row is not one that was decided from."
_APART = "Keep the bundle: what it holds does not belong together."
_SAID = tuple(state.name.lower() for state in State)
_TYPES = {"text": str, "integer": int, "instant": int, "boolean": bool, "money": Decimal, "rate": Decimal}


class Mismatch(msgspec.Struct, frozen=True):
    """A place where what was recomputed is not what the bundle says."""

    where: str
    field: str
    said: str
    found: str


class Found(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A record that was decided again: the number of its outcome, its id, and what `exhibit.pack` gives of it.

    `rows` is how many rows stand in the bundle up to it. `held` is None for a record of a private bundle that is not
    opened. `mismatches` are the clauses that are not what the bundle says.
    """

    decision: int
    id: str
    rows: int
    held: bytes | None
    mismatches: tuple[Mismatch, ...] = ()


def decide_evidence(archive: Archive, inputs: BundleInputs, agreement: Agreement) -> Iterator[Found]:
    """Decide every record again, in the order of the bundle; in a private bundle only those that are opened.

    Args:
        archive: The bundle.
        inputs: Its inputs, whose outcomes are those of the agreement.
        agreement: The contract, version by version.

    Raises:
        Tampered: A line is not what belongs there, or a record cannot be decided; names the line.
    """
    place = zone(agreement.newest.timezone)
    predicates = [outcome.predicate for version in agreement.versions for outcome in version.outcomes.values()]
    deciders = [
        _Decider(predicate, Inputs(basis.read_from, basis.read_to), place)
        for basis, predicate in zip(inputs.decisions, predicates, strict=True)
    ]
    rows = _Rows(private=inputs.private)
    record_lines = Lines(RecordLine, EVIDENCE)
    last = (-1, "")
    for number, line in enumerate(archive.lines(EVIDENCE), 1):
        if line.startswith(b'{"row":{'):
            rows.add(line, number)
            continue
        record, where = record_lines.read(line, number), f"{EVIDENCE}:{number}"
        if not 0 <= record.decision < len(deciders):
            raise Tampered(f"there is no decision {record.decision}", where=where, hint=_APART)
        if not rows.are_of(record) or (record.decision, record.id) <= last:
            raise Tampered(f"record {record.id} is out of order, or rows before it are not its own", where=where)
        last = (record.decision, record.id)
        if rows.is_hidden(record):
            yield Found(*last, len(rows), None)
        else:
            held, mismatches = deciders[record.decision].decide(record, rows, where)
            yield Found(*last, len(rows), held, mismatches)
        rows.leave()
    if rows.left:
        raise Tampered("rows at the end belong to no record", where=EVIDENCE, hint=_APART)


class _Rows:
    """The rows of the evidence by number: those before the next record as they are, all others as their lines."""

    def __init__(self, *, private: bool) -> None:
        self._lines = Lines(RowLine, EVIDENCE)
        self._private = private
        self._shelf = Shelf()
        self._own: list[RowBody] = []
        self._own_lines: list[bytes] = []

    def __len__(self) -> int:
        return len(self._shelf) + len(self._own)

    @property
    def left(self) -> bool:
        """True when there are rows that no record rests on."""
        return bool(self._own)

    def add(self, line: bytes, number: int) -> None:
        """Take the line of a row."""
        row = self._lines.read(line, number).row
        self._check(row, f"{EVIDENCE}:{number}")
        self._own.append(row)
        self._own_lines.append(line)

    def leave(self) -> None:
        """Go on to the next record: what stands here is its own no more."""
        for line in self._own_lines:
            self._shelf.add(line)
        self._own.clear()
        self._own_lines.clear()

    def get(self, number: int, where: str) -> RowBody:
        """Give a row.

        Raises:
            Tampered: There is none of that number.
        """
        before = len(self._shelf)
        if not 0 <= number < before + len(self._own):
            raise Tampered(f"there is no row {number} before this record", hint=_KEEP, where=where)
        return self._own[number - before] if number >= before else self._lines.read(self._shelf[number], 0).row

    def are_of(self, record: RecordLine) -> bool:
        """Tell whether a record rests on every row that stands right before it."""
        before, count = len(self._shelf), len(self._own)
        if count == 0 or (count == 1 and record.row == before):
            return True
        return set(range(before, before + count)) <= _cited(record)

    def is_hidden(self, record: RecordLine) -> bool:
        """Tell whether a row that a record rests on is not shown, in a private bundle."""
        if not self._private:
            return False
        there = range(len(self))
        return any(self.get(number, "").data is None for number in _cited(record) if number in there)

    def _check(self, row: RowBody, where: str) -> None:
        if not self._private:
            if row.data is None or row.commitments is not None or row.salts is not None:
                raise Tampered(f"{row.type} {row.id} version {row.version} is not shown", where=where, hint=_APART)
            return
        if row.commitments is None:
            raise Tampered(f"{row.type} {row.id} version {row.version} has no commitments", where=where, hint=_APART)
        if row.data is not None or row.salts is not None:
            check_opened(row, where)


class _Decider:
    """Decides the records of one outcome."""

    def __init__(self, predicate: Predicate, inputs: Inputs, place: Zone) -> None:
        self._predicate = predicate
        self._interpreter = Interpreter(predicate, inputs, place)
        self._stored = predicate.record_type.stored
        self._names = [clause.name for clause in predicate.clauses]
        self._more = [name for name in OF_MONEY if name in predicate.record_type.column]
        self._unit = () if predicate.unit is None else predicate.unit.facts
        self._digits = None if predicate.quantity is None else Decimal(1).scaleb(-predicate.quantity.type.scale)

    def decide(self, line: RecordLine, rows: _Rows, where: str) -> tuple[bytes, tuple[Mismatch, ...]]:
        """Decide a record again: give it packed, and the clauses that are not what the bundle says of them.

        Raises:
            Tampered: A row is missing, or is not of the columns that it must have.
        """
        base = rows.get(line.row, where)
        if base.id != line.id or base.type != self._stored:
            raise _not_its_own(line, where)
        keys = {_key(base)}
        related: dict[str, list[dict[str, Any]]] = {}
        for relation, numbers in line.related.items():
            known = related[relation] = []
            for number in numbers:
                row = rows.get(number, where)
                known.append(_typed(row, where))
                keys.add(_key(row))
        record = _typed(base, where)
        if record.get("id") != line.id:
            raise _not_its_own(line, where)
        try:
            found = self._interpreter.decide(record, related)
            held = self._pack(record, found, sorted(keys))
        except (ArithmeticError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise Tampered(f"record {line.id} cannot be decided: {error}", hint=_KEEP, where=where) from error
        return held, () if self._agrees(line, found) else tuple(_compare(self._predicate, line, found, where))

    def _pack(self, record: Mapping[str, Any], found: Evaluation, keys: Sequence[Key]) -> bytes:
        """Give a decided record as the query gives it, with values only as far as something reads them."""
        quantity: Any = found.quantity
        if self._digits is not None and isinstance(quantity, Decimal):
            quantity = quantity.quantize(self._digits, context=_EXACT)
        always = (found.occurred_at, quantity, found.status, found.clause, found.decided_at, found.until)
        told = {} if found.clause is None else _told(self._predicate, found, found.clause)
        return pack(
            (*always, *[record.get(name) for name in self._more]),
            told,
            keys,
            [found.facts[name] for name in self._unit],
        )

    def _agrees(self, line: RecordLine, found: Evaluation) -> bool:
        """Tell whether the bundle says exactly what was found, which is the usual case."""
        return (
            line.status == found.status
            and line.clause == found.clause
            and line.clauses == dict(zip(self._names, [_SAID[clause.state] for clause in found.clauses], strict=True))
            and [line.until.get(name) for name in self._names] == [clause.until for clause in found.clauses]
        )


def _not_its_own(line: RecordLine, where: str) -> Tampered:
    return Tampered(f"row {line.row} is not the one of record {line.id}, or the record stands twice", where=where)


def _told(predicate: Predicate, found: Evaluation, deciding: int) -> dict[str, Any]:
    """Give what a verdict that is not `verified` tells: what its clause read, and how that stands."""
    told: dict[str, Any] = {f"fact_{name}": value for name, value in found.facts.items()}
    for name, value in found.columns.items():
        told[f"record_{name.replace('custom.', 'custom_', 1)}"] = value
    clause, state = predicate.clauses[deciding], found.clauses[deciding]
    return told | {f"clause_{clause.name}": int(state.state), f"until_{clause.name}": state.until}


def _typed(row: RowBody, where: str) -> dict[str, Any]:
    """Give the columns of a row for the interpreter, each of its type; decimals become Decimal.

    Raises:
        Tampered: A value is not of the type of its column, or is not shown.
    """
    if row.data is None:
        raise Tampered(f"{row.type} {row.id} version {row.version} is not shown", where=where)
    if row.type not in RECORD_TYPES:
        raise Tampered(f"there is no record type {row.type}", hint=_KEEP, where=where)
    kinds, data = _kinds(row.type), dict[str, Any](row.data)
    for name, value in row.data.items():
        if value is None:
            continue
        what = kinds.get(name, "instant")
        good = _TYPES[what]
        if good is not str and isinstance(value, str):
            data[name] = _decimal(value) if good is Decimal else _integer(value) if good is int else value
        if type(data[name]) is not good:
            raise Tampered(
                f"{name} of {row.type} {row.id} version {row.version} is {value!r}, which is no {what}",
                hint=_KEEP,
                where=where,
            )
    return data


@cache
def _kinds(record_type: str) -> Mapping[str, str]:
    """Give what each column of a record type holds; others that stand in a row are instants."""
    columns = {name: column.kind for name, column in RECORD_TYPES[record_type].column.items()}
    return {**columns, "id": "text", "custom": "text"}


def _decimal(value: str) -> str | Decimal:
    if len(value) > 60 or not value.lstrip("-").replace(".", "", 1).isdecimal():
        return value
    return Decimal(value)


def _integer(value: str) -> int | str:
    """Give an integer that JSON readers would lose digits of, and that was written as text for that."""
    return int(value) if value.removeprefix("-").isdecimal() and 16 <= len(value) <= 20 else value


def _cited(record: RecordLine) -> set[int]:
    return {record.row, *(number for numbers in record.related.values() for number in numbers)}


def _key(row: RowBody) -> Key:
    return row.source, row.type, row.id, row.version, row.raw_sha256


def _compare(predicate: Predicate, line: RecordLine, found: Evaluation, where: str) -> Iterator[Mismatch]:
    what = f"{predicate.record} {line.id}"
    if set(line.clauses) != {clause.name for clause in predicate.clauses}:
        yield Mismatch(where, f"{what}: clauses", ", ".join(line.clauses), ", ".join(c.name for c in predicate.clauses))
        return
    for clause, state in zip(predicate.clauses, found.clauses, strict=True):
        said, known = line.clauses[clause.name], _SAID[state.state]
        if said != known:
            yield Mismatch(where, f"{what}: clause {clause.name}", said, known)
        if line.until.get(clause.name) != state.until:
            yield Mismatch(
                where, f"{what}: clause {clause.name}: until", str(line.until.get(clause.name)), str(state.until)
            )
    if (line.status, line.clause) != (found.status, found.clause):
        said = line.status if line.clause is None else f"{line.status} by clause {line.clause}"
        yield Mismatch(where, f"{what}: status", said, found.status)
