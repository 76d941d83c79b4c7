"""The streams against a simulated account: windows, the second read, ids, batches, and resuming."""

import pytest

from tallystick.connectors import Slice
from tallystick_hubspot.faults import PausedError
from tallystick_hubspot.kinds import KINDS
from tallystick_hubspot.simulator.deeds import Archive, Create, OpenThread, Set, person
from tallystick_hubspot.simulator.instants import instant

MINUTE, HOUR = 60_000, 3_600_000
T0 = instant("2026-09-01T08:00:00Z")
BY = person(9_001)


def _ids(records, kind="ticket"):
    return [record.id for record in records if record.type == kind]


# --- windows


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_first_read_of_long_history_is_cut_without_a_gap(simulate, name, plan, streams):
    """A year of history is read in four slices, known when all are read; half a quarter in one; later reads in one."""
    _, make = simulate(plan())
    stream = streams(make(start="2025-09-01"))[name]
    parts = stream.plan(None, (T0 + 2 * HOUR) * 1000)

    assert (len(parts), stream.moves) == (4, True)
    assert [part.start for part in parts[1:]] == [part.end for part in parts[:-1]]
    assert parts[-1].end == (T0 + 2 * HOUR) * 1000
    assert len(streams(make(start="2026-08-01"))[name].plan(None, T0 * 1000)) == 1
    assert len(stream.plan(T0 * 1000, (T0 + HOUR) * 1000)) == 1
    assert stream.plan(T0 * 1000, T0 * 1000) == []


def test_the_watermark_stays_behind_by_the_lag(simulate, plan, streams, read, tickets):
    """What was read less than an hour after it happened does not count as read, by HubSpot's clock and not by ours."""
    _, make = simulate(plan(*tickets(3)), now=T0 + 2 * HOUR)
    connector = make()
    pages, records = read(streams(connector)["tickets"], until=T0 + 9 * HOUR)

    assert _ids(records) == ["1001", "1002", "1003"]
    assert pages[-1].watermark == (T0 + 2 * HOUR) * 1000 - HOUR * 1000
    quick, _ = read(streams(make(lag_minutes=0))["tickets"], until=T0 + 9 * HOUR)
    assert quick[-1].watermark == (T0 + 2 * HOUR) * 1000


