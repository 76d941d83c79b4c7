"""One org: how its rows are read, and the few facts about it that records of others need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any, Generic, TypeVar

import msgspec

from tallystick.connectors import CustomField, Response
from tallystick.errors import SchemaChanged
from tallystick_salesforce.client import SalesforceApi, clock
from tallystick_salesforce.describe import Describer, choose
from tallystick_salesforce.faults import FieldError, MissingError
from tallystick_salesforce.objects import OrganizationRow, Row, StatusRow
from tallystick_salesforce.sales import Currency
from tallystick_salesforce.soql import select

__all__ = ["Got", "Onward", "Org", "PageReader", "Settings", "read_pages", "read_rows"]

T = TypeVar("T")
R = TypeVar("R", bound=Row)

_MOST_EMPTY = 10


@dataclass(frozen=True, slots=True)
class Settings:
    """What of the configuration the streams look at.

    Attributes:
        start: How far back the history goes, microseconds UTC.
        custom: Declared fields by record type, those that fill columns of a meeting included.
        without: Objects that the buyer says the org does not use.
        bulk_above: Rows of a first load from which on it is read in bulk; None: never.
        meeting_statuses: Our word for how a meeting went, by the value in the field, in small letters.
        case_statuses: Our word for a status of a case, by its name in small letters.
        closed_statuses: Statuses that close a case, in small letters; empty: those the org says.
        currency: The currency of amounts that do not name theirs; None: the one the org says.
    """

    start: int
    custom: Mapping[str, Mapping[str, CustomField]] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    bulk_above: int | None = 10_000
    meeting_statuses: Mapping[str, str] = field(default_factory=dict)
    case_statuses: Mapping[str, str] = field(default_factory=dict)
    closed_statuses: frozenset[str] = frozenset()
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Got(Generic[R]):
    """One page of a query: its rows, their bytes, the whole body, where it goes on, and Salesforce's clock."""

    rows: list[R]
    raws: list[bytes]
    body: bytes
    following: str | None
    total: int
    date: int


class _Page(msgspec.Struct):
    records: list[msgspec.Raw]
    done: bool
    totalSize: int = 0  # noqa: N815 - Salesforce's name
    nextRecordsUrl: str | None = None  # noqa: N815 - Salesforce's name


class PageReader(Generic[R]):
    """Reads pages of rows of one class: once for the bytes of each row, once for its fields.

    Args:
        row: The class.
    """

    def __init__(self, row: type[R]) -> None:
        self._heads = msgspec.json.Decoder(_Page).decode
        shape: Any = msgspec.defstruct("RowsPage", [("records", list[row])])  # type: ignore[valid-type]
        self._rows: Callable[[bytes], Any] = msgspec.json.Decoder(shape).decode

    def read(self, response: Response) -> Got[R]:
        """Give a page.

        Raises:
            msgspec.DecodeError: It is none.
            SchemaChanged: It says that it goes on, but not where, or does not tell Salesforce's clock.
        """
        body = response.body
        page = self._heads(body)
        if not page.done and page.nextRecordsUrl is None:
            raise SchemaChanged(
                "Salesforce says that a query goes on, but not where",
                hint="Report it to Salesforce's support.",
                request_id=response.request_id,
            )
        following = None if page.done else page.nextRecordsUrl
        return Got(
            self._rows(body).records, list(map(bytes, page.records)), body, following, page.totalSize, clock(response)
        )


def read_rows(api: SalesforceApi, soql: str, row: type[R], *, deleted: bool = False) -> Iterator[R]:
    """Yield the rows of a query, page by page.

    Raises:
        SchemaChanged: It goes on without an end.
        Error: A call was refused or could not be made.
    """
    for got in read_pages(api, soql, row, deleted=deleted):
        yield from got.rows


def read_pages(api: SalesforceApi, soql: str, row: type[R], *, deleted: bool = False) -> Iterator[Got[R]]:
    """Yield the pages of a query.

    Raises:
        SchemaChanged: It goes on without an end.
        Error: A call was refused or could not be made.
    """
    reader, onward = PageReader(row), Onward()
    got = api.query(soql, reader.read, deleted=deleted)
    while True:
        yield got
        if got.following is None:
            return
        onward.check(got)
        got = api.more(got.following, reader.read)


class Onward:
    """Sees to it that a query that says it goes on does: nowhere twice, and with few empty pages in a row.

    An empty page alone is no mistake: its rows may have been deleted since the query was asked.
    """

    def __init__(self) -> None:
        self._seen: set[tuple[str | None, str | None]] = set()
        self._empty = 0

    def check(self, got: Got[Any], place: str | None = None) -> None:
        """Take note of a page that is not the last one.

        Args:
            got: The page.
            place: The row a new query would go on after, should Salesforce forget the path of the next page.

        Raises:
            SchemaChanged: The query does not move on.
        """
        here = (got.following, place)
        self._empty = 0 if got.rows else self._empty + 1
        if here in self._seen or self._empty > _MOST_EMPTY:
            raise SchemaChanged(
                "Salesforce says that a query goes on, but does not move on in it",
                hint="Run the sync again; if it stays so, report it to Salesforce's support.",
            )
        self._seen.add(here)


class Org:
    """What the streams share; safe to share between threads.

    Args:
        api: Makes the calls.
        settings: What of the configuration counts.
    """

    def __init__(self, api: SalesforceApi, settings: Settings) -> None:
        self.api = api
        self.settings = settings
        self.describer = Describer(api)
        self._lock = Lock()

    def reads(self, entity: str) -> bool:
        """Tell whether an object is read."""
        return entity not in self.settings.without

    @property
    def closed_statuses(self) -> frozenset[str]:
        """Statuses that close a case, in small letters.

        Raises:
            FieldError: The org does not show them, and none are configured.
            Error: The call was refused otherwise or could not be made.
        """
        with self._lock:
            return self._closed

    @property
    def currency(self) -> Currency:
        """The currency of amounts that do not name theirs.

        Raises:
            Error: A call was refused or could not be made.
        """
        with self._lock:
            return self._currency

    def select_all(self, entity: str, row: type[Row], *, where: Sequence[str], order: Sequence[str] = ()) -> str:
        """Give a query for the fields of `row` that the reader sees.

        Raises:
            FieldError: One that must be there is not seen.
            Error: The object cannot be described.
        """
        return select(entity, choose(self.describer.describe(entity), row, ()), where=where, order=order)

    @cached_property
    def _closed(self) -> frozenset[str]:
        if self.settings.closed_statuses:
            return self.settings.closed_statuses
        try:
            soql = self.select_all("CaseStatus", StatusRow, where=())
            found = list(read_rows(self.api, soql, StatusRow))
        except (FieldError, MissingError):
            found = []
        names = [name for status in found if status.is_closed for name in (status.api_name, status.master_label)]
        if not any(names):
            raise FieldError(
                "it cannot be told which statuses close a case: CaseStatus shows none",
                hint="Set closed_case_statuses.",
            )
        return frozenset(name.lower() for name in names if name)

    @cached_property
    def _currency(self) -> Currency:
        described = self.describer.describe("Opportunity")
        amount = described.fields.get("Amount")
        places = None if amount is None else amount.scale
        code = self.settings.currency
        if code is None and not described.has("CurrencyIsoCode"):
            try:
                soql = self.select_all("Organization", OrganizationRow, where=())
                code = next((row.default_currency_iso_code for row in read_rows(self.api, soql, OrganizationRow)), None)
            except (FieldError, MissingError):
                code = None
        return Currency(code, places)
