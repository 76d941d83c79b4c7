"""Secrets are references; what they refer to is read late and shown nowhere."""

import copy
import json
import pickle
import sys
import types

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from tallystick.connectors import ConnectorConfig, SecretRef
from tallystick.errors import ConfigurationError

SECRET = "rk_live_51HxVerySecretIndeed"


class _Model(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    key: SecretRef


def test_an_environment_variable_is_read_late(monkeypatch):
    """The reference is made before the variable exists, and its value is read when asked for."""
    ref = SecretRef("env:TALLYSTICK_TEST_KEY")
    monkeypatch.setenv("TALLYSTICK_TEST_KEY", f" {SECRET}\n")

    assert ref.reveal() == SECRET


def test_a_file_is_read_without_its_last_line_end(tmp_path):
    """White space around a key in a file does not count."""
    file = tmp_path / "key"
    file.write_text(f"{SECRET}\r\n")

    assert SecretRef(f"file:{file}").reveal() == SECRET


def test_a_keyring_is_asked_by_service_and_name(monkeypatch):
    """keyring:service/name asks the keyring for that name in that service."""
    keyring = types.SimpleNamespace(
        get_password=lambda service, name: SECRET if (service, name) == ("tallystick", "billing") else None,
        errors=types.SimpleNamespace(KeyringError=RuntimeError),
    )
    monkeypatch.setitem(sys.modules, "keyring", keyring)

    assert SecretRef("keyring:tallystick/billing").reveal() == SECRET
    with pytest.raises(ConfigurationError, match="has no secret keyring:tallystick/other"):
        SecretRef("keyring:tallystick/other").reveal()


def test_a_keyring_that_is_not_installed_is_named(monkeypatch):
    """Without the package the message says what to install or to use instead."""
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(ConfigurationError, match="not installed") as caught:
        SecretRef("keyring:tallystick/billing").reveal()
    assert "pip install keyring" in caught.value.hint


def test_a_keyring_that_fails_is_told_without_a_trace(monkeypatch):
    """A locked keyring is a configuration error that names its kind only."""

    class _LockedError(Exception):
        pass

    def locked(_service, _name):
        raise _LockedError(SECRET)

    errors = types.SimpleNamespace(KeyringError=_LockedError)
    monkeypatch.setitem(sys.modules, "keyring", types.SimpleNamespace(get_password=locked, errors=errors))

    with pytest.raises(ConfigurationError, match="cannot be opened") as caught:
        SecretRef("keyring:tallystick/billing").reveal()
    assert SECRET not in caught.value.diagnostics()


@pytest.mark.parametrize("shown", [str, repr, "{}".format, lambda ref: _Model(key=ref).model_dump_json()])
def test_only_the_reference_is_ever_shown(monkeypatch, shown):
    """Printing a reference, alone or in a model, shows where the secret is and not what it is."""
    monkeypatch.setenv("TALLYSTICK_TEST_KEY", SECRET)
    ref = SecretRef("env:TALLYSTICK_TEST_KEY")
    ref.reveal()

    assert "env:TALLYSTICK_TEST_KEY" in shown(ref)
    assert SECRET not in shown(ref)


def test_copies_hold_the_reference_only(monkeypatch):
    """A pickled or copied reference does not carry the secret along."""
    monkeypatch.setenv("TALLYSTICK_TEST_KEY", SECRET)
    ref = SecretRef("env:TALLYSTICK_TEST_KEY")
    ref.reveal()

    assert SECRET.encode() not in pickle.dumps(ref)
    assert copy.deepcopy(ref) == ref
    assert len({ref, copy.copy(ref)}) == 1


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        "",
        "env:",
        "env:1X",
        "env:A B",
        "file:relative/path",
        "file:",
        "keyring:only",
        "keyring:/x",
        "vault:x",
        5,
    ],
)
def test_anything_else_is_refused_without_repeating_it(text):
    """A literal secret, or half a reference, is refused with the forms that are right and is not echoed."""
    with pytest.raises(ValidationError) as caught:
        _Model(key=text)

    assert "env:NAME, file:/absolute/path or keyring:service/name" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.errors()[0]["loc"] == ("key",)


def test_a_connector_config_never_repeats_what_was_typed():
    """A secret typed into a wrong field of a source is not echoed either."""

    class _Config(ConnectorConfig):
        key: SecretRef

    with pytest.raises(ValidationError) as caught:
        _Config(key=SECRET, custom=SECRET)

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("two words", "white space"),
        ("a\nb", "white space"),
        ("schlüssel", "special"),
    ],
)
def test_what_could_not_be_a_header_is_refused(monkeypatch, content, reason):
    """An empty secret, or one with white space or special characters inside, is refused without repeating it."""
    monkeypatch.setenv("TALLYSTICK_TEST_KEY", content)

    with pytest.raises(ConfigurationError, match=reason) as caught:
        SecretRef("env:TALLYSTICK_TEST_KEY").reveal()
    assert not content.strip() or content not in caught.value.diagnostics()


def test_bytes_that_are_no_text_are_refused(tmp_path):
    """A binary file is no secret, and its bytes are not repeated."""
    file = tmp_path / "key"
    file.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigurationError, match="special characters"):
        SecretRef(f"file:{file}").reveal()


@pytest.mark.parametrize("reference", ["env:TALLYSTICK_NOT_SET", "file:/nowhere/at/all"])
def test_a_missing_secret_says_where_it_should_be(reference):
    """The message names the reference's place and the hint says what to do."""
    with pytest.raises(ConfigurationError, match=reference.partition(":")[2]) as caught:
        SecretRef(reference).reveal()
    assert caught.value.hint


def test_the_schema_describes_the_reference():
    """The JSON Schema of a config says what forms a reference has."""
    schema = json.dumps(_Model.model_json_schema())

    assert "^(env|file|keyring):.+$" in schema


def test_a_model_takes_a_reference_as_it_is():
    """A reference that was already made is taken as it is."""
    ref = SecretRef("env:A")

    assert _Model(key=ref).key is ref
