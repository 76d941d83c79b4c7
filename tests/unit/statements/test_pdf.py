"""A statement as PDF says what the other forms say, prints whatever it is given, and is the same bytes every time."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from unicodedata import combining

import msgspec
import pypdf
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from tallystick.contracts import ExchangeRate
from tallystick.errors import ConfigurationError
from tallystick.money import Money, currency
from tallystick.statements import Adjustment, Change, Note, pdf
from tallystick.statements.line import Gathering
from tallystick.statements.render import render
from tallystick.statements.typeset import _has_shape
from tallystick.verification.verdict import Reason

EUR = currency("EUR")
A4 = (595, 842)
MARGIN = 53
LONGEST_WORD = 70


@pytest.fixture
def statement(acme):
    """A statement with lines in two currencies, a cap, a found outcome and claims of every status."""
    builder = acme.terms(cap="100.00")
    return builder.rate(
        builder.verdict("A", quantity="1000.00"),
        builder.verdict("B", quantity="10.00", currency="USD"),
        builder.verdict("found:recovered:ch_9", quantity="80.00"),
        *(builder.verdict(f"C-{status}", status) for status in ("pending", "rejected", "unverifiable", "reversed")),
    )


def _pages(statement):
    """Give the text of each page, in the order a reader copies it."""
    reader = pypdf.PdfReader(io.BytesIO(render(statement, "pdf")))
    return [page.extract_text() for page in reader.pages]


def _text(content):
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def _words(statement):
    return _text(render(statement, "pdf"))


def _letters(statement):
    """Give all text without any white space, so that where a line breaks does not matter."""
    return "".join("".join(_pages(statement)).split())


def test_it_says_who_owes_what(statement):
    """Text copied from the PDF holds parties, contract, period, sums, ids, verdicts, reasons and hashes."""
    words = _words(statement)

    for said in (
        "Buyer Acme GmbH Vendor Recoverly Collections",
        "acme-collections, version 1",
        "1 Sep 2026 to 30 Sep 2026, Europe/Berlin",
        "Acme GmbH owes Recoverly Collections 100.00 EUR",
        "a currency of its own, never converted or added 1.25 USD",
        "1 verified outcome priced and rounded one by one 125.00 EUR",
        "Cap relief September 2026: lowered from 125.00 EUR to the cap of 100.00 EUR \u221225.00 EUR",
        "Owed in EUR 100.00 EUR",
        "Owed in USD 1.25 USD",
        "A ch_A 10 Aug 2026 10 Sep 2026 1,000.00 EUR 12.5 % #10 100.00 EUR 125.00 EUR",
        "Rejected placed 1 C-rejected its invoice is placed with nobody",
        "Met but never claimed: 1",
        "recovered ch_ch_9 10 Aug 2026 10 Sep 2026 80.00 EUR #12 10.00 EUR",
        "tallystick statement acme-collections 2026-09",
    ):
        assert said in words
    assert "PROVISIONAL" not in words
    assert statement.contract_sha256 in _letters(statement)


def test_every_page_names_the_statement(acme):
    """Each page carries the statement's hash, the ledger's root and its number; a long table repeats its heading."""
    statement = acme.rate(*(acme.verdict(f"C-{number:04}") for number in range(150)))
    pages = _pages(statement)

    assert len(pages) > 2
    for number, page in enumerate(pages, start=1):
        assert f"Statement sha256 {statement.digest}" in page
        assert f"Ledger root {statement.ledger.root}" in page
        assert f"Page {number} of {len(pages)}" in page
        if "C-0" in page:
            assert "Happened" in page
    assert all(f"C-{number:04}" in "".join(pages) for number in range(150))


def test_the_sum_of_a_group(acme):
    """The head of each outcome's lines says how many there are and what they sum up to."""
    assert "25.00 EUR" in _words(acme.rate(acme.verdict("A"), acme.verdict("B"))).split("2 lines")[2]


def test_too_many_lines(acme, monkeypatch):
    """Above the limit each outcome is one row with its sum, and the reader is told where the lines are."""
    monkeypatch.setattr(pdf, "MOST_LINES", 3)
    words = _words(acme.rate(*(acme.verdict(f"C-{number}") for number in range(4))))

    assert "Too many to print one by one; the CSV and JSON forms of this statement hold each of them." in words
    assert "4 lines 50.00 EUR" in words
    assert "ch_C-1" not in words


