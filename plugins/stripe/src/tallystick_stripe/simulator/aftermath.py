"""What becomes of a payment after it was made: debits that bounce, refunds, credit notes, disputes, a broken ledger.

Each function plans one case and labels it by the rule in its docstring; see `traps` for what holds where it says
nothing.
"""

from __future__ import annotations

from tallystick_stripe.simulator.script import DAY, Script
from tallystick_stripe.simulator.traps import early, kept, when

__all__ = ["AFTERMATH"]


def debit_pending(script: Script) -> None:
    """A bank debit on its way: not yet knowable."""
    at = script.between("10-08", "10-09")
    bill = script.overdue(at)
    charge = script.pay(at, bill, method="sepa_debit", outcome="pending")
    script.expect(charge, at, bill.total, "pending", "succeeded", "bank debit on its way")


def debit_settled(script: Script) -> None:
    """A bank debit created in one window and paid days later: a late event; counts from when it was paid."""
    at = script.between("08-12", "09-08")
    bill = script.overdue(at - 5 * DAY)
    charge = script.pay(at - 5 * DAY, bill, method="sepa_debit", outcome="pending")
    script.do(at, "settle", charge=charge)
    kept(script, charge, at, (bill.total, bill.total), "bank debit that succeeded days later")


def debit_settling(script: Script) -> None:
    """A bank debit that succeeded within the last seven days may still bounce; its lookback runs longer still."""
    at = script.between("10-08", "10-10")
    bill = script.overdue(at - 3 * DAY)
    charge = script.pay(at - 3 * DAY, bill, method="sepa_debit", outcome="pending")
    script.do(at, "settle", charge=charge)
    script.expect(charge, at, bill.total, "pending", "net_positive", "bank debit in its settling period")


def debit_failed(script: Script) -> None:
    """A bank debit that failed while pending."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill, method="sepa_debit", outcome="pending")
    script.do(at + 4 * DAY, "fail", charge=charge)
    script.expect(charge, at, bill.total, "rejected", "succeeded", "bank debit failed")


def debit_bounced(script: Script) -> None:
    """A bank debit that succeeded and failed late, before it could be verified."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill, method="us_bank_account", outcome="pending")
    script.do(at + DAY, "settle", charge=charge)
    script.do(at + 12 * DAY, "fail", charge=charge)
    script.expect(charge, at, bill.total, "rejected", "succeeded", "bank debit failed late")


def debit_bounced_after(script: Script) -> None:
    """Verified on 20 September; then the bank took the debit back."""
    at = early(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill, method="sepa_debit", outcome="pending")
    script.do(at + DAY, "settle", charge=charge)
    script.do(script.between("09-23", "10-05"), "fail", charge=charge)
    script.expect(charge, at, bill.total, "reversed", "succeeded", "bank debit taken back after verification")


def _refund(script: Script, charge: str, at: int, amount: int, status: str = "succeeded") -> str:
    key = script.key("re")
    script.do(at, "refund", id=key, charge=charge, amount=amount, status=status)
    return key


def _credit(script: Script, at: int, invoice: str, **values: object) -> str:
    key = script.key("cn")
    script.do(at, "credit", id=key, invoice=invoice, **values)
    return key


def _dispute(script: Script, charge: str, at: int, amount: int, *, inquiry: bool = False) -> str:
    key = script.key("du")
    script.do(at, "open_dispute", id=key, charge=charge, amount=amount, inquiry=inquiry)
    return key


def refunded(script: Script) -> None:
    """All of it was given back within the lookback."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill)
    _refund(script, charge, at + 9 * DAY, bill.total)
    script.expect(charge, at, bill.total, "rejected", "net_positive", "refunded in full")


def refunded_part(script: Script) -> None:
    """A part was given back within the lookback: the rest counts."""
    at = when(script)
    bill = script.overdue(at)
    part = bill.total // 4
    charge = script.pay(at, bill)
    _refund(script, charge, at + 9 * DAY, part)
    kept(script, charge, at, (bill.total, bill.total - part), "refunded in part")


def refunded_part_abroad(script: Script) -> None:
    """A part was given back at another day's exchange rate: the charge's own currency counts, the ledger agrees."""
    at = when(script)
    currency = script.random.choice(("usd", "jpy"))
    bill = script.overdue(at, currency=currency)
    part = bill.total // 4
    charge = script.pay(at, bill)
    _refund(script, charge, at + 9 * DAY, part)
    kept(
        script,
        charge,
        at,
        (bill.total, bill.total - part),
        f"refunded in part in {currency.upper()}",
        currency=currency,
    )


def refunded_after(script: Script) -> None:
    """Verified on 20 September, given back after the period: reversed."""
    at = early(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill)
    _refund(script, charge, script.between("09-23", "10-05"), bill.total)
    script.expect(charge, at, bill.total, "reversed", "net_positive", "refunded after verification")


def refunded_part_after(script: Script) -> None:
    """Verified on 20 September, a part given back after the period: still verified, for less."""
    at = early(script)
    bill = script.overdue(at)
    part = bill.total // 2
    charge = script.pay(at, bill)
    _refund(script, charge, script.between("09-23", "10-05"), part)
    kept(script, charge, at, (bill.total, bill.total - part), "refunded in part after verification")


def refund_failed(script: Script) -> None:
    """The refund failed and the money came back: the full amount counts."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill)
    key = _refund(script, charge, at + 5 * DAY, bill.total)
    script.do(at + 9 * DAY, "end_refund", id=key, status="failed")
    kept(script, charge, at, (bill.total, bill.total), "refund that failed")


