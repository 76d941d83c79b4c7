"""Payments of placed invoices: plain ones, and one function for each way of placing, paying and claiming them.

Each function plans one case and labels it by the rule in its docstring. Unless it says otherwise the invoice is long
overdue, was placed with the agency before it was paid, and the payment was collected by 9 September, so that its
lookback of 30 days is over at the last stage.
"""

from __future__ import annotations

from tallystick_stripe.simulator.script import AGENCY, DAY, RIVAL, Script, day

__all__ = ["TRAPS", "found", "plain"]

LOOKBACK = 30 * DAY
_MIX = ("eur",) * 78 + ("usd",) * 10 + ("jpy",) * 5 + ("kwd",) * 4 + ("ugx", "isk", "huf")


def when(script: Script) -> int:
    """Pick when a payment is collected whose lookback is over at the last stage."""
    return script.between("08-05", "09-08")


def early(script: Script) -> int:
    """Pick when a payment is collected that is verified at the second stage, so that a later event reverses it."""
    return script.between("08-06", "08-17")


def plain(script: Script) -> None:
    """Recovered, nothing odd: verified with the full amount; pending while the lookback runs."""
    currency = script.random.choice(_MIX)
    waits = script.random.random() < 0.12
    at = script.between("09-15", "10-08") if waits else when(script)
    bill = script.overdue(at, currency=currency)
    charge = script.pay(at, bill)
    if waits:
        script.expect(charge, at, bill.total, "pending", "net_positive", "lookback still running", currency=currency)
    else:
        end = at + LOOKBACK
        values = {"net": bill.total, "currency": currency, "decided": end}
        script.expect(charge, at, bill.total, "verified", "", "recovered", **values)


def found(script: Script) -> None:
    """Recovered and never claimed: verified all the same, in the vendor's favour."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill)
    subject = f"found:recovered:{charge}"
    script.label(subject, "verified", "", "met but never claimed", net=bill.total, decided=at + LOOKBACK)


def kept(script: Script, ref: str, at: int, amounts: tuple[int, int], trap: str, *, currency: str = "eur") -> None:
    """Claim a payment that is verified once its lookback is over; `amounts` are what is claimed, and what counts."""
    gross, net = amounts
    values = {"net": net, "currency": currency, "decided": at + LOOKBACK}
    script.expect(ref, at, gross, "verified", "", trap, **values)


def _in_currency(script: Script, currency: str) -> None:
    at = when(script)
    bill = script.overdue(at, currency=currency)
    charge = script.pay(at, bill)
    kept(script, charge, at, (bill.total, bill.total), f"minor units of {currency.upper()}", currency=currency)


def yen(script: Script) -> None:
    """JPY has no decimals."""
    _in_currency(script, "jpy")


def dinar(script: Script) -> None:
    """KWD has three decimals."""
    _in_currency(script, "kwd")


def shilling(script: Script) -> None:
    """UGX has no minor unit in use, and two decimals on the wire."""
    _in_currency(script, "ugx")


def krona(script: Script) -> None:
    """ISK has no minor unit in use, and two decimals on the wire."""
    _in_currency(script, "isk")


def forint(script: Script) -> None:
    """HUF is charged with two decimals."""
    _in_currency(script, "huf")


def by_intent(script: Script) -> None:
    """The claim names the payment intent, whose first attempt had failed: the attempt that succeeded counts."""
    at = when(script)
    bill = script.overdue(at)
    script.pay(at - 1800, bill, outcome="failed")
    script.pay(at, bill)
    kept(script, bill.intent, at, (bill.total, bill.total), "claimed by payment intent")


def by_invoice(script: Script) -> None:
    """The claim names an invoice with exactly one payment."""
    at = when(script)
    bill = script.overdue(at)
    script.pay(at, bill)
    kept(script, bill.id, at, (bill.total, bill.total), "claimed by invoice")


def ambiguous(script: Script) -> None:
    """The claim names an invoice with two payments: nobody can say which; both also have claims of their own."""
    at = when(script)
    bill = script.overdue(at, total=script.random.randint(300, 900) * 100)
    part = bill.total // 3
    first = script.pay(at - 3600, bill, extra=(script.key("inpay"), script.key("pi")), amount=part)
    second = script.pay(at, bill)
    script.expect(bill.id, at, bill.total, "unverifiable", "ambiguous", "invoice with two payments")
    kept(script, first, at - 3600, (part, part), "first payment of an invoice with two")
    kept(script, second, at, (bill.total - part, bill.total - part), "second payment of an invoice with two")


def partial_payments(script: Script) -> None:
    """Two payments towards an invoice that stays open: each counts for what it brought."""
    at = when(script)
    bill = script.overdue(at, total=script.random.randint(300, 900) * 100)
    part = bill.total * 3 // 10
    for moment in (at, at + 3600):
        charge = script.pay(moment, bill, extra=(script.key("inpay"), script.key("pi")), amount=part)
        kept(script, charge, moment, (part, part), "partial payment of an invoice still open")


def overpaid(script: Script) -> None:
    """More came in than was due: only what was due counts."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill, amount=bill.total + 5000, over=5000)
    kept(script, charge, at, (bill.total + 5000, bill.total), "overpaid")


