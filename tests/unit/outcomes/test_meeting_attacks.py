"""`qualified-meeting` under attack: vendors who want to be paid for nothing, buyers who want to pay for nothing."""

import pytest

from tallystick.period import DAY, parse_instant

EXECUTIVE, BOOKER, VENDOR = "ae", "sdr", "bot"
MINUTE = 60_000_000
DAYS = 24 * 60
FIELD = {"acceptance": "meeting_field", "acceptance_field": "accepted", "acceptance_values": ["Yes"]}
TYPED = {"duration_sources": ["crm_field"], "duration_field": "minutes"}


@pytest.fixture
def accepted(booked):
    """A meeting without any conversation, that an executive accepted within the hour."""
    booked.deal()
    return booked


@pytest.mark.parametrize(
    ("began", "status"), [(-3 * DAYS, "unverifiable"), (-20, "unverifiable"), (-19, "meets"), (1425, "meets")]
)
def test_a_conversation_before_the_meeting_or_long_after_is_another_one(booked, began, status):
    """A call that ended before the meeting began, or more than a day after its scheduled end, proves nothing of it."""
    booked.talk(1200, after=began)
    booked.deal(max(began, 0) + 60)
    assert booked.verdict() == (status, "" if status == "meets" else "held")

    booked.world.rows["call"][0] |= {"ended_at": None}
    assert booked.verdict()[0] == status


def test_a_follow_up_is_no_meeting(booked):
    """A call days after a meeting to which nobody came does not stand in for it, accepted or not."""
    booked.talk(1200, after=2 * DAYS)
    booked.deal(2 * DAYS + 60)

    assert booked.verdict() == ("unverifiable", "held")


def test_the_day_of_an_all_day_entry_is_that_of_any_zone(booked):
    """An entry without times begins at midnight in UTC, which is no reason to refuse a call of that day in the east."""
    booked.meeting |= {"all_day": True, "starts_at": parse_instant("2026-10-05T00:00:00Z")}
    booked.talk(1200, after=-9 * 60)
    booked.deal()

    assert booked.verdict() == ("meets", "")
    booked.meeting["all_day"] = False
    assert booked.verdict() == ("unverifiable", "held")


@pytest.mark.parametrize("call", [{"seconds": 864_000, "days": 10}, {"seconds": 901, "days": 350_000}])
def test_an_endless_call_takes_nothing_back(held, call):
    """A call that somebody logs afterwards with an end days or ages away moves neither the end nor any deadline."""
    held.world.add(
        "call",
        started_at=held.start,
        ended_at=held.start + call["days"] * DAY,
        seconds=call["seconds"],
        medium="phone",
        meeting_id="m1",
    )

    assert held.verdict() == ("meets", "")


@pytest.mark.parametrize("seconds", [-1, -900, -(2**63), 2**62, 2**63 - 1])
def test_a_length_that_cannot_be_decides_nothing(accepted, seconds):
    """A call of less than no time, or of more than can be counted, leaves the length unknown."""
    known = {"started_at": accepted.start, "ended_at": accepted.end, "medium": "conference", "meeting_id": "m1"}
    accepted.world.add("call", seconds=seconds, **known)

    assert accepted.verdict() == ("unverifiable", "held")


@pytest.mark.parametrize("minutes", [-5, 2**53 - 1])
def test_a_typed_length_that_cannot_be_decides_nothing(accepted, minutes):
    """Minutes below nothing in a field of the CRM, or more than can be counted, are no length."""
    accepted.meeting["custom"] = {"minutes": minutes}
    accepted.change("minutes", str(minutes), 40)

    assert accepted.verdict(**TYPED) == ("unverifiable", "held")


def test_an_end_before_the_start_opens_no_window_early(booked):
    """Where the calendar's end lies before its start, deadlines run from the start."""
    booked.meeting["ends_at"] = booked.start - 30 * DAY
    booked.read(60)

    assert booked.verdict()[0] == "pending"


