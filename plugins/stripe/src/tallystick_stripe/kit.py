"""Stripe in the conformance kit: one simulated account, steered, and what the connector is held to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from tallystick.testing.kit import UNKNOWN_WORD, Capability, ConnectorKit, Lack, SteeredSystem, Tape
from tallystick_stripe.client import PAGE_SIZE
from tallystick_stripe.connector import StripeConnector
from tallystick_stripe.simulator import Plan, Simulator, create_app

__all__ = ["StripeKit"]

_DAY = 86_400
_START = "2026-09-01T06:00:00Z"
_FAULTS = {
    Capability.LAG: "lag",
    Capability.SIGN_IN: "401",
    Capability.THROTTLING: "429",
    Capability.RETRY_AFTER: "429_retry_after",
    Capability.SERVER_ERROR: "500",
    Capability.MAINTENANCE_PAGE: "503_html",
    Capability.TRUNCATION: "truncated",
    Capability.RESET: "reset",
    Capability.CLOCK_SKEW: "clock_skew",
}
_COLUMNS = {"payment": "status", "invoice": "status"}


class _Account(SteeredSystem[Simulator]):
    """One account in live mode; what is made in it is made in the simulator's books."""

    def __init__(self, number: int, app: Simulator, tape: Tape, origin: str) -> None:
        variable, key = f"STRIPE_KEY_{number}", f"rk_live_kit{number}Qm7Zr2Vx9Tb4"
        config = {"base_url": origin, "key": f"env:{variable}", "start": "2026-08-01"}
        super().__init__(app, tape, config, page_size=PAGE_SIZE, environment={variable: key})
        self._serial = itertools.count()
        self._change: tuple[Capability, str] | None = None
        self._books = app.worlds[True].books
        self._begin()

    def create(self, record_type: str) -> str:
        """Make a customer, an invoice that is a draft, or a payment."""
        made = {"customer": self._customer, "invoice": self._draft, "payment": self._pay}[record_type]()
        if self._change is not None and self._change[1] == record_type:
            self._alter(self._rows(record_type)[made], self._change[0])
        return made

    def edit(self, record_type: str, record_id: str) -> None:
        """Describe an object anew; Stripe does not tell who did it."""
        values = {"name" if record_type == "customer" else "description": f"Number {next(self._serial)}"}
        kind = {"customer": "customer.updated", "invoice": "invoice.updated", "payment": "charge.updated"}[record_type]
        self._books.change(self._rows(record_type)[record_id], self.app.now, "request", (kind,), **values)

    def delete(self, record_type: str, record_id: str) -> None:
        """Delete a customer or a draft."""
        delete = self._books.delete_customer if record_type == "customer" else self._books.delete_draft
        delete(self.app.now, record_id)

    def set_fault(self, fault: Capability, *, after: int = 0, times: int | None = 1, seconds: int = 0) -> None:
        """Let calls go wrong."""
        line = {"path": "/v1/*", "kind": _FAULTS[fault], "after": after, "times": times, "seconds": seconds}
        self.app.faults.load([line])

    def change_wire(self, change: Capability, record_type: str) -> str:
        """Let the objects made from now on be others than they were."""
        self._change = (change, record_type)
        return "" if change is Capability.GAINED_FIELD else _COLUMNS[record_type]

    def clear(self) -> None:
        """Let all go well again."""
        super().clear()
        self._change = None

    def _rows(self, record_type: str) -> Any:
        return getattr(self._books, {"customer": "customers", "invoice": "invoices", "payment": "charges"}[record_type])

    def _id(self, prefix: str) -> str:
        return self._books.ids.make(prefix, "kit", next(self._serial))

    def _customer(self) -> str:
        key, at = self._id("cus"), self.app.now
        self._books.create_customer(
            at, key, "DE", currency="eur", name=f"Kunde {key[-4:]}", email="a@b.example", balance=0
        )
        return key

    def _draft(self) -> str:
        key = self._id("in")
        self._books.create_invoice(self.app.now, key, self._owner, currency="eur", total=11_900)
        return key

    def _pay(self) -> str:
        key = self._id("ch")
        self._books.pay(self.app.now, key, customer=self._owner, amount=4_200)
        return key

    def _alter(self, item: dict[str, Any], change: Capability) -> None:
        if change is Capability.GAINED_FIELD:
            item["field_of_the_future"] = {"shares": [0.5, None]}
        elif change is Capability.LOST_FIELD:
            del item["status"]
        else:
            item["status"] = {"value": item["status"]} if change is Capability.RETYPED_FIELD else UNKNOWN_WORD

    def _begin(self) -> None:
        """Let there be one of everything that is read."""
        at = self.app.now
        self._owner = self._customer()
        bill, charge, refund = self._draft(), self._id("ch"), self._id("re")
        self._books.finalize(at, bill, self._id("pi"), self._id("inpay"), 14)
        self._books.pay(at, charge, invoice=bill)
        self._books.refund(at, refund, charge, 1_000)
        self._books.open_dispute(at, self._id("du"), charge, 500)
        self._books.credit(at, self._id("cn"), bill, refund=(refund, 1_000))
        self.advance(_DAY)


class StripeKit(ConnectorKit):
    """The Stripe connector: windows of objects, and events for what becomes of them."""

    connector = StripeConnector
    creates = ("customer", "invoice", "payment")
    lacks: ClassVar[Mapping[Lack, str]] = {
        Capability.MERGES: "Stripe merges nothing",
        Capability.TOKEN_EXPIRY: "a restricted key does not expire by itself; a rolled one is a refused sign-in",
        (Capability.DELETIONS, "payment"): "a payment is never deleted",
        (Capability.LOOKUP, "customer"): "no claim is about a customer",
        (Capability.LOST_FIELD, "customer"): "a customer has no field of fixed words",
        (Capability.RETYPED_FIELD, "customer"): "a customer has no field of fixed words",
        (Capability.UNKNOWN_WORD, "customer"): "a customer has no field of fixed words",
    }
    calls_idle = 10
    calls_per_page = 2
    lag_seconds = 60

    @contextmanager
    def open(self, number: int) -> Iterator[_Account]:
        """Serve an account."""
        app = create_app(plan=Plan(number), now=_START)
        tape = Tape(app)
        with tape.running() as origin:
            yield _Account(number, app, tape, origin)
