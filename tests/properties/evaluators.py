"""Both evaluators asked about the same records, and all that they say compared."""

from __future__ import annotations

import pyarrow as pa
from tests.evidence import ARROW

from tallystick.canonical import canonical
from tallystick.outcomes import compile_evidence, compile_predicate, interpret, read_row
from tallystick.period import zone
from tallystick.records.types import COMMON, RECORD_TYPES, LookedUp

BERLIN = zone("Europe/Berlin")


def table(name, rows):
    """Give the rows of a record type as the view of the newest versions would, or that of all versions."""
    kind = name.removesuffix("_all")
    filled = []
    for seq, row in enumerate(rows):
        custom = None if row["custom"] is None else canonical(row["custom"]).decode()
        common = {"source": "s", "version": 1, "seq": seq, "deleted": False, "raw_sha256": f"{kind}-{row['id']}"}
        filled.append({**common, **row, "custom": custom})
    columns = {column.name: ARROW[column.kind] for column in (*COMMON, *RECORD_TYPES[kind].columns)}
    return pa.table({name: pa.array([row.get(name) for row in filled], of) for name, of in columns.items()})


def linked(data, name, base, record):
    """Follow a relation by hand: the targets it leads to, each once."""
    relation = RECORD_TYPES[record].relation[name]
    before = [base] if relation.via is None else linked(data, relation.via, base, record)
    keys = {row.get(column) for row in before for column in relation.local} - {None}
    return [row for row in data[relation.target] if row.get(relation.remote) in keys]


def assert_equal(database, predicate, data, inputs):
    """Decide in SQL, in Python over rows linked by hand, and in Python over the cited evidence; compare everything."""
    for kind, given_rows in data.items():
        database.register(kind, table(kind, given_rows))
    cursor = database.execute(compile_predicate(predicate, inputs, BERLIN))
    names = [column[0] for column in cursor.description]
    decided = {row["id"]: row for row in (dict(zip(names, values, strict=True)) for values in cursor.fetchall())}
    assert set(decided) == {row["id"] for row in data[predicate.record]}
    cited = {}
    database.register("ids", pa.table({"id": pa.array([row["id"] for row in data[predicate.record]], pa.string())}))
    cursor = database.execute(compile_evidence(predicate, "ids"))
    names = [column[0] for column in cursor.description]
    for values in cursor.fetchall():
        row = dict(zip(names, values, strict=True))
        cited.setdefault((row["base_id"], row["relation"]), []).append(row)
    kind = predicate.record
    for record in data[kind]:
        related = {name: linked(data, name, record, kind) for name in predicate.relations}
        roles = {
            f"{name}.{column.name}": data[f"{column.type}_all"]
            for name in related
            for column in RECORD_TYPES[RECORD_TYPES[kind].relation[name].target].derived
            if isinstance(column, LookedUp) and f"{column.type}_all" in data
        }
        evaluation = interpret(predicate, record, {**related, **roles}, inputs, BERLIN)
        assert answer(predicate, decided[record["id"]]) == told(predicate, evaluation)
        for name in predicate.relations:
            found = [row["raw_sha256"] for row in cited.get((record["id"], name), [])]
            target = RECORD_TYPES[kind].relation[name].target
            assert sorted(found) == sorted(f"{target}-{row['id']}" for row in related[name])
        again = {
            name: [read_row(row["type"], row["data"]) for row in rows]
            for (base_id, name), rows in cited.items()
            if base_id == record["id"]
        }
        base = read_row(kind, cited[record["id"], ""][0]["data"])
        assert told(predicate, interpret(predicate, base, again, inputs, BERLIN)) == told(predicate, evaluation)


def answer(predicate, row):
    """Give what SQL decided, in one comparable shape."""
    facts = {fact.name: row[f"fact_{fact.name}"] for fact in predicate.facts}
    clauses = [(row[f"clause_{clause.name}"], row[f"until_{clause.name}"]) for clause in predicate.clauses]
    return facts, clauses, row["status"], row["clause"], row["decided_at"], row["until"], row["quantity"]


def told(predicate, evaluation):
    """Give what Python decided, in the same shape."""
    clauses = [(int(clause.state), clause.until) for clause in evaluation.clauses]
    decided = (evaluation.status, evaluation.clause, evaluation.decided_at, evaluation.until, evaluation.quantity)
    return dict(evaluation.facts), clauses, *decided
