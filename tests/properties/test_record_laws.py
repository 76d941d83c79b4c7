"""Laws of the store of evidence that hold for all batches, cuts and compactions."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes import refund, temporary_store

from tallystick.records.catalog import evidence_digest, fsck
from tallystick.records.compaction import compact
from tallystick.records.heads import Versions, compare
from tallystick.records.scan import connect

records = st.builds(
    refund,
    st.sampled_from(["re_1", "re_2", "re_3"]),
    st.integers(0, 5),
    st.sampled_from(["", "a", "b"]),
    deleted=st.booleans(),
)
batches = st.lists(st.lists(records, max_size=6), min_size=1, max_size=8)
untimed = settings(deadline=None, max_examples=60)


def _commit(store, batch):
    return store.commit("s", batch, [], connector="fake 1.0", api_version="1", observed_at=0)


def _expected(sequence):
    """Give, by the plainest rules, all versions `(id, version, as_of, deleted, raw)` that the records make."""
    rows, heads = [], {}
    for record in sequence:
        same = (record.raw, record.deleted)
        version, as_of, held = heads.get(record.id, (0, None, None))
        if held == same:
            heads[record.id] = (version, max(as_of, record.as_of), held)
        elif version == 0 or record.as_of >= as_of:
            heads[record.id] = (version + 1, record.as_of, same)
            rows.append((record.id, version + 1, record.as_of, record.deleted, record.raw.decode()))
    return rows


@untimed
@given(batches)
def test_versions_do_not_depend_on_batches(given_batches):
    """However records are cut into batches, the versions stored are those of taking them one by one."""
    with temporary_store() as store:
        for batch in given_batches:
            _commit(store, batch)
        query = "SELECT id, version, as_of, deleted, raw FROM refund_all ORDER BY seq"
        with connect(store, "s") as database:
            stored = database.execute(query).fetchall()
        assert stored == _expected([record for batch in given_batches for record in batch])
        assert fsck(store) == []


@untimed
@given(batches)
def test_second_time_stores_nothing(given_batches):
    """The newest state of every record, read again, stores nothing."""
    with temporary_store() as store:
        for batch in given_batches:
            _commit(store, batch)
        last = store.last_seq()
        with connect(store, "s") as database:
            query = (
                "SELECT id, as_of, raw, deleted FROM refund_all QUALIFY version = max(version) OVER (PARTITION BY id)"
            )
            newest = database.execute(query).fetchall()
        again = [refund(key, as_of, raw.split('"')[7], deleted=deleted) for key, as_of, raw, deleted in newest]
        assert _commit(store, again).stored == 0
        assert store.last_seq() == last


def _answers(store):
    """Give what the newest view and the view of all versions show as of every sequence number."""
    found = []
    for seq in [*range(store.last_seq() + 1), None]:
        with connect(store, "s", as_of_seq=seq, types=["refund"]) as database:
            found += [
                database.execute(f"SELECT * FROM {view} ORDER BY seq").fetchall() for view in ("refund", "refund_all")
            ]
    return found


@settings(deadline=None, max_examples=15)
@given(batches, st.integers(1, 4), st.sampled_from([1, 100_000_000]), st.lists(records, max_size=4))
def test_compaction_changes_no_answer(given_batches, many, target_bytes, more):
    """As of every sequence number the views show the same rows before a compaction, after it, and after the next."""
    with temporary_store() as store:
        for batch in given_batches:
            _commit(store, batch)
        before, digest = _answers(store), evidence_digest(store)
        for _ in range(2):
            compact(store, many=many, target_bytes=target_bytes)
            assert _answers(store) == before
            assert (evidence_digest(store), fsck(store)) == (digest, [])
        _commit(store, more)
        assert fsck(store) == []


@untimed
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4), st.sampled_from([b"x", b"y"])), max_size=12))
def test_newest_as_of_is_never_lowered(versions):
    """Whatever arrives, a head's instant only grows, its version counts rows, and each row has one successor."""
    heads, seq, stored, gone = {}, 1, 0, []
    for version in versions:
        changes = compare(Versions(*zip(version, strict=True)), heads, seq)
        for head in changes.heads:
            assert head[0] not in heads or head[3] >= heads[head[0]][3]
            heads[head[0]] = head
        seq += len(changes.places)
        stored += len(changes.places)
        gone += changes.superseded
    assert sum(head[2] for head in heads.values()) == stored
    assert len({old for old, _ in gone}) == len(gone) == stored - len(heads)
