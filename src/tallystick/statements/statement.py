"""A statement: what is owed for a period, line by line, and how every claim stands."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from itertools import islice
from typing import Any, Literal, TypeAlias

import msgspec

from tallystick.canonical import canonical, canonical_plain
from tallystick.contracts import FinalityCalendar
from tallystick.money import Currency, Money, Rounding, minor_text
from tallystick.period import Period, format_instant, moment
from tallystick.statements.line import HeldLine, LineKind, Lines
from tallystick.verification.verdict import Status

__all__ = [
    "STATUSES",
    "Adjustment",
    "AdjustmentKind",
    "Change",
    "Issued",
    "LedgerHead",
    "Note",
    "ReasonCount",
    "Statement",
    "Tally",
    "add_up",
    "signed_json",
    "statement_data",
    "statement_json",
]

STATUSES: tuple[Status, ...] = ("verified", "pending", "rejected", "unverifiable", "reversed")
"""The five verdicts, in the order statements show them."""

FORMAT = "tallystick-statement/2"

_AT_ONCE = 1_000
_NOT_SIGNED = "prepared_at"
# Stands after every name of a member.
_END = "~"


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """The ledger a statement was computed from: number of entries, and root hash in hexadecimal."""

    size: int
    root: str


AdjustmentKind: TypeAlias = Literal["sample", "discount", "carried", "cap", "floor"]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What is added to the lines of a month, or taken off: see `months` for the kinds and their order.

    For a floor or a cap, `limit` is that of the month, `due` what there was before it, and `days` of `month_days` days
    of the month lie in the contract's term.
    """

    kind: AdjustmentKind
    month: str
    amount: Money
    due: Money | None = None
    limit: Money | None = None
    days: int = 0
    month_days: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A line of an issued period that is not what it was billed as, and why: the newest verdict, in the ledger."""

    subject: str
    ref: str
    before: Money | None
    after: Money | None
    status: Status
    reason: str
    entry: int


@dataclass(frozen=True, slots=True)
class Note:
    """A correction of a period that was issued, in one currency: a credit note below zero, a debit note above.

    `restated` is what the period comes to now, `issued` what its statement said, `noted` what earlier notes made of it.
    `changes` are the lines that changed; what is left of the amount comes from floor, cap and discounts. `entry` is the
    ledger index of the statement.
    """

    period: str
    restated: Money
    issued: Money
    noted: Money
    changes: tuple[Change, ...]
    entry: int

    @property
    def amount(self) -> Money:
        """What corrects it."""
        return self.restated - (self.issued + self.noted)

    @property
    def kind(self) -> Literal["credit", "debit"]:
        """Which kind of note it is."""
        return "credit" if self.amount.minor < 0 else "debit"


@dataclass(frozen=True, slots=True)
class Issued:
    """A statement that was issued: what it said, by currency, without its notes, and those by the period they are on.

    `entry` is its index in the ledger, `size` the number of entries it was computed from, `prepared_at` when, and
    `sha256` its digest.
    """

    entry: int
    period: Period
    totals: Mapping[Currency, Money]
    notes: Mapping[str, Mapping[Currency, Money]]
    size: int
    prepared_at: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Tally:
    """All claims with one status, and what they would have cost at the contract's price, by currency.

    The contract's currency stands first. `unpriced` of them name no amount, so that their cost is not known.
    """

    status: Status
    claims: int
    amounts: tuple[Money, ...]
    unpriced: int


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many claims one clause decided, with the first of them as an example."""

    status: Status
    clause: str
    claims: int
    example: str
    text: str


