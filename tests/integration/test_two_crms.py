"""One contract on one simulated company, verified in one CRM and then in the other: only where it is read changes."""

import csv
from itertools import pairwise

import msgspec
import pytest

from tallystick.cli.project import open_project
from tallystick.cli.telling import write_project
from tallystick.cli.work import sync_sources, verdict_heads, verify_contracts
from tallystick.period import parse_instant
from tallystick.testing.company.company import limits, scenes
from tallystick.testing.company.contract import contract
from tallystick.testing.simulation import start_story, story_of
from tallystick.verification.intake import import_file
from tallystick_hubspot.simulator import story as hubspot
from tallystick_hubspot.simulator.story_people import VENDOR
from tallystick_salesforce.simulator import story as salesforce
from tallystick_salesforce.simulator.story import story_plan, vendor_ids

SEED, MEETINGS, OUTCOME = 3, 300, "held_meeting"
SYSTEMS = ("hubspot", "salesforce")


@pytest.fixture(scope="module")
def told():
    """The company as each of the two systems tells it: the whole of it, but for what the system has no words for."""
    options = ("--meetings", str(MEETINGS), "--whole")
    return {
        name: story_of(
            tell(SEED, MEETINGS, whole=True, outcome=OUTCOME),
            module=f"tallystick_{name}.simulator",
            seed=SEED,
            options=options,
        )
        for name, tell in (("hubspot", hubspot), ("salesforce", salesforce))
    }


@pytest.fixture(scope="module")
def agreed():
    """The text of the contract for each place to read it: identities and people stand in it for both."""
    vendors = {"hubspot": VENDOR, "salesforce": vendor_ids(story_plan(SEED, MEETINGS, whole=True))}
    return {name: contract({OUTCOME: name}, vendors, limits(scenes(SEED, MEETINGS))) for name in SYSTEMS}


@pytest.fixture(scope="module")
def verdicts(told, agreed, tmp_path_factory):
    """The verdicts by each way to read the company, at every stage of the story, by the real connectors.

    `both` takes the meetings and who accepted them from Salesforce, which has no calls then, and how long they took
    from HubSpot.
    """
    sources = {name: told[name].sources[0] for name in SYSTEMS}
    silent = {**sources["salesforce"].source_config}
    silent["without"] = [*silent["without"], "VideoCall", "VideoCallParticipant"]
    second = "    source: salesforce\n    evidence:\n      calls: {source: hubspot, match: [external_id, attendees]}\n"
    ways = {
        "hubspot": (agreed["hubspot"], ["hubspot"], {}),
        "salesforce": (agreed["salesforce"], ["salesforce"], {}),
        "both": (
            agreed["salesforce"].replace("    source: salesforce\n", second),
            ["hubspot", "salesforce"],
            {"source_config": silent},
        ),
    }
    whole = msgspec.structs.replace(told["hubspot"], sources=tuple(sources.values()))
    found = {}
    with pytest.MonkeyPatch.context() as patch, start_story(whole) as simulators:
        for name, value in whole.environment.items():
            patch.setenv(name, value)
        for way, (text, read, changed) in ways.items():
            parts = (sources["hubspot"], msgspec.structs.replace(sources["salesforce"], **changed))
            claims = told[read[-1]].claims
            story = msgspec.structs.replace(whole, sources=parts, contract=text, claims=claims)
            folder = tmp_path_factory.mktemp(way)
            path = write_project(folder / "project", story, *(simulator.origin for simulator in simulators))
            found[way] = _decide(path, read, story, simulators)
    return found


def _decide(path, read, story, simulators):
    with open_project(path) as project:
        [agreed] = project.contracts.values()
        for stage in story.stages:
            now = parse_instant(stage)
            for simulator in simulators:
                simulator.move_clock(stage)
            for report in sync_sources(project, read, now, watched=False):
                assert report["errors"] == []
            claims = _write(path.parent / f"claims-{stage[:10]}.csv", story, stage)
            import_file(project.engine, project.log, project.signer, agreed, claims, now=now)
            verify_contracts(project, [agreed.name], now)
        return verdict_heads(project, agreed.name)


