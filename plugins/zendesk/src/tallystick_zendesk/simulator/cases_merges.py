"""What is no unit: merged tickets, spam and tests, also when it shows only after the ticket was verified.

Each function plans one case and labels it by the rule in its docstring. Unless it says otherwise the bot answered and
solved each ticket, the customer was silent, and the window of seven days is over at the last stage.
"""

from __future__ import annotations

from functools import partial

from tallystick_zendesk.simulator.plan import Effect
from tallystick_zendesk.simulator.script import ADMIN, DAY, HOUR, MINUTE, PEOPLE, Case, Script, Ticket

__all__ = ["MERGE_CASES"]

_TEST_RULE = 360_000_509


def _pair(script: Script, first: str = "09-16", last: str = "10-31") -> tuple[Ticket, Ticket]:
    """Plan two solved tickets of one customer, three days apart, so that only a merge makes them one unit."""
    ticket = script.solved(script.between(first, last), close=False)
    other = script.solved(ticket.opened + 3 * DAY, requester=ticket.requester)
    return ticket, other


def merged(script: Script) -> None:
    """Claimed and merged into another ticket, which a person handles: the source is dropped."""
    ticket = script.started()
    other = script.open(ticket.answered + 5 * MINUTE, requester=script.user(ticket.opened))
    other.replies(ticket.answered + HOUR)
    ticket.act(ticket.answered + 2 * HOUR, PEOPLE[0], merge_into=other.id)
    script.expect(ticket, "rejected", "not_merged", "merged into another")


def merged_renamed(script: Script) -> None:
    """The account renamed the tag of merges: the merge comments still tell."""
    ticket, other = _pair(script)
    tag = script.vary("zusammengefuehrt", None, "fusionado")
    ticket.act(other.opened + HOUR, PEOPLE[0], merge_into=other.id, merge_tag=tag)
    script.expect(ticket, "rejected", "not_merged", "merged, merge tag renamed or missing")
    script.expect(other, "verified", "", "target of a merge with a renamed tag")


def merge_tag_only(script: Script) -> None:
    """Somebody set the tag of merged tickets by hand: that merges nothing."""
    ticket = script.solved()
    ticket.act(ticket.resolved + HOUR, PEOPLE[1], add_tags=("closed_by_merge",))
    script.expect(ticket, "verified", "", "merge tag without a merge")


def merged_both_claimed(script: Script) -> None:
    """Source and target are both claimed: the source is dropped, the target is judged on its own."""
    ticket, other = _pair(script)
    ticket.act(other.opened + HOUR, PEOPLE[2], merge_into=other.id)
    script.expect(ticket, "rejected", "not_merged", "merged source, target claimed too")
    script.expect(other, "verified", "", "merged target, source claimed too")


def merged_target_claimed(script: Script) -> None:
    """Only the target is claimed."""
    ticket, other = _pair(script)
    ticket.act(other.opened + HOUR, PEOPLE[3], merge_into=other.id)
    script.expect(other, "verified", "", "target of a merge")


def merged_target_found(script: Script) -> None:
    """Only the source is claimed: the target meets the contract and nobody holds its unit."""
    ticket, other = _pair(script)
    ticket.act(other.opened + HOUR, PEOPLE[4], merge_into=other.id)
    script.expect(ticket, "rejected", "not_merged", "merged source, target not claimed")
    script.found(other, "target of a merge, not claimed")


def merged_target_handed_over(script: Script) -> None:
    """The target is claimed, and a person answered there."""
    ticket = script.started()
    other = script.started(ticket.answered + 5 * MINUTE, requester=script.user(ticket.opened))
    ticket.act(other.answered + HOUR, PEOPLE[0], merge_into=other.id)
    other.replies(other.answered + 2 * HOUR, PEOPLE[0])
    other.solves(other.answered + 3 * HOUR)
    other.closes()
    script.expect(other, "rejected", "no_human_reply", "target of a merge, person replied")


def spam(script: Script) -> None:
    """Marked as spam, which deletes it too."""
    ticket = script.solved(close=False)
    ticket.act(ticket.resolved + script.vary(1, 50) * HOUR, PEOPLE[0], spam=True)
    script.expect(ticket, "rejected", "genuine", "marked as spam")


def tested(script: Script) -> None:
    """A test: the ticket bore the tag from the start."""
    ticket = script.solved(tags=(script.vary("test", "internal_qa"), "shop"))
    script.expect(ticket, "rejected", "genuine", "test tag at creation")


def tested_by_rule(script: Script) -> None:
    """A trigger marked it as a test."""
    ticket = script.started()
    effect = Effect(_TEST_RULE + script.turn, add_tags=("internal_qa",))
    ticket.solves(ticket.answered + HOUR, effects=(effect,))
    ticket.closes()
    script.expect(ticket, "rejected", "genuine", "test tag by a rule")


def test_taken_back(script: Script) -> None:
    """A person marked it as a test and took the tag away again: it had been set."""
    ticket = script.started()
    ticket.act(ticket.answered + HOUR, PEOPLE[1], add_tags=("test",))
    ticket.act(ticket.answered + 2 * HOUR, PEOPLE[1], remove_tags=("test",))
    ticket.solves(ticket.answered + 3 * HOUR)
    ticket.closes()
    script.expect(ticket, "rejected", "genuine", "test tag set and taken away")


def _late(script: Script, clause: str, trap: str) -> None:
    """Verified at the second stage; what comes once it is settled changes nothing."""
    ticket = script.solved(script.between("10-02", "10-16"), close=False)
    at = script.between("11-02", "11-14")
    match clause:
        case "not_merged":
            other = script.open(at - DAY)
            other.replies(at - DAY + HOUR)
            ticket.act(at, PEOPLE[0], merge_into=other.id)
        case "actors_known":
            ticket.asks(at, by=script.stranger())
        case _ if trap.startswith("spam"):
            ticket.act(at, ADMIN, spam=True)
        case _:
            ticket.act(at, PEOPLE[1], add_tags=("internal_qa",))
    script.expect(ticket, "verified", "", trap)


MERGE_CASES: tuple[Case, ...] = (
    merged,
    merged_renamed,
    merge_tag_only,
    merged_both_claimed,
    merged_target_claimed,
    merged_target_found,
    merged_target_handed_over,
    spam,
    tested,
    tested_by_rule,
    test_taken_back,
    partial(_late, clause="not_merged", trap="merged after it was settled"),
    partial(_late, clause="genuine", trap="spam found after it was settled"),
    partial(_late, clause="genuine", trap="test tag after it was settled"),
    partial(_late, clause="actors_known", trap="unknown author after it was settled"),
)
"""One function for each case; each call plans one."""
