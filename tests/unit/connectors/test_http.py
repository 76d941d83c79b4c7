"""The HTTP client: what it sends, what it makes of answers, and that nothing of httpx leaves it."""

import gzip
import inspect
import ssl
import threading

import httpx
import msgspec
import pytest
import respx

from tallystick.connectors import HttpClient, Response, Retry, TokenBucket, retry_after, user_agent
from tallystick.connectors.failures import map_http_error
from tallystick.errors import (
    ConfigurationError,
    ConnectorError,
    Error,
    PermanentError,
    RateLimited,
    RetryableError,
    SchemaChanged,
)

ORIGIN = "https://api.example.com/prefix"
SECRET = "rk_live_verysecret"
DATE = "Tue, 01 Sep 2026 00:00:00 GMT"


class _Thing(msgspec.Struct):
    id: str


def _decode(response):
    return msgspec.json.decode(response.body, type=_Thing)


def _classify(response):
    if response.status == 429:
        return RateLimited("slow down", retry_after=retry_after(response))
    if response.status >= 500:
        return RetryableError("down", request_id=response.request_id)
    return None if response.status == 200 else PermanentError(f"refused {response.status}")


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
        keep=("X-Kept",),
    )
    yield client
    client.close()


@pytest.fixture
def api():
    """What the origin answers."""
    with respx.mock(assert_all_called=False) as router:
        yield router


def _json(body=b'{"id": "x"}', status=200, **headers):
    return httpx.Response(status, content=body, headers={"content-type": "application/json", "date": DATE, **headers})


def test_a_call_carries_our_name_and_the_headers_of_the_connector(api, client):
    """The User-Agent is ours, the late headers are sent, and the path prefix of the base URL is kept."""
    route = api.get(f"{ORIGIN}/v1/things").mock(return_value=_json())
    client.get("/v1/things", {"created[gte]": 5, "types[]": ["a", "b"]})
    sent = route.calls.last.request

    assert sent.headers["user-agent"] == user_agent()
    assert user_agent().startswith("tallystick/0.")
    assert sent.headers["authorization"] == f"Bearer {SECRET}"
    assert sent.headers["accept-encoding"] == "gzip"
    assert sent.url.path == "/prefix/v1/things"
    assert sorted(sent.url.params.multi_items()) == [("created[gte]", "5"), ("types[]", "a"), ("types[]", "b")]


def test_an_answer_keeps_what_was_asked_for(api, client):
    """Status, body, the system's clock, its request id and the headers to keep are there, and no others."""
    api.get(f"{ORIGIN}/x").mock(return_value=_json(**{"request-id": "req_1", "x-kept": "yes", "x-other": "no"}))

    assert client.get("/x") == Response(
        200,
        {"content-type": "application/json", "date": DATE, "x-kept": "yes"},
        b'{"id": "x"}',
        1_788_220_800_000_000,
        "req_1",
    )


def test_a_header_that_repeats_the_key_is_not_shown(api, client):
    """What kind of answer it was is told to the reader, so it must not be the key."""
    headers = {"content-type": f"text/{SECRET}", "x-kept": SECRET}
    api.get(f"{ORIGIN}/things").mock(return_value=httpx.Response(200, content=b"<html>", headers=headers))
    with pytest.raises(SchemaChanged) as caught:
        client.get_as("things", None, _decode)

    assert SECRET not in caught.value.diagnostics()
    assert client.get("things").headers["x-kept"] == "..."


@pytest.mark.parametrize("packed", ["gzip, gzip", "br", "zstd", "gzip,deflate"])
def test_a_body_packed_twice_is_not_unpacked(api, client, packed):
    """A few kilobytes packed twice could fill the memory at once, so only what was asked for is unpacked."""
    taken = []

    class Bomb(httpx.SyncByteStream):
        def __iter__(self):
            taken.append(1)
            yield gzip.compress(gzip.compress(b" " * 1_000_000))

    answer = {"content-encoding": packed}
    api.get(f"{ORIGIN}/x").mock(side_effect=lambda _: httpx.Response(200, headers=answer, stream=Bomb()))

    with pytest.raises(RetryableError, match=r"broke off \(DecodingError\)"):
        client.get("/x")

    assert not taken


