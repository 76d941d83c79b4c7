"""Customers, invoices, invoice payments and credit notes, as the pinned API version writes them.

Every key is there, as in the vendor's own description (the class annotations of the SDK). Nested values are replaced
and never changed in place, so the templates below can be shared.
"""

from __future__ import annotations

from typing import Any

__all__ = ["credit_note", "customer", "invoice", "invoice_payment"]

Obj = dict[str, Any]

_CUSTOMER: Obj = {
    "id": "",
    "object": "customer",
    "address": None,
    "balance": 0,
    "business_name": None,
    "created": 0,
    "currency": "eur",
    "customer_account": None,
    "default_source": None,
    "delinquent": False,
    "description": None,
    "discount": None,
    "email": None,
    "individual_name": None,
    "invoice_credit_balance": {},
    "invoice_prefix": "",
    "invoice_settings": {
        "custom_fields": None,
        "default_payment_method": None,
        "footer": None,
        "rendering_options": None,
    },
    "livemode": True,
    "metadata": {},
    "name": None,
    "next_invoice_sequence": 1,
    "phone": None,
    "preferred_locales": [],
    "shipping": None,
    "tax_exempt": "none",
    "test_clock": None,
}


def customer(*, id: str, livemode: bool, country: str, **values: Any) -> Obj:  # noqa: A002
    """Build a customer; `values` replace the keys of one without any history."""
    address = {"city": None, "country": country, "line1": None, "line2": None, "postal_code": None, "state": None}
    prefix = id[-8:].upper()
    return {**_CUSTOMER, "id": id, "livemode": livemode, "address": address, "invoice_prefix": prefix, **values}


_INVOICE: Obj = {
    "id": "",
    "object": "invoice",
    "account_country": "DE",
    "account_name": "Nordwind Software GmbH",
    "account_tax_ids": None,
    "amount_due": 0,
    "amount_overpaid": 0,
    "amount_paid": 0,
    "amount_paid_off_stripe": 0,
    "amount_remaining": 0,
    "amount_shipping": 0,
    "application": None,
    "attempt_count": 0,
    "attempted": False,
    "auto_advance": True,
    "automatic_tax": {
        "disabled_reason": None,
        "enabled": False,
        "liability": None,
        "provider": None,
        "status": None,
    },
    "automatically_finalizes_at": None,
    "billing_reason": "manual",
    "collection_method": "send_invoice",
    "confirmation_secret": None,
    "created": 0,
    "currency": "eur",
    "custom_fields": None,
    "customer": None,
    "customer_account": None,
    "customer_address": None,
    "customer_email": None,
    "customer_name": None,
    "customer_phone": None,
    "customer_shipping": None,
    "customer_tax_exempt": "none",
    "customer_tax_ids": [],
    "default_payment_method": None,
    "default_source": None,
    "default_tax_rates": [],
    "description": None,
    "discounts": [],
    "due_date": None,
    "effective_at": None,
    "ending_balance": None,
    "footer": None,
    "from_invoice": None,
    "hosted_invoice_url": None,
    "invoice_pdf": None,
    "issuer": {"type": "self"},
    "last_finalization_error": None,
    "latest_revision": None,
    "lines": {},
    "livemode": True,
    "metadata": {},
    "next_payment_attempt": None,
    "number": None,
    "on_behalf_of": None,
    "parent": None,
    "payment_settings": {
        "default_mandate": None,
        "payment_method_options": None,
        "payment_method_types": ["card", "sepa_debit"],
    },
    "period_end": 0,
    "period_start": 0,
    "post_payment_credit_notes_amount": 0,
    "pre_payment_credit_notes_amount": 0,
    "receipt_number": None,
    "rendering": None,
    "shipping_cost": None,
    "shipping_details": None,
    "starting_balance": 0,
    "statement_descriptor": None,
    "status": "draft",
    "status_details": None,
    "status_transitions": {
        "finalized_at": None,
        "marked_uncollectible_at": None,
        "paid_at": None,
        "voided_at": None,
    },
    "subtotal": 0,
    "subtotal_excluding_tax": 0,
    "test_clock": None,
    "threshold_reason": None,
    "total": 0,
    "total_discount_amounts": [],
    "total_excluding_tax": 0,
    "total_pretax_credit_amounts": [],
    "total_taxes": [],
    "webhooks_delivered_at": None,
}


