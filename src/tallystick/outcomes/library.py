"""The built-in templates.

The sources of the parameters are published agreements and price pages: National Business Collections, AFS, CCFA and MDC
(commission agreements of collection agencies), a model agency agreement on docracy, Stripe's documentation of disputes
and of balance transactions, and Intercom's help page on billed outcomes for deductions across periods.
"""

from __future__ import annotations

from collections.abc import Mapping

import pluggy

from tallystick.outcomes.meeting_qualified import QUALIFIED_MEETING
from tallystick.outcomes.predicate import ClauseSource, PredicateSource
from tallystick.outcomes.standard import FUNDS_OUT
from tallystick.outcomes.template import Param, Setting, Template, scalars
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED

__all__ = ["DOLLARS_COLLECTED", "tallystick_outcome_templates"]

_hookimpl = pluggy.HookimplMarker("tallystick")

_BANK_DEBITS = (
    "('ach_debit', 'acss_debit', 'au_becs_debit', 'bacs_debit', 'nz_bank_account', 'sepa_debit', 'us_bank_account')"
)
_BASES = ("net_of_refunds_and_disputes", "net_of_refunds", "gross_received", "net_of_fees")
# Until the payment has succeeded or failed, nothing that depends on when or whether it does can be known.
_PENDING = "status = 'pending'"
_PAID = "invoice_payments.status = 'paid'"
# A status that is missing never makes money vanish from what was given back.
_KEPT = "coalesce(refunds.status not in ('failed', 'canceled'), true)"
_ISSUED = "coalesce(credit_notes.status = 'issued', true)"
_SUCCESS = "changes.event in ('charge.succeeded', 'payment.succeeded')"

_PARAMS = (
    Param(
        "agency",
        "text",
        "Value of the tag that names the vendor on an invoice placed with it.",
        "Commission agreements list the accounts placed with the agency (National Business Collections).",
    ),
    Param(
        "basis",
        "text",
        "What is counted: the cash kept, or an earlier stage of it.",
        "Commission is on funds actually paid, not on the amount owed (National Business Collections).",
        "net_of_refunds_and_disputes",
        _BASES,
    ),
    Param(
        "dispute_effect",
        "text",
        "When a dispute takes money away: at once, only once it is lost, or it holds the outcome until it is over.",
        "Funds leave when a dispute opens and return when it is won (Stripe: How disputes work).",
        "hold_until_closed",
        ("hold_until_closed", "on_open", "on_lost"),
    ),
    Param(
        "reinstate_on_win",
        "boolean",
        "Whether money that came back after a won dispute counts again.",
        "A dispute carries a withdrawal and, if won, a reinstatement (Stripe: How disputes work).",
        default=True,
    ),
    Param(
        "lookback_days",
        "integer",
        "Calendar days after the payment during which refunds and disputes still count against it.",
        "Card disputes arrive up to about 120 days after the payment (Stripe: How disputes work).",
        120,
    ),
    Param(
        "min_age_days_overdue",
        "integer",
        "Calendar days an invoice had to be overdue when it was placed.",
        "An account paid before placement earns half or nothing (MDC).",
        30,
    ),
    Param(
        "attribution_days",
        "integer",
        "Calendar days after placement within which the payment has to come; 0 sets no limit.",
        "Commission on payments within 2 months after close or recall (National Business Collections).",
        0,
    ),
    Param(
        "settling_days",
        "integer",
        "Calendar days a bank debit may still bounce before it counts.",
        "Bank debits may fail or be returned after they succeeded (Stripe: ACH and SEPA Direct Debit); "
        "older agency forms carry a returned-check clause.",
        14,
    ),
    Param(
        "overpayment",
        "text",
        "Whether money beyond what the invoices asked for counts.",
        "Commission is on the claim collected; what is overpaid is owed back (model agreement, docracy).",
        "capped",
        ("capped", "counts"),
    ),
    Param(
        "count_automatic",
        "boolean",
        "Whether a payment that the system collected by itself counts as the vendor's work.",
        "Drafting guides name missing carve-outs as the usual quarrel; Stripe retries failed payments on its own.",
        default=False,
    ),
    Param(
        "tag_provenance",
        "text",
        "Whether the change history must show that the tag was there before the payment, or the buyer attests it.",
        "Stripe keeps events for 30 days and does not say who wrote a metadata field.",
        "proven",
        ("proven", "attested"),
    ),
    Param(
        "placed_at_field",
        "field",
        "Custom field of an invoice that says when it was placed; an instant.",
        "Placement lists carry the date of placement (CCFA, MDC).",
        "placed_at",
    ),
    Param(
        "placed_with_field",
        "field",
        "Custom field of an invoice that says with whom it was placed; a text.",
        "Placement lists name the agency (CCFA, MDC).",
        "placed_with",
    ),
)


