"""The company of docs/settlement.md: thirteen payments in a simulated Stripe, and the twelve claims made on them."""

from __future__ import annotations

from tallystick.testing.instants import instant
from tallystick_stripe.simulator.state import Plan

__all__ = ["plan"]

# What was paid, when, and what was given back of it: number, day and hour of payment, cents, then day and cents.
_PAID = (
    ("01", "09-02T09:15:00", 120_000, None),
    ("02", "09-03T11:40:00", 10_020, None),
    ("03", "09-04T08:05:00", 33_334, None),
    ("04", "09-07T14:20:00", 88_000, ("10-12T10:30:00", 88_000)),
    ("05", "09-09T16:45:00", 72_050, None),
    ("06", "09-10T10:00:00", 64_000, ("09-13T12:00:00", 4_000)),
    ("07", "09-14T13:30:00", 41_236, None),
    ("08", "09-28T09:00:00", 52_000, None),
    ("09", "09-15T09:00:00", 30_000, ("09-18T09:00:00", 30_000)),
    ("13", "09-16T15:00:00", 19_900, None),
)
_FAILED = ("10", "09-17T10:00:00", 25_000)


def plan() -> Plan:
    """Give all that happens in the account."""
    made = Plan(1)
    for number, paid, cents, back in _PAID:
        at = instant(f"2026-{paid}Z")
        _invoiced(made, number, at, cents)
        made.add(at, "pay", charge=f"ch_{number}", invoice=f"in_{number}")
        if back is not None:
            made.add(instant(f"2026-{back[0]}Z"), "refund", id=f"re_{number}", charge=f"ch_{number}", amount=back[1])
    number, tried, cents = _FAILED
    at = instant(f"2026-{tried}Z")
    _invoiced(made, number, at, cents)
    made.add(at, "pay", charge=f"ch_{number}", invoice=f"in_{number}", outcome="failed")
    return made


def _invoiced(made: Plan, number: str, paid: int, cents: int) -> None:
    """Plan an invoice, sent twenty days before it is paid."""
    drafted = paid - 20 * 86_400
    made.add(
        drafted - 600,
        "create_customer",
        id=f"cus_{number}",
        country="DE",
        currency="eur",
        name=f"Customer {number}",
        email=f"accounts.{number}@customer.example",
        balance=0,
    )
    made.add(
        drafted,
        "create_invoice",
        id=f"in_{number}",
        customer=f"cus_{number}",
        currency="eur",
        total=cents,
        collection_method="send_invoice",
        metadata={},
    )
    made.add(drafted + 3600, "finalize", id=f"in_{number}", intent=f"pi_{number}", inpay=f"inpay_{number}", due_days=14)