def test_provisional_on_every_page(acme):
    """A provisional statement says why above what is owed, and is marked across every page."""
    statement = acme.rate(*(acme.verdict(f"C-{number}") for number in range(99)), now="2026-09-20T00:00:00Z")
    pages = _pages(statement)

    assert pages[0].index("The period is not over yet.") < pages[0].index("owes")
    assert len(pages) > 1
    assert all("PROVISIONAL" in page for page in pages)


def test_an_empty_statement(acme):
    """A statement without lines, floor and claims says so in words."""
    words = _words(acme.rate())

    assert "owes Recoverly Collections 0.00 EUR" in words
    assert "No claimed outcome locked in this period." in words
    assert "Met but never claimed" not in words
    assert "Why claims are not on this statement" not in words


def test_a_floor(acme):
    """A floor true-up stands between the lines and what is owed."""
    words = _words(acme.terms(floor="3000.00").rate())

    assert "Floor true-up September 2026: raised from 0.00 EUR to the floor of 3,000.00 EUR 3,000.00 EUR" in words


def test_verified_in_other_periods(acme):
    """The paper says how many verified claims stand on other statements, and which instants nobody knows."""
    october = acme.verdict("B", decided_at=acme.verdict("A").decided_at + 40 * 86_400_000_000)
    words = _words(acme.rate(acme.verdict("A", occurred_at=None), october))

    assert "1 of them on this statement, the others locked in other periods" in words
    assert "A ch_A unknown 10 Sep 2026" in words


def test_notes(acme):
    """A note stands among what adds up, and its own section says which lines changed from what to what, and why."""
    now, was = Money(9000, EUR), Money(12500, EUR)
    change = Change("claim:OLD-1", "ch_old", Money(2500, EUR), None, "reversed", "refunded on 2026-09-12", 77)
    note = Note("2026-08", now, was, Money(0, EUR), (change,), 60)
    words = _words(replace(acme.rate(acme.verdict("A")), notes=(note,)))

    because = "August 2026 comes to 90.00 EUR; it was issued with 125.00 EUR"
    assert f"Credit note on 2026-08 {because} \u221235.00 EUR Owed in EUR \u221222.50 EUR" in words
    assert f"Credit note on 2026-08: \u221235.00 EUR {because}. What was issued stays as it is" in words
    assert "OLD-1 ch_old 25.00 EUR reversed refunded on 2026-09-12 #77" in words


def test_a_note_without_lines(acme):
    """A note that comes from a floor or a cap alone has no section of its own; a line that is new has no former sum."""
    empty = Note("2026-08", Money(1, EUR), Money(0, EUR), Money(0, EUR), (), 60)
    change = Change("claim:NEW-1", "ch_new", None, Money(2500, EUR), "verified", "", 77)

    assert _words(replace(acme.rate(), notes=(empty,))).count("Debit note on 2026-08") == 1
    assert "NEW-1 ch_new 25.00 EUR verified #77" in _words(
        replace(acme.rate(), notes=(replace(empty, changes=(change,)),))
    )


def test_steps_by_currency(acme):
    """Notes and adjustments stand with the sum of their own currency, a discount with its reason."""
    usd = currency("USD")
    note = Note("2026-08", Money(100, usd), Money(300, usd), Money(0, usd), (), 60)
    discount = Adjustment("discount", "2026-09", Money(-50, EUR), text="4 percent off in the first months")
    words = _words(replace(acme.rate(acme.verdict("A")), notes=(note,), adjustments=(discount,)))

    assert "Discount September 2026: 4 percent off in the first months \u22120.50 EUR Owed in EUR 12.00 EUR" in words
    assert "it was issued with 3.00 USD \u22122.00 USD Owed in USD \u22122.00 USD" in words


def test_remarks_on_a_line(acme):
    """A line says which rate turned its currency, that the buyer bears it, and what of it lies within the cap."""
    statement = acme.rate(acme.verdict("A"))
    [line] = statement.lines
    rate = ExchangeRate(Decimal("0.9215"), "ECB, 30 June 2026")
    gathering = Gathering()
    kind = msgspec.structs.replace(line.kind, unit="USD", rate=rate, status="unverifiable")
    gathering.add(msgspec.structs.replace(line, kind=kind))
    words = _words(replace(statement, lines=gathering.lines(), shares={line.subject: Money(1000, EUR)}))

    assert "A at 0.9215, ECB, 30 June 2026; unverifiable, borne by the buyer ch_A" in words
    assert "#10 10.00 EUR 12.50 EUR" in words
    assert "In the cap" in words
    assert "In the cap" not in _words(replace(statement, shares={}))
    assert "#10 12.50 EUR" in _words(replace(statement, shares={"claim:other": Money(1000, EUR)}))


