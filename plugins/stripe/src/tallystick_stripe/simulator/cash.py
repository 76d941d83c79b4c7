"""What happens to money: the actions of the plan that charge, capture, settle, fail, refund, dispute and pay out.

Each public method is one action: it is called once, at its time, and writes objects, ledger rows and events.
Documented at https://docs.stripe.com/payments/paymentintents/lifecycle, /refunds, /disputes/how-disputes-work and
/reports/balance-transaction-types.

Not confirmed on a live account: a partial capture makes one ledger row of the amount captured and no refund; an invoice
stays paid when its payment is refunded or a debit fails late; a pending debit has no ledger row before it succeeds.
"""

from __future__ import annotations

from typing import Any

from tallystick_stripe.simulator import objects_cash as build
from tallystick_stripe.simulator.billing import Billing
from tallystick_stripe.simulator.books import Obj
from tallystick_stripe.simulator.objects_account import payout as build_payout
from tallystick_stripe.simulator.rates import SETTLEMENT, convert, rate

__all__ = ["Cash"]

_DAY = 86_400
_DISPUTE_FEE = 2_000


class Cash(Billing):
    """Charges, refunds, disputes, payouts and the ledger behind them."""

    def pay(
        self,
        at: int,
        charge: str,
        *,
        invoice: str | None = None,
        extra: tuple[str, str] | None = None,
        also: tuple[str, str, int] | None = None,
        customer: str | None = None,
        currency: str = "eur",
        amount: int | None = None,
        over: int = 0,
        method: str = "card",
        by: str = "request",
        outcome: str = "succeeded",
        ledger: str = "kept",
        on_behalf_of: str | None = None,
    ) -> None:
        """Try to charge: for an invoice, or by itself.

        Args:
            at: Unix seconds.
            charge: Id of the charge.
            invoice: The invoice to pay, or None.
            extra: Ids of an invoice payment and an intent made for this payment; without, the invoice's own are used.
            also: A second invoice paid by the same intent: its id, the id of the invoice payment, the amount.
            customer: Payer, where no invoice tells.
            currency: Currency, where no invoice tells.
            amount: Minor units; by default what is still due.
            over: Part of `amount` beyond what is due.
            method: card, sepa_debit or us_bank_account.
            by: `stripe` for an automatic attempt.
            outcome: succeeded, failed or pending.
            ledger: kept; or what a broken ledger does: missing (no row), short (a row of 10.00 less).
            on_behalf_of: Connected account whose payment it is.
        """
        item = self.invoices[invoice] if invoice else None
        total = amount if amount is not None else item["amount_remaining"] if item else 0
        intent = self._intent_for(
            at, item=item, extra=extra, total=total, customer=customer, currency=currency, charge=charge
        )
        due = total - over - (also[2] if also else 0)
        if item:
            inpay = extra[0] if extra else self.standard[item["id"]][0]
            self.attached[intent["id"]] = [(inpay, due, over)]
        if also:
            payment = {"payment_intent": intent["id"], "type": "payment_intent"}
            self.attach(at, self.invoices[also[0]], payment, also[1], also[2], is_default=False)
            self.attached[intent["id"]].append((also[1], also[2], 0))
        made = self._charge(at, charge, intent, total, method=method, on_behalf_of=on_behalf_of)
        if item and by == "stripe":
            item.update(attempt_count=item["attempt_count"] + 1, attempted=True)
        if outcome == "failed":
            self._fail(at, made, by, "card_declined", "Your card was declined.")
        elif outcome == "pending":
            made.update(status="pending", paid=False)
            self.emit("charge.pending", made, at, by)
            self.change(intent, at, by, ("payment_intent.processing",), status="processing", latest_charge=charge)
        else:
            self._succeed(at, made, by, ledger)

    def _intent_for(
        self,
        at: int,
        *,
        item: Obj | None,
        extra: tuple[str, str] | None,
        total: int,
        customer: str | None,
        currency: str,
        charge: str,
    ) -> Obj:
        if item and extra:
            self.prepare(at, item, extra[1], extra[0], total, is_default=False)
            return self.payment_intents[extra[1]]
        if item:
            intent = self.payment_intents[self.standard[item["id"]][1]]
            intent["amount"] = total
            return intent
        made = build.payment_intent(
            id=self.ids.make("pi", charge),
            livemode=self.livemode,
            amount=total,
            created=at,
            currency=currency,
            customer=customer,
        )
        self.emit("payment_intent.created", self.payment_intents.add(made), at, "request")
        return made

    def _charge(self, at: int, charge: str, intent: Obj, total: int, *, method: str, on_behalf_of: str | None) -> Obj:
        values: dict[str, Any] = {}
        if on_behalf_of:
            destination = {"amount": None, "destination": on_behalf_of}
            values = {"on_behalf_of": on_behalf_of, "transfer_data": destination, "transfer_group": intent["id"]}
            intent.update(on_behalf_of=on_behalf_of, transfer_data={"destination": on_behalf_of})
        return self.charges.add(
            build.charge(
                id=charge,
                method=method,
                livemode=self.livemode,
                amount=total,
                amount_captured=total,
                created=at,
                currency=intent["currency"],
                customer=intent["customer"],
                description=intent["description"],
                payment_intent=intent["id"],
                **values,
            )
        )

    def _succeed(self, at: int, charge: Obj, by: str, ledger: str = "kept") -> None:
        txn = None
        if ledger != "missing":
            kind = "charge" if charge["payment_method_details"]["type"] == "card" else "payment"
            txn = self.book(at, charge, charge["amount_captured"], kind, "charge", skew=-1000 * (ledger == "short"))
        charge.update(status="succeeded", paid=True, balance_transaction=txn)
        self.emit("charge.succeeded", charge, at, by)
        self._received(at, charge, by)

    def _received(self, at: int, charge: Obj, by: str) -> None:
        intent = self.payment_intents[charge["payment_intent"]]
        self.change(
            intent,
            at,
            by,
            ("payment_intent.succeeded",),
            status="succeeded",
            amount_received=charge["amount_captured"],
            amount_capturable=0,
            latest_charge=charge["id"],
            payment_method=charge["payment_method"],
        )
        for inpay, amount, over in self.attached.get(intent["id"], []):
            self.apply(at, self.invoice_payments[inpay], amount, over, by)

    def _fail(self, at: int, charge: Obj, by: str, code: str, message: str) -> None:
        charge.update(
            status="failed",
            paid=False,
            captured=False,
            amount_captured=0,
            failure_code=code,
            failure_message=message,
            outcome={
                **(charge["outcome"] or {}),
                "network_status": "declined_by_network",
                "seller_message": "The bank did not return any further details with this decline.",
                "type": "issuer_declined",
            },
        )
        self.emit("charge.failed", charge, at, by)
        intent = self.payment_intents[charge["payment_intent"]]
        error = {"charge": charge["id"], "code": "payment_intent_payment_attempt_failed", "message": message}
        values = {"status": "requires_payment_method", "latest_charge": charge["id"]}
        last = {**error, "type": "card_error"}
        self.change(intent, at, by, ("payment_intent.payment_failed",), last_payment_error=last, **values)
        for inpay, _amount, _over in self.attached.get(intent["id"], []):
            item = self.invoices[self.invoice_payments[inpay]["invoice"]]
            retry = at + 3 * _DAY if item["collection_method"] == "charge_automatically" else None
            self.change(item, at, by, ("invoice.updated",), attempted=True, next_payment_attempt=retry)
            self.emit("invoice.payment_failed", item, at, by)

    def settle(self, at: int, charge: str) -> None:
        """Let a pending debit succeed."""
        self._succeed(at, self.charges[charge], "stripe")

    def fail(self, at: int, charge: str) -> None:
        """Let a debit fail: while it is pending, or late, after it had succeeded."""
        made = self.charges[charge]
        if made["status"] == "pending":
            self._fail(at, made, "stripe", "insufficient_funds", "The customer's account has insufficient funds.")
            return
        txn = self.book(at, made, -made["amount_captured"], "payment_failure_refund", "charge_failure")
        made.update(
            status="failed",
            paid=False,
            failure_balance_transaction=txn,
            failure_code="insufficient_funds",
            failure_message="The customer's account has insufficient funds.",
        )
        self.emit("charge.failed", made, at, "stripe")

    def authorize(self, at: int, charge: str, amount: int, *, invoice: str | None, inpay: str, customer: str) -> None:
        """Put a hold on a card without taking the money; it may be attached to an invoice."""
        item = self.invoices[invoice] if invoice else None
        currency = item["currency"] if item else "eur"
        intent = self._intent_for(
            at, item=None, extra=None, total=amount, customer=customer, currency=currency, charge=charge
        )
        made = self._charge(at, charge, intent, amount, method="card", on_behalf_of=None)
        made.update(captured=False, amount_captured=0)
        self.emit("charge.succeeded", made, at, "request")
        values = {"status": "requires_capture", "amount_capturable": amount, "latest_charge": charge}
        kinds = ("payment_intent.amount_capturable_updated",)
        self.change(intent, at, "request", kinds, capture_method="manual", **values)
        if item:
            payment = {"payment_intent": intent["id"], "type": "payment_intent"}
            self.attach(at, item, payment, inpay, amount, is_default=False)
            self.attached[intent["id"]] = [(inpay, 0, 0)]

    def capture(self, at: int, charge: str, amount: int) -> None:
        """Take all or part of an authorised amount; the rest of the hold falls away."""
        made = self.charges[charge]
        txn = self.book(at, made, amount, "charge", "charge")
        values = {"captured": True, "amount_captured": amount, "balance_transaction": txn}
        self.change(made, at, "request", ("charge.captured", "charge.updated"), **values)
        intent = made["payment_intent"]
        self.attached[intent] = [(inpay, amount, 0) for inpay, _, _ in self.attached.get(intent, [])]
        self._received(at, made, "request")

    def refund(self, at: int, id: str, charge: str, amount: int, status: str = "succeeded") -> None:  # noqa: A002
        """Give money back; a pending refund has left the balance already."""
        made = self.charges[charge]
        method = made["payment_method_details"]["type"]
        item = build.refund(
            id=id,
            method=method,
            amount=amount,
            charge=charge,
            created=at,
            currency=made["currency"],
            customer=made["customer"],
            payment_intent=made["payment_intent"],
            pending_reason="processing" if status == "pending" else None,
            status=status,
        )
        kind = "refund" if method == "card" else "payment_refund"
        item["balance_transaction"] = self.book(at, item, -amount, kind, "refund")
        self.emit("refund.created", self.refunds.add(item), at, "request")
        back = made["amount_refunded"] + amount
        values = {"amount_refunded": back, "refunded": back == made["amount_captured"]}
        self.change(made, at, "request", ("charge.refunded", "charge.updated"), **values)

    def end_refund(self, at: int, id: str, status: str) -> None:  # noqa: A002
        """Let a refund succeed, fail or be canceled; one that fails brings the money back."""
        item = self.refunds[id]
        values: Obj = {"status": status, "pending_reason": None}
        kinds: tuple[str, ...] = ("refund.updated", "charge.refund.updated")
        if status in {"failed", "canceled"}:
            txn = self.book(at, item, item["amount"], "refund_failure", "refund_failure")
            values["failure_balance_transaction"] = txn
            if status == "failed":
                values["failure_reason"] = "expired_or_canceled_card"
                kinds = ("refund.updated", "charge.refund.updated", "refund.failed")
            made = self.charges[item["charge"]]
            back = made["amount_refunded"] - item["amount"]
            self.change(made, at, "stripe", ("charge.updated",), amount_refunded=back, refunded=False)
        self.change(item, at, "stripe" if status != "canceled" else "request", kinds, **values)

    def open_dispute(self, at: int, id: str, charge: str, amount: int, *, inquiry: bool = False) -> None:  # noqa: A002
        """Let the customer's bank contest a payment; unless it only inquires, the money is taken at once."""
        made = self.charges[charge]
        item = build.dispute(
            id=id,
            inquiry=inquiry,
            livemode=self.livemode,
            due_by=at + 9 * _DAY,
            amount=amount,
            charge=charge,
            created=at,
            currency=made["currency"],
            payment_intent=made["payment_intent"],
        )
        self.emit("charge.dispute.created", self.disputes.add(item), at, "stripe")
        self.change(made, at, "stripe", ("charge.updated",), disputed=True)
        if not inquiry:
            self._move_disputed(at, item, -amount, "dispute", "charge.dispute.funds_withdrawn")

    def answer_dispute(self, at: int, id: str, status: str) -> None:  # noqa: A002
        """Hand in evidence or an appeal: `under_review`, `warning_under_review` or `appeal_under_review`."""
        item = self.disputes[id]
        details = {**item["evidence_details"], "has_evidence": True, "submission_method": "manual"}
        details["submission_count"] += 1
        kinds = ("charge.dispute.updated",)
        self.change(item, at, "request", kinds, status=status, evidence_details=details)

    def close_dispute(self, at: int, id: str, status: str) -> None:  # noqa: A002
        """Decide a dispute: `won` gives the money back; `lost`, `warning_closed` and `prevented` move nothing."""
        item = self.disputes[id]
        self.change(item, at, "stripe", ("charge.dispute.updated", "charge.dispute.closed"), status=status)
        if status == "won":
            category = "dispute_reversal"
            self._move_disputed(at, item, item["amount"], category, "charge.dispute.funds_reinstated")

    def _move_disputed(self, at: int, item: Obj, amount: int, category: str, kind: str) -> None:
        fee = _DISPUTE_FEE if amount < 0 else 0
        txn = self.book(at, item, amount, "adjustment", category, fee=fee)
        rows = [*item["balance_transactions"], self.balance_transactions[txn]]
        self.change(item, at, "stripe", (kind, "charge.dispute.updated"), balance_transactions=rows)

    def book(
        self, at: int, source: Obj, amount: int, kind: str, category: str, *, fee: int | None = None, skew: int = 0
    ) -> str:
        """Write one ledger row in the settlement currency and give its id.

        `amount` is in the source's currency and minor units; the rate is that of the day. By default a charge costs
        1.5 percent and 0.25 euro, all else nothing. `skew` is added to the row, which a sound ledger never does.
        """
        exchange = rate(source["currency"], at // _DAY, self.seed)
        settled = convert(amount, exchange) + skew
        if fee is None:
            fee = settled * 15 // 1000 + 25 if category == "charge" else 0
        made = build.balance_transaction(
            id=self.ids.make("txn", source["id"], kind, category, at),
            amount=settled,
            fee=fee,
            currency=SETTLEMENT,
            available_on=(at // _DAY + 3) * _DAY,
            created=at,
            description=source.get("description"),
            exchange_rate=None if exchange is None else float(exchange),
            reporting_category=category,
            source=source["id"],
            type=kind,
        )
        self.balance_transactions.add(made)
        return str(made["id"])

    def pay_out(self, at: int, id: str) -> None:  # noqa: A002
        """Send everything available to the bank account; nothing happens when there is nothing."""
        rows = [
            row
            for row in self.balance_transactions.items
            if row["available_on"] <= at and row["id"] not in self.paid_out and row["type"] != "payout"
        ]
        amount = sum(row["net"] for row in rows)
        if amount <= 0:
            return
        item = build_payout(id=id, amount=amount, currency=SETTLEMENT, created=at, livemode=self.livemode)
        txn = self.book(at, item, -amount, "payout", "payout")
        self.balance_transactions[txn]["available_on"] = item["arrival_date"]
        item["balance_transaction"] = txn
        for row in rows:
            self.paid_out[row["id"]] = id
        self.emit("payout.created", self.payouts.add(item), at, "stripe")

    def payout_arrives(self, at: int, id: str) -> None:  # noqa: A002
        """Let a payout reach the bank, if there was one."""
        if item := self.payouts.get(id):
            self.change(item, at, "stripe", ("payout.paid",), status="paid")
