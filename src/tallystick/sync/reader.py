"""Reading one slice in a thread: every page is checked before anybody stores it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tallystick.errors import ConnectorError
from tallystick.sync.buffer import Buffer, Part
from tallystick.sync.guards import Blame, PageGuard

__all__ = ["read_part"]


def read_part(part: Part, buffer: Buffer, blame: Blame, *, until: int, stopped: Callable[[], bool]) -> None:
    """Read a slice to its end, or until nobody wants its pages any more; hands over pages, then how it ended.

    Args:
        part: The slice.
        buffer: Takes the pages.
        blame: Who is named in an error: source, stream and plugin.
        until: The end of this read; no watermark may be later.
        stopped: Tells that the slice is to be left; asked between pages.
    """
    error: ConnectorError | None = None
    try:
        _read(part, buffer, blame, until, stopped)
    except BaseException as found:  # noqa: BLE001 - a plugin may raise anything; the run goes on with the other streams
        error = blame.wrapped(found)
    finally:
        # What breaks because it was told to stop is no error.
        buffer.end(part, None if stopped() else error)


def _read(part: Part, buffer: Buffer, blame: Blame, until: int, stopped: Callable[[], bool]) -> None:
    if stopped():
        return
    guard = PageGuard(part, until, blame)
    pages = part.stream.read(part.slice)
    if not isinstance(pages, Iterable):
        raise blame.fault(f"read gave {type(pages).__name__}", "yield the pages of the slice.")
    try:
        for page in pages:
            checked, size = guard.checked(page)
            if not buffer.put(part, checked, size, stopped) or checked.cursor is None:
                return
    finally:
        close = getattr(pages, "close", None)
        if close is not None:
            close()
    if not stopped():
        raise blame.fault(
            "the pages ended before one said that the slice is exhausted",
            "let the last page carry the cursor None; one without records, where there is nothing.",
        )
