"""Which records are one unit, which exclude each other, and who holds a unit."""

import pytest
from tests.united import APART, CONVERSATION, NOW, PER_DAY

from tallystick.outcomes.predicate import Unit
from tallystick.period import parse_instant, zone
from tallystick.verification.units import Holder, Units

BERLIN = zone("Europe/Berlin")


def _row(record_id, at=None, **facts):
    """Give a decided row with the facts a unit may rest on."""
    known = {"carries_on": None, "went_into": None, "asked_by": None}
    return {"id": record_id, "occurred_at": at, **{f"fact_{name}": value for name, value in (known | facts).items()}}


def test_each_record_is_its_own_unit_without_a_rule():
    """Without a rule no link joins anything."""
    units = Units(None, [_row("2", carries_on="1")], BERLIN)

    assert units.of("2") != units.of("1")


@pytest.mark.parametrize("link", ["carries_on", "went_into"])
def test_any_link_joins(link):
    """A follow-up and the ticket it carries on are one unit, and so are a merged ticket and the one it went into."""
    units = Units(CONVERSATION, [_row("2", **{link: "1"}), _row("3")], BERLIN)

    assert units.of("2") == units.of("1")
    assert units.of("3") != units.of("1")


def test_only_the_links_of_the_rule_join():
    """A link that the rule does not name joins nothing."""
    units = Units(Unit(("went_into",)), [_row("2", carries_on="1"), _row("3", went_into="1")], BERLIN)

    assert units.of("2") != units.of("1")
    assert units.of("3") == units.of("1")


def test_two_follow_ups_of_one_ticket_that_is_not_there_are_one_unit():
    """The record that links lead to need not be decided to join those that lead to it."""
    units = Units(CONVERSATION, [_row("2", carries_on="1"), _row("3", carries_on="1")], BERLIN)

    assert units.of("2") == units.of("3")


@pytest.mark.parametrize("backwards", [False, True])
def test_a_chain_of_any_length_is_one_unit(backwards):
    """Ten thousand follow-ups of each other are one unit, in whatever order they come."""
    rows = [_row(str(number), carries_on=str(number - 1)) for number in range(1, 10_000)]
    units = Units(CONVERSATION, rows[::-1] if backwards else rows, BERLIN)

    assert {units.of(str(number)) for number in range(10_000)} == {units.of("0")}


def test_links_in_a_circle_end():
    """Records that lead to each other in a circle, or to themselves, are one unit."""
    rows = [_row("1", carries_on="3"), _row("2", carries_on="1"), _row("3", carries_on="2"), _row("4", went_into="4")]
    units = Units(CONVERSATION, rows, BERLIN)

    assert units.of("1") == units.of("2") == units.of("3")
    assert units.of("4") != units.of("1")


def test_an_id_is_no_key():
    """A record and a requester of the same name have nothing in common."""
    rows = [_row("9", NOW), _row("1", NOW, asked_by="9")]

    assert Units(PER_DAY, rows, BERLIN).of("9") != Units(PER_DAY, rows, BERLIN).of("1")


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("2026-06-10T22:00:00Z", "2026-06-11T21:59:59.999999Z", True),
        ("2026-06-10T21:59:59.999999Z", "2026-06-10T22:00:00Z", False),
        # The day the clocks go forward has 23 hours, the one they go back has 25.
        ("2026-03-28T23:00:00Z", "2026-03-29T21:59:59.999999Z", True),
        ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", False),
        ("2026-10-24T22:00:00Z", "2026-10-25T22:59:59.999999Z", True),
        ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", False),
    ],
)
def test_a_day_is_that_of_the_contract(first, second, together):
    """Records of one requester are one unit on one calendar day of the contract's zone, also when clocks change."""
    rows = [_row("1", parse_instant(first), asked_by="c"), _row("2", parse_instant(second), asked_by="c")]
    units = Units(PER_DAY, rows, BERLIN)

    assert (units.of("1") == units.of("2")) is together


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"at": NOW, "asked_by": "c"}, {"at": NOW, "asked_by": "d"}),
        ({"at": NOW, "asked_by": None}, {"at": NOW, "asked_by": None}),
        ({"at": None, "asked_by": "c"}, {"at": None, "asked_by": "c"}),
    ],
)
def test_unknown_is_never_equal(one, other):
    """Different requesters, unknown ones, and records of no known day are not joined."""
    units = Units(PER_DAY, [_row("1", **one), _row("2", **other)], BERLIN)

    assert units.of("1") != units.of("2")


def test_the_first_holder_stays():
    """A unit that a claim holds is not given to another one, through whichever of its records it comes."""
    units = Units(CONVERSATION, [_row("2", carries_on="1")], BERLIN)
    units.hold("2", Holder("A", "2", "verified"))
    units.hold("1", Holder("B", "1", "verified"))

    assert units.holder("1") == units.holder("2") == Holder("A", "2", "verified")
    assert units.holder("3") is None


@pytest.mark.parametrize(
    ("holder", "text"), [(Holder("A", "1", "pending"), "A"), (Holder("A", "1", "pending", "x"), "A under contract x")]
)
def test_a_holder_names_the_contract_if_it_is_another_one(holder, text):
    """The claim is named, and its contract where it is not the one that is being decided."""
    assert str(holder) == text


@pytest.mark.parametrize(
    ("first", "second", "excluded"),
    [
        ("2026-06-10T10:00:00Z", "2026-06-12T09:59:59.999999Z", True),
        ("2026-06-10T10:00:00Z", "2026-06-12T10:00:00Z", False),
        ("2026-06-12T10:00:00Z", "2026-06-10T10:00:00Z", False),
        ("2026-06-10T10:00:00Z", "2026-06-10T10:00:00Z", True),
        # Two calendar days have 49 hours where the clocks go back between them, and 47 where they go forward.
        ("2026-10-24T10:00:00Z", "2026-10-26T10:59:59Z", True),
        ("2026-10-24T10:00:00Z", "2026-10-26T11:00:00Z", False),
        ("2026-03-28T10:00:00Z", "2026-03-30T09:00:00Z", False),
    ],
)
def test_days_have_to_lie_between(first, second, excluded):
    """Two records of one key exclude each other if less than so many calendar days lie between them, in any order."""
    rows = [_row("1", parse_instant(first), asked_by="c"), _row("2", parse_instant(second), asked_by="c")]
    units = Units(APART, rows, BERLIN)
    units.hold("1", Holder("A", "1", "verified"))

    assert units.exclude("1", "2") is units.exclude("2", "1") is excluded
    assert units.holder("2") == (Holder("A", "1", "verified") if excluded else None)


@pytest.mark.parametrize("other", [{"at": NOW, "asked_by": "d"}, {"at": NOW}, {"at": None, "asked_by": "c"}])
def test_unknown_excludes_nothing(other):
    """Records of different or unknown keys, and of no known instant, do not exclude each other."""
    units = Units(APART, [_row("1", NOW, asked_by="c"), _row("2", **other)], BERLIN)
    units.hold("1", Holder("A", "1", "verified"))

    assert units.holder("2") is units.holder("3") is None
    assert not units.exclude("1", "2")
