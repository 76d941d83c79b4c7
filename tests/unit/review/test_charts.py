"""Pictures of a review say what they show, load nothing, and are the same bytes every time."""

import os
import re
import subprocess
import sys
from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.errors import ConfigurationError
from tallystick.review.charts import VERDICT_COLORS, cost_by_month, days_to_lock, outcomes_by_month, rejection_reasons
from tallystick.review.drawing import NOTHING, brief

SVG = "{http://www.w3.org/2000/svg}"
YEAR = [f"2026-{month:02}" for month in range(1, 13)]


class _Drawn:
    """What a picture holds."""

    def __init__(self, svg):
        self.svg = svg
        self.root = ET.fromstring(svg)  # noqa: S314 - we drew it
        self.texts = ["".join(node.itertext()) for node in self.root.iter(f"{SVG}text")]
        self.title = self.root.findtext(f"{SVG}title")
        self.words = self.root.findtext(f"{SVG}desc")

    def heights(self, color):
        """Give the heights of the bars of a colour."""
        paths = [node.get("d") for node in self.root.iter(f"{SVG}path") if node.get("fill") == color]
        return [float(re.search(r"v(-?[\d.]+)", path)[1]) for path in paths if "v" in path]


def _pictures():
    return {
        "outcomes": outcomes_by_month(YEAR, {"verified": range(12), "rejected": ["3"] * 12}),
        "one month": outcomes_by_month(["2026-07"], {"verified": [1]}),
        "cost": cost_by_month(YEAR, [Decimal(f"{400 + place}.50") for place in range(12)], "610.00", currency="EUR"),
        "reasons": rejection_reasons([("not held", 4), ("duplicate", "2")]),
        "days": days_to_lock([0, 3, Decimal("3.5"), "41"]),
        "nothing": days_to_lock([]),
    }


PICTURES = _pictures()


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_stands_alone(name):
    """A picture loads and runs nothing, has no ids that could meet on a page, and its text is text."""
    svg = PICTURES[name]
    drawn = _Drawn(svg)
    tags = {node.tag.removeprefix(SVG) for node in drawn.root.iter()}

    assert re.findall(r'[^"]*http[^"]*', svg) == ["http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"]
    assert tags <= {"svg", "rect", "g", "path", "line", "text", "tspan", "title", "desc"}
    assert not {"id", "href", "style", "onload"} & {key for node in drawn.root.iter() for key in node.attrib}
    assert drawn.texts


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_told(name):
    """Who cannot see a picture is told its title and every number."""
    drawn = _Drawn(PICTURES[name])

    assert drawn.root.get("role") == "img"
    assert drawn.root[0].tag == f"{SVG}title"
    assert drawn.title in drawn.texts
    assert drawn.words


def test_the_same_bytes_elsewhere(tmp_path):
    """Another process, with another zone, language and home, draws the same bytes."""
    code = (
        "import sys\n"
        "from tallystick.review.charts import outcomes_by_month\n"
        "sys.stdout.write(outcomes_by_month(['2026-07', '2026-08'], {'verified': [1200, 2], 'pending': [1, 2]}))\n"
    )
    homes = [
        {"TZ": "Asia/Tokyo", "LC_ALL": "C", "HOME": str(tmp_path)},
        {"TZ": "America/Lima", "LC_ALL": "de_DE.UTF-8", "HOME": "/nowhere"},
    ]
    drawn = [
        subprocess.run([sys.executable, "-c", code], env=os.environ | home, capture_output=True, check=True).stdout
        for home in homes
    ]

    assert drawn[0].startswith(b"<svg ")
    assert drawn[0] == drawn[1] == outcomes_by_month(YEAR[6:8], {"verified": [1200, 2], "pending": [1, 2]}).encode()


def test_the_same_bytes_again():
    """Drawing all pictures again, after others, gives the same bytes."""
    assert _pictures() == PICTURES


# --- outcomes


