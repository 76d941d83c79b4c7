"""`qualified-meeting`: what is no unit of its own, or none at all: no-shows, copies, series, accounts met before."""

import pytest

from tallystick.outcomes.meeting_qualified import QUALIFIED_MEETING
from tallystick.period import DAY

EXECUTIVE, BOOKER, VENDOR = "ae", "sdr", "bot"
MINUTE = 60_000_000
DAYS = 24 * 60


@pytest.mark.parametrize(
    ("minutes", "author", "expected"),
    [
        (20, BOOKER, ("rejected", "not_a_no_show")),
        (15 + DAYS - 0.001, EXECUTIVE, ("rejected", "not_a_no_show")),
        (15 + DAYS, EXECUTIVE, ("meets", "")),
        (20, VENDOR, ("rejected", "not_a_no_show")),
        (20, None, ("unverifiable", "not_a_no_show")),
        (-5, BOOKER, ("unverifiable", "not_a_no_show")),
    ],
)
@pytest.mark.parametrize("new", ['"no_show"', '"NO_SHOW"'])
def test_a_no_show_is_reported_in_time(held, minutes, author, new, expected):
    """A no-show marked by somebody within the hours after the end rejects; one by nobody known is unverifiable."""
    held.meeting["status"] = "no_show"
    held.change("status", new, minutes, author)

    assert held.verdict() == expected


def test_the_hours_for_a_report_are_agreed(held):
    """The window for a no-show report is as long as the contract says, and has to be read."""
    held.meeting["status"] = "no_show"
    held.change("status", '"no_show"', 15 + 3 * 60, BOOKER)
    assert held.verdict(no_show_report_hours=3) == ("meets", "")
    assert held.verdict(no_show_report_hours=4) == ("rejected", "not_a_no_show")

    held.world.rows["change"].clear()
    held.meeting["status"] = "completed"
    held.read(14 + 48 * 60)
    assert held.verdict(no_show_report_hours=48) == ("pending", "not_a_no_show")
    held.read(15 + 48 * 60)
    assert held.verdict(no_show_report_hours=48) == ("meets", "")


def test_the_vendor_does_not_undo_a_no_show(held):
    """A report that somebody of the buyer's corrects is none; the vendor's `completed` proves nothing."""
    held.meeting["status"] = "completed"
    held.change("status", '"no_show"', 20, BOOKER)
    for minutes, author, more in ((30, VENDOR, {}), (31, EXECUTIVE, {"app_id": VENDOR}), (32, None, {})):
        held.change("status", '"completed"', minutes, author, **more)
    assert held.verdict() == ("rejected", "not_a_no_show")
    assert held.because() == ("it was reported as a no-show at 2026-10-05T08:20:00Z, before 2026-10-06T08:15:00Z")

    held.change("status", '"completed"', 40, EXECUTIVE)
    assert held.verdict() == ("meets", "")
    held.change("status", '"no_show"', 50, BOOKER)
    assert held.verdict() == ("rejected", "not_a_no_show")


def test_completed_proves_nothing(booked):
    """A status of completed, by whomever, shows no length."""
    booked.meeting["status"] = "completed"
    booked.change("status", '"completed"', 40, EXECUTIVE)
    booked.deal()

    assert booked.verdict() == ("unverifiable", "held")


def test_a_no_show_without_history_is_unclear(held):
    """A status of which history does not say who set it when is unverifiable, once history was read."""
    held.meeting["status"] = "no_show"
    assert held.verdict() == ("unverifiable", "not_a_no_show")

    held.meeting["updated_at"] = held.start + 61 * DAY
    assert held.verdict() == ("pending", "not_a_no_show")


def test_a_canceled_meeting_is_none(held):
    """A meeting canceled before its end is rejected; canceled afterwards, it contradicts what shows it was held."""
    held.meeting["status"] = "canceled"
    change = held.change("status", '"canceled"', 14, EXECUTIVE)
    assert held.verdict() == ("rejected", "not_canceled")
    change["at"] = held.start + 15 * MINUTE
    assert held.verdict() == ("unverifiable", "not_canceled_later")
    assert held.because() == (
        "it was marked as canceled at 2026-10-05T08:15:00Z, after it had ended at 2026-10-05T08:15:00Z"
    )
    held.world.rows["change"].clear()
    held.meeting["updated_at"] = held.start + 61 * DAY
    assert held.verdict() == ("pending", "not_canceled")


