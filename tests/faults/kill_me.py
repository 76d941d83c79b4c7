"""A sync in a process of its own, for a test that kills it: `kill_me.py FOLDER [apart]`.

With `apart` a second process commits, as in a long sync.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fakes import FakeConnector, FakeStream

from tallystick.database.engine import open_database
from tallystick.errors import Busy
from tallystick.records.catalog import RecordStore
from tallystick.records.compaction import compact, sweep
from tallystick.sync import apart
from tallystick.sync.engine import sync_source
from tallystick.sync.lock import ProjectLock

UNTIL = 30_000
OBJECTS = [(f"re_{number}", number * 7_919 % UNTIL, f"text {number}") for number in range(1_500)]
OTHERS = [(f"re_{number}", number * 104_729 % UNTIL, f"other {number}") for number in range(1_500, 2_000)]


apart._processors = lambda: 2


def main():
    """Sync two streams in many small batches, then merge what they made."""
    folder = Path(sys.argv[1])
    lock = _lock(folder)
    _sync(folder, lock if sys.argv[2:] == ["apart"] else None)


def _lock(folder):
    """Take the lock, which the second process of a killed sync holds until it has committed its last batch."""
    for _ in range(3_000):
        lock = ProjectLock(folder / "lock", "sync")
        try:
            lock.__enter__()
        except Busy:
            time.sleep(0.01)
        else:
            return lock
    raise SystemExit("the lock does not become free")


def _sync(folder, lock):
    engine = open_database(folder / "t.db", create=True)
    store = RecordStore(engine, folder / "records")
    newest_first = FakeStream(OBJECTS, per_page=20)
    chronological = FakeStream(OTHERS, per_page=20, name="others", newest_first=False, slice_days=15)
    for stream in (newest_first, chronological):
        stream.before_page = lambda: time.sleep(0.002 if lock is None else 0.02)
    report = sync_source(
        store,
        "s",
        FakeConnector(newest_first, chronological),
        until=UNTIL,
        observed_at=UNTIL,
        batch_bytes=60_000,
        threads=4,
        lock=lock,
        apart_after=0,
    )
    assert not report.errors
    sweep(store)
    compact(store, many=3)


main()
