"""SQL and Python give the same answer about meetings and all that is around them."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.properties.evaluators import assert_equal
from tests.properties.predicates import HOUR, SPRING

from tallystick.outcomes import Inputs
from tallystick.outcomes.meeting_qualified import QUALIFIED_MEETING
from tallystick.records.types import RECORD_TYPES

MINUTE = 60_000_000
NEAR = st.integers(-4, 30).map(lambda steps: SPRING + steps * 30 * MINUTE)
WHO = st.sampled_from(["ae", "ae", "bot", "sdr", "nobody", None])
APP = st.sampled_from(["bot", "other", None, None])
BOOKED = st.fixed_dictionaries(
    {
        "created_at": NEAR,
        "updated_at": NEAR,
        "starts_at": st.one_of(st.just(SPRING), NEAR, st.none()),
        "ends_at": st.one_of(st.just(SPRING + 30 * MINUTE), NEAR, st.none()),
        "all_day": st.sampled_from([False, False, True, None]),
        "status": st.sampled_from(["scheduled", "completed", "no_show", "canceled", "rescheduled", None]),
        "account_id": st.sampled_from(["a1", "a1", None]),
        "contact_id": st.sampled_from(["c1", None]),
        "deal_id": st.sampled_from(["d0", None, None]),
        "created_by": WHO,
        "app_id": APP,
        "parent_id": st.sampled_from(["m1", None, None, None]),
        "series_id": st.sampled_from(["weekly", None]),
        "rescheduled_from": st.sampled_from(["m0", "m1", None]),
        "custom": st.sampled_from([None, {"minutes": 20}, {"minutes": 5}, {"minutes": "x"}]),
    }
)
TALKS = st.fixed_dictionaries(
    {
        "started_at": NEAR,
        "ended_at": st.one_of(NEAR, st.none()),
        "seconds": st.sampled_from([60, 899, 900, 1_800, None]),
        "medium": st.sampled_from(["conference", "phone", None]),
        "status": st.sampled_from(["connected", "voicemail", None]),
        "meeting_id": st.sampled_from(["m0", "m0", "m1"]),
        "created_by": WHO,
        "app_id": APP,
        "custom": st.none(),
    }
)
GUESTS = st.fixed_dictionaries(
    {
        "at": NEAR,
        "meeting_id": st.sampled_from(["m0", "m0", None]),
        "call_id": st.sampled_from(["call0", None, None]),
        "domain": st.sampled_from(["acme.example", "gmail.com", "customer.example", "customer.example", None]),
        "internal": st.sampled_from([True, False, False, None]),
        "actor_id": WHO,
        "contact_id": st.sampled_from(["c1", None]),
        "response": st.sampled_from(["accepted", "declined", None]),
        "attended": st.sampled_from([True, False, None, None]),
        "custom": st.none(),
    }
)
WRITES = st.fixed_dictionaries(
    {
        "at": NEAR,
        "object_type": st.sampled_from(["meeting", "meeting", "deal", "contact", None]),
        "object_id": st.sampled_from(["m0", "m0", "c1", "d0", "d1"]),
        "field": st.sampled_from(["status", "stage", "accepted", "custom.accepted", "minutes"]),
        "new": st.sampled_from(['"no_show"', '"canceled"', '"Yes"', '"No"', '"Won"', "true", "null", None]),
        "actor_id": WHO,
        "app_id": APP,
        "custom": st.none(),
    }
)
DEALS = st.fixed_dictionaries(
    {
        "created_at": NEAR,
        "account_id": st.sampled_from(["a1", "a1", None]),
        "created_by": WHO,
        "app_id": APP,
        "closed": st.sampled_from([True, False, None]),
        "closed_at": st.one_of(NEAR, st.none()),
        "custom": st.none(),
    }
)

PAIRS = st.fixed_dictionaries(
    {
        "meeting_id": st.sampled_from(["m0", "m0", "m0", "m1"]),
        "candidates": st.sampled_from(["m0 m1", None, None, None]),
        "account_id": st.sampled_from(["a1", "a1", None]),
        "contact_id": st.sampled_from(["c0", None]),
        "deal_id": st.sampled_from(["d0", None, None]),
        "custom": st.none(),
    }
)


def around(some):
    """Give the meetings of a second source and what is around them."""
    targets = st.sampled_from(["m0", "m0", "c0", "d0", "d1"])
    return {
        "meeting": some(PAIRS, "m", 2),
        "change": some(st.builds(lambda row, to: {**row, "object_id": to}, WRITES, targets), "change", 4),
        "deal": some(DEALS, "d", 2),
        "contact": [{"id": "c0", "custom": None}],
    }


@st.composite
def meetings(draw):
    """Draw two meetings of one account and all around them, with roles of users and titles of contacts over time."""
    empty = {kind: [] for kind in RECORD_TYPES}

    def some(rows, prefix, most):
        return [{**row, "id": f"{prefix}{n}"} for n, row in enumerate(draw(st.lists(rows, max_size=most)))]

    def held(names, column, values):
        found = []
        for name in names:
            for number, as_of in enumerate(sorted(draw(st.lists(NEAR, max_size=2))), start=1):
                row = {"id": name, "version": number, "as_of": as_of, "custom": None, column: draw(values)}
                found.append(row)
        return found

    booked = [{**draw(BOOKED), "id": name} for name in ("m0", "m1")[: draw(st.integers(1, 2))]]
    return {
        **empty,
        "meeting": booked,
        "call": some(TALKS, "call", 3),
        "attendee": some(GUESTS, "guest", 4),
        "change": some(WRITES, "change", 6),
        "deal": some(DEALS, "d", 2),
        "contact": [{"id": "c1", "custom": None}],
        "account": [{"id": "a1", "custom": None, "merged_into": draw(st.sampled_from(["a2", None]))}],
        "actor_all": held(["ae", "bot", "sdr"], "role", st.sampled_from(["AE", "AE", "SDR", None])),
        "contact_all": held(["c1"], "title", st.sampled_from(["VP Sales", "Clerk", None])),
        **{f"acceptance_{kind}": beside for kind, beside in around(some).items()},
        "acceptance_actor_all": held(["ae", "bot", "sdr"], "role", st.sampled_from(["AE", "AE", "SDR", None])),
    }


ACCEPTED_BY = [
    {"acceptance": "none"},
    {},
    {"acceptance": "deal_stage", "accepting_stages": ["Won"], "rejection_values": ["No"]},
    *(
        {"acceptance": f"{of}_field", "acceptance_field": "accepted", **more}
        for of in ("meeting", "contact", "deal")
        for more in ({}, {"acceptance_values": ["Yes", "true"]}, {"rejection_values": ["No"]})
    ),
]
DURATIONS = [
    {},
    {"duration_sources": ["scheduled"]},
    {"duration_sources": ["call", "crm_field"], "duration_field": "minutes"},
    {"duration_sources": ["conference", "call", "crm_field", "scheduled"], "duration_field": "minutes"},
]
QUALIFIED = st.builds(
    lambda act, length, rest: {"vendor_ids": ["bot"], "account_executive_roles": ["AE"], **act, **length, **rest},
    st.sampled_from(ACCEPTED_BY),
    st.sampled_from(DURATIONS),
    st.fixed_dictionaries(
        {},
        optional={
            **{
                param.name: st.sampled_from(param.choices) if param.choices else st.booleans()
                for param in QUALIFIED_MEETING.params
                if (param.kind == "text" and param.choices and param.name != "acceptance") or param.kind == "boolean"
            },
            **{
                param.name: st.integers(param.least, 3)
                for param in QUALIFIED_MEETING.params
                if param.kind == "integer" and param.name != "min_minutes"
            },
            "account_executive_ids": st.just(["sdr"]),
            "internal_domains": st.just(["acme.example"]),
            "excluded_domains": st.just(["customer.example"]),
            "decision_maker_titles": st.just(["vp", "head of"]),
            "holidays": st.just(["2026-03-30"]),
        },
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    values=QUALIFIED,
    data=meetings(),
    hours=st.integers(-2, 130),
    behind=st.sampled_from(sorted(RECORD_TYPES)),
    beside=st.sampled_from([{}, {"acceptance": ["bot"]}]),
)
def test_qualified_meeting_is_decided_alike(database, *, values, data, hours, behind, beside):
    """The template for meetings is decided alike in SQL and in Python with any parameters, however far was read."""
    predicate = QUALIFIED_MEETING.predicate(values, custom={"meeting": {"minutes": "integer"}}, beside=beside)
    read = dict.fromkeys(RECORD_TYPES, SPRING + hours * HOUR) | {behind: SPRING + hours // 2 * HOUR}
    assert_equal(database, predicate, data, Inputs(dict.fromkeys(RECORD_TYPES, 0), read))
