"""Every error Tallystick raises, arranged by what the reader does next.

    Error
    ├── ConfigurationError      edit a file or a flag                              exit 2
    │   ├── InputError          the file handed in is wrong; file, line, column    exit 2
    │   └── DatabaseTooNew      update Tallystick                                  exit 2
    ├── PluginError             install, remove or update a plugin                 exit 2
    ├── ContractError           the parties edit the contract; file, line, column  exit 2
    ├── Busy                    wait: another process holds the project            exit 3
    ├── StorageError            make room or mend the disk; nothing was lost       exit 3
    ├── ConnectorError          the source could not be read                       exit 3
    │   ├── RetryableError      wait and call again
    │   │   └── RateLimited     wait `retry_after` seconds
    │   ├── AuthorizationError  sign in again or grant the named permission
    │   └── PermanentError      stop this stream
    │       ├── SchemaChanged   the system answered in a shape we do not know
    │       └── CursorExpired   start the stream again
    └── LedgerError             stop everything, keep the bytes                    exit 4
        ├── Tampered            bytes differ from what was signed or hashed
        └── Inconsistent        two histories that cannot both be true

"Not proven" is a verdict and a finding is a result; neither is an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

__all__ = [
    "AuthorizationError",
    "Busy",
    "ConfigurationError",
    "ConnectorError",
    "ContractError",
    "CursorExpired",
    "DatabaseTooNew",
    "Error",
    "Inconsistent",
    "InputError",
    "LedgerError",
    "PermanentError",
    "PluginError",
    "Position",
    "RateLimited",
    "RetryableError",
    "SchemaChanged",
    "StorageError",
    "Tampered",
]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a `file` that a person edits; `line` and `column` count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Error(Exception):
    """Something a person has to act on; never a verdict.

    Args:
        message: What happened, in one sentence, with no secret in it.
        hint: What to do next.
        where: A position in a file, or a request id.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str = "", where: Position | str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message

    def diagnostics(self) -> str:
        """Give the paragraph a person reads: where, what happened, what to do next."""
        return f"{self}\n  {self.hint}" if self.hint else str(self)


class ConfigurationError(Error):
    """The operator edits a file or a flag."""


class InputError(ConfigurationError):
    """A file that was handed in cannot be used; nothing of it was kept."""


class DatabaseTooNew(ConfigurationError):
    """The project was written by a newer Tallystick."""


class PluginError(Error):
    """The operator installs, removes or updates a plugin."""


class ContractError(Error):
    """The parties edit the contract."""


class Busy(Error):
    """Another process holds the project."""

    exit_code = 3


class StorageError(Error):
    """Evidence could not be written; what was durable before still is."""

    exit_code = 3


class ConnectorError(Error):
    """A source could not be read.

    Args:
        message: What happened.
        hint: What to do next.
        where: The position in a file, if any.
        request_id: The system's own id of the request, to quote to its support.
    """

    exit_code = 3

    def __init__(
        self, message: str, *, hint: str = "", where: Position | str | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message, hint=hint, where=where or (f"request {request_id}" if request_id else None))
        self.request_id = request_id


class RetryableError(ConnectorError):
    """The same call may work later."""


class RateLimited(RetryableError):
    """The system asked us to slow down.

    Args:
        message: What happened.
        retry_after: Seconds the system asked us to wait, if it said so.
        hint: What to do next.
        request_id: The system's own id of the request.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, hint: str = "", request_id: str | None = None
    ) -> None:
        super().__init__(message, hint=hint, request_id=request_id)
        self.retry_after = retry_after


class AuthorizationError(ConnectorError):
    """The operator signs in again or grants the named permission."""


class PermanentError(ConnectorError):
    """Calling again cannot help; the stream stops."""


class SchemaChanged(PermanentError):
    """The system answered in a shape this connector does not know."""


class CursorExpired(PermanentError):
    """The system no longer accepts where we stopped; the stream is read again from its start."""


class LedgerError(Error):
    """Stop everything and keep the bytes."""

    exit_code = 4


class Tampered(LedgerError):
    """Bytes differ from what was hashed or signed."""


class Inconsistent(LedgerError):
    """Two histories that cannot both be true."""
