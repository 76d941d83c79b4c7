"""What a record type is: its typed columns, what is derived from other rows, and how one record leads to others.

Kinds: `text`; `integer` (64 bit); `money` (exact decimal in major units, four places, never a float; the row's
`currency` and `exponent` say which currency and how many places the system of record really uses); `rate` (exact
decimal, twelve places); `boolean`; `instant` (microseconds since 1970-01-01T00:00Z).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

__all__ = ["Column", "Derived", "Following", "Kind", "LookedUp", "RecordType", "Relation"]

Kind = Literal["text", "integer", "money", "rate", "boolean", "instant"]
"""What a column may hold; an instant is microseconds since 1970-01-01T00:00Z, money is exact, in major units."""


@dataclass(frozen=True, slots=True)
class Column:
    """One typed column of a record type: its `name`, its `kind`, and in `doc` what it says."""

    name: str
    kind: Kind
    doc: str


@dataclass(frozen=True, slots=True)
class LookedUp:
    """A column of another record, as it was when the row occurred.

    The other record is the one of `type` whose id is in the row's column `key`. Of its versions, the newest that its
    system held at the instant the row occurred counts; where none is that old, the oldest one known does. Null when
    there is no such record. `name`, `kind` and `doc` are as of a `Column`; `column` is the other record's.
    """

    name: str
    kind: Kind
    doc: str
    type: str
    key: str
    column: str


@dataclass(frozen=True, slots=True)
class Following:
    """When the next row of the same group followed whose `column` has `value`; null when none did.

    Rows of a group have the same value in `group`. They follow each other by the instant they occurred at, those of one
    instant by id. `name`, `kind` and `doc` are as of a `Column`.
    """

    name: str
    doc: str
    group: str
    column: str
    value: str
    kind: Kind = "instant"


Derived: TypeAlias = LookedUp | Following
"""A column that is not stored."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A to-many link, by its `name`, from a record to records of another type, its `target`.

    A target record is linked when its `remote` column equals any of the `local` columns of the record, or, with `via`,
    of the records that the relation `via` leads to. Null never equals anything.
    """

    name: str
    target: str
    local: tuple[str, ...]
    remote: str
    via: str | None = None


@dataclass(frozen=True)
class RecordType:
    """A canonical record type, by its `name`; `occurred` names the instant column that says when it happened.

    `doc` says what it is. `columns` are the stored ones, in the order in which a record's values stand; `relations`
    lead to other records. A claim may use the `aliases` instead of the id.

    `derived` columns are not stored: they are read from other rows when the record is related to another one.

    A claim may name a record by its id or by an alias: the value of one of its columns, or the id of a record that one
    of its relations leads to. `dead` is a column and the value that marks a record no alias means. `story` names the
    relation that tells, event by event, what happened to a record. Of a `frozen` type the first version seen counts,
    whatever the system says later: what happened does not change. A type with `of` stands for that one in a second
    source, see `tallystick.verification.corroboration`: nothing is stored as it, and no outcome is about it.
    """

    name: str
    doc: str
    occurred: str
    columns: tuple[Column, ...]
    relations: tuple[Relation, ...] = ()
    aliases: tuple[str, ...] = ()
    dead: tuple[str, str] | None = None
    derived: tuple[Derived, ...] = ()
    story: str | None = None
    frozen: bool = False
    of: str = ""

    @property
    def stored(self) -> str:
        """Under which type its records are stored, and cited."""
        return self.of or self.name

    @cached_property
    def column(self) -> dict[str, Column]:
        """Stored columns by name."""
        return {column.name: column for column in self.columns}

    @cached_property
    def relation(self) -> dict[str, Relation]:
        """Relations by name."""
        return {relation.name: relation for relation in self.relations}

    @cached_property
    def derivation(self) -> dict[str, Derived]:
        """Derived columns by name."""
        return {derived.name: derived for derived in self.derived}
