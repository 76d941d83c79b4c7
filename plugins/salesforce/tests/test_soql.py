"""SOQL: literals, names, conditions and queries."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simple_salesforce.format import format_soql

from tallystick.errors import ConfigurationError
from tallystick_salesforce.soql import Instant, after, is_id, literal, name, one_of, select, window

SECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (15, "15"),
        (-3, "-3"),
        (Decimal("1000.10"), "1000.10"),
        (Decimal("1E+3"), "1000"),
        ('O\'Brien \\ "x"\n', "'O\\'Brien \\\\ \\\"x\\\"\\n'"),
        (Instant(1_785_542_400_123_456), "2026-08-01T00:00:00.123Z"),
        (Instant(-1_000_000), "1969-12-31T23:59:59.000Z"),
        (["b", "a"], "('b','a')"),
        ([1, None], "(1,null)"),
    ],
)
def test_a_value_is_written_as_soql_has_it(value, written):
    """Each kind of value has one form; a decimal has no exponent, an instant is in UTC to the millisecond."""
    assert written == literal(value)


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), [], ()])
def test_what_has_no_form_is_refused(value):
    """A decimal that is no number, and an empty list, cannot be written."""
    with pytest.raises(ValueError, match="cannot be written"):
        literal(value)


@given(st.text())
def test_a_text_cannot_leave_its_quotation_marks(text):
    """Whatever a text holds, its literal ends at the last sign, and reading it back gives the text."""
    inner = literal(text)[1:-1]
    signs, plain = iter(inner), []
    for sign in signs:
        assert sign != "'"
        named = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
        if sign == "\\":
            following = next(signs)
            plain.append(named.get(following, following))
        else:
            plain.append(sign)

    assert text == "".join(plain)


@given(st.one_of(st.text(), st.integers(), st.booleans(), st.lists(st.text(), min_size=1)))
def test_literals_are_those_of_the_sdk(value):
    """simple-salesforce writes the same values in the same way."""
    assert format_soql("{}", value) == literal(value)


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1)))
def test_an_instant_is_the_one_the_sdk_writes(moment):
    """Both name the same second; ours keeps the milliseconds that the SDK drops."""
    moment = moment.replace(tzinfo=UTC)
    ours = literal(Instant((moment - EPOCH) // timedelta(microseconds=1)))
    theirs = format_soql("{}", moment)

    assert datetime.fromisoformat(theirs).replace(microsecond=0) == datetime.fromisoformat(ours).replace(microsecond=0)
    assert datetime.fromisoformat(ours) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@pytest.mark.parametrize("text", ["Id", "Owner.Type", "ns__Field__c", "Account.Region__c", "A.B.C.D.E"])
def test_names_of_fields_are_taken(text):
    """Standard fields, custom ones and those behind lookups are names."""
    assert name(text) == text


@pytest.mark.parametrize("text", ["", "Id FROM User", "Id,Name", "1Id", "Ü__c", "A.", "A.B.C.D.E.F", "Id'", "Id\n"])
def test_what_is_no_name_gets_into_no_query(text):
    """A name with anything else in it is refused."""
    with pytest.raises(ConfigurationError, match="no field"):
        name(text)


def test_a_query_has_its_parts_in_order():
    """Fields, object, conditions that must all hold, order and limit."""
    written = select("Case", ("Id", "Owner.Type"), where=("A = 1", "B = 2"), order=("SystemModstamp", "Id"), limit=5)

    assert written == "SELECT Id,Owner.Type FROM Case WHERE A = 1 AND B = 2 ORDER BY SystemModstamp,Id LIMIT 5"
    assert select("Case", ("Id",)) == "SELECT Id FROM Case"


def test_a_window_is_half_open_and_never_too_narrow():
    """The start counts, the end does not; a part of a millisecond is read along on either side."""
    assert window("SystemModstamp", 1_500, 2_500) == [
        "SystemModstamp >= 1970-01-01T00:00:00.001Z",
        "SystemModstamp < 1970-01-01T00:00:00.003Z",
    ]


def test_what_comes_after_a_row_has_a_later_stamp_or_a_greater_id():
    """Rows of one instant are told apart by id, so none is skipped."""
    assert after("SystemModstamp", SECOND, "500A") == (
        "(SystemModstamp > 1970-01-01T00:00:01.000Z OR (SystemModstamp = 1970-01-01T00:00:01.000Z AND Id > '500A'))"
    )


def test_a_list_of_values_is_written_once_each_and_in_order():
    """The same values give the same query."""
    assert one_of("Id", ["b", "a", "b"]) == "Id IN ('a','b')"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("500000000000001", True), ("500000000000001AAA", True), ("5000", False), ("50000000000000-", False), (5, False)],
)
def test_an_id_has_fifteen_or_eighteen_signs(value, expected):
    """Anything else is no id."""
    assert is_id(value) is expected
