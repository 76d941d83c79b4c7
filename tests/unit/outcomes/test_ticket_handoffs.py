"""`ticket-resolved`: what is a handoff, and what looks like success and is none."""

import pytest

from tallystick.period import DAY

BOT, PERSON, CUSTOMER = "900", "501", "700"
HOUR = 3_600_000_000


def test_a_clean_resolution_meets(resolved):
    """Answered by the AI agent, resolved, silent and not reopened: it meets."""
    assert resolved.verdict() == ("meets", "")


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
        lambda d: d.world.add(
            "change", object_type="ticket", object_id="t1", at=d.start + HOUR, field="custom.36", new='"yes"'
        ),
        {"escalation_fields": ["36"]},
        "no_request",
    ),
    "escalation field emptied": (
        lambda d: d.world.add(
            "change", object_type="ticket", object_id="t1", at=d.start + HOUR, field="custom.36", new="null"
        ),
        {"escalation_fields": ["36"]},
        "",
    ),
}


@pytest.mark.parametrize("case", HANDOFFS)
def test_what_is_a_handoff(resolved, case):
    """Each rule of handoff decides by who acted, when, and what the contract lets count."""
    happen, values, clause = HANDOFFS[case]
    happen(resolved)

    assert resolved.verdict(**values) == ("rejected" if clause else "meets", clause)


def test_an_agent_who_asks_is_a_customer(desk):
    """An agent who opened the ticket for himself writes as its customer; one who became requester later does not."""
    desk.ticket["requester_id"] = PERSON
    desk.act("created", 0, PERSON)
    desk.say(0, PERSON)
    desk.say(1, BOT)
    desk.act("solved", 2, BOT)
    assert desk.verdict() == ("meets", "")

    desk.world.rows["ticket_event"][0]["actor_id"] = CUSTOMER

    assert desk.verdict() == ("rejected", "no_human_reply")


def test_an_agent_in_copy_makes_it_unverifiable(resolved):
    """Whoever can copy an agent could hide a handoff: what an agent in copy said is not clear."""
    resolved.ticket["cc_ids"] = "501 503"
    resolved.say(1.5, PERSON)

    assert resolved.verdict() == ("unverifiable", "actors_known")


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

    assert resolved.verdict(**values) == verdict


def test_a_ticket_older_than_the_history_is_unverifiable(resolved):
    """What happened before the first act that was read is not known, so nobody says that no person answered."""
    resolved.world.read_from["ticket_event"] = resolved.start + 1

    assert resolved.verdict() == ("unverifiable", "history_known")


def test_closed_and_never_resolved_is_no_resolution(desk):
    """A closed ticket cannot be resolved any more: its claim does not wait for ever."""
    desk.say(1, BOT)
    desk.act("closed", 5, by="rule", previous="open")

    assert desk.verdict() == ("rejected", "resolved")


def test_the_agent_mints_no_units_alone(resolved):
    """With `new_unit` an agent that reopens and resolves a ticket by itself makes no further unit."""
    for at in (100, 200, 300):
        resolved.act("reopened", at, BOT, says=None)
        resolved.act("solved", at + 1, BOT)
    resolved.ticket["reopens_reported"] = 3

    _, _, evaluation, _ = resolved.decide(reopen_effect="new_unit", reopen_days=1, silence_hours=12)

    assert evaluation.quantity == 1


def test_the_role_is_that_of_the_act(resolved):
    """A reply by somebody who was an agent then counts, and one by somebody who became one later does not."""
    resolved.user(PERSON, "end-user", since=resolved.start + 3 * HOUR)
    resolved.user("503", "end-user")
    resolved.user("503", "agent", since=resolved.start + 3 * HOUR)
    resolved.say(0.2, "503")
    assert resolved.verdict() == ("meets", "")

    resolved.say(1.5, PERSON)

    assert resolved.verdict() == ("rejected", "no_human_reply")


@pytest.mark.parametrize("by", ["user", None])
def test_an_unknown_author_makes_it_unverifiable(resolved, by):
    """Somebody whom the system does not show may have been a person, also where it does not say what kind of author."""
    resolved.say(1.5, "404", by=by)

    assert resolved.verdict() == ("unverifiable", "actors_known")


@pytest.mark.parametrize("unknown", [{"public": None}, {"says": None}])
def test_a_message_nobody_can_place_makes_it_unverifiable(resolved, unknown):
    """A message of which it is not known who could read it, or what it says, may have been a handoff."""
    resolved.say(1.5, CUSTOMER, **unknown)

    assert resolved.verdict() == ("unverifiable", "actors_known")


def test_a_shared_seat_makes_it_unverifiable(resolved):
    """What comes from a seat that the AI agent shares with a person cannot be told apart."""
    resolved.say(1.5, PERSON)

    assert resolved.verdict(shared_seats=[PERSON]) == ("unverifiable", "seats_apart")


def test_solved_by_a_person_is_no_resolution_of_the_agent(desk):
    """The AI agent answered, and a person resolved it."""
    desk.say(1, BOT)
    desk.act("solved", 2, PERSON)

    assert desk.verdict() == ("rejected", "no_human_solve")


@pytest.mark.parametrize(("says", "clause"), [("greeting", "answered"), ("thanks", "answered"), ("other", "")])
def test_a_greeting_is_no_answer(desk, says, clause):
    """Solved after nothing but a greeting is not answered."""
    desk.say(1, BOT, says)
    desk.act("solved", 2, by="rule")

    assert desk.verdict()[1] == clause
    assert desk.verdict(min_substantive_reply=False) == ("meets", "")


def test_the_platform_that_takes_it_away_is_a_handoff(resolved):
    """A messaging ticket that the platform listed as its AI agent's, and not any more once resolved, was escalated."""
    resolved.ticket["channel"] = "messaging"
    assert resolved.verdict(platform_ai=True) == ("rejected", "no_request")
    assert resolved.verdict() == ("meets", "")
    resolved.act("ai_agent", 1)
    assert resolved.verdict() == ("rejected", "no_request")

    resolved.act("ai_agent", 2)

    assert resolved.verdict() == ("meets", "")


def test_a_billable_handoff_is_allowed_by_name(resolved):
    """A handoff of a procedure the buyer agreed to pay for rules nothing out; one of another procedure does."""
    resolved.say(1.5, PERSON)
    resolved.act("tagged", 1.2, BOT, value="returns")

    assert resolved.verdict(billable_handoffs=["returns"]) == ("meets", "")
    assert resolved.verdict(billable_handoffs=["refunds"]) == ("rejected", "no_human_reply")
