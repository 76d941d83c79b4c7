"""Calls over the wire: the token, the quota, long queries, and where a next page may lead."""

import msgspec
import pytest

from tallystick.errors import AuthorizationError, RetryableError, SchemaChanged
from tallystick_salesforce.client import SalesforceApi, clock
from tallystick_salesforce.faults import FieldError, QuotaError, TooLongError

EXPIRED = (401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}])


@pytest.fixture
def api(connect):
    """The wire of a connector."""
    return connect()._api


def _rows(answer):
    return msgspec.json.decode(answer.body)["records"]


def test_a_query_shows_deleted_rows_unless_told_otherwise(org, api, row):
    """`queryAll` shows what is in the recycle bin, `query` does not."""
    org.rows["Case"] = [row("500", 1), row("500", 2, IsDeleted=True)]

    assert len(api.query("SELECT Id FROM Case", _rows)) == 2
    assert len(api.query("SELECT Id FROM Case", _rows, deleted=False)) == 1


def test_a_token_that_expired_is_minted_anew_once(org, api):
    """A refused token costs one sign-in and one more call; what is asked for is then answered."""
    api.query("SELECT Id FROM Case", _rows)
    org.valid = "expired by now"
    api.query("SELECT Id FROM Case", _rows)

    assert org.tokens == 2
    assert org.names().count("query Case") == 2


def test_a_token_that_is_never_accepted_ends_the_call(org, api):
    """A second refusal in one call is the operator's to mend: two calls, two tokens, no loop."""
    calls = []
    org.refuse = lambda method, path, params, body: None if path.endswith("token") else calls.append(path) or EXPIRED
    with pytest.raises(AuthorizationError, match="does not accept the token"):
        api.query("SELECT Id FROM Case", _rows)

    assert (len(calls), org.tokens) == (2, 2)


def test_a_query_too_long_for_an_address_goes_in_a_body(org, api, row):
    """Two thousand ids in a condition are asked for in one composite call."""
    org.rows["Case"] = [row("500", number) for number in range(3)]
    keys = ",".join(f"'500{number:012d}AAA'" for number in range(2000))
    found = api.query(f"SELECT Id FROM Case WHERE Id IN ({keys})", _rows)

    assert len(found) == 3
    assert org.names() == ["token", "composite"]


@pytest.mark.parametrize("status", [414, 431])
def test_an_address_that_is_refused_as_too_long_is_tried_as_a_body(org, api, row, status):
    """Something on the way may take shorter addresses than Salesforce does."""
    org.rows["Case"] = [row("500", 1)]
    org.refuse = lambda method, path, params, body: (status, b"too long") if "q" in params else None

    assert len(api.query("SELECT Id FROM Case", _rows)) == 1
    assert org.names()[-1] == "composite"


def test_a_body_that_is_too_long_is_an_error(org, api):
    """There is no third way."""
    org.refuse = lambda method, path, params, body: None if path.endswith("token") else (414, b"too long")
    with pytest.raises(TooLongError):
        api.query("SELECT Id FROM Case", _rows)


def test_an_error_inside_a_composite_answer_is_one(org, api):
    """A refusal inside a good answer is found."""
    keys = ",".join(f"'500{number:012d}AAA'" for number in range(2000))
    with pytest.raises(FieldError):
        api.query(f"SELECT Id,Nothing__c FROM Nothing WHERE Id IN ({keys})", _rows)


def test_a_composite_answer_without_its_part_is_refused(org, api):
    """An answer to something else is not taken."""
    org.refuse = lambda method, path, params, body: (
        (200, {"compositeResponse": []}) if path.endswith("composite") else None
    )
    with pytest.raises(SchemaChanged):
        api.query("SELECT Id FROM Case WHERE " + "x" * 20_000, _rows)


@pytest.mark.parametrize(
    "locator",
    [
        "https://evil.test/services/data/v68.0/query/0r8-2000",
        "//evil.test/services/data/v68.0/query/0r8-2000",
        "/services/data/v68.0/query/../sobjects/User",
        "/services/data/v68.0/query/0r8?x=1",
        "/services/apexrest/query/0r8",
        "",
    ],
)
def test_a_next_page_elsewhere_is_never_asked_for(org, api, locator):
    """Only a path of a query is followed, so the token goes to one origin only."""
    with pytest.raises(SchemaChanged, match="no path of a query"):
        api.more(locator, _rows)
    assert org.calls == []


def test_a_quota_that_is_used_up_ends_the_call_at_once(org, api):
    """No retry brings back the calls of a day."""
    refused = (403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}])
    asked = []
    org.refuse = lambda method, path, params, body: None if path.endswith("token") else asked.append(path) or refused
    with pytest.raises(QuotaError, match="used up"):
        api.query("SELECT Id FROM Case", _rows)

    assert len(asked) == 1


def test_our_share_of_the_quota_is_kept(org, connect, timer):
    """At 80 % of the org's calls, whoever used them, no further one is made."""
    api = connect()._api
    org.used = 80_000
    api.query("SELECT Id FROM Case", _rows)
    with pytest.raises(QuotaError, match="we stop at 80%"):
        api.query("SELECT Id FROM Case", _rows)

    assert org.names() == ["token", "query Case"]
    assert timer.waits == [0] * len(timer.waits) or max(timer.waits) <= 0


def test_too_many_calls_at_once_are_tried_again(org, api, timer):
    """Concurrency passes: the call is repeated, more slowly."""
    refused = (403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentRequests Limit exceeded."}])
    left = [refused, refused]
    org.refuse = lambda method, path, params, body: left.pop() if left and "q" in params else None

    assert api.query("SELECT Id FROM Case", _rows) == []
    assert timer.waits


@pytest.mark.parametrize("bad", [(200, b"<html>"), (500, b""), (503, b"<html>"), (200, b'{"records":[')])
def test_what_passes_is_tried_again(org, api, bad):
    """A gateway's page, a fault and half an answer are asked for again."""
    left = [(*bad, {"content-type": "text/html"}) if bad[1] == b"<html>" else bad]
    org.refuse = lambda method, path, params, body: left.pop() if left and "q" in params else None

    assert api.query("SELECT Id FROM Case", _rows) == []


def test_an_answer_without_a_clock_is_refused(org, api):
    """Without Salesforce's own clock nothing could be said about up to when we have read."""
    org.refuse = lambda method, path, params, body: (
        (200, {"records": [], "done": True}, {"date": None}) if "q" in params else None
    )
    with pytest.raises(SchemaChanged, match="no Date header"):
        api.query("SELECT Id FROM Case", clock)


def test_a_closed_wire_makes_no_call(org, api):
    """After the end every call raises."""
    api.close()
    with pytest.raises(RetryableError):
        api.query("SELECT Id FROM Case", _rows)


def test_the_wire_never_asks_for_pretty_answers(org, api):
    """Spaces in answers cost a quarter more bytes; the header that asks for them is not sent."""
    seen = []
    serve = org.answer
    org.answer = lambda method, url, headers, body: seen.append(dict(headers)) or serve(method, url, headers, body)
    api.query("SELECT Id FROM Case", _rows)

    assert "x-prettyprint" not in seen[-1]
    assert seen[-1]["authorization"].startswith("Bearer ")
    assert isinstance(api, SalesforceApi)
