"""YAML files are read exactly, with the place of everything, and every problem of one is said at once."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tallystick.errors import ConfigurationError, ContractError, Position
from tallystick.yamlfile import LARGEST_FILE, Document, FieldError, Problem, combine, load_yaml, validate


@pytest.fixture
def write(tmp_path):
    """Give what writes a file and gives its path."""

    def write_file(content):
        path = tmp_path / "file.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


def _where(raised):
    return raised.value.where.line, raised.value.where.column


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-7", -7),
        ("+7", 7),
        ("007", "007"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12.50", Decimal("12.50")),
        ("-.5", Decimal("-0.5")),
        ("5.", Decimal(5)),
        ("00.5", "00.5"),
        ("true", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("off", "off"),
        ("~", None),
        ("", None),
        ("null", None),
        ("'null'", "null"),
        ('"12"', "12"),
        ("2026-09-01", date(2026, 9, 1)),
        ("'2026-09-01'", "2026-09-01"),
        ("2026-09-01T10:00:00Z", "2026-09-01T10:00:00Z"),
        ("12:30:00", "12:30:00"),
        ("[1, [2.0], {b: c}]", [1, [Decimal("2.0")], {"b": "c"}]),
        ("|\n  one\n  two\n", "one\ntwo\n"),
    ],
)
def test_scalars(write, text, value):
    """A scalar is what YAML 1.2 says it is, a decimal is never a float, and identifiers keep their zeros."""
    found = load_yaml(write(f"a: {text}\n")).data["a"]

    assert found == value
    assert type(found) is type(value)


def test_keys_are_texts(write):
    """A key is always a text, whatever it looks like."""
    assert load_yaml(write("1: a\nno: b\n2026-01-01: c\n")).data == {"1": "a", "no": "b", "2026-01-01": "c"}


@pytest.mark.parametrize(
    ("content", "line", "column", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "a is set twice, here and in line 1"),
        ("a: &x 1\n", 1, 4, "an anchor"),
        ("a: [1, *x]\n", 1, 8, "an alias"),
        ("*x : 1\n", 1, 1, "an alias"),
        ("a: !!str 1\n", 1, 4, "the tag"),
        ("!!map\na: 1\n", 1, 1, "the tag"),
        ("a: !secret 1\n", 1, 4, "the tag !secret"),
        ("? [a]\n: 1\n", 1, 3, "a key that is not a plain name"),
        ("a: 1e3\n", 1, 4, "the number 1e3"),
        ("a: .nan\n", 1, 4, "the number .nan"),
        ("a: -.inf\n", 1, 4, "the number -.inf"),
        ("a: 2026-02-30\n", 1, 4, "there is no day 2026-02-30"),
        ("", 1, 1, "the file is empty"),
        ("# only this\n", 1, 1, "the file is empty"),
        ("- a\n", 1, 1, "something else than a mapping"),
        ("just a text\n", 1, 1, "something else than a mapping"),
        ("a: 1\n---\nb: 2\n", 2, 1, "a second document"),
        ("a: [1\nb: 2\n", 2, 2, "this is not YAML"),
        ("a: b: c\n", 1, 5, "this is not YAML"),
        ("a: \x07\n", 1, 4, "character U+0007"),
        (b"a: 1\nb: \xfc\n", 2, 4, "byte 0xfc is not UTF-8"),
        (b"\xff\xfea\x00:\x00", 1, 1, "byte 0xff is not UTF-8"),
        ("a: " + "[" * 30 + "]" * 30 + "\n", 1, 28, "nesting this deep"),
    ],
)
def test_refused(write, content, line, column, said):
    """What makes a file mean something else than it shows, or nothing at all, is refused with line and column."""
    with pytest.raises(ContractError) as raised:
        load_yaml(write(content), error=ContractError)

    assert said in str(raised.value)
    assert _where(raised) == (line, column)


def test_a_million_brackets_are_refused_at_once(write):
    """Nesting without end is refused before it costs anything."""
    with pytest.raises(ConfigurationError, match="nesting"):
        load_yaml(write("a: " + "[" * 900_000))


def test_an_unknown_directive(write):
    """An error of the parser without a place in the text still names the file."""
    with pytest.raises(ConfigurationError, match="not YAML"):
        load_yaml(write("%YAML 1.2\n%YAML 1.2\n---\na: 1\n"))


def test_a_large_file_is_refused(write):
    """A file over the limit is refused, and one at the limit is read."""
    line = "a: 1\n#"
    at_limit = write(line + "x" * (LARGEST_FILE - len(line)))
    assert load_yaml(at_limit).data == {"a": 1}
    with pytest.raises(ConfigurationError, match="1,000,000 bytes"):
        load_yaml(write(line + "x" * (LARGEST_FILE - len(line) + 1)))


def test_no_file(tmp_path):
    """A file that is not there, and a folder, are named."""
    with pytest.raises(ConfigurationError, match="there is no file"):
        load_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_yaml(tmp_path)


def test_a_byte_order_mark_is_no_content(write):
    """A UTF-8 byte order mark is skipped, and columns count characters."""
    document = load_yaml(write(b"\xef\xbb\xbf\xc3\xa4: {b: 1}\n"))

    assert document.data == {"ä": {"b": 1}}
    assert document.position(("ä", "b")) == Position(document.label, 1, 8)


def test_positions(write):
    """Every key, value and text knows where it stands, and a part of a document knows it too."""
    document = load_yaml(write('a:\n  - x\n  - "y"\nb: {c: |\n    \n}\n'.replace("|\n    \n", "d")))
    file = document.label

    assert document.key_position(("a",)) == Position(file, 1, 1)
    assert document.position(("a", 1)) == Position(file, 3, 5)
    assert document.text_position(("a", 1)) == Position(file, 3, 6)
    assert document.position(("a", 7)) == Position(file, 2, 3)
    assert document.key_position(("b", "none")) == Position(file, 4, 4)
    part = document.at(("b",))
    assert part.data == {"c": "d"}
    assert part.position(("c",)) == Position(file, 4, 8)
    assert part.without("c").data == {}
    assert document.position() == Position(file, 1, 1)


def test_the_text_of_a_block(write):
    """The first character of a block text is where its first line with content begins."""
    document = load_yaml(write("a:\n  b: |\n\n      one\n      two\nc: >\n  three\nd: |\n"))

    assert document.text_position(("a", "b")) == Position(document.label, 4, 7)
    assert document.text_position(("c",)) == Position(document.label, 7, 3)
    assert document.text_position(("d",)).line == 9


def test_a_document_without_a_file():
    """Values from elsewhere are named by their label."""
    document = Document.from_data({"a": 1}, "--flags")

    assert document.position(("a",)) == "--flags"
    assert document.text_position(("a",)) is None


# --- validate


def _even(value):
    if value % 2:
        raise FieldError("it must be even", hint="Take the next one.", path=("deep",) if value == 7 else ())
    return value


class Inner(BaseModel):
    """A model inside."""

    model_config = ConfigDict(extra="forbid")
    size: Annotated[int, AfterValidator(_even)] = 0
    kind: Literal["small", "large"] = "small"
    rate: Annotated[Decimal, Field(gt=0, le=9)] = Decimal(1)
    word: Annotated[str, Field(pattern="^[a-z]+$")] = "a"


class Outer(BaseModel):
    """A model outside, with an alias, mappings, lists and unions of models."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    inner: Inner | None = None
    by_name: dict[str, Inner] = {}
    many: list[Annotated[Inner, "note"]] = []
    with_: dict[str, bool] = Field(default={}, alias="with")
    at_least_one: dict[str, int] = Field(default={"a": 1}, min_length=1)


