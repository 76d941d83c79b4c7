"""SOQL as the simulator reads it: what is selected, what is filtered, how it is ordered, and what is refused where."""

import operator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick_salesforce.simulator import Custom, Plan
from tallystick_salesforce.simulator.errors import WireError
from tallystick_salesforce.simulator.rendering import renderer
from tallystick_salesforce.simulator.schema import Schema
from tallystick_salesforce.simulator.soql import bind
from tallystick_salesforce.simulator.values import rest_time
from tallystick_salesforce.simulator.world import World

AT = 1_772_442_000
"""2026-03-02T09:00:00Z."""


@pytest.fixture(scope="module")
def world():
    """Six cases with values that tell conditions apart, an account with deals, and a queue."""
    plan = Plan(custom={"Case": (Custom("Score__c", "double"),)})
    plan.user("ada", AT - 60, "Ada", "Berg", role="Agents")
    plan.create(AT - 60, "Group", "queue", by="ada", Name="Queue", Type="Queue")
    plan.create(AT - 60, "Account", "acme", by="ada", Name="Acme")
    subjects = ("Blue", "green", "GREEN", None, "It's 50% off", "under_score")
    for place, subject in enumerate(subjects):
        plan.create(AT + 60 * (place // 2), "Case", f"case{place}", by="ada", Subject=subject, IsEscalated=place == 1,
                    OwnerId="queue" if place == 0 else "ada", Score__c=place / 2 if place else None,
                    AccountId="acme" if place < 2 else None)  # fmt: skip
    for place, (amount, day) in enumerate(((100, "2026-03-01"), (250.5, "2026-04-01"), (None, "2026-05-01"))):
        plan.create(AT, "Opportunity", f"deal{place}", by="ada", Name=f"Deal {place}", AccountId="acme", Amount=amount,
                    StageName="Prospecting", CloseDate=day)  # fmt: skip
    return World(plan, AT + 3_600)


@pytest.fixture
def ask(world):
    """Give the keys of the cases or deals that a condition, an order or a limit leaves."""
    names = {record: key for key, record in world.org.keys.items()}

    def run(rest, source="Case"):
        bound = bind(f"SELECT Id FROM {source} {rest}", world.org, Schema(world.org), 68)
        return [names[row["Id"]].removeprefix("case") for row in bound.rows(every=False, unshared=set())]

    return run


@pytest.fixture
def refused(world):
    """Give the error of a statement that is refused."""

    def run(text):
        with pytest.raises(WireError) as caught:
            bind(text, world.org, Schema(world.org), 68)
        return caught.value

    return run


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("Subject = 'GREEN'", "12"),
        ("Subject != 'green'", "0345"),
        ("Subject <> 'green'", "0345"),
        ("Subject = null", "3"),
        ("Subject != null", "01245"),
        ("Subject LIKE 'gr%'", "12"),
        ("Subject LIKE 'under_score'", "5"),
        ("Subject LIKE '%50%'", "4"),
        ("Subject LIKE '_lue'", "0"),
        (r"Subject = 'It\'s 50% off'", "4"),
        ("Subject IN ('blue', 'green')", "012"),
        ("Subject NOT IN ('blue', 'green')", "345"),
        ("IsEscalated = true", "1"),
        ("IsEscalated != TRUE", "02345"),
        ("Score__c >= 1.5", "345"),
        ("Score__c < 1", "1"),
        ("Score__c = 2.5", "5"),
        ("NOT Score__c > 1", "012"),
        ("(Subject = 'Blue' OR IsEscalated = true) AND Score__c = null", "0"),
        ("Subject = 'Blue' OR (IsEscalated = true AND Score__c = 0.5)", "01"),
        ("NOT (Subject = 'Blue' OR Subject = 'green')", "345"),
        ("CreatedDate > 2026-03-02T09:00:59Z", "2345"),
        ("CreatedDate >= 2026-03-02T10:01:00+01:00", "2345"),
        ("CreatedDate <= 2026-03-02T09:01:00.999Z AND CreatedDate > 2026-03-02T09:00:00.5Z", "23"),
        ("Owner.Type = 'Queue'", "0"),
        ("Owner.Type = 'User'", "12345"),
        ("Owner.UserRole.Name = 'agents'", "12345"),
        ("Account.Name = 'Acme'", "01"),
        ("Account.Name != 'Acme'", "2345"),
        ("CreatedBy.Username LIKE 'ada.%'", "012345"),
    ],
)
def test_conditions_mean_what_they_mean_there(ask, condition, found):
    """Case does not matter for text, null is not less, and parents are followed."""
    assert "".join(ask(f"WHERE {condition} ORDER BY Id")) == found


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("CloseDate > 2026-03-01", ["deal1", "deal2"]),
        ("CloseDate = 2026-03-01", ["deal0"]),
        ("Amount > 100", ["deal1"]),
        ("Amount = 250.50", ["deal1"]),
        ("Amount = null", ["deal2"]),
    ],
)
def test_dates_and_amounts(ask, condition, found):
    """Dates are compared as days, amounts exactly."""
    assert ask(f"WHERE {condition} ORDER BY Id", "Opportunity") == found


