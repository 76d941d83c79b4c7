"""The evidence of a bundle: every record in it is decided again, by the reference interpreter and nothing else.

This is `verification.facts.Facts` for whoever has no database. What the bundle says about each clause came from a
query; what is found here is compared with it, clause by clause.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact
from functools import cached_property
from typing import Any

from tallystick.errors import Tampered
from tallystick.outcomes import Evaluation, Inputs, Interpreter, Predicate, State
from tallystick.period import Zone
from tallystick.records.types import RECORD_TYPES
from tallystick.statements.bundle_format import RecordLine, RowBody, Value
from tallystick.verification.facts import Candidates, Row
from tallystick.verification.verdict import Evidence

__all__ = ["Exhibit", "Mismatch", "typed"]

_EXACT = Context(prec=80, traps=[Inexact])
_KEEP = "Keep the bundle: this row is not one that was decided from."


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A place where what was recomputed is not what the bundle says."""

    where: str
    field: str
    said: str
    found: str


@dataclass
class Exhibit:
    """The records of one outcome that a bundle holds.

    Args:
        predicate: What is decided.
        inputs: How far what it rests on was read.
        zone: Zone of the contract.
    """

    predicate: Predicate
    inputs: Inputs
    zone: Zone
    references: dict[str, Candidates] = field(default_factory=dict)
    tombstones: dict[str, int] = field(default_factory=dict)
    others: list[dict[str, Any]] = field(default_factory=list)
    decided: dict[str, Row] = field(default_factory=dict)
    evidence: dict[str, tuple[Evidence, ...]] = field(default_factory=dict)
    units: list[dict[str, Any]] = field(default_factory=list)

    @cached_property
    def interpreter(self) -> Interpreter:
        """What decides the records."""
        return Interpreter(self.predicate, self.inputs, self.zone)

    def add(self, line: RecordLine, rows: Sequence[RowBody], where: str) -> Iterator[Mismatch]:
        """Decide a record again, and give the clauses that are not what the bundle says of them.

        Args:
            line: The record.
            rows: All rows of the bundle so far, by number.
            where: The line, for messages.

        Raises:
            Tampered: A row is missing, or is not of the columns that it must have.
        """
        base = _row(rows, line.row, where)
        if base.id != line.id or base.type != self.predicate.record_type.stored or line.id in self.decided:
            raise Tampered(
                f"row {line.row} is not the one of record {line.id}, or the record stands twice", where=where
            )
        related = {
            relation: [typed(_row(rows, number, where), where) for number in numbers]
            for relation, numbers in line.related.items()
        }
        record = typed(base, where)
        try:
            found = self.interpreter.decide(record, related)
            row = _as_row(self.predicate, record, found)
        except (ArithmeticError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise Tampered(f"record {line.id} cannot be decided: {error}", hint=_KEEP, where=where) from error
        cited = {line.row, *(number for numbers in line.related.values() for number in numbers)}
        self.decided[line.id] = row
        self.evidence[line.id] = tuple(Evidence(*key) for key in sorted({_key(rows[number]) for number in cited}))
        if self.predicate.unit is not None:
            facts = {f"fact_{name}": found.facts[name] for name in self.predicate.unit.facts}
            self.units.append({"id": line.id, "occurred_at": found.occurred_at, **facts})
        return _compare(self.predicate, line, found, where)

    def resolve(self, refs: Sequence[str]) -> dict[str, Candidates]:
        """Pair references with records; see `Facts`.

        Raises:
            Tampered: The bundle does not say what a reference means.
        """
        found = {}
        for ref in refs:
            known = self.references.get(ref)
            if known is None and ref in self.decided:
                known = Candidates(ref)
            if known is None:
                raise Tampered(
                    f"the bundle says of no record that {ref!r} means it, nor that none is there", hint=_KEEP
                )
            found[ref] = known
        return found

    def rows(self) -> dict[str, Row]:
        """Give the decided records by id."""
        return self.decided

    def unit_rows(self, rivals: Collection[str]) -> list[dict[str, Any]]:  # noqa: ARG002 - the maker chose them
        """Give what makes records one unit: facts decided here, and of other records what the maker says."""
        return sorted([*self.units, *self.others], key=lambda row: str(row["id"]))

    def cited(self) -> Mapping[str, tuple[Evidence, ...]]:
        """Give the record versions that each record rests on."""
        return self.evidence

    def deleted(self, ref: str) -> int | None:
        """Give when a record was deleted, as the maker says."""
        return self.tombstones.get(ref)


def typed(row: RowBody, where: str) -> dict[str, Any]:
    """Give the columns of a row for the interpreter, each of its type; decimals become Decimal.

    Raises:
        Tampered: A value is not of the type of its column, or is not shown.
    """
    if row.data is None:
        raise Tampered(f"{row.type} {row.id} version {row.version} is not shown", where=where)
    kind = RECORD_TYPES.get(row.type)
    if kind is None:
        raise Tampered(f"there is no record type {row.type}", hint=_KEEP, where=where)
    data: dict[str, Any] = dict(row.data)
    for name, value in row.data.items():
        if value is None:
            continue
        column = kind.column.get(name)
        what = "text" if name in {"id", "custom"} else "instant" if column is None else column.kind
        if what in {"money", "rate"}:
            data[name] = _decimal(value)
        elif what in {"integer", "instant"} and isinstance(value, str):
            data[name] = _integer(value)
        good = _TYPES[what]
        if type(data[name]) is not good:
            raise Tampered(
                f"{name} of {row.type} {row.id} version {row.version} is {value!r}, which is no {what}",
                hint=_KEEP,
                where=where,
            )
    return data


_TYPES = {
    "text": str,
    "integer": int,
    "instant": int,
    "boolean": bool,
    "money": Decimal,
    "rate": Decimal,
}


def _decimal(value: Value) -> Value | Decimal:
    if not isinstance(value, str) or len(value) > 60 or not value.lstrip("-").replace(".", "", 1).isdecimal():
        return value
    return Decimal(value)


def _integer(value: str) -> int | str:
    """Give an integer that JSON readers would lose digits of, and that was written as text for that."""
    return int(value) if value.removeprefix("-").isdecimal() and 16 <= len(value) <= 20 else value


_SAID = {state: state.name.lower() for state in State}


def _row(rows: Sequence[RowBody], number: int, where: str) -> RowBody:
    if not 0 <= number < len(rows):
        raise Tampered(f"there is no row {number} before this record", hint=_KEEP, where=where)
    return rows[number]


def _key(row: RowBody) -> tuple[str, str, str, int, str]:
    return row.source, row.type, row.id, row.version, row.raw_sha256


def _as_row(predicate: Predicate, record: Mapping[str, Any], found: Evaluation) -> dict[str, Any]:
    """Give a decided record as the query gives it, with values only as far as something reads them."""
    quantity: Any = found.quantity
    if predicate.quantity is not None and isinstance(quantity, Decimal):
        quantity = quantity.quantize(Decimal(1).scaleb(-predicate.quantity.type.scale), context=_EXACT)
    row: dict[str, Any] = {
        "id": record["id"],
        "occurred_at": found.occurred_at,
        "quantity": quantity,
        "status": found.status,
        "clause": found.clause,
        "decided_at": found.decided_at,
        "until": found.until,
    }
    for name in ("currency", "exponent"):
        if name in predicate.record_type.column:
            row[name] = record.get(name)
    if found.clause is not None:
        # A verdict that is not `verified` tells what its clause read.
        row |= {f"fact_{name}": value for name, value in found.facts.items()}
        for name, value in found.columns.items():
            row[f"record_{name.replace('custom.', 'custom_', 1)}"] = value
        clause = predicate.clauses[found.clause]
        state = found.clauses[found.clause]
        row |= {f"clause_{clause.name}": int(state.state), f"until_{clause.name}": state.until}
    return row


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
