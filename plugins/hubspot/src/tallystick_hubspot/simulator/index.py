"""The search index: it learns of each change some time after the change."""

from __future__ import annotations

import hashlib

from tallystick_hubspot.simulator.items import Item

__all__ = ["Index"]

Values = dict[str, str | None]


class Index:
    """What search matches against.

    Args:
        lag: Milliseconds after which a change is certainly there. Each change takes between half of that and all of
            it, so changes do not show up in the order in which they were made.
    """

    def __init__(self, lag: int) -> None:
        self.lag = lag
        self._rows: dict[str, dict[str, Values]] = {}
        self._pending: list[tuple[int, int, str, str, Values | None]] = []
        self._order = 0

    def note(self, item: Item, at: int, *, gone: bool = False) -> None:
        """Take notice of a change at an instant; `gone` when nothing shows the object any more."""
        self._order += 1
        values = None if gone or item.archived_at is not None else dict(item.values)
        due = at + self._delay(item, at)
        self._pending.append((due, self._order, item.kind, item.id, values))

    def advance(self, now: int) -> None:
        """Let everything be known that is due; of one object the later change stays, whichever is known first."""
        due = [change for change in self._pending if change[0] <= now]
        self._pending = [change for change in self._pending if change[0] > now]
        for _, _, kind, key, values in sorted(due, key=lambda change: change[1]):
            rows = self._rows.setdefault(kind, {})
            if values is None:
                rows.pop(key, None)
            else:
                rows[key] = values
        if due:
            # A change that is known makes older ones of the same object pointless.
            known: dict[tuple[str, str], int] = {}
            for _, order, kind, key, _ in due:
                known[kind, key] = max(order, known.get((kind, key), 0))
            self._pending = [change for change in self._pending if change[1] > known.get((change[2], change[3]), 0)]

    def rows(self, kind: str) -> dict[str, Values]:
        """Give the values of all objects of a kind as the index knows them, by id."""
        return self._rows.get(kind, {})

    def _delay(self, item: Item, at: int) -> int:
        if not self.lag:
            return 0
        part = hashlib.sha256(f"{item.kind}/{item.id}/{at}".encode()).digest()[0]
        return self.lag // 2 + self.lag * part // 510
