"""Files that cannot be used: each is named with stream, file, line and column, and nothing is half-read."""

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tallystick.errors import ConfigurationError
from tallystick_files import csvrows, opening, rows
from tallystick_files.opening import open_export

HEADER = "id,opened,updated,status,gone"
GOOD = "1,2026-01-01T00:00:00Z,2026-08-01T00:00:00Z,open,0"
FILE = "tickets-2026-08-01.csv"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_any_newline_and_a_byte_order_mark_are_read(exports, newline, encoding):
    """What spreadsheets write on any system."""
    exports.write(FILE, HEADER, GOOD, "", GOOD.replace("1", "2", 1), newline=newline, encoding=encoding)
    assert exports.sync() == 2


def test_mixed_newlines_quoted_ones_and_300_columns_are_read(exports):
    """Rows end where CSV says, not where lines do; columns that are not mapped are kept in the row."""
    more = [f"c{number}" for number in range(300)]
    row = GOOD.replace("open", '"two\r\nlines, and ""quotes"""')
    cells = ",".join(["x"] * 300)
    exports.write_bytes(FILE, f"{HEADER},{','.join(more)}\r\n{row},{cells}\n\r\n2{GOOD[1:]},{cells}\r".encode())
    assert exports.sync() == 2
    assert exports.rows("status") == [('two\r\nlines, and "quotes"',), ("open",)]


def test_utf_16_and_a_semicolon_are_read_when_they_are_declared(exports):
    """The encoding and the delimiter are for the description to say."""
    exports.describe(
        exports.description.replace("    records:", "    csv: {encoding: utf-16, delimiter: ;}\n    records:")
    )
    exports.write(FILE, HEADER.replace(",", ";"), GOOD.replace(",", ";"), encoding="utf-16")
    assert exports.sync() == 1


@pytest.mark.parametrize(
    ("content", "where", "said"),
    [
        (b"", ":1:1", "the file is empty"),
        (b"\n\n", ":1:1", "the file is empty"),
        (f"id,id,opened\n{GOOD}\n".encode(), ":1:1", "columns of the same name: 'id'"),
        (f"{HEADER},,\n{GOOD},,\n".encode(), ":1:1", "columns of the same name: ''"),
        (f"{HEADER.replace('status', 'Status')}\n{GOOD}\n".encode(), ":1:1", "there is no column status"),
        (f"{HEADER}\n{GOOD}\n{GOOD},5\n".encode(), ":3:1", "a row of 6 cells below a header of 5"),
        (f"{HEADER}\n{GOOD}\n1,2\n".encode(), ":3:1", "a row of 2 cells"),
        (f'{HEADER}\n{GOOD}\n\n1,"2,3\n4,5\n'.encode(), ":5:1", "this is not CSV"),
        (f'{HEADER}\n{GOOD}\n1,"2"3,4,5,6\n'.encode(), ":3:1", "this is not CSV"),
        (f"{HEADER}\n{GOOD}\n1,\0,3,4,5\n".encode(), ":3:3", "a NUL byte"),
        (f"{HEADER}\n{GOOD}\n1,M".encode() + b"\xfcller,3,4,5\n", ":3:4", "byte 0xfc is not utf-8"),
        (HEADER.encode("utf-16"), ":1:1", "byte 0xff is not utf-8"),
        (f"{HEADER}\n{GOOD}\n{GOOD.replace('2026-08-01T', '1.8.2026 ')}\n".encode(), ":3: ticket", "column as_of"),
        (f"{HEADER}\n{GOOD}\n{GOOD[1:]}\n".encode(), ":3: ticket", "column id: there is none"),
        (f"{HEADER}\n{GOOD.replace('Z', '')}\n".encode(), ":2: ticket", "carries no offset"),
    ],
)
def test_csv_that_cannot_be_read(exports, content, where, said):
    """Message and place; the watermark does not move, and the rows before it that were whole pages stay."""
    exports.write_bytes(FILE, content)
    found = exports.error()
    assert f"files/tickets: {FILE}{where}" in found
    assert said in found
    assert exports.watermark() is None


def test_a_line_without_an_end_is_not_taken_into_memory(exports, monkeypatch):
    """A row has a greatest size, for a file of lines and for a quote that is never closed."""
    monkeypatch.setattr(csvrows, "LONGEST", 5000)
    exports.write(FILE, HEADER, GOOD, "x" * 6000)
    assert f"{FILE}:3:5000: a line of more than" in exports.error()
    exports.write(FILE, HEADER, GOOD, '1,"', *["never closed"] * 1000)
    found = exports.error()
    assert "field larger than field limit" in found
    assert "The row begins in line 3" in found


