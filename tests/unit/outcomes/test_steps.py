"""Steps of a template's parameters: a quarter down and up, every other choice, never out of bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import ContractError
from tallystick.outcomes.library import DOLLARS_COLLECTED, QUALIFIED_MEETING, TICKET_RESOLVED
from tallystick.outcomes.predicate import PredicateSource
from tallystick.outcomes.steps import Step, shown, steps_of
from tallystick.outcomes.template import Param, Template

CHANNELS = ("email", "voice")


def _steps(kind, value, **more):
    param = Param("p", kind, "", "", **more)
    template = Template("t", "ticket", "", (param,), lambda _: PredicateSource({}, {}))
    return [step.after for step in steps_of(template, {"p": value})]


@pytest.mark.parametrize(
    ("value", "steps"), [(0, [1]), (1, [0, 2]), (3, [2, 4]), (5, [4, 6]), (7, [5, 9]), (15, [11, 19]), (90, [67, 113])]
)
def test_numbers_go_a_quarter_down_and_up(value, steps):
    """A number goes down and up by a quarter, by at least 1, and not below the least."""
    assert _steps("integer", value) == steps


@given(least=st.integers(0, 50), value=st.integers(0, 50), more=st.integers(0, 50))
def test_numbers_stay_within_bounds(least, value, more):
    """No step leaves the bounds of its parameter, and none stays where it was."""
    value, most = least + value, least + value + more
    for after in _steps("integer", value, least=least, most=most):
        assert least <= after <= most
        assert after != value


def test_choices_and_lists():
    """A choice goes to each other one, a boolean to its opposite, and a list gains or loses each choice."""
    assert _steps("boolean", value=True) == [False]
    assert _steps("text", "b", choices=("a", "b", "c")) == ["a", "c"]
    assert _steps("list", ("a",), choices=("a", "b")) == [(), ("a", "b")]
    assert _steps("text", "free") == []
    assert _steps("list", ("free",)) == []


def test_hours_go_together():
    """Hours of all channels go down and up together; a channel without silence keeps none."""
    assert _steps("hours", {"email": 72, "voice": 0}, choices=CHANNELS) == [
        {"email": 54, "voice": 0},
        {"email": 90, "voice": 0},
    ]
    assert _steps("hours", {"email": 0, "voice": 0}, choices=CHANNELS) == []


def test_what_is_no_term_has_no_step():
    """How the account is set up, who the vendor is and who works for the buyer are not moved."""
    assert _steps("integer", 5, account=True) == []
    assert _steps("list", ("a",), choices=("a", "b"), vendors=True) == []
    assert _steps("list", ("a",), choices=("a", "b"), people=("x", "ids")) == []


@pytest.mark.parametrize("template", [DOLLARS_COLLECTED, QUALIFIED_MEETING, TICKET_RESOLVED], ids=lambda one: one.name)
def test_every_step_of_a_template_can_be_read(template):
    """What a step gives is a value its parameter takes, and the template builds with it or says why it does not."""
    people = {"account_executive": {"role_in": ["AE"]}}
    given = {"agency": "x"} if template is DOLLARS_COLLECTED else {}
    values = template.values(given, vendors=["v"], people=people)
    params = {param.name: param for param in template.params}
    taken = refused = 0
    for step in steps_of(template, values):
        assert params[step.param].read(step.after) == step.after
        try:
            template.source(
                {**given, step.param: step.after},
                vendors=["v"],
                people=people,
                custom={"invoice": {"placed_at": "instant", "placed_with": "text"}},
            )
            taken += 1
        except ContractError:
            # Parameters that do not go together: the template says so.
            refused += 1
    assert taken > 5
    assert refused < taken


def test_values_are_shown_as_a_file_writes_them():
    """Booleans, lists and mappings are written as YAML writes them."""
    assert [shown(value) for value in (True, False, 7, "a", ("a", "b"), {"x": 1})] == [
        "true",
        "false",
        "7",
        "a",
        "[a, b]",
        "{x: 1}",
    ]
    assert Step("p", 1, 2).param == "p"
