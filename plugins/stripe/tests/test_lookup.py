"""One object, live, through the SDK: guarded, mapped like the streams, with nothing of the SDK left over."""

import gc
import inspect
import json
import os
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import stripe
from requests.adapters import HTTPAdapter

from tallystick.errors import (
    AuthorizationError,
    ConfigurationError,
    ConnectorError,
    PermanentError,
    RateLimited,
    RetryableError,
    SchemaChanged,
)
from tallystick_stripe.faults import MissingError
from tallystick_stripe.lookup import map_sdk_error
from tallystick_stripe.mapping import Mapper
from tallystick_stripe.session import GuardedSession

AT = 1_788_220_000
DATE = "Tue, 01 Sep 2026 00:00:00 GMT"
NOW = 1_788_220_800_000_000

CHARGE = {"id": "ch_1", "object": "charge", "created": AT, "currency": "eur", "amount": 100, "payment_intent": "pi_1"}
REFUND = {"id": "re_1", "object": "refund", "created": AT, "currency": "eur", "amount": 10, "charge": "ch_1"}
DISPUTE = {"id": "du_1", "object": "dispute", "created": AT, "currency": "eur", "amount": 100, "charge": "ch_1"}
PART = {
    "id": "inpay_1",
    "object": "invoice_payment",
    "created": AT,
    "currency": "eur",
    "invoice": "in_1",
    "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
}
INVOICE = {"id": "in_1", "object": "invoice", "created": AT, "currency": "eur", "status": "paid"}
NOTE = {"id": "cn_1", "object": "credit_note", "created": AT, "currency": "eur", "invoice": "in_1"}
EVERYTHING = {
    ("payment", "ch_1"),
    ("refund", "re_1"),
    ("dispute", "du_1"),
    ("ledger_entry", "txn_ch_1"),
    ("ledger_entry", "txn_re_1"),
    ("ledger_entry", "txn_du_1"),
    ("invoice_payment", "inpay_1"),
    ("invoice", "in_1"),
    ("credit_note", "cn_1"),
}


def _row(source):
    return {"id": f"txn_{source}", "object": "balance_transaction", "created": AT, "currency": "eur", "source": source}


class _Web:
    """Answers what the SDK asks, below requests; keeps every call."""

    def __init__(self):
        self.calls = []
        self.answers = []

    def send(self, request, **_settings):
        path, query = urlsplit(request.url).path, dict(parse_qsl(urlsplit(request.url).query))
        self.calls.append((path, query, dict(request.headers), request.url))
        given = self.answers.pop(0) if self.answers else None
        if isinstance(given, Exception):
            raise given
        body, status, headers = given or (self._body(path.removeprefix("/v1/"), query), 200, {})
        return self._response(request, body, status, headers)

    @staticmethod
    def _response(request, body, status, headers):
        response = requests.Response()
        response.status_code = status
        response.request = request
        response.url = request.url
        response._content = body if isinstance(body, bytes) else json.dumps(body, indent=2).encode()
        response.headers.update({"Date": DATE, "Request-Id": "req_1", "Content-Type": "application/json", **headers})
        return response

    @staticmethod
    def _body(path, query):
        single = {
            "charges/ch_1": CHARGE,
            "refunds/re_1": REFUND,
            "disputes/du_1": DISPUTE,
            "invoices/in_1": INVOICE,
            "invoice_payments/inpay_1": PART,
        }
        lists = {
            "charges": [CHARGE],
            "refunds": [REFUND],
            "disputes": [DISPUTE],
            "invoice_payments": [PART],
            "credit_notes": [NOTE],
            "balance_transactions": [_row(query.get("source"))],
        }
        if path in single:
            return single[path]
        return {"object": "list", "data": lists[path], "has_more": False, "url": f"/v1/{path}"}


@pytest.fixture
def sdk(monkeypatch):
    """What api.stripe.test answers over requests."""
    web = _Web()
    monkeypatch.setattr(HTTPAdapter, "send", web.send)
    return web


def _refused(status, code=None, **headers):
    return ({"error": {"type": "x", "code": code, "message": "no"}}, status, headers)


