"""One account of a system whose simulator is a `SteeredApp`: what the kit asks of all of these alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

from tallystick.testing.kit.system import System
from tallystick.testing.kit.tape import Tape
from tallystick.testing.steering import SteeredApp

__all__ = ["SteeredSystem"]

A = TypeVar("A", bound=SteeredApp[Any])


class SteeredSystem(System, Generic[A]):
    """One account that a `SteeredApp` of this process simulates: `app`, whose clock, calls and faults are the system's.

    Args:
        app: The simulator.
        tape: What serves it.
        config: As of `System`, and so the others.
        page_size: Objects in a full page.
        environment: Variables with secrets.
    """

    def __init__(
        self,
        app: A,
        tape: Tape,
        config: Mapping[str, Any],
        *,
        page_size: int,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(config, page_size=page_size, environment=environment)
        self.app = app
        self._tape = tape

    def now(self) -> int:
        """Give the virtual clock, microseconds UTC."""
        return self.app.now * 1_000_000

    def advance(self, seconds: int) -> None:
        """Move the virtual clock on."""
        self.app.move(self.app.now + seconds)

    def calls(self) -> int:
        """Give the calls of the simulator so far, those for tokens included."""
        return sum(self.app.calls.values())

    def clear(self) -> None:
        """Let no call go wrong any more; a subclass undoes here what else it steered."""
        self.app.faults.load([])

    def delivered(self) -> AbstractContextManager[Collection[bytes]]:
        """Write down the answers while the block runs."""
        return self._tape.recording()
