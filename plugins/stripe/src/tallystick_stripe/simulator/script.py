"""The pen the story is written with: customers, invoices, placements, claims, and the verdict each one must get."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from tallystick.testing.instants import instant, iso
from tallystick_stripe.simulator.ids import Ids
from tallystick_stripe.simulator.rates import major
from tallystick_stripe.simulator.state import Plan

__all__ = ["AGENCY", "DAY", "OUTCOME", "RIVAL", "Bill", "Script", "day"]

DAY = 86_400
AGENCY = "recoverly"
RIVAL = "dunnwell"
OUTCOME = "recovered"

_COMPANIES = ("Alder", "Birke", "Cedar", "Dahlie", "Eiche", "Fichte", "Ginster", "Hasel", "Iris", "Jasmin", "Kiefer")
_FORMS = ("GmbH", "AG", "KG", "UG", "e.K.", "SE")
_COUNTRIES = {"eur": "DE", "usd": "US", "jpy": "JP", "kwd": "KW", "ugx": "UG", "isk": "IS", "huf": "HU", "gbp": "GB"}
# Ordinary invoices, in minor units: from, to, and the step that keeps the last digits legal.
_AMOUNTS = {
    "eur": (4_000, 240_000, 1),
    "usd": (4_000, 240_000, 1),
    "gbp": (4_000, 180_000, 1),
    "jpy": (6_000, 380_000, 10),
    "kwd": (12_000, 700_000, 10),
    "ugx": (10_000_000, 900_000_000, 100),
    "isk": (500_000, 30_000_000, 100),
    "huf": (1_500_000, 90_000_000, 100),
}


def day(text: str) -> int:
    """Give 00:00 UTC of a day of 2026, written `08-31`, in Unix seconds."""
    return instant(f"2026-{text}T00:00:00Z")


@dataclass(frozen=True, slots=True)
class Bill:
    """A finalized invoice of the plan."""

    id: str
    inpay: str
    intent: str
    customer: str
    currency: str
    total: int
    created: int
    due: int | None


class Script:
    """Collects the plan, the claims and the labels; random only by its seed."""

    def __init__(self, seed: int) -> None:
        self.plan = Plan(seed)
        self.ids = Ids(seed)
        self.random = random.Random(seed)
        self.claims: list[dict[str, str]] = []
        self.labels: dict[str, dict[str, str | None]] = {}
        self.decided: list[tuple[str, int, int]] = []
        self.bills = 0
        self._made = 0

    def key(self, prefix: str) -> str:
        """Give a new identifier."""
        self._made += 1
        return self.ids.make(prefix, self._made)

    def between(self, first: str, last: str) -> int:
        """Pick a second in office hours (UTC) of a day from `first` to `last`, both included."""
        days = (day(last) - day(first)) // DAY
        return day(first) + self.random.randint(0, days) * DAY + self.random.randint(7 * 3600, 17 * 3600)

    def amount(self, currency: str) -> int:
        """Pick the total of an ordinary invoice."""
        low, high, step = _AMOUNTS[currency]
        # Most invoices are small: the square of an even draw leans to the low end.
        return low + int((high - low) * self.random.random() ** 2) // step * step

    def do(self, at: int, action: str, **args: Any) -> None:
        """Schedule an action."""
        self.plan.add(at, action, **args)

    def customer(self, at: int, currency: str = "eur", balance: int = 0) -> str:
        """Plan a customer."""
        key = self.key("cus")
        name = f"{self.random.choice(_COMPANIES)} {self.random.choice(_COMPANIES)} {self.random.choice(_FORMS)}"
        self.do(
            at,
            "create_customer",
            id=key,
            country=_COUNTRIES[currency],
            currency=currency,
            name=name,
            email=f"accounts.{key[-6:].lower()}@customer.example",
            balance=balance,
        )
        return key

    def bill(
        self,
        created: int,
        *,
        currency: str = "eur",
        total: int | None = None,
        due_days: int | None = 14,
        balance: int = 0,
        metadata: dict[str, str] | None = None,
    ) -> Bill:
        """Plan an invoice, finalized an hour after it was drafted; `due_days` None is collected automatically."""
        self.bills += 1
        owner = self.customer(created - 600, currency, balance)
        amount = total if total is not None else self.amount(currency)
        due = None if due_days is None else created + 3600 + due_days * DAY
        made = Bill(self.key("in"), self.key("inpay"), self.key("pi"), owner, currency, amount, created, due)
        method = "charge_automatically" if due_days is None else "send_invoice"
        self.do(
            created,
            "create_invoice",
            id=made.id,
            customer=owner,
            currency=currency,
            total=amount,
            collection_method=method,
            metadata=metadata or {},
        )
        ids = {"id": made.id, "intent": made.intent, "inpay": made.inpay}
        self.do(created + 3600, "finalize", **ids, due_days=due_days)
        if due is not None:
            self.do(due, "mark_overdue", id=made.id)
        return made

    def place(self, bill: Bill, at: int, *, agency: str = AGENCY, written: int | None = None) -> None:
        """Plan that the buyer tags an invoice as placed with an agency at an instant; written then, unless told."""
        tags = {"placed_with": agency, "placed_at": iso(at)}
        self.do(written if written is not None else at, "tag", id=bill.id, metadata=tags)

    def overdue(self, collected: int, **values: Any) -> Bill:
        """Plan an invoice of spring that is long overdue, placed with the agency 2 to 20 days before `collected`.

        No placement is older than 3 August, so that the first sync of the story still sees it written.
        """
        created = self.between("04-02", "05-26")
        bill = self.bill(created, due_days=self.random.choice((14, 30)), **values)
        earliest = max(day("08-03") + 8 * 3600, collected - 20 * DAY)
        self.place(bill, self.random.randint(earliest, collected - 12 * 3600))
        return bill

    def pay(self, at: int, bill: Bill, *, method: str = "card", **values: Any) -> str:
        """Plan a payment of an invoice and give the id of its charge."""
        charge = self.key("ch" if method == "card" else "py")
        self.do(at, "pay", charge=charge, invoice=bill.id, method=method, **values)
        return charge

    def claim(self, ref: str, at: int, amount: int | None = None, currency: str = "eur") -> str:
        """Write a claim of the vendor and give its subject.

        It is made one to five days after `at`, or on the last evening before the last stage of the story.
        """
        claim = f"RC-{len(self.claims) + 1:05d}"
        evening = day("10-11") + self.random.randint(18 * 3600, 22 * 3600)
        made = at if at > evening else min(at + self.random.randint(DAY, 5 * DAY), evening)
        self.claims.append(
            {
                "claim_id": claim,
                "outcome": OUTCOME,
                "ref": ref,
                "claimed_at": iso(made),
                "amount": "" if amount is None else major(amount, currency),
                "currency": "" if amount is None else currency.upper(),
            }
        )
        return f"claim:{claim}"

    def label(
        self,
        subject: str,
        status: str,
        clause: str,
        trap: str,
        *,
        net: int | None = None,
        currency: str = "eur",
        decided: int | None = None,
    ) -> None:
        """Say which verdict a subject must have at the last stage; `decided` is when its last window closes."""
        amount = None if net is None else major(net, currency)
        self.labels[subject] = {"status": status, "clause": clause, "trap": trap, "net_amount": amount}
        if status == "verified" and net is not None and decided is not None:
            self.decided.append((currency, net, decided))

    def expect(self, ref: str, at: int, gross: int, *verdict: str, **rest: Any) -> None:
        """Claim a payment; `verdict` is the status, the clause and the trap of its label."""
        subject = self.claim(ref, at, gross, rest.get("currency", "eur"))
        status, clause, trap = verdict
        self.label(subject, status, clause, trap, **rest)
