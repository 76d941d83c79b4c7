"""A contract whose outcome comes from a small template, and records to try it on."""

from contextlib import nullcontext
from decimal import Decimal

from tests.contract_files import CUSTOM, differing
from tests.evidence import READ, payment

from tallystick.contracts import load_contract
from tallystick.outcomes import Param, PredicateSource, Template
from tallystick.outcomes.predicate import Unit
from tallystick.outcomes.template import Preset
from tallystick.period import Period, parse_instant, parse_period

CONTRACT = """\
contract: acme
version: 1
buyer: Acme GmbH
vendor: {name: Uptime AI}
timezone: Europe/Berlin
currency: EUR
term: {start: 2026-12-01}
outcomes:
  paid:
    source: billing
    uses: paid-by-card
    price: {per_unit: 10.00}
"""
QUARTER = Period(
    parse_period("2026-08", "Europe/Berlin").start, parse_period("2026-10", "Europe/Berlin").end, "2026-08 to 2026-10"
)
AUGUST, SEPTEMBER, OCTOBER = (parse_instant(f"2026-{month}-10T10:00:00Z") for month in ("08", "09", "10"))


def _preset(name, **more):
    values = {"doc": "", "values": {}, "price": "", "source": "", "date": "", "confidence": "P", **more}
    return Preset(name=name, **values)


def _build(values):
    if values["method"] == "none":
        raise ValueError("no method at all")
    clauses = {"succeeded": "status = 'succeeded'", "method": f"method = '{values['method']}'"}
    return PredicateSource(
        {"carries_on": "beneficiary"},
        {**clauses, "enough": "amount_captured >= :least"},
        params={"least": Decimal(values["least"])},
        unit=Unit(("carries_on",)),
    )


PAID = Template(
    "paid-by-card",
    "payment",
    "",
    (
        Param("least", "integer", "", "", 40),
        Param("method", "text", "", "", "card", ("card", "cash", "none")),
        Param("unused", "boolean", "", "", default=False),
    ),
    _build,
    {
        "cheap": _preset("cheap", values={"least": 1}, price="USD 0.50 each", per_unit="0.50 USD"),
        "by-contract": _preset("by-contract", values={"method": "cash"}),
        "broken": _preset("broken", values={"method": "none"}, price="not public"),
    },
)


def card(record_id, **changes):
    """Give a payment by card."""
    return payment(record_id, **{"method": "card", **changes})


def loader(folder):
    """Give a function that loads a contract that differs from a plain one as a text says."""

    def load(difference=""):
        base = folder / "base.yaml"
        base.write_text(CONTRACT)
        path = differing(folder / "contract.yaml", difference, base)
        return load_contract(path, templates={PAID.name: PAID}, custom=CUSTOM)

    return load


def opener(database, inputs=READ):
    """Give what opens the records for an outcome."""
    return lambda _: nullcontext((database, inputs))
