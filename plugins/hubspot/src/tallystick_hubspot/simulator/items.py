"""Objects of the account: values, their history, and what they are connected with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from tallystick_hubspot.simulator.deeds import Author
from tallystick_hubspot.simulator.instants import iso
from tallystick_hubspot.simulator.kinds import KINDS

__all__ = ["Entry", "Item", "Link", "Obj"]

Obj = dict[str, Any]
"""A JSON object."""


class Entry(NamedTuple):
    """One value in the history of a property; a cleared one is the empty text."""

    value: str
    at: int
    author: Author

    def row(self) -> Obj:
        """Give the entry as it is delivered; what is not known is left out."""
        author = self.author
        found = {"value": self.value, "timestamp": iso(self.at), "sourceType": author.source}
        more = {"sourceId": author.source_id, "sourceLabel": author.label, "updatedByUserId": author.user}
        return {**found, **{name: value for name, value in more.items() if value is not None}}


class Link(NamedTuple):
    """One type of an association, seen from one of its ends."""

    category: str
    type_id: int
    label: str | None

    def row(self) -> Obj:
        """Give the type as associations are delivered."""
        return {"category": self.category, "typeId": self.type_id, "label": self.label}


class Item:
    """One object.

    Args:
        kind: Its kind.
        key: Its id.
        created_at: Unix milliseconds.
        depth: How many values of a property are kept.
    """

    def __init__(self, kind: str, key: str, created_at: int, depth: int) -> None:
        self.kind = kind
        self.id = key
        self.number = int(key)
        self.created_at = created_at
        self.updated_at = created_at
        self.archived_at: int | None = None
        self.values: dict[str, str | None] = {}
        self.history: dict[str, list[Entry]] = {}
        self.links: dict[str, dict[str, tuple[Link, ...]]] = {}
        self._depth = depth

    def write(self, name: str, value: str | None, at: int, author: Author) -> bool:
        """Put a value into the history, newest first, and tell whether the property has another value now."""
        entries = self.history.setdefault(name, [])
        text = value or ""
        if entries and entries[0].value == text and entries[0].at <= at:
            return False
        place = next((number for number, entry in enumerate(entries) if entry.at <= at), len(entries))
        entries.insert(place, Entry(text, at, author))
        del entries[self._depth :]
        if place == 0:
            self.values[name] = text or None
        return place == 0

    def touch(self, at: int) -> None:
        """Move the stamp."""
        self.updated_at = at
        self.values[KINDS[self.kind].stamp] = iso(at)

    def row(self, portal: int, names: Iterable[str], histories: Iterable[str] | None, known: Iterable[str]) -> Obj:
        """Give the object as it is delivered.

        Args:
            portal: Portal id, for `url`.
            names: Properties asked for; unknown ones are left out.
            histories: Properties whose history is asked for; None where it cannot be asked for.
            known: Names of all properties that the kind has.
        """
        kind = KINDS[self.kind]
        found: Obj = {"id": self.id, "properties": {name: self.values.get(name) for name in names if name in known}}
        if histories:
            shown = {name: [entry.row() for entry in self.history.get(name, ())] for name in histories if name in known}
            found["propertiesWithHistory"] = shown
        found |= {"createdAt": iso(self.created_at), "updatedAt": iso(self.updated_at)}
        found["archived"] = self.archived_at is not None
        if self.archived_at is not None:
            found["archivedAt"] = iso(self.archived_at)
        found["url"] = f"https://app.hubspot.com/contacts/{portal}/record/{kind.type_id}/{self.id}"
        return found
