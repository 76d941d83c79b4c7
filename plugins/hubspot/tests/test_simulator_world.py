"""The account behind the simulator: deeds, what follows from them, and a clock that moves both ways."""

import doctest

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick_hubspot.simulator import create_app, deeds, plan
from tallystick_hubspot.simulator.deeds import (
    Archive,
    Assign,
    Associate,
    Create,
    Disassociate,
    Erase,
    LinkThread,
    Merge,
    MoveInbox,
    OpenThread,
    Restore,
    Say,
    Set,
    SetStatus,
    app,
    imported,
    person,
    workflow,
)
from tallystick_hubspot.simulator.definitions import definitions
from tallystick_hubspot.simulator.instants import instant, iso, moment
from tallystick_hubspot.simulator.plan import Owner, Pipeline, Plan, Stage
from tallystick_hubspot.simulator.sample import END, START, sample_plan
from tallystick_hubspot.simulator.world import World

TICKET, DEAL, CONTACT = ("tickets", "1"), ("deals", "2"), ("contacts", "3")
SALES = Pipeline(
    "deals",
    "default",
    "Sales",
    (
        Stage("open", "Open", probability="0.4"),
        Stage("won", "Won", closed=True, probability="1.0"),
        Stage("lost", "Lost", closed=True, probability="0.0"),
    ),
)
SUPPORT = Pipeline("tickets", "0", "Support", (Stage("1", "New"), Stage("4", "Closed", closed=True)))
OWNERS = (Owner("31", 9_001, "a@n.example"), Owner("32", 9_002, "b@n.example"), Owner("35", None, "q@n.example"))


def _world(*done, now=None, lag=0):
    made = Plan(owners=OWNERS, pipelines=(SALES, SUPPORT), deeds=done)
    return World(made, max(deed.at for deed in done) if now is None else now, lag=lag)


def _values(world, ref, *names):
    return [world.items[ref[0]][ref[1]].values.get(name) for name in names]


def _bytes(world):
    """Give all that anybody could see of an account."""
    known = definitions(world.plan)
    rows = [
        (item.row(1, known[kind], known[kind], known[kind]), sorted((k, sorted(v)) for k, v in item.links.items() if v))
        for kind in known
        for item in world.ordered(kind)
    ]
    threads = [(thread.row(associations=True), thread.entries) for thread in world.threads.values()]
    # What the index learnt first shows nowhere: a search sorts what it finds.
    return msgspec.json.encode([rows, threads, {kind: sorted(world.index.rows(kind).items()) for kind in known}])


@pytest.mark.parametrize("module", [deeds, plan])
def test_the_examples_of_the_plan_run(module):
    """What the docstrings show can be typed as it stands."""
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 0


def test_a_new_object_says_where_it_came_from():
    """Source, app, person and instants stand on the object, and history has the first value of each."""
    world = _world(Create(START, TICKET, {"subject": "Hi"}, app("77", "Vendor", user=9_002)))
    source = ("hs_object_source", "hs_object_source_id", "hs_object_source_detail_1", "hs_created_by_user_id")
    assert _values(world, TICKET, *source) == ["INTEGRATION", "77", "Vendor", "9002"]
    assert _values(world, TICKET, "hs_object_id", "createdate", "hs_lastmodifieddate") == ["1", iso(START), iso(START)]
    assert _values(world, TICKET, "hs_pipeline", "hs_pipeline_stage", "hs_is_closed") == ["0", "1", "false"]


def test_an_import_may_be_dated_back():
    """Creation and first values have the older instant, the stamp the one at which they were brought."""
    world = _world(Create(START, CONTACT, {"email": "a@b.example"}, imported(9_001), dated=START - 86_400_000))
    item = world.items["contacts"]["3"]
    assert (item.created_at, item.updated_at) == (START - 86_400_000, START)
    assert item.history["email"][0].at == START - 86_400_000
    assert _values(world, CONTACT, "lastmodifieddate", "hs_lastmodifieddate") == [iso(START), None]


def test_a_ticket_is_closed_by_its_stage():
    """Closing gives a date and a duration, reopening takes both, and closing again gives later ones."""
    steps = [Set(START + at, TICKET, {"hs_pipeline_stage": stage}) for at, stage in ((60, "4"), (90, "1"), (100, "4"))]
    world = _world(Create(START, TICKET), *steps, now=START + 60)
    names = ("hs_is_closed", "closed_date", "time_to_close")
    assert _values(world, TICKET, *names) == ["true", iso(START + 60), "60"]
    world.move(START + 90)
    assert _values(world, TICKET, *names) == ["false", None, None]
    world.move(START + 100)
    assert _values(world, TICKET, *names) == ["true", iso(START + 100), "100"]
    stages = [entry.value for entry in world.items["tickets"]["1"].history["hs_pipeline_stage"]]
    assert stages == ["4", "1", "4", "1"]