def test_outcomes_are_stacked():
    """Each month is a bar with a part for each verdict in proportion, its sum above and its name below."""
    drawn = _Drawn(outcomes_by_month(YEAR[6:9], {"rejected": [10, 0, "5"], "verified": [30, 0, 15]}))

    verified, rejected = drawn.heights(VERDICT_COLORS["verified"]), drawn.heights(VERDICT_COLORS["rejected"])
    assert [round(high / verified[0], 2) for high in (*verified[:2], *rejected[:2])] == [1, 0.5, 0.33, 0.17]
    assert {"40", "0", "20", "Verified", "Rejected", "Jul2026", "Aug2026", "Claims"} <= set(drawn.texts)
    assert "Pending" not in drawn.texts
    assert drawn.words == "Jul 2026: 30 verified, 10 rejected; Sep 2026: 15 verified, 5 rejected"


def test_many_months():
    """Three years of months still fit: not every bar has its numbers, every month is told."""
    months = [f"{year}-{month:02}" for year in (2024, 2025, 2026) for month in range(1, 13)]
    drawn = _Drawn(outcomes_by_month(months, {"verified": [7] * 36}))

    assert "7" not in drawn.texts
    assert [text for text in drawn.texts if text.startswith("Jan")] == ["Jan2024", "Jan2025", "Jan2026"]
    assert drawn.words.count("7 verified") == 36


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"verified": [1, 2]}, "2 numbers for 1 months"),
        ({"accepted": [1]}, "unknown verdict 'accepted'"),
        ({"verified": ["1e999"]}, "cannot be drawn"),
        ({"verified": ["NaN"]}, "cannot be drawn"),
        ({"verified": ["many"]}, "'many' is not a number"),
    ],
)
def test_bad_numbers(counts, said):
    """Numbers that do not fit the months, and what is no number, are refused by name."""
    with pytest.raises(ValueError, match=re.escape(said)):
        outcomes_by_month(["2026-07"], counts)


@pytest.mark.parametrize("number", [1.5, True, None])
def test_floats_are_refused(number):
    """A float is refused: it would have been money before it became a picture."""
    with pytest.raises(TypeError, match="whole numbers, decimals and texts"):
        outcomes_by_month(["2026-07"], {"verified": [number]})


