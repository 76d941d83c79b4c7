"""What a warehouse may do to its reader, and what a reader may never do to a warehouse."""

import sqlite3
import threading

import psycopg
import pyarrow as pa
import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from tallystick.errors import AuthorizationError, ConfigurationError, ConnectorError, RetryableError, SchemaChanged
from tallystick_sql.connector import SqlConfig, SqlConnector
from tallystick_sql.duck import _in_utc

SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"
AUG_1 = 1_785_542_400_000_000
DAY = 86_400_000_000
SECRET = "s3cret-of-the-warehouse"


def reading(tables, **config):
    """Give the pages of a first read."""
    [stream] = tables.connector(**config).streams()
    return stream.read(stream.plan(None, AUG_1 + DAY)[0])


@pytest.mark.parametrize(
    "statement", ["DELETE FROM tickets", "CREATE TABLE x (a INT)", "INSERT INTO tickets (id) VALUES (9)"]
)
def test_nothing_can_be_written(tables, statement):
    """The transaction, or the file, refuses every write, whatever the user may do."""
    tables.tickets(1)
    warehouse = tables.connector()._warehouse()
    where = f"{tables.schema}." if tables.schema else ""
    written = statement.replace("tickets", f"{where}tickets").replace("TABLE x", f"TABLE {where}x")
    with pytest.raises(ConnectorError), warehouse.snapshot() as snapshot:
        snapshot.ask(sa.text(written))
    tables.sync()
    assert tables.rows("id") == [("1",)]


@pytest.mark.postgres
def test_what_others_write_meanwhile_is_not_seen(server):
    """All pages of a read are of one state; what came in between comes with the next read."""
    server.tickets(*range(1, 8))
    pages = reading(server)
    next(pages)
    server.tickets(50, day=1, second=30)
    server.execute("DELETE FROM tickets WHERE id = 7")
    rest = [record.id for page in pages for record in page.records]
    assert rest == ["4", "5", "6", "7"]


@pytest.mark.postgres
def test_a_statement_that_takes_too_long_is_broken_off_by_the_server(server):
    """The message says which setting it was."""
    server.tickets(1)
    server.execute("CREATE VIEW slow AS SELECT t.* FROM tickets t, pg_sleep(30)")
    server.describe(server.description.replace("tickets\n    key", "slow\n    key"))
    assert "a statement took longer than statement_timeout_seconds" in server.error(statement_timeout_seconds=1)


@pytest.mark.parametrize("tables", ["sqlite", "duckdb"], indirect=True)
def test_a_statement_that_takes_too_long_is_broken_off_in_a_file_too(tables):
    """Neither of them has a timeout of its own."""
    tables.tickets(1)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1e15)"
    tables.execute(f"CREATE VIEW slow AS {endless} SELECT t.* FROM tickets t WHERE (SELECT max(x) FROM n) > 0")
    tables.describe(tables.description.replace("tickets\n    key", "slow\n    key"))
    assert "a statement took longer than statement_timeout_seconds" in tables.error(statement_timeout_seconds=1)


@pytest.mark.postgres
def test_a_connection_that_breaks_is_for_a_later_run(server):
    """The server ends it between two pages; the cursor of the page before it is good."""
    server.tickets(*range(1, 8))
    pages = reading(server)
    first = next(pages)
    with psycopg.connect(SERVER, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tallystick'"
            " AND query LIKE %s",
            [f"%{server.schema}%"],
        )
    with pytest.raises(RetryableError, match="could not be asked"):
        next(pages)
    assert first.cursor is not None
    assert server.sync() == 7


@pytest.mark.postgres
def test_closing_breaks_off_what_is_running(server):
    """From another thread, within seconds, as one of ours."""
    server.tickets(1)
    server.execute("CREATE VIEW slow AS SELECT t.* FROM tickets t, pg_sleep(60)")
    server.describe(server.description.replace("tickets\n    key", "slow\n    key"))
    connector = server.connector()
    [stream] = connector.streams()
    threading.Timer(0.5, connector.close).start()
    with pytest.raises(RetryableError, match="was closed while it was read"):
        list(stream.read(stream.plan(None, AUG_1 + DAY)[0]))