def _dollars_collected(values: Mapping[str, Setting]) -> PredicateSource:
    return PredicateSource(
        facts=_facts(values),
        clauses=_clauses(values),
        quantity="net_amount",
        params=scalars(values, "agency", "min_age_days_overdue", "attribution_days", "settling_days", "lookback_days"),
    )


def _facts(values: Mapping[str, Setting]) -> dict[str, str]:
    basis = str(values["basis"])
    taken = "least(amount_captured, applied)" if values["overpayment"] == "capped" else "amount_captured"
    facts = {
        "invoice_count": "count(invoices)",
        "invoice_created_at": "min(invoices.created_at)",
        "invoice_collection": "min(invoices.collection)",
        "placed_at": f"min(invoices.custom.{values['placed_at_field']})",
        "placed_with": f"min(invoices.custom.{values['placed_with_field']})",
        "due_at": "min(invoices.due_at)",
        "collected_at": f"coalesce(min(invoice_payments.paid_at) filter (where {_PAID}), created_at)",
        "applied": f"sum(invoice_payments.amount_paid) filter (where {_PAID})",
        "received": "case when status = 'succeeded' and captured then amount_captured else 0 end",
        "gross": f"case when status = 'succeeded' and captured then {taken} else 0 end",
        "refunded_amount": f"sum(refunds.amount) filter (where {_KEPT})",
        "disputed_amount": f"sum(disputes.amount) filter (where {_disputed(values)})",
        "credited_amount": f"sum(credit_notes.out_of_band_amount) filter (where {_ISSUED})",
    }
    # What went back is taken from all that came before the cap applies: a refunded overpayment costs nobody anything.
    cap = "least(applied, {})" if values["overpayment"] == "capped" else "({})"
    less_refunds = cap.format("received - refunded_amount")
    less_disputes = cap.format("received - refunded_amount - disputed_amount")
    net = {
        "gross_received": "gross",
        "net_of_refunds": f"greatest(0, {less_refunds} - credited_amount)",
        "net_of_refunds_and_disputes": f"greatest(0, {less_disputes} - credited_amount)",
        "net_of_fees": f"greatest(0, {less_disputes} - credited_amount - fees)",
    }
    if basis == "net_of_fees":
        entries = ("ledger_entries", "refund_entries", "dispute_entries")
        facts["fees"] = _major(" + ".join(f"sum({name}.origin_fee)" for name in entries))
    facts["net_amount"] = net[basis]
    return facts | _ledger_facts()


def _ledger_facts() -> dict[str, str]:
    entries = ("ledger_entries", "refund_entries", "dispute_entries")
    return {
        "ledger_expected": "received"
        f" - sum(refunds.amount) filter (where {_KEPT}) - sum(disputes.amount) filter (where {FUNDS_OUT})",
        "ledger_amount": _major(" + ".join(f"sum({name}.origin_amount)" for name in entries)),
        "ledger_tolerance": _major(" + ".join(f"sum({name}.origin_tolerance)" for name in entries)),
        "ledger_difference": "ledger_expected - ledger_amount",
    }


def _major(minor: str) -> str:
    """Bring minor units of the payment's currency to major units; without a known exponent the amount is unknown."""
    units = ("1", "0.1", "0.01", "0.001", "0.0001")
    cases = " ".join(f"when exponent = {places} then {unit}" for places, unit in enumerate(units))
    return f"({minor}) * case {cases} else null end"


def _disputed(values: Mapping[str, Setting]) -> str:
    if values["dispute_effect"] == "on_lost":
        return f"{FUNDS_OUT} and disputes.final"
    return FUNDS_OUT if values["reinstate_on_win"] else "disputes.withdrawn_at is not null"


def _clauses(values: Mapping[str, Setting]) -> dict[str, str | ClauseSource]:
    clauses: dict[str, str | ClauseSource] = {
        "real_money": ClauseSource("not test_mode", says="the system marks it as not real money"),
        "own_money": ClauseSource("beneficiary is null", says="it was taken on behalf of {beneficiary}"),
        "succeeded": ClauseSource(
            "status = 'succeeded' and captured",
            open=_PENDING,
            says="the payment is {status}, captured: {captured}",
        ),
        "invoiced": ClauseSource(
            # A payment that settled an invoice which was never read: older than the history, so nothing is known of it.
            "case when invoice_count = 0 and count(invoice_payments) > 0 then null else invoice_count = 1 end",
            says="it belongs to {invoice_count} invoices instead of one",
        ),
        "placed": ClauseSource(
            "coalesce(placed_with = :agency, false)",
            says=f"its invoice is placed with {{placed_with}}, not {_plain(values)}",
        ),
        "placed_before_payment": ClauseSource(
            "placed_at <= collected_at",
            open=_PENDING,
            says="it was placed at {placed_at}, after the money came at {collected_at}",
        ),
        "overdue_at_placement": ClauseSource(
            "due_at + interval :min_age_days_overdue day <= placed_at",
            says=f"it was placed at {{placed_at}}, less than {values['min_age_days_overdue']} days"
            " after it fell due at {due_at}",
        ),
    }
    if values["attribution_days"]:
        clauses["within_attribution"] = ClauseSource(
            "collected_at <= placed_at + interval :attribution_days day",
            open=_PENDING,
            says=f"the money came at {{collected_at}}, more than {values['attribution_days']} days after {{placed_at}}",
        )
    clauses["tag_before_payment"] = _tag_clause(values)
    if not values["count_automatic"]:
        clauses["not_automatic"] = _manual_clause()
    return clauses | _guards(values) | _windows(values)


