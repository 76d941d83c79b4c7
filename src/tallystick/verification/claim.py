"""Claims: what the vendor asserts, read from a file whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import msgspec

from tallystick.canonical import digest
from tallystick.errors import ConfigurationError, InputError
from tallystick.money import Money, currency
from tallystick.period import parse_instant
from tallystick.verification.claimfile import COLUMNS, Problems, Row, Stop, near, read_rows
from tallystick.yamlfile import combine

__all__ = ["Claim", "read_claims"]

_LONGEST_TEXT = 255
_AMOUNT = re.compile(r"[0-9]{1,14}(\.[0-9]{1,4})?", re.ASCII)
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


class Claim(msgspec.Struct, frozen=True, gc=False):
    """One claim as the vendor made it.

    `ref` names the record that shows the outcome. `amount`, in major units of `currency` (or of the contract's, if none
    is named), is what the vendor believes the outcome comes to; no verdict depends on it. `claimed_at` is in
    microseconds UTC.
    """

    claim_id: str
    outcome: str
    ref: str
    claimed_at: int | None = None
    amount: Decimal | None = None
    currency: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the claim's content; 12.5 and 12.50 are the same amount."""
        amount = None
        if self.amount is not None:
            text = f"{self.amount:f}"
            amount = text.rstrip("0").rstrip(".") if "." in text else text
        return digest({**{name: getattr(self, name) for name in COLUMNS}, "amount": amount})


def read_claims(path: Path, *, outcomes: Collection[str]) -> list[Claim]:
    """Read a file of claims: CSV with a header, or JSON Lines, in UTF-8 with or without a byte order mark.

    The columns are `claim_id`, `outcome`, `ref` and, if wanted, `claimed_at`, `amount`, `currency`. Cells that a
    spreadsheet would run as formulas are data like any other. A line of any length costs bounded memory.

    Args:
        path: The file.
        outcomes: Names of the contract's outcomes.

    Returns:
        The claims in the order of the file.

    Raises:
        InputError: Anything in the file is wrong: says the first 20 problems with file, line and column, and how many
            more there are.
    """
    problems = Problems(str(path))
    checks = _Checks(problems, outcomes)
    claims: list[Claim] = []
    try:
        with path.open("rb") as file, suppress(Stop):
            claims.extend(claim for row in read_rows(file, problems) if (claim := checks.claim(row)))
    except FileNotFoundError:
        raise InputError(f"there is no file {path}", hint="Check the name.", where=str(path)) from None
    except OSError as cause:
        raise InputError(f"the file cannot be read: {cause.strerror}", where=str(path)) from None
    if problems.kept:
        raise combine(problems.kept, InputError, total=problems.count)
    return claims


class _Checks:
    """From rows to claims; what is wrong is noted."""

    def __init__(self, problems: Problems, outcomes: Collection[str]) -> None:
        self.problems = problems
        self.outcomes = outcomes
        self.seen: dict[str, int] = {}

    def claim(self, row: Row) -> Claim | None:
        before = self.problems.count
        self._check_text(row, "claim_id")
        self._check_text(row, "ref")
        claim_id, outcome = row.values["claim_id"], row.values["outcome"].strip()
        if claim_id and claim_id in self.seen:
            what = f"{claim_id!r} was used in line {self.seen[claim_id]} already"
            self._wrong(row, "claim_id", what, "Give each claim its own id.")
        self.seen.setdefault(claim_id, row.line)
        if outcome not in self.outcomes:
            self._wrong(row, "outcome", f"the contract has no outcome {outcome!r}", near(outcome, self.outcomes))
        claimed_at = self._instant(row)
        amount, code = self._amount(row)
        if self.problems.count > before:
            return None
        return Claim(claim_id, outcome, row.values["ref"], claimed_at, amount, code)

    def _wrong(self, row: Row, name: str, message: str, hint: str = "") -> None:
        line, column = row.at(name)
        self.problems.add(line, column, f"{name}: {message}", hint)

    def _check_text(self, row: Row, name: str) -> None:
        value = row.values[name]
        if not value.strip():
            self._wrong(row, name, "it is empty")
        elif len(value) > _LONGEST_TEXT:
            self._wrong(row, name, f"it has more than {_LONGEST_TEXT} characters")
        elif _CONTROL.search(value):
            self._wrong(row, name, "it holds a line end or another control character")
        elif value.strip(" \u00a0") != value:
            self._wrong(row, name, "it begins or ends with a space", "Leave the space out.")

    def _instant(self, row: Row) -> int | None:
        text = row.values.get("claimed_at", "").strip()
        try:
            return parse_instant(text) if text else None
        except ConfigurationError as wrong:
            self._wrong(row, "claimed_at", wrong.message, wrong.hint)
            return None

    def _amount(self, row: Row) -> tuple[Decimal | None, str | None]:
        code = row.values.get("currency", "").strip() or None
        unit = None
        try:
            unit = currency(code) if code else None
        except ConfigurationError as wrong:
            self._wrong(row, "currency", wrong.message, wrong.hint)
        text = row.values.get("amount", "").strip()
        if not text:
            return None, code
        if not _AMOUNT.fullmatch(text):
            hint = "Write digits with a point, as 1250.00: no sign, no thousands separator, no currency."
            self._wrong(row, "amount", f"{text[:40]!r} is not an amount", hint)
            return None, code
        amount = Decimal(text)
        if unit and Money.of(amount, unit, "half_up").amount != amount:
            self._wrong(row, "amount", f"{text} has too many decimals: {unit.code} has {unit.exponent or 'no'}")
        return amount, code
