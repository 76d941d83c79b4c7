"""`qualified-meeting`: who accepted it, when, and what silence means."""

import pytest

from tallystick.errors import ContractError
from tallystick.period import DAY, format_instant

EXECUTIVE, BOOKER, VENDOR = "ae", "sdr", "bot"
MINUTE = 60_000_000
FIELD = {"acceptance": "meeting_field", "acceptance_field": "accepted", "acceptance_values": ["Yes"]}
DAYS = 24 * 60
# The meeting took from 10:00 to 10:15 on Monday, 2026-10-05, in Berlin; five business days end on the 12th at midnight.
DEADLINE = "2026-10-12T22:00:00Z"
LATE = 7 * DAYS + 14 * 60


@pytest.fixture
def talked(booked):
    """A meeting whose conference took fifteen minutes, and that nobody has accepted."""
    booked.talk(900)
    return booked


@pytest.mark.parametrize(
    ("minutes", "author", "expected"),
    [
        (15, EXECUTIVE, ("meets", "")),
        (LATE - 1, EXECUTIVE, ("meets", "")),
        (LATE, EXECUTIVE, ("rejected", "accepted")),
        (14.999, EXECUTIVE, ("rejected", "accepted_after_end")),
        (60, BOOKER, ("rejected", "accepted_by_executive")),
        (60, VENDOR, ("rejected", "acceptance_independent")),
        (60, None, ("unverifiable", "acceptance_attributed")),
        (60, "nobody", ("unverifiable", "acceptance_attributed")),
        (LATE, BOOKER, ("rejected", "accepted")),
        (LATE, VENDOR, ("rejected", "accepted")),
        (LATE, None, ("rejected", "accepted")),
    ],
)
@pytest.mark.parametrize("act", ["deal_created", "deal_stage", "deal_field", "contact_field", "meeting_field"])
def test_acceptance_is_an_act_of_an_executive_after_the_end(talked, act, minutes, author, expected):
    """Whatever act accepts: at or after the actual end, before the deadline, by an executive who is not the vendor."""
    agreed = {"acceptance": act}
    if act == "deal_created":
        talked.deal(minutes, author)
    elif act == "deal_stage":
        talked.deal(-DAYS, EXECUTIVE, id="d1")
        talked.change("stage", '"Qualified"', minutes, author, "d1")
        agreed["accepting_stages"] = ["Won", "Qualified"]
    else:
        talked.deal(-DAYS, EXECUTIVE, id="d1")
        what = {"deal_field": "d1", "contact_field": "c1", "meeting_field": "m1"}[act]
        talked.change("accepted", "true", minutes, author, what)
        agreed["acceptance_field"] = "accepted"

    assert talked.verdict(**agreed) == expected


def test_each_reason_is_told(talked):
    """The sentence says when it was accepted, by what kind of person, and what would have been right."""
    talked.change("accepted", '"Yes"', 5)
    assert talked.because(**FIELD) == (
        "it was accepted at 2026-10-05T08:05:00Z, before it ended at 2026-10-05T08:15:00Z"
    )
    talked.change("accepted", '"Yes"', 20, BOOKER)
    talked.change("accepted", '"Yes"', LATE)
    said = {clause: told.because for clause, told in talked.decide(**FIELD)[3].items()}
    assert said["accepted_by_executive"].startswith("it was accepted at 2026-10-05T08:20:00Z by somebody who is no")
    assert said["accepted"] == f"no account executive accepted it before {DEADLINE}"


def test_one_good_act_is_enough(talked):
    """An executive's acceptance in time stands, whoever else accepted before, besides or after."""
    for minutes, author in ((5, EXECUTIVE), (20, BOOKER), (21, VENDOR), (22, None), (23, EXECUTIVE)):
        talked.change("accepted", '"Yes"', minutes, author)
    status, _, evaluation, _ = talked.decide(**FIELD)

    assert (status, evaluation.facts["accepted_by"]) == ("meets", EXECUTIVE)
    assert evaluation.facts["accepted_at"] == talked.start + 23 * MINUTE
    assert evaluation.decided_at == evaluation.facts["evidence_end"]


def test_the_scheduled_end_holds_where_the_actual_is_not_known(talked):
    """A conference without an end leaves the calendar's: an acceptance before that is too early."""
    talked.world.rows["call"][0]["ended_at"] = None
    talked.change("accepted", '"Yes"', 29)
    assert talked.verdict(**FIELD) == ("rejected", "accepted_after_end")

    talked.change("accepted", '"Yes"', 30)
    assert talked.verdict(**FIELD) == ("meets", "")


