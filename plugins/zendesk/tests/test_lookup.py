"""One ticket, live, through zenpy: guarded, mapped like the streams, with nothing of zenpy left over."""

import gc
import json
import logging
import os
import time
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter

from tallystick.connectors import SecretRef, TokenBucket
from tallystick.errors import (
    AuthorizationError,
    ConfigurationError,
    ConnectorError,
    Error,
    PermanentError,
    RateLimited,
    RetryableError,
    SchemaChanged,
)
from tallystick_zendesk.acts import ActReader
from tallystick_zendesk.audits import Comments, audit_records
from tallystick_zendesk.faults import MissingError
from tallystick_zendesk.session import GuardedSession, zenpy_host
from tallystick_zendesk.tokens import ApiToken

ORIGIN = "https://acme.zendesk.test"
DATE = "Tue, 01 Sep 2026 00:00:00 GMT"
AT = 1_788_220_800
TICKET = {
    "id": 35436,
    "generated_timestamp": AT,
    "updated_at": "2026-09-01T00:00:00Z",
    "status": "solved",
    "assignee_id": 8,
    "requester_id": 5,
    "organization_id": 3,
}
VIA = {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}}
RULE = {"channel": "rule", "source": {"from": {"id": 77, "title": "t"}, "to": {}, "rel": "trigger"}}
CALLS = ["tickets/35436.json", "tickets/35436/metrics.json", "tickets/35436/comments.json", "tickets/35436/audits.json"]


def _audit(number, *events):
    return {
        "id": number,
        "ticket_id": 35436,
        "created_at": "2026-09-01T00:00:00Z",
        "author_id": 5,
        "via": VIA,
        "metadata": {"system": {}, "custom": {}},
        "events": list(events),
    }


def _shared(number):
    return {"id": number, "ticket_id": 35436, "timestamp": AT, "updater_id": 5, "via": "Web form"}


AUDITS = [
    _audit(
        100,
        {"id": 101, "type": "Comment", "author_id": 5, "body": "Hi", "public": True},
        {"id": 102, "type": "Create", "field_name": "status", "value": "new"},
        {"id": 103, "type": "Create", "field_name": "group_id", "value": "9"},
    ),
    _audit(
        200,
        {"id": 201, "type": "Change", "field_name": "status", "value": "solved", "previous_value": "new"},
        {"id": 202, "type": "Change", "field_name": "assignee_id", "value": "8", "previous_value": None, "via": RULE},
        {"id": 203, "type": "Change", "field_name": "360001", "value": "b", "previous_value": "a"},
        {"id": 204, "type": "Change", "field_name": "tags", "value": ["a", "b"], "previous_value": ["a"]},
        {"id": 205, "type": "Change", "field_name": "requester_id", "value": "6", "previous_value": "5"},
        {"id": 206, "type": "Notification", "body": "x"},
    ),
]
COMMENT = {"id": 101, "type": "Comment", "author_id": 5, "body": "Hi", "public": True, "audit_id": 100}


def _pages(name, rows, query, size):
    first = int(query.get("page[after]", 0))
    more = first + size < len(rows)
    after = str(first + size)
    path = f"{ORIGIN}/api/v2/tickets/35436/{name}.json?page%5Bsize%5D=100&page%5Bafter%5D={after}"
    return {
        name: rows[first : first + size],
        "meta": {"has_more": more, "after_cursor": after},
        "links": {"next": path if more else None, "prev": None},
    }


class _Web:
    """Answers what zenpy asks, below requests; keeps every call."""

    def __init__(self):
        self.calls = []
        self.sent = []
        self.answers = []
        self.ticket = TICKET
        self.audits = AUDITS
        self.comments = [COMMENT]
        self.size = 100

    def send(self, request, **settings):
        parts = urlsplit(request.url)
        query = dict(parse_qsl(parts.query))
        self.calls.append(parts.path.removeprefix("/api/v2/"))
        self.sent.append((dict(request.headers), settings, request.url))
        given = self.answers.pop(0) if self.answers else None
        if isinstance(given, Exception):
            raise given
        body, status, headers = given or (self._body(parts.path.removeprefix("/api/v2/"), query), 200, {})
        response = requests.Response()
        response.status_code = status
        response.request = request
        response.url = request.url
        response._content = body if isinstance(body, bytes) else json.dumps(body, indent=1).encode()
        found = {"Date": DATE, "X-Request-Id": "req_1", "Content-Type": "application/json; charset=utf-8", **headers}
        response.headers.update(found)
        return response

    def _body(self, path, query):
        return {
            CALLS[0]: lambda: {"ticket": self.ticket},
            CALLS[1]: lambda: {"ticket_metric": {"ticket_id": 35436, "reopens": 2}},
            CALLS[2]: lambda: _pages("comments", self.comments, query, self.size),
            CALLS[3]: lambda: _pages("audits", self.audits, query, self.size),
        }[path]()


