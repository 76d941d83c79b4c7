"""The newest verdicts as the ledger had them at a size, read entry by entry instead of being held."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from operator import attrgetter, itemgetter
from typing import Protocol

import msgspec
from sqlalchemy import Engine, select

from tallystick.database import schema
from tallystick.database.engine import fetched
from tallystick.ledger import Log
from tallystick.verification.verdict import VerdictHead

__all__ = ["Heads", "Verdicts", "heads_at"]


class Verdicts(Protocol):
    """The newest verdict of each subject, by its ledger index; a dict is one."""

    def items(self) -> Iterable[tuple[int, VerdictHead]]:
        """Give ledger index and verdict, one after the other; each call begins anew."""


class Heads:
    """The newest verdict of each subject under a contract, without the evidence, in the order of the ledger.

    A verdict lives as long as whoever goes through them looks at it. Entries never change, so that every round gives
    the same.

    Args:
        log: The ledger.
        indexes: Where the verdicts stand in it, ascending.
    """

    def __init__(self, log: Log, indexes: Iterable[int]) -> None:
        self._log = log
        self._indexes = array("q", indexes)

    def items(self) -> Iterator[tuple[int, VerdictHead]]:
        """Give ledger index and verdict."""
        entries = map(msgspec.json.Decoder(_HeadEntry).decode, self._log.read_many(self._indexes))
        return zip(self._indexes, map(attrgetter("verdict"), entries), strict=True)


def heads_at(engine: Engine, log: Log, contract: str, size: int) -> Heads:
    """Give the newest verdicts among the first `size` entries of the ledger.

    Where none is newer than that, the table of newest verdicts knows them; else every entry is looked at.
    """
    table = schema.verdict_head.c
    query = select(table.idx).where(table.contract == contract).order_by(table.idx)
    with engine.connect() as connection:
        newest = array("q", map(itemgetter(0), fetched(connection, query)))
    if not newest or newest[-1] < size:
        return Heads(log, newest)
    decoder = msgspec.json.Decoder(_About)
    before: dict[str, int] = {}
    for index, data in enumerate(log.entries(0, size)):
        about = decoder.decode(data)
        if about.kind == "verdict" and about.verdict.contract == contract:
            before[about.verdict.subject] = index
    return Heads(log, sorted(before.values()))


class _HeadEntry(msgspec.Struct, frozen=True, gc=False):
    """As much of an entry of kind `verdict` as its price depends on."""

    verdict: VerdictHead


class _Subject(msgspec.Struct, frozen=True, gc=False):
    contract: str = ""
    subject: str = ""


class _About(msgspec.Struct, frozen=True, gc=False):
    """As much of an entry as tells whose verdict it is."""

    kind: str
    verdict: _Subject = _Subject()