@pytest.mark.postgres
def test_a_user_without_rights_is_told_what_to_grant(server):
    """Reading is refused by name; check says it, and says of a user who could write that it could."""
    server.tickets(1)
    name = f"reader_{server.schema}"
    with psycopg.connect(SERVER, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN")
        try:
            url = SERVER.replace("postgres@", f"{name}@")
            assert "Grant SELECT on it to the user" in server.error(url=url)
            admin.execute(f"GRANT USAGE ON SCHEMA {server.schema} TO {name}")
            admin.execute(f"GRANT SELECT ON {server.schema}.tickets TO {name}")
            assert server.sync(url=url) == 1
            assert rights(server.connector(url=url)).status == "ok"
            admin.execute(f"GRANT UPDATE ON {server.schema}.tickets TO {name}")
            assert rights(server.connector(url=url)).status == "warning"
            assert rights(server.connector()).detail == "the user could write into it, though Tallystick never does"
            server.close()
        finally:
            admin.execute(f"DROP OWNED BY {name}")
            admin.execute(f"DROP ROLE {name}")


def rights(connector):
    """Give the row of check about the rights on the table."""
    return next(row for row in connector.check() if row.name == "table tickets: rights")


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("postgresql://postgres@127.0.0.1:1/postgres", RetryableError),
        ("postgresql://nobody_there@127.0.0.1:5432/postgres", AuthorizationError),
        ("postgresql://postgres@127.0.0.1:5432/no_such_database", ConnectorError),
    ],
)
def test_the_password_is_in_no_message(server, monkeypatch, url, kind):
    """Nor in what is printed of the connector or its configuration."""
    monkeypatch.setenv("TALLYSTICK_TEST_WAREHOUSE", SECRET)
    connector = server.connector(url=url, password="env:TALLYSTICK_TEST_WAREHOUSE")
    with pytest.raises(kind) as caught:
        list(connector.streams()[0].read(connector.streams()[0].plan(None, AUG_1)[0]))
    said = [
        caught.value.diagnostics(),
        repr(caught.value),
        repr(connector),
        repr(vars(connector)),
        repr(connector._config),
    ]
    said += [f"{row.detail} {row.action}" for row in connector.check()]
    assert SECRET not in " ".join(said)


def test_a_missing_password_is_named_by_its_place(tmp_path):
    """The variable is named, and nothing is called."""
    (tmp_path / "m.yaml").write_text("streams: {}", encoding="utf-8")
    config = {"url": "postgresql://u@127.0.0.1:1/d", "password": "env:TALLYSTICK_NOT_SET", "start": "2026-01-01"}
    warehouse = SqlConnector(SqlConfig(**config, mapping=str(tmp_path / "m.yaml")))._warehouse()
    with pytest.raises(ConfigurationError, match="TALLYSTICK_NOT_SET is not set"), warehouse.snapshot():
        pass


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": f"postgresql://u:{SECRET}@h/d"}, "a password does not belong in a file that is shared"),
        ({"url": f"postgresql://u@h/d?password={SECRET}"}, "a password does not belong in a file that is shared"),
        ({"url": f"postgresql://u@h/d?sslpassword={SECRET}"}, "a password does not belong in a file that is shared"),
        ({"url": "no url"}, "this is no URL of a database"),
        ({"url": "sqlite:///x.db"}, "a file is named by `file`"),
        ({"url": "postgresql://u@h/d", "file": "x.db"}, "one of url and file is expected here"),
        ({}, "one of url and file is expected here"),
        ({"file": "x.db", "password": "env:X"}, "a file has no password"),
        ({"file": "~/x.db"}, "~ is not followed"),
        ({"url": "postgresql://u@h/d", "statement_timeout_seconds": 0}, "statement_timeout_seconds"),
        ({"url": "postgresql://u@h/d", "pasword": "env:X"}, "pasword"),
    ],
)
def test_a_wrong_setting_is_named_and_no_secret_repeated(settings, said):
    """Whoever typed a password there does not want to see it in a log."""
    with pytest.raises(ValidationError) as caught:
        SqlConfig.model_validate({"mapping": "m.yaml", "start": "2026-01-01", **settings})
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"neither of both, but long enough"])
def test_a_file_of_another_kind(tmp_path, content):
    """It is said what it is not; one that is not there is named."""
    path = tmp_path / "x.db"
    path.write_bytes(content)
    config = SqlConfig(file=str(path), mapping="m.yaml", start="2026-01-01")
    with pytest.raises(ConfigurationError, match="is neither a DuckDB nor a SQLite file"):
        SqlConnector(config)._warehouse()
    path.unlink()
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        SqlConnector(config)._warehouse()


