"""How a check fails: with what was found, and what to do."""

from __future__ import annotations

from typing import NoReturn

import pytest

__all__ = ["fail", "require"]


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
