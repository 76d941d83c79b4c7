"""What is wrong in a mapping file is said at once, each with its place and what to write instead."""

import re
from textwrap import dedent, indent

import pytest

from tallystick.connectors.mapping import Mapper, MappingFile, load_described
from tallystick.errors import ConfigurationError

PAYMENT = """\
type: payment
id: id
as_of: at
columns:
  created_at: at
"""


def problem(tmp_path, entry):
    """Give what loading a file with one mapping says."""
    file = tmp_path / "mapping.yaml"
    lines = indent(dedent(entry), "    ")
    file.write_text("records:\n  -" + lines[3:], encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_described(str(file), MappingFile)
    return caught.value.diagnostics().replace(str(file), "file")


@pytest.mark.parametrize(
    ("line", "said", "hint"),
    [
        ("amont: x", "file:7:14: records.0.columns.amont: payment has no column amont", "Did you mean amount?"),
        ("method: {path: a, pth: b}", "unknown field records.0.columns.method.pth", "Did you mean path?"),
        ("method: {}", "one of path, first, join and constant is expected here", "Write a path alone"),
        ("method: {path: a, constant: b}", "one of path, first, join and constant", ""),
        ("method: {path: a, with: b}", "method.with: with belongs to join", ""),
        ("method: {path: a, otherwise: refuse}", "otherwise belongs to values", ""),
        ("method: {path: a, format: iso}", "format is not for text", "Leave it out."),
        ("method: {constant: 5}", "file:7:26: records.0.columns.method.constant: method is text", "Write a text"),
        ("test_mode: {constant: 0}", "test_mode is a boolean", "Write true or false."),
        ("test_mode: {path: a, values: {x: 1}}", "columns.test_mode.values.x: test_mode is a boolean", ""),
        ("exponent: {path: a, values: {EUR: true}}", "exponent is an integer", "Write a whole number."),
        ("exponent: {path: a, take: lower}", "take is not for an integer", ""),
        ("captured: {join: [a, b]}", "join is not for a boolean", ""),
        ("id: x", "id is no column", "Write `id:` beside `columns:`."),
        ("raw: x", "raw is filled by Tallystick itself", "Leave it out."),
        ("method: ^.a", "there is no object around this one", "`^.` is for mappings with `each`."),
        ("method: $read_at", "$read_at may stand in as_of only", ""),
        ("method: ''", "columns.method: it must not be empty", ""),
        ("amount: a", "currency is missing: amount is an amount of money", "Add `currency: {constant: EUR}`."),
        ("amount: a", "exponent is missing: amount is an amount of money", "Add `exponent: {constant: 2}`."),
        ("amount: {path: a, grouping: '.', decimal: '.'}", "cannot be the same sign", ""),
    ],
)
def test_a_column_that_does_not_fit(tmp_path, line, said, hint):
    """Each says where, what, and what to write instead."""
    found = problem(tmp_path, PAYMENT + f"  {line}\n")
    assert said in found
    assert hint in found


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("{path: at, format: unixx}", "Did you mean unix?"),
        ("{path: at, format: date}", "no timezone is declared"),
        ("{path: at, format: '%d.%m.%Y'}", "no timezone is declared"),
        ("{path: at, format: '%d.%m.%y', timezone: UTC}", "%y leaves the century open"),
        ("{path: at, timezone: Europe/Berln}", "Did you mean Europe/Berlin?"),
        ("{path: at, format: unix, timezone: UTC}", "a Unix time is in UTC always"),
        ("{path: at, minor_units: 2}", "minor_units is not for an instant"),
        ("{constant: 2026-01-01}", "created_at is an instant"),
    ],
)
def test_an_instant_that_would_have_to_be_guessed(tmp_path, field, said):
    """A zone is declared, never assumed."""
    assert said in problem(tmp_path, PAYMENT.replace("created_at: at", f"created_at: {field}"))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "type: payment",
            "type: paymnt",
            "file:2:11: records.0.type: there is no such record type\n  Did you mean payment",
        ),
        ("type: payment", "type: acceptance_deal", "there is no such record type"),
        ("id: id", "id: {constant: x}", "every record needs an id of its own"),
        ("id: id\n", "", "records.0: id is missing"),
        ("as_of: at\n", "", "records.0: as_of is missing"),
        ("created_at: at", "status: x", "created_at is missing: it says when a payment happened"),
        ("as_of: at", "as_of: at\nwhen: {path: a}", "one test is expected here"),
        ("as_of: at", "as_of: at\nwhen: {is: a}", "path is missing"),
        ("as_of: at", "as_of: at\nwhen: {any: [{path: a, is: b}], path: x}", "any stands alone"),
        ("as_of: at", "as_of: at\nwhen: {any: [{path: ^.a, is: b}]}", "there is no object around"),
        ("as_of: at", "as_of: at\nwhen: []", "at least one is needed"),
        ("as_of: at", "as_of: at\neach: ^.a", "there is no object around"),
        ("as_of: at", "as_of: &a at", "an anchor is not possible in this file"),
    ],
)
def test_a_mapping_that_does_not_fit(tmp_path, before, after, said):
    """A record has a known type, an id, an instant, and says when it happened."""
    assert said in problem(tmp_path, PAYMENT.replace(before, after))