def _write(path, story, stage):
    made = [claim for claim in story.claims if claim["claimed_at"] <= stage]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, made[0].keys())
        writer.writeheader()
        writer.writerows(made)
    return path


def _plain(verdict):
    """Give what both sides are paid by: how a claim stands, by which clause, and when it happened."""
    return verdict.status, verdict.reasons[0].clause if verdict.reasons else "", verdict.quantity, verdict.occurred_at


def test_the_contracts_differ_in_their_source_alone(agreed):
    """One line of the contract is another, and it says where the outcome is read."""
    lines = list(zip(*(agreed[name].splitlines() for name in SYSTEMS), strict=True))

    assert [pair for pair in lines if pair[0] != pair[1]] == [("    source: hubspot", "    source: salesforce")]


def test_both_systems_give_the_same_verdicts(told, verdicts):
    """Claim by claim status, deciding clause, quantity and time are equal, and they are what the story says."""
    shared = sorted(told["hubspot"].labels.keys() & told["salesforce"].labels.keys())
    claims = [subject for subject in shared if subject.startswith("claim:")]
    by_system = {name: {claim: _plain(verdicts[name][claim]) for claim in claims} for name in SYSTEMS}

    assert by_system["hubspot"] == by_system["salesforce"]
    for claim in claims:
        label = told["hubspot"].labels[claim]
        assert by_system["hubspot"][claim][:2] == (label.status, label.clause), label.trap
    assert len(claims) > 250
    assert {"verified", "rejected", "pending", "unverifiable", "reversed"} == {
        status for status, *_ in by_system["hubspot"].values()
    }


def test_one_system_proves_the_length_and_the_other_the_acceptance(told, verdicts):
    """Where Salesforce has no calls, those of HubSpot prove how long meetings took, with the same verdicts again."""
    shared = sorted(told["hubspot"].labels.keys() & told["salesforce"].labels.keys())
    claims = [subject for subject in shared if subject.startswith("claim:")]

    assert {claim: _plain(verdicts["both"][claim]) for claim in claims} == {
        claim: _plain(verdicts["salesforce"][claim]) for claim in claims
    }
    proven = verdicts["both"][next(claim for claim in claims if told["hubspot"].labels[claim].trap == "15:00")]
    assert {evidence.source for evidence in proven.evidence if evidence.type == "call"} == {"hubspot"}


def test_each_system_finds_what_was_never_claimed(told, verdicts):
    """What nobody claimed is found in both, and nothing else is."""
    for name in SYSTEMS:
        found = {subject for subject, verdict in verdicts[name].items() if verdict.found}
        assert found == {subject for subject in told[name].labels if subject.startswith("found:")}
    counts = [sum(verdict.found for verdict in verdicts[name].values()) for name in SYSTEMS]
    assert all(one == other > 0 for one, other in pairwise(counts))


def test_what_only_one_system_can_tell_is_few(told):
    """What is left out of one of the systems is what it has no words for, and every other trap is in both."""
    needs = {scene.trap: scene.needs for scene in scenes(SEED, MEETINGS)}
    traps = {name: {label.trap for label in story.labels.values()} for name, story in told.items()}

    assert {trap for trap in needs if not needs[trap]} <= traps["hubspot"] & traps["salesforce"]
    assert traps["hubspot"] - traps["salesforce"] == {
        "accepted by nobody known",
        "accepted through the vendor's application",
        "back-dated acceptance",
        "held on the telephone",
        "voicemail",
    }
    assert traps["salesforce"] - traps["hubspot"] == {
        "accepted by an AE who was an SDR",
        "accepted by an SDR who became an AE",
        "group-event copies",
        "recurring",
    }
