"""Stripe's objects become records; pure.

Nothing is guessed: what Stripe does not say is None, and so is an amount in a currency whose minor unit we do not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from tallystick.connectors import CustomField, extract
from tallystick.records.model import Record, Value, instant
from tallystick.records.types import RECORD_TYPES
from tallystick_stripe.currencies import exponent, major, origin, origin_tolerance
from tallystick_stripe.objects import (
    BalanceTransaction,
    Charge,
    CreditNote,
    Customer,
    Dispute,
    DisputeRow,
    Expanded,
    Invoice,
    InvoicePayment,
    InvoiceTimes,
    Object,
    PaymentOf,
    Ref,
    Refund,
)

__all__ = ["OBJECT_TYPES", "Mapper", "tombstone"]

Row: TypeAlias = tuple[Value, ...]


class Mapper:
    """Turns objects into records, with the custom fields the buyer declared.

    Args:
        livemode: The mode of the key, for objects that do not say themselves in which mode they were made.
        custom: Custom fields by record type.
    """

    def __init__(self, *, livemode: bool, custom: Mapping[str, Mapping[str, CustomField]]) -> None:
        self._livemode = livemode
        self._custom = {kind: _custom_reader(fields) for kind, fields in custom.items() if fields}

    def records(self, name: str, raw: bytes, as_of: int) -> list[Record]:
        """Give the records one object becomes: one, or two for an invoice payment that asserts an outside payment.

        Args:
            name: Stripe's name of the object, one of `OBJECT_TYPES`.
            raw: Its JSON exactly as delivered.
            as_of: When Stripe held this state, by its own clock.

        Raises:
            msgspec.DecodeError: It is not JSON, or (`ValidationError`) not in the shape of that object.
        """
        decode, values = _OBJECTS[name]
        kind = OBJECT_TYPES[name]
        thing = decode(raw)
        if thing.livemode is None:
            thing.livemode = self._livemode
        custom = self._custom.get(kind)
        row = values(thing)
        first = Record(kind, thing.id, as_of, row, raw, False, custom(raw) if custom else None)
        if name != "invoice_payment":
            return [first]
        asserted = _off_platform(thing)
        if asserted is None:
            return [first]
        custom = self._custom.get("payment")
        return [first, Record("payment", thing.id, as_of, asserted, raw, False, custom(raw) if custom else None)]


def tombstone(name: str, key: str, raw: bytes, as_of: int) -> Record:
    """Give the record of a deletion: no column is known any more.

    Args:
        name: Stripe's name of the object.
        key: Its id.
        raw: What Stripe said about the deletion.
        as_of: When it was deleted.
    """
    kind = OBJECT_TYPES[name]
    return Record(kind, key, as_of, (None,) * len(RECORD_TYPES[kind].columns), raw, True)


def _custom_reader(fields: Mapping[str, CustomField]) -> Callable[[bytes], dict[str, Value]]:
    """Give a function that reads the declared fields; it decodes only the top-level fields they lie in."""
    roots = sorted({field.path.split(".")[0] for field in fields.values()})
    names = {f"root{number}": root for number, root in enumerate(roots)}
    shape = msgspec.defstruct("Roots", [(name, object, None) for name in names], rename=names)
    # Numbers with a fraction become decimals: a declared amount must not pass through a float.
    decode = msgspec.json.Decoder(shape, float_hook=Decimal).decode

    def read(raw: bytes) -> dict[str, Value]:
        found = decode(raw)
        return extract({root: getattr(found, name) for name, root in names.items()}, fields)

    return read


def _id(ref: Ref) -> str | None:
    return ref.id if isinstance(ref, Expanded) else ref


@lru_cache(maxsize=1024)
def _currency(code: str | None) -> tuple[str | None, int | None]:
    if code is None:
        return None, None
    upper = code.upper()
    return upper, exponent(upper)


def _zero_if_null(amount: int | msgspec.UnsetType | None) -> int | None:
    """Give 0 for null, which is how Stripe says that there is none, and None for a field that is not there at all."""
    if amount is msgspec.UNSET:
        return None
    return amount or 0


def _charge(charge: Charge) -> Row:
    currency, places = _currency(charge.currency)
    behalf = _id(charge.on_behalf_of)
    if behalf is None and charge.transfer_data is not None:
        behalf = _id(charge.transfer_data.destination)
    return (
        charge.created * 1_000_000,
        charge.status,
        "platform",
        major(charge.amount, places),
        major(charge.amount_captured, places),
        major(charge.amount_refunded, places),
        currency,
        places,
        charge.captured,
        charge.disputed,
        _id(charge.payment_intent),
        _id(charge.customer),
        charge.payment_method_details.type if charge.payment_method_details else None,
        _id(charge.application),
        behalf,
        not charge.livemode,
    )


_COLLECTION = {"charge_automatically": "automatic", "send_invoice": "manual"}


def _invoice(invoice: Invoice) -> Row:
    currency, places = _currency(invoice.currency)
    times = invoice.status_transitions or InvoiceTimes()
    method = invoice.collection_method
    return (
        instant(invoice.created),
        instant(times.finalized_at),
        instant(invoice.due_date),
        instant(times.paid_at),
        invoice.status,
        invoice.number,
        _id(invoice.customer),
        _COLLECTION.get(method, method) if method else None,
        major(invoice.amount_due, places),
        major(invoice.amount_paid, places),
        major(_zero_if_null(invoice.amount_overpaid), places),
        major(_zero_if_null(invoice.amount_paid_off_stripe), places),
        currency,
        places,
        instant(invoice.next_payment_attempt),
        invoice.attempt_count,
        major(invoice.starting_balance, places),
        not invoice.livemode,
    )


_KINDS = {"payment_intent": "intent", "charge": "payment", "payment_record": "off_platform"}


def _invoice_payment(part: InvoicePayment) -> Row:
    currency, places = _currency(part.currency)
    of = part.payment or PaymentOf()
    kind = _KINDS.get(of.type, of.type) if of.type else None
    refs = {"intent": _id(of.payment_intent), "payment": _id(of.charge), "off_platform": part.id}
    return (
        instant(part.created),
        instant(part.status_transitions.paid_at) if part.status_transitions else None,
        part.status,
        _id(part.invoice),
        refs.get(kind) if kind else None,
        kind,
        major(part.amount_paid, places),
        major(part.amount_requested, places),
        currency,
        places,
        not part.livemode,
    )


_WORD = {"paid": "succeeded", "open": "pending", "canceled": "failed"}


def _off_platform(part: InvoicePayment) -> Row | None:
    """Give the payment that an invoice payment of type payment_record asserts; None for any other.

    Its id is the invoice payment's own. Nobody moved money through Stripe: the channel says so, and it never verifies.
    """
    if part.payment is None or part.payment.type != "payment_record":
        return None
    currency, places = _currency(part.currency)
    return (
        instant(part.created),
        _WORD.get(part.status, part.status) if part.status else None,
        "off_platform",
        major(part.amount_requested, places),
        major(part.amount_paid, places),
        None,
        currency,
        places,
        True,
        False,
        None,
        None,
        None,
        None,
        None,
        not part.livemode,
    )


def _refund(refund: Refund) -> Row:
    currency, places = _currency(refund.currency)
    return (
        instant(refund.created),
        refund.status,
        _id(refund.charge),
        major(refund.amount, places),
        currency,
        places,
        refund.reason,
        not refund.livemode,
    )


_OVER = frozenset({"won", "lost", "warning_closed", "prevented"})


def _dispute(dispute: Dispute) -> Row:
    currency, places = _currency(dispute.currency)
    withdrawn, reinstated = _movements(dispute.balance_transactions)
    # Won, but the money is not back yet: it is on its way, so this is not over.
    returning = dispute.status == "won" and withdrawn is not None and reinstated is None
    return (
        instant(dispute.created),
        dispute.status,
        _id(dispute.charge),
        major(dispute.amount, places),
        currency,
        places,
        dispute.reason,
        withdrawn,
        reinstated,
        None if dispute.status is None else dispute.status in _OVER and not returning,
        not dispute.livemode,
    )


def _movements(rows: list[DisputeRow] | None) -> tuple[int | None, int | None]:
    """Give when the funds were first taken and when they came back; the latter is None if they were taken again."""
    taken = [row.created for row in rows or () if row.amount < 0]
    given = [row.created for row in rows or () if row.amount > 0]
    back = max(given, default=None)
    if back is not None and taken and max(taken) > back:
        back = None
    return instant(min(taken, default=None)), instant(back)


def _credit_note(note: CreditNote) -> Row:
    currency, places = _currency(note.currency)
    return (
        instant(note.created),
        note.status,
        _id(note.invoice),
        note.type,
        major(note.amount, places),
        major(_zero_if_null(note.out_of_band_amount), places),
        currency,
        places,
        not note.livemode,
    )


def _customer(customer: Customer) -> Row:
    currency, places = _currency(customer.currency)
    return (
        instant(customer.created),
        customer.name,
        customer.email,
        major(customer.balance, places),
        currency,
        places,
        customer.delinquent,
        not customer.livemode,
    )


_RATE_PLACES = Decimal("0.000000000001")
_RATE_LIMIT = 10**9


def _balance_transaction(row: BalanceTransaction) -> Row:
    currency, places = _currency(row.currency)
    rate = row.exchange_rate
    known = rate is None or 0 < rate < _RATE_LIMIT
    return (
        instant(row.created),
        instant(row.available_on),
        row.status,
        row.reporting_category,
        _id(row.source),
        major(row.amount, places),
        major(row.fee, places),
        major(row.net, places),
        currency,
        places,
        rate.quantize(_RATE_PLACES, ROUND_HALF_EVEN) if rate is not None and known else None,
        origin(row.amount, rate) if known else None,
        origin(row.fee, rate) if known else None,
        origin_tolerance(rate) if known else None,
    )


_SHAPES: dict[str, tuple[str, type[Object], Callable[[Any], Row]]] = {
    "balance_transaction": ("ledger_entry", BalanceTransaction, _balance_transaction),
    "charge": ("payment", Charge, _charge),
    "credit_note": ("credit_note", CreditNote, _credit_note),
    "customer": ("customer", Customer, _customer),
    "dispute": ("dispute", Dispute, _dispute),
    "invoice": ("invoice", Invoice, _invoice),
    "invoice_payment": ("invoice_payment", InvoicePayment, _invoice_payment),
    "refund": ("refund", Refund, _refund),
}

_OBJECTS: dict[str, tuple[Callable[[bytes], Any], Callable[[Any], Row]]] = {
    name: (msgspec.json.Decoder(shape).decode, values) for name, (_, shape, values) in _SHAPES.items()
}

OBJECT_TYPES: dict[str, str] = {name: kind for name, (kind, _, _) in _SHAPES.items()}
"""Record type by Stripe's name of the object."""
