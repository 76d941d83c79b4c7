"""Rules about what one unit is: when it counts, for how long it may be undone, and what counts twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tallystick.contracts.lint.rule import Draft, Hit, Written, rule
from tallystick.outcomes import tree

__all__ = ["RULES"]

_FEWEST_MINUTES = 10
_FEWEST_REOPEN_DAYS = 3
_FEWEST_SILENT_HOURS = 24
_LENGTHS = {"seconds", "ended_at", "ends_at"}


def _written_out(draft: Draft) -> Iterator[Written]:
    return (outcome for outcome in draft.outcomes if outcome.template is None)


def _set(draft: Draft, name: str) -> Iterator[Written]:
    """Give the outcomes whose template has a parameter."""
    return (outcome for outcome in draft.outcomes if name in outcome.values)


@rule(
    "no-window", "warning", "Clauses are written out, and none has a window in which the outcome may still be undone."
)
def _no_window(draft: Draft) -> Iterator[Hit]:
    for outcome in _written_out(draft):
        if all(clause.until is None for clause in outcome.agreed.predicate.clauses):
            yield outcome.hit(
                "clauses",
                reason="it counts the moment its clauses are true; a refund, a return or a withdrawal an hour later"
                " comes too late",
                rewrite="Give a clause an end: {test: ..., until: \"occurred + interval '14 days'\"}, with the instant "
                "it counts from.",
            )


@rule("no-unit-rule", "warning", "Nothing says which records are one unit, so that each is paid for.")
def _no_unit_rule(draft: Draft) -> Iterator[Hit]:
    for outcome in _written_out(draft):
        if not outcome.agreed.price.by_percent:
            yield outcome.hit(
                "clauses",
                reason=f"each {outcome.agreed.predicate.record} is a unit of its own: follow-ups, copies and parts are"
                " paid one by one",
                rewrite="Use a template, which says what one unit is, and narrow it with clauses of your own.",
            )
    for outcome in _set(draft, "one_per_account_days"):
        if outcome.values["one_per_account_days"] == 0:
            yield outcome.hit(
                "with",
                "one_per_account_days",
                reason="one account may be paid for any number of times",
                rewrite="one_per_account_days: 90",
            )
    for outcome in _set(draft, "unit_scope"):
        if outcome.values["unit_scope"] == "ticket":
            yield outcome.hit(
                "with",
                "unit_scope",
                reason="a follow-up of a ticket is a second unit",
                rewrite="unit_scope: conversation",
            )


@rule("no-minimum-duration", "warning", "A meeting counts however short it was, or after a few minutes.")
def _no_minimum_duration(draft: Draft) -> Iterator[Hit]:
    for outcome in _set(draft, "min_minutes"):
        minutes = outcome.values["min_minutes"]
        if isinstance(minutes, int) and minutes < _FEWEST_MINUTES:
            yield outcome.hit(
                "with",
                "min_minutes",
                reason=f"{minutes} minutes are a greeting, not a meeting",
                rewrite="min_minutes: 15",
            )
    for outcome in _written_out(draft):
        predicate = outcome.agreed.predicate
        read = {node.name for node in predicate.nodes if isinstance(node, tree.Field)}
        if predicate.record == "meeting" and not read & _LENGTHS:
            yield outcome.hit(
                "clauses",
                reason="no clause reads how long it took",
                rewrite='Use the template qualified-meeting, or add: long_enough: "sum(calls.seconds) >= 900"',
            )


@rule("no-reopen-window", "warning", "A ticket that comes back was resolved all the same.")
def _no_reopen_window(draft: Draft) -> Iterator[Hit]:
    for outcome in _set(draft, "reopen_effect"):
        days = outcome.values["reopen_days"]
        if outcome.values["reopen_effect"] == "none":
            yield outcome.hit(
                "with",
                "reopen_effect",
                reason="a customer who comes back with the same problem changes nothing",
                rewrite="reopen_effect: void",
            )
        elif isinstance(days, int) and days < _FEWEST_REOPEN_DAYS:
            yield outcome.hit(
                "with",
                "reopen_days",
                reason=f"after {days} days a customer who comes back changes nothing, and a weekend is longer",
                rewrite="reopen_days: 7",
            )


@rule("return-is-a-new-unit", "warning", "A customer who comes back is paid for again.")
def _return_is_a_new_unit(draft: Draft) -> Iterator[Hit]:
    for outcome in _set(draft, "reopen_effect"):
        if outcome.values["reopen_effect"] == "new_unit":
            yield outcome.hit(
                "with",
                "reopen_effect",
                reason="a problem that was not solved the first time is paid for twice",
                rewrite="reopen_effect: void",
            )


@rule("short-silence", "warning", "A customer who says nothing for less than a day is taken to be content.")
def _short_silence(draft: Draft) -> Iterator[Hit]:
    for outcome in _set(draft, "silence_hours"):
        hours = outcome.values["silence_hours"]
        short = [
            channel
            for channel, needed in (hours.items() if isinstance(hours, Mapping) else ())
            if needed < _FEWEST_SILENT_HOURS and channel != "voice"
        ]
        if short and outcome.values["confirmation"] != "explicit":
            yield outcome.hit(
                "with",
                "silence_hours",
                reason=f"a customer who leaves for the day is content by tomorrow: {', '.join(sorted(short))}",
                rewrite=f"silence_hours: {{{', '.join(f'{channel}: 24' for channel in sorted(short))}}}",
            )


@rule("handoff-is-paid", "error", "What a person finished is paid to the vendor.")
def _handoff_is_paid(draft: Draft) -> Iterator[Hit]:
    for outcome in _set(draft, "handoff_voids"):
        voids = outcome.values["handoff_voids"]
        missing = [act for act in ("assigned", "public_reply") if isinstance(voids, tuple) and act not in voids]
        if missing:
            yield outcome.hit(
                "with",
                "handoff_voids",
                reason=f"a ticket that a person took over still counts: {', '.join(missing)} is no handoff",
                rewrite="handoff_voids: [requested, assigned, public_reply]",
            )


@rule("billable-handoff", "note", "Some handoffs to a person are paid for as outcomes.")
def _billable_handoff(draft: Draft) -> Iterator[Hit]:
    for outcome in _set(draft, "billable_handoffs"):
        named = outcome.values["billable_handoffs"]
        if isinstance(named, tuple) and named:
            yield outcome.hit(
                "with",
                "billable_handoffs",
                reason=f"you pay for these and for the person who goes on: {', '.join(named)}",
                rewrite="Price them as an outcome of their own, or leave billable_handoffs out.",
            )


@rule("no-acceptance", "warning", "Nobody on the buyer's side says that a meeting was worth it.")
def _no_acceptance(draft: Draft) -> Iterator[Hit]:
    for outcome in _set(draft, "acceptance"):
        if outcome.values["acceptance"] == "none":
            yield outcome.hit(
                "with",
                "acceptance",
                reason="acceptance by somebody with the opposite interest is the control against manufactured meetings",
                rewrite="acceptance: deal_created, and the roster under people.account_executive",
            )


@rule("silence-is-acceptance", "warning", "A meeting that nobody looks at in time is accepted.")
def _silence_is_acceptance(draft: Draft) -> Iterator[Hit]:
    for outcome in _set(draft, "on_silence"):
        if outcome.values["on_silence"] == "accept":
            yield outcome.hit(
                "with",
                "on_silence",
                reason="the acceptance that protects you is given by doing nothing",
                rewrite="on_silence: escalate",
            )


@rule("silence-rejects", "note", "For the vendor: a buyer who does nothing owes nothing.")
def _silence_rejects(draft: Draft) -> Iterator[Hit]:
    for outcome in _set(draft, "on_silence"):
        if outcome.values["on_silence"] == "reject" and outcome.values.get("acceptance") != "none":
            yield outcome.hit(
                "with",
                "on_silence",
                reason="a vendor will ask for a limit to that: a meeting nobody looks at in time is rejected",
                rewrite="on_silence: escalate",
            )


RULES = (
    _no_window,
    _no_unit_rule,
    _no_minimum_duration,
    _no_reopen_window,
    _return_is_a_new_unit,
    _short_silence,
    _handoff_is_paid,
    _billable_handoff,
    _no_acceptance,
    _silence_is_acceptance,
    _silence_rejects,
)
