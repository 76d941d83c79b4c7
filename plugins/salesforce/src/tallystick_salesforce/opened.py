"""An object as one read sees it: what is asked for, and what reads and makes records of it."""

from __future__ import annotations

from itertools import repeat
from typing import Any

from tallystick.connectors import CustomField
from tallystick.records.model import Record
from tallystick_salesforce.catalog import ENTITIES, Entity
from tallystick_salesforce.describe import Described, choose
from tallystick_salesforce.faults import FieldError, MissingError
from tallystick_salesforce.fields import CustomReader
from tallystick_salesforce.org import Got, Org, PageReader

__all__ = ["Opened", "declared_fields"]


class Opened:
    """What one read of an object needs; used in one thread.

    Args:
        org: The org.
        entity: What is read.

    Raises:
        MissingError: The org has no such object, or the reader may not see it.
        FieldError: A declared field, or one that must be there, cannot be seen.
        Error: A call was refused otherwise or could not be made.
    """

    def __init__(self, org: Org, entity: Entity) -> None:
        self.described = org.describer.describe(entity.name)
        declared = declared_fields(org, entity, self.described)
        self.fields = choose(self.described, entity.row, [field.path for field in declared.values()])
        self.reader: PageReader[Any] = PageReader(entity.row)
        self._custom = CustomReader(declared) if declared else None
        self._make = entity.make(org)

    def records(self, got: Got[Any]) -> list[Record]:
        """Give the records of a page.

        Raises:
            Error: What the page alone does not tell could not be asked for.
        """
        if not got.rows:
            return []
        customs = repeat(None) if self._custom is None else self._custom.read(got.body)
        return self._make(got.rows, got.raws, customs)


def declared_fields(org: Org, entity: Entity, described: Described) -> dict[str, CustomField]:
    """Give the declared fields that an object has.

    Several objects may become one record type; a field that any of them has is no mistake.

    Raises:
        FieldError: None of them has it.
    """
    declared = dict(org.settings.custom.get(entity.custom, {}))
    missing = {name for name, field in declared.items() if not described.has(field.path)}
    others = [other for other in ENTITIES if other.custom == entity.custom and other.name != entity.name]
    for name in sorted(missing):
        if not any(_has(org, other.name, declared[name].path) for other in others):
            raise FieldError(
                f"{entity.name} has no field {declared[name].path} that this reader may see",
                hint="Correct the name under `custom`, or give the reader the permission to read the field.",
            )
    return {name: field for name, field in declared.items() if name not in missing}


def _has(org: Org, entity: str, path: str) -> bool:
    try:
        return org.reads(entity) and org.describer.describe(entity).has(path)
    except MissingError:
        return False
