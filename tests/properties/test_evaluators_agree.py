"""The two evaluators are one: SQL and Python give the same answer for any predicate over any records."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.properties.evaluators import assert_equal
from tests.properties.predicates import CUSTOM, SPRING, data_sets, instants, marks, sources

from tallystick.outcomes import Inputs, PredicateSource, predicate_from_source
from tallystick.outcomes.library import DOLLARS_COLLECTED
from tallystick.period import DAY
from tallystick.records.types import RECORD_TYPES


@settings(max_examples=70, deadline=None, suppress_health_check=list(HealthCheck))
@given(sources(), data_sets, marks, marks)
def test_any_predicate_over_any_records_is_decided_alike(database, source, data, read_from, read_to):
    """Facts, states, decision, dates and quantity are equal in SQL, in Python, and over the cited evidence."""
    predicate = predicate_from_source("payment", source, custom=CUSTOM)
    assert_equal(database, predicate, data, Inputs(read_from, read_to))


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(sources("ticket"), data_sets, marks, marks)
def test_any_predicate_over_tickets_is_decided_alike(database, source, data, read_from, read_to):
    """So it is for another record type."""
    predicate = predicate_from_source("ticket", source, custom=CUSTOM)
    assert_equal(database, predicate, data, Inputs(read_from, read_to))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.one_of(instants, st.integers(SPRING - 20 * DAY, SPRING + 20 * DAY)), min_size=1, max_size=8),
    st.integers(0, 30),
    st.sets(st.integers(-30, 60), max_size=25),
)
def test_business_days_are_counted_alike(database, ats, days, offsets):
    """The deadline in business days is the same in SQL, where it is a formula, and in Python, which walks the days."""
    start = date(2026, 3, 29)
    holidays = " ".join(sorted((start + timedelta(days=offset)).isoformat() for offset in offsets))
    source = PredicateSource(
        {"due_at": f"business_deadline(created_at, {days}, '{holidays}')"}, {"c": "due_at is null"}
    )
    empty = {kind: [] for kind in RECORD_TYPES}
    tickets = [{"id": str(number), "custom": None, "created_at": at} for number, at in enumerate(ats)]
    read = dict.fromkeys(RECORD_TYPES, 2**63 - 1)
    assert_equal(database, predicate_from_source("ticket", source), {**empty, "ticket": tickets}, Inputs(read, read))


choices = st.fixed_dictionaries(
    {"agency": st.sampled_from(["a", "b"])},
    optional={
        param.name: st.sampled_from(param.choices)
        if param.choices
        else st.booleans()
        if param.kind == "boolean"
        else st.integers(0, 3)
        for param in DOLLARS_COLLECTED.params
        if param.name != "agency" and param.kind != "field"
    },
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(choices, data_sets, marks, marks)
def test_dollars_collected_is_decided_alike(database, values, data, read_from, read_to):
    """The built-in template is decided alike in SQL and in Python with any parameters."""
    predicate = DOLLARS_COLLECTED.predicate(values, custom=CUSTOM)
    assert_equal(database, predicate, data, Inputs(read_from, read_to))
