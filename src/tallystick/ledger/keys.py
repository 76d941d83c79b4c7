"""Ed25519 keys with a name, in the text forms of C2SP signed notes.

A verifier is published as `name+hash+key`. The signing key is a file that only its owner can read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tallystick.errors import ConfigurationError, Tampered
from tallystick.ledger.private_file import create_private

__all__ = [
    "LedgerKeys",
    "Signer",
    "Verifier",
    "check_key_name",
    "decode_base64",
    "generate_key",
    "load_key",
    "load_or_create_key",
]

_ED25519 = b"\x01"
_KEY_SIZE = 32
_HASH = re.compile(r"[0-9a-f]{8}")
_SECRET_PREFIX = "PRIVATE+KEY+"  # noqa: S105 - the public prefix of the format
_HINT = "Restore the file from a backup, or move it away and let a new key be made; publish the new verifier then."


@dataclass(frozen=True)
class Verifier:
    """A named public key.

    Args:
        name: Name on the signature line; no white space and no plus sign.
        public_key: The 32 bytes of the Ed25519 key.
    """

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if len(self.public_key) != _KEY_SIZE:
            raise ConfigurationError(f"the public key of {self.name} has {len(self.public_key)} bytes, not {_KEY_SIZE}")

    @property
    def key_hash(self) -> bytes:
        """The 4 bytes that tell keys of one name apart: SHA-256(name, newline, 0x01, key), cut."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:4]

    @property
    def vkey(self) -> str:
        """The form to publish: `name+hash+base64(0x01, key)`."""
        return f"{self.name}+{self.key_hash.hex()}+{base64.b64encode(_ED25519 + self.public_key).decode()}"

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Read the published form.

        Raises:
            ConfigurationError: The text is malformed, of another algorithm, or its hash does not fit its key.
        """
        name, hexadecimal, key = _split_key(text, "a verifier key")
        verifier = cls(name, key)
        if verifier.key_hash.hex() != hexadecimal:
            raise ConfigurationError(f"the verifier key of {name} does not fit its own hash", hint="Copy it again.")
        return verifier

    def at(self, size: int) -> Verifier:  # noqa: ARG002 - a chain of keys, `KeyChain`, has one for each size
        """Give the key that signs the checkpoint of that size: this one."""
        return self

    def verify(self, signature: bytes, message: bytes) -> None:
        """Return when the 64-byte signature is this key's over the message.

        Raises:
            Tampered: It is not.
        """
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except InvalidSignature:
            raise Tampered(
                f"the signature of {self.name} does not fit the text it stands under",
                hint="Keep the bytes: the text or the signature was changed after signing.",
            ) from None


class LedgerKeys(Protocol):
    """Whatever signs the checkpoints of a ledger: one `Verifier`, or a chain of them."""

    def at(self, size: int) -> Verifier:
        """Give the key that signs the checkpoint of that size."""


@dataclass(frozen=True)
class Signer:
    """A named signing key; its secret appears in no repr.

    Args:
        name: Name on the signature line; no white space and no plus sign.
        secret: The 32 bytes of the Ed25519 seed.
    """

    name: str
    secret: bytes = field(repr=False)

    @cached_property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Give the 64-byte signature over a message; the same message gives the same signature."""
        return self._key.sign(message)

    def encode(self) -> bytes:
        """Give the content of the file that holds the key; it is the secret itself."""
        encoded = base64.b64encode(_ED25519 + self.secret).decode()
        return f"{_SECRET_PREFIX}{self.name}+{self.verifier.key_hash.hex()}+{encoded}\n".encode()

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.secret)


def generate_key(path: Path, name: str) -> Signer:
    """Make a signing key and write it to a new file that only its owner can read.

    The file appears complete or not at all.

    Raises:
        ConfigurationError: The name cannot stand on a signature line, or the file exists.
        StorageError: The file cannot be written.
    """
    check_key_name(name)
    signer = Signer(name, secrets.token_bytes(_KEY_SIZE))
    try:
        create_private(path, signer.encode())
    except FileExistsError:
        raise ConfigurationError(f"{path} exists; a signing key is never written over") from None
    return signer


def load_key(path: Path, name: str | None = None) -> Signer:
    """Read a signing key.

    Args:
        path: The file.
        name: The name the key must have, if it is known.

    Raises:
        ConfigurationError: The file is missing, can be read by others than its owner, is no key, or is the key of
            another name.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(4096).decode(errors="replace")
    except OSError as error:
        raise ConfigurationError(f"{path}: the signing key cannot be read: {error.strerror}") from error
    if os.name == "posix" and mode & 0o077:
        raise ConfigurationError(
            f"{path}: others than its owner have access to the signing key (mode {mode:04o})",
            hint=f"Run `chmod 600 {path}`; if others may have read it, make a new key.",
        )
    if not (text.startswith(_SECRET_PREFIX) and text.endswith("\n")):
        raise ConfigurationError(f"{path} is not a signing key", hint=_HINT)
    try:
        found, hexadecimal, secret = _split_key(text.removeprefix(_SECRET_PREFIX)[:-1], "a signing key")
    except ConfigurationError:
        raise ConfigurationError(f"{path} is not a signing key", hint=_HINT) from None
    signer = Signer(found, secret)
    if signer.verifier.key_hash.hex() != hexadecimal:
        raise ConfigurationError(f"{path}: the signing key is damaged", hint=_HINT)
    if name not in {None, found}:
        raise ConfigurationError(f"{path} is the signing key of {found}, not of {name}", hint=_HINT)
    return signer


def load_or_create_key(path: Path, name: str) -> Signer:
    """Read a signing key, or make it where there is none.

    Raises:
        ConfigurationError: See `load_key`.
        StorageError: See `generate_key`.
    """
    if not path.exists():
        try:
            return generate_key(path, name)
        except ConfigurationError:
            # Another process made it in the meantime, or the name is wrong.
            if not path.exists():
                raise
    return load_key(path, name)


def check_key_name(name: str) -> None:
    """Return when a name can stand on a signature line and in a published key.

    Raises:
        ConfigurationError: It is empty, or has white space, a control character or a plus sign.
    """
    if not name or "+" in name or any(letter.isspace() or not letter.isprintable() for letter in name):
        raise ConfigurationError(f"{name!r} cannot name a key", hint="Use letters, digits, dots, slashes and hyphens.")


def decode_base64(text: str) -> bytes | None:
    """Give the bytes of a standard base64 text, or None unless it is exactly how those bytes are written."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def _split_key(text: str, what: str) -> tuple[str, str, bytes]:
    """Split `name+hash+base64(0x01, key)`, with no part of the text in any message."""
    parts = text.split("+", 2)
    if len(parts) == 3 and _HASH.fullmatch(parts[1]):
        data = decode_base64(parts[2])
        if data is not None and data[:1] == _ED25519 and len(data) == 1 + _KEY_SIZE:
            check_key_name(parts[0])
            return parts[0], parts[1], data[1:]
    raise ConfigurationError(f"this is not {what}", hint="It reads name+hash+key, for an Ed25519 key.")
