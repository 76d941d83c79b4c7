"""The clauses of `qualified-meeting`, in the order in which they decide.

What depends on an absence is known only once everything up to the end of its window has been read. That nothing shows
how long a meeting lasted is no proof that it did not take place: it is unverifiable, not rejected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tallystick.outcomes.meeting_acts import BESIDE, types_of
from tallystick.outcomes.predicate import ClauseSource
from tallystick.outcomes.template import Setting

__all__ = ["clauses_of"]

_WAITS = "it is not over yet, or not everything that decides it has been read"
_HISTORY_BEHIND = "coalesce(updated_at >= read_to(change), false)"


def clauses_of(values: Mapping[str, Setting]) -> dict[str, ClauseSource]:
    """Give the clauses for some parameters, by name."""
    clauses = {
        "history_known": ClauseSource(
            "begins_at >= read_from(change)",
            guard=True,
            says="it began at {begins_at}, before the history that was read begins",
        ),
        **_entry(values),
        **_status(values),
        **_held(values),
        **_author(values),
        **_present(values),
        **_account(values),
        **_accepted(values),
    }
    return {name: replace(clause, waits=_WAITS) if clause.open else clause for name, clause in clauses.items()}


def _unless(held: str, *types: str, end: str = "evidence_end") -> str:
    """Give the open condition of what may still come true: it is not yet, and its window was not read to the end."""
    read = [f"read_to({name})" for name in types]
    to = read[0] if len(read) == 1 else f"least({', '.join(read)})"
    return f"not coalesce({held}, false) and coalesce({end} > {to}, false)"


def _entry(values: Mapping[str, Setting]) -> dict[str, ClauseSource]:
    clauses = {
        "not_a_copy": ClauseSource(
            "copied_from is null", says="it is an invited user's copy of {copied_from}, which is the meeting"
        ),
    }
    if values["booked_by"] == "vendor":
        clauses["booked_by_vendor"] = ClauseSource(
            "vendor_booked_it", says="it was booked by {created_by}, who is not the vendor"
        )
        clauses["booked_before_end"] = ClauseSource(
            "booked_at < ended_at",
            guard=True,
            says="it was entered at {booked_at}, after it had ended at {ended_at}: nothing shows that it was booked",
        )
    if values["recurring"] == "first_only":
        clauses["first_of_series"] = ClauseSource(
            "case when earlier_in_series + earlier_talks_in_series > 0 then false"
            " when earlier_in_series_unclear > 0 then null else true end",
            says="the series {in_series} began before it, with {earlier_in_series} meetings and"
            " {earlier_talks_in_series} conversations, and the first counts",
        )
    return clauses


def _called_off(word: str, minutes: int) -> tuple[str, str]:
    """Give the conditions that a meeting is not marked by a word, and that it was marked after it had taken place.

    Where nobody knows when it was marked, a conversation that was long enough contradicts the mark.
    """
    held = f"case when talk_seconds >= {minutes * 60} then null else false end"
    return f"coalesce(status <> '{word}', true)", f"coalesce({word}_at >= ended_at, {held})"


def _status(values: Mapping[str, Setting]) -> dict[str, ClauseSource]:
    minutes = values["min_minutes"]
    assert isinstance(minutes, int)  # noqa: S101 - the parameter's kind
    canceled, canceled_late = _called_off("canceled", minutes)
    moved, moved_late = _called_off("rescheduled", minutes)
    behind = f"not {canceled} and {_HISTORY_BEHIND}"
    moved_behind = f"not {moved} and {_HISTORY_BEHIND}"
    reported = (
        "case when no_show_at is not null and corrected_at is null then false"
        " when last_no_show_at is not null and corrected_at is null then null"
        " when status = 'no_show' and no_show_writes = 0 then null else true end"
    )
    return {
        "not_rescheduled": ClauseSource(
            f"case when status is null then replaced = 0 else {moved} or {moved_late} end",
            open=moved_behind,
            says="it was moved: the meeting that stands in for it is judged",
        ),
        "not_rescheduled_later": ClauseSource(
            moved,
            open=moved_behind,
            guard=True,
            says="it was marked as moved at {rescheduled_at}, after it had ended at {ended_at}",
        ),
        "not_canceled": ClauseSource(
            f"{canceled} or {canceled_late}",
            open=behind,
            says="it was canceled at {canceled_at}",
        ),
        "not_canceled_later": ClauseSource(
            canceled,
            open=behind,
            guard=True,
            says="it was marked as canceled at {canceled_at}, after it had ended at {ended_at}",
        ),
        "not_a_no_show": ClauseSource(
            reported,
            until="report_end",
            open=f"({reported}) is null and (coalesce(report_end > read_to(change), false) or {_HISTORY_BEHIND})",
            says="it was reported as a no-show at {no_show_at}, before {report_end}",
        ),
    }


def _held(values: Mapping[str, Setting]) -> dict[str, ClauseSource]:
    minutes = values["min_minutes"]
    assert isinstance(minutes, int)  # noqa: S101 - the parameter's kind
    enough = f"held_length >= interval '{minutes} minutes'"
    waits = _unless(enough, "call")
    clauses = {
        "calls_told_apart": ClauseSource(
            f"coalesce({enough}, false) or coalesce(ambiguous_seconds < {minutes * 60}, true)",
            open=waits,
            guard=True,
            says="a conversation of {ambiguous_seconds} seconds may belong to any of {ambiguous_meetings}",
        )
    }
    if not values["accept_self_attested"]:
        clauses["not_self_logged"] = ClauseSource(
            f"coalesce({enough}, false) or coalesce(self_logged_seconds < {minutes * 60}, true)",
            open=waits,
            says="only the vendor itself logged a conversation, of {self_logged_seconds} seconds: self-attested",
        )
    clauses["held"] = ClauseSource(
        enough,
        until="evidence_end",
        open=waits,
        says=f"it lasted {{held_length}} by {{held_source}}, and {minutes} minutes are agreed",
    )
    return clauses


def _author(values: Mapping[str, Setting]) -> dict[str, ClauseSource]:
    """Give what a length typed into a field needs: an author, who is not the vendor, and who wrote it afterwards."""
    sources = values["duration_sources"]
    if not isinstance(sources, tuple) or "crm_field" not in sources:
        return {}
    other = "coalesce(held_source <> 'crm_field', true)"
    behind = f"not {other} and {_HISTORY_BEHIND}"
    clauses = {
        "duration_written_later": ClauseSource(
            f"{other} or coalesce(field_written_at >= begins_at, true)",
            open=behind,
            says="its length was written at {field_written_at}, before it began at {begins_at}",
        ),
        "duration_independent": ClauseSource(
            f"{other} or field_self_writes = 0",
            open=behind,
            says="its length was written by {field_author} at {field_written_at}, for the vendor: self-attested",
        ),
        "duration_attributed": ClauseSource(
            f"case when {other} then true when field_author is null then null else true end", open=behind
        ),
    }
    if values["accept_self_attested"]:
        del clauses["duration_independent"]
    return clauses


def _present(values: Mapping[str, Setting]) -> dict[str, ClauseSource]:
    asked = {
        "buyer_present": ("buyers", values["buyer_attendees"], "the buyer's side"),
        "prospect_present": ("prospects", values["prospect_attendees"], "the prospect's side"),
        "decision_maker_present": ("deciders", 1, "those with an agreed title"),
    }
    if not values["decision_maker_titles"]:
        del asked["decision_maker_present"]
    clauses = {}
    for name, (side, number, words) in asked.items():
        enough = f"{side} >= {number}"
        test = f"case when {enough} then true when {side} + {side}_unclear >= {number} then null else false end"
        clauses[name] = ClauseSource(
            test,
            until="evidence_end",
            open=_unless(enough, "attendee", "call"),
            says=f"of {words} {{{side}}} were there, and {number} are agreed",
        )
    return clauses


def _account(values: Mapping[str, Setting]) -> dict[str, ClauseSource]:
    clauses = {}
    pipeline, first = values["existing_pipeline_exclusion_days"], values["first_meeting_only"]
    if values["one_per_account_days"] or pipeline or first:
        clauses["account_known"] = ClauseSource("account_id is not null", guard=True, says="it names no account")
    if pipeline:
        clauses["new_business"] = ClauseSource(
            "case when open_deals > 0 then false when open_deals_unclear > 0 then null else true end",
            until="booked_at",
            says="{open_deals} deals of the account were open when it was booked at {booked_at}",
        )
    if first:
        clauses["first_meeting"] = ClauseSource(
            "earlier_talks = 0 and earlier_meetings = 0",
            says="the account had been met before: {earlier_talks} conversations, {earlier_meetings} meetings",
        )
    return clauses


def _accepted(values: Mapping[str, Setting]) -> dict[str, ClauseSource]:
    if values["acceptance"] == "none":
        return {}
    done = "coalesce(accepted_at < accept_end, false)"
    types = types_of(values)
    waits = _unless("accepted_at < accept_end", *types, end="accept_end")
    late = "no account executive accepted it before {accept_end}"
    test, until = {
        "reject": (done, "accepted_at"),
        "escalate": (f"case when {done} then true else null end", "accepted_at"),
        # Whoever may reject and does not has accepted, once the deadline is over and read.
        "accept": (f"{done} or accept_end is not null", f"case when {done} then accepted_at else accept_end end"),
    }[str(values["on_silence"])]
    clauses = _paired(types) if BESIDE in values else {}
    if values["on_silence"] != "accept":
        clauses |= _not_accepted(done, waits, next((name for name in types if name.endswith("actor")), ""))
    clauses["accepted"] = ClauseSource(
        test, until=until, open=waits if values["on_silence"] != "accept" else None, says=late
    )
    if values["acceptance"] != "deal_created" and (values["acceptance"] != "deal_stage" or values["rejection_values"]):
        # A refusal of which nobody knows by whom is no silence, and no refusal either.
        unseen = "coalesce(unknown_declined_at >= read_to(actor), false)"
        clauses["decline_attributed"] = ClauseSource(
            "coalesce(unknown_declined_at < last_accepted_at, unknown_declined_at is null)",
            open=unseen if "actor" in types else None,
            guard=True,
            says="it was declined at {unknown_declined_at}, by nobody known",
        )
        # Of a yes and a no at one instant nobody knows which came last.
        clauses["not_declined"] = ClauseSource(
            "case when declined_at = last_accepted_at then null"
            " else coalesce(declined_at < last_accepted_at, declined_at is null) end",
            says="an account executive declined it at {declined_at}",
        )
    return clauses


def _paired(types: tuple[str, ...]) -> dict[str, ClauseSource]:
    """Give what acceptance in a second source needs: one meeting there that is this one, with its history."""
    # One more may still come there, and one may still go; without one, silence there says nothing of this meeting.
    behind = "coalesce(accept_end > read_to(acceptance_meeting), false)"
    clauses = {
        "acceptance_paired": ClauseSource(
            "paired_with is not null",
            open=f"paired_with is null and {behind}",
            guard=True,
            says="the source that tells who accepted has no meeting that is known to be this one, and names what is"
            " accepted",
        ),
        "acceptance_told_apart": ClauseSource(
            "pair_candidates is null",
            open=f"pair_candidates is not null and {behind}",
            guard=True,
            says="which meeting there is this one cannot be told: they may be any of {pair_candidates}",
        ),
    }
    if "acceptance_change" in types:
        clauses["acceptance_history_known"] = ClauseSource(
            "begins_at >= read_from(acceptance_change)",
            guard=True,
            says="it began at {begins_at}, before the history that was read of who accepted begins",
        )
    return clauses


def _not_accepted(done: str, waits: str, actors: str) -> dict[str, ClauseSource]:
    """Give what an acceptance that is none fails by; each only where no other act accepted in time.

    `actors` is the type that tells roles, if any are asked for.
    """

    def clause(fact: str, says: str) -> ClauseSource:
        return ClauseSource(f"{done} or coalesce({fact} >= accept_end, true)", open=waits, says=says)

    unknown = clause("unknown_accepted_at", "it was accepted at {unknown_accepted_at}, by nobody known")
    unknown = replace(unknown, guard=True)
    if actors:
        # Whom the system does not show yet may still come.
        unseen = f"not {done} and coalesce(unknown_accepted_at >= read_to({actors}), false)"
        unknown = replace(unknown, open=f"{waits} or {unseen}")
    return {
        "acceptance_attributed": unknown,
        "acceptance_independent": clause(
            "self_accepted_at", "it was accepted at {self_accepted_at} by an identity of the vendor: self-attested"
        ),
        "accepted_after_end": ClauseSource(
            f"{done} or early_accepted_at is null",
            open=waits,
            says="it was accepted at {early_accepted_at}, before it ended at {ended_at}",
        ),
        "accepted_by_executive": clause(
            "other_accepted_at", "it was accepted at {other_accepted_at} by somebody who is no account executive"
        ),
    }
