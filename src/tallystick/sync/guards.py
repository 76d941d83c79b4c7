"""What a plugin may hand over, checked before anybody stores it, and whose fault it is when it may not."""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from tallystick.connectors.base import Page, Slice
from tallystick.errors import ConnectorError, Error, PermanentError
from tallystick.records.model import Record
from tallystick.sync.buffer import RECORD_BYTES, Part

__all__ = ["Blame", "PageGuard", "check_plan", "check_records"]

MOST_PAGE_BYTES = 128_000_000
"""Of one page, in memory; pages of all slices together are to fit in less."""
MOST_CURSOR_BYTES = 65_536
MOST_IDLE_PAGES = 10_000
"""Pages of a slice in a row that hold nothing new and move no watermark; the next run goes on behind them."""
MOST_PAGES = 1_000_000
"""Pages of a slice in one run; the next run goes on behind them."""
MOST_SLICES = 10_000
MOST_RECORDS = 100_000
"""Records that one look-up gives."""

_KEPT = "What was read before is stored. For the plugin's author: "
_FIRST_INSTANT = -62_135_596_800_000_000


class Blame(NamedTuple):
    """Who is named when a plugin breaks a rule: what was read, as `source` or `source/stream`, and by what release."""

    name: str
    plugin: str

    def of(self, stream: str) -> Blame:
        """Give the same for a stream of the source."""
        return Blame(f"{self.name}/{stream}", self.plugin)

    def fault(self, text: str, advice: str) -> PermanentError:
        """Give the error that says what is wrong and what the plugin's author has to change."""
        return PermanentError(f"{self.name}: {text} ({self.plugin})", hint=_KEPT + advice)

    def named(self, error: ConnectorError) -> PermanentError:
        """Give an error of the store with the plugin named in it."""
        return PermanentError(f"{error.message} ({self.plugin})", hint=error.hint, where=error.where)

    def wrapped(self, error: BaseException) -> ConnectorError:
        """Give whatever a plugin raised as one of our errors, so that it ends what it belongs to and nothing else.

        The text of a strange error is left out, because it may hold what a message must not: its type and place tell
        the author enough.
        """
        if isinstance(error, ConnectorError):
            return error
        if isinstance(error, Error):
            found = ConnectorError(error.message, hint=error.hint, where=error.where)
        else:
            frames = traceback.extract_tb(error.__traceback__)
            place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
            advice = "raise an error of tallystick.errors that says what to do, or mend what raised this one."
            found = ConnectorError(
                f"{self.name}: failed with {type(error).__name__}{place} ({self.plugin})", hint=_KEPT + advice
            )
        found.__cause__ = error
        return found

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn a strange error of a plugin's code into one of ours; ours, and Ctrl-C, go through as they are.

        Raises:
            ConnectorError: Something else was raised, SystemExit too.
        """
        try:
            yield
        except (Error, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise self.wrapped(error) from error


def check_plan(planned: Any, until: int, blame: Blame) -> list[Slice]:
    """Give the slices of a plan; that they follow one another is checked where they are stored.

    Raises:
        PermanentError: Something in it is no slice of the time up to `until`, or there is no end to them.
    """
    if not isinstance(planned, Iterable):
        raise blame.fault(f"plan gave {type(planned).__name__}", "return a list of Slice, empty for nothing to read.")
    slices = list(islice(planned, MOST_SLICES + 1))
    if len(slices) > MOST_SLICES:
        raise blame.fault(f"a plan of more than {MOST_SLICES:,} slices", "cut the time into fewer, longer slices.")
    for part in slices:
        if not isinstance(part, Slice):
            raise blame.fault(f"a plan holds {type(part).__name__}", "return a list of Slice.")
        for at in (part.start, part.end):
            if type(at) is not int or at < _FIRST_INSTANT:
                raise blame.fault(
                    f"a slice begins or ends at {_type(at)}, which is no instant",
                    "give start and end as int, microseconds since 1970-01-01T00:00Z.",
                )
        if part.end > until:
            raise blame.fault("a slice ends later than the end of this read", "let the last slice end at `until`.")
        _cursor_text(part.cursor, blame)
    return slices


def check_records(records: Any, blame: Blame) -> Sequence[Record]:
    """Give the records of a look-up.

    Raises:
        PermanentError: It is no list of records, or one of them has no id, instant or bytes.
    """
    if not isinstance(records, list | tuple) or len(records) > MOST_RECORDS:
        raise blame.fault(f"lookup gave {type(records).__name__}", "return a list of Record, empty for no such object.")
    for record in records:
        if type(record) is not Record:
            raise blame.fault(f"lookup gave a list with {type(record).__name__} in it", "return a list of Record.")
        wanted = ((record.type, str), (record.id, str), (record.as_of, int), (record.raw, bytes))
        for value, kind in wanted:
            if type(value) is not kind:
                raise blame.fault(
                    f"lookup gave a record with {_type(value)} where {kind.__name__} is wanted",
                    "fill type and id with str, as_of with an int of microseconds, raw with the bytes delivered.",
                )
    return records


@dataclass
class PageGuard:
    """Checks the pages of one slice, in their order.

    Args:
        part: The slice.
        until: The end of this read; no watermark may be later.
        blame: Who is named.
    """

    part: Part
    until: int
    blame: Blame
    _seen: set[bytes] = field(default_factory=set)
    _watermark: int | None = None
    _idle: int = 0
    _ends: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        self._seen.add(_digest(_cursor_text(self.part.slice.cursor, self.blame)))

    def checked(self, page: Any) -> tuple[Page, int]:
        """Give the page as it is at this moment, whatever the plugin changes in it later, and its bytes in memory.

        Raises:
            PermanentError: It breaks a rule.
        """
        if not isinstance(page, Page):
            raise self.blame.fault(f"{type(page).__name__} is not a Page", "yield objects of Page and nothing else.")
        size = self._check_records(page)
        self._check_watermark(page)
        cursor = None if page.cursor is None else self._check_cursor(page.cursor)
        self._check_idle(page)
        if page.watermark is not None:
            self._watermark = page.watermark
        return Page(tuple(page.records), cursor, page.watermark), size

    def _check_records(self, page: Page) -> int:
        records, types = page.records, self.part.stream.types
        if not isinstance(records, list | tuple):
            raise self.blame.fault(f"the records of a page are {_type(records)}", "give them as a list.")
        strange = set(map(type, records)) - {Record}
        if strange:
            text = f"a page holds {strange.pop().__name__} where a Record is wanted"
            raise self.blame.fault(text, "make a Record of each object.")
        others = {record.type for record in records} - set(types)
        if others:
            text = f"a page holds {', '.join(sorted(map(str, others)))}; the stream says it feeds {', '.join(types)}"
            raise self.blame.fault(text, "name every record type the stream feeds in its `types`.")
        try:
            size = sum(len(record.raw) for record in records) + len(records) * RECORD_BYTES
        except TypeError:
            advice = "keep the bytes of the object exactly as the system sent them."
            raise self.blame.fault("a record's raw is not bytes", advice) from None
        if size > MOST_PAGE_BYTES:
            text = f"a page takes {size // 1_000_000:,} MB; at most {MOST_PAGE_BYTES // 1_000_000} MB are taken"
            raise self.blame.fault(text, "ask the system for smaller pages, or yield what it sent in several.")
        return size

    def _check_watermark(self, page: Page) -> None:
        mark = page.watermark
        if mark is None:
            if page.cursor is None:
                raise self.blame.fault(
                    "a page exhausts its slice and carries no watermark",
                    "say with the last page up to when the slice is completely read.",
                )
            return
        if type(mark) is not int or mark < _FIRST_INSTANT:
            raise self.blame.fault(
                f"a watermark is {_type(mark)}, which is no instant",
                "give it as an int, microseconds since 1970-01-01T00:00Z.",
            )
        if mark > self.until:
            raise self.blame.fault(
                "a watermark is later than the end of this read",
                "never claim more than was read: at most the slice's end, and the system's clock at its first page.",
            )
        if self._watermark is not None and mark < self._watermark:
            raise self.blame.fault(
                "a watermark goes backwards",
                "carry none until the slice is exhausted, where pages do not come oldest first.",
            )

    def _check_cursor(self, cursor: Any) -> dict[str, Any]:
        text = _cursor_text(cursor, self.blame)
        key = _digest(text)
        if key in self._seen:
            raise self.blame.fault(
                "a cursor came twice, so that the read would never end",
                "give each page the cursor that resumes behind it, and None with the last one.",
            )
        self._seen.add(key)
        if len(self._seen) > MOST_PAGES:
            raise self.blame.fault(
                f"a slice of more than {MOST_PAGES:,} pages; the next run goes on there",
                "make sure that the pages come to an end, or cut the time into more slices.",
            )
        copy: dict[str, Any] = json.loads(text)
        return copy

    def _check_idle(self, page: Page) -> None:
        """Count the pages in a row that bring nothing: empty or the same again, and no watermark that moves."""
        records = page.records
        ends = (len(records), records[0].id, records[0].as_of, records[-1].id, records[-1].as_of) if records else ()
        moved = page.watermark is not None and page.watermark != self._watermark
        self._idle = 0 if moved or (ends and ends != self._ends) else self._idle + 1
        self._ends = ends
        if self._idle > MOST_IDLE_PAGES:
            raise self.blame.fault(
                f"more than {MOST_IDLE_PAGES:,} pages in a row brought nothing new; the next run goes on there",
                "end the slice where the system has no more, or move the watermark with each page.",
            )


def _cursor_text(cursor: Any, blame: Blame) -> str:
    """Give a cursor as JSON, the same text for equal cursors."""
    advice = "keep in it what a call needs to resume: texts, numbers, lists and objects with texts as keys."
    if not isinstance(cursor, dict):
        raise blame.fault("a cursor is no JSON object", advice)
    try:
        text = json.dumps(cursor, sort_keys=True, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise blame.fault(f"a cursor is no JSON object: {type(error).__name__}", advice) from error
    if size > MOST_CURSOR_BYTES:
        raise blame.fault(
            f"a cursor of {size:,} bytes; at most {MOST_CURSOR_BYTES:,} are kept",
            "keep a place in the system in it, not what was read.",
        )
    return text


def _digest(text: str) -> bytes:
    # All cursors of a slice are remembered, so what is kept of each is small.
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _type(value: object) -> str:
    return f"a {type(value).__name__}"
