"""What tests of forged exports share: names of files, and that nothing is left of a refused one."""

import pytest
from tests.exports import take_in

from tallystick.errors import Error, Tampered

ENTRIES = "ledger/entries.jsonl"
CHECKPOINTS = "ledger/checkpoints.jsonl"
CATALOG = "records/catalog.jsonl"
HEADS = "records/heads.jsonl"
SUPERSEDED = "records/superseded.jsonl"
PROJECT = "project/tallystick.yaml"


def refused(forgery, tmp_path, kind=Tampered, **more):
    """Import, which must fail with that error and leave nothing behind; give the error."""
    target = tmp_path / "new"
    target.mkdir()
    with pytest.raises(Error) as caught:
        take_in(target, forgery.folder, **more)
    assert type(caught.value) is kind, caught.value
    assert list(target.iterdir()) == []
    return caught.value


def segment(forgery):
    """Name the segment with the most rows that is not alone with its type."""
    row = max(forgery.rows(CATALOG), key=lambda row: (row["type"] == "payment", row["rows"]))
    return row, f"records/segments/{row['sha256']}.parquet"


def append(forgery, name, data):
    """Make a file longer."""
    forgery.path(name).write_bytes(forgery.path(name).read_bytes() + data)
