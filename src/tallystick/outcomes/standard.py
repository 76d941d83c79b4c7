"""Facts that clauses written out in a contract may use by name, for each record type.

They mean the same as in the templates: `net_amount` nets refunds, disputes whose funds are out, and credits paid back
elsewhere; `collected_at` is when the money was applied to an invoice.
"""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.records.types import RECORD_TYPES

__all__ = ["FUNDS_OUT", "standard_facts"]

_ISSUED = "coalesce(credit_notes.status = 'issued', true)"
_KEPT = "coalesce(refunds.status not in ('failed', 'canceled'), true)"
_PAID = "invoice_payments.status = 'paid'"
FUNDS_OUT = "disputes.withdrawn_at is not null and disputes.reinstated_at is null"

_PAYMENT = {
    "invoice_count": "count(invoices)",
    "invoice_created_at": "min(invoices.created_at)",
    "invoice_due_at": "min(invoices.due_at)",
    "invoice_finalized_at": "min(invoices.finalized_at)",
    "invoice_collection": "min(invoices.collection)",
    "collected_at": f"coalesce(min(invoice_payments.paid_at) filter (where {_PAID}), created_at)",
    "applied": f"sum(invoice_payments.amount_paid) filter (where {_PAID})",
    "received": "case when status = 'succeeded' and captured then amount_captured else 0 end",
    "gross": "case when status = 'succeeded' and captured then least(amount_captured, applied) else 0 end",
    "refunded_amount": f"sum(refunds.amount) filter (where {_KEPT})",
    "disputed_amount": f"sum(disputes.amount) filter (where {FUNDS_OUT})",
    "credited_amount": f"sum(credit_notes.out_of_band_amount) filter (where {_ISSUED})",
    "net_amount": "greatest(0, least(applied, received - refunded_amount - disputed_amount) - credited_amount)",
}
_INVOICE = {
    "applied": f"sum(invoice_payments.amount_paid) filter (where {_PAID})",
    "credited_amount": f"sum(credit_notes.amount) filter (where {_ISSUED})",
}


def standard_facts(record: str, custom: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Give the standard facts of a record type as texts by name.

    For `payment`, a custom field declared on `invoice` is a fact too, that of its invoice, under its own name unless a
    payment has something of that name.
    """
    if record == "payment":
        taken = {*RECORD_TYPES["payment"].column, *RECORD_TYPES["payment"].relation, "id", *_PAYMENT}
        tags = [name for name, kind in custom.get("invoice", {}).items() if kind != "boolean" and name not in taken]
        return {**{name: f"min(invoices.custom.{name})" for name in tags}, **_PAYMENT}
    return dict(_INVOICE) if record == "invoice" else {}
