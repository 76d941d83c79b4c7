"""What was agreed: a contract file, read and checked."""

from tallystick.contracts.body import contract_from_body
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
from tallystick.contracts.loader import load_contract
from tallystick.contracts.price import Billing, Discount, ExchangeRate, Limits, Percent, PerUnit, Price, Step, Tiers
from tallystick.contracts.terms import ContractTerms, contract_json_schema

__all__ = [
    "Baseline",
    "Billing",
    "Contract",
    "ContractTerms",
    "Discount",
    "Evidence",
    "ExchangeRate",
    "Finality",
    "Limits",
    "OffRamp",
    "Outcome",
    "PerUnit",
    "Percent",
    "Price",
    "Sample",
    "Step",
    "Term",
    "Tiers",
    "Unverifiable",
    "Vendor",
    "contract_from_body",
    "contract_json_schema",
    "load_contract",
]
