"""The connector as a whole: configuration, hook, streams."""

import importlib.metadata
import tomllib
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

import tallystick_hubspot
from tallystick.connectors import Connector
from tallystick.errors import ConfigurationError
from tallystick.records.types import RECORD_TYPES
from tallystick_hubspot.connector import HubSpotConfig, HubSpotConnector
from tallystick_hubspot.kinds import KINDS
from tallystick_hubspot.paths import Paths

GOOD = {"start": "2026-04-01", "token": "env:HUBSPOT_TOKEN"}
OAUTH = {"client_id": "us", "client_secret": "env:A", "refresh_token": "env:B"}


def test_the_hook_offers_the_connector():
    """The plugin's one hook gives the class, which is a whole connector."""
    assert tallystick_hubspot.tallystick_connectors() == [HubSpotConnector]
    assert issubclass(HubSpotConnector, Connector)
    assert (HubSpotConnector.name, HubSpotConnector.config_model) == ("hubspot", HubSpotConfig)


def test_the_versions_agree():
    """The connector states the version of its distribution, and asks for a urllib3 that works with the SDK."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]

    assert HubSpotConnector.version == project["version"] == importlib.metadata.version("tallystick-hubspot")
    assert "urllib3>=2.6.1" in project["dependencies"]


def test_defaults():
    """The pace is that of the smallest plan, the origin HubSpot's, and everything is read."""
    config = HubSpotConfig(**GOOD)

    assert config.base_url == "https://api.hubapi.com"
    assert (config.searches_per_second, config.requests_per_second, config.lag_minutes) == (5, 9, 60)
    assert set(config.objects) == set(KINDS)
    assert (config.version, config.legacy, config.threads, config.lookup_through_sdk) == ("2026-09", False, True, True)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"token": "VerySecretLiteral"}, "token"),
        ({"base_url": "http://api.hubapi.com"}, "base_url"),
        ({"start": "soon"}, "start"),
        ({"version": "v3"}, "version"),
        ({"objects": []}, "objects"),
        ({"objects": ["leads"]}, "objects"),
        ({"history": {"leads": []}}, "history"),
        ({"history": {"deals": ["a b"]}}, "history"),
        ({"candidates": {"stage": "x"}}, "candidates"),
        ({"lag_minutes": -1}, "lag_minutes"),
        ({"recheck_days": 400}, "recheck_days"),
        ({"role": "boss"}, "role"),
        ({"call_dispositions": {"x": "reached"}}, "call_dispositions"),
        ({"meeting_outcomes": {"x": "held"}}, "meeting_outcomes"),
        ({"call_conference": {"property": "x", "values": []}}, "call_conference"),
        ({"vendor_user_ids": ["ada"]}, "vendor_user_ids"),
        ({"vendor_app_ids": ["app:5"]}, "vendor_app_ids"),
        ({"searches_per_second": 0}, "searches_per_second"),
        ({"requests_per_second": "inf"}, "requests_per_second"),
        ({"custom": {"invoice": {}}}, "custom"),
        ({"custom": {"deal": {"x": {"path": "amount"}}}}, "custom"),
        ({"custom": {"deal": {"x": {"path": "properties.a.b"}}}}, "custom"),
        ({"password": "x"}, "password"),
    ],
)
def test_a_wrong_setting_is_refused(change, field):
    """Each wrong or unknown setting is refused, naming it and not repeating what was typed."""
    with pytest.raises(ValidationError) as caught:
        HubSpotConfig(**{**GOOD, **change})

    assert caught.value.errors()[0]["loc"][0] == field
    assert "VerySecretLiteral" not in str(caught.value)


@pytest.mark.parametrize(
    "sign_in",
    [
        {"client_id": "us"},
        {"client_id": "us", "client_secret": "env:A"},
        {"refresh_token": "env:B"},
        {**OAUTH, "token": "env:C"},
        {"token": "env:C", "client_id": "us"},
    ],
)
def test_half_a_sign_in_or_two_are_refused(sign_in):
    """One whole sign-in is taken, and nothing else."""
    with pytest.raises(ValidationError, match="not both"):
        HubSpotConfig(start="2026-04-01", **sign_in)


def test_without_a_sign_in_the_use_is_refused():
    """A project that was only just begun has no sign-in yet; that is told when it is used."""
    connector = HubSpotConnector(HubSpotConfig(start="2026-04-01"))

    with pytest.raises(ConfigurationError, match="no sign-in"):
        connector.streams()
    connector.close()


def test_the_starter_is_a_good_source():
    """What `init` writes is a configuration once the first day is known, and the outcome names the source."""
    assert HubSpotConfig(start="2026-04-01", **yaml.safe_load(HubSpotConnector.starter))
    outcome = yaml.safe_load(HubSpotConnector.starter_outcome)

    assert {one["source"] for one in outcome.values()} == {HubSpotConnector.source_name}