@pytest.fixture
def sdk(monkeypatch, web):
    """What acme.zendesk.test answers over requests; the bearer is minted over httpx."""
    answers = _Web()
    monkeypatch.setattr(HTTPAdapter, "send", answers.send)
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("zenpy slept"))
    return answers


def test_a_lookup_makes_four_calls(sdk, connect):
    """Ticket, metrics, comments and audits are asked for, each once, and nothing lazily."""
    connector = connect()
    connector.lookup("35436")

    assert sdk.calls == CALLS
    assert connector.calls() == 5
    assert connector._buckets.plan.taken == 4


def test_its_records_are_those_of_the_streams(sdk, connect):
    """The ticket with its metrics, and each act with the id and columns its event in the export gives."""
    records = connect().lookup("35436")
    ticket, *acts = records
    export = [
        {
            **_shared(100),
            "child_events": [
                {"event_type": "Comment", "type": "Comment", "author_id": 5, "body": "Hi", "public": True},
                {"event_type": "Create", "via": "Web form", "status": "new"},
                {"event_type": "Create", "via": "Web form", "group_id": 9},
            ],
        },
        {
            **_shared(200),
            "child_events": [
                {"event_type": "Change", "via": "Web form", "status": "solved", "previous_value": "new"},
                {
                    "event_type": "Change",
                    "via": "Rule",
                    "via_reference_id": 77,
                    "assignee_id": 8,
                    "previous_value": None,
                },
                {"event_type": "Change", "custom_ticket_fields": {"360001": "b"}, "previous_value": "a"},
                {"event_type": "Change", "tags": ["a", "b"], "added_tags": ["b"], "removed_tags": []},
                {"event_type": "Change", "requester_id": 6, "previous_value": 5},
            ],
        },
    ]
    reader = ActReader(["closed_by_merge"])
    expected = [record for event in export for record in reader.records(json.dumps(event).encode())]

    assert (ticket.type, ticket.id, ticket.values[-1]) == ("ticket", "35436", 2)
    assert json.loads(ticket.raw) == TICKET
    assert b"\n" in ticket.raw
    assert [(act.type, act.id, act.as_of, act.values) for act in acts] == [
        (act.type, act.id, act.as_of, act.values) for act in expected
    ]
    assert {json.loads(act.raw)["id"] for act in acts} == {100, 200}


def test_what_an_audit_leaves_out_comes_from_the_comments(sdk, connect):
    """A comment without its text in the audit has it from the list of comments, by its id."""
    sdk.audits = [_audit(100, {"id": "101", "type": "Comment"})]
    sdk.comments = [{**COMMENT, "body": "Thanks!"}]
    [_, message] = connect().lookup("35436")

    assert (message.values[3], message.values[7], message.values[8]) == ("5", True, "thanks")


def test_all_pages_are_read(sdk, connect):
    """Comments and audits are followed to their last page, within the origin."""
    sdk.size = 2
    sdk.audits = [_audit(n, {"type": "Change", "field_name": "priority", "value": "x"}) for n in range(1, 6)]
    records = connect().lookup("35436")

    assert [record.id for record in records[1:]] == [f"{n}.00" for n in range(1, 6)]
    assert sdk.calls.count(CALLS[3]) == 3


@pytest.mark.parametrize(
    ("status", "count", "cut"),
    [("closed", 100, True), ("closed", 99, False), ("solved", 100, False), ("closed", 150, False)],
)
def test_audits_of_an_archived_ticket_may_be_cut(sdk, connect, caplog, status, count, cut):  # noqa: PLR0917 - one case
    """A closed ticket with one full page of audits may have more that nobody shows: its acts are left out, aloud."""
    sdk.ticket = {**TICKET, "status": status}
    sdk.audits = [_audit(n, {"type": "Change", "field_name": "priority", "value": "x"}) for n in range(1, count + 1)]
    with caplog.at_level(logging.WARNING):
        records = connect().lookup("35436")

    assert len(records) == (1 if cut else count + 1)
    assert ("archived" in caplog.text) is cut


