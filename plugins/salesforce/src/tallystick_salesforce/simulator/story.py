"""The demo in Salesforce: the meetings of a software company, and an AI vendor paid for those held and accepted.

What happens is told by `tallystick.testing.company`, in no system's words; here it becomes what Salesforce would hold.
Salesforce names the user who wrote and not the application, joins no telephone call to an event, and writes its
histories itself, always with somebody's name and with the time of then.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tallystick.testing.company.company import SIZE, limits, scenes, told_in
from tallystick.testing.company.contract import contract
from tallystick.testing.company.deeds import conference
from tallystick.testing.company.script import Claim, Scene
from tallystick.testing.company.telling import claims_and_labels, shared
from tallystick_salesforce.simulator.plan import Plan
from tallystick_salesforce.simulator.story_deeds import OUTCOMES, copy_ids, write_plan
from tallystick_salesforce.simulator.story_people import VENDOR

__all__ = ["ABLE", "PLACE", "SIZE", "SOURCE_NAME", "story", "story_plan", "vendor_ids"]

ABLE = frozenset({"copies", "roles that change", "series"})
"""What Salesforce can tell of what a scene may need."""

PLACE = 1
"""Which part of the company Salesforce tells, where two systems tell it together."""

SOURCE_NAME = "salesforce"
_OUTCOME = "meeting_in_salesforce"
_UNUSED = (
    "Case",
    "CaseHistory",
    "CaseHistory2",
    "MessagingSession",
    "ConversationEntry",
    "EmailMessage",
    "CaseComment",
)


def story(seed: int, meetings: int = SIZE[1], *, whole: bool = False, outcome: str = _OUTCOME) -> dict[str, Any]:
    """Give the demo: configuration, contract, claims and labels for the simulator of the same seed and size.

    Args:
        seed: Same seed, same company.
        meetings: Meetings of the whole company; Salesforce holds about half of them.
        whole: Whether Salesforce holds all of them that it can tell.
        outcome: What the contract calls the outcome.

    Raises:
        ValueError: Fewer meetings than the traps need.
    """
    told, plan = _told(seed, meetings, whole=whole), story_plan(seed, meetings, whole=whole)
    ids, copies = plan.ids(), copy_ids(plan)

    def refer(claim: Claim) -> str:
        if claim.raw:
            return claim.ref
        if claim.copy is not None:
            return copies[claim.ref, claim.copy]
        return conference(claim.ref) if claim.by_conference else ids[claim.ref]

    claims, labels = claims_and_labels(told, outcome, refer, ids.__getitem__, again=not whole)
    return {
        **shared(),
        "source": "salesforce",
        "source_name": SOURCE_NAME,
        "connector": "salesforce",
        "source_config": {
            "client_id": "tallystick-reader",
            "client_secret": "env:SALESFORCE_SECRET",
            "start": "2026-09-01",
            "without": list(_UNUSED),
            "meeting_status_field": "Meeting_Outcome__c",
            "meeting_status_values": {said: word for word, said in OUTCOMES.items()},
            "meeting_external_id_field": "Conference_Id__c",
            "custom": {"meeting": {"accepted": {"path": "Meeting_Accepted__c", "type": "boolean"}}},
            "requests_per_minute": 600_000,
        },
        "environment": {"SALESFORCE_SECRET": "demo-secret"},
        "contract": contract({outcome: SOURCE_NAME}, {SOURCE_NAME: vendor_ids(plan)}, limits(scenes(seed, meetings))),
        "claims": claims,
        "labels": labels,
        "seed": seed,
        "size": meetings,
    }


def vendor_ids(plan: Plan) -> tuple[str, ...]:
    """Give who the vendor is in Salesforce, by the ids of its users."""
    ids = plan.ids()
    return tuple(ids[key] for key in VENDOR)


@lru_cache(maxsize=2)
def story_plan(seed: int, meetings: int = SIZE[1], *, whole: bool = False) -> Plan:
    """Give all that happens in the org of the demo.

    Raises:
        ValueError: Fewer meetings than the traps need.
    """
    return write_plan(_told(seed, meetings, whole=whole))


@lru_cache(maxsize=2)
def _told(seed: int, meetings: int, *, whole: bool) -> list[Scene]:
    return told_in(scenes(seed, meetings), ABLE, None if whole else PLACE)
