"""What happens to customers and invoices: the actions of the plan that make and change them.

Each public method is one action: it is called once, at its time, and writes objects and events. Documented at
https://docs.stripe.com/invoicing/overview, /invoicing/partial-payments and /invoicing/integration/credit-notes.
"""

from __future__ import annotations

from typing import Any

from tallystick_stripe.simulator import objects_billing as build
from tallystick_stripe.simulator.books import Books, Obj
from tallystick_stripe.simulator.objects_cash import payment_intent

__all__ = ["Billing"]

_DAY = 86_400


class Billing(Books):
    """Customers, invoices, invoice payments and credit notes."""

    def __init__(self, seed: int, *, livemode: bool, keep_events_from: int = 0) -> None:
        super().__init__(seed, livemode=livemode, keep_events_from=keep_events_from)
        self.standard: dict[str, tuple[str, str]] = {}
        self.attached: dict[str, list[tuple[str, int, int]]] = {}

    def create_customer(self, at: int, id: str, country: str, **values: Any) -> None:  # noqa: A002
        """Make a customer; a negative `balance` is credit for the next invoice."""
        item = build.customer(id=id, livemode=self.livemode, country=country, created=at, **values)
        self.emit("customer.created", self.customers.add(item), at, "request")

    def update_customer(self, at: int, id: str, **values: Any) -> None:  # noqa: A002
        """Set fields of a customer."""
        self.change(self.customers[id], at, "request", ("customer.updated",), **values)

    def delete_customer(self, at: int, id: str) -> None:  # noqa: A002
        """Delete a customer; its invoices stay."""
        self.delete(self.customers, id, at, "customer.deleted")

    def create_invoice(self, at: int, id: str, customer: str, **values: Any) -> None:  # noqa: A002
        """Draft an invoice."""
        owner = self.customers[customer]
        item = build.invoice(
            id=id,
            livemode=self.livemode,
            created=at,
            customer=customer,
            customer_name=owner["name"],
            customer_email=owner["email"],
            customer_address=owner["address"],
            starting_balance=owner["balance"],
            **values,
        )
        self.emit("invoice.created", self.invoices.add(item), at, "request")

    def delete_draft(self, at: int, id: str) -> None:  # noqa: A002
        """Delete an invoice that was never finalized."""
        self.delete(self.invoices, id, at, "invoice.deleted")

    def finalize(self, at: int, id: str, intent: str, inpay: str, due_days: int | None) -> None:  # noqa: A002
        """Make a draft a demand, use up the customer's credit, and prepare its payment.

        `due_days` None is for invoices that Stripe collects by itself; they have no due date.
        """
        item = self.invoices[id]
        owner = self.customers[item["customer"]]
        credit = min(max(-owner["balance"], 0), item["total"]) if owner["currency"] == item["currency"] else 0
        if credit:
            self.change(owner, at, "stripe", ("customer.updated",), balance=owner["balance"] + credit)
        due = item["total"] - credit
        number = f"{owner['invoice_prefix']}-{owner['next_invoice_sequence']:04d}"
        owner["next_invoice_sequence"] += 1
        values: Obj = {
            "amount_due": due,
            "amount_remaining": due,
            "automatically_finalizes_at": None,
            "due_date": None if due_days is None else at + due_days * _DAY,
            "effective_at": at,
            "ending_balance": owner["balance"],
            "hosted_invoice_url": f"https://invoice.stripe.com/i/{id}",
            "invoice_pdf": f"https://pay.stripe.com/invoice/{id}/pdf",
            "next_payment_attempt": at if due_days is None else None,
            "number": number,
            "status": "open",
            "status_transitions": {**item["status_transitions"], "finalized_at": at},
        }
        self.change(item, at, "request", ("invoice.finalized",), **values)
        if not due:
            self._paid(item, at, "stripe", {})
            return
        if due_days is not None:
            self.emit("invoice.sent", item, at, "stripe")
        self.prepare(at, item, intent, inpay, due, is_default=True)
        self.standard[id] = (inpay, intent)

    def prepare(self, at: int, item: Obj, intent: str, inpay: str, amount: int, *, is_default: bool) -> None:
        """Make the payment intent of an invoice, and the invoice payment that joins the two."""
        made = payment_intent(
            id=intent,
            livemode=self.livemode,
            amount=amount,
            created=at,
            currency=item["currency"],
            customer=item["customer"],
            description=f"Payment for Invoice {item['number']}",
        )
        self.emit("payment_intent.created", self.payment_intents.add(made), at, "stripe")
        self.attach(
            at, item, {"payment_intent": intent, "type": "payment_intent"}, inpay, amount, is_default=is_default
        )

    def attach(self, at: int, item: Obj, payment: Obj, inpay: str, amount: int, *, is_default: bool) -> Obj:
        """Join a payment to an invoice."""
        made = build.invoice_payment(
            id=inpay,
            livemode=self.livemode,
            payment=payment,
            amount_requested=amount,
            created=at,
            currency=item["currency"],
            invoice=item["id"],
            is_default=is_default,
        )
        return self.invoice_payments.add(made)

    def tag(self, at: int, id: str, metadata: dict[str, str], by: str = "request") -> None:  # noqa: A002
        """Write metadata on an invoice; other keys stay."""
        item = self.invoices[id]
        self.change(item, at, by, ("invoice.updated",), metadata={**item["metadata"], **metadata})

    def mark_overdue(self, at: int, id: str) -> None:  # noqa: A002
        """Tell that an invoice is past its due date, if it still is open."""
        if self.invoices[id]["status"] == "open":
            self.emit("invoice.overdue", self.invoices[id], at, "stripe")

    def end_invoice(self, at: int, id: str, status: str) -> None:  # noqa: A002
        """Void an invoice, or give it up as `uncollectible`."""
        item = self.invoices[id]
        field, kind = {
            "void": ("voided_at", "invoice.voided"),
            "uncollectible": ("marked_uncollectible_at", "invoice.marked_uncollectible"),
        }[status]
        transitions = {**item["status_transitions"], field: at}
        self.change(item, at, "request", ("invoice.updated", kind), status=status, status_transitions=transitions)

    def pay_off_platform(self, at: int, id: str, inpay: str, record: str, reported: bool = True) -> None:  # noqa: A002, FBT001, FBT002
        """Mark an invoice as paid outside Stripe: somebody's word, no money moves here.

        With `reported` a payment record says so and an invoice payment points at it; without, the invoice is only paid.
        """
        item = self.invoices[id]
        amount = item["amount_remaining"]
        if reported:
            payment = {"payment_record": record, "type": "payment_record"}
            made = self.attach(at, item, payment, inpay, amount, is_default=False)
            self.fill(at, made, amount, "request")
        paid_off = {"amount_paid_off_stripe": (item["amount_paid_off_stripe"] or 0) + amount}
        self._paid(item, at, "request", {"amount_paid": item["amount_paid"] + amount, **paid_off})

    def fill(self, at: int, inpay: Obj, amount: int, by: str) -> None:
        """Mark an invoice payment as paid."""
        transitions = {**inpay["status_transitions"], "paid_at": at}
        kinds = ("invoice_payment.paid",)
        self.change(inpay, at, by, kinds, amount_paid=amount, status="paid", status_transitions=transitions)

    def apply(self, at: int, inpay: Obj, amount: int, over: int, by: str) -> None:
        """Put money towards an invoice; `over` is what came in beyond the amount due and becomes credit."""
        self.fill(at, inpay, amount, by)
        item = self.invoices[inpay["invoice"]]
        left = item["amount_remaining"] - amount
        values = {"amount_paid": item["amount_paid"] + amount, "amount_overpaid": item["amount_overpaid"] + over}
        if over:
            owner = self.customers[item["customer"]]
            self.change(owner, at, "stripe", ("customer.updated",), balance=owner["balance"] - over)
        if left <= 0:
            self._paid(item, at, by, values)
            return
        self.change(item, at, by, ("invoice.updated",), amount_remaining=left, **values)
        standard, intent = self.standard[item["id"]]
        self.invoice_payments[standard]["amount_requested"] = left
        self.payment_intents[intent]["amount"] = left

    def _paid(self, item: Obj, at: int, by: str, values: Obj) -> None:
        transitions = {**item["status_transitions"], "paid_at": at}
        self.change(
            item,
            at,
            by,
            ("invoice.updated", "invoice.paid", "invoice.payment_succeeded"),
            amount_remaining=0,
            attempted=True,
            auto_advance=False,
            next_payment_attempt=None,
            status="paid",
            status_transitions=transitions,
            **values,
        )
        if item["id"] in self.standard:
            self._drop_standard(at, *self.standard[item["id"]])

    def _drop_standard(self, at: int, inpay: str, intent: str) -> None:
        made = self.invoice_payments[inpay]
        if made["status"] != "open":
            return
        made.update(status="canceled", status_transitions={"canceled_at": at, "paid_at": None})
        kinds = ("payment_intent.canceled",)
        values = {"status": "canceled", "canceled_at": at, "cancellation_reason": "void_invoice"}
        self.change(self.payment_intents[intent], at, "stripe", kinds, **values)

    def credit(
        self,
        at: int,
        id: str,  # noqa: A002
        invoice: str,
        *,
        before: int = 0,
        refund: tuple[str, int] | None = None,
        to_balance: int = 0,
        out_of_band: int = 0,
    ) -> None:
        """Credit an invoice.

        `before` reduces what is still due; the rest is given back after payment: by an existing refund, to the
        customer's balance, or outside Stripe.
        """
        item = self.invoices[invoice]
        after = (refund[1] if refund else 0) + to_balance + out_of_band
        refunds = [{"amount_refunded": refund[1], "refund": refund[0], "type": "refund"}] if refund else []
        made = build.credit_note(
            id=id,
            livemode=self.livemode,
            amount=before + after,
            currency=item["currency"],
            created=at,
            customer=item["customer"],
            customer_balance_transaction=f"cbtxn_{id[-24:]}" if to_balance else None,
            effective_at=at,
            invoice=invoice,
            out_of_band_amount=out_of_band or None,
            post_payment_amount=after,
            pre_payment_amount=before,
            reason="order_change",
            refunds=refunds,
        )
        self.emit("credit_note.created", self.credit_notes.add(made), at, "request")
        if to_balance:
            owner = self.customers[item["customer"]]
            self.change(owner, at, "stripe", ("customer.updated",), balance=owner["balance"] - to_balance)
        values: Obj = {
            "pre_payment_credit_notes_amount": item["pre_payment_credit_notes_amount"] + before,
            "post_payment_credit_notes_amount": item["post_payment_credit_notes_amount"] + after,
        }
        self._reduce(item, at, before, values)

    def _reduce(self, item: Obj, at: int, before: int, values: Obj) -> None:
        left = item["amount_remaining"] - before
        if before and left <= 0:
            self._paid(item, at, "stripe", values)
            return
        self.change(item, at, "stripe", ("invoice.updated",), amount_remaining=left, **values)
        if before:
            standard, intent = self.standard[item["id"]]
            self.invoice_payments[standard]["amount_requested"] = left
            self.payment_intents[intent]["amount"] = left

    def void_credit(self, at: int, id: str) -> None:  # noqa: A002
        """Void a credit note that was given out of band."""
        note = self.credit_notes[id]
        self.change(note, at, "request", ("credit_note.voided",), status="void", voided_at=at)
        item = self.invoices[note["invoice"]]
        amount = item["post_payment_credit_notes_amount"] - note["post_payment_amount"]
        self.change(item, at, "stripe", ("invoice.updated",), post_payment_credit_notes_amount=amount)
