"""What goes wrong in a database, in our words: by its SQLSTATE, never with a statement, a value or a password."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from tallystick.connectors import masked
from tallystick.errors import AuthorizationError, ConnectorError, PermanentError, RetryableError, SchemaChanged

__all__ = ["database_error"]

_WAIT = ("08", "53", "57P", "40", "58")
_SIGN_IN = ("authentication failed", "no password supplied", "no pg_hba.conf entry", 'FATAL:  role "')
_LONGEST = 300


def database_error(error: DBAPIError, secret: str) -> ConnectorError:
    """Give an error of a driver as one of ours.

    Args:
        error: What SQLAlchemy raised.
        secret: The password, which must not appear.
    """
    cause = error.orig
    state = str(getattr(cause, "sqlstate", None) or "")
    said = _said(cause, secret)
    # What is refused before a session begins comes without an SQLSTATE.
    if state.startswith("28") or (not state and any(part in said for part in _SIGN_IN)):
        return AuthorizationError(f"the database refused to sign in: {said}", hint="Check the user and the password.")
    if state == "42501":
        return AuthorizationError(f"the database refused: {said}", hint="Grant SELECT on it to the user.")
    if state in {"42P01", "42703", "3F000"} or "no such" in said:
        return SchemaChanged(f"the database has no such thing: {said}", hint="Correct the description, or the view.")
    if state == "57014" or "interrupted" in said:
        return RetryableError(
            "a statement took longer than statement_timeout_seconds",
            hint="Is there an index on cursor and key? Else raise the setting.",
        )
    if state.startswith(_WAIT) or (not state and isinstance(error, OperationalError | InterfaceError)):
        return RetryableError(f"the database could not be asked: {said}", hint="Run the sync again later.")
    return PermanentError(f"the database refused: {said}", hint="Correct the description, or the view.")


def _said(cause: BaseException | None, secret: str) -> str:
    """Give the first line of a message: further ones quote the statement and the data."""
    lines = str(cause).splitlines() or [type(cause).__name__]
    return masked(lines[0], [secret])[:_LONGEST]