@pytest.mark.parametrize("tables", ["sqlite", "duckdb"], indirect=True)
def test_a_damaged_file_is_an_error_of_the_source(tables):
    """What a database says about it is passed on."""
    tables.tickets(*range(1, 200))
    content = bytearray(tables.file.read_bytes())
    content[4096 : len(content) // 2 * 2] = b"\xff" * (len(content) // 2 * 2 - 4096)
    tables.file.write_bytes(content)
    tables.error()
    assert tables.watermark() is None


def test_a_table_that_is_not_there(tables):
    """It is named, with what to do."""
    tables.describe(tables.description.replace("tickets\n    key", "tikets\n    key"))
    said = tables.error()
    assert "has no such thing" in said
    assert "tikets" in said


def test_a_value_that_cannot_be_read_names_the_row_and_not_the_value(tables):
    """The table, the key, the column, where it is mapped, and the form of the value."""
    tables.tickets(1, 2, status="Müller 17")
    form = "unix_ms" if tables.kind == "sqlite" else "iso"
    before = f"created_at: {{path: created_at, format: {form}}}"
    tables.describe(tables.description.replace(before, "created_at: status"))
    said = tables.error()
    assert "sql/tickets: " in said
    assert "tickets: row 1: ticket, column created_at: a text like 'aaaaaa 99'" in said
    assert "mapping.yaml:" in said
    assert "Müller" not in said


@pytest.mark.parametrize("tables", ["sqlite"], indirect=True)
def test_a_text_in_a_number_column_of_sqlite(tables):
    """SQLite keeps any value in any column: a cursor that is a text among numbers is an error."""
    tables.tickets(1, 2)
    with sqlite3.connect(tables.file) as connection:
        connection.execute("UPDATE tickets SET updated_at = 'soon' WHERE id = 2")
    assert "updated_at" in tables.error()


DESCRIPTION = """
streams:
  {name}:
    table: {table}
    key: id
    {more}
    records:
      - {{type: ticket, id: id, as_of: {as_of}, columns: {{created_at: at}}}}
"""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "a-b"}, "a stream is named by letters, digits and _"),
        ({"table": "a.b.c"}, "table"),
        ({"table": "[]"}, "at least one is needed"),
        ({"more": "cursor: {path: at, format: '%d.%m.%Y', timezone: UTC}"}, "a database compares no texts as times"),
        ({"more": "cursor: {constant: 5}"}, "an instant is read from a column"),
        ({"more": "overlap_minutes: 5"}, "overlap_minutes belongs to cursor"),
        ({"more": "complete_until: {lag_minutes: 5}"}, "without a cursor the newest row is not known"),
        ({"more": "complete_until: {lag_minutes: 5, table: x}"}, "table and column belong together"),
        ({"more": "complete_until: {where: {a: 1}, lag_minutes: 5}"}, "where belongs to table"),
        ({"more": "complete_until: {}"}, "lag_minutes is missing"),
        ({"as_of": "$complete_until"}, "$complete_until is not known here"),
        ({"as_of": "at, colums: {}"}, "colums"),
    ],
)
def test_a_wrong_description_is_said_with_its_position(duck, changed, said):
    """File, line and column."""
    given = {"name": "tickets", "table": "tickets", "more": "cursor: at", "as_of": "at", **changed}
    duck.describe(DESCRIPTION.format(**given))
    with pytest.raises(ConfigurationError) as caught:
        duck.connector().streams()
    assert said in caught.value.diagnostics()
    assert "mapping.yaml:" in caught.value.diagnostics()


