"""`ticket-resolved`, clause by clause: every case is decided in SQL and in Python, and both must agree."""

import pytest

from tallystick.errors import ContractError
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED
from tallystick.period import DAY, parse_instant

BOT, PERSON, CUSTOMER = "900", "501", "700"
HOUR = 3_600_000_000


def _decide(desk, **values):
    predicate = TICKET_RESOLVED.predicate({"bots": [BOT], **values})
    row, evaluation, explained = desk.world.decide(predicate)
    clause = predicate.clauses[row["clause"]].name if row["clause"] is not None else ""
    return row["status"], clause, evaluation, explained


def _verdict(desk, **values):
    return _decide(desk, **values)[:2]


def test_a_clean_resolution_meets(resolved):
    """Answered by the AI agent, resolved, silent and not reopened: it meets."""
    assert _verdict(resolved) == ("meets", "")


HANDOFFS = {
    "public reply before": (lambda d: d.say(1.5, PERSON), {}, "no_human_reply"),
    "public reply inside the window": (lambda d: d.say(50, PERSON), {}, "no_human_reply"),
    "public reply after the window": (lambda d: d.say(2 + 7 * 24, PERSON), {}, ""),
    "public reply one second before": (lambda d: d.say(2 + 7 * 24 - 1 / 3600, PERSON), {}, "no_human_reply"),
    "admin": (lambda d: d.say(1.5, "502"), {}, "no_human_reply"),
    "internal note": (lambda d: d.say(1.5, PERSON, public=False), {}, ""),
    "internal note voids if agreed": (
        lambda d: d.say(1.5, PERSON, public=False),
        {"handoff_voids": ["internal_note"]},
        "no_internal_note",
    ),
    "public reply allowed": (lambda d: d.say(1.5, PERSON), {"handoff_voids": ["requested"]}, ""),
    "note made public": (
        lambda d: (d.say(1.5, PERSON, public=False), d.act("privacy", 3, PERSON, value="public")),
        {},
        "no_human_reply",
    ),
    "reply made private": (
        lambda d: (d.say(1.5, PERSON), d.act("privacy", 3, PERSON, value="private")),
        {},
        "no_human_reply",
    ),
    "call": (lambda d: d.act("call", 1.5, PERSON), {}, "no_human_reply"),
    "assigned to a person": (
        lambda d: d.act("assigned", 1.5, BOT, assignee_id=PERSON),
        {},
        "no_assignment",
    ),
    "assigned by a rule": (lambda d: d.act("assigned", 1.5, by="rule", assignee_id=PERSON), {}, "no_assignment"),
    "assigned while solving": (lambda d: d.act("assigned", 2, by="rule", assignee_id=PERSON), {}, ""),
    "assigned and nobody acts": (
        lambda d: d.act("assigned", 1.5, by="rule", assignee_id=PERSON),
        {"assignment_counts": "when_followed"},
        "",
    ),
    "assigned to the AI agent": (lambda d: d.act("assigned", 1.5, by="rule", assignee_id=BOT), {}, ""),
    "left the AI group": (
        lambda d: d.act("grouped", 1.5, by="rule", previous="g-ai", group_id="g-people"),
        {"ai_groups": ["g-ai"]},
        "no_assignment",
    ),
    "between groups of people": (
        lambda d: d.act("grouped", 1.5, by="rule", previous="g-1", group_id="g-2"),
        {"ai_groups": ["g-ai"]},
        "",
    ),
    "escalation tag": (
        lambda d: d.act("tagged", 1.5, BOT, value="escalated"),
        {"escalation_tags": ["escalated"]},
        "no_request",
    ),
    "another tag": (lambda d: d.act("tagged", 1.5, BOT, value="vip"), {"escalation_tags": ["escalated"]}, ""),
    "escalation field": (
        lambda d: d.world.add("change", object_id="t1", at=d.start + HOUR, field="custom.36", new='"yes"'),
        {"escalation_fields": ["36"]},
        "no_request",
    ),
    "escalation field emptied": (
        lambda d: d.world.add("change", object_id="t1", at=d.start + HOUR, field="custom.36", new="null"),
        {"escalation_fields": ["36"]},
        "",
    ),
}


