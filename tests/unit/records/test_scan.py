"""Views over segments: newest versions, all versions, as of any sequence number."""

import subprocess
import sys

import pytest
from tests.fakes import refund

from tallystick.records.compaction import compact
from tallystick.records.scan import connect, select_segments
from tallystick.records.types import COMMON, RECORD_TYPES


def _all(store, query, **more):
    with connect(store, "billing", **more) as database:
        return database.execute(query).fetchall()


@pytest.fixture
def changed(store, commit):
    """Three records: one unchanged, one changed at seq 4, one deleted at seq 5."""
    commit(store, refund("re_1", 10, "a"), refund("re_2", 10, "a"), refund("re_3", 10, "a"))
    commit(store, refund("re_2", 20, "b"), refund("re_3", 20, deleted=True))
    return store


def test_newest_versions(changed):
    """The view named like the type has the newest version of each record that is not deleted."""
    assert _all(changed, "SELECT id, version, seq FROM refund ORDER BY id") == [("re_1", 1, 1), ("re_2", 2, 4)]


@pytest.mark.parametrize(
    ("seq", "expected"),
    [
        (0, []),
        (1, [("re_1", 1)]),
        (3, [("re_1", 1), ("re_2", 1), ("re_3", 1)]),
        (4, [("re_1", 1), ("re_2", 2), ("re_3", 1)]),
        (5, [("re_1", 1), ("re_2", 2)]),
    ],
)
def test_as_of_any_sequence_number(changed, seq, expected):
    """As of N there is what was stored by N, also when N lies inside a batch."""
    assert _all(changed, "SELECT id, version FROM refund ORDER BY id", as_of_seq=seq) == expected


def test_all_versions(changed):
    """The view ending in _all has every version, tombstones too, as of the same sequence number."""
    assert _all(changed, "SELECT count(*), count(*) FILTER (deleted) FROM refund_all") == [(5, 1)]
    assert _all(changed, "SELECT count(*), count(*) FILTER (deleted) FROM refund_all", as_of_seq=4) == [(4, 0)]


def test_later_commits_change_nothing(changed, commit):
    """An open connection goes on showing what was stored when it was made."""
    with connect(changed, "billing") as database:
        commit(changed, refund("re_1", 30, "c"), refund("re_4", 30))
        compact(changed, many=1)
        assert database.execute("SELECT id, version FROM refund ORDER BY id").fetchall() == [("re_1", 1), ("re_2", 2)]


def test_filled_and_empty_views_have_the_same_columns(changed):
    """A type of which nothing is stored is an empty view with the names and types of a filled one."""

    def columns(source):
        with connect(changed, source) as database:
            return database.execute("DESCRIBE refund").fetchall()

    assert columns("billing") == columns("nothing-read-yet")
    types = {row[0]: row[1] for row in columns("billing")}
    assert list(types) == [column.name for column in (*COMMON, *RECORD_TYPES["refund"].columns)]
    assert (types["created_at"], types["as_of"], types["amount"]) == ("BIGINT", "BIGINT", "DECIMAL(18,4)")


def test_every_type_has_views(local):
    """Each record type has both views, whether anything of it is stored or not."""
    with connect(local, "billing") as database:
        for kind in RECORD_TYPES:
            for view in (kind, f"{kind}_all"):
                assert database.execute(f'SELECT count(*) FROM "{view}"').fetchone() == (0,)


def test_only_the_types_asked_for(changed):
    """With `types`, other views are not made."""
    with connect(changed, "billing", types=["refund"]) as database:
        views = database.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL").fetchall()
    assert views == [("refund",), ("refund_all",)]


def test_column_names_do_not_collide():
    """No record type has a typed column with the name of a common one."""
    common = {column.name for column in COMMON}
    assert not [kind for kind, declared in RECORD_TYPES.items() if common & set(declared.column)]


def test_segments_are_cut_only_where_needed(changed):
    """Only a segment that reaches beyond N is filtered by sequence number; one that begins behind it is not read."""
    with changed.engine.connect() as connection:
        chosen = [select_segments(connection, changed, "billing", "refund", seq) for seq in (None, 5, 4, 3)]
    assert [(len(one.whole), len(one.cut), one.superseded) for one in chosen] == [
        (2, 0, (2, 3)),
        (2, 0, (2, 3)),
        (1, 1, (2,)),
        (1, 0, ()),
    ]


def test_settings(local):
    """Threads and memory are set as asked, no extension is fetched, and nothing spills into the working directory."""
    with connect(local, "billing", threads=1, memory_limit="100MB") as database:
        names = ("threads", "autoinstall_known_extensions", "autoload_known_extensions", "temp_directory")
        found = [database.execute(f"SELECT current_setting('{name}')").fetchone()[0] for name in names]
    assert found == [1, False, False, str(local.folder / ".spill")]


def test_raw_json_can_be_queried(changed):
    """Raw records and custom fields are open to DuckDB's JSON functions without loading anything."""
    assert _all(changed, "SELECT json_extract_string(raw, '$.text') FROM refund WHERE id = 're_2'") == [("b",)]


def test_folder_with_a_quote(tmp_path, commit, local):
    """A project in a folder with a quote in its name is read like any other."""
    local.folder = tmp_path / "it's here" / "records"
    commit(local, refund("re_1", 10))
    assert _all(local, "SELECT id FROM refund") == [("re_1",)]


def test_opening_a_store_imports_no_parquet():
    """Importing the store and the catalog loads neither pyarrow nor duckdb, so that short verbs start fast."""
    code = "import sys, tallystick.records.catalog; sys.exit(any(m in sys.modules for m in ('pyarrow', 'duckdb')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