def test_check_says_what_is_there_and_what_cannot_be_proved(tables):
    """One row each; nothing failed on a good source, and every other row says what to do."""
    tables.tickets(1)
    rows = {row.name: row for row in tables.connector().check()}
    assert [row.name for row in rows.values() if row.status == "failed"] == []
    assert rows["sign-in"].status == "ok"
    assert rows["table tickets"].detail == "5 columns; all that are mapped are there"
    assert rows["provenance"].status == "warning"
    assert "who acted on a ticket" in rows["provenance"].detail
    tables.describe(
        tables.description.replace("    complete_until: {lag_minutes: 0}\n", "").replace(
            "status: status", "status: state"
        )
    )
    rows = {row.name: row for row in tables.connector().check()}
    assert rows["table tickets"].status == "failed"
    tables.describe("streams: {}")
    assert [(row.name, row.status) for row in tables.connector().check()] == [("mapping", "failed")]


def test_times_of_duckdb_are_given_in_utc():
    """Where its extension for zones is loaded, it gives them in the zone of the machine."""
    tokyo = pa.chunked_array([pa.array([AUG_1], pa.timestamp("us", "Asia/Tokyo"))])
    assert [at.isoformat() for at in _in_utc(tokyo).to_pylist()] == ["2026-08-01T00:00:00+00:00"]


def test_a_server_that_is_gone_without_a_word_ends_the_read(server):
    """The connection asks every minute whether the other side is there."""
    with server.connector()._warehouse().snapshot() as snapshot:
        given = snapshot._connection.connection.driver_connection.info.get_parameters()

    assert (given["keepalives_idle"], given["tcp_user_timeout"]) == ("60", "120000")


def test_a_key_that_is_not_unique_is_an_error(tables):
    """A row of the same key behind the end of a page would be in no page, and nobody would know."""
    rows = ", ".join(f"(7, {tables.at(1)}, {tables.at(1)}, 's{n}', FALSE)" for n in range(5))
    tables.execute(f"INSERT INTO tickets VALUES {rows}")
    tables.describe(tables.description.replace("        id: id", "        id: status"))
    error = tables.error()

    assert "3 rows were read, and 5 are there: id is not unique" in error
    assert tables.watermark() is None


def test_keys_that_a_database_takes_for_equal_are_an_error(lite):
    """SQLite's NOCASE puts `a` and `A` in one place of the order."""
    rows = ", ".join(f"('{key}', {lite.at(1)}, {lite.at(1)}, 'open', 0)" for key in "aAbB")
    lite.execute(
        "DROP TABLE tickets",
        "CREATE TABLE tickets (id TEXT COLLATE NOCASE, created_at INT, updated_at INT, status TEXT, gone BOOLEAN)",
        f"INSERT INTO tickets VALUES {rows}",
    )
    assert "3 rows were read, and 4 are there" in lite.error()


def test_values_that_python_has_no_form_for_are_named(duck):
    """DuckDB counts to infinity, and in nanoseconds; a look-up of such a row says so too."""
    duck.tickets(1)
    duck.execute("ALTER TABLE tickets ADD COLUMN x DATE", "UPDATE tickets SET x = 'infinity'")
    assert "the column x holds a value that has no exact form here" in duck.error()
    with pytest.raises(SchemaChanged, match="the column x"):
        duck.connector().lookup("1")

    duck.execute("ALTER TABLE tickets DROP COLUMN x", "ALTER TABLE tickets ADD COLUMN x TIMESTAMP_NS")
    duck.execute("UPDATE tickets SET x = TIMESTAMP_NS '2026-01-01 00:00:00.123456789'")
    assert "Cast it to text in a view" in duck.error()
