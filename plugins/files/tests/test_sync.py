"""Exports are read once, file by file, and prove no more than they say."""

import gzip
import hashlib
import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tallystick.errors import ConfigurationError
from tallystick.records.model import Record
from tallystick_files import streams

DAY = 86_400_000_000
HOUR = DAY // 24
AUG_1 = 1_785_542_400_000_000
"""2026-08-01T00:00Z."""
HEADER = "id,opened,updated,status,gone"
SNAPSHOTS = """
streams:
  tickets:
    files: tickets-*.csv
    holds: snapshot
    exported_at: {name: tickets-%Y-%m-%d.csv, timezone: UTC}
    most_missing: 50
    records:
      - {type: ticket, id: id, as_of: $exported_at, columns: {created_at: opened, status: status}}
"""


def test_rows_become_records_and_a_second_read_finds_nothing_new(exports):
    """All files are read in the order they were made; read again, they store nothing."""
    exports.tickets("2026-08-01", *range(1, 8))
    exports.tickets("2026-08-02", 1, 2, status="solved")
    assert exports.sync() == 9
    assert exports.rows("id, status") == [
        *((str(n), "solved") for n in (1, 2)),
        *((str(n), "open") for n in range(3, 8)),
    ]
    assert exports.watermark() == AUG_1 + DAY
    assert exports.sync() == 0
    assert exports.last.calls == 0


def test_the_row_is_kept_as_canonical_json_of_its_cells(exports):
    """Names in order, every cell a text as it was read."""
    exports.write("tickets-2026-08-01.csv", HEADER, '7,2026-01-01T00:00:00Z,2026-08-01T00:00:00Z,"a ""b""\nc", 0')
    exports.sync()
    assert json.loads(exports.rows("raw")[0][0])["status"] == 'a "b"\nc'
    assert exports.rows("raw")[0][0].startswith('{"gone":" 0","id":"7","opened":"2026-01-01T00:00:00Z","status":"a ')


def test_a_new_file_moves_the_watermark_and_the_clock_does_not(exports):
    """The watermark is what the newest file says, however late it is read."""
    exports.tickets("2026-08-01", 1)
    exports.sync(until=AUG_1 + 20 * DAY)
    assert exports.watermark() == AUG_1
    exports.tickets("2026-08-05", 2)
    assert exports.sync(until=AUG_1 + 30 * DAY) == 1
    assert exports.watermark() == AUG_1 + 4 * DAY


def test_a_file_that_came_late_is_read(exports):
    """A file older than the watermark that appears afterwards is not overlooked."""
    exports.tickets("2026-08-05", 1)
    exports.sync()
    exports.tickets("2026-08-03", 2)
    assert exports.sync() == 1
    assert exports.watermark() == AUG_1 + 4 * DAY


def test_a_file_that_was_corrected_is_read_again(exports):
    """What an unattended buyer expects: the correction counts, and what it does not change is not stored again."""
    exports.tickets("2026-08-01", 1, 2, 3, 4)
    exports.sync()
    rows = [
        f"{key},2026-01-01T00:00:00Z,2026-08-01T00:00:00Z,{'open' if key < 4 else 'solved'},0" for key in range(1, 5)
    ]
    exports.write("tickets-2026-08-01.csv", HEADER, *rows)
    assert exports.sync() == 1
    assert exports.rows("status")[3] == ("solved",)


def test_an_old_file_that_did_not_change_is_left_alone(exports, monkeypatch):
    """A file whose instant is behind the watermark and that this machine saw change long before is not opened."""
    exports.tickets("2026-08-01", 1)
    exports.tickets("2036-08-01", 2)
    later = 2_101_161_600_000_000
    exports.sync(until=later)
    (exports.folder / "tickets-2026-08-01.csv").write_text("broken", encoding="utf-8")
    exports.sync(until=later)
    assert not exports.last.errors


