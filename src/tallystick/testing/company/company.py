"""The whole company: its scenes by seed and size, and how they are dealt out to the systems that tell them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from tallystick.testing.company.cases_accepted import ACCEPTED_CASES
from tallystick.testing.company.cases_held import HELD_CASES
from tallystick.testing.company.cases_present import PRESENT_CASES
from tallystick.testing.company.cases_units import UNIT_CASES
from tallystick.testing.company.everyday import everyday
from tallystick.testing.company.script import Case, Scene, Script
from tallystick.testing.company.times import moment

__all__ = ["ABILITIES", "LEAST", "PERIOD", "PRICE", "SIZE", "STAGES", "Limits", "limits", "scenes", "told_in"]

STAGES = ("2026-10-12T06:00:00Z", "2026-10-28T06:00:00Z", "2026-11-20T06:00:00Z")
"""When the demo reads and verifies: mid October, after the end of summer time, and well after the month was over."""

PERIOD = "2026-10"
"""The month of the statement."""

SIZE = ("meetings", 3_000, 300)
"""What the size of the story is called, how large it is in full, and in a hurry."""

LEAST = 300
PRICE = Decimal(240)

ABILITIES = frozenset(
    {
        "application of a write",
        "copies",
        "dated writes",
        "roles that change",
        "series",
        "telephone",
        "writes by nobody",
    }
)
"""What a scene may need of a system: that it tells which application wrote, holds a copy of a meeting for each user who
is invited, takes writes with an earlier time, knows a role of every time, marks the meetings of a series, joins
telephone calls to meetings, and has values that nobody known wrote."""

_CASES: tuple[Case, ...] = (*HELD_CASES, *PRESENT_CASES, *ACCEPTED_CASES, *UNIT_CASES)
_TURNS = 4
_PER_TURN = 500
_OCTOBER = (moment("09-30T22:00"), moment("10-31T23:00"))


@lru_cache(maxsize=2)
def scenes(seed: int, meetings: int) -> tuple[Scene, ...]:
    """Give the scenes of the company.

    Args:
        seed: Same seed, same company.
        meetings: How many meetings there are at least.

    Raises:
        ValueError: Fewer meetings than the traps need.
    """
    if meetings < LEAST:
        raise ValueError(f"the story needs at least {LEAST} meetings, not {meetings}")
    script = Script(seed)
    for turn in range(max(2, min(_TURNS, meetings // _PER_TURN))):
        script.turn = turn
        for place, case in enumerate(_CASES):
            # Not with the turn alone: then each side would see one of two variants.
            script.side = (place + turn + turn // 2) % 2
            case(script)
    while script.meetings < meetings:
        script.side = 1 - script.side
        everyday(script)
    return tuple(script.scenes)


def told_in(told: Sequence[Scene], able: Collection[str], place: int | None = None) -> list[Scene]:
    """Give the scenes that a system with these abilities tells.

    Args:
        told: All scenes.
        able: What the system is able to tell.
        place: None for all it can; 0 or 1 for its part where two systems tell the company together. The cases change
            sides from turn to turn, so that each is told in both systems where both are able to; a scene that is told
            twice is in both parts.
    """
    return [
        scene
        for scene in told
        if set(scene.needs) <= set(able) and (place is None or scene.twice or scene.side == place)
    ]


@dataclass(frozen=True, slots=True)
class Limits:
    """Monthly floor and cap of the contract, as its text has them."""

    floor: str
    cap: str


def limits(told: Sequence[Scene]) -> Limits:
    """Give a floor that October passes with ease, and a cap a little below its fee, in whole thousands."""
    first, end = _OCTOBER
    starts = {meeting.key: meeting.starts for scene in told for meeting in scene.meetings}
    paid = {
        claim.id: starts[claim.ref]
        for scene in told
        for claim in scene.claims
        if scene.labels[claim.id].status == "verified"
    }
    fee = PRICE * sum(first <= at < end for at in paid.values())
    cap = int(fee * Decimal("0.90")) // 1_000 * 1_000
    return Limits(f"{cap // 4}.00", f"{cap}.00")
