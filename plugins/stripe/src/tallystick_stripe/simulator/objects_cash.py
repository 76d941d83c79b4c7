"""Charges, payment intents, refunds, disputes and balance transactions, as the pinned API version writes them.

Every key is there, as in the vendor's own description (the class annotations of the SDK). Nested values are replaced
and never changed in place, so the templates below can be shared.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Obj", "balance_transaction", "charge", "dispute", "payment_intent", "refund"]

Obj = dict[str, Any]

_ADDRESS: Obj = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))

_CARD: Obj = {
    "amount_authorized": None,
    "authorization_code": None,
    "brand": "visa",
    "capture_before": None,
    "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
    "country": "DE",
    "description": None,
    "electronic_commerce_indicator": None,
    "exp_month": 8,
    "exp_year": 2030,
    "extended_authorization": {"status": "disabled"},
    "fingerprint": None,
    "funding": "credit",
    "iin": None,
    "incremental_authorization": {"status": "unavailable"},
    "installments": None,
    "issuer": None,
    "last4": "4242",
    "mandate": None,
    "moto": None,
    "multicapture": {"status": "unavailable"},
    "network": "visa",
    "network_token": {"used": False},
    "network_transaction_id": None,
    "overcapture": {"maximum_amount_capturable": 0, "status": "unavailable"},
    "regulated_status": "unregulated",
    "setup_credential_usage": None,
    "stored_credential_usage": None,
    "three_d_secure": None,
    "transaction_link_id": None,
    "wallet": None,
}

_SEPA: Obj = {
    "bank_code": "37040044",
    "branch_code": "",
    "country": "DE",
    "expected_debit_date": None,
    "fingerprint": None,
    "last4": "3000",
    "mandate": None,
}

_ACH: Obj = {
    "account_holder_type": "company",
    "account_type": "checking",
    "bank_name": "TEST BANK",
    "expected_debit_date": None,
    "fingerprint": None,
    "last4": "6789",
    "mandate": None,
    "payment_reference": None,
    "routing_number": "110000000",
}

_CHARGE: Obj = {
    "id": "",
    "object": "charge",
    "amount": 0,
    "amount_captured": 0,
    "amount_refunded": 0,
    "application": None,
    "application_fee": None,
    "application_fee_amount": None,
    "authorization_code": None,
    "balance_transaction": None,
    "billing_details": {"address": _ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None},
    "calculated_statement_descriptor": "NORDWIND SOFTWARE",
    "captured": True,
    "created": 0,
    "currency": "eur",
    "customer": None,
    "description": None,
    "disputed": False,
    "failure_balance_transaction": None,
    "failure_code": None,
    "failure_message": None,
    "fraud_details": {},
    "level3": None,
    "livemode": True,
    "metadata": {},
    "on_behalf_of": None,
    "outcome": None,
    "paid": True,
    "payment_intent": None,
    "payment_method": None,
    "payment_method_details": {},
    "presentment_details": None,
    "radar_options": {},
    "receipt_email": None,
    "receipt_number": None,
    "receipt_url": None,
    "refunded": False,
    "review": None,
    "shipping": None,
    "source": None,
    "source_transfer": None,
    "statement_descriptor": None,
    "statement_descriptor_suffix": None,
    "status": "succeeded",
    "transfer": None,
    "transfer_data": None,
    "transfer_group": None,
}

_OUTCOME: Obj = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "risk_score": 12,
    "rule": None,
    "seller_message": "Payment complete.",
    "type": "authorized",
}


def charge(*, id: str, method: str, livemode: bool, **values: Any) -> Obj:  # noqa: A002
    """Build a charge; `values` replace the keys of a captured, succeeded card payment.

    `method` is card, sepa_debit or us_bank_account.
    """
    details = {"card": _CARD, "sepa_debit": _SEPA, "us_bank_account": _ACH}[method]
    mark = id[-16:]
    details = {**details, "fingerprint": mark}
    if method == "card":
        details["amount_authorized"] = values["amount"]
        details["overcapture"] = {"maximum_amount_capturable": values["amount"], "status": "unavailable"}
        details["network_transaction_id"] = mark[:15]
    return {
        **_CHARGE,
        "id": id,
        "livemode": livemode,
        "outcome": _OUTCOME if method == "card" else {**_OUTCOME, "risk_level": None, "risk_score": None},
        "payment_method": f"pm_{id[-24:]}",
        "payment_method_details": {method: details, "type": method},
        "receipt_url": f"https://pay.stripe.com/receipts/payment/{mark}",
        **values,
    }


_INTENT: Obj = {
    "id": "",
    "object": "payment_intent",
    "allowed_payment_method_types": None,
    "amount": 0,
    "amount_capturable": 0,
    "amount_details": {
        "discount_amount": None,
        "error": None,
        "shipping": {"amount": None, "from_postal_code": None, "to_postal_code": None},
        "tax": {"total_tax_amount": None},
        "tip": {},
    },
    "amount_received": 0,
    "application": None,
    "application_fee_amount": None,
    "automatic_payment_methods": None,
    "canceled_at": None,
    "cancellation_reason": None,
    "capture_method": "automatic",
    "client_secret": None,
    "confirmation_method": "automatic",
    "created": 0,
    "currency": "eur",
    "customer": None,
    "customer_account": None,
    "description": None,
    "excluded_payment_method_types": None,
    "hooks": {},
    "last_payment_error": None,
    "latest_charge": None,
    "livemode": True,
    "managed_payments": None,
    "metadata": {},
    "next_action": None,
    "on_behalf_of": None,
    "payment_details": {"customer_reference": None, "order_reference": None},
    "payment_method": None,
    "payment_method_configuration_details": None,
    "payment_method_options": {},
    "payment_method_types": ["card", "sepa_debit"],
    "payment_record": None,
    "presentment_details": None,
    "processing": None,
    "receipt_email": None,
    "review": None,
    "setup_future_usage": None,
    "shipping": None,
    "source": None,
    "statement_descriptor": None,
    "statement_descriptor_suffix": None,
    "status": "requires_payment_method",
    "transfer_data": None,
    "transfer_group": None,
}


def payment_intent(*, id: str, livemode: bool, **values: Any) -> Obj:  # noqa: A002
    """Build a payment intent; `values` replace the keys of one that waits for a payment method.

    The client secret is left out, as it is for a restricted key without the right to write.
    """
    return {**_INTENT, "id": id, "livemode": livemode, **values}


_REFUND: Obj = {
    "id": "",
    "object": "refund",
    "amount": 0,
    "balance_transaction": None,
    "charge": None,
    "created": 0,
    "currency": "eur",
    "customer": None,
    "customer_account": None,
    "description": None,
    "destination_details": None,
    "failure_balance_transaction": None,
    "failure_reason": None,
    "instructions_email": None,
    "metadata": {},
    "next_action": None,
    "payment_intent": None,
    "payment_method": None,
    "pending_reason": None,
    "presentment_details": None,
    "reason": "requested_by_customer",
    "receipt_number": None,
    "source_transfer_reversal": None,
    "status": "succeeded",
    "transfer_reversal": None,
}


def refund(*, id: str, method: str, **values: Any) -> Obj:  # noqa: A002
    """Build a refund; `values` replace the keys of one that succeeded. A refund has no `livemode`."""
    if method == "card":
        card = {"reference": None, "reference_status": "pending", "reference_type": None, "type": "refund"}
        details: Obj = {"card": card, "type": "card"}
    else:
        bank = "eu_bank_transfer" if method == "sepa_debit" else "us_bank_transfer"
        details = {bank: {"reference": None, "reference_status": None} if method == "sepa_debit" else {}, "type": bank}
    return {**_REFUND, "id": id, "destination_details": details, **values}


_EVIDENCE: Obj = dict.fromkeys(
    (
        "access_activity_log",
        "appeal",
        "billing_address",
        "cancellation_policy",
        "cancellation_policy_disclosure",
        "cancellation_rebuttal",
        "customer_communication",
        "customer_email_address",
        "customer_name",
        "customer_purchase_ip",
        "customer_signature",
        "duplicate_charge_documentation",
        "duplicate_charge_explanation",
        "duplicate_charge_id",
        "product_description",
        "receipt",
        "refund_policy",
        "refund_policy_disclosure",
        "refund_refusal_explanation",
        "service_date",
        "service_documentation",
        "shipping_address",
        "shipping_carrier",
        "shipping_date",
        "shipping_documentation",
        "shipping_tracking_number",
        "uncategorized_file",
        "uncategorized_text",
    )
)


def dispute(*, id: str, inquiry: bool, livemode: bool, due_by: int, **values: Any) -> Obj:  # noqa: A002
    """Build a dispute of a card payment; an inquiry is one for which no money was taken."""
    card = {
        "brand": "visa",
        "case_type": "inquiry" if inquiry else "chargeback",
        "network": "visa",
        "network_reason_code": "10.4",
    }
    return {
        "id": id,
        "object": "dispute",
        "amount": 0,
        "balance_transactions": [],
        "charge": None,
        "created": 0,
        "currency": "eur",
        "enhanced_eligibility_types": [],
        "evidence": {**_EVIDENCE, "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": due_by,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": inquiry,
        "livemode": livemode,
        "metadata": {},
        "network_reason_code": "10.4",
        "payment_intent": None,
        "payment_method_details": {"card": card, "type": "card"},
        "reason": "fraudulent",
        "status": "warning_needs_response" if inquiry else "needs_response",
        **values,
    }


def balance_transaction(*, id: str, amount: int, fee: int, currency: str, **values: Any) -> Obj:  # noqa: A002
    """Build one row of the cash ledger, in the settlement currency; it has no `livemode`."""
    details: list[Obj] = []
    if fee:
        details = [
            {
                "amount": fee,
                "application": None,
                "currency": currency,
                "description": "Stripe processing fees",
                "type": "stripe_fee",
            }
        ]
    return {
        "id": id,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": 0,
        "balance_type": "payments",
        "created": 0,
        "currency": currency,
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": details,
        "net": amount - fee,
        "reporting_category": "charge",
        "source": None,
        "status": "pending",
        "type": "charge",
        **values,
    }
