"""The account itself, its balance, its payouts and its events, as the pinned API version writes them."""

from __future__ import annotations

from typing import Any

__all__ = ["API_VERSION", "account", "balance", "event", "payout"]

Obj = dict[str, Any]

API_VERSION = "2026-10-28.endive"
"""The one API version spoken here."""

_DUE: Obj = {
    "alternatives": [],
    "current_deadline": None,
    "currently_due": [],
    "disabled_reason": None,
    "errors": [],
    "eventually_due": [],
    "past_due": [],
    "pending_verification": [],
}

_SETTINGS: Obj = {
    "bacs_debit_payments": {"display_name": None, "service_user_number": None},
    "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
    "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
    "card_payments": {
        "decline_on": {"avs_failure": False, "cvc_failure": False},
        "statement_descriptor_prefix": None,
        "statement_descriptor_prefix_kana": None,
        "statement_descriptor_prefix_kanji": None,
    },
    "dashboard": {"display_name": "Nordwind Software", "timezone": "Europe/Berlin"},
    "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": None},
    "payments": {
        "statement_descriptor": "NORDWIND SOFTWARE",
        "statement_descriptor_kana": None,
        "statement_descriptor_kanji": None,
        "statement_descriptor_prefix_kana": None,
        "statement_descriptor_prefix_kanji": None,
    },
    "payouts": {
        "debit_negative_balances": True,
        "schedule": {"delay_days": 3, "interval": "weekly", "weekly_anchor": "monday"},
        "statement_descriptor": None,
    },
    "sepa_debit_payments": {"creditor_id": None},
}


def account(*, id: str, created: int) -> Obj:  # noqa: A002
    """Build the account a key belongs to."""
    return {
        "id": id,
        "object": "account",
        "business_profile": {
            "annual_revenue": None,
            "estimated_worker_count": None,
            "mcc": "5734",
            "minority_owned_business_designation": None,
            "monthly_estimated_revenue": None,
            "name": "Nordwind Software",
            "product_description": None,
            "specified_commercial_transactions_act_url": None,
            "support_address": None,
            "support_email": None,
            "support_phone": None,
            "support_url": None,
            "url": "https://nordwind.example",
        },
        "business_type": "company",
        "capabilities": {"card_payments": "active", "sepa_debit_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": "DE",
        "created": created,
        "default_currency": "eur",
        "details_submitted": True,
        "email": "billing@nordwind.example",
        "external_accounts": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/accounts/{id}/external_accounts",
        },
        "future_requirements": _DUE,
        "groups": {"payments_pricing": None},
        "metadata": {},
        "payouts_enabled": True,
        "requirements": _DUE,
        "settings": _SETTINGS,
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
        "type": "standard",
    }


def balance(*, available: int, pending: int, currency: str, livemode: bool) -> Obj:
    """Build the balance of the account: what may be paid out now, and what not yet."""
    return {
        "object": "balance",
        "available": [{"amount": available, "currency": currency, "source_types": {"card": available}}],
        "connect_reserved": [{"amount": 0, "currency": currency}],
        "livemode": livemode,
        "pending": [{"amount": pending, "currency": currency, "source_types": {"card": pending}}],
        "refund_and_dispute_prefunding": {
            "available": [{"amount": 0, "currency": currency}],
            "pending": [{"amount": 0, "currency": currency}],
        },
    }


def payout(*, id: str, amount: int, currency: str, created: int, livemode: bool, **values: Any) -> Obj:  # noqa: A002
    """Build an automatic payout that arrives two days later."""
    return {
        "id": id,
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": created + 2 * 86_400,
        "automatic": True,
        "balance_transaction": None,
        "created": created,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": f"ba_{id[-24:]}",
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": livemode,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "completed",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "in_transit",
        "trace_id": None,
        "type": "bank_account",
        **values,
    }


def event(*, id: str, type: str, created: int, api_version: str, livemode: bool, data: Obj, request: Obj) -> Obj:  # noqa: A002
    """Build an event; `data` has the object as it was at that moment and, for updates, `previous_attributes`."""
    return {
        "id": id,
        "object": "event",
        "api_version": api_version,
        "created": created,
        "data": data,
        "livemode": livemode,
        "pending_webhooks": 0,
        "request": request,
        "type": type,
    }
