"""What a call was answered with: the answer, the whole of its body, and how long it asks to wait."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self

import httpx
import msgspec

from tallystick.connectors.failures import TooLargeError
from tallystick.connectors.pacing import Timer

__all__ = ["LARGEST_BODY", "Response", "read_whole", "retry_after"]

LARGEST_BODY = 256_000_000
"""Bytes of an answer beyond which it is given up."""

_PATIENCE = 5
"""Times the longest silence that a whole answer may take."""

_SECONDS = re.compile(r"\d{1,9}(\.\d+)?", re.ASCII)
_PACKED = ("identity", "gzip", "deflate", "")
"""Ways to pack a body that unpack a piece of it to no more than a thousand times its size."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Response(msgspec.Struct, frozen=True):
    """What a call was answered with.

    `status` is the HTTP status and `body` the whole answer, decompressed; `request_id` is the system's own id of the
    request, if it gave one. `headers` holds those the client was told to keep, by lower-case name. `date` is the
    system's own clock when it answered (microseconds UTC, whole seconds), None when it did not say.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    date: int | None
    request_id: str | None

    @classmethod
    def of(cls, status: int, headers: dict[str, str], body: bytes, request_id: str | None) -> Self:
        """Make one of `status`, `body`, `request_id`, and `headers` by lower-case name; a bad `date` counts as none."""
        return cls(status, headers, body, _date(headers.get("date")), request_id)


def read_whole(answer: httpx.Response, timer: Timer, silence: float, *, largest: int = LARGEST_BODY) -> bytes:
    """Give the body of an answer; a system that drips it byte by byte, or never stops, does not hold us for ever.

    Args:
        answer: An answer whose body has not been read.
        timer: Tells elapsed time.
        silence: Longest silence of the system, in seconds; the whole body may take five times that.
        largest: Bytes it may have, unpacked.

    Raises:
        httpx.ReadTimeout: It takes longer than that.
        httpx.DecodingError: It is packed twice, or otherwise than we ask for: a few bytes could become any number.
        TooLargeError: It is larger than that.
    """
    if answer.headers.get("content-encoding", "identity").strip().lower() not in _PACKED:
        raise httpx.DecodingError("the answer is packed otherwise than asked for")
    until = timer.now() + _PATIENCE * silence
    parts: list[bytes] = []
    size = 0
    for part in answer.iter_bytes():
        parts.append(part)
        size += len(part)
        if timer.now() > until:
            raise httpx.ReadTimeout("the answer does not come to its end")
        if size > largest:
            raise TooLargeError(largest)
    return b"".join(parts)


def retry_after(response: Response) -> float | None:
    """Give the seconds a `Retry-After` header asks to wait; None when there is none or it cannot be read.

    A date in it is compared with the answer's own date, so that our clock does not matter.
    """
    text = response.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    until = _date(text)
    if until is None or response.date is None:
        return None
    return max((until - response.date) / 1_000_000, 0.0)


def _date(text: str | None) -> int | None:
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000
