"""One object, live, through hubspot-api-client, or over the wire once that client's paths have ended.

The client makes the call, its users know it; the facts come from the raw bytes, read as the streams read them. Its
model layer is never used: it drops what it does not know. Conversations, which it does not have, and the lists of
owners, pipelines and properties go through our own client.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any, NamedTuple, Self, TypeVar

import msgspec

from tallystick.connectors import Response, Retry, TokenBucket, masked, retry_after
from tallystick.errors import ConfigurationError, ConnectorError, PermanentError, RetryableError, SchemaChanged
from tallystick.records.model import Record
from tallystick_hubspot.client import REQUEST_ID, HubSpotApi
from tallystick_hubspot.directory import Directory
from tallystick_hubspot.faults import MissingError, UnauthenticatedError, refusal, spent
from tallystick_hubspot.history import read_histories
from tallystick_hubspot.kinds import KINDS, Kind
from tallystick_hubspot.objects import HistoryRow, Id, Paging
from tallystick_hubspot.reader import ObjectReader
from tallystick_hubspot.sales import Around
from tallystick_hubspot.search import Item
from tallystick_hubspot.settings import Settings
from tallystick_hubspot.tokens import SignIn

__all__ = ["TIMEOUT", "Lookup", "Ref"]

T = TypeVar("T")

TIMEOUT = (5, 60)
"""Seconds to connect, and of silence; the SDK by itself would wait for ever."""

_LATER = "Check the network, or run the command again later."


class Ref(NamedTuple):
    """What is looked up: the kind of object and its id."""

    kind: Kind
    id: str

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a reference like `meeting/512`.

        Raises:
            ConfigurationError: It is none.
        """
        record, _, key = text.partition("/")
        kind = next((found for found in KINDS.values() if found.record == record), None)
        if kind is None or not key.isascii() or not key.isdigit() or len(key) > 20:
            raise ConfigurationError(
                "that is no object of HubSpot's", hint="Give record type and id, like meeting/512 or ticket/35436."
            )
        return cls(kind, key)


class _Other(msgspec.Struct, gc=False):
    id: Id


class _Others(msgspec.Struct):
    results: list[_Other]
    paging: Paging | None = None


class _Live(HistoryRow, rename="camel"):
    associations: dict[str, _Others] | None = None


