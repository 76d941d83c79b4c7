"""Query strings of lists: which parameters a resource knows, what they mean, and one page of the answer.

The parameters are those of `stripe.params.*ListParams` at the pinned version; https://docs.stripe.com/api/pagination.
"""

from __future__ import annotations

import operator
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tallystick_stripe.simulator.books import Collection, Obj
from tallystick_stripe.simulator.errors import WireError

__all__ = ["FILTERS", "NOUNS", "Query", "page", "read_query"]

_PAGING = {"limit", "starting_after", "ending_before", "expand"}
_RANGES = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
_MOST_TYPES = 20

FILTERS: dict[str, set[str]] = {
    "balance_transactions": {"created", "currency", "payout", "source", "type"},
    "charges": {"created", "customer", "payment_intent", "transfer_group"},
    "credit_notes": {"created", "customer", "customer_account", "invoice"},
    "customers": {"created", "email", "test_clock"},
    "disputes": {"charge", "created", "payment_intent"},
    "events": {"created", "delivery_success", "type", "types"},
    "invoice_payments": {"created", "invoice", "payment", "status"},
    "invoices": {"collection_method", "created", "customer", "customer_account", "due_date", "status", "subscription"},
    "payment_intents": {"created", "customer", "customer_account"},
    "payouts": {"arrival_date", "created", "destination", "status"},
    "refunds": {"charge", "created", "payment_intent"},
}
"""Filters of each list, beside paging and `expand`."""

NOUNS = {name: name.removesuffix("s") for name in FILTERS} | {
    "payment_intents": "payment_intent",
    "balance_transactions": "balance transaction",
    "credit_notes": "credit note",
    "invoice_payments": "invoice_payment",
}
"""What an error calls one object."""

_ENUMS = {
    ("invoices", "status"): ("draft", "open", "paid", "uncollectible", "void"),
    ("invoices", "collection_method"): ("charge_automatically", "send_invoice"),
    ("invoice_payments", "status"): ("canceled", "open", "paid"),
    ("invoice_payments", "payment[type]"): ("payment_intent", "payment_record"),
}


@dataclass
class Query:
    """A query string, read: single values, ranges by field, lists."""

    values: dict[str, str] = field(default_factory=dict)
    ranges: dict[str, dict[str, int]] = field(default_factory=dict)
    expand: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    limit: int = 10


def read_query(resource: str, text: str, *, retrieve: bool = False) -> Query:
    """Read a query string, brackets plain or percent-encoded.

    Args:
        resource: Name in the address, like `invoice_payments`.
        text: Query string as sent.
        retrieve: For one object only `expand` is known.

    Raises:
        WireError: 400; a parameter is unknown or its value is not one it may have.
    """
    query = Query()
    known = {"expand"} if retrieve else FILTERS[resource] | _PAGING
    for name, value in parse_qsl(text, keep_blank_values=True):
        base, _, rest = name.partition("[")
        inner = rest.removesuffix("]")
        if base not in known:
            raise WireError.unknown_param(name)
        if base in {"expand", "types"} and re.fullmatch(r"\d*", inner) and rest:
            (query.expand if base == "expand" else query.types).append(value)
        elif base in {"created", "due_date", "arrival_date"}:
            _read_range(query, name, base, inner, value)
        elif base == "payment" and inner in {"type", "payment_intent", "payment_record"}:
            query.values[name] = value
        elif rest or base in {"expand", "types"}:
            raise WireError.unknown_param(name)
        elif base == "limit":
            query.limit = _limit(value)
        else:
            query.values[name] = value
    _check(resource, query)
    return query


def _read_range(query: Query, name: str, base: str, inner: str, value: str) -> None:
    if inner not in {*_RANGES, ""}:
        raise WireError.unknown_param(name)
    bounds = query.ranges.setdefault(base, {})
    number = _integer(name, value)
    if inner:
        bounds[inner] = number
    else:
        bounds.update(gte=number, lte=number)