def test_valid(write):
    """A document that fits becomes the model."""
    model = validate(load_yaml(write("name: x\ninner: {size: 2}\nwith: {a: true}\n")), Outer, error=ConfigurationError)

    assert (model.name, model.inner.size, model.with_) == ("x", 2, {"a": True})


def test_all_problems_at_once(write):
    """Every problem is said, in the order of the file, with its place and what to write instead."""
    text = (
        "nam: x\n"
        "inner: {sise: 2, kind: smal, rate: 0}\n"
        "by_name:\n"
        "  one: {size: 3, wrong_entirely: 1}\n"
        "  two: 12\n"
        "many: [{word: UP, klnd: small}]\n"
        "with: {a: maybe}\n"
        "at_least_one: {}\n"
    )
    document = load_yaml(write(text))
    with pytest.raises(ConfigurationError) as raised:
        validate(document, Outer, error=ConfigurationError)

    file = document.label
    assert str(raised.value).splitlines() == [
        f"{file}:1:1: name is missing",
        "  Add `name:`.",
        f"{file}:1:1: unknown field nam",
        "  Did you mean name?",
        f"{file}:2:9: unknown field inner.sise",
        "  Did you mean size?",
        f"{file}:2:24: inner.kind: one of 'small' or 'large' is expected here",
        f"{file}:2:36: inner.rate: it must be more than 0",
        f"{file}:4:15: by_name.one.size: it must be even",
        "  Take the next one.",
        f"{file}:4:18: unknown field by_name.one.wrong_entirely",
        "  Possible here: kind, rate, size, word.",
        f"{file}:5:8: by_name.two: a mapping is expected here",
        "  Write `{name: value}`, or `name: value` lines below it, indented.",
        f"{file}:6:15: many.0.word: it does not have the form ^[a-z]+$",
        f"{file}:6:19: unknown field many.0.klnd",
        "  Did you mean kind?",
        f"{file}:7:11: with.a: true or false is expected here",
        f"{file}:8:15: at_least_one: at least one is needed",
    ]
    assert raised.value.where == Position(file, 1, 1)