def test_a_meeting_that_ran_over_ended_when_it_did(talked):
    """A conference that lasted longer than scheduled ends later than the calendar says."""
    talked.talk(50 * 60)
    talked.change("accepted", '"Yes"', 40)

    assert talked.verdict(**FIELD) == ("rejected", "accepted_after_end")


def test_an_executive_who_is_the_vendor_may_be_allowed(talked):
    """An account executive who is an identity of the vendor is self-attested, or acts through its application."""
    talked.change("accepted", '"Yes"', 60, EXECUTIVE, app_id=VENDOR)
    assert talked.verdict(**FIELD) == ("rejected", "acceptance_independent")
    assert talked.verdict(**FIELD, accept_self_attested=True) == ("meets", "")


def test_self_attested_needs_the_roster_all_the_same(talked):
    """Letting the vendor attest does not make somebody outside the roster an executive."""
    talked.change("accepted", '"Yes"', 60, BOOKER, app_id=VENDOR)

    assert talked.verdict(**FIELD, accept_self_attested=True)[0] == "rejected"


@pytest.mark.parametrize(("since", "status"), [(59, "meets"), (61, "rejected")])
def test_the_role_held_at_the_act_counts(talked, since, status):
    """Who became an executive later was none when accepting."""
    talked.user("new", "SDR", since=talked.start)
    talked.user("new", "AE", since=talked.start + since * MINUTE)
    talked.change("accepted", '"Yes"', 60, "new")

    assert talked.verdict(**FIELD)[0] == status


def test_the_roster_may_name_persons(talked):
    """An id in the roster is an executive whatever the role, and without roles nobody else is."""
    talked.change("accepted", '"Yes"', 60, BOOKER)
    named = {"account_executive_ids": ["x", BOOKER]}

    assert talked.verdict(**FIELD, **named) == ("meets", "")
    assert talked.verdict(**FIELD, **named, account_executive_roles=[]) == ("meets", "")
    unnamed = {"account_executive_ids": [EXECUTIVE], "account_executive_roles": []}
    assert talked.verdict(**FIELD, **unnamed) == ("rejected", "accepted_by_executive")


def test_who_is_not_read_yet_may_still_come(talked):
    """An act of somebody the system does not show waits until its users were read past it."""
    talked.change("accepted", '"Yes"', 60, "nobody")
    talked.read(30 * DAYS)
    talked.read(50, "actor")

    assert talked.verdict(**FIELD)[0] == "pending"
    talked.read(10 * DAYS, "actor")
    assert talked.verdict(**FIELD) == ("unverifiable", "acceptance_attributed")


@pytest.mark.parametrize(
    ("new", "values", "status"),
    [
        ('"Yes"', ["Yes"], "meets"),
        ('"yes"', ["Yes"], "rejected"),
        ('"No"', ["Yes"], "rejected"),
        ("true", ["true"], "meets"),
        ('"true"', ["true"], "meets"),
        ("3", ["3"], "meets"),
        ('"No"', [], "meets"),
        ("true", [], "meets"),
        ("false", [], "rejected"),
        ('"false"', [], "rejected"),
        ("null", [], "rejected"),
        ('""', [], "rejected"),
        (None, [], "rejected"),
    ],
)
def test_values_that_accept(talked, new, values, status):
    """A value accepts as history writes it: a text, a word or a number; without a list any but empty and false does."""
    talked.change("custom.accepted", new, 60)

    assert talked.verdict(**{**FIELD, "acceptance_values": values})[0] == status


def test_a_value_alone_is_no_acceptance(talked):
    """A field that nobody set, as far as history tells, accepts nothing."""
    talked.meeting["custom"] = {"accepted": "Yes"}
    talked.change("another", '"Yes"', 60)

    assert talked.verdict(**FIELD) == ("rejected", "accepted")


@pytest.mark.parametrize(
    ("read", "expected"), [(LATE - 1, ("pending", "acceptance_attributed")), (LATE, ("rejected", "accepted"))]
)
@pytest.mark.parametrize("kind", ["change", "actor"])
def test_absence_is_known_once_the_window_was_read(talked, kind, read, expected):
    """That nobody accepted is pending until history is read to the end of the deadline, then rejected."""
    talked.read(read, kind)

    assert talked.verdict(**FIELD) == expected


def test_an_acceptance_needs_no_end_of_the_window(held):
    """Once accepted, nothing waits for the deadline, only for the hours in which evidence may come."""
    held.read(2 * DAYS)

    assert held.verdict() == ("meets", "")