@pytest.mark.parametrize("case", HANDOFFS)
def test_what_is_a_handoff(resolved, case):
    """Each rule of handoff decides by who acted, when, and what the contract lets count."""
    happen, values, clause = HANDOFFS[case]
    happen(resolved)

    assert _verdict(resolved, **values) == ("rejected" if clause else "meets", clause)


def test_an_agent_who_asks_is_a_customer(desk):
    """An agent who opened the ticket for himself writes as its customer; one who became requester later does not."""
    desk.ticket["requester_id"] = PERSON
    desk.act("created", 0, PERSON)
    desk.say(0, PERSON)
    desk.say(1, BOT)
    desk.act("solved", 2, BOT)
    assert _verdict(desk) == ("meets", "")

    desk.world.rows["ticket_event"][0]["actor_id"] = CUSTOMER

    assert _verdict(desk) == ("rejected", "no_human_reply")


def test_an_agent_in_copy_makes_it_unverifiable(resolved):
    """Whoever can copy an agent could hide a handoff: what an agent in copy said is not clear."""
    resolved.ticket["cc_ids"] = "501 503"
    resolved.say(1.5, PERSON)

    assert _verdict(resolved) == ("unverifiable", "actors_known")


HOLES = {
    "solved and undone at once": (
        lambda d: d.act("reopened", 2, by="rule", previous="solved"),
        {},
        ("rejected", "not_returned"),
    ),
    "assigned at once and undone": (
        lambda d: (d.act("assigned", 2, by="rule", assignee_id=PERSON), d.act("reopened", 2, says="thanks")),
        {},
        ("rejected", "no_assignment"),
    ),
    "a person did the work before the thanks": (
        lambda d: (d.say(4, PERSON), d.say(5, CUSTOMER, "thanks")),
        {"confirmation": "explicit", "reopen_effect": "credit"},
        ("rejected", "no_human_reply"),
    ),
    "a question after the thanks": (
        lambda d: (d.say(1.2, CUSTOMER, "thanks"), d.say(1.5, CUSTOMER)),
        {"confirmation": "explicit"},
        ("rejected", "confirmed"),
    ),
    "a question that the clock does not see": (
        lambda d: d.say(1.5, CUSTOMER),
        {"clock_start": "last_message"},
        ("rejected", "confirmed"),
    ),
    "a complaint after a thank-you had it open again": (
        lambda d: (d.act("reopened", 80, CUSTOMER, says="thanks"), d.say(100, CUSTOMER)),
        {},
        ("rejected", "not_returned"),
    ),
    "thanks on behalf of the requester": (
        lambda d: d.say(3, CUSTOMER, "thanks", channel="on_behalf"),
        {"confirmation": "explicit"},
        ("rejected", "confirmed"),
    ),
    "a rating by somebody of the desk": (
        lambda d: d.act("rated", 3, "502", score=5),
        {"confirmation": "explicit"},
        ("rejected", "confirmed"),
    ),
    "a call by nobody known": (lambda d: d.act("call", 1.5), {}, ("unverifiable", "actors_known")),
    "a procedure named after the handoff": (
        lambda d: (d.say(1.5, PERSON), d.act("tagged", 1.6, BOT, value="returns")),
        {"billable_handoffs": ["returns"]},
        ("rejected", "no_human_reply"),
    ),
    "an escalation tag in other letters": (
        lambda d: d.act("tagged", 1.5, BOT, value="escalated"),
        {"escalation_tags": ["Escalated"]},
        ("rejected", "no_request"),
    ),
    "a judge's tag before any answer": (
        lambda d: d.act("tagged", 0.5, PERSON, value="judged_resolved"),
        {"confirmation": "judged", "judge": "llm"},
        ("unverifiable", "confirmed"),
    ),
    "a note after all was settled": (
        lambda d: (d.act("assigned", 1.5, by="rule", assignee_id=PERSON), d.say(400, PERSON, public=False)),
        {"assignment_counts": "when_followed"},
        ("meets", ""),
    ),
    "an agent whom the system has not shown yet": (
        lambda d: (d.say(50, "404"), d.world.read_to.update(actor=d.start + 10 * HOUR)),
        {},
        ("pending", "actors_known"),
    ),
    "a follow-up told by its events alone": (
        lambda d: d.world.add(
            "ticket_event", id="9", ticket_id="t2", at=d.start + 3 * DAY, kind="created", other_ticket_id="t1"
        ),
        {},
        ("rejected", "not_returned"),
    ),
    "marked as spam after it was settled": (lambda d: d.act("spam", 400, PERSON), {}, ("meets", "")),
}


