"""Syncing a source: what is stored, what an error stops, what is refused."""

import threading
import time

import pytest
from tests.fakes import DAY, FakeConnector, FakeStream, refund, sleeping

from tallystick.connectors.base import Page, Slice
from tallystick.database.engine import open_database
from tallystick.errors import AuthorizationError, ConnectorError, CursorExpired, PermanentError, StorageError
from tallystick.records.catalog import RecordStore, coverage, fsck
from tallystick.records.model import Record
from tallystick.records.scan import connect
from tallystick.sync.engine import sync_source

UNTIL = 10 * DAY
OBJECTS = [(f"re_{number}", number * 137 % UNTIL, f"text {number}") for number in range(60)]


@pytest.fixture
def store(tmp_path):
    """A store over SQLite."""
    engine = open_database(tmp_path / "t.db", create=True)
    yield RecordStore(engine, tmp_path / "records")
    engine.dispose()


def _sync(store, *streams, **more):
    connector = FakeConnector(*streams)
    options = {"until": UNTIL, "observed_at": UNTIL, **more}
    return sync_source(store, "billing", connector, **options)


def _ids(store, kind="refund"):
    with connect(store, "billing") as database:
        return {row[0] for row in database.execute(f"SELECT id FROM {kind}").fetchall()}


def _failing_at(stream, number, error):
    """Make a stream raise before its page of that number."""
    seen = iter(range(1, 1_000_000))

    def fail():
        if next(seen) == number:
            raise error

    stream.before_page = fail
    return stream


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("threads", [1, 8])
def test_everything_is_read(store, newest_first, threads):
    """A first sync stores every record once and knows the stream up to its end."""
    report = _sync(store, FakeStream(OBJECTS, newest_first=newest_first), threads=threads)
    assert _ids(store) == {held[0] for held in OBJECTS}
    [stream] = report.streams
    assert (stream.read, stream.stored, stream.watermark, report.errors) == (60, 60, UNTIL, [])
    assert coverage(store.engine, "billing")["refund"].watermark == UNTIL
    assert fsck(store) == []


def test_second_sync_stores_nothing(store):
    """Syncing again at the same instant reads no page and stores nothing."""
    _sync(store, FakeStream(OBJECTS))
    again = FakeStream(OBJECTS)
    report = _sync(store, again)
    assert (report.streams[0].stored, again.pages, store.last_seq()) == (0, 0, 60)


def test_later_sync_reads_what_is_new(store):
    """A later sync reads from the watermark on."""
    late = [("re_late", UNTIL + 5, "late")]
    _sync(store, FakeStream(OBJECTS))
    report = _sync(store, FakeStream([*OBJECTS, *late]), until=UNTIL + DAY)
    assert (report.streams[0].read, report.streams[0].watermark) == (1, UNTIL + DAY)
    assert "re_late" in _ids(store)


def test_several_streams(store):
    """Each stream has its own counts and watermark; their rows share one order of sequence numbers."""
    other = FakeStream([("re_other", 5, "x")], name="events")
    report = _sync(store, FakeStream(OBJECTS), other)
    assert [(stream.stream, stream.stored) for stream in report.streams] == [("refunds", 60), ("events", 1)]
    assert store.last_seq() == 61


def test_error_keeps_what_was_read(store):
    """An error stops its stream with its cause in the report; pages before it are stored, and its watermark stands."""
    error = ConnectorError("the system is down", request_id="req_1")
    broken = _failing_at(FakeStream(OBJECTS, slice_days=10), 3, error)
    whole = FakeStream([("re_other", 5, "x")], name="events")
    report = _sync(store, broken, whole)
    assert report.errors == [error]
    assert [(stream.stored, stream.watermark) for stream in report.streams] == [(6, None), (1, UNTIL)]
    assert "req_1" in report.streams[0].error
    assert coverage(store.engine, "billing")["refund"].watermark is None


@pytest.mark.parametrize(("moves", "known"), [(False, 9 * DAY), (True, None)])
def test_where_objects_move_a_slice_alone_makes_nothing_known(store, moves, known):
    """When the last slice breaks off, the ones before it are known only of objects that stay where they are listed."""
    stream = FakeStream(OBJECTS)
    stream.moves = moves
    read = stream.read

    def fail_last(part):
        if part.end == UNTIL:
            raise ConnectorError("gone")
        yield from read(part)

    stream.read = fail_last
    [told] = _sync(store, stream, threads=1).streams
    assert told.watermark == known
    stream.read = read
    [told] = _sync(store, stream, threads=1).streams
    assert (told.watermark, _ids(store)) == (UNTIL, {held[0] for held in OBJECTS})


def test_error_is_made_good_by_the_next_sync(store):
    """The next sync resumes where the error came, without reading committed pages again."""
    error = ConnectorError("the system is down")
    _sync(store, _failing_at(FakeStream(OBJECTS, slice_days=10), 3, error))
    resumed = FakeStream(OBJECTS, slice_days=10)
    report = _sync(store, resumed)
    assert (report.errors, resumed.pages, report.streams[0].stored) == ([], 18, 54)
    assert _ids(store) == {held[0] for held in OBJECTS}


