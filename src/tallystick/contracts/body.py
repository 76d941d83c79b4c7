"""The body of a contract: what was agreed, in one form whatever its file looked like, and back again.

The body is what is hashed, signed, written to the ledger and handed over. A contract is always built from its body, so
that whoever holds the body alone, long after the file, the template or the plugin changed, has the very same contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

from tallystick.canonical import digest
from tallystick.contracts.contract import (
    Baseline,
    Contract,
    Evidence,
    Finality,
    OffRamp,
    Outcome,
    Sample,
    Term,
    Unverifiable,
    Vendor,
)
from tallystick.contracts.price import (
    Billing,
    Discount,
    ExchangeRate,
    Limits,
    Percent,
    PerUnit,
    Price,
    Step,
    Tiers,
)
from tallystick.money import Currency, Money, currency
from tallystick.outcomes import ClauseSource, People, Predicate, PredicateSource, Unit, predicate_from_source, tree
from tallystick.period import Zone, zone

__all__ = ["contract_from_body", "rule_body"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400_000_000

_LARGEST_POWER = 30


def rule_body(predicate: Predicate, source: PredicateSource, custom: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Give the rule of an outcome as data: clauses in their order, every fact they rest on, custom fields they read.

    Args:
        predicate: The rule.
        source: The text it was made from.
        custom: Custom fields the buyer declared: record type to field to kind.
    """
    clauses = []
    for name, clause in source.clauses.items():
        full = ClauseSource(clause) if isinstance(clause, str) else clause
        clauses.append(
            {
                "name": name,
                "test": full.test,
                "until": full.until,
                "open": full.open,
                "guard": full.guard,
                "says": full.says,
                "waits": full.waits,
            }
        )
    return {
        "record": predicate.record,
        "clauses": clauses,
        # A list, because canonical JSON keeps the order of no mapping: each fact stands after those it uses.
        "facts": [{"name": fact.name, "text": fact.text} for fact in predicate.facts],
        "quantity": source.quantity,
        "params": dict(source.params),
        "custom": _custom_read(predicate, custom),
        "unit": _unit_body(source.unit),
    }


