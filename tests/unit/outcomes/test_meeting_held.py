"""`qualified-meeting`: how long it lasted, by which source, and who wrote that."""

import pytest

from tallystick.errors import ContractError
from tallystick.period import DAY, parse_instant

EXECUTIVE, BOOKER, VENDOR = "ae", "sdr", "bot"
MINUTE = 60_000_000
FIELD = {"duration_sources": ["crm_field"], "duration_field": "minutes"}


def test_a_meeting_that_was_held_and_accepted_meets(held):
    """A conference of fifteen minutes with both sides there and a deal made after it is what is paid for."""
    assert held.verdict() == ("meets", "")


@pytest.mark.parametrize(("seconds", "expected"), [(899, ("rejected", "held")), (900, ("meets", ""))])
def test_a_second_decides(booked, seconds, expected):
    """14:59 is too short and 15:00 is long enough, and the verdict names the source and what it told."""
    booked.talk(seconds)
    booked.deal()
    status, clause, evaluation, explained = booked.decide()

    assert (status, clause) == expected
    assert (evaluation.facts["held_source"], evaluation.facts["held_length"]) == ("conference", seconds * 1_000_000)
    if clause:
        assert explained["held"].because == "it lasted 899 seconds by 'conference', and 15 minutes are agreed"


@pytest.mark.parametrize(("minutes", "status"), [(1, "meets"), (16, "rejected")])
def test_the_minutes_are_agreed(held, minutes, status):
    """A contract may ask for fewer or more minutes than fifteen."""
    assert held.verdict(min_minutes=minutes)[0] == status


def test_nothing_that_shows_a_length_is_no_proof_of_absence(booked):
    """Without any call the length is missing: unverifiable, not rejected, and the sentence names what is missing."""
    booked.deal()

    assert booked.verdict() == ("unverifiable", "held")
    assert booked.because().startswith("missing for good: held_length")


def test_a_scheduled_length_counts_only_in_words(booked):
    """The calendar's half hour proves nothing unless the contract lists it."""
    booked.deal()
    listed = ["conference", "scheduled"]

    assert booked.verdict(duration_sources=["conference", "call"])[0] == "unverifiable"
    status, _, evaluation, _ = booked.decide(duration_sources=listed)
    assert (status, evaluation.facts["held_source"]) == ("meets", "scheduled")
    booked.talk(60)
    assert booked.verdict(duration_sources=listed) == ("rejected", "held")


