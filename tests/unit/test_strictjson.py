"""Reading canonical JSON from strangers: one spelling for each value, and nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.canonical import canonical
from tallystick.errors import Tampered
from tallystick.strictjson import DEEPEST, read_strict, read_strict_lines

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def _nested(depth):
    return b"[" * depth + b"]" * depth


@given(VALUES)
def test_canonical_bytes_are_read(value):
    """Whatever `canonical` writes is read back as the same value."""
    assert read_strict(canonical(value), "x") == value


@given(VALUES, st.sampled_from([{"indent": 1}, {"separators": (", ", ":")}, {"sort_keys": False}]))
def test_other_spellings_are_refused(value, style):
    """A text of the same value in any other spelling is refused, and never read as another value."""
    data = json.dumps(value, **style).encode()
    try:
        assert read_strict(data, "x") == value
    except Tampered:
        assert data != canonical(value)
    else:
        assert data == canonical(value)


@given(st.binary(max_size=40) | st.text('[]{}":,.eE+-0123456789 \\untrlfasu\u20ac', max_size=20).map(str.encode))
def test_any_bytes_are_read_or_refused(data):
    """Any bytes at all are the canonical form of the value they give, or are refused."""
    try:
        value = read_strict(data, "x")
    except Tampered:
        return
    assert canonical(value) == data


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"a":1,"a":1}', "byte 7 .* twice"),
        (b'{"a":{"b":1,"b":2}}', "twice"),
        (b'{"amount":12.5}', "the number 12.5 has a point"),
        (b'{"amount":12.0}', "the number 12.0 has a point"),
        (b"[1e2]", "the number 1e2 has a point or an exponent"),
        (b"[1E400]", "the number 1E400"),
        (b"[-0]", "canonical spelling"),
        (b"[01]", "not JSON"),
        (b"[9007199254740992]", "beyond 2"),
        (b"[-9007199254740992]", "beyond 2"),
        (b"[18446744073709551616]", "beyond 2"),
        (b"[NaN]", "not JSON"),
        (b"[Infinity]", "not JSON"),
        (b'["\\ud800"]', "not JSON"),
        (b'["\\ud83d\\ude00"]', "canonical spelling"),
        (b'["\\u0041"]', "byte 3"),
        (b'["\\/"]', "canonical spelling"),
        (b'["\xff"]', "not UTF-8"),
        (b'["\xed\xa0\x80"]', "not UTF-8"),
        (b'["\x01"]', "not JSON"),
        (b"\xef\xbb\xbf[]", "not JSON"),
        (b"", "not JSON"),
        (b"[1] ", "byte 4"),
        (b"[1]\n", "byte 4"),
        (b"[1]x", "not JSON"),
        (b'{"b":1,"a":2}', "byte 3"),
        ('{"\ue000":1,"\U0001f600":2}'.encode(), "canonical spelling"),
        (b"{1:2}", "not JSON"),
        (b"[1,]", "not JSON"),
        (b"// no", "not JSON"),
        (_nested(DEEPEST + 1), "deeper than 64"),
        (_nested(100_000), "deeper than 64"),
        (b'{"a":' * 100_000, "deeper than 64"),
    ],
)
def test_what_is_refused(data, why):
    """Each way of writing a value that is not the canonical one is refused with the reason and the place."""
    with pytest.raises(Tampered, match=why) as caught:
        read_strict(data, "claims.jsonl:3")

    assert caught.value.where == "claims.jsonl:3"
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    "data",
    [
        _nested(DEEPEST),
        canonical(["[" * 100, '"[' * 100, "\\" * 3 + "[" * 90, "]" * 90]),
        canonical([[]] * 100),
        b'["9007199254740993","12345678901234567890"]',
        b"[9007199254740991,-9007199254740991,1767225600000000]",
        '{"\U0001f600":2,"\ue000":1}'.encode(),
        '"M\u00fcller\x7f"'.encode(),
    ],
)
def test_what_looks_suspicious_and_is_not(data):
    """Brackets and digits inside of texts, and the order of RFC 8785 for rare keys, are read."""
    assert canonical(read_strict(data, "x")) == data


def test_lines_are_counted():
    """A line that is refused is named by its number, after the lines before it were given."""
    values = read_strict_lines([b"1", b'"2"', b"3.0"], "terms.jsonl")

    assert [next(values), next(values)] == [1, "2"]
    with pytest.raises(Tampered, match=r"terms.jsonl:3: .*3\.0"):
        next(values)