def test_a_moved_meeting_is_judged_as_its_replacement(held):
    """A meeting that was rescheduled is none, by its status or, where it has none, by what stands in for it."""
    held.world.add("meeting", id="m2", rescheduled_from="m1", starts_at=held.start + DAY)
    assert held.verdict() == ("meets", "")
    held.meeting["status"] = None
    assert held.verdict() == ("rejected", "not_rescheduled")
    held.meeting["status"] = "rescheduled"
    held.change("status", '"rescheduled"', 14)
    assert held.verdict() == ("rejected", "not_rescheduled")


def test_a_copy_is_no_meeting_of_its_own(held):
    """What an invited user's calendar holds is a copy, whoever claims it."""
    held.meeting["parent_id"] = "m0"

    assert held.verdict() == ("rejected", "not_a_copy")
    assert held.because() == "it is an invited user's copy of 'm0', which is the meeting"


@pytest.mark.parametrize(
    ("other", "status"),
    [
        ({}, "unverifiable"),
        ({"status": "scheduled"}, "unverifiable"),
        ({"status": "completed"}, "rejected"),
        ({"status": "no_show"}, "meets"),
        ({"status": "canceled"}, "meets"),
        ({"status": "rescheduled"}, "meets"),
        ({"parent_id": "m1"}, "meets"),
        ({"series_id": "other"}, "meets"),
        ({"later": 0}, "meets"),
        ({"later": 7}, "meets"),
    ],
)
def test_only_the_first_of_a_series_counts(held, other, status):
    """Of a recurring series the first meeting that was not called off counts, unless each does."""
    held.meeting["series_id"] = "weekly"
    known = {"id": "m0", "series_id": "weekly", "starts_at": held.start - 7 * DAY}
    held.world.add("meeting", **{**known, **{name: value for name, value in other.items() if name != "later"}})
    if "later" in other:
        held.world.rows["meeting"][1]["starts_at"] = held.start + other["later"] * DAY

    assert held.verdict() == (status, "" if status == "meets" else "first_of_series")
    assert held.verdict(recurring="each") == ("meets", "")


def test_history_has_to_reach_back(held):
    """A meeting from before the history that was read cannot be judged by what is absent from it."""
    held.world.read_from["change"] = held.start + 1

    assert held.verdict() == ("unverifiable", "history_known")


@pytest.mark.parametrize(
    ("asked", "guarded"),
    [
        ({"one_per_account_days": 1}, True),
        ({"first_meeting_only": True}, True),
        ({"existing_pipeline_exclusion_days": 1}, True),
        ({}, False),
    ],
)
def test_rules_about_accounts_need_one(held, asked, guarded):
    """A meeting without an account cannot be told from others of it, where the contract has a rule about accounts."""
    held.meeting |= {"account_id": None, "deal_id": "d1"}
    held.deal(id="d1")

    expected = ("unverifiable", "account_known") if guarded else ("meets", "")
    assert held.verdict(**{"one_per_account_days": 0, **asked}) == expected


PIPELINE = {"existing_pipeline_exclusion_days": 30}


@pytest.mark.parametrize(
    ("days", "deal", "status"),
    [
        (-1, {}, "rejected"),
        (-30, {}, "rejected"),
        (-31, {}, "meets"),
        (0, {}, "meets"),
        (-1, {"closed_days": 0}, "meets"),
        (-1, {"closed_days": -0.5}, "meets"),
        (-1, {"closed_days": 1}, "rejected"),
        (-1, {"closed": True}, "unverifiable"),
        (-1, {"closed": None}, "unverifiable"),
        (-1, {"account_id": "a2"}, "meets"),
    ],
)
def test_an_open_deal_from_before_rules_it_out(held, days, deal, status):
    """A deal of the account that was created before the booking, and open then, is existing business."""
    booking = held.meeting["created_at"]
    if "closed_days" in deal:
        deal = {"closed": True, "closed_at": booking + round(deal["closed_days"] * DAY)}
    held.deal(**{"created_at": booking + days * DAY, **deal})

    assert held.verdict() == ("meets", "")
    assert held.verdict(**PIPELINE) == (status, "" if status == "meets" else "new_business")


def test_what_was_rescheduled_was_booked_when_the_first_was(held):
    """Where a replacement follows its original, business that began after the first booking is the meeting's own."""
    booking = held.meeting["created_at"]
    held.meeting["rescheduled_from"] = "m0"
    held.world.add("meeting", id="m0", created_at=booking - 5 * DAY, rescheduled_from="m00", starts_at=booking)
    held.deal(created_at=booking - 7 * DAY, author=BOOKER)
    assert held.verdict(**PIPELINE) == ("rejected", "new_business")

    held.world.add("meeting", id="m00", created_at=booking - 9 * DAY, starts_at=booking, created_by=VENDOR)
    assert held.verdict(**PIPELINE) == ("meets", "")
    assert held.verdict(**PIPELINE, reschedule_rule="new_unit") == ("rejected", "new_business")


