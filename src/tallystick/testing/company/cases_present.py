"""Who was there: addresses, employees, no-shows reported in time and too late, what was canceled.

Each function tells one case and labels it by the rule in its docstring. Unless it says otherwise the vendor booked half
an hour with a new company, they met for 25 minutes, and an account executive accepted it in time.
"""

from __future__ import annotations

from tallystick.testing.company.people import VENDOR_SEAT
from tallystick.testing.company.script import VENDOR, Case, Scene, Script
from tallystick.testing.company.times import DAY, HOUR

__all__ = ["PRESENT_CASES"]


def free_mail(script: Script) -> None:
    """The one who came has an address that anybody can get."""
    scene = script.scene("free-mail attendee")
    domain = script.vary("gmail.com", "gmx.de", "outlook.com", "web.de")
    meeting = scene.meeting(email=f"kaya.{scene.number}@{domain}")
    scene.expect(meeting.held(), "rejected", "prospect_present")


def _two(scene: Scene, email: str) -> tuple[str, tuple[str, str]]:
    at = scene.script.slot("09-08", "09-10")
    company = scene.company(at)
    return company, (scene.contact(at, company, email=email), scene.contact(at, company))


def free_mail_beside(script: Script) -> None:
    """One came with such an address, and one with the company's."""
    scene = script.scene("free-mail attendee beside a colleague")
    company, contacts = _two(scene, f"bo.{scene.number}@gmail.com")
    scene.expect(scene.meeting(company=company, contacts=contacts).held(), "verified")


def employee(script: Script) -> None:
    """The one who came works for the buyer."""
    scene = script.scene("employee as attendee")
    meeting = scene.meeting(email=f"intern.{scene.number}@nordwind.example")
    scene.expect(meeting.held(), "rejected", "prospect_present")


def vendors_own(script: Script) -> None:
    """The one who came works for the vendor."""
    scene = script.scene("the vendor's own employee as attendee")
    meeting = scene.meeting(email=f"sales.{scene.number}@uptime.example")
    scene.expect(meeting.held(), "rejected", "prospect_present")


def nobody_came(script: Script) -> None:
    """Nobody of the prospect is named."""
    scene = script.scene("nobody of the prospect")
    meeting = scene.meeting(contacts=())
    scene.expect(meeting.held(), "rejected", "prospect_present")


def nobody_of_ours(script: Script) -> None:
    """Nobody of the buyer is named."""
    scene = script.scene("nobody of the buyer")
    meeting = scene.meeting(invited=())
    scene.expect(meeting.talks(1_500, host=None).marks("completed").accepts(), "rejected", "buyer_present")


def vendors_seat(script: Script) -> None:
    """The buyer's side is the vendor's own seat alone."""
    scene = script.scene("only the vendor's seat for the buyer")
    meeting = scene.meeting(invited=(VENDOR_SEAT,))
    scene.expect(meeting.talks(1_500, host=VENDOR_SEAT).marks("completed").accepts(), "rejected", "buyer_present")


def reported(script: Script) -> None:
    """Nobody came, and it was reported within a day."""
    scene = script.scene("no-show reported within 24 hours")
    meeting = scene.meeting()
    after = script.vary(HOUR, 23 * HOUR)
    scene.expect(scene.claim(meeting.marks("no_show", meeting.ends + after)), "rejected", "not_a_no_show")


def reported_all_the_same(script: Script) -> None:
    """A conference took place, with somebody else, and the executive reported a no-show."""
    scene = script.scene("no-show reported beside a conference")
    meeting = scene.meeting().talks(1_500)
    scene.expect(meeting.marks("no_show").accepts(), "rejected", "not_a_no_show")


def reported_late(script: Script) -> None:
    """It was held and accepted, and called a no-show more than a day later."""
    scene = script.scene("no-show reported after 24 hours")
    meeting = scene.meeting().talks(1_500).accepts()
    meeting.marks("no_show", meeting.ends + script.vary(25 * HOUR, 5 * DAY))
    scene.expect(scene.claim(meeting), "verified")


def undone_by_vendor(script: Script) -> None:
    """The executive reported a no-show, and the vendor made it completed."""
    scene = script.scene("no-show undone by the vendor")
    meeting = scene.meeting().talks(1_500).marks("no_show")
    meeting.marks("completed", meeting.ends + 5 * HOUR, VENDOR).accepts()
    scene.expect(meeting, "rejected", "not_a_no_show")


def undone(script: Script) -> None:
    """The executive reported a no-show by mistake, and corrected it."""
    scene = script.scene("no-show corrected")
    meeting = scene.meeting().talks(1_500).marks("no_show")
    meeting.marks("completed", meeting.ends + 2 * HOUR).accepts()
    scene.expect(meeting, "verified")


def canceled(script: Script) -> None:
    """It was called off the day before."""
    scene = script.scene("canceled")
    meeting = scene.meeting()
    scene.expect(meeting.marks("canceled", meeting.starts - DAY), "rejected", "not_canceled")


def canceled_after(script: Script) -> None:
    """It was held and accepted, and marked as canceled the next day: nobody can say what that means."""
    scene = script.scene("canceled after it was held")
    meeting = scene.meeting().held()
    scene.expect(meeting.marks("canceled", meeting.ends + 20 * HOUR), "unverifiable", "not_canceled_later")


PRESENT_CASES: tuple[Case, ...] = (
    free_mail,
    free_mail_beside,
    employee,
    vendors_own,
    nobody_came,
    nobody_of_ours,
    vendors_seat,
    reported,
    reported_all_the_same,
    reported_late,
    undone_by_vendor,
    undone,
    canceled,
    canceled_after,
)
"""One function for each case; each call tells one."""
