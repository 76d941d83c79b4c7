"""The pictures of a review: static SVG that loads nothing, for a screen, a page and a black-and-white printer.

Numbers come as whole numbers, decimals or texts of them, and become floats when a bar is placed and nowhere before:
these are pictures, not money. What is printed beside a bar is made from the exact number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

from tallystick.review.drawing import (
    INK,
    WIDTH,
    Number,
    Svg,
    Title,
    altair_module,
    as_number,
    as_numbers,
    bar_width,
    brief,
    draw,
    draw_nothing,
    labels_above,
    month_name,
    months_axis,
    rule_across,
    value_axis,
)
from tallystick.statements.statement import STATUSES
from tallystick.statements.typeset import visible
from tallystick.statements.words import number_text

__all__ = ["VERDICT_COLORS", "Number", "Svg", "cost_by_month", "days_to_lock", "outcomes_by_month", "rejection_reasons"]

VERDICT_COLORS: Mapping[str, str] = {
    "verified": "#0f5c8a",
    "pending": "#f2c14e",
    "rejected": "#c8502f",
    "unverifiable": "#d6d6d6",
    "reversed": "#3a2a4d",
}
"""Colours of the verdicts: neighbours in a bar differ in lightness, so that they differ for every eye and in grey."""

_LONGEST_LABEL = 42
_LABEL_ROOM = 235
_MOST_BARS = 15
_MOST_BINS = 20
_RULE_ROOM = 64


def outcomes_by_month(months: Sequence[str], counts: Mapping[str, Sequence[Number]]) -> Svg:
    """Draw how many claims of each month have which verdict, stacked, with the sum above.

    Args:
        months: Months such as 2026-07, in order.
        counts: For each verdict one number per month; a verdict that is left out has none.

    Raises:
        ConfigurationError: The `report` extra is not installed.
        ValueError: A verdict is unknown, or has not one finite number for each month.
    """
    if unknown := sorted(counts.keys() - set(STATUSES)):
        raise ValueError(f"unknown verdict {unknown[0]!r}")
    stacks = {status: as_numbers(counts[status], months) for status in STATUSES if status in counts}
    sums = [sum((numbers[place] for numbers in stacks.values()), Decimal(0)) for place in range(len(months))]
    title = Title("Outcomes by month", "claims by verdict", "Claims")
    if not any(sums):
        return draw_nothing(title)
    alt = altair_module()
    bars = [
        {"month": month_name(month), "verdict": status.capitalize(), "count": float(number), "order": order}
        for order, (status, numbers) in enumerate(stacks.items())
        for month, number in zip(months, numbers, strict=True)
        if number
    ]
    names, colors = [status.capitalize() for status in stacks], [VERDICT_COLORS[status] for status in stacks]
    verdicts = alt.Color("verdict:N").scale(domain=names, range=colors)
    chart = (
        alt.Chart(alt.Data(values=bars))
        .mark_bar(stroke="white", strokeWidth=1, width=bar_width(months, WIDTH))
        .encode(
            x=months_axis(months),
            y=value_axis("count", title.unit, sums, whole=True),
            color=verdicts.legend(title=None, orient="top", symbolType="square"),
            order=alt.Order("order:Q"),
        )
    )
    said = [
        f"{month_name(month)}: "
        + ", ".join(f"{number_text(numbers[place])} {status}" for status, numbers in stacks.items() if numbers[place])
        for place, month in enumerate(months)
        if sums[place]
    ]
    return draw(alt.layer(chart, labels_above(months, sums)), title, said)


def cost_by_month(
    months: Sequence[str], costs: Sequence[Number | None], baseline: Number | None, *, currency: str
) -> Svg:
    """Draw what one outcome cost in each month, and the baseline as a line across.

    Args:
        months: Months such as 2026-07, in order.
        costs: One number per month, None where there was no outcome to divide by.
        baseline: What an outcome cost before; None draws no line.
        currency: Code of the currency of both.

    Raises:
        ConfigurationError: The `report` extra is not installed.
        ValueError: There is not one finite number, or None, for each month.
    """
    if len(costs) != len(months):
        raise ValueError(f"{len(costs)} costs for {len(months)} months")
    known = [(month, as_number(cost)) for month, cost in zip(months, costs, strict=True) if cost is not None]
    line = None if baseline is None else as_number(baseline)
    against = "what is owed by verified outcomes" + ("" if line is None else ", and the baseline")
    title = Title("Cost per outcome", against, f"{visible(currency)} per outcome")
    if not known:
        return draw_nothing(title)
    alt = altair_module()
    width = WIDTH if line is None else WIDTH - _RULE_ROOM
    extent = [cost for _, cost in known] + ([] if line is None else [line])
    bars = (
        alt.Chart(alt.Data(values=[{"month": month_name(month), "cost": float(cost)} for month, cost in known]))
        .mark_bar(color=VERDICT_COLORS["verified"], width=bar_width(months, width))
        .encode(x=months_axis(months), y=value_axis("cost", title.unit, extent, whole=False))
    )
    layers = [bars, labels_above([month for month, _ in known], [cost for _, cost in known])]
    said = [f"{month_name(month)}: {number_text(cost)} {currency}" for month, cost in known]
    if line is not None:
        layers += rule_across(line, ["baseline", brief(line)], width)
        said.append(f"baseline: {number_text(line)} {currency}")
    return draw(alt.layer(*layers), title, said, width=width)


def rejection_reasons(reasons: Sequence[tuple[str, Number]]) -> Svg:
    """Draw why claims were rejected, the most frequent first; beyond 15 reasons the rest is one bar.

    Args:
        reasons: Each reason in words, with its number of claims. Reasons without a claim are left out.

    Raises:
        ConfigurationError: The `report` extra is not installed.
        ValueError: A number is not finite.
    """
    numbered = [(visible(reason), as_number(count)) for reason, count in reasons]
    ranked = sorted((pair for pair in numbered if pair[1]), key=lambda pair: (-pair[1], pair[0]))
    title = Title("Why claims were rejected", "by the condition that decided", "Claims")
    if not ranked:
        return draw_nothing(title)
    shown = ranked if len(ranked) <= _MOST_BARS else ranked[: _MOST_BARS - 1]
    if rest := ranked[len(shown) :]:
        shown = [*shown, (f"{len(rest)} other reasons", sum((count for _, count in rest), Decimal(0)))]
    # Two reasons that are cut to the same label are still two bars: the place tells them apart.
    rows = [
        {"place": f"{place:02}", "count": float(count), "said": brief(count)} for place, (_, count) in enumerate(shown)
    ]
    names = f"[{', '.join(_constant(reason) for reason, _ in shown)}][+datum.value]"
    axis = {"labelExpr": names, "labelLimit": 0, "labelPadding": 7, "ticks": False, "domain": False}
    alt = altair_module()
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("place:N").sort(None).title(None).axis(minExtent=_LABEL_ROOM, maxExtent=_LABEL_ROOM, **axis),
        x=value_axis("count", title.unit, [count for _, count in shown], whole=True, across=True),
    )
    bars = base.mark_bar(color=VERDICT_COLORS["rejected"], height={"band": 0.7})
    labels = base.mark_text(align="left", dx=4, color=INK).encode(text="said:N")
    said = [f"{reason}: {number_text(count)}" for reason, count in shown]
    return draw(alt.layer(bars, labels), title, said, height=26 * len(shown), width=WIDTH - _LABEL_ROOM + 42)


def days_to_lock(days: Sequence[Number]) -> Svg:
    """Draw how many days it took until claims were final, as a histogram of at most 20 bars of whole days.

    Args:
        days: One number for each claim, zero or more.

    Raises:
        ConfigurationError: The `report` extra is not installed.
        ValueError: A number is negative or not finite.
    """
    numbers = [as_number(day) for day in days]
    if any(number < 0 for number in numbers):
        raise ValueError("days to lock are not negative")
    title = Title("Days until final", "from what happened to the lock", "Claims")
    if not numbers:
        return draw_nothing(title)
    alt = altair_module()
    bins = _bins(numbers)
    rows = [{"from": float(low), "to": float(high), "count": count, "zero": 0} for low, high, count in bins if count]
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_rect(color=VERDICT_COLORS["verified"], stroke="white", strokeWidth=1)
        .encode(
            x=value_axis("from", "Days", [Decimal(bins[-1][1])], whole=True, across=True, exact=True),
            x2="to:Q",
            y=value_axis("count", title.unit, [Decimal(count) for _, _, count in bins], whole=True),
            y2="zero:Q",
        )
    )
    said = [f"{number_text(low)} to under {number_text(high)} days: {number_text(n)}" for low, high, n in bins if n]
    return draw(chart, title, said)


def _bins(numbers: Sequence[Decimal]) -> list[tuple[int, int, int]]:
    """Give bins of equal whole width from zero up: from, to (not included), how many numbers are inside."""
    last = int(max(numbers)) + 1
    width, step = 1, 0
    while -(-last // width) > _MOST_BINS:
        step += 1
        width = (1, 2, 5)[step % 3] * 10 ** (step // 3)
    counts = [0] * -(-last // width)
    for number in numbers:
        counts[int(number) // width] += 1
    edges = range(0, (len(counts) + 1) * width, width)
    return [(low, high, count) for (low, high), count in zip(pairwise(edges), counts, strict=True)]


def _constant(label: str) -> str:
    """Give a text, cut to the room it has, as a constant of Vega's expression language: it can be nothing else."""
    cut = label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}\u2026"
    units = cut.encode("utf-16-be", "replace")
    return "'" + "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)) + "'"
