"""Where a check works: one open account, connectors that read it, and the stores they are read into."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest.mock import patch

from tallystick.connectors.base import Connector, ConnectorConfig
from tallystick.database.engine import open_database
from tallystick.records.progress import Coverage, coverage
from tallystick.records.store import RecordStore
from tallystick.sync.engine import SyncReport, sync_source
from tallystick.testing.kit.contents import Contents, Key, read_contents
from tallystick.testing.kit.cutting import CutConnector
from tallystick.testing.kit.failing import fail, said
from tallystick.testing.kit.system import System
from tallystick.testing.timing import FakeTimer

__all__ = ["MICROS", "Connect", "Desk", "open_desk"]

MICROS = 1_000_000
_SOURCE = "kit"

Connect = Callable[[ConnectorConfig, FakeTimer], Connector]


class Desk:
    """One account of the system under test, and what was read of it.

    `timer` is the timer of the last connector.

    Args:
        system: The account.
        model: The connector's config model.
        connect: Makes a connector.
        lag_seconds: How long the system may take to show what happened.
        folder: For stores.
    """

    def __init__(
        self, system: System, model: type[ConnectorConfig], connect: Connect, *, lag_seconds: int, folder: Path
    ) -> None:
        self.system = system
        self.timer = FakeTimer()
        self._model = model
        self._connect = connect
        self._lag = lag_seconds
        self._folder = folder
        self._stores: dict[str, RecordStore] = {}
        self._connectors: list[Connector] = []

    def connect(self) -> Connector:
        """Give a new connector for the account, with a timer of its own."""
        self.timer = FakeTimer()
        config = self._model.model_validate(dict(self.system.config))
        self._connectors.append(self._connect(config, self.timer))
        return self._connectors[-1]

    def create(self, record_type: str, count: int) -> list[Key]:
        """Make objects, one a second."""
        made = []
        for _ in range(count):
            made.append((record_type, self.system.create(record_type)))
            self.system.advance(1)
        return made

    def fill(self, record_types: Sequence[str], pages: float = 2.5) -> list[Key]:
        """Make so many pages of objects of each type and one more, and wait until the system shows them."""
        count = int(pages * self.system.page_size) + 1
        made = [key for record_type in record_types for key in self.create(record_type, count)]
        self.settle()
        return made

    def settle(self) -> None:
        """Wait, in the system's time, until it shows what happened."""
        self.system.advance(self._lag + 1)

    def sync(self, store: str = "store", *, until: int | None = None, connector: Connector | None = None) -> SyncReport:
        """Read what is new into a store, with a new connector unless one is given; errors are in the report."""
        end = self.system.now() if until is None else until
        reader = connector or self.connect()
        return sync_source(self.store(store), _SOURCE, reader, until=end, observed_at=end, threads=4)

    def read(self, store: str = "store", *, until: int | None = None, connector: Connector | None = None) -> SyncReport:
        """Read what is new into a store; an error fails the check."""
        report = self.sync(store, until=until, connector=connector)
        if report.errors:
            fail(
                f"a sync of a system that answers well ended with: {said(report.errors[0])}",
                "Every stream has to be read to its end here; run `tallystick sync` against the simulator to see more.",
            )
        return report

    def cut(self, store: str, pages: int, *, until: int | None = None) -> SyncReport:
        """Read into a store; each slice breaks off after some pages."""
        return self.sync(store, until=until, connector=CutConnector(self.connect(), pages))

    def read_whole(self, store: str = "uncut") -> tuple[Contents, int]:
        """Read everything into a store; give what it holds then, and how many pages the longest slice had."""
        connector = CutConnector(self.connect())
        self.read(store, connector=connector)
        return self.contents(store), connector.longest

    def contents(self, store: str = "store") -> Contents:
        """Give what a store holds."""
        return read_contents(self.store(store), _SOURCE)

    def coverage(self, store: str = "store") -> dict[str, Coverage]:
        """Give up to when each record type is known in a store."""
        return coverage(self.store(store).engine, _SOURCE)

    def store(self, name: str) -> RecordStore:
        """Give the store of that name; a new one is empty."""
        if name not in self._stores:
            folder = self._folder / name
            folder.mkdir(parents=True)
            (folder / "kit.db").write_bytes(_migrated())
            self._stores[name] = RecordStore(open_database(folder / "kit.db"), folder / "records")
        return self._stores[name]

    def close(self) -> None:
        """Close all connectors and stores."""
        for connector in self._connectors:
            # One that cannot be closed twice is found by the check of just that.
            with suppress(Exception):
                connector.close()
        for store in self._stores.values():
            store.engine.dispose()


@contextmanager
def open_desk(
    system: System, model: type[ConnectorConfig], connect: Connect, *, lag_seconds: int, folder: Path
) -> Iterator[Desk]:
    """Give a desk for an open account, with its secrets in the environment, while the block runs."""
    desk = Desk(system, model, connect, lag_seconds=lag_seconds, folder=folder)
    with patch.dict(os.environ, dict(system.environment)):
        try:
            yield desk
        finally:
            desk.close()


@functools.cache
def _migrated() -> bytes:
    """Give the bytes of an empty database: a kit opens a hundred of them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kit.db"
        open_database(path, create=True).dispose()
        return path.read_bytes()
