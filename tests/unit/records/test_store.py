"""Committing records: what is stored, what is not, and what is refused."""

import datetime as dt
from decimal import Decimal

import msgspec
import pytest
from sqlalchemy import select
from tests.fakes import refund

from tallystick.database.schema import record_head, segment, superseded
from tallystick.errors import ConfigurationError, PermanentError
from tallystick.records.catalog import Progress, fsck
from tallystick.records.model import Record
from tallystick.records.scan import connect
from tallystick.records.types import RECORD_TYPES


def _versions(store, source="billing"):
    """Give id, version, seq, as_of and deleted of every stored refund, in the order of seq."""
    with connect(store, source) as database:
        return database.sql("SELECT id, version, seq, as_of, deleted FROM refund_all ORDER BY seq").fetchall()


def _rows(store, table):
    with store.engine.connect() as connection:
        return connection.execute(select(table)).all()


def test_new_records_are_stored_in_order(store, commit):
    """Records never seen before get version 1 and ascending sequence numbers in the order of the batch."""
    done = commit(store, refund("re_2", 20), refund("re_1", 10))
    assert (done.stored, list(done.places), done.last_seq) == (2, [0, 1], 2)
    assert _versions(store) == [("re_2", 1, 1, 20, False), ("re_1", 1, 2, 10, False)]
    assert store.last_seq() == 2
    assert fsck(store) == []


def test_equal_record_is_not_stored_again(store, commit):
    """A record with the bytes of the newest version is read again without a trace."""
    commit(store, refund("re_1", 10))
    assert commit(store, refund("re_1", 10)).stored == 0
    assert len(_versions(store)) == 1
    assert len(list(store.folder.rglob("*.parquet"))) == 1


def test_equal_record_moves_as_of_forward(store, commit):
    """Seen again at a later instant, the newest version holds until then, so that what lies between is stale."""
    commit(store, refund("re_1", 10))
    commit(store, refund("re_1", 30))
    assert commit(store, refund("re_1", 20, "older")).stored == 0
    assert [row.as_of for row in _rows(store, record_head)] == [30]
    assert _versions(store) == [("re_1", 1, 1, 10, False)]
    assert fsck(store) == []


def test_equal_record_does_not_move_as_of_back(store, commit):
    """A late page with an earlier instant changes nothing."""
    commit(store, refund("re_1", 30))
    commit(store, refund("re_1", 10))
    assert [row.as_of for row in _rows(store, record_head)] == [30]


def test_older_record_is_not_stored(store, commit):
    """A state the system held before the newest stored one is not a new version."""
    commit(store, refund("re_1", 30, "new"))
    assert commit(store, refund("re_1", 10, "old")).stored == 0


def test_newer_record_supersedes(store, commit):
    """A new state is the next version; the row before is marked as superseded by it."""
    commit(store, refund("re_1", 10, "a"), refund("re_2", 10))
    assert commit(store, refund("re_1", 20, "b")).last_seq == 3
    assert _versions(store)[-1] == ("re_1", 2, 3, 20, False)
    assert [(row.seq, row.by_seq) for row in _rows(store, superseded)] == [(1, 3)]
    assert fsck(store) == []


def test_other_bytes_at_the_same_instant_are_stored(store, commit):
    """Of two states at one instant, the one read later counts."""
    commit(store, refund("re_1", 10, "a"))
    assert commit(store, refund("re_1", 10, "b")).stored == 1
    assert [row[1] for row in _versions(store)] == [1, 2]


def test_versions_inside_one_batch(store, commit):
    """Several records of one id in a batch are taken in their order, each against the one before."""
    done = commit(
        store,
        refund("re_1", 10, "a"),
        refund("re_1", 20, "b"),
        refund("re_1", 20, "b"),
        refund("re_1", 15, "late"),
        refund("re_1", 30, "a"),
    )
    assert list(done.places) == [0, 1, 4]
    assert [(row[1], row[3]) for row in _versions(store)] == [(1, 10), (2, 20), (3, 30)]
    assert [(row.seq, row.by_seq) for row in _rows(store, superseded)] == [(1, 2), (2, 3)]
    assert fsck(store) == []


