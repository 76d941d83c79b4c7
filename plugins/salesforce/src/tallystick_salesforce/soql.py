"""SOQL: literals and queries. No text of anybody else's gets into a query but as a literal or as a checked name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from tallystick.errors import ConfigurationError

__all__ = ["Instant", "Literal", "after", "is_id", "literal", "name", "one_of", "select", "whole_id", "window"]

_NAME = re.compile(r"[A-Za-z]\w{0,119}(\.[A-Za-z]\w{0,119}){0,4}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?", re.ASCII)
# Of accounts, contacts, users, opportunities, groups, leads, tasks, events, calls, sessions, cases and chats: a text of
# 15 signs that begins otherwise may be an id of the buyer's own.
_SHORT = re.compile(r"(001|003|005|006|00G|00Q|00T|00U|0LQ|0Mw|500|570)[A-Za-z0-9]{12}", re.ASCII)
_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SIGNS = str.maketrans(
    {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(int):
    """An instant in microseconds UTC; written to the millisecond, which is what Salesforce keeps."""


Literal: TypeAlias = str | int | bool | Decimal | Sequence["Literal"] | None


def literal(value: Literal) -> str:
    """Give a value as SOQL writes it: texts quoted, instants to the millisecond in UTC, sequences in brackets.

    Raises:
        ValueError: A decimal that is no number, or an empty sequence, for which SOQL has no form.
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f"'{value.translate(_SIGNS)}'"
    if isinstance(value, Instant):
        moment = _EPOCH + timedelta(microseconds=value)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("a decimal that is no number cannot be written")
        return f"{value:f}"
    if not value:
        raise ValueError("an empty list cannot be written")
    return f"({','.join(map(literal, value))})"


def name(text: str) -> str:
    """Give the name of an object or field, once it is certain to be one.

    Raises:
        ConfigurationError: It is none.
    """
    if not _NAME.fullmatch(text):
        raise ConfigurationError(
            "a field is declared with a name that no field of Salesforce's has",
            hint="Write API names, like Meeting_Accepted__c or Account.Region__c.",
        )
    return text


def is_id(value: object) -> bool:
    """Tell whether a value has the form of an id, of 15 or 18 signs."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def whole_id(text: str) -> str:
    """Give an id of 15 signs with the three that tell which of them are capitals; anything else as it is.

    Reports and addresses show 15 signs, the API tells all 18. Each of the three stands for five signs, the first one in
    the lowest bit.
    """
    if not _SHORT.fullmatch(text):
        return text
    fives = (text[start : start + 5] for start in (0, 5, 10))
    return text + "".join(_CAPITALS[sum(sign.isupper() << place for place, sign in enumerate(five))] for five in fives)


def select(
    entity: str,
    fields: Iterable[str],
    *,
    where: Sequence[str] = (),
    order: Sequence[str] = (),
    limit: int | None = None,
) -> str:
    """Give a query; the parts of `where` must all hold."""
    parts = [f"SELECT {','.join(map(name, fields))} FROM {name(entity)}"]
    if where:
        parts.append(f"WHERE {' AND '.join(where)}")
    if order:
        parts.append(f"ORDER BY {','.join(map(name, order))}")
    if limit is not None:
        parts.append(f"LIMIT {limit}")
    return " ".join(parts)


def window(field: str, start: int, end: int) -> list[str]:
    """Give the conditions for `[start, end)`, microseconds UTC; whole milliseconds, rather more."""
    up = -(-end // 1000) * 1000
    return [f"{name(field)} >= {literal(Instant(start))}", f"{name(field)} < {literal(Instant(up))}"]


def after(field: str, at: int, key: str) -> str:
    """Give the condition for what comes after a row, in the order of `field` and `Id`."""
    stamp, written = literal(Instant(at)), name(field)
    return f"({written} > {stamp} OR ({written} = {stamp} AND Id > {literal(key)}))"


def one_of(field: str, values: Iterable[str] | Iterable[Instant]) -> str:
    """Give the condition that a field has one of some values, each written once and in order."""
    return f"{name(field)} IN {literal(sorted(set[Any](values)))}"
