"""Claim files are taken in whole or refused whole, with every problem at its place."""

import tracemalloc
from decimal import Decimal
from pathlib import Path

import pytest

from tallystick.errors import InputError, Position
from tallystick.period import parse_instant
from tallystick.verification.claim import Claim, read_claims
from tallystick.verification.claimfile import LONGEST_LINE

FIXTURES = Path(__file__).parents[3] / "fixtures/claims"
OUTCOMES = ("recovered", "thank_you")
HEADER = "claim_id,outcome,ref,claimed_at,amount,currency\n"


@pytest.fixture
def read(tmp_path):
    """Give what reads some content as a claim file."""

    def read_content(content):
        path = tmp_path / "claims"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_claims(path, outcomes=OUTCOMES)

    return read_content


@pytest.fixture
def problems(read, tmp_path):
    """Give what reads a bad claim file and gives its problems as `line:column: message`, and the error."""

    def read_problems(content):
        with pytest.raises(InputError) as raised:
            read(content)
        lines = [line for line in str(raised.value).splitlines() if not line.startswith("  ")]
        return [line.removeprefix(f"{tmp_path / 'claims'}:") for line in lines], raised.value

    return read_problems


@pytest.mark.parametrize("name", ["claims.csv", "claims-excel.csv", "claims.jsonl"])
def test_the_three_forms_agree(name):
    """The same claims as CSV, as CSV from a spreadsheet and as JSON Lines are equal, formula cells included."""
    claims = read_claims(FIXTURES / name, outcomes=OUTCOMES)

    at = parse_instant("2026-09-02T10:00:00Z")
    assert claims == [
        Claim("C-0001", "recovered", "ch_3PabcExample", at, Decimal("1250.00"), "EUR"),
        Claim("C-0002", "recovered", "=HYPERLINK(1)", None, None, None),
        Claim("@C,3", "thank_you", "\tin_1 \u00fcber", at + 250_000, Decimal(7), "JPY"),
        Claim('"+C-4"', "recovered", "-1", None, Decimal("0.125"), "KWD"),
    ]


def test_digest_of_a_claim():
    """The digest is that of what the claim says: a trailing zero is no difference, anything else is."""
    claim = Claim("A", "recovered", "ch_1", 1, Decimal("12.5"), "EUR")

    assert claim.digest == Claim("A", "recovered", "ch_1", 1, Decimal("12.50"), "EUR").digest
    assert (
        Claim("A", "recovered", "ch_1", 1, Decimal(100)).digest
        == Claim("A", "recovered", "ch_1", 1, Decimal("1E2")).digest
    )
    others = [
        Claim("B", "recovered", "ch_1", 1, Decimal("12.5"), "EUR"),
        Claim("A", "thank_you", "ch_1", 1, Decimal("12.5"), "EUR"),
        Claim("A", "recovered", "ch_2", 1, Decimal("12.5"), "EUR"),
        Claim("A", "recovered", "ch_1", 2, Decimal("12.5"), "EUR"),
        Claim("A", "recovered", "ch_1", 1, Decimal(125), "EUR"),
        Claim("A", "recovered", "ch_1", 1, None, "EUR"),
        Claim("A", "recovered", "ch_1", 1, Decimal("12.5")),
    ]
    assert len({claim.digest, *(other.digest for other in others)}) == len(others) + 1


def test_columns_in_any_order(read):
    """Columns may stand in any order, and the optional ones may be missing; blank lines mean nothing."""
    assert read("ref , claim_id,outcome\n\nch_1,A,recovered\n\n") == [Claim("A", "recovered", "ch_1")]


def test_a_header_alone(read):
    """A file with a header and no rows holds no claims, and is not wrong."""
    assert read(HEADER) == []


