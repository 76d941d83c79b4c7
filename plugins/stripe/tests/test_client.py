"""The key, the calls, and Stripe's clock."""

import pickle

import pytest

from tallystick.connectors import SecretRef, user_agent
from tallystick.errors import AuthorizationError, ConfigurationError, RateLimited, RetryableError, SchemaChanged
from tallystick_stripe.client import API_VERSION, StripeKey
from tallystick_stripe.faults import MissingError

KEY = "rk_live_51HxVerySecret"
CHARGES = "https://api.stripe.test/v1/charges"


def _ids(data, date):
    return [raw.decode() for raw in data], date


@pytest.fixture
def api(connect):
    """The calls of a connector for api.stripe.test."""
    return connect()._api


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("sk_live_51HxVerySecret", "a secret key (sk_), which can move money"),
        ("sk_test_51HxVerySecret", "a secret key (sk_)"),
        ("pk_live_51HxVerySecret", "a publishable key (pk_), which cannot read"),
        ("whsec_VerySecret", "not a Stripe key"),
        ("rk_test_51HxVerySecret", "is for test mode, but livemode is true"),
    ],
)
def test_only_a_restricted_key_of_the_right_mode_is_used(monkeypatch, key, words):
    """Other keys are refused with the reason, naming where the key is kept and not the key."""
    monkeypatch.setenv("TALLYSTICK_TEST_STRIPE", key)

    with pytest.raises(ConfigurationError) as caught:
        StripeKey(SecretRef("env:TALLYSTICK_TEST_STRIPE"), livemode=True).reveal()
    assert words in caught.value.message
    assert "env:TALLYSTICK_TEST_STRIPE" in caught.value.message
    assert "VerySecret" not in caught.value.diagnostics()


@pytest.mark.parametrize(("key", "livemode"), [(KEY, True), ("rk_test_x", False), ("rk_future_x", True)])
def test_a_restricted_key_is_taken(monkeypatch, key, livemode):
    """A restricted key of the mode in the configuration is revealed."""
    monkeypatch.setenv("TALLYSTICK_TEST_STRIPE", key)

    assert StripeKey(SecretRef("env:TALLYSTICK_TEST_STRIPE"), livemode=livemode).reveal() == key


def test_the_key_is_not_shown(monkeypatch):
    """Printing the key object shows where the key is kept."""
    monkeypatch.setenv("TALLYSTICK_TEST_STRIPE", KEY)
    key = StripeKey(SecretRef("env:TALLYSTICK_TEST_STRIPE"), livemode=True)
    key.reveal()

    assert repr(key) == "StripeKey(env:TALLYSTICK_TEST_STRIPE)"
    assert b"VerySecret" not in pickle.dumps(repr(key))


def test_every_call_names_key_version_and_us(web, answer, page, connect):
    """The headers are the key, the pinned version, the connected account, and our own name."""
    route = web.get(CHARGES).mock(return_value=answer(page()))
    connect(account="acct_9")._api.list("/v1/charges", {"created[gte]": 1}, None, _ids)
    sent = route.calls.last.request

    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["stripe-version"] == API_VERSION == "2026-10-28.endive"
    assert sent.headers["stripe-account"] == "acct_9"
    assert sent.headers["user-agent"] == user_agent()
    assert sent.url.params["limit"] == "100"


def test_the_account_header_is_left_out_by_default(web, answer, page, api):
    """Without a connected account the key's own account is read."""
    route = web.get(CHARGES).mock(return_value=answer(page()))
    api.list("/v1/charges", {}, None, _ids)

    assert "stripe-account" not in route.calls.last.request.headers


def test_objects_come_as_their_exact_bytes(web, answer, api):
    """White space, order and digits of each object are those on the wire."""
    first, second = b'{ "id":"ch_2",\n "x": 1.10 }', b'{"id":"ch_1"}'
    body = b'{"object":"list","data":[' + first + b" , " + second + b'],"has_more":true}'
    web.get(CHARGES).mock(return_value=answer(body))
    found = api.list("/v1/charges", {}, None, _ids)

    assert found.value[0] == [first.decode(), second.decode()]
    assert (found.last, found.date) == ("ch_1", 1_788_220_800_000_000)


def test_the_last_page_has_no_next(web, answer, page, api):
    """When the list ends, there is nothing to go on after."""
    web.get(CHARGES).mock(return_value=answer(page({"id": "ch_1"})))

    assert api.list("/v1/charges", {}, None, _ids).last is None


@pytest.mark.parametrize("rows", [[], [{"id": "ch_9"}]])
def test_a_list_that_does_not_move_on_is_refused(web, answer, page, api, rows):
    """A page that promises more but gives nothing new would be read for ever."""
    web.get(CHARGES).mock(return_value=answer(page(*rows, more=True)))

    with pytest.raises(SchemaChanged, match="does not move on"):
        api.list("/v1/charges", {}, "ch_9", _ids)


def test_an_unknown_shape_names_the_request(web, answer, api):
    """A page without data is SchemaChanged with the request id."""
    web.get(CHARGES).mock(return_value=answer({"object": "list"}))

    with pytest.raises(SchemaChanged) as caught:
        api.list("/v1/charges", {}, None, _ids)
    assert caught.value.request_id == "req_test"