def test_several_versions(acme):
    """Every version of the contract that decided something is named with its hash."""
    statement = acme.rate()
    versions = ((1, statement.contract_sha256), (2, "ef" * 32))

    assert f"Version2{'ef' * 32}" in _letters(replace(statement, versions=versions))
    assert "Version 1" not in _words(replace(statement, versions=versions))


# --- text from outside

EVIL = [
    '#import "@preview/x:0.1.0": *',
    "#panic(1)",
    "#data.total",
    "*strong* _emph_ `raw` $x^2$ = head",
    '"); #read("/etc/passwd")',
    "\\u{41} \\ // gone /* gone */",
    "<label> @ref [x] #[x] ~ --- ...",
    "- item + item",
]


@pytest.mark.parametrize("evil", EVIL)
def test_text_is_never_markup(acme, evil):
    """What reads as Typst code or markup prints as it is, wherever it stands."""
    statement = acme.rate(
        acme.verdict(f"claim:{evil}", record_id=evil),
        acme.verdict("R", "rejected", reasons=(Reason(evil, evil),)),
    )
    statement = replace(statement, buyer=evil, vendor=evil, provisional=(evil,), outcomes={"recovered": evil})
    letters = _letters(statement)

    assert letters.count("".join(evil.split())) >= 8
    assert pypdf.PdfReader(io.BytesIO(render(statement, "pdf"))).metadata.title.endswith(f"{evil} and {evil}")


def test_invisible_characters_are_shown(acme):
    """Control characters, and marks that would reorder an amount, print as a replacement character."""
    assert "A\ufffd00.1\ufffdB C" in _words(acme.rate(acme.verdict("claim:A\u202e00.1\x00B\nC")))


def test_letters_without_a_shape(acme):
    """Letters that no built-in font has are printed as their number, and the paper says so."""
    vendor = "\u039f\u0394\u039f\u03a3 \u0416\u20b9 \u05d0"
    words = _words(replace(acme.rate(), buyer="\u682a\u5f0f Ltd \U0001f600", vendor=vendor))

    assert r"\u{682a}\u{5f0f} Ltd \u{1f600}" in words
    assert vendor in words
    assert "Letters that the fonts of this paper lack" in words
    assert "Letters that the fonts of this paper lack" not in _words(acme.rate())


def test_the_built_in_fonts(acme):
    """Latin, Greek and Cyrillic letters are all in the built-in fonts."""
    letters = "".join(char for char in map(chr, range(0x21, 0x500)) if char.isprintable() and not combining(char))

    assert _has_shape(" ".join(letters), None)


def test_a_folder_of_fonts(acme, tmp_path):
    """Letters that are in a font of the folder named are printed, and the bytes are again the same every time."""
    fonts = tmp_path / "fonts"
    fonts.mkdir()
    _make_font(fonts / "one.ttf", "\u682a")
    statement = replace(acme.rate(), buyer="\u682a\u5f0f Ltd")
    words = _text(render(statement, "pdf", fonts=fonts))

    assert "\u682a\\u{5f0f} Ltd" in words
    assert render(statement, "pdf", fonts=fonts) == render(statement, "pdf", fonts=fonts)


def test_no_such_folder(statement, tmp_path):
    """A folder of fonts that is not there is named."""
    with pytest.raises(ConfigurationError, match="gone is not a folder of fonts"):
        render(statement, "pdf", fonts=tmp_path / "gone")


