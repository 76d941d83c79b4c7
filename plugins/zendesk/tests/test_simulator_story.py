"""The story: its labels against a plain reading of the contract."""

from collections import Counter
from decimal import Decimal
from io import StringIO

import pytest
from plugins.zendesk.tests.plain_reading import FOREVER, Desk, decide, seconds
from ruamel.yaml import YAML

from tallystick_zendesk.simulator.story import SIZE, STAGES, _write, story, story_plan
from tallystick_zendesk.simulator.world import World

STATUSES = {"verified", "pending", "rejected", "unverifiable", "reversed"}


def tell(seed, tickets):
    """Give a story and what a reader finds at each of its stages."""
    tale, plan = story(seed, tickets), story_plan(seed, tickets)
    desk = Desk(plan, YAML(typ="safe").load(StringIO(tale["contract"])))
    claims = sorted(tale["claims"], key=lambda claim: (seconds(claim["claimed_at"]), claim["claim_id"]))
    found = []
    for stage in tale["stages"]:
        desk.read(seconds(stage))
        found.append(decide(desk, claims, seconds(stage)))
    return tale, desk, found


@pytest.fixture(scope="module")
def told():
    """The story in full size, and what a reader finds at each of its stages."""
    return tell(7, SIZE[1])


def differing(tale, found):
    """Give the subjects whose label is not what the reader finds at the last stage."""
    earlier = {subject for verdicts in found[:-1] for subject, verdict in verdicts.items() if verdict[0] == "verified"}
    wrong = []
    for subject in sorted(found[-1].keys() | tale["labels"].keys()):
        status, clause, _ = found[-1].get(subject, ("none", "", None))
        if subject in earlier and status in {"rejected", "unverifiable"}:
            status = "reversed"
        label = tale["labels"].get(subject, {"status": "none", "clause": "", "trap": "not labelled"})
        if (status, clause) != (label["status"], label["clause"]):
            wrong.append((subject, label, status, clause))
    return wrong


def test_labels_follow_from_a_plain_reading(told):
    """Each label equals what the contract's clauses say of the raw acts, and no subject lacks a label."""
    tale, _desk, found = told
    assert not differing(tale, found)


@pytest.mark.parametrize(("seed", "tickets"), [(1, SIZE[2]), (2, SIZE[2]), (3, 400)])
def test_labels_of_smaller_stories_hold_too(seed, tickets):
    """Another seed and a smaller size tell a story whose labels are just as right."""
    tale, _desk, found = tell(seed, tickets)
    assert not differing(tale, found)


def test_what_is_found_once_stays_found(told):
    """No ticket is found at one stage and claimed, or no unit of its own, at a later one."""
    _tale, _desk, found = told
    once = {subject for verdicts in found for subject in verdicts if subject.startswith("found:")}
    assert once <= set(found[-1])


def test_reversed_ones_were_verified_at_the_second_stage(told):
    """Every reversed claim was verified before; only another claim on the unit reverses one that was settled."""
    tale, _desk, found = told
    subjects = [subject for subject, label in tale["labels"].items() if label["status"] == "reversed"]
    assert all(found[1][subject][0] == "verified" for subject in subjects)
    assert {tale["labels"][subject]["clause"] for subject in subjects} == {
        "duplicate",
    }


def test_every_kind_of_verdict_and_trap_is_there(told):
    """All five verdicts and every clause that can fail occur, and each of the more than 80 traps has its tickets."""
    tale, _desk, _found = told
    labels = tale["labels"].values()
    assert {label["status"] for label in labels} == STATUSES
    assert {f"claim:{claim['claim_id']}" for claim in tale["claims"]} <= set(tale["labels"])
    traps = Counter(label["trap"] for label in labels)
    assert len(traps) >= 200
    assert min(traps.values()) >= 3
    assert {label["clause"] for label in labels} == {
        "",
        "genuine",
        "not_merged",
        "not_deleted",
        "actors_known",
        "seats_apart",
        "answered",
        "no_request",
        "no_assignment",
        "no_human_reply",
        "no_human_solve",
        "resolved",
        "confirmed",
        "satisfied",
        "not_returned",
        "duplicate",
        "term",
        "no_such_record",
    }
    assert all(label["net_amount"] is None for label in labels)


def test_a_small_story_has_every_trap_of_the_full_one(told):
    """The fast size leaves no trap out."""
    full = {label["trap"] for label in told[0]["labels"].values()}
    small = {label["trap"] for label in story(7, SIZE[2])["labels"].values()}
    assert full == small


def test_sizes(told):
    """The full story has 10,000 tickets with about eight events each, and the small one a tenth of that."""
    _tale, desk, _found = told
    assert len(desk.openings) == SIZE[1]
    assert 7.5 < len(desk.line) / SIZE[1] < 9
    assert sum(act.opening is not None for act in story_plan(7, SIZE[2]).acts) == SIZE[2]


def test_claims_are_text_and_made_by_the_last_stage(told):
    """A claim is a row of text, and none is younger than the last stage."""
    tale, _desk, _found = told
    assert all(isinstance(value, str) for claim in tale["claims"] for value in claim.values())
    assert max(claim["claimed_at"] for claim in tale["claims"]) == STAGES[-1]


def test_the_cap_bites_a_little(told):
    """The fee of October, found tickets included, is above the cap by less than a twentieth, and far from the floor."""
    tale, _desk, found = told
    first, end = seconds("2026-09-30T22:00:00Z"), seconds("2026-10-31T23:00:00Z")
    ends = [window for status, _, window in found[-1].values() if status == "verified"]
    fee = Decimal("0.99") * sum(first <= at < end for at in ends)
    billing = YAML(typ="safe").load(StringIO(tale["contract"]))["billing"]
    cap, floor = Decimal(str(billing["cap"]["monthly"])), Decimal(str(billing["floor"]["monthly"]))
    assert cap < fee < cap * Decimal("1.15")
    assert floor < fee / 2


def test_everybody_exists_before_the_first_stage_of_what_they_do(told):
    """Only the people whom the story hides act before the account shows them."""
    _tale, desk, _found = told
    shown = {user.id: user.created_at for user in desk.plan.users}
    early = {act.author for act in desk.line if act.author != -1 and act.at < shown.get(act.author, FOREVER)}
    assert len(early) < 40
    assert desk.plan.me in shown
    assert all(user.created_at >= seconds("2026-09-01T00:00:00Z") for user in desk.plan.users)


def test_the_account_of_the_story_can_be_served():
    """The simulator carries out every act of the story up to the last stage: none is impossible."""
    plan = story_plan(7, SIZE[2])
    world = World(plan, seconds(STAGES[-1]))
    assert len(world.tickets) == SIZE[2]
    assert len(world.events) >= sum(act.at <= seconds(STAGES[-1]) for act in plan.acts)


def test_two_tellings_are_the_same():
    """The same seed tells the same story; another seed another one."""
    first, plan = story(3, 400), story_plan(3, 400)
    _write.cache_clear()
    assert story(3, 400) == first
    assert _write(3, 400).plan == plan
    assert story(4, 400)["claims"] != first["claims"]


def test_too_small_a_story_is_refused():
    """Fewer than 400 tickets cannot hold every trap, and the message says so."""
    with pytest.raises(ValueError, match="at least 400"):
        story(1, 399)
