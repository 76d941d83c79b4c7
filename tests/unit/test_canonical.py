"""Canonical bytes are those of RFC 8785."""

import hashlib
import json
from decimal import Decimal
from enum import IntEnum, StrEnum

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.canonical import canonical, digest

LARGEST = 2**53 - 1
untimed = settings(deadline=None)
texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5), max_leaves=20
)


class _Inner(msgspec.Struct, frozen=True):
    zulu: int
    alpha: Decimal | None = None


class _Outer(msgspec.Struct, frozen=True, tag="outer", omit_defaults=True, rename="camel"):
    some_list: tuple[_Inner, ...]
    other: str = "left out"


class _Alone(msgspec.Struct, frozen=True):
    only: object


class _Foreign(msgspec.Struct, frozen=True, rename={"size": "größe"}):
    size: int
    grob: int


@untimed
@given(values)
def test_bytes_are_those_of_the_library(value):
    """For every JSON value without floats the bytes are those of the rfc8785 library."""
    assert canonical(value) == rfc8785.dumps(value)


@untimed
@given(st.dictionaries(texts, st.integers(0, 9), min_size=2), st.randoms(use_true_random=False))
def test_order_of_keys_does_not_matter(value, random):
    """The same object gives the same bytes whatever the order of its keys."""
    keys = random.sample(sorted(value), len(value))

    assert canonical({key: value[key] for key in keys}) == canonical(value)


@untimed
@given(values)
def test_bytes_are_json(value):
    """Any JSON reader gets the value back."""
    assert json.loads(canonical(value)) == value


def test_keys_sort_by_utf_16():
    """A key outside the Basic Multilingual Plane sorts by its surrogates, before U+E000 and above."""
    assert canonical({"\ue000": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ue000":1}'.encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [("1.50", '"1.50"'), ("1E+2", '"100"'), ("1E-7", '"0.0000001"'), ("-0.00", '"-0.00"'), ("12", '"12"')],
)
def test_decimals_are_plain_text(value, text):
    """A Decimal is a string in plain notation with the digits it has, alone and inside."""
    assert canonical(Decimal(value)) == text.encode()
    assert canonical([{"x": Decimal(value)}]) == f'[{{"x":{text}}}]'.encode()


@untimed
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_decimals_are_formatted(value):
    """Every finite Decimal is written as Python's plain format writes it."""
    assert canonical(value) == rfc8785.dumps(format(value, "f"))


def test_structs_are_objects():
    """A Struct is written as msgspec writes it, with its tag, its renamed fields and without omitted defaults."""
    value = _Outer((_Inner(1), _Inner(2, Decimal("1E+1"))))

    assert canonical(value) == b'{"someList":[{"alpha":null,"zulu":1},{"alpha":"10","zulu":2}],"type":"outer"}'
    assert canonical(_Outer(())) == b'{"someList":[],"type":"outer"}'
    assert canonical(_Alone([1])) == b'{"only":[1]}'
    assert canonical(_Foreign(1, 2)) == '{"grob":2,"größe":1}'.encode()


def test_text_is_not_normalized():
    """Two spellings of one letter stay two texts."""
    assert canonical("\u00e9") != canonical("e\u0301")


class _Count(IntEnum):
    ONE = 1


class _Word(StrEnum):
    A = "a"


@pytest.mark.parametrize("value", [1.0, float("nan"), b"x", {1}, object(), _Count.ONE, _Word.A, range(2)])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [1, [x]], lambda x: {"a": {"b": x}}, _Alone])
def test_other_types_are_refused(value, wrap):
    """A float or any other type is refused at every depth."""
    with pytest.raises(TypeError, match="no canonical form"):
        canonical(wrap(value))


@pytest.mark.parametrize(
    "value", [LARGEST + 1, -LARGEST - 1, 10**100, Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity")]
)
def test_values_out_of_range_are_refused(value):
    """An int that JSON readers cannot hold, and a Decimal that is no number, are refused."""
    for wrapped in (value, [value], {"a": value}, _Alone(value)):
        with pytest.raises(ValueError, match=r"2\*\*53|no canonical form"):
            canonical(wrapped)


@pytest.mark.parametrize("key", [1, None, b"a", 1.0, _Word.A])
def test_keys_are_texts(key):
    """A key that is no plain str is refused."""
    with pytest.raises(TypeError, match="a key is a str"):
        canonical({key: 1})


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, ["a\ud83d"], {"ü": "\ud800"}, {"ü\ud800": Decimal("1E+1")}])
def test_lone_surrogates_are_refused(value):
    """Half a character, as a key or a text, is refused."""
    with pytest.raises(ValueError, match="surrogate"):
        canonical(value)


@pytest.mark.parametrize("value", [LARGEST, -LARGEST, 0, True, False, None, "", [], {}, ()])
def test_edges(value):
    """The greatest ints, the constants and the empty values have a form."""
    assert canonical(value) == rfc8785.dumps(list(value) if value == () else value)


def test_digest_is_the_hash_of_the_bytes():
    """The digest is the SHA-256 of the canonical bytes, in hexadecimal."""
    assert digest({"b": 1, "a": 2}) == hashlib.sha256(b'{"a":2,"b":1}').hexdigest()


@pytest.mark.parametrize("text", ["1E+99999999999999999", "-1E-99999999999999999", "1E+1001"])
def test_a_decimal_of_no_real_size_is_refused(text):
    """A number whose plain notation would fill the memory has no canonical form, and is refused before it does."""
    with pytest.raises(ValueError, match="is of a size that nothing counted has"):
        canonical(Decimal(text))