def test_tombstone_is_a_version(store, commit):
    """A deletion is a new version even with the bytes of the version before, and the record is in no newest view."""
    commit(store, refund("re_1", 10))
    assert commit(store, refund("re_1", 20, deleted=True)).stored == 1
    with connect(store, "billing") as database:
        assert database.execute("SELECT count(*) FROM refund").fetchone() == (0,)
    assert _versions(store)[-1] == ("re_1", 2, 2, 20, True)
    assert fsck(store) == []


def test_custom_fields_are_part_of_a_version(store, commit):
    """A custom field that changed makes a version, though the raw bytes did not; it is stored as canonical JSON."""
    commit(store, refund("re_1", 10, custom={"b": 1, "a": Decimal("1.50")}))
    assert commit(store, refund("re_1", 10, custom={"a": Decimal("1.50"), "b": 1})).stored == 0
    assert commit(store, refund("re_1", 10, custom={"b": 2})).stored == 1
    with connect(store, "billing") as database:
        assert database.sql("SELECT custom FROM refund_all ORDER BY seq").fetchall() == [
            ('{"a":"1.50","b":1}',),
            ('{"b":2}',),
        ]
    assert fsck(store) == []


def test_types_of_one_batch_lie_apart(store, commit):
    """A batch makes one segment per record type, and its sequence numbers go through all of them."""
    actor = Record("actor", "us_1", 5, (5, "person", None, None, None, True), b"{}")
    done = commit(store, refund("re_1", 10), actor, refund("re_2", 10))
    assert (list(done.places), done.last_seq) == ([0, 1, 2], 3)
    assert sorted((row.type, row.first_seq, row.last_seq, row.rows) for row in _rows(store, segment)) == [
        ("actor", 3, 3, 1),
        ("refund", 1, 2, 2),
    ]


def test_sources_do_not_meet(store, commit):
    """The same id in two sources is two records."""
    commit(store, refund("re_1", 10), source="one")
    assert commit(store, refund("re_1", 10), source="two").stored == 1
    assert [len(_versions(store, source)) for source in ("one", "two")] == [1, 1]


def test_segment_is_named_by_its_hash(local, commit):
    """A segment lies under source and type, and its name is the SHA-256 of its bytes."""
    commit(local, refund("re_1", 10))
    [path] = local.folder.rglob("*.parquet")
    assert path.parent == local.folder / "billing" / "refund"
    assert fsck(local) == []


def test_values_come_back_as_they_were(store, commit):
    """Every kind of value survives the store: text, integers, money, rates, booleans, instants, nulls and raw bytes."""
    raw = '{"name":"Zoë \\u0000 😀","n":1.10}'.encode()
    values = (1, -1, "available", "charge", None, Decimal("-12.5"), Decimal("99999999999999.9999"), Decimal(0))
    entry = Record(
        "ledger_entry", "txn_ü", 2**52, (*values, "JPY", 0, Decimal("0.000000000001"), None, Decimal("1E+2"), None), raw
    )
    commit(store, entry)
    names = [column.name for column in RECORD_TYPES["ledger_entry"].columns]
    with connect(store, "billing") as database:
        row = database.execute(f"SELECT {', '.join(names)}, raw, id, as_of FROM ledger_entry").fetchone()
    assert row == (*entry.values, raw.decode(), "txn_ü", 2**52)


