"""First loads in bulk: a query as a job, its result as CSV, and each row of it as the JSON that a page would hold."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from itertools import islice
from typing import Any

import msgspec

from tallystick.connectors import Cursor, Response
from tallystick.errors import PermanentError, RetryableError, SchemaChanged
from tallystick_salesforce.client import SalesforceApi, clock
from tallystick_salesforce.describe import Described
from tallystick_salesforce.faults import MissingError

__all__ = ["CHUNK", "Bulk", "BulkRefusedError", "Chunk", "rows_as_json"]

CHUNK = 2_000
"""Rows that are handed over at a time: as many as a page has."""

_ROWS = 50_000
_WAITS = (2.0, 5.0, 10.0, 20.0, 30.0)
_DEADLINE = 3_600.0
_NUMBERS = frozenset({"int", "double", "currency", "percent", "long"})
_LATER = "The next run goes on where this one stopped."
_CUT = f"{_LATER} If it stays so, set `bulk_above: null`."


class BulkRefusedError(PermanentError):
    """Salesforce does not run this query as a job, or failed in it; by pages it may work."""


class _Job(msgspec.Struct):
    id: str
    state: str
    errorMessage: str | None = None  # noqa: N815 - Salesforce's name


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a result as the body of a page, and the cursor that goes on after them; None at the end."""

    body: bytes
    cursor: Cursor | None
    date: int


class Bulk:
    """Reads one query as a job.

    The cursor names the job, so that a run that was cut goes on in the same one.

    Args:
        api: Makes the calls.
        described: The object, for the types of its fields.
        soql: The query, without an order: a job sorts nothing.
    """

    def __init__(self, api: SalesforceApi, described: Described, soql: str) -> None:
        self._api = api
        self._described = described
        self._soql = soql

    def chunks(self, cursor: Cursor) -> Iterator[Chunk]:
        """Yield the rows from a cursor on; `{}` begins a job.

        Raises:
            BulkRefusedError: It cannot be read this way.
            MissingError: The job is gone.
            RetryableError: The job does not end.
            Error: A call was refused otherwise or could not be made.
        """
        if "job" not in cursor:
            cursor = self._begin()
            yield Chunk(b'{"records":[]}', cursor, cursor["date"])
        if "ready" not in cursor:
            self._wait(cursor["job"])
            cursor = {**cursor, "ready": True}
        while True:
            answer = self._results(cursor)
            following = answer.headers.get("sforce-locator", "null")
            onward = None if following in {"null", ""} else following
            if onward is not None and onward == cursor.get("locator"):
                raise SchemaChanged("a bulk result goes on, but does not move on", hint="Report it to Salesforce.")
            yield from self._parts(answer, cursor, onward)
            del answer  # a result is large: the next one is not to come beside it
            if onward is None:
                return
            cursor = {**_base(cursor), "locator": onward}

    def _begin(self) -> Cursor:
        body = {"operation": "queryAll", "query": self._soql, "contentType": "CSV", "lineEnding": "LF"}
        try:
            job, date = self._api.post("/jobs/query", body, lambda answer: (_job(answer), clock(answer)))
        except PermanentError as error:
            raise BulkRefusedError(error.message, hint=error.hint, request_id=error.request_id) from None
        return {"job": job.id, "date": date}

    def _wait(self, key: str) -> None:
        """Wait until a job is done: soon after it began, then less and less often."""
        timer = self._api.timer
        until, tries = timer.now() + _DEADLINE, 0
        while True:
            timer.wait(_WAITS[min(tries, len(_WAITS) - 1)])
            job = self._api.get(f"/jobs/query/{_checked(key)}", None, _job)
            if job.state == "JobComplete":
                return
            if job.state in {"Aborted", "Failed"}:
                raise BulkRefusedError(f"the bulk job ended as {job.state}", hint="It is read by pages instead.")
            tries += 1
            if timer.now() > until:
                raise RetryableError("a bulk job did not end within an hour", hint=_LATER)

    def _results(self, cursor: Cursor) -> Response:
        params: dict[str, str | int] = {"maxRecords": _ROWS}
        if "locator" in cursor:
            params["locator"] = cursor["locator"]
        try:
            return self._api.get_text(f"/jobs/query/{_checked(cursor['job'])}/results", params)
        except SchemaChanged:
            raise
        except PermanentError as error:
            # Aborted by somebody, or at a place that is none any more: refused again whenever it is asked for.
            raise MissingError(error.message, hint=error.hint, request_id=error.request_id) from None

    def _parts(self, answer: Response, cursor: Cursor, onward: str | None) -> Iterator[Chunk]:
        date, skip = cursor["date"], cursor.get("skip", 0)
        names, count = _counted(answer)
        done = skip
        for part in _cut(islice(_lines(answer.body), skip + 1, None), CHUNK):
            done += len(part)
            last = done >= count
            here = {**_base(cursor), **({"locator": cursor["locator"]} if "locator" in cursor else {}), "skip": done}
            following = here if not last else None if onward is None else {**_base(cursor), "locator": onward}
            yield Chunk(rows_as_json(self._described, names, part), following, date)
        if done == skip:
            yield Chunk(b'{"records":[]}', None if onward is None else {**_base(cursor), "locator": onward}, date)


