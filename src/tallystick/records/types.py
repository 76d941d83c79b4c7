"""The canonical record types: their columns, and how one record leads to others.

A record type has one row per version of one source object. The columns here are the typed ones; every row also carries
the common columns of `COMMON`. A relation is a to-many link that predicates may count and sum over.
"""

from __future__ import annotations

from dataclasses import replace

from tallystick.records.kinds import Column, Derived, Following, Kind, LookedUp, RecordType, Relation
from tallystick.records.sales import ACCOUNT, ATTENDEE, CALL, CONTACT, DEAL, MEETING
from tallystick.records.tickets import TICKET, TICKET_EVENT

__all__ = [
    "COMMON",
    "RECORD_TYPES",
    "Column",
    "Derived",
    "Following",
    "Kind",
    "LookedUp",
    "RecordType",
    "Relation",
]

COMMON: tuple[Column, ...] = (
    Column("source", "text", "Source of tallystick.yaml that delivered the row."),
    Column("id", "text", "Identifier in the system of record."),
    Column("version", "integer", "1 for the first version seen of this id, then 2, 3, ..."),
    Column("seq", "integer", "Position of the row in the order of commits; unique in a project; never reused."),
    Column("as_of", "instant", "When the system of record held this state, by its own clock."),
    Column("observed_at", "instant", "When we read it, by the clock of the run."),
    Column("deleted", "boolean", "True for a tombstone."),
    Column("connector", "text", "Distribution and version that read it."),
    Column("api_version", "text", "API version it was read at."),
    Column("custom", "text", "Canonical JSON of the custom fields the buyer declared, or null."),
    Column("raw_sha256", "text", "SHA-256 of `raw`, lower-case hexadecimal."),
    Column("raw", "text", "The record exactly as delivered (UTF-8 JSON)."),
)
"""Columns that every row has beside those of its type."""

_CURRENCY = (
    Column("currency", "text", "ISO 4217 code, upper case."),
    Column("exponent", "integer", "Decimal places the system of record uses for this currency."),
)
_TEST_MODE = Column("test_mode", "boolean", "True when the system marks it as not real money.")

_PAYMENT = RecordType(
    "payment",
    "Money received, or said to have been received, from a customer.",
    "created_at",
    (
        Column("created_at", "instant", "When the payment was started."),
        Column("status", "text", "succeeded, pending or failed."),
        Column("channel", "text", "platform, or off_platform when the system only holds somebody's word for it."),
        Column("amount", "money", "Amount asked for."),
        Column("amount_captured", "money", "Amount taken; 0 for an authorisation that was never captured."),
        Column("amount_refunded", "money", "Amount refunded as the payment object itself reports it."),
        *_CURRENCY,
        Column("captured", "boolean", "False for an authorisation only."),
        Column("disputed", "boolean", "True once a dispute was opened."),
        Column("intent_id", "text", "The payment attempt series it belongs to."),
        Column("customer_id", "text", "Who paid."),
        Column("method", "text", "card, us_bank_account, sepa_debit, ..."),
        Column("app_id", "text", "Application that created it, where the system tells."),
        Column("beneficiary", "text", "Account on whose behalf it was taken, if not the reader's own."),
        _TEST_MODE,
    ),
    (
        Relation("refunds", "refund", ("id",), "payment_id"),
        Relation("disputes", "dispute", ("id",), "payment_id"),
        Relation("invoice_payments", "invoice_payment", ("id", "intent_id"), "payment_ref"),
        Relation("invoices", "invoice", ("invoice_id",), "id", via="invoice_payments"),
        Relation("credit_notes", "credit_note", ("id",), "invoice_id", via="invoices"),
        Relation("sibling_payments", "invoice_payment", ("id",), "invoice_id", via="invoices"),
        Relation("ledger_entries", "ledger_entry", ("id",), "source_id"),
        Relation("refund_entries", "ledger_entry", ("id",), "source_id", via="refunds"),
        Relation("dispute_entries", "ledger_entry", ("id",), "source_id", via="disputes"),
        Relation("changes", "change", ("id",), "object_id"),
        Relation("invoice_changes", "change", ("id",), "object_id", via="invoices"),
    ),
    aliases=("intent_id", "invoices"),
    dead=("status", "failed"),
)

