"""How a value is read as the kind of its column: exactly, or not at all; pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from tallystick.connectors.mapping.fields import FieldMapping, is_pattern
from tallystick.connectors.says import classify, strip_html
from tallystick.period import zone
from tallystick.records.kinds import Kind
from tallystick.records.model import Value

__all__ = ["Reader", "Refused", "Unreadable", "reader", "shape", "word"]

Reader: TypeAlias = Callable[[Any], Value]
"""Gives a value that is not None as its kind; raises `Unreadable`."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000
_YEAR_10000 = 253_402_300_800
"""Unix seconds."""
_FIRST = -62_135_596_800_000_000
"""0001-01-01T00:00Z."""
_FIRST_MS = 100_000_000_000
"""Unix milliseconds in March 1973: what is below was most likely meant as seconds."""
_SHOWN = 40
_PLACES = {"money": (18, 4), "rate": (38, 12)}
"""Digits, and how many of them stand behind the point."""
_WIDE = Context(prec=60)
"""As many digits as an amount may have: none is rounded away."""
_CAST = "Export it as a decimal or as text: CAST(... AS NUMERIC)."


class Unreadable(ValueError):
    """A value does not read as its kind.

    Args:
        message: What it looks like, never the value itself.
        hint: What to write instead.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Refused(Unreadable):
    """A word that the mapping says to stop at, whatever it says about what cannot be read."""


def shape(value: object) -> str:
    """Say what a value looks like without saying it: letters become `a`, digits become `9`."""
    if not isinstance(value, str):
        return f"{type(value).__name__}"
    signs = ["9" if sign.isdigit() else "a" if sign.isalpha() else sign for sign in value[:_SHOWN]]
    shown = "".join(sign if sign.isprintable() else "?" for sign in signs)
    return f"a text like {shown!r}{'...' if len(value) > _SHOWN else ''}"


def word(value: Any) -> str | None:
    """Give the text by which a value is compared; None for an object or a list."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, Decimal, float, date)) else None


def reader(kind: Kind, field: FieldMapping) -> Reader:
    """Give the function that reads a column of a kind as a field says."""
    if kind == "instant":
        return _within_years(_instants(field))
    if kind in _PLACES:
        return _numbers(kind, field)
    if kind == "integer":
        return _integers(field)
    return _boolean if kind == "boolean" else _TEXTS[field.take]


# --- texts


def _text(value: Any) -> str:
    if type(value) is str:
        return _checked(value)
    if isinstance(value, float):
        raise Unreadable(f"a float ({shape(value)}) is no text: 1234 and 1234.0 would be two", _CAST)
    if isinstance(value, datetime):
        return value.isoformat()
    found = str(value) if isinstance(value, UUID) else word(value)
    if found is None:
        raise Unreadable(f"{shape(value)} is no text")
    return _checked(found)


