"""`ticket-resolved`: returns, their window, scope and effect."""

import pytest

from tallystick.errors import ContractError
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED
from tallystick.period import DAY, parse_instant

BOT, CUSTOMER = "900", "700"
HOUR = 3_600_000_000


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

    assert desk.verdict(reopen_days=days) == ("rejected" if clause else "meets", clause)


def test_a_thank_you_is_no_return_unless_agreed(resolved):
    """A customer who reopens the ticket by saying thanks did not come back."""
    resolved.act("reopened", 4, CUSTOMER, says="thanks")

    assert resolved.verdict() == ("meets", "")
    assert resolved.verdict(thanks_is_a_return=True) == ("rejected", "not_returned")


@pytest.mark.parametrize(("days", "clause"), [(6, "not_returned"), (8, "")])
def test_a_follow_up_is_a_return(resolved, days, clause):
    """A closed ticket cannot reopen: a follow-up inside the window counts as the return."""
    resolved.world.add("ticket", id="t2", follow_up_of="t1", created_at=resolved.start + 2 * HOUR + days * DAY)

    assert resolved.verdict()[1] == clause


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
        resolved.verdict(reopen_scope="same_requester_same_topic")


def test_effects_of_a_return(resolved):
    """A return voids, or is taken back later, or starts another unit, or does nothing, as agreed."""
    resolved.act("reopened", 30, CUSTOMER, says="other")
    resolved.say(31, BOT)
    resolved.act("solved", 32, BOT)
    resolved.ticket["reopens_reported"] = 1

    assert resolved.verdict(reopen_effect="void") == ("rejected", "not_returned")
    assert resolved.verdict(reopen_effect="credit") == ("rejected", "not_returned")
    assert resolved.verdict(reopen_effect="none", silence_hours=12) == ("meets", "")


@pytest.mark.parametrize(("days", "units"), [(1, 2), (3, 1)])
def test_a_new_unit_counts_resolutions_that_lasted(resolved, days, units):
    """With `new_unit` a return after the window starts another unit, and one inside it makes the first none."""
    resolved.act("reopened", 30, CUSTOMER, says="other")
    resolved.say(31, BOT)
    resolved.act("solved", 32, BOT)
    resolved.ticket["reopens_reported"] = 1

    status, _, evaluation, _ = resolved.decide(reopen_effect="new_unit", reopen_days=days, silence_hours=12)

    assert (status, evaluation.quantity) == ("meets", units)


def test_with_a_credit_the_unit_is_owed_at_once(resolved):
    """With `credit` nothing waits for the end of the window of returns."""
    resolved.world.read_to = dict.fromkeys(resolved.world.read_to, resolved.start + 80 * HOUR)

    assert resolved.verdict(reopen_effect="credit") == ("meets", "")
    assert resolved.verdict(reopen_effect="void") == ("pending", "genuine")