@pytest.mark.parametrize("ref", ["", "x", "-1", "35436/comments", "12.5", "1" * 21, "\u0661", " 1"])
def test_what_is_no_number_is_refused(connect, ref):
    """Only a ticket's number is looked up, so that no other path can be called."""
    connector = connect()

    with pytest.raises(ConfigurationError, match="no ticket"):
        connector.lookup(ref)
    assert connector.calls() == 0


def test_each_call_is_guarded(sdk, connect):
    """Every call has the bearer, our timeouts, no redirects and no proxy, whatever zenpy passes."""
    connect().lookup("35436")

    for headers, settings, url in sdk.sent:
        assert headers["Authorization"] == "Bearer VerySecretBearer1"
        assert settings["timeout"] == (5, 30)
        assert not settings["proxies"]
        assert url.startswith(f"{ORIGIN}/api/v2/tickets/35436")


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.test/next",
        "http://acme.zendesk.test/x",
        "https://acme.zendesk.test:444/x",
        "https://[x/",
        "file:///etc",
    ],
)
def test_a_link_to_another_origin_is_refused_before_anything_is_sent(sdk, connect, link):
    """Another host, scheme or port in a link gets no call and no bearer."""
    page = {**_pages("audits", AUDITS, {}, 1), "links": {"next": link}}
    ok = [_ok(sdk, path) for path in CALLS[:3]]
    sdk.answers = [*ok, (page, 200, {})]

    with pytest.raises(Error):
        connect().lookup("35436")
    assert all(url.startswith(f"{ORIGIN}/") for _, _, url in sdk.sent)


def _ok(sdk, path):
    return (sdk._body(path, {}), 200, {})


@pytest.mark.parametrize(
    ("given", "kind", "calls"),
    [
        (({"error": "x"}, 400, {}), PermanentError, 1),
        (({"error": "Couldn't authenticate you"}, 401, {}), AuthorizationError, 2),
        (({"error": {"title": "Forbidden", "message": "no"}}, 403, {}), AuthorizationError, 1),
        (({"error": "RecordNotFound"}, 404, {}), MissingError, 1),
        (({"error": "RecordInvalid"}, 422, {}), PermanentError, 1),
        ((b"slow down", 429, {"Retry-After": "60"}), RateLimited, 8),
        ((b"slow down", 429, {"Retry-After": "1.5"}), RateLimited, 8),
        ((b"slow down", 429, {"Retry-After": "Tue, 01 Sep 2026 00:00:09 GMT"}), RateLimited, 8),
        ((b"slow down", 429, {"Retry-After": "3600"}), RateLimited, 1),
        (({}, 429, {}), RateLimited, 8),
        (({}, 500, {}), RetryableError, 8),
        ((b"<html>", 502, {"Content-Type": "text/html"}), RetryableError, 8),
        ((b"<html>", 200, {"Content-Type": "text/html"}), SchemaChanged, 8),
        ((b"<html>", 200, {}), SchemaChanged, 8),
        ((b'{"ticket": {', 200, {}), SchemaChanged, 8),
        ((b"[]", 200, {}), SchemaChanged, None),
        (({"ticket": 7}, 200, {}), SchemaChanged, None),
        (({"ticket": {"id": 1, "status": 5}}, 200, {}), SchemaChanged, None),
        ((b"", 302, {"Location": "https://evil.test/"}), ConfigurationError, 1),
        (requests.exceptions.ReadTimeout("x"), RetryableError, 8),
        (requests.exceptions.ConnectionError("x"), RetryableError, 8),
        (requests.exceptions.SSLError("x"), PermanentError, 1),
        (requests.exceptions.InvalidHeader("VerySecretBearer1"), PermanentError, 1),
    ],
)
def test_each_failure_is_ours(sdk, connect, given, kind, calls):
    """Every refusal and every broken connection is an error of our tree; zenpy neither waits nor follows nor hides."""
    sdk.answers = [given] * 40
    if calls is None:
        sdk.answers = [given]

    with pytest.raises(Error) as caught:
        connect().lookup("35436")
    assert type(caught.value).__mro__[0] is kind or (kind is AuthorizationError and isinstance(caught.value, kind))
    assert calls is None or len(sdk.calls) == calls
    assert "VerySecret" not in caught.value.diagnostics()
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "given", [({"error": "x"}, 401, {}), ({"error": "x"}, 503, {}), (b"", 429, {"Retry-After": "7"})]
)
def test_what_passes_is_got_over(sdk, connect, timer, given):
    """After an expired bearer, trouble or a limit, the look-up goes on, having waited as long as it was asked to."""
    sdk.answers = [given]
    records = connect().lookup("35436")

    assert len(records) > 5
    assert sdk.calls == [CALLS[0], *CALLS]
    assert given[1] != 429 or 7.0 in timer.waits
    assert given[1] != 401 or sdk.sent[1][0]["Authorization"].endswith("2")


