"""How a call is written in a description: its path, query and body, with placeholders for what changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import quote

import msgspec
from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from tallystick.connectors.mapping import FieldError, Shape
from tallystick.errors import SchemaChanged

__all__ = ["Asked", "Call", "Given", "ObjectCall", "placeholders", "render"]

Given: TypeAlias = Mapping[str, str | int | None]
"""What stands for the placeholders of one call; None where there is nothing yet, such as a token for the first page."""

_PLACEHOLDER = re.compile(r"\{([a-z_]*)\}")
_PATH = re.compile(r"/[A-Za-z0-9_.~!$&'()*+,;=:@%{}/-]*", re.ASCII)
_LONGEST_ID = 255


def placeholders(value: Any) -> Iterator[str]:
    """Yield the names of the placeholders in a text, or in all texts of a query or body."""
    if isinstance(value, str):
        yield from _PLACEHOLDER.findall(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from placeholders(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from placeholders(item)


Path: TypeAlias = Annotated[str, Field(max_length=500)]
Scalar: TypeAlias = StrictBool | StrictInt | StrictStr


class _Asking(Shape):
    """What calls have in common."""

    path: Path
    query: dict[str, Scalar | list[StrictStr]] = Field(default={})

    @model_validator(mode="after")
    def _check_path(self) -> _Asking:
        if not _PATH.fullmatch(self.path) or ".." in self.path or "//" in self.path:
            raise FieldError(
                "a path below the base URL is expected here", hint="Write it like /v2/tickets.", path=("path",)
            )
        return self

    def _check_names(self, known: tuple[str, ...]) -> None:
        parts = {name: value for name in ("path", "query", "body") if (value := getattr(self, name, None)) is not None}
        for part, value in parts.items():
            for name in placeholders(value):
                if name not in known:
                    listed = ", ".join(f"{{{one}}}" for one in known)
                    raise FieldError(f"nothing is known for {{{name}}}", hint=f"There are: {listed}.", path=(part,))


class Call(_Asking):
    """A call that gives a page of a list.

    Attributes:
        method: GET, or POST for a search; it only reads, and is repeated as a GET is.
        path: Path below the base URL.
        query: Query parameters.
        body: What a POST sends as JSON.

    An entry of `query` or `body` that is a placeholder for which there is nothing is left out.
    """

    method: Literal["GET", "POST"] = "GET"
    body: Any = None

    @model_validator(mode="after")
    def _check_body(self) -> Call:
        self._check_names(("start", "end", "token", "page", "offset", "size", "id"))
        if self.method == "GET" and self.body is not None:
            raise FieldError("a GET has no body", hint="Use `query`, or `method: POST`.", path=("body",))
        return self

    def names(self) -> set[str]:
        """Give the names of its placeholders."""
        return set(placeholders([self.path, dict(self.query), self.body]))


class ObjectCall(_Asking):
    """The call that gives one object: its path holds `{id}`."""

    @model_validator(mode="after")
    def _check_id(self) -> ObjectCall:
        self._check_names(("id",))
        if "id" not in placeholders(self.path):
            raise FieldError("{id} is missing in the path", hint="Write it like /tickets/{id}.", path=("path",))
        return self


class Asked(msgspec.Struct, frozen=True):
    """A call as it is made: `path` may be an address of the configured origin, as a link of an answer named it."""

    method: str
    path: str
    query: dict[str, Any] = {}
    body: Any = None


def render(call: Call | ObjectCall, given: Given) -> Asked:
    """Give a call with its placeholders filled.

    A text that is one placeholder becomes its value, whole number or text; within a longer text it becomes a part of
    it. In the path it is quoted.

    Raises:
        SchemaChanged: An id that came from the system cannot be part of a path.
    """
    path = _PLACEHOLDER.sub(lambda found: _segment(given.get(found.group(1))), call.path)
    method, body = (call.method, call.body) if isinstance(call, Call) else ("GET", None)
    return Asked(method, path, _filled(dict(call.query), given) or {}, _filled(body, given))


def _segment(value: str | int | None) -> str:
    text = "" if value is None else str(value)
    if not text or len(text) > _LONGEST_ID or text in {".", ".."} or not text.isprintable():
        raise SchemaChanged("an id cannot be part of an address", hint="Correct the path of the id in the description.")
    return quote(text, safe="")


def _filled(value: Any, given: Given) -> Any:
    """Give a part of a query or body with its placeholders filled; None for one that has nothing."""
    if isinstance(value, str):
        whole = _PLACEHOLDER.fullmatch(value)
        if whole is not None:
            return given.get(whole.group(1))
        return _PLACEHOLDER.sub(lambda found: str(given.get(found.group(1), "")), value)
    if isinstance(value, dict):
        filled = {key: (item, _filled(item, given)) for key, item in value.items()}
        # A null that the description wrote itself stays.
        return {key: new for key, (old, new) in filled.items() if new is not None or old is None}
    if isinstance(value, list):
        return [_filled(item, given) for item in value]
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value