def refund_pending(script: Script) -> None:
    """A refund on its way has left the balance: it is deducted."""
    at = when(script)
    bill = script.overdue(at)
    part = bill.total // 5
    charge = script.pay(at, bill)
    _refund(script, charge, at + 20 * DAY, part, "pending")
    kept(script, charge, at, (bill.total, bill.total - part), "refund on its way")


def credit_refunded(script: Script) -> None:
    """A credit note whose money went back as a refund: deducted once, as the refund."""
    at = when(script)
    bill = script.overdue(at)
    part = bill.total // 3
    charge = script.pay(at, bill)
    refund = _refund(script, charge, at + 6 * DAY, part)
    _credit(script, at + 6 * DAY, bill.id, refund=(refund, part))
    kept(script, charge, at, (bill.total, bill.total - part), "credit note with refund")


def credit_to_balance(script: Script) -> None:
    """A credit note to the customer's balance: no cash went back."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill)
    _credit(script, at + 6 * DAY, bill.id, to_balance=bill.total // 3)
    kept(script, charge, at, (bill.total, bill.total), "credit note to the customer's balance")


def credit_out_of_band(script: Script) -> None:
    """A credit note paid back outside Stripe: deducted."""
    at = when(script)
    bill = script.overdue(at)
    part = bill.total // 3
    charge = script.pay(at, bill)
    _credit(script, at + 6 * DAY, bill.id, out_of_band=part)
    kept(script, charge, at, (bill.total, bill.total - part), "credit note paid back outside Stripe")


def credit_out_of_band_whole(script: Script) -> None:
    """All of it was paid back outside Stripe: nothing is left."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill)
    _credit(script, at + 6 * DAY, bill.id, out_of_band=bill.total)
    script.expect(charge, at, bill.total, "rejected", "net_positive", "paid back outside Stripe in full")


def credit_voided(script: Script) -> None:
    """A credit note that was voided deducts nothing."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill)
    note = _credit(script, at + 6 * DAY, bill.id, out_of_band=bill.total // 3)
    script.do(at + 8 * DAY, "void_credit", id=note)
    kept(script, charge, at, (bill.total, bill.total), "credit note that was voided")


def credit_before(script: Script) -> None:
    """A credit note before payment reduced what was due: what was paid counts."""
    at = when(script)
    bill = script.overdue(at)
    part = bill.total // 4
    _credit(script, at - 4 * 3600, bill.id, before=part)
    charge = script.pay(at, bill)
    kept(script, charge, at, (bill.total, bill.total - part), "credit note before payment")


def credit_mixed(script: Script) -> None:
    """A credit note for what was due and for what was paid: the part paid back outside Stripe is deducted."""
    at = when(script)
    bill = script.overdue(at, total=script.random.randint(30, 90) * 1000)
    third = bill.total // 3
    charge = script.pay(at, bill, extra=(script.key("inpay"), script.key("pi")), amount=2 * third)
    _credit(script, at + 2 * DAY, bill.id, before=bill.total - 2 * third, out_of_band=third // 2)
    kept(script, charge, at, (2 * third, 2 * third - third // 2), "credit note before and after payment")


def credit_shared(script: Script) -> None:
    """Paid back outside Stripe, and two payments it may have come from: nobody can say which is less."""
    at = when(script)
    bill = script.overdue(at, total=script.random.randint(30, 90) * 1000)
    half = bill.total // 2
    first = script.pay(at - 3600, bill, extra=(script.key("inpay"), script.key("pi")), amount=half)
    second = script.pay(at, bill)
    _credit(script, at + 2 * DAY, bill.id, out_of_band=half // 2)
    for charge in (first, second):
        script.expect(charge, at, half, "unverifiable", "credit_shared", "credit shared by two payments")


def dispute_held(script: Script) -> None:
    """Contested, the funds are out, nothing is decided."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill)
    key = _dispute(script, charge, at + 20 * DAY, bill.total)
    if script.random.random() < 0.5:
        script.do(at + 24 * DAY, "answer_dispute", id=key, status="under_review")
    script.expect(charge, at, bill.total, "pending", "net_positive", "dispute open, funds held")


