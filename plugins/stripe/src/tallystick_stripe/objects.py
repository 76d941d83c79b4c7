"""Stripe's objects as they come over the wire: the fields we read, at the pinned API version.

Fields we do not read are ignored and enum values are kept as text, so that an addition by Stripe is never fatal. A
missing or null field is None: unknown. A missing id, or a value of another type, is an error of msgspec that the client
turns into `SchemaChanged` with the request id.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, TypeAlias

import msgspec

__all__ = [
    "BalanceTransaction",
    "Charge",
    "CreditNote",
    "Customer",
    "Dispute",
    "DisputeRow",
    "Expanded",
    "Invoice",
    "InvoicePayment",
    "InvoicePaymentTimes",
    "InvoiceTimes",
    "Method",
    "Object",
    "PaymentOf",
    "Ref",
    "Refund",
    "TransferData",
]

# The bound is that of the columns: 14 digits before the point, four after it.
Minor: TypeAlias = Annotated[int, msgspec.Meta(gt=-(10**14), lt=10**14)]
Seconds: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=10**11)]


class Expanded(msgspec.Struct, gc=False):
    """An object that stands where its id was expected; we ask for no expansion, but a payload may carry one."""

    id: str


Ref: TypeAlias = str | Expanded | None


class Object(msgspec.Struct, gc=False):
    """What every object of Stripe has."""

    id: str
    created: Seconds
    currency: str | None = None
    livemode: bool | None = None


class Method(msgspec.Struct, gc=False):
    """How a charge was paid."""

    type: str | None = None


class TransferData(msgspec.Struct, gc=False):
    """Where a charge's money goes on, on a platform."""

    destination: Ref = None


class Charge(Object, gc=False):
    """A charge."""

    status: str | None = None
    amount: Minor | None = None
    amount_captured: Minor | None = None
    amount_refunded: Minor | None = None
    captured: bool | None = None
    disputed: bool | None = None
    payment_intent: Ref = None
    customer: Ref = None
    payment_method_details: Method | None = None
    application: Ref = None
    on_behalf_of: Ref = None
    transfer_data: TransferData | None = None


class InvoiceTimes(msgspec.Struct, gc=False):
    """When an invoice changed its status."""

    finalized_at: Seconds | None = None
    paid_at: Seconds | None = None


class Invoice(Object, gc=False):
    """An invoice; null for an amount that Stripe only fills when there is one means 0."""

    status_transitions: InvoiceTimes | None = None
    due_date: Seconds | None = None
    status: str | None = None
    number: str | None = None
    customer: Ref = None
    collection_method: str | None = None
    amount_due: Minor | None = None
    amount_paid: Minor | None = None
    amount_overpaid: Minor | msgspec.UnsetType | None = msgspec.UNSET
    amount_paid_off_stripe: Minor | msgspec.UnsetType | None = msgspec.UNSET
    next_payment_attempt: Seconds | None = None
    attempt_count: int | None = None
    starting_balance: Minor | None = None


class PaymentOf(msgspec.Struct, gc=False):
    """What paid an invoice: an intent, a charge, or a payment record."""

    type: str | None = None
    payment_intent: Ref = None
    charge: Ref = None


class InvoicePaymentTimes(msgspec.Struct, gc=False):
    """When an invoice payment changed its status."""

    paid_at: Seconds | None = None


class InvoicePayment(Object, gc=False):
    """An invoice payment; those of type payment_record are somebody's word for money that moved elsewhere."""

    status_transitions: InvoicePaymentTimes | None = None
    status: str | None = None
    invoice: Ref = None
    payment: PaymentOf | None = None
    amount_paid: Minor | None = None
    amount_requested: Minor | None = None


class Refund(Object, gc=False):
    """A refund; it does not say in which mode it was made."""

    status: str | None = None
    charge: Ref = None
    amount: Minor | None = None
    reason: str | None = None


class DisputeRow(msgspec.Struct, gc=False):
    """A ledger row inside a dispute: money taken (negative) or given back."""

    amount: int
    created: Seconds


class Dispute(Object, gc=False):
    """A dispute."""

    status: str | None = None
    charge: Ref = None
    amount: Minor | None = None
    reason: str | None = None
    balance_transactions: list[DisputeRow] | None = None


class CreditNote(Object, gc=False):
    """A credit note."""

    status: str | None = None
    invoice: Ref = None
    type: str | None = None
    amount: Minor | None = None
    out_of_band_amount: Minor | msgspec.UnsetType | None = msgspec.UNSET


class Customer(Object, gc=False):
    """A customer."""

    name: str | None = None
    email: str | None = None
    balance: Minor | None = None
    delinquent: bool | None = None


class BalanceTransaction(Object, gc=False):
    """A row of Stripe's own ledger."""

    available_on: Seconds | None = None
    status: str | None = None
    reporting_category: str | None = None
    source: Ref = None
    amount: Minor | None = None
    fee: Minor | None = None
    net: Minor | None = None
    exchange_rate: Decimal | None = None
