"""`dollars-collected`: every trap of collected money, decided in SQL and in Python at once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tallystick.errors import ContractError, Position
from tallystick.outcomes.library import DOLLARS_COLLECTED, tallystick_outcome_templates
from tallystick.period import DAY

CUSTOM = {"invoice": {"placed_at": "instant", "placed_with": "text"}}


def decide(world, **values):
    """Decide the payment; give status, the name of the deciding clause, quantity and explanations."""
    predicate = DOLLARS_COLLECTED.predicate({"agency": "acme", **values}, custom=CUSTOM)
    row, _, explained = world.decide(predicate)
    deciding = None if row["clause"] is None else predicate.clauses[row["clause"]].name
    return row["status"], deciding, row["quantity"], explained


def change(world, kind, **columns):
    """Change the first record of a type."""
    world.rows[kind][0] |= columns


def refund(world, amount, status="succeeded", *, ledger=True):
    """Refund part of the payment, with its row in the ledger."""
    given = world.add("refund", payment_id="ch", amount=Decimal(amount), status=status, created_at=world.start + DAY)
    if ledger:
        world.add(
            "ledger_entry", source_id=given["id"], origin_amount=-100 * Decimal(amount), origin_tolerance=Decimal(0)
        )


def dispute(world, amount, *, back=False, final=False, out=True):
    """Dispute part of the payment, with the rows the ledger then has."""
    at = world.start + 2 * DAY
    given = world.add("dispute", payment_id="ch", amount=Decimal(amount), final=final, created_at=at)
    given |= {"withdrawn_at": at if out else None, "reinstated_at": at + DAY if back else None}
    for sign in [-1] * out + [1] * back:
        world.add(
            "ledger_entry",
            source_id=given["id"],
            origin_amount=100 * sign * Decimal(amount),
            origin_tolerance=Decimal(0),
        )


def test_a_plain_recovered_payment_is_collected(paid):
    """All clauses hold: 100 collected, decided when the lookback is over."""
    status, clause, quantity, _ = decide(paid)
    assert (status, clause, quantity) == ("meets", None, 100)


REJECTED = [
    ("payment", {"test_mode": True}, "real_money"),
    ("payment", {"beneficiary": "acct_x"}, "own_money"),
    ("payment", {"status": "failed"}, "succeeded"),
    ("payment", {"captured": False}, "succeeded"),
    ("invoice_payment", {"payment_ref": "other"}, "invoiced"),
    ("invoice", {"custom": None}, "placed"),
    ("invoice", {"custom": {"placed_with": "other", "placed_at": 0}}, "placed"),
    ("invoice", {"collection": "automatic"}, "not_automatic"),
]


@pytest.mark.parametrize(("kind", "columns", "clause"), REJECTED)
def test_a_payment_that_is_not_recovered_money_is_rejected(paid, kind, columns, clause):
    """Each condition that is missing is named by its clause, with a sentence that tells the value."""
    if clause == "not_automatic":
        paid.add("change", object_id="ch", event="charge.succeeded", at=paid.start)
    change(paid, kind, **columns)
    status, deciding, _, explained = decide(paid)
    assert (status, deciding) == ("rejected", clause)
    assert "{" not in explained[clause].because
    assert explained[clause].flip.startswith("would hold if ")


def test_an_invoice_not_long_overdue_at_placement_is_rejected_with_the_date_that_would_do(paid):
    """Thirty local days after the due date is the first good instant; one microsecond earlier is not."""
    due = paid.rows["invoice"][0]["due_at"]
    good = paid.zone.add_days(due, 30)
    change(paid, "invoice", custom={"placed_at": good, "placed_with": "acme"})
    assert decide(paid)[0] == "meets"
    change(paid, "invoice", custom={"placed_at": good - 1, "placed_with": "acme"})
    status, clause, _, explained = decide(paid)
    assert (status, clause) == ("rejected", "overdue_at_placement")
    assert explained[clause].flip == (
        "would hold if placed_at (2026-01-31T08:59:59.999999Z) were 2026-01-31T09:00:00Z or later"
    )


def test_a_missing_due_date_is_unverifiable_and_named(paid):
    """Unknown is not false: the missing fact is named with where it comes from."""
    change(paid, "invoice", due_at=None)
    status, clause, _, explained = decide(paid)
    assert (status, clause) == ("unverifiable", "overdue_at_placement")
    assert explained[clause].because == "missing for good: due_at, which is min(invoices.due_at)"


def test_placement_after_the_money_is_rejected(paid):
    """The vendor cannot recover what has been paid already."""
    change(paid, "invoice", custom={"placed_at": paid.start + DAY, "placed_with": "acme"})
    assert decide(paid)[:2] == ("rejected", "placed_before_payment")


def test_attribution_ends_after_its_days(paid):
    """Placed twenty days before: within 20 days, not within 19."""
    assert decide(paid, attribution_days=21)[0] == "meets"
    assert decide(paid, attribution_days=19)[:2] == ("rejected", "within_attribution")


TAGS = [
    ([], 0, "proven", ("meets", None)),
    ([-1], 0, "proven", ("meets", None)),
    ([-1, 5], 0, "proven", ("rejected", "tag_before_payment")),
    ([], -10, "proven", ("unverifiable", "tag_before_payment")),
    ([], -10, "attested", ("meets", None)),
    ([5], -10, "attested", ("rejected", "tag_before_payment")),
]


@pytest.mark.parametrize(("days", "history", "provenance", "expected"), TAGS)
def test_a_tag_counts_only_if_it_was_there_before_the_money(paid, days, history, provenance, expected):
    """Seen before: good; seen after: rejected; not seen: good only if all of the history was, or the buyer attests."""
    for day in days:
        paid.add("change", object_id="in", field="metadata.placed_with", at=paid.start + day * DAY)
    paid.read_from["change"] = 0 if history == 0 else paid.start + history * DAY
    assert decide(paid, tag_provenance=provenance)[:2] == expected


AUTOMATIC = [
    (None, {}, "unverifiable"),
    ({"request_id": None}, {}, "rejected"),
    ({"request_id": "req"}, {}, "meets"),
    ({"request_id": None}, {"count_automatic": True}, "meets"),
]


@pytest.mark.parametrize(("event", "values", "status"), AUTOMATIC)
def test_a_payment_the_system_took_by_itself_is_not_the_vendors(paid, event, values, status):
    """On an automatic invoice somebody must have asked for the payment, and that must be seen."""
    change(paid, "invoice", collection="automatic")
    if event is not None:
        paid.add("change", object_id="ch", event="charge.succeeded", at=paid.start, **event)
    assert decide(paid, **values)[0] == status


def test_money_that_never_moved_here_is_unverifiable(paid):
    """A payment marked as received elsewhere is somebody's word."""
    change(paid, "payment", channel="off_platform")
    assert decide(paid)[:2] == ("unverifiable", "on_platform")