JSONL = """
streams:
  tickets:
    files: '*.jsonl'
    holds: deltas
    exported_at: {name: '%Y-%m-%d.jsonl', timezone: UTC}
    records:
      - {type: ticket, id: id, as_of: at, columns: {created_at: at, status: status.name}}
"""


@pytest.mark.parametrize(
    ("line", "where", "said"),
    [
        (b'{"id": 1', ":2:1", "this line is not JSON"),
        (b"id,at", ":2:1", "this line is not JSON"),
        (b"[1]", ":2:1", "a list stands where an object is expected"),
        (b'{"id": NaN}', ":2:1", "not JSON"),
        (b'{"id": "\xff"}', ":2:9", "byte 0xff is not UTF-8"),
        (b"[" * 100_000, ":2:1", "not JSON"),
        (b'{"id": 5}', ":2: ticket", "column as_of: there is none"),
    ],
)
def test_json_lines_that_cannot_be_read(exports, line, where, said):
    """A line is one JSON object in UTF-8."""
    exports.describe(JSONL)
    exports.write_bytes("2026-08-01.jsonl", b'{"id": 4, "at": "2026-08-01T00:00:00Z"}\n' + line)
    found = exports.error()
    assert f"files/tickets: 2026-08-01.jsonl{where}" in found
    assert said in found


def test_a_json_line_without_an_end_is_not_taken_into_memory(exports, monkeypatch):
    """A line has a greatest size."""
    monkeypatch.setattr(rows, "LONGEST", 100)
    exports.describe(JSONL)
    exports.write_bytes("2026-08-01.jsonl", b'{"id": "' + b"x" * 1000)
    assert "2026-08-01.jsonl:1:100: a line of more than 16 MB" in exports.error()


def test_a_field_of_another_shape_is_unknown_and_a_new_one_is_kept(exports):
    """In JSON a field may go, come or change; what it was mapped to is unknown then."""
    exports.describe(JSONL)
    lines = [
        '{"id": 1, "at": "2026-08-01T00:00:00Z", "status": {"name": "open"}, "new": [1]}',
        '{"id": 2, "at": "2026-08-01T00:00:00Z", "status": "open"}',
        '{"id": 3, "at": "2026-08-01T00:00:00Z", "status": {"name": {"en": "open"}}}',
    ]
    exports.write("2026-08-01.jsonl", *lines)
    assert exports.sync() == 3
    assert exports.rows("status") == [("open",), (None,), (None,)]


PARQUET = JSONL.replace("jsonl", "parquet").replace("status.name", "status")


def write_table(exports, **columns):
    """Write a Parquet file and give its bytes."""
    path = exports.folder / "2026-08-01.parquet"
    pq.write_table(pa.table({"id": [1], "at": ["2026-08-01T00:00:00Z"], "status": ["open"]} | columns), path)
    return path


def test_parquet_that_is_cut_off(exports):
    """The end of the file, where its index stands, is missing."""
    exports.describe(PARQUET)
    path = write_table(exports)
    path.write_bytes(path.read_bytes()[:-10])
    assert "files/tickets: 2026-08-01.parquet: it cannot be read as Parquet (ArrowInvalid)" in exports.error()


def test_parquet_with_damaged_pages(exports):
    """The index is good, what it points at is not."""
    exports.describe(PARQUET)
    path = write_table(exports)
    content = bytearray(path.read_bytes())
    content[4:60] = b"\xff" * 56
    path.write_bytes(content)
    assert "it cannot be read as Parquet" in exports.error()


@pytest.mark.parametrize(
    "column",
    [
        {"at": pa.array([1_785_542_400_000_000_001], pa.timestamp("ns", "UTC"))},
        {"other": pa.array([b"\xff"], pa.binary()).cast(pa.large_binary()), "status": pa.array([b"\xff"], pa.binary())},
    ],
)
def test_parquet_that_would_lose_something(exports, column):
    """Nanoseconds are not cut off; bytes are no text and unknown."""
    exports.describe(PARQUET)
    write_table(exports, **column)
    exports.sync()
    if "at" in column:
        assert "nanoseconds" in exports.last.errors[0].diagnostics()
    else:
        assert exports.rows("status") == [(None,)]


def test_a_packed_file_that_is_cut_off_or_damaged(exports):
    """What was packed says itself that its end is missing."""
    exports.describe(exports.description.replace(".csv", ".csv.gz"))
    path = exports.write(f"{FILE}.gz", HEADER, *[GOOD] * 100)
    content = path.read_bytes()
    for damaged in (content[:-20], content[:40], content[:-8] + b"\0" * 8, b"no gzip at all"):
        path.write_bytes(damaged)
        assert f"files/tickets: {FILE}.gz: the packed file is cut off or damaged" in exports.error()


