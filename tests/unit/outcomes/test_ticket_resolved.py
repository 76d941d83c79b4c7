"""`ticket-resolved`: which tickets are units, when there is a verdict, presets and wrong parameters."""

import pytest

from tallystick.errors import ContractError
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED
from tallystick.period import DAY

BOT, PERSON = "900", "501"
HOUR = 3_600_000_000


def test_spam_tests_and_merged_tickets_are_no_units(resolved):
    """Spam, an excluded tag and a ticket merged into another are rejected, each by its clause."""
    resolved.act("tagged", 1.1, BOT, value="test")
    assert resolved.verdict() == ("meets", "")
    assert resolved.verdict(spam_and_test_exclusions=["test"]) == ("rejected", "genuine")
    resolved.act("merged", 3, PERSON, other_ticket_id="t9")
    assert resolved.verdict() == ("rejected", "not_merged")
    assert resolved.verdict(merged_ticket_rule="ignored") == ("meets", "")
    resolved.act("spam", 4, PERSON)
    assert resolved.verdict() == ("rejected", "genuine")


def test_none_carries_the_unit_of_merged_tickets_if_agreed(resolved):
    """With `none_carries` the ticket that others were merged into is no unit either."""
    resolved.act("absorbed", 3, PERSON, other_ticket_id="t0")

    assert resolved.verdict() == ("meets", "")
    assert resolved.verdict(merged_ticket_rule="none_carries") == ("rejected", "not_absorbing")


@pytest.mark.parametrize(("hours", "verdict"), [(100, ("unverifiable", "not_deleted")), (200, ("meets", ""))])
def test_deletion_before_it_is_settled_makes_it_unverifiable(resolved, hours, verdict):
    """Neither side gains by deleting a ticket; afterwards it changes nothing."""
    resolved.ticket |= {"status": "deleted", "requester_id": None, "updated_at": resolved.start + hours * HOUR}

    assert resolved.verdict() == verdict


def test_the_systems_own_count_of_reopens_is_held_against_the_events(resolved):
    """A reopening that the system counts and the events do not show makes it unverifiable."""
    resolved.ticket["reopens_reported"] = 1

    assert resolved.verdict() == ("unverifiable", "reopens_agree")


def test_an_unresolved_ticket_is_pending_and_a_handoff_decides_at_once(desk):
    """Until it is resolved nothing can be told, but that a person answered."""
    desk.ticket["status"] = "open"
    desk.say(1, BOT)
    assert desk.verdict()[0] == "pending"

    desk.say(2, PERSON)

    assert desk.verdict() == ("rejected", "no_human_reply")


@pytest.mark.parametrize("kind", ["ticket_event", "ticket", "actor"])
def test_no_verdict_before_the_stream_was_read_past_the_window(resolved, kind):
    """Absence needs completeness: one stream that was read one microsecond less far keeps it pending."""
    end = resolved.start + 2 * HOUR + 7 * DAY
    resolved.world.read_to = dict.fromkeys(resolved.world.read_to, end)
    assert resolved.verdict() == ("meets", "")

    resolved.world.read_to[kind] = end - 1

    assert resolved.verdict()[0] == "pending"


def test_a_hole_before_the_resolution_rejects_nothing(resolved):
    """Where the solving was read and what came before it not yet, nobody says that the agent gave no answer."""
    del resolved.world.rows["ticket_event"][1]
    resolved.world.read_to["ticket_event"] = resolved.start + HOUR

    assert resolved.verdict()[0] == "pending"


def test_the_facts_tell_when_and_by_which_rule(resolved):
    """The handoff rules are facts with the instant at which each was met."""
    resolved.say(1.5, PERSON)
    resolved.act("macro", 1.6, PERSON, value="42")

    _, _, evaluation, explained = resolved.decide()

    assert evaluation.facts["h1_public_reply_at"] == resolved.start + round(1.5 * HOUR)
    assert evaluation.facts["h8_internal_at"] == resolved.start + round(1.6 * HOUR)
    assert "2026-10-05T09:30:00Z" in explained["no_human_reply"].because


@pytest.mark.parametrize("preset", sorted(TICKET_RESOLVED.presets))
def test_every_preset_is_a_contract(resolved, preset):
    """Each preset gives a predicate that decides a clean resolution without a handoff; a judged one needs its judge."""
    resolved.act("tagged", 4, PERSON, value="judged_resolved")
    told = TICKET_RESOLVED.presets[preset]

    assert resolved.verdict(preset=preset) == ("meets", "")
    assert told.source
    assert told.date
    assert told.confidence


def test_an_unknown_preset_is_refused(resolved):
    """A preset that there is none of is refused, and those there are get named."""
    with pytest.raises(ContractError) as caught:
        resolved.verdict(preset="strict")

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
        resolved.verdict(**{name: value})

    assert message in str(caught.value)


def test_texts_of_a_contract_are_data(resolved):
    """A quote in an id or a tag ends no text."""
    assert resolved.verdict(escalation_tags=["x') or true or events.value in ('"]) == ("meets", "")
