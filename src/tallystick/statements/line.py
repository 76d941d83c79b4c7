"""A line of a statement, and many of them in little memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from typing import NamedTuple, overload

import msgspec

from tallystick.contracts import ExchangeRate
from tallystick.money import Currency, Money
from tallystick.verification.verdict import Status

__all__ = ["Gathering", "HeldLine", "Line", "LineKind", "Lines", "Subtotal"]

# Added to an instant it gives a number of 20 digits, so that numbers sort as texts do.
_LATEST, _DIGITS = 1 << 65, 20
# In what a line is sorted by, where no text of it has any.
_ZEROS = 6


class LineKind(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """What many lines have in common.

    `unit` is what quantities are told in: a currency code (major units), or `unit`. `price` is in words; `rate` turned
    the currency of the quantity into `currency`, that of the amount. `version` is the version of the contract that
    decided. `status` is `unverifiable` for a line that the buyer bears.
    """

    outcome: str
    record_type: str
    unit: str
    price: str
    currency: Currency
    version: int
    status: Status
    rate: ExchangeRate | None


class Line(msgspec.Struct, frozen=True, gc=False):
    """One outcome that is paid, and what it costs.

    `amount` is rounded. Instants are microseconds UTC; `locks_at` picks the month. `entry` is the index of the verdict
    in the ledger.
    """

    kind: LineKind
    subject: str
    ref: str
    record_id: str
    occurred_at: int | None
    decided_at: int | None
    locks_at: int
    quantity: Decimal
    amount: Money
    entry: int

    @property
    def outcome(self) -> str:
        """What happened."""
        return self.kind.outcome

    @property
    def record_type(self) -> str:
        """The type of its record."""
        return self.kind.record_type

    @property
    def unit(self) -> str:
        """What its quantity is told in."""
        return self.kind.unit

    @property
    def price(self) -> str:
        """Its price in words."""
        return self.kind.price

    @property
    def version(self) -> int:
        """The version of the contract that decided."""
        return self.kind.version

    @property
    def status(self) -> Status:
        """Its verdict: `unverifiable` where the buyer bears it."""
        return self.kind.status

    @property
    def rate(self) -> ExchangeRate | None:
        """What turned the currency of its quantity into that of its amount."""
        return self.kind.rate


class Subtotal(NamedTuple):
    """What lines of one outcome come to under one version of the contract; the last of them locks at `last_lock`."""

    outcome: str
    version: int
    amount: Money
    last_lock: int


class Lines(Sequence[Line]):
    """Lines in the order of a statement: by outcome, then by when they happened, by record and by subject.

    Each is held in `rows` as bytes, a quarter of what it takes as an object, and made again whenever it is asked for.
    `subtotals` are what they come to, for each outcome, version and currency; `numbers` are those by which the rows
    know their kinds, in ascending order.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        rows: Sequence[bytes] = (),
        subtotals: Sequence[Subtotal] = (),
        numbers: Mapping[LineKind, int] | None = None,
    ) -> None:
        self.rows = rows
        self.subtotals = subtotals
        self.numbers = {} if numbers is None else numbers

    @classmethod
    def joined(cls, parts: Sequence[Lines]) -> Lines:
        """Give the lines of several as one.

        Raises:
            ValueError: They were not gathered with the same numbers.
        """
        if len(parts) == 1:
            return parts[0]
        if any(part.numbers is not parts[0].numbers for part in parts):
            raise ValueError("lines are joined that do not count their kinds alike")
        rows = sorted(chain.from_iterable(part.rows for part in parts))
        subtotals = [subtotal for part in parts for subtotal in part.subtotals]
        return cls(rows, subtotals, parts[0].numbers if parts else None)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Line]:
        return self._made(self.rows)

    def held(self) -> Iterator[tuple[LineKind, HeldLine]]:
        """Give each line as it is held, and its kind, which costs less than half of making it."""
        kinds = list(self.numbers)
        return ((kinds[held.kind], held) for held in map(_held, self.rows))

    @overload
    def __getitem__(self, place: int) -> Line: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Line]: ...

    def __getitem__(self, place: int | slice) -> Line | Sequence[Line]:
        if isinstance(place, slice):
            return tuple(self._made(self.rows[place]))
        return next(self._made([self.rows[place]]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def _made(self, rows: Sequence[bytes]) -> Iterator[Line]:
        kinds = list(self.numbers)
        return (_line(kinds[held.kind], held) for held in map(_held, rows))


class Gathering:
    """Takes lines in any order, and gives them as `Lines`.

    Args:
        numbers: The numbers of kinds of lines, filled as they come; lines that are to be joined share them.
    """

    def __init__(self, numbers: dict[LineKind, int] | None = None) -> None:
        self._numbers = {} if numbers is None else numbers
        self._rows: list[bytes] = []
        self._sums: dict[LineKind, _Sum] = {}

    def add(self, line: Line) -> None:
        """Take a line."""
        held = self._sums.get(line.kind)
        if held is None:
            number = self._numbers.setdefault(line.kind, len(self._numbers))
            held = self._sums[line.kind] = _Sum(number, 0, line.locks_at)
        self._rows.append(_pack(line, held.kind))
        held.minor += line.amount.minor
        held.last_lock = max(held.last_lock, line.locks_at)

    def lines(self) -> Lines:
        """Give the lines that were taken, once there are no more of them."""
        self._rows.sort()
        found: dict[tuple[str, int, Currency], Subtotal] = {}
        for kind, held in self._sums.items():
            key = kind.outcome, kind.version, kind.currency
            one = found.get(key, Subtotal(kind.outcome, kind.version, Money(0, kind.currency), held.last_lock))
            amount = one.amount + Money(held.minor, kind.currency)
            found[key] = one._replace(amount=amount, last_lock=max(one.last_lock, held.last_lock))
        return Lines(self._rows, list(found.values()), self._numbers)


class _Sum(msgspec.Struct, gc=False):
    """What the lines of a kind come to; `kind` is its number."""

    kind: int
    minor: int
    last_lock: int


class HeldLine(msgspec.Struct, array_like=True, gc=False):
    """A line in texts and numbers: `kind` is that of its kind, `quantity` a decimal, `minor` the amount of any size.

    The last two are held ahead of the others, since lines are sorted by them.
    """

    kind: int
    occurred_at: int | None
    decided_at: int | None
    locks_at: int
    ref: str
    quantity: str
    minor: str
    entry: int
    record_id: str = ""
    subject: str = ""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(HeldLine).decode


def _pack(line: Line, kind: int) -> bytes:
    """Give the bytes of a line; sorted, they stand as the lines do on a statement.

    Ahead is what lines are sorted by. Each text of it ends with two zeros, and a zero in it is followed by a one, so
    that a text stands before those that begin with it.
    """
    at = (line.occurred_at or 0) + _LATEST
    key = f"{line.kind.outcome}\0\0{at}{line.record_id}\0\0{line.subject}\0\0"
    if key.count("\0") > _ZEROS:
        key = f"{_key(line.kind.outcome)}\0\0{at}{_key(line.record_id)}\0\0{_key(line.subject)}\0\0"
    rest = (
        kind,
        line.occurred_at,
        line.decided_at,
        line.locks_at,
        line.ref,
        line.quantity,
        str(line.amount.minor),
        line.entry,
    )
    return key.encode() + _encode(rest)


def _held(row: bytes) -> HeldLine:
    _, record_id, subject, packed = row.split(b"\0\0", 3)
    held = _decode(packed)
    held.record_id, held.subject = _text(record_id[_DIGITS:]), _text(subject)
    return held


def _line(kind: LineKind, held: HeldLine) -> Line:
    return Line(
        kind,
        held.subject,
        held.ref,
        held.record_id,
        held.occurred_at,
        held.decided_at,
        held.locks_at,
        Decimal(held.quantity),
        Money(int(held.minor), kind.currency),
        held.entry,
    )


def _key(text: str) -> str:
    return text.replace("\0", "\0\1")


def _text(key: bytes) -> str:
    text = key.decode()
    return text.replace("\0\1", "\0") if "\0" in text else text
