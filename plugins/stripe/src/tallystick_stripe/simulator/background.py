"""Everyday business of the account: invoices that no agency ever touched, so no outcome of theirs can be verified."""

from __future__ import annotations

from tallystick_stripe.simulator.script import DAY, RIVAL, Bill, Script, day

__all__ = ["everyday", "payouts"]

_LAST = "10-09"
_CURRENCIES = ("eur",) * 82 + ("usd",) * 10 + ("gbp",) * 3 + ("jpy",) * 3 + ("kwd",) * 2


def everyday(script: Script) -> None:
    """Plan one ordinary invoice."""
    pick = script.random
    created = script.between("04-01", _LAST)
    kind = pick.choices(
        ("card", "automatic", "sepa_debit", "late", "open", "void", "uncollectible", "draft", "rival"),
        (52, 14, 10, 10, 6, 2, 2, 2, 2),
    )[0]
    currency = "eur" if kind in {"sepa_debit", "rival"} else pick.choice(_CURRENCIES)
    if kind == "draft":
        _draft(script, created)
        return
    bill = script.bill(created, currency=currency, due_days=None if kind == "automatic" else pick.choice((14, 30)))
    if kind in {"void", "uncollectible"}:
        script.do(created + 20 * DAY, "end_invoice", id=bill.id, status=kind)
    elif kind != "open":
        _pay(script, bill, kind)


def _draft(script: Script, created: int) -> None:
    script.bills += 1
    owner, key = script.customer(created - 600), script.key("in")
    script.do(created, "create_invoice", id=key, customer=owner, currency="eur", total=script.amount("eur"))
    if script.random.random() < 0.5:
        script.do(created + DAY, "delete_draft", id=key)
        script.do(created + 2 * DAY, "delete_customer", id=owner)


def _pay(script: Script, bill: Bill, kind: str) -> None:
    pick = script.random
    first = bill.created + 3600
    if kind == "automatic":
        paid = first
        if pick.random() < 0.15:
            script.pay(paid, bill, by="stripe", outcome="failed")
            paid += 3 * DAY
        charge = script.pay(paid, bill, by="stripe")
    elif kind == "sepa_debit":
        paid = first + pick.randint(1, 10) * DAY
        charge = script.pay(paid, bill, method="sepa_debit", outcome="pending")
        script.do(paid + 5 * DAY, "settle", charge=charge)
        paid += 5 * DAY
    else:
        late = kind in {"late", "rival"}
        paid = first + pick.randint(32, 70) * DAY if late else first + pick.randint(60, 9 * DAY)
        if kind == "rival":
            script.place(bill, paid - 20 * DAY, agency=RIVAL)
        charge = script.pay(paid, bill)
    if pick.random() < 0.05:
        part = bill.total if pick.random() < 0.5 else bill.total // 200 * 100
        if part:
            script.do(paid + pick.randint(2, 40) * DAY, "refund", id=script.key("re"), charge=charge, amount=part)
    elif kind == "card" and pick.random() < 0.01:
        dispute = script.key("du")
        script.do(paid + 20 * DAY, "open_dispute", id=dispute, charge=charge, amount=bill.total)
        script.do(paid + 60 * DAY, "close_dispute", id=dispute, status=pick.choice(("won", "lost")))


def payouts(script: Script) -> None:
    """Plan a payout on every Monday."""
    at = day("04-06") + 5 * 3600
    while at < day("12-28"):
        key = script.key("po")
        script.do(at, "pay_out", id=key)
        script.do(at + 2 * DAY, "payout_arrives", id=key)
        at += 7 * DAY
