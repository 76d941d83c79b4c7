"""What the reader may see of the org, by API version: objects and fields, without those that are hidden."""

from __future__ import annotations

from collections.abc import Iterator

from tallystick_salesforce.simulator.catalog import NAME
from tallystick_salesforce.simulator.history import ACTIVITIES
from tallystick_salesforce.simulator.shapes import Custom, Field, Shape, label_of
from tallystick_salesforce.simulator.tables import Tables
from tallystick_salesforce.simulator.values import Row

__all__ = ["FIRST_VERSION", "LAST_VERSION", "Schema"]

FIRST_VERSION, LAST_VERSION = 31, 68
"""API versions that are served; older ones are retired."""

_TYPES = {"reference": "Lookup", "boolean": "Checkbox", "datetime": "Date/Time", "textarea": "Long Text Area"}


class Schema:
    """The objects of an org as one reader sees them.

    Args:
        org: The org.
    """

    def __init__(self, org: Tables) -> None:
        self._shapes = dict(org.shapes)
        self._plan = org.plan
        self.hidden_objects = set(org.plan.hidden_objects)
        self.hidden_fields = {(name, field) for name, fields in org.plan.hidden_fields.items() for field in fields}

    def lose(self, name: str) -> None:
        """Take a field, `Case.Priority`, or a whole object, `Case`, from the reader."""
        kind, dot, field = name.partition(".")
        if dot:
            self.hidden_fields.add((kind, field))
        else:
            self.hidden_objects.add(kind)

    def give_back(self, name: str) -> None:
        """Give the reader back a field that was lost, `Case.Priority`."""
        kind, _, field = name.partition(".")
        self.hidden_fields.discard((kind, field))

    def gain(self, name: str, kind: str = "string") -> None:
        """Give an object a new custom field, `Case.New__c`, that is null everywhere.

        Raises:
            ValueError: The name is not that of a custom field, or there is no such object.
        """
        shape, _, field = name.partition(".")
        if shape not in self._shapes:
            raise ValueError(f"there is no object {shape}")
        self._shapes[shape] = self._shapes[shape].with_fields((Custom(field, kind).field(),))

    def shape(self, name: str, version: int) -> Shape | None:
        """Give an object by its name in any case, with the fields the reader may see; None if there is none."""
        if name == "Name":
            return NAME
        low = name.lower()
        found = next((shape for shape in self._shapes.values() if shape.name.lower() == low), None)
        if found is None or found.name in self.hidden_objects or found.since > version:
            return None
        if found.name == "ActivityFieldHistory" and not any(self._plan.tracked.get(kind) for kind in ACTIVITIES):
            return None
        fields = {
            field.name: field
            for field in found.fields.values()
            if field.since <= version and (found.name, field.name) not in self.hidden_fields
        }
        return Shape(found.name, found.prefix, fields, found.since, found.virtual)

    def shapes(self, version: int) -> list[Shape]:
        """Give all objects the reader may see, by name."""
        found = (self.shape(name, version) for name in sorted(self._shapes))
        return [shape for shape in found if shape is not None]

    def tracked(self, name: str, field: str) -> bool:
        """Tell whether a field has field history."""
        return field in self._plan.tracked.get(name, ())

    def writable(self, name: str) -> bool:
        """Tell whether the reader may write an object."""
        return name in self._plan.writable

    def definitions(self, name: str, version: int) -> Iterator[Row]:
        """Give the rows of `EntityDefinition` or `FieldDefinition`."""
        for shape in self.shapes(version):
            entity = {"Id": shape.name, "QualifiedApiName": shape.name, "DeveloperName": shape.name}
            entity |= {"Label": label_of(shape.name), "KeyPrefix": shape.prefix, "DurableId": shape.name}
            if name == "EntityDefinition":
                yield entity | {"IsQueryable": True}
                continue
            for field in shape.fields.values():
                yield self._definition(shape, field)

    def _definition(self, shape: Shape, field: Field) -> Row:
        row: Row = {"Id": f"{shape.name}.{field.name}", "QualifiedApiName": field.name, "DeveloperName": field.name}
        row |= {"Label": field.label, "DataType": _TYPES.get(field.type, field.type.capitalize())}
        row |= {"DurableId": f"{shape.name}.{field.name}", "EntityDefinitionId": shape.name, "Length": field.length}
        row |= {"IsFieldHistoryTracked": self.tracked(shape.name, field.name), "IsNillable": field.nillable}
        return row | {"IsIndexed": field.type in {"id", "reference"} or field.name == "SystemModstamp"}