def test_what_is_no_file_is_named_and_never_waited_for(exports):
    """A folder, a FIFO nobody writes into, a link to itself, a link to nothing."""
    path = exports.folder / FILE
    path.mkdir()
    assert f"{FILE}: it is no file" in exports.error()
    path.rmdir()
    os.mkfifo(path)
    assert f"{FILE}: it is no file" in exports.error()
    path.unlink()
    path.symlink_to(path)
    assert f"{FILE}: it cannot be looked at: Too many levels of symbolic links" in exports.error()
    path.unlink()
    path.symlink_to("nowhere")
    assert f"{FILE}: it cannot be looked at" in exports.error()


def test_a_folder_without_files_is_an_error(exports):
    """A share that is not mounted must not look like a quiet day."""
    assert "no file in" in exports.error()
    exports.folder.rmdir()
    assert "cannot be read: No such file" in exports.error()


@pytest.mark.parametrize("change", ["shrink", "grow", "vanish"])
def test_a_file_that_changes_while_it_is_read(exports, change):
    """It is named, and the sync can be run again; the whole pages before it stay, the watermark does not move."""
    path = exports.tickets("2026-08-01", *range(1, 3000))
    [stream] = exports.connector().streams()
    [part] = stream.plan(None, 1_788_220_800_000_000)
    pages = stream.read(part)
    next(pages)
    if change == "vanish":
        # What was opened is read to its end, whatever its name means now.
        path.unlink()
        assert list(pages)[-1].watermark == 1_785_542_400_000_000
        return
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] if change == "shrink" else content + content)
    with pytest.raises(Exception, match=f"files/tickets: {FILE}.*(changed while it was read|cells)"):
        list(pages)


def test_a_file_from_the_future_is_refused(exports):
    """What its rows say would be newer than all that comes."""
    exports.tickets("2027-08-01", 1)
    assert "it says that it was made more than a day from now" in exports.error()


def test_a_name_that_tells_no_instant_is_named(exports):
    """A copy with another name must not be read at a guess."""
    exports.tickets("2026-08-01", 1)
    exports.write("tickets-2026-08-01 (copy).csv", HEADER, GOOD)
    assert "tickets-2026-08-01 (copy).csv: the name tells no instant" in exports.error()


def test_an_unreadable_file_is_named(tmp_path, monkeypatch):
    """What the disk refuses is an error of the source, with the name."""

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(opening.os, "open", refuse)
    with pytest.raises(Exception, match="x: it cannot be opened: Permission denied"), open_export(tmp_path / "a", "x"):
        pass


def test_the_file_is_closed_when_the_reader_is_left(exports):
    """A read that is cut leaves no descriptor open."""
    exports.tickets("2026-08-01", *range(1, 30))
    before = len(list(Path("/proc/self/fd").iterdir()))
    [stream] = exports.connector().streams()
    pages = stream.read(stream.plan(None, 1_788_220_800_000_000)[0])
    next(pages)
    pages.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_bomb_is_read_in_pieces(exports):
    """A packed file that unpacks to very much is read row by row."""
    exports.describe(exports.description.replace(".csv", ".csv.gz"))
    exports.write_bytes(f"{FILE}.gz", gzip.compress(f"{HEADER}\n".encode() + b" " * 40_000_000))
    assert "a line of more than 16 million characters" in exports.error()


@pytest.mark.parametrize("encoding", ["hex", "undefined"])
def test_a_codec_that_is_no_encoding_of_texts_is_refused(exports, encoding):
    """With its place in the description, before a file is opened."""
    exports.tickets("2026-08-01", 1)
    exports.describe(exports.description.replace("    records:", f"    csv: {{encoding: {encoding}}}\n    records:"))
    with pytest.raises(ConfigurationError, match=r"mapping\.yaml:\d+:\d+: .*no such encoding"):
        exports.sync()


def test_a_file_that_is_not_utf_16_is_said_so(exports):
    """Its decoder gives no place."""
    exports.tickets("2026-08-01", 1)
    exports.describe(exports.description.replace("    records:", "    csv: {encoding: utf-16}\n    records:"))
    assert "tickets-2026-08-01.csv:1:1: this is not utf-16" in exports.error()


@pytest.mark.parametrize(
    "column",
    [pa.array([9 * 10**18], pa.timestamp("us")), pa.array([1], pa.time64("ns")), pa.array([2**31 - 1], pa.date32())],
)
def test_values_that_python_has_no_form_for(exports, column):
    """A year beyond 9999 and nanoseconds are the file's fault, and said so."""
    exports.describe(exports.description.replace(".csv", ".parquet"))
    columns = {name: ["2026-08-01T00:00:00Z"] for name in HEADER.split(",")}
    pq.write_table(pa.table({**columns, "x": column}), exports.folder / "tickets-2026-08-01.parquet")
    assert "it cannot be read as Parquet" in exports.error()