@pytest.mark.parametrize(
    ("days", "holidays", "deadline"),
    [
        (0, [], "2026-10-05T22:00:00Z"),
        (1, [], "2026-10-06T22:00:00Z"),
        (4, [], "2026-10-09T22:00:00Z"),
        (5, [], "2026-10-12T22:00:00Z"),
        (5, ["2026-10-12", "2026-10-10"], "2026-10-13T22:00:00Z"),
        # The clocks change on 2026-10-25, so that the day ends an hour later.
        (20, [], "2026-11-02T23:00:00Z"),
    ],
)
def test_the_deadline_is_in_business_days(talked, days, holidays, deadline):
    """Business days count from the day after the end, in the contract's zone, without weekends and holidays."""
    agreed = {"acceptance_business_days": days, "holidays": holidays}
    found = talked.decide(**FIELD, **agreed)[2].facts["accept_end"]
    assert format_instant(found) == deadline

    talked.change("accepted", '"Yes"', (found - talked.start) / MINUTE - 1)
    assert talked.verdict(**FIELD, **agreed) == ("meets", "")
    talked.world.rows["change"][0]["at"] = found
    assert talked.verdict(**FIELD, **agreed) == ("rejected", "accepted")


@pytest.mark.parametrize(
    ("silence", "early", "over"),
    [
        ("reject", "pending", ("rejected", "accepted")),
        ("accept", "pending", ("meets", "")),
        ("escalate", "pending", ("unverifiable", "accepted")),
    ],
)
def test_silence_means_what_was_agreed(talked, silence, early, over):
    """Nobody accepting in time rejects, accepts, or leaves it to somebody, and only once the window was read."""
    agreed = FIELD | {"on_silence": silence}
    talked.read(LATE - 1)
    assert talked.verdict(**agreed)[0] == early

    talked.read(LATE)
    assert talked.verdict(**agreed) == over


def test_a_deemed_acceptance_is_decided_at_the_deadline(talked):
    """With silence as acceptance it is owed when the deadline is over; accepted before, when that was."""
    agreed = FIELD | {"on_silence": "accept"}
    assert format_instant(talked.decide(**agreed)[2].decided_at) == DEADLINE

    talked.change("accepted", '"Yes"', 2 * DAYS)
    assert talked.decide(**agreed)[2].decided_at == talked.start + 2 * DAY


@pytest.mark.parametrize("silence", ["reject", "accept", "escalate"])
def test_an_executive_may_decline(talked, silence):
    """An executive who declines is not silent; whoever else sets the field declines nothing."""
    agreed = FIELD | {"on_silence": silence}
    for author in (BOOKER, VENDOR, None):
        talked.change("accepted", '"No"', 60, author)
    assert talked.verdict(**agreed)[1] != "not_declined"

    talked.change("accepted", '"No"', 60, EXECUTIVE)
    assert "not_declined" in {name for name, told in talked.decide(**agreed)[3].items() if told.state.word == "false"}
    talked.change("accepted", '"Yes"', 61, EXECUTIVE)
    assert talked.verdict(**agreed) == ("meets", "")


@pytest.mark.parametrize(("days", "status"), [(20.9, "rejected"), (21.1, "meets")])
def test_an_acceptance_may_be_withdrawn_for_some_days(talked, days, status):
    """Within the days for it a withdrawal takes the outcome back; after them it does nothing."""
    talked.change("accepted", '"Yes"', 60)
    talked.change("accepted", "null", 60 + days * DAYS)

    assert talked.verdict(**FIELD)[0] == status
    assert talked.verdict(**FIELD, clawback_days=30) == ("rejected", "not_declined")
    assert talked.verdict(**FIELD, clawback_days=0) == ("meets", "")


def test_what_declines_may_be_listed(talked):
    """With a list only its values decline, for a stage too."""
    agreed = FIELD | {"rejection_values": ["No"]}
    talked.change("accepted", '"Yes"', 60)
    talked.change("accepted", '"Maybe"', 61)
    assert talked.verdict(**FIELD) == ("rejected", "not_declined")
    assert talked.verdict(**agreed) == ("meets", "")
    talked.change("accepted", '"No"', 62)
    assert talked.verdict(**agreed) == ("rejected", "not_declined")

    talked.deal(-DAYS, id="d1")
    talked.change("stage", '"Qualified"', 60, what="d1")
    talked.change("stage", '"Lost"', 90, what="d1")
    stage = {"acceptance": "deal_stage", "accepting_stages": ["Qualified"]}
    assert talked.verdict(**stage) == ("meets", "")
    assert talked.verdict(**stage, rejection_values=["Lost"]) == ("rejected", "not_declined")


