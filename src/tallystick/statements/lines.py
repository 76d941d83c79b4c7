"""From verdicts to lines: what each outcome costs, in the calendar month in which it locked.

A claim is a line once it is verified, or once its grace is over where the buyer bears what is unverifiable. Outcomes of
one kind are priced month by month in the order in which they locked, since included units and tiers count through a
month. A currency that has an agreed rate is turned into the contract's before the price is applied.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Protocol

from msgspec.structs import replace

from tallystick.contracts import Agreement, Contract, ExchangeRate, Outcome
from tallystick.errors import ConfigurationError, ContractError
from tallystick.money import Currency, Money, currency
from tallystick.period import Period, parse_period, zone
from tallystick.statements.line import Gathering, Line, LineKind, Lines
from tallystick.statements.pricing import EXACT, counts_through_month, first_price, price_first, price_month
from tallystick.verification.heads import Verdicts
from tallystick.verification.verdict import VerdictHead

__all__ = ["Months", "Pricer", "Tariff", "Watcher", "converted", "currency_of", "price_lines"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLAIM = "claim:"
_ONE = Decimal(1)
# Prices that are kept at a time, of each tariff.
_KEPT = 1 << 16


class Months:
    """The calendar months of a time zone, each found by an instant in it."""

    def __init__(self, zone_name: str) -> None:
        self.zone_name = zone_name
        self._found: list[Period] = []
        self._last = Period(0, 0, "")

    def at(self, instant: int) -> Period:
        """Give the month that holds an instant."""
        last = self._last
        if not last.start <= instant < last.end:
            last = self._last = self._find(instant)
        return last

    def _find(self, instant: int) -> Period:
        place = bisect_right(self._found, instant, key=attrgetter("start")) - 1
        if place >= 0 and instant in self._found[place]:
            return self._found[place]
        local = _EPOCH + timedelta(microseconds=zone(self.zone_name).to_local(instant))
        month = parse_period(f"{local.year:04}-{local.month:02}", self.zone_name)
        self._found.insert(place + 1, month)
        return month

    def of(self, period: Period) -> list[Period]:
        """Give the months of a period.

        Raises:
            ConfigurationError: It is not made of whole months.
        """
        months, start = [], period.start
        while start < period.end:
            month = self.at(start)
            if month.start != start or month.end > period.end:
                raise ConfigurationError(f"period {period.label} is not made of whole months in {self.zone_name}")
            months.append(month)
            start = month.end
        return months

    def between(self, first: int, last: int) -> Iterator[Period]:
        """Give the months from the one that holds an instant to the one that holds another, in their order."""
        start = self.at(first).start
        while start <= last:
            month = self.at(start)
            yield month
            start = month.end


class Tariff:
    """What an outcome costs that is told in one unit: found once, and used for all claims on it.

    `paid_in` is the currency of its lines, `rate` what turns a quantity into that where it is told in another one.

    Args:
        contract: The terms.
        outcome: What is paid for.
        unit: A currency code, or `unit`.
        places: Decimal places the system of record uses for the currency, where it said.

    Raises:
        ContractError: The currency is unknown.
    """

    def __init__(self, contract: Contract, outcome: Outcome, unit: str, places: int | None) -> None:
        self.unit, self.version = unit, contract.version
        self.rate = contract.billing.rates.get(unit)
        self.paid_in = currency_of(contract, unit, places) if self.rate is None else contract.currency
        self.waits = counts_through_month(outcome.price)
        self.words = str(outcome.price)
        self._outcome = outcome.name
        self._first = first_price(outcome.price)
        self._rounding = contract.billing.rounding
        # A claim is priced as it is billed and as it was made, which is mostly the same, and many cost the same.
        self.alone = lru_cache(_KEPT)(self._alone)

    def kind(self, verdict: VerdictHead, *, alone: bool = False) -> LineKind:
        """Give what the line of a verdict has in common with others; its price is open where it waits for its month."""
        return LineKind(
            self._outcome,
            verdict.record_type,
            self.unit,
            self.words if alone or not self.waits else "",
            self.paid_in,
            self.version,
            verdict.status,
            self.rate,
        )

    def _alone(self, quantity: Decimal) -> Money:
        """Give the price of one quantity by itself, as if it were the first of a month and nothing were included."""
        return price_first(self._first, converted(quantity, self.rate), self.paid_in, self._rounding)


class Pricer:
    """Prices the verdicts of an agreement, one by one.

    Args:
        agreement: The terms, version by version.
    """

    def __init__(self, agreement: Agreement) -> None:
        self.agreement = agreement
        self._known: dict[tuple[str, str, str, str | None, int | None], tuple[Outcome, Tariff, LineKind]] = {}
        self._tariffs: dict[tuple[str, str, str, int | None], Tariff] = {}

    def line(self, entry: int, verdict: VerdictHead) -> Line | None:
        """Give the line of a claim that is paid, None for one that is not.

        Where the price counts through the month it is still open: the amount is zero, and there are no words for it.

        Raises:
            ContractError: The verdict was given under another text of the contract, or cannot be priced.
        """
        if not verdict.subject.startswith(_CLAIM):
            self._contract(verdict)
            return None
        if verdict.status == "verified":
            outcome, tariff, kind = self._verified(verdict)
            quantity, _ = _measure(outcome, verdict)
        else:
            contract = self._contract(verdict)
            if not self._is_borne(contract, verdict):
                return None
            quantity, tariff = self._told(contract, verdict)
            kind = tariff.kind(verdict)
        amount = Money(0, tariff.paid_in) if tariff.waits else tariff.alone(quantity)
        return _line(entry, verdict, kind, quantity, amount)

    def found(self, entry: int, verdict: VerdictHead) -> Line:
        """Give what would be the line of an outcome if anybody had claimed it, at the price of a first unit.

        Raises:
            ContractError: See `line`.
        """
        quantity, tariff = self._told(self._contract(verdict), verdict)
        return _line(entry, verdict, tariff.kind(verdict, alone=True), quantity, tariff.alone(quantity))

    def claimed(self, verdict: VerdictHead, line: Line | None = None) -> Money | None:
        """Give what a claim would cost if it were paid as it was made; None if it does not say enough.

        A verified claim that names no amount means what was verified.

        Args:
            verdict: The verdict on the claim.
            line: Its line, where there is one.

        Raises:
            ContractError: See `line`.
        """
        if line is not None and line.kind.price and verdict.claimed_amount is None and verdict.status == "verified":
            return line.amount
        contract = self._contract(verdict)
        outcome, places = _outcome(contract, verdict), verdict.exponent
        if outcome.price.by_percent and verdict.claimed_amount is not None:
            unit = verdict.claimed_currency or verdict.currency or contract.currency.code
            places = places if unit == verdict.currency else None
            quantity = verdict.claimed_amount
        elif outcome.price.by_percent and verdict.status != "verified":
            return None
        else:
            quantity, unit = _measure(outcome, verdict)
        return self._tariff(contract, outcome, unit, places).alone(quantity)

    def _contract(self, verdict: VerdictHead) -> Contract:
        """Give the version a verdict was given under."""
        contract = self.agreement.by_sha256.get(verdict.contract_sha256)
        if contract is None:
            name = self.agreement.name
            raise ContractError(
                f"{verdict.subject} was decided under another text of {name}:"
                f" version {verdict.contract_version}, {verdict.contract_sha256[:12]}",
                hint=f"Run `tallystick verify {name}` first: it decides under the terms as they are now.",
            )
        return contract

    def _is_borne(self, contract: Contract, verdict: VerdictHead) -> bool:
        """Tell whether the buyer bears what is unverifiable."""
        borne = verdict.status == "unverifiable" and contract.unverifiable.borne_by == "buyer"
        return borne and verdict.locks_at is not None and self.claimed(verdict) is not None

    def counted(self, verdict: VerdictHead) -> tuple[Decimal, str] | None:
        """Give the quantity and the unit, `unit` or a currency, that a verdict is counted for; None for none.

        Raises:
            ContractError: See `line`.
        """
        contract = self._contract(verdict)
        if verdict.found or (verdict.status != "verified" and not self._is_borne(contract, verdict)):
            return None
        return _quantity(contract, _outcome(contract, verdict), verdict)

    def _verified(self, verdict: VerdictHead) -> tuple[Outcome, Tariff, LineKind]:
        """Give what the line of a verified verdict depends on; found once for all that differ in their amounts only."""
        key = (verdict.contract_sha256, verdict.outcome, verdict.record_type, verdict.currency, verdict.exponent)
        known = self._known.get(key)
        if known is None:
            contract = self._contract(verdict)
            _, tariff = self._told(contract, verdict)
            kind = tariff.kind(verdict)
            known = self._known[key] = (contract.outcomes[verdict.outcome], tariff, kind)
        return known

    def _told(self, contract: Contract, verdict: VerdictHead) -> tuple[Decimal, Tariff]:
        """Give the quantity of a paid verdict, and what it costs."""
        outcome = _outcome(contract, verdict)
        quantity, unit = _quantity(contract, outcome, verdict)
        return quantity, self._tariff(contract, outcome, unit, verdict.exponent)

    def _tariff(self, contract: Contract, outcome: Outcome, unit: str, places: int | None) -> Tariff:
        key = (contract.sha256, outcome.name, unit, places)
        tariff = self._tariffs.get(key)
        if tariff is None:
            tariff = self._tariffs[key] = Tariff(contract, outcome, unit, places)
        return tariff


class Watcher(Protocol):
    """Somebody who looks at the verdicts while they are priced, so that they are gone through once."""

    def see(self, pricer: Pricer, entry: int, verdict: VerdictHead, line: Line | None) -> None:
        """Look at a verdict, and at the line it gives if it is paid."""


def price_lines(pricer: Pricer, verdicts: Verdicts, months: Months, watcher: Watcher | None = None) -> dict[str, Lines]:
    """Give all lines of an agreement by the label of their month.

    Args:
        pricer: What prices them.
        verdicts: The newest verdict of each subject.
        months: The months of the agreement's time zone.
        watcher: Somebody who looks at each verdict once it is priced.

    Raises:
        ContractError: A verdict was given under another text, or cannot be priced.
    """
    numbers: dict[LineKind, int] = {}
    gathered: dict[str, Gathering] = defaultdict(lambda: Gathering(numbers))
    waiting: dict[tuple[str, int, str, Currency], Gathering] = defaultdict(Gathering)
    for entry, verdict in verdicts.items():
        line = pricer.line(entry, verdict)
        if watcher is not None:
            watcher.see(pricer, entry, verdict, line)
        if line is None:
            continue
        month = months.at(line.locks_at).label
        if line.kind.price:
            gathered[month].add(line)
        else:
            waiting[month, line.version, line.outcome, line.amount.currency].add(line)
    contracts = {contract.version: contract for contract in pricer.agreement.versions}
    for (month, version, outcome, paid_in), held in waiting.items():
        for line in _price_waiting(contracts[version], outcome, paid_in, held.lines()):
            gathered[month].add(line)
    return {month: held.lines() for month, held in gathered.items()}


def _price_waiting(contract: Contract, outcome: str, paid_in: Currency, lines: Lines) -> Iterator[Line]:
    """Price the lines of a month whose price counts through it, in the order in which they locked.

    Of those that locked at one instant, the one that stands first on the statement counts first.
    """
    locks = [line.locks_at for line in lines]
    order = sorted(range(len(lines)), key=locks.__getitem__)
    due = [converted(line.quantity, line.rate) for line in map(lines.__getitem__, order)]
    priced = price_month(contract.outcomes[outcome].price, due, paid_in, contract.billing.rounding)
    for place, (amount, words) in zip(order, priced, strict=True):
        line = lines[place]
        yield replace(line, amount=amount, kind=replace(line.kind, price=words))


def _locks_at(verdict: VerdictHead) -> int:
    if verdict.locks_at is not None and verdict.record_id is not None:
        return verdict.locks_at
    locks_at = verdict.decided_at if verdict.locks_at is None else verdict.locks_at
    settled = bool(verdict.reasons) and verdict.reasons[0].clause == "dispute"
    if locks_at is None or (verdict.record_id is None and verdict.status == "verified" and not settled):
        raise _unpriceable(verdict, "it has no record, or no instant at which it was decided")
    return locks_at


def _line(entry: int, verdict: VerdictHead, kind: LineKind, quantity: Decimal, amount: Money) -> Line:
    return Line(
        kind,
        verdict.subject,
        verdict.ref,
        verdict.record_id or "",
        verdict.occurred_at,
        verdict.decided_at,
        _locks_at(verdict),
        quantity,
        amount,
        entry,
    )


def _outcome(contract: Contract, verdict: VerdictHead) -> Outcome:
    """Give the outcome a verdict is about.

    Raises:
        ContractError: The contract has none of that name.
    """
    outcome = contract.outcomes.get(verdict.outcome)
    if outcome is None:
        raise _unpriceable(verdict, f"the contract has no outcome {verdict.outcome}")
    return outcome


def _quantity(contract: Contract, outcome: Outcome, verdict: VerdictHead) -> tuple[Decimal, str]:
    """Give what the price of a paid verdict applies to, and its unit."""
    if verdict.status == "unverifiable":
        return _as_claimed(contract, outcome, verdict)
    return _measure(outcome, verdict)


def _measure(outcome: Outcome, verdict: VerdictHead) -> tuple[Decimal, str]:
    """Give what the price applies to: money and its currency for a percentage, a number of units otherwise.

    An outcome whose quantity is money but whose price is per unit is one unit.
    """
    if outcome.price.by_percent:
        if verdict.quantity is None or verdict.currency is None:
            raise _unpriceable(verdict, "its record names no amount, or no currency")
        return verdict.quantity, verdict.currency
    if verdict.quantity is None or outcome.predicate.quantity_is_money:
        return _ONE, "unit"
    return verdict.quantity, "unit"


def _as_claimed(contract: Contract, outcome: Outcome, verdict: VerdictHead) -> tuple[Decimal, str]:
    """Give what the price of a claim applies to that the evidence cannot tell: one unit, or the amount claimed."""
    if not outcome.price.by_percent or verdict.claimed_amount is None:
        return _ONE, "unit"
    return verdict.claimed_amount, verdict.claimed_currency or verdict.currency or contract.currency.code


def currency_of(contract: Contract, unit: str, places: int | None = None) -> Currency:
    """Give the currency of an amount, or of `unit`: with the decimal places the system of record uses, where it said.

    A currency in which the contract has a floor or a cap, its own always, is the contract's, whatever a system says: so
    there is one of each. Units are priced in the contract's own.
    """
    if unit == "unit":
        return contract.currency
    for agreed in (contract.currency, *contract.billing.limits):
        if agreed.code == unit:
            return agreed
    if places is not None:
        return Currency(unit, places)
    try:
        return currency(unit)
    except ConfigurationError as unknown:
        raise ContractError(f"an outcome cannot be priced: {unknown.message}", hint=unknown.hint) from None


def converted(quantity: Decimal, rate: ExchangeRate | None) -> Decimal:
    """Give a quantity in the currency that a rate turns it into."""
    return quantity if rate is None else EXACT.multiply(quantity, rate.rate)


def _unpriceable(verdict: VerdictHead, why: str) -> ContractError:
    return ContractError(
        f"{verdict.subject} is verified and cannot be priced: {why}",
        hint="Run `tallystick verify` again; if it stays so, the predicate has to ask for what is missing.",
    )