def _line(invoice_id: str, created: int, amount: int, currency: str, *, livemode: bool) -> Obj:
    mark = invoice_id[-24:]
    item = {"invoice_item": f"ii_{mark}", "proration": False, "proration_details": None, "subscription": None}
    return {
        "id": f"il_{mark}",
        "object": "line_item",
        "amount": amount,
        "currency": currency,
        "description": "Nordwind Pro, annual licence",
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice_id,
        "livemode": livemode,
        "metadata": {},
        "parent": {
            "invoice_item_details": item,
            "subscription_item_details": None,
            "type": "invoice_item_details",
        },
        "period": {"end": created, "start": created},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": f"price_{mark}", "product": "prod_NordwindPro0000"},
            "type": "price_details",
            "unit_amount_decimal": str(amount),
        },
        "quantity": 1,
        "quantity_decimal": "1",
        "subscription": None,
        "subtotal": amount,
        "taxes": [],
    }


def invoice(*, id: str, livemode: bool, total: int, currency: str, created: int, **values: Any) -> Obj:  # noqa: A002
    """Build a draft invoice with one line."""
    line = _line(id, created, total, currency, livemode=livemode)
    return {
        **_INVOICE,
        "id": id,
        "amount_due": total,
        "amount_remaining": total,
        "automatically_finalizes_at": created + 3600,
        "created": created,
        "currency": currency,
        "lines": {"object": "list", "data": [line], "has_more": False, "url": f"/v1/invoices/{id}/lines"},
        "livemode": livemode,
        "period_end": created,
        "period_start": created,
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "total": total,
        "total_excluding_tax": total,
        "webhooks_delivered_at": created,
        **values,
    }


def invoice_payment(*, id: str, livemode: bool, payment: Obj, **values: Any) -> Obj:  # noqa: A002
    """Build an open invoice payment; `payment` is like `{"type": "payment_intent", "payment_intent": "pi_..."}`."""
    return {
        "id": id,
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": 0,
        "created": 0,
        "currency": "eur",
        "invoice": None,
        "is_default": True,
        "livemode": livemode,
        "payment": payment,
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
        **values,
    }


def credit_note(*, id: str, livemode: bool, amount: int, currency: str, **values: Any) -> Obj:  # noqa: A002
    """Build an issued credit note with one line; `pre_payment_amount` and `post_payment_amount` make its type."""
    mark = id[-24:]
    line = {
        "id": f"cnli_{mark}",
        "object": "credit_note_line_item",
        "amount": amount,
        "description": "Credit",
        "discount_amount": 0,
        "discount_amounts": [],
        "invoice_line_item": None,
        "livemode": livemode,
        "metadata": None,
        "pretax_credit_amounts": [],
        "quantity": 1,
        "tax_rates": [],
        "taxes": [],
        "type": "custom_line_item",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }
    before, after = values.get("pre_payment_amount", 0), values.get("post_payment_amount", 0)
    return {
        "id": id,
        "object": "credit_note",
        "amount": amount,
        "amount_shipping": 0,
        "created": 0,
        "currency": currency,
        "customer": None,
        "customer_account": None,
        "customer_balance_transaction": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": None,
        "invoice": None,
        "lines": {"object": "list", "data": [line], "has_more": False, "url": f"/v1/credit_notes/{id}/lines"},
        "livemode": livemode,
        "memo": None,
        "metadata": {},
        "number": f"{mark[:8].upper()}-CN-01",
        "out_of_band_amount": None,
        "pdf": f"https://pay.stripe.com/credit_notes/{mark}/pdf",
        "post_payment_amount": after,
        "pre_payment_amount": before,
        "pretax_credit_amounts": [],
        "reason": None,
        "refunds": [],
        "shipping_cost": None,
        "status": "issued",
        "subtotal": amount,
        "subtotal_excluding_tax": amount,
        "total": amount,
        "total_excluding_tax": amount,
        "total_taxes": [],
        "type": "mixed" if before and after else "pre_payment" if before else "post_payment",
        "voided_at": None,
        **values,
    }
