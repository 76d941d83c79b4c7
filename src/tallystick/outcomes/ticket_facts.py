"""The facts of `ticket-resolved`: when it was resolved, who acted, and when nothing that comes later matters any more.

The rules of handoff are named H1 to H8, as facts that any clause may use:

- `h1_public_reply_at`: a person wrote to the customer, or made a note public.
- `h2_left_ai`: a messaging ticket that the platform took away from its AI agent.
- `h3_call_at`: a person spoke or chatted.
- `h4_assigned_at`: it was assigned to a person, by whomever.
- `h5_group_at`: it left the AI agent's group.
- `h6_solved_at`: a person solved it.
- `h7_requested_at`: a tag or field that asks for a person was set.
- `h8_internal_at`: a person wrote a note, used a macro or opened a side conversation.

A person is an agent or admin, by the role held when it was done, who is neither the AI agent nor the requester nor
copied on the ticket.
"""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.outcomes.template import Setting

__all__ = ["CHANNELS", "facts_of", "texts"]

CHANNELS = ("email", "messaging", "chat", "voice", "web", "social", "api", "other")
"""What `ticket.channel` may be."""

# What the roles of people are called, every company decides for itself; customers and robots go by one word each.
_STAFF = "not in ('end-user', 'bot')"
_BEFORE = "coalesce(events.at < settled_at, true)"


def texts(values: object) -> str:
    """Give texts as the inside of an `in (...)`; one that no id is when there are none, so that nothing is in it."""
    listed = values if isinstance(values, tuple) else ()
    return ", ".join("'" + str(value).replace("'", "''") + "'" for value in listed) or "''"


def facts_of(values: Mapping[str, Setting]) -> dict[str, str]:
    """Give the facts for some parameters, as texts by name."""
    return {
        **_resolution(values),
        **_silence(values),
        **_handoffs(values),
        **_confirmation(values),
        **_returns(values),
        **_guards(values),
        **_units(),
    }


def _first(where: str) -> str:
    return f"min(events.at) filter (where {where})"


def _last(where: str) -> str:
    return f"max(events.at) filter (where {where})"


def _staff(bots: str, column: str = "actor") -> str:
    """Give the condition that an act was done by (or given to) one of the staff who is not the AI agent."""
    return f"events.{column}_role {_STAFF} and events.{column}_id not in ({bots})"


def _person(bots: str, column: str = "actor") -> str:
    """Give the condition that it was a person of the desk; unknown where the role is.

    An agent who opened the ticket for himself is its customer. One in copy is told apart in `unclear_acts`: whoever can
    copy an agent could hide a handoff that way.
    """
    return (
        f"{_staff(bots, column)} and events.{column}_id <> coalesce(own_customer, '')"
        f" and not listed(events.{column}_id, coalesce(cc_ids, ''))"
    )


def _customer(bots: str) -> str:
    return f"(events.actor_id = requester_id or events.actor_role = 'end-user') and events.actor_id not in ({bots})"


def _resolution(values: Mapping[str, Setting]) -> dict[str, str]:
    bots = texts(values["bots"])
    solved = "events.kind = 'solved'"
    lasting = f"{solved} and coalesce(events.reopened_at >= events.at + interval :reopen_days day, true)"
    says = " and events.says = 'other'" if values["min_substantive_reply"] else ""
    answer = (
        f"events.actor_id in ({bots}) and (events.kind = 'call' or events.kind = 'message' and events.public{says})"
    )
    resolved_at = _first(solved)
    if values["reopen_effect"] == "new_unit":
        resolved_at = f"coalesce({_first(lasting)}, max(events.at) filter (where {solved}))"
    facts = {
        "opened_by": "min(events.actor_id) filter (where events.kind = 'created')",
        "own_customer": "case when requester_id = opened_by then opened_by else null end",
        "resolved_at": resolved_at,
        "window_end": "resolved_at + interval :reopen_days day",
        "first_answer_at": _first(answer),
        "answered_at": _last(f"{answer} and events.at <= resolved_at"),
    }
    if values["reopen_effect"] == "new_unit":
        over = "events.at + interval :reopen_days day <= read_to(events)"
        by_bot = "coalesce(events.at < voided_at, true)"
        returned = f"events.kind = 'reopened' and events.by = 'user' and {_customer(bots)}"
        facts["lasting_solves"] = f"count(events) filter (where {lasting} and {over} and {by_bot})"
        facts["customer_returns"] = f"count(events) filter (where {returned})"
        # Who reopens and resolves a ticket without the customer makes no further unit.
        facts["units"] = "least(lasting_solves, 1 + customer_returns)"
    return facts