def test_a_ledger_that_disagrees_makes_it_unverifiable_and_says_by_how_much(paid):
    """Neither side is believed when the system contradicts itself; a conversion may round."""
    change(paid, "ledger_entry", origin_amount=Decimal(9_925))
    status, clause, _, explained = decide(paid)
    assert (status, clause) == ("unverifiable", "ledger_agrees")
    assert "a difference of 0.75 EUR" in explained[clause].because
    change(paid, "ledger_entry", origin_tolerance=Decimal(75))
    assert decide(paid)[0] == "meets"


def test_refunds_come_off_unless_they_failed(paid):
    """Refunds that failed or were canceled give nothing back; a full refund leaves nothing to bill."""
    refund(paid, 30)
    refund(paid, 50, "failed", ledger=False)
    assert decide(paid)[2] == 70
    assert decide(paid, basis="gross_received")[2] == 100
    refund(paid, 70)
    status, clause, _, explained = decide(paid)
    assert (status, clause) == ("rejected", "net_positive")
    assert (
        explained[clause].because
        == "nothing is left of 100.00 EUR: refunded 100.00 EUR, disputed 0.00 EUR, credited 0.00 EUR"
    )


def test_fees_come_off_only_on_that_basis(paid):
    """`net_of_fees` takes the ledger's fees off too."""
    change(paid, "ledger_entry", origin_fee=Decimal(290))
    assert decide(paid, basis="net_of_fees")[2] == Decimal("97.10")
    assert decide(paid)[2] == 100


