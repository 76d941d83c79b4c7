"""Opening a project's database: SQLite by default, PostgreSQL by URL; always brought to the newest revision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeGuard

from sqlalchemy import URL, Connection, Engine, Select, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, NoSuchModuleError, OperationalError

from tallystick.errors import Busy, ConfigurationError, DatabaseTooNew, Error, StorageError

__all__ = ["HEAD", "failure_of", "fetched", "open_database", "transaction"]

HEAD = "0004"
"""Revision this version reads and writes: the newest module under `migrations/`."""

_KNOWN = ("0001", "0002", "0003", "0004")
_BUSY_MS = 30_000
_AT_ONCE = 1024
_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # Without it INSERT OR REPLACE would delete a row without asking the triggers that keep the ledger append-only.
    "PRAGMA recursive_triggers = ON",
    "PRAGMA cache_size = -16384",
    # 64 MB: heads of records with random ids touch a page each; a longer log writes a page once for many batches.
    "PRAGMA wal_autocheckpoint = 16384",
)
_ONE_WRITER = 7_304_951_186_211_090_457
"""Key of the PostgreSQL advisory lock that writers of one database take."""


def open_database(url_or_path: str | Path, *, create: bool = False) -> Engine:
    """Open the database of a project and bring it to the newest revision.

    A path, or text without `://`, means a SQLite file. Reads through `engine.connect()` see one snapshot; writes go
    through `transaction`.

    Args:
        url_or_path: File or SQLAlchemy URL. A PostgreSQL database must exist; its tables need not.
        create: Make a SQLite file that does not exist yet.

    Raises:
        ConfigurationError: There is no such file or driver, the URL cannot be read, or the file is no database.
        DatabaseTooNew: A newer Tallystick wrote it.
        Busy: Another process is migrating it and does not finish.
        StorageError: It cannot be written.
    """
    url = _url(url_or_path)
    name = _shown(url)
    if url.get_backend_name() == "sqlite":
        _check_file(url, create=create)
    engine = _engine(url, name)
    try:
        with engine.connect() as connection:
            stored = _revision(connection)
        if stored != HEAD:
            _migrate(engine, name)
    except BaseException as error:
        engine.dispose()
        if _is_environment(error):
            raise _mapped(error, name) from error
        raise
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Give a connection inside a transaction that is the only writing one from its start to its commit.

    Commits on leaving, rolls back on any exception. On SQLite it starts with BEGIN IMMEDIATE, on PostgreSQL with an
    advisory lock, so that what was read inside still holds when it is written.

    Raises:
        Busy: Another process is writing and does not finish.
        StorageError: The disk is full or broken; nothing of the transaction was kept.
    """
    try:
        with engine.connect().execution_options(tallystick_writes=True) as connection, connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_WRITER})
            yield connection
    except DBAPIError as error:
        if not _is_environment(error):
            raise
        raise _mapped(error, _shown(engine.url)) from error


def failure_of(error: BaseException) -> Error | None:
    """Give what a failing database means to a person; None for every other error.

    Where rows are only read there is nothing to undo, and the driver's error goes through to whoever shows it. Neither
    the statement nor its values are in what is given.
    """
    return _mapped(error, "the database") if _is_environment(error) else None


def fetched(connection: Connection, query: Select[Any], values: Mapping[str, Any] | None = None) -> Iterator[Any]:
    """Give the rows of a query as tuples of what the driver gives, for many rows of plain columns.

    SQLAlchemy's own handling of each row costs as much as the database does.

    Raises:
        DBAPIError: The database fails while they are read, as SQLAlchemy says it.
    """
    cursor: Any = connection.execute(query, values or {}).cursor
    driver = connection.dialect.loaded_dbapi.Error
    try:
        while rows := cursor.fetchmany(_AT_ONCE):
            yield from rows
    except driver as error:
        raise DBAPIError.instance(None, None, error, driver, dialect=connection.dialect) from error


