"""A connector whose reads break off after some pages, as a kill or a broken network would end them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tallystick.connectors.base import CheckRow, Connector, Page, Slice, Stream
from tallystick.errors import RetryableError
from tallystick.records.model import Record

__all__ = ["CutConnector"]


class CutConnector(Connector):
    """Reads as the connector it stands for; each slice breaks off after some pages.

    `longest` is the number of pages of the longest slice read so far.

    Args:
        inner: The connector under test.
        pages: Pages of each slice until it breaks off; None: it never does.
    """

    def __init__(self, inner: Connector, pages: int | None = None) -> None:
        # What is stored beside each record is what the connector says of itself.
        vars(self).update(name=inner.name, version=inner.version, api_version=inner.api_version)
        self.longest = 0
        self._inner = inner
        self._streams = [_CutStream(stream, self, pages) for stream in inner.streams()]

    def streams(self) -> Sequence[Stream]:
        """Give the streams, cut."""
        return self._streams

    def check(self) -> Iterator[CheckRow]:
        """Check as it does."""
        return self._inner.check()

    def lookup(self, ref: str) -> Sequence[Record]:
        """Look up as it does."""
        return self._inner.lookup(ref)

    def calls(self) -> int:
        """Give its calls."""
        return self._inner.calls()

    def close(self) -> None:
        """Close it."""
        self._inner.close()


class _CutStream(Stream):
    def __init__(self, inner: Stream, owner: CutConnector, pages: int | None) -> None:
        self.name, self.types, self.follows = inner.name, inner.types, inner.follows
        self.revision, self.moves = inner.revision, inner.moves
        self._inner = inner
        self._owner = owner
        self._pages = pages

    def plan(self, watermark: int | None, until: int) -> Sequence[Slice]:
        return self._inner.plan(watermark, until)

    def read(self, part: Slice) -> Iterator[Page]:
        for number, page in enumerate(self._inner.read(part), start=1):
            self._owner.longest = max(self._owner.longest, number)
            yield page
            if number == self._pages and page.cursor is not None:
                raise RetryableError("the kit cut this read")
