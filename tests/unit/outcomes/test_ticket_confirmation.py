"""`ticket-resolved`: silence, explicit confirmation, judges and ratings."""

import pytest

from tallystick.errors import ContractError

BOT, PERSON, CUSTOMER = "900", "501", "700"


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

    assert resolved.verdict()[1] == clause


@pytest.mark.parametrize(
    ("start", "hours", "clause"),
    [("last_agent_reply", 24.9, "confirmed"), ("close", 25.5, "confirmed"), ("first_message", 24.5, "")],
)
def test_the_clock_starts_where_agreed(resolved, start, hours, clause):
    """Silence is counted from the instant the contract names."""
    resolved.say(hours, CUSTOMER)

    assert resolved.verdict(clock_start=start, silence_hours=24)[1] == clause


def test_a_thank_you_does_not_break_the_silence(resolved):
    """A customer who says thanks does not ask again."""
    resolved.say(3, CUSTOMER, "thanks")

    assert resolved.verdict() == ("meets", "")


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

    assert resolved.verdict(confirmation="explicit")[1] == clause


def test_an_explicit_confirmation_outweighs_a_question(resolved):
    """With `any_of` a customer who asks again inside the silence and then confirms is satisfied."""
    resolved.say(3, CUSTOMER)
    assert resolved.verdict(confirmation="any_of") == ("rejected", "confirmed")

    resolved.act("rated", 5, CUSTOMER, score=4)

    assert resolved.verdict(confirmation="any_of") == ("meets", "")


def test_a_judge_that_says_nothing_leaves_it_unverifiable(resolved):
    """With `judged` the answer is evidence: missing it is unknown, and the agent's own is none."""
    judged = {"confirmation": "judged", "judge": "buyer_sample"}
    assert resolved.verdict(**judged) == ("unverifiable", "confirmed")
    resolved.act("tagged", 4, BOT, value="judged_resolved")
    assert resolved.verdict(**judged) == ("rejected", "confirmed")
    resolved.act("tagged", 5, PERSON, value="judged_resolved")
    assert resolved.verdict(**judged) == ("meets", "")


def test_a_judge_and_the_mode_go_together(resolved):
    """A contract that asks for a judge without the mode, or the other way round, is refused."""
    for wrong in ({"confirmation": "judged"}, {"judge": "llm"}):
        with pytest.raises(ContractError, match="set both or neither"):
            resolved.verdict(**wrong)


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

    assert resolved.verdict(**values)[1] == clause


def test_a_bad_rating_after_all_is_settled_changes_nothing(resolved):
    """A rating that comes after the window does not void what was settled."""
    resolved.act("rated", 3 + 7 * 24, CUSTOMER, score=1)

    assert resolved.verdict() == ("meets", "")