def _plain(values: Mapping[str, Setting]) -> str:
    # Braces in the buyer's text would be read as the name of a fact.
    return str(values["agency"]).replace("{", "(").replace("}", ")")


def _tag_clause(values: Mapping[str, Setting]) -> ClauseSource:
    keys = (values["placed_at_field"], values["placed_with_field"])
    fields = ", ".join(f"'{name}'" for name in ("metadata", *(f"metadata.{key}" for key in keys)))
    written = f"max(invoice_changes.at) filter (where invoice_changes.field in ({fields}))"
    unseen = "case when invoice_created_at >= read_from(invoice_changes) then true else null end"
    if values["tag_provenance"] == "attested":
        unseen = "true"
    return ClauseSource(
        f"coalesce({written} <= collected_at, {unseen})",
        open=_PENDING,
        says="the tag was written after the money came at {collected_at}",
    )


def _manual_clause() -> ClauseSource:
    return ClauseSource(
        "case when invoice_collection = 'manual' then true"
        f" when count(changes) filter (where {_SUCCESS} and changes.request_id is not null) > 0 then true"
        f" when count(changes) filter (where {_SUCCESS}) > 0 then false else null end",
        open=_PENDING,
        says="the system collected it by itself: collection of its invoice is {invoice_collection}",
    )


def _guards(values: Mapping[str, Setting]) -> dict[str, str | ClauseSource]:
    guards: dict[str, str | ClauseSource] = {
        "on_platform": ClauseSource(
            "channel = 'platform'", guard=True, says="somebody says it was paid; no money moved in this system"
        ),
        "ledger_agrees": ClauseSource(
            "abs(ledger_difference) <= ledger_tolerance",
            # The ledger may have been read less far than what it is compared with.
            open=f"{_PENDING} or count(refunds) filter (where refunds.created_at >= read_to(ledger_entry)) > 0"
            " or count(disputes) filter (where disputes.withdrawn_at >= read_to(ledger_entry)) > 0"
            " or count(disputes) filter (where disputes.reinstated_at >= read_to(ledger_entry)) > 0",
            guard=True,
            says="the system's own ledger shows {ledger_amount} where its records add up to {ledger_expected}:"
            " a difference of {ledger_difference}",
        ),
    }
    if values["basis"] != "gross_received":
        guards["credit_shared"] = ClauseSource(
            "not (credited_amount > 0 and count(sibling_payments) filter (where sibling_payments.status = 'paid') > 1)",
            guard=True,
            says="{credited_amount} was paid back elsewhere on an invoice with several payments:"
            " it cannot be told from which",
        )
    return guards


def _windows(values: Mapping[str, Setting]) -> dict[str, str | ClauseSource]:
    disputes_count = values["basis"] in {"net_of_refunds_and_disputes", "net_of_fees"}
    held = values["dispute_effect"] == "hold_until_closed" and disputes_count
    open_dispute = f"count(disputes) filter (where {FUNDS_OUT} and not coalesce(disputes.final, false)) > 0"
    return {
        "settled": ClauseSource(
            "status = 'succeeded'",
            until=f"case when coalesce(method in {_BANK_DEBITS}, true)"
            " then collected_at + interval :settling_days day else collected_at end",
            open=_PENDING,
            says="the payment is {status}",
        ),
        "net_positive": ClauseSource(
            "net_amount > 0",
            until="collected_at + interval :lookback_days day",
            open=f"{_PENDING} or {open_dispute}" if held else _PENDING,
            says="nothing is left of {received}: refunded {refunded_amount}, disputed {disputed_amount},"
            " credited {credited_amount}",
        ),
    }


DOLLARS_COLLECTED = Template(
    "dollars-collected",
    "payment",
    "Money a vendor recovered on overdue invoices placed with it: gross less refunds, less disputes whose funds are "
    "out, less credits paid back elsewhere, checked against the payment system's own ledger.",
    _PARAMS,
    _dollars_collected,
)


@_hookimpl
def tallystick_outcome_templates() -> list[Template]:
    """Give the built-in templates the way a plugin does."""
    return [DOLLARS_COLLECTED, QUALIFIED_MEETING, TICKET_RESOLVED]
