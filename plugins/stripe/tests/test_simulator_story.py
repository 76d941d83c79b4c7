"""The story: its labels against a plain reading of the contract, written again here from the raw objects."""

from collections import Counter, defaultdict
from decimal import Decimal

import pytest

from tallystick.testing.instants import instant
from tallystick_stripe.simulator import create_app, story
from tallystick_stripe.simulator.rates import EXPONENTS
from tallystick_stripe.simulator.state import EVENT_DAYS

DAY = 86_400
INVOICES = 600
STATUSES = {"verified", "pending", "rejected", "unverifiable", "reversed"}


class Reading:
    """What a reader with pencil and paper finds for one payment at one instant."""

    def __init__(self, books, now, tags, calls, history):
        self.books, self.now, self.tags, self.calls, self.history = books, now, tags, calls, history
        self.filled = defaultdict(list)
        for row in books.invoice_payments.items:
            payment = row["payment"]
            self.filled[payment.get("payment_intent") or row["id"]].append(row)
        self.ledger = defaultdict(list)
        for row in books.balance_transactions.items:
            self.ledger[row["source"]].append(row)
        self.refunds, self.disputes = defaultdict(list), defaultdict(list)
        for row in books.refunds.items:
            self.refunds[row["charge"]].append(row)
        for row in books.disputes.items:
            self.disputes[row["charge"]].append(row)

    def judge(self, key):
        """Give (status, clause, net in minor units) by the first clause that fails, else by what is not yet known."""
        unknown, waiting, net = [], [], None
        for clause, value, kind in self.clauses(key):
            if clause == "net":
                net = value
            elif value is False:
                return ("unverifiable" if kind == "guard" else "rejected", clause, None)
            elif value == "never":
                unknown.append(clause)
            elif value == "later":
                waiting.append(clause)
        if unknown:
            return "unverifiable", unknown[0], None
        # Of what is open, the one that stays open longest decides: without an end, or else the last window.
        longest = "succeeded" if "succeeded" in waiting else waiting[-1] if waiting else ""
        return ("pending", longest, None) if waiting else ("verified", "", net)

    def clauses(self, key):
        """Yield each clause in the order of the contract template."""
        charge = self.books.charges.get(key)
        rows = self.filled[charge["payment_intent"] if charge else key]
        paid = [row["status_transitions"]["paid_at"] for row in rows if row["status"] == "paid"]
        collected = min(paid) if paid else charge["created"]
        yield "own_money", not (charge and charge["on_behalf_of"]), "reject"
        status = charge["status"] if charge else "succeeded"
        yield (
            "succeeded",
            "later" if status == "pending" else status == "succeeded" and (not charge or charge["captured"]),
            "",
        )
        yield "invoiced", len({row["invoice"] for row in rows}) == 1, "reject"
        if len({row["invoice"] for row in rows}) != 1:
            return
        invoice = self.books.invoices[rows[0]["invoice"]]
        yield from self.placing(invoice, collected, charge)
        yield "on_platform", charge is not None, "guard"
        if charge is not None:
            yield from self.money(charge, rows, invoice, collected)

    def placing(self, invoice, collected, charge):
        """Yield what the tag decides."""
        yield "placed", invoice["metadata"].get("placed_with") == "recoverly", "reject"
        try:
            placed = instant(invoice["metadata"].get("placed_at", ""))
        except ValueError:
            placed = None
        due = invoice["due_date"]
        yield "placed_before_payment", "never" if placed is None else placed <= collected, "reject"
        known = placed is not None and due is not None
        yield "overdue_at_placement", due + 30 * DAY <= placed if known else "never", "reject"
        yield "within_attribution", "never" if placed is None else collected <= placed + 30 * DAY, "reject"
        tags = self.tags[invoice["id"]]
        seen = max(tags) <= collected if tags else invoice["created"] > self.history or "never"
        yield "tag_before_payment", seen, "reject"
        automatic = invoice["collection_method"] == "charge_automatically"
        called = self.calls.get(charge["id"], "never") if automatic and charge else True
        yield "not_automatic", called, "reject"

    def money(self, charge, rows, invoice, collected):
        """Yield what money and ledger decide."""
        good = charge["status"] == "succeeded"
        captured = charge["amount_captured"] if good else 0
        back = sum(row["amount"] for row in self.refunds[charge["id"]] if row["status"] not in {"failed", "canceled"})
        out = [row for row in self.disputes[charge["id"]] if len(row["balance_transactions"]) == 1]
        held = sum(row["amount"] for row in out)
        sources = [charge, *self.refunds[charge["id"]], *self.disputes[charge["id"]]]
        entries = [entry for source in sources for entry in self.ledger[source["id"]]]
        rates = [Decimal(str(entry["exchange_rate"] or 1)) for entry in entries]
        found = sum(entry["amount"] / rate for entry, rate in zip(entries, rates, strict=True))
        slack = sum(Decimal("0.5") / rate for rate in rates if rate != 1)
        yield "ledger_agrees", abs(captured - back - held - found) <= slack, "guard"
        notes = [row for row in self.books.credit_notes.items if row["invoice"] == invoice["id"]]
        credited = sum(row["out_of_band_amount"] or 0 for row in notes if row["status"] == "issued")
        siblings = [row for row in self.books.invoice_payments.items if row["invoice"] == invoice["id"]]
        paid = [row for row in siblings if row["status"] == "paid"]
        yield "credit_shared", not (credited and len(paid) > 1), "guard"
        debit = charge["payment_method_details"]["type"] != "card"
        yield "settled", "later" if debit and self.now < collected + 7 * DAY else True, "reject"
        applied = sum(row["amount_paid"] for row in rows if row["status"] == "paid")
        net = max(0, min(captured, applied) - back - held - credited)
        open_ = any(row["status"] not in {"won", "lost", "prevented", "warning_closed"} for row in out)
        pending = open_ or charge["status"] == "pending"
        early = self.now < collected + 30 * DAY
        yield "net_positive", "later" if pending else False if net == 0 else "later" if early else True, "reject"
        yield "net", net, ""


