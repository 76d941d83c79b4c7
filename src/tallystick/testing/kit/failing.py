"""How a check fails: with what was found, and what to do."""

from __future__ import annotations

from typing import NoReturn

import pytest

from tallystick.errors import Error

__all__ = ["fail", "require", "said"]


def fail(found: str, advice: str) -> NoReturn:
    """Fail the running check.

    Args:
        found: What was found, in one sentence.
        advice: What the connector's author does about it.
    """
    pytest.fail(f"{found}\n  {advice}", pytrace=False)


def require(holds: object, found: str, advice: str) -> None:
    """Fail the running check unless something holds; see `fail`."""
    if not holds:
        fail(found, advice)


def said(error: Error) -> str:
    """Give an error in one line: what happened, and its own advice."""
    return f"{error} {error.hint}".strip()
