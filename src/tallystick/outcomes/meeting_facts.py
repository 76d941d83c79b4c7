"""The facts of `qualified-meeting`: how long it lasted and by what source, who was there, and who accepted it when.

Whoever wrote a fact is told with it. What the vendor wrote itself is kept apart as `self_...` facts; what nobody known
wrote, as `unknown_...` ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.outcomes.meeting_acts import accepting
from tallystick.outcomes.template import Setting
from tallystick.outcomes.ticket_facts import texts

__all__ = ["WROTE_BY_VENDOR", "facts_of"]

_UNSPOKEN = "('no_answer', 'busy', 'voicemail', 'wrong_number')"
_NEVER = "case when false then starts_at else null end"
_NO_LENGTH = "case when false then ends_at - starts_at else null end"
_DID_NOT_HAPPEN = "('canceled', 'no_show', 'rescheduled')"
WROTE_BY_VENDOR = "(coalesce(listed({0}.{1}, :vendor_ids), false) or coalesce(listed({0}.app_id, :vendor_ids), false))"
"""That a row was written by the vendor, or through its application: relation and column of the author."""


def facts_of(values: Mapping[str, Setting]) -> dict[str, str]:
    """Give the facts for some parameters, as texts by name."""
    return {
        **_booking(values),
        **_talks(values),
        **_length(values),
        **_author(values),
        **_people(values),
        **_status(),
        **_account(values),
        **accepting(values),
    }


def _earliest(one: str, other: str) -> str:
    return f"coalesce(least({one}, {other}), {one}, {other})"


def _listed_sources(values: Mapping[str, Setting]) -> tuple[str, ...]:
    sources = values["duration_sources"]
    return sources if isinstance(sources, tuple) else ()


def _booked(relation: str = "") -> str:
    row = f"{relation}." if relation else ""
    return f"listed({row}created_by, :vendor_ids) or coalesce(listed({row}app_id, :vendor_ids), false)"


def _booking(values: Mapping[str, Setting]) -> dict[str, str]:
    booked = "created_at"
    by_vendor = _booked()
    facts: dict[str, str] = {}
    if values["booked_by"] == "vendor" and values["reschedule_rule"] == "follows_original":
        # Who moves a meeting does not win it, neither the buyer's own people nor the vendor: the first booking counts.
        for name, told in (("first_by_vendor", "({})"), ("first_by_others", "not ({})")):
            counts = [
                f"count({each}) filter (where {each}.rescheduled_from is null and {told.format(_booked(each))})"
                for each in ("originals", "first_originals")
            ]
            facts[name] = " + ".join(counts)
        by_vendor = (
            f"case when rescheduled_from is null then {by_vendor} when first_by_vendor > 0 then true"
            " when first_by_others > 0 then false else null end"
        )
    if values["booked_by"] == "vendor":
        facts["vendor_booked_it"] = by_vendor
    if values["reschedule_rule"] == "follows_original":
        booked = _earliest(_earliest("min(originals.created_at)", "min(first_originals.created_at)"), "created_at")
    return {
        **facts,
        "own_id": "id",
        "own_deal": "deal_id",
        "begins_at": "starts_at",
        "booked_at": booked,
        "copied_from": "parent_id",
        # A copy belongs to its meeting alone: where its parent is not known, nothing joins through it.
        "stands_in_for": "case when parent_id is null then rescheduled_from else null end",
        "in_series": "case when parent_id is null then series_id else null end",
        **({"called": "external_id"} if values["one_across_sources"] else {}),
    }


def _spoke(relation: str) -> str:
    return f"coalesce({relation}.status not in {_UNSPOKEN}, true)"


_ENDED = "coalesce(calls.ended_at, calls.started_at + calls.seconds * interval '1 second', calls.started_at)"
_IN_TIME = f"{_ENDED} > talk_from and {_ENDED} <= talk_to"


def _talks(values: Mapping[str, Setting]) -> dict[str, str]:
    """Give the longest conversation of each kind; pieces are not added, because they may overlap."""
    by_vendor = WROTE_BY_VENDOR.format("calls", "created_by")
    spoke = f"{_spoke('calls')} and {_IN_TIME} and calls.seconds >= 0"
    heard = f"{spoke} and calls.candidates is null"
    counts = heard if values["accept_self_attested"] else f"{heard} and not {by_vendor}"
    media = {"conference": "conference", "call": "phone"}
    facts = {
        # A conversation before the meeting, or long after, is another one, whatever it is linked to.
        "talk_from": "case when all_day then starts_at - interval '24 hours' else starts_at end",
        "talk_to": "coalesce(greatest(ends_at, starts_at), starts_at) + interval '24 hours'",
    }
    facts |= {
        f"{name}_seconds": f"max(calls.seconds) filter (where calls.medium = '{medium}' and {counts})"
        for name, medium in media.items()
    }
    listed = [name for name in media if name in _listed_sources(values)]
    longest = "case when false then 1 else null end"
    if len(listed) == 1:
        longest = f"{listed[0]}_seconds"
    elif listed:
        longest = "coalesce(greatest(conference_seconds, call_seconds), conference_seconds, call_seconds)"
    mediums = texts(tuple(media[name] for name in listed))
    facts["talk_seconds"] = longest
    facts["talk_ended_at"] = (
        f"max(calls.ended_at) filter (where calls.medium in ({mediums}) and calls.seconds = talk_seconds and {counts})"
    )
    facts["self_logged_seconds"] = (
        f"max(calls.seconds) filter (where calls.medium in ({mediums}) and {heard} and {by_vendor})"
    )
    several = f"calls.medium in ({mediums}) and {spoke} and calls.candidates is not null"
    facts["ambiguous_seconds"] = f"max(calls.seconds) filter (where {several})"
    facts["ambiguous_meetings"] = f"min(calls.candidates) filter (where {several})"
    own = "" if values["accept_self_attested"] else f" and not {by_vendor}"
    facts["doubtful_calls"] = (
        f"count(calls) filter (where not ({_spoke('calls')} and coalesce({_IN_TIME}, false){own}))"
    )
    return facts


def _length(values: Mapping[str, Setting]) -> dict[str, str]:
    """Give the length and its source: what was measured before what was typed in, and that before what was planned."""
    sources, field = _listed_sources(values), values["duration_field"]
    lengths = ["talk_seconds * interval '1 second'"]
    named = "when talk_seconds = conference_seconds then 'conference' " if "conference" in sources else ""
    named += "when talk_seconds is not null then 'call' " if "call" in sources else ""
    facts = {
        "field_length": f"case when custom.{field} >= 0 then custom.{field} * interval '1 minute' else null end"
        if "crm_field" in sources
        else _NO_LENGTH,
        # An entry without times, or of no length, is a note in a calendar.
        "scheduled_length": "case when all_day or ends_at <= starts_at then null else ends_at - starts_at end",
    }
    for source, fact in (("crm_field", "field_length"), ("scheduled", "scheduled_length")):
        if source in sources:
            lengths.append(fact)
            named += f"when {fact} is not null then '{source}' "
    return {
        **facts,
        "held_length": f"coalesce({', '.join(lengths)})" if len(lengths) > 1 else lengths[0],
        "held_source": f"case {named}else null end",
        "ended_at": "coalesce(talk_ended_at, greatest(ends_at, starts_at + held_length), starts_at + held_length,"
        " greatest(ends_at, starts_at), starts_at)",
        "evidence_end": f"ended_at + interval '{values['evidence_hours']} hours'",
        "report_end": f"ended_at + interval '{values['no_show_report_hours']} hours'",
    }


def _author(values: Mapping[str, Setting]) -> dict[str, str]:
    """Give who last wrote the field with the length, and when."""
    if "crm_field" not in _listed_sources(values):
        return {}
    names = [name for name in (values["duration_field"], values["duration_history"]) if name]
    spelt = texts(tuple(each for name in names for each in (name, f"custom.{name}")))
    written = f"changes.object_type = 'meeting' and changes.field in ({spelt})"
    last = f"{written} and changes.at = field_written_at"
    by_vendor = WROTE_BY_VENDOR.format("changes", "actor_id")
    return {
        "field_written_at": f"max(changes.at) filter (where {written})",
        "field_authors_unknown": f"count(changes) filter (where {last} and changes.actor_id is null)",
        "field_first_author": f"min(changes.actor_id) filter (where {last})",
        "field_last_author": f"max(changes.actor_id) filter (where {last})",
        # Two authors at one instant are nobody in particular.
        "field_author": "case when field_authors_unknown = 0 and field_first_author = field_last_author"
        " then field_first_author else null end",
        "field_self_writes": f"count(changes) filter (where {last} and {by_vendor})",
    }


def _people(values: Mapping[str, Setting]) -> dict[str, str]:
    facts: dict[str, str] = {}
    sides = {"buyers": _buyer, "prospects": _prospect}
    if values["decision_maker_titles"]:
        sides["deciders"] = _decider
    for side, condition in sides.items():
        for relation, suffix in (("attendees", "invited"), ("call_attendees", "seen")):
            told = condition(values, relation)
            facts[f"{side}_{suffix}"] = f"count({relation}) filter (where {told})"
            facts[f"{side}_{suffix}_unclear"] = f"count({relation}) filter (where ({told}) is null)"
        # Of several calls it is not told who took part in which: one that proves nothing puts all of them in doubt.
        facts[side] = f"greatest({side}_invited, case when doubtful_calls = 0 then {side}_seen else 0 end)"
        doubtful = f"case when doubtful_calls = 0 then 0 else {side}_seen end"
        facts[f"{side}_unclear"] = f"{side}_invited_unclear + {side}_seen_unclear + {doubtful}"
    return facts


def _there(values: Mapping[str, Setting], relation: str) -> str:
    if relation == "call_attendees":
        return f"coalesce({relation}.attended, true)"
    if values["attendance"] == "attended":
        return f"{relation}.attended"
    return f"coalesce({relation}.attended, {relation}.response <> 'declined', true)"


def _inside(values: Mapping[str, Setting], relation: str) -> str:
    own = f" or listed({relation}.domain, :internal_domains)" if values["internal_domains"] else ""
    return f"({relation}.internal{own})"


def _buyer(values: Mapping[str, Setting], relation: str) -> str:
    vendor = f"coalesce(listed({relation}.actor_id, :vendor_ids), false)"
    return f"{_inside(values, relation)} and not {vendor} and {_there(values, relation)}"


def _prospect(values: Mapping[str, Setting], relation: str) -> str:
    told = f"not {_inside(values, relation)} and {_there(values, relation)}"
    for name, asked in (("free_mail", values["business_email"]), ("excluded", values["excluded_domains"])):
        told += f" and not listed({relation}.domain, :{name}_domains)" if asked else ""
    return told


def _plain(text: str) -> str:
    """Give a text as `lower` gives it."""
    return "".join(sign.lower() if sign.isascii() else sign for sign in text)


def _decider(values: Mapping[str, Setting], relation: str) -> str:
    titles = values["decision_maker_titles"]
    listed = titles if isinstance(titles, tuple) else ()
    # `lower` knows the letters a to z: of others each form is sought.
    forms = dict.fromkeys(_plain(form) for title in listed for form in (title, title.lower(), title.upper()))
    words = " or ".join(f"listed({texts((form,))}, lower({relation}.title))" for form in forms)
    return f"{_prospect(values, relation)} and ({words})"


def _status() -> dict[str, str]:
    """Give when the status was set to what rules a meeting out, and by whom."""
    written = "changes.object_type = 'meeting' and changes.field = 'status'"
    no_show = f"{written} and lower(changes.new) = '\"no_show\"'"
    no_show += " and changes.at >= begins_at"
    reported = f"{no_show} and changes.at < report_end"
    by_vendor = WROTE_BY_VENDOR.format("changes", "actor_id")
    corrected = f"{written} and lower(changes.new) <> '\"no_show\"' and changes.at > last_no_show_at"
    return {
        "no_show_writes": f"count(changes) filter (where {no_show})",
        "last_no_show_at": f"max(changes.at) filter (where {reported})",
        "no_show_at": f"max(changes.at) filter (where {reported} and changes.actor_id is not null)",
        # The vendor does not undo what the buyer reported.
        "corrected_at": f"min(changes.at) filter (where {corrected} and changes.actor_id is not null"
        f" and not {by_vendor})",
        **{
            f"{word}_at": f"max(changes.at) filter (where {written} and lower(changes.new) = '\"{word}\"')"
            for word in ("canceled", "rescheduled")
        },
        # What is planned after the end does not move what took place.
        "replaced": "count(replacements) filter (where coalesce(replacements.created_at < ended_at, true))",
    }


def _talked_before(values: Mapping[str, Setting], calls: str) -> str:
    """Give the condition that a call of another meeting was a conversation, long enough and before this one."""
    minutes = values["min_minutes"]
    assert isinstance(minutes, int)  # noqa: S101 - the parameter's kind
    return (
        f"{calls}.started_at < begins_at and {calls}.seconds >= {minutes * 60} and {_spoke(calls)}"
        f" and {calls}.candidates is null and {calls}.meeting_id <> own_id"
    )


def _account(values: Mapping[str, Setting]) -> dict[str, str]:
    facts = {"account_key": "coalesce(min(merged_accounts.merged_into), min(accounts.merged_into), account_id)"}
    if values["existing_pipeline_exclusion_days"]:
        facts["pipeline_from"] = "booked_at - interval :existing_pipeline_exclusion_days day"
        open_then = (
            "account_deals.created_at < booked_at and account_deals.created_at >= pipeline_from"
            " and (not account_deals.closed or account_deals.closed_at > booked_at)"
        )
        facts["open_deals"] = f"count(account_deals) filter (where {open_then})"
        facts["open_deals_unclear"] = f"count(account_deals) filter (where ({open_then}) is null)"
    if values["first_meeting_only"]:
        earlier = _talked_before(values, "account_meeting_calls")
        facts["earlier_talks"] = f"count(account_meeting_calls) filter (where {earlier})"
        facts["earlier_meetings"] = (
            "count(account_meetings) filter (where account_meetings.starts_at < begins_at"
            " and account_meetings.status = 'completed' and account_meetings.parent_id is null)"
        )
    if values["recurring"] == "first_only":
        before = "series_meetings.starts_at < begins_at and series_meetings.parent_id is null"
        facts["earlier_in_series"] = (
            f"count(series_meetings) filter (where {before} and series_meetings.status = 'completed')"
        )
        facts["earlier_in_series_unclear"] = (
            f"count(series_meetings) filter (where {before}"
            f" and coalesce(series_meetings.status not in {_DID_NOT_HAPPEN}, true))"
        )
        facts["earlier_talks_in_series"] = (
            f"count(series_calls) filter (where {_talked_before(values, 'series_calls')})"
        )
    return facts
