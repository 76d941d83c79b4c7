"""A small system to describe: a list of objects in memory, read over every kind of paging, and its description."""

import base64
from email.utils import formatdate

import httpx
import pytest

from tallystick.testing.timing import FakeTimer
from tallystick_rest import opened
from tallystick_rest.config import RestConfig
from tallystick_rest.connector import RestConnector

KEY = "key_VerySecret_0123456789"
T0 = 1_788_220_800  # 2026-09-01T00:00:00Z
SECOND = 1_000_000

TICKET = """
      - type: ticket
        id: id
        as_of: $read_at
        columns:
          created_at: {path: created, format: unix}
          updated_at: {path: updated, format: unix}
          status: {path: state, values: {open: open, done: solved}}
"""
CURSOR = "{field: updated, format: unix, order: oldest_first, overlap_seconds: 60}"


def _describe(*, page="{kind: none}", query="{since: '{start}'}", cursor=CURSOR, stream="", records=TICKET, more=""):
    """Give a description of the system with one stream, `tickets`."""
    lines = [
        "system: desk",
        "title: Desk",
        "api_version: v1",
        "" if "auth:" in more else "auth: {kind: bearer}",
        more,
        "limits: {requests_per_second: 1000}",
        "says: [message]",
        "streams:",
        "  tickets:",
        f"    call: {{path: /tickets, query: {query}}}",
        "    items: tickets",
        f"    page: {page}",
        f"    cursor: {cursor}" if cursor else "",
        *(f"    {line}" for line in stream.splitlines()),
        "    records:" + records,
    ]
    return "\n".join(line.strip("\n") for line in lines if line) + "\n"


def _ticket(number, at=None, **more):
    """Give an object of the system, changed `at` seconds after T0."""
    at = T0 + (number if at is None else at)
    return {"id": number, "created": at, "updated": at, "state": "open", **more}


class Desk:
    """The system; `now` is its clock, `asked` what it was asked, `before` is called before each answer."""

    TICKET = TICKET

    def __init__(self):
        self.rows = []
        self.size = 3
        self.now = T0 + 3_600
        self.asked = []
        self.before = lambda request: None
        self.routes = {"/tickets": self.list}

    def handle(self, request):
        """Answer a request."""
        self.asked.append(request)
        answer = self.before(request)
        if answer is None:
            route = self.routes.get(request.url.path)
            answer = httpx.Response(404, json={"message": "nothing there"}) if route is None else route(request)
        answer.headers.setdefault("date", formatdate(self.now, usegmt=True))
        return answer

    def list(self, request):
        """Answer with the objects changed since `since`, oldest first: all, or the page asked for."""
        query = dict(request.url.params)
        rows = [row for row in self.rows if row["updated"] >= int(query.get("since", 0))]
        rows = [row for row in rows if row["updated"] < int(query.get("until", 1 << 40))]
        rows.sort(key=lambda row: (row["updated"], row["id"]), reverse=query.get("order") == "desc")
        start = self._start(query)
        if start is None:
            return httpx.Response(200, json={"tickets": rows})
        shown, rest = rows[start : start + self.size], rows[start + self.size :]
        body, headers = {"tickets": shown, "more": bool(rest)}, {}
        if rest:
            token = base64.b64encode(str(start + self.size).encode()).decode()
            body |= {"token": token, "next": f"{request.url.copy_merge_params({'token': token})}"}
            headers["link"] = f'<{body["next"]}>; rel="next"'
        return httpx.Response(200, json=body, headers=headers)

    def _start(self, query):
        if "page" in query:
            return (int(query["page"]) - 1) * self.size
        if "offset" in query:
            return int(query["offset"])
        if "token" in query:
            return int(base64.b64decode(query["token"]))
        return 0 if "paged" in query else None

    describe = staticmethod(_describe)
    ticket = staticmethod(_ticket)

    @staticmethod
    def read(stream, until=None, watermark=None):
        """Give all pages of a stream, slice after slice."""
        until = (T0 + 3_600) * SECOND if until is None else until
        return [page for part in stream.plan(watermark, until) for page in stream.read(part)]

    @staticmethod
    def ids(pages):
        """Give the ids of the records of pages, in order."""
        return [record.id for page in pages for record in page.records]

    def paths(self):
        """Give the paths asked for."""
        return [request.url.path for request in self.asked]


@pytest.fixture
def desk(monkeypatch):
    """The system, with nothing in it; what a connector calls goes to it."""
    found = Desk()
    monkeypatch.setattr(opened, "pinned", lambda *_, **__: httpx.MockTransport(found.handle))
    return found


@pytest.fixture
def timer():
    """A timer that waits no real time."""
    return FakeTimer()


@pytest.fixture
def connect(tmp_path, monkeypatch, timer):
    """Make connectors from descriptions; all are closed afterwards."""
    made = []
    monkeypatch.setenv("TALLYSTICK_TEST_REST", KEY)

    def make(text=None, **settings):
        path = tmp_path / "desk.yaml"
        path.write_text(_describe() if text is None else text)
        config = {"description": str(path), "base_url": "https://api.desk.example", "start": "2026-09-01"}
        config |= {"key": "env:TALLYSTICK_TEST_REST", **settings}
        config = {name: value for name, value in config.items() if value != ""}
        made.append(RestConnector(RestConfig(**config), timer=timer))
        return made[-1]

    yield make
    for connector in made:
        connector.close()


@pytest.fixture
def stream(connect):
    """Give the stream of a description."""
    return lambda text=None, **settings: connect(text, **settings).streams()[0]