DISPUTES = [
    ({"out": True}, {}, ("pending", "net_positive", 60)),
    ({"out": False}, {}, ("meets", None, 100)),
    ({"out": True, "final": True}, {}, ("meets", None, 60)),
    ({"out": True, "final": True, "back": True}, {}, ("meets", None, 100)),
    ({"out": True, "final": True, "back": True}, {"reinstate_on_win": False}, ("meets", None, 60)),
    ({"out": True}, {"dispute_effect": "on_open"}, ("meets", None, 60)),
    ({"out": True}, {"dispute_effect": "on_lost"}, ("meets", None, 100)),
    ({"out": True, "final": True}, {"dispute_effect": "on_lost"}, ("meets", None, 60)),
    ({"out": True}, {"basis": "net_of_refunds"}, ("meets", None, 100)),
]


@pytest.mark.parametrize(("state", "values", "expected"), DISPUTES)
def test_a_dispute_has_the_effect_the_contract_names(paid, state, values, expected):
    """Held while funds are out, deducted when lost, back when won, nothing while it is an inquiry."""
    dispute(paid, 40, **state)
    assert decide(paid, **values)[:3] == expected


def test_an_overpayment_counts_up_to_what_was_applied(paid):
    """What the customer paid beyond the invoice is owed back, unless the contract counts it."""
    change(paid, "invoice_payment", amount_paid=Decimal(80))
    assert decide(paid)[2] == 80
    assert decide(paid, overpayment="counts")[2] == 100


def test_a_refunded_overpayment_costs_the_vendor_nothing(paid):
    """What went back comes off all that came in, before the cap of what was applied."""
    change(paid, "invoice_payment", amount_paid=Decimal(80))
    refund(paid, 20)
    assert decide(paid)[2] == 80
    refund(paid, 10)
    assert decide(paid)[2] == 70


def test_a_refund_of_unknown_state_counts_as_given_back(paid):
    """A missing status never makes a refund or a credit vanish."""
    refund(paid, 30, None)
    assert decide(paid)[2] == 70
    paid.add("credit_note", invoice_id="in", status=None, out_of_band_amount=Decimal(15))
    assert decide(paid)[2] == 55


def test_a_ledger_read_less_far_than_the_refunds_is_no_mismatch(paid):
    """A refund that is younger than what the ledger was read to leaves the check open, not failed."""
    refund(paid, 30, ledger=False)
    assert decide(paid)[:2] == ("unverifiable", "ledger_agrees")
    paid.read_to["ledger_entry"] = paid.start + DAY
    assert decide(paid)[:2] == ("pending", "ledger_agrees")


def test_a_write_to_another_metadata_key_is_no_change_of_the_tag(paid):
    """Somebody's export mark written after the payment leaves the tag as old as it was."""
    paid.add("change", object_id="in", field="metadata.exported", at=paid.start + 5 * DAY)
    assert decide(paid)[0] == "meets"


def test_a_credit_paid_elsewhere_comes_off_if_one_payment_only_can_have_earned_it(paid):
    """With two paid payments on the invoice it cannot be told whose money went back."""
    paid.add("credit_note", invoice_id="in", status="issued", out_of_band_amount=Decimal(15))
    paid.add("credit_note", invoice_id="in", status="void", out_of_band_amount=Decimal(50))
    assert decide(paid)[::2][:2] == ("meets", 85)
    paid.add("invoice_payment", invoice_id="in", payment_ref="pi_other", status="paid", amount_paid=Decimal(1))
    assert decide(paid)[:2] == ("unverifiable", "credit_shared")


def test_refunds_in_another_currency_are_not_subtracted(paid):
    """Currencies are never netted: the amount is unknown."""
    refund(paid, 30)
    paid.rows["refund"][0]["currency"] = "USD"
    assert decide(paid)[0] == "unverifiable"


def test_a_bank_debit_settles_first(paid):
    """Until the settling days are over a debit may bounce; a card payment has no such days."""
    paid.read_to = dict.fromkeys(paid.read_to, paid.start + 5 * DAY)
    assert decide(paid, lookback_days=0)[0] == "meets"
    change(paid, "payment", method="sepa_debit")
    status, clause, _, explained = decide(paid, lookback_days=0)
    assert (status, clause) == ("pending", "settled")
    assert explained[clause].until == paid.zone.add_days(paid.start + 1, 14)