def test_a_problem_further_in(write):
    """A validator may name the place of the problem inside what it validates."""
    document = load_yaml(write("name: x\ninner: {size: 7}\n"))
    with pytest.raises(ConfigurationError, match=r"inner\.size\.deep: it must be even"):
        validate(document, Outer, error=ConfigurationError)


def test_values_stay_out_of_messages():
    """No message repeats the value: it may be a secret in the wrong place."""
    document = Document.from_data({"name": {"key": "sk_live_secret"}, "inner": "sk_live_secret"}, "--flags")
    with pytest.raises(ConfigurationError) as raised:
        validate(document, Outer, error=ConfigurationError)

    assert "sk_live" not in raised.value.diagnostics()
    assert str(raised.value).startswith("--flags: name: a text is expected here")


def test_a_message_of_the_library(write):
    """An error without words of ours keeps those of pydantic."""

    class Odd(BaseModel):
        size: Annotated[int, Field(multiple_of=3)]

    with pytest.raises(ConfigurationError, match="size: Input should be a multiple of 3"):
        validate(load_yaml(write("size: 4\n")), Odd, error=ConfigurationError)


def test_an_unknown_field_where_no_model_stands(write):
    """An unknown field in a union of models is compared with the fields of all of them."""

    class Either(BaseModel):
        model_config = ConfigDict(extra="forbid")
        part: dict[str, str] | Inner

    with pytest.raises(ConfigurationError, match=r"unknown field part\.sizes"):
        validate(load_yaml(write("part: {sizes: 3}\n")), Either, error=ConfigurationError)


# --- combine


def test_combine_counts_what_it_leaves_out():
    """The first twenty problems are said and the others counted; the same problem is said once."""
    problems = [Problem(Position("f", line), f"wrong {line}", "Mend it.") for line in range(23, 0, -1)]

    error = combine([*problems, problems[0]], ConfigurationError)

    assert error.where == Position("f", 1)
    assert error.message.count("wrong") == 20
    assert error.diagnostics().endswith("Mend it.\n  And 3 more problems.")
    assert combine(problems[:1], ConfigurationError, total=21).hint == "And 1 more problem."


def test_combine_without_places():
    """Problems without a place or a hint are said all the same."""
    error = combine([Problem(None, "one"), Problem(None, "two"), Problem("--flag", "three")], ContractError)

    assert error.diagnostics() == "one\ntwo\n--flag: three"
    assert isinstance(error, ContractError)
    assert combine([Problem(None, str(number)) for number in range(21)], ContractError).hint == "And 1 more problem."
