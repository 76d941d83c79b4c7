"""What was agreed: a contract file, read and checked."""

from tallystick.contracts.agreement import Agreement, Termination
from tallystick.contracts.body import contract_from_body
from tallystick.contracts.calendar import (
    FinalityCalendar,
    Stage,
    calendar_of,
    clawback_end,
    dispute_end,
    grace_end,
    lock_instant,
)
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
    "Agreement",
    "Baseline",
    "Billing",
    "Contract",
    "ContractTerms",
    "Discount",
    "Evidence",
    "ExchangeRate",
    "Finality",
    "FinalityCalendar",
    "Limits",
    "OffRamp",
    "Outcome",
    "PerUnit",
    "Percent",
    "Price",
    "Sample",
    "Stage",
    "Step",
    "Term",
    "Termination",
    "Tiers",
    "Unverifiable",
    "Vendor",
    "calendar_of",
    "clawback_end",
    "contract_from_body",
    "contract_json_schema",
    "dispute_end",
    "grace_end",
    "load_contract",
    "lock_instant",
]
