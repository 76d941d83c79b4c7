"""Acceptance: who ticked it, when, and who took the tick away.

Each function tells one case and labels it by the rule in its docstring. Unless it says otherwise the vendor booked half
an hour with a new company, they met for 25 minutes, and its account executive marked it as completed.
"""

from __future__ import annotations

from tallystick.testing.company.deeds import By
from tallystick.testing.company.people import EXECUTIVES, LEFT, MANAGER, PROMOTED, SETTERS, SHARED, VENDOR_APP
from tallystick.testing.company.script import LAST, VENDOR, Case, Meeting, Script
from tallystick.testing.company.times import DAY, HOUR, MINUTE, deadline, moment

__all__ = ["ACCEPTED_CASES"]

_DAYS = 5
_LENGTH = 1_500


def _met(script: Script, trap: str, starts: int | None = None, *, needs: tuple[str, ...] = ()) -> Meeting:
    return script.scene(trap, needs=needs).meeting(starts).talks(_LENGTH).marks("completed")


def _by(script: Script, trap: str, by: By, status: str, clause: str = "", *, needs: tuple[str, ...] = ()) -> None:
    meeting = _met(script, trap, needs=needs)
    meeting.scene.expect(meeting.accepts(by=by), status, clause)


def by_colleague(script: Script) -> None:
    """Another account executive accepted it."""
    _by(script, "accepted by a colleague", By(person=script.vary(*EXECUTIVES)), "verified")


def by_setter(script: Script) -> None:
    """Somebody who sets up meetings accepted it."""
    _by(script, "accepted by an SDR", By(person=script.vary(*SETTERS)), "rejected", "accepted_by_executive")


def by_manager(script: Script) -> None:
    """The sales manager accepted it, who is not in the roster."""
    _by(script, "accepted by a manager", By(person=MANAGER), "rejected", "accepted_by_executive")


def by_vendor(script: Script) -> None:
    """The vendor accepted it."""
    _by(script, "accepted by the vendor", VENDOR, "rejected", "acceptance_independent")


def by_shared(script: Script) -> None:
    """An account executive accepted it under whose name the vendor signs in too: it may have been either."""
    _by(
        script,
        "accepted by an AE who is also the vendor's service user",
        By(person=SHARED),
        "rejected",
        "acceptance_independent",
    )


def through_vendor(script: Script) -> None:
    """The vendor's application accepted it with the access of an account executive."""
    by = By(person=script.vary(*EXECUTIVES), app=VENDOR_APP)
    trap = "accepted through the vendor's application"
    _by(script, trap, by, "rejected", "acceptance_independent", needs=("application of a write",))


def by_rule(script: Script) -> None:
    """A rule of the system accepted it, and nobody can say who stands behind it."""
    _by(
        script,
        "accepted by nobody known",
        By(),
        "unverifiable",
        "acceptance_attributed",
        needs=("writes by nobody",),
    )


def by_leaver(script: Script) -> None:
    """An account executive accepted it who left later on."""
    meeting = _met(script, "accepted by an AE who left", script.slot("09-21", "10-16"))
    meeting.scene.expect(meeting.accepts(by=By(person=LEFT)), "verified")


def before_promotion(script: Script) -> None:
    """Somebody accepted it who became an account executive only later."""
    trap = "accepted by an SDR who became an AE"
    meeting = _met(script, trap, script.slot("09-21", "10-08"), needs=("roles that change",))
    meeting.scene.expect(meeting.accepts(by=By(person=PROMOTED)), "rejected", "accepted_by_executive")


def after_promotion(script: Script) -> None:
    """Somebody accepted it who had become an account executive before."""
    trap = "accepted by an AE who was an SDR"
    meeting = _met(script, trap, script.slot("10-29", "11-10"), needs=("roles that change",))
    meeting.scene.expect(meeting.accepts(by=By(person=PROMOTED)), "verified")


def too_early(script: Script) -> None:
    """It was accepted before it ended: when it was booked, or while they spoke."""
    meeting = _met(script, "accepted before it ended")
    at = script.vary(meeting.starts - DAY, meeting.starts + 20 * MINUTE)
    meeting.scene.expect(meeting.accepts(at), "rejected", "accepted_after_end")


def too_early_overrun(script: Script) -> None:
    """It was accepted when it should have been over, and they still spoke."""
    scene = script.scene("accepted while it overran")
    meeting = scene.meeting().talks(50 * MINUTE)
    meeting.marks("completed").accepts(meeting.ends + 5 * MINUTE)
    scene.expect(meeting, "rejected", "accepted_after_end")


