"""A second source for a fact: calls, or whoever accepts, of one source joined to the meetings of another.

A call is joined by the first of the agreed keys that fits it. Where that fits several meetings, the call goes to each
of them with all of their ids in `candidates`: it proves nothing for any, and its meetings are told. Who wrote a joined
call is named with its source before it, so that no id means somebody else of the other system.

Acceptance is read from the meeting that is the same one in a second source, and from the contact, the deals and the
changes around it, as types of their own (`acceptance_...`): ids, actors and roles there are never held against the own
ones. Two meetings are one by the first of the agreed keys that fits either of them. Where a meeting has several on the
other side, all are told in `candidates`, and nothing around them counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
from sqlalchemy import Engine

from tallystick.contracts import Evidence, Outcome
from tallystick.outcomes import Inputs
from tallystick.records.catalog import RecordStore, coverage
from tallystick.records.scan import add_source, connect
from tallystick.records.types import RECORD_TYPES

__all__ = [
    "ACCEPTING",
    "BESIDE",
    "OTHER",
    "OWN",
    "connect_outcome",
    "inputs_for",
    "inputs_of",
    "join_calls",
    "join_meetings",
]

OWN, OTHER = "own_", "other_"
"""What the names of the views of the outcome's own source, and of the second one, begin with."""

BESIDE = "beside_"
"""What the names of the views of meetings and attendees begin with that stand in the source acceptance comes from."""

ACCEPTING = tuple(kind.of for kind in RECORD_TYPES.values() if kind.of)
"""Types that acceptance is read from; those of a second source are the views `acceptance_...`."""

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
    second source, and the attendees that join them. So were the meetings of a second source of acceptance; what else is
    read there was read as far as it was there.
    """
    own = inputs_of(engine, outcome.source, now)
    starts, ends = dict(own.read_from), dict(own.read_to)
    if outcome.calls is not None:
        other = inputs_of(engine, outcome.calls.source, now)
        needed = [(other, "call"), *([(own, "call")] if "call" in own.read_to else [])]
        starts["call"], ends["call"] = _joint([*needed, *_joining(own, other, outcome.calls)])
    if outcome.acceptance is not None:
        other = inputs_of(engine, outcome.acceptance.source, now)
        for kind in ACCEPTING:
            needed = [(other, kind), *(_joining(own, other, outcome.acceptance) if kind == "meeting" else [])]
            starts[f"acceptance_{kind}"], ends[f"acceptance_{kind}"] = _joint(needed)
    return Inputs(starts, ends)


def _joining(own: Inputs, other: Inputs, second: Evidence) -> list[tuple[Inputs, str]]:
    """Give the types that join the records of two sources, besides these themselves."""
    return [(own, "attendee"), (other, "attendee")] if "attendees" in second.match else []


def _joint(needed: Sequence[tuple[Inputs, str]]) -> tuple[int | None, int | None]:
    """Give since when and up to when all of some types were read; None where one never was."""
    starts = [inputs.read_from.get(kind) for inputs, kind in needed]
    ends = [inputs.read_to.get(kind) for inputs, kind in needed]
    known_starts = [start for start in starts if start is not None]
    known_ends = [end for end in ends if end is not None]
    return (
        max(known_starts) if len(known_starts) == len(starts) else None,
        min(known_ends) if len(known_ends) == len(ends) else None,
    )


def connect_outcome(store: RecordStore, outcome: Outcome, as_of_seq: int | None = None) -> duckdb.DuckDBPyConnection:
    """Give a connection with the records an outcome is decided from, see `records.scan.connect`."""
    database = connect(store, outcome.source, as_of_seq=as_of_seq)
    try:
        if outcome.calls is not None:
            add_source(database, store, outcome.source, _TYPES, prefix=OWN, as_of_seq=as_of_seq)
            add_source(database, store, outcome.calls.source, _TYPES, prefix=OTHER, as_of_seq=as_of_seq)
            join_calls(database, outcome.calls)
        if outcome.acceptance is not None:
            there = outcome.acceptance.source
            add_source(database, store, there, ("meeting", "attendee"), prefix=BESIDE, as_of_seq=as_of_seq)
            add_source(database, store, there, ACCEPTING, prefix="acceptance_", as_of_seq=as_of_seq)
            join_meetings(database, outcome.acceptance)
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


def join_meetings(database: duckdb.DuckDBPyConnection, acceptance: Evidence) -> None:
    """Let `acceptance_meeting` hold the meetings of the second source with the own ones that they are.

    Args:
        database: A connection with `meeting` and `attendee`, and both of the second source under their prefix.
        acceptance: The second source.
    """
    keys = [f"SELECT {rank} AS rank, * FROM ({_TWINS[key]})" for rank, key in enumerate(acceptance.match)]
    database.execute(
        "CREATE OR REPLACE TEMP TABLE joined_meeting AS WITH "
        f"pairs AS ({' UNION ALL '.join(keys)}), "
        "best AS (SELECT here, there FROM pairs QUALIFY rank = min(rank) OVER (PARTITION BY here) "
        "AND rank = min(rank) OVER (PARTITION BY there)), "
        "several_here AS (SELECT there, string_agg(here, ' ' ORDER BY here) AS listed "
        "FROM best GROUP BY there HAVING count(*) > 1), "
        "several_there AS (SELECT here, string_agg($source || ':' || there, ' ' ORDER BY there) AS listed "
        "FROM best GROUP BY here HAVING count(*) > 1) "
        "SELECT o.*, b.here AS meeting_id, nullif(concat_ws(' ', h.listed, t.listed), '') AS candidates "
        f'FROM "{BESIDE}meeting" o JOIN best b ON b.there = o.id '
        "LEFT JOIN several_here h ON h.there = b.there LEFT JOIN several_there t ON t.here = b.here",
        {"source": acceptance.source},
    )
    database.execute("CREATE OR REPLACE TEMP VIEW acceptance_meeting AS FROM joined_meeting")


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

# A copy is no meeting of its own, and an entry without times has none at which anything could overlap it.
_TWINS = {
    "external_id": f'SELECT m.id AS here, o.id AS there FROM meeting m JOIN "{BESIDE}meeting" o '
    "ON o.external_id = m.external_id WHERE m.parent_id IS NULL AND o.parent_id IS NULL",
    "attendees": "SELECT DISTINCT m.id AS here, o.id AS there FROM meeting m "
    f'JOIN attendee here ON here.meeting_id = m.id JOIN "{BESIDE}attendee" there ON there.email = here.email '
    f'JOIN "{BESIDE}meeting" o ON o.id = there.meeting_id WHERE m.parent_id IS NULL AND o.parent_id IS NULL '
    "AND here.internal IS NOT TRUE AND there.internal IS NOT TRUE "
    "AND m.all_day IS NOT TRUE AND o.all_day IS NOT TRUE "
    "AND o.starts_at < m.ends_at AND o.ends_at > m.starts_at",
}