@pytest.fixture(scope="module")
def told():
    """The story, and what a reader finds at each of its stages."""
    tale = story(7, INVOICES)
    app = create_app(7, invoices=INVOICES)
    tags, calls, readings = defaultdict(list), {}, []
    history = instant(tale["stages"][0]) - EVENT_DAYS * DAY
    for stage in tale["stages"]:
        app.move(instant(stage))
        books = app.worlds[True].books
        for event in books.events.items:
            item = bytes(event["data"]["object"])
            key = item.split(b'"id":"', 1)[1].split(b'"', 1)[0].decode()
            if b'"metadata"' in bytes(event["data"].get("previous_attributes", b"")):
                tags[key].append(event["created"])
            if event["type"] == "charge.succeeded":
                calls[key] = event["request"]["id"] is not None
        readings.append(Reading(books, instant(stage), {key: tags[key] for key in tags} | {}, dict(calls), history))
        readings[-1].tags = defaultdict(list, {key: list(value) for key, value in tags.items()})
        found = {row["id"]: readings[-1].judge(row["id"]) for row in books.charges.items}
        readings[-1].found = found
    return tale, app, readings


def _records(books, ref):
    if ref in books.charges.place:
        return [ref]
    if ref in books.invoice_payments.place:
        return [ref]
    intents = {ref} | {
        row["payment"].get("payment_intent") for row in books.invoice_payments.items if row["invoice"] == ref
    }
    alive = [row["id"] for row in books.charges.items if row["payment_intent"] in intents and row["status"] != "failed"]
    off = [
        row["id"]
        for row in books.invoice_payments.items
        if row["invoice"] == ref and row["payment"]["type"] == "payment_record"
    ]
    return alive + off


def test_labels_follow_from_a_plain_reading(told):
    """Each claim's label equals what the contract's clauses say of the raw objects at the last stage."""
    tale, app, readings = told
    books, last = app.worlds[True].books, readings[-1]
    earlier = {key for reading in readings[:-1] for key, verdict in reading.found.items() if verdict[0] == "verified"}
    taken, wrong = set(), []
    for claim in sorted(tale["claims"], key=lambda row: (row["claimed_at"], row["claim_id"])):
        label = tale["labels"][f"claim:{claim['claim_id']}"]
        records = _records(books, claim["ref"])
        if not records:
            late = instant(claim["claimed_at"]) >= last.now
            status, clause, net = "pending" if late else "rejected", "no_such_record", None
        elif len(records) > 1:
            status, clause, net = "unverifiable", "ambiguous", None
        elif records[0] in taken:
            status, clause, net = "rejected", "duplicate", None
        else:
            taken.add(records[0])
            status, clause, net = last.judge(records[0])
            if status == "rejected" and records[0] in earlier:
                status = "reversed"
        amount = None
        if net is not None:
            amount = format(Decimal(net).scaleb(-EXPONENTS[books.charges[records[0]]["currency"]]), "f")
        if (status, clause, amount) != (label["status"], label["clause"], label["net_amount"]):
            wrong.append((claim, label, (status, clause, amount)))
    assert not wrong


