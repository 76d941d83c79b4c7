"""Salesforce over the wire: the token on every call, the quota, queries of any length, and Salesforce's clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from threading import local
from typing import TypeVar
from urllib.parse import quote

import msgspec

from tallystick.connectors import HttpClient, Params, Response, Retry, Timer, TokenBucket
from tallystick.errors import ConnectorError, Error, RetryableError, SchemaChanged
from tallystick_salesforce.budget import Budget
from tallystick_salesforce.faults import KEPT_HEADERS, TooLongError, UnauthenticatedError, classify
from tallystick_salesforce.tokens import SignIn

__all__ = ["API_VERSION", "SalesforceApi", "clock"]

API_VERSION = "68.0"
"""The version asked for when the configuration names none."""

T = TypeVar("T")

_LONGEST_QUERY = 10_000
"""Bytes of a query in an address; address and headers together may have 16,384."""

_LOCATOR = re.compile(r"/services/data/v\d{2,3}\.\d/query(All)?/[\w-]{1,120}", re.ASCII)


class _Part(msgspec.Struct):
    body: msgspec.Raw
    httpStatusCode: int  # noqa: N815 - Salesforce's name


class _Parts(msgspec.Struct):
    compositeResponse: list[_Part]  # noqa: N815 - Salesforce's name


class _Here(local):
    """What one thread's present call was sent with, and whether it was refused once already."""

    token: str = ""
    refused: bool = False
    accept: str = ""


class SalesforceApi:
    """The calls the streams make. Safe to share between threads.

    Args:
        base_url: The org's origin.
        sign_in: Gives the token.
        version: Version of the API, like `68.0`.
        timer: Waits of the bucket and of the retries.
        bucket: What every call spends from.
        retry: How often and how long to repeat.
        budget: How much of the org's daily quota we may use.
    """

    def __init__(
        self,
        base_url: str,
        sign_in: SignIn,
        *,
        version: str,
        timer: Timer,
        bucket: TokenBucket,
        retry: Retry,
        budget: Budget,
    ) -> None:
        self.timer = timer
        self._sign_in = sign_in
        self._budget = budget
        self._here = _Here()
        self._root = f"/services/data/v{version}"
        self._http = HttpClient(
            base_url,
            name="Salesforce",
            bucket=bucket,
            retry=retry,
            timer=timer,
            classify=self._judge,
            headers=self._headers,
            request_id="x-sfdc-request-id",
            keep=KEPT_HEADERS,
            read_timeout=120.0,
            connections=16,  # an org allows 25 long calls at the same time, and others make some too
        )

    def get(self, path: str, params: Params | None, convert: Callable[[Response], T]) -> T:
        """Give what `convert` makes of the answer to a GET.

        Args:
            path: Path below the version, like `/limits`, or a whole one that begins with `/services/`.
            params: Query parameters.
            convert: Turns the answer into a value, with msgspec.

        Raises:
            Error: The call was refused or could not be made.
        """
        self._here.refused = False
        return self._http.get_as(self._path(path), params, convert)

    def get_text(self, path: str, params: Params | None) -> Response:
        """Give the answer to a GET that is no JSON but CSV.

        Raises:
            Error: The call was refused or could not be made.
        """
        here = self._here
        here.refused, here.accept = False, "text/csv"
        try:
            return self._http.get(self._path(path), params)
        finally:
            here.accept = ""

    def post(self, path: str, body: object, convert: Callable[[Response], T]) -> T:
        """Give what `convert` makes of the answer to a POST that changes no record.

        Raises:
            Error: The call was refused or could not be made.
        """
        self._here.refused = False
        return self._http.post_as(self._path(path), body, convert)

    def query(self, soql: str, convert: Callable[[Response], T], *, deleted: bool = True) -> T:
        """Give what `convert` makes of the first page of a query.

        A query that is too long for an address goes in the body of a composite call.

        Args:
            soql: The query.
            convert: Turns the answer into a value, with msgspec.
            deleted: Whether rows in the recycle bin and archived ones are shown too.

        Raises:
            QueryTimeoutError: The query took too long.
            Error: The call was refused or could not be made.
        """
        resource = "queryAll" if deleted else "query"
        if len(quote(soql, safe="")) <= _LONGEST_QUERY:
            try:
                return self.get(f"/{resource}", {"q": soql}, convert)
            except TooLongError:
                pass  # somebody on the way takes shorter addresses than Salesforce does
        part = {"method": "GET", "url": f"{self._root}/{resource}?q={quote(soql, safe='')}", "referenceId": "rows"}
        return self.post("/composite", {"compositeRequest": [part]}, lambda answer: convert(_unwrapped(answer)))

    def more(self, locator: str, convert: Callable[[Response], T]) -> T:
        """Give what `convert` makes of a further page of a query.

        Args:
            locator: The path that the page before gave.
            convert: Turns the answer into a value, with msgspec.

        Raises:
            SchemaChanged: It leads elsewhere.
            LocatorError: Salesforce does not know it any more.
            Error: The call was refused or could not be made.
        """
        if not _LOCATOR.fullmatch(locator):
            raise SchemaChanged(
                "Salesforce names a next page that is no path of a query", hint="Report it to Salesforce's support."
            )
        return self.get(locator, None, convert)

    def close(self) -> None:
        """Give back the connections and wake every waiting thread."""
        self._http.close()

    def _path(self, path: str) -> str:
        return path if path.startswith("/services/") else self._root + path

    def _headers(self) -> dict[str, str]:
        here = self._here
        here.token = self._sign_in.token()
        self._budget.spend()
        return {"Authorization": f"Bearer {here.token}", **({"Accept": here.accept} if here.accept else {})}

    def _judge(self, response: Response) -> Error | None:
        self._budget.note(response.headers)
        return self._retried_once(classify(response, [self._here.token]))

    def _retried_once(self, error: ConnectorError | None) -> ConnectorError | None:
        """Give a refused token as something to try again, once per call: it may only have expired."""
        here = self._here
        if not isinstance(error, UnauthenticatedError) or here.refused:
            return error
        here.refused = True
        self._sign_in.refused(here.token)
        return RetryableError(error.message, hint=error.hint)


def clock(response: Response) -> int:
    """Give Salesforce's clock when it answered, microseconds UTC.

    Raises:
        SchemaChanged: The answer does not tell it, so nothing could be said about up to when we have read.
    """
    if response.date is None:
        raise SchemaChanged(
            "Salesforce's answer has no Date header, so it is not known as of when it holds",
            hint="Something between here and Salesforce removes it; check base_url and the network.",
        )
    return response.date


def _unwrapped(answer: Response) -> Response:
    """Give the one part of a composite answer as an answer of its own."""
    parts: Sequence[_Part] = msgspec.json.decode(answer.body, type=_Parts).compositeResponse
    if len(parts) != 1:
        raise msgspec.ValidationError("a composite answer has not the one part that was asked for")
    inner = msgspec.structs.replace(answer, status=parts[0].httpStatusCode, body=bytes(parts[0].body))
    error = classify(inner)
    if error is not None:
        raise error
    return inner
