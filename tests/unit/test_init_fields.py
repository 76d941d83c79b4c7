"""What `tallystick init` asks is derived from a connector's config model, and an answer stands in the file as typed."""

from datetime import date
from typing import Annotated, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, StringConstraints

from tallystick.cli.init_fields import (
    as_yaml,
    described,
    others_of,
    problem_with,
    settings_of,
    trouble_with_reference,
)
from tallystick.connectors import ConnectorConfig, HttpConfig, SecretRef
from tallystick.yamlfile import parse_yaml


class _Config(HttpConfig):
    """What may be said.

    Attributes:
        base_url: Where it is,
            on two lines.
        token: Where the token is kept.
    """

    base_url: str = "https://api.example.com"
    token: SecretRef
    start: date
    name: str | None = None
    code: Annotated[str, StringConstraints(pattern="^[0-9]+$")] = "0"
    size: int = Field(default=3, description="How many.")
    mode: Literal["live", "test"] | None = None
    legacy: SecretRef | None = None
    parts: list[str] = Field(default=[])


class _Kind:
    name: ClassVar = "acme"
    config_model: ClassVar = _Config
    starter: ClassVar = "# only a comment\nname: usual\n"


def test_what_is_needed_shown_or_secret_is_asked():
    """Asked are the address, what is required, and what the starter shows; a second way to sign in is not."""
    asked = {setting.name: setting for setting in settings_of(_Kind, {"start": "2026-01-01"})}

    assert list(asked) == ["base_url", "token", "start", "name"]
    assert [setting.default for setting in asked.values()] == [
        "https://api.example.com",
        "env:ACME_TOKEN",
        "2026-01-01",
        "usual",
    ]
    assert [name for name, setting in asked.items() if setting.secret] == ["token"]
    assert [name for name, setting in asked.items() if not setting.required] == ["name"]


def test_what_may_stand_in_place_of_something_left_out():
    """All that is optional and has no usual value may stand in place of what was left out, but no lists."""
    assert [setting.name for setting in others_of(_Kind, ["name"])] == ["mode", "legacy"]


def test_fields_are_described_by_docstrings_and_descriptions():
    """A description of a field, or what `Attributes` say in a class or its bases, is the text of the question."""
    said = described(_Config)

    assert said["base_url"] == "Where it is, on two lines."
    assert said["token"] == "Where the token is kept."
    assert said["size"] == "How many."
    assert "custom" in said  # of the base class


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1))
def test_a_text_is_read_back_as_it_was_typed(text):
    """Whatever a person types for a text, YAML reads that text: no number, date, constant, comment or mapping."""
    assert parse_yaml(f"name: {as_yaml(_Config, 'name', text)}\n", "typed").data == {"name": text}


def test_other_kinds_are_left_as_typed():
    """Days, numbers and lists are written without quotes, so that they are read as such."""
    assert as_yaml(_Config, "start", "2026-01-01") == "2026-01-01"
    assert as_yaml(_Config, "size", "7") == "7"
    assert as_yaml(_Config, "parts", "[a, b]") == "[a, b]"
    assert as_yaml(_Config, "code", "007") == "007"
    assert as_yaml(_Config, "code", "7") == '"7"'
    assert as_yaml(ConnectorConfig, "unknown", "yes: no") == '"yes: no"'


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("base_url", "api.example.com", "write an address"),
        ("start", "soon", "date"),
        ("mode", "both", "live"),
        ("code", "x", "pattern"),
        ("base_url", "https://desk.example.com", None),
        ("start", "2026-02-01", None),
        ("mode", "test", None),
    ],
)
def test_one_answer_is_judged_alone(name, text, wrong):
    """What a model says of one field is told at once, though all others are still missing."""
    found = problem_with(_Config, name, text)

    assert found is None if wrong is None else wrong in found


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("env:ACME_KEY", True),
        ("file:/run/secrets/acme", True),
        ("keyring:acme/key", True),
        ("env:acme_key", False),
        ("env:sk_live_abcdef0123456789", False),
        ("sk_live_abcdef0123456789", False),
        ("file:secret", False),
        ("", False),
    ],
)
def test_what_is_no_reference_is_refused_without_being_repeated(text, taken, monkeypatch):
    """A reference is taken; a secret, also one that looks like a variable's name, is refused and not repeated."""
    trouble = trouble_with_reference(text)

    assert (trouble is None) == taken
    assert taken or not text or text not in trouble
    monkeypatch.setenv("acme_key", "x")
    assert trouble_with_reference("env:acme_key") is None
