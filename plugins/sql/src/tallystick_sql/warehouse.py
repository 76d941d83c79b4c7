"""A warehouse: what opens it for reading, and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import sqlalchemy as sa

__all__ = ["Rights", "Rows", "Snapshot", "Warehouse"]


class Rows(NamedTuple):
    """What a statement gave: names of columns, and rows with a value for each."""

    names: Sequence[str]
    values: Sequence[Sequence[Any]]


class Rights(NamedTuple):
    """What may be done with a table: None where the database does not tell."""

    may_write: bool | None
    how: str


class Snapshot(ABC):
    """One state of the warehouse: what others write meanwhile is not seen."""

    @abstractmethod
    def ask(self, statement: sa.Select[Any]) -> Rows:
        """Send a statement.

        Raises:
            ConnectorError: It was refused, took too long, or could not be sent.
        """

    @abstractmethod
    def rights(self, table: Sequence[str]) -> Rights:
        """Tell whether we could write into a table."""

    @abstractmethod
    def remarks(self) -> list[str]:
        """Give what else is to be known, such as that this is a copy that may lag behind."""


class Warehouse(ABC):
    """A database, opened for reading only.

    Attributes:
        kind: What it is, for people.
        asked: Statements sent so far.
    """

    kind: str
    asked: int

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Give one state of it in a transaction that cannot write.

        Raises:
            ConnectorError: It could not be opened.
        """

    @abstractmethod
    def close(self) -> None:
        """Break off what is running and give back connections; safe to call twice and from another thread."""