def _silence(values: Mapping[str, Setting]) -> dict[str, str]:
    bots, hours = texts(values["bots"]), values["silence_hours"]
    assert isinstance(hours, Mapping)  # noqa: S101 - the parameter's kind
    public = "events.kind = 'message' and events.public"
    clock = {
        "last_agent_reply": "answered_at",
        "last_message": f"max(events.at) filter (where {public} and events.at <= resolved_at)",
        "first_message": _first(public),
        "close": "resolved_at",
    }
    whens = " ".join(
        f"when channel = '{name}' then interval '{hours[name]} hours'" for name in CHANNELS if name != "other"
    )
    asks = f"{public} and {_customer(bots)} and coalesce(events.says <> 'thanks', true)"
    # What the outcome waits for: the window of returns if they void, the silence, or the customer's confirmation.
    waits = ["window_end"] if values["reopen_effect"] == "void" else []
    waits += ["coalesce(silence_end, resolved_at)"] if values["confirmation"] != "explicit" else []
    waits += ["coalesce(confirmed_at, resolved_at)"] if values["confirmation"] in {"explicit", "any_of"} else []
    return {
        "clock_at": clock[str(values["clock_start"])],
        "silence_end": f"clock_at + case {whens} else interval '{hours['other']} hours' end",
        "asked_again_at": _first(f"{asks} and events.at > clock_at"),
        "open_question_at": _last(f"{asks} and events.at > answered_at and events.at <= resolved_at"),
        "last_question_at": _last(f"{asks} and events.at > answered_at and events.at < window_end"),
        "settled_at": f"greatest({', '.join(waits)})" if len(waits) > 1 else waits[0],
    }