def test_ids_are_the_same_in_both_lengths(ask, world):
    """An id of 15 characters finds what one of 18 finds."""
    record = world.id("case3")
    assert ask(f"WHERE Id = '{record[:15]}'") == ask(f"WHERE Id IN ('{record}')") == ["3"]
    assert ask(f"WHERE Id > '{record}' ORDER BY Id") == ["4", "5"]


def test_order_has_several_keys_and_places_for_null(ask):
    """Nulls come first unless asked otherwise, and equals are ordered by the next key."""
    assert "".join(ask("ORDER BY Subject, Id DESC")) == "302145"
    assert "".join(ask("ORDER BY Subject NULLS LAST, Id ASC")) == "012453"
    assert "".join(ask("ORDER BY SystemModstamp DESC, Id")) == "452301"


def test_an_object_may_be_called_something_shorter(world):
    """An alias, and the name of the object itself, may stand before a field."""
    text = "SELECT c.Id, Case.Subject, c.Owner.Name FROM Case c WHERE c.IsEscalated = true"
    bound = bind(text, world.org, Schema(world.org), 68)
    (row,) = bound.rows(every=False, unshared=set())
    assert [bound.value(row, column) for column in bound.columns] == [world.id("case1"), "green", "Ada Berg"]


def test_limit_and_offset_cut(ask):
    """LIMIT and OFFSET cut what was ordered."""
    assert "".join(ask("ORDER BY Id LIMIT 2")) == "01"
    assert "".join(ask("ORDER BY Id LIMIT 2 OFFSET 3")) == "34"


@settings(deadline=None)
@given(
    sign=st.sampled_from(["<", "<=", ">", ">=", "=", "!="]),
    shift=st.integers(-130, 250),
    down=st.booleans(),
)
def test_every_comparison_of_stamps_is_that_of_the_numbers(world, sign, shift, down):
    """Whatever the instant and the sign, exactly the rows whose stamps compare so are found, in order."""
    compare = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq}
    compare["!="] = operator.ne
    text = f"SELECT Id FROM Case WHERE SystemModstamp {sign} {rest_time(AT + shift)[:-5]}Z"
    order = " ORDER BY SystemModstamp DESC, Id" if down else " ORDER BY SystemModstamp, Id"
    found = bind(text + order, world.org, Schema(world.org), 68).rows(every=False, unshared=set())
    cases = world.org.rows["Case"].values()
    sort = sorted(
        (row for row in cases if compare[sign](row["SystemModstamp"], AT + shift)),
        key=lambda row: (-row["SystemModstamp"] if down else row["SystemModstamp"], row["Id"]),
    )
    assert [row["Id"] for row in found] == [row["Id"] for row in sort]


@settings(deadline=None)
@given(st.text(max_size=30))
def test_no_text_makes_it_fall_over(world, text):
    """Whatever is sent instead of a statement is answered or refused, never an accident."""
    for statement in (text, f"SELECT Id FROM Case WHERE {text}", f"SELECT {text} FROM Case"):
        with suppress(WireError):
            bind(statement, world.org, Schema(world.org), 68)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_a_quoted_text_means_itself(text):
    """A text with its quotes and backslashes escaped finds the record that has exactly it."""
    plan = Plan()
    plan.create(AT, "Case", "one", by="reader", Subject=text)
    world = World(plan, AT)
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    bound = bind(f"SELECT Id FROM Case WHERE Subject = '{quoted}'", world.org, Schema(world.org), 68)
    assert len(bound.rows(every=False, unshared=set())) == 1