@pytest.mark.parametrize("ref", ["ch_1", "pi_1", "in_1", "re_1", "du_1", "inpay_1"])
def test_every_reference_leads_to_the_whole_case(sdk, connect, ref):
    """From any id of a case, all of it comes: payment, what went back, ledger rows, invoice and notes, each once."""
    records = connect().lookup(ref)
    found = [(record.type, record.id) for record in records]

    assert set(found) == EVERYTHING
    assert len(found) == len(set(found))
    assert {record.as_of for record in records} == {NOW}


def test_the_facts_are_those_of_the_streams(sdk, connect):
    """A record looked up equals the record of the same bytes in a stream, raw included."""
    [charge] = [record for record in connect().lookup("ch_1") if record.id == "ch_1"]
    [streamed] = Mapper(livemode=True, custom={}).records("charge", json.dumps(CHARGE, indent=2).encode(), NOW)

    assert charge == streamed


def test_an_invoice_paid_by_a_bare_charge(sdk, connect):
    """An invoice payment may name a charge instead of an intent; one that names neither leads nowhere further."""
    paid = {**PART, "payment": {"type": "charge", "charge": "ch_1"}}
    outside = {**PART, "id": "inpay_2", "payment": {"type": "payment_record", "payment_record": "prec_1"}}
    parts = {"object": "list", "data": [paid, outside], "has_more": False, "url": "/v1/invoice_payments"}
    notes = {"object": "list", "data": [], "has_more": False, "url": "/v1/credit_notes"}
    bare = {**CHARGE, "payment_intent": None}
    sdk.answers = [(INVOICE, 200, {}), (notes, 200, {}), (parts, 200, {}), (bare, 200, {})]
    found = {(record.type, record.id) for record in connect().lookup("in_1")}

    assert {("payment", "ch_1"), ("payment", "inpay_2"), ("ledger_entry", "txn_ch_1")} <= found
    assert {"payment[type]": "charge", "payment[charge]": "ch_1", "limit": "100"} in [
        query for _, query, _, _ in sdk.calls
    ]


@pytest.mark.parametrize(("ref", "thing"), [("re_1", REFUND), ("du_1", DISPUTE), ("inpay_1", PART)])
def test_an_object_that_leads_nowhere_stands_alone(sdk, connect, ref, thing):
    """A refund or dispute without a charge, or a part without an invoice and payment, is given by itself."""
    sdk.answers = [({**thing, "charge": None, "invoice": None, "payment": None}, 200, {})]

    assert [record.id for record in connect().lookup(ref)] == [ref]


def test_several_payments_of_one_charge_are_read_once(sdk, connect):
    """A charge that paid two parts of an invoice is read once."""
    paid = {**PART, "payment": {"type": "charge", "charge": "ch_1"}}
    parts = {
        "object": "list",
        "data": [paid, {**paid, "id": "inpay_2"}],
        "has_more": False,
        "url": "/v1/invoice_payments",
    }
    notes = {"object": "list", "data": [], "has_more": False, "url": "/v1/credit_notes"}
    sdk.answers = [(INVOICE, 200, {}), (notes, 200, {}), (parts, 200, {})]
    connect().lookup("in_1")

    assert [path for path, _, _, _ in sdk.calls].count("/v1/charges/ch_1") == 1


@pytest.mark.parametrize("ref", ["", "cus_1", "txn_1", "ch_1/../x", "ch_ü", "nonsense", "sk_live_x"])
def test_other_references_are_refused(sdk, connect, ref):
    """What is no id, or none that can be looked up, is refused with those that can, and nothing is called."""
    with pytest.raises(ConfigurationError) as caught:
        connect().lookup(ref)
    assert "inpay_" in caught.value.hint
    assert sdk.calls == []


def test_each_call_names_version_and_account(sdk, connect):
    """Every request carries the pinned version, the connected account and the key, and asks for full pages."""
    connect(account="acct_9").lookup("ch_1")

    for path, query, headers, _ in sdk.calls:
        assert headers["Stripe-Version"] == "2026-10-28.endive"
        assert headers["Stripe-Account"] == "acct_9"
        assert headers["Authorization"] == "Bearer rk_live_51HxVerySecret"
        assert query.get("limit", "100") == "100", path


