"""What happens in a simulated account, in the order of the virtual clock.

A deed is a JSON object, `{"do": "close", "at": 1788220800, ...}`: scripted, random or steered, all are in one list, and
the account at an instant is what the deeds up to then made of an empty one. So the clock may be set back, and a
search index that lags is the same account some seconds ago.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, Protocol, TypeVar

__all__ = ["Obj", "Timeline", "World"]

Obj = dict[str, Any]
"""A JSON object."""


class World(Protocol):
    """An account that deeds are done to."""

    def do(self, deed: Obj) -> None:
        """Do one deed; its `serial` is its own number, for ids.

        Raises:
            KeyError: The deed, or what it is done to, is unknown.
            ValueError: It is not possible.
        """


W = TypeVar("W", bound=World)


class Timeline(Generic[W]):
    """The deeds, the account they made by now, and the account as the search index knows it.

    Args:
        begin: Gives an empty account.
        deeds: What was scripted.
        now: Virtual instant, Unix seconds.
    """

    def __init__(self, begin: Callable[[], W], deeds: Iterable[Obj], now: int) -> None:
        self._begin = begin
        self._scripted = tuple(deeds)
        self.reset(now)

    @property
    def live(self) -> W:
        """The account now."""
        return self._live.world

    @property
    def index(self) -> W:
        """The account as the search index knows it: as it was `lag` seconds ago."""
        return self._index.world if self.lag else self._live.world

    def reset(self, now: int) -> None:
        """Forget all deeds but the scripted ones, and the lag."""
        self.now, self.lag = now, 0
        self._deeds: list[Obj] = []
        self._serial = 0
        for deed in self._scripted:
            self._keep(deed)
        self._rewind()

    def move(self, now: int) -> None:
        """Set the clock; what was due later has not happened."""
        back = now < self.now
        self.now = now
        if back:
            self._rewind()
        else:
            self._run()

    def delay(self, seconds: int) -> None:
        """Let the search index lag behind."""
        self.lag = seconds
        self._rewind()

    def add(self, deeds: Iterable[Obj]) -> None:
        """Add deeds; one without `at` happens now.

        Raises:
            KeyError: A deed, or what it is done to, is unknown; none of the deeds was kept.
            ValueError: One is not possible; none of the deeds was kept.
        """
        before, serial, early = list(self._deeds), self._serial, False
        try:
            for deed in deeds:
                early = self._keep({"at": self.now, **deed})["at"] < self.now or early
            # What was done stays where it is in the order, unless something is said to have happened before.
            if early:
                self._rewind()
            else:
                self._deeds.sort(key=_at)
                self._run()
        except (KeyError, ValueError):
            self._deeds, self._serial = before, serial
            self._rewind()
            raise

    def _keep(self, deed: Obj) -> Obj:
        self._serial += 1
        kept = {**deed, "serial": self._serial}
        self._deeds.append(kept)
        return kept

    def _rewind(self) -> None:
        self._deeds.sort(key=_at)
        self._live, self._index = _Copy(self._begin()), _Copy(self._begin())
        self._run()

    def _run(self) -> None:
        self._live.run(self._deeds, self.now)
        if self.lag:
            self._index.run(self._deeds, self.now - self.lag)


def _at(deed: Obj) -> int:
    return int(deed["at"])


class _Copy(Generic[W]):
    """An account, and how many of the deeds were done to it."""

    def __init__(self, world: W) -> None:
        self.world = world
        self._done = 0

    def run(self, deeds: list[Obj], until: int) -> None:
        while self._done < len(deeds) and deeds[self._done]["at"] <= until:
            self.world.do(deeds[self._done])
            self._done += 1
