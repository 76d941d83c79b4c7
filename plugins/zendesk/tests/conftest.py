"""A Zendesk without Zendesk: configurations, a timer of its own, and answers to calls."""

import base64
import json
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import pytest
import respx

from tallystick.records.types import RECORD_TYPES
from tallystick.testing.timing import FakeTimer
from tallystick_zendesk.acts import ActReader
from tallystick_zendesk.connector import ZendeskConfig, ZendeskConnector

ORIGIN = "https://acme.zendesk.test"
SECRET = "VerySecretOfTheClient"
TOKEN = "VerySecretBearer"
AT = 1_788_220_800
EVIL = "https://evil.test/api/v2/next"
DATE = "Tue, 01 Sep 2026 00:00:00 GMT"


@pytest.fixture
def timer():
    """A timer that waits no real time."""
    return FakeTimer()


@pytest.fixture
def configure(monkeypatch):
    """Make configurations with an OAuth client; `legacy` has an API token instead."""

    def make(*, legacy=False, **settings):
        monkeypatch.setenv("TALLYSTICK_TEST_ZENDESK", SECRET)
        ref = "env:TALLYSTICK_TEST_ZENDESK"
        sign_in = {"email": "ada@acme.test", "api_token": ref} if legacy else {"client_id": "us", "client_secret": ref}
        fast = {
            "requests_per_minute": 60_000,
            "export_requests_per_minute": 60_000,
            "user_export_requests_per_minute": 60_000,
        }
        return ZendeskConfig(**{"base_url": ORIGIN, "start": "2026-04-01", **sign_in, **fast, **settings})

    return make


@pytest.fixture
def connect(configure, timer):
    """Make connectors; all are closed afterwards."""
    opened = []

    def make(**settings):
        opened.append(ZendeskConnector(configure(**settings), timer=timer))
        return opened[-1]

    yield make
    for connector in opened:
        connector.close()


def answer(body=None, status=200, date=DATE, **headers):
    """Give an answer as Zendesk writes it."""
    content = body if isinstance(body, bytes) else json.dumps(body, indent=1).encode()
    found = {"content-type": "application/json; charset=utf-8", "x-request-id": "req_test", **headers}
    return httpx.Response(status, content=content, headers={**found, "date": date} if date else found)


@pytest.fixture(name="answer")
def _answer():
    """Makes answers."""
    return answer


@pytest.fixture
def web():
    """What acme.zendesk.test answers over httpx; a bearer is minted on demand."""
    with respx.mock(assert_all_called=False) as router:
        minted = []

        def mint(request):
            minted.append(json.loads(request.content))
            return answer({"access_token": f"{TOKEN}{len(minted)}", "token_type": "bearer", "expires_in": 7200})

        router.post(f"{ORIGIN}/oauth/tokens", name="mint").mock(side_effect=mint)
        router.minted = minted
        yield router


