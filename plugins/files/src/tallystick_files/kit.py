"""The conformance kit of the connector for files: a help desk that exports into a folder."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from tallystick.connectors import Connector, ConnectorConfig
from tallystick.testing.kit import UNKNOWN_WORD, Capability, ConnectorKit, FakeTimer, System
from tallystick_files.connector import FilesConfig, FilesConnector

__all__ = ["FilesKit", "FilesSystem"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PAGE = 4
_MAPPING = """\
streams:
  tickets:
    files: tickets.jsonl
    holds: deltas
    exported_at: {manifest: '{file}.json', exported_at: at, rows: rows}
    records:
      - type: ticket
        id: id
        as_of: updated_at
        deleted: {path: gone, is: true}
        columns:
          created_at: created_at
          updated_at: updated_at
          status: {path: status, values: {open: open, solved: solved}}
          external_id: subject
  contacts:
    files: contacts-*.csv
    holds: snapshot
    exported_at: {name: 'contacts-%Y%m%dT%H%M%S.%f.csv', timezone: UTC}
    most_missing: 100
    records:
      - type: contact
        id: id
        as_of: $exported_at
        columns: {created_at: created, name: name, status: status, merged_into: merged_into}
  changes:
    files: changes.csv
    holds: deltas
    exported_at: {column: at, lag_minutes: 0}
    records:
      - type: change
        id: id
        as_of: at
        columns: {at: at, object_type: type, object_id: object, field: field, actor_id: who}
