"""What all pictures of a review share: numbers made ready to draw, axes, labels, and the one call that makes SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from html import escape
from typing import Any, NewType, TypeAlias

from tallystick.statements.typeset import missing_report_extra, visible
from tallystick.statements.words import number_text, period_title

__all__ = [
    "INK",
    "NOTHING",
    "WIDTH",
    "Number",
    "Svg",
    "Title",
    "altair_module",
    "as_number",
    "as_numbers",
    "bar_width",
    "brief",
    "draw",
    "draw_nothing",
    "labels_above",
    "month_name",
    "months_axis",
    "rule_across",
    "value_axis",
]

Number: TypeAlias = int | Decimal | str
"""A whole number, a decimal, or the text of one; never a float."""

Svg = NewType("Svg", str)
"""A picture that this package drew; pages take no other."""

NOTHING = "nothing in this period"

WIDTH, HEIGHT = 600, 210
INK, SOFT, RULE = "#17211c", "#5a6761", "#dfe5e1"
_MOST_LABELS = 12
"""Up to this many bars have their number above; of more months only every second, third and so on is named."""

# The first is inside vl-convert, which measures with it; the fourth is inside typst, which prints with it.
_FONT = "Liberation Sans, Arial, Helvetica, Libertinus Serif, sans-serif"
_AXIS_NUMBER = (
    "abs(datum.value) < 1000 ? format(datum.value, ',~f')"
    " : abs(datum.value) >= 1e15 ? format(datum.value, '.1e')"
    " : replace(format(datum.value, '~s'), 'G', 'B')"
)
_LARGEST = Decimal("1e300")
_WIDEST_BAR = 56
# The numbers beside an axis have this much room whatever they are, so that no text has to be measured.
_AXIS_ROOM = 42


@dataclass(frozen=True, slots=True)
class Title:
    """What stands above a picture, and the unit of its numbers."""

    text: str
    subtitle: str
    unit: str


# --- numbers


def as_number(value: Number) -> Decimal:
    """Give a number exactly.

    Raises:
        TypeError: It is a float, or anything else than a whole number, a decimal or a text.
        ValueError: It is not finite, or a text of no number.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise TypeError(f"a picture takes whole numbers, decimals and texts of them, not {type(value).__name__}")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not number.is_finite() or abs(number) > _LARGEST:
        raise ValueError(f"{value} cannot be drawn")
    return number


def as_numbers(values: Sequence[Number], months: Sequence[str]) -> list[Decimal]:
    """Give one number for each month, exactly.

    Raises:
        ValueError: There are more or fewer, or one is not finite.
    """
    if len(values) != len(months):
        raise ValueError(f"{len(values)} numbers for {len(months)} months")
    return [as_number(value) for value in values]


def brief(number: Decimal) -> str:
    """Give a number short enough to stand above a bar; the tables beside a picture have it in full."""
    size = abs(number)
    if size >= Decimal("1e15"):
        return f"{number:.1e}".replace("-", "\u2212")
    for exponent, name in ((12, "T"), (9, "B"), (6, "M")):
        if size >= Decimal(10) ** exponent:
            return number_text(number.scaleb(-exponent).quantize(Decimal("0.1"))) + name
    return number_text(number.quantize(Decimal(1)) if size >= 10_000 else number)


def month_name(label: str) -> str:
    """Give the month 2026-07 as Jul 2026."""
    name, year = period_title(label).split()
    return f"{name[:3]} {year}"


# --- parts of a picture


