"""The real SDK against the simulator, over a real socket: lists, objects, expansion, events and every error."""

import asyncio
from itertools import pairwise

import pytest
import requests
import stripe

from tallystick.testing.instants import instant
from tallystick.testing.serving import running
from tallystick_stripe.simulator import API_VERSION, create_app, serve

stripe.enable_telemetry = False
NOW = "2026-10-12T06:00:00Z"


@pytest.fixture(scope="module")
def app():
    """A small account with every trap, at the last stage."""
    return create_app(5, invoices=300, now=NOW)


@pytest.fixture(scope="module")
def origin(app):
    """Where it is served."""
    with running(app) as where:
        yield where


@pytest.fixture
def steer(origin):
    """Set the fault plan; it is cleared afterwards."""

    def load(*faults):
        requests.post(f"{origin}/_simulator/faults", json=list(faults), timeout=5).raise_for_status()

    yield load
    load()


@pytest.fixture(params=["requests", "httpx"])
def client(request, origin):
    """An SDK client on either of its HTTP libraries, closed afterwards."""
    yield from _client(request.param, origin)


@pytest.fixture
def sdk(origin):
    """An SDK client on requests."""
    yield from _client("requests", origin)


def _client(library, origin, key="rk_live_demo"):
    if library == "httpx":
        http = stripe.HTTPXClient(timeout=5, allow_sync_methods=True)
        yield stripe.StripeClient(key, base_addresses={"api": origin}, http_client=http, stripe_version=API_VERSION)
        http.close()
        asyncio.run(http.close_async())
        return
    with requests.Session() as session:
        session.trust_env = False
        yield _on(session, origin, key)


def _on(session, origin, key="rk_live_demo", **options):
    http = stripe.RequestsClient(timeout=(5, 5), session=session)
    base = {"api": origin}
    return stripe.StripeClient(key, base_addresses=base, http_client=http, stripe_version=API_VERSION, **options)


def _ids(rows):
    return [row.id for row in rows]


def test_auto_paging_gives_every_charge_once_newest_first(app, client):
    """Both HTTP clients page through all charges in the order of their creation, newest first, without a gap."""
    found = list(client.v1.charges.list(params={"limit": 50}).auto_paging_iter())
    books = app.worlds[True].books
    assert _ids(found) == [row["id"] for row in reversed(books.charges.items)]
    assert [row.created for row in found] == sorted((row.created for row in found), reverse=True)


def test_a_page_has_ten_rows_by_default(sdk):
    """Without a limit a page has ten rows and says that there is more."""
    page = sdk.v1.invoices.list()
    assert len(page.data) == 10
    assert page.has_more


def test_paging_backwards_gives_the_same_rows(sdk):
    """`ending_before` pages towards the newest and gives the rows in the usual order."""
    first = sdk.v1.charges.list(params={"limit": 7})
    second = sdk.v1.charges.list(params={"limit": 7, "starting_after": first.data[-1].id})
    back = sdk.v1.charges.list(params={"limit": 7, "ending_before": second.data[0].id})
    assert _ids(back.data) == _ids(first.data)


