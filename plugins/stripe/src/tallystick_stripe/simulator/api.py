"""What a call to `/v1` answers: pure apart from the virtual clock of the world it asks."""

from __future__ import annotations

from collections.abc import Mapping

from tallystick_stripe.simulator import objects_account as build
from tallystick_stripe.simulator.books import Books, Collection, Obj
from tallystick_stripe.simulator.errors import WireError
from tallystick_stripe.simulator.expand import expand
from tallystick_stripe.simulator.keys import Key, read_key
from tallystick_stripe.simulator.query import FILTERS, NOUNS, page, read_query
from tallystick_stripe.simulator.state import EVENT_DAYS, World

__all__ = ["answer"]


def answer(
    worlds: Mapping[bool, World], method: str, path: str, query: str, headers: Mapping[str, str], *, lag: int = 0
) -> Obj:
    """Give the body of a successful answer.

    Args:
        worlds: The account in live mode (True) and in test mode (False); the key says which is asked.
        method: HTTP method.
        path: Path, like `/v1/charges`.
        query: Query string as sent.
        headers: Request headers, lower-case names.
        lag: Seconds by which lists are behind the clock.

    Raises:
        WireError: The call is refused.
    """
    parts = path.removeprefix("/v1/").split("/")
    key = read_key(headers)
    world = worlds[key.livemode]
    books = world.books
    _check_headers(headers, key, books.account_id)
    known = parts[0] in {*FILTERS, "account", "accounts", "balance"} and path.startswith("/v1/")
    if not known or len(parts) > 3 or parts[-1] in {"", "search"}:
        raise WireError.unknown_url(method, path)
    if method != "GET":
        key.require(parts[0], books.account_id, "write")
    resource = "account" if parts[0] == "accounts" else parts[0]
    key.require(resource, books.account_id)
    if resource in {"account", "balance"}:
        return _single(world, resource, parts[1:])
    rows: Collection = getattr(books, resource)
    reader = _Reader(world, key, lag)
    if len(parts) == 1:
        return reader.listed(resource, rows, query, path)
    if len(parts) == 2:
        return reader.one(resource, rows, parts[1], query)
    return reader.nested(resource, parts[1], parts[2], query, path)


def _check_headers(headers: Mapping[str, str], key: Key, account: str) -> None:
    version = headers.get("stripe-version", build.API_VERSION)
    if version != build.API_VERSION:
        raise WireError(
            400,
            f"Invalid Stripe API version: {version}. This simulator speaks {build.API_VERSION} only.",
        )
    asked = headers.get("stripe-account", account)
    if asked != account:
        raise WireError(
            403,
            f"The provided key '{key.shown}' does not have access to account '{asked}' (or that account does not "
            "exist). Application access may have been revoked.",
            code="account_invalid",
        )


def _single(world: World, resource: str, rest: list[str]) -> Obj:
    books = world.books
    if resource == "account":
        if rest not in ([], [books.account_id]):
            raise WireError.missing("account", rest[0])
        return build.account(id=books.account_id, created=world.plan.actions[0].at if world.plan.actions else world.now)
    if rest:
        raise WireError.unknown_url("GET", "/v1/balance/" + rest[0])
    sums = {"available": 0, "pending": 0}
    for row in books.balance_transactions.items:
        sums[row["status"]] += row["net"]
    return build.balance(**sums, currency="eur", livemode=world.livemode)


class _Reader:
    """Lists and objects of one world for one key."""

    def __init__(self, world: World, key: Key, lag: int) -> None:
        self._world = world
        self._books: Books = world.books
        self._key = key
        self._lag = lag

    def _require(self, resource: str) -> None:
        self._key.require(resource, self._books.account_id)

    def listed(self, resource: str, rows: Collection, query: str, url: str) -> Obj:
        """Give one page of a list."""
        asked = read_query(resource, query)
        found, more = page(
            resource,
            rows,
            asked,
            paid_out=self._books.paid_out,
            oldest=self._world.now - EVENT_DAYS * 86_400 if resource == "events" else 0,
            newest=self._world.now - self._lag if self._lag else None,
        )
        body: Obj = {"object": "list", "data": found, "has_more": more, "url": url}
        return expand(self._books, body, asked.expand, self._require)

    def one(self, resource: str, rows: Collection, key: str, query: str) -> Obj:
        """Give one object; a deleted customer is told apart from one that never was."""
        asked = read_query(resource, query, retrieve=True)
        if resource == "customers" and key in rows.deleted:
            return {"id": key, "object": "customer", "deleted": True}
        found = rows.get(key)
        too_old = resource == "events" and found and found["created"] < self._world.now - EVENT_DAYS * 86_400
        if found is None or too_old:
            raise WireError.missing(NOUNS[resource], key)
        return expand(self._books, found, asked.expand, self._require)

    def nested(self, resource: str, key: str, name: str, query: str, url: str) -> Obj:
        """Give a list inside an object: refunds of a charge, lines of an invoice or credit note."""
        rows: Collection = getattr(self._books, resource)
        found = rows.get(key)
        if (resource, name) not in {("charges", "refunds"), ("invoices", "lines"), ("credit_notes", "lines")}:
            raise WireError.unknown_url("GET", url)
        if found is None:
            raise WireError.missing(NOUNS[resource], key)
        if name == "lines":
            lines: Obj = found["lines"]
            return lines
        self._require("refunds")
        return self.listed("refunds", self._books.refunds, f"charge={key}&{query}".rstrip("&"), url)
