"""What an object looks like: its fields with their types, read from a compact declaration.

A declaration has a type per line and its fields behind it. `!` after a type means that the fields cannot be filtered or
sorted by, `Name>A|B` that the field refers to objects A or B by a relationship named after it, `Name>>A` that it has no
relationship. `@` begins fields that come with an API version: `@50 currency PrevAmount`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

__all__ = ["Custom", "CustomObject", "Field", "Shape", "declared", "label_of"]

_LENGTHS = {
    "id": 18,
    "reference": 18,
    "string": 255,
    "picklist": 255,
    "combobox": 255,
    "email": 80,
    "phone": 40,
    "url": 255,
    "textarea": 255,
    "anyType": 255,
}
_LONG = 32_000
_NEVER_NULL = {"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp", "OwnerId"}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object.

    Attributes:
        name: Name in the API.
        type: Type as `describe` says it: id, reference, string, picklist, boolean, int, double, currency, datetime, ...
        filterable: Whether WHERE and ORDER BY may name it.
        refers_to: The objects a reference may point to.
        relationship: Name of the way to the parent; None if there is none.
        length: Characters at most; 0 where that means nothing.
        custom: Whether the buyer or a package added it.
        label: What people read.
        values: Values of a picklist, where they are known.
        since: API version from which it is there.
    """

    name: str
    type: str
    filterable: bool = True
    refers_to: tuple[str, ...] = ()
    relationship: str | None = None
    length: int = 0
    custom: bool = False
    label: str = ""
    values: tuple[str, ...] = ()
    since: int = 31

    @property
    def polymorphic(self) -> bool:
        """Whether it may point to several kinds of objects."""
        return len(self.refers_to) > 1

    @property
    def nillable(self) -> bool:
        """Whether it may be null."""
        return self.type not in {"id", "boolean"} and self.name not in _NEVER_NULL

    @property
    def long_text(self) -> bool:
        """Whether field history says only that it changed."""
        return self.type == "textarea" and not self.filterable


@dataclass(frozen=True, slots=True)
class Shape:
    """An object: `fields` by name in their order; `virtual` ones hold settings and have no records of their own."""

    name: str
    prefix: str
    fields: dict[str, Field]
    since: int = 31
    virtual: bool = False

    def find(self, name: str) -> Field | None:
        """Give a field by its name in any case."""
        found = self.fields.get(name)
        if found is None:
            low = name.lower()
            found = next((field for field in self.fields.values() if field.name.lower() == low), None)
        return found

    def way(self, relationship: str) -> Field | None:
        """Give the reference that a relationship follows, by its name in any case."""
        low = relationship.lower()
        return next((f for f in self.fields.values() if f.relationship and f.relationship.lower() == low), None)

    def with_fields(self, more: tuple[Field, ...]) -> Shape:
        """Give the same object with further fields."""
        return replace(self, fields={**self.fields, **{field.name: field for field in more}})


@dataclass(frozen=True, slots=True)
class Custom:
    """A custom field of a plan.

    Attributes:
        name: With its ending: `Meeting_Accepted__c`, `Gong__Duration__c`.
        type: boolean, picklist, string, textarea (long text: history says only that it changed), int, double, currency,
            percent, date, datetime, email, phone, url or reference.
        label: What people read; by default the name without its ending.
        refers_to: For a reference: the objects it may point to.
        values: For a picklist: its values. A value outside them is accepted, as it is by API.
    """

    name: str
    type: str
    label: str = ""
    refers_to: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    def field(self) -> Field:
        """Give the field it declares.

        Raises:
            ValueError: The name does not end as a custom field's does, or a reference refers to nothing.
        """
        if not re.fullmatch(r"[A-Za-z]\w*__c", self.name):
            raise ValueError(f"{self.name} is no name of a custom field: it ends in __c")
        if (self.type == "reference") != bool(self.refers_to):
            raise ValueError(f"{self.name}: a reference refers to something, and nothing else does")
        way = self.name[:-1] + "r" if self.refers_to else None
        long = self.type == "textarea"
        length = _LONG if long else _LENGTHS.get(self.type, 0)
        label = self.label or label_of(self.name.removesuffix("__c"))
        return Field(self.name, self.type, not long, self.refers_to, way, length, True, label, self.values)


@dataclass(frozen=True, slots=True)
class CustomObject:
    """An object of a package or of the buyer's own, like `Gong__Call__c`; it has `Name`, an owner and audit fields.

    Attributes:
        name: With its ending `__c`.
        prefix: Key prefix, like `a0X`.
        fields: Its custom fields.
    """

    name: str
    prefix: str
    fields: tuple[Custom, ...] = ()


def declared(name: str, key_prefix: str, text: str, *, since: int = 31, virtual: bool = False) -> Shape:
    """Read a declaration; every object has an `Id` that need not be declared."""
    fields = {"Id": Field("Id", "id", length=18, label=f"{label_of(name)} ID")}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        version = 31
        words = line.split()
        if words[0].startswith("@"):
            version = int(words.pop(0)[1:])
        kind = words[0].removesuffix("!")
        for word in words[1:]:
            field = _field(word, kind, filterable=not words[0].endswith("!"), since=version)
            fields[field.name] = field
    return Shape(name, key_prefix, fields, since, virtual)


def _field(word: str, kind: str, *, filterable: bool, since: int) -> Field:
    name, arrow, targets = word.partition(">")
    refers_to = tuple(targets.removeprefix(">").split("|")) if arrow else ()
    way = name.removesuffix("Id") if arrow and not targets.startswith(">") else None
    length = _LONG if kind == "textarea" and not filterable else _LENGTHS.get(kind, 0)
    return Field(name, kind, filterable, refers_to, way, length, label=label_of(name), since=since)


def label_of(name: str) -> str:
    """Give a label: `LastModifiedById` as `Last Modified By ID`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.replace("__", " ").replace("_", " "))
    return re.sub(r"\bId\b", "ID", words).strip()