def test_html_with_status_200_is_asked_again(web, answer, page, api):
    """A gateway's page in Stripe's place is repeated."""
    html = answer(b"<html></html>", **{"content-type": "text/html"})
    web.get(CHARGES).mock(side_effect=[html, answer(page())])

    assert api.list("/v1/charges", {}, None, _ids).value[0] == []


def test_a_limit_is_waited_for_and_slows_us(web, answer, page, refused, connect):
    """429 is repeated, and everything that spends from the bucket slows down."""
    connector = connect()
    limited = answer(refused("rate_limit"), 429, **{"stripe-rate-limited-reason": "endpoint-rate"})
    web.get(CHARGES).mock(side_effect=[limited, answer(page())])
    connector._api.list("/v1/charges", {}, None, _ids)

    assert connector._bucket.rate < 10
    assert connector.calls() == 2


def test_a_locked_object_does_not_slow_us(web, answer, page, refused, connect):
    """lock_timeout is somebody else's lock: it is repeated at the same rate."""
    connector = connect()
    web.get(CHARGES).mock(side_effect=[answer(refused("lock_timeout"), 429), answer(page())])
    connector._api.list("/v1/charges", {}, None, _ids)

    assert connector._bucket.rate == 10


def test_a_limit_that_stays_is_told(web, answer, refused, api):
    """After the last attempt the limit is what the reader sees."""
    web.get(CHARGES).mock(side_effect=lambda _: answer(refused("rate_limit"), 429))

    with pytest.raises(RateLimited, match="429"):
        api.list("/v1/charges", {}, None, _ids)


def test_a_refused_key_is_not_tried_again(web, answer, refused, api):
    """401 is asked once."""
    route = web.get(CHARGES).mock(return_value=answer(refused("api_key_expired"), 401))

    with pytest.raises(AuthorizationError, match="has expired"):
        api.list("/v1/charges", {}, None, _ids)
    assert route.call_count == 1


def test_one_object_by_its_id(web, answer, api):
    """An object comes as its exact bytes with Stripe's clock."""
    web.get(f"{CHARGES}/ch_1").mock(return_value=answer(b'{ "id":"ch_1" }'))

    assert api.get("/v1/charges", "ch_1", lambda raw, date: (raw, date)) == (b'{ "id":"ch_1" }', 1_788_220_800_000_000)


def test_an_object_that_is_gone(web, answer, refused, api):
    """404 resource_missing has an error of its own."""
    web.get(f"{CHARGES}/ch_1").mock(return_value=answer(refused("resource_missing"), 404))

    with pytest.raises(MissingError):
        api.get("/v1/charges", "ch_1", lambda raw, _: raw)


@pytest.mark.parametrize("key", ["", "../events", "ch_1/refunds", "ch 1", "ch_ü", "x" * 300])
def test_an_id_cannot_lead_elsewhere(api, key):
    """What cannot be an id is refused before a call is made with it."""
    with pytest.raises(SchemaChanged, match="id"):
        api.get("/v1/charges", key, lambda raw, _: raw)


def test_an_answer_without_a_date_is_refused(web, answer, page, api):
    """Without Stripe's clock nothing could be said about up to when we have read."""
    web.get(CHARGES).mock(return_value=answer(page(), date=None))

    with pytest.raises(SchemaChanged, match="no Date header"):
        api.list("/v1/charges", {}, None, _ids)


def test_one_wrong_clock_is_asked_again(web, answer, page, api):
    """One answer whose date is an hour off is repeated, and never becomes the time of a record."""
    wrong = "Tue, 01 Sep 2026 01:00:00 GMT"
    right = "Tue, 01 Sep 2026 00:00:01 GMT"
    web.get(CHARGES).mock(side_effect=[answer(page()), answer(page(), date=wrong), answer(page(), date=right)])
    dates = [api.list("/v1/charges", {}, None, _ids).date for _ in range(2)]

    assert dates == [1_788_220_800_000_000, 1_788_220_801_000_000]


def test_a_clock_that_was_set_is_believed(web, answer, page, api):
    """When the next answer agrees with the jump, that is the time now."""
    later = "Tue, 01 Sep 2026 05:00:00 GMT"
    dates = iter([None, later, later, later])
    web.get(CHARGES).mock(
        side_effect=lambda _: answer(page(), **({"date": date} if (date := next(dates)) else {})),
    )
    found = [api.list("/v1/charges", {}, None, _ids).date for _ in range(3)]

    assert found == [1_788_220_800_000_000] + [1_788_238_800_000_000] * 2


def test_closing_ends_the_calls(api):
    """After closing, no call is made."""
    api.close()

    with pytest.raises(RetryableError, match="closed"):
        api.list("/v1/charges", {}, None, _ids)


def test_the_pinned_version_is_that_of_the_sdk():
    """We ask for the version the installed SDK was generated for, so its annotations describe our answers."""
    stripe = pytest.importorskip("stripe")

    assert stripe.api_version == API_VERSION