def test_unfinished_plan_comes_first(store):
    """A plan left open is finished by a later sync before the time since is planned, in the same run."""
    _sync(store, _failing_at(FakeStream(OBJECTS, slice_days=10), 3, ConnectorError("down")))
    late = FakeStream([*OBJECTS, ("re_late", UNTIL + 5, "late")], slice_days=10)
    report = _sync(store, late, until=UNTIL + DAY)
    assert report.streams[0].watermark == UNTIL + DAY
    assert _ids(store) == {held[0] for held in OBJECTS} | {"re_late"}


def test_refused_key_stops_the_source(store):
    """An AuthorizationError ends every stream of the source."""
    error = AuthorizationError("the key was revoked")
    other = FakeStream(OBJECTS, name="events", per_page=1)
    other.before_page = sleeping(0.02)
    report = _sync(store, _failing_at(FakeStream(OBJECTS), 1, error), other)
    assert report.errors == [error]
    assert other.pages < len(OBJECTS)


def test_unexpected_error_names_the_plugin(store):
    """An exception of a plugin's own is reported with connector, version, stream, type and place, not with its text."""
    report = _sync(store, _failing_at(FakeStream(OBJECTS), 2, KeyError("rk_live_secret")))
    [error] = report.errors
    assert isinstance(error, ConnectorError)
    for part in ("billing/refunds", "fake 1.0", "KeyError", "test_engine.py"):
        assert part in str(error)
    assert "secret" not in error.diagnostics()


@pytest.mark.parametrize("error", [ConnectorError("no plan"), ZeroDivisionError()])
def test_error_while_planning(store, error):
    """A stream that cannot be planned is reported, and the others are read."""
    broken = FakeStream(OBJECTS)

    def plan(_watermark, _until):
        raise error

    broken.plan = plan
    report = _sync(store, broken, FakeStream([("re_other", 5, "x")], name="events"))
    assert len(report.errors) == 1
    assert _ids(store) == {"re_other"}


def test_expired_cursor_of_an_old_plan(store):
    """A cursor of an earlier run that the system no longer takes makes the stream start again from its watermark."""
    _sync(store, _failing_at(FakeStream(OBJECTS, slice_days=10), 3, ConnectorError("down")))
    report = _sync(store, _failing_at(FakeStream(OBJECTS, slice_days=10), 1, CursorExpired("too old")))
    assert (report.errors, report.streams[0].watermark) == ([], UNTIL)
    assert _ids(store) == {held[0] for held in OBJECTS}


def test_expired_cursor_of_a_new_plan(store):
    """A cursor that expires in the run that made it is an error, and the next run plans anew."""
    report = _sync(store, _failing_at(FakeStream(OBJECTS, slice_days=10), 3, CursorExpired("too old")))
    assert len(report.errors) == 1
    assert _sync(store, FakeStream(OBJECTS, slice_days=4)).errors == []
    assert _ids(store) == {held[0] for held in OBJECTS}


def _endless(page):
    return Page(page.records, {"after": "re_0"})


def _wrong_page(change):
    stream = FakeStream(OBJECTS, slice_days=10)
    stream.change_page = change
    return stream


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_endless, "came twice"),
        (lambda page: Page(page.records, None), "no watermark"),
        (lambda page: Page(page.records, page.cursor, UNTIL + 1), "later than the end"),
        (lambda page: Page(page.records, page.cursor, 1.5), "no instant"),
        (lambda _: [], "list is not a Page"),
        (lambda _: Page([{}], None, 1), "dict where a Record"),
        (lambda _: Page([Record("actor", "us_1", 1, (None,) * 6, b"{}")], None, 1), "a page holds actor"),
        (lambda page: Page(page.records, {"after": {1}}), "JSON"),
        (lambda page: Page(page.records, ["after"]), "JSON"),
        (lambda page: Page([Record("refund", "re_x", 1, (1.5, *page.records[0].values[1:]), b"{}")], None, 1), "re_x"),
    ],
)
def test_wrong_page_stops_its_stream(store, change, said):
    """A page that breaks the rules is a permanent error that names the stream, and others are read all the same."""
    report = _sync(store, _wrong_page(change), FakeStream([("re_other", 5, "x")], name="events"))
    [error] = report.errors
    assert isinstance(error, PermanentError)
    assert "billing/refunds" in str(error)
    assert said in str(error)
    assert "re_other" in _ids(store)
    assert report.streams[0].watermark is None
    assert fsck(store) == []


def test_page_is_taken_as_it_was_yielded(store):
    """A connector that uses one list and one cursor for all of its pages loses nothing by it."""
    stream = FakeStream(OBJECTS, slice_days=10)
    records, cursor = [], {}

    def change(page):
        records[:] = page.records
        cursor.update(page.cursor or {})
        return Page(records, cursor if page.cursor else None, page.watermark)

    stream.change_page = change
    report = _sync(store, stream)
    assert (report.errors, report.streams[0].stored) == ([], 60)
    assert _ids(store) == {held[0] for held in OBJECTS}