@pytest.mark.parametrize(
    "entry", [{"all_day": True, "ends_at": DAY}, {"ends_at": 0}, {"ends_at": -1}, {"ends_at": None}]
)
def test_an_entry_without_length_has_no_scheduled_one(booked, entry):
    """All-day, zero-length and endless entries are notes in a calendar, also where scheduled lengths count."""
    booked.deal(DAY // MINUTE + 60)
    ends_at = entry.get("ends_at")
    booked.meeting |= entry | {"ends_at": None if ends_at is None else booked.start + ends_at}

    assert booked.verdict(duration_sources=["scheduled"]) == ("unverifiable", "held")


@pytest.mark.parametrize(
    ("sources", "medium", "status"),
    [
        (["conference"], "conference", "meets"),
        (["conference"], "phone", "unverifiable"),
        (["call"], "phone", "meets"),
        (["call"], "conference", "unverifiable"),
        (["conference", "call"], "phone", "meets"),
        (["conference", "call"], None, "unverifiable"),
        (["scheduled"], "conference", "meets"),
    ],
)
def test_only_the_sources_agreed_count(booked, sources, medium, status):
    """A conference and a telephone call count each where it is listed."""
    booked.talk(900, medium)
    booked.deal()

    assert booked.verdict(duration_sources=sources)[0] == status


def test_the_longest_conversation_counts(booked):
    """Of several conversations the longest counts, whichever kind it is; pieces are not added."""
    booked.talk(480)
    booked.talk(480, after=9)
    booked.deal()
    assert booked.verdict() == ("rejected", "held")

    booked.talk(1_200, "phone", after=20)
    _, _, evaluation, _ = booked.decide()
    assert (evaluation.facts["held_source"], evaluation.facts["talk_seconds"]) == ("call", 1_200)
    assert evaluation.facts["ended_at"] == booked.start + 40 * MINUTE


@pytest.mark.parametrize("status", ["no_answer", "busy", "voicemail", "wrong_number"])
def test_a_call_that_reached_nobody_is_none(booked, status):
    """A voicemail is no conversation, however long it took."""
    booked.talk(900, "phone", status=status)
    booked.deal()

    assert booked.verdict() == ("unverifiable", "held")


@pytest.mark.parametrize(("status", "found"), [("other", "meets"), (None, "meets"), ("connected", "meets")])
def test_a_call_whose_status_says_nothing_counts(booked, status, found):
    """A conference has often no status; its length is measured all the same."""
    booked.talk(900, status=status)
    booked.deal()

    assert booked.verdict()[0] == found


def test_a_call_without_a_length_tells_none(booked):
    """A call of which the system tells no length leaves it unknown."""
    booked.talk(None)
    booked.deal()

    assert booked.verdict() == ("unverifiable", "held")


@pytest.mark.parametrize("author", [{"created_by": VENDOR}, {"app_id": VENDOR, "created_by": EXECUTIVE}])
def test_what_the_vendor_logged_is_self_attested(booked, author):
    """A conversation that only the vendor logged, or its application, fails unless the contract lets it count."""
    booked.talk(1_200, **author)
    booked.deal()

    assert booked.verdict() == ("rejected", "not_self_logged")
    assert "only the vendor itself logged a conversation, of 1200 seconds" in booked.because()
    assert booked.verdict(accept_self_attested=True) == ("meets", "")
    booked.talk(900, created_by=None)
    assert booked.verdict() == ("meets", "")


def test_what_the_vendor_logged_short_is_no_reason(booked):
    """A call the vendor logged that is too short anyway leaves the length unknown."""
    booked.talk(60, created_by=VENDOR)
    booked.deal()

    assert booked.verdict() == ("unverifiable", "held")


@pytest.mark.parametrize(
    ("read", "seconds", "status"),
    [
        (20, None, "pending"),
        (30 + 24 * 60 - 1, None, "pending"),
        (30 + 24 * 60 - 1, 60, "pending"),
        (30 + 24 * 60, None, "unverifiable"),
        (30 + 24 * 60, 60, "rejected"),
    ],
)
def test_a_call_may_still_be_logged(booked, read, seconds, status):
    """Until the hours for evidence are over and read, a missing or short conversation decides nothing."""
    if seconds:
        booked.talk(seconds, ended_at=None)
    booked.deal()
    booked.read(read, "call")

    assert booked.verdict(no_show_report_hours=1)[0] == status


def test_evidence_hours_are_agreed(booked):
    """With no hours for evidence, what is read past the end decides."""
    booked.deal()
    booked.read(31, "call")

    assert booked.verdict(evidence_hours=0) == ("unverifiable", "held")
    assert booked.verdict(evidence_hours=1)[0] == "pending"


def test_before_it_began_nothing_is_decided(held):
    """A meeting that lies beyond what was read is pending."""
    held.read(-10)

    assert held.verdict()[0] == "pending"


def test_clocks_that_change_inside_a_meeting_change_nothing(booked):
    """Across the end of summer time a meeting is as long as it took: elapsed time, not what the wall shows."""
    moved = parse_instant("2026-10-25T00:50:00Z") - booked.start
    booked.start += moved
    booked.meeting |= {"starts_at": booked.start, "ends_at": booked.start + 14 * MINUTE + 59_000_000}
    booked.deal(60)

    assert booked.verdict(duration_sources=["scheduled"]) == ("rejected", "held")
    booked.meeting["ends_at"] += 1_000_000
    assert booked.verdict(duration_sources=["scheduled"]) == ("meets", "")


@pytest.fixture
def typed(booked):
    """A meeting with twenty minutes in a field, and a deal made of it."""
    booked.meeting["custom"] = {"minutes": 20}
    booked.deal()
    return booked


@pytest.mark.parametrize("field", ["minutes", "custom.minutes", "Real_Minutes", "custom.Real_Minutes"])
def test_a_length_in_a_field_needs_its_author(typed, field):
    """A field with a length counts with a known author in its history, under any of its names."""
    agreed = FIELD | {"duration_history": "Real_Minutes"}
    assert typed.verdict(**agreed) == ("unverifiable", "duration_attributed")
    assert "field_author" in typed.because(**agreed)

    typed.change(field, "20", 40, BOOKER)
    status, _, evaluation, _ = typed.decide(**agreed)
    assert (status, evaluation.facts["held_source"], evaluation.facts["field_author"]) == (
        "meets", "crm_field", BOOKER,
    )  # fmt: skip


def test_a_length_that_is_too_short_is_so_whoever_wrote_it(typed):
    """A field that says fourteen minutes rejects."""
    typed.meeting["custom"] = {"minutes": 14}
    typed.change("minutes", "14", 40)

    assert typed.verdict(**FIELD) == ("rejected", "held")


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ({"actor": VENDOR}, ("rejected", "duration_independent")),
        ({"actor": EXECUTIVE, "app_id": VENDOR}, ("rejected", "duration_independent")),
        ({"actor": None}, ("unverifiable", "duration_attributed")),
        ({"actor": None, "app_id": VENDOR}, ("rejected", "duration_independent")),
        ({"actor": EXECUTIVE, "app_id": "other"}, ("meets", "")),
    ],
)
def test_a_length_the_vendor_wrote_is_self_attested(typed, author, expected):
    """A length the vendor wrote fails unless the contract lets it count; one nobody wrote is unverifiable anyway."""
    typed.change("minutes", "20", 40, **author)

    assert typed.verdict(**FIELD) == expected
    lenient = typed.verdict(**FIELD, accept_self_attested=True)
    assert lenient == (("meets", "") if author["actor"] else ("unverifiable", "duration_attributed"))


