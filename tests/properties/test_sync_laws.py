"""Laws of sync: wherever a read is cut, resuming it gives what an uncut read gives."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes import FakeConnector, FakeStream, temporary_store

from tallystick.errors import ConnectorError
from tallystick.records.catalog import coverage, evidence_digest, fsck
from tallystick.records.scan import connect
from tallystick.sync.engine import sync_source

UNTIL = 9_000
untimed = settings(deadline=None, max_examples=40)

objects = st.lists(
    st.tuples(st.integers(0, 999).map(lambda n: f"re_{n}"), st.integers(0, UNTIL - 1), st.sampled_from("ab")),
    unique_by=lambda held: held[0],
    max_size=25,
)
shapes = st.fixed_dictionaries(
    {"newest_first": st.booleans(), "per_page": st.integers(1, 5), "slice_days": st.integers(1, 12)}
)


def _sync(store, held, shape, *, until=UNTIL, fails_at=None, batch_bytes=8_000_000, threads=2):
    stream = FakeStream(held, **shape)

    def fail():
        if fails_at is not None and stream.pages >= fails_at:
            raise ConnectorError("cut")

    stream.before_page = fail
    options = {"until": until, "observed_at": until, "batch_bytes": batch_bytes, "threads": threads}
    return sync_source(store, "s", FakeConnector(stream), **options)


@untimed
@given(objects, shapes, st.lists(st.integers(0, 8), max_size=4), st.sampled_from([1, 10_000, 8_000_000]))
def test_cut_anywhere_and_resumed_equals_uncut(held, shape, cuts, batch_bytes):
    """Cut after any pages, any number of times, and resumed, the evidence and what is known equal an uncut read."""
    with temporary_store() as whole, temporary_store() as cut:
        _sync(whole, held, shape)
        for fails_at in cuts:
            _sync(cut, held, shape, fails_at=fails_at, batch_bytes=batch_bytes)
            assert fsck(cut) == []
        report = _sync(cut, held, shape, batch_bytes=batch_bytes)
        assert report.errors == []
        assert evidence_digest(cut) == evidence_digest(whole)
        assert coverage(cut.engine, "s") == coverage(whole.engine, "s")
        assert _sync(cut, held, shape).streams[0].stored == 0


@untimed
@given(objects, shapes, st.integers(0, 8), st.integers(1, UNTIL))
def test_nothing_below_the_watermark_is_missing(held, shape, fails_at, until):
    """However a read ends, every object older than the stream's watermark is stored."""
    with temporary_store() as store:
        report = _sync(store, held, shape, until=until, fails_at=fails_at)
        watermark = report.streams[0].watermark
        known = coverage(store.engine, "s")["refund"]
        assert known.watermark == watermark
        if watermark is None:
            return
        assert watermark <= until
        with connect(store, "s", types=["refund"]) as database:
            stored = {row[0] for row in database.execute("SELECT id FROM refund").fetchall()}
        assert {held_id for held_id, as_of, _ in held if known.since <= as_of < watermark} <= stored
