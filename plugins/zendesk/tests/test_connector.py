"""The connector as a whole: configuration, hook, streams."""

import importlib.metadata
import tomllib
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

import tallystick_zendesk
from tallystick.connectors import Connector
from tallystick.errors import ConfigurationError, RetryableError
from tallystick.records.types import RECORD_TYPES
from tallystick_zendesk.connector import ZendeskConfig, ZendeskConnector

BASE = {"base_url": "https://acme.zendesk.com", "start": "2026-04-01"}
OAUTH = {"client_id": "us", "client_secret": "env:ZENDESK_SECRET"}
LEGACY = {"email": "ada@acme.test", "api_token": "env:ZENDESK_TOKEN"}
GOOD = {**BASE, **OAUTH}


def test_the_hook_offers_the_connector():
    """The plugin's one hook gives the class, which is a whole connector."""
    assert tallystick_zendesk.tallystick_connectors() == [ZendeskConnector]
    assert issubclass(ZendeskConnector, Connector)
    assert (ZendeskConnector.name, ZendeskConnector.config_model) == ("zendesk", ZendeskConfig)


def test_the_versions_agree():
    """The connector states the version of its distribution, which is under the licence of zenpy."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]

    assert ZendeskConnector.version == project["version"] == importlib.metadata.version("tallystick-zendesk")
    assert project["license"] == "GPL-3.0-or-later"


def test_defaults():
    """The pace is that of the smallest plan, pages are the largest."""
    config = ZendeskConfig(**GOOD)

    assert (config.requests_per_minute, config.export_requests_per_minute) == (200, 10)
    assert (config.user_export_requests_per_minute, config.page_size) == (20, 1000)
    assert config.merge_tags == ["closed_by_merge"]
    assert (config.vendor_user_ids, config.bot_user_ids, config.satisfaction_ratings) == ([], [], True)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"client_secret": "VerySecretLiteral"}, "client_secret"),
        ({"base_url": "http://acme.zendesk.com"}, "base_url"),
        ({"start": "soon"}, "start"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"export_requests_per_minute": "inf"}, "export_requests_per_minute"),
        ({"user_export_requests_per_minute": -1}, "user_export_requests_per_minute"),
        ({"page_size": 0}, "page_size"),
        ({"page_size": 1001}, "page_size"),
        ({"vendor_user_ids": ["ada"]}, "vendor_user_ids"),
        ({"bot_user_ids": ["../1"]}, "bot_user_ids"),
        ({"merge_tags": ["two words"]}, "merge_tags"),
        ({"custom": {"ticket_event": {}}}, "custom"),
        ({"password": "x"}, "password"),
    ],
)
def test_a_wrong_setting_is_refused(change, field):
    """Each wrong or unknown setting is refused, naming it and not repeating what was typed."""
    with pytest.raises(ValidationError) as caught:
        ZendeskConfig(**{**GOOD, **change})

    assert caught.value.errors()[0]["loc"][0] == field
    assert "VerySecretLiteral" not in str(caught.value)


@pytest.mark.parametrize(
    "sign_in",
    [
        {"client_id": "us"},
        {"client_secret": "env:X"},
        {"email": "a@b.test"},
        {"api_token": "env:X"},
        {**OAUTH, **LEGACY},
        {**OAUTH, "email": "a@b.test"},
        {**LEGACY, "client_id": "us"},
        {"client_id": "us", "api_token": "env:X"},
    ],
)
def test_half_a_sign_in_or_two_are_refused(sign_in):
    """Exactly one whole way to sign in can be configured."""
    with pytest.raises(ValidationError, match="client_id and client_secret"):
        ZendeskConfig(**BASE, **sign_in)


@pytest.mark.parametrize("sign_in", [OAUTH, LEGACY])
def test_either_way_to_sign_in_is_taken(sign_in):
    """The OAuth client or the API token will do."""
    assert ZendeskConfig(**BASE, **sign_in)


def test_without_a_sign_in_the_use_is_refused():
    """A project that was only just begun can be read, and says what is missing once it is used."""
    connector = ZendeskConnector(ZendeskConfig(**BASE))

    with pytest.raises(ConfigurationError, match="no sign-in"):
        connector.streams()
    assert [row.status for row in connector.check()] == ["failed"]
    connector.close()


def test_ids_may_be_written_as_numbers():
    """YAML reads an id as a number; it becomes text, and zeros before it mean nothing."""
    config = ZendeskConfig(**GOOD, vendor_user_ids=[123], bot_user_ids=["0456"])

    assert (config.vendor_user_ids, config.bot_user_ids) == (["123"], ["456"])


def test_the_starter_is_a_good_source():
    """What `tallystick init` writes below the address and the start is a configuration that is taken."""
    assert ZendeskConfig(**BASE, **yaml.safe_load(ZendeskConnector.starter)).client_id == "tallystick"


def test_constructing_resolves_no_secret(monkeypatch):
    """A connector can be made while the secret is not there; asking for its streams says what is missing."""
    monkeypatch.delenv("ZENDESK_SECRET", raising=False)
    connector = ZendeskConnector(ZendeskConfig(**GOOD))

    with pytest.raises(ConfigurationError, match="ZENDESK_SECRET is not set"):
        connector.streams()
    connector.close()


def test_the_streams_and_what_they_feed(connect):
    """Users first, and every record type that a stream may yield is named."""
    feeds = {stream.name: stream.types for stream in connect().streams()}

    assert feeds == {
        "users": ("actor",),
        "tickets": ("ticket",),
        "ticket_events": ("ticket_event", "change"),
        "ai_agent_tickets": ("ticket_event",),
        "satisfaction_ratings": ("ticket_event",),
    }
    assert all(name in RECORD_TYPES for types in feeds.values() for name in types)
    assert "satisfaction_ratings" not in {stream.name for stream in connect(satisfaction_ratings=False).streams()}


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({"start": "2026-05-01"}, {"users", "tickets", "ticket_events", "ai_agent_tickets", "satisfaction_ratings"}),
        ({"custom": {"ticket": {"x": {"path": "custom_fields.1"}}}}, {"tickets"}),
        ({"merge_tags": ["zusammen"]}, {"ticket_events"}),
        ({"page_size": 10}, set()),
    ],
)
def test_what_is_declared_otherwise_is_read_again(connect, change, again):
    """A stream's revision changes with the settings its records depend on, and with no other."""
    before = {stream.name: stream.revision for stream in connect().streams()}
    after = {stream.name: stream.revision for stream in connect(**change).streams()}

    assert {name for name in before if before[name] != after[name]} == again


def test_nothing_shows_the_secret(connect):
    """Printing the configuration shows where the secret is kept and not the secret."""
    connector = connect()
    connector.streams()

    assert "VerySecret" not in repr(connector._config)
    assert "VerySecret" not in repr(vars(connector))
    assert connector.calls() == 0


def test_closing_twice_is_harmless(connect):
    """A closed connector raises for those who still read, and can be closed again."""
    connector = connect()
    stream = connector.streams()[0]
    [part] = stream.plan(None, 1_788_220_800_000_000)
    connector.close()
    connector.close()

    with pytest.raises(RetryableError, match="closed"):
        next(stream.read(part))
