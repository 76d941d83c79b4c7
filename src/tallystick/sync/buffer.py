"""The buffer between reading threads and the committer: bounded in bytes, so that memory stays flat."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tallystick.connectors.base import Page, Slice, Stream
from tallystick.errors import ConnectorError

__all__ = ["RECORD_BYTES", "Buffer", "Part", "Read"]

RECORD_BYTES = 1_500
"""What a record takes in memory beside its raw bytes: objects of its typed values."""
_PAGE_BYTES = 1_000
"""What a page takes beside its records; so even pages of nothing wait for one another."""


@dataclass(eq=False)
class Part:
    """A slice that is being read.

    `held` are the bytes of its pages that are not committed yet. `heard` is when its thread last came back from the
    connector, by the monotonic clock; None while it is not there.
    """

    stream: Stream
    position: int
    slice: Slice
    held: int = 0
    error: ConnectorError | None = None
    refused: bool = False
    ended: bool = False
    heard: float | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A page that was read and is not committed yet."""

    part: Part
    page: Page
    size: int


@dataclass
class Buffer:
    """Pages on their way to the committer.

    Args:
        total: Bytes held over all slices.
        each: Bytes held of one slice: a kill makes it read no more than these again.
    """

    total: int
    each: int
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pages: deque[Read] = field(default_factory=deque)
    _ended: deque[Part] = field(default_factory=deque)
    _held: int = 0
    _pressed: bool = False
    _closed: bool = False

    def __post_init__(self) -> None:
        self._filled = threading.Condition(self._lock)
        self._freed = threading.Condition(self._lock)

    def put(self, part: Part, page: Page, size: int, stopped: Callable[[], bool]) -> bool:
        """Hand over a page whose records take so many bytes; waits while there is no room for it.

        False says that nobody wants it any more.
        """
        size += _PAGE_BYTES
        part.heard = None
        with self._lock:
            while self._is_full(part, size):
                if stopped() or self._closed:
                    return False
                self._pressed = True
                self._filled.notify()
                self._freed.wait(0.5)
            if stopped() or self._closed:
                return False
            part.held += size
            self._held += size
            self._pages.append(Read(part, page, size))
            self._filled.notify()
        part.heard = time.monotonic()
        return True

    def end(self, part: Part, error: ConnectorError | None) -> None:
        """Say that no page of the slice follows; said again by a thread that was given up, it means nothing."""
        with self._lock:
            if not part.ended:
                part.ended, part.error = True, error
                self._ended.append(part)
                self._filled.notify()

    def take(self, seconds: float) -> tuple[list[Read], list[Part], bool]:
        """Give all pages and ended slices that are there, after waiting up to `seconds` for the first.

        The third value says that a thread waits for room, so that what was gathered should be committed now.
        """
        with self._lock:
            if not self._pages and not self._ended and not self._pressed:
                self._filled.wait(seconds)
            pages, ended = list(self._pages), list(self._ended)
            self._pages.clear()
            self._ended.clear()
            return pages, ended, self._pressed

    def release(self, pages: list[Read]) -> None:
        """Give back the room of pages that were committed or dropped."""
        with self._lock:
            for read in pages:
                read.part.held -= read.size
                self._held -= read.size
            self._pressed = False
            self._freed.notify_all()

    def close(self) -> None:
        """Refuse further pages and wake all who wait."""
        with self._lock:
            self._closed = True
            self._freed.notify_all()

    def _is_full(self, part: Part, size: int) -> bool:
        # A page greater than the whole buffer passes alone.
        over_all = self._held > 0 and self._held + size > self.total
        return over_all or (part.held > 0 and part.held + size > self.each)