def _handoffs(values: Mapping[str, Setting]) -> dict[str, str]:
    bots = texts(values["bots"])
    person, by_user = _person(bots), "events.by = 'user'"
    assignee = _person(bots, "assignee")
    human = f" and events.group_id in ({texts(values['human_groups'])})" if values["human_groups"] else ""
    groups = texts(values["ai_groups"])
    platform = "true" if values["platform_ai"] else "ai_listed > 0"
    note = "events.kind in ('macro', 'side_conversation') or events.kind = 'message' and not events.public"
    tag = _first(_tagged(values["escalation_tags"]))
    names = texts(tuple(f"custom.{name}" for name in _tuple(values["escalation_fields"])))
    empty = "'null', '\"\"', 'false', '[]'"
    own = "changes.object_type = 'ticket'"  # in some systems a deal may have the same id
    written = f"min(changes.at) filter (where {own} and changes.field in ({names}) and changes.new not in ({empty}))"
    facts = {
        "ai_listed": "count(events) filter (where events.kind = 'ai_agent')",
        "ai_listed_at": "max(events.at) filter (where events.kind = 'ai_agent')",
        "h1_public_reply_at": _first(
            f"(events.kind = 'message' and events.public or events.kind = 'privacy' and events.value = 'public')"
            f" and {person}"
        ),
        "h2_left_ai": f"case when channel = 'messaging' and resolved_at is not null and {platform}"
        " then coalesce(ai_listed_at < resolved_at, true) else false end",
        "h3_call_at": _first(f"events.kind = 'call' and {person}"),
        # Solving needs an assignee: one given while solving is none, unless it was reopened at once.
        "undone_at_once": "count(events) filter (where events.kind = 'reopened' and events.at = resolved_at)",
        "h4_assigned_at": _first(
            f"events.kind = 'assigned' and {assignee}"
            " and coalesce(events.at <> resolved_at or undone_at_once > 0, true)"
        ),
        "h5_group_at": _first(
            f"events.kind = 'grouped' and events.previous in ({groups})"
            f" and coalesce(events.group_id not in ({groups}), true){human}"
        ),
        "h6_solved_at": _first(f"events.kind = 'solved' and {by_user} and events.at = resolved_at and {person}"),
        "tag_requested_at": tag,
        "field_requested_at": written,
        "h7_requested_at": _earliest("tag_requested_at", "field_requested_at"),
        "h8_internal_at": _first(f"({note}) and {by_user} and {person}"),
        "human_reply_at": _earliest("h1_public_reply_at", "h3_call_at"),
        "human_assigned_at": _earliest("h4_assigned_at", "h5_group_at"),
        "human_act_at": _earliest("human_reply_at", _earliest("h6_solved_at", "h8_internal_at")),
        "first_handoff_at": _earliest("human_reply_at", "human_assigned_at"),
        "voided_at": _voided(values),
    }
    # A procedure that is named only after the handoff explains nothing.
    procedure = f"{_tagged(values['billable_handoffs'])} and coalesce(events.at <= first_handoff_at, true)"
    facts["billable_procedures"] = f"count(events) filter (where {procedure} and {_BEFORE})"
    return facts


def _voided(values: Mapping[str, Setting]) -> str:
    """Give the earliest of the acts that the contract lets count as a handoff."""
    facts = {
        "requested": "h7_requested_at",
        "assigned": "human_assigned_at",
        "public_reply": "human_reply_at",
        "internal_note": "h8_internal_at",
    }
    chosen = [facts[name] for name in _tuple(values["handoff_voids"])]
    earliest = chosen[0] if chosen else "case when false then resolved_at else null end"
    for name in chosen[1:]:
        earliest = _earliest(earliest, name)
    return earliest


def _tagged(tags: object) -> str:
    """Give the condition that one of some tags was set; help desks do not tell their letters' case apart."""
    return f"events.kind = 'tagged' and lower(events.value) in ({texts(tuple(tag.lower() for tag in _tuple(tags)))})"


def _confirmation(values: Mapping[str, Setting]) -> dict[str, str]:
    bots = texts(values["bots"])
    rated = f"events.kind = 'rated' and coalesce(events.actor_id not in ({bots}), true)"
    customer = "coalesce(events.actor_id = requester_id, events.actor_role = 'end-user')"
    # What came through the API, or on behalf of the requester, may have been written by the vendor.
    thanks = f"events.kind = 'message' and events.public and events.says = 'thanks' and {customer}"
    thanks += f" and coalesce(events.channel not in ('api', 'on_behalf'), true) and events.actor_id not in ({bots})"
    confirms = f"({rated} and {_customer(bots)} and events.score >= :csat_threshold or {thanks})"
    confirms += " and events.at >= first_answer_at and events.at < window_end"
    judged = f"{_tagged((values['judge_tag'],))} and events.at >= answered_at and {_BEFORE}"
    return {
        "confirmed_at": _last(confirms),
        "lowest_rating": f"min(events.score) filter (where {rated} and {_BEFORE})",
        "judged_at": _first(f"{judged} and coalesce(events.actor_id not in ({bots}), true)"),
        "self_judged_at": _first(f"{judged} and events.actor_id in ({bots})"),
    }


