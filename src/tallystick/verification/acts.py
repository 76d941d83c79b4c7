"""Acts: entries about what people do under a contract, such as a sample they draw or a dispute they open.

Every entry whose kind is not one of `NO_ACTS` is an act. Beside the ledger lies an index of them, by contract, kind and
key, which `tallystick ledger fsck` derives again from the entries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, insert, select

from tallystick.canonical import canonical
from tallystick.database.schema import ledger_act
from tallystick.errors import ConfigurationError, Tampered
from tallystick.ledger import Log
from tallystick.period import format_instant, parse_instant

__all__ = ["NO_ACTS", "append_acts", "read_acts", "refuse_the_past"]

NO_ACTS = frozenset({"claims", "contract", "verdict"})
"""Kinds of entries that have tables of their own."""

_NAMES = ("kind", "at", "contract", "key")


def append_acts(connection: Connection, log: Log, contract: str, entries: Sequence[Mapping[str, Any]]) -> range:
    """Add acts to the ledger and to their index, inside the caller's transaction, and give their ledger indexes.

    Call `Log.checkpoint` before the transaction ends. If this raises, roll back.

    Args:
        connection: The transaction.
        log: The ledger.
        contract: Name of the contract that the acts are about.
        entries: Canonical values. Each has texts as `kind`, `at` (ISO 8601), `contract` and `key`, which is what it is
            looked up by among the acts of its kind.

    Raises:
        ValueError: There is no entry; one lacks such a text, is about another contract, or is of a kind in `NO_ACTS`.
    """
    for entry in entries:
        _check(entry, contract)
    indexes = log.append(connection, [canonical(entry) for entry in entries])
    rows = [
        {"idx": idx, "contract": contract, "kind": entry["kind"], "key": entry["key"]}
        for idx, entry in zip(indexes, entries, strict=True)
    ]
    connection.execute(insert(ledger_act), rows)
    return indexes


def read_acts(
    engine: Engine, log: Log, contract: str, kind: str, upto: int | None = None, *, key: str | None = None
) -> list[tuple[int, dict[str, Any]]]:
    """Give the committed acts of a kind under a contract, each with its ledger index, in the order of the ledger.

    Args:
        engine: The project's database.
        log: The ledger.
        contract: Name of the contract.
        kind: Kind of act.
        upto: Size of the ledger to read as of: entries before this index; all of them by default.
        key: Only acts with this key.

    Raises:
        Tampered: The index leads to an entry that is no such act.
    """
    table = ledger_act.c
    query = select(table.idx, table.key).where(table.contract == contract, table.kind == kind).order_by(table.idx)
    if upto is not None:
        query = query.where(table.idx < upto)
    if key is not None:
        query = query.where(table.key == key)
    with engine.connect() as connection:
        keys: dict[int, str] = dict(connection.execute(query).all())
    found = []
    for (idx, held), data in zip(keys.items(), log.read_many(list(keys)), strict=True):
        entry = msgspec.json.decode(data)
        if [entry.get(name) for name in ("kind", "contract", "key")] != [kind, contract, held]:
            raise Tampered(
                f"ledger entry {idx} is not the {kind} under {contract} that the index of acts leads to",
                hint="Keep the database, and run `tallystick ledger fsck`.",
            )
        found.append((idx, entry))
    return found


def refuse_the_past(log: Log, now: int) -> None:
    """Return unless an instant lies before the newest entry: what is recorded is not preceded afterwards.

    An earlier verdict would replace a later one, and a deadline that is over would be met.

    Raises:
        ConfigurationError: It does.
    """
    if log.size:
        newest = msgspec.json.decode(log.read(log.size - 1), type=_Dated).at
        if parse_instant(newest) > now:
            raise ConfigurationError(
                f"the ledger was last written as of {newest}, later than {format_instant(now)}",
                hint="Use a later --now, and check the clock of this machine.",
            )


class _Dated(msgspec.Struct):
    at: str


def _check(entry: Mapping[str, Any], contract: str) -> None:
    if not all(type(entry.get(name)) is str for name in _NAMES):
        raise ValueError(f"an act has a text as each of {', '.join(_NAMES)}")
    if entry["contract"] != contract:
        raise ValueError(f"an act under {entry['contract']} is not one under {contract}")
    if entry["kind"] in NO_ACTS:
        raise ValueError(f"{entry['kind']} is no act")