@pytest.mark.parametrize("case", HOLES)
def test_what_looks_like_success_and_is_none(resolved, case):
    """Each way to be paid for a person's work, or for a customer left alone, that was ever tried is closed."""
    happen, values, verdict = HOLES[case]
    happen(resolved)
    resolved.ticket["reopens_reported"] = None

    assert _verdict(resolved, **values) == verdict


def test_a_ticket_older_than_the_history_is_unverifiable(resolved):
    """What happened before the first act that was read is not known, so nobody says that no person answered."""
    resolved.world.read_from["ticket_event"] = resolved.start + 1

    assert _verdict(resolved) == ("unverifiable", "history_known")


def test_closed_and_never_resolved_is_no_resolution(desk):
    """A closed ticket cannot be resolved any more: its claim does not wait for ever."""
    desk.say(1, BOT)
    desk.act("closed", 5, by="rule", previous="open")

    assert _verdict(desk) == ("rejected", "resolved")


def test_the_agent_mints_no_units_alone(resolved):
    """With `new_unit` an agent that reopens and resolves a ticket by itself makes no further unit."""
    for at in (100, 200, 300):
        resolved.act("reopened", at, BOT, says=None)
        resolved.act("solved", at + 1, BOT)
    resolved.ticket["reopens_reported"] = 3

    _, _, evaluation, _ = _decide(resolved, reopen_effect="new_unit", reopen_days=1, silence_hours=12)

    assert evaluation.quantity == 1


def test_the_role_is_that_of_the_act(resolved):
    """A reply by somebody who was an agent then counts, and one by somebody who became one later does not."""
    resolved.user(PERSON, "end-user", since=resolved.start + 3 * HOUR)
    resolved.user("503", "end-user")
    resolved.user("503", "agent", since=resolved.start + 3 * HOUR)
    resolved.say(0.2, "503")
    assert _verdict(resolved) == ("meets", "")

    resolved.say(1.5, PERSON)

    assert _verdict(resolved) == ("rejected", "no_human_reply")


def test_an_unknown_author_makes_it_unverifiable(resolved):
    """Somebody whom the system does not show may have been a person: neither met nor rejected."""
    resolved.say(1.5, "404")

    assert _verdict(resolved) == ("unverifiable", "actors_known")


@pytest.mark.parametrize("unknown", [{"public": None}, {"says": None}])
def test_a_message_nobody_can_place_makes_it_unverifiable(resolved, unknown):
    """A message of which it is not known who could read it, or what it says, may have been a handoff."""
    resolved.say(1.5, CUSTOMER, **unknown)

    assert _verdict(resolved) == ("unverifiable", "actors_known")


def test_a_shared_seat_makes_it_unverifiable(resolved):
    """What comes from a seat that the AI agent shares with a person cannot be told apart."""
    resolved.say(1.5, PERSON)

    assert _verdict(resolved, shared_seats=[PERSON]) == ("unverifiable", "seats_apart")


def test_solved_by_a_person_is_no_resolution_of_the_agent(desk):
    """The AI agent answered, and a person resolved it."""
    desk.say(1, BOT)
    desk.act("solved", 2, PERSON)

    assert _verdict(desk) == ("rejected", "no_human_solve")


@pytest.mark.parametrize(("says", "clause"), [("greeting", "answered"), ("thanks", "answered"), ("other", "")])
def test_a_greeting_is_no_answer(desk, says, clause):
    """Solved after nothing but a greeting is not answered."""
    desk.say(1, BOT, says)
    desk.act("solved", 2, by="rule")

    assert _verdict(desk)[1] == clause
    assert _verdict(desk, min_substantive_reply=False) == ("meets", "")