_INVOICE = RecordType(
    "invoice",
    "A demand for payment.",
    "created_at",
    (
        Column("created_at", "instant", "When it was drafted."),
        Column("finalized_at", "instant", "When it became a demand."),
        Column("due_at", "instant", "When it falls due, if it does."),
        Column("paid_at", "instant", "When the system marked it paid, by whatever means."),
        Column("status", "text", "draft, open, paid, uncollectible or void."),
        Column("number", "text", "Number printed on it."),
        Column("customer_id", "text", "Who owes."),
        Column("collection", "text", "automatic (the system charges) or manual (the customer pays)."),
        Column("amount_due", "money", "Amount due at finalisation."),
        Column("amount_paid", "money", "Amount the system counts as paid."),
        Column("amount_overpaid", "money", "Amount paid beyond what was due."),
        Column("amount_paid_off_platform", "money", "Part of it that somebody asserted without money moving here."),
        *_CURRENCY,
        Column("next_attempt_at", "instant", "When the system itself will try to charge again."),
        Column("attempt_count", "integer", "Attempts of the system so far."),
        Column("starting_balance", "money", "Customer balance when it was finalised; negative is credit."),
        _TEST_MODE,
    ),
    (
        Relation("invoice_payments", "invoice_payment", ("id",), "invoice_id"),
        Relation("credit_notes", "credit_note", ("id",), "invoice_id"),
        Relation("changes", "change", ("id",), "object_id"),
    ),
)

_INVOICE_PAYMENT = RecordType(
    "invoice_payment",
    "The part of a payment that was applied to an invoice.",
    "created_at",
    (
        Column("created_at", "instant", "When it was set up."),
        Column("paid_at", "instant", "When the money was applied."),
        Column("status", "text", "open, paid or canceled."),
        Column("invoice_id", "text", "The invoice."),
        Column("payment_ref", "text", "The payment, or the attempt series it belongs to."),
        Column("payment_kind", "text", "intent, payment, or off_platform."),
        Column("amount_paid", "money", "Amount applied to the invoice."),
        Column("amount_requested", "money", "Amount asked for."),
        *_CURRENCY,
        _TEST_MODE,
    ),
)

_CREDIT_NOTE = RecordType(
    "credit_note",
    "A reduction of an invoice, with or without money going back.",
    "created_at",
    (
        Column("created_at", "instant", "When it was issued."),
        Column("status", "text", "issued or void."),
        Column("invoice_id", "text", "The invoice it reduces."),
        Column("stage", "text", "pre_payment, post_payment or mixed."),
        Column("amount", "money", "Total of the note."),
        Column("out_of_band_amount", "money", "Part paid back outside the system of record."),
        *_CURRENCY,
        _TEST_MODE,
    ),
)

_REFUND = RecordType(
    "refund",
    "Money given back to a customer.",
    "created_at",
    (
        Column("created_at", "instant", "When it was started."),
        Column("status", "text", "pending, requires_action, succeeded, failed or canceled."),
        Column("payment_id", "text", "The payment it gives back."),
        Column("amount", "money", "Amount given back."),
        *_CURRENCY,
        Column("reason", "text", "Reason given."),
        _TEST_MODE,
    ),
    (Relation("ledger_entries", "ledger_entry", ("id",), "source_id"),),
)

_DISPUTE = RecordType(
    "dispute",
    "A payment the customer's bank contests.",
    "created_at",
    (
        Column("created_at", "instant", "When it was opened."),
        Column("status", "text", "State in the system's own words."),
        Column("payment_id", "text", "The payment contested."),
        Column("amount", "money", "Amount contested; may differ from the payment's."),
        *_CURRENCY,
        Column("reason", "text", "Reason given by the bank."),
        Column("withdrawn_at", "instant", "When the funds were taken; null while it is only an inquiry."),
        Column("reinstated_at", "instant", "When the funds came back, if they did."),
        Column("final", "boolean", "True when the system calls it won, lost or otherwise over."),
        _TEST_MODE,
    ),
    (Relation("ledger_entries", "ledger_entry", ("id",), "source_id"),),
)

