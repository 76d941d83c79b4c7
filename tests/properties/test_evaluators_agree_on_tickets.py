"""SQL and Python give the same answer about tickets: what happened to them in turn, by whom, and in which role."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.properties.evaluators import assert_equal
from tests.properties.predicates import HOUR, SPRING

from tallystick.outcomes import ClauseSource, Inputs, PredicateSource, predicate_from_source
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED
from tallystick.records.types import RECORD_TYPES

SOON = st.integers(0, 6).map(lambda hours: SPRING + hours * HOUR)
ACTS = st.fixed_dictionaries(
    {
        "at": st.one_of(SOON, SOON, SOON, st.none()),
        "ticket_id": st.sampled_from(["a", "a", "b"]),
        "kind": st.sampled_from(["solved", "reopened", "message"]),
        "actor_id": st.sampled_from(["a", "b", "c", None]),
        "assignee_id": st.sampled_from(["a", "b", None]),
        "public": st.sampled_from([True, False, None]),
        "custom": st.none(),
    }
)
TICKETS = st.fixed_dictionaries(
    {
        "created_at": SOON,
        "requester_id": st.sampled_from(["a", "b", None]),
        "follow_up_of": st.sampled_from(["a", None]),
        "cc_ids": st.sampled_from(["a", "b c", "", "ab", None]),
        "custom": st.none(),
    }
)
ROLES = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from(["a", "b"]), "as_of": SOON, "role": st.sampled_from(["agent", "user", None])}
    ),
    max_size=5,
)
CONDITIONS = (
    "events.kind = 'solved'",
    "events.public",
    "events.actor_role = 'agent'",
    "events.assignee_role <> 'agent'",
    "events.actor_role is null",
    "events.actor_id <> requester_id",
    "listed(events.actor_id, cc_ids)",
    "events.reopened_at is null",
    "events.reopened_at < events.at + interval '2 hours'",
)
DEPENDENT = (
    "events.at {op} first_at",
    "events.at {op} first_at + interval '1 day'",
    "events.at {op} next_at",
    "events.reopened_at {op} next_at",
    "follow_count > 0",
)


@st.composite
def stories(draw):
    """Draw tickets, what happened to them, and who did it in which role."""
    tickets = [{**draw(TICKETS), "id": name} for name in ("a", "b")[: draw(st.integers(1, 2))]]
    acts = [{**act, "id": f"e{number}"} for number, act in enumerate(draw(st.lists(ACTS, max_size=7)))]
    numbers, users = {}, []
    for user in sorted(draw(ROLES), key=lambda row: row["as_of"]):
        numbers[user["id"]] = numbers.get(user["id"], 0) + 1
        users.append({**user, "version": numbers[user["id"]], "custom": None})
    empty = {kind: [] for kind in RECORD_TYPES}
    return {**empty, "ticket": tickets, "ticket_event": acts, "actor_all": users}


@st.composite
def chained(draw):
    """Draw facts that depend on each other through the conditions of aggregates."""

    def where(*more):
        parts = draw(st.lists(st.sampled_from((*CONDITIONS, *more)), min_size=1, max_size=3))
        operator = draw(st.sampled_from([" and ", " and ", " or "]))
        return operator.join(parts).format(op=draw(st.sampled_from(["<", "<=", "=", "<>", ">=", ">"])))

    extreme = draw(st.sampled_from(["min", "max"]))
    facts = {
        "first_at": f"{extreme}(events.at) filter (where {where()})",
        "follow_count": "count(follow_ups) filter (where follow_ups.created_at > first_at)",
        "next_at": f"{extreme}(events.at) filter (where {where(*DEPENDENT[:2])})",
        "last_at": f"max(events.reopened_at) filter (where {where(*DEPENDENT)})",
        "acts": f"count(events) filter (where {where(*DEPENDENT)})",
    }
    return PredicateSource(facts, {"c": ClauseSource("acts > 1", "last_at", "next_at > first_at")}, "acts")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(chained(), stories())
def test_facts_that_depend_on_facts_are_decided_alike(database, source, data):
    """Conditions that depend on facts, roles as of an instant, and what followed mean the same in SQL and in Python."""
    predicate = predicate_from_source("ticket", source)
    read = dict.fromkeys(RECORD_TYPES, SPRING + 3 * HOUR)
    assert_equal(database, predicate, data, Inputs(dict.fromkeys(RECORD_TYPES, 0), read))


KINDS = (
    "message",
    "message",
    "solved",
    "reopened",
    "assigned",
    "grouped",
    "tagged",
    "rated",
    "ai_agent",
    "merged",
    "call",
)
DEEDS = st.fixed_dictionaries(
    {
        "at": SOON,
        "ticket_id": st.just("a"),
        "kind": st.sampled_from(KINDS),
        "actor_id": st.sampled_from(["bot", "a", "b", "c", None]),
        "by": st.sampled_from(["user", "user", "rule"]),
        "channel": st.sampled_from(["email", "api", None]),
        "public": st.sampled_from([True, True, False]),
        "says": st.sampled_from(["other", "thanks", "greeting", None]),
        "value": st.sampled_from(["test", "escalated", "judged_resolved"]),
        "previous": st.sampled_from(["ai", "people"]),
        "assignee_id": st.sampled_from(["bot", "a", "b", None]),
        "group_id": st.sampled_from(["ai", "people", None]),
        "other_ticket_id": st.sampled_from(["b", None]),
        "score": st.sampled_from([1, 4, 5]),
        "custom": st.none(),
    }
)
CASES = st.fixed_dictionaries(
    {
        "id": st.just("a"),
        "created_at": st.just(SPRING),
        "updated_at": SOON,
        "status": st.sampled_from(["open", "closed", "deleted", None]),
        "channel": st.sampled_from(["email", "messaging", "voice", None]),
        "requester_id": st.sampled_from(["a", "c", None]),
        "cc_ids": st.sampled_from(["b", "", None]),
        "reopens_reported": st.sampled_from([0, 1, None]),
        "custom": st.none(),
    }
)
AGREED = st.fixed_dictionaries(
    {"bots": st.just(["bot"])},
    optional={
        "confirmation": st.sampled_from(["explicit", "silence", "any_of"]),
        "silence_hours": st.integers(0, 4),
        "reopen_days": st.integers(0, 1),
        "handoff_voids": st.lists(st.sampled_from(["requested", "assigned", "public_reply", "internal_note"])),
        "shared_seats": st.just(["c"]),
        "ai_groups": st.just(["ai"]),
        "escalation_tags": st.just(["escalated"]),
        "spam_and_test_exclusions": st.just(["test"]),
        **{
            param.name: st.sampled_from(param.choices) if param.choices else st.booleans()
            for param in TICKET_RESOLVED.params
            if (param.kind == "text" and param.choices and param.name not in {"confirmation", "judge", "reopen_scope"})
            or param.kind == "boolean"
        },
    },
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(values=AGREED, ticket=CASES, deeds=st.lists(DEEDS, max_size=9), roles=ROLES, hours=st.integers(0, 30))
def test_ticket_resolved_is_decided_alike(database, *, values, ticket, deeds, roles, hours):
    """The template for tickets is decided alike in SQL and in Python with any parameters."""
    numbers, users = {}, []
    for user in sorted(roles, key=lambda row: row["as_of"]):
        numbers[user["id"]] = numbers.get(user["id"], 0) + 1
        users.append({**user, "version": numbers[user["id"]], "custom": None})
    acts = [{**deed, "id": f"e{number}"} for number, deed in enumerate(deeds)]
    empty = {kind: [] for kind in RECORD_TYPES}
    data = {**empty, "ticket": [ticket], "ticket_event": acts, "actor_all": users}
    predicate = TICKET_RESOLVED.predicate(values)
    read = dict.fromkeys(RECORD_TYPES, SPRING + hours * HOUR)
    assert_equal(database, predicate, data, Inputs(dict.fromkeys(RECORD_TYPES, 0), read))
