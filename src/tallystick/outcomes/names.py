"""What a name in an expression stands for: a column, a custom field, a fact, or a column of a related record."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping

from tallystick.errors import ContractError
from tallystick.outcomes import tree
from tallystick.outcomes.parse import SourceText, Syntax
from tallystick.outcomes.tree import BOOLEAN, INSTANT, INTEGER, MONEY, RATE, TEXT, Expression, Value
from tallystick.records.types import RECORD_TYPES, LookedUp, RecordType, Relation

__all__ = ["Names", "Scope", "near"]

_KINDS = {
    "text": TEXT,
    "integer": INTEGER,
    "money": MONEY,
    "rate": RATE,
    "boolean": BOOLEAN,
    "instant": INSTANT,
}


class Scope:
    """The names an expression may use: columns, relations, declared custom fields, facts and parameters.

    Facts are checked when they are first used, so that their order does not matter; `facts` then holds them with
    whatever they use before them.

    Args:
        record: Name of the record type.
        facts: Facts by name.
        custom: Declared custom fields: record type to field to kind.
        params: Values of `:name` placeholders.
    """

    def __init__(
        self,
        record: str,
        facts: Mapping[str, SourceText],
        custom: Mapping[str, Mapping[str, str]],
        params: Mapping[str, Value],
    ) -> None:
        self.record: RecordType = RECORD_TYPES[record]
        self.sources = facts
        self.custom = custom
        self.params = params
        self.facts: dict[str, Expression] = {}
        self._open: list[str] = []

    def fact(self, name: str, check: Callable[[SourceText, Scope], Expression]) -> tree.FactRef:
        """Give a reference to a fact, checking it first if need be.

        Args:
            name: The fact.
            check: Types its text.

        Raises:
            ContractError: The fact is wrong in itself, or rests on itself.
        """
        if name not in self.facts:
            source = self.sources[name]
            if name in self._open:
                chain = " -> ".join([*self._open[self._open.index(name) :], name])
                raise source.error(f"the fact {name} rests on itself: {chain}")
            self._open.append(name)
            expression = check(source, self)
            self._open.pop()
            self.facts[name] = expression
        return tree.FactRef(name, self.facts[name].type)


def near(name: str, known: Iterable[str], what: str) -> str:
    """Give a hint: the known name that is meant, or what there is."""
    names = sorted(known)
    close = difflib.get_close_matches(name.lower(), names, n=1)
    if close:
        return f"Did you mean {close[0]}?"
    return f"{what}: {', '.join(names)}." if names else ""


class Names:
    """Looks up the names of one expression.

    Args:
        source: The text of the expression.
        scope: The names it may use.
        check: Types the text of a fact that is used for the first time.
    """

    def __init__(self, source: SourceText, scope: Scope, check: Callable[[SourceText, Scope], Expression]) -> None:
        self._source = source
        self._scope = scope
        self._check = check

    def find(self, node: Syntax, relation: Relation | None) -> Expression:
        """Give what a name stands for.

        Args:
            node: The name.
            relation: Inside an aggregate, the relation it runs over: its columns are seen beside the record's own.

        Raises:
            ContractError: It stands for nothing, or for several records.
        """
        parts = node.value.split(".")
        if relation is not None and parts[0] == relation.name:
            return self._target_column(node, parts, relation)
        if relation is not None and parts[0] in _columns(relation):
            hint = (
                f"Only columns of {relation.name} go by that name here: write {relation.name}.{parts[0]}. The record's"
            )
            hint += " own can be used through a fact of another name."
            raise self._error(node, f"{node.value} is not a column of {relation.name}", hint)
        if len(parts) == 1:
            return self._own_name(node, parts[0])
        if parts[0] == "custom" and len(parts) == 2:
            return self._custom_field(node, self._scope.record.name, parts[1], None)
        record = self._scope.record
        if relation is not None and parts[0] in record.relation:
            hint = f"Only columns of {relation.name}, and the record's own, are seen here."
            raise self._error(node, f"{node.value} is not a column of {relation.name}", hint)
        if parts[0] in record.relation:
            hint = f"Say which of them: count({parts[0]}), or min, max or sum of {node.value}."
            raise self._error(node, f"{parts[0]} are several records; {node.value} is not one value", hint)
        hint = near(parts[0], [*record.relation, "custom"], "Before the dot stands one of")
        raise self._error(node, f"unknown name {node.value}", hint)

    def _error(self, node: Syntax, message: str, hint: str = "") -> ContractError:
        return self._source.error(message, node.offset, hint=hint)

    def _own_name(self, node: Syntax, name: str) -> Expression:
        record = self._scope.record
        if name in self._scope.sources:
            return self._scope.fact(name, self._check)
        if name in record.column:
            return tree.Field(name, _KINDS[record.column[name].kind])
        if name == "id":
            return tree.Field("id", TEXT)
        if name in record.relation:
            hint = f"Write count({name}), or sum, min or max of one of their columns."
            raise self._error(node, f"{name} are related records, not a value", hint)
        if any(name in fields for fields in self._scope.custom.values()):
            place = next(kind for kind, fields in self._scope.custom.items() if name in fields)
            hint = f"It is declared as a custom field of {place}: write {self._path_to(place)}.{name}."
            raise self._error(node, f"unknown name {name}", hint)
        known = [*record.column, *record.relation, *self._scope.sources, "id"]
        raise self._error(node, f"unknown name {name}", near(name, known, f"A {record.name} has"))

    def _path_to(self, kind: str) -> str:
        if kind == self._scope.record.name:
            return "custom"
        names = [relation.name for relation in self._scope.record.relation.values() if relation.target == kind]
        return f"min({names[0]}.custom" if names else "custom"

    def _target_column(self, node: Syntax, parts: list[str], relation: Relation) -> Expression:
        target = RECORD_TYPES[relation.target]
        columns = _columns(relation)
        if len(parts) == 1:
            hint = f"Name one of their columns, as in {relation.name}.{target.columns[0].name}."
            raise self._error(node, f"{node.value} is not a column of {relation.name}", hint)
        if parts[1] == "custom" and len(parts) == 3:
            return self._custom_field(node, target.name, parts[2], relation.name)
        if len(parts) == 2 and parts[1] in columns:
            return tree.Field(parts[1], _KINDS[columns[parts[1]]], relation.name)
        if len(parts) == 2 and parts[1] == "id":
            return tree.Field("id", TEXT, relation.name)
        raise self._error(
            node, f"unknown column {node.value}", near(parts[1], [*columns, "id"], f"A {target.name} has")
        )

    def _custom_field(self, node: Syntax, kind: str, name: str, relation: str | None) -> Expression:
        fields = self._scope.custom.get(kind, {})
        if name not in fields:
            hint = near(name, fields, f"Declared for {kind}")
            hint = hint or f"Declare it in tallystick.yaml: sources.<name>.custom.{kind}.{name}."
            raise self._error(node, f"unknown custom field {name} of {kind}", hint)
        return tree.Field(name, _KINDS[fields[name]], relation, custom=True)


def _columns(relation: Relation) -> dict[str, str]:
    """Give the columns of a relation's records by name, with their kinds.

    What follows within a group is known only where the relation leads to all of the group.
    """
    target = RECORD_TYPES[relation.target]
    derived = {
        name: column.kind
        for name, column in target.derivation.items()
        if isinstance(column, LookedUp) or column.group == relation.remote
    }
    return {"id": "text", **{name: column.kind for name, column in target.column.items()}, **derived}
