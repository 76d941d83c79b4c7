"""A predicate decided for one record in plain Python: the reference the SQL is held to.

The rules stand in `tallystick.outcomes.tree` (expressions) and `tallystick.outcomes.predicate` (clauses); nothing here
is shared with the SQL but the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from tallystick.outcomes.closures import Closures, Known, Row
from tallystick.outcomes.predicate import Clause, Inputs, Predicate, State, Status
from tallystick.outcomes.rows import derived_of, with_derived
from tallystick.outcomes.tree import Expression, Value
from tallystick.period import Zone
from tallystick.records.types import RECORD_TYPES

__all__ = ["ClauseValue", "Evaluation", "Interpreter", "interpret", "read_row"]


@dataclass(frozen=True, slots=True)
class ClauseValue:
    """What is known of a clause, and until when it cannot be known if it is open."""

    state: State
    until: int | None = None


class Evaluation(msgspec.Struct, frozen=True):
    """A predicate decided for one record.

    `clause` is the index of the deciding clause, None where none decides. `facts` and `columns` hold what was read, by
    name (`custom.<field>` for custom fields). Instants are microseconds UTC; money is in major units of `currency`.
    """

    facts: Mapping[str, Value]
    columns: Mapping[str, Value]
    clauses: tuple[ClauseValue, ...]
    status: Status
    clause: int | None
    quantity: Value
    occurred_at: int | None
    decided_at: int | None
    until: int | None
    currency: str | None
    value_of: Callable[[Expression], Value]


def interpret(
    predicate: Predicate, record: Row, related: Mapping[str, Sequence[Row]], inputs: Inputs, zone: Zone
) -> Evaluation:
    """Decide a predicate for one record.

    Args:
        predicate: What to decide.
        record: Typed columns by name; `custom` is a mapping, JSON text or null. What is absent is null.
        related: The related records of each relation the predicate reads, each of them once; under
            `<relation>.<column>` the versions of other records that a derived column is read from.
        inputs: How complete the evidence is.
        zone: Zone of the contract, for calendar days.
    """
    return Interpreter(predicate, inputs, zone).decide(record, related)


def read_row(record_type: str, data: str) -> dict[str, Any]:
    """Give the columns of a record from the `data` that `compile_evidence` selects; decimals become Decimal."""
    row: dict[str, Any] = msgspec.json.decode(data)
    for name in _decimals(record_type):
        if row.get(name) is not None:
            row[name] = Decimal(row[name])
    return row


@cache
def _decimals(record_type: str) -> tuple[str, ...]:
    columns = RECORD_TYPES[record_type].columns
    return tuple(column.name for column in columns if column.kind in {"money", "rate"})


class Interpreter:
    """A predicate made ready to be decided for any number of records.

    Args:
        predicate: What to decide.
        inputs: How complete the evidence is.
        zone: Zone of the contract, for calendar days.
    """

    def __init__(self, predicate: Predicate, inputs: Inputs, zone: Zone) -> None:
        self._predicate = predicate
        self._closures = Closures(predicate, inputs, zone)
        self._derived = {name: derived_of(predicate, name) for name in predicate.relations}
        self._facts = [(fact.name, self._closures.of(fact.expression)) for fact in predicate.facts]
        self._clauses = [_Clause(clause, self._closures, predicate.record, inputs) for clause in predicate.clauses]
        self._own = _Reading((predicate.record,), inputs)
        self._quantity = None if predicate.quantity is None else self._closures.of(predicate.quantity)
        self._occurred = predicate.record_type.occurred
        # None for a column that is read as it stands.
        self._columns = [
            (f"custom.{node.name}", self._closures.of(node)) if node.custom else (node.name, None)
            for node in predicate.columns
        ]

    def decide(self, record: Row, related: Mapping[str, Sequence[Row]]) -> Evaluation:
        """Decide the predicate for one record; see `interpret`."""
        rows = {name: with_derived(derived, name, related) for name, derived in self._derived.items()}
        known = Known(record, rows)
        facts = known.facts
        for name, fact in self._facts:
            facts[name] = fact(known, record)
        occurred: int | None = record.get(self._occurred)
        unread = self._own.miss(occurred)
        ends = [clause.end(known) for clause in self._clauses]
        clauses = [
            self._clause(clause, end, known, occurred, unread) for clause, end in zip(self._clauses, ends, strict=True)
        ]
        quantity: Value = 1 if self._quantity is None else self._quantity(known, record)
        status, index = self._decide(clauses, quantity)
        return Evaluation(
            facts=facts,
            columns={
                name: record.get(name) if column is None else column(known, record) for name, column in self._columns
            },
            clauses=tuple(clauses),
            status=status,
            clause=index,
            quantity=quantity,
            occurred_at=occurred,
            decided_at=max([end for end in (occurred, *ends) if end is not None], default=None),
            until=clauses[index].until if status == "pending" and index is not None else None,
            currency=record.get("currency"),
            value_of=lambda node: self._closures.of(node)(known, record),
        )

    def _decide(self, clauses: Sequence[ClauseValue], quantity: Value) -> tuple[Status, int | None]:
        if clauses.count(_TRUE) == len(clauses):
            return ("unverifiable" if quantity is None else "meets"), None
        states = [clause.state for clause in clauses]
        if State.FALSE in states:
            index = states.index(State.FALSE)
            return ("unverifiable" if self._predicate.clauses[index].guard else "rejected"), index
        if State.UNKNOWN in states:
            return "unverifiable", states.index(State.UNKNOWN)
        waiting = [(index, clause.until) for index, clause in enumerate(clauses) if clause.state.open]
        # Without a known end lasts longest; of equals the first.
        index, _ = max(waiting, key=lambda item: (item[1] is None, item[1] or 0, -item[0]))
        return "pending", index

    def _clause(  # noqa: PLR0911 - the rules one by one, as they are documented
        self, clause: _Clause, until: int | None, known: Known, occurred: int | None, unread: ClauseValue | None
    ) -> ClauseValue:
        """Give the state of a clause.

        Args:
            clause: The clause.
            until: The end of its window.
            known: What is known of the record.
            occurred: When it occurred.
            unread: Why records of its own type around it are not all there yet, if they are not.
        """
        test = clause.test(known, known.record)
        is_open: Value = False if clause.open is None else clause.open(known, known.record)
        if is_open is True:
            return _OPEN
        if clause.related is not None and (missed := clause.related.miss(occurred)):
            return missed
        if test is False:
            return _FALSE
        if test is None or is_open is None:
            return _UNKNOWN
        if unread is not None:
            return unread
        if clause.until is None:
            return _TRUE
        if until is None:
            return _UNKNOWN
        return ClauseValue(State.WAITING, until) if clause.all.ends_before(until) else _TRUE


_OPEN, _FALSE, _UNKNOWN, _TRUE = (
    ClauseValue(State.OPEN),
    ClauseValue(State.FALSE),
    ClauseValue(State.UNKNOWN),
    ClauseValue(State.TRUE),
)


class _Reading:
    """How far the records of some types were read, all of them."""

    __slots__ = ("_low", "_never")

    def __init__(self, types: Iterable[str], inputs: Inputs) -> None:
        ends = [inputs.read_to.get(name) for name in types]
        known = [end for end in ends if end is not None]
        self._never = len(known) < len(ends)
        self._low = min(known, default=0)

    def miss(self, occurred: int | None) -> ClauseValue | None:
        """Tell why records around a record that occurred at an instant are not all there yet, if they are not."""
        if self._never:
            return ClauseValue(State.UNREAD, occurred)
        if occurred is None:
            return _UNKNOWN
        return ClauseValue(State.UNREAD, occurred) if occurred >= self._low else None

    def ends_before(self, at: int) -> bool:
        """Tell whether there may be records before an instant that were not read."""
        return self._never or self._low < at


class _Clause:
    """A clause, its parts as functions; how far its related types were read, and these with the record's own."""

    __slots__ = ("all", "open", "related", "test", "until")

    def __init__(self, clause: Clause, closures: Closures, record: str, inputs: Inputs) -> None:
        self.test = closures.of(clause.test)
        self.open = None if clause.open is None else closures.of(clause.open)
        self.until = None if clause.until is None else closures.of(clause.until)
        self.related = _Reading(clause.related, inputs) if clause.related else None
        self.all = _Reading({record, *clause.related}, inputs)

    def end(self, known: Known) -> int | None:
        """Give the end of its window; None if it has none, or none that is known."""
        value = None if self.until is None else self.until(known, known.record)
        return value if isinstance(value, int) else None
