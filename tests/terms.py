"""Contracts from their text and verdicts under them, for tests of what they come to; nothing is read or verified."""

from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tallystick.contracts import load_contract
from tallystick.period import parse_instant
from tallystick.verification.verdict import Reason, Verdict

_TEXT = """\
contract: acme
version: {version}
{effective}buyer: Acme
vendor: {{name: Vendor}}
timezone: Europe/Berlin
currency: EUR
term: {term}
outcomes:
  counted:
    source: billing
    record: payment
    clauses: {{succeeded: "status = 'succeeded'"}}
    price: {counted}
  shared:
    source: billing
    record: payment
    clauses: {{succeeded: "status = 'succeeded'"}}
    quantity: amount_captured
    price: {shared}
billing: {billing}
{more}
"""


def terms(
    billing="{rounding: half_up}",
    *,
    counted="{per_unit: 1.00}",
    shared="{percent: 10}",
    term="{start: 2026-01-01}",
    more="",
    version=1,
    effective="",
):
    """Give a contract of two outcomes, `counted` by the unit and `shared` by percent, all else as it is given."""
    taking_effect = f"effective: {effective}\n" if effective else ""
    return agreed(
        _TEXT.format(
            billing=billing,
            counted=counted,
            shared=shared,
            term=term,
            more=more,
            version=version,
            effective=taking_effect,
        )
    )


@cache
def agreed(text):
    """Give the contract of a text."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "acme.yaml"
        path.write_text(text)
        return load_contract(path, templates={}, custom={"billing": {}})


def verdict(contract, subject, quantity="1", on="2026-09-10", **more):
    """Give a verified claim, decided at noon of a day in the zone's summer and locked at once; a subject is a claim."""
    status = more.get("status", "verified")
    decided = parse_instant(f"{on}T10:00:00Z")
    met = status == "verified"
    values = {
        "outcome": "counted" if "." not in quantity else "shared",
        "status": status,
        "quantity": Decimal(quantity) if met else None,
        "currency": "EUR" if met else None,
        "occurred_at": decided,
        "decided_at": decided if met else None,
        "locks_at": decided if met else None,
        "record_id": subject,
        "reasons": () if met else (Reason("succeeded", "status is failed"),),
        **more,
    }
    return Verdict(
        contract=contract.name,
        contract_version=contract.version,
        contract_sha256=contract.sha256,
        subject=subject if ":" in subject else f"claim:{subject}",
        ref=subject,
        record_type="payment",
        **values,
    )