def test_the_last_author_of_a_length_counts(typed):
    """Who corrected the field last is its author; two authors at one instant are none."""
    typed.change("minutes", "20", 40, VENDOR)
    typed.change("minutes", "20", 45, BOOKER)
    assert typed.verdict(**FIELD) == ("meets", "")

    typed.change("minutes", "20", 45, EXECUTIVE)
    assert typed.verdict(**FIELD) == ("unverifiable", "duration_attributed")


def test_a_length_written_before_the_meeting_is_none(typed):
    """A length that stood in its field before the meeting began says nothing."""
    typed.change("minutes", "20", -1, BOOKER)

    assert typed.verdict(**FIELD) == ("rejected", "duration_written_later")


def test_a_length_whose_history_is_behind_waits(typed):
    """While history was read less far than the last change of the meeting, its author may still come."""
    typed.meeting["updated_at"] = typed.start + 2 * DAY
    typed.read(60 * 24 * 1.5, "change")

    assert typed.verdict(**FIELD, no_show_report_hours=1, acceptance="none") == ("pending", "duration_written_later")


def test_a_measured_length_comes_before_one_in_a_field(typed):
    """Where the conference told its length, what somebody typed in does not count."""
    typed.talk(300)
    typed.change("minutes", "20", 40, BOOKER)

    both = FIELD | {"duration_sources": ["crm_field", "conference"]}
    assert typed.verdict(**both) == ("rejected", "held")
    assert typed.verdict(**FIELD) == ("meets", "")


def test_a_call_that_may_belong_to_several_meetings_proves_nothing(booked):
    """A call that fits several meetings makes it unverifiable with all of them named, unless another one proves it."""
    booked.talk(900, candidates="m1 m2")
    booked.deal()
    assert booked.verdict() == ("unverifiable", "calls_told_apart")
    assert booked.because() == "a conversation of 900 seconds may belong to any of 'm1 m2'"
    assert booked.verdict(duration_sources=["call"]) == ("unverifiable", "held")

    booked.world.rows["call"][0]["seconds"] = 899
    assert booked.verdict() == ("unverifiable", "held")
    booked.world.rows["call"][0]["seconds"] = 5_000
    booked.talk(900)
    assert booked.verdict() == ("meets", "")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"duration_sources": []}, "duration_sources is empty"),
        ({"duration_sources": ["crm_field"]}, "go together: set both or neither"),
        ({"duration_field": "minutes"}, "go together: set both or neither"),
        ({"duration_sources": ["sundial"]}, "each one of conference, call, crm_field, scheduled"),
        ({"vendor_ids": ["a b"]}, "vendor_ids: 'a b' has a space inside"),
    ],
)
def test_sources_that_say_nothing_are_refused(booked, values, message):
    """A contract whose sources cannot decide is refused when it is read."""
    with pytest.raises(ContractError, match=message):
        booked.verdict(**values)