def test_no_telemetry_is_sent_or_written(sdk, connect, monkeypatch, tmp_path):
    """No request has a telemetry header, and no file appears in the user's folders."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(stripe, "enable_telemetry", True)
    connect().lookup("ch_1")

    assert stripe.enable_telemetry is False
    assert not any("telemetry" in name.lower() for _, _, headers, _ in sdk.calls for name in headers)
    assert not any("telemetry" in json.dumps(headers).lower() for _, _, headers, _ in sdk.calls)
    assert list(tmp_path.rglob("*")) == []


def test_nothing_of_the_environment_is_used(sdk, connect, monkeypatch):
    """Proxies and credential files of the environment are not looked at."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    seen = []
    monkeypatch.setattr(HTTPAdapter, "send", lambda _, *given, **named: (seen.append(named), sdk.send(*given))[1])
    connect().lookup("ch_1")

    assert {bool(named.get("proxies")) for named in seen} == {False}
    assert {named["timeout"] for named in seen} == {(5, 30)}


def test_the_calls_are_paced_and_counted(sdk, connect):
    """Every call of the SDK spends from the bucket of the streams."""
    connector = connect()
    connector.lookup("ch_1")

    assert connector.calls() == len(sdk.calls) == 9


def test_lists_are_read_to_their_end(sdk, connect):
    """A list of more than one page is followed after its last id."""
    second = {"object": "list", "data": [{**REFUND, "id": "re_2"}], "has_more": False, "url": "/v1/refunds"}
    first = {"object": "list", "data": [REFUND], "has_more": True, "url": "/v1/refunds"}
    sdk.answers = [(CHARGE, 200, {}), (first, 200, {}), (second, 200, {})]
    records = connect().lookup("ch_1")

    assert {record.id for record in records if record.type == "refund"} == {"re_1", "re_2"}
    assert sdk.calls[2][1]["starting_after"] == "re_1"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (_refused(400, "parameter_unknown"), PermanentError),
        (_refused(401, "api_key_expired"), AuthorizationError),
        (_refused(402, "card_declined"), PermanentError),
        (_refused(403), AuthorizationError),
        (_refused(404, "resource_missing"), MissingError),
        (({"error": {"type": "idempotency_error", "message": "no"}}, 400, {}), PermanentError),
        ((b"<html>", 404, {"Content-Type": "text/html"}), PermanentError),
        (({"id": 5}, 200, {}), SchemaChanged),
        (({"id": "ch_1"}, 200, {}), SchemaChanged),
    ],
)
def test_a_lasting_refusal_is_told_after_one_call(sdk, connect, answer, expected):
    """What calling again cannot help is asked once, and is an error of ours with the request id."""
    sdk.answers = [answer] * 9

    with pytest.raises(expected) as caught:
        connect().lookup("ch_1")
    assert type(caught.value) is expected
    assert caught.value.request_id == "req_1"
    assert len(sdk.calls) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (_refused(409), RetryableError),
        (_refused(429, "rate_limit"), RateLimited),
        (_refused(429, "lock_timeout"), RetryableError),
        (_refused(500), RetryableError),
        ((b"<html>", 503, {"Content-Type": "text/html"}), RetryableError),
        ((b"<html>", 200, {"Content-Type": "text/html"}), SchemaChanged),
        ((b'{"id": "ch', 200, {}), SchemaChanged),
        (requests.exceptions.ConnectionError("refused"), RetryableError),
        (requests.exceptions.ReadTimeout("late"), RetryableError),
    ],
)
def test_a_passing_refusal_is_repeated_by_our_policy(sdk, connect, answer, expected):
    """The SDK does not retry; we do, eight times, and a single failure is got over."""
    sdk.answers = [answer]
    assert len(connect().lookup("ch_1")) == 9

    sdk.calls, sdk.answers = [], [answer] * 20
    with pytest.raises(expected):
        connect().lookup("ch_1")
    assert len(sdk.calls) == 8


def test_a_limit_slows_the_streams_too(sdk, connect):
    """429 during a look-up halves the rate that everything shares."""
    connector = connect()
    sdk.answers = [_refused(429, "rate_limit")]
    connector.lookup("ch_1")

    assert connector._bucket.rate < 10