def altair_module() -> Any:
    """Give altair, loaded when the first picture is drawn: it takes half a second, and is an extra.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        import altair as alt
    except ImportError:
        raise missing_report_extra("a chart") from None
    return alt


def months_axis(months: Sequence[str]) -> Any:
    """Give the axis of months, in the order given, also of those without a bar."""
    names = [month_name(month) for month in months]
    axis = {"labelAngle": 0, "labelExpr": "split(datum.label, ' ')", "ticks": False, "labelPadding": 5}
    shown = names[:: -(-len(names) // _MOST_LABELS)]
    channel = altair_module().X("month:N").title(None).scale(domain=names, paddingInner=0.3, paddingOuter=0.2)
    return channel.axis(values=shown, **axis)


def bar_width(months: Sequence[str], width: int) -> float:
    """Give the width of a bar in pixels: a few bars do not become walls."""
    return min(0.7 * width / len(months), _WIDEST_BAR)


def value_axis(
    field: str, unit: str, extent: Iterable[Decimal], *, whole: bool, across: bool = False, exact: bool = False
) -> Any:
    """Give the axis of the numbers; it holds zero, and more than zero even if every number is.

    Args:
        field: Name of the numbers in the data.
        unit: What is counted.
        extent: All the numbers.
        whole: Whether they are whole, so that no mark of the axis lies between two.
        across: Whether they run from left to right.
        exact: Whether the axis ends at the largest number, without lines across the picture.
    """
    numbers = [float(number) for number in extent]
    low, high = min([0.0, *numbers]), max([0.0, *numbers])
    domain = [low, high] if exact else [low * 1.1, high * 1.1 if high > low else low + 1.0]
    axis: dict[str, Any] = {
        "labelExpr": _AXIS_NUMBER,
        "tickCount": 5,
        "domain": exact,
        "ticks": exact,
        "grid": not exact,
    }
    if whole:
        axis["tickMinStep"] = 1
    if not across:
        axis |= {"minExtent": _AXIS_ROOM, "maxExtent": _AXIS_ROOM}
    channel = altair_module().X if across else altair_module().Y
    return channel(f"{field}:Q").title(unit).scale(domain=domain, nice=not exact).axis(**axis)


def labels_above(months: Sequence[str], numbers: Sequence[Decimal]) -> Any:
    """Give the numbers that stand above their bars, unless there are so many bars that they would touch."""
    alt = altair_module()
    rows = [
        {"month": month_name(month), "top": float(max(number, Decimal(0))), "said": brief(number)}
        for month, number in zip(months, numbers, strict=True)
        if len(months) <= _MOST_LABELS
    ]
    chart = alt.Chart(alt.Data(values=rows)).mark_text(baseline="bottom", dy=-3, color=INK)
    return chart.encode(x="month:N", y="top:Q", text="said:N")


def rule_across(number: Decimal, said: Sequence[str], width: int) -> list[Any]:
    """Give a dashed line across the bars, with lines of text at its right end."""
    alt = altair_module()
    base = alt.Chart(alt.Data(values=[{"at": float(number), "said": said}])).encode(y="at:Q")
    rule = base.mark_rule(color=INK, strokeWidth=1.5, strokeDash=[6, 3])
    label = base.mark_text(align="left", baseline="middle", dx=6, dy=-6, color=INK, fontWeight="bold")
    return [rule, label.encode(x=alt.value(width), text="said:N")]


# --- the picture


def draw_nothing(title: Title) -> Svg:
    """Draw the picture of a period in which there is nothing to draw."""
    alt = altair_module()
    chart = alt.Chart(alt.Data(values=[{"said": NOTHING}])).mark_text(fontSize=14, color=SOFT)
    return draw(chart.encode(text="said:N"), title, [NOTHING], height=90)


def draw(chart: Any, title: Title, said: Sequence[str], *, width: int = WIDTH, height: int = HEIGHT) -> Svg:
    """Give a chart as SVG, with what it shows in words for who cannot see it; the same chart gives the same bytes.

    Raises:
        ConfigurationError: The `report` extra is not installed.
    """
    try:
        from vl_convert import vegalite_to_svg
    except ImportError:
        raise missing_report_extra("a chart") from None
    heading = altair_module().Title(title.text, subtitle=title.subtitle)
    whole = _configured(chart.properties(width=width, height=height, title=heading))
    drawn = vegalite_to_svg(whole.to_dict(), allowed_base_urls=[], format_locale="en-US", time_format_locale="en-US")
    opening, end, rest = drawn.partition(">")
    words = f"<title>{escape(title.text)}</title><desc>{escape(visible('; '.join(said)))}</desc>"
    return Svg(f'{opening} role="img"{end}{words}{rest}')


def _configured(chart: Any) -> Any:
    axis = {
        "labelColor": SOFT,
        "labelFontSize": 11,
        "titleColor": SOFT,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
    }
    title = {"color": INK, "subtitleColor": SOFT, "subtitleFontSize": 11, "subtitlePadding": 4}
    return (
        chart.configure(
            aria=False, font=_FONT, background="white", padding={"left": 0, "right": 4, "top": 4, "bottom": 4}
        )
        .configure_view(stroke=None)
        .configure_axis(gridColor=RULE, domainColor=INK, **axis)
        .configure_text(fontSize=11)
        .configure_legend(labelColor=INK, labelFontSize=11, offset=8)
        .configure_title(anchor="start", frame="bounds", fontSize=14, offset=12, **title)
    )
