"""What was agreed: a contract file, read and checked."""

from tallystick.contracts.contract import Billing, Contract, Evidence, Outcome, Percent, PerUnit, Price, Term, Vendor
from tallystick.contracts.loader import load_contract
from tallystick.contracts.terms import ContractTerms, contract_json_schema

__all__ = [
    "Billing",
    "Contract",
    "ContractTerms",
    "Evidence",
    "Outcome",
    "PerUnit",
    "Percent",
    "Price",
    "Term",
    "Vendor",
    "contract_json_schema",
    "load_contract",
]
