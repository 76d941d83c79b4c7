"""Rows whose columns are not shown but committed to, so that any of them can be opened later, and none changed.

    row key     = HMAC-SHA256(secret, canonical [source, type, id, version])
    salt        = HMAC-SHA256(row key, column name)
    commitment  = SHA-256(salt, canonical [column name, value])

The secret never leaves the project. Who is given salt and value of a column checks that they fit the commitment; of the
other columns nothing can be told, not even by trying all values, and who is given one salt learns no other.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tallystick.canonical import canonical
from tallystick.errors import ConfigurationError, Tampered
from tallystick.ledger.private_file import create_private
from tallystick.statements.bundle_format import RowBody, Value
from tallystick.verification.rules import Rules

__all__ = ["Commitments", "check_opened", "commit", "load_secret"]

_SECRET_BYTES = 32
_KEEP = "Keep the bundle: what was opened is not what was committed to."


@dataclass(frozen=True)
class Commitments:
    """The secret of a project, and the claims whose rows are opened."""

    secret: bytes
    claims: frozenset[str]

    def opened(self, decision: Rules) -> Collection[str]:
        """Give the ids of the records whose rows are opened."""
        found: set[str] = set()
        for ref, meant in (decision.meant or {}).items():
            if any(decision.means(f"claim:{claim_id}", ref) for claim_id in self.claims):
                found |= {record_id for record_id in (meant.exact, *meant.others) if record_id is not None}
        return found

    def hide(self, row: RowBody, shown: bool) -> RowBody:  # noqa: FBT001 - whether it is opened
        """Put commitments in the place of the columns of a row; where it is opened, with salts and values."""
        data = row.data or {}
        key = hmac.digest(self.secret, canonical([row.source, row.type, row.id, row.version]), "sha256")
        salts = {name: hmac.digest(key, name.encode(), "sha256") for name in data}
        commitments = {name: commit(salts[name], name, value) for name, value in data.items()}
        return msgspec.structs.replace(
            row,
            data=data if shown else None,
            commitments=commitments,
            salts={name: salt.hex() for name, salt in salts.items()} if shown else None,
        )


def commit(salt: bytes, name: str, value: Value) -> str:
    """Give the commitment to the value of a column, in hexadecimal."""
    return hashlib.sha256(salt + canonical([name, value])).hexdigest()


def check_opened(row: RowBody, where: str) -> None:
    """Return when each opened column of a row is the one that was committed to.

    Raises:
        Tampered: It is not, or columns are missing; names row and column.
    """
    what = f"{row.type} {row.id} version {row.version}"
    data, salts, commitments = row.data or {}, row.salts or {}, row.commitments or {}
    if data.keys() != commitments.keys() or salts.keys() != commitments.keys():
        raise Tampered(f"{what} is opened, but not with the columns that were committed to", hint=_KEEP, where=where)
    for name, value in data.items():
        try:
            salt = bytes.fromhex(salts[name])
        except ValueError:
            salt = b""
        if len(salt) != hashlib.sha256().digest_size or commit(salt, name, value) != commitments[name]:
            raise Tampered(
                f"{what}: {name} is opened as {value!r}, which does not fit its commitment", hint=_KEEP, where=where
            )


def load_secret(path: Path) -> bytes:
    """Give the secret of a project, made on first use in a file that only its owner can read.

    Raises:
        ConfigurationError: The file holds something else.
        StorageError: It cannot be made.
    """
    import secrets

    if not path.exists():
        create_private(path, secrets.token_hex(_SECRET_BYTES).encode() + b"\n")
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"the secret of private bundles cannot be read: {error}",
            hint="Bring it back from a backup: without it, what was committed to cannot be opened.",
            where=str(path),
        ) from None
    if len(secret) != _SECRET_BYTES:
        raise ConfigurationError("this is no secret of private bundles", where=str(path))
    return secret
