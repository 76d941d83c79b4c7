"""Plans, slices, watermarks, and what they make known about record types."""

import pytest

from tallystick.errors import PermanentError
from tallystick.records.catalog import Coverage, Progress, coverage

SLICES = [(0, 10, {"n": 0}), (10, 20, {"n": 1}), (20, 30, {"n": 2})]


def _state(store, stream="refunds"):
    state = store.stream_states("billing")[stream]
    return state.since, state.watermark


@pytest.fixture
def planned(store):
    """A store with a plan of three slices."""
    store.plan("billing", "refunds", ["refund"], SLICES)
    return store


def test_open_slices_resume_where_they_stopped(planned, commit):
    """A slice gives the cursor of its last committed page, and is gone once it is exhausted."""
    commit(planned, progress=[Progress("refunds", 1, {"n": 7}, None), Progress("refunds", 0, None, 10)])
    assert [
        (part.position, part.start, part.end, part.cursor) for part in planned.open_slices("billing", "refunds")
    ] == [
        (1, 10, 20, {"n": 7}),
        (2, 20, 30, {"n": 2}),
    ]


def test_last_cursor_of_a_batch_counts(planned, commit):
    """Several pages of one slice in a batch leave the cursor of the last and the highest watermark."""
    commit(planned, progress=[Progress("refunds", 0, {"n": 5}, 6), Progress("refunds", 0, {"n": 6}, None)])
    first = planned.open_slices("billing", "refunds")[0]
    assert (first.cursor, first.watermark) == ({"n": 6}, 6)


def test_watermark_walks_over_exhausted_slices(planned, commit):
    """The stream is known up to the first slice that is not exhausted; later ones do not count until it is."""
    steps = []
    for position, end in ((2, 30), (0, 10), (1, 20)):
        commit(planned, progress=[Progress("refunds", position, None, end)])
        steps.append(_state(planned))
    assert steps == [(None, None), (0, 10), (0, 30)]


def test_watermark_inside_an_open_slice_counts(planned, commit):
    """A chronological slice makes known what it has read so far."""
    commit(planned, progress=[Progress("refunds", 0, {"n": 1}, 4)])
    assert _state(planned) == (0, 4)


def test_slice_that_stopped_early_holds_the_stream(planned, commit):
    """An exhausted slice that is known only up to before its end lets nothing behind it count."""
    commit(planned, progress=[Progress("refunds", 0, None, 8), Progress("refunds", 1, None, 20)])
    assert _state(planned) == (0, 8)


def test_watermark_stays_inside_its_slice(planned, commit):
    """A page cannot make known what lies behind the end of its slice."""
    commit(planned, progress=[Progress("refunds", 0, None, 25)])
    assert _state(planned) == (0, 10)


def test_next_plan_continues(planned, commit):
    """A plan that begins at the watermark moves it on and keeps `since`."""
    commit(planned, progress=[Progress("refunds", n, None, 10 * n + 10) for n in range(3)])
    planned.plan("billing", "refunds", ["refund"], [(25, 40, {})])
    assert _state(planned) == (0, 30)
    commit(planned, progress=[Progress("refunds", 0, None, 40)])
    assert _state(planned) == (0, 40)


def test_restarted_history_never_goes_back(planned, commit):
    """While history is read again from its start, what was known stays known."""
    commit(planned, progress=[Progress("refunds", n, None, 10 * n + 10) for n in range(3)])
    planned.plan("billing", "refunds", ["refund"], [(-20, 15, {}), (15, 40, {})])
    commit(planned, progress=[Progress("refunds", 0, {"n": 1}, -5)])
    assert _state(planned) == (0, 30)
    commit(planned, progress=[Progress("refunds", 0, None, 15)])
    assert _state(planned) == (-20, 30)
    commit(planned, progress=[Progress("refunds", 1, None, 40)])
    assert _state(planned) == (-20, 40)


def test_gap_starts_a_new_history(planned, commit):
    """A plan that leaves a gap behind the watermark moves `since` over the gap, once it has read something."""
    commit(planned, progress=[Progress("refunds", n, None, 10 * n + 10) for n in range(3)])
    planned.plan("billing", "refunds", ["refund"], [(50, 60, {})])
    commit(planned, progress=[Progress("refunds", 0, {"n": 1}, None)])
    assert _state(planned) == (0, 30)
    commit(planned, progress=[Progress("refunds", 0, None, 60)])
    assert _state(planned) == (50, 60)