def test_the_deal_of_the_meeting_comes_before_those_of_the_account(talked):
    """Where the meeting names a deal, others of its account accept nothing; without one they do."""
    stage = {"acceptance": "deal_stage", "accepting_stages": ["Qualified"]}
    talked.deal(-DAYS, id="d1", account_id=None)
    talked.deal(-DAYS, id="d2")
    talked.change("stage", '"Qualified"', 60, what="d2")
    assert talked.verdict(**stage) == ("meets", "")

    talked.meeting["deal_id"] = "d1"
    assert talked.verdict(**stage) == ("rejected", "accepted")
    talked.change("stage", '"Qualified"', 60, what="d1")
    assert talked.verdict(**stage) == ("meets", "")


def test_a_deal_of_another_account_accepts_nothing(talked):
    """A deal made of somebody else is no acceptance."""
    talked.deal(account_id="a2")

    assert talked.verdict() == ("rejected", "accepted")


def test_no_acceptance_may_be_agreed(talked):
    """Without acceptance a meeting that was held is enough, and nobody need be named."""
    assert talked.verdict(acceptance="none", account_executive_roles=[]) == ("meets", "")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"account_executive_roles": []}, "nobody may accept: name people.account_executive"),
        ({"acceptance": "meeting_field"}, "acceptance meeting_field and acceptance_field do not go together"),
        ({"acceptance_field": "x"}, "acceptance deal_created and acceptance_field do not go together"),
        ({"acceptance": "deal_stage"}, "acceptance deal_stage and accepting_stages do not go together"),
        ({"accepting_stages": ["x"]}, "acceptance deal_created and accepting_stages do not go together"),
        ({"rejection_values": ["x"]}, "rejection_values say nothing where acceptance is deal_created"),
        ({"holidays": ["2026-02-30"]}, "holidays: '2026-02-30' is not a day"),
        ({"holidays": ["Christmas"]}, "holidays: 'Christmas' is not a day"),
        ({"account_executive_ids": ["a b"]}, "account_executive_ids: 'a b' has a space inside"),
        ({"account_executive_roles": [str(n) for n in range(51)]}, "has more than 50 entries"),
    ],
)
def test_terms_that_do_not_go_together_are_refused(booked, values, message):
    """A contract in which nobody can accept, or nothing can be an acceptance, is refused when it is read."""
    with pytest.raises(ContractError, match=message):
        booked.verdict(**values)


def test_the_longest_lists_are_read(booked):
    """As many roles, values and stages as are possible still make expressions that can be read."""
    many = [f"a longer value {number}" for number in range(50)]
    stages = {"acceptance": "deal_stage", "accepting_stages": many, "rejection_values": [f"no {n}" for n in many]}

    assert booked.verdict(**stages, account_executive_roles=many)[0] == "rejected"


@pytest.mark.parametrize(("days", "clause"), [(-2, "accepted_after_end"), (-2.1, "accepted")])
def test_what_was_done_before_the_booking_is_no_early_acceptance(talked, days, clause):
    """A deal from before the meeting was booked, two days ahead, has nothing to do with it."""
    talked.deal(days * DAYS)

    assert talked.verdict() == ("rejected", clause)
    assert talked.verdict(on_silence="escalate")[0] == ("rejected" if days == -2 else "unverifiable")


def test_a_deal_that_has_the_id_of_the_meeting_says_nothing_of_it(talked):
    """A change of another kind of object neither accepts a meeting nor marks it as a no-show, whatever its id."""
    talked.change("status", '"no_show"', 30, object_type="deal")
    talked.change("accepted", '"Yes"', 60, object_type="deal")
    agreed = {"acceptance": "meeting_field", "acceptance_field": "accepted", "acceptance_values": ["Yes"]}
    assert talked.verdict(**agreed) == ("rejected", "accepted")


@pytest.mark.parametrize(
    ("app", "named", "expected"),
    [
        (None, [], ("meets", "")),
        ("app:9", ["app:9"], ("meets", "")),
        ("app:9", [], ("unverifiable", "acceptance_attributed")),
        ("bot", [], ("rejected", "acceptance_independent")),
    ],
)
def test_an_executive_who_acts_through_a_nameless_application_is_nobody_known(talked, app, named, expected):
    """What an application wrote in an executive's name counts only if the contract names it as the buyer's own."""
    talked.change("accepted", '"Yes"', 60, app_id=app)
    agreed = {"acceptance": "meeting_field", "acceptance_field": "accepted", "acceptance_values": ["Yes"]}
    assert talked.verdict(**agreed, buyer_apps=named) == expected
