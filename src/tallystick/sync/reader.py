"""Reading one slice in a thread: every page is checked before anybody stores it."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from pathlib import Path

from tallystick.connectors.base import Connector, Page, Stream
from tallystick.errors import ConnectorError, PermanentError
from tallystick.records.model import Record
from tallystick.sync.buffer import Buffer, Part

__all__ = ["read_part", "wrapped"]

_HINT = "This is a fault of the connector. What was read before is stored; report it with this message."


def read_part(
    part: Part, buffer: Buffer, name: str, connector: Connector, *, until: int, stopped: Callable[[], bool]
) -> None:
    """Read a slice to its end, or until nobody wants its pages any more; hands over pages, then how it ended.

    Args:
        part: The slice.
        buffer: Takes the pages.
        name: Source and stream, for messages.
        connector: What reads, for messages.
        until: The end of this read; no watermark may be later.
        stopped: Tells that the slice is to be left; asked between pages.
    """
    error: ConnectorError | None = None
    try:
        _read(part, buffer, name, until, stopped)
    except ConnectorError as found:
        error = found
    except Exception as found:  # noqa: BLE001 - a plugin may raise anything; the run goes on with the other streams
        error = wrapped(found, name, connector)
    finally:
        # What breaks because it was told to stop is no error.
        buffer.end(part, None if stopped() else error)


def wrapped(error: Exception, name: str, connector: Connector) -> ConnectorError:
    """Give an unexpected error of a plugin as one of ours.

    Its own text is left out, because it may hold what a message must not: its type and place tell the author enough.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    found = ConnectorError(
        f"{name}: connector {connector.name} {connector.version} failed: {type(error).__name__}{place}", hint=_HINT
    )
    found.__cause__ = error
    return found


def _read(part: Part, buffer: Buffer, name: str, until: int, stopped: Callable[[], bool]) -> None:
    if stopped():
        return
    pages = part.stream.read(part.slice)
    seen = {_key(part.slice.cursor, name)}
    try:
        for page in pages:
            _check(page, part.stream, name, until)
            if page.cursor is not None:
                key = _key(page.cursor, name)
                if key in seen:
                    raise PermanentError(f"{name}: a cursor came twice, so that the read would never end", hint=_HINT)
                seen.add(key)
            if not buffer.put(part, page, stopped) or page.cursor is None:
                return
    finally:
        close = getattr(pages, "close", None)
        if close is not None:
            close()
    if not stopped():
        raise PermanentError(f"{name}: the pages ended before one said that the slice is exhausted", hint=_HINT)


def _check(page: Page, stream: Stream, name: str, until: int) -> None:
    if not isinstance(page, Page):
        raise PermanentError(f"{name}: {type(page).__name__} is not a Page", hint=_HINT)
    strange = set(map(type, page.records)) - {Record}
    if strange:
        raise PermanentError(f"{name}: a page holds {strange.pop().__name__} where a Record is wanted", hint=_HINT)
    others = {record.type for record in page.records} - set(stream.types)
    if others:
        raise PermanentError(
            f"{name}: a page holds {', '.join(sorted(others))}; the stream says it feeds {', '.join(stream.types)}",
            hint=_HINT,
        )
    if page.watermark is None:
        if page.cursor is None:
            raise PermanentError(f"{name}: a page exhausts its slice and carries no watermark", hint=_HINT)
    elif type(page.watermark) is not int or page.watermark > until:
        raise PermanentError(f"{name}: a watermark is no instant, or later than the end of this read", hint=_HINT)


def _key(cursor: object, name: str) -> str:
    if not isinstance(cursor, dict):
        raise PermanentError(f"{name}: a cursor is no JSON object", hint=_HINT)
    try:
        return json.dumps(cursor, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise PermanentError(f"{name}: a cursor is no JSON object: {error}", hint=_HINT) from error