def balance_part(script: Script) -> None:
    """Part of the invoice was met from the customer's credit, which is no new cash."""
    at = when(script)
    credit = script.random.randint(10, 40) * 100
    total = script.random.randint(100, 400) * 100
    bill = script.overdue(at, total=total, balance=-credit)
    charge = script.pay(at, bill)
    kept(script, charge, at, (total, total - credit), "part paid from customer balance")


def balance_whole(script: Script) -> None:
    """All of the invoice was met from the customer's credit: there is no payment to find."""
    total = script.random.randint(50, 100) * 100
    bill = script.bill(script.between("06-01", "07-01"), total=total, balance=-total)
    at = script.between("08-10", "08-25")
    script.place(bill, at)
    script.expect(bill.id, at, total, "rejected", "no_such_record", "paid from customer balance alone")


def partial_capture(script: Script) -> None:
    """Only a part of the authorised amount was captured: the part counts."""
    at = when(script)
    bill = script.overdue(at)
    charge, inpay = script.key("ch"), script.key("inpay")
    held = {"charge": charge, "amount": bill.total + 2500, "invoice": bill.id, "inpay": inpay}
    script.do(at - 7200, "authorize", **held, customer=bill.customer)
    script.do(at, "capture", charge=charge, amount=bill.total)
    kept(script, charge, at, (bill.total + 2500, bill.total), "partial capture")


def uncaptured(script: Script) -> None:
    """Authorised and never captured: no money was taken."""
    at = script.between("10-05", "10-08")
    bill = script.overdue(at)
    charge, inpay = script.key("ch"), script.key("inpay")
    held = {"charge": charge, "amount": bill.total, "invoice": bill.id, "inpay": inpay}
    script.do(at, "authorize", **held, customer=bill.customer)
    script.expect(charge, at, bill.total, "rejected", "succeeded", "authorised, never captured")


def declined(script: Script) -> None:
    """The claim names a charge that the bank declined."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill, outcome="failed")
    script.expect(charge, at, bill.total, "rejected", "succeeded", "declined")


def _off_platform(script: Script, named: str) -> None:
    at = when(script)
    bill = script.overdue(at)
    refs = {"invoice payment": script.key("inpay"), "invoice": bill.id}
    ids = {"id": bill.id, "inpay": refs["invoice payment"], "record": script.key("pr")}
    script.do(at, "pay_off_platform", **ids)
    trap = f"paid outside Stripe, claimed by {named}"
    script.expect(refs[named], at, bill.total, "unverifiable", "on_platform", trap)


def off_platform(script: Script) -> None:
    """Marked as paid outside Stripe: somebody's word, and nothing here proves the cash."""
    _off_platform(script, "invoice payment")


