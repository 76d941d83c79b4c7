"""Opening a database: creation, migration, refusal, transactions."""

import subprocess
import sys
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from tests.fakes import postgres_url

from tallystick.database import engine as module
from tallystick.database.engine import HEAD, failure_of, open_database, transaction
from tallystick.database.migrate import scripts
from tallystick.database.schema import counter, ledger_entry, metadata
from tallystick.errors import Busy, ConfigurationError, DatabaseTooNew, Error, StorageError
from tallystick.ledger import Log


@pytest.fixture
def postgres():
    """The URL of a PostgreSQL database of its own, dropped afterwards."""
    with postgres_url() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request, tmp_path):
    """An opened database of each kind."""
    url = tmp_path / "t.db" if request.param == "sqlite" else request.getfixturevalue("postgres")
    engine = open_database(url, create=True)
    yield engine
    engine.dispose()


def test_migrations_create_exactly_the_schema(database):
    """Alembic finds no difference between a migrated database and the declared tables."""
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_write_the_same_sql_as_the_schema(tmp_path):
    """Every table and index of a migrated SQLite file has the very SQL that the declared tables give."""

    def statements(engine):
        query = text("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND sql IS NOT NULL")
        with engine.connect() as connection:
            found = {name: " ".join(sql.split()) for name, sql in connection.execute(query)}
        engine.dispose()
        found.pop("alembic_version", None)
        return found

    migrated = open_database(tmp_path / "migrated.db", create=True)
    declared = create_engine(f"sqlite:///{tmp_path / 'declared.db'}")
    metadata.create_all(declared)
    assert statements(migrated) == statements(declared)


def test_head_is_the_newest_revision():
    """The constant that start-up compares with is the head of the shipped revisions, and all of them are known."""
    directory = scripts()
    assert directory.get_heads() == [HEAD]
    assert {script.revision for script in directory.walk_revisions()} == set(module._KNOWN)


@pytest.mark.parametrize("change", ["UPDATE ledger_entry SET data = ''", "DELETE FROM ledger_entry"])
def test_ledger_only_grows(database, change):
    """The database itself refuses to change or delete a ledger entry."""
    with transaction(database) as connection:
        connection.execute(insert(ledger_entry), {"idx": 0, "data": b"entry"})
    with pytest.raises(DBAPIError, match="only grows"), transaction(database) as connection:
        connection.execute(text(change))
    with database.connect() as connection:
        assert connection.execute(select(ledger_entry.c.data)).scalar() == b"entry"


def test_ledger_entry_is_not_replaced(tmp_path):
    """INSERT OR REPLACE, which deletes without saying so, is refused too."""
    engine = open_database(tmp_path / "t.db", create=True)
    with transaction(engine) as connection:
        connection.execute(insert(ledger_entry), {"idx": 0, "data": b"entry"})
    with pytest.raises(DBAPIError, match="only grows"), transaction(engine) as connection:
        connection.execute(text("INSERT OR REPLACE INTO ledger_entry VALUES (0, 'other')"))
    engine.dispose()


@pytest.mark.postgres
def test_ledger_is_not_truncated(postgres):
    """TRUNCATE on PostgreSQL is refused too."""
    engine = open_database(postgres)
    with pytest.raises(DBAPIError, match="only grows"), transaction(engine) as connection:
        connection.execute(text("TRUNCATE ledger_entry"))
    engine.dispose()


def test_sqlite_is_durable(tmp_path):
    """A SQLite database is in WAL mode and waits for the disk at every commit."""
    engine = open_database(tmp_path / "t.db", create=True)
    with engine.connect() as connection:
        answers = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    engine.dispose()
    assert answers == ["wal", 2, 1, 30_000]


def test_newer_database_is_refused(database):
    """A revision we do not know is refused, naming it and the one we know, and nothing is changed."""
    with transaction(database) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    url = database.url.render_as_string(hide_password=False)
    with pytest.raises(DatabaseTooNew, match=f"9999.*{HEAD}"):
        open_database(url)
    with database.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"


