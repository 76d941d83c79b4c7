"""The demo's org: what its raw rows show of each claim, against the label it has."""

from collections import defaultdict
from datetime import datetime

import pytest

from tallystick.testing.company.company import scenes, told_in
from tallystick_salesforce.simulator.story import ABLE, SIZE, story, story_plan, vendor_ids
from tallystick_salesforce.simulator.story_deeds import copy_ids
from tallystick_salesforce.simulator.world import World

SEED, SMALL = 1, 300
LAST = int(datetime.fromisoformat("2026-11-20T05:00:00Z").timestamp())
EXECUTIVES = ("ada", "ben", "chris", "dana", "emre", "lena")
"""Account executives who are nobody else."""


@pytest.fixture(scope="module")
def told():
    """The story of the whole company."""
    return story(SEED, SMALL, whole=True)


@pytest.fixture(scope="module")
def plan():
    """All that happens in the whole company."""
    return story_plan(SEED, SMALL, whole=True)


@pytest.fixture(scope="module")
def world(plan):
    """The org at the last stage, an hour before now."""
    return World(plan, LAST)


@pytest.fixture(scope="module")
def ids(plan):
    """Ids by the keys of the plan."""
    return plan.ids()


@pytest.fixture(scope="module")
def cases(told, world):
    """For each claim on an event that is there: its label, the event, its video calls, and the history of its tick."""
    events = {row["Id"]: row for row in world.org.rows["Event"].values() if not row["IsDeleted"]}
    events |= {row["Conference_Id__c"]: row for row in events.values() if not row["IsChild"]}
    calls, ticks = defaultdict(list), defaultdict(list)
    for row in world.org.rows["VideoCall"].values():
        calls[row["EventId"]].append(row)
    for row in world.org.rows["ActivityFieldHistory"].values():
        if row["FieldName"] == "Meeting_Accepted__c" and row["NewValueText"] == "true":
            ticks[row["ActivityId"]].append(row)
    return [
        (told["labels"][f"claim:{claim['claim_id']}"], event, calls[event["Id"]], ticks[event["Id"]])
        for claim in told["claims"]
        if (event := events.get(claim["ref"])) is not None
    ]


def _lengths(calls, vendor):
    """Give the seconds of the calls that the vendor did not write."""
    return [row["DurationInSeconds"] for row in calls if row["CreatedById"] != vendor and row["DurationInSeconds"]]


def test_a_verified_meeting_lasted_and_was_accepted(cases, ids):
    """Of each verified claim the history has a tick by an account executive, and a video call of fifteen minutes."""
    executives = {ids[key] for key in (*EXECUTIVES, "otto")}
    verified = [(calls, ticks) for label, _, calls, ticks in cases if label["status"] == "verified"]

    assert len(verified) > 100
    for calls, ticks in verified:
        assert max(_lengths(calls, ids["uptime"])) >= 900
        assert {row["ChangedById"] for row in ticks} & executives


def test_what_is_rejected_for_its_length_was_short(cases, ids):
    """Of each claim rejected by `held` there are calls, and none is of fifteen minutes; unverifiable ones have none."""
    for label, _, calls, _ in cases:
        if (label["status"], label["clause"]) == ("rejected", "held"):
            assert 0 < max(_lengths(calls, ids["uptime"])) < 900
        if (label["status"], label["clause"]) == ("unverifiable", "held"):
            assert _lengths(calls, ids["uptime"]) == []


def test_who_must_not_accept_accepted(cases, ids, plan):
    """What is rejected for who accepted it was ticked, and by no account executive who is nobody else."""
    executives = {ids[key] for key in EXECUTIVES}
    seen = set()
    for label, _, _, ticks in cases:
        authors = {row["ChangedById"] for row in ticks}
        if label["clause"] in {"accepted_by_executive", "acceptance_independent"}:
            seen.add(label["trap"])
            assert authors
            assert not authors & executives
        if label["clause"] == "acceptance_independent":
            assert authors <= {*vendor_ids(plan)}
    assert {"accepted by an SDR", "accepted by a manager", "accepted by an SDR who became an AE"} <= seen


def test_roles_change_in_the_org(plan, ids):
    """Who becomes an account executive has another role from then on, and who leaves is not active any more."""
    before, after = World(plan, LAST - 60 * 86_400), World(plan, LAST)
    roles = [world.record("otto")["UserRoleId"] for world in (before, after)]

    assert roles == [ids["role:SDR"], ids["role:Account Executive"]]
    assert [world.record("lena")["IsActive"] for world in (before, after)] == [True, False]


def test_a_copy_that_is_claimed_is_one(told, plan, world):
    """The ids of copies, which Salesforce makes itself, are those of the org, and the claim on a copy names one."""
    copies = copy_ids(plan)
    claimed = {
        claim["ref"]
        for claim in told["claims"]
        if told["labels"][f"claim:{claim['claim_id']}"]["clause"] == "not_a_copy"
    }

    assert {key: world.id(f"{key[0]}/{key[1]}/copy") for key in copies} == copies
    assert claimed <= {*copies.values()}
    assert all(world.org.rows["Event"][record]["IsChild"] for record in claimed)
    assert claimed


def test_meetings_of_a_series_share_its_first_one(cases, world):
    """Each meeting of a series names the first one, the first one too."""
    series = [event for label, event, *_ in cases if label["trap"] == "recurring"]
    parents = {event["RecurrenceActivityId"] for event in series}

    assert len(series) == 3 * len(parents) > 0
    assert all(world.org.rows["Event"][parent]["RecurrenceActivityId"] == parent for parent in parents)


def test_what_was_entered_afterwards_says_otherwise(cases):
    """The back-dated event was made, by its stamp and its id, days after the time it gives."""
    dated = [event for label, event, *_ in cases if label["trap"] == "back-dated"]

    assert dated
    for event in dated:
        assert event["CreatedDate"] < event["StartDateTime"] < event["SystemModstamp"]


def test_salesforce_tells_its_part_of_the_company():
    """By default it holds about half of the meetings, each of them claimed under the names of this org."""
    name, full, small = SIZE
    part, whole = story(SEED, small), story(SEED, small, whole=True)

    assert (name, small) == ("meetings", SMALL)
    assert 0.4 < len(part["claims"]) / len(whole["claims"]) < 0.6
    assert {claim["outcome"] for claim in part["claims"]} == {"meeting_in_salesforce"}
    assert len(told_in(scenes(SEED, full), ABLE, 1)) > 1_300
    assert {claim["claim_id"] for claim in part["claims"] if claim["claim_id"].endswith("-2")}