def rows_as_json(described: Described, names: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Give rows of text as the body of a page: numbers, truth values and instants by the types of fields.

    An empty text is null, as it is in Salesforce. A number is written as it came, so it passes through no float.

    Args:
        described: The object.
        names: The fields, like `Id` or `Owner.Type`.
        rows: Their values.
    """
    readers = [_reader(described.kind(name)) for name in names]
    paths = [name.split(".") for name in names]
    flat = all(len(path) == 1 for path in paths)
    attributes = {"attributes": {"type": described.name}}
    found: list[dict[str, Any]] = []
    for row in rows:
        values = [None if text == "" else read(text) for read, text in zip(readers, row, strict=True)]
        if flat:
            found.append({**attributes, **dict(zip(names, values, strict=True))})
        else:
            found.append({**attributes, **_nested(paths, values)})
    return msgspec.json.encode({"records": found})


def _nested(paths: Sequence[Sequence[str]], values: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, value in zip(paths, values, strict=True):
        if len(path) == 1:
            found[path[0]] = value
            continue
        inner: Any = found.get(path[0])
        if value is None:
            found.setdefault(path[0], None)
            continue
        if not isinstance(inner, dict):
            inner = found[path[0]] = {}
        for step in path[1:-1]:
            inner = inner.setdefault(step, {})
        inner[path[-1]] = value
    return found


def _reader(kind: str) -> Any:
    if kind == "boolean":
        return lambda text: text == "true"
    if kind == "datetime":
        return _instant
    return _number if kind in _NUMBERS else str


def _instant(text: str) -> str:
    """Give an instant as pages write it, with +0000 where a job writes Z."""
    return f"{text[:-1]}+0000" if text.endswith("Z") else text


def _number(text: str) -> Any:
    try:
        msgspec.json.decode(text.encode(), type=int | float)
    except msgspec.DecodeError:
        return text
    return msgspec.Raw(text.encode())


def _counted(answer: Response) -> tuple[list[str], int]:
    """Give the names and the number of rows of a result, once it is certain to be whole.

    It is read through before any row is handed over, and then again: the rows of a large one are never held together.

    Raises:
        RetryableError: It is not whole.
    """
    try:
        lines = _lines(answer.body)
        names = next(lines, [])
        count = sum(len(row) == len(names) for row in lines)
    except (UnicodeDecodeError, csv.Error):
        raise RetryableError("a bulk result is no text, or was cut", hint=_CUT) from None
    told = answer.headers.get("sforce-numberofrecords", "")
    if not told.isdigit() or int(told) != count:
        raise RetryableError(f"a bulk result has {count} rows, and tells of {told[:12] or 'none'}", hint=_CUT)
    if names and not answer.body.endswith(b"\n"):
        # The last value may have lost its end, or all of it, and would look whole.
        raise RetryableError("a bulk result ends in the middle of a row", hint=_CUT)
    return names, count


def _lines(body: bytes) -> Iterator[list[str]]:
    return csv.reader(TextIOWrapper(BytesIO(body), encoding="utf-8", newline=""), strict=True)


def _cut(rows: Iterator[list[str]], size: int) -> Iterator[list[list[str]]]:
    while part := list(islice(rows, size)):
        yield part


def _base(cursor: Mapping[str, Any]) -> Cursor:
    return {name: cursor[name] for name in ("job", "date", "ready") if name in cursor}


def _job(answer: Response) -> _Job:
    return msgspec.json.decode(answer.body, type=_Job)


def _checked(key: str) -> str:
    if not key.isalnum() or not key.isascii() or len(key) > 18:
        raise SchemaChanged("Salesforce gave a job an id that none has", hint="Report it to Salesforce's support.")
    return key