def _url(url_or_path: str | Path) -> URL:
    if isinstance(url_or_path, str) and "://" not in url_or_path and "=" in url_or_path:
        # A connection string of another kind; it may hold a password, so it is not repeated.
        raise ConfigurationError(
            "the database is given as neither a URL nor a path",
            hint="Write postgresql://user@host/name, or the path of a SQLite file.",
        )
    if isinstance(url_or_path, Path) or "://" not in url_or_path:
        return URL.create("sqlite", database=str(url_or_path))
    try:
        url = make_url(url_or_path)
        backend = url.get_backend_name()
        url.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        # The text may hold a password, so it is not repeated.
        raise ConfigurationError(
            "the database URL cannot be read", hint="Write postgresql://user@host/name, or the path of a SQLite file."
        ) from error
    if backend not in {"sqlite", "postgresql"}:
        raise ConfigurationError(
            f"the database {backend} is not supported", hint="Use a SQLite file or a postgresql:// URL."
        )
    if backend == "postgresql" and url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    return url


def _shown(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return url.database or ":memory:"
    # Not the whole URL: a password may stand in its query too.
    host = f"{url.host or 'the local socket'}{f':{url.port}' if url.port else ''}"
    return f"{url.get_backend_name()} database {url.database} at {host}"


def _check_file(url: URL, *, create: bool) -> None:
    if url.database in {None, "", ":memory:"}:
        return
    path = Path(str(url.database))
    if path.is_dir() or not path.parent.is_dir():
        raise ConfigurationError(f"{path} cannot be a database file", hint="Name a file in a folder that exists.")
    if not path.exists() and not create:
        raise ConfigurationError(f"there is no database {path}", hint="Run `tallystick sync` in the project first.")


def _engine(url: URL, name: str) -> Engine:
    try:
        if url.get_backend_name() != "sqlite":
            return create_engine(url, pool_pre_ping=True)
        engine = create_engine(url, connect_args={"timeout": _BUSY_MS / 1000, "isolation_level": None})
    except ImportError as error:
        raise ConfigurationError(
            f"the driver for {name} is not installed", hint="Run `pip install 'tallystick[postgres]'`."
        ) from error
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(dbapi_connection: Any, _record: Any) -> None:
    # Else the driver would open transactions of its own, later than ours.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("tallystick_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _revision(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: Engine, name: str) -> None:
    from tallystick.database.migrate import upgrade

    with transaction(engine) as connection:
        # Looked at again under the lock: another process may have been first.
        stored = _revision(connection)
        if stored not in {None, *_KNOWN}:
            raise _too_new(name, stored)
        if stored != HEAD:
            upgrade(connection, HEAD)


def _too_new(name: str, stored: str | None) -> DatabaseTooNew:
    return DatabaseTooNew(
        f"{name} is at revision {stored}; this version of Tallystick knows revisions up to {HEAD}",
        hint="Update Tallystick. Nothing was changed.",
    )


def _is_environment(error: BaseException) -> TypeGuard[DBAPIError]:
    """Tell trouble with disk, server or file from a statement that breaks a rule, which is a fault of ours."""
    return isinstance(error, OperationalError) or type(error) is DatabaseError


def _mapped(error: DBAPIError, name: str) -> Error:
    """Give the error a person acts on; the driver's text stays, the statement and its values do not."""
    said = str(error.orig or error).strip().splitlines()[0]
    lowered = said.lower()
    if "locked" in lowered or "busy" in lowered:
        return Busy(f"{name} is being written by another process", hint="Wait for it to finish, then run this again.")
    if "not a database" in lowered or "malformed" in lowered:
        return ConfigurationError(f"{name} cannot be read as a database: {said}", hint="Restore it from a backup.")
    return StorageError(
        f"{name}: {said}", hint="Nothing of this step was kept. Make room or mend the database, then run this again."
    )