def _integer(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise WireError(400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=name) from None


def _limit(value: str) -> int:
    number = _integer("limit", value)
    if number < 1:
        text = "This value must be greater than or equal to 1."
        raise WireError(400, text, code="parameter_invalid_integer", param="limit")
    if number > 100:
        text = "This value must be less than or equal to 100."
        raise WireError(400, text, code="parameter_invalid_integer", param="limit")
    return number


def _check(resource: str, query: Query) -> None:
    if "starting_after" in query.values and "ending_before" in query.values:
        text = "Received both starting_after and ending_before parameters. Please pass in only one."
        raise WireError(400, text, param="starting_after")
    for (owner, name), allowed in _ENUMS.items():
        if owner == resource and query.values.get(name, allowed[0]) not in allowed:
            text = f"Invalid {name}: must be one of {', '.join(allowed[:-1])}, or {allowed[-1]}"
            raise WireError(400, text, param=name)
    if len(query.types) > _MOST_TYPES:
        raise WireError(400, f"Invalid array: types may have at most {_MOST_TYPES} elements", param="types")
    if query.types and "type" in query.values:
        raise WireError(400, "You may only specify one of these parameters: type, types.", param="types")


def page(
    resource: str,
    rows: Collection,
    query: Query,
    *,
    paid_out: dict[str, str],
    oldest: int = 0,
    newest: int | None = None,
) -> tuple[list[Obj], bool]:
    """Give one page, newest first, and whether there is more.

    Args:
        resource: Name in the address.
        rows: All objects.
        query: Filters and place.
        paid_out: Payout of each ledger row.
        oldest: Objects created before are not shown (events reach back 30 days).
        newest: Objects created after are not shown yet (an index that lags), if given.

    Raises:
        WireError: 404; the object named as the place does not exist (any more).
    """
    low, high = bisect_left(rows.created, oldest), len(rows.items)
    for name, bound in query.ranges.get("created", {}).items():
        place = bisect_left(rows.created, bound + (name in {"gt", "lte"}))
        low, high = (max(low, place), high) if name in {"gt", "gte"} else (low, min(high, place))
    if newest is not None:
        high = min(high, bisect_left(rows.created, newest + 1))
    after, before = query.values.get("starting_after"), query.values.get("ending_before")
    if after is not None:
        high = min(high, _place(resource, rows, after, "starting_after"))
    if before is not None:
        low = max(low, _place(resource, rows, before, "ending_before") + 1)
    order = range(low, high) if before is not None else range(high - 1, low - 1, -1)
    matches = _matcher(resource, query, paid_out)
    found: list[Obj] = []
    for row in _alive(rows, order):
        if matches(row):
            found.append(row)
            if len(found) > query.limit:
                break
    more = len(found) > query.limit
    found = found[: query.limit]
    return (found[::-1] if before is not None else found), more


def _place(resource: str, rows: Collection, key: str, param: str) -> int:
    if rows.get(key) is None:
        raise WireError.missing(NOUNS[resource], key, param)
    return rows.place[key]


def _alive(rows: Collection, order: range) -> Iterator[Obj]:
    for place in order:
        row = rows.items[place]
        if row["id"] not in rows.deleted:
            yield row


def _matcher(resource: str, query: Query, paid_out: dict[str, str]) -> Callable[[Obj], bool]:
    tests: list[Callable[[Obj], bool]] = []
    for name, value in query.values.items():
        if name in {"starting_after", "ending_before", "delivery_success"}:
            continue
        tests.append(_test(resource, name, value, paid_out))
    if query.types:
        wanted = frozenset(query.types)
        tests.append(lambda row: row["type"] in wanted)
    for name, bounds in query.ranges.items():
        if name != "created":
            tests.append(_within(name, bounds))
    return lambda row: all(test(row) for test in tests)


def _within(name: str, bounds: dict[str, int]) -> Callable[[Obj], bool]:
    return lambda row: row[name] is not None and all(_RANGES[key](row[name], value) for key, value in bounds.items())


def _test(resource: str, name: str, value: str, paid_out: dict[str, str]) -> Callable[[Obj], bool]:
    if name.startswith("payment["):
        inner = name[8:-1]
        return lambda row: row["payment"].get(inner) == value
    if resource == "balance_transactions" and name == "payout":
        return lambda row: paid_out.get(row["id"]) == value
    if resource == "invoices" and name == "subscription":
        return lambda row: False  # noqa: ARG005
    if resource == "events" and name == "type" and "*" in value:
        pattern = re.compile(re.escape(value).replace(r"\*", ".*"))
        return lambda row: pattern.fullmatch(row["type"]) is not None
    return lambda row: _plain(row, name) == value


def _plain(row: Obj, name: str) -> Any:
    value = row.get(name)
    return value["id"] if isinstance(value, dict) else value