@pytest.mark.parametrize("echo", [SECRET, f"Bearer {SECRET}", f"req_{SECRET}_1"])
def test_a_request_id_that_repeats_the_key_is_none(api, client, echo):
    """A system or a gateway that echoes what the call was signed with gets no request id into our messages."""
    api.get(f"{ORIGIN}/x").mock(return_value=_json(status=302, **{"request-id": echo}))

    with pytest.raises(PermanentError) as caught:
        client.get("/x")

    assert caught.value.request_id is None
    assert SECRET not in str(caught.value)


def test_a_body_that_drips_for_ever_is_given_up(api, client, timer):
    """After five times the longest silence the call counts as unanswered, however often a byte still comes."""
    taken = []

    class Drip(httpx.SyncByteStream):
        def __iter__(self):
            while True:
                timer.time += 29.0
                taken.append(1)
                yield b" "

    api.get(f"{ORIGIN}/x").mock(side_effect=lambda _: httpx.Response(200, stream=Drip()))

    with pytest.raises(RetryableError, match="did not answer in time"):
        client.get("/x")

    assert len(taken) == 3 * 6


def test_a_body_that_never_stops_is_given_up(api, client):
    """An answer larger than any page of any system is not read into memory to its end, and not asked for again."""
    taken = []

    class Flood(httpx.SyncByteStream):
        def __iter__(self):
            while True:
                taken.append(1)
                yield b" " * 1_000_000

    api.get(f"{ORIGIN}/x").mock(side_effect=lambda _: httpx.Response(200, stream=Flood()))

    with pytest.raises(PermanentError, match=r"answered with more than 256,000,000 bytes"):
        client.get("/x")

    assert len(taken) == 257