def _lightness(color):
    """Give the lightness of a colour, 0 for black to 100 for white (CIE L*)."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    light = sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return 116 * light ** (1 / 3) - 16


def test_colors_differ_in_grey():
    """The colours of verdicts that meet in a bar differ in lightness, so that print and every eye tells them apart."""
    lights = [_lightness(color) for color in VERDICT_COLORS.values()]

    assert min(abs(one - other) for one, other in pairwise(lights)) > 12
    assert max(lights) < 90


# --- cost


def test_cost_and_baseline():
    """Cost is a bar with its exact amount, the baseline a named line, a month without outcomes an empty place."""
    drawn = _Drawn(cost_by_month(YEAR[6:9], ["240.00", None, Decimal("305.10")], "610.00", currency="EUR"))

    assert {"240.00", "305.10", "baseline610.00", "EUR per outcome", "Aug2026"} <= set(drawn.texts)
    assert len(drawn.heights(VERDICT_COLORS["verified"])) == 2
    assert [line for line in drawn.root.iter(f"{SVG}line") if line.get("stroke-dasharray")]
    assert drawn.words == "Jul 2026: 240.00 EUR; Sep 2026: 305.10 EUR; baseline: 610.00 EUR"


def test_cost_without_a_baseline():
    """Without a baseline there is no line and no word of one."""
    svg = cost_by_month(["2026-07"], [0], None, currency="EUR")

    assert "baseline" not in svg
    assert "stroke-dasharray" not in svg
    assert "0" in _Drawn(svg).texts


def test_a_cost_for_each_month():
    """One cost for each month is needed."""
    with pytest.raises(ValueError, match="1 costs for 2 months"):
        cost_by_month(YEAR[:2], [1], None, currency="EUR")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("0", "0"),
        ("-25.00", "\u221225.00"),
        ("9999.99", "9,999.99"),
        ("123456.78", "123,457"),
        ("1234567", "1.2M"),
        ("-2500000000", "\u22122.5B"),
        ("7e12", "7.0T"),
        ("12345678901234567890", "1.2e+19"),
    ],
)
def test_numbers_above_bars(number, said):
    """A number above a bar is short; small ones are exact."""
    assert brief(Decimal(number)) == said


# --- reasons


def test_reasons_are_ranked():
    """The most frequent reason stands first, equal ones by name, those without a claim not at all."""
    drawn = _Drawn(rejection_reasons([("b", 1), ("c", "7"), ("a", 1), ("d", 0)]))

    assert drawn.words == "c: 7; a: 1; b: 1"
    assert [text for text in drawn.texts if text in {"a", "b", "c", "d"}] == ["c", "a", "b"]


def test_many_reasons():
    """Beyond 15 reasons the rest is one bar, and nothing is lost."""
    drawn = _Drawn(rejection_reasons([(f"reason {place:02}", 1) for place in range(40)]))

    assert len(drawn.heights(VERDICT_COLORS["rejected"])) == 15
    assert drawn.words.endswith("26 other reasons: 26")


def test_long_reasons_that_begin_alike():
    """Reasons that are cut to the same label stay two bars, and are told in full."""
    drawn = _Drawn(rejection_reasons([("x" * 60 + "1", 2), ("x" * 60 + "2", 1)]))

    assert drawn.texts.count("x" * 41 + "\u2026") == 2
    assert drawn.words == f"{'x' * 60}1: 2; {'x' * 60}2: 1"


EVIL = ["</text><script>alert(1)</script>", "' + datum.value + '", "\\u0027];[0", "a\x00b\u202ec", '"&<>', "\U0001f600"]


@pytest.mark.parametrize("evil", EVIL)
def test_reasons_are_text(evil):
    """A reason from outside is text in the picture, neither markup nor an expression."""
    shown = evil.replace("\x00", "\ufffd").replace("\u202e", "\ufffd")
    drawn = _Drawn(rejection_reasons([(evil, 1)]))

    assert shown in drawn.texts
    assert drawn.words == f"{shown}: 1"
    assert "<script" not in drawn.svg


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=60), st.integers(0, 10**40)), max_size=5))
def test_any_reasons(reasons):
    """Any text and any number gives a picture that reads as XML."""
    assert _Drawn(rejection_reasons(reasons)).title == "Why claims were rejected"


# --- days


def test_days_in_bins():
    """Days fall into bins of whole days; a bin holds its first day and not the next one's."""
    drawn = _Drawn(days_to_lock([0, "0.99", 1, Decimal(2)]))

    assert drawn.words == "0 to under 1 days: 2; 1 to under 2 days: 1; 2 to under 3 days: 1"
    assert {"Days", "Claims"} <= set(drawn.texts)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=200))
def test_all_days_are_counted(days):
    """Every claim is in one bin, and there are at most 20 bins."""
    told = _Drawn(days_to_lock(days)).words.split("; ")

    assert sum(int(part.rpartition(": ")[2].replace(",", "")) for part in told) == len(days)
    assert len(told) <= 20


def test_negative_days():
    """A claim cannot be final before it happened."""
    with pytest.raises(ValueError, match="not negative"):
        days_to_lock([-1])


# --- nothing to draw


@pytest.mark.parametrize(
    "svg",
    [
        outcomes_by_month([], {}),
        outcomes_by_month(["2026-07"], {"verified": [0]}),
        cost_by_month(["2026-07"], [None], 610, currency="EUR"),
        rejection_reasons([("a", 0)]),
        days_to_lock([]),
    ],
)
def test_nothing_to_draw(svg):
    """Where there is nothing to draw, the picture says so."""
    drawn = _Drawn(svg)

    assert NOTHING in drawn.texts
    assert drawn.words == NOTHING


@pytest.mark.parametrize("module", ["altair", "vl_convert"])
def test_without_the_extra(monkeypatch, module):
    """Without the packages, the error says what to install."""
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(ConfigurationError, match="a chart needs packages that are not installed") as caught:
        days_to_lock([1])
    assert caught.value.hint == "Install them: pip install 'tallystick[report]'"