def test_found_outcomes_are_exactly_the_unclaimed_ones_that_verify(told):
    """What is labelled found is every payment that verifies without a claim, and nothing else."""
    tale, app, readings = told
    books = app.worlds[True].books
    claimed = {key for claim in tale["claims"] for key in _records(books, claim["ref"])}
    met = {key for key, verdict in readings[-1].found.items() if verdict[0] == "verified"} - claimed
    assert {f"found:recovered:{key}" for key in met} == {key for key in tale["labels"] if key.startswith("found:")}
    open_ones = {key for key, verdict in readings[-1].found.items() if verdict[0] in {"pending", "unverifiable"}}
    assert not open_ones - claimed


def test_reversed_ones_were_verified_at_the_second_stage(told):
    """Every reversed claim names a payment that verified before and does not any more."""
    tale, _app, readings = told
    refs = {f"claim:{claim['claim_id']}": claim["ref"] for claim in tale["claims"]}
    reversed_ = [refs[key] for key, label in tale["labels"].items() if label["status"] == "reversed"]
    assert len(reversed_) >= 3
    assert all(readings[1].found[ref][0] == "verified" for ref in reversed_)
    assert all(readings[2].found[ref][0] == "rejected" for ref in reversed_)


def test_every_kind_of_verdict_and_trap_is_there(told):
    """All five verdicts occur, each claim has one label, and no trap is missing."""
    tale, _app, _readings = told
    labels = tale["labels"]
    assert {label["status"] for label in labels.values()} == STATUSES
    assert {f"claim:{claim['claim_id']}" for claim in tale["claims"]} <= set(labels)
    assert len({label["trap"] for label in labels.values()}) >= 65
    clauses = Counter(label["clause"] for label in labels.values())
    assert set(clauses) >= {"own_money", "ledger_agrees", "credit_shared", "duplicate", "ambiguous", "no_such_record"}
    assert all((label["net_amount"] is not None) == (label["status"] == "verified") for label in labels.values())


def test_every_claim_is_made_by_the_last_stage(told):
    """No claim is younger than the last stage, and none is verified before it was made."""
    tale, _app, _readings = told
    assert max(claim["claimed_at"] for claim in tale["claims"]) == tale["stages"][-1]


def test_the_cap_bites(told):
    """The agency's fee of the period is more than the cap of the contract."""
    tale, _app, readings = told
    zone_start, zone_end = instant("2026-08-31T22:00:00Z"), instant("2026-09-30T22:00:00Z")
    books, fee = readings[-1].books, Decimal(0)
    for key, (status, _clause, net) in readings[-1].found.items():
        charge = books.charges[key]
        rows = readings[-1].filled[charge["payment_intent"]]
        if status == "verified" and charge["currency"] == "eur":
            decided = min(row["status_transitions"]["paid_at"] for row in rows) + 30 * DAY
            fee += Decimal(net) / 800 if zone_start <= decided < zone_end else 0
    cap = Decimal(tale["contract"].partition("cap: {monthly: ")[2].partition("}")[0])
    assert cap < fee


def test_two_tellings_are_the_same():
    """The same seed tells the same story; another seed another one."""
    from tallystick_stripe.simulator.story import _write

    first = story(3, 300)
    _write.cache_clear()
    assert story(3, 300) == first
    assert story(4, 300)["claims"] != first["claims"]


def test_too_small_a_story_is_refused():
    """Fewer than 200 invoices cannot hold every trap, and the message says so."""
    with pytest.raises(ValueError, match="at least 200"):
        story(1, 199)


def test_full_size():
    """At its usual size the story has 2,000 invoices and the currencies it promises."""
    app = create_app(1, now="2026-10-12T06:00:00Z")
    books = app.worlds[True].books
    assert len(books.invoices.items) >= 2000
    assert {row["currency"] for row in books.charges.items} >= {"eur", "usd", "jpy", "kwd", "ugx", "isk", "huf"}
