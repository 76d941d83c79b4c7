"""What a system's story needs beside what happens: the claims as the vendor makes them, and the right verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tallystick.testing.company.company import PERIOD, STAGES
from tallystick.testing.company.script import Claim, Scene
from tallystick.testing.instants import iso

__all__ = ["FIRST_OUTCOME", "TITLE", "claims_and_labels", "shared"]

TITLE = "meetings held and accepted"
"""Name of the story; stories of one name are told together."""

FIRST_OUTCOME = "held_meeting"

Refer = Callable[[Claim], str]
"""Gives what a claim calls the meeting."""


def claims_and_labels(
    told: Sequence[Scene], outcome: str, refer: Refer, meeting: Callable[[str], str], *, again: bool = False
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Give the claims as rows of text, and the label of each subject.

    Args:
        told: The scenes.
        outcome: What is claimed.
        refer: Gives what a claim calls the meeting in this system.
        meeting: Gives the id of a meeting here.
        again: Whether claims of scenes that are told twice were made in the other system before.
    """
    claims, labels = [], {}
    for scene in told:
        twice = scene.twice and again
        for claim in scene.claims:
            name = f"{claim.id}-2" if twice else claim.id
            row = {"claim_id": name, "outcome": outcome, "ref": refer(claim), "claimed_at": iso(claim.at + twice)}
            claims.append({**row, "amount": "240.00", "currency": "EUR"})
            label = scene.labels[claim.id]
            status, clause = ("rejected", "duplicate") if twice else (label.status, label.clause)
            labels[f"claim:{name}"] = {"status": status, "clause": clause, "trap": scene.trap}
        for key, label in scene.found.items():
            subject = f"found:{outcome}:{meeting(key)}"
            labels[subject] = {"status": label.status, "clause": label.clause, "trap": scene.trap}
    return claims, labels


def shared() -> dict[str, Any]:
    """Give what is the same for the story in every system."""
    return {"name": TITLE, "stages": list(STAGES), "period": PERIOD}