def test_all_problems_are_said_at_once(tmp_path):
    """Nobody mends a file error by error."""
    found = problem(tmp_path, PAYMENT + "  amont: x\n  method: {constant: 5}\n  test_mode: {constant: 0}\n")
    assert found.count("file:") == 3


def test_what_was_typed_is_not_repeated(tmp_path):
    """A mapping may hold what is nobody else's business, such as a name in a table of values."""
    found = problem(tmp_path, PAYMENT + "  test_mode: {path: a, values: {x: s3cret}}\n")
    assert "s3cret" not in found


SHARED = """\
values:
  kinds: {c: card, i: invoice}
records:
  - type: payment
    id: id
    as_of: at
    columns:
      created_at: at
      method: {path: kind, values: kinds}
"""


def load(tmp_path, text):
    """Give the first mapping of a file, as a mapper of it."""
    file = tmp_path / "mapping.yaml"
    file.write_text(text, encoding="utf-8")
    document, found = load_described(str(file), MappingFile)
    return Mapper(found.records, document.at(("records",)), nested=True)


def test_a_named_table_is_the_table_written_out(tmp_path):
    """The mapping has the same revision either way, and another one as soon as the table says something else."""
    named = load(tmp_path, SHARED)
    (record,) = named.records({"id": "1", "at": "2026-01-01T00:00:00Z", "kind": "c"}, b"{}", "page 1")
    written = SHARED.partition("records:")[2].replace("values: kinds", "values: {c: card, i: invoice}")

    assert "card" in record.values
    assert named.revision == load(tmp_path, "records:" + written).revision
    assert named.revision != load(tmp_path, SHARED.replace("i: invoice", "i: other")).revision


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "values: kinds",
            "values: kindz",
            "file:9:36: records.0.columns.method.values: there is no table kindz\n  Did you mean kinds?",
        ),
        (
            SHARED.partition("records:")[0],
            "",
            "file:7:36: records.0.columns.method.values: there is no table kinds\n  Write the table out, or under",
        ),
        (
            "records:",
            "  forms: {a: b}\n  ways: {a: b}\nrecords:",
            (
                "file:3:3: values.forms: no column uses this table\n  Use it by `values: forms`, or take it out.\n"
                "file:4:3: values.ways: no column uses this table\n  Use it by `values: ways`, or take it out."
            ),
        ),
        ("c: card", "c: [card]", "file:2:14: values.kinds.c: "),
        ("{c: card, i: invoice}", "card", "file:2:10: values.kinds: a mapping is expected here"),
        ("{c: card, i: invoice}", "{}", "file:2:10: values.kinds: at least one is needed"),
        ("kinds", "Kinds", "file:2:3: values.Kinds: it does not have the form"),
        ("c: card", "c: 5", "file:9:36: records.0.columns.method.values: method is text\n  Write a text"),
        ("values: kinds", "values: [kinds]", "file:9:36: records.0.columns.method.values: a mapping is expected here"),
    ],
)
def test_a_table_that_is_not_there_not_used_or_none(tmp_path, before, after, said):
    """Each is said at the table or where it is named, and what is wrong in a table once, not at each use of it."""
    text = SHARED.replace(before, after) + "      status: {path: kind, values: kinds}\n" * ("card]" in after)

    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)

    found = caught.value.diagnostics().replace(str(tmp_path / "mapping.yaml"), "file")
    assert said in found
    assert set(re.findall(r"file:\d+:\d+", found)) == set(re.findall(r"file:\d+:\d+", said))