def _checked(text: str) -> str:
    if "\0" in text:
        raise Unreadable("a text with a NUL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unreadable("a text with half a character (a lone surrogate)") from None
    return text


def _domain(value: Any) -> str | None:
    _, at, domain = _text(value).strip().lower().rpartition("@")
    return domain if at and domain else None


def _json(value: Any) -> str:
    return _checked(msgspec.json.encode(value, order="deterministic").decode())


_TEXTS: dict[str | None, Reader] = {
    None: _text,
    "lower": lambda value: _text(value).strip().lower(),
    "domain": _domain,
    "says": lambda value: classify(_text(value)),
    "says_html": lambda value: classify(strip_html(_text(value))),
    "json": _json,
}


# --- numbers


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    said = str(value).strip().lower() if isinstance(value, str) else ""
    if said not in {"true", "false"}:
        raise Unreadable(
            f"{shape(value)} is neither true nor false", "Say which is which: values: {1: true, 0: false}."
        )
    return said == "true"


def _digits(value: str, field: FieldMapping) -> str:
    """Give a number's text with a point for its decimal sign and nothing between its groups."""
    text = value.strip()
    sign = text[:1] if text[:1] in {"-", "+"} else ""
    whole, point, places = text[len(sign) :].partition(field.decimal)
    if field.grouping is not None and field.grouping in whole:
        first, *groups = whole.split(field.grouping)
        if not 1 <= len(first) <= 3 or any(len(group) != 3 for group in groups):
            raise Unreadable(f"{shape(value)} has groups of other than three digits")
        whole = first + "".join(groups)
    plain = whole + places
    if not (plain.isascii() and plain.isdigit()) or not whole or (point and not places):
        raise Unreadable(f"{shape(value)} is no number", "Say how it is written with `decimal` and `grouping`.")
    return f"{sign}{whole}.{places}" if point else sign + whole


def _integers(field: FieldMapping) -> Reader:
    def read(value: Any) -> int:
        if isinstance(value, str):
            value = Decimal(_digits(value, field))
        if isinstance(value, (float, Decimal)):
            exact = Decimal(value)
            if not exact.is_finite() or exact.adjusted() > 18 or exact != exact.to_integral_value():
                raise Unreadable(f"{shape(value)} is no whole number")
            value = int(exact)
        if type(value) is not int:
            raise Unreadable(f"{shape(value)} is no whole number")
        if not -(2**63) <= value < 2**63:
            raise Unreadable("a whole number of more than 64 bits")
        return value

    return read


def _numbers(kind: Kind, field: FieldMapping) -> Reader:
    digits, places = _PLACES[kind]
    shift = Decimal(1).scaleb(-(field.minor_units or 0))

    def read(value: Any) -> Decimal:
        if isinstance(value, float):
            raise Unreadable("a binary float is not exact, and money never is one", _CAST)
        if isinstance(value, str):
            value = _digits(value, field)
        elif type(value) is not int and not isinstance(value, Decimal):
            raise Unreadable(f"{shape(value)} is no number")
        try:
            amount = Decimal(value)
        except InvalidOperation:
            raise Unreadable(f"{shape(value)} is no number") from None
        if not amount.is_finite() or amount.adjusted() > digits or len(amount.as_tuple().digits) > _WIDE.prec:
            raise Unreadable(f"{shape(value)} is no amount that anybody has")
        if field.minor_units is not None:
            if amount != amount.to_integral_value():
                raise Unreadable("an amount in minor units with a fraction", "Leave out minor_units?")
            amount *= shift
        return _fitted(amount, kind, digits, places)

    return read


def _fitted(amount: Decimal, kind: Kind, digits: int, places: int) -> Decimal:
    if amount == 0:
        return Decimal(0)
    exponent = amount.as_tuple().exponent
    amount = amount.normalize(_WIDE) if isinstance(exponent, int) and exponent < -places else amount
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -places:
        raise Unreadable(f"{kind} with more than {places} decimal places", "Nothing is rounded here: round it there.")
    if amount.adjusted() >= digits - places:
        raise Unreadable(f"{kind} with more than {digits - places} digits before the point")
    return amount


# --- instants


def _instants(field: FieldMapping) -> Reader:
    form = field.format or "iso"
    if form == "unix":
        return lambda value: _unix(value, 1_000_000, field)
    if form == "unix_ms":
        return lambda value: _unix(value, 1_000, field)
    if form == "date":
        return lambda value: _day(value, str(field.timezone))
    parse = _pattern(form) if is_pattern(form) else _iso

    def read(value: Any) -> int:
        if type(value) is str:
            moment = parse(value)
        elif isinstance(value, datetime):
            moment = value
        elif type(value) is date:
            raise Unreadable("a date is no instant", "Add `format: date` and the timezone its days are counted in.")
        else:
            raise Unreadable(f"{shape(value)} is no date-time", "For a number say `format: unix` or `format: unix_ms`.")
        if moment.tzinfo is not None and moment.utcoffset() is not None:
            return (moment - _EPOCH) // _MICROSECOND
        if field.timezone is None:
            raise Unreadable(
                f"{shape(value)} carries no offset from UTC, and no timezone is declared",
                "Export times with their offset, or add `timezone:` with the zone the system writes them in.",
            )
        return _local(moment, field.timezone)

    return read


def _within_years(read: Reader) -> Reader:
    """Refuse an instant that an offset moves out of the years 1 to 9999, such as a day that stands for no end."""

    def bounded(value: Any) -> Value:
        found = read(value)
        if type(found) is int and not _FIRST <= found < _YEAR_10000 * 1_000_000:
            raise Unreadable(
                "an instant that is not between the years 1 and 9999", "Stands it for none? Add it to nulls."
            )
        return found

    return bounded


def _iso(value: str) -> datetime:
    text = value.strip()
    if len(text) <= len("2026-01-31"):
        hint = "For days without a time add `format: date` and a timezone."
        raise Unreadable(f"{shape(value)} is no date-time of ISO 8601", hint)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        hint = "Say how it is written: format: '%d.%m.%Y %H:%M'."
        raise Unreadable(f"{shape(value)} is no date-time of ISO 8601", hint) from None


def _pattern(form: str) -> Callable[[str], datetime]:
    def parse(value: str) -> datetime:
        try:
            return datetime.strptime(value.strip(), form)  # noqa: DTZ007 - the zone is added by who calls
        except ValueError:
            raise Unreadable(f"{shape(value)} is not written like {form}") from None

    return parse


def _local(moment: datetime, name: str) -> int:
    """Give the instant of a wall-clock reading; one that a change of the clocks skips or repeats is not known."""
    place = zone(name)
    local = (moment.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
    offsets = {place.offset_at(local - _DAY), place.offset_at(local + _DAY)}
    found = [local - offset for offset in offsets if place.to_local(local - offset) == local]
    if len(found) != 1:
        said = "comes twice" if found else "does not exist"
        raise Unreadable(f"a time that {said} in {name}, where the clocks change", "Export times with their offset.")
    return found[0]


def _day(value: Any, name: str) -> int:
    try:
        day = value if type(value) is date else date.fromisoformat(value.strip() if isinstance(value, str) else "")
    except ValueError:
        raise Unreadable(f"{shape(value)} is no day like 2026-01-31") from None
    midnight = (datetime.combine(day, time(), UTC) - _EPOCH) // _MICROSECOND
    return zone(name).to_instant(midnight)


def _unix(value: Any, factor: int, field: FieldMapping) -> int:
    if isinstance(value, str):
        value = Decimal(_digits(value, field))
    # A float is what some tools make of whole seconds as soon as a column has gaps; with a fraction it is not exact.
    whole = type(value) is int or (isinstance(value, float) and value.is_integer())
    if not whole and not (isinstance(value, Decimal) and value.is_finite()):
        raise Unreadable(f"{shape(value)} is no Unix time")
    if factor == 1_000_000 and not 0 <= value < _YEAR_10000:
        raise Unreadable("a Unix time beyond the year 9999", "Are these milliseconds? Then say `format: unix_ms`.")
    if factor == 1_000 and not _FIRST_MS <= value < _YEAR_10000 * 1000:
        raise Unreadable("a Unix time before 1973 in milliseconds", "Are these seconds? Then say `format: unix`.")
    return int(Decimal(value) * factor)