def test_constructing_resolves_no_secret(monkeypatch):
    """A connector is made without its secret; what needs it says where it should be."""
    monkeypatch.delenv("HUBSPOT_TOKEN", raising=False)
    connector = HubSpotConnector(HubSpotConfig(**GOOD))

    with pytest.raises(ConfigurationError, match="HUBSPOT_TOKEN"):
        connector.streams()
    connector.close()


def test_the_streams_and_what_they_feed(connect):
    """Owners, and of each kind what changed and what was deleted; every type exists in the core."""
    found = {stream.name: stream for stream in connect().streams()}

    assert next(iter(found)) == "owners"
    assert set(found) == {"owners", *KINDS, *(f"archived_{kind}" for kind in KINDS)}
    assert found["owners"].types == ("actor",)
    assert set(found["meetings"].types) == {"meeting", "attendee", "change"}
    assert set(found["companies"].types) == {"account"}
    assert set(found["tickets"].types) == {"ticket", "ticket_event", "change", "actor"}
    assert all(set(stream.types) <= set(RECORD_TYPES) for stream in found.values())


def test_what_is_not_read_feeds_nothing(connect):
    """Without conversations and histories a stream feeds neither actors nor changes, and kinds may be left out.

    Acts on tickets are then never known to be all.
    """
    config = {"objects": ["tickets", "deals"], "threads": False, "history": {"tickets": [], "deals": []}}
    found = {stream.name: stream for stream in connect(**config).streams()}

    assert set(found) == {"owners", "tickets", "archived_tickets", "deals", "archived_deals", "conversations"}
    assert found["conversations"].types == ("ticket_event",)
    assert found["conversations"].plan(None, 2**60) == []
    assert set(found["tickets"].types) == {"ticket", "ticket_event"}
    assert found["deals"].types == ("deal",)


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({}, set()),
        ({"requests_per_second": 18}, set()),
        ({"token": "env:TALLYSTICK_TEST_CLIENT"}, set()),
        ({"start": "2026-05-01"}, {"owners", *KINDS}),
        ({"custom": {"deal": {"x": {"path": "properties.x"}}}}, {"deals"}),
        ({"history": {"deals": ["amount"]}}, {"deals"}),
        ({"candidates": {"pipelines": ["0"]}}, {*KINDS} - {"companies"}),
        ({"meeting_outcomes": {"HELD": "completed"}}, {"meetings"}),
        ({"call_conference": {"property": "sort", "values": ["zoom"]}}, {"calls"}),
        ({"threads": False}, {"tickets"}),
        ({"role": "team"}, {"owners"}),
    ],
)
def test_what_is_declared_otherwise_is_read_again(connect, change, again):
    """A stream begins again when its records would be others, and for nothing else."""
    before = {stream.name: stream.revision for stream in connect().streams()}
    after = {stream.name: stream.revision for stream in connect(**change).streams()}

    assert {name.removeprefix("archived_") for name in before if before[name] != after[name]} == again
    assert all(before.values())


def test_the_order_of_what_is_declared_does_not_matter(connect):
    """The same set of settings, written in another order, reads nothing again."""
    first = connect(candidates={"pipelines": ["a", "b", "c"]}, meeting_outcomes={"A": "completed", "B": "no_show"})
    second = connect(candidates={"pipelines": ["c", "b", "a"]}, meeting_outcomes={"B": "no_show", "A": "completed"})

    assert [one.revision for one in first.streams()] == [one.revision for one in second.streams()]


def test_both_spellings():
    """Each path has a dated and a numbered spelling; conversations say their own name twice."""
    dated, numbered = Paths(), Paths(legacy=True)

    assert dated.objects("tickets") == "/crm/objects/2026-09/tickets"
    assert numbered.objects("tickets") == "/crm/v3/objects/tickets"
    assert dated.associations("deals", "contacts") == "/crm/associations/2026-09/deals/contacts/batch/read"
    assert numbered.associations("deals", "contacts") == "/crm/v4/associations/deals/contacts/batch/read"
    assert dated.messages("7") == "/conversations/conversations/2026-09/threads/7/messages"
    assert numbered.messages("7") == "/conversations/v3/conversations/threads/7/messages"
    assert (dated.token, numbered.token) == ("/oauth/2026-09/token", "/oauth/v1/token")


def test_nothing_shows_the_secret(connect):
    """Neither the configuration nor the sign-in shows more than where the secret is kept."""
    connector = connect()

    assert "pat-na1" not in repr(connector._config) + repr(connector._sign_in) + str(vars(connector))


def test_closing_twice_is_harmless(connect):
    """Connections are given back once, and a second time is nothing."""
    connector = connect(oauth=True)
    connector.close()
    connector.close()
