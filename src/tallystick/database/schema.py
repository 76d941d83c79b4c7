"""Every table of a project's SQL database; `migrations/` creates exactly these.

Instants are integers, microseconds since 1970-01-01T00:00Z. What is large and immutable (records) lies in Parquet
segments; what must change together with it lies here, so that one transaction moves both.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, Table, Text

__all__ = [
    "claim",
    "contract_version",
    "counter",
    "dismissal",
    "ledger_act",
    "ledger_checkpoint",
    "ledger_entry",
    "ledger_tile",
    "metadata",
    "outbox",
    "record_head",
    "run",
    "segment",
    "sink",
    "slice_state",
    "stream_state",
    "superseded",
    "verdict_head",
]

metadata = MetaData()

# On SQLite only a column of type INTEGER is the row's own address; a BIGINT key would cost a second tree.
_KEY = BigInteger().with_variant(Integer, "sqlite")

segment = Table(
    "segment",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("replaced", Boolean, nullable=False),
    Index("segment_by_type", "source", "type", "first_seq"),
)
"""Parquet files that count. `replaced` marks one whose rows a compacted segment carries on."""

record_head = Table(
    "record_head",
    metadata,
    Column("source", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("as_of", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""The newest version of each record: what a re-read is compared with."""

superseded = Table(
    "superseded",
    metadata,
    Column("seq", _KEY, primary_key=True, autoincrement=False),
    Column("by_seq", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("type", Text, nullable=False),
    Index("superseded_by_type", "source", "type", "by_seq"),
)
"""Rows that a newer version replaced, so that latest-as-of-N needs no grouping: seq <= N and not superseded by <= N."""

stream_state = Table(
    "stream_state",
    metadata,
    Column("source", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("types", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("since", BigInteger),
    Column("watermark", BigInteger),
    sqlite_with_rowid=False,
)
"""Per stream: the record types it feeds (JSON list), the revision it was read at, and since when and up to when it has
been read without a gap."""

slice_state = Table(
    "slice_state",
    metadata,
    Column("source", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("cursor", Text),
    Column("watermark", BigInteger),
    sqlite_with_rowid=False,
)
"""The open plan of a stream; `cursor` is null once the slice is exhausted."""

counter = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("exit_code", Integer),
    Column("report", Text),
)

contract_version = Table(
    "contract_version",
    metadata,
    Column("contract", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("sha256", Text, nullable=False),
    Column("idx", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Contract versions that claims or verdicts were made under; `idx` is the ledger entry that holds the text."""

claim = Table(
    "claim",
    metadata,
    Column("contract", Text, primary_key=True),
    Column("claim_id", Text, primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("claimed_at", BigInteger),
    Column("amount", Text),
    Column("currency", Text),
    Column("seq", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Claims as submitted; a claim is never changed. `seq` is the ledger index of the entry that recorded its import."""

verdict_head = Table(
    "verdict_head",
    metadata,
    Column("contract", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("idx", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("digest", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""The newest verdict of each subject, an index into the ledger that `ledger fsck` can rebuild."""

ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("idx", _KEY, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)

ledger_tile = Table(
    "ledger_tile",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)
"""Hashes of the Merkle tree in tiles of 256, so that a proof reads a few rows."""

ledger_checkpoint = Table(
    "ledger_checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, primary_key=True),
    Column("note", Text, nullable=False),
)

ledger_act = Table(
    "ledger_act",
    metadata,
    Column("idx", _KEY, primary_key=True, autoincrement=False),
    Column("contract", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Index("ledger_act_by_key", "contract", "kind", "key"),
)
"""Where the ledger holds what people did under a contract, so that it is found without reading all entries; an index
that `ledger fsck` can rebuild."""

sink = Table(
    "sink",
    metadata,
    Column("name", Text, primary_key=True),
    Column("covers", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("held", Boolean, nullable=False),
    sqlite_with_rowid=False,
)
"""Sinks that the project file named when contracts were verified. `covers` is a JSON object of the contracts and events
that leave for it, `since` the instant from which they do. `active` is false once the file names it no more; `held` says
that the project was imported and nobody has said yet that this copy is the one that delivers."""

dismissal = Table(
    "dismissal",
    metadata,
    Column("sink", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Events of the outbox that were given up and that a person let rest: when, and why."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("sink", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("contract", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("idx", BigInteger, nullable=False),
    Column("replaces", BigInteger),
    Column("due_at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("unsure_since", BigInteger),
    Column("next_at", BigInteger, nullable=False),
    Column("done_at", BigInteger),
    Column("note", Text),
    Index("outbox_by_key", "sink", "key", unique=True),
    Index("outbox_by_state", "sink", "state", "id"),
    Index("outbox_by_claim", "sink", "contract", "subject"),
)
"""Events that leave for sinks, written with the ledger entries they come from.

`idx` is the entry that an event tells, `replaces` the verdict before it; everything else an event says is read there.
`state` is `scheduled` (the outcome locks later), `waiting`, `delivered`, `dead` (given up; `note` says why),
`dismissed` (given up, and a person let it rest: see `dismissal`) or `withdrawn` (the verdict changed before the outcome
locked). `unsure_since` is when an attempt began whose end is not
known, null where there is none; `next_at` is the instant before which nothing is tried."""
