"""Shapes: every object served has the keys and enum values that the installed SDK describes at the pinned version."""

import inspect
import json
import types
import typing
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
import stripe

from tallystick.testing.serving import running
from tallystick_stripe.simulator import API_VERSION, create_app
from tallystick_stripe.simulator.query import FILTERS

FIXTURES = Path(__file__).parents[4] / "shared" / "data" / "stripe" / "fixtures3.json"
KEY = {"Authorization": "Bearer rk_live_demo"}
CLASSES = {
    "charges": stripe.Charge,
    "payment_intents": stripe.PaymentIntent,
    "invoices": stripe.Invoice,
    "invoice_payments": stripe.InvoicePayment,
    "refunds": stripe.Refund,
    "disputes": stripe.Dispute,
    "balance_transactions": stripe.BalanceTransaction,
    "credit_notes": stripe.CreditNote,
    "customers": stripe.Customer,
    "events": stripe.Event,
    "payouts": stripe.Payout,
}
BY_OBJECT = {kind.OBJECT_NAME: kind for kind in CLASSES.values()}
# Not in an answer unless expanded, deleted, or on a platform.
OMITTED = {
    stripe.Charge: {"refunds"},
    stripe.Invoice: {"payments", "deleted"},
    stripe.Customer: {"cash_balance", "deleted", "sources", "subscriptions", "tax", "tax_ids"},
    stripe.Event: {"account", "context"},
    stripe.Account: {"company", "deleted", "individual"},
    stripe.Balance: {"instant_available", "issuing"},
}


def _annotations(kind):
    return {name: hint for name, hint in kind.__annotations__.items() if name != "OBJECT_NAME"}


def _optional(hint):
    return type(None) in typing.get_args(hint)


def check(kind, value, where, *, exact):
    """Assert that a dictionary has the keys of a class, and values of their types; whole objects have all keys."""
    hints = _annotations(kind)
    assert not set(value) - set(hints), (where, set(value) - set(hints))
    if exact:
        assert set(hints) - set(value) <= OMITTED.get(kind, set()), (where, set(hints) - set(value))
    else:
        missing = {name for name, hint in hints.items() if not _optional(hint)} - set(value)
        assert not missing, (where, missing)
    for name, item in value.items():
        check_value(hints[name], item, f"{where}.{name}")


def check_value(hint, value, where):
    """Assert that a value is one its annotation allows; literals are strict even where the SDK also takes any text."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        if value is None:
            assert type(None) in args, where
            return
        literals = [
            choice for arg in args if typing.get_origin(arg) is typing.Literal for choice in typing.get_args(arg)
        ]
        if literals:
            assert value in literals, (where, value)
            return
        options = [arg for arg in args if arg is not type(None) and _fits(arg, value)]
        assert options, (where, value, hint)
        check_value(options[0], value, where)
    elif origin is typing.Literal:
        assert value in args, (where, value)
    elif origin is list:
        assert isinstance(value, list), where
        for item in value:
            check_value(args[0], item, f"{where}[]")
    elif isinstance(hint, typing.ForwardRef):
        kind = getattr(stripe, hint.__forward_arg__.removesuffix("Resource"))
        check(kind, value, where, exact=True)
    elif inspect.isclass(origin) and issubclass(origin, stripe.ListObject):
        assert value["object"] == "list"
        assert set(value) == {"object", "data", "has_more", "url"}
        for item in value["data"]:
            check_value(args[0], item, f"{where}.data[]")
    elif inspect.isclass(origin) or getattr(hint, "__name__", "") == "UntypedStripeObject":
        assert isinstance(value, dict), where
    elif issubclass(hint, stripe.StripeObject):
        check(hint, value, where, exact=False)
    else:
        assert _fits(hint, value), (where, value, hint)


def _fits(hint, value):
    if isinstance(hint, typing.ForwardRef) or typing.get_origin(hint) is not None:
        if isinstance(hint, typing.ForwardRef) and isinstance(value, dict):
            kind = getattr(stripe, hint.__forward_arg__.removesuffix("Resource"), None)
            return kind is not None and getattr(kind, "OBJECT_NAME", None) == value.get("object")
        return isinstance(value, (dict, list)) and not isinstance(hint, typing.ForwardRef)
    if hint is Decimal:
        return isinstance(value, str)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint in {int, str, bool}:
        return type(value) is hint
    return isinstance(value, dict)


@pytest.fixture(scope="module")
def app():
    """A small account with every trap, at the last stage."""
    return create_app(5, invoices=600, now="2026-10-12T06:00:00Z")


@pytest.fixture(scope="module")
def read(app):
    """Read a path through the socket."""
    with running(app) as origin, httpx.Client(base_url=origin, headers=KEY, trust_env=False) as client:
        yield lambda path: client.get(path).raise_for_status().json()


@pytest.mark.parametrize("resource", CLASSES)
def test_every_object_has_exactly_the_keys_of_the_sdk(app, read, resource):
    """Each object of a resource, as listed, has the keys, types and enum values of the SDK's class."""
    rows, url = [], f"/v1/{resource}?limit=100"
    while True:
        page = read(url + (f"&starting_after={rows[-1]['id']}" if rows else ""))
        rows += page["data"]
        if not page["has_more"]:
            break
    assert len(rows) >= 4
    for row in rows:
        check(CLASSES[resource], row, resource, exact=True)
        assert row.get("livemode", True) is True