def test_a_deleted_row_is_a_tombstone(exports):
    """The flag that the mapping names deletes."""
    exports.tickets("2026-08-01", 1, 2)
    exports.write("tickets-2026-08-02.csv", HEADER, "1,2026-01-01T00:00:00Z,2026-08-02T00:00:00Z,open,1")
    exports.sync()
    assert exports.rows("id, deleted, status") == [("1", True, None), ("2", False, "open")]


def test_what_a_newer_snapshot_lacks_was_deleted_and_may_come_back(exports):
    """A row that is gone is a tombstone as of the newer snapshot; a later one that has it again revives it."""
    exports.describe(SNAPSHOTS)
    exports.tickets("2026-08-01", 1, 2, 3, 4)
    exports.tickets("2026-08-02", 1, 2, 3)
    exports.sync()
    assert not exports.last.errors
    assert exports.rows("id, deleted, as_of")[3][:2] == ("4", True)
    assert exports.rows("raw")[3] == (
        '{"absent_from":"tickets-2026-08-02.csv","id":"4","last_in":"tickets-2026-08-01.csv","type":"ticket"}',
    )
    assert exports.sync() == 0
    exports.tickets("2026-08-03", 1, 2, 3, 4)
    exports.sync()
    assert exports.rows("id, deleted")[3] == ("4", False)
    assert exports.watermark() == AUG_1 + 2 * DAY


def test_what_a_snapshot_that_came_late_holds_alone_is_a_tombstone(exports, monkeypatch):
    """The snapshot after it is set against it again, however long it was left alone."""
    exports.describe(SNAPSHOTS)
    exports.tickets("2026-08-01", 1, 2, 3, 4, 5)
    for day in ("2026-08-03", "2026-08-06"):
        exports.tickets(day, 1, 2, 3, 4, 5)
    exports.sync()
    exports.tickets("2026-08-02", 1, 2, 3, 4, 5, 6)
    # The others were last seen to change long ago.
    late = "tickets-2026-08-02.csv"
    monkeypatch.setattr(streams, "_is_due", lambda export, _: export.name == late)
    exports.sync()

    assert exports.rows("id, deleted")[-1] == ("6", True)


def test_a_day_without_its_file_stops_the_watermark(exports):
    """A file that covers its day says nothing of the day before it; one that comes late closes the gap."""
    exports.describe(exports.description.replace("timezone: UTC}", "timezone: Europe/Berlin, covers: day}"))
    exports.tickets("2026-08-01", 1)
    exports.tickets("2026-08-03", 3)
    assert exports.sync() == 2
    assert exports.watermark() == AUG_1 + DAY - 2 * HOUR
    assert "between tickets-2026-08-01.csv and tickets-2026-08-03.csv" in str(list(exports.connector().check()))

    exports.tickets("2026-08-02", 2)
    assert exports.sync() == 1
    assert exports.watermark() == AUG_1 + 3 * DAY - 2 * HOUR


def test_a_row_missing_from_deltas_is_not_deleted(exports):
    """A file of what changed says nothing about what did not."""
    exports.tickets("2026-08-01", 1, 2)
    exports.tickets("2026-08-02", 1)
    exports.sync()
    assert exports.rows("id, deleted") == [("1", False), ("2", False)]


def test_a_snapshot_that_lacks_too_much_is_broken(exports):
    """An export that was cut off must not delete everything; the watermark stays."""
    exports.describe(SNAPSHOTS)
    exports.tickets("2026-08-01", 1, 2, 3)
    exports.tickets("2026-08-02", 1)
    assert "it lacks 2 of the 3 records of tickets-2026-08-01.csv, more than 50 per cent" in exports.error()
    assert exports.watermark() == AUG_1
    assert {deleted for _, deleted in exports.rows("id, deleted")} == {False}


