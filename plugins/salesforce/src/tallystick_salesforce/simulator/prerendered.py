"""Ready-made pages of cases, as fast as a socket takes them: for benchmarks only.

Queries of `Case` and Bulk jobs over it are answered from templates: a row is rendered once for each list of fields, cut
at what differs between rows, and filled; pages are kept, so that a second read of one costs nothing. WHERE may compare
`SystemModstamp` and `Id`; other conditions hold for all rows. Everything else is answered by the real simulator, which
holds the people and the templates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

import msgspec

from tallystick.testing.instants import instant
from tallystick.testing.prerendered import Body, Prerendered
from tallystick_salesforce.simulator.access import Access
from tallystick_salesforce.simulator.api import JSON, Answer, Api, Paging, versions
from tallystick_salesforce.simulator.bulk import RESULT
from tallystick_salesforce.simulator.call import Call
from tallystick_salesforce.simulator.errors import TokenError, WireError
from tallystick_salesforce.simulator.ids import made
from tallystick_salesforce.simulator.plan import DAY, Plan
from tallystick_salesforce.simulator.queries import PAGE
from tallystick_salesforce.simulator.ranges import Range, span
from tallystick_salesforce.simulator.rendering import csv_head, csv_line, renderer
from tallystick_salesforce.simulator.soql import Bound
from tallystick_salesforce.simulator.soql_text import parse
from tallystick_salesforce.simulator.usage import DAILY, Usage
from tallystick_salesforce.simulator.values import rest_time
from tallystick_salesforce.simulator.world import World

__all__ = ["Pages"]

_FIRST = instant("2026-04-01T00:00:00Z")
_UNTIL = "2026-10-12T06:00:00Z"
_WITHHELD = 3_600
_MARK = 1_234_567_890
_MARK_TIME, _MARK_NUMBER = b"2009-02-13T23:31:30.000", b"77777777"
_VARIANTS = 20
_KEPT_BYTES = 300_000_000
_NUMBERS_FROM = 1_000_000


@dataclass(frozen=True, slots=True)
class _Templates:
    """The templates of one list of fields, as JSON and as CSV; `json` is empty for a count."""

    name: str
    head: bytes
    json: list[list[bytes]]
    csv: list[list[bytes]]


@dataclass(frozen=True, slots=True)
class _Selection:
    """A statement over cases: its rows, and its templates."""

    key: str
    rows: Range
    made: _Templates


class Pages(Prerendered):
    """The cases by number from 0 (oldest), and the pages made of them.

    Args:
        cases: How many cases there are.
        now: Virtual instant, ISO 8601, by default in October 2026. Stamps are spread evenly from April 2026 to an hour
            before it.

    Raises:
        ValueError: `now` is no instant, or there are more cases than seconds for them.
    """

    def __init__(self, cases: int, now: str | None = None) -> None:
        self.cases = cases
        self.now = instant(now or _UNTIL)
        self._span = self.now - _WITHHELD - _FIRST
        if cases > self._span:
            raise ValueError(f"{cases} cases do not fit into {self._span} seconds")
        self.world = World(_templates(), self.now)
        for row in self.world.org.rows["Case"].values():
            row["CaseNumber"] = _MARK_NUMBER.decode()
        self._access = Access(self.world, seed=1, expires_in=30 * DAY, public_key=None)
        self.usage = Usage(DAILY)
        self._api = Api(self.world, self.usage, Paging(polls=0))
        self._open: dict[str, _Selection] = {}
        self._templates: dict[str, _Templates] = {}
        self._kept: dict[tuple[str, str, int, int], bytes] = {}
        self._bytes = 0
        self._date = formatdate(self.now, usegmt=True)

    def reply(self, head: bytes, content: bytes, number: int) -> tuple[bytes, Body]:  # noqa: ARG002 - has no number
        """Answer a call."""
        try:
            body, answer = self.answer(_call(head.decode("latin-1"), content))
        except (WireError, TokenError) as error:
            body, answer = [error.content()], Answer(b"", JSON, status=error.status)
        lines = [f"HTTP/1.1 {answer.status} Answered", f"Content-Type: {answer.media}", f"Date: {self._date}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        lines += [f"Sforce-Limit-Info: {self.usage.header()}", ""]
        return "\r\n".join(lines).encode(), body

    def stamp(self, number: int) -> int:
        """Give the `SystemModstamp` of a case; no two share one."""
        return _FIRST + self._span * number // self.cases

    @staticmethod
    def record(number: int) -> str:
        """Give the id of a case."""
        return made("500", _NUMBERS_FROM + number)

    def answer(self, call: Call) -> tuple[Body, Answer]:
        """Answer a call: the parts of the body, and an answer that has everything but them.

        Raises:
            WireError: The call is refused.
            TokenError: The token endpoint refuses it.
        """
        if call.path == "/services/oauth2/token":
            return _whole(self._access.mint(call))
        if call.path == "/services/oauth2/userinfo":
            return _whole(self._access.info(call))
        if call.path.rstrip("/") == "/services/data":
            return _whole(versions())
        user = self._access.user(call)
        self.usage.count(self.now)
        kind, _, rest = call.rest.partition("/")
        if kind in {"query", "queryAll"}:
            found = self._further(call, rest) if rest else self._first(call)
            if found is not None:
                return found, Answer(b"")
        if call.rest.startswith("jobs/query"):
            return self._job(call, call.rest.split("/")[2:])
        answer = self._api.answer(call, user, "")
        return [answer.content], answer

    def _first(self, call: Call) -> Body | None:
        text = call.query.get("q", "")
        selection = self._select(call, text)
        if selection is None:
            return None
        if not selection.made.json:
            first, last = selection.rows
            return [msgspec.json.encode({"totalSize": max(last - first, 0), "done": True, "records": []})]
        return self._page(call, selection, selection.rows[0])

    def _further(self, call: Call, text: str) -> Body:
        locator, _, place = text.partition("-")
        if locator not in self._open or not place.isdigit():
            raise WireError.bad("INVALID_QUERY_LOCATOR", "invalid query locator")
        selection = self._open[locator]
        return self._page(call, selection, selection.rows[0] + int(place))

    def _page(self, call: Call, selection: _Selection, first: int) -> Body:
        begin, end = selection.rows
        last = min(first + PAGE, end)
        head = f'{{"totalSize":{max(end - begin, 0)},"done":{"true" if last >= end else "false"},'
        if last < end:
            head += f'"nextRecordsUrl":"{call.base}/query/{selection.key}-{last - begin}",'
        return [f'{head}"records":['.encode(), self._filled(selection, "json", first, last), b"]}"]

    def _select(self, call: Call, text: str) -> _Selection | None:
        """Give a statement over cases; None for one over other objects."""
        statement = parse(text)
        if statement.source.lower() != "case":
            return None
        bound = Bound(statement, self.world.org, self._api.schema, call.version)
        first, last = span(statement.where, self.cases, self.stamp, self.record)
        if statement.limit is not None:
            last = min(last, first + statement.limit)
        selection = _Selection(made("0r8", len(self._open) + 1), (first, last), self._cut(call, bound))
        self._open[selection.key] = selection
        return selection

    def _cut(self, call: Call, bound: Bound) -> _Templates:
        """Give the templates of a statement; those of one list of fields are made once."""
        head = csv_head(bound.columns, ",", "\n")
        name = f"{call.base} {head.decode()}"
        if name not in self._templates:
            rows = sorted(self.world.org.rows["Case"].values(), key=lambda row: str(row["Id"]))
            render = renderer(bound, call.base)
            whole = [] if bound.counting else [_cut(msgspec.json.encode(render(row)), row["Id"]) for row in rows]
            lines = [_cut(csv_line(bound, row, ",", "\n"), row["Id"]) for row in rows]
            self._templates[name] = _Templates(name, head, whole, lines)
        return self._templates[name]

    def _filled(self, selection: _Selection, form: str, first: int, last: int) -> bytes:
        key = (selection.made.name, form, first, last)
        if key not in self._kept:
            templates = selection.made.json if form == "json" else selection.made.csv
            glue = b"," if form == "json" else b""
            rows = (self._fill(templates[number % _VARIANTS], number) for number in range(first, last))
            content = glue.join(rows)
            if self._bytes + len(content) > _KEPT_BYTES:
                return content
            self._bytes += len(content)
            self._kept[key] = content
        return self._kept[key]

    def _fill(self, pieces: list[bytes], number: int) -> bytes:
        time = rest_time(self.stamp(number)).removesuffix("+0000").encode()
        marks = {b"<id>": self.record(number).encode(), b"<time>": time, b"<number>": b"%08d" % number}
        return b"".join([marks.get(piece, piece) for piece in pieces])

    def _job(self, call: Call, parts: list[str]) -> tuple[Body, Answer]:
        if not parts:
            asked = call.json()
            selection = self._select(call, str(asked.get("query")))
            if selection is None or not selection.made.json:
                raise WireError.bad("FEATURENOTENABLED", "only cases are ready-made")
            return _whole(_job_row(call, selection, str(asked.get("operation")), "UploadComplete"))
        locator = parts[0].replace("750", "0r8", 1)
        selection = next((one for key, one in self._open.items() if key[:15] == locator[:15]), None)
        if selection is None:
            raise WireError.missing()
        begin, end = selection.rows
        if parts[1:] == ["results"]:
            size, locator = call.query.get("maxRecords", str(RESULT)), call.query.get("locator") or "0"
            if not size.isdigit() or not locator.isdigit():
                raise WireError.bad("INVALID_QUERY_LOCATOR", "invalid query locator")
            most, first = min(int(size), RESULT), begin + int(locator)
            last = min(first + most, end)
            headers = {"Sforce-NumberOfRecords": str(last - first)}
            headers["Sforce-Locator"] = str(last - begin) if last < end else "null"
            return [selection.made.head, self._filled(selection, "csv", first, last)], Answer(b"", "text/csv", headers)
        if parts[1:] == ["resultPages"]:
            places = range(0, max(end - begin, 1), RESULT)
            links = [{"resultLink": f"{call.path.removesuffix('Pages')}s?locator={place}"} for place in places]
            return _whole({"done": True, "nextRecordsUrl": None, "resultPages": links})
        row = _job_row(call, selection, "query", "JobComplete")
        return _whole({**row, "numberRecordsProcessed": end - begin, "retries": 0, "totalProcessingTime": 1})


def _call(head: str, body: bytes) -> Call:
    first, _, rest = head.partition("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in rest.split("\r\n"))
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    path, _, query = target.partition("?")
    origin = f"http://{headers.get('host', '127.0.0.1')}"
    return Call.read(method, path, query, headers, body=body, origin=origin)


def _whole(content: Any) -> tuple[Body, Answer]:
    return [msgspec.json.encode(content)], Answer(b"")


def _job_row(call: Call, selection: _Selection, operation: str, state: str) -> dict[str, Any]:
    row: dict[str, Any] = {"id": selection.key.replace("0r8", "750", 1), "operation": operation, "object": "Case"}
    row |= {"state": state, "contentType": "CSV", "apiVersion": float(call.version), "lineEnding": "LF"}
    return row | {"columnDelimiter": "COMMA", "concurrencyMode": "Parallel"}


def _cut(row: bytes, record: str) -> list[bytes]:
    """Cut a rendered row at its id, its instants and its number, and put names of marks there."""
    names = {record.encode(): b"<id>", _MARK_TIME: b"<time>", _MARK_NUMBER: b"<number>"}
    pieces = re.split(b"(" + b"|".join(map(re.escape, names)) + b")", row)
    return [names.get(piece, piece) for piece in pieces]


def _templates() -> Plan:
    """Give an org with one case for each template, made at the instant of the mark."""
    plan = Plan()
    for place, name in enumerate(("Ada", "Ben", "Fay")):
        plan.user(f"user{place}", _MARK - DAY, name, "Grau", role="Support Agent")
    plan.create(_MARK - DAY, "Account", "account", by="user0", Name="Acme")
    plan.create(_MARK - DAY, "Contact", "contact", by="user0", LastName="Kunde", AccountId="account",
                Email="kunde@acme.example")  # fmt: skip
    for place in range(_VARIANTS):
        subject = f"The printer in room {place} blinks and prints no more"
        plan.create(_MARK, "Case", f"case{place}", by=f"user{place % 3}", ContactId="contact", Subject=subject,
                    Status="Closed", Origin="Chat", Priority="Medium", Reason="Defect", Type="Problem")  # fmt: skip
    return plan