class Account:
    """Exports as Zendesk serves them: oldest first, the newest minute withheld, links to a foreign host."""

    def __init__(self, web, answer):
        self.now = AT
        self.rows = {"users": [], "tickets": [], "ticket_events": [], "satisfaction_ratings": []}
        self.calls = []
        self.short = False
        self._answer = answer
        self.evil = web.get(url__startswith=EVIL)
        web.get(url__startswith=f"{ORIGIN}/api/v2/").mock(side_effect=self._serve)

    def _serve(self, request):
        path, params = request.url.path.removeprefix("/api/v2/"), dict(request.url.params)
        self.calls.append((path, params))
        body, status = self._body(path, params)
        return self._answer(body, status, date=format_datetime(datetime.fromtimestamp(self.now, UTC), usegmt=True))

    def _body(self, path, params):
        start = int(params.get("start_time", 0))
        if "cursor" not in params and "page[size]" not in params and start > self.now - 60:
            return {"error": "StartTimeTooRecent", "description": "Too recent start_time"}, 400
        if path == "incremental/ticket_events.json":
            return self._by_time(start, int(params["per_page"])), 200
        if path == "satisfaction_ratings.json":
            return self._list(params), 200
        name = path.split("/")[1]
        rows = [(self._clock(name, row), row["id"], row) for row in self.rows[name]]
        if name == "tickets":
            rows = [row for row in rows if row[0] <= self.now - 60 and self._inside(params, row[2])]
        rows.sort(key=lambda row: row[:2])
        after = (start, 0)
        if "cursor" in params:
            seconds, _, key = base64.b64decode(params["cursor"]).decode().partition("||")
            after = (int(float(seconds)), int(key.rstrip("|")) + 1)
        rows = [row for row in rows if row[:2] >= after]
        size = int(params["per_page"])
        page = rows[: max(size // 2, 1) if self.short else size]
        last = page[-1][:2] if page else (after[0], after[1] - 1)
        return {
            name: [row for _, _, row in page],
            **(
                {"metric_sets": [{"ticket_id": key, "reopens": 1} for _, key, _ in page]} if "include" in params else {}
            ),
            "after_cursor": base64.b64encode(f"{last[0]}.0||{last[1]}|".encode()).decode(),
            "after_url": EVIL,
            "end_of_stream": len(page) == len(rows),
        }, 200

    @staticmethod
    def _inside(params, row):
        scope = params.get("support_type_scope", "agent")
        return scope == "all" or (scope == "ai_agent") == row.get("ai", False)

    @staticmethod
    def _clock(name, row):
        return row["generated_timestamp"] if name == "tickets" else row["second"]

    def _by_time(self, start, size):
        rows = sorted(self.rows["ticket_events"], key=lambda row: (row["timestamp"], row["id"]))
        rows = [row for row in rows if start <= row["timestamp"] <= self.now - 60]
        page = rows[:size]
        page += [row for row in rows[size:] if page and row["timestamp"] == page[-1]["timestamp"]]
        return {
            "ticket_events": page,
            "count": len(page),
            "end_time": page[-1]["timestamp"] if page else None,
            "end_of_stream": len(page) == len(rows),
            "next_page": EVIL,
        }

    def _list(self, params):
        first, last = int(params["start_time"]), int(params["end_time"])
        rows = [row for row in self.rows["satisfaction_ratings"] if first <= row["second"] < last]
        done = int(params.get("page[after]", 0))
        page = rows[done : done + 2]
        more = done + 2 < len(rows)
        return {
            "satisfaction_ratings": page,
            "meta": {"has_more": more, "after_cursor": str(done + 2) if more else None},
            "links": {"next": EVIL},
        }


@pytest.fixture
def account(web, answer):
    """An empty account."""
    return Account(web, answer)


@pytest.fixture(scope="session")
def signed_in():
    """Opens clients that are signed in to a simulator, to be used in a `with`."""
    grant = {"grant_type": "client_credentials", "client_id": "reader", "client_secret": "s", "scope": "read"}

    @contextmanager
    def signed_in(origin):
        with httpx.Client(base_url=origin, trust_env=False) as client:
            token = client.post("/oauth/tokens", json=grant).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield client

    return signed_in


@pytest.fixture(scope="session")
def walk_events():
    """Follows `end_time` to the end and gives the pages; a second that fills a page is stepped over."""
    path = "/api/v2/incremental/ticket_events.json"

    def walk(client, start, **query):
        pages = []
        while True:
            page = client.get(path, params={"start_time": start, "support_type_scope": "all", **query}).json()
            pages.append(page)
            if page["end_of_stream"]:
                return pages
            start = page["end_time"] + (page["end_time"] == start)

    return walk


@pytest.fixture(scope="session")
def walk_cursor():
    """Follows the links of a cursor export to the end and gives its rows and its pages."""

    def walk(client, path="/api/v2/incremental/tickets/cursor.json", **query):
        found, pages = [], []
        url, params = path, {"start_time": 1, **query}
        while True:
            page = client.get(url, params=params).raise_for_status().json()
            pages.append(page)
            found += page["tickets" if "tickets" in page else "users"]
            if page["end_of_stream"]:
                return found, pages
            url, params = page["after_url"], None

    return walk


@pytest.fixture(scope="session")
def columns_of():
    """Gives the values of a record by the names of its columns."""

    def columns(record):
        names = [column.name for column in RECORD_TYPES[record.type].columns]
        return dict(zip(names, record.values, strict=True))

    return columns


@pytest.fixture(scope="session")
def read_records():
    """Reads an event of these children into records, each of which keeps the event's bytes and has an id of its own."""

    def read(*children, merge_tags=("closed_by_merge",), **fields):
        event = {
            "id": 700,
            "ticket_id": 35436,
            "timestamp": AT,
            "created_at": "2026-09-01T00:00:00Z",
            "updater_id": 5,
            "via": "Web form",
            "event_type": "Audit",
            "child_events": list(children),
            **fields,
        }
        raw = json.dumps(event, indent=1).encode()
        records = ActReader(merge_tags).records(raw)
        assert {record.raw for record in records} <= {raw}
        assert {record.as_of for record in records} <= {AT * 1_000_000}
        assert len({(record.type, record.id) for record in records}) == len(records)
        return records

    return read


@pytest.fixture(scope="session")
def read_acts(read_records, columns_of):
    """Reads an event of these children into its acts."""

    def read(*children, **fields):
        return [columns_of(record) for record in read_records(*children, **fields) if record.type == "ticket_event"]

    return read


@pytest.fixture(scope="session")
def read_act(read_acts):
    """Reads an event of these children into its only act."""

    def read(*children, **fields):
        [act] = read_acts(*children, **fields)
        return act

    return read