def test_a_stage_of_no_pipeline_computes_nothing():
    """A stage that no pipeline of the account has leaves what was computed before; closing twice keeps the first."""
    stages = ((1, "4"), (2, "nowhere"), (3, "4"))
    world = _world(Create(START, TICKET), *(Set(START + at, TICKET, {"hs_pipeline_stage": to}) for at, to in stages))
    assert _values(world, TICKET, "hs_is_closed", "closed_date") == ["true", iso(START + 1)]
    assert _values(world, TICKET, "hs_v2_date_entered_4") == [iso(START + 3)]


def test_a_deal_is_won_by_its_stage():
    """Winning gives probability, amounts and dates; the currency decides whether the home amount is known."""
    world = _world(
        Create(START, DEAL, {"amount": "10.5"}),
        Create(START, ("deals", "9"), {"amount": "10.5", "deal_currency_code": "USD", "closedate": "2027-01-01"}),
        *(Set(START + 5, ("deals", key), {"dealstage": "won"}) for key in ("2", "9")),
    )
    names = ("hs_is_closed_won", "hs_deal_stage_probability", "hs_closed_amount", "hs_closed_amount_in_home_currency")
    assert _values(world, DEAL, *names) == ["true", "1.0", "10.5", "10.5"]
    assert _values(world, ("deals", "9"), *names) == ["true", "1.0", "10.5", None]
    assert _values(world, DEAL, "closedate", "hs_v2_date_entered_won") == [iso(START + 5)] * 2
    assert _values(world, ("deals", "9"), "closedate") == ["2027-01-01"]


def test_a_lost_deal_has_no_closed_amount():
    """Losing closes a deal without winning it."""
    world = _world(Create(START, DEAL, {"amount": "7"}), Set(START, DEAL, {"dealstage": "lost"}, workflow("1")))
    names = ("hs_is_closed", "hs_is_closed_won", "hs_closed_amount", "hs_closed_won_date")
    assert _values(world, DEAL, *names) == ["true", "false", "0", None]


def test_owners_are_remembered_with_their_users():
    """All owners an object had are listed by owner id, and by user id where they have one."""
    changes = [Set(START + at, TICKET, {"hubspot_owner_id": owner}) for at, owner in ((1, "32"), (2, "35"), (3, None))]
    world = _world(Create(START, TICKET, {"hubspot_owner_id": "31"}), *changes)
    names = ("hs_all_owner_ids", "hs_user_ids_of_all_owners", "hubspot_owner_id", "hubspot_owner_assigneddate")
    assert _values(world, TICKET, *names) == ["31;32;35", "9001;9002", None, None]


def test_what_a_plan_says_wins_over_what_is_computed():
    """A computed property that the plan sets as well has the value of the plan."""
    world = _world(Create(START, TICKET), Set(START + 5, TICKET, {"hs_pipeline_stage": "4", "hs_is_closed": "false"}))
    assert _values(world, TICKET, "hs_is_closed", "closed_date") == ["false", iso(START + 5)]


def test_a_stamp_moves_as_the_plan_says():
    """It moves with a change, to another instant where one is given, and not at all where that is said."""
    world = _world(
        Create(START, DEAL),
        Set(START + 1, DEAL, {"amount": "1"}),
        Set(START + 2, DEAL, {"amount": "2"}, moves_stamp=False),
        Set(START + 3, DEAL, {"amount": "3"}, stamp=START - 5),
        Set(START + 4, DEAL, {"amount": "3"}),
        now=START + 1,
    )
    stamps = []
    for now in range(START + 1, START + 5):
        world.move(now)
        stamps.append(world.items["deals"]["2"].updated_at - START)
    assert stamps == [1, 1, -5, 4]
    assert [entry.value for entry in world.items["deals"]["2"].history["amount"]] == ["3", "2", "1"]


def test_a_mass_update_gives_one_stamp_to_many():
    """Deeds of one instant leave one stamp on all their objects."""
    many = [("deals", str(number)) for number in range(1, 6)]
    world = _world(*(Create(START + n, ref) for n, ref in enumerate(many)), *(Set(START + 99, ref, {}) for ref in many))
    assert {item.updated_at for item in world.ordered("deals")} == {START + 99}