def test_the_platform_that_takes_it_away_is_a_handoff(resolved):
    """A messaging ticket that the platform listed as its AI agent's, and not any more once resolved, was escalated."""
    resolved.ticket["channel"] = "messaging"
    assert _verdict(resolved, platform_ai=True) == ("rejected", "no_request")
    assert _verdict(resolved) == ("meets", "")
    resolved.act("ai_agent", 1)
    assert _verdict(resolved) == ("rejected", "no_request")

    resolved.act("ai_agent", 2)

    assert _verdict(resolved) == ("meets", "")


def test_a_billable_handoff_is_allowed_by_name(resolved):
    """A handoff of a procedure the buyer agreed to pay for rules nothing out; one of another procedure does."""
    resolved.say(1.5, PERSON)
    resolved.act("tagged", 1.2, BOT, value="returns")

    assert _verdict(resolved, billable_handoffs=["returns"]) == ("meets", "")
    assert _verdict(resolved, billable_handoffs=["refunds"]) == ("rejected", "no_human_reply")


@pytest.mark.parametrize(
    ("solved", "days", "returned", "clause"),
    [
        ("2026-10-05T10:00:00Z", 7, "2026-10-12T09:59:59Z", "not_returned"),
        ("2026-10-05T10:00:00Z", 7, "2026-10-12T10:00:00Z", ""),
        # Summer time ends in Berlin on 2026-10-25: the window is an hour longer than seven times 24 hours.
        ("2026-10-20T10:00:00Z", 7, "2026-10-27T10:59:59Z", "not_returned"),
        ("2026-10-20T10:00:00Z", 7, "2026-10-27T11:00:00Z", ""),
        ("2026-10-20T10:00:00Z", 7, "2026-10-27T10:00:01Z", "not_returned"),
    ],
)
def test_a_return_counts_until_the_window_ends(desk, solved, days, returned, clause):
    """One second before the end of the window voids and the end does not, across a change of the clocks too."""
    at = (parse_instant(solved) - desk.start) / HOUR
    desk.say(at - 1, BOT)
    desk.act("solved", at, BOT)
    desk.act("reopened", (parse_instant(returned) - desk.start) / HOUR, CUSTOMER, says="other")
    desk.ticket["reopens_reported"] = 1

    assert _verdict(desk, reopen_days=days) == ("rejected" if clause else "meets", clause)


def test_a_thank_you_is_no_return_unless_agreed(resolved):
    """A customer who reopens the ticket by saying thanks did not come back."""
    resolved.act("reopened", 4, CUSTOMER, says="thanks")

    assert _verdict(resolved) == ("meets", "")
    assert _verdict(resolved, thanks_is_a_return=True) == ("rejected", "not_returned")


@pytest.mark.parametrize(("days", "clause"), [(6, "not_returned"), (8, "")])
def test_a_follow_up_is_a_return(resolved, days, clause):
    """A closed ticket cannot reopen: a follow-up inside the window counts as the return."""
    resolved.world.add("ticket", id="t2", follow_up_of="t1", created_at=resolved.start + 2 * HOUR + days * DAY)

    assert _verdict(resolved)[1] == clause


def test_the_scope_of_a_return_is_agreed(resolved):
    """Another ticket of the requester counts where the contract says so, on the same topic or on any."""
    custom = {"ticket": {"topic": "text"}}
    resolved.ticket["custom"] = {"topic": "billing"}
    other = resolved.world.add(
        "ticket", id="t2", requester_id=CUSTOMER, created_at=resolved.start + DAY, custom={"topic": "delivery"}
    )

    def verdict(**values):
        predicate = TICKET_RESOLVED.predicate({"bots": [BOT], **values}, custom=custom)
        return resolved.world.decide(predicate)[0]["status"]

    same_topic = {"reopen_scope": "same_requester_same_topic", "topic_field": "topic"}
    assert verdict() == "meets"
    assert verdict(reopen_scope="any_ticket") == "rejected"
    assert verdict(**same_topic) == "meets"
    other["custom"] = {"topic": "billing"}
    assert verdict(**same_topic) == "rejected"