def test_line_ends_of_windows(read):
    """CR LF line ends are line ends."""
    assert read(HEADER.replace("\n", "\r\n") + "A,recovered,ch_1,,,\r\n") == [Claim("A", "recovered", "ch_1")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ["1:1: the file is empty"]),
        ("\n \n", ["1:1: the file is empty"]),
        ("claim_id,outcome\n", ["1:1: missing column: ref"]),
        ("a;b;c\n", ["1:1: unknown column 'a;b;c'", "1:1: missing columns: claim_id, outcome, ref"]),
        ("claim_id,outcome,ref,amuont\n", ["1:22: unknown column 'amuont'"]),
        ("claim_id,outcome,ref,zzz\n", ["1:22: unknown column 'zzz'"]),
        ("claim_id,outcome,ref,ref\n", ["1:22: the column ref stands there twice"]),
        (HEADER + "A,recovered\n", ["2:1: 2 cells where the header has 6"]),
        (HEADER + "A,recovered,c,,,,\n", ["2:1: 7 cells where the header has 6"]),
        (HEADER + "A,recovered,c,,,\nA,recovered,d,,,\n", ["3:1: claim_id: 'A' was used in line 2 already"]),
        (
            HEADER + ",recovered,c,,,\n ,recovered,,,,\n",
            ["2:1: claim_id: it is empty", "3:1: claim_id: it is empty", "3:13: ref: it is empty"],
        ),
        (
            HEADER + " A,recovered,c\u00a0,,,\n",
            ["2:1: claim_id: it begins or ends with a space", "2:14: ref: it begins or ends with a space"],
        ),
        (HEADER + f"A,recovered,{'x' * 256},,,\n", ["2:13: ref: it has more than 255 characters"]),
        (
            HEADER + '"A\nB",recovered,c,,,\nB,recoverd,"d\n",x,,\n',
            [
                "2:1: claim_id: it holds a line end or another control character",
                "4:3: outcome: the contract has no outcome 'recoverd'",
                "4:12: ref: it holds a line end or another control character",
                "5:3: claimed_at: 'x' is not an instant",
            ],
        ),
        (
            HEADER + '"A, ""x""",recovered,c,2026-09-01T10:00:00,,\n',
            ["2:24: claimed_at: '2026-09-01T10:00:00' is not an instant"],
        ),
        (HEADER + 'A,recovered,c,,"1,250.00",\n', ["2:16: amount: '1,250.00' is not an amount"]),
        (
            HEADER + "A,recovered,c,,-1,\nB,recovered,c,,1e3,\nC,recovered,c,,12.x,\n",
            [
                "2:16: amount: '-1' is not an amount",
                "3:16: amount: '1e3' is not an amount",
                "4:16: amount: '12.x' is not an amount",
            ],
        ),
        (
            HEADER + "A,recovered,c,,12.345,EUR\nB,recovered,c,,1.5,JPY\n",
            [
                "2:16: amount: 12.345 has too many decimals: EUR has 2",
                "3:16: amount: 1.5 has too many decimals: JPY has no",
            ],
        ),
        (HEADER + "A,recovered,c,,1,EUX\n", ["2:18: currency: unknown currency 'EUX'"]),
        (HEADER + 'A,recovered,"c\n', ["2:1: this is not CSV: unexpected end of data"]),
        (HEADER + '"A"x,recovered,c,,,\n', ["2:1: this is not CSV: ',' expected after '\"'"]),
        ('"claim_id"x,outcome\n', ["1:1: this is not CSV: ',' expected after '\"'"]),
        (HEADER.replace("\n", "\r") + "A,recovered,c,,,\r", ["1:1: this is not CSV: a lone carriage return"]),
        (HEADER + '"' + "x" * 200_000 + '"\n', ["2:1: this is not CSV: field larger than field limit (131072)"]),
        (HEADER + "A,recovered,ch\0,,,\n", ["2:15: a NUL byte"]),
        (HEADER.encode() + b"A,recovered,\xc3\xa4\xfc,,,\n", ["2:14: byte 0xfc is not UTF-8"]),
        (HEADER.encode("utf-16"), ["1:1: byte 0xff is not UTF-8"]),
        ("claim_id,outcome,ref\nA,recovered,", ["2:13: ref: it is empty"]),
        ("[\n", ["1:1: this is a JSON list"]),
        ('{"claim_id": "A"}\n', ["1:1: missing: outcome, ref"]),
        ('{"claim_id": "A", "outcome": "recovered", "ref": "c"\n', ["1:53: this is not JSON: Expecting ',' delimiter"]),
        (
            '\n{"claim_id": 7, "outcome": true, "ref": ["c"]}\n',
            [
                "2:14: claim_id: a text is expected here",
                "2:28: outcome: a text is expected here",
                "2:41: ref: a text is expected here",
            ],
        ),
        (
            '{"claim_id": "A", "outcome": "recovered", "ref": "c", "ref": "d", "amuont": 1}',
            ["1:50: ref stands there twice", "1:77: unknown field 'amuont'"],
        ),
        (
            '{"claim_id": "A", "outcome": "recovered", "ref": "c", "amount": NaN}',
            ["1:65: amount: 'NaN' is not an amount"],
        ),
        ('{"claim_id": "A", "outcome": "recovered", "ref": "c", "r\\u0065": 1}', ["1:1: unknown field 're'"]),
        (
            '{"claim_id": "\\ud800", "outcome": "recovered", "ref": "c"}',
            ["1:14: claim_id: it holds a line end or another control character"],
        ),
        (
            '{}\n\n[1]\n"x"\n',
            ["1:1: missing: claim_id, outcome, ref", "3:1: this is not an object", "4:1: this is not an object"],
        ),
        ('{"a":' * 150_000, ["1:1: this is nested too deeply"]),
    ],
)
def test_bad_files(problems, content, expected):
    """Each thing that can be wrong with a claim file is said with its line and column."""
    assert problems(content)[0] == expected