def test_a_redirect_is_not_followed(sdk, connect):
    """A redirect is told as what it is; the key goes nowhere else."""
    sdk.answers = [(b"", 302, {"Location": "https://elsewhere.example/v1/charges/ch_1"})]

    with pytest.raises(ConfigurationError, match="redirect"):
        connect().lookup("ch_1")
    assert len(sdk.calls) == 1


def test_another_origin_is_never_called(sdk):
    """The session refuses to call any origin but its own, whatever the SDK wants."""
    session = GuardedSession("https://api.stripe.test/prefix")
    for url in ("https://api.stripe.com/v1", "http://api.stripe.test/v1", "https://api.stripe.test:8443/v1"):
        with pytest.raises(ConfigurationError, match="another origin"):
            session.get(url)

    assert sdk.calls == []
    assert session.get("https://api.stripe.test:443/v1/charges/ch_1").status_code == 200
    session.close()


def test_a_certificate_that_cannot_be_verified_is_not_retried(sdk, connect):
    """A failing certificate stops the look-up at once."""
    sdk.answers = [requests.exceptions.SSLError("bad certificate")] * 9

    with pytest.raises(PermanentError, match="certificate"):
        connect().lookup("ch_1")
    assert len(sdk.calls) == 1


def test_an_answer_without_a_date_is_refused(sdk, connect, monkeypatch):
    """Without Stripe's clock a record could not say as of when it holds."""
    monkeypatch.setattr(HTTPAdapter, "send", lambda _, *given, **named: _without_date(sdk.send(*given, **named)))

    with pytest.raises(SchemaChanged, match="no Date"):
        connect().lookup("ch_1")


def _without_date(response):
    del response.headers["Date"]
    return response


def test_a_notice_of_stripes_becomes_a_log_line(sdk, connect, caplog):
    """A Stripe-Notice header is logged and is no warning of Python, which our tests would turn into an error."""
    sdk.answers = [(CHARGE, 200, {"Stripe-Notice": "This is deprecated"})]
    with caplog.at_level("INFO"):
        connect().lookup("ch_1")

    assert "This is deprecated" in caplog.text


def test_the_key_is_in_no_error(sdk, connect):
    """An error of a look-up, with its chain, does not carry the key or an object of the SDK."""
    sdk.answers = [_refused(401)]

    with pytest.raises(AuthorizationError) as caught:
        connect().lookup("ch_1")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "VerySecret" not in caught.value.diagnostics()
    assert not any(isinstance(value, stripe.StripeObject) for value in vars(caught.value).values())


def test_no_object_of_the_sdk_is_left(sdk, connect):
    """What a look-up gives holds plain values, and the SDK's objects are gone."""
    records = connect().lookup("ch_1")
    gc.collect()

    assert not any(isinstance(value, stripe.StripeObject) for record in records for value in record.values)
    assert not any(isinstance(thing, stripe.Charge) for thing in gc.get_objects())


def test_nothing_is_configured_globally(sdk, connect):
    """The module-level key and origin of the SDK stay as they were."""
    before = (stripe.api_key, stripe.api_base)
    connect().lookup("ch_1")

    assert (stripe.api_key, stripe.api_base) == before
    assert "STRIPE_API_KEY" not in os.environ


ERRORS = sorted(
    {
        kind
        for module in (stripe, stripe.error if hasattr(stripe, "error") else stripe, stripe._error)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, stripe.StripeError)
    },
    key=lambda kind: kind.__name__,
)


def test_the_tree_of_the_sdk_is_walked():
    """The completeness test below sees the SDK's whole tree, not an empty list."""
    assert {"APIConnectionError", "CardError", "RateLimitError", "SignatureVerificationError"} <= {
        kind.__name__ for kind in ERRORS
    }


def _make(kind, status):
    """Make an error of a class whose constructor takes what no base class takes."""
    error = kind.__new__(kind)
    stripe.StripeError.__init__(error, "boom", http_status=status, headers={"request-id": "req_1"})
    error.should_retry = True
    return error


@pytest.mark.parametrize("status", [None, 200, 400, 401, 402, 403, 404, 409, 429, 500])
@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_of_the_sdk_is_mapped(kind, status):
    """Every error class of the SDK, with any status, has a place in our tree and something to do next."""
    error = map_sdk_error(_make(kind, status))

    assert isinstance(error, ConnectorError)
    assert error.hint