def test_a_thread_may_come_before_its_ticket():
    """A conversation that is linked when its ticket is made is the originating one; a later link is not."""
    early = OpenThread(START, "7"), Create(START + 500, TICKET), LinkThread(START + 500, "7", "1")
    late = Create(START, TICKET), OpenThread(START, "7"), LinkThread(START + 61_000, "7", "1")
    name = "hs_conversations_originating_thread_id"
    assert [_values(_world(*done), TICKET, name) for done in (early, late)] == [["7"], [None]]


@pytest.mark.parametrize(
    "deed",
    [
        Create(START + 1, TICKET),
        Create(START + 1, ("spaceships", "1")),
        Create(START + 1, ("tickets", "x")),
        Set(START + 1, ("tickets", "9"), {}),
        Set(START + 1, TICKET, {"hs_resolutoin": "x"}),
        Create(START + 1, ("tickets", "9"), {"dealname": "x"}),
        Archive(START + 1, ("tickets", "9")),
        Restore(START + 1, ("leads", "9")),
        Erase(START + 1, ("tickets", "9")),
        Merge(START + 1, TICKET, TICKET),
        Merge(START + 1, TICKET, CONTACT),
        Associate(START + 1, TICKET, ("tickets", "8")),
        Disassociate(START + 1, TICKET, ("tickets", "9")),
        OpenThread(START + 1, "7"),
        OpenThread(START + 1, "8", ticket="9"),
        LinkThread(START + 1, "9", "1"),
        Say(START + 1, "9", "V-1", "Hi"),
        Assign(START + 1, "9", None),
        SetStatus(START + 1, "9", "CLOSED"),
        MoveInbox(START + 1, "9", "1"),
    ],
)
def test_an_impossible_plan_is_refused(deed):
    """What cannot happen stops the plan at its instant and not before, and says which deed it was."""
    good = (Create(START, TICKET), Create(START, ("tickets", "8")), Create(START, CONTACT), OpenThread(START, "7"))
    world = _world(*good, deed, now=START)
    with pytest.raises(ValueError, match=type(deed).__name__):
        world.move(START + 1)


def test_something_that_is_no_deed_is_refused():
    """Only deeds can be in a plan."""

    class Odd:
        at = START

    with pytest.raises(ValueError, match="is no deed"):
        World(Plan(deeds=(Odd(),)), START)


@settings(max_examples=15, deadline=None)
@given(stops=st.lists(st.integers(0, 24 * 86_400), min_size=1, max_size=4), lag=st.sampled_from([0, 90_000]))
def test_the_way_of_the_clock_does_not_matter(stops, lag):
    """Wherever the clock went before, forward or back, the account at an instant is the same to the byte."""
    world = World(sample_plan(), START, lag=lag)
    for stop in stops:
        world.move(START + stop * 1_000)
    assert _bytes(world) == _bytes(World(sample_plan(), START + stops[-1] * 1_000, lag=lag))


def test_the_sample_is_small_and_seeded():
    """About two hundred objects of all kinds; the same seed gives the same account, another gives another."""
    first, again, other = (World(sample_plan(seed), END) for seed in (1, 1, 2))
    assert {kind: len(items) for kind, items in first.items.items()} == {
        "contacts": 49,
        "companies": 20,
        "deals": 15,
        "tickets": 59,
        "meetings": 40,
        "calls": 20,
    }
    assert _bytes(first) == _bytes(again) != _bytes(other)


@given(at=st.integers(0, 4_000_000_000_000))
def test_instants_go_out_and_come_back(at):
    """Milliseconds written as ISO 8601 and read again are the same, and so are they as digits."""
    assert instant(iso(at)) == at
    assert moment(iso(at)) == moment(str(at)) == at
    assert ("." in iso(at)) == bool(at % 1_000)


def test_a_text_that_is_no_instant_is_refused():
    """An instant needs an offset; a date alone counts from midnight UTC where a filter takes it."""
    with pytest.raises(ValueError, match="no offset"):
        instant("2026-09-01T08:00:00")
    assert moment("2026-09-01") == instant("2026-09-01T00:00:00Z")
    assert moment("yesterday") is None


def test_an_account_starts_an_hour_after_its_plan():
    """Without an instant all of the plan has happened, an hour ago."""
    made = create_app(plan=Plan(deeds=(Create(START + 1, TICKET, {}, person(1)),)))
    assert made.now == START // 1_000 + 3_600
    made.move(made.now - 3_601)
    assert made.world.items["tickets"] == {}
    assert made.world.happened() == []