def off_platform_by_invoice(script: Script) -> None:
    """The same, claimed by the invoice."""
    _off_platform(script, "invoice")


def connected(script: Script) -> None:
    """Taken on behalf of a connected account: not the buyer's money."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill, on_behalf_of=script.key("acct"))
    script.expect(charge, at, bill.total, "rejected", "own_money", "on behalf of a connected account")


def no_invoice(script: Script) -> None:
    """A payment without any invoice cannot have been placed."""
    at = when(script)
    owner, amount, charge = script.customer(at - DAY), script.amount("eur"), script.key("ch")
    script.do(at, "pay", charge=charge, customer=owner, amount=amount)
    script.expect(charge, at, amount, "rejected", "invoiced", "payment without an invoice")


def two_invoices(script: Script) -> None:
    """One payment for two invoices: which of them it recovered is not said."""
    at = when(script)
    first, second = script.overdue(at), script.overdue(at)
    also = (second.id, script.key("inpay"), second.total)
    total = first.total + second.total
    charge = script.pay(at, first, amount=total, also=also)
    script.expect(charge, at, total, "rejected", "invoiced", "one payment for two invoices")


def untagged(script: Script) -> None:
    """Overdue and paid, but never placed with anybody."""
    at = when(script)
    bill = script.bill(script.between("04-02", "05-26"))
    charge = script.pay(at, bill)
    script.expect(charge, at, bill.total, "rejected", "placed", "never placed")


def other_agency(script: Script) -> None:
    """Placed with another agency."""
    at = when(script)
    bill = script.bill(script.between("04-02", "05-26"))
    script.place(bill, at - 30 * 3600, agency=RIVAL)
    charge = script.pay(at, bill)
    script.expect(charge, at, bill.total, "rejected", "placed", "placed with another agency")


def paid_before(script: Script) -> None:
    """Paid first, placed afterwards."""
    at = when(script)
    bill = script.bill(script.between("04-02", "05-26"))
    charge = script.pay(at, bill)
    script.place(bill, at + 3 * DAY)
    script.expect(charge, at, bill.total, "rejected", "placed_before_payment", "paid before it was placed")


def not_overdue(script: Script) -> None:
    """Placed when it was due for less than 30 days, or not yet due."""
    at = script.between("08-20", "09-08")
    placed = at - 5 * DAY
    age = script.random.choice((-4, 3, 12, 29))
    bill = script.bill(placed - age * DAY - 14 * DAY - 3600, due_days=14)
    script.place(bill, placed)
    charge = script.pay(at, bill)
    clause = "overdue_at_placement"
    script.expect(charge, at, bill.total, "rejected", clause, f"placed {age} days after the due date")


def no_due_date(script: Script) -> None:
    """Collected automatically, so it has no due date: that it was overdue cannot be shown."""
    at = when(script)
    bill = script.bill(script.between("04-02", "05-26"), due_days=None)
    script.pay(bill.created + 3700, bill, by="stripe", outcome="failed")
    script.place(bill, max(at - 4 * DAY, day("08-03") + 3600))
    charge = script.pay(at, bill)
    clause = "overdue_at_placement"
    script.expect(charge, at, bill.total, "unverifiable", clause, "no due date")


def automatic_retry(script: Script) -> None:
    """Stripe's own retry collected it, no call of anybody: the agency did nothing."""
    at = when(script)
    bill = script.bill(script.between("04-02", "05-26"), due_days=None)
    script.pay(at - 3 * DAY, bill, by="stripe", outcome="failed")
    script.place(bill, max(at - 2 * DAY, day("08-03") + 3600))
    charge = script.pay(at, bill, by="stripe")
    script.expect(charge, at, bill.total, "rejected", "not_automatic", "collected by an automatic retry")


