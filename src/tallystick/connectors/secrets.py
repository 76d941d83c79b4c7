"""References to secrets: a configuration says where a secret is, never what it is."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from tallystick.errors import ConfigurationError

__all__ = ["SecretRef", "hide_secrets", "masked"]

_FORMS = "env:NAME, file:/absolute/path or keyring:service/name"
_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_LONGEST = 65_536
_SHORTEST = 4
"""Signs of a secret that is looked for in a text; a shorter one would be found in any word."""


class SecretRef:
    """Where a secret is kept: `env:NAME`, `file:/absolute/path` or `keyring:service/name`.

    As a field of a pydantic model it takes that text and nothing else. The secret itself is read by `reveal`, as late
    as possible, and is never part of the object: printing, copying or pickling it shows the reference only.

    Args:
        reference: The reference.

    Raises:
        ValueError: It is not a reference; the text is not repeated, because it may be the secret itself.
    """

    __slots__ = ("_place", "_scheme")

    def __init__(self, reference: str) -> None:
        self._scheme, _, self._place = reference.partition(":")
        if not _is_place(self._scheme, self._place):
            raise ValueError(f"a secret does not belong in a file that is shared; write where it is kept: {_FORMS}")

    def __str__(self) -> str:
        return f"{self._scheme}:{self._place}"

    def __repr__(self) -> str:
        return f"SecretRef({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretRef) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def reveal(self) -> str:
        """Read the secret, without the white space around it. Do not keep it, log it or put it into a message.

        Raises:
            ConfigurationError: It is not there, cannot be read, is empty, or is not one word of printable ASCII, so
                that it could not be sent as a header.
        """
        readers = {"env": _from_environment, "file": _from_file, "keyring": _from_keyring}
        secret = readers[self._scheme](self._place).strip()
        if not secret:
            raise ConfigurationError(f"the secret at {self} is empty", hint="Store the key there and run again.")
        if not (secret.isascii() and secret.isprintable()) or " " in secret:
            raise ConfigurationError(
                f"the secret at {self} has white space or special characters inside",
                hint="Store the key alone, on one line, without quotation marks.",
            )
        return secret

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Take the text of a reference, or a reference."""
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def _validate(cls, value: object) -> SecretRef:
        if isinstance(value, SecretRef):
            return value
        # Anything that is not text becomes an empty reference and is refused with the same words.
        return cls(value if isinstance(value, str) else "")

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the text of a reference in JSON Schema."""
        return {
            "type": "string",
            "pattern": "^(env|file|keyring):.+$",
            "description": f"Where a secret is kept: {_FORMS}",
        }


def masked(text: str, secrets: Sequence[str]) -> str:
    """Give a text without some secrets, however they are written in it: plain, quoted as in an address, or base64."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        for form in (secret, quote(secret, safe=""), quote_plus(secret), b64encode(secret.encode()).decode()):
            text = text.replace(form, "...")
    return text


def hide_secrets(text: str, config: BaseModel) -> str:
    """Give a text with every secret of a source taken out, should a plugin have put one in.

    Args:
        text: What is about to be shown or kept.
        config: The settings of the source; their references are read now, and nothing of them is kept.
    """
    for reference in _references(config):
        with suppress(ConfigurationError):
            secret = reference.reveal()
            if len(secret) >= _SHORTEST:
                text = text.replace(secret, f"<{reference}>")
    return text


def _references(value: object) -> Iterator[SecretRef]:
    if isinstance(value, SecretRef):
        yield value
    elif isinstance(value, BaseModel):
        for _, held in value:
            yield from _references(held)
    elif isinstance(value, Mapping):
        for held in value.values():
            yield from _references(held)
    elif isinstance(value, list | tuple | set | frozenset):
        for held in value:
            yield from _references(held)


def _is_place(scheme: str, place: str) -> bool:
    if scheme == "env":
        return _ENV.fullmatch(place) is not None
    if scheme == "file":
        return Path(place).is_absolute()
    service, _, name = place.partition("/")
    return scheme == "keyring" and bool(service) and bool(name)


def _from_environment(name: str) -> str:
    if name not in os.environ:
        raise ConfigurationError(
            f"the environment variable {name} is not set", hint=f"Set {name} where the command runs, and run again."
        )
    return os.environ[name]


def _from_file(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LONGEST)
    except OSError as cause:
        raise ConfigurationError(
            f"the secret file {path} cannot be read: {cause.strerror}", hint="Create it, readable for this user only."
        ) from cause
    # Bytes that are not UTF-8 become signs that `reveal` refuses, without a message that repeats them.
    return content.decode("utf-8", errors="replace")


def _from_keyring(place: str) -> str:
    try:
        import keyring  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise ConfigurationError(
            f"keyring:{place} needs the package keyring, which is not installed",
            hint="Install it (pip install keyring), or keep the secret in env:NAME or file:/path.",
        ) from None
    service, _, name = place.partition("/")
    try:
        secret = keyring.get_password(service, name)
    except keyring.errors.KeyringError as cause:
        raise ConfigurationError(f"the keyring cannot be opened for keyring:{place}: {type(cause).__name__}") from None
    if secret is None:
        raise ConfigurationError(
            f"the keyring has no secret keyring:{place}", hint=f"Store it: keyring set {service} {name}"
        )
    return str(secret)