def test_time_slices_add_up_to_the_whole(app, sdk):
    """Half-open windows of `created` that touch give disjoint rows that together are all rows."""
    rows = app.worlds[True].books.balance_transactions
    cuts = [rows.created[0], rows.created[len(rows.created) // 3], rows.created[len(rows.created) // 2]]
    edges = [*cuts, rows.created[-1] + 1]
    found = []
    for first, end in pairwise(edges):
        params = {"limit": 100, "created": {"gte": first, "lt": end}}
        found += _ids(sdk.v1.balance_transactions.list(params=params).auto_paging_iter())
    assert sorted(found) == sorted(rows.place)
    after = {"limit": 100, "created": {"gt": cuts[1], "lte": cuts[2]}}
    inside = [row.created for row in sdk.v1.balance_transactions.list(params=after).auto_paging_iter()]
    assert inside
    assert all(cuts[1] < created <= cuts[2] for created in inside)


def test_retrieve_and_expand(sdk):
    """One object is found by id, and an expanded path gives the object in place of its id."""
    charge = sdk.v1.charges.list(params={"limit": 1}).data[0]
    again = sdk.v1.charges.retrieve(charge.id, params={"expand": ["balance_transaction", "refunds", "customer"]})
    assert again.id == charge.id
    assert again.refunds.object == "list"
    assert again.customer.object == "customer"
    assert again.last_response.headers["Request-Id"].startswith("req_")


def test_the_lookup_calls_of_a_connector(app, sdk):
    """Refunds, disputes, ledger rows and invoice payments are found by what they belong to."""
    books = app.worlds[True].books
    refund, dispute, filled = books.refunds.items[0], books.disputes.items[0], books.invoice_payments.items[-40]
    assert refund["id"] in _ids(sdk.v1.refunds.list(params={"charge": refund["charge"]}).data)
    assert refund["id"] in sdk.raw_request("get", f"/v1/charges/{refund['charge']}/refunds").body
    assert _ids(sdk.v1.disputes.list(params={"charge": dispute["charge"]}).data) == [dispute["id"]]
    entry = sdk.v1.balance_transactions.list(params={"source": refund["id"]}).data
    assert [row.amount for row in entry][-1] < 0
    payment = {"type": "payment_intent", "payment_intent": filled["payment"]["payment_intent"]}
    assert filled["id"] in _ids(sdk.v1.invoice_payments.list(params={"payment": payment}).data)
    open_ones = sdk.v1.invoices.list(params={"status": "open", "limit": 100}).data
    assert open_ones
    assert {row.status for row in open_ones} == {"open"}


def test_removed_fields_are_gone(sdk):
    """What the pinned version no longer has raises in the SDK, as on a live account."""
    with pytest.raises(AttributeError):
        _ = sdk.v1.charges.list().data[0].invoice


def test_events_reach_back_thirty_days_and_tell_what_was_before(sdk):
    """Events are not older than 30 days, name the caller or null, and carry the former values of an update."""
    params = {"limit": 100, "types": ["invoice.updated", "charge.succeeded", "charge.refunded"]}
    events = list(sdk.v1.events.list(params=params).auto_paging_iter())
    assert min(event.created for event in events) >= instant(NOW) - 30 * 86_400
    assert {event.type for event in events} <= set(params["types"])
    tagged = [
        event
        for event in events
        if event.type == "invoice.updated" and "metadata" in event.data.to_dict().get("previous_attributes", {})
    ]
    assert tagged
    before = tagged[0].data.to_dict()["previous_attributes"]["metadata"]
    assert set(before) <= {"placed_at", "placed_with"}
    assert {event.request.id is None for event in events if event.type == "charge.succeeded"} == {True, False}


def test_old_events_have_the_version_of_their_time():
    """An event made before the account's upgrade keeps the older version; one made after has the pinned one."""
    with serve(5, invoices=300, now="2026-09-05T00:00:00Z") as origin, requests.Session() as session:
        events = _on(session, origin).v1.events.list(params={"limit": 100}).auto_paging_iter()
        versions = {event.api_version for event in events}
    assert versions == {API_VERSION, "2026-06-24.dahlia"}


@pytest.mark.parametrize(
    ("call", "status", "code", "message"),
    [
        (lambda c: c.v1.charges.retrieve("ch_nothing"), 404, "resource_missing", "No such charge: 'ch_nothing'"),
        (lambda c: c.v1.charges.list(params={"starting_after": "ch_gone"}), 404, "resource_missing", "ch_gone"),
        (lambda c: c.v1.charges.list(params={"colour": "red"}), 400, "parameter_unknown", "colour"),
        (lambda c: c.v1.charges.list(params={"created": {"about": 1}}), 400, "parameter_unknown", "created[about]"),
        (lambda c: c.v1.charges.list(params={"limit": 101}), 400, "parameter_invalid_integer", "100"),
        (lambda c: c.v1.charges.list(params={"limit": 0}), 400, "parameter_invalid_integer", "1"),
        (lambda c: c.v1.charges.list(params={"expand": ["data.colour"]}), 400, "parameter_unknown", "data.colour"),
        (lambda c: c.v1.charges.list(params={"expand": ["data.a.b.c.d"]}), 400, None, "4 levels"),
        (lambda c: c.v1.invoices.list(params={"status": "lost"}), 400, None, "Invalid status"),
        (lambda c: c.v1.events.list(params={"types": ["invoice.paid"] * 21}), 400, None, "at most 20"),
    ],
)
def test_wrong_calls(sdk, call, status, code, message):
    """A wrong call raises what the SDK raises for the live API, with the machine code where Stripe gives one."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call(sdk)
    error = caught.value
    assert error.http_status == status
    assert error.json_body["error"].get("code") == code
    assert message in error.user_message
    assert error.request_id.startswith("req_")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("sk_live_demo", "Invalid API Key provided"),
        ("pk_live_demo", "Invalid API Key provided"),
        ("rk_live_expired1", "Expired API Key provided"),
    ],
)
def test_only_restricted_keys_that_did_not_expire_are_let_in(origin, key, message):
    """Secret, publishable and rolled keys are answered with 401, and none is repeated in full."""
    with requests.Session() as session, pytest.raises(stripe.AuthenticationError) as caught:
        _on(session, origin, key).v1.charges.list()
    assert caught.value.http_status == 401
    assert message in caught.value.user_message
    assert key not in caught.value.user_message


def test_a_missing_right_is_named(origin):
    """A key without a right gets 403 that names it, also when an expanded path needs it; other reads go on."""
    with requests.Session() as session:
        client = _on(session, origin, "rk_live_demo_no_disputes_no_balance_transactions")
        with pytest.raises(stripe.PermissionError) as caught:
            client.v1.disputes.list()
        assert "'rak_dispute_read'" in caught.value.user_message
        assert caught.value.code is None
        client.v1.charges.list()
        with pytest.raises(stripe.PermissionError, match="rak_balance_transaction_source_read"):
            client.v1.charges.list(params={"expand": ["data.balance_transaction"]})


def test_nothing_can_be_written(sdk):
    """Any call that would write is refused with the right it lacks."""
    with pytest.raises(stripe.PermissionError, match="rak_customer_write"):
        sdk.v1.customers.create(params={"name": "Nobody"})


def test_modes_and_versions_are_apart(origin):
    """A test key sees an empty account; another API version and a foreign account are refused."""
    with requests.Session() as session:
        other = _on(session, origin, "rk_test_demo")
        assert other.v1.charges.list().data == []
        assert other.v1.balance.retrieve().livemode is False
        with pytest.raises(stripe.InvalidRequestError, match="Invalid Stripe API version"):
            _on(session, origin).v1.charges.list(options={"stripe_version": "2024-06-20"})
        with pytest.raises(stripe.PermissionError, match="does not have access to account"):
            _on(session, origin).v1.charges.list(options={"stripe_account": "acct_other"})


def test_a_test_account_has_test_objects():
    """With `livemode` false all objects are of test mode and answer to a test key."""
    with serve(5, invoices=300, livemode=False) as origin, requests.Session() as session:
        rows = _on(session, origin, "rk_test_demo").v1.invoices.list(params={"limit": 100}).data
    assert {row.livemode for row in rows} == {False}


def test_deleted_customers_and_drafts(app, sdk):
    """A deleted customer is told as deleted, a deleted draft as missing; neither is listed."""
    books = app.worlds[True].books
    customer, draft = next(iter(books.customers.deleted)), next(iter(books.invoices.deleted))
    assert sdk.v1.customers.retrieve(customer).deleted is True
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.invoices.retrieve(draft)
    assert caught.value.http_status == 404
    with pytest.raises(stripe.InvalidRequestError, match="No such"):
        sdk.v1.customers.list(params={"starting_after": customer})
    assert draft not in _ids(sdk.v1.invoices.list(params={"limit": 100}).auto_paging_iter())


@pytest.mark.parametrize(
    ("kind", "error", "status"),
    [
        ("429", stripe.RateLimitError, 429),
        ("429_retry_after", stripe.RateLimitError, 429),
        ("429_lock", stripe.RateLimitError, 429),
        ("409", stripe.APIError, 409),
        ("401", stripe.AuthenticationError, 401),
        ("missing_permission", stripe.PermissionError, 403),
        ("500", stripe.APIError, 500),
        ("500_html", stripe.APIError, 500),
        ("503_html", stripe.APIError, 503),
        ("200_html", stripe.APIError, 200),
        ("reset", stripe.APIConnectionError, None),
    ],
)
def test_faults_are_what_the_sdk_takes_them_for(client, steer, kind, error, status):
    """Each fault raises its class of the SDK's error tree in both HTTP clients, and the next call is good again."""
    steer({"path": "/v1/charges", "kind": kind, "seconds": 3})
    with pytest.raises(error) as caught:
        client.v1.charges.list()
    assert caught.value.http_status == status
    assert len(client.v1.charges.list().data) == 10


def test_a_truncated_body_breaks_the_connection(sdk, steer):
    """A body cut in the middle is an error of the connection, not half an answer."""
    steer({"path": "/v1/charges", "kind": "truncated"})
    with pytest.raises((stripe.APIConnectionError, requests.exceptions.ChunkedEncodingError)):
        sdk.v1.charges.list()
    assert sdk.v1.charges.list().data


def test_rate_limit_headers(sdk, steer):
    """A rate limit says its reason, a lock does not, and Retry-After comes only when asked for."""
    seen = {}
    for kind in ("429", "429_retry_after", "429_lock"):
        steer({"path": "/v1/charges", "kind": kind, "seconds": 3})
        with pytest.raises(stripe.RateLimitError) as caught:
            sdk.v1.charges.list()
        seen[kind] = caught.value
    assert seen["429"].headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"
    assert "Retry-After" not in seen["429"].headers
    assert seen["429_retry_after"].headers["Retry-After"] == "3"
    assert "Stripe-Rate-Limited-Reason" not in seen["429_lock"].headers
    assert seen["429_lock"].json_body["error"]["code"] == "lock_timeout"


def test_the_sdk_retries_only_what_the_answer_asks_for(origin, steer, monkeypatch):
    """With retries on, a 429 is repeated when `Stripe-Should-Retry` is true, and otherwise is not."""
    monkeypatch.setattr(stripe.RequestsClient, "_sleep_time_seconds", lambda *_args, **_kwargs: 0)
    with requests.Session() as session:
        client = _on(session, origin, max_network_retries=2)
        steer({"path": "/v1/charges", "kind": "429_should_retry"})
        assert client.v1.charges.list().data
        steer({"path": "/v1/charges", "kind": "429"})
        with pytest.raises(stripe.RateLimitError):
            client.v1.charges.list()


def test_async_paging(origin, app):
    """The SDK's asynchronous client pages through everything too."""

    async def read():
        """Give the ids of all refunds."""
        http = stripe.HTTPXClient(timeout=5)
        client = stripe.StripeClient("rk_live_demo", base_addresses={"api": origin}, http_client=http)
        found = [row.id async for row in (await client.v1.refunds.list_async(params={"limit": 20})).auto_paging_iter()]
        await http.close_async()
        http.close()
        return found

    assert len(asyncio.run(read())) == len(app.worlds[True].books.refunds.items)


def test_meter_events(app, origin):
    """The SDK reports usage and cancels it; a known identifier, an old or early instant and no right are refused."""
    with requests.Session() as session:
        session.trust_env = False
        billing = _on(session, origin, "rk_live_meter").v1.billing
        payload = {"stripe_customer_id": "cus_1", "value": "3"}
        given = {"event_name": "outcomes", "identifier": "id_1", "payload": payload}
        made = billing.meter_events.create(params=given)
        assert (made.object, made.identifier, made.timestamp) == ("billing.meter_event", "id_1", app.now)
        assert set(made.to_dict()) == set(stripe.billing.MeterEvent.__annotations__) - {"OBJECT_NAME"}

        with pytest.raises(
            stripe.InvalidRequestError, match=r"An event already exists with identifier id_1\."
        ) as known:
            billing.meter_events.create(params=given)
        assert (known.value.http_status, known.value.code) == (400, None)
        for at in (app.now - 35 * 86_400 - 1, app.now + 301):
            with pytest.raises(stripe.InvalidRequestError, match="35 calendar days"):
                billing.meter_events.create(params={**given, "identifier": f"id_{at}", "timestamp": at})
        cancel = {"event_name": "outcomes", "type": "cancel", "cancel": {"identifier": "id_1"}}
        assert billing.meter_event_adjustments.create(params=cancel).status == "pending"
        assert app.meters[True].totals == {}
        with pytest.raises(stripe.InvalidRequestError):
            billing.meter_event_adjustments.create(params=cancel)
        with pytest.raises(stripe.PermissionError, match="rak_billing_meter_event_write"):
            _on(session, origin).v1.billing.meter_events.create(params=given)