_LEDGER_ENTRY = RecordType(
    "ledger_entry",
    "One row of the system's own cash ledger; the spine other facts are checked against.",
    "created_at",
    (
        Column("created_at", "instant", "When money moved."),
        Column("available_at", "instant", "When it became available."),
        Column("status", "text", "pending or available."),
        Column("category", "text", "Reporting category in the system's own words."),
        Column("source_id", "text", "Payment, refund or dispute that moved the money."),
        Column("amount", "money", "Gross amount in the settlement currency; negative is outgoing."),
        Column("fee", "money", "Fee in the settlement currency."),
        Column("net", "money", "Amount less fee."),
        *_CURRENCY,
        Column(
            "exchange_rate",
            "rate",
            "Settlement minor units per minor unit of the source's currency, null without conversion.",
        ),
        Column("origin_amount", "money", "Amount brought back to the source's currency, in minor units there."),
        Column("origin_fee", "money", "Fee brought back to the source's currency, in minor units there."),
        Column("origin_tolerance", "money", "Minor units the conversion may have rounded away; 0 without conversion."),
    ),
)

_CUSTOMER = RecordType(
    "customer",
    "Who is billed.",
    "created_at",
    (
        Column("created_at", "instant", "When it was created."),
        Column("name", "text", "Name."),
        Column("email", "text", "E-mail address."),
        Column("balance", "money", "Balance; negative is credit that can settle an invoice without new cash."),
        *_CURRENCY,
        Column("delinquent", "boolean", "The system's own mark of an unpaid invoice."),
        _TEST_MODE,
    ),
)

_ACTOR = RecordType(
    "actor",
    "A person, application or rule that can write in the system of record.",
    "created_at",
    (
        Column("created_at", "instant", "When it was created."),
        Column("kind", "text", "person, application, rule or unknown."),
        Column("name", "text", "Name."),
        Column("email", "text", "E-mail address."),
        Column("role", "text", "Role in the system's own words."),
        Column("active", "boolean", "False once it was switched off."),
    ),
)

_CHANGE = RecordType(
    "change",
    "One field of one object changed: provenance.",
    "at",
    (
        Column("at", "instant", "When it changed."),
        Column("object_type", "text", "Record type of the object, or the system's own name for it."),
        Column("object_id", "text", "The object."),
        Column("event", "text", "What happened, in the system's own words."),
        Column("field", "text", "The field; null for an event that names none."),
        Column("old", "text", "Value before, as JSON."),
        Column("new", "text", "Value after, as JSON."),
        Column("actor_id", "text", "Who did it, where the system tells."),
        Column("app_id", "text", "Through which application, where the system tells."),
        Column("request_id", "text", "The call that did it; null when the system did it by itself."),
    ),
    derived=(LookedUp("actor_role", "text", "Role of the actor at that time.", "actor", "actor_id", "role"),),
)


def _accepting(kind: RecordType, *more: Column) -> RecordType:
    """Give a type as it is in the source that acceptance comes from, where that is not the outcome's own."""
    looked_up = [column for column in kind.derived if isinstance(column, LookedUp)]
    return replace(
        kind,
        name=f"acceptance_{kind.name}",
        of=kind.name,
        columns=(*kind.columns, *more),
        relations=(),
        aliases=(),
        derived=tuple(replace(column, type=f"acceptance_{column.type}") for column in looked_up),
    )


_ACCEPTING = (
    _accepting(_ACTOR),
    _accepting(_CHANGE),
    _accepting(CONTACT),
    _accepting(DEAL),
    _accepting(
        MEETING,
        Column("meeting_id", "text", "The meeting of the outcome's own source that it is."),
        Column("candidates", "text", "Meetings of both sources, where it cannot be told which is which."),
    ),
)

RECORD_TYPES: dict[str, RecordType] = {
    kind.name: kind
    for kind in (
        *_ACCEPTING,
        ACCOUNT,
        _ACTOR,
        ATTENDEE,
        CALL,
        _CHANGE,
        CONTACT,
        _CREDIT_NOTE,
        _CUSTOMER,
        DEAL,
        _DISPUTE,
        _INVOICE,
        _INVOICE_PAYMENT,
        _LEDGER_ENTRY,
        MEETING,
        _PAYMENT,
        _REFUND,
        TICKET,
        TICKET_EVENT,
    )
}
"""All record types by name. Those with `of` are a type seen from a second source, and no stream feeds them."""
