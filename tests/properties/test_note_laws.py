"""Laws of notes: what was issued and all notes on it are what it comes to now, whatever came in whichever order."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.terms import terms, verdict

from tallystick.contracts import Agreement, Termination
from tallystick.money import ROUNDINGS, Money
from tallystick.period import parse_instant, parse_period
from tallystick.statements import LedgerHead, rate
from tallystick.statements.notes import restate
from tallystick.statements.render import render
from tallystick.statements.statement import STATUSES, Issued, add_up

AFTER = parse_instant("2027-06-01T00:00:00Z")
LABELS = ("2026-07", "2026-08", "2026-09", "2026-10")
ZONE = "Europe/Berlin"

COUNTED = (
    "{per_unit: 1.37}",
    "{per_unit: 2.00, included: 3}",
    "{tiers: {mode: graduated, steps: [{up_to: 4, per_unit: 3.00}, {up_to: 9, per_unit: 1.11}, {per_unit: 0.10}]}}",
    "{tiers: {mode: volume, steps: [{up_to: 6, per_unit: 2.50}, {per_unit: 1.99}]}, included: 2}",
)
SHARED = (
    "{percent: 12.5}",
    "{percent: 10, min: 1.50, max: 40.00}",
    "{tiers: {mode: graduated, steps: [{up_to: 500.00, percent: 10}, {percent: 7.5}]}}",
    "{tiers: {mode: volume, steps: [{up_to: 300.00, percent: 9.9}, {percent: 3.3}]}, min: 0.10}",
)
LINEAR = (COUNTED[0], SHARED[0])
DISCOUNTS = (
    "",
    "discounts: [{percent: 12.5, reason: pilot}]",
    "discounts: [{percent: 10, until: 2026-09-01, reason: pilot}, {percent: 33.3, outcomes: [shared], reason: more}]",
)
RATES = ("", "rates: {USD: {rate: 0.9137, source: ECB}}")


@st.composite
def billings(draw):
    """What a contract says about floor, cap, discounts, other currencies and rounding."""
    excess = draw(st.sampled_from(("forgiven", "carried")))
    floor, cap = draw(st.none() | st.integers(1, 4_000)), draw(st.none() | st.integers(4_000, 9_000))
    rates = draw(st.sampled_from(RATES))
    parts = [f"rounding: {draw(st.sampled_from(ROUNDINGS))}", draw(st.sampled_from(DISCOUNTS)), rates]
    parts += [] if floor is None else [f"floor: {{monthly: {floor / 100:.2f}}}"]
    parts += [] if cap is None else [f"cap: {{monthly: {cap / 100:.2f}, excess: {excess}}}"]
    if not rates and draw(st.booleans()):
        parts.append(f"currencies: {{USD: {{floor: {{monthly: 3.00}}, cap: {{monthly: 20.00, excess: {excess}}}}}}}")
    return "{" + ", ".join(filter(None, parts)) + "}"


@st.composite
def agreements(draw, *, linear=False, billing=None):
    """One to three versions of a contract, and perhaps its end."""
    begins = draw(
        st.sampled_from(("{start: 2026-01-01}", "{start: 2026-07-16}", "{start: 2026-01-01, end: 2026-10-11}"))
    )
    effective = ["", *sorted(draw(st.sets(st.sampled_from(("2026-08-01", "2026-09-01", "2026-10-01")), max_size=2)))]
    versions = [
        terms(
            draw(billings()) if billing is None else billing,
            counted=LINEAR[0] if linear else draw(st.sampled_from(COUNTED)),
            shared=LINEAR[1] if linear else draw(st.sampled_from(SHARED)),
            term=begins,
            version=number,
            effective=day,
        )
        for number, day in enumerate(effective, 1)
    ]
    ends = draw(st.none() | st.dates(date(2026, 8, 20), date(2026, 10, 10)))
    ended = None if ends is None else Termination(ends, "buyer", "enough", 0)
    return Agreement.of(*versions, termination=ended)


@st.composite
def decided(draw, agreement, number):
    """A verdict on one of a few claims, under any version, that locks anywhere in four months."""
    contract = draw(st.sampled_from(agreement.versions))
    month, day = draw(st.integers(7, 10)), draw(st.integers(1, 28))
    units = st.integers(0, 12).map(str)
    quantity = draw(units | st.integers(0, 90_000).map(lambda cents: f"{cents / 100:.2f}"))
    found = verdict(
        contract,
        f"C-{number}",
        quantity,
        f"2026-{month:02}-{day:02}",
        status=draw(st.sampled_from(STATUSES)) if draw(st.booleans()) else "verified",
    )
    if found.status == "verified":
        return msgspec.structs.replace(found, currency=draw(st.sampled_from(("EUR", "USD", "JPY"))))
    return found


@dataclass
class _Book:
    """A ledger without a database: the newest verdicts, and the statements that were issued from them."""

    agreement: Agreement
    heads: dict = field(default_factory=dict)
    size: int = 0
    issued: list = field(default_factory=list)
    billed: dict = field(default_factory=dict)
    statements: list = field(default_factory=list)

    def decide(self, found):
        """Let a verdict take the place of the one before it."""
        self.heads[found.subject] = (self.size, found)
        self.size += 1

    @property
    def verdicts(self):
        """The newest verdicts, by their index."""
        return dict(self.heads.values())

    def prepare(self, label):
        """Give the statement for a month as it would be now."""
        periods = [statement.period for statement in self.issued]
        billed = restate(self.agreement, self.billed, periods, {}) if self.issued else None
        head = LedgerHead(self.size, "ab" * 32)
        period = parse_period(label, ZONE)
        return rate(
            self.agreement,
            self.verdicts,
            period,
            prepared_at=AFTER,
            ledger=head,
            issued=self.issued,
            billed=billed,
        )

    def issue(self, label):
        """Issue the statement for a month."""
        statement = self.prepare(label)
        notes = {}
        for note in statement.notes:
            notes.setdefault(note.period, {})[note.amount.currency] = note.amount
        totals = {amount.currency: amount for amount in statement.own_totals}
        self.billed = self.verdicts
        self.issued.append(
            Issued(self.size, statement.period, totals, notes, self.size, AFTER, statement.digest),
        )
        self.size += 1
        self.statements.append(statement)
        return statement


@st.composite
def histories(draw, **more):
    """A book after claims were decided again and again while months were issued, in any order of them."""
    book = _Book(draw(agreements(**more)))
    labels = list(draw(st.permutations(LABELS[:3])))
    for _ in range(draw(st.integers(1, 4))):
        for _ in range(draw(st.integers(0, 6))):
            book.decide(draw(decided(book.agreement, draw(st.integers(1, 7)))))
        if labels:
            book.issue(labels.pop(0))
    for _ in range(draw(st.integers(0, 4))):
        book.decide(draw(decided(book.agreement, draw(st.integers(1, 7)))))
    return book


def _owed(book, period):
    """Give what a period comes to by a statement on it alone, as if nothing had ever been issued."""
    alone = _Book(book.agreement, book.heads, book.size)
    return {amount.currency: amount for amount in alone.prepare(period).own_totals if amount}


def _nonzero(amounts):
    return {amount.currency: amount for amount in amounts if amount}


@settings(max_examples=150)
@given(histories())
def test_issued_and_notes_are_restated(book):
    """For each issued month and currency, what was issued and all notes on it are what it comes to now."""
    last = book.prepare(LABELS[3])
    for statement in book.issued:
        label = statement.period.label
        notes = [note.amount for told in (*book.statements, last) for note in told.notes if note.period == label]
        unit = book.agreement.newest.currency

        assert _nonzero(add_up((*statement.totals.values(), *notes), unit)) == _owed(book, label)


@settings(max_examples=80)
@given(histories())
def test_all_that_was_ever_billed_is_what_all_months_come_to(book):
    """The sum of all statements, each with its notes, is the sum of what their months come to at the last one."""
    unit = book.agreement.newest.currency
    last = book.issue(LABELS[3])
    billed = [amount for statement in book.statements for amount in statement.totals]
    labels = [statement.period.label for statement in book.statements]
    owed = [amount for label in labels for amount in _owed(book, label).values()]

    assert _nonzero(add_up(billed, unit)) == _nonzero(add_up(owed, unit))
    assert last is book.statements[-1]


@settings(max_examples=80)
@given(histories())
def test_a_second_note_has_nothing_to_correct(book):
    """Issued at once after another statement, the next one has no note: each correction is made once."""
    book.issue(LABELS[3])

    assert book.prepare("2026-11").notes == ()


@settings(max_examples=80)
@given(histories())
def test_a_note_tells_which_lines_changed(book):
    """The lines a note names are those that are not what they were billed as, each with the amount before and after."""
    last = book.prepare(LABELS[3])
    if book.issued:
        periods = [statement.period for statement in book.issued]
        was = restate(book.agreement, book.billed, periods, {})
        now = restate(book.agreement, book.verdicts, periods, {})
        for note in last.notes:
            unit = note.restated.currency
            period = parse_period(note.period, ZONE)
            before, after = (
                {line.subject: line.amount for line in of.lines_of(period) if line.amount.currency == unit}
                for of in (was, now)
            )
            expected = {
                subject: (before.get(subject), after.get(subject))
                for subject in before.keys() | after.keys()
                if before.get(subject) != after.get(subject)
            }
            assert {change.subject: (change.before, change.after) for change in note.changes} == expected
            assert note.kind == ("credit" if note.amount.minor < 0 else "debit")


@settings(max_examples=60)
@given(histories(), st.randoms(use_true_random=False), st.sampled_from(("json", "csv", "html")))
def test_the_order_of_verdicts_changes_nothing(book, chance, form):
    """Verdicts and versions handed over in any order give the same bytes, notes included."""
    heads = list(book.heads.items())
    chance.shuffle(heads)
    versions = list(book.agreement.versions)
    chance.shuffle(versions)
    agreement = Agreement.of(*versions, termination=book.agreement.termination)
    billed = list(book.billed.items())
    chance.shuffle(billed)
    shuffled = _Book(agreement, dict(heads), book.size, book.issued, dict(billed))

    assert render(shuffled.prepare(LABELS[3]), form) == render(book.prepare(LABELS[3]), form)


@settings(max_examples=100)
@given(histories(), st.sampled_from(LABELS))
def test_floor_and_cap_hold_in_every_currency(book, label):
    """What a month comes to is never above its cap nor, where the term covers all of it, below its floor."""
    period = parse_period(label, ZONE)
    contract = book.agreement.governing(period.start)
    owed = _owed(book, label)
    for unit, limits in contract.billing.limits.items():
        amount = owed.get(unit, Money(0, unit))
        if limits.cap is not None:
            assert amount <= limits.cap
        term = contract.term
        if limits.floor is not None and term.starts_at <= period.start and (term.ends_at or AFTER) >= period.end:
            assert amount >= limits.floor


@settings(max_examples=80)
@given(histories(), st.sampled_from(LABELS[:3]))
def test_every_claim_has_one_status(book, label):
    """Verified, rejected, unverifiable, pending and reversed claims are all claims, in number."""
    statement = _Book(book.agreement, book.heads, book.size).prepare(label)

    assert sum(tally.claims for tally in statement.tallies) == len(book.heads) == statement.counts["claimed"]


@settings(max_examples=80)
@given(histories())
def test_a_quarter_is_its_months(book):
    """A quarter is the sum of its three months in each currency, whatever is carried between them."""
    unit = book.agreement.newest.currency
    months = [amount for label in LABELS[:3] for amount in _owed(book, label).values()]

    assert _nonzero(add_up(months, unit)) == _owed(book, "2026Q3")


@settings(max_examples=80)
@given(histories(linear=True, billing="{rounding: half_even}"), st.integers(0, 7))
def test_lines_are_linear_where_the_terms_are(book, at):
    """Without tiers, floor, cap and discounts, two parts of the claims come to parts of what all of them do."""
    heads = sorted(book.heads.items())
    unit = book.agreement.newest.currency
    parts = [_Book(book.agreement, dict(part), book.size) for part in (heads[:at], heads[at:])]

    for label in LABELS:
        amounts = [amount for part in parts for amount in _owed(part, label).values()]
        assert _nonzero(add_up(amounts, unit)) == _owed(book, label)


@settings(max_examples=100)
@given(histories(), st.sampled_from((*LABELS, "2026Q3")))
def test_shares_of_a_capped_month_add_up(book, label):
    """The shares of the lines of a capped month are what it comes to, less what was carried into it."""
    statement = _Book(book.agreement, book.heads, book.size).prepare(label)
    owed, carried, lines = {}, {}, {}
    for change in statement.adjustments:
        key = change.month, change.amount.currency
        if change.kind == "cap":
            owed[key] = change.limit
        if change.kind == "carried":
            carried[key] = change.amount
    months = [parse_period(month, ZONE) for month in LABELS]
    for line in statement.lines:
        month = next(month.label for month in months if line.locks_at in month)
        lines.setdefault((month, line.amount.currency), []).append(line)

    shared = {subject for key in owed for subject in [line.subject for line in lines.get(key, ())]}
    assert statement.shares.keys() <= shared
    for key, limit in owed.items():
        own = lines.get(key, [])
        if any(line.amount.minor for line in own):
            zero = Money(0, key[1])
            rest = max(limit - carried.get(key, zero), zero)
            assert sum((statement.shares[line.subject] for line in own), zero) == rest


def test_a_credit_note_where_a_cap_was_in_the_way():
    """A line that is taken back from a capped month lowers it by less than the line, and the note by what it lowers."""
    contract = terms("{cap: {monthly: 100.00}}")
    book = _Book(Agreement.of(contract))
    for number, quantity in enumerate(("80", "40"), 1):
        book.decide(verdict(contract, f"C-{number}", quantity, "2026-07-10"))
    assert [str(amount) for amount in book.issue("2026-07").totals] == ["100.00 EUR"]

    book.decide(verdict(contract, "C-2", "40", "2026-07-10", status="reversed", was_verified=True))
    [note] = book.prepare("2026-08").notes
    assert (str(note.amount), note.kind) == ("-20.00 EUR", "credit")
    assert [(change.subject, str(change.before), change.after) for change in note.changes] == [
        ("claim:C-2", "40.00 EUR", None)
    ]
    assert Decimal(note.restated.minor) == 8_000