def test_a_topic_scope_needs_the_field(resolved):
    """The scope of the same topic without a field for the topic is refused."""
    with pytest.raises(ContractError, match="topic_field"):
        _verdict(resolved, reopen_scope="same_requester_same_topic")


def test_effects_of_a_return(resolved):
    """A return voids, or is taken back later, or starts another unit, or does nothing, as agreed."""
    resolved.act("reopened", 30, CUSTOMER, says="other")
    resolved.say(31, BOT)
    resolved.act("solved", 32, BOT)
    resolved.ticket["reopens_reported"] = 1

    assert _verdict(resolved, reopen_effect="void") == ("rejected", "not_returned")
    assert _verdict(resolved, reopen_effect="credit") == ("rejected", "not_returned")
    assert _verdict(resolved, reopen_effect="none", silence_hours=12) == ("meets", "")


@pytest.mark.parametrize(("days", "units"), [(1, 2), (3, 1)])
def test_a_new_unit_counts_resolutions_that_lasted(resolved, days, units):
    """With `new_unit` a return after the window starts another unit, and one inside it makes the first none."""
    resolved.act("reopened", 30, CUSTOMER, says="other")
    resolved.say(31, BOT)
    resolved.act("solved", 32, BOT)
    resolved.ticket["reopens_reported"] = 1

    status, _, evaluation, _ = _decide(resolved, reopen_effect="new_unit", reopen_days=days, silence_hours=12)

    assert (status, evaluation.quantity) == ("meets", units)


def test_with_a_credit_the_unit_is_owed_at_once(resolved):
    """With `credit` nothing waits for the end of the window of returns."""
    resolved.world.read_to = dict.fromkeys(resolved.world.read_to, resolved.start + 80 * HOUR)

    assert _verdict(resolved, reopen_effect="credit") == ("meets", "")
    assert _verdict(resolved, reopen_effect="void") == ("pending", "genuine")


@pytest.mark.parametrize(
    ("channel", "hours", "clause"),
    [
        ("email", 72, ""),
        ("email", 71.9, "confirmed"),
        ("messaging", 24, ""),
        ("messaging", 23.9, "confirmed"),
        ("voice", 1.1, ""),
        ("voice", 0.5, "confirmed"),
        (None, 71.9, "confirmed"),
    ],
)
def test_silence_lasts_as_long_as_the_channel_asks(resolved, channel, hours, clause):
    """The customer's next message inside the silence of the channel denies it, and at its end does not."""
    resolved.ticket["channel"] = channel
    resolved.say(1 + hours, CUSTOMER)

    assert _verdict(resolved)[1] == clause


@pytest.mark.parametrize(
    ("start", "hours", "clause"),
    [("last_agent_reply", 24.9, "confirmed"), ("close", 25.5, "confirmed"), ("first_message", 24.5, "")],
)
def test_the_clock_starts_where_agreed(resolved, start, hours, clause):
    """Silence is counted from the instant the contract names."""
    resolved.say(hours, CUSTOMER)

    assert _verdict(resolved, clock_start=start, silence_hours=24)[1] == clause


def test_a_thank_you_does_not_break_the_silence(resolved):
    """A customer who says thanks does not ask again."""
    resolved.say(3, CUSTOMER, "thanks")

    assert _verdict(resolved) == ("meets", "")


EXPLICIT = {
    "nothing": (lambda _: None, "confirmed"),
    "thanks": (lambda d: d.say(3, CUSTOMER, "thanks"), ""),
    "thanks by somebody else": (lambda d: d.say(3, "701", "thanks"), "actors_known"),
    "thanks through the API": (lambda d: d.say(3, CUSTOMER, "thanks", channel="api"), "confirmed"),
    "thanks before the answer": (lambda d: d.say(0.5, CUSTOMER, "thanks"), "confirmed"),
    "good rating": (lambda d: d.act("rated", 3, CUSTOMER, score=5), ""),
    "rating by the agent itself": (lambda d: d.act("rated", 3, BOT, score=5), "confirmed"),
    "too late": (lambda d: d.act("rated", 3 + 7 * 24, CUSTOMER, score=5), "confirmed"),
}


