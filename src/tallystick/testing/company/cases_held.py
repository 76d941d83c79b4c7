"""How long it really took, and who says so.

Each function tells one case and labels it by the rule in its docstring. Unless it says otherwise the vendor booked half
an hour with a new company, the meeting was marked as completed, and its account executive accepted it in time.
"""

from __future__ import annotations

from tallystick.testing.company.deeds import By
from tallystick.testing.company.script import VENDOR, Case, Meeting, Script
from tallystick.testing.company.times import DAY, HOUR, MINUTE, moment

__all__ = ["HELD_CASES"]


def _lasting(script: Script, trap: str, seconds: int | None, status: str, clause: str = "") -> Meeting:
    scene = script.scene(trap)
    meeting = scene.meeting()
    meeting.talks(seconds).marks("completed").accepts()
    scene.expect(meeting, status, clause)
    return meeting


def a_second_short(script: Script) -> None:
    """A conference of 14:59."""
    _lasting(script, "14:59", 899, "rejected", "held")


def just_enough(script: Script) -> None:
    """A conference of 15:00."""
    _lasting(script, "15:00", 900, "verified")


def hung_up(script: Script) -> None:
    """They met, and were through in a few minutes."""
    _lasting(script, "over in minutes", script.vary(61, 240, 601), "rejected", "held")


def untold(script: Script) -> None:
    """The recorder says that they met, and not for how long."""
    _lasting(script, "conversation without a length", None, "unverifiable", "held")


def unrecorded(script: Script) -> None:
    """Nothing shows that anybody met but the mark and the acceptance: that is no length."""
    scene = script.scene("no duration on record")
    scene.expect(scene.meeting().marks("completed").accepts(), "unverifiable", "held")


def planned_long(script: Script) -> None:
    """Two hours stand in the calendar; what is planned is no length."""
    scene = script.scene("duration only scheduled")
    starts = script.slot()
    meeting = scene.meeting(starts, ends=starts + 2 * HOUR).marks("completed").accepts()
    scene.expect(meeting, "unverifiable", "held")


def marked_by_vendor(script: Script) -> None:
    """Nobody came, the executive waited for some minutes, and the vendor marked it as held."""
    scene = script.scene("no-show marked held")
    meeting = scene.meeting()
    meeting.talks(script.vary(180, 420, 890), guests=()).marks("completed", by=VENDOR).accepts()
    scene.expect(meeting, "rejected", "held")


def logged_by_vendor(script: Script) -> None:
    """The vendor alone says how long it took."""
    scene = script.scene("conversation logged by the vendor")
    meeting = scene.meeting()
    meeting.talks(script.vary(1_800, 900), by=VENDOR).marks("completed").accepts()
    scene.expect(meeting, "rejected", "not_self_logged")


def logged_longer(script: Script) -> None:
    """The recorder shows nine minutes, the vendor says forty."""
    scene = script.scene("conversation logged longer by the vendor")
    meeting = scene.meeting().talks(540)
    meeting.talks(2_400, by=VENDOR).marks("completed").accepts()
    scene.expect(meeting, "rejected", "not_self_logged")


def logged_too(script: Script) -> None:
    """The vendor logged it as well, and the recorder shows the same."""
    scene = script.scene("conversation logged by the vendor too")
    meeting = scene.meeting().talks(1_500)
    meeting.talks(1_620, by=VENDOR).marks("completed").accepts()
    scene.expect(meeting, "verified")


def in_pieces(script: Script) -> None:
    """Cut off and called again: ten and eight minutes; pieces are not added, for they may overlap."""
    scene = script.scene("two pieces")
    meeting = scene.meeting().talks(600)
    meeting.talks(480, started=meeting.starts + 12 * MINUTE).marks("completed").accepts()
    scene.expect(meeting, "rejected", "held")


def logged_late(script: Script) -> None:
    """The recorder was two days late; what it says counts all the same."""
    scene = script.scene("conversation entered days later")
    meeting = scene.meeting()
    meeting.talks(1_500, at=meeting.ends + 2 * DAY).marks("completed").accepts()
    scene.expect(meeting, "verified")


def by_telephone(script: Script) -> None:
    """They spoke on the telephone instead."""
    scene = script.scene("held on the telephone", needs=("telephone",))
    meeting = scene.meeting().talks(script.vary(900, 1_740), medium="phone").marks("completed").accepts()
    scene.expect(meeting, "verified")


def voicemail(script: Script) -> None:
    """Twenty minutes on a voicemail are no conversation."""
    scene = script.scene("voicemail", needs=("telephone",))
    meeting = scene.meeting().talks(1_200, medium="phone", connected=False).marks("completed").accepts()
    scene.expect(meeting, "unverifiable", "held")


def over_the_clocks(script: Script) -> None:
    """It ran across the end of summer time: elapsed minutes count, whatever the clocks on the wall say."""
    seconds = script.vary(1_200, 899)
    scene = script.scene("across the change of the clocks")
    meeting = scene.meeting(moment("10-25T00:50"), booked=moment("10-20T09:00"))
    meeting.talks(seconds).marks("completed").accepts(moment("10-27T09:00"))
    meeting_label = ("verified", "") if seconds >= 900 else ("rejected", "held")
    scene.expect(meeting, *meeting_label)


def the_whole_day(script: Script) -> None:
    """An entry without times says nothing of a length."""
    scene = script.scene("all-day entry")
    starts = script.slot() // DAY * DAY
    meeting = scene.meeting(starts, ends=starts + DAY, all_day=True, booked=starts - 3 * DAY + 9 * HOUR)
    meeting.marks("completed", meeting.ends + 9 * HOUR).accepts(meeting.ends + 10 * HOUR)
    scene.expect(meeting, "unverifiable", "held")


def of_no_length(script: Script) -> None:
    """An entry of no length: alone it says nothing, beside a conference it does not matter."""
    met = script.vary(False, True)
    scene = script.scene("zero-length entry")
    starts = script.slot()
    meeting = scene.meeting(starts, ends=starts)
    if met:
        meeting.talks(1_500)
    meeting.marks("completed").accepts()
    scene.expect(meeting, *(("verified", "") if met else ("unverifiable", "held")))


def entered_afterwards(script: Script) -> None:
    """Entered when it was long over, with an earlier date, and no word of it but the vendor's."""
    scene = script.scene("back-dated")
    starts = script.slot("09-21", "10-09")
    entered = starts + 3 * DAY
    meeting = scene.meeting(starts, booked=entered, dated=starts - 4 * DAY)
    meeting.talks(1_860, by=VENDOR, at=entered + 5 * MINUTE)
    meeting.marks("completed", entered + 10 * MINUTE, by=VENDOR).accepts(entered + HOUR, By(person=meeting.owner))
    scene.expect(scene.claim(meeting, entered + DAY), "rejected", "not_self_logged")


HELD_CASES: tuple[Case, ...] = (
    a_second_short,
    just_enough,
    hung_up,
    untold,
    unrecorded,
    planned_long,
    marked_by_vendor,
    logged_by_vendor,
    logged_longer,
    logged_too,
    in_pieces,
    logged_late,
    by_telephone,
    voicemail,
    over_the_clocks,
    the_whole_day,
    of_no_length,
    entered_afterwards,
)
"""One function for each case; each call tells one."""