class Lookup:
    """A live look at one object.

    Args:
        base_url: Origin, with a path prefix if any; no other origin is ever called.
        sign_in: Puts the sign-in on each call.
        api: Makes the calls the SDK does not have.
        settings: How objects become records.
        bucket: What every call spends from, shared with the streams.
        retry: How often and how long to repeat, shared with the streams.
        through_sdk: False for the wire, at the configured spelling of the paths.
    """

    def __init__(
        self,
        base_url: str,
        sign_in: SignIn,
        api: HubSpotApi,
        settings: Settings,
        *,
        bucket: TokenBucket,
        retry: Retry,
        through_sdk: bool = True,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._sign_in = sign_in
        self._api = api
        self._settings = settings
        self._directory = Directory(api)
        self._bucket = bucket
        self._retry = retry
        self._through_sdk = through_sdk
        self._refused = False

    def records(self, ref: Ref) -> list[Record]:
        """Give the records of an object and of what belongs to it; a tombstone if it was deleted.

        Raises:
            MissingError: HubSpot has no such object, neither as it is nor as deleted.
            Error: A call was refused or could not be made.
        """
        reader = ObjectReader(self._api, ref.kind, self._settings, self._directory)
        properties, asked = reader.properties(), reader.asked()
        try:
            seen = self._ask(ref, properties, asked, archived=False)
        except MissingError:
            seen = self._ask(ref, properties, asked, archived=True)
            return _mapped(seen, lambda: reader.tombstones([_item(ref, seen)]))
        item = _mapped(seen, lambda: _item(ref, seen))
        live = _mapped(seen, lambda: msgspec.json.decode(seen.body, type=_Live))
        around = self._around(reader, item, live.associations or {})
        return _mapped(seen, lambda: reader.live(item, around, read_histories(live, asked)))

    @staticmethod
    def _around(reader: ObjectReader, item: Item, told: Mapping[str, _Others]) -> Around:
        """Give what belongs to an object: what came with it, or, where that is cut, what a batch says."""
        if any(found.paging is not None and found.paging.after is not None for found in told.values()):
            return reader.around([item])
        links = {
            target: {item.id: sorted({str(one.id) for one in found.results}, key=int)} for target, found in told.items()
        }
        return reader.with_people(links)

    def _ask(self, ref: Ref, properties: list[str], asked: list[str], *, archived: bool) -> Response:
        self._refused = False
        if self._through_sdk:
            return self._retry(lambda: self._through(ref, properties, asked, archived=archived))
        # Long lists of properties fit: ours have about thirty names.
        params = {
            "properties": ",".join(properties),
            "propertiesWithHistory": ",".join(asked),
            "associations": ",".join(ref.kind.targets),
            "archived": str(archived).lower(),
        }
        path = f"{self._api.paths.objects(ref.kind.name)}/{ref.id}"
        return self._api.get(path, {name: value for name, value in params.items() if value}, lambda answer: answer)

    def _through(self, ref: Ref, properties: list[str], asked: list[str], *, archived: bool) -> Response:
        from hubspot import HubSpot
        from urllib3.exceptions import HTTPError

        bearer = self._sign_in.bearer()
        self._bucket.acquire()
        with _levels_kept():
            client = HubSpot(access_token=bearer, host=self._base_url, retry=False)
            api = _basic_api(client, ref.kind)
            api.api_client.set_default_header("Accept-Encoding", "gzip")
            try:
                answer = api.get_by_id(
                    ref.id,
                    properties=properties,
                    properties_with_history=asked or None,
                    associations=list(ref.kind.targets) or None,
                    archived=archived,
                    _preload_content=False,
                    _request_timeout=TIMEOUT,
                )
                status, headers, body = answer.status, answer.headers, answer.data
            except HTTPError as cause:
                raise RetryableError(
                    f"the connection to HubSpot failed during a look-up ({type(cause).__name__})", hint=_LATER
                ) from None
            except Exception as cause:  # noqa: BLE001 - the SDK's exceptions have no base in common
                status = getattr(cause, "status", None)
                if not isinstance(status, int) or status == 0:
                    raise PermanentError(
                        f"hubspot-api-client could not make the call ({type(cause).__name__})",
                        hint="Update tallystick-hubspot.",
                    ) from None
                headers, body = getattr(cause, "headers", None) or {}, getattr(cause, "body", None) or b""
        seen = _response(status, headers, body, bearer)
        error = self._judge(seen, bearer)
        if error is not None:
            raise error
        return seen

    def _judge(self, seen: Response, bearer: str) -> ConnectorError | None:
        if spent(seen.headers):
            self._bucket.slow_down()
        if 200 <= seen.status < 300:
            if "json" in seen.headers.get("content-type", "").lower():
                return None
            return RetryableError(
                f"HubSpot answered {seen.status} with something that is not JSON",
                hint="Something between here and HubSpot answers in its place; check base_url and the network.",
                request_id=seen.request_id,
            )
        error = refusal(seen.status, seen.body, seen.request_id, retry_after(seen), [bearer])
        if isinstance(error, UnauthenticatedError) and not self._refused:
            self._refused = True
            if self._sign_in.refused(bearer):
                return RetryableError(error.message, hint=error.hint, request_id=error.request_id)
        return error


def _basic_api(client: Any, kind: Kind) -> Any:
    """Give the SDK's API object of a kind; each access to it would make a new one, with connections of its own."""
    package = getattr(client.crm, kind.name, None)
    return (package if package is not None else getattr(client.crm.objects, kind.name)).basic_api


@contextmanager
def _levels_kept() -> Iterator[None]:
    """Put back the levels of logging that the SDK sets for the whole process."""
    log = logging.getLogger("urllib3")
    level, debug = log.level, HTTPConnection.debuglevel
    try:
        yield
    finally:
        log.setLevel(level)
        HTTPConnection.debuglevel = debug


def _response(status: int, headers: Mapping[str, str], body: bytes | str, bearer: str) -> Response:
    plain = {name.lower(): masked(value, [bearer]) for name, value in headers.items()}
    content = body.encode() if isinstance(body, str) else body
    return Response.of(status, plain, content, plain.get(REQUEST_ID))


def _item(ref: Ref, seen: Response) -> Item:
    row = ref.kind.decode(seen.body)
    return Item(str(row.id), seen.body, row)


def _mapped(seen: Response, make: Callable[[], T]) -> T:
    try:
        return make()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        reason = str(cause) if isinstance(cause, msgspec.ValidationError) else type(cause).__name__
        raise SchemaChanged(
            f"HubSpot answered in a shape this connector does not know: {reason}",
            hint="Update tallystick-hubspot.",
            request_id=seen.request_id,
        ) from None