def test_the_environment_decides_nothing(api, client, monkeypatch):
    """Proxies and credentials of the environment are not used."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    api.get(f"{ORIGIN}/x").mock(return_value=_json())

    assert client.get("/x").status == 200
    assert client._client.trust_env is False


def test_an_address_that_is_none_is_refused(timer, bucket):
    """A base URL that httpx cannot read is a configuration error, not one of httpx."""
    with pytest.raises(ConfigurationError, match="address of Example"):
        HttpClient(
            "https://[::1",
            name="Example",
            bucket=bucket,
            retry=Retry(timer),
            timer=timer,
            classify=_classify,
            headers=dict,
        )


def test_a_redirect_is_refused(api, client):
    """A redirect is never followed, because the key would go along, and the hint names base_url."""
    api.get(f"{ORIGIN}/x").mock(return_value=httpx.Response(302, headers={"location": "https://elsewhere.example/"}))

    with pytest.raises(PermanentError, match="redirect") as caught:
        client.get("/x")
    assert "base_url" in caught.value.hint
    assert len(api.calls) == 1


def test_a_passing_refusal_is_repeated_and_counted(api, client, bucket):
    """Two refusals and an answer are three calls, all of them counted."""
    api.get(f"{ORIGIN}/x").mock(side_effect=[_json(status=503), _json(status=500), _json()])

    assert client.get("/x").status == 200
    assert bucket.taken == 3


def test_a_limit_slows_every_later_call(api, client, bucket, timer):
    """429 halves the shared rate, and Retry-After is waited."""
    api.get(f"{ORIGIN}/x").mock(side_effect=[_json(status=429, **{"retry-after": "3"}), _json()])
    client.get("/x")

    assert bucket.rate < 60
    assert 3.0 in timer.waits


def test_a_lasting_refusal_is_not_repeated(api, client):
    """What calling again cannot help is called once."""
    api.get(f"{ORIGIN}/x").mock(return_value=_json(status=404))

    with pytest.raises(PermanentError, match="refused 404"):
        client.get("/x")
    assert len(api.calls) == 1


@pytest.mark.parametrize(
    "bad",
    [
        httpx.Response(200, content=b"<html>gateway</html>", headers={"content-type": "text/html"}),
        _json(b'{"id": "x'),
        _json(b""),
        _json(b'{"id": "\xff"}'),
        _json(b'{"id": "x", "other": "\xff\xfe"}'),
        _json(b'{"id": "x", "deep": ' + b"[" * 100_000),
    ],
    ids=["html", "truncated", "empty", "not UTF-8", "not UTF-8 where nobody looks", "endless nesting"],
)
def test_a_broken_body_is_asked_for_again(api, client, bad):
    """HTML with status 200, half a document and bytes that are no text are repeated, and the next answer counts."""
    api.get(f"{ORIGIN}/x").mock(side_effect=[bad, _json()])

    assert client.get_as("/x", None, _decode) == _Thing("x")


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [("text/html", b"<html>", "text/html instead of JSON"), ("application/json", b'{"id"', "not complete JSON")],
)
def test_a_body_that_stays_broken_names_the_request(api, client, content_type, body, words):
    """After the last attempt a broken body is SchemaChanged with the request id."""
    headers = {"content-type": content_type, "request-id": "req_9"}
    api.get(f"{ORIGIN}/x").mock(side_effect=lambda _: httpx.Response(200, content=body, headers=headers))

    with pytest.raises(SchemaChanged, match=words) as caught:
        client.get_as("/x", None, _decode)
    assert caught.value.request_id == "req_9"
    assert len(api.calls) == 3


def test_another_shape_is_not_repeated(api, client):
    """Complete JSON in an unknown shape is SchemaChanged at once, with the request id and the field."""
    api.get(f"{ORIGIN}/x").mock(return_value=_json(b'{"id": 5}', **{"request-id": "req_7"}))

    with pytest.raises(SchemaChanged, match=r"\$\.id") as caught:
        client.get_as("/x", None, _decode)
    assert caught.value.request_id == "req_7"
    assert len(api.calls) == 1


def _tree(module, root):
    return {
        cls
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, Exception) and cls.__module__.startswith(root)
    }


def _make(kind):
    if issubclass(kind, httpx.HTTPStatusError):
        return kind("boom", request=httpx.Request("GET", ORIGIN), response=httpx.Response(500))
    try:
        return kind("boom")
    except TypeError:
        return kind()


EXCEPTIONS = sorted(_tree(httpx, "httpx"), key=lambda kind: kind.__name__)


def test_the_tree_of_httpx_is_walked():
    """The completeness test below sees httpx's whole tree, not an empty list."""
    assert {"ReadTimeout", "ConnectError", "DecodingError", "StreamClosed", "InvalidURL"} <= {
        kind.__name__ for kind in EXCEPTIONS
    }


@pytest.mark.parametrize("kind", EXCEPTIONS, ids=lambda kind: kind.__name__)
def test_every_error_of_httpx_is_mapped(kind):
    """Every exception class of httpx has a place in our tree, with something to do next."""
    error = map_http_error(_make(kind), "Example")

    assert isinstance(error, ConnectorError)
    assert error.hint


@pytest.mark.parametrize("kind", EXCEPTIONS, ids=lambda kind: kind.__name__)
def test_no_error_of_httpx_leaves_the_client(api, client, kind):
    """Whatever httpx raises while sending, the caller sees an error of ours."""

    def fail(_request):
        raise _make(kind)

    api.get(f"{ORIGIN}/x").mock(side_effect=fail)

    with pytest.raises(Error) as caught:
        client.get("/x")
    assert isinstance(caught.value, ConnectorError)


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (httpx.ReadTimeout("late"), RetryableError),
        (httpx.ConnectError("refused"), RetryableError),
        (httpx.RemoteProtocolError("cut"), RetryableError),
        (httpx.DecodingError("gzip"), RetryableError),
        (httpx.LocalProtocolError(f"Illegal header value b'Bearer {SECRET}'"), PermanentError),
        (httpx.UnsupportedProtocol("ftp"), PermanentError),
    ],
)
def test_errors_are_told_apart_by_what_to_do(cause, expected):
    """What may pass is retryable, what cannot is not, and no message repeats a header."""
    error = map_http_error(cause, "Example")

    assert type(error) is expected
    assert SECRET not in error.diagnostics()


