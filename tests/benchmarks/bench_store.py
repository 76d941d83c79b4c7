"""The store of evidence on its own: commit rate and memory for synthetic charges of 2.8 kB, no network in between."""

import multiprocessing
import resource
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from tallystick.connectors.base import Page, Slice, Stream
from tallystick.database.engine import open_database
from tallystick.records.catalog import Progress, RecordStore
from tallystick.records.model import Record
from tallystick.sync.engine import sync_source

RECORDS = 100_000
MANY = 1_000_000
BYTES = 2_800
_PAGE = 100
_BATCH_PAGES = 20
_ZERO = Decimal(0)
_FILLER = ",".join(f'"field_{number}":"value {number * 7_919}"' for number in range(200)).encode()
_BODY = (b'{"id":"ch_%012d",' + _FILLER)[: BYTES - 2] + b'"}'
_AMOUNTS = [Decimal(number).scaleb(-2) for number in range(1_000)]


def charge(number):
    """Give a synthetic payment of 2.8 kB."""
    amount, key = _AMOUNTS[number % 1_000], f"ch_{number:012d}"
    values = (
        *(number, "succeeded", "platform", amount, amount, _ZERO, "EUR", 2, True, False),
        *(f"pi_{number:012d}", f"cus_{number % 500}", "card", None, None, False),
    )
    return Record("payment", key, number, values, _BODY % number)


class _Charges(Stream):
    """Charges in slices of time, made as they are read."""

    name = "charges"
    types = ("payment",)

    def __init__(self, count, slices):
        self._count = count
        self._slices = slices

    def plan(self, watermark, until):
        step = until // self._slices
        return [] if watermark else [Slice(at, at + step, {"at": at}) for at in range(0, until, step)]

    def read(self, part):
        at = part.cursor["at"]
        while at < part.end:
            records = [charge(number) for number in range(at, min(at + _PAGE, part.end))]
            at += len(records)
            yield Page(records, {"at": at} if at < part.end else None, at)


class _Connector:
    name = "synthetic"
    version = "1"
    api_version = "1"

    def __init__(self, stream):
        self._stream = stream

    def streams(self):
        return [self._stream]

    def calls(self):
        return 0

    def close(self):
        pass


def commit_rate(count=RECORDS):
    """Commit ready-made records in batches of 2,000, each durable; give records per second of the commits alone."""
    seconds = 0.0
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(Path(folder) / "t.db", create=True)
        store = RecordStore(engine, Path(folder) / "records")
        store.plan("s", "charges", ["payment"], [(0, count, {})])
        size = _PAGE * _BATCH_PAGES
        for at in range(0, count, size):
            batch = [charge(number) for number in range(at, min(at + size, count))]
            began = time.perf_counter()
            progress = [Progress("charges", 0, {"at": at}, at)]
            store.commit("s", batch, progress, connector="synthetic 1", api_version="1", observed_at=count)
            seconds += time.perf_counter() - began
        engine.dispose()
    return count / seconds


def sync_rate(count=RECORDS, slices=8):
    """Sync synthetic charges through the whole engine; give records per second."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(Path(folder) / "t.db", create=True)
        store = RecordStore(engine, Path(folder) / "records")
        stream = _Charges(count, slices)
        began = time.perf_counter()
        report = sync_source(store, "s", _Connector(stream), until=count, observed_at=count)
        seconds = time.perf_counter() - began
        assert report.streams[0].stored == count
        engine.dispose()
    return count / seconds


def _peak(count, answer):
    rate = sync_rate(count)
    answer.put((rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def peak_memory(count=MANY):
    """Sync in a process of its own; give records per second and the peak of its memory in MB."""
    context = multiprocessing.get_context("spawn")
    answer = context.SimpleQueue()
    process = context.Process(target=_peak, args=(count, answer))
    process.start()
    found = answer.get()
    process.join()
    return found


def run():
    """Give the commit rate, the rate through the engine, and both rate and memory at a million records."""
    rate, peak = peak_memory()
    return {
        "store: commit of 2.8 kB records, records/s": f"{commit_rate():,.0f}",
        "store: the same through the sync engine, records/s": f"{sync_rate():,.0f}",
        f"store: {MANY:,} records through the engine, records/s": f"{rate:,.0f}",
        f"store: peak memory at {MANY:,} records, MB (target 300)": f"{peak:.0f}",
    }
