"""The demo in HubSpot: the meetings of a software company, and an AI vendor paid for those held and accepted.

What happens is told by `tallystick.testing.company`, in no system's words; here it becomes what HubSpot would hold.
HubSpot has no copies of a meeting for invited users, no series, and of a user only the team of now.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tallystick.testing.company.company import SIZE, limits, scenes, told_in
from tallystick.testing.company.contract import contract
from tallystick.testing.company.deeds import conference
from tallystick.testing.company.script import Claim, Scene
from tallystick.testing.company.telling import claims_and_labels, shared
from tallystick_hubspot.simulator.plan import Plan
from tallystick_hubspot.simulator.story_deeds import PIPELINE, PROPERTIES, Translator, meeting_ids
from tallystick_hubspot.simulator.story_people import VENDOR, owners

__all__ = ["ABLE", "PLACE", "SIZE", "SOURCE_NAME", "VENDOR", "story", "story_plan"]

ABLE = frozenset({"application of a write", "dated writes", "telephone", "writes by nobody"})
"""What HubSpot can tell of what a scene may need."""

PLACE = 0
"""Which part of the company HubSpot tells, where two systems tell it together."""

SOURCE_NAME = "hubspot"
_OUTCOME = "meeting_in_hubspot"


def story(seed: int, meetings: int = SIZE[1], *, whole: bool = False, outcome: str = _OUTCOME) -> dict[str, Any]:
    """Give the demo: configuration, contract, claims and labels for the simulator of the same seed and size.

    Args:
        seed: Same seed, same company.
        meetings: Meetings of the whole company; HubSpot holds about half of them.
        whole: Whether HubSpot holds all of them that it can tell.
        outcome: What the contract calls the outcome.

    Raises:
        ValueError: Fewer meetings than the traps need.
    """
    told = _told(seed, meetings, whole=whole)
    ids = meeting_ids(told)

    def refer(claim: Claim) -> str:
        if claim.raw:
            return claim.ref
        return conference(claim.ref) if claim.by_conference else ids[claim.ref]

    claims, labels = claims_and_labels(told, outcome, refer, ids.__getitem__)
    return {
        **shared(),
        "source": "hubspot",
        "source_name": SOURCE_NAME,
        "connector": "hubspot",
        "source_config": {
            "token": "env:HUBSPOT_TOKEN",
            "start": "2026-09-01",
            "objects": ["companies", "contacts", "deals", "meetings", "calls"],
            "role": "team",
            "recheck_days": 40,
            "call_meeting": "association",
            "call_conference": {"property": "call_kind", "values": ["conference"]},
            "meeting_external_id": "conference_id",
            "call_external_id": "conference_id",
            "custom": {"meeting": {"accepted": {"path": "properties.accepted_by_ae", "type": "boolean"}}},
            "searches_per_second": 100_000,
            "requests_per_second": 100_000,
        },
        "environment": {"HUBSPOT_TOKEN": "demo-secret"},
        "contract": contract({outcome: SOURCE_NAME}, {SOURCE_NAME: VENDOR}, limits(scenes(seed, meetings))),
        "claims": claims,
        "labels": labels,
        "seed": seed,
        "size": meetings,
    }


def story_plan(seed: int, meetings: int = SIZE[1], *, whole: bool = False) -> Plan:
    """Give all that happens in the account of the demo.

    Raises:
        ValueError: Fewer meetings than the traps need.
    """
    told = _told(seed, meetings, whole=whole)
    return Plan(
        owners=owners(),
        pipelines=(PIPELINE,),
        properties=PROPERTIES,
        deeds=tuple(sorted(Translator().deeds(told), key=lambda deed: deed.at)),
    )


@lru_cache(maxsize=2)
def _told(seed: int, meetings: int, *, whole: bool) -> list[Scene]:
    return told_in(scenes(seed, meetings), ABLE, None if whole else PLACE)