def test_a_bad_certificate_is_not_retried():
    """A certificate that cannot be verified stops the stream at once."""
    cause = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]")
    cause.__cause__ = ssl.SSLCertVerificationError("self-signed")

    assert type(map_http_error(cause, "Example")) is PermanentError


def test_a_header_that_cannot_be_sent_does_not_show_the_key(api, timer, bucket):
    """A key with a line break is refused without its text anywhere in the error or its chain."""
    client = HttpClient(
        ORIGIN,
        name="Example",
        bucket=bucket,
        retry=Retry(timer),
        timer=timer,
        classify=_classify,
        headers=lambda: {"Authorization": f"Bearer {SECRET}\n"},
    )

    def fail(request):
        raise httpx.LocalProtocolError(f"Illegal header value {request.headers['authorization']!r}")

    api.get(f"{ORIGIN}/x").mock(side_effect=fail)

    with pytest.raises(PermanentError) as caught:
        client.get("/x")
    assert SECRET not in caught.value.diagnostics()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    client.close()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5.0),
        ("0.5", 0.5),
        ("Tue, 01 Sep 2026 00:00:30 GMT", 30.0),
        ("Mon, 31 Aug 2026 23:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("nan", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    """Both forms are read, a date by the system's own clock, and nonsense counts as nothing."""
    response = Response.of(429, {"date": DATE, "retry-after": header}, b"", None)

    assert retry_after(response) == seconds


@pytest.mark.parametrize("header", ["yesterday", "", "Tue, 99 Sep 2026 00:00:00 GMT"])
def test_a_date_that_cannot_be_read_is_none(header):
    """A broken Date header is no date."""
    assert Response.of(200, {"date": header}, b"", None).date is None


def test_closing_ends_every_later_call(api, client):
    """After closing, a call raises and reaches nobody; closing again is harmless."""
    route = api.get(f"{ORIGIN}/x").mock(return_value=_json())
    client.close()
    client.close()

    with pytest.raises(RetryableError, match="closed"):
        client.get("/x")
    assert not route.called


def test_closing_lets_a_call_under_way_end(api, client):
    """A call that is being answered while the client is closed still gives its answer, and then the pool is closed."""
    reached, go_on = threading.Event(), threading.Event()

    def slow(_request):
        reached.set()
        go_on.wait(30)
        return _json()

    api.get(f"{ORIGIN}/x").mock(side_effect=slow)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(client.get("/x")))
    thread.start()
    reached.wait(30)
    client.close()
    still_open = not client._client.is_closed
    go_on.set()
    thread.join(30)

    assert still_open
    assert [answer.status for answer in answers] == [200]
    assert client._client.is_closed


def test_an_answer_that_never_ends_is_given_up(timer):
    """A system that sends byte after byte, each in time, is given up after five times the longest silence."""

    class Drip(httpx.SyncByteStream):
        def __iter__(self):
            for _ in range(1_000):
                timer.time += 1
                yield b" "

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Drip()))
    bucket, retry = TokenBucket(1_000, timer), Retry(timer, attempts=1)
    client = HttpClient(
        "https://api.test",
        name="Acme",
        bucket=bucket,
        retry=retry,
        timer=timer,
        classify=lambda _: None,
        headers=dict,
        read_timeout=10,
    )
    client._client = httpx.Client(transport=transport, base_url="https://api.test")
    began = timer.time

    with pytest.raises(RetryableError, match="in time"):
        client.get("/slow")

    assert 50 < timer.time - began < 60


def test_a_post_of_exact_bytes(client, api):
    """A POST sends the bytes and the content type it was given; its own headers are made anew each time."""
    route = api.post("https://api.example.com/prefix/hook").mock(side_effect=[_json(status=500), _json()])
    made = iter(["first", "second"])
    client.post("/hook", b"\x00 a=1", content_type="text/x", headers=lambda: {"X-Signature": next(made)})
    requests = [call.request for call in route.calls]

    assert [request.content for request in requests] == [b"\x00 a=1"] * 2
    assert [request.headers["x-signature"] for request in requests] == ["first", "second"]
    assert {request.headers["content-type"] for request in requests} == {"text/x"}
    assert {request.headers["authorization"] for request in requests} == {f"Bearer {SECRET}"}
