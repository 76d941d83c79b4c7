"""A Salesforce without Salesforce: configurations, a timer of its own, and an org that answers over httpx and requests.

The org understands the few forms of queries that the connector writes, and no others: what it does not understand it
refuses, as Salesforce does.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest
import requests
import respx

from tallystick.database.engine import open_database
from tallystick.records.catalog import RecordStore
from tallystick.testing.instants import iso
from tallystick.testing.serving import running
from tallystick.testing.timing import FakeTimer
from tallystick_salesforce.catalog import ENTITIES, SNAPSHOTS
from tallystick_salesforce.connector import SalesforceConfig, SalesforceConnector
from tallystick_salesforce.objects import InviteRow, OrganizationRow, StatusRow, field_names
from tallystick_salesforce.simulator import create_app, sample_plan
from tallystick_salesforce.simulator.sample import END

ORIGIN = "https://acme.my.salesforce.test"
SECRET = "VerySecretOfTheApp"
TOKEN = "00DVerySecret!Token"
NOW = datetime(2026, 9, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ROOT = "/services/data/v68.0"
_QUERY = re.compile(
    r"SELECT (?P<fields>.+?) FROM (?P<entity>\w+)(?: WHERE (?P<where>.+?))?"
    r"(?: ORDER BY (?P<order>[\w., ]+?))?(?: LIMIT (?P<limit>\d+))?$"
)
_CONDITION = re.compile(r"^(?P<field>[\w.]+) (?P<op>>=|<=|!=|=|>|<|IN) (?P<value>.+)$")


def micros(moment):
    """Give an instant in microseconds UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def stamp(moment):
    """Give an instant as the API writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


@pytest.fixture
def timer():
    """A timer that waits no real time."""
    return FakeTimer()


@pytest.fixture
def configure(monkeypatch):
    """Make configurations that sign in by client credentials."""

    def make(**settings):
        monkeypatch.setenv("TALLYSTICK_TEST_SALESFORCE", SECRET)
        fixed = {
            "base_url": ORIGIN,
            "client_id": "us",
            "client_secret": "env:TALLYSTICK_TEST_SALESFORCE",
            "start": "2026-04-01",
            "requests_per_minute": 600_000,
        }
        return SalesforceConfig(**{**fixed, **settings})

    return make


@pytest.fixture
def connect(configure, timer):
    """Make connectors, closed in the end."""
    opened = []

    def make(**settings):
        connector = SalesforceConnector(configure(**settings), timer=timer)
        opened.append(connector)
        return connector

    yield make
    for connector in opened:
        connector.close()


class FakeOrg:
    """Objects with rows, a clock, and what was asked; `refuse` is called before each answer and may give another."""

    def __init__(self):
        self.now = NOW
        self.rows = {}
        self.hidden = set()
        self.calls = []
        self.tokens = 0
        self.valid = None
        self.used = 10
        self.allowed = 100_000
        self.page = 2_000
        self.refuse = None
        self.jobs = {}
        self.polls = 1
        self.pages = {}
        self.writable = False
        self.types = {}
        shapes = {entity.name: entity.row for entity in (*ENTITIES, *SNAPSHOTS)}
        shapes |= {"CaseStatus": StatusRow, "Organization": OrganizationRow}
        self.fields = {name: [path for path, _ in field_names(row)] for name, row in shapes.items()}
        self.fields["EventRelation"] += [path for path, _ in field_names(InviteRow) if path.startswith("Event.")]
        self.fields["CaseStatus"] = ["Id", "ApiName", "MasterLabel", "IsClosed"]
        self.rows["CaseStatus"] = [
            {"Id": "01J1", "ApiName": "Closed", "MasterLabel": "Closed", "IsClosed": True},
            {"Id": "01J2", "ApiName": "New", "MasterLabel": "New", "IsClosed": False},
        ]

    def names(self):
        """Give what was asked, in short: the resource, or the object of a query."""
        return [call[0] for call in self.calls]

    def answer(self, method, url, headers, body):
        """Give status, headers and body."""
        parts = urlsplit(url)
        path, params = parts.path, {name: found[0] for name, found in parse_qs(parts.query).items()}
        text = body.decode() if isinstance(body, bytes) else body or ""
        other = self.refuse(method, path, params, text) if self.refuse else None
        if other is None:
            other = self._answer(method, path, params, text, headers)
        status, given = other[0], other[1]
        content = given if isinstance(given, bytes) else json.dumps(given).encode()
        told = {
            "date": format_datetime(self.now, usegmt=True),
            "content-type": "application/json;charset=UTF-8",
            "sforce-limit-info": f"api-usage={self.used}/{self.allowed}",
            **(other[2] if len(other) > 2 else {}),
        }
        return status, {name: value for name, value in told.items() if value is not None}, content

    def _answer(self, method, path, params, body, headers):  # noqa: PLR0911 - one per resource
        if path == "/services/oauth2/token":
            return self._token(body, headers)
        if headers.get("authorization") != f"Bearer {self.valid}":
            return 401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]
        if path == "/services/oauth2/userinfo":
            self.calls.append(("userinfo", ""))
            return 200, {"user_id": "005000000000001AAA", "organization_id": "00D000000000001AAA"}
        if path == "/services/data/":
            return 200, [{"version": "67.0"}, {"version": "68.0"}]
        name = path.removeprefix(_ROOT).rstrip("/")
        if name == "/limits":
            used = {"Max": self.allowed, "Remaining": self.allowed - self.used}
            return 200, {"DailyApiRequests": used, "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 9_000}}
        if name.endswith("/describe"):
            return self._describe(name.split("/")[2])
        if name == "/composite":
            part = json.loads(body)["compositeRequest"][0]
            soql = unquote(urlsplit(part["url"]).query.removeprefix("q="))
            self.calls.append(("composite", soql))
            status, found = self._query(soql, deleted="queryAll" in part["url"], told=False)
            return 200, {"compositeResponse": [{"body": found, "httpStatusCode": status, "referenceId": "rows"}]}
        if name.startswith("/jobs/query"):
            return self._job(method, name, params, body)
        if name.startswith("/query/"):
            return self._more(name.rpartition("/")[2])
        if name in {"/query", "/queryAll"}:
            return self._query(params["q"], deleted=name == "/queryAll")
        if name.startswith("/sobjects/"):
            return self._get(*name.split("/")[2:4])
        return 404, [{"errorCode": "NOT_FOUND", "message": "no such resource"}]

    def _token(self, body, headers):
        self.tokens += 1
        self.valid = f"{TOKEN}{self.tokens}"
        self.calls.append(("token", (body, dict(headers))))
        return 200, {"access_token": self.valid, "instance_url": ORIGIN, "token_type": "Bearer"}

    def _describe(self, entity):
        self.calls.append(("describe", entity))
        if entity not in self.fields or entity in self.hidden:
            return 404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
        fields = [path for path in self.fields[entity] if f"{entity}.{path}" not in self.hidden]
        plain = [{"name": path, "type": self._type(path), "scale": 2} for path in fields if "." not in path]
        roots = sorted({path.split(".")[0] for path in fields if "." in path})
        plain += [{"name": f"{root}Id", "type": "reference", "relationshipName": root} for root in roots]
        rights = {"createable": self.writable, "updateable": False, "deletable": False}
        return 200, {"name": entity, "fields": plain, "queryable": True, **rights}

    def _type(self, path):
        if path in self.types:
            return self.types[path]
        if path.startswith("Is") or path == "Incoming":
            return "boolean"
        return "int" if "Duration" in path else "currency" if path == "Amount" else "string"

    def _get(self, entity, key):
        self.calls.append(("get", entity))
        for row in self.rows.get(entity, []):
            if row["Id"] == key and not row.get("IsDeleted"):
                return 200, {"attributes": {"type": entity}, **row}
        return 404, [{"errorCode": "NOT_FOUND", "message": "Provided external ID field does not exist"}]

    def _query(self, soql, *, deleted, told=True):
        match = _QUERY.match(soql)
        if match is None:
            return 400, [{"errorCode": "MALFORMED_QUERY", "message": soql}]
        entity = match["entity"]
        if told:
            self.calls.append((f"query {entity}", soql))
        count = match["fields"] == "COUNT()"
        fields = [] if count else match["fields"].split(",")
        seen = self.fields.get(entity)
        if seen is None or entity in self.hidden or any(f"{entity}.{path}" in self.hidden for path in fields):
            return 400, [{"errorCode": "INVALID_FIELD", "message": "No such column on entity"}]
        rows = [row for row in self.rows.get(entity, []) if (deleted or not row.get("IsDeleted"))]
        rows = [row for row in rows if _holds(row, match["where"])]
        order = [word.split()[0] for word in (match["order"] or "Id").split(",")]
        rows.sort(key=lambda row: [str(row.get(name)) for name in order])
        rows = rows[: int(match["limit"])] if match["limit"] else rows
        if count:
            return 200, {"totalSize": len(rows), "done": True, "records": []}
        shown = [{"attributes": {"type": entity}, **{path: _at(row, path) for path in fields}} for row in rows]
        return self._page([_nested(row) for row in shown])

    def _page(self, rows):
        head, rest = rows[: self.page], rows[self.page :]
        found = {"totalSize": len(rows), "done": not rest, "records": head}
        if rest:
            key = f"0r8xx{len(self.pages):010d}-{self.page}"
            self.pages[key] = rest
            found["nextRecordsUrl"] = f"{_ROOT}/query/{key}"
        return 200, found

    def _more(self, key):
        self.calls.append(("more", key))
        if key not in self.pages:
            return 400, [{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}]
        return self._page(self.pages[key])

    def _job(self, method, name, params, body):
        if method == "POST":
            asked = json.loads(body)
            key = f"750xx{len(self.jobs):010d}"
            self.calls.append(("job", asked["query"]))
            status, found = self._query_all(asked["query"])
            if status != 200:
                return status, found
            self.jobs[key] = {"rows": found, "polls": 0, "fields": _QUERY.match(asked["query"])["fields"].split(",")}
            return 200, {"id": key, "state": "UploadComplete", "operation": asked["operation"]}
        key = name.split("/")[3]
        if key not in self.jobs:
            return 404, [{"errorCode": "NOT_FOUND", "message": "no such job"}]
        job = self.jobs[key]
        if name.endswith("/results"):
            return self._results(job, params)
        self.calls.append(("poll", key))
        job["polls"] += 1
        return 200, {"id": key, "state": "JobComplete" if job["polls"] >= self.polls else "InProgress"}

    def _query_all(self, soql):
        page, self.page = self.page, 10**9
        try:
            status, found = self._query(soql, deleted=True, told=False)
        finally:
            self.page = page
        return status, found["records"] if status == 200 else found

    def _results(self, job, params):
        self.calls.append(("results", params.get("locator", "")))
        first, most = int(params.get("locator", 0)), int(params["maxRecords"])
        rows = job["rows"][first : first + most]
        lines = [",".join(f'"{path}"' for path in job["fields"])]
        lines += [",".join(_csv(_at(row, path)) for path in job["fields"]) for row in rows]
        more = first + most < len(job["rows"])
        told = {
            "content-type": "text/csv",
            "sforce-numberofrecords": str(len(rows)),
            "sforce-locator": str(first + most) if more else "null",
        }
        return 200, "\n".join([*lines, ""]).encode(), told


def _at(row, path):
    for step in path.split("."):
        row = row.get(step) if isinstance(row, dict) else None
    return row


def _nested(row):
    found = {}
    for path, value in row.items():
        root, _, rest = path.partition(".")
        if rest:
            found[root] = {**(found.get(root) or {}), rest: value}
        else:
            found[path] = value
    return {
        name: None if isinstance(value, dict) and name != "attributes" and not any(value.values()) else value
        for name, value in found.items()
    }


def _csv(value):
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return '"' + text.replace('"', '""') + '"'


def _holds(row, where):
    return where is None or all(_holds_one(row, part) for part in _split(where, " AND "))


def _holds_one(row, text):
    if text.startswith("(") and text.endswith(")"):
        return any(_holds(row, part) for part in _split(text[1:-1], " OR "))
    match = _CONDITION.match(text)
    found, op, value = _at(row, match["field"]), match["op"], match["value"]
    if op == "IN":
        words = value.strip("()").split(",")
        return found in [word.strip("'") if word.startswith("'") else word.replace("Z", "+0000") for word in words]
    if value == "null":
        return (found is not None) == (op == "!=")
    if value in {"true", "false"}:
        return found == (value == "true")
    value = value.strip("'") if value.startswith("'") else value.replace("Z", "+0000")
    found = str(found)
    return {">=": found >= value, "<=": found <= value, ">": found > value, "<": found < value, "=": found == value}[op]


def _split(text, word):
    parts, depth, last = [], 0, 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and text.startswith(word, place):
            parts.append(text[last:place])
            last = place + len(word)
    return [*parts, text[last:]]


class _Adapter(requests.adapters.BaseAdapter):
    """Leads requests to the org instead of a network."""

    def __init__(self, org):
        super().__init__()
        self._org = org

    def send(self, request, **kwargs):
        assert kwargs["timeout"]
        assert request.url.startswith(ORIGIN)
        headers = {name.lower(): value for name, value in request.headers.items()}
        status, told, body = self._org.answer(request.method, request.url, headers, request.body)
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = status, request.url, request
        answer.headers.update(told)
        answer._content = body
        return answer

    def close(self):
        pass


@pytest.fixture
def org(monkeypatch):
    """An empty org that answers the connector over httpx, and simple-salesforce over requests."""
    found = FakeOrg()

    def serve(request):
        headers = {name.lower(): value for name, value in request.headers.items()}
        status, told, body = found.answer(request.method, str(request.url), headers, request.content)
        return httpx.Response(status, headers=told, content=body)

    monkeypatch.setattr(requests.Session, "get_adapter", lambda session, url: _Adapter(found))
    with respx.mock(assert_all_called=False) as router:
        router.route(url__startswith=ORIGIN).mock(side_effect=serve)
        yield found


@pytest.fixture(name="stamp")
def _stamp():
    """Writes instants as the API does."""
    return stamp


@pytest.fixture
def read():
    """Reads a stream from a watermark on; gives the pages and all their records."""

    def make(stream, watermark=None, until=None):
        until = micros(NOW) if until is None else until
        pages = [page for part in stream.plan(watermark, until) for page in stream.read(part)]
        return pages, [record for page in pages for record in page.records]

    return make


@pytest.fixture
def row(stamp):
    """Makes rows of an object, `number` seconds after the first of August 2026."""

    def make(prefix, number, **fields):
        moment = datetime(2026, 8, 1, tzinfo=UTC) + timedelta(seconds=number)
        times = ("SystemModstamp", "CreatedDate", "LastModifiedDate", "ChangedDate")
        told = dict.fromkeys(times, stamp(moment))
        return {"Id": f"{prefix}{number:012d}AAA", "IsDeleted": False, **told, **fields}

    return make


class Company:
    """A simulated company that is being served, and how to steer it."""

    def __init__(self, app, origin):
        self.app = app
        self.origin = origin

    def id(self, key):
        """Give the id of what the plan calls by a key."""
        return self.app.world.id(key)

    def steer(self, what, asked):
        """Steer the simulator."""
        return httpx.post(f"{self.origin}/_simulator/{what}", json=asked, trust_env=False).raise_for_status()

    def fault(self, **fault):
        """Set one fault."""
        self.steer("faults", [fault])


@pytest.fixture
def company():
    """Serve companies; all end with the test."""
    serving = []

    def make(plan=None, **options):
        app = create_app(plan=plan or sample_plan(), **{"now": iso(END), **options})
        context = running(app)
        serving.append(context)
        return Company(app, context.__enter__())

    yield make
    for context in serving:
        context.__exit__(None, None, None)


@pytest.fixture
def open_(monkeypatch, timer):
    """Make connectors for a company; all are closed afterwards."""
    opened = []

    def make(company, **settings):
        monkeypatch.setenv("TALLYSTICK_TEST_SALESFORCE", SECRET)
        given = {
            "client_id": "reader",
            "client_secret": "env:TALLYSTICK_TEST_SALESFORCE",
            "start": "2024-01-01",
            "requests_per_minute": 600_000,
            **settings,
        }
        origin = getattr(company, "origin", company)
        opened.append(SalesforceConnector(SalesforceConfig(base_url=origin, **given), timer=timer))
        return opened[-1]

    yield make
    for connector in opened:
        connector.close()


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    engine = open_database(tmp_path / "tallystick.db", create=True)
    yield RecordStore(engine, tmp_path / "evidence")
    engine.dispose()