def test_event_payloads_have_the_shape_of_their_object(read):
    """The object inside an event of the pinned version has the same keys as the object itself."""
    seen, place = set(), ""
    for _ in range(12):
        page = read("/v1/events?limit=100" + place)
        place = f"&starting_after={page['data'][-1]['id']}"
        for event in page["data"]:
            item = event["data"]["object"]
            kind = BY_OBJECT[item["object"]]
            assert event["api_version"] == API_VERSION
            check(kind, item, event["type"], exact=True)
            seen.add(event["type"])
        if not page["has_more"]:
            break
    assert {"charge.succeeded", "invoice.paid", "refund.created", "invoice.updated", "charge.dispute.closed"} <= seen


def test_account_and_balance_have_the_keys_of_the_sdk(read):
    """The two single objects have the keys of their classes."""
    check(stripe.Account, read("/v1/account"), "account", exact=True)
    check(stripe.Balance, read("/v1/balance"), "balance", exact=True)


def test_expanded_objects_have_the_keys_of_the_sdk(read):
    """Expansion puts whole objects and lists in place of ids."""
    page = read(
        "/v1/charges?limit=50&expand[]=data.refunds&expand[]=data.balance_transaction.source&expand[]=data.customer"
    )
    for row in page["data"]:
        check(stripe.Charge, row, "charge", exact=True)
        assert row["refunds"]["object"] == "list"
        assert row["balance_transaction"] is None or row["balance_transaction"]["source"]["id"] == row["id"]
    for row in read("/v1/invoices?limit=50&expand[]=data.payments")["data"]:
        check(stripe.Invoice, row, "invoice", exact=True)
        assert all(payment["invoice"] == row["id"] for payment in row["payments"]["data"])


@pytest.mark.parametrize("resource", CLASSES)
def test_filters_are_those_of_the_sdk(resource):
    """A list knows exactly the parameters that the SDK's typed parameters offer."""
    options = set(stripe.RequestOptions.__annotations__) | {"api_key", "content_type"}
    params = getattr(stripe.params, f"{CLASSES[resource].__name__}ListParams").__annotations__
    paging = {"limit", "starting_after", "ending_before", "expand"}
    assert FILTERS[resource] == set(params) - options - paging


def test_shapes_cover_the_published_samples(app):
    """Every key of the vendor's sample that the pinned version still has is served too."""
    if not FIXTURES.exists():
        pytest.skip("the recorded samples (../shared/data/stripe/fixtures3.json) are not here")
    samples = json.loads(FIXTURES.read_text())["resources"]
    for resource, kind in CLASSES.items():
        known = set(_annotations(kind))
        served = set(getattr(app.worlds[True].books, resource).items[0]) | OMITTED.get(kind, set())
        assert set(samples[kind.OBJECT_NAME]) & known <= served


def test_the_sdk_is_at_the_version_simulated():
    """The installed SDK pins the API version that the simulator speaks."""
    assert stripe.api_version == API_VERSION


def test_the_shape_check_itself_can_fail(app):
    """A missing key, an unknown key and an unknown enum value are each noticed."""
    good = dict(app.worlds[True].books.refunds.items[0])
    check(stripe.Refund, good, "refund", exact=True)
    for bad in (
        {key: value for key, value in good.items() if key != "reason"},
        {**good, "invoice": "in_1"},
        {**good, "reason": "no_reason"},
        {**good, "amount": "12"},
    ):
        with pytest.raises(AssertionError):
            check(stripe.Refund, bad, "refund", exact=True)
