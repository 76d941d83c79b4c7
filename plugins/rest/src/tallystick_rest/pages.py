"""One page of a list: its objects with their exact bytes, and where the next page is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from tallystick.connectors import Cursor, Response
from tallystick.connectors.mapping import Getter, PathText, decode_object, getter
from tallystick.errors import PermanentError, SchemaChanged
from tallystick_rest.calls import Given
from tallystick_rest.reads import Counted, LinkHeader, NextLink, Paging, Token

__all__ = ["Found", "ListReader", "Turner"]

_NEXT = re.compile(r'<([^<>]{1,4000})>\s*((?:;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^\s",;]*)\s*)*)')
_REL_NEXT = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]*))', re.IGNORECASE)
_LONGEST_TOKEN = 8_000
_TURNS = ("token", "page", "offset", "link")


class Found(NamedTuple):
    """The objects of an answer, decoded with exact numbers, each with its bytes as delivered; and the answer itself."""

    objects: Sequence[dict[str, Any]]
    raws: Sequence[bytes]
    envelope: Any
    response: Response

    @property
    def fingerprint(self) -> str:
        """What tells the page from another one: a digest of its objects."""
        digest = hashlib.sha256()
        for raw in self.raws:
            digest.update(raw)
        return digest.hexdigest()[:16]


class ListReader:
    """Finds the list in an answer.

    Args:
        items: Where it stands; the whole answer is the list when None.
        name: What is read, for messages.
    """

    def __init__(self, items: PathText | None, name: str) -> None:
        self._name = name
        steps = [] if items is None else items.split(".") if isinstance(items, str) else [str(step) for step in items]
        self._get: Getter = getter(steps, nested=True) if steps else lambda value, _: value
        shape: Any = list[msgspec.Raw]
        for step in reversed(steps):
            shape = msgspec.defstruct("Envelope", [("inner", shape)], rename={"inner": step})
        self._slices = msgspec.json.Decoder(shape).decode
        self._depth = len(steps)

    def read(self, response: Response) -> Found:
        """Give what an answer holds.

        Raises:
            msgspec.DecodeError: It is not JSON.
            SchemaChanged: There is no list of objects where one is expected.
        """
        envelope = decode_object(response.body)
        objects = self._get(envelope, None)
        if not isinstance(objects, list) or any(type(one) is not dict for one in objects):
            raise SchemaChanged(
                f"the answer for {self._name} holds no list of objects where the description says",
                hint="Correct `items` of the description.",
                request_id=response.request_id,
            )
        found = self._slices(response.body)
        for _ in range(self._depth):
            found = found.inner
        return Found(objects, [bytes(raw) for raw in found], envelope, response)


class Turner:
    """Turns pages: what a call is given for a page, and where the next one and the one before are.

    Args:
        paging: As the description says.
        name: What is read, for messages.
        size: Objects of a page, if fewer than the description says.
    """

    def __init__(self, paging: Paging, name: str, size: int | None = None) -> None:
        self.paging = paging
        most = getattr(paging, "size", None)
        self.size: int | None = most if size is None or most is None else min(size, most)
        self._name = name
        more = getattr(paging, "more", None)
        self._more: Getter | None = None if more is None else getter(more, nested=True)
        path = paging.path if isinstance(paging, (Token, NextLink)) else None
        self._path: Getter | None = None if path is None else getter(path, nested=True)

    def given(self, at: Cursor) -> Given:
        """Give what stands for the placeholders of the call of a page."""
        paging = self.paging
        if not isinstance(paging, Counted):
            return {"size": self.size, "token": at.get("token")}
        return {"size": self.size, "page": at.get("page", paging.first), "offset": at.get("offset", 0)}

    def turn(self, at: Cursor, found: Found) -> Cursor | None:
        """Give where the next page is; None if this one was the last.

        Raises:
            PermanentError: The same page came again, or there are more pages than the system gives.
            SchemaChanged: What should lead to the next page cannot be read.
        """
        where = self._next(at, found)
        if where is None:
            return None
        shown = found.fingerprint
        same_place = {name: at[name] for name in _TURNS if name in at} == where
        if same_place or (found.raws and at.get("shown") == shown):
            raise PermanentError(
                f"{self._name}: a page came twice, so that the read would never end",
                hint="Correct `page` of the description; or report it to the system's support.",
                request_id=found.response.request_id,
            )
        return {**where, "shown": shown}

    def before(self, at: Cursor) -> Cursor | None:
        """Give where the page before is; None if there is none, or pages are not counted."""
        paging = self.paging
        if not isinstance(paging, Counted):
            return None
        if paging.kind == "page":
            page = at.get("page", paging.first)
            return {"page": page - 1} if page > paging.first else None
        offset = at.get("offset", 0)
        return {"offset": max(offset - (self.size or paging.size), 0)} if offset > 0 else None

    def _next(self, at: Cursor, found: Found) -> Cursor | None:
        paging = self.paging
        if isinstance(paging, Counted):
            return self._counted(paging, at, found)
        if isinstance(paging, LinkHeader):
            link = _next_link(found.response.headers.get("link", ""))
            return None if link is None else {"link": link}
        if self._path is None:
            return None
        told = self._path(found.envelope, None)
        if told is None or told is False or told == "" or (self._more is not None and not self._has_more(found)):
            return None
        if isinstance(told, bool) or not isinstance(told, (str, int)) or len(str(told)) > _LONGEST_TOKEN:
            raise SchemaChanged(f"{self._name}: what leads to the next page is no text", hint="Correct `page.path`.")
        return {"link": str(told)} if isinstance(paging, NextLink) else {"token": told}

    def _counted(self, paging: Counted, at: Cursor, found: Found) -> Cursor | None:
        size = self.size or paging.size
        full = len(found.raws) >= size if self._more is None else self._has_more(found)
        if not full:
            return None
        page = at.get("page", paging.first) + 1 if paging.kind == "page" else at.get("offset", 0) // size + 2
        if page - paging.first >= paging.most:
            raise PermanentError(
                f"{self._name}: the list goes on after {paging.most:,} pages, and the system gives no more",
                hint="Read it in smaller parts: `cursor.keyset`, or `window_seconds`.",
            )
        return {"page": page} if paging.kind == "page" else {"offset": at.get("offset", 0) + len(found.raws)}

    def _has_more(self, found: Found) -> bool:
        told = self._more(found.envelope, None) if self._more is not None else None
        return told is True or (isinstance(told, (str, int)) and str(told).lower() not in {"", "0", "false"})


def _next_link(header: str) -> str | None:
    """Give the address that a header `Link` names as the next one (RFC 8288)."""
    for match in _NEXT.finditer(header):
        for rel in _REL_NEXT.finditer(match.group(2)):
            if "next" in (rel.group(1) or rel.group(2) or "").lower().split():
                return match.group(1)
    return None