def test_a_limit_slows_the_bucket(sdk, connect):
    """429, and an answer that says that nothing is left, slow down what the streams spend from too."""
    for given in ((b"", 429, {"Retry-After": "1"}), ({"ticket": TICKET}, 200, {"X-Rate-Limit-Remaining": "0"})):
        connector = connect()
        sdk.answers = [given]
        connector.lookup("35436")

        assert connector._buckets.plan.rate < 1000


def test_nothing_but_reading_is_sent(timer):
    """A session that zenpy wants to write with refuses."""
    session = GuardedSession(ORIGIN, ApiToken("a@b.test", SecretRef("env:X")), TokenBucket(1000, timer))

    with pytest.raises(ConfigurationError):
        session.post(f"{ORIGIN}/api/v2/tickets.json", json={})
    session.close()


def test_no_adapter_retries_and_nothing_comes_from_the_environment(timer):
    """The session has plain adapters without retries and takes no proxy or password from the environment."""
    session = GuardedSession(ORIGIN, ApiToken("a@b.test", SecretRef("env:X")), TokenBucket(1000, timer))

    assert {adapter.max_retries.total for adapter in session.adapters.values()} == {0}
    assert session.trust_env is False
    session.close()


def test_nothing_of_zenpy_is_left(sdk, connect):
    """After a look-up no object of zenpy's is alive."""
    records = connect().lookup("35436")
    gc.collect()
    left = [thing for thing in gc.get_objects() if "zenpy.lib.api_objects" in str(type(thing).__module__)]

    assert records
    assert left == []


def test_the_environment_does_not_lead_elsewhere(sdk, connect, monkeypatch):
    """Variables of zenpy's own may change where it wants to go, not where we go."""
    monkeypatch.setenv("ZENPY_FORCE_NETLOC", "evil.test")

    with pytest.raises(ConfigurationError, match="another origin"):
        connect().lookup("35436")
    assert sdk.calls == []
    assert "ZENPY_FORCE_SCHEME" not in os.environ


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://acme.zendesk.com", ("https", "acme", "zendesk.com", "api/v2")),
        ("http://127.0.0.1:8080", ("http", "127", "0.0.1:8080", "api/v2")),
        ("https://proxy.acme.test/zendesk/", ("https", "proxy", "acme.test", "zendesk/api/v2")),
    ],
)
def test_an_address_in_zenpys_pieces(base_url, expected):
    """Scheme, host, port and path of the configured address survive zenpy's way of putting them together."""
    assert zenpy_host(base_url) == expected


@pytest.mark.parametrize("base_url", ["http://localhost:80", "http://[::1]:80"])
def test_an_address_zenpy_cannot_be_told_is_refused(base_url):
    """A host without a dot is refused with what to write instead."""
    with pytest.raises(ConfigurationError, match="without a dot") as caught:
        zenpy_host(base_url)
    assert "127.0.0.1" in caught.value.hint


@pytest.mark.parametrize(
    "part", [None, 7, [], {"type": 9}, {"type": ["x"]}, {"type": "Change", "field_name": 1}, {"type": "Create"}]
)
def test_odd_parts_of_an_audit_are_left_out(part):
    """A part of an audit that cannot be read makes no record and no error."""
    raw = json.dumps(_audit(1, part)).encode()

    assert [record for record in audit_records(raw, Comments(), ActReader()) if record.values[2] != "created"] == []


def test_errors_of_a_lookup_are_connector_errors_or_of_the_configuration():
    """What a look-up raises can be told from a verdict."""
    assert issubclass(MissingError, ConnectorError)