def test_the_vendor_does_not_win_a_meeting_by_moving_it(held):
    """A meeting that the buyer's own people booked stays theirs when the vendor moves it, unless each is a new unit."""
    held.meeting["rescheduled_from"] = "m0"
    held.world.add("meeting", id="m0", created_by=BOOKER, created_at=held.start - 9 * DAY)

    assert held.verdict() == ("rejected", "booked_by_vendor")
    assert held.verdict(reschedule_rule="new_unit") == ("meets", "")


@pytest.mark.parametrize("author", [VENDOR, EXECUTIVE])
def test_a_first_booking_that_is_not_there_is_nobodys(held, author):
    """Where the first of a chain of meetings is not known, or nobody knows who booked it, it is unverifiable."""
    held.meeting |= {"created_by": author, "rescheduled_from": "m0"}
    assert held.verdict() == ("unverifiable", "booked_by_vendor")

    first = held.world.add("meeting", id="m0", created_at=held.start - 9 * DAY, created_by=None)
    assert held.verdict() == ("unverifiable", "booked_by_vendor")
    first |= {"created_by": author, "rescheduled_from": "m00"}
    held.world.add("meeting", id="m00", created_at=held.start - 9 * DAY, created_by=author, rescheduled_from="m000")
    assert held.verdict() == ("unverifiable", "booked_by_vendor")


@pytest.mark.parametrize(("minutes", "status"), [(14, "meets"), (15, "unverifiable"), (40, "unverifiable")])
def test_what_is_entered_afterwards_was_not_booked(held, minutes, status):
    """A meeting that the vendor enters once a conversation is over is no booking; during it, it may be one."""
    held.meeting["created_at"] = held.start + minutes * MINUTE

    assert held.verdict() == (status, "" if status == "meets" else "booked_before_end")
    assert held.verdict(booked_by="anyone") == ("meets", "")


@pytest.mark.parametrize("word", ["canceled", "rescheduled"])
def test_a_mark_made_afterwards_contradicts_a_conversation(held, word):
    """Marking a meeting as off once it was held takes it back for nobody; who knows when it was marked decides."""
    clause = f"not_{word}"
    held.meeting["status"] = word
    assert held.verdict() == ("unverifiable", f"{clause}_later")

    change = held.change("status", f'"{word}"', 3 * DAYS)
    assert held.verdict() == ("unverifiable", f"{clause}_later")
    change["at"] = held.start + 14 * MINUTE
    assert held.verdict() == ("rejected", clause)
    held.world.rows["change"].clear()
    held.world.rows["call"][0]["seconds"] = 899
    assert held.verdict() == ("rejected", clause)
    held.meeting["updated_at"] = held.start + 61 * DAY
    assert held.verdict() == ("rejected", "held")


def test_a_follow_up_planned_after_the_end_moves_nothing(held):
    """Without a status, only what was planned before the end stands in for a meeting."""
    held.meeting["status"] = None
    held.world.add("meeting", id="m2", rescheduled_from="m1", created_at=held.start + 15 * MINUTE)
    assert held.verdict() == ("meets", "")

    held.world.add("meeting", id="m3", rescheduled_from="m1", created_at=held.start + 14 * MINUTE)
    assert held.verdict() == ("rejected", "not_rescheduled")


@pytest.mark.parametrize(("seconds", "status"), [(899, "unverifiable"), (900, "rejected"), (None, "unverifiable")])
def test_whether_a_series_had_begun_may_be_unknown(held, seconds, status):
    """An earlier meeting of a series counts as held by its conversation; without any, nobody knows which was first."""
    held.meeting["series_id"] = "weekly"
    held.world.add("meeting", id="m0", series_id="weekly", starts_at=held.start - 7 * DAY)
    if seconds is not None:
        held.talk(seconds, after=-7 * DAYS, meeting_id="m0")

    assert held.verdict() == (status, "first_of_series")