@pytest.mark.parametrize("case", EXPLICIT)
def test_what_confirms(resolved, case):
    """A good rating or a thank-you of the requester confirms; what the vendor could have written does not."""
    happen, clause = EXPLICIT[case]
    happen(resolved)

    assert _verdict(resolved, confirmation="explicit")[1] == clause


def test_an_explicit_confirmation_outweighs_a_question(resolved):
    """With `any_of` a customer who asks again inside the silence and then confirms is satisfied."""
    resolved.say(3, CUSTOMER)
    assert _verdict(resolved, confirmation="any_of") == ("rejected", "confirmed")

    resolved.act("rated", 5, CUSTOMER, score=4)

    assert _verdict(resolved, confirmation="any_of") == ("meets", "")


def test_a_judge_that_says_nothing_leaves_it_unverifiable(resolved):
    """With `judged` the answer is evidence: missing it is unknown, and the agent's own is none."""
    judged = {"confirmation": "judged", "judge": "buyer_sample"}
    assert _verdict(resolved, **judged) == ("unverifiable", "confirmed")
    resolved.act("tagged", 4, BOT, value="judged_resolved")
    assert _verdict(resolved, **judged) == ("rejected", "confirmed")
    resolved.act("tagged", 5, PERSON, value="judged_resolved")
    assert _verdict(resolved, **judged) == ("meets", "")


def test_a_judge_and_the_mode_go_together(resolved):
    """A contract that asks for a judge without the mode, or the other way round, is refused."""
    for wrong in ({"confirmation": "judged"}, {"judge": "llm"}):
        with pytest.raises(ContractError, match="set both or neither"):
            _verdict(resolved, **wrong)


@pytest.mark.parametrize(
    ("score", "values", "clause"),
    [
        (1, {}, "satisfied"),
        (2, {}, "satisfied"),
        (3, {}, ""),
        (3, {"csat_threshold": 4}, "satisfied"),
        (1, {"negative_feedback_voids": False}, ""),
        (None, {}, ""),
        (None, {"unrated": "unknown"}, "satisfied"),
    ],
)
def test_feedback(resolved, score, values, clause):
    """A rating below the threshold voids; what no rating means is agreed too."""
    if score is not None:
        resolved.act("rated", 10, CUSTOMER, score=score)

    assert _verdict(resolved, **values)[1] == clause


def test_a_bad_rating_after_all_is_settled_changes_nothing(resolved):
    """A rating that comes after the window does not void what was settled."""
    resolved.act("rated", 3 + 7 * 24, CUSTOMER, score=1)

    assert _verdict(resolved) == ("meets", "")


def test_spam_tests_and_merged_tickets_are_no_units(resolved):
    """Spam, an excluded tag and a ticket merged into another are rejected, each by its clause."""
    resolved.act("tagged", 1.1, BOT, value="test")
    assert _verdict(resolved) == ("meets", "")
    assert _verdict(resolved, spam_and_test_exclusions=["test"]) == ("rejected", "genuine")
    resolved.act("merged", 3, PERSON, other_ticket_id="t9")
    assert _verdict(resolved) == ("rejected", "not_merged")
    assert _verdict(resolved, merged_ticket_rule="ignored") == ("meets", "")
    resolved.act("spam", 4, PERSON)
    assert _verdict(resolved) == ("rejected", "genuine")


def test_none_carries_the_unit_of_merged_tickets_if_agreed(resolved):
    """With `none_carries` the ticket that others were merged into is no unit either."""
    resolved.act("absorbed", 3, PERSON, other_ticket_id="t0")

    assert _verdict(resolved) == ("meets", "")
    assert _verdict(resolved, merged_ticket_rule="none_carries") == ("rejected", "not_absorbing")


@pytest.mark.parametrize(("hours", "verdict"), [(100, ("unverifiable", "not_deleted")), (200, ("meets", ""))])
def test_deletion_before_it_is_settled_makes_it_unverifiable(resolved, hours, verdict):
    """Neither side gains by deleting a ticket; afterwards it changes nothing."""
    resolved.ticket |= {"status": "deleted", "requester_id": None, "updated_at": resolved.start + hours * HOUR}

    assert _verdict(resolved) == verdict