@pytest.mark.parametrize(
    ("meeting", "call", "status"),
    [
        ({}, {}, "rejected"),
        ({"status": "completed"}, None, "rejected"),
        ({"status": "scheduled"}, None, "meets"),
        ({"status": "completed", "parent_id": "m1"}, None, "meets"),
        ({}, {"seconds": 899}, "meets"),
        ({}, {"status": "voicemail"}, "meets"),
        ({}, {"candidates": "m0 m7"}, "meets"),
        ({"account_id": "a2"}, {}, "meets"),
    ],
)
def test_only_the_first_meeting_of_an_account_counts(held, meeting, call, status):
    """An account that was met before, as a conversation or the CRM tells, is met already."""
    held.world.add("meeting", **{"id": "m0", "account_id": "a1", "starts_at": held.start - 40 * DAY, **meeting})
    if call is not None:
        held.talk(**{"seconds": 900, "after": -40 * DAYS, "meeting_id": "m0", **call})

    assert held.verdict() == ("meets", "")
    assert held.verdict(first_meeting_only=True) == (status, "" if status == "meets" else "first_meeting")


def test_the_accounts_of_a_unit_are_those_they_were_merged_into(held):
    """Meetings of an account that was merged into another one count as that one's."""
    assert held.decide()[2].facts["account_key"] == "a1"
    held.world.rows["account"][0]["merged_into"] = "a9"
    assert held.decide()[2].facts["account_key"] == "a9"
    held.meeting["account_id"] = "a3"
    assert held.decide()[2].facts["account_key"] == "a3"


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ({}, (("copied_from", "stands_in_for", "in_series"), "account_key", 90)),
        ({"one_per_account_days": 0}, (("copied_from", "stands_in_for", "in_series"), None, None)),
        ({"reschedule_rule": "new_unit", "recurring": "each"}, (("copied_from",), "account_key", 90)),
    ],
)
def test_what_one_unit_is(values, unit):
    """Copies, replacements and series are one unit as agreed, and meetings of an account lie days apart."""
    given = {"vendor_ids": ["v"], "acceptance": "none", **values}
    predicate = QUALIFIED_MEETING.predicate(given)

    assert (predicate.unit.links, predicate.unit.key, predicate.unit.days) == unit
    assert {*predicate.unit.links, "account_key"} <= set(predicate.fact)


def test_one_meeting_in_several_sources_is_agreed():
    """Only where the contract says so are meetings of several sources one by what the conference calls them."""
    given = {"vendor_ids": ["v"], "acceptance": "none"}
    assert QUALIFIED_MEETING.predicate(given).unit.anywhere is None
    across = QUALIFIED_MEETING.predicate({**given, "one_across_sources": True})

    assert across.fact[across.unit.anywhere].text == "external_id"


@pytest.mark.parametrize(
    ("author", "app", "status"),
    [
        (VENDOR, None, "meets"),
        (BOOKER, VENDOR, "meets"),
        (None, VENDOR, "meets"),
        (BOOKER, None, "rejected"),
        (BOOKER, "other", "rejected"),
        (None, None, "unverifiable"),
        (None, "other", "unverifiable"),
    ],
)
def test_the_vendor_is_paid_for_what_it_booked(held, author, app, status):
    """Who created a meeting booked it; where nobody knows who did, it is unverifiable, unless anyone's counts."""
    held.meeting |= {"created_by": author, "app_id": app}

    assert held.verdict() == (status, "" if status == "meets" else "booked_by_vendor")
    assert held.verdict(booked_by="anyone") == ("meets", "")
    if status == "rejected":
        assert held.because() == "it was booked by 'sdr', who is not the vendor"


@pytest.mark.parametrize("chain", [("m0",), ("m0", "m00")])
def test_who_moves_a_meeting_does_not_book_it(held, chain):
    """Where a replacement follows its original, the vendor booked what it booked first, whoever moved it."""
    held.meeting |= {"created_by": EXECUTIVE, "rescheduled_from": "m0"}
    for name, before in zip(chain, (*chain[1:], None), strict=True):
        author = BOOKER if before else VENDOR
        held.world.add("meeting", id=name, rescheduled_from=before, created_by=author, created_at=held.start - 9 * DAY)

    assert held.verdict() == ("meets", "")
    assert held.verdict(reschedule_rule="new_unit") == ("rejected", "booked_by_vendor")
