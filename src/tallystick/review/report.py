"""From the numbers of a review to its page: what a finance chief reads, section by section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from statistics import median_high

from tallystick.review.charts import cost_by_month, days_to_lock, outcomes_by_month, rejection_reasons
from tallystick.review.numbers import Review, SampleFinding, each_of
from tallystick.review.off_ramp import share
from tallystick.review.page import Page, Section, Table, Tile
from tallystick.review.signals import Signal
from tallystick.review.way_out import way_out
from tallystick.statements.statement import STATUSES
from tallystick.statements.words import amount_text, because, clause_words, period_title

__all__ = ["page_of"]


def page_of(
    review: Review,
    signals: Sequence[Signal],
    disputes: Mapping[str, int],
    samples: Sequence[SampleFinding] = (),
    *,
    now: int,
    ledger: tuple[int, str],
) -> Page:
    """Give the page of a review.

    Args:
        review: The numbers.
        signals: What speaks for a question to one of the sides.
        disputes: Disputes of the period by their state.
        samples: What acceptance samples of its months found.
        now: The instant it is prepared at, which dates a notice, in microseconds UTC.
        ledger: Size and root of the ledger it was counted from.
    """
    contract = review.agreement.newest
    return Page(
        title=f"Review of {contract.name}: {period_title(review.period.label)}",
        subtitle=f"{contract.buyer} and {contract.vendor.name}",
        tiles=list(_tiles(review)),
        sections=[
            _outcomes(review),
            _cost(review),
            _by_outcome(review),
            _refusals(review),
            _reversals(review),
            _disputed(disputes),
            _samples(samples),
            _finality(review),
            _limits(review),
            _signals(signals),
            way_out(review.agreement, review.off_ramps, now),
        ],
        foot=[("Contract", contract.sha256), ("Ledger", f"{ledger[0]:,} entries, root {ledger[1]}")],
    )


def _tiles(review: Review) -> Iterator[Tile]:
    counts = review.counts
    decided = counts["verified"] + counts["rejected"] + counts["reversed"]
    yield Tile("Owed", amount_text(review.owed), "for the period itself, without notes on earlier ones")
    yield Tile(
        "Outcomes paid for", f"{review.lines:,}", f"locked in the period; {sum(counts.values()):,} claimed in it"
    )
    if (rate := share(counts["verified"], decided)) is not None:
        yield Tile("Verified of those decided", f"{rate} %", f"{counts['pending']:,} pending")
    if review.cost is not None:
        before = review.baseline
        beside = "no baseline is agreed" if before is None else f"before: {amount_text(each_of(before, review.lines))}"
        yield Tile("Cost per outcome", amount_text(review.cost), beside)
    if review.saved is not None:
        words = "Saved" if review.saved.minor >= 0 else "Cost more"
        yield Tile(
            words, amount_text(review.saved if review.saved.minor >= 0 else -review.saved), "against the baseline"
        )


def _outcomes(review: Review) -> Section:
    labels = [month.label for month in review.months]
    chart = outcomes_by_month(
        labels, {status: [month.counts[status] for month in review.months] for status in STATUSES}
    )
    rows = [
        [month.label, *(f"{month.counts[status]:,}" for status in STATUSES), f"{sum(month.counts.values()):,}"]
        for month in review.months
    ]
    headers = ["Month", *(status.capitalize() for status in STATUSES), "Claimed"]
    text = "Each claim counts in the month in which its outcome happened, or was claimed where that is not known."
    return Section("What was claimed, and what became of it", text, chart, Table(headers, rows, range(1, len(headers))))


def _cost(review: Review) -> Section:
    own = review.agreement.newest.currency
    labels = [month.label for month in review.months]
    costs = [None if month.cost is None else month.cost.amount for month in review.months]
    lines, before = sum(month.lines for month in review.months), [month.baseline for month in review.months]
    known = [amount for amount in before if amount is not None]
    baseline = None
    if lines and len(known) == len(before):
        baseline = sum((amount.amount for amount in known), Decimal(0)) / lines
    rows = [
        [
            month.label,
            f"{month.lines:,}",
            amount_text(month.owed),
            "" if month.cost is None else amount_text(month.cost),
            "" if month.baseline is None else amount_text(month.baseline - month.owed),
        ]
        for month in review.months
    ]
    text = "What is owed for the lines that locked in a month, by the number of these lines, and what they cost before."
    text += f" In the period: {_counted(review.lines, 'line')}, {amount_text(review.owed)} owed"
    text += "." if review.saved is None else f", {amount_text(review.saved)} saved."
    others = " ".join(f"Beside that, {amount_text(amount)} are owed." for amount in review.other_currencies)
    table = Table(["Month", "Lines", "Owed", "Cost of one", "Saved"], rows, range(1, 5))
    chart = cost_by_month(labels, costs, baseline, currency=own.code)
    return Section("What an outcome cost", f"{text} {others}".strip(), chart, table)


def _by_outcome(review: Review) -> Section:
    rows = [
        [
            each.name,
            f"{sum(each.counts.values()):,}",
            f"{each.counts['verified']:,}",
            f"{each.lines:,}",
            amount_text(each.amount),
            "" if each.cost is None else amount_text(each.cost),
            "" if each.baseline is None or not each.lines else amount_text(each_of(each.baseline, each.lines)),
            "" if each.saved is None else amount_text(each.saved),
        ]
        for each in review.outcomes
    ]
    headers = ["Outcome", "Claimed", "Verified", "Lines", "Priced at", "Cost of one", "Before", "Saved"]
    text = "Lines as they are priced, before discounts, floor and cap."
    return Section("Outcome by outcome", text, None, Table(headers, rows, range(1, len(headers))))


def _refusals(review: Review) -> Section:
    rows = [[clause_words(clause), f"{count:,}"] for clause, count in review.reasons]
    chart = rejection_reasons([(clause_words(clause), count) for clause, count in review.reasons])
    return Section(
        "Why claims were rejected", "By the clause that decided.", chart, Table(["Clause", "Claims"], rows, [1])
    )


def _reversals(review: Review) -> Section:
    """Reopened tickets, refunded money and the like: what was verified once and did not last."""
    ever = review.counts["verified"] + review.counts["reversed"]
    rate = share(review.counts["reversed"], ever)
    said = (
        "No claim of the period was verified."
        if rate is None
        else f"{rate} % of the claims of the period that were verified once did not last:"
        f" {review.counts['reversed']:,} of {ever:,}. "
        "A ticket that was reopened and money that went back are found here, by the clause that told."
    )
    if review.notes:
        notes = "; ".join(f"{amount_text(amount)} on {label}" for label, amount in review.notes)
        said += f" Notes issued with statements of the period: {notes}."
    else:
        said += " No note was issued with a statement of the period."
    rows = [[clause_words(clause), f"{count:,}", f"{share(count, ever)} %"] for clause, count in review.reversed]
    table = Table(["Clause", "Claims", "Of those verified once"], rows, [1, 2])
    return Section("Reopens, clawbacks and notes", said, None, table if rows else None)


def _disputed(disputes: Mapping[str, int]) -> Section:
    number = sum(disputes.values())
    text = (
        f"{_counted(number, 'dispute')} on claims of the period." if number else "No claim of the period is disputed."
    )
    table = Table(["State", "Disputes"], [[state, f"{count:,}"] for state, count in sorted(disputes.items())], [1])
    return Section("Disputes", text, None, table if disputes else None)


def _samples(samples: Sequence[SampleFinding]) -> Section:
    rows = [
        [
            month,
            outcome,
            f"{found.drawn:,} of {found.population:,}",
            f"{found.right:,}",
            f"{found.wrong:,}",
            f"{found.unclear:,}",
            f"{found.waiting:,}",
            f"{_percent(found.low)} to {_percent(found.high)} %",
            {"open": "not done", "within": "within the tolerance", "exceeded": "above the tolerance"}[found.status],
        ]
        for month, outcome, found in samples
    ]
    headers = ["Month", "Outcome", "Drawn", "Right", "Wrong", "Unclear", "Waiting", "Wrong in all", "Is"]
    text = (
        "What people found who looked at a random sample of the lines."
        if samples
        else "No sample of the lines of the period was drawn."
    )
    return Section("Acceptance samples", text, None, Table(headers, rows, range(2, 7)) if rows else None)


def _percent(part: Decimal) -> str:
    return f"{(100 * part).quantize(Decimal('0.1')):f}"


def _finality(review: Review) -> Section:
    if not review.lock_days:
        return Section("How long it took to be final", "Nothing locked in the period.")
    middle, most = (_counted(days, "day") for days in (median_high(review.lock_days), max(review.lock_days)))
    text = f"Half of the lines locked within {middle} of when they happened, all of them within {most}."
    return Section("How long it took to be final", text, days_to_lock(review.lock_days))


def _limits(review: Review) -> Section:
    told = [f"{because(each, amount_text)}." for each in review.adjustments]
    text = " ".join(told) or "Nothing was added to the lines of the period, and nothing was taken off."
    rows = [
        [month.label, amount_text(month.floor), amount_text(month.cap), amount_text(month.owed)]
        for month in review.in_period
    ]
    table = Table(["Month", "Added to reach the floor", "Taken off by the cap", "Owed"], rows, range(1, 4))
    return Section("What floor and cap did", text, None, table)


def _signals(signals: Sequence[Signal]) -> Section:
    text = (
        "Signals are no verdicts: nothing here changes what is owed. A count that reaches its threshold is worth a "
        "question to the side it speaks of."
    )
    rows = [
        [
            "ask" if signal.flagged else "",
            signal.side,
            signal.outcome,
            signal.says,
            f"{signal.count:,}",
            str(signal.threshold),
        ]
        for signal in sorted(signals, key=lambda signal: (not signal.flagged, signal.side, signal.name))
    ]
    table = Table(["", "Side", "Outcome", "What was counted", "Count", "From"], rows, [4, 5])
    return Section("Signals on both sides", text, None, table if rows else None)


def _counted(number: int, one: str) -> str:
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"