def test_a_lagging_index_is_read_a_second_time(simulate, plan, streams, read, tickets):
    """A change that the index does not show at first is found by the next read, because the watermark stayed behind."""
    plan = plan(*tickets(200))
    simulator, make = simulate(plan, now=T0 + 10 * MINUTE, index_lag=1800)
    first_pages, first = read(streams(make())["tickets"], until=T0 + 10 * MINUTE)
    watermark = first_pages[-1].watermark
    simulator.move((T0 + 2 * HOUR) // 1000)
    second_pages, second = read(streams(make())["tickets"], watermark, until=T0 + 2 * HOUR)

    assert len(_ids(first)) < 200
    assert set(_ids(second)) == {str(1001 + n) for n in range(200)}
    assert second_pages[-1].watermark == (T0 + HOUR) * 1000


def test_more_rows_with_one_stamp_than_a_search_gives(simulate, plan, streams, read, tickets):
    """Ten thousand five hundred objects with one time stamp are all read, each once, and the read ends."""
    _, make = simulate(plan(*tickets(10_500)))
    connector = make(candidates={"created_after": "2027-01-01"})
    _, records = read(streams(connector)["tickets"])

    assert _ids(records) == [str(1001 + n) for n in range(10_500)]


# --- calls


def test_calls_of_an_increment(simulate, plan, streams, tickets):
    """A thousand changed tickets cost five searches and two batches of associations; settings are read once a run."""
    _, make = simulate(plan(*tickets(1_000)))
    connector = make(candidates={"created_after": "2027-01-01"})
    stream = streams(connector)["tickets"]
    stream._reader.properties()
    stream._reader._directory.stages("tickets")
    stream._reader._directory.owners()
    before = connector.calls()
    pages = list(stream.read(Slice((T0 - HOUR) * 1000, (T0 + HOUR) * 1000, {})))

    assert sum(len(_ids(page.records)) for page in pages) == 1_000
    assert connector.calls() - before == 7


def test_calls_for_candidates(simulate, plan, streams, read, tickets):
    """A hundred candidates cost two batches of histories, and two calls each for conversations with one thread."""
    threads = [OpenThread(T0 + MINUTE, str(7001 + n), str(1001 + n)) for n in range(100)]
    _, make = simulate(plan(*tickets(100), *threads))
    connector = make()
    stream = streams(connector)["tickets"]
    stream._reader.properties()
    stream._reader._directory.stages("tickets")
    stream._reader._directory.owners()
    before = connector.calls()
    read(stream)

    assert connector.calls() - before == 1 + 2 + 2 + 200


def test_what_narrows_candidates(simulate, plan, streams, read, tickets):
    """Pipeline, owner and date of creation each keep histories and conversations from being read; records all come."""
    deeds = [*tickets(2), Set(T0 + MINUTE, ("tickets", "1002"), {"hubspot_owner_id": "32"}, BY)]
    _, make = simulate(plan(*deeds))
    for narrowed, expected in (
        ({"pipelines": ["0"]}, {"1001", "1002"}),
        ({"pipelines": ["9"]}, set()),
        ({"owner_ids": ["9002"]}, {"1002"}),
        ({"owner_ids": ["32"]}, {"1002"}),
        ({"created_after": "2026-09-02"}, set()),
    ):
        _, records = read(streams(make(candidates=narrowed))["tickets"])
        assert _ids(records) == ["1001", "1002"]
        told = {record.values[2] for record in records if record.type == "change"}
        assert told == expected, narrowed


# --- resuming


@pytest.mark.parametrize("name", ["tickets", "meetings", "contacts", "archived_tickets"])
def test_a_read_cut_after_any_page_goes_on_from_there(simulate, name, plan, streams, tickets):
    """Whatever page was the last one stored, its cursor gives the rest: nothing is lost."""
    values = {"hs_timestamp": "2026-09-02T08:00:00Z"}
    deeds = [
        *tickets(450),
        *(Create(T0, ("meetings", str(5001 + n)), values, BY) for n in range(450)),
        *(Create(T0, ("contacts", str(3001 + n)), {"email": f"c{n}@x.example"}, BY) for n in range(450)),
        *(Archive(T0 + MINUTE, ("tickets", str(1001 + n))) for n in range(0, 450, 3)),
    ]
    _, make = simulate(plan(*deeds))
    connector = make(threads=False, history={"tickets": [], "meetings": []})
    stream = streams(connector)[name]
    [part] = stream.plan(T0 * 1000 - 1, (T0 + 2 * HOUR) * 1000)
    whole = list(stream.read(part))
    everything = [record.id for page in whole for record in page.records]

    assert len(whole) > 1
    for place, page in enumerate(whole[:-1]):
        rest = [r.id for p in stream.read(Slice(part.start, part.end, page.cursor)) for r in p.records]
        assert [record.id for p in whole[: place + 1] for record in p.records] + rest == everything
    assert len({str(page.cursor) for page in whole}) == len(whole)


def test_the_day_runs_out_and_the_next_run_goes_on(simulate, plan, streams, tickets):
    """When the calls of the day are spent the read ends with what it has; another day's goes on where it stopped."""
    simulator, make = simulate(plan(*tickets(2_400)))
    settings = {"candidates": {"created_after": "2027-01-01"}}
    stream = streams(make(**settings))["tickets"]
    [part] = stream.plan(None, (T0 + 2 * HOUR) * 1000)[-1:]
    got, cursor = [], {}

    def read_on():
        nonlocal cursor
        for page in stream.read(part):
            got.extend(_ids(page.records))
            cursor = page.cursor
            simulator.faults.load([{"kind": "429", "policy": "DAILY", "retry_after": None}])

    with pytest.raises(PausedError):
        read_on()
    again = streams(make(**settings))["tickets"].read(Slice(part.start, part.end, cursor))
    rest = [record for page in again for record in page.records]

    assert 0 < len(got) < 2_400
    assert got + _ids(rest) == [str(1001 + n) for n in range(2_400)]
