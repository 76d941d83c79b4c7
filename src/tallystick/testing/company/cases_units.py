"""What is one unit: meetings moved, copied and repeated, claimed twice or under no name, accounts merged and known.

Each function tells one case and labels it by the rule in its docstring. Unless it says otherwise the vendor booked half
an hour with a new company, they met for 25 minutes, and its account executive accepted it in time.
"""

from __future__ import annotations

from tallystick.testing.company.deeds import By
from tallystick.testing.company.people import EXECUTIVES, OFFICE, SETTERS
from tallystick.testing.company.script import VENDOR, Case, Meeting, Scene, Script
from tallystick.testing.company.times import DAY, HOUR, MINUTE, moment

__all__ = ["UNIT_CASES"]

_WEEK = 7 * DAY


def moved(script: Script) -> None:
    """It was moved once in the calendar."""
    scene = script.scene("rescheduled")
    meeting = scene.meeting()
    meeting.moves(meeting.starts - 6 * HOUR, meeting.starts + DAY)
    scene.expect(meeting.held(), "verified")


def moved_twice(script: Script) -> None:
    """It was moved twice, by both sides, and is still one meeting."""
    scene = script.scene("rescheduled twice")
    meeting = scene.meeting(script.slot("09-21", "10-30"))
    meeting.moves(meeting.starts - 6 * HOUR, meeting.starts + _WEEK)
    meeting.moves(meeting.starts - DAY, meeting.starts + DAY, By(person=meeting.owner))
    scene.expect(meeting.held(), "verified")


def moved_after_acceptance(script: Script) -> None:
    """It was accepted at its first time, and took place at another one: nobody accepted what took place."""
    scene = script.scene("accepted before it was moved")
    meeting = scene.meeting(script.slot("09-21", "10-30")).accepts()
    meeting.moves(meeting.ends + 4 * HOUR, meeting.starts + _WEEK)
    scene.expect(meeting.talks(1_500).marks("completed"), "rejected", "accepted_after_end")


def _again(scene: Scene, meeting: Meeting, days: int) -> Meeting:
    return scene.meeting(
        meeting.starts + days * DAY,
        booked=meeting.starts + HOUR,
        company=meeting.company,
        contacts=meeting.contacts,
        owner=meeting.owner,
    )


def booked_anew(script: Script) -> None:
    """It was put off by new entries: the old ones say so, and only the one that took place counts."""
    times = script.vary(2, 1)
    scene = script.scene("rescheduled twice by new entries" if times > 1 else "rescheduled by a new entry")
    meeting = scene.meeting(script.slot("09-21", "10-30"))
    for _ in range(times):
        meeting.marks("rescheduled", meeting.starts - HOUR)
        claim = scene.claim(meeting)
        scene.expect(claim, "rejected", "not_rescheduled")
        meeting = _again(scene, meeting, 2)
    scene.expect(meeting.held(), "verified")


def copied(script: Script) -> None:
    """A second executive was invited, and the vendor claims the copy in her calendar beside the meeting."""
    scene = script.scene("group-event copies", needs=("copies",))
    owner, guest = EXECUTIVES[script.turn % 4], EXECUTIVES[script.turn % 4 + 1]
    meeting = scene.meeting(owner=owner, invited=(owner, guest)).held()
    scene.expect(meeting, "verified")
    scene.expect(scene.claim(meeting, copy=guest), "rejected", "not_a_copy")


def repeated(script: Script) -> None:
    """A series: the first meeting counts, and none after it."""
    scene = script.scene("recurring", needs=("series",))
    first = scene.meeting(script.slot("09-21", "10-16"), series=f"series{scene.number}").held()
    scene.expect(first, "verified")
    for week in (1, 2):
        later = scene.meeting(
            first.starts + week * _WEEK,
            booked=first.starts - DAY,
            company=first.company,
            contacts=first.contacts,
            owner=first.owner,
            series=f"series{scene.number}",
        )
        scene.expect(later.held(), "rejected", "first_of_series")


def repeated_untold(script: Script) -> None:
    """A series that nothing marks as one: the account may be met once in ninety days all the same."""
    scene = script.scene("recurring without a mark")
    first = scene.meeting(script.slot("09-21", "10-16")).held()
    scene.expect(first, "verified")
    scene.expect(_again(scene, first, 7).held(), "rejected", "duplicate")


def once_more(script: Script) -> None:
    """Another meeting with the same company within ninety days."""
    scene = script.scene("second meeting within 90 days")
    first = scene.meeting(script.slot("09-16", "10-02")).held()
    scene.expect(first, "verified")
    scene.expect(_again(scene, first, script.vary(14, 35)).held(), "rejected", "duplicate")


def once_more_after_no_show(script: Script) -> None:
    """The first meeting with the company did not take place: the second one counts."""
    scene = script.scene("second meeting after a no-show")
    first = scene.meeting(script.slot("09-16", "10-16")).marks("no_show")
    scene.expect(first, "rejected", "not_a_no_show")
    scene.expect(_again(scene, first, 7).held(), "verified")


def claimed_twice(script: Script) -> None:
    """The vendor claimed it twice, the second time as the conference calls it."""
    scene = script.scene("claimed twice")
    meeting = scene.meeting().held()
    scene.expect(meeting, "verified")
    again = scene.claim(meeting, meeting.ends + 2 * DAY, by_conference=script.vary(True, False))
    scene.expect(again, "rejected", "duplicate")


def by_conference(script: Script) -> None:
    """The vendor claimed it as the conference calls it."""
    scene = script.scene("claimed by the conference's name")
    scene.expect(scene.claim(scene.meeting().held(), by_conference=True), "verified")


