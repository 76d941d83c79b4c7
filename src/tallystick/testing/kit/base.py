"""What a plugin declares about its connector and its simulator, and how checks get an account to work with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import ClassVar, TypeAlias, TypeVar

import pytest

from tallystick.connectors.base import Connector, ConnectorConfig
from tallystick.testing.kit.capability import Capability
from tallystick.testing.kit.desk import Desk, open_desk
from tallystick.testing.kit.system import System
from tallystick.testing.timing import FakeTimer

__all__ = ["LACKING", "KitBase", "Lack", "needs"]

LACKING = "the system lacks "
"""What the reason of a check begins with that is skipped."""

Lack: TypeAlias = Capability | tuple[Capability, str]
"""What a system lacks: altogether, or for objects of one record type."""

Check = TypeVar("Check", bound=Callable[..., None])


def needs(*capabilities: Capability) -> Callable[[Check], Check]:
    """Mark a check that makes sense only for a system that can do all of these."""

    def mark(check: Check) -> Check:
        vars(check)["needs"] = capabilities
        return check

    return mark


class KitBase(ABC):
    """What a plugin gives.

    Attributes:
        connector: The connector under test.
        creates: Record types whose objects the system makes on demand; at least one for each way the connector reads.
        lacks: What the system cannot do, and why. All else is tested.
        calls_idle: Most calls of a sync that finds nothing new.
        calls_per_page: Most calls for each further page of new objects of each type in `creates`, in a first load.
        lag_seconds: How long the system may take to show what happened.
    """

    connector: ClassVar[type[Connector]]
    creates: ClassVar[tuple[str, ...]]
    lacks: ClassVar[Mapping[Lack, str]] = {}
    calls_idle: ClassVar[int]
    calls_per_page: ClassVar[float]
    lag_seconds: ClassVar[int] = 0

    @abstractmethod
    def open(self, number: int) -> AbstractContextManager[System]:
        """Give one account of the simulated system, open while the block runs.

        It holds at least one object of everything that the connector reads, and little more. Two accounts with
        different numbers have no id, name of an environment variable or secret in common.
        """

    def connect(self, config: ConnectorConfig, timer: FakeTimer) -> Connector:
        """Make the connector, with a timer that does not really wait."""
        make: Callable[..., Connector] = self.connector
        return make(config, timer=timer)

    def _types(self, capability: Capability) -> list[str]:
        """Give the types in `creates` whose objects can do it; skips the check where there are none."""
        found = [name for name in self.creates if (capability, name) not in self.lacks]
        if capability in self.lacks or not found:
            pytest.skip(self._reason(capability))
        return found

    def _reason(self, capability: Capability) -> str:
        about = {capability, *((capability, name) for name in self.creates)}
        reasons = dict.fromkeys(reason for lack, reason in self.lacks.items() if lack in about)
        return f"{LACKING}{capability.value}: {'; '.join(reasons)}"

    @pytest.fixture(autouse=True)
    def _capable(self, request: pytest.FixtureRequest) -> None:
        needed: tuple[Capability, ...] = getattr(request.function, "needs", ())
        for capability in needed:
            self._types(capability)

    @pytest.fixture
    def desk(self, tmp_path: Path) -> Iterator[Desk]:
        """Give an open account and empty stores."""
        with self._desk(1, tmp_path) as desk:
            yield desk

    @contextmanager
    def _desk(self, number: int, folder: Path) -> Iterator[Desk]:
        model = self.connector.config_model
        with (
            self.open(number) as system,
            open_desk(system, model, self.connect, lag_seconds=self.lag_seconds, folder=folder / str(number)) as desk,
        ):
            yield desk