def dispute_lost(script: Script) -> None:
    """Contested and lost."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill)
    key = _dispute(script, charge, at + 6 * DAY, bill.total)
    script.do(at + 25 * DAY, "close_dispute", id=key, status="lost")
    script.expect(charge, at, bill.total, "rejected", "net_positive", "dispute lost")


def dispute_lost_part(script: Script) -> None:
    """A part was contested and lost: the rest counts."""
    at = when(script)
    bill = script.overdue(at)
    part = bill.total // 3
    charge = script.pay(at, bill)
    key = _dispute(script, charge, at + 6 * DAY, part)
    script.do(at + 25 * DAY, "close_dispute", id=key, status="lost")
    kept(script, charge, at, (bill.total, bill.total - part), "dispute lost for a part")


def dispute_lost_after(script: Script) -> None:
    """Verified on 20 September; contested and lost after: reversed."""
    at = early(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill)
    opened = script.between("09-22", "09-25")
    key = _dispute(script, charge, opened, bill.total)
    script.do(opened + 10 * DAY, "close_dispute", id=key, status="lost")
    script.expect(charge, at, bill.total, "reversed", "net_positive", "dispute lost after verification")


def dispute_won(script: Script) -> None:
    """Contested and won: the funds are back."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill)
    key = _dispute(script, charge, at + 6 * DAY, bill.total)
    script.do(at + 8 * DAY, "answer_dispute", id=key, status="under_review")
    script.do(at + 25 * DAY, "close_dispute", id=key, status="won")
    kept(script, charge, at, (bill.total, bill.total), "dispute won")


def dispute_appealed(script: Script) -> None:
    """Lost, appealed and won: reinstated."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill)
    key = _dispute(script, charge, at + 3 * DAY, bill.total)
    script.do(at + 10 * DAY, "close_dispute", id=key, status="lost")
    script.do(at + 12 * DAY, "answer_dispute", id=key, status="appeal_under_review")
    script.do(at + 26 * DAY, "close_dispute", id=key, status="won")
    kept(script, charge, at, (bill.total, bill.total), "dispute lost, then won on appeal")


def inquiry(script: Script) -> None:
    """The bank only inquires: no funds are out."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill)
    _dispute(script, charge, at + 6 * DAY, bill.total, inquiry=True)
    kept(script, charge, at, (bill.total, bill.total), "inquiry, funds never out")


def inquiry_closed(script: Script) -> None:
    """The bank inquired and let it be."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill)
    key = _dispute(script, charge, at + 6 * DAY, bill.total, inquiry=True)
    script.do(at + 20 * DAY, "close_dispute", id=key, status="warning_closed")
    kept(script, charge, at, (bill.total, bill.total), "inquiry closed")


def prevented(script: Script) -> None:
    """A dispute that was prevented took no funds."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill)
    key = _dispute(script, charge, at + 6 * DAY, bill.total, inquiry=True)
    script.do(at + 6 * DAY + 60, "close_dispute", id=key, status="prevented")
    kept(script, charge, at, (bill.total, bill.total), "dispute prevented")


def ledger_missing(script: Script) -> None:
    """Collected by its own word, and no row of the cash ledger says so."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill, ledger="missing")
    script.expect(charge, at, bill.total, "unverifiable", "ledger_agrees", "no row in the cash ledger")


def ledger_short(script: Script) -> None:
    """The row of the cash ledger is 10.00 less than the charge."""
    at = when(script)
    bill = script.overdue(at)
    charge = script.pay(at, bill, ledger="short")
    script.expect(charge, at, bill.total, "unverifiable", "ledger_agrees", "cash ledger is 10.00 short")


AFTERMATH = (
    debit_pending,
    debit_settled,
    debit_settling,
    debit_failed,
    debit_bounced,
    debit_bounced_after,
    refunded,
    refunded_part,
    refunded_part_abroad,
    refunded_after,
    refunded_part_after,
    refund_failed,
    refund_pending,
    credit_refunded,
    credit_to_balance,
    credit_out_of_band,
    credit_out_of_band_whole,
    credit_voided,
    credit_before,
    credit_mixed,
    credit_shared,
    dispute_held,
    dispute_lost,
    dispute_lost_part,
    dispute_lost_after,
    dispute_won,
    dispute_appealed,
    inquiry,
    inquiry_closed,
    prevented,
    ledger_missing,
    ledger_short,
)
"""One function for each case; each call plans one."""