def _custom_read(predicate: Predicate, custom: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Give the declared kinds of those custom fields that are read: another declaration changes no contract."""
    read: dict[str, dict[str, str]] = {}
    for node in predicate.nodes:
        if isinstance(node, tree.Field) and node.custom:
            of = predicate.record if node.relation is None else predicate.record_type.relation[node.relation].target
            read.setdefault(of, {})[node.name] = custom[of][node.name]
    return read


def _unit_body(unit: Unit | None) -> dict[str, Any] | None:
    if unit is None:
        return None
    return {"links": list(unit.links), "key": unit.key, "days": unit.days, "anywhere": unit.anywhere}


def contract_from_body(body: Mapping[str, Any]) -> Contract:
    """Build the contract that a body describes, which `load_contract` made or a ledger holds.

    Raises:
        ContractError: A rule in it is not of the language of this version of Tallystick.
        KeyError: It is not the body of a contract.
    """
    unit, place = currency(body["currency"]), zone(body["timezone"])
    effective = body["effective"]
    finality, unverifiable = body["finality"], body["unverifiable"]
    rights = body["data_rights"] or {}
    return Contract(
        name=body["contract"],
        version=body["version"],
        buyer=body["buyer"],
        vendor=Vendor(
            body["vendor"]["name"], {source: tuple(ids) for source, ids in body["vendor"]["identities"].items()}
        ),
        timezone=body["timezone"],
        currency=unit,
        term=_term(body["term"], place),
        outcomes={given["name"]: _outcome(given, unit) for given in body["outcomes"]},
        billing=_billing(body["billing"], unit),
        finality=Finality(
            finality["lock_days"],
            finality["dispute_days"],
            finality["clawback_days"],
            finality["on_silence"],
            finality["days"] == "business",
        ),
        unverifiable=Unverifiable(unverifiable["borne_by"], unverifiable["grace_days"]),
        body=body,
        sha256=digest(body),
        people=_people(body["people"]),
        effective_at=None if effective is None else _midnight(date.fromisoformat(effective), place),
        holidays=frozenset(_days_since_epoch(date.fromisoformat(day)) for day in body["holidays"]),
        off_ramps=tuple(OffRamp(given["measure"], given["below"], given["months"]) for given in body["off_ramp"]),
        export=rights.get("export"),
        retention_months=rights.get("retention_months"),
        review_every=body["review"],
        keys={party: tuple(keys) for party, keys in body["keys"].items()},
    )


def _people(given: Mapping[str, Mapping[str, Any]]) -> dict[str, People]:
    sources = {source for of_source in given.values() for source in of_source}
    return {
        source: {
            group: {"role_in": tuple(known[source]["role_in"]), "ids": tuple(known[source]["ids"])}
            for group, known in given.items()
            if source in known
        }
        for source in sorted(sources)
    }


def _term(given: Mapping[str, Any], place: Zone) -> Term:
    start = date.fromisoformat(given["start"])
    end = None if given["end"] is None else date.fromisoformat(given["end"])
    return Term(
        start,
        end,
        _midnight(start, place),
        None if end is None else _midnight(end, place),
        given["notice_days"],
        given["minimum_months"],
        given["tail_days"],
    )


def _midnight(day: date, place: Zone) -> int:
    return place.to_instant(_days_since_epoch(day) * _DAY)


def _days_since_epoch(day: date) -> int:
    return (datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH).days


def _outcome(given: Mapping[str, Any], unit: Currency) -> Outcome:
    rule, baseline, sample = given["rule"], given["baseline"], given["sample"]
    source = PredicateSource(
        {fact["name"]: fact["text"] for fact in rule["facts"]},
        {
            clause["name"]: ClauseSource(
                clause["test"], clause["until"], clause["open"], clause["guard"], clause["says"], clause["waits"]
            )
            for clause in rule["clauses"]
        },
        rule["quantity"],
        {name: _setting(value) for name, value in rule["params"].items()},
        None if rule["unit"] is None else Unit(**{**rule["unit"], "links": tuple(rule["unit"]["links"])}),
    )
    label = f"outcome {given['name']}:"
    predicate = predicate_from_source(rule["record"], source, custom=rule["custom"], label=label)
    return Outcome(
        name=given["name"],
        source=given["source"],
        predicate=predicate,
        price=_price(given["price"], unit),
        description=given["description"] or "",
        uses=given["uses"],
        settings={name: _setting(value) for name, value in given["with"].items()},
        vendors=tuple(given["vendors"]),
        calls=_evidence(given["evidence"], "calls"),
        acceptance=_evidence(given["evidence"], "acceptance"),
        baseline=None if baseline is None else Baseline(_money(baseline["cost_per_outcome"], unit), baseline["basis"]),
        sample=None
        if sample is None
        else Sample(sample["size"], _number(sample["tolerance"]), sample["confidence"], sample["rule"]),
    )


def _setting(value: Any) -> Any:
    """Give a parameter as a contract's file gives it: a list as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def _evidence(given: Mapping[str, Any], fact: Literal["calls", "acceptance"]) -> Evidence | None:
    second = given.get(fact)
    return None if second is None else Evidence(second["source"], tuple(second["match"]))


def _number(text: str) -> Decimal:
    """Give a number of a contract, which came from a file or from somebody else's ledger."""
    number = Decimal(text)
    # A few signs with an exponent stand for gigabytes of digits, and for powers that take for ever.
    if not number.is_finite() or (number and not -_LARGEST_POWER <= number.adjusted() <= _LARGEST_POWER):
        raise ValueError(f"{text} is no number that a contract has")
    return number


def _money(amount: str, unit: Currency) -> Money:
    return Money.of(_number(amount), unit, "half_up")


def _maybe(amount: str | None, unit: Currency) -> Money | None:
    return None if amount is None else _money(amount, unit)


def _price(given: Mapping[str, Any], unit: Currency) -> Price:
    least, most = _maybe(given["min"], unit), _maybe(given["max"], unit)
    if given["per_unit"] is not None:
        return PerUnit(_money(given["per_unit"], unit), given["included"])
    if given["percent"] is not None:
        return Percent(_number(given["percent"]), least, most)
    tiers = given["tiers"]
    by_percent = tiers["steps"][0]["percent"] is not None
    steps = tuple(
        Step(
            None if step["up_to"] is None else _number(step["up_to"]),
            _number(step["percent"] if by_percent else step["per_unit"]),
        )
        for step in tiers["steps"]
    )
    return Tiers(tiers["mode"], steps, by_percent, unit, given["included"], least, most)


def _billing(given: Mapping[str, Any], unit: Currency) -> Billing:
    limits = {unit: _limits(given, unit)}
    limits |= {currency(code): _limits(of_code, currency(code)) for code, of_code in given["currencies"].items()}
    discounts = [
        Discount(
            _number(discount["percent"]),
            _maybe_day(discount["from"]),
            _maybe_day(discount["until"]),
            tuple(discount["outcomes"]),
            discount["reason"],
        )
        for discount in given["discounts"]
    ]
    rates = {
        code: ExchangeRate(_number(of_code["rate"]), of_code["source"]) for code, of_code in given["rates"].items()
    }
    return Billing(limits, given["rounding"], tuple(discounts), rates)


def _maybe_day(day: str | None) -> date | None:
    return None if day is None else date.fromisoformat(day)


def _limits(given: Mapping[str, Any], unit: Currency) -> Limits:
    floor, cap = given["floor"], given["cap"]
    return Limits(
        None if floor is None else _money(floor["monthly"], unit),
        None if cap is None else _money(cap["monthly"], unit),
        "forgiven" if cap is None else cap["excess"],
    )
