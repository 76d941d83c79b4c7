"""A line of a statement, and many of them in little memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import NamedTuple, overload

import msgspec

from tallystick.contracts import ExchangeRate
from tallystick.money import Currency, Money
from tallystick.verification.verdict import Status

__all__ = ["Gathering", "HeldLine", "Line", "Lines", "Subtotal"]

# Added to an instant it gives a number of 20 digits, so that numbers sort as texts do.
_LATEST, _DIGITS = 1 << 65, 20


class Line(msgspec.Struct, frozen=True, gc=False):
    """One outcome that is paid, and what it costs.

    `quantity` is in `unit`: a currency code (major units), or `unit`. `amount` is rounded; `rate` turned the currency
    of the quantity into its own. Instants are microseconds UTC; `locks_at` picks the month. `entry` is the index of the
    verdict in the ledger, `version` the version of the contract that decided. `status` is `unverifiable` for a line
    that the buyer bears.
    """

    outcome: str
    subject: str
    ref: str
    record_type: str
    record_id: str
    occurred_at: int | None
    decided_at: int | None
    locks_at: int
    quantity: Decimal
    unit: str
    price: str
    amount: Money
    entry: int
    version: int
    status: Status
    rate: ExchangeRate | None


class Subtotal(NamedTuple):
    """What lines of one outcome come to under one version of the contract; the last of them locks at `last_lock`."""

    outcome: str
    version: int
    amount: Money
    last_lock: int


class Lines(Sequence[Line]):
    """Lines in the order of a statement: by outcome, then by when they happened, by record and by subject.

    Each is held in `rows` as bytes, a quarter of what it takes as an object, and made again whenever it is asked for.
    `subtotals` are what they come to, for each outcome, version and currency.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, rows: Sequence[bytes] = (), subtotals: Sequence[Subtotal] = ()) -> None:
        self.rows = rows
        self.subtotals = subtotals

    @classmethod
    def joined(cls, parts: Sequence[Lines]) -> Lines:
        """Give the lines of several as one."""
        if len(parts) == 1:
            return parts[0]
        rows = sorted(chain.from_iterable(part.rows for part in parts))
        return cls(rows, [subtotal for part in parts for subtotal in part.subtotals])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Line]:
        return map(_unpack, self.rows)

    def held(self) -> Iterator[HeldLine]:
        """Give the lines as they are held, which costs less than half of making them."""
        return map(_held, self.rows)

    @overload
    def __getitem__(self, place: int) -> Line: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Line]: ...

    def __getitem__(self, place: int | slice) -> Line | Sequence[Line]:
        if isinstance(place, slice):
            return tuple(map(_unpack, self.rows[place]))
        return _unpack(self.rows[place])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)


class Gathering:
    """Takes lines in any order, and gives them as `Lines`."""

    def __init__(self) -> None:
        self._rows: list[bytes] = []
        self._sums: dict[tuple[str, int, Currency], list[int]] = {}

    def add(self, line: Line) -> None:
        """Take a line."""
        self._rows.append(_pack(line))
        amount, locks_at = line.amount, line.locks_at
        key = (line.outcome, line.version, amount.currency)
        held = self._sums.get(key)
        if held is None:
            held = self._sums[key] = [0, locks_at]
        held[0] += amount.minor
        held[1] = max(held[1], locks_at)

    def lines(self) -> Lines:
        """Give the lines that were taken, once there are no more of them."""
        self._rows.sort()
        return Lines(
            self._rows,
            [
                Subtotal(outcome, version, Money(minor, unit), last)
                for (outcome, version, unit), (minor, last) in self._sums.items()
            ],
        )


class HeldLine(msgspec.Struct, array_like=True, gc=False):
    """A line in texts and numbers: `quantity` is a decimal; `minor` is the amount, which may be of any size.

    The last three are what lines are sorted by, with `occurred_at`; they are held ahead of the others.
    """

    occurred_at: int | None
    decided_at: int | None
    locks_at: int
    ref: str
    record_type: str
    quantity: str
    unit: str
    price: str
    minor: str
    currency: str
    exponent: int
    entry: int
    version: int
    status: Status
    rate: ExchangeRate | None
    outcome: str = ""
    record_id: str = ""
    subject: str = ""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(HeldLine).decode


def _pack(line: Line) -> bytes:
    """Give the bytes of a line; sorted, they stand as the lines do on a statement.

    Ahead is what lines are sorted by. Each text of it ends with two zeros, and a zero in it is followed by a one, so
    that a text stands before those that begin with it.
    """
    unit = line.amount.currency
    at = (line.occurred_at or 0) + _LATEST
    key = f"{_key(line.outcome)}\0\0{at}{_key(line.record_id)}\0\0{_key(line.subject)}\0\0"
    rest = HeldLine(
        line.occurred_at,
        line.decided_at,
        line.locks_at,
        line.ref,
        line.record_type,
        str(line.quantity),
        line.unit,
        line.price,
        str(line.amount.minor),
        unit.code,
        unit.exponent,
        line.entry,
        line.version,
        line.status,
        line.rate,
    )
    return key.encode() + _encode(rest)


def _held(row: bytes) -> HeldLine:
    outcome, record_id, subject, packed = row.split(b"\0\0", 3)
    held = _decode(packed)
    held.outcome, held.record_id, held.subject = _text(outcome), _text(record_id[_DIGITS:]), _text(subject)
    return held


def _unpack(row: bytes) -> Line:
    held = _held(row)
    return Line(
        held.outcome,
        held.subject,
        held.ref,
        held.record_type,
        held.record_id,
        held.occurred_at,
        held.decided_at,
        held.locks_at,
        Decimal(held.quantity),
        held.unit,
        held.price,
        Money(int(held.minor), _currency(held.currency, held.exponent)),
        held.entry,
        held.version,
        held.status,
        held.rate,
    )


_currency = cache(Currency)


def _key(text: str) -> str:
    return text.replace("\0", "\0\1")


def _text(key: bytes) -> str:
    return key.decode().replace("\0\1", "\0")
