"""The normal form of terms: one body for one agreement, however its file was written.

Defaults are filled in, amounts have the decimals of their currency, other numbers none at the end. Everything in it is
a text, a whole number, true, false, None, or a list or mapping of such, as JSON has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from tallystick.contracts.billing_terms import BillingTerms, CapTerms, FloorTerms, PriceTerms
from tallystick.contracts.terms import ContractTerms, OutcomeTerms
from tallystick.money import Currency, Money, currency

__all__ = ["body_of"]


def body_of(
    terms: ContractTerms,
    settings: Mapping[str, Mapping[str, Any]],
    rules: Mapping[str, Mapping[str, Any]],
    vendors: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """Give the body of a contract, which `contract_from_body` reads.

    Args:
        terms: The terms of the file.
        settings: By outcome, the parameters of its template that the contract sets, its calendar's among them.
        rules: By outcome, its rule in full, see `rule_body`.
        vendors: By outcome, the ids that its parameters name as the vendor's own.
    """
    unit = currency(terms.currency)
    return {
        "contract": terms.contract,
        "version": terms.version,
        "effective": _day(terms.effective),
        "buyer": terms.buyer,
        "vendor": {"name": terms.vendor.name, "identities": terms.vendor.identities},
        "people": terms.model_dump(include={"people"})["people"],
        "timezone": terms.timezone,
        "currency": terms.currency,
        "term": {**terms.term.model_dump(), "start": terms.term.start.isoformat(), "end": _day(terms.term.end)},
        "outcomes": [
            {
                **_outcome_body(given, unit),
                "name": name,
                "with": {key: _setting(value) for key, value in settings[name].items()},
                "vendors": list(vendors[name]),
                "rule": rules[name],
            }
            for name, given in terms.outcomes.items()
        ],
        "billing": _billing_body(terms.billing, unit),
        "holidays": sorted(day.isoformat() for day in terms.calendar.holidays),
        "finality": terms.finality.model_dump(),
        "unverifiable": terms.unverifiable.model_dump(),
        "off_ramp": [given.model_dump() for given in terms.off_ramp],
        "data_rights": terms.data_rights.model_dump() if terms.data_rights else None,
        "review": terms.review.every if terms.review else None,
        "keys": terms.keys.model_dump() if terms.keys else {},
    }


def _outcome_body(given: OutcomeTerms, unit: Currency) -> dict[str, Any]:
    baseline, sample = given.baseline, given.sample
    return {
        "source": given.source,
        "uses": given.uses,
        "evidence": {
            fact: {"source": second.source, "match": list(dict.fromkeys(second.match))}
            for fact, second in given.evidence.items()
        },
        "price": _price_body(given.price, unit),
        "description": given.description,
        "baseline": {"cost_per_outcome": _amount(baseline.cost_per_outcome, unit), "basis": baseline.basis}
        if baseline
        else None,
        "sample": {**sample.model_dump(), "tolerance": _number(sample.tolerance)} if sample else None,
    }


def _price_body(price: PriceTerms, unit: Currency) -> dict[str, Any]:
    tiers = None
    if price.tiers is not None:
        steps = [
            {
                "up_to": _number(step.up_to),
                "per_unit": _amount(step.per_unit, unit),
                "percent": _number(step.percent),
            }
            for step in price.tiers.steps
        ]
        tiers = {"mode": price.tiers.mode, "steps": steps}
    return {
        "per_unit": _amount(price.per_unit, unit),
        "percent": _number(price.percent),
        "tiers": tiers,
        "included": price.included,
        "min": _amount(price.min, unit),
        "max": _amount(price.max, unit),
    }


def _billing_body(billing: BillingTerms, unit: Currency) -> dict[str, Any]:
    return {
        **_limits_body(billing.floor, billing.cap, unit),
        "rounding": billing.rounding,
        "discounts": [
            {
                "percent": _number(discount.percent),
                "from": _day(discount.start),
                "until": _day(discount.until),
                "outcomes": discount.outcomes,
                "reason": discount.reason,
            }
            for discount in billing.discounts
        ],
        "currencies": {
            code: _limits_body(given.floor, given.cap, currency(code)) for code, given in billing.currencies.items()
        },
        "rates": {code: {"rate": _number(given.rate), "source": given.source} for code, given in billing.rates.items()},
    }


def _limits_body(floor: FloorTerms | None, cap: CapTerms | None, unit: Currency) -> dict[str, Any]:
    return {
        "floor": {"monthly": _amount(floor.monthly, unit)} if floor else None,
        "cap": {"monthly": _amount(cap.monthly, unit), "excess": cap.excess} if cap else None,
    }


def _amount(amount: Decimal | None, unit: Currency) -> str | None:
    return None if amount is None else f"{Money.of(amount, unit, 'half_up').amount:f}"


def _number(number: Decimal | None) -> str | None:
    if number is None:
        return None
    # Without zeros at the end, so that 12.50 and 12.5 percent are one text.
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _setting(value: Any) -> Any:
    """Give a parameter as JSON has it: a tuple as a list."""
    return list(value) if isinstance(value, tuple) else value