def test_the_systems_own_count_of_reopens_is_held_against_the_events(resolved):
    """A reopening that the system counts and the events do not show makes it unverifiable."""
    resolved.ticket["reopens_reported"] = 1

    assert _verdict(resolved) == ("unverifiable", "reopens_agree")


def test_an_unresolved_ticket_is_pending_and_a_handoff_decides_at_once(desk):
    """Until it is resolved nothing can be told, but that a person answered."""
    desk.ticket["status"] = "open"
    desk.say(1, BOT)
    assert _verdict(desk)[0] == "pending"

    desk.say(2, PERSON)

    assert _verdict(desk) == ("rejected", "no_human_reply")


@pytest.mark.parametrize("kind", ["ticket_event", "ticket", "actor"])
def test_no_verdict_before_the_stream_was_read_past_the_window(resolved, kind):
    """Absence needs completeness: one stream that was read one microsecond less far keeps it pending."""
    end = resolved.start + 2 * HOUR + 7 * DAY
    resolved.world.read_to = dict.fromkeys(resolved.world.read_to, end)
    assert _verdict(resolved) == ("meets", "")

    resolved.world.read_to[kind] = end - 1

    assert _verdict(resolved)[0] == "pending"


def test_a_hole_before_the_resolution_rejects_nothing(resolved):
    """Where the solving was read and what came before it not yet, nobody says that the agent gave no answer."""
    del resolved.world.rows["ticket_event"][1]
    resolved.world.read_to["ticket_event"] = resolved.start + HOUR

    assert _verdict(resolved)[0] == "pending"


def test_the_facts_tell_when_and_by_which_rule(resolved):
    """The handoff rules are facts with the instant at which each was met."""
    resolved.say(1.5, PERSON)
    resolved.act("macro", 1.6, PERSON, value="42")

    _, _, evaluation, explained = _decide(resolved)

    assert evaluation.facts["h1_public_reply_at"] == resolved.start + round(1.5 * HOUR)
    assert evaluation.facts["h8_internal_at"] == resolved.start + round(1.6 * HOUR)
    assert "2026-10-05T09:30:00Z" in explained["no_human_reply"].because


@pytest.mark.parametrize("preset", sorted(TICKET_RESOLVED.presets))
def test_every_preset_is_a_contract(resolved, preset):
    """Each preset gives a predicate that decides a clean resolution without a handoff; a judged one needs its judge."""
    resolved.act("tagged", 4, PERSON, value="judged_resolved")
    told = TICKET_RESOLVED.presets[preset]

    assert _verdict(resolved, preset=preset) == ("meets", "")
    assert told.source
    assert told.date
    assert told.confidence


def test_an_unknown_preset_is_refused(resolved):
    """A preset that there is none of is refused, and those there are get named."""
    with pytest.raises(ContractError) as caught:
        _verdict(resolved, preset="strict")

    assert "buyer-strict" in caught.value.hint


def test_the_bots_have_to_be_named(resolved):
    """Nobody guesses who the AI agent is: the vendor's identities, or the parameter."""
    with pytest.raises(ContractError, match="needs the parameter bots"):
        TICKET_RESOLVED.predicate({})

    predicate = TICKET_RESOLVED.predicate({}, vendors=[BOT])
    assert resolved.world.decide(predicate)[0]["status"] == "meets"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("handoff_voids", ["reply"], "a list of texts without spaces around them, each one of requested"),
        ("silence_hours", {"fax": 3}, "whole hours from 0 to 8760"),
        ("silence_hours", -1, "whole hours from 0 to 8760"),
        ("reopen_days", 366, "a whole number from 0 to 365"),
        ("bots", "900", "a list of texts"),
    ],
)
def test_wrong_parameters_are_refused(resolved, name, value, message):
    """A parameter that is not of its kind is refused with what is possible."""
    with pytest.raises(ContractError) as caught:
        _verdict(resolved, **{name: value})

    assert message in str(caught.value)


def test_texts_of_a_contract_are_data(resolved):
    """A quote in an id or a tag ends no text."""
    assert _verdict(resolved, escalation_tags=["x') or true or events.value in ('"]) == ("meets", "")