def test_pages_that_just_end(store):
    """A read that ends before a page said that the slice is exhausted is an error, not the end of the stream."""
    stream = FakeStream(OBJECTS, slice_days=10)
    read = stream.read
    stream.read = lambda part: (page for page, _ in zip(read(part), range(2), strict=False))
    report = _sync(store, stream)
    assert "pages ended" in str(report.errors[0])
    assert report.streams[0].stored == 6


def test_record_that_cannot_be_stored_stops_its_slice_there(store):
    """Pages before a record that cannot be stored are kept, those behind it in its slice are not."""
    stream = FakeStream(OBJECTS, slice_days=10)

    def change(page):
        if stream.pages == 3:
            page.records[1] = Record("refund", "re_bad", 1, (1,), b"{}")
        return page

    stream.change_page = change
    report = _sync(store, stream)
    assert (report.streams[0].stored, store.last_seq()) == (6, 6)
    assert "re_bad" in str(report.errors[0])
    stream.change_page = lambda page: page
    _sync(store, stream)
    assert _ids(store) == {held[0] for held in OBJECTS}


def test_stop_commits_and_leaves(store):
    """Asked to stop, the sync keeps what it has, closes the connector and leaves soon; the next run does the rest."""
    stop = threading.Event()
    hangs = threading.Event()
    slow = FakeStream(OBJECTS, per_page=1, slice_days=10)

    def wait():
        if slow.pages == 5:
            stop.set()
            hangs.wait(60)

    slow.before_page = wait
    connector = FakeConnector(slow)
    report = sync_source(store, "billing", connector, until=UNTIL, observed_at=UNTIL, stop=stop)
    hangs.set()
    assert report.stopped
    assert (connector.closed.is_set(), report.errors, store.last_seq()) == (True, [], 5)
    _sync(store, FakeStream(OBJECTS, per_page=1, slice_days=10))
    assert _ids(store) == {held[0] for held in OBJECTS}


def test_full_disk_ends_the_sync(store, monkeypatch):
    """When nothing more can be stored the sync ends with that error, and no thread goes on reading."""
    stream = FakeStream(OBJECTS, per_page=1)
    stream.before_page = sleeping(0.01)

    def full(*_arguments, **_more):
        raise StorageError("no space left")

    monkeypatch.setattr(store, "commit", full)
    with pytest.raises(StorageError, match="no space left"):
        _sync(store, stream, batch_bytes=1)
    pages = stream.pages
    time.sleep(0.1)
    assert stream.pages <= pages + 1


def test_open_batch_per_slice_is_bounded(store):
    """A slice never has more than one batch of pages that are not committed."""
    stream = FakeStream([(f"re_{number}", number, "x" * 1_000) for number in range(400)], per_page=10, slice_days=10)
    committed = []
    worst = []

    def note():
        worst.append(stream.pages - sum(committed))

    stream.before_page = note
    commit = store.commit

    def counting(source, records, progress, **more):
        done = commit(source, records, progress, **more)
        committed.append(len(progress))
        return done

    store.commit = counting
    _sync(store, stream, batch_bytes=100_000, batch_seconds=60)
    # A page of ten takes about 25,000 bytes, so four fit a batch; one more is in the reader's hand.
    assert max(worst) <= 5
    assert len(committed) > 5


def test_progress_is_told(store):
    """After each batch the caller hears the stream, its records stored so far, and the calls made."""
    heard = []
    _sync(store, FakeStream(OBJECTS), progress=lambda *told: heard.append(told), batch_bytes=1)
    assert heard[-1][:2] == ("refunds", 60)
    assert [told[1] for told in heard] == sorted(told[1] for told in heard)


def test_empty_plan_reads_nothing(store):
    """A stream with nothing to read is reported with nothing read."""
    stream = FakeStream(OBJECTS)
    stream.plan = lambda _watermark, _until: []
    report = _sync(store, stream)
    assert (report.streams[0].read, report.streams[0].watermark, report.errors) == (0, None, [])


def test_gap_in_a_plan_is_an_error_of_the_stream(store):
    """A plan that leaves time out is refused, because nobody would ever read it."""
    stream = FakeStream(OBJECTS)
    stream.plan = lambda _watermark, _until: [Slice(0, 5, {"after": None}), Slice(6, 9, {"after": None})]
    report = _sync(store, stream)
    assert isinstance(report.errors[0], PermanentError)


def test_late_versions_win(store):
    """A record read again in another state is its next version."""
    _sync(store, FakeStream([("re_1", 5, "a")]))
    changed = FakeStream([("re_1", 5, "a")])
    changed.plan = lambda _watermark, _until: [Slice(0, UNTIL, {"after": None})]
    changed.change_page = lambda page: Page([refund("re_1", 6, "b")], page.cursor, page.watermark)
    assert _sync(store, changed).streams[0].stored == 1
