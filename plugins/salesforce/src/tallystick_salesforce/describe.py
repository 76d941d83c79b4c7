"""What an org has and the reader may see, as `describe` tells it; each object is described once per connector."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock

import msgspec

from tallystick.connectors import Response
from tallystick_salesforce.client import SalesforceApi
from tallystick_salesforce.faults import FieldError, MissingError
from tallystick_salesforce.objects import field_names

__all__ = ["Described", "Describer", "Field", "choose"]


class Field(msgspec.Struct, rename="camel", gc=False):
    """What `describe` tells of a field."""

    name: str
    type: str
    relationship_name: str | None = None
    scale: int | None = None
    filterable: bool = True


class _Sobject(msgspec.Struct):
    name: str
    fields: list[Field]
    queryable: bool = True
    createable: bool | None = None
    updateable: bool | None = None
    deletable: bool | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """An object as this reader sees it: fields by name, the names of its lookups, and whether he may write it."""

    name: str
    fields: dict[str, Field]
    relations: frozenset[str]
    writable: bool | None

    def has(self, path: str) -> bool:
        """Tell whether the reader sees a field, or the lookup that a path like `Account.Region__c` begins with."""
        root, _, rest = path.partition(".")
        return root in (self.relations if rest else self.fields)

    def kind(self, path: str) -> str:
        """Give the type of a field; empty for one that is reached through a lookup."""
        found = self.fields.get(path)
        return "" if found is None else found.type


_SOBJECT = msgspec.json.Decoder(_Sobject)


class Describer:
    """Describes objects; safe to share between threads.

    Args:
        api: Makes the calls.
    """

    def __init__(self, api: SalesforceApi) -> None:
        self._api = api
        self._lock = Lock()
        self._locks: dict[str, Lock] = {}
        self._found: dict[str, Described] = {}

    def describe(self, entity: str) -> Described:
        """Give what the reader sees of an object.

        Raises:
            MissingError: The org has no such object, or the reader may not see it.
            Error: The call was refused otherwise or could not be made.
        """
        with self._lock:
            lock = self._locks.setdefault(entity, Lock())
        with lock:
            if entity not in self._found:
                try:
                    self._found[entity] = self._api.get(f"/sobjects/{entity}/describe", None, _read)
                except MissingError as error:
                    raise MissingError(
                        f"{entity} cannot be read: the org has no such object, or this reader may not see it",
                        hint=f"Let the reader see {entity}; if the org does not use it, add it to `without`.",
                        request_id=error.request_id,
                    ) from None
            return self._found[entity]


def choose(described: Described, row: type[msgspec.Struct], custom: Iterable[str]) -> list[str]:
    """Give the fields that a query selects: those of `row` that the reader sees, and the declared ones.

    Raises:
        FieldError: One that must be there, or one that was declared, is not seen.
    """
    chosen: list[str] = []
    for path, required in field_names(row):
        if described.has(path):
            chosen.append(path)
        elif required:
            raise _unseen(described.name, path)
    for path in sorted(set(custom) - set(chosen)):
        if not described.has(path):
            raise _unseen(described.name, path)
        chosen.append(path)
    return chosen


def _read(response: Response) -> Described:
    found = _SOBJECT.decode(response.body)
    rights = [found.createable, found.updateable, found.deletable]
    return Described(
        found.name,
        {field.name: field for field in found.fields},
        frozenset(field.relationship_name for field in found.fields if field.relationship_name),
        True if True in rights else None if None in rights else False,
    )


def _unseen(entity: str, path: str) -> FieldError:
    return FieldError(
        f"{entity} has no field {path} that this reader may see",
        hint="Correct the name, or give the reader the permission to read the field.",
    )
