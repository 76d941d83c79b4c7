"""The clauses of `ticket-resolved`, in the order in which they decide.

Nothing is decided before everything up to the resolution has been read, and what depends on an absence only once
everything up to the end of its window has. An act that rules the outcome out does so at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tallystick.outcomes.predicate import ClauseSource
from tallystick.outcomes.template import Setting

__all__ = ["clauses_of"]

_WAITS = "it is not resolved yet, or not everything that decides it has been read"
_UNREAD = "coalesce(resolved_at >= read_to(events), true)"


def clauses_of(values: Mapping[str, Setting]) -> dict[str, ClauseSource]:
    """Give the clauses for some parameters, by name."""
    clauses = {
        **_identity(values),
        **_guards(values),
        "answered": ClauseSource(
            "answered_at is not null",
            open=_UNREAD,
            says="the AI agent gave no answer before it was resolved at {resolved_at}",
        ),
        **_handoffs(values),
        "resolved": ClauseSource(
            "resolved_at is not null",
            open="coalesce(resolved_at >= read_to(events),"
            " status not in ('closed', 'deleted') or updated_at >= read_to(events), true)",
            says="it is {status} and was never resolved",
        ),
        "confirmed": _confirmed(values),
        **_feedback(values),
        **_returns(values),
        "reopens_agree": ClauseSource(
            # The system's count is as of its last change, which may lie beyond what its events were read up to.
            "coalesce(reopens_reported <= reopens_seen, true) or coalesce(updated_at >= read_to(events), false)",
            until="settled_at",
            open=_UNREAD,
            guard=True,
            says="the system itself counts {reopens_reported} reopens and its events show {reopens_seen}",
        ),
    }
    return {name: replace(clause, waits=_WAITS) if clause.open else clause for name, clause in clauses.items()}


def _absent(fact: str, says: str, *, allowed: str = "", guard: bool = False) -> ClauseSource:
    """Give a clause that nothing happened before the outcome is settled; once it has, it is false at once."""
    test = f"coalesce({fact} >= settled_at, {fact} is null)"
    return ClauseSource(
        f"{test} or {allowed}" if allowed else test,
        until="settled_at",
        open=f"coalesce(resolved_at >= read_to(events), {fact} >= read_to(events), true)",
        guard=guard,
        says=says,
    )


def _identity(values: Mapping[str, Setting]) -> dict[str, ClauseSource]:
    none_of = "it was marked as spam, or with a tag the contract excludes, at {excluded_at}"
    clauses = {"genuine": _absent("excluded_at", none_of)}
    rule = values["merged_ticket_rule"]
    if rule != "ignored":
        clauses["not_merged"] = _absent(
            "merged_at", "it was merged into {went_into} at {merged_at}; the ticket that remains is judged"
        )
    if rule == "none_carries":
        clauses["not_absorbing"] = ClauseSource(
            "absorbed = 0", until="settled_at", open=_UNREAD, says="{absorbed} tickets were merged into it"
        )
    return clauses


def _guards(values: Mapping[str, Setting]) -> dict[str, ClauseSource]:
    clauses = {
        "history_known": ClauseSource(
            "created_at >= read_from(events)",
            guard=True,
            says="it was opened at {created_at}, before the history that was read begins",
        ),
        "not_deleted": _absent(
            "deleted_at",
            "it was deleted at {deleted_at}, before the outcome was settled; what it said before is kept as evidence",
            guard=True,
        ),
        "actors_known": ClauseSource(
            "unclear_acts = 0",
            until="settled_at",
            open="coalesce(resolved_at >= least(read_to(events), read_to(actor)), true)",
            guard=True,
            says="of {unclear_acts} acts it cannot be told who acted, in which role, or who could read it",
        ),
    }
    if values["shared_seats"]:
        clauses["seats_apart"] = ClauseSource(
            "acts_from_shared_seats = 0",
            until="settled_at",
            open=_UNREAD,
            guard=True,
            says="{acts_from_shared_seats} acts come from a seat that the AI agent shares with a person",
        )
    return clauses


def _handoffs(values: Mapping[str, Setting]) -> dict[str, ClauseSource]:
    voids = values["handoff_voids"]
    chosen = set(voids) if isinstance(voids, tuple) else set()
    # A handoff that the buyer agreed to pay for, by the name of its procedure.
    allowed = "billable_procedures > 0" if values["billable_handoffs"] else ""
    clauses: dict[str, ClauseSource] = {}
    if "requested" in chosen:
        test = "coalesce(h7_requested_at >= settled_at, h7_requested_at is null) and not h2_left_ai"
        clauses["no_request"] = ClauseSource(
            f"{test} or {allowed}" if allowed else test,
            until="settled_at",
            open="coalesce(resolved_at >= read_to(events), h7_requested_at >= read_to(events), true)",
            says="a person was asked for at {h7_requested_at}; taken away from the AI agent: {h2_left_ai}",
        )
    if "assigned" in chosen:
        idle = "coalesce(human_act_at >= settled_at, human_act_at is null)"
        excuses = [idle] if values["assignment_counts"] == "when_followed" else []
        clauses["no_assignment"] = _absent(
            "human_assigned_at",
            "it was given to a person at {human_assigned_at}",
            allowed=" or ".join([*excuses, *([allowed] if allowed else [])]),
        )
    if "public_reply" in chosen:
        clauses["no_human_reply"] = _absent(
            "human_reply_at", "a person answered the customer at {human_reply_at}", allowed=allowed
        )
    if chosen & {"public_reply", "assigned"}:
        test = "h6_solved_at is null"
        clauses["no_human_solve"] = ClauseSource(
            f"{test} or {allowed}" if allowed else test,
            open=_UNREAD,
            says="a person resolved it at {h6_solved_at}",
        )
    if "internal_note" in chosen:
        clauses["no_internal_note"] = _absent(
            "h8_internal_at", "a person worked on it at {h8_internal_at}", allowed=allowed
        )
    return clauses


def _confirmed(values: Mapping[str, Setting]) -> ClauseSource:
    silent = "coalesce(asked_again_at >= silence_end, asked_again_at is null) and open_question_at is null"
    said = "confirmed_at is not null and coalesce(confirmed_at > last_question_at, true)"
    unsaid = f"not ({said}) and window_end > read_to(events)"
    match values["confirmation"]:
        case "silence":
            return ClauseSource(
                silent,
                until="silence_end",
                open=_UNREAD,
                says="the customer wrote again at {asked_again_at}, silence was to last until {silence_end};"
                " left unanswered: {open_question_at}",
            )
        case "explicit":
            return ClauseSource(
                said,
                until="confirmed_at",
                open=f"{_UNREAD} or {unsaid}",
                says="the customer did not confirm it before {window_end}",
            )
        case "judged":
            return ClauseSource(
                "case when asked_again_at < silence_end or open_question_at is not null then false"
                " when judged_at is not null then true"
                " when self_judged_at is not null then false else null end",
                until="silence_end",
                open=f"{_UNREAD} or judged_at is null and settled_at > read_to(events)",
                says="asked again at {asked_again_at}, or judged by the AI agent alone at {self_judged_at}",
            )
        case _:
            return ClauseSource(
                f"{said} or {silent}",
                until=f"case when {said} then confirmed_at else silence_end end",
                open=f"{_UNREAD} or not ({silent}) and {unsaid}",
                says="the customer wrote again at {asked_again_at}, silence was to last until {silence_end}, and did"
                " not confirm it; left unanswered: {open_question_at}",
            )


def _feedback(values: Mapping[str, Setting]) -> dict[str, ClauseSource]:
    if not values["negative_feedback_voids"]:
        return {}
    good = "lowest_rating >= :csat_threshold"
    return {
        "satisfied": ClauseSource(
            f"coalesce({good}, true)" if values["unrated"] == "passes" else good,
            until="settled_at",
            open=_UNREAD,
            says="the customer rated it {lowest_rating}",
        )
    }


def _returns(values: Mapping[str, Setting]) -> dict[str, ClauseSource]:
    match values["reopen_effect"]:
        case "none":
            return {}
        case "new_unit":
            return {
                "lasting": ClauseSource(
                    "units > 0 and coalesce(followed_up_at >= window_end, followed_up_at is null)",
                    until="window_end",
                    open=f"{_UNREAD} or window_end > read_to(events)",
                    says="no resolution lasted until {window_end}",
                )
            }
        case effect:
            return {
                "not_returned": ClauseSource(
                    "coalesce(returned_at >= window_end, returned_at is null)",
                    # With a credit the unit is owed at once, and taken back when the customer returns.
                    until="window_end" if effect == "void" else None,
                    open=_UNREAD,
                    says="the customer came back at {returned_at}, before {window_end}",
                )
            }
