"""The meetings between the traps: what an ordinary autumn brings."""

from __future__ import annotations

from tallystick.testing.company.deeds import By
from tallystick.testing.company.people import SETTERS
from tallystick.testing.company.script import Scene, Script
from tallystick.testing.company.times import DAY, HOUR, MINUTE

__all__ = ["everyday"]


def _held(scene: Scene) -> None:
    meeting = scene.meeting().held(_minutes(scene, 18, 55))
    scene.expect(meeting, "verified")


def _held_on_last_day(scene: Scene) -> None:
    meeting = scene.meeting().talks(_minutes(scene, 15, 55)).marks("completed")
    scene.expect(meeting.accepts(meeting.ends + DAY), "verified")


def _with_deal(scene: Scene) -> None:
    meeting = scene.meeting().held(_minutes(scene, 20, 60))
    deal = scene.deal(meeting.company, meeting.contacts[0], meeting.ends + 4 * HOUR, meeting.owner)
    scene.stages(deal, meeting.ends + 3 * DAY, "qualified", By(person=meeting.owner))
    scene.expect(meeting, "verified")


def _no_show(scene: Scene) -> None:
    scene.expect(scene.meeting().marks("no_show"), "rejected", "not_a_no_show")


def _unaccepted(scene: Scene) -> None:
    scene.expect(scene.meeting().talks(_minutes(scene, 15, 40)).marks("completed"), "rejected", "accepted")


def _short(scene: Scene) -> None:
    scene.expect(scene.meeting().held(_minutes(scene, 2, 14)), "rejected", "held")


def _canceled(scene: Scene) -> None:
    meeting = scene.meeting()
    meeting.marks("canceled", meeting.starts - 20 * HOUR)


def _unrecorded(scene: Scene) -> None:
    scene.expect(scene.meeting().marks("completed").accepts(), "unverifiable", "held")


def _forgotten(scene: Scene) -> None:
    scene.finds(scene.meeting().held(_minutes(scene, 18, 50)))


def _own(scene: Scene) -> None:
    scene.meeting(by=By(person=scene.script.one(SETTERS))).held(_minutes(scene, 18, 50))


def _to_come(scene: Scene) -> None:
    starts = scene.script.slot("11-23", "11-27")
    scene.meeting(starts, booked=starts - 8 * DAY)


def _minutes(scene: Scene, least: int, most: int) -> int:
    """Pick a length in seconds."""
    return scene.script.random.randint(least * MINUTE, most * MINUTE)


_KINDS = (
    *(_held,) * 50,
    *(_held_on_last_day,) * 10,
    *(_with_deal,) * 6,
    *(_no_show,) * 8,
    *(_unaccepted,) * 6,
    *(_short,) * 4,
    *(_canceled,) * 4,
    *(_unrecorded,) * 3,
    *(_forgotten,) * 3,
    *(_own,) * 4,
    *(_to_come,) * 2,
)


def everyday(script: Script) -> None:
    """Tell an everyday meeting."""
    script.one(_KINDS)(script.scene("everyday"))