def test_a_refusal_by_nobody_known_is_no_silence(booked):
    """Where silence accepts, a refusal by nobody known leaves it open, unless an executive accepts after it."""
    agreed = FIELD | {"on_silence": "accept"}
    booked.talk(900)
    booked.change("accepted", '"No"', 60, None)
    assert booked.verdict(**agreed) == ("unverifiable", "decline_attributed")
    assert booked.because(**agreed) == "it was declined at 2026-10-05T09:00:00Z, by nobody known"

    booked.world.rows["change"][0]["actor_id"] = "unseen"
    assert booked.verdict(**agreed) == ("unverifiable", "decline_attributed")
    booked.read(30 * DAYS)
    booked.read(30, "actor")
    assert booked.verdict(**agreed)[0] == "pending"
    booked.read(30 * DAYS)
    booked.change("accepted", '"Yes"', 61)
    assert booked.verdict(**agreed) == ("meets", "")


@pytest.mark.parametrize("silence", ["accept", "reject", "escalate"])
def test_a_yes_and_a_no_at_one_instant_are_neither(booked, silence):
    """Of two acts of executives at one instant nobody knows which came last, whatever silence means."""
    booked.talk(900)
    for word in ('"Yes"', '"No"'):
        booked.change("accepted", word, 60)

    assert booked.verdict(**FIELD, on_silence=silence) == ("unverifiable", "not_declined")


@pytest.mark.parametrize("call", [{"status": "voicemail"}, {"after": -2 * DAYS}, {"created_by": VENDOR}])
def test_who_is_named_in_a_call_that_proves_nothing_was_perhaps_not_there(booked, call):
    """A voicemail, a call before the meeting and one the vendor logged put who took part in doubt."""
    booked.talk(900)
    booked.deal()
    booked.buyer["attended"], booked.prospect["attended"] = True, False
    booked.talk(10, medium="phone", id="other", **call)
    booked.invite(call_id="other", internal=False, domain="customer.example")

    assert booked.verdict(attendance="attended") == ("unverifiable", "prospect_present")


@pytest.mark.parametrize(
    ("title", "agreed"),
    [
        ("Ärztlicher Direktor", "Ärztlicher Direktor"),
        ("GESCHÄFTSFÜHRER Süd", "Geschäftsführer"),
        ("Geschäftsführer", "GESCHÄFTSFÜHRER"),
        ('L\'associé "gérant"', "l'associé"),
    ],
)
def test_a_title_has_any_letters(held, title, agreed):
    """Letters beyond a to z are the same in capitals and not, in a contract and in a record."""
    held.world.rows["contact"][0]["title"] = title

    assert held.verdict(decision_maker_titles=[agreed]) == ("meets", "")
    assert held.verdict(decision_maker_titles=["Direktorin"]) == ("rejected", "decision_maker_present")


def test_words_of_a_system_may_hold_anything(booked):
    """Quotes, strokes and signs of any script in roles and values are compared as they are."""
    role, word = 'L\'AE "chef" ß 役員\\', 'It\'s "ok" ß 是\\'
    booked.talk(900)
    booked.user("other", role)
    booked.change("accepted", '"It\'s \\"ok\\" ß 是\\\\"', 60, "other")

    agreed = FIELD | {"acceptance_values": [word], "account_executive_roles": [role]}
    assert booked.verdict(**agreed) == ("meets", "")


@pytest.mark.parametrize(
    "agreed",
    [
        {},
        {**FIELD, "on_silence": "escalate"},
        {**FIELD, "on_silence": "accept", "first_meeting_only": True, "existing_pipeline_exclusion_days": 30},
        {**TYPED, "attendance": "attended", "decision_maker_titles": ["x"]},
        {"duration_sources": ["scheduled"], "acceptance": "deal_stage", "accepting_stages": ["x"]},
    ],
)
def test_nothing_is_known_of_rows_of_nulls(booked, agreed):
    """A meeting of which every column is null, among rows that are null too, is never verified and stops nothing."""
    for kind in ("call", "attendee", "change", "deal", "account", "contact", "actor"):
        booked.world.add(kind, id=f"{kind}-null")
    for kind, links in (("call", "meeting_id"), ("attendee", "meeting_id"), ("change", "object_id")):
        booked.world.add(kind, id=f"{kind}-of-m1", **{links: "m1"})
    booked.meeting |= {name: None for name in booked.meeting if name not in {"id", "version"}}

    assert booked.decide(**agreed)[0] == "unverifiable"
