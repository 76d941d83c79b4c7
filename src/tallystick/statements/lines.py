"""From verdicts to lines: what each outcome costs, in the calendar month in which it locked.

A claim is a line once it is verified, or once its grace is over where the buyer bears what is unverifiable. Outcomes of
one kind are priced month by month in the order in which they locked, since included units and tiers count through a
month. A currency that has an agreed rate is turned into the contract's before the price is applied.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import attrgetter

import msgspec

from tallystick.contracts import Agreement, Contract, ExchangeRate, Outcome, Percent, PerUnit, Tiers
from tallystick.errors import ConfigurationError, ContractError
from tallystick.money import Currency, Money, currency
from tallystick.period import Period, parse_period, zone
from tallystick.statements.pricing import EXACT, price_first, price_month
from tallystick.statements.statement import Line, line_order
from tallystick.verification.verdict import VerdictHead

__all__ = [
    "Months",
    "add_lines",
    "claimed_price",
    "contract_of",
    "counted",
    "currency_of",
    "found_lines",
    "measure_of",
    "price_lines",
    "price_of",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLAIM = "claim:"


class Months:
    """The calendar months of a time zone, each found by an instant in it."""

    def __init__(self, zone_name: str) -> None:
        self.zone_name = zone_name
        self._found: list[Period] = []

    def at(self, instant: int) -> Period:
        """Give the month that holds an instant."""
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


class _Draft(msgspec.Struct, frozen=True, gc=False):
    """An outcome that is paid, not yet priced; `quantity` is what the price applies to, `told` as the system says."""

    verdict: VerdictHead
    entry: int
    contract: Contract
    locks_at: int
    quantity: Decimal
    told: Decimal
    unit: str
    paid_in: Currency
    rate: ExchangeRate | None

    @property
    def rank(self) -> tuple[int, int, str, str]:
        """Where it stands among the others of its month."""
        verdict = self.verdict
        return self.locks_at, verdict.occurred_at or 0, verdict.record_id or "", verdict.subject


def price_lines(agreement: Agreement, verdicts: Mapping[int, VerdictHead], months: Months) -> dict[str, list[Line]]:
    """Give all lines of an agreement by the label of their month, each month's by outcome and instant.

    Args:
        agreement: The terms, version by version.
        verdicts: The newest verdict of each subject, by its ledger index.
        months: The months of the agreement's time zone.

    Raises:
        ContractError: A verdict was given under another text, or cannot be priced.
    """
    groups: dict[tuple[str, str, str, Currency], list[_Draft]] = defaultdict(list)
    for entry, verdict in verdicts.items():
        contract = contract_of(agreement, verdict)
        if not verdict.subject.startswith(_CLAIM) or not _is_paid(contract, verdict):
            continue
        draft = _draft(contract, verdict, entry)
        groups[months.at(draft.locks_at).label, contract.sha256, verdict.outcome, draft.paid_in].append(draft)
    lines: dict[str, list[Line]] = defaultdict(list)
    for (month, _, outcome, paid_in), drafts in groups.items():
        drafts.sort(key=attrgetter("rank"))
        contract = drafts[0].contract
        price = contract.outcomes[outcome].price
        priced = price_month(price, [draft.quantity for draft in drafts], paid_in, contract.billing.rounding)
        lines[month] += [_line(draft, amount, words) for draft, (amount, words) in zip(drafts, priced, strict=True)]
    for in_month in lines.values():
        in_month.sort(key=line_order)
    return dict(lines)


def found_lines(agreement: Agreement, verdicts: Mapping[int, VerdictHead], period: Period) -> list[Line]:
    """Give what would have been lines of a period if anybody had claimed it, each at the price of a first unit."""
    found = []
    for entry, verdict in verdicts.items():
        contract = contract_of(agreement, verdict)
        if verdict.found and verdict.status == "verified" and verdict.decided_at in period:
            draft = _draft(contract, verdict, entry)
            amount = price_of(contract, contract.outcomes[verdict.outcome], draft.quantity, draft.paid_in)
            found.append(_line(draft, amount, str(contract.outcomes[verdict.outcome].price)))
    return sorted(found, key=line_order)


def contract_of(agreement: Agreement, verdict: VerdictHead) -> Contract:
    """Give the version a verdict was given under.

    Raises:
        ContractError: It is none of the agreement's.
    """
    contract = agreement.by_sha256.get(verdict.contract_sha256)
    if contract is None:
        raise ContractError(
            f"{verdict.subject} was decided under another text of {agreement.name}:"
            f" version {verdict.contract_version}, {verdict.contract_sha256[:12]}",
            hint=f"Run `tallystick verify {agreement.name}` first: it decides under the terms as they are now.",
        )
    return contract


def _is_paid(contract: Contract, verdict: VerdictHead) -> bool:
    if verdict.status == "verified":
        return True
    borne = verdict.status == "unverifiable" and contract.unverifiable.borne_by == "buyer"
    return borne and verdict.locks_at is not None and claimed_price(contract, verdict) is not None


def counted(contract: Contract, verdict: VerdictHead) -> tuple[Decimal, str] | None:
    """Give the quantity and the unit, `unit` or a currency, that a statement would count a verdict for; None for none.

    Raises:
        ContractError: It is paid for and cannot be priced.
    """
    if verdict.found or not _is_paid(contract, verdict):
        return None
    outcome = outcome_of(contract, verdict)
    return measure_of(outcome, verdict) if verdict.status == "verified" else _as_claimed(contract, outcome, verdict)


def _draft(contract: Contract, verdict: VerdictHead, entry: int) -> _Draft:
    outcome = outcome_of(contract, verdict)
    locks_at = verdict.decided_at if verdict.locks_at is None else verdict.locks_at
    settled = bool(verdict.reasons) and verdict.reasons[0].clause == "dispute"
    if locks_at is None or (verdict.record_id is None and verdict.status == "verified" and not settled):
        raise _unpriceable(verdict, "it has no record, or no instant at which it was decided")
    if verdict.status == "verified":
        quantity, unit = measure_of(outcome, verdict)
    else:
        quantity, unit = _as_claimed(contract, outcome, verdict)
    return _Draft(verdict, entry, contract, locks_at, *_converted(contract, quantity, unit, verdict.exponent))


def _converted(
    contract: Contract, quantity: Decimal, unit: str, places: int | None
) -> tuple[Decimal, Decimal, str, Currency, ExchangeRate | None]:
    rate = contract.billing.rates.get(unit)
    if rate is not None:
        return EXACT.multiply(quantity, rate.rate), quantity, unit, contract.currency, rate
    return quantity, quantity, unit, currency_of(contract, unit, places), None


def _line(draft: _Draft, amount: Money, words: str) -> Line:
    verdict = draft.verdict
    return Line(
        outcome=verdict.outcome,
        subject=verdict.subject,
        ref=verdict.ref,
        record_type=verdict.record_type,
        record_id=verdict.record_id or "",
        occurred_at=verdict.occurred_at,
        decided_at=verdict.decided_at,
        locks_at=draft.locks_at,
        quantity=draft.told,
        unit=draft.unit,
        price=words,
        amount=amount,
        entry=draft.entry,
        version=draft.contract.version,
        status=verdict.status,
        rate=draft.rate,
    )


def outcome_of(contract: Contract, verdict: VerdictHead) -> Outcome:
    """Give the outcome a verdict is about.

    Raises:
        ContractError: The contract has none of that name.
    """
    if verdict.outcome not in contract.outcomes:
        raise _unpriceable(verdict, f"the contract has no outcome {verdict.outcome}")
    return contract.outcomes[verdict.outcome]


def measure_of(outcome: Outcome, verdict: VerdictHead) -> tuple[Decimal, str]:
    """Give what the price applies to: money and its currency for a percentage, a number of units otherwise.

    An outcome whose quantity is money but whose price is per unit is one unit.
    """
    if outcome.price.by_percent:
        if verdict.quantity is None or verdict.currency is None:
            raise _unpriceable(verdict, "its record names no amount, or no currency")
        return Decimal(verdict.quantity), verdict.currency
    if verdict.quantity is None or outcome.predicate.quantity_is_money:
        return Decimal(1), "unit"
    return Decimal(verdict.quantity), "unit"


def _as_claimed(contract: Contract, outcome: Outcome, verdict: VerdictHead) -> tuple[Decimal, str]:
    """Give what the price of a claim applies to that the evidence cannot tell: one unit, or the amount claimed."""
    if not outcome.price.by_percent or verdict.claimed_amount is None:
        return Decimal(1), "unit"
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


def price_of(contract: Contract, outcome: Outcome, quantity: Decimal, paid_in: Currency) -> Money:
    """Give the price of one quantity by itself, as if it were the first of a month and nothing were included.

    Args:
        contract: The terms.
        outcome: What is paid for.
        quantity: Units, or an amount in major units of `paid_in` for a percentage.
        paid_in: Currency of the quantity, if it is money.
    """
    price = outcome.price
    if isinstance(price, PerUnit):
        price = PerUnit(price.amount) if price.included else price
    elif isinstance(price, Tiers):
        first = price.steps[0].rate
        least, most = price.least, price.most
        unit = Money.of(first, price.currency, "half_up") if not price.by_percent else None
        price = Percent(first, least, most) if unit is None else PerUnit(unit)
    return price_first(price, quantity, paid_in, contract.billing.rounding)


def claimed_price(contract: Contract, verdict: VerdictHead) -> Money | None:
    """Give what a claim would cost if it were paid as it was made; None if it does not say enough.

    A verified claim that names no amount means what was verified.
    """
    outcome = outcome_of(contract, verdict)
    if outcome.price.by_percent and verdict.claimed_amount is not None:
        unit = verdict.claimed_currency or verdict.currency or contract.currency.code
        places = verdict.exponent if unit == verdict.currency else None
        quantity = verdict.claimed_amount
    elif outcome.price.by_percent and verdict.status != "verified":
        return None
    else:
        quantity, unit = measure_of(outcome, verdict)
        places = verdict.exponent
    due, _, _, paid_in, _ = _converted(contract, quantity, unit, places)
    return price_of(contract, outcome, due, paid_in)


def add_lines(lines: Iterable[Line], unit: Currency) -> Money:
    """Add the lines of one currency."""
    return sum((line.amount for line in lines if line.amount.currency == unit), Money(0, unit))


def _unpriceable(verdict: VerdictHead, why: str) -> ContractError:
    return ContractError(
        f"{verdict.subject} is verified and cannot be priced: {why}",
        hint="Run `tallystick verify` again; if it stays so, the predicate has to ask for what is missing.",
    )
