"""The connector as a whole: configuration, hook, streams."""

import importlib.metadata
import threading
import tomllib
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

import tallystick_salesforce
from tallystick.connectors import Connector
from tallystick.errors import ConfigurationError, RetryableError
from tallystick_salesforce.connector import SalesforceConfig, SalesforceConnector

BASE = {"base_url": "https://acme.my.salesforce.com", "start": "2026-04-01"}
APP = {"client_id": "us", "client_secret": "env:SALESFORCE_SECRET"}
SIGNED = {"client_id": "us", "username": "ada@acme.test", "private_key": "file:/etc/key.pem"}
GOOD = {**BASE, **APP}


def test_the_hook_offers_the_connector():
    """The plugin's one hook gives the class, which is a whole connector."""
    assert tallystick_salesforce.tallystick_connectors() == [SalesforceConnector]
    assert issubclass(SalesforceConnector, Connector)
    assert (SalesforceConnector.name, SalesforceConnector.config_model) == ("salesforce", SalesforceConfig)


def test_the_versions_agree():
    """The connector states the version of its distribution."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]

    assert SalesforceConnector.version == project["version"] == importlib.metadata.version("tallystick-salesforce")


def test_defaults():
    """The quota is kept as taps keep it, the version is the current one, large first loads go in bulk."""
    config = SalesforceConfig(**GOOD)

    assert (config.stop_at_org_use, config.share_per_run, config.bulk_above) == (0.8, 0.25, 10_000)
    assert (config.api_version, config.audience, config.login_url) == ("68.0", "login", None)
    assert (config.without, config.vendor_user_ids) == ([], [])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"client_secret": "VerySecretLiteral"}, "client_secret"),
        ({"base_url": "http://acme.my.salesforce.com"}, "base_url"),
        ({"base_url": "https://acme.my.salesforce.com/services"}, "base_url"),
        ({"login_url": "ftp://login.salesforce.com"}, "login_url"),
        ({"api_version": "v68.0"}, "api_version"),
        ({"api_version": "68.0/../.."}, "api_version"),
        ({"start": "soon"}, "start"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"stop_at_org_use": 1.5}, "stop_at_org_use"),
        ({"share_per_run": 0}, "share_per_run"),
        ({"bulk_above": 0}, "bulk_above"),
        ({"vendor_user_ids": ["ada"]}, "vendor_user_ids"),
        ({"vendor_user_ids": ["003000000000001AAA"]}, "vendor_user_ids"),
        ({"without": ["Nothing"]}, "without"),
        ({"without": ["User"]}, "without"),
        ({"custom": {"change": {}}}, "custom"),
        ({"custom": {"meeting": {"x": {"path": "Id FROM User"}}}}, "custom"),
        ({"meeting_status_field": "a b", "meeting_status_values": {"x": "completed"}}, "meeting_status_field"),
        ({"meeting_external_id_field": "x'"}, "meeting_external_id_field"),
        ({"meeting_status_field": "A__c", "meeting_status_values": {"x": "held"}}, "meeting_status_values"),
        ({"case_status_values": {"x": "deleted"}}, "case_status_values"),
        ({"currency": "euro"}, "currency"),
        ({"password": "x"}, "password"),
    ],
)
def test_a_wrong_setting_is_refused(change, field):
    """Each wrong or unknown setting is refused, naming it and not repeating what was typed."""
    with pytest.raises(ValidationError) as caught:
        SalesforceConfig(**{**GOOD, **change})

    assert caught.value.errors()[0]["loc"][0] == field
    assert "VerySecretLiteral" not in str(caught.value)


@pytest.mark.parametrize(
    "sign_in",
    [
        {"client_id": "us"},
        {"client_secret": "env:X"},
        {"username": "a@b.test"},
        {"client_id": "us", "username": "a@b.test"},
        {"client_id": "us", "private_key": "env:X"},
        {"username": "a@b.test", "private_key": "env:X"},
        {**APP, **SIGNED},
        {**APP, "username": "a@b.test"},
        {**SIGNED, "client_secret": "env:X"},
    ],
)
def test_half_a_sign_in_or_two_are_refused(sign_in):
    """Exactly one whole way to sign in can be configured."""
    with pytest.raises(ValidationError, match="client_id with client_secret"):
        SalesforceConfig(**BASE, **sign_in)


@pytest.mark.parametrize("sign_in", [APP, SIGNED])
def test_either_way_to_sign_in_is_taken(sign_in):
    """Client credentials or a signed assertion will do."""
    assert SalesforceConfig(**BASE, **sign_in)


@pytest.mark.parametrize("statuses", [{"meeting_status_field": "A__c"}, {"meeting_status_values": {"x": "completed"}}])
def test_a_status_field_needs_its_table(statuses):
    """A field without a table would tell nothing, and a table without a field too."""
    with pytest.raises(ValidationError, match="together"):
        SalesforceConfig(**GOOD, **statuses)


def test_without_a_sign_in_the_use_is_refused():
    """A project that was only just begun can be read, and says what is missing once it is used."""
    connector = SalesforceConnector(SalesforceConfig(**BASE))

    with pytest.raises(ConfigurationError, match="no sign-in"):
        connector.streams()
    assert [row.status for row in connector.check()] == ["failed"]
    connector.close()


def test_a_missing_secret_is_told_before_the_first_call(org, connect, monkeypatch):
    """Nothing is called before the secret is there."""
    connector = connect()
    monkeypatch.delenv("TALLYSTICK_TEST_SALESFORCE")
    with pytest.raises(ConfigurationError, match="TALLYSTICK_TEST_SALESFORCE"):
        connector.streams()

    assert org.calls == []


def test_the_starter_is_a_good_source():
    """What `tallystick init` writes below the address and the start is a configuration that is taken."""
    assert SalesforceConfig(**BASE, **yaml.safe_load(SalesforceConnector.starter)).client_id
    assert SalesforceConnector.source_name == "crm"
    assert yaml.safe_load(SalesforceConnector.starter_outcome)["held_meeting"]["source"] == "crm"


def test_the_version_that_was_asked_for_is_stored(connect):
    """What stands beside each record is the version it was read at."""
    assert connect().api_version == "68.0"
    assert connect(api_version="66.0").api_version == "66.0"
    assert SalesforceConnector.api_version == "68.0"


def test_another_version_is_asked_for(org, connect):
    """The version is part of every path."""
    seen = []
    org.refuse = lambda method, path, params, body: seen.append(path)
    stream = next(iter(connect(api_version="66.0").streams()))
    with pytest.raises(Exception, match="cannot be read"):
        list(stream.read(stream.plan(None, 1_788_220_800_000_000)[0]))

    assert seen[-1] == "/services/data/v66.0/sobjects/User/describe"


def test_the_repr_of_a_configuration_shows_no_secret(configure):
    """Printing a configuration shows where the secret is kept, never it."""
    assert "VerySecret" not in repr(configure()) + configure().model_dump_json()


def test_closing_wakes_whoever_waits(org, connect):
    """A connector that is closed twice is closed, and a read that goes on raises."""
    connector = connect()
    stream = next(iter(connector.streams()))
    connector.close()
    connector.close()
    with pytest.raises(RetryableError, match="closed"):
        list(stream.read(stream.plan(None, 1_788_220_800_000_000)[0]))


def test_sixteen_threads_that_meet_an_expired_token_mint_one(org, connect, row):
    """All streams share one token: when it expires in the middle, one new one is minted for all."""
    connector = connect()
    streams = list(connector.streams())[:16]
    connector._sign_in.token()
    org.valid = "expired"
    until, errors = 1_788_220_800_000_000, []
    start = threading.Barrier(16)

    def run(stream):
        start.wait()
        try:
            list(stream.read(stream.plan(None, until)[0]))
        except Exception as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(stream,)) for stream in streams]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert org.tokens == 2


def test_all_calls_are_counted(org, connect, read):
    """Sign-ins and calls over the wire are told together."""
    connector = connect()
    read(next(iter(connector.streams())))

    assert connector.calls() == len(org.calls) == 3