def _returns(values: Mapping[str, Setting]) -> dict[str, str]:
    bots = texts(values["bots"])
    content = "coalesce(events.says <> 'thanks', true)"
    back = "events.kind = 'reopened' and events.at >= resolved_at"
    asks = f"events.kind = 'message' and events.public and {_customer(bots)} and {content}"
    facts = {
        "ticket_reopened_at": _first(back if values["thanks_is_a_return"] else f"{back} and {content}"),
        # Who only said thanks has it open again, and may write more without reopening it.
        "thanked_at": _first(f"{back} and events.says = 'thanks'"),
        "wrote_again_at": _first(f"{asks} and events.at > thanked_at"),
        "carried_on_at": "min(follow_up_acts.at) filter (where follow_up_acts.kind = 'created')",
        "followed_up_at": _earliest("min(follow_ups.created_at)", "carried_on_at"),
        "returned_on_ticket_at": _earliest("ticket_reopened_at", "wrote_again_at"),
        "returned_at": _earliest("returned_on_ticket_at", "followed_up_at"),
    }
    scope = values["reopen_scope"]
    if scope != "same_ticket":
        topic = values["topic_field"]
        if scope == "same_requester_same_topic" and not topic:
            raise ValueError(
                "reopen_scope same_requester_same_topic needs topic_field, the custom field with the topic"
            )
        same = f" and requester_tickets.custom.{topic} = custom.{topic}" if scope != "any_ticket" else ""
        facts["came_back_at"] = (
            f"min(requester_tickets.created_at) filter (where requester_tickets.created_at > resolved_at{same})"
        )
        facts["returned_at"] = _earliest("returned_on_ticket_at", _earliest("followed_up_at", "came_back_at"))
    return facts


def _guards(values: Mapping[str, Setting]) -> dict[str, str]:
    bots, seats = texts(values["bots"]), texts(values["shared_seats"])
    acts = "events.kind in ('message', 'call', 'solved', 'assigned')"
    # A kind of author that the system did not have before may be a person.
    stranger = f"coalesce(events.by, 'user') = 'user' and events.actor_id not in ({bots}) and events.actor_role is null"
    nobody = f"{acts} and events.by = 'user' and events.actor_id is null"
    nobody += " or events.kind in ('message', 'call') and events.by = 'system' and events.actor_id is null"
    spoke = "(events.kind = 'call' or events.kind = 'message' and events.public)"
    copied = f"{spoke} and {_staff(bots)} and listed(events.actor_id, coalesce(cc_ids, ''))"
    copied += " and events.actor_id <> coalesce(own_customer, '')"
    given = f"events.kind = 'assigned' and events.assignee_id not in ({bots}) and events.assignee_role is null"
    hidden = "events.kind = 'message' and (events.public is null or events.says is null)"
    # Whom the system does not show yet may still come: that is told by how far its users were read.
    unclear = f"({acts} and {stranger} or {given}) and events.at < read_to(actor) or {nobody} or {copied} or {hidden}"
    return {
        "excluded_at": _first(f"events.kind = 'spam' or {_tagged(values['spam_and_test_exclusions'])}"),
        "merged_at": _first(f"events.kind = 'merged' and {_BEFORE}"),
        "absorbed": f"count(events) filter (where events.kind = 'absorbed' and {_BEFORE})",
        "deletion_at": "max(events.at) filter (where events.kind = 'deleted')",
        "deleted_at": "case when status = 'deleted' then coalesce(deletion_at, updated_at) else null end",
        "unclear_acts": f"count(events) filter (where ({unclear}) and {_BEFORE})",
        "acts_from_shared_seats": "count(events) filter (where events.kind in ('message', 'call', 'solved')"
        f" and events.actor_id in ({seats}) and {_BEFORE})",
        "reopens_seen": "count(events) filter (where events.kind = 'reopened')",
    }


def _units() -> dict[str, str]:
    return {
        "carries_on": "follow_up_of",
        "went_into": "min(events.other_ticket_id) filter (where events.kind = 'merged')",
        "asked_by": "requester_id",
    }


def _earliest(one: str, other: str) -> str:
    return f"coalesce(least({one}, {other}), {one}, {other})"


def _tuple(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()
