"""The connector as a whole: configuration, hook, streams."""

import importlib.metadata
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

import tallystick_stripe
from tallystick.connectors import Connector
from tallystick.errors import ConfigurationError, RetryableError
from tallystick.records.types import RECORD_TYPES
from tallystick_stripe.connector import StripeConfig, StripeConnector

GOOD = {"key": "env:STRIPE_KEY", "start": "2026-04-01"}


def test_the_hook_offers_the_connector():
    """The plugin's one hook gives the class, which is a whole connector."""
    assert tallystick_stripe.tallystick_connectors() == [StripeConnector]
    assert issubclass(StripeConnector, Connector)
    assert (StripeConnector.name, StripeConnector.config_model) == ("stripe", StripeConfig)


def test_the_versions_agree():
    """The connector states the version of its distribution."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())

    assert StripeConnector.version == project["project"]["version"]
    assert StripeConnector.version == importlib.metadata.version("tallystick-stripe")


def test_defaults():
    """The origin is Stripe's, the mode live, the pace careful."""
    config = StripeConfig(**GOOD)

    assert config.base_url == "https://api.stripe.com"
    assert (config.livemode, config.requests_per_second, config.slices, config.account) == (True, 10, 8, None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"key": "rk_live_literal"}, "key"),
        ({"start": "soon"}, "start"),
        ({"requests_per_second": 0}, "requests_per_second"),
        ({"requests_per_second": "inf"}, "requests_per_second"),
        ({"slices": 0}, "slices"),
        ({"account": "../x"}, "account"),
        ({"custom": {"meeting": {}}}, "custom"),
        ({"base_url": "http://api.stripe.com"}, "base_url"),
        ({"live_mode": True}, "live_mode"),
    ],
)
def test_a_wrong_setting_is_refused(change, field):
    """Each wrong or unknown setting is refused, naming it and not repeating what was typed."""
    with pytest.raises(ValidationError) as caught:
        StripeConfig(**{**GOOD, **change})

    assert caught.value.errors()[0]["loc"][0] == field
    assert "rk_live_literal" not in str(caught.value)


def test_custom_fields_of_any_type_we_read_are_taken():
    """Custom fields may be declared for every record type that Stripe's objects become."""
    config = StripeConfig(**GOOD, custom={"invoice": {"placed_at": {"path": "metadata.placed_at", "type": "instant"}}})

    assert config.custom["invoice"]["placed_at"].type == "instant"


def test_constructing_resolves_no_secret(monkeypatch):
    """A connector can be made while the key is not there; asking for its streams says what is missing."""
    monkeypatch.delenv("STRIPE_KEY", raising=False)
    connector = StripeConnector(StripeConfig(**GOOD))

    with pytest.raises(ConfigurationError, match="STRIPE_KEY is not set"):
        connector.streams()
    connector.close()


def test_a_secret_key_stops_before_any_call(connect):
    """sk_ is refused with its reason when the streams are asked for."""
    connector = connect("sk_live_51HxVerySecret")

    with pytest.raises(ConfigurationError, match="a secret key"):
        connector.streams()
    assert connector.calls() == 0


def test_the_streams_and_what_they_feed(connect):
    """Ledger first, events last, and every record type that a stream may yield is named."""
    streams = connect().streams()
    feeds = {stream.name: stream.types for stream in streams}

    assert (streams[0].name, streams[-1].name) == ("balance_transactions", "events")
    assert feeds["invoice_payments"] == ("invoice_payment", "payment")
    assert set(feeds["events"]) == {
        *("change", "credit_note", "customer", "dispute", "invoice", "invoice_payment", "payment", "refund")
    }
    assert all(name in RECORD_TYPES for types in feeds.values() for name in types)


def test_closing_twice_is_harmless(connect):
    """A closed connector raises for those who still read, and can be closed again."""
    connector = connect()
    stream = connector.streams()[0]
    [part, *_] = stream.plan(None, 1_788_220_800_000_000)
    connector.close()
    connector.close()

    with pytest.raises(RetryableError, match="closed"):
        next(stream.read(part))