@dataclass(frozen=True)
class Statement:
    """What is owed for a period under a contract.

    `lines` are the claimed outcomes that locked in the period; `notes` correct periods that were issued before; `found`
    would have been lines, but nobody claimed them: they are not billed. `versions` are the versions of the contract and
    the hashes of their text, `contract_version` is the one in force when the period ends. `shares` are what the lines
    of a month come to that is above its cap, by subject. `tallies` and `reasons` are about all claims under the
    contract, whatever the period. `outcomes` holds what the contract says about each outcome that has a line.
    `closing` are the dates of the line that may be disputed or corrected for longest. `provisional` says why the
    statement may still change; it is empty once it will not.
    """

    contract: str
    contract_version: int
    contract_sha256: str
    versions: tuple[tuple[int, str], ...]
    buyer: str
    vendor: str
    timezone: str
    currency: Currency
    rounding: Rounding
    period: Period
    ledger: LedgerHead
    prepared_at: int
    provisional: tuple[str, ...]
    outcomes: Mapping[str, str]
    lines: Lines
    closing: FinalityCalendar | None
    notes: tuple[Note, ...]
    adjustments: tuple[Adjustment, ...]
    shares: Mapping[str, Money]
    found: Lines
    tallies: tuple[Tally, ...]
    reasons: tuple[ReasonCount, ...]
    found_in_all: int

    @cached_property
    def subtotals(self) -> tuple[Money, ...]:
        """The sum of the lines of each currency, the contract's first."""
        return add_up((one.amount for one in self.lines.subtotals), self.currency)

    @cached_property
    def own_totals(self) -> tuple[Money, ...]:
        """What is owed for the period itself in each currency, the contract's first: lines and adjustments."""
        return add_up((*self.subtotals, *(change.amount for change in self.adjustments)), self.currency)

    @cached_property
    def totals(self) -> tuple[Money, ...]:
        """What is owed in each currency, the contract's first, notes included. Currencies are never added together."""
        return add_up((*self.own_totals, *(note.amount for note in self.notes)), self.currency)

    @property
    def total(self) -> Money:
        """What is owed in the contract's currency: its lines, adjustments and notes, exactly."""
        return self.totals[0]

    @property
    def claimed_amounts(self) -> tuple[Money, ...]:
        """What all claims would have cost, by currency, the contract's first."""
        return add_up((amount for tally in self.tallies for amount in tally.amounts), self.currency)

    @property
    def claimed_amount(self) -> Money:
        """What all claims would have cost in the contract's currency."""
        return self.claimed_amounts[0]

    @property
    def saved_by_cap(self) -> Money:
        """What the cap takes off, in the contract's currency, whether it is forgiven or carried on."""
        own = (
            change for change in self.adjustments if change.kind == "cap" and change.amount.currency == self.currency
        )
        return sum((-change.amount for change in own), Money(0, self.currency))

    @property
    def counts(self) -> dict[str, int]:
        """All claims, by status, and the outcomes found that nobody claimed."""
        counted: dict[str, int] = {tally.status: tally.claims for tally in self.tallies}
        return {"claimed": sum(counted.values()), **counted, "found": self.found_in_all}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all the statement says except when it was prepared: two parties compare this."""
        found = hashlib.sha256()
        for name, piece in _members(self):
            if name != _NOT_SIGNED:
                found.update(piece)
        return found.hexdigest()


def add_up(amounts: Iterable[Money], first: Currency) -> tuple[Money, ...]:
    """Add amounts currency by currency: `first` stands first, even if it is zero, the others by their code."""
    sums = {first: 0}
    for amount in amounts:
        sums[amount.currency] = sums.get(amount.currency, 0) + amount.minor
    others = sorted((unit for unit in sums if unit != first), key=lambda unit: (unit.code, unit.exponent))
    return tuple(Money(sums[unit], unit) for unit in (first, *others))


def statement_json(statement: Statement) -> Iterator[bytes]:
    """Give the canonical bytes of what `statement_data` gives, piece by piece, so that few lines are held twice."""
    return (piece for _, piece in _members(statement))


def signed_json(statement: Statement) -> Iterator[bytes]:
    """Give the same with the digest of the statement as the member `sha256`; it is hashed while it is written."""
    hashed, rest = hashlib.sha256(), []
    for name, piece in _members(statement):
        if name != _NOT_SIGNED:
            hashed.update(piece)
        if name < "sha256":
            yield piece
        else:
            rest.append(piece)
    yield b',"sha256":"%b"' % hashed.hexdigest().encode()
    yield from rest


def _members(statement: Statement) -> Iterator[tuple[str, bytes]]:
    """Give the bytes of a statement in pieces, each with the name of its member; any but the first may be left out."""
    data = {**_frame(statement), "lines": (), "found_not_claimed": ()}
    lines = {"lines": (statement.lines, statement.shares), "found_not_claimed": (statement.found, {})}
    mark = b"{"
    for name in sorted(data):
        yield name, mark + canonical(name) + b":"
        mark = b","
        if name in lines:
            yield from ((name, piece) for piece in _lines_json(*lines[name]))
        else:
            yield name, canonical(data[name])
    yield _END, b"}"


def _lines_json(lines: Lines, shares: Mapping[str, Money]) -> Iterator[bytes]:
    mark, rest = b"[", (_line(kind, line, shares) for kind, line in lines.held())
    while some := list(islice(rest, _AT_ONCE)):
        yield mark + canonical_plain(some)[1:-1]
        mark = b","
    yield b"]" if lines else b"[]"


def statement_data(statement: Statement) -> dict[str, Any]:
    """Give a statement as plain data: amounts and quantities as decimal texts, instants in ISO 8601, UTC."""
    return {
        **_frame(statement),
        "lines": [msgspec.to_builtins(_line(*held, statement.shares)) for held in statement.lines.held()],
        "found_not_claimed": [msgspec.to_builtins(_line(*held, {})) for held in statement.found.held()],
    }


def _frame(statement: Statement) -> dict[str, Any]:
    """Give all of the plain data but the lines."""
    return {
        "format": FORMAT,
        "contract": {
            "name": statement.contract,
            "version": statement.contract_version,
            "sha256": statement.contract_sha256,
            "versions": [{"version": version, "sha256": sha256} for version, sha256 in statement.versions],
        },
        "buyer": statement.buyer,
        "vendor": statement.vendor,
        "period": {
            "label": statement.period.label,
            "start": format_instant(statement.period.start),
            "end": format_instant(statement.period.end),
            "timezone": statement.timezone,
        },
        "currency": statement.currency.code,
        "rounding": statement.rounding,
        "ledger": {"size": statement.ledger.size, "root": statement.ledger.root},
        "prepared_at": format_instant(statement.prepared_at),
        "provisional": list(statement.provisional),
        "outcomes": dict(statement.outcomes),
        "finality": None if statement.closing is None else _finality(statement.closing),
        "subtotals": [_money(amount) for amount in statement.subtotals],
        "notes": [_note(note) for note in statement.notes],
        "adjustments": [_adjustment(adjustment) for adjustment in statement.adjustments],
        "own_totals": [_money(amount) for amount in statement.own_totals],
        "totals": [_money(amount) for amount in statement.totals],
        "total": f"{statement.total.amount:f}",
        "saved_by_cap": f"{statement.saved_by_cap.amount:f}",
        "claims": {
            "counts": statement.counts,
            "claimed_amounts": [_money(amount) for amount in statement.claimed_amounts],
            "by_status": [
                {
                    "status": tally.status,
                    "claims": tally.claims,
                    "amounts": [_money(amount) for amount in tally.amounts],
                    "unpriced": tally.unpriced,
                }
                for tally in statement.tallies
            ],
            "reasons": [
                {
                    "status": reason.status,
                    "clause": reason.clause,
                    "claims": reason.claims,
                    "example": reason.example,
                    "text": reason.text,
                }
                for reason in statement.reasons
            ],
        },
    }


def _money(amount: Money) -> dict[str, str]:
    return {"amount": amount.text, "currency": amount.currency.code}


class _RateData(msgspec.Struct, gc=False):
    rate: str
    source: str


class _RecordData(msgspec.Struct, gc=False):
    id: str
    type: str


class _LineData(msgspec.Struct, gc=False):
    """A line as plain data; the members stand in the order of canonical JSON."""

    amount: str
    contract_version: int
    currency: str
    decided_at: datetime | None
    ledger_entry: int
    locks_at: datetime
    occurred_at: datetime | None
    outcome: str
    price: str
    quantity: str
    rate: _RateData | None
    record: _RecordData
    ref: str
    status: Status
    subject: str
    unit: str
    within_cap: str | None


def _line(kind: LineKind, line: HeldLine, shares: Mapping[str, Money]) -> _LineData:
    share = shares.get(line.subject) if shares else None
    occurred_at, decided_at, locks_at = line.occurred_at, line.decided_at, moment(line.locks_at)
    return _LineData(
        minor_text(line.minor, kind.currency.exponent),
        kind.version,
        kind.currency.code,
        locks_at if decided_at == line.locks_at else None if decided_at is None else moment(decided_at),
        line.entry,
        locks_at,
        None if occurred_at is None else moment(occurred_at),
        kind.outcome,
        kind.price,
        line.quantity if "E" not in line.quantity else f"{Decimal(line.quantity):f}",
        None if kind.rate is None else _RateData(f"{kind.rate.rate:f}", kind.rate.source),
        _RecordData(line.record_id, kind.record_type),
        line.ref,
        kind.status,
        line.subject,
        kind.unit,
        None if share is None else share.text,
    )


def _finality(closing: FinalityCalendar) -> dict[str, str]:
    return {
        "locked_by": format_instant(closing.locks_at),
        "disputable_until": format_instant(closing.disputable_until),
        "on_silence": closing.on_silence,
        "clawback_until": format_instant(closing.clawback_until),
        "closes_at": format_instant(closing.closes_at),
    }


def _adjustment(adjustment: Adjustment) -> dict[str, Any]:
    due, limit = adjustment.due, adjustment.limit
    return {
        "kind": adjustment.kind,
        "month": adjustment.month,
        "due": None if due is None else f"{due.amount:f}",
        "limit": None if limit is None else f"{limit.amount:f}",
        "days": adjustment.days,
        "month_days": adjustment.month_days,
        "text": adjustment.text,
        **_money(adjustment.amount),
    }


def _note(note: Note) -> dict[str, Any]:
    return {
        "kind": note.kind,
        "period": note.period,
        "restated": f"{note.restated.amount:f}",
        "issued": f"{note.issued.amount:f}",
        "noted_before": f"{note.noted.amount:f}",
        **_money(note.amount),
        "changes": [
            {
                "subject": change.subject,
                "ref": change.ref,
                "before": None if change.before is None else f"{change.before.amount:f}",
                "after": None if change.after is None else f"{change.after.amount:f}",
                "status": change.status,
                "reason": change.reason,
                "ledger_entry": change.entry,
            }
            for change in note.changes
        ],
        "statement_entry": note.entry,
    }