def _make_font(path, letter):
    """Write a font that has one letter, a square."""
    builder = FontBuilder(1000)
    pen = TTGlyphPen(None)
    for step, corner in enumerate([(100, 0), (100, 700), (800, 700), (800, 0)]):
        (pen.lineTo if step else pen.moveTo)(corner)
    pen.closePath()
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap({ord(letter): "square"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "square": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "square": (900, 100)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "One", "styleName": "Regular", "psName": "One-Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)


@pytest.mark.parametrize("text", ["r" * 90, "x-" * 300, "\u00e9" * 100, "e\u0301" * 100, "word " * 60])
def test_long_text_stays_in_its_column(acme, text):
    """A long id or description breaks inside its column, every character of it, and nothing leaves the page."""
    statement = acme.rate(
        acme.verdict(f"claim:{text}", record_id=text), acme.verdict("R", "rejected", reasons=(Reason(text, text),))
    )
    statement = replace(statement, buyer=text, vendor=text, contract=text, outcomes={"recovered": text})
    reader = pypdf.PdfReader(io.BytesIO(render(statement, "pdf")))
    runs = [run for page in reader.pages for run in _runs(page)]

    assert _letters(statement).count("".join(text.split())) >= 6
    # The longest words that do not break are hashes; a longer one would run into the next column.
    assert max(len(word) for run, _, _ in runs for word in run.split()) <= LONGEST_WORD
    assert all(MARGIN <= x <= A4[0] - MARGIN and 0 < y < A4[1] for _, x, y in runs)


def _runs(page):
    """Give each run of text and where it starts, in points from the lower left corner of the page."""
    found = []

    def note(text, matrix, place, _font, _size):
        if text.strip():
            found.append((text, *pypdf.mult(place, matrix)[4:]))

    page.extract_text(visitor_text=note)
    assert found
    return found


def test_very_large_amounts(acme):
    """Amounts of 30 digits are printed to the last cent."""
    builder = acme.priced(big="9876543210987654321098765432.19")
    statement = builder.rate(builder.verdict("A", outcome="big", quantity="1"))
    letters = _letters(statement)
    pages = pypdf.PdfReader(io.BytesIO(render(statement, "pdf"))).pages

    assert all(MARGIN <= x <= A4[0] - MARGIN for page in pages for _, x, _ in _runs(page))
    assert letters.count("9,876,543,210,987,654,321,098,765,432.19EUR") >= 4


# --- the file


def test_the_same_bytes_elsewhere(tmp_path):
    """Another process, with another zone, language, home and folder, gives the same bytes."""
    code = (
        "import sys\n"
        "from tallystick.statements.typeset import Column, Row, Table, typeset\n"
        "table = Table([Column('A', share=1)], [Row(['b' * 40])])\n"
        "made = typeset('#grid-of(data.table)', {'table': table}, at=10**15)\n"
        "sys.stdout.buffer.write(made)\n"
    )
    homes = [
        {"TZ": "Asia/Tokyo", "LC_ALL": "C", "HOME": str(tmp_path), "SOURCE_DATE_EPOCH": "1"},
        {"TZ": "America/Lima", "LC_ALL": "de_DE.UTF-8", "HOME": "/nowhere", "TYPST_FONT_PATHS": "/usr/share/fonts"},
    ]
    made = [
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | home, cwd=cwd, capture_output=True, check=True
        ).stdout
        for home, cwd in zip(homes, [tmp_path, "/"], strict=True)
    ]

    assert made[0].startswith(b"%PDF-")
    assert made[0] == made[1]


def test_the_date_of_the_file(statement):
    """The file's dates are those of the statement, not of the day it was printed."""
    about = pypdf.PdfReader(io.BytesIO(render(statement, "pdf"))).metadata

    assert about.creation_date.isoformat() == "2026-10-05T08:00:00+00:00"
    assert about.title == "Statement September 2026: Acme GmbH and Recoverly Collections"


def test_fonts_are_inside(statement):
    """Every font of the file is embedded in it."""
    reader = pypdf.PdfReader(io.BytesIO(render(statement, "pdf")))
    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()]
    described = [font["/DescendantFonts"][0].get_object()["/FontDescriptor"] for font in fonts]

    assert described
    assert all({"/FontFile2", "/FontFile3"} & set(about.get_object()) for about in described)


def test_short_statements_are_tagged(statement, monkeypatch):
    """A statement keeps its structure for screen readers, unless it is so long that this would swell the file."""
    tagged = pypdf.PdfReader(io.BytesIO(render(statement, "pdf"))).trailer["/Root"]
    monkeypatch.setattr(pdf, "MOST_TAGGED", 2)
    plain = pypdf.PdfReader(io.BytesIO(render(statement, "pdf"))).trailer["/Root"]

    assert "/StructTreeRoot" in tagged
    assert tagged["/Lang"] == "en"
    assert "/StructTreeRoot" not in plain


def test_without_the_extra(statement, monkeypatch):
    """Without the package, the error says what to install."""
    monkeypatch.setitem(sys.modules, "typst", None)

    with pytest.raises(ConfigurationError, match="a PDF needs packages that are not installed") as caught:
        render(statement, "pdf")
    assert caught.value.hint == "Install them: pip install 'tallystick[report]'"