"""
_CHANGES = ("id", "at", "type", "object", "field", "who")


class FilesSystem(System):
    """An account whose exports are written anew whenever something happens.

    Tickets are one file of JSON Lines that grows, with a manifest; contacts are snapshots in CSV, of which the one
    before a deletion is kept; the history of changes is a CSV file that grows.

    Args:
        number: Number of the account.
        folder: Where its files lie.
    """

    def __init__(self, number: int, folder: Path) -> None:
        self._folder = folder / "exports"
        self._folder.mkdir()
        mapping = folder / "mapping.yaml"
        mapping.write_text(_MAPPING, encoding="utf-8")
        super().__init__({"folder": str(self._folder), "mapping": str(mapping), "start": "2026-01-01"}, page_size=_PAGE)
        self._number = number
        self._now = datetime(2026, 3, 1, tzinfo=UTC)
        self._count = 0
        self._tickets: list[dict[str, Any]] = []
        self._contacts: dict[str, dict[str, Any]] = {}
        self._changes: list[dict[str, Any]] = []
        self._wire: tuple[Capability, str] | None = None
        self._snapshot: Path | None = None
        for record_type in ("ticket", "contact"):
            self.edit(record_type, self.create(record_type))

    def now(self) -> int:
        """Give the virtual clock."""
        return (self._now - _EPOCH) // timedelta(microseconds=1)

    def advance(self, seconds: int) -> None:
        """Move the clock on; the exports are made again."""
        self._now += timedelta(seconds=seconds)
        self._export()

    def calls(self) -> int:
        """Give 0: nobody is called."""
        return 0

    def create(self, record_type: str) -> str:
        """Make a ticket or a contact."""
        self._count += 1
        key = f"{self._number}-{self._count}"
        if record_type == "ticket":
            self._tickets.append(
                {
                    "id": key,
                    "created_at": self._now.isoformat(),
                    "updated_at": self._now.isoformat(),
                    "status": "open",
                    "subject": f"subject {key}",
                    "gone": False,
                }
            )
        else:
            created = self._now.isoformat()
            self._contacts[key] = {"id": key, "created": created, "name": key, "status": "lead", "merged_into": ""}
        self._export()
        return key

    def edit(self, record_type: str, record_id: str) -> str:
        """Give it another subject or name, and write down who did it."""
        self._count += 1
        if record_type == "ticket":
            self._ticket(record_id, subject=f"subject {self._count}")
        else:
            self._contacts[record_id] |= {"name": f"name {self._count}"}
        who = f"agent-{self._number}"
        change = (f"c{self._count}-{self._number}", self._now.isoformat(), record_type, record_id, "name", who)
        self._changes.append(dict(zip(_CHANGES, change, strict=True)))
        self._export()
        return who

    def delete(self, record_type: str, record_id: str) -> None:
        """Mark a ticket as gone; leave a contact out of the next snapshot."""
        if record_type == "ticket":
            self._ticket(record_id, gone=True)
        else:
            del self._contacts[record_id]
            if self._snapshot is not None:
                # The one before was made a moment ago, and is kept.
                made = self._now - timedelta(seconds=1)
                self._snapshot.rename(self._folder / f"contacts-{made:%Y%m%dT%H%M%S.%f}.csv")
                self._snapshot = None
        self._export()

    def merge(self, record_type: str, kept: str, gone: str) -> None:  # noqa: ARG002 - contacts alone are merged
        """Write into a contact which other one it went into."""
        self._contacts[gone] |= {"merged_into": kept}
        self._export()

    def change_wire(self, change: Capability, record_type: str) -> str:
        """Write all exports of a type otherwise."""
        self._wire = (change, record_type)
        self._export()
        if change is Capability.GAINED_FIELD:
            return ""
        return "created_at" if (change, record_type) == (Capability.RETYPED_FIELD, "contact") else "status"

    def clear(self) -> None:
        """Write the exports as before."""
        self._wire = None
        self._export()

    def _ticket(self, record_id: str, **changed: Any) -> None:
        known = next(row for row in reversed(self._tickets) if row["id"] == record_id)
        self._tickets.append({**known, "updated_at": self._now.isoformat(), **changed})

    def _export(self) -> None:
        lines = [json.dumps(self._changed(row, "ticket")) for row in self._tickets]
        self._write("tickets.jsonl", "".join(f"{line}\n" for line in lines))
        self._write("tickets.jsonl.json", json.dumps({"at": self._now.isoformat(), "rows": len(lines)}))
        self._write("changes.csv", _table(self._changes, _CHANGES))
        before, self._snapshot = self._snapshot, self._folder / f"contacts-{self._now:%Y%m%dT%H%M%S.%f}.csv"
        rows = [self._changed(row, "contact") for row in self._contacts.values()]
        names = list(rows[0]) if rows else ["id", "created", "name", "status", "merged_into"]
        self._write(self._snapshot.name, _table(rows, names))
        if before is not None and before != self._snapshot:
            before.unlink()

    def _changed(self, row: dict[str, Any], record_type: str) -> dict[str, Any]:
        change, about = self._wire or (None, "")
        if about != record_type or change is None:
            return row
        if change is Capability.GAINED_FIELD:
            return {**row, "gained": "something new"}
        if change is Capability.LOST_FIELD:
            return {name: value for name, value in row.items() if name != "status"}
        if change is Capability.UNKNOWN_WORD:
            return {**row, "status": UNKNOWN_WORD}
        return {**row, "status": {"name": "open"}} if record_type == "ticket" else {**row, "created": "soon"}

    def _write(self, name: str, content: str) -> None:
        (self._folder / name).write_text(content, encoding="utf-8")


def _table(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


class FilesKit(ConnectorKit):
    """The connector for files, against a help desk that exports into a folder."""

    connector = FilesConnector
    creates = ("ticket", "contact")
    calls_idle = 0
    calls_per_page = 0
    lacks: ClassVar = {
        Capability.VERBATIM: "a row of a table is no JSON; a test of this plugin is about JSON Lines",
        Capability.LAG: "an export holds all that had happened by the instant it names: the buyer declares that",
        (Capability.MERGES, "ticket"): "a row of a ticket says nothing of a merge",
        **dict.fromkeys(
            (Capability.SIGN_IN, Capability.TOKEN_EXPIRY, Capability.CLOCK_SKEW),
            "a file asks for no secret and tells no clock",
        ),
        **dict.fromkeys(
            (
                Capability.THROTTLING,
                Capability.RETRY_AFTER,
                Capability.SERVER_ERROR,
                Capability.MAINTENANCE_PAGE,
                Capability.TRUNCATION,
                Capability.RESET,
            ),
            "no call is made that could go wrong; files that are cut off or change are in this plugin's own tests",
        ),
    }

    @contextmanager
    def open(self, number: int) -> Iterator[FilesSystem]:
        """Give an account in a folder of its own."""
        with TemporaryDirectory() as folder:
            yield FilesSystem(number, Path(folder))

    def connect(self, config: ConnectorConfig, timer: FakeTimer) -> Connector:  # noqa: ARG002 - nothing here waits
        """Make the connector with small pages."""
        return FilesConnector(FilesConfig.model_validate(config), page_rows=_PAGE)
