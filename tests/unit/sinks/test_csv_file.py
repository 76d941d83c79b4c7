"""Rows for an invoice run: one file a contract and month, each event once, whatever is killed when."""

import csv
from decimal import Decimal

import pytest
from tests.sinking import LOCKED, event

from tallystick.errors import StorageError
from tallystick.sinks import Attempt, Previous
from tallystick.sinks.csv_file import COLUMNS, CsvConfig, CsvSink

ATTEMPT = Attempt(LOCKED)


@pytest.fixture
def make(tmp_path):
    """Make sinks into one folder, as each turn does."""
    return lambda: CsvSink(CsvConfig(folder="invoices"), root=tmp_path, clock=lambda: LOCKED)


@pytest.fixture
def path(tmp_path):
    """The file of the contract's September."""
    return tmp_path / "invoices" / "acme-2026-09.csv"


def _rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_row(make, path):
    """A row says what the claim counts, what it counted before, and where the ledger has it."""
    previous = Previous(5, "verified", Decimal("100.00"), "EUR")
    make().deliver(event(event="corrected", quantity=Decimal("70.00"), previous=previous), ATTEMPT)

    assert path.read_text().splitlines()[0] == ",".join(COLUMNS)
    assert _rows(path) == [
        {
            "key": event().key,
            "event": "corrected",
            "at": "2026-09-06T12:00:00Z",
            "contract": "acme",
            "version": "1",
            "outcome": "paid",
            "claim": "A",
            "status": "verified",
            "quantity": "70.00",
            "unit": "EUR",
            "previous_quantity": "100.00",
            "clause": "",
            "locks_at": "2026-09-06T12:00:00Z",
            "ledger_entry": "7",
            "ledger_root": "ab" * 32,
        }
    ]


def test_each_event_once(make, path):
    """An event that is handed over again, in the same turn or in a later one, adds no row."""
    sink = make()
    for _ in range(2):
        sink.deliver(event(), ATTEMPT)
    make().deliver(event(), ATTEMPT)
    make().deliver(event(key="oe_other"), ATTEMPT)

    assert [row["key"] for row in _rows(path)] == [event().key, "oe_other"]


def test_one_file_for_each_contract_and_month(make, path):
    """Events of another contract or month go into another file, whose name leads out of no folder."""
    sink = make()
    for changes in ({}, {"contract": "../up"}, {"month": "2026-10"}):
        sink.deliver(event(**changes), ATTEMPT)

    names = sorted(file.name for file in path.parent.iterdir())
    assert names == ["..%2Fup-2026-09.csv", "acme-2026-09.csv", "acme-2026-10.csv"]


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_torn_last_line(make, path, cut):
    """What a crash left of a row is cut off, in the middle of a character too, and the event is written whole."""
    make().deliver(event(), ATTEMPT)
    whole = path.read_bytes()
    make().deliver(event(key="oe_other", claim="é" * 30), ATTEMPT)
    both = path.read_bytes()
    path.write_bytes(both[: len(whole) + cut])
    make().deliver(event(key="oe_other", claim="é" * 30), ATTEMPT)

    assert path.read_bytes() == both


@pytest.mark.parametrize("left", [0, 5])
def test_a_torn_header(make, path, left):
    """A file that holds only a part of its header gets it whole."""
    make().deliver(event(), ATTEMPT)
    whole = path.read_bytes()
    path.write_bytes(whole[:left])
    make().deliver(event(), ATTEMPT)

    assert path.read_bytes() == whole


def test_a_last_line_whose_end_an_editor_took(make, path):
    """A row that is whole stays: its event was delivered, and is not handed over again."""
    make().deliver(event(), ATTEMPT)
    whole = path.read_bytes()
    path.write_bytes(whole.removesuffix(b"\n"))
    make().deliver(event(key="oe_other"), ATTEMPT)

    assert [row["key"] for row in _rows(path)] == [event().key, "oe_other"]


@pytest.mark.parametrize("changed", [b"\xe9cme", b"a" * 200_000])
def test_a_file_that_somebody_changed(make, path, changed):
    """What cannot be read any more is said to be so, and left as it is."""
    make().deliver(event(), ATTEMPT)
    path.write_bytes(path.read_bytes().replace(b"acme", changed))
    before = path.read_bytes()
    with pytest.raises(StorageError, match="or was changed"):
        make().deliver(event(key="oe_other"), ATTEMPT)

    assert path.read_bytes() == before


def test_amounts_below_zero_are_numbers(make, path):
    """A spreadsheet adds them up; a text it would pass over."""
    previous = Previous(5, "verified", Decimal("-1.50"), "EUR")
    make().deliver(event(quantity=Decimal("-5.00"), previous=previous), ATTEMPT)

    assert [(row["quantity"], row["previous_quantity"]) for row in _rows(path)] == [("-5.00", "-1.50")]


def test_formulas(make, path):
    """A cell that a spreadsheet would run starts with an apostrophe, and a row takes one line."""
    make().deliver(event(claim="=cmd|' /C calc'!A0\r\nx"), ATTEMPT)

    assert _rows(path)[0]["claim"] == "'=cmd|' /C calc'!A0  x"
    assert len(path.read_text().splitlines()) == 2


def test_a_file_of_somebody_else(make, path):
    """A file that is not of this sink is left as it is."""
    path.parent.mkdir()
    path.write_text("date,amount\n2026-09-01,5\n")
    with pytest.raises(StorageError, match="not a file of this sink"):
        make().deliver(event(), ATTEMPT)

    assert path.read_text() == "date,amount\n2026-09-01,5\n"


def test_a_disk_that_is_full(make, path, monkeypatch):
    """A row that could not be made durable is taken back, and written once there is room."""
    sink = make()
    sink.deliver(event(), ATTEMPT)
    before = path.read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tallystick.sinks.csv_file.os.fsync", full)
        with pytest.raises(StorageError, match="No space left"):
            sink.deliver(event(key="oe_other"), ATTEMPT)
    assert path.read_bytes() == before

    sink.deliver(event(key="oe_other"), ATTEMPT)
    assert [row["key"] for row in _rows(path)] == [event().key, "oe_other"]
    sink.close()
