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

__all__ = ["Gathering", "Line", "Lines", "Subtotal"]

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
        held = self._sums.setdefault((line.outcome, line.version, line.amount.currency), [0, line.locks_at])
        held[0] += line.amount.minor
        held[1] = max(held[1], line.locks_at)

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


class _Rest(msgspec.Struct, array_like=True, gc=False):
    """What of a line does not tell where it stands; `minor` is the amount, as text since it may be of any size."""

    occurred_at: int | None
    decided_at: int | None
    locks_at: int
    ref: str
    record_type: str
    quantity: Decimal
    unit: str
    price: str
    minor: str
    currency: str
    exponent: int
    entry: int
    version: int
    status: Status
    rate: ExchangeRate | None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Rest)


def _pack(line: Line) -> bytes:
    """Give the bytes of a line; sorted, they stand as the lines do on a statement.

    Ahead is what lines are sorted by. Each text of it ends with two zeros, and a zero in it is followed by a one, so
    that a text stands before those that begin with it.
    """
    unit = line.amount.currency
    at = (line.occurred_at or 0) + _LATEST
    key = f"{_key(line.outcome)}\0\0{at}{_key(line.record_id)}\0\0{_key(line.subject)}\0\0"
    rest = _Rest(
        line.occurred_at,
        line.decided_at,
        line.locks_at,
        line.ref,
        line.record_type,
        line.quantity,
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
    return key.encode() + _encoder.encode(rest)


def _unpack(row: bytes) -> Line:
    outcome, record_id, subject, packed = row.split(b"\0\0", 3)
    rest = _decoder.decode(packed)
    return Line(
        _text(outcome),
        _text(subject),
        rest.ref,
        rest.record_type,
        _text(record_id[_DIGITS:]),
        rest.occurred_at,
        rest.decided_at,
        rest.locks_at,
        rest.quantity,
        rest.unit,
        rest.price,
        Money(int(rest.minor), _currency(rest.currency, rest.exponent)),
        rest.entry,
        rest.version,
        rest.status,
        rest.rate,
    )


_currency = cache(Currency)


def _key(text: str) -> str:
    return text.replace("\0", "\0\1")


def _text(key: bytes) -> str:
    return key.decode().replace("\0\1", "\0")
