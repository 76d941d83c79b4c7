"""Read JSON that somebody else handed in: the canonical bytes of a value, or nothing.

One value has one spelling (`tallystick.canonical`), so whatever is written in another way was not written by Tallystick
or was changed since: spaces, keys out of order or twice, escapes that are not needed, numbers with a point or an
exponent, integers beyond 2**53 - 1, and any bytes that are no JSON at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, NoReturn

import msgspec

from tallystick.canonical import canonical
from tallystick.errors import Tampered

__all__ = ["DEEPEST", "read_strict", "read_strict_lines"]

DEEPEST = 64

_HINT = "Keep the file: it was damaged, changed, or not written by Tallystick."


class _Float(ValueError):
    """A number with a point or an exponent."""


def _refuse_float(text: str) -> NoReturn:
    raise _Float(f"the number {text[:40]} has a point or an exponent; amounts are text or integers")


_decoder = msgspec.json.Decoder(float_hook=_refuse_float)


def _nested(depth: int) -> Any:
    """Give the type of plain values that nest so deep: what is of it is checked while it is decoded."""
    largest = 2**53 - 1
    kind: Any = str | bool | None | Annotated[int, msgspec.Meta(ge=-largest, le=largest)]
    for _ in range(depth):
        kind = str | bool | None | Annotated[int, msgspec.Meta(ge=-largest, le=largest)] | list[kind] | dict[str, kind]
    return kind


_plain = msgspec.json.Decoder(_nested(8))
_encoder = msgspec.json.Encoder(order="sorted")


def read_strict(data: bytes, where: str) -> Any:
    """Give the value of canonical JSON bytes: None, bool, int, str, and lists and dicts of them.

    Args:
        data: The bytes, without a newline at their end.
        where: What to call them in an error, such as `claims.jsonl:17`.

    Raises:
        Tampered: The bytes are not the canonical form of a value, or nest deeper than 64; says why.
    """
    if data.isascii():
        # The usual case, ten times as fast; whatever it does not take is looked at again, and may turn out to be good.
        try:
            plain = _plain.decode(data)
        except (msgspec.DecodeError, RecursionError):
            pass
        else:
            if _encoder.encode(plain) == data:
                return plain
    if data.count(b"[") + data.count(b"{") > DEEPEST:
        _check_depth(data, where)
    try:
        value = _decoder.decode(data)
        again = canonical(value)
    except UnicodeDecodeError as error:
        raise Tampered("this is not UTF-8", hint=_HINT, where=where) from error
    except (msgspec.DecodeError, ValueError) as error:
        raise Tampered(f"this is not JSON as Tallystick writes it: {error}", hint=_HINT, where=where) from error
    if again != data:
        raise Tampered(_difference(data, again), hint=_HINT, where=where)
    return value


def read_strict_lines(lines: Iterable[bytes], name: str) -> Iterator[Any]:
    """Give the value of each line, named `name:1`, `name:2` and so on in errors.

    Raises:
        Tampered: See `read_strict`; the values before it were given.
    """
    for number, line in enumerate(lines, 1):
        yield read_strict(line, f"{name}:{number}")


def _check_depth(data: bytes, where: str) -> None:
    """Refuse nesting before a parser follows it; brackets inside of texts do not nest."""
    depth, text, skip = 0, False, False
    for byte in data:
        if text:
            if skip:
                skip = False
            elif byte == 0x5C:
                skip = True
            elif byte == 0x22:
                text = False
        elif byte == 0x22:
            text = True
        elif byte in b"[{":
            depth += 1
            if depth > DEEPEST:
                raise Tampered(f"this nests deeper than {DEEPEST}", hint=_HINT, where=where)
        elif byte in b"]}":
            depth -= 1


def _difference(data: bytes, again: bytes) -> str:
    """Say where the bytes leave the canonical form, and that a key may stand twice where a part is gone."""
    pairs = enumerate(zip(data, again, strict=False))
    place = next((at for at, (one, other) in pairs if one != other), min(len(data), len(again)))
    return f"this is not the canonical spelling of its value from byte {place + 1} on, or a key stands in it twice"