def test_json_lines_are_kept_exactly_as_they_stand(exports):
    """The bytes of the line, nulls, spaces and all; nested values by dotted paths, numbers exact."""
    exports.describe("""
        streams:
          payments:
            files: '*.jsonl.gz'
            holds: deltas
            exported_at: {column: meta.at, lag_minutes: 30}
            records:
              - type: payment
                id: id
                as_of: meta.at
                columns:
                  created_at: meta.at
                  amount: amount.value
                  currency: amount.currency
                  exponent: {constant: 2}
        """)
    line = (
        '{"id": 7, "amount": {"value": 12.50, "currency": "EUR"},  "none": null, "meta": {"at": "2026-08-01T00:30Z"}}'
    )
    exports.write("a.jsonl.gz", "\ufeff" + line, "", "   ")
    assert exports.sync() == 1
    assert exports.rows("id, amount, raw", "payment") == [("7", Decimal("12.5000"), line)]
    assert exports.watermark("payments") == AUG_1


PARQUET = """
streams:
  payments:
    files: '*.parquet'
    holds: deltas
    records:
      - type: payment
        id: id
        as_of: at
        columns:
          created_at: at
          amount: amount
          currency: {constant: EUR}
          exponent: {constant: 2}
"""


def write_table(exports, amounts, kind, at=None):
    """Write a Parquet file of payments."""
    at = at or pa.array([AUG_1] * len(amounts), pa.timestamp("us", "UTC"))
    table = pa.table({"id": pa.array(range(len(amounts))), "at": at, "amount": pa.array(amounts, kind)})
    pq.write_table(table, exports.folder / "a.parquet")


def test_parquet_is_read_exactly(exports):
    """Decimals and instants keep all their digits; what proves no instant leaves the watermark where it began."""
    exports.describe(PARQUET)
    write_table(exports, [Decimal("0.10"), None, Decimal("-1234567.8900")], pa.decimal128(18, 4))
    exports.sync()
    assert exports.rows("amount", "payment") == [(Decimal("0.1000"),), (None,), (Decimal("-1234567.8900"),)]
    assert exports.watermark("payments") == 1_767_225_600_000_000


def test_nanoseconds_that_are_whole_microseconds_are_read(exports):
    """That is how pandas writes its instants."""
    exports.describe(PARQUET)
    write_table(exports, [1], pa.int64(), at=pa.array([AUG_1 * 1000], pa.timestamp("ns", "UTC")))
    assert exports.sync() == 1


def test_a_column_of_floats_is_no_money(exports):
    """A float would have been rounded before anybody saw it; the message says what to do."""
    exports.describe(PARQUET)
    write_table(exports, [0.1], pa.float64())
    said = exports.error()
    assert "files/payments: a.parquet:1: payment, column amount: a binary float is not exact" in said
    assert "CAST(... AS NUMERIC)" in said