def test_all_problems_are_said_together(problems, tmp_path):
    """The first twenty problems are written out and the others counted."""
    said, error = problems(HEADER + "".join(f"{number},nothing,ch_1,,,\n" for number in range(500)))

    assert len(said) == 20
    assert error.hint == "And 480 more problems."
    assert error.where == Position(str(tmp_path / "claims"), 2, 3)


def test_one_problem_refuses_the_whole_file(problems):
    """A single wrong row among good ones leaves nothing."""
    said, _ = problems(HEADER + "A,recovered,c,,,\nB,recovered,c,,x,\nC,recovered,c,,,\n")

    assert said == ["3:16: amount: 'x' is not an amount"]


def test_problems_before_an_unreadable_place(problems):
    """What was found before a byte that cannot be read is said with it."""
    said, _ = problems(HEADER.encode() + b"A,wrong,c,,,\n\xff\nB,wrong,c,,,\n")

    assert said == ["2:3: outcome: the contract has no outcome 'wrong'", "3:1: byte 0xff is not UTF-8"]


def test_an_endless_line(tmp_path):
    """A line of 2 GB is refused after its first million bytes, without holding it in memory."""
    path = tmp_path / "claims.csv"
    with path.open("wb") as file:
        file.write(HEADER.encode() + b"x")
        file.truncate(2_000_000_000)
    tracemalloc.start()
    with pytest.raises(InputError, match=r"claims\.csv:2:1: the line has more than 1,000,000 bytes"):
        read_claims(path, outcomes=OUTCOMES)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 10 * LONGEST_LINE


def test_an_endless_cell(problems):
    """A quote that is never closed does not gather the rest of a large file in memory."""
    said, _ = problems(HEADER + 'A,recovered,"c,,,\n' + "B,recovered,c,,,\n" * 20_000)

    assert said == ["2:1: this is not CSV: field larger than field limit (131072)"]


def test_no_file(tmp_path):
    """A file that is not there, and a folder, are named."""
    with pytest.raises(InputError, match="there is no file"):
        read_claims(tmp_path / "none.csv", outcomes=OUTCOMES)
    with pytest.raises(InputError, match="cannot be read"):
        read_claims(tmp_path, outcomes=OUTCOMES)


def test_hints(problems):
    """Hints say what to write instead."""
    assert problems("a;b\n")[1].diagnostics().count("Separate the columns by commas") == 1
    assert problems(HEADER + "A,Recovered,c,,,\n")[1].hint == "Did you mean recovered?"
    assert problems(HEADER + "A,zzz,c,,,\n")[1].hint == "Possible are: recovered, thank_you."
