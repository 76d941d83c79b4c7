"""A page is one file that loads nothing, as HTML and as PDF, with the same content, and nothing in it is markup."""

import io
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pypdf
import pytest

from tallystick.errors import ConfigurationError
from tallystick.review.charts import VERDICT_COLORS, outcomes_by_month, rejection_reasons
from tallystick.review.page import Page, Section, Table, Tile
from tallystick.review.render import FORMS, render_page
from tallystick.statements.typeset import _house

AT = 1_791_000_000_000_000
VOID = {"meta", "br"}


@pytest.fixture(scope="module")
def page():
    """A page with every kind of part."""
    return Page(
        "Quarterly review, third quarter 2026",
        "Acme GmbH and Uptime AI",
        [Tile("Verified", "1,204", "of 1,480 claimed"), Tile("Owed", "288,960.00 EUR")],
        [
            Section(
                "What was delivered",
                "The rate rose.\nA lot.\n\nPending claims wait.",
                outcomes_by_month(["2026-07", "2026-08"], {"verified": [291, 415], "rejected": [115, 76]}),
                Table(["Month", "Claimed"], [["July 2026", "406"], ["August 2026", "491"], ["Both", "897"]], {1}, True),
            ),
            Section("Why not", chart_svg=rejection_reasons([("not held", 12), ("duplicate", 3)])),
            Section("Disputes", "None.", table=Table(["Dispute", "Opened"], [])),
        ],
        [("Ledger root", "cd" * 32)],
    )


class _Read(HTMLParser):
    """What an HTML file shows, in order, and its tags; a tag left open is an error."""

    def __init__(self, content):
        super().__init__()
        self.texts, self.tags, self.open, self.loads = [], [], [], []
        self.feed(content.decode())
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [value for name, value in attrs if name in {"src", "href", "srcset", "action", "data"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.texts).split())


def _words(page, form):
    content = render_page(page, form, prepared_at=AT)
    if form == "html":
        return _Read(content).words
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


@pytest.mark.parametrize("form", FORMS)
def test_all_is_said(page, form):
    """Title, key numbers, prose, pictures, tables and foot are there as text, in their order."""
    words = _words(page, form)
    said = [
        "Quarterly review, third quarter 2026",
        "Acme GmbH and Uptime AI",
        "Verified 1,204 of 1,480 claimed",
        "Owed 288,960.00 EUR",
        "What was delivered",
        "The rate rose. A lot.",
        "Pending claims wait.",
        "Outcomes by month",
        "Month Claimed July 2026 406 August 2026 491 Both 897",
        "Why not",
        "not held",
        "Disputes",
        "nothing in this period",
    ]
    places = [words.find(part) for part in said]

    assert -1 not in places, said[places.index(-1)]
    assert places == sorted(places)
    assert "cd" * 32 in words.replace(" ", "")


def test_html_loads_nothing(page):
    """The HTML is one file: no script, no address to load from, and a policy that forbids loading any."""
    content = render_page(page, "html", prepared_at=AT)
    read = _Read(content)

    assert not {"script", "img", "link", "iframe", "object", "a", "form"} & set(read.tags)
    assert read.loads == []
    assert b"default-src 'none'" in content
    assert b"url(" not in content
    namespaces = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert set(re.findall(r"https?:[^\"' ]*", content.decode())) == namespaces
    assert read.tags.count("svg") == 2


EVIL = [
    "<script>alert(1)</script>&\"'",
    "{{ page.title }} {% raw %}",
    '#import "x": * #panic(1) *bold* $x$',
    "</svg></figure>",
    "= head - item `raw` <label> @ref",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("evil", EVIL)
def test_text_is_never_markup(form, evil):
    """What reads as HTML, Jinja or Typst prints as it is, wherever it stands."""
    table = Table([evil], [[evil]])
    page = Page(evil, evil, [Tile(evil, evil, evil)], [Section(evil, evil, None, table)], [(evil, evil)])
    words = "".join(_words(page, form).split())

    assert words.count("".join(evil.split())) >= 11
    assert form == "pdf" or b"<script" not in render_page(page, form, prepared_at=AT)


@pytest.mark.parametrize("form", FORMS)
def test_reordering_marks_are_shown(form):
    """A mark that would make a number read as another is shown as a replacement character."""
    assert "1\ufffd,204" in _words(Page("a", "b", [Tile("c", "1\u202e,204")]), form)


@pytest.mark.parametrize("form", FORMS)
def test_the_same_bytes(page, form):
    """Rendering twice gives the same bytes."""
    assert render_page(page, form, prepared_at=AT) == render_page(page, form, prepared_at=AT)


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_page(form):
    """A page needs no more than a title."""
    assert "Review" in _words(Page("Review", ""), form)


def test_the_date_of_the_pdf(page):
    """The date in the PDF is the one that was handed in; another gives other bytes in the PDF only."""
    about = pypdf.PdfReader(io.BytesIO(render_page(page, "pdf", prepared_at=AT))).metadata

    assert about.creation_date.isoformat() == "2026-10-03T04:00:00+00:00"
    assert about.title == page.title
    assert render_page(page, "html", prepared_at=AT) == render_page(page, "html", prepared_at=0)


def test_pictures_are_described_in_the_pdf(page):
    """A picture of the PDF has a text for who cannot see it, and its own text can be copied."""
    content = render_page(page, "pdf", prepared_at=AT)
    alternatives = re.findall(rb"/Alt ?\(([^)]*)\)", content)
    words = _words(page, "pdf")

    assert [text.decode() for text in alternatives] == ["What was delivered", "Why not"]
    assert "Jul" in words
    assert "Rejected" in words


def test_a_long_table():
    """A table of 500 rows goes over pages, repeats its headers and loses no row."""
    rows = [[f"row {place:03}", "x" * 70, f"{place}.00"] for place in range(500)]
    page = Page("Review", "", [], [Section("All", table=Table(["Name", "Id", "Amount"], rows, (2,)))])
    pages = pypdf.PdfReader(io.BytesIO(render_page(page, "pdf", prepared_at=AT))).pages
    texts = [page.extract_text() for page in pages]

    assert all("Amount" in text and f"Page {number} of {len(texts)}" in text for number, text in enumerate(texts, 1))
    assert all(f"row {place:03}" in "".join(texts) for place in range(500))
    assert _words(page, "html").count("row ") == 500


@pytest.mark.parametrize(("headers", "rows"), [([], []), (["a", "b"], [["1"]])])
def test_a_crooked_table(headers, rows):
    """A table without headers, or with a row of another length, is refused."""
    with pytest.raises(ValueError, match="one cell for each header"):
        Table(headers, rows)


def test_one_palette():
    """Pictures and paper use the same colours for the verdicts."""
    marks = _house().split("#let marks = (")[1].split("\n)")[0]

    assert dict(re.findall(r"(\w+): rgb\(\"(#\w+)\"\)", marks)) == dict(VERDICT_COLORS)


def test_unknown_form(page):
    """A form that is neither is refused."""
    with pytest.raises(ValueError, match="unknown form 'docx'; use html, pdf"):
        render_page(page, "docx", prepared_at=AT)


def test_without_the_extra(page, monkeypatch):
    """Without typst there is no PDF, but there still is HTML."""
    monkeypatch.setitem(sys.modules, "typst", None)

    assert render_page(replace(page, tiles=()), "html", prepared_at=AT)
    with pytest.raises(ConfigurationError, match="a PDF needs packages that are not installed"):
        render_page(page, "pdf", prepared_at=AT)
