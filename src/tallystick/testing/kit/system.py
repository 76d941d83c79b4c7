"""One account of a simulated system of record, as the kit steers it: over HTTP, in files or in a database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any

from tallystick.testing.kit.capability import Capability

__all__ = ["UNKNOWN_WORD", "System"]

UNKNOWN_WORD = "word_of_the_future"
"""What a field of fixed words holds after `Capability.UNKNOWN_WORD`."""


class System(ABC):
    """One account. Its clock is virtual and moves only by `advance`.

    A plugin's kit subclasses this around its simulator. What is not abstract is asked for only where the kit does not
    say that the system lacks it.

    Args:
        config: What `tallystick.yaml` says about the source, without `connector`.
        page_size: Objects in a full page.
        environment: Environment variables that the configuration names, with their secrets.
    """

    def __init__(
        self, config: Mapping[str, Any], *, page_size: int, environment: Mapping[str, str] | None = None
    ) -> None:
        self.config = dict(config)
        self.page_size = page_size
        self.environment = dict(environment or {})

    @abstractmethod
    def now(self) -> int:
        """Give the system's clock, microseconds UTC."""

    @abstractmethod
    def advance(self, seconds: int) -> None:
        """Move the system's clock on; what is due by then happens."""

    @abstractmethod
    def calls(self) -> int:
        """Give the calls that the system was asked so far, refused ones and sign-ins included."""

    @abstractmethod
    def create(self, record_type: str) -> str:
        """Make an object at the system's now, and give the id of the record it becomes.

        Called again without moving the clock, it makes another one at the same instant.
        """

    def edit(self, record_type: str, record_id: str) -> str | None:
        """Change a field of an object, at the system's now, to a value it never had.

        Args:
            record_type: One of the kit's `creates`.
            record_id: Id of the record that the object becomes.

        Returns:
            Id of the actor who did it, as the system tells it; None where it does not tell.
        """
        raise self._missing(Capability.EDITS)

    def delete(self, record_type: str, record_id: str) -> None:
        """Delete an object at the system's now; `record_type` and `record_id` name it as for `edit`."""
        raise self._missing(Capability.DELETIONS)

    def merge(self, record_type: str, kept: str, gone: str) -> None:
        """Merge the object `gone` into `kept` at the system's now; both are of `record_type`."""
        raise self._missing(Capability.MERGES)

    def set_fault(self, fault: Capability, *, after: int = 0, times: int | None = 1, seconds: int = 0) -> None:
        """Let calls for data go wrong from now on, beside the faults already set.

        Args:
            fault: One of `FAULTS`.
            after: Calls for data that still go well.
            times: Calls that go wrong; None: all of them.
            seconds: How long to wait, how far ahead, how young: see the capability.
        """
        raise self._missing(fault)

    def change_wire(self, change: Capability, record_type: str) -> str:
        """Let all objects of a type be delivered otherwise from now on.

        Args:
            change: One of `WIRE_CHANGES`.
            record_type: The objects.

        Returns:
            The column of the record type that shows it; empty for a gained field.
        """
        raise self._missing(change)

    @abstractmethod
    def clear(self) -> None:
        """Undo all faults and changes on the wire."""

    def delivered(self) -> AbstractContextManager[Collection[bytes]]:
        """Collect what is delivered while the block runs, uncompressed: a body per answer."""
        raise self._missing(Capability.VERBATIM)

    def secrets(self) -> Collection[str]:
        """Give what must be seen nowhere: by default the secrets in the environment; add tokens that were given out."""
        return set(self.environment.values())

    def _missing(self, capability: Capability) -> NotImplementedError:
        return NotImplementedError(
            f"{type(self).__name__} does not do {capability}; write the method, or say in `lacks` why it cannot be"
        )
