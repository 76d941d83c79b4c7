"""The records of an outcome, asked of DuckDB: all of a source at once, by one compiled query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from tallystick.outcomes import Inputs, Predicate, compile_evidence, compile_predicate
from tallystick.period import Zone
from tallystick.verification.facts import Candidates, Row
from tallystick.verification.resolve import resolve_sql
from tallystick.verification.verdict import Evidence

__all__ = ["Queried"]


class Queried:
    """`Facts` from a database with one view per record type, as `records.scan.connect` gives it.

    Args:
        database: The connection; it gets temporary tables `meant`, `decided` and `united`.
        predicate: What is decided.
        inputs: Since when and up to when the streams were read.
        zone: Zone of the contract.
    """

    def __init__(self, database: duckdb.DuckDBPyConnection, predicate: Predicate, inputs: Inputs, zone: Zone) -> None:
        self.database = database
        self._predicate = predicate
        self._inputs = inputs
        self._zone = zone

    def resolve(self, refs: Sequence[str]) -> dict[str, Candidates]:
        """Pair distinct references with records; see `Facts`. Leaves the ids in the table `meant`."""
        self.database.register("refs", pa.table({"ref": pa.array(refs, pa.string())}))
        self.database.execute(f"CREATE OR REPLACE TEMP TABLE meant AS {resolve_sql(self._predicate.record, 'refs')}")
        exact: dict[str, str] = {}
        others: dict[str, list[str]] = defaultdict(list)
        for ref, record_id, is_exact in self.database.execute("SELECT ref, record_id, exact FROM meant").fetchall():
            if is_exact:
                exact[ref] = record_id
            else:
                others[ref].append(record_id)
        return {ref: Candidates(exact.get(ref), tuple(others[ref])) for ref in refs}

    def rows(self) -> dict[str, Row]:
        """Evaluate the predicate over all records at once; keep the rows that are claimed or meet it."""
        compiled = compile_predicate(self._predicate, self._inputs, self._zone)
        # Hashes are long and read later, for the few kept rows only: leaving them out halves the scan.
        self.database.execute(
            "CREATE OR REPLACE TEMP TABLE decided AS "
            f"SELECT * EXCLUDE (source, version, seq, raw_sha256) FROM ({compiled}) d "
            "WHERE d.status = 'meets' OR d.id IN (SELECT record_id FROM meant)"
        )
        return {row["id"]: row for row in self.database.sql("FROM decided").to_arrow_table().to_pylist()}

    def unit_rows(self, rivals: Collection[str]) -> list[dict[str, Any]]:
        """Give what makes records one unit: of those that matter, of those with a link, and of those it leads to."""
        unit = self._predicate.unit
        rows: list[dict[str, Any]] = []
        if unit is not None:
            names = unit.facts
            compiled = compile_predicate(self._predicate.of_facts(names), self._inputs, self._zone)
            listed = ", ".join(["id", "occurred_at", *(f'"fact_{name}"' for name in names)])
            self.database.execute(f"CREATE OR REPLACE TEMP TABLE united AS SELECT {listed} FROM ({compiled})")
            self.database.register("rivals", pa.table({"id": pa.array(list(rivals), pa.string())}))
            links = [f'"fact_{link}"' for link in unit.links]
            sought = ["SELECT id FROM decided", "SELECT id FROM rivals"]
            sought += [f"SELECT {link} FROM united WHERE {link} IS NOT NULL" for link in links]
            known_ids = f"id IN ({' UNION ALL '.join(sought)})"
            wanted = " OR ".join([known_ids, *(f"{link} IS NOT NULL" for link in links)])
            if unit.days is not None:
                key = f'"fact_{unit.key}"'
                wanted += f" OR {key} IN (SELECT {key} FROM united WHERE {known_ids})"
            query = f"SELECT * FROM united WHERE {wanted} ORDER BY id"
            rows = self.database.sql(query).to_arrow_table().to_pylist()
        return rows

    def cited(self) -> dict[str, tuple[Evidence, ...]]:
        """Give the record versions each kept row rests on, itself included, in a fixed order."""
        cited: dict[str, set[tuple[str, str, str, int, str]]] = defaultdict(set)
        related = compile_evidence(self._predicate, "decided")
        query = f"SELECT base_id, source, type, id, version, raw_sha256 FROM ({related})"
        for base_id, *row in self.database.execute(query).fetchall():
            cited[base_id].add(tuple(row))
        return {base_id: tuple(Evidence(*row) for row in sorted(rows)) for base_id, rows in cited.items()}

    def deleted(self, ref: str) -> int | None:
        """Give when the source deleted the record of an id, as its tombstone says; None where there is no tombstone."""
        query = f'SELECT deleted, as_of FROM "{self._predicate.record}_all" WHERE id = ? ORDER BY version DESC LIMIT 1'
        # Fetched to the end: a result that is left open keeps the connection from whatever is asked of it next.
        newest = self.database.execute(query, [ref]).fetchall()
        return newest[0][1] if newest and newest[0][0] else None