def too_late(script: Script) -> None:
    """Paid more than 30 days after it was placed."""
    placed = script.between("08-03", "08-05")
    at = script.between("09-06", "09-08")
    bill = script.bill(script.between("04-02", "05-26"))
    script.place(bill, placed)
    charge = script.pay(at, bill)
    clause = "within_attribution"
    script.expect(charge, at, bill.total, "rejected", clause, "paid long after it was placed")


def backdated(script: Script) -> None:
    """The tag was written after the payment and says that it was placed before."""
    at = when(script)
    bill = script.bill(script.between("04-02", "05-26"))
    charge = script.pay(at, bill)
    script.place(bill, at - 2 * DAY, written=at + DAY)
    script.expect(charge, at, bill.total, "rejected", "tag_before_payment", "tag backdated after the payment")


def rewritten(script: Script) -> None:
    """Placed in time, but the tag was written once more after the payment: who placed it when is open to doubt."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill)
    script.place(bill, at - 10 * 3600, written=at + DAY)
    script.expect(charge, at, bill.total, "rejected", "tag_before_payment", "tag rewritten after the payment")


def tagged_twice(script: Script) -> None:
    """The placement was corrected before the payment: fine."""
    at = when(script)
    bill = script.overdue(at)
    script.place(bill, at - 3 * 3600)
    charge = script.pay(at, bill)
    kept(script, charge, at, (bill.total, bill.total), "placement corrected before the payment")


def history_lost(script: Script) -> None:
    """Tagged before events can be listed at the first sync: nobody can tell when the tag was written."""
    at = script.between("08-04", "08-06") if script.random.random() < 0.5 else script.between("07-14", "07-28")
    bill = script.bill(script.between("04-02", "04-28"))
    script.place(bill, script.between("07-08", "07-12"))
    charge = script.pay(at, bill)
    script.expect(charge, at, bill.total, "unverifiable", "tag_before_payment", "history of the tag is lost")


def unreadable(script: Script) -> None:
    """The tag names the agency but its date reads like a note: when it was placed is missing for good."""
    at = when(script)
    bill = script.bill(script.between("04-02", "05-26"))
    tags = {"placed_with": AGENCY, "placed_at": "on the phone, early August"}
    script.do(at - DAY, "tag", id=bill.id, metadata=tags)
    charge = script.pay(at, bill)
    clause = "placed_before_payment"
    script.expect(charge, at, bill.total, "unverifiable", clause, "placement date cannot be read")


def claimed_twice(script: Script) -> None:
    """Two claims for one payment, the later by another reference: the earlier one keeps it."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill)
    kept(script, charge, at, (bill.total, bill.total), "claimed twice, first")
    script.expect(bill.intent, at + 6 * DAY, bill.total, "rejected", "duplicate", "claimed twice, second")


def no_such(script: Script) -> None:
    """Stripe has never heard of it."""
    at = when(script)
    script.expect(script.key("ch"), at, 45_000, "rejected", "no_such_record", "no such payment")


def not_yet(script: Script) -> None:
    """Claimed at the very moment of the last stage: the payment may still appear."""
    subject = script.claim(script.key("ch"), day("10-12") + 6 * 3600, 45_000)
    script.label(subject, "pending", "no_such_record", "claimed at the moment of the last sync")


TRAPS = (
    by_intent,
    by_invoice,
    ambiguous,
    partial_payments,
    overpaid,
    balance_part,
    balance_whole,
    partial_capture,
    uncaptured,
    declined,
    off_platform,
    off_platform_by_invoice,
    connected,
    no_invoice,
    two_invoices,
    untagged,
    other_agency,
    paid_before,
    not_overdue,
    no_due_date,
    automatic_retry,
    too_late,
    backdated,
    rewritten,
    tagged_twice,
    history_lost,
    unreadable,
    claimed_twice,
    no_such,
    not_yet,
    yen,
    dinar,
    shilling,
    krona,
    forint,
)
"""One function for each case; each call plans one."""