def again(script: Script) -> None:
    """It was accepted too early, taken back, and accepted again after it ended."""
    meeting = _met(script, "accepted too early and again")
    meeting.accepts(meeting.starts - DAY).accepts(meeting.starts - 2 * HOUR, accepted=False).accepts()
    meeting.scene.expect(meeting, "verified")


def never(script: Script) -> None:
    """Nobody accepted it, and silence means no."""
    meeting = _met(script, "never accepted")
    meeting.scene.expect(meeting, "rejected", "accepted")


def at_the_last_minute(script: Script) -> None:
    """It was accepted in the last minute of the fifth business day."""
    meeting = _met(script, "accepted at the last minute", script.slot("09-21", "10-12"))
    meeting.scene.expect(meeting.accepts(deadline(meeting.ends, _DAYS) - MINUTE), "verified")


def too_late(script: Script) -> None:
    """It was accepted when the fifth business day was over."""
    meeting = _met(script, "accepted too late", script.slot("09-21", "10-12"))
    at = deadline(meeting.ends, _DAYS) + script.vary(0, DAY)
    meeting.scene.expect(meeting.accepts(at), "rejected", "accepted")


def over_the_holiday(script: Script) -> None:
    """Five business days over a weekend and a holiday: to the end of 30 October for a meeting on the 22nd."""
    in_time = script.vary(True, False)
    trap = "accepted in time over a holiday" if in_time else "accepted too late over a holiday"
    meeting = _met(script, trap, moment("10-22T09:00") + script.turn * HOUR)
    meeting.accepts(moment("10-30T22:59") if in_time else moment("10-30T23:00"))
    meeting.scene.expect(meeting, *(("verified", "") if in_time else ("rejected", "accepted")))


def withdrawn(script: Script) -> None:
    """An executive took the acceptance back when the claim was verified already."""
    meeting = _met(script, "acceptance withdrawn", script.slot("10-05", "10-08")).accepts()
    meeting.scene.expect(meeting, "reversed", "not_declined")
    meeting.accepts(moment("10-19T09:00"), accepted=False)


def withdrawn_early(script: Script) -> None:
    """An executive took the acceptance back before anybody looked."""
    meeting = _met(script, "acceptance withdrawn at once", script.slot("10-13", "10-21")).accepts()
    meeting.accepts(meeting.ends + 5 * HOUR, accepted=False)
    meeting.scene.expect(meeting, "rejected", "not_declined")


def withdrawn_late(script: Script) -> None:
    """An executive took the acceptance back when the time for that was over."""
    meeting = _met(script, "acceptance withdrawn too late", script.slot("09-18", "09-25")).accepts()
    meeting.scene.expect(meeting, "verified")
    meeting.accepts(moment("10-27T09:00"), accepted=False)


def withdrawn_and_again(script: Script) -> None:
    """An executive took the acceptance back by mistake, and accepted it again."""
    meeting = _met(script, "acceptance withdrawn and given again").accepts()
    meeting.accepts(meeting.ends + 5 * HOUR, accepted=False).accepts(meeting.ends + 6 * HOUR)
    meeting.scene.expect(meeting, "verified")


def taken_by_setter(script: Script) -> None:
    """Somebody who may not accept took the tick away: that is no withdrawal."""
    meeting = _met(script, "tick taken away by an SDR").accepts()
    meeting.accepts(meeting.ends + 5 * HOUR, By(person=SETTERS[0]), accepted=False)
    meeting.scene.expect(meeting, "verified")


def back_dated(script: Script) -> None:
    """The vendor wrote an acceptance with an earlier time, when the deadline was over."""
    trap = "back-dated acceptance"
    meeting = _met(script, trap, script.slot("09-21", "10-02"), needs=("dated writes",))
    meeting.accepts(moment("10-20T09:00"), VENDOR, dated=meeting.ends + 2 * HOUR)
    meeting.scene.expect(meeting, "rejected", "acceptance_independent")


def not_yet(script: Script) -> None:
    """Nobody has accepted it, and somebody still may."""
    meeting = _met(script, "acceptance still possible", script.slot("11-16", "11-18"))
    meeting.scene.expect(meeting.scene.claim(meeting, LAST - 6 * HOUR), "pending", "acceptance_attributed")


ACCEPTED_CASES: tuple[Case, ...] = (
    by_colleague,
    by_setter,
    by_manager,
    by_vendor,
    by_shared,
    through_vendor,
    by_rule,
    by_leaver,
    before_promotion,
    after_promotion,
    too_early,
    too_early_overrun,
    again,
    never,
    at_the_last_minute,
    too_late,
    over_the_holiday,
    withdrawn,
    withdrawn_early,
    withdrawn_late,
    withdrawn_and_again,
    taken_by_setter,
    back_dated,
    not_yet,
)
"""One function for each case; each call tells one."""