def test_second_opening_imports_no_alembic(tmp_path):
    """A database at the head is opened without importing Alembic."""
    open_database(tmp_path / "t.db", create=True).dispose()
    code = (
        "import sys; from tallystick.database.engine import open_database; "
        f"open_database({str(tmp_path / 't.db')!r}); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_two_processes_create_one_database(tmp_path):
    """Opening a new database from several threads at once migrates it once."""
    errors = []

    def create():
        try:
            open_database(tmp_path / "t.db", create=True).dispose()
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            errors.append(error)

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_missing_file_is_refused(tmp_path):
    """Without `create`, a file that does not exist is not made."""
    with pytest.raises(ConfigurationError, match="there is no database"):
        open_database(tmp_path / "t.db")
    assert list(tmp_path.iterdir()) == []


def test_folder_is_refused(tmp_path):
    """A folder, or a file in a folder that does not exist, cannot be a database."""
    for path in (tmp_path, tmp_path / "missing" / "t.db"):
        with pytest.raises(ConfigurationError, match="cannot be a database file"):
            open_database(path, create=True)


def test_other_file_is_refused(tmp_path):
    """A file that is not a database is named and left alone."""
    path = tmp_path / "t.db"
    path.write_text("not a database, but long enough to look like one" * 100)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="cannot be read as a database"):
        open_database(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("url", ["nonsense://u:secret@h/d", "mysql://u:secret@h/d", "postgresql://u:secret@h:x/d"])
def test_url_is_refused_without_its_password(url):
    """A URL that cannot be used is refused, and its password is in no message."""
    with pytest.raises(ConfigurationError) as caught:
        open_database(url)
    assert "secret" not in caught.value.diagnostics()


def test_unreachable_server_is_a_storage_error():
    """A server that does not answer is named without its password."""
    with pytest.raises(StorageError) as caught:
        open_database("postgresql://u:secret@127.0.0.1:1/d")
    assert "127.0.0.1:1" in str(caught.value)
    assert "secret" not in caught.value.diagnostics()


def test_transaction_is_whole(database):
    """An exception inside a transaction leaves nothing of it."""

    def fail():
        with transaction(database) as connection:
            connection.execute(insert(counter), {"name": "a", "value": 1})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.connect() as connection:
        assert connection.execute(select(counter)).all() == []


def test_writers_take_turns(database):
    """A transaction that begins while another is open sees what the other has written."""
    with transaction(database) as connection:
        connection.execute(insert(counter), {"name": "a", "value": 0})
    inside = threading.Barrier(2)

    def add():
        inside.wait()
        for _ in range(20):
            with transaction(database) as connection:
                value = connection.execute(select(counter.c.value)).scalar_one()
                connection.execute(counter.update().values(value=value + 1))

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.connect() as connection:
        assert connection.execute(select(counter.c.value)).scalar() == 40


def test_endless_writer_makes_others_busy(tmp_path, monkeypatch):
    """A writer that waits in vain is told that another process is writing."""
    monkeypatch.setattr(module, "_BUSY_MS", 10)
    engine = open_database(tmp_path / "t.db", create=True)
    with transaction(engine), pytest.raises(Busy, match="another process"), transaction(engine):
        pass
    engine.dispose()


def test_full_disk_is_a_storage_error(tmp_path):
    """A database that cannot grow says so, and keeps what it had."""
    engine = open_database(tmp_path / "t.db", create=True)
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="full"), transaction(engine) as connection:
        connection.execute(insert(counter), [{"name": f"{n}" * 100, "value": n} for n in range(500)])
    with engine.connect() as connection:
        assert connection.execute(select(counter)).all() == []
    engine.dispose()


@pytest.mark.parametrize("url", ["postgresql://u@127.0.0.1:1/d?password=hunter2", "host=127.0.0.1 password=hunter2"])
def test_a_password_anywhere_in_the_url_stays_hidden(url, tmp_path, monkeypatch):
    """A password in the query, or in a connection string of another kind, is in no message and makes no file."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Error) as caught:
        open_database(url, create=True)

    assert "hunter2" not in caught.value.diagnostics()
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_breaks_while_rows_are_read(tmp_path):
    """Trouble of the database far behind the first row is said as SQLAlchemy says it, which callers look for."""
    engine = open_database(tmp_path / "t.db", create=True)
    log = Log(engine, "tallystick/test")
    with transaction(engine) as connection:
        log.append(connection, [b"entry %d " % number + b"x" * 200 for number in range(900)])
    with engine.connect() as connection:
        size = connection.exec_driver_sql("PRAGMA page_size").scalar()
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    data = bytearray((tmp_path / "t.db").read_bytes())
    page = data.index(b"entry 450 ") // size
    data[page * size : page * size + 64] = b"\xff" * 64
    (tmp_path / "t.db").write_bytes(data)

    with pytest.raises(DBAPIError, match="malformed"):
        list(log.entries())
    engine.dispose()


def test_a_lost_server_is_told_without_the_statement():
    """A connection that breaks while rows are read is trouble of storage; a broken rule and other errors are not."""
    lost = OperationalError("SELECT secret", {"value": "private"}, Exception("server closed it\n  probably"))
    told = failure_of(lost)
    assert isinstance(told, StorageError)
    assert str(told) == "the database: server closed it"
    assert failure_of(IntegrityError("INSERT", {}, Exception("duplicate"))) is None
    assert failure_of(ValueError("x")) is None
