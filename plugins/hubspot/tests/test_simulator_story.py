"""The demo's account: what its raw objects show of each claim, against the label it has."""

from datetime import datetime

import pytest

from tallystick.testing.company.company import scenes, told_in
from tallystick_hubspot.simulator.story import ABLE, SIZE, story, story_plan
from tallystick_hubspot.simulator.story_people import VENDOR, owner_id, user_id
from tallystick_hubspot.simulator.world import World

SEED, SMALL = 1, 300
CONNECTED = "f240bbac-87c9-4f6e-bf70-924b57d47db7"
LAST = int(datetime.fromisoformat("2026-11-20T05:00:00Z").timestamp()) * 1_000
EXECUTIVES = {user_id(key) for key in ("ada", "ben", "chris", "dana", "emre", "lena")}
"""Account executives who are nobody else."""


@pytest.fixture(scope="module")
def told():
    """The story of the whole company."""
    return story(SEED, SMALL, whole=True)


@pytest.fixture(scope="module")
def world():
    """The account at the last stage, an hour before now."""
    return World(story_plan(SEED, SMALL, whole=True), LAST)


@pytest.fixture(scope="module")
def cases(told, world):
    """For each claim on a meeting that is there: its label, the meeting, and the calls connected with it."""
    meetings = {item.id: item for item in world.ordered("meetings")}
    meetings |= {item.values["conference_id"]: item for item in meetings.values()}
    found = []
    for claim in told["claims"]:
        meeting = meetings.get(claim["ref"])
        if meeting is not None and meeting.archived_at is None:
            calls = [world.items["calls"][key] for key in meeting.links.get("calls", {})]
            found.append((told["labels"][f"claim:{claim['claim_id']}"], meeting, calls))
    return found


def _lengths(calls):
    """Give the seconds of the calls that connected somebody, and that the vendor did not write."""
    spoken = [call for call in calls if call.values.get("hs_call_disposition") == CONNECTED]
    own = [call for call in spoken if f"app:{call.values.get('hs_object_source_id')}" not in VENDOR]
    return [int(call.values["hs_call_duration"]) // 1_000 for call in own if call.values.get("hs_call_duration")]


def _ticks(meeting):
    """Give who ticked a meeting as accepted, and when, as its history tells."""
    return [(entry.at, entry.author) for entry in meeting.history.get("accepted_by_ae", []) if entry.value == "true"]


def test_a_verified_meeting_lasted_and_was_accepted(cases):
    """Of each verified claim the history has a tick by hand of an account executive, and a call of fifteen minutes."""
    verified = [(meeting, calls) for label, meeting, calls in cases if label["status"] == "verified"]

    assert len(verified) > 100
    for meeting, calls in verified:
        assert max(_lengths(calls)) >= 900
        assert any(who.source == "CRM_UI" and who.user in EXECUTIVES for _, who in _ticks(meeting))


def test_what_is_rejected_for_its_length_was_short(cases):
    """Of each claim rejected by `held` there are calls, and none is of fifteen minutes; unverifiable ones have none."""
    for label, _, calls in cases:
        if (label["status"], label["clause"]) == ("rejected", "held"):
            assert 0 < max(_lengths(calls)) < 900
        if (label["status"], label["clause"]) == ("unverifiable", "held"):
            assert _lengths(calls) == []


def test_who_must_not_accept_accepted(cases):
    """What is rejected for who accepted it was ticked, and by no account executive who is nobody else."""
    traps = {label["trap"] for label, *_ in cases}
    for label, meeting, _ in cases:
        authors = [who for _, who in _ticks(meeting)]
        if label["clause"] == "accepted_by_executive":
            assert authors
            assert not {who.user for who in authors} & EXECUTIVES
        if label["clause"] == "acceptance_independent":
            assert {f"app:{who.source_id}" for who in authors if who.source == "INTEGRATION"} & {*VENDOR} or (
                {str(who.user) for who in authors} <= {*VENDOR}
            )
        if label["trap"] == "accepted by nobody known":
            assert [(who.source, who.user) for who in authors] == [("AUTOMATION_PLATFORM", None)]
        if label["trap"] == "accepted through the vendor's application":
            assert [(who.source, who.user in EXECUTIVES) for who in authors] == [("INTEGRATION", True)]
    assert {"accepted by nobody known", "accepted through the vendor's application", "accepted by an SDR"} <= traps


def test_a_back_dated_tick_was_written_later(cases, world):
    """A tick with an earlier time stands in the history at that time, and moved the stamp when it was written."""
    dated = [meeting for label, meeting, _ in cases if label["trap"] == "back-dated acceptance"]

    assert dated
    for meeting in dated:
        [(at, _)] = _ticks(meeting)
        assert meeting.updated_at - at > 10 * 86_400_000
    assert world.now == LAST


def test_what_is_deleted_is_archived(told, world):
    """Each claim on a deleted meeting names one that is archived by now; what no system has is nowhere."""
    for claim in told["claims"]:
        label = told["labels"][f"claim:{claim['claim_id']}"]
        item = world.items["meetings"].get(claim["ref"])
        if label["clause"] == "deleted":
            assert item.archived_at is not None
        if label["trap"] == "no such record":
            assert item is None


def test_people_are_owners_by_other_numbers():
    """Owner ids, which records name, are no user ids, which histories name; who left is archived from then on."""
    plan = story_plan(SEED, SMALL)

    assert not {owner_id(key) for key in ("ada", "uptime")} & {str(user_id(key)) for key in ("ada", "uptime")}
    assert [owner.first for owner in plan.owners if owner.archived_at] == ["Lena"]
    assert {team.name for owner in plan.owners for team in owner.teams} >= {"Account Executive", "SDR", "Vendor"}


def test_hubspot_tells_its_part_of_the_company():
    """By default it holds about half of the meetings, each of them claimed under the names of this account."""
    name, full, small = SIZE
    part, whole = story(SEED, small), story(SEED, small, whole=True)

    assert (name, small) == ("meetings", SMALL)
    assert 0.4 < len(part["claims"]) / len(whole["claims"]) < 0.6
    assert {claim["outcome"] for claim in part["claims"]} == {"meeting_in_hubspot"}
    assert len(told_in(scenes(SEED, full), ABLE, 0)) > 1_300
    assert part["contract"].count("source: hubspot") == 1