def test_a_row_is_rendered_with_its_parents(world):
    """Fields come in the order they were asked for; a parent is an object, a missing one null."""
    text = "SELECT Subject, Owner.Type, Owner.Name, Account.Owner.Username, Score__c, Id FROM Case ORDER BY Id LIMIT 3"
    bound = bind(text, world.org, Schema(world.org), 67)
    render = renderer(bound, "/services/data/v67.0")
    first, _, third = (render(row) for row in bound.rows(every=False, unshared=set()))
    assert list(first) == ["attributes", "Subject", "Owner", "Account", "Score__c", "Id"]
    queue = f"/services/data/v67.0/sobjects/Group/{world.id('queue')}"
    assert first["Owner"] == {"attributes": {"type": "Name", "url": queue}, "Type": "Queue", "Name": "Queue"}
    assert first["Account"]["Owner"]["Username"] == "ada.berg@nordwind.example"
    assert (third["Account"], third["Score__c"]) == (None, 1.0)
    assert first["attributes"]["type"] == "Case"


@pytest.mark.parametrize(
    ("text", "code", "words", "column"),
    [
        ("SELECT Idd FROM Case", "INVALID_FIELD", "No such column 'Idd' on entity 'Case'", 8),
        ("SELECT Owner.Idd FROM Case", "INVALID_FIELD", "No such column 'Idd' on entity 'Name'", 8),
        ("SELECT Type.Name FROM Case", "INVALID_FIELD", "Didn't understand relationship 'Type'", 8),
        ("SELECT Owner.Type FROM Opportunity", "INVALID_FIELD", "No such column 'Type' on entity 'User'", 8),
        ("SELECT Id FROM Cass", "INVALID_TYPE", "sObject type 'Cass' is not supported", 16),
        ("SELECT Id FROM Name", "INVALID_TYPE", "sObject type 'Name' is not supported", 16),
        ("SELECT Id, Id FROM Case", "INVALID_FIELD", "duplicate field selected: Id", 12),
        ("SELECT Id FROM Case WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered", 27),
        ("SELECT Id FROM Case ORDER BY Description", "INVALID_FIELD", "can not be sorted", 30),
        ("SELECT Id FROM Case WHERE CreatedDate > 2026-01-01", "INVALID_FIELD", "must be of type datetime", 41),
        ("SELECT Id FROM Case WHERE Subject = 1", "INVALID_FIELD", "should be enclosed in quotes", 37),
        ("SELECT Id FROM Case WHERE IsClosed > true", "INVALID_FIELD", "invalid operator", 27),
        ("SELECT Id FROM Case WHERE Id LIKE '500%'", "INVALID_FIELD", "invalid operator", 27),
        ("SELECT Id FROM Case WHERE Id = '500'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: 500", 32),
        ("SELECT Id FROM Case WHERE CreatedDate > 2026-13-01T00:00:00Z", "MALFORMED_QUERY", "not a datetime", 41),
        ("SELECT Id FROM Case WHERE IsClosed = true AND Id = null OR Id = null", "MALFORMED_QUERY", "'OR'", 57),
        ("SELECT Id FROM Case WHERE", "MALFORMED_QUERY", "'<EOF>'", 26),
        ("SELECT Id FROM Case LIMIT x", "MALFORMED_QUERY", "'x'", 27),
        ("SELECT Id FROM Case OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000", 1),
        ("SELECT Id FROM Case WHERE NOT", "MALFORMED_QUERY", "'<EOF>'", 30),
        ("SELECT FROM Case", "MALFORMED_QUERY", "'FROM'", 8),
        ("SELECT Id FROM Case WHERE Subject = 'open", "MALFORMED_QUERY", "'''", 37),
        ("DELETE FROM Case", "MALFORMED_QUERY", "'DELETE'", 1),
    ],
)
def test_what_is_wrong_is_told_with_its_place(refused, text, code, words, column):
    """The code, the words and the column are those of what is wrong."""
    error = refused(text)
    assert error.code == code
    assert words in error.message
    assert f"ERROR at Row:1:Column:{column}\n" in error.message


def test_the_place_is_pointed_at_in_the_right_line(refused):
    """In a statement of several lines the row counts, and the pointer stands under the word."""
    message = refused("SELECT Id\nFROM Case\nWHERE Wrong = 1").message
    lines = message.split("\n")
    assert "ERROR at Row:3:Column:7" in lines
    pointer = next(line for line in lines if line.strip() == "^")
    assert lines[lines.index(pointer) - 1][pointer.index("^") :].startswith("Wrong")