def test_a_pending_payment_is_pending(paid):
    """What may still succeed is not rejected."""
    change(paid, "payment", status="pending", captured=False, amount_captured=Decimal(0))
    paid.rows["ledger_entry"].clear()
    paid.rows["invoice_payment"][0] |= {"status": "open", "paid_at": None}
    paid.add("ledger_entry", source_id="ch", origin_amount=Decimal(10_000), origin_tolerance=Decimal(0))
    assert decide(paid)[:2] == ("pending", "succeeded")


def test_the_lookback_keeps_it_pending_until_everything_is_read_past_it(paid):
    """The slowest stream decides; one microsecond short is still pending."""
    end = paid.zone.add_days(paid.start + 1, 120)
    paid.read_to["dispute"] = end - 1
    status, clause, _, explained = decide(paid)
    assert (status, clause, explained[clause].until) == ("pending", "net_positive", end)
    paid.read_to["dispute"] = end
    assert decide(paid)[0] == "meets"


def test_other_names_for_the_tag_may_be_declared(paid):
    """The fields that carry the tag are named by the contract."""
    custom = {"invoice": {"sent_at": "instant", "sent_to": "text"}}
    values = {"agency": "acme", "placed_at_field": "sent_at", "placed_with_field": "sent_to"}
    change(paid, "invoice", custom={"sent_at": paid.start - 20 * DAY, "sent_to": "acme"})
    row, _, _ = paid.decide(DOLLARS_COLLECTED.predicate(values, custom=custom))
    assert row["status"] == "meets"


PARAMS = [
    ({}, "needs the parameter agency", ("with",)),
    ({"agency": ""}, "a text that is not empty", ("with", "agency")),
    ({"agency": 5}, "a text that is not empty", ("with", "agency")),
    ({"agency": "a", "basics": 1}, "has no parameter basics", ("with", "basics")),
    ({"agency": "a", "basis": "net"}, "one of net_of_refunds_and_disputes", ("with", "basis")),
    ({"agency": "a", "lookback_days": -1}, "from 0 to 3650", ("with", "lookback_days")),
    ({"agency": "a", "lookback_days": True}, "from 0 to 3650", ("with", "lookback_days")),
    ({"agency": "a", "reinstate_on_win": "yes"}, "true or false", ("with", "reinstate_on_win")),
    ({"agency": "a", "placed_at_field": "a b'"}, "the name of a custom field", ("with", "placed_at_field")),
    ({"agency": "a", "placed_at_field": "nowhere"}, "no source declares", ("with", "placed_at_field")),
]


@pytest.mark.parametrize(("values", "message", "path"), PARAMS)
def test_a_wrong_parameter_is_refused_where_it_stands(values, message, path):
    """Unknown, missing and wrong parameters name the parameter and what is possible."""
    places = {path: Position("acme.yaml", 9, 3)}
    with pytest.raises(ContractError) as caught:
        DOLLARS_COLLECTED.predicate(values, custom=CUSTOM, locate=places.get)
    assert message in caught.value.message
    assert caught.value.where == Position("acme.yaml", 9, 3)
    assert caught.value.hint


def test_a_template_needs_its_custom_fields_declared():
    """Without the declared tag fields the template says which one and where to declare it."""
    with pytest.raises(ContractError, match="reads the custom field placed_at"):
        DOLLARS_COLLECTED.predicate({"agency": "acme"})


def test_every_parameter_says_what_it_settles_and_where_it_comes_from():
    """Parameters are documented with their source in practice."""
    templates = tallystick_outcome_templates()

    assert [template.name for template in templates] == [
        "dollars-collected", "qualified-meeting", "ticket-resolved",
    ]  # fmt: skip
    for param in (param for template in templates for param in template.params):
        assert param.doc.endswith(".")
        assert param.source.endswith(".")


def test_a_name_with_quotes_and_braces_is_only_a_name(paid):
    """The agency is bound as a value; it cannot become part of the expression or of a sentence."""
    change(paid, "invoice", custom={"placed_at": paid.start - 20 * DAY, "placed_with": "x' or 'a'='a {gross}"})
    predicate = DOLLARS_COLLECTED.predicate({"agency": "x' or 'a'='a {gross}"}, custom=CUSTOM)
    assert paid.decide(predicate)[0]["status"] == "meets"
    assert decide(paid)[:2] == ("rejected", "placed")
