"""The connector for warehouses: its configuration, and how its parts fit together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import ClassVar

import sqlalchemy as sa
from pydantic import Field, field_validator, model_validator

from tallystick.connectors import CheckRow, Connector, ConnectorConfig, SecretRef, Stream
from tallystick.connectors.mapping import FieldError, Mapper, ProjectPath, load_described
from tallystick.errors import ConfigurationError
from tallystick.records.model import Record
from tallystick_sql.alchemy import AlchemyWarehouse, sqlite_url
from tallystick_sql.check import check_warehouse
from tallystick_sql.description import Description
from tallystick_sql.duck import DuckWarehouse
from tallystick_sql.lookup import look_up
from tallystick_sql.streams import TableStream
from tallystick_sql.warehouse import Warehouse

__all__ = ["SqlConfig", "SqlConnector"]

_STARTER = """\
# A user that may SELECT alone is enough. What the tables prove, and what becomes of their rows, stands in `mapping`:
# docs/files-and-warehouses.md.
"""
_OUTCOME = """\
resolved:
  source: warehouse
  uses: ticket-resolved
  with: {bots: ["bot"], preset: buyer-strict}
  price: {per_unit: 1}
"""
_SECRET_WORDS = ("password", "passwd", "pwd", "secret", "token", "key")


class SqlConfig(ConnectorConfig):
    """What `tallystick.yaml` may say about a warehouse.

    Attributes:
        url: A SQLAlchemy URL without a password, such as `postgresql://tallystick@db.example.com/warehouse`.
        password: Where the password is kept.
        file: A DuckDB or SQLite file, in place of a URL.
        mapping: The description: which tables, what they prove, and what becomes of their rows.
        start: From 00:00 UTC of that day on the tables hold what happened.
        statement_timeout_seconds: A statement that takes longer is broken off.
    """

    url: str | None = None
    password: SecretRef | None = None
    file: ProjectPath | None = None
    mapping: ProjectPath
    start: date
    statement_timeout_seconds: int = Field(default=300, ge=1, le=86_400)

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            url = sa.make_url(value)
        except (sa.exc.ArgumentError, ValueError):
            hint = "Write it like postgresql://tallystick@db.example.com/warehouse."
            raise FieldError("this is no URL of a database", hint=hint) from None
        secret = [name for name in url.query if any(part in name.lower() for part in _SECRET_WORDS)]
        if url.password is not None or secret:
            hint = "Take it out of the URL, and add `password: env:WAREHOUSE_PASSWORD`."
            raise FieldError("a password does not belong in a file that is shared", hint=hint)
        if url.get_backend_name() in {"sqlite", "duckdb"}:
            raise FieldError("a file is named by `file`", hint="Write `file: warehouse.duckdb`.")
        return value

    @model_validator(mode="after")
    def _check_one(self) -> SqlConfig:
        if (self.url is None) == (self.file is None):
            hint = "Write `url: postgresql://...` for a server, or `file: warehouse.duckdb`."
            raise FieldError("one of url and file is expected here", hint=hint)
        if self.file is not None and self.password is not None:
            raise FieldError("a file has no password", path=("password",))
        return self


class SqlConnector(Connector):
    """Tables and views of a warehouse: PostgreSQL, SQLite, DuckDB, and what else SQLAlchemy speaks to.

    Args:
        config: A validated `SqlConfig`.
        page_rows: Rows of a page.
    """

    name: ClassVar[str] = "sql"
    version: ClassVar[str] = "0.1.0"
    api_version: ClassVar[str] = "sql"
    config_model: ClassVar[type[ConnectorConfig]] = SqlConfig
    starter: ClassVar[str] = _STARTER
    source_name: ClassVar[str] = "warehouse"
    starter_outcome: ClassVar[str] = _OUTCOME

    def __init__(self, config: SqlConfig, *, page_rows: int = 1000) -> None:
        self._config = config
        self._page_rows = page_rows
        self._opened: Warehouse | None = None

    def streams(self) -> Sequence[Stream]:
        """Give the streams of the description, in its order.

        Raises:
            ConfigurationError: The description cannot be read or does not fit; says every problem with its position.
        """
        return self._streams()

    def check(self) -> Iterator[CheckRow]:
        """Say of each table whether it can be read, could be written, how old it is, and what it cannot prove."""
        try:
            warehouse = self._warehouse()
        except ConfigurationError as error:
            yield CheckRow("warehouse", "failed", str(error), error.hint)
            return
        yield from check_warehouse(warehouse, self._streams)

    def lookup(self, ref: str) -> Sequence[Record]:
        """Read one record from the row that it came from.

        Args:
            ref: Its id, or `ticket:7` for the record of a type.

        Raises:
            ConfigurationError: No table holds it.
            ConnectorError: A statement was refused.
        """
        return look_up(self._warehouse(), self._streams(), ref)

    def ref_of(self, kind: str, record_id: str) -> str:
        """Give type and id: records of several types may share an id."""
        return f"{kind}:{record_id}"

    def calls(self) -> int:
        """Give the number of statements sent so far."""
        return 0 if self._opened is None else self._opened.asked

    def close(self) -> None:
        """Break off what is running and give back the connections."""
        if self._opened is not None:
            self._opened.close()

    def _warehouse(self) -> Warehouse:
        if self._opened is None:
            self._opened = _open(self._config)
        return self._opened

    def _streams(self) -> list[TableStream]:
        config = self._config
        document, description = load_described(config.mapping, Description)
        start = datetime(config.start.year, config.start.month, config.start.day, tzinfo=UTC)
        return [
            TableStream(
                name,
                self._warehouse(),
                described,
                Mapper(
                    described.records,
                    document.at(("streams", name, "records")),
                    nested=False,
                    given=described.given,
                    custom=config.custom,
                ),
                start=int(start.timestamp()) * 1_000_000,
                page_rows=self._page_rows,
            )
            for name, described in description.streams.items()
        ]


def _open(config: SqlConfig) -> Warehouse:
    timeout = config.statement_timeout_seconds
    if config.file is not None:
        if _is_sqlite(config.file):
            return AlchemyWarehouse(sqlite_url(config.file), None, timeout=timeout)
        return DuckWarehouse(config.file, timeout=timeout)
    url = sa.make_url(config.url or "")
    if url.drivername in {"postgresql", "postgres"}:
        # psycopg 3 is what Tallystick itself uses.
        url = url.set(drivername="postgresql+psycopg")
    return AlchemyWarehouse(url, config.password, timeout=timeout)


def _is_sqlite(path: str) -> bool:
    try:
        with Path(path).open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise ConfigurationError(f"file: {path} cannot be opened: {error.strerror}", hint="Check the path.") from None
    if head.startswith(b"SQLite format 3\0"):
        return True
    if head[8:12] == b"DUCK":
        return False
    raise ConfigurationError(f"file: {path} is neither a DuckDB nor a SQLite file", hint="Check the path.")