def unheard_of(script: Script) -> None:
    """The vendor claimed what no system has."""
    scene = script.scene("no such record")
    claim = scene.claims_words(f"nw-nowhere-{scene.number}", script.slot("10-01", "10-09"))
    scene.expect(claim, "rejected", "no_such_record")


def deleted(script: Script) -> None:
    """It was deleted when the claim was verified, and locked, already: what became unknown says nothing against it."""
    scene = script.scene("deleted after the claim")
    meeting = scene.meeting(script.slot("10-05", "10-08")).held()
    scene.expect(meeting, "verified")
    meeting.is_deleted(moment("10-20T09:00"), By(person=script.vary(meeting.owner, OFFICE)))


def deleted_before(script: Script) -> None:
    """It was deleted before it was claimed: it was there, and nobody can say any more what it was."""
    scene = script.scene("deleted before the claim")
    meeting = scene.meeting(script.slot("10-13", "10-22")).held()
    meeting.is_deleted(meeting.ends + 6 * HOUR, By(person=meeting.owner))
    scene.expect(meeting, "unverifiable", "deleted")


def edited(script: Script) -> None:
    """The vendor wrote into it after the claim: what decides did not change."""
    scene = script.scene("edited after the claim")
    meeting = scene.meeting().held()
    claim = scene.claim(meeting)
    meeting.retitles(claim.at + HOUR, "Qualified: introduction to Nordwind", VENDOR)
    scene.expect(claim, "verified")


def edited_outcome(script: Script) -> None:
    """The executive marked it as canceled when the claim was locked already: records that differ prove nothing."""
    scene = script.scene("marked as canceled after the claim")
    meeting = scene.meeting(script.slot("10-05", "10-08")).held()
    scene.expect(meeting, "verified")
    meeting.marks("canceled", moment("10-21T09:00"))


def edited_time(script: Script) -> None:
    """The vendor moved it after the claim to before it was accepted: what was measured counts, and not the calendar."""
    scene = script.scene("moved after the claim")
    meeting = scene.meeting().held()
    claim = scene.claim(meeting)
    meeting.moves(claim.at + HOUR, meeting.starts - 10 * MINUTE)
    scene.expect(claim, "verified")


def merged(script: Script) -> None:
    """Two entries of one company were merged: two meetings with it are one too many."""
    late = script.vary(False, True)
    scene = script.scene("merged accounts")
    first = scene.meeting(script.slot("09-21", "10-02")).held()
    second = scene.meeting(script.slot("10-14", "10-20")).held()
    scene.expect(first, "verified")
    scene.merge(moment("10-30T09:00") if late else moment("10-22T09:00"), first.company, second.company)
    scene.expect(second, "reversed" if late else "rejected", "duplicate")


def known(script: Script) -> None:
    """The company was in talks already when the meeting was booked."""
    scene = script.scene("existing pipeline")
    meeting = _with_deal(scene, "")
    scene.expect(meeting.held(), "rejected", "new_business")


def known_and_lost(script: Script) -> None:
    """The company was in talks once; they had come to nothing before the meeting was booked."""
    scene = script.scene("pipeline lost before")
    scene.expect(_with_deal(scene, "lost").held(), "verified")


def _with_deal(scene: Scene, stage: str) -> Meeting:
    starts = scene.script.slot("09-28", "11-06")
    entered = moment("09-10T09:00")
    company = scene.company(entered)
    contact = scene.contact(entered, company)
    deal = scene.deal(company, contact, entered + DAY, EXECUTIVES[0])
    if stage:
        scene.stages(deal, entered + 3 * DAY, stage, By(person=EXECUTIVES[0]))
    return scene.meeting(starts, company=company, contacts=(contact,))


def led_to_deal(script: Script) -> None:
    """A deal came of it: that is no pipeline of before."""
    scene = script.scene("deal after the meeting")
    meeting = scene.meeting().held()
    deal = scene.deal(meeting.company, meeting.contacts[0], meeting.ends + 2 * HOUR, meeting.owner)
    scene.stages(deal, meeting.ends + 4 * HOUR, "qualified", By(person=meeting.owner))
    scene.expect(meeting, "verified")


def self_booked(script: Script) -> None:
    """Somebody of the buyer booked it."""
    scene = script.scene("self-booked")
    who = script.vary(*EXECUTIVES[:2], *SETTERS)
    meeting = scene.meeting(owner=EXECUTIVES[0], by=By(person=who)).held()
    scene.expect(meeting, "rejected", "booked_by_vendor")


def before_the_term(script: Script) -> None:
    """It took place before the contract began."""
    scene = script.scene("before the term")
    meeting = scene.meeting(moment("09-14T09:00") + script.turn * HOUR, booked=moment("09-10T09:00")).held()
    scene.expect(meeting, "rejected", "term")


def unclaimed(script: Script) -> None:
    """The vendor forgot to claim it."""
    scene = script.scene("met but never claimed")
    scene.finds(scene.meeting().held())


def in_both(script: Script) -> None:
    """Both systems hold it, and the vendor claims it in each: it is one meeting."""
    scene = script.scene("the same meeting in both systems", twice=True)
    scene.expect(scene.meeting().held(), "verified")


UNIT_CASES: tuple[Case, ...] = (
    moved,
    moved_twice,
    moved_after_acceptance,
    booked_anew,
    copied,
    repeated,
    repeated_untold,
    once_more,
    once_more_after_no_show,
    claimed_twice,
    by_conference,
    unheard_of,
    deleted,
    deleted_before,
    edited,
    edited_outcome,
    edited_time,
    merged,
    known,
    known_and_lost,
    led_to_deal,
    self_booked,
    before_the_term,
    unclaimed,
    in_both,
)
"""One function for each case; each call tells one."""
