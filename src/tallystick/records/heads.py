"""Heads: the newest version of each record, and which of a batch of records are news beside them.

On SQLite each of these is a few statements over many rows: a statement per row would give up the interpreter's lock,
and wait to get it back from the reading threads, thousands of times per batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain, compress
from typing import NamedTuple, TypeAlias

import msgspec
from sqlalchemy import Connection, text

__all__ = ["Changes", "Head", "Versions", "compare", "read_heads", "write_heads", "write_superseded"]

Head: TypeAlias = tuple[str, int, int, int, bytes]
"""The newest version of a record: id, seq, version, as_of, digest. Plain tuples, because millions of them pass."""


class Versions(NamedTuple):
    """What is compared of each record of a batch, in their order; one id may come several times."""

    ids: Sequence[str]
    as_ofs: Sequence[int]
    digests: Sequence[bytes]


class Changes(NamedTuple):
    """What a batch changes: the places in it that are stored and what they become, and the heads that move.

    `superseded` are `(old seq, new seq)` of rows that a newer version replaces.
    """

    places: Sequence[int]
    seqs: Sequence[int]
    versions: Sequence[int]
    heads: Sequence[Head]
    superseded: Sequence[tuple[int, int]]


def compare(batch: Versions, heads: Mapping[str, Head], next_seq: int) -> Changes:
    """Decide record by record, in order, which are new versions.

    A record equal to the newest version is not stored again, but may move that version's `as_of` forward; one that is
    older than the newest version is not stored.

    Args:
        batch: The records.
        heads: Newest stored versions of the ids that have one.
        next_seq: Sequence number of the first row that is stored.
    """
    ids, as_ofs, digests = batch
    count = len(ids)
    versions, plain = [1] * count, [True] * count
    dropped: set[int] = set()
    superseded: list[tuple[int, int]] = []
    changed: dict[str, Head] = {}
    for place in _known(ids, heads):
        record_id, as_of, digest = ids[place], as_ofs[place], digests[place]
        plain[place] = False
        seq = next_seq + place - len(dropped)
        head = changed.get(record_id) or heads.get(record_id)
        if head is not None:
            _, head_seq, head_version, head_as_of, head_digest = head
            if head_digest == digest:
                dropped.add(place)
                if as_of > head_as_of:
                    changed[record_id] = (record_id, head_seq, head_version, as_of, digest)
                continue
            if as_of < head_as_of:
                dropped.add(place)
                continue
            versions[place] = head_version + 1
            superseded.append((head_seq, seq))
        changed[record_id] = (record_id, seq, versions[place], as_of, digest)
    places: Sequence[int] = range(count)
    if dropped:
        places = [place for place in places if place not in dropped]
        versions, plain = [versions[place] for place in places], [plain[place] for place in places]
        ids, as_ofs = [ids[place] for place in places], [as_ofs[place] for place in places]
        digests = [digests[place] for place in places]
    seqs = range(next_seq, next_seq + len(places))
    firsts = compress(zip(ids, seqs, versions, as_ofs, digests, strict=True), plain)
    return Changes(places, seqs, versions, [*firsts, *changed.values()], superseded)


def _known(ids: Sequence[str], heads: Mapping[str, Head]) -> Sequence[int]:
    """Give the places of the ids that have a head or come several times; most batches bring news only."""
    repeated = {record_id for record_id, times in Counter(ids).items() if times > 1} if len(set(ids)) < len(ids) else ()
    if not heads and not repeated:
        return ()
    return [place for place, record_id in enumerate(ids) if record_id in heads or record_id in repeated]


def read_heads(connection: Connection, source: str, kind: str, ids: Sequence[str]) -> dict[str, Head]:
    """Give the heads of those ids that have one."""
    if connection.dialect.name == "sqlite":
        values = (msgspec.json.encode(ids).decode(), source, kind)
        found = connection.exec_driver_sql(_SQLITE_READ, values).scalar()
        rows = msgspec.json.decode(found or b"[]", type=list[tuple[str, int, int, int, str]])
        return {row[0]: (*row[:4], bytes.fromhex(row[4])) for row in rows}
    found_rows = connection.execute(_POSTGRESQL_READ, {"source": source, "type": kind, "ids": list(ids)})
    return {row[0]: (row[0], row[1], row[2], row[3], bytes(row[4])) for row in found_rows}


def write_heads(connection: Connection, source: str, kind: str, heads: Sequence[Head]) -> None:
    """Insert or replace heads."""
    if not heads:
        return
    if connection.dialect.name == "sqlite":
        # In the order of the key, neighbours share a page of the tree.
        ordered, start = sorted(heads), 0
        for size in _SQLITE_ROWS:
            while len(ordered) - start >= size:
                rows = ordered[start : start + size]
                connection.exec_driver_sql(_sqlite_write(size), (source, kind, *chain.from_iterable(rows)))
                start += size
        return
    ids, seqs, versions, as_ofs, digests = zip(*sorted(heads), strict=True)
    columns = {"ids": ids, "seqs": seqs, "versions": versions, "as_ofs": as_ofs, "digests": digests}
    lists = {name: list(values) for name, values in columns.items()}
    connection.execute(_POSTGRESQL_WRITE, {"source": source, "type": kind, **lists})


@cache
def _sqlite_write(rows: int) -> str:
    values = ", ".join(["(?1, ?2, ?, ?, ?, ?, ?)"] * rows)
    return (
        f"INSERT INTO record_head (source, type, id, seq, version, as_of, digest) VALUES {values} ON CONFLICT DO UPDATE"
        " SET seq = excluded.seq, version = excluded.version, as_of = excluded.as_of, digest = excluded.digest"
    )


def write_superseded(connection: Connection, source: str, kind: str, pairs: Sequence[tuple[int, int]]) -> None:
    """Note which rows were superseded, and by which."""
    if not pairs:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_SQLITE_SUPERSEDE, (msgspec.json.encode(pairs).decode(), source, kind))
        return
    columns = {"source": source, "type": kind, "seqs": [old for old, _ in pairs], "by_seqs": [new for _, new in pairs]}
    connection.execute(_POSTGRESQL_SUPERSEDE, columns)


# CROSS JOIN keeps SQLite from walking all heads for each id.
_SQLITE_READ = """
SELECT json_group_array(json_array(head.id, head.seq, head.version, head.as_of, hex(head.digest)))
FROM json_each(?1) AS asked CROSS JOIN record_head AS head
WHERE head.source = ?2 AND head.type = ?3 AND head.id = asked.value
"""
_SQLITE_ROWS = (1024, 128, 16, 1)
"""Heads in one statement: few sizes, because each is compiled and kept; five values each are far from SQLite's most."""
_SQLITE_SUPERSEDE = """
INSERT INTO superseded (seq, by_seq, source, type)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), ?2, ?3 FROM json_each(?1)
"""
_POSTGRESQL_READ = text("""
SELECT id, seq, version, as_of, digest FROM record_head
WHERE source = :source AND type = :type AND id = ANY(CAST(:ids AS text[]))
""")
_POSTGRESQL_WRITE = text("""
INSERT INTO record_head (source, type, id, seq, version, as_of, digest)
SELECT :source, :type, * FROM unnest(CAST(:ids AS text[]), CAST(:seqs AS bigint[]), CAST(:versions AS bigint[]),
                                     CAST(:as_ofs AS bigint[]), CAST(:digests AS bytea[]))
ON CONFLICT (source, type, id) DO UPDATE SET seq = excluded.seq, version = excluded.version,
                                             as_of = excluded.as_of, digest = excluded.digest
""")
_POSTGRESQL_SUPERSEDE = text("""
INSERT INTO superseded (seq, by_seq, source, type)
SELECT *, :source, :type FROM unnest(CAST(:seqs AS bigint[]), CAST(:by_seqs AS bigint[]))
""")