def test_a_day_that_is_not_over_waits(exports):
    """A file that covers its day is complete at the end of the day in its zone, and not read before."""
    exports.describe(exports.description.replace("timezone: UTC}", "timezone: Europe/Berlin, covers: day}"))
    exports.tickets("2026-08-01", 1)
    exports.tickets("2026-08-02", 2)
    assert exports.sync(until=AUG_1 + DAY + DAY // 2) == 1
    assert exports.watermark() == AUG_1 + DAY - 2 * 3_600_000_000
    assert exports.sync(until=AUG_1 + 3 * DAY) == 1


def test_a_month_reaches_to_its_end(exports):
    """The last instant of December is the first of the next year."""
    exports.describe(exports.description.replace("%Y-%m-%d.csv,", "%Y-%m.csv, covers: month,"))
    exports.write("tickets-2026-07.csv", HEADER, "1,2026-01-01T00:00:00Z,2026-07-02T00:00:00Z,open,0")
    exports.sync()
    assert exports.watermark() == AUG_1


MANIFEST = """
streams:
  tickets:
    files: t-*.csv
    holds: snapshot
    exported_at: {manifest: '{file}.json', exported_at: at, rows: count, sha256: sum}
    records:
      - {type: ticket, id: id, as_of: $exported_at, columns: {created_at: opened, status: status}}
"""


def write_manifest(exports, name, at, rows, sha256):
    """Write the manifest of a file."""
    exports.write(f"{name}.json", f'{{"at": "{at}", "count": {rows}, "sum": "{sha256}"}}')


def test_a_file_without_its_manifest_waits_and_so_do_those_after_it(exports):
    """It may be half-written; the watermark must not pass it."""
    exports.describe(MANIFEST)
    for name in ("t-1.csv", "t-2.csv", "t-3.csv"):
        path = exports.write(name, "id,opened,status", f"{name},2026-01-01T00:00:00Z,open")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if name != "t-2.csv":
            write_manifest(exports, name, f"2026-08-0{name[2]}T00:00:00Z", 1, digest)
    exports.sync()
    assert exports.rows("id") == [("t-1.csv",)]
    assert exports.watermark() == AUG_1


def test_a_file_that_came_after_one_that_waits_waits_too(exports):
    """Names without leading zeros are not in the order of their exports: 10 stands before 9."""
    exports.describe(MANIFEST.replace("snapshot", "deltas"))
    waits = exports.write("t-9.csv", "id,opened,status", "9,2026-01-01T00:00:00Z,open")
    comes = exports.write("t-10.csv", "id,opened,status", "10,2026-01-01T00:00:00Z,open")
    while comes.stat().st_ctime_ns // 1000 <= waits.stat().st_ctime_ns // 1000:
        comes.touch()
    write_manifest(exports, "t-10.csv", "2026-08-10T00:00:00Z", 1, hashlib.sha256(comes.read_bytes()).hexdigest())

    assert exports.sync() == 0
    assert exports.watermark() < AUG_1


@pytest.mark.parametrize(
    ("rows", "sha256", "said"), [(2, None, "it has 1 rows; its manifest says 2"), (1, "00", "SHA-256")]
)
def test_a_file_that_is_not_what_its_manifest_says(exports, rows, sha256, said):
    """It was not transferred whole: an error, and nothing is known by it."""
    exports.describe(MANIFEST)
    path = exports.write("t-1.csv", "id,opened,status", "1,2026-01-01T00:00:00Z,open")
    write_manifest(
        exports, "t-1.csv", "2026-08-01T00:00:00Z", rows, sha256 or hashlib.sha256(path.read_bytes()).hexdigest()
    )
    assert said in exports.error()
    assert exports.watermark() is None


def test_a_cut_at_every_page_and_a_resume_give_what_an_uncut_read_gives(exports):
    """A connector of its own resumes from each cursor: nothing is lost, nothing is different."""
    exports.describe(SNAPSHOTS)
    exports.tickets("2026-08-01", *range(1, 8))
    exports.tickets("2026-08-02", *range(1, 5))
    [stream] = exports.connector().streams()
    [part] = stream.plan(None, AUG_1 + 9 * DAY)
    pages = list(stream.read(part))
    whole = [record for page in pages for record in page.records]
    assert sum(record.deleted for record in whole) == 3
    for place, page in enumerate(pages[:-1]):
        [again] = exports.connector().streams()
        rest = [
            record for later in again.read(type(part)(part.start, part.end, page.cursor)) for record in later.records
        ]
        assert [record for before in pages[: place + 1] for record in before.records] + rest == whole
    assert all(isinstance(record, Record) for record in whole)


def test_a_file_that_changed_between_cut_and_resume_is_read_from_its_top(exports):
    """The rows read of it are of another file; none of the new ones is passed over."""
    exports.tickets("2026-08-01", *range(1, 8))
    [stream] = exports.connector().streams()
    [part] = stream.plan(None, AUG_1 + DAY)
    first = next(stream.read(part))
    exports.tickets("2026-08-01", *range(101, 108))
    rest = [
        record.id for page in stream.read(type(part)(part.start, part.end, first.cursor)) for record in page.records
    ]
    assert rest == [str(key) for key in range(101, 108)]


def test_a_file_that_is_gone_at_the_resume_starts_a_new_plan(exports):
    """The sync finds its cursor expired, plans anew and goes on with what is there."""
    exports.tickets("2026-08-01", 1, 2, 3, 4)
    exports.tickets("2026-08-02", 5)
    [stream] = exports.connector().streams()
    [part] = stream.plan(None, AUG_1 + 9 * DAY)
    exports.store.register("acme", {"tickets": ("ticket",)}, revisions={"tickets": stream.revision})
    exports.store.plan("acme", "tickets", ("ticket",), [(part.start, part.end, next(stream.read(part)).cursor)])
    (exports.folder / "tickets-2026-08-01.csv").unlink()
    assert exports.sync() == 1
    assert not exports.last.errors


def test_a_corrected_mapping_reads_everything_again_and_makes_new_versions(exports):
    """The rows are the same, what they mean is not."""
    exports.tickets("2026-08-01", 1, 2)
    exports.sync()
    exports.describe(exports.description.replace("status: status", "status: {path: status, values: {open: new}}"))
    assert exports.sync() == 2
    assert exports.rows("version, status") == [(2, "new"), (2, "new")]


def test_a_look_up_gives_the_newest_export_that_holds_it(exports):
    """By id, or by type and id; what is in no export is an error that says so."""
    exports.tickets("2026-08-01", 1, 2)
    exports.tickets("2026-08-02", 1, status="solved")
    connector = exports.connector()
    assert [record.values[2] for record in connector.lookup("1")] == ["solved"]
    assert [record.values[2] for record in connector.lookup(connector.ref_of("ticket", "2"))] == ["open"]
    with pytest.raises(ConfigurationError, match="no export holds ticket:9"):
        connector.lookup("ticket:9")
    exports.describe(SNAPSHOTS)
    assert [record.deleted for record in exports.connector().lookup("2")] == [True]


def test_links_are_followed_and_packed_files_are_unpacked(exports):
    """A folder of links to a store of exports is as good as the files."""
    exports.describe(exports.description.replace(".csv", ".csv.gz"))
    target = exports.write("elsewhere.gz", HEADER, "1,2026-01-01T00:00:00Z,2026-08-01T00:00:00Z,open,0")
    (exports.folder / "tickets-2026-08-01.csv.gz").symlink_to(target)
    assert exports.sync() == 1
    assert gzip.decompress(target.read_bytes()).startswith(b"id,")


def test_of_two_states_of_one_instant_the_one_exported_last_counts(exports):
    """Were both stored, they would be stored in turn whenever their files are read again."""
    exports.write(
        "tickets-2026-08-01.csv", HEADER, *(f"1,2026-01-01T00:00:00Z,2026-08-01T00:00:00Z,{word},0" for word in "abc")
    )
    exports.write("tickets-2026-08-02.csv", HEADER, "1,2026-01-01T00:00:00Z,2026-08-01T00:00:00Z,d,0")
    exports.sync()
    assert exports.rows("version, status", newest=False) == [(1, "d")]
    assert exports.sync() == 0


def test_a_snapshot_with_two_rows_of_one_id_is_refused(exports):
    """Which of them is true cannot be told; nothing of it is stored."""
    exports.describe(SNAPSHOTS)
    rows = [f"1,2026-01-01T00:00:00Z,2026-08-01T00:00:00Z,{word},0" for word in "aab"]
    exports.write("tickets-2026-08-01.csv", HEADER, *rows)
    assert "tickets-2026-08-01.csv: two rows of ticket 1" in exports.error()
    assert exports.rows("id") == []


def test_a_broken_file_does_not_keep_back_those_before_it(exports):
    """What can be read is read, and the watermark stands before what cannot."""
    exports.tickets("2026-08-01", 1)
    exports.write("tickets-2026-08-02.csv", HEADER, "broken")
    assert "tickets-2026-08-02.csv:2:1: a row of 1 cells" in exports.error()
    assert exports.rows("id") == [("1",)]
    assert exports.watermark() == AUG_1


def test_rows_that_are_passed_over_make_no_page(exports):
    """Ten thousand pages of nothing would look like a read without an end; the watermark moves all the same."""
    exports.describe(exports.description.replace("        id: id", "        when: {path: id, is: 17}\n        id: id"))
    exports.tickets("2026-08-01", *range(1, 20))
    [stream] = exports.connector().streams()
    pages = list(stream.read(stream.plan(None, AUG_1 + DAY)[0]))
    assert [len(page.records) for page in pages] == [1, 0, 0]
    assert pages[-1].watermark == AUG_1
