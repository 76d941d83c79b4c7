"""The verdicts that the ledger part of a bundle holds: each is its entry, and is decoded when it is asked for.

There may be millions, and each is looked at a few times, mostly in the order of the ledger or of the claims.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tallystick.canonical import canonical
from tallystick.statements.shelf import Shelf
from tallystick.verification.entries import VerdictEntry
from tallystick.verification.verdict import Verdict, VerdictHead

__all__ = ["Before", "Instants", "Newest", "Recorded"]

_entry = msgspec.json.Decoder(VerdictEntry)
_quick = msgspec.json.Encoder(order="sorted")


class _Indexes:
    """Ledger indexes in ascending order, and the place of each among them."""

    def __init__(self) -> None:
        self.all = array("q")

    def add(self, index: int) -> None:
        self.all.append(index)

    def place(self, index: int) -> int | None:
        """Give the place of an index; None if it is not among them."""
        # Mostly one follows the other without a gap.
        place = index - self.all[0] if self.all else 0
        if not 0 <= place < len(self.all) or self.all[place] != index:
            place = bisect_left(self.all, index)
        return place if place < len(self.all) and self.all[place] == index else None


class Instants:
    """An instant for each of some ledger indexes, which are added in ascending order."""

    def __init__(self) -> None:
        self._indexes, self._instants = _Indexes(), array("q")

    def add(self, index: int, at: int) -> None:
        """Take the instant of the next index."""
        self._indexes.add(index)
        self._instants.append(at)

    def __getitem__(self, index: int) -> int:
        place = self._indexes.place(index)
        if place is None:
            raise KeyError(index)
        return self._instants[place]

    def items(self) -> Iterator[tuple[int, int]]:
        """Give index and instant of each, in order."""
        return zip(self._indexes.all, self._instants, strict=True)


class Recorded:
    """Verdicts by ledger index, which are added in ascending order."""

    def __init__(self) -> None:
        self._indexes = _Indexes()
        self._subjects: list[str] = []
        self._record_ids: list[str | None] = []
        self._entries = Shelf()
        self._at = (b"\0", "")

    def add(self, index: int, entry: bytes, verdict: Verdict) -> None:
        """Take the next verdict, and the bytes of its entry."""
        self._indexes.add(index)
        self._subjects.append(verdict.subject)
        self._record_ids.append(verdict.record_id)
        self._entries.add(entry)

    def __contains__(self, index: int) -> bool:
        return self._indexes.place(index) is not None

    def __getitem__(self, index: int) -> Verdict:
        return _entry.decode(self._data(index)).verdict

    def record_id(self, index: int) -> str | None:
        """Give the record that a verdict is about; None if there is none."""
        place = self._indexes.place(index)
        return None if place is None else self._record_ids[place]

    def head(self, index: int) -> VerdictHead:
        """Give a verdict without the evidence it rests on."""
        return _head.decode(self._data(index)).verdict

    def written(self, index: int) -> str:
        """Give when an entry says that it was written, ISO 8601."""
        return _when.decode(self._data(index)).at

    def subjects(self) -> Iterator[tuple[int, str]]:
        """Give index and subject of each verdict, in order."""
        return zip(self._indexes.all, self._subjects, strict=True)

    def newest(self, size: int) -> Newest:
        """Give the newest verdict of each subject among the first `size` entries of the ledger."""
        return Newest(self, {subject: index for index, subject in self.subjects() if index < size})

    def holds(self, index: int, verdict: Verdict) -> bool:
        """Tell whether an entry holds exactly a verdict, byte for byte."""
        data = self._data(index)
        # Thousands of entries are written at one instant.
        if not data.startswith(self._at[0]):
            at = _when.decode(data).at
            self._at = (b'{"at":%b,' % _quick.encode(at), at)
        entry = VerdictEntry("verdict", self._at[1], verdict)
        # Where the quick encoding gives the bytes, it is the canonical one.
        return _quick.encode(entry) == data or canonical(entry) == data

    def _data(self, index: int) -> bytes:
        place = self._indexes.place(index)
        if place is None:
            raise KeyError(index)
        return self._entries[place]


class Newest:
    """The newest verdict of each subject; `indexes` tells by subject where it stands in the ledger.

    Args:
        recorded: All verdicts.
        indexes: See above.
    """

    def __init__(self, recorded: Recorded, indexes: dict[str, int]) -> None:
        self.indexes: Mapping[str, int] = indexes
        self.before = Before(recorded, indexes)
        self._recorded = recorded

    def items(self) -> Iterator[tuple[int, VerdictHead]]:
        """Give ledger index and verdict of each, without the evidence, in the order of the ledger."""
        return ((index, self._recorded.head(index)) for index in array("q", sorted(self.indexes.values())))

    def record_of(self, subject: str) -> str | None:
        """Give the record that the newest verdict on a subject is about; None if there is none."""
        index = self.indexes.get(subject)
        return None if index is None else self._recorded.record_id(index)


class Before(Mapping[str, Verdict]):
    """The newest verdicts by subject; what was given last is the same object until another one is asked for."""

    def __init__(self, recorded: Recorded, indexes: Mapping[str, int]) -> None:
        self._recorded = recorded
        self._indexes = indexes
        self._last: tuple[str, Verdict | None] = ("", None)

    def __getitem__(self, subject: str) -> Verdict:
        held, verdict = self._last
        if verdict is None or held != subject:
            verdict = self._recorded[self._indexes[subject]]
            self._last = subject, verdict
        return verdict

    def get(self, subject: str, default: Any = None) -> Any:
        """Give the verdict on a subject, if there is one."""
        return self[subject] if subject in self._indexes else default

    def __contains__(self, subject: object) -> bool:
        return subject in self._indexes

    def __iter__(self) -> Iterator[str]:
        return iter(self._indexes)

    def __len__(self) -> int:
        return len(self._indexes)


class _When(msgspec.Struct, gc=False):
    at: str


class _Head(msgspec.Struct, gc=False):
    verdict: VerdictHead


_when = msgspec.json.Decoder(_When)
_head = msgspec.json.Decoder(_Head)
