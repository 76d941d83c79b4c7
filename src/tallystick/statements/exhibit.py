"""The records of one outcome that a bundle holds, decided again: what the rules ask them.

This is `verification.facts.Facts` for whoever has no database; `evidence` decides the records. Each is held as bytes
and made again when it is asked for, because there may be millions and the rules look at one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import msgspec

from tallystick.errors import Tampered
from tallystick.outcomes import Inputs, Predicate
from tallystick.verification.facts import Candidates, Row
from tallystick.verification.verdict import Evidence

__all__ = ["OF_MONEY", "Exhibit", "Key", "pack"]

_KEEP = "Keep the bundle: this row is not one that was decided from."
_ALWAYS = ("occurred_at", "quantity", "status", "clause", "decided_at", "until")
_DECIMAL, _INTEGER = 1, 2
_LARGEST, _SMALLEST = 2**63 - 1, -(2**63)
_NONE: tuple[str, Row, tuple[Evidence, ...]] = ("", {}, ())
_T = TypeVar("_T")

OF_MONEY = ("currency", "exponent")
"""What a record of a type that has such columns is held with."""

Key: TypeAlias = tuple[str, str, str, int, str]
"""Source, type, id, version and hash of a row that is cited."""


@dataclass
class Exhibit:
    """The records of one outcome that a bundle holds.

    Args:
        predicate: What they were decided by.
        inputs: How far what it rests on was read.

    `held` are the decided records by id, each as `pack` gives it.
    """

    predicate: Predicate
    inputs: Inputs
    references: dict[str, Candidates] = field(default_factory=dict)
    tombstones: dict[str, int] = field(default_factory=dict)
    others: list[dict[str, Any]] = field(default_factory=list)
    held: dict[str, bytes] = field(default_factory=dict)
    _last: tuple[str, Row, tuple[Evidence, ...]] = field(default=_NONE, init=False, repr=False)

    def resolve(self, refs: Sequence[str]) -> Mapping[str, Candidates]:
        """Pair references with records; see `Facts`.

        Raises:
            Tampered: The bundle does not say what a reference means.
        """
        for ref in refs:
            if ref not in self.references and ref not in self.held:
                raise Tampered(
                    f"the bundle says of no record that {ref!r} means it, nor that none is there", hint=_KEEP
                )
        return _View(refs, self._meant)

    def rows(self) -> Mapping[str, Row]:
        """Give the decided records by id."""
        return _View(self.held, lambda record_id: self._unpacked(record_id)[1])

    def unit_rows(self, rivals: Collection[str]) -> list[dict[str, Any]]:  # noqa: ARG002 - the maker chose them
        """Give what makes records one unit: facts decided here, and of other records what the maker says."""
        unit = self.predicate.unit
        if unit is None:
            return []
        rows: list[dict[str, Any]] = []
        for record_id, data in self.held.items():
            found = _decoder.decode(data)
            facts = {f"fact_{name}": value for name, value in zip(unit.facts, found.unit, strict=True)}
            rows.append({"id": record_id, "occurred_at": found.values[0], **facts})
        return sorted([*rows, *self.others], key=lambda row: str(row["id"]))

    def cited(self) -> Mapping[str, tuple[Evidence, ...]]:
        """Give the record versions that each record rests on."""
        return _View(self.held, lambda record_id: self._unpacked(record_id)[2])

    def deleted(self, ref: str) -> int | None:
        """Give when a record was deleted, as the maker says."""
        return self.tombstones.get(ref)

    def _meant(self, ref: str) -> Candidates:
        return self.references.get(ref) or Candidates(ref)

    def _unpacked(self, record_id: str) -> tuple[str, Row, tuple[Evidence, ...]]:
        if record_id != self._last[0] or self._last is _NONE:
            found = _decoder.decode(self.held[record_id])
            row = dict(zip(self._names, found.values, strict=True))
            row["id"] = record_id
            if found.told:
                row |= found.told
            self._last = record_id, row, tuple([Evidence(*key) for key in found.cited])
        return self._last

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return _ALWAYS + tuple(name for name in OF_MONEY if name in self.predicate.record_type.column)


def pack(values: Sequence[Any], told: Mapping[str, Any], cited: Sequence[Key], unit: Sequence[Any]) -> bytes:
    """Give the bytes of a decided record.

    Args:
        values: When it occurred, quantity, status, deciding clause, when it was decided, until when it is open, and
            those of `OF_MONEY` that its type has.
        told: Further columns.
        cited: The rows it rests on, sorted.
        unit: The facts that the unit rule of the predicate names; nothing where it has none.
    """
    plain = {name: _plain(value) for name, value in told.items()} if told else {}
    return _encoder.encode(_Held([*map(_plain, values)], plain, cited, [*map(_plain, unit)] if unit else ()))


class _Held(msgspec.Struct, array_like=True, gc=False):
    values: Sequence[Any]
    told: dict[str, Any]
    cited: Sequence[Key]
    unit: Sequence[Any]


def _plain(value: Any) -> Any:
    """Give a value that comes back as it was: msgpack knows no decimals, and no integers of more than 64 bits."""
    if type(value) is Decimal:
        return msgspec.msgpack.Ext(_DECIMAL, str(value).encode())
    if type(value) is int and not _SMALLEST <= value <= _LARGEST:
        return msgspec.msgpack.Ext(_INTEGER, str(value).encode())
    return value


def _special(code: int, data: memoryview) -> Decimal | int:
    text = bytes(data).decode()
    return Decimal(text) if code == _DECIMAL else int(text)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Held, ext_hook=_special)


class _View(Mapping[str, _T]):
    """Values by name, each made when it is asked for."""

    def __init__(self, names: Collection[str], make: Callable[[str], _T]) -> None:
        self._names = names
        self._make = make

    def __getitem__(self, name: str) -> _T:
        return self._make(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Give the value of a name, if there is one of that name."""
        return self._make(name) if name in self._names else default

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
