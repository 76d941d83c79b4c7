"""What `tallystick check` says about a warehouse: tables, rights, how old it is, and what it cannot prove."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tallystick.connectors import CheckRow
from tallystick.connectors.mapping import provenance_row
from tallystick.errors import Error
from tallystick_sql.streams import TableStream
from tallystick_sql.warehouse import Snapshot, Warehouse

__all__ = ["check_warehouse"]


def check_warehouse(warehouse: Warehouse, load: Callable[[], Sequence[TableStream]]) -> Iterator[CheckRow]:
    """Give one row for the description, one for signing in, three for each table, and one for what no table tells."""
    try:
        streams = load()
    except Error as error:
        yield _failed("mapping", error)
        return
    yield CheckRow("mapping", "ok", f"{len(streams)} tables: {', '.join(stream.name for stream in streams)}")
    try:
        with warehouse.snapshot() as snapshot:
            yield CheckRow("sign-in", "ok", f"{warehouse.kind}, in a transaction that cannot write")
            for remark in snapshot.remarks():
                yield CheckRow("replication", "warning", remark, "Compare lag_minutes with how far it falls behind.")
    except Error as error:
        yield _failed("sign-in", error)
        return
    for stream in streams:
        try:
            # A transaction that a statement failed in takes no further one.
            with warehouse.snapshot() as snapshot:
                rows = list(_table_rows(snapshot, stream))
        except Error as error:
            rows = [_failed(f"table {stream.name}", error)]
        yield from rows
    yield provenance_row({kind for stream in streams for kind in stream.types})


def _table_rows(snapshot: Snapshot, stream: TableStream) -> Iterator[CheckRow]:
    name = f"table {stream.name}"
    columns = stream.names(snapshot)
    yield CheckRow(name, "ok", f"{len(columns)} columns; all that are mapped are there")
    rights = snapshot.rights(stream.described.table)
    if rights.may_write is None:
        yield CheckRow(f"{name}: rights", "warning", rights.how, "Grant SELECT alone to the user.")
    elif rights.may_write:
        said = "the user could write into it, though Tallystick never does"
        yield CheckRow(f"{name}: rights", "warning", said, "Grant SELECT alone to the user.")
    else:
        yield CheckRow(f"{name}: rights", "ok", rights.how)
    yield _completeness_row(name, stream)


def _completeness_row(name: str, stream: TableStream) -> CheckRow:
    declared = stream.described.complete_until
    if declared is None:
        return CheckRow(
            f"{name}: completeness",
            "warning",
            "nothing says how far it was loaded: what is absent is never known, and such clauses stay pending",
            "Add complete_until with lag_minutes, or with the table in which the loader writes how far it came.",
        )
    by = (
        ".".join(declared.table)
        if declared.table
        else f"the newest {stream.described.cursor and stream.described.cursor.path}"
    )
    return CheckRow(f"{name}: completeness", "ok", f"by {by}, less {declared.lag_minutes} minutes, as it is declared")


def _failed(name: str, error: Error) -> CheckRow:
    return CheckRow(name, "failed", str(error), error.hint or "Correct the description, and check again.")
