"""One ticket, live, through zenpy.

zenpy makes the calls, its users know it; the facts come from the raw bytes that the guarded session keeps, mapped as
the streams map them. zenpy's objects are thrown away untouched: reading an attribute such as `assignee` makes a call.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import msgspec

from tallystick.connectors import Retry, TokenBucket
from tallystick.errors import PermanentError, SchemaChanged
from tallystick.records.model import Record
from tallystick_zendesk.acts import ActReader
from tallystick_zendesk.audits import Comments, audit_records
from tallystick_zendesk.mapping import TicketReader
from tallystick_zendesk.objects import number
from tallystick_zendesk.tokens import SignIn

if TYPE_CHECKING:
    from zenpy import Zenpy

    from tallystick_zendesk.session import GuardedSession, Kept

__all__ = ["PAGE", "Lookup"]

PAGE = 100
"""Audits of a page, as zenpy asks for them."""

_LOG = logging.getLogger(__name__)

T = TypeVar("T")


class _Status(msgspec.Struct):
    status: str | None = None


class _Ticket(msgspec.Struct):
    ticket: msgspec.Raw


class _Metric(msgspec.Struct):
    reopens: Any = None


class _Metrics(msgspec.Struct):
    ticket_metric: _Metric


class _More(msgspec.Struct):
    has_more: bool = False


class _Audits(msgspec.Struct):
    audits: list[msgspec.Raw]
    count: int | None = None
    meta: _More | None = None


class _CommentPage(msgspec.Struct):
    comments: list[Any]


class Lookup:
    """A live look at one ticket; one zenpy client, used in one thread and closed on leaving.

    Args:
        base_url: Origin, with a path prefix if any; no other origin is ever called.
        sign_in: Puts the sign-in on each call.
        tickets: Makes the record of the ticket.
        acts: Makes the records of its audits.
        bucket: What every call spends from, shared with the streams.
        retry: How often and how long to repeat, shared with the streams.

    Raises:
        ConfigurationError: zenpy cannot be told of the address.
    """

    def __init__(
        self,
        base_url: str,
        sign_in: SignIn,
        tickets: TicketReader,
        acts: ActReader,
        *,
        bucket: TokenBucket,
        retry: Retry,
    ) -> None:
        self._tickets = tickets
        self._acts = acts
        self._retry = retry
        self._session, self._zenpy = _open(base_url, sign_in, bucket)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def records(self, ref: str) -> list[Record]:
        """Give the record of a ticket, and of each act in its audits.

        Args:
            ref: The ticket's number.

        Raises:
            MissingError: Zendesk has no such ticket, or it was deleted.
            Error: A call was refused or could not be made.
        """
        api, key = self._zenpy.tickets, int(ref)
        ticket = self._one(lambda: api(id=key))
        metrics = self._one(lambda: api.metrics(key))
        comments = self._ask(lambda: api.comments(key))
        audits = self._ask(lambda: api.audits(key))
        raw = bytes(_decoded(ticket, _Ticket).ticket)
        reopens = number(_decoded(metrics, _Metrics).ticket_metric.reopens)
        found = [_mapped(ticket, lambda: self._tickets.record(raw, {str(key): reopens}))]
        pages = [_decoded(kept, _Audits) for kept in audits]
        if _is_cut(_decoded(ticket, _Status, raw).status, pages):
            _LOG.warning(
                "ticket %s is archived and Zendesk shows only its first audits: its acts are left out of the look-up;"
                " what the export told of it is stored",
                key,
            )
            return found
        said = Comments(comment for kept in comments for comment in _decoded(kept, _CommentPage).comments)
        for kept, page in zip(audits, pages, strict=True):
            for audit in page.audits:
                found += _mapped(kept, partial(audit_records, bytes(audit), said, self._acts))
        return found

    def _one(self, call: Callable[[], Any]) -> Kept:
        return self._ask(call)[-1]

    def _ask(self, call: Callable[[], Any]) -> Sequence[Kept]:
        """Make one call through zenpy, all its pages included, and give what the session kept of them."""
        from tallystick_zendesk.session import UnreadableError

        self._session.refused = False
        try:
            return self._retry(lambda: self._call(call))
        except UnreadableError as error:
            raise SchemaChanged(error.message, hint=error.hint, request_id=error.request_id) from None

    def _call(self, call: Callable[[], Any]) -> Sequence[Kept]:
        from zenpy.lib.exception import APIException, ZenpyException
        from zenpy.lib.generator import BaseResultGenerator

        self._session.kept = []
        try:
            found = call()
            if isinstance(found, BaseResultGenerator):
                deque(found, maxlen=0)  # asks for the pages that follow
        except (APIException, ZenpyException, LookupError, TypeError, ValueError, AttributeError) as cause:
            raise SchemaChanged(
                f"zenpy could not read Zendesk's answer ({type(cause).__name__})", hint="Update tallystick-zendesk."
            ) from None
        if not self._session.kept:
            raise PermanentError("zenpy answered without making a call", hint="Report this to the plugin's author.")
        return self._session.kept


def _is_cut(status: str | None, pages: Sequence[_Audits]) -> bool:
    """Tell whether audits may be missing: those of an archived ticket are not paged, so a full page is the last one."""
    shown = sum(len(page.audits) for page in pages)
    counted = max((page.count or 0 for page in pages), default=0)
    if pages and pages[-1].meta is not None and pages[-1].meta.has_more:
        return True
    return counted > shown or (status == "closed" and len(pages) == 1 and shown >= PAGE)


def _decoded(kept: Kept, shape: type[T], raw: bytes | None = None) -> T:
    return _mapped(kept, lambda: msgspec.json.decode(kept.body if raw is None else raw, type=shape))


def _mapped(kept: Kept, make: Callable[[], T]) -> T:
    try:
        return make()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        reason = str(cause) if isinstance(cause, msgspec.ValidationError) else type(cause).__name__
        raise SchemaChanged(
            f"Zendesk answered in a shape this connector does not know: {reason}",
            hint="Update tallystick-zendesk.",
            request_id=kept.request_id,
        ) from None


def _open(base_url: str, sign_in: SignIn, bucket: TokenBucket) -> tuple[GuardedSession, Zenpy]:
    from zenpy import Zenpy

    from tallystick_zendesk.session import GuardedSession, zenpy_host

    scheme, subdomain, domain, prefix = zenpy_host(base_url)
    session = GuardedSession(base_url, sign_in, bucket)
    client = Zenpy(subdomain=subdomain, domain=domain, session=session, anonymous=True, disable_cache=True, timeout=30)
    client.tickets.protocol, client.tickets.api_prefix = scheme, prefix
    return session, client
