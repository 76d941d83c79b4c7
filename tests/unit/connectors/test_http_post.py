"""Reads that are asked for by POST: what is sent, and that they are treated as a GET is."""

import httpx
import msgspec
import pytest
import respx

from tallystick.connectors import HttpClient, Retry, TokenBucket
from tallystick.errors import PermanentError, RateLimited, RetryableError, SchemaChanged

ORIGIN = "https://api.example.com/prefix"
SECRET = "rk_live_verysecret"


class _Found(msgspec.Struct):
    total: int


def _decode(response):
    return msgspec.json.decode(response.body, type=_Found).total


def _classify(response):
    if response.status == 429:
        return RateLimited("slow down")
    if response.status >= 500:
        return RetryableError("down")
    return None if response.status in {200, 207} else PermanentError(f"refused {response.status}")


@pytest.fixture
def bucket(timer):
    """A bucket of 100 a second on the fake timer."""
    return TokenBucket(100, timer)


@pytest.fixture
def client(timer, bucket):
    """A client of one origin with a path prefix."""
    client = HttpClient(
        ORIGIN,
        name="Example",
        bucket=bucket,
        retry=Retry(timer, attempts=3),
        timer=timer,
        classify=_classify,
        headers=lambda: {"Authorization": f"Bearer {SECRET}"},
    )
    yield client
    client.close()


@pytest.fixture
def route():
    """What the search of the origin answers."""
    with respx.mock(assert_all_called=False) as router:
        yield router.post(f"{ORIGIN}/search")


def _json(body=b'{"total": 3}', status=200, content_type="application/json"):
    return httpx.Response(status, content=body, headers={"content-type": content_type})


def test_the_body_is_json(route, client):
    """What is asked goes as JSON below the base URL, with the headers of the connector and the query parameters."""
    route.mock(return_value=_json())

    assert client.post_as("/search", {"limit": 2, "ids": ["a"]}, _decode, {"archived": "true"}) == 3
    sent = route.calls.last.request
    assert msgspec.json.decode(sent.content) == {"limit": 2, "ids": ["a"]}
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["authorization"] == f"Bearer {SECRET}"
    assert sent.url.query == b"archived=true"


@pytest.mark.parametrize("bad", [_json(status=503), _json(status=429), _json(b'{"total": '), _json(b"<html>")])
def test_what_may_pass_is_asked_again_with_the_same_body(route, client, bucket, bad):
    """A refusal that may pass and half a body are asked for again, each time with the whole question."""
    route.mock(side_effect=[bad, _json()])

    assert client.post_as("/search", {"limit": 2}, _decode) == 3
    assert [call.request.content for call in route.calls] == [b'{"limit":2}'] * 2
    assert bucket.taken == 2


@pytest.mark.parametrize(
    ("answer", "kind", "calls"),
    [
        (_json(status=400), PermanentError, 1),
        (_json(status=302), PermanentError, 1),
        (_json(b'{"total": "three"}'), SchemaChanged, 1),
        (_json(b"<html>", content_type="text/html"), SchemaChanged, 3),
        (_json(status=500), RetryableError, 3),
    ],
)
def test_what_stays_wrong_is_an_error_of_ours(route, client, answer, kind, calls):
    """Refusals, redirects, other shapes and pages of HTML mean the same as for a GET."""
    route.mock(return_value=answer)

    with pytest.raises(kind):
        client.post_as("/search", {}, _decode)
    assert route.call_count == calls


def test_a_good_status_other_than_200_reaches_the_caller(route, client):
    """What 207 means is for the one who asked to see."""
    route.mock(return_value=_json(status=207))

    assert client.post_as("/search", {}, lambda response: response.status) == 207