def _bad_values():
    good = refund("re_9", 10).values
    names = [column.name for column in RECORD_TYPES["refund"].columns]
    bad = {
        "amount": [1.5, 3, "1", Decimal("1.23456"), Decimal(10) ** 14, Decimal("NaN"), Decimal("Infinity")],
        "created_at": [1.5, dt.datetime(2026, 1, 1), True, 2**63, 253_402_300_800_000_000],
        "exponent": [2.0, True, 2**63, Decimal(2)],
        "test_mode": [0, 1, "false"],
        "status": [1, b"x", "\ud800"],
    }
    for name, values in bad.items():
        for value in values:
            place = names.index(name)
            yield pytest.param(name, (*good[:place], value, *good[place + 1 :]), id=f"{name}-{value!a}"[:40])


@pytest.mark.parametrize(("column", "values"), list(_bad_values()))
def test_value_that_does_not_fit(local, commit, column, values):
    """A value of another type or out of range is refused with stream, type, id and column, and nothing is written."""
    bad = msgspec.structs.replace(refund("re_9", 10), values=values)
    local.plan("billing", "refunds", ["refund"], [(0, 100, {})])
    with pytest.raises(PermanentError) as caught:
        commit(local, refund("re_1", 10), bad, progress=[Progress("refunds", 0, None, 50)])
    for part in ("billing/refunds", "refund", "re_9", column):
        assert part in str(caught.value)
    assert (local.last_seq(), list(local.folder.rglob("*.parquet"))) == (0, [])
    assert local.open_slices("billing", "refunds")[0].cursor == {}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"type": "nonsense"}, "nonsense"),
        ({"values": (1, 2)}, "2 values"),
        ({"raw": b"\xff"}, "raw"),
        ({"raw": "text"}, "raw"),
        ({"id": ""}, "id"),
        ({"id": "a\0b"}, "id"),
        ({"id": "\ud800"}, "id"),
        ({"id": 7}, "id"),
        ({"as_of": 1.0}, "as_of"),
        ({"as_of": 2**63}, "as_of"),
        ({"deleted": 1}, "deleted"),
        ({"custom": {"a": 1.5}}, "custom"),
        ({"custom": {"a": 2**60}}, "custom"),
    ],
)
def test_record_that_does_not_fit(local, commit, change, named):
    """A record whose own fields are wrong is refused before anything is written."""
    bad = msgspec.structs.replace(refund("re_9", 10), **change)
    with pytest.raises(PermanentError, match=named):
        commit(local, refund("re_1", 10), bad)
    assert (local.last_seq(), list(local.folder.rglob("*.parquet"))) == (0, [])


def test_something_else_than_a_record(local, commit):
    """What is no Record at all is named as such."""
    with pytest.raises(PermanentError, match="dict"):
        commit(local, {"id": "re_1"})


def test_source_name_stays_inside_the_folder(local, commit):
    """A source name that would lead out of the folder is refused."""
    with pytest.raises(ConfigurationError, match="cannot be used"):
        commit(local, refund("re_1", 10), source="../elsewhere")


def test_message_does_not_repeat_text(local, commit):
    """Text of a record may be personal, so a message tells its type only."""
    bad = msgspec.structs.replace(refund("re_9", 10), values=("Jane Doe", *refund("re_9", 10).values[1:]))
    with pytest.raises(PermanentError) as caught:
        commit(local, bad)
    assert "Jane" not in caught.value.diagnostics()


def test_large_batch_against_many_heads(store, commit):
    """Thousands of ids in one batch are compared and moved together."""
    records = [refund(f"re_{number}", 10) for number in range(5_000)]
    commit(store, *records)
    again = [refund(f"re_{number}", 20, "x" if number % 2 else "") for number in range(5_000)]
    assert commit(store, *again).stored == 2_500
    assert len(_rows(store, superseded)) == 2_500
    assert fsck(store) == []


def test_empty_commit_only_moves_cursors(store, commit):
    """A batch without records moves the cursors and writes no segment."""
    store.plan("billing", "refunds", ["refund"], [(0, 100, {})])
    assert commit(store, progress=[Progress("refunds", 0, None, 100)]).stored == 0
    assert store.open_slices("billing", "refunds") == []
    assert not store.folder.exists()
