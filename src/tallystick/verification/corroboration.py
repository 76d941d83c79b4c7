"""A second source for a fact: calls of one source joined to the meetings of another.

A call is joined by the first of the agreed keys that fits it. Where that fits several meetings, the call goes to each
of them with all of their ids in `candidates`: it proves nothing for any, and its meetings are told. Who wrote a joined
call is named with its source before it, so that no id means somebody else of the other system.
"""

from __future__ import annotations

import duckdb
from sqlalchemy import Engine

from tallystick.contracts import Evidence, Outcome
from tallystick.outcomes import Inputs
from tallystick.records.catalog import RecordStore, coverage
from tallystick.records.scan import add_source, connect

__all__ = ["OTHER", "OWN", "connect_outcome", "inputs_for", "inputs_of", "join_calls"]

OWN, OTHER = "own_", "other_"
"""What the names of the views of the outcome's own source, and of the second one, begin with."""

_TYPES = ("call", "attendee")


def inputs_of(engine: Engine, source: str, now: int) -> Inputs:
    """Say how far a source was read, as of `now`: what was read later does not count yet."""
    read = coverage(engine, source)
    return Inputs(
        read_from={kind: found.since for kind, found in read.items()},
        read_to={kind: None if found.watermark is None else min(found.watermark, now) for kind, found in read.items()},
    )


def inputs_for(engine: Engine, outcome: Outcome, now: int) -> Inputs:
    """Say how far the sources of an outcome were read.

    Calls were read as far as all that they are put together from: the own ones, if the source has any, those of the
    second source, and the attendees that join them.
    """
    own = inputs_of(engine, outcome.source, now)
    if outcome.calls is None:
        return own
    other = inputs_of(engine, outcome.calls.source, now)
    needed = [(other, "call")]
    needed += [(own, "call")] if "call" in own.read_to else []
    needed += [(own, "attendee"), (other, "attendee")] if "attendees" in outcome.calls.match else []
    starts = [inputs.read_from.get(kind) for inputs, kind in needed]
    ends = [inputs.read_to.get(kind) for inputs, kind in needed]
    known_starts = [start for start in starts if start is not None]
    known_ends = [end for end in ends if end is not None]
    return Inputs(
        read_from={**own.read_from, "call": max(known_starts) if len(known_starts) == len(starts) else None},
        read_to={**own.read_to, "call": min(known_ends) if len(known_ends) == len(ends) else None},
    )


def connect_outcome(store: RecordStore, outcome: Outcome, as_of_seq: int | None = None) -> duckdb.DuckDBPyConnection:
    """Give a connection with the records an outcome is decided from, see `records.scan.connect`."""
    database = connect(store, outcome.source, as_of_seq=as_of_seq)
    if outcome.calls is not None:
        try:
            add_source(database, store, outcome.source, _TYPES, prefix=OWN, as_of_seq=as_of_seq)
            add_source(database, store, outcome.calls.source, _TYPES, prefix=OTHER, as_of_seq=as_of_seq)
            join_calls(database, outcome.calls)
        except BaseException:
            database.close()
            raise
    return database


def join_calls(database: duckdb.DuckDBPyConnection, calls: Evidence) -> None:
    """Let `call` hold the calls of both sources, those of the second with the meetings they belong to.

    Args:
        database: A connection with `meeting`, and with `call` and `attendee` of both sources under their prefixes.
        calls: The second source.
    """
    pairs = " UNION ALL ".join(f"SELECT {rank} AS rank, * FROM ({_PAIRS[key]})" for rank, key in enumerate(calls.match))
    database.execute(
        "CREATE OR REPLACE TEMP TABLE joined_call AS WITH "
        f"pairs AS ({pairs}), "
        "best AS (SELECT call_id, meeting FROM pairs QUALIFY rank = min(rank) OVER (PARTITION BY call_id)), "
        "told AS (SELECT call_id, count(*) AS meetings, string_agg(meeting, ' ' ORDER BY meeting) AS listed "
        "FROM best GROUP BY call_id) "
        "SELECT c.* REPLACE (b.meeting AS meeting_id, $source || ':' || c.created_by AS created_by, "
        "$source || ':' || c.app_id AS app_id, CASE WHEN t.meetings > 1 THEN t.listed END AS candidates) "
        f'FROM "{OTHER}call" c JOIN best b ON b.call_id = c.id JOIN told t ON t.call_id = c.id',
        {"source": calls.source},
    )
    database.execute(f'CREATE OR REPLACE TEMP VIEW "call" AS FROM "{OWN}call" UNION ALL FROM joined_call')
    # Where both sources have a call of one id, who took part in the own one would count for the other.
    database.execute(
        'CREATE OR REPLACE TEMP VIEW "attendee" AS SELECT * REPLACE '
        "(CASE WHEN call_id NOT IN (SELECT id FROM joined_call) THEN call_id END AS call_id) "
        f'FROM "{OWN}attendee"'
    )


# A copy is no meeting of its own, and one that was called off or moved took no place: no call belongs to it.
_MET = "m.parent_id IS NULL AND coalesce(m.status NOT IN ('canceled', 'rescheduled'), true)"
_PAIRS = {
    "external_id": f'SELECT c.id AS call_id, m.id AS meeting FROM "{OTHER}call" c JOIN meeting m '
    f"ON m.external_id = c.external_id WHERE {_MET}",
    "attendees": f'SELECT DISTINCT c.id AS call_id, m.id AS meeting FROM "{OTHER}call" c '
    f'JOIN "{OTHER}attendee" there ON there.call_id = c.id '
    f'JOIN "{OWN}attendee" here ON here.email = there.email JOIN meeting m ON m.id = here.meeting_id '
    f"WHERE {_MET} AND here.internal IS NOT TRUE AND there.internal IS NOT TRUE "
    "AND c.started_at < m.ends_at AND c.ended_at > m.starts_at",
}