def test_several_passes_over_one_time_are_known_when_all_have_read_it(store, commit):
    """Slices of the very same time make it known only as far as each of them has read."""
    store.plan("billing", "refunds", ["refund"], [(0, 10, {"pass": 1}), (0, 10, {"pass": 2}), (10, 20, {})])
    steps = []
    for position, watermark in ((0, 10), (2, 20), (1, 7)):
        commit(store, progress=[Progress("refunds", position, None, watermark)])
        steps.append(_state(store))
    assert steps == [(None, None), (None, None), (0, 7)]


def test_where_objects_move_a_plan_is_known_as_a_whole(planned, commit):
    """What an object went through in one slice may come with a later one: no slice makes its own time known."""
    steps = []
    for position in (0, 2, 1):
        commit(planned, progress=[Progress("refunds", position, None, 10 * position + 10, moves=True)])
        steps.append(_state(planned))
    assert steps == [(None, None), (None, None), (0, 30)]


@pytest.mark.parametrize(
    "slices", [[(0, 10, {}), (11, 20, {})], [(10, 20, {}), (0, 10, {})], [(10, 0, {})], [(0, 10, {}), (9, 20, {})]]
)
def test_plan_with_a_gap_is_refused(store, slices):
    """Slices that leave a gap, overlap, or are not in order, make no plan."""
    with pytest.raises(PermanentError, match="plan"):
        store.plan("billing", "refunds", ["refund"], slices)
    assert store.open_slices("billing", "refunds") == []


def test_unknown_slice_is_refused(planned, commit):
    """Progress of a slice that is not in the plan is refused, with the whole batch."""
    with pytest.raises(PermanentError, match="no slice 7"):
        commit(planned, progress=[Progress("refunds", 7, None, 10)])


def test_dropped_plan_keeps_what_is_known(planned, commit):
    """Forgetting a plan forgets its cursors and not the watermark."""
    commit(planned, progress=[Progress("refunds", 0, None, 10)])
    planned.drop_plan("billing", "refunds")
    assert (planned.open_slices("billing", "refunds"), _state(planned)) == ([], (0, 10))


def test_coverage_is_that_of_the_worst_stream(store, commit):
    """A type fed by two streams is known since the earlier start and up to the lower watermark of the two."""
    store.register("billing", {"refunds": ["refund"], "events": ["refund", "change"], "ledger": ["ledger_entry"]})
    store.plan("billing", "refunds", ["refund"], [(0, 30, {})])
    commit(store, progress=[Progress("refunds", 0, None, 30)])
    assert coverage(store.engine, "billing")["refund"] == Coverage(None, None)
    store.plan("billing", "events", ["refund", "change"], [(10, 20, {})])
    commit(store, progress=[Progress("events", 0, None, 20)])
    assert coverage(store.engine, "billing") == {
        "change": Coverage(10, 20),
        "ledger_entry": Coverage(None, None),
        "refund": Coverage(0, 20),
    }
    assert coverage(store.engine, "other") == {}


def test_stream_that_feeds_a_further_type_starts_over(planned, commit):
    """A stream that now feeds a type it was never read for is unread again; one that feeds fewer is not."""
    commit(planned, progress=[Progress("refunds", 0, None, 10)])
    planned.register("billing", {"refunds": ["refund"]})
    assert _state(planned) == (0, 10)
    planned.register("billing", {"refunds": ["refund", "change"]})
    assert (_state(planned), planned.open_slices("billing", "refunds")) == ((None, None), [])


def test_stream_that_is_gone_holds_nothing_back(planned):
    """A stream that the connector no longer has does not count in any coverage."""
    planned.register("billing", {"other": ["refund"]})
    assert list(planned.stream_states("billing")) == ["other"]
    assert planned.open_slices("billing", "refunds") == []


def test_another_revision_starts_a_stream_over(planned):
    """A stream read at another revision is forgotten, plan and watermark; the others stay as they are."""
    types = {name: state.types for name, state in planned.stream_states("billing").items()}
    planned.register("billing", types, revisions=dict.fromkeys(types, "1"))
    assert planned.stream_states("billing")[next(iter(types))].watermark is None
    planned.register("billing", types, revisions=dict.fromkeys(types, "1"))
    assert {state.revision for state in planned.stream_states("billing").values()} == {"1"}
