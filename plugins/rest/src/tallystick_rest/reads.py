"""How a stream is read, as a description says: its call, its pages, its cursor, and what belongs to each object."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from tallystick.connectors.mapping import FieldError, PathText, RecordMapping, Shape
from tallystick_rest.calls import Call, ObjectCall

__all__ = [
    "Budget",
    "ChildRead",
    "Counted",
    "CursorRule",
    "Cut",
    "LinkHeader",
    "NextLink",
    "OnePage",
    "Paging",
    "SingleObject",
    "StreamDescription",
    "TimeFormat",
    "Token",
]

TimeFormat: TypeAlias = Literal["iso", "unix", "unix_ms", "date"]
"""How a time is written: ISO 8601, Unix seconds, Unix milliseconds, or a day in UTC."""


Size: TypeAlias = Annotated[int, Field(ge=1, le=10_000)] | None


class OnePage(Shape):
    """The answer holds everything.

    Attributes:
        kind: `none`.
    """

    kind: Literal["none"] = "none"


class Token(Shape):
    """The answer holds a token for the next page, which the call takes as `{token}`; none ends the list.

    Attributes:
        kind: `token`.
        size: Objects of a page, as `{size}`.
        path: Where the token stands in the answer.
        more: Where the answer says whether there is another page; without it, a token says so.
    """

    kind: Literal["token"]
    size: Size = None
    path: PathText
    more: PathText | None = None


class NextLink(Shape):
    """The answer holds the address of the next page; none ends the list.

    Attributes:
        kind: `next`.
        size: Objects of a page, as `{size}`.
        path: Where the address stands in the answer.
    """

    kind: Literal["next"]
    size: Size = None
    path: PathText


class LinkHeader(Shape):
    """The header `Link` holds the address of the next page (RFC 8288, `rel="next"`); none ends the list.

    Attributes:
        kind: `link`.
        size: Objects of a page, as `{size}`.
    """

    kind: Literal["link"]
    size: Size = None


class Counted(Shape):
    """Pages are counted (`{page}`) or skipped over (`{offset}`); a page that is not full ends the list.

    Attributes:
        kind: `page` or `offset`.
        size: Objects of a full page; also `{size}`.
        first: Number of the first page.
        more: Where the answer says whether there is another page; without it, a full page says so.
        most: Pages that the system gives at most; a longer list is an error and not cut silently.
    """

    kind: Literal["page", "offset"]
    size: int = Field(ge=1, le=10_000)
    first: int = Field(default=1, ge=0, le=1)
    more: PathText | None = None
    most: int = Field(default=100_000, ge=1)


Paging: TypeAlias = Annotated[OnePage | Token | NextLink | LinkHeader | Counted, Field(discriminator="kind")]


class CursorRule(Shape):
    """How a list is read in the order of time, and up to when it is known afterwards.

    Attributes:
        field: Where the time stands in each object by which the list is asked for, such as `updated_at`.
        format: How it is written there.
        filter: How `{start}` and `{end}` are written in the call; as `format` unless told.
        order: `oldest_first`, `newest_first`, or `none` if the system promises no order.
        bound: Whether the system takes `{start}` as `inclusive` (at or after) or `exclusive` (after).
        unit_seconds: The smallest step the system's filter tells apart; 86400 if it counts whole days.
        lag_seconds: How late the list may show a change: what is known stays behind the system's clock by that much, so
            that it is asked for again.
        overlap_seconds: How much more than that is read again.
        keyset: After each page go on from the time of its last object instead of turning pages: for lists that are
            `oldest_first` and change while they are read.
        window_seconds: Read the list in windows of this length, one after the other.
        slices: Parts of the first load that are read at the same time.
    """

    field: PathText
    format: TimeFormat
    filter: TimeFormat | None = None
    order: Literal["oldest_first", "newest_first", "none"] = "none"
    bound: Literal["inclusive", "exclusive"] = "inclusive"
    unit_seconds: int = Field(default=1, ge=1, le=86_400)
    lag_seconds: int = Field(default=0, ge=0, le=7 * 86_400)
    overlap_seconds: int = Field(default=60, ge=0, le=30 * 86_400)
    keyset: bool = False
    window_seconds: int | None = Field(default=None, ge=60)
    slices: int = Field(default=1, ge=1, le=64)

    @model_validator(mode="after")
    def _check(self) -> CursorRule:
        if self.keyset and self.order != "oldest_first":
            raise FieldError(
                "keyset needs the oldest objects first",
                hint="Set `order: oldest_first`, and sort so.",
                path=("keyset",),
            )
        if self.keyset and self.window_seconds is not None:
            raise FieldError("keyset needs no windows", hint="Leave one of them out.", path=("window_seconds",))
        return self


class SingleObject(ObjectCall):
    """The call that gives one object of the stream: for look-ups, and for lists that show only a part of it.

    Attributes:
        path: With `{id}`.
        query: Query parameters.
        item: Where the object stands in the answer; the whole answer unless told.
        each: Read every object of the list with it: one call per object, within `budget`.
        missing: What it means when an object of the list is gone: `skip` it, or it was `deleted`.
    """

    item: PathText | None = None
    each: bool = False
    missing: Literal["skip", "deleted"] = "skip"


class ChildRead(Shape):
    """A list that belongs to each object and is read by calls of its own, within `budget`.

    Attributes:
        call: With `{id}` of the object.
        items: Where the list stands in the answer; the whole answer unless told.
        page: How its pages are turned.
    """

    call: Call
    items: PathText | None = None
    page: Paging = OnePage()

    @model_validator(mode="after")
    def _check(self) -> ChildRead:
        if "id" not in self.call.names():
            raise FieldError("{id} is missing", hint="Write it like /tickets/{id}/comments.", path=("call",))
        _check_paging(self.call, self.page)
        return self


class Cut(Shape):
    """How it is told that a list inside an object is not whole; `$cut` is then true in the tests of a mapping.

    Attributes:
        list: Where the list stands.
        total: Where the object says how many there are.
    """

    list: PathText
    total: PathText


class Budget(Shape):
    """How many calls may be spent on what belongs to the objects of a list.

    Attributes:
        calls_per_object: At most for one object.
        calls_per_sync: For all streams and objects of one sync; the next sync goes on where the calls were spent.
    """

    calls_per_object: int = Field(default=20, ge=1, le=1_000)
    calls_per_sync: int = Field(default=100_000, ge=1)


def _call(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


class StreamDescription(Shape):
    """One kind of object of the system.

    Attributes:
        call: Gives a page of its list.
        items: Where the list stands in the answer; the whole answer unless told.
        id: Where an object's id stands.
        page: How pages are turned.
        cursor: How it is read in the order of time; without it, the whole list is read in every sync.
        object: The call that gives one object.
        cut: How it is told that a list inside an object is not whole.
        children: Lists that belong to each object, by the name under which `each` of a mapping finds them.
        follows: Streams that are read before this one.
        records: What the objects become.
    """

    call: Annotated[Call, BeforeValidator(_call)]
    items: PathText | None = None
    id: PathText = "id"
    page: Paging = OnePage()
    cursor: CursorRule | None = None
    object: SingleObject | None = None
    cut: Cut | None = None
    children: dict[Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")], ChildRead] = Field(default={})
    follows: list[str] = Field(default=[])
    records: list[RecordMapping] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> StreamDescription:
        names = self.call.names()
        if "id" in names:
            raise FieldError("a list has no {id}", hint="Use `children` or `object`.", path=("call",))
        if self.cursor is None and names & {"start", "end"}:
            raise FieldError("{start} and {end} need a cursor", hint="Add `cursor:`.", path=("call",))
        if self.cursor is not None and "start" not in names and self.cursor.order != "newest_first":
            raise FieldError(
                "{start} is missing, so every sync would read everything",
                hint="Ask for what changed since {start}, or leave `cursor` out.",
                path=("call",),
            )
        if self.cursor is not None and self.cursor.window_seconds is not None and "end" not in names:
            raise FieldError("{end} is missing, which windows need", path=("call",))
        if self.cursor is not None and self.cursor.slices > 1 and "end" not in names and not self.cursor.keyset:
            raise FieldError(
                "slices without {end} would each read to the end of the list",
                hint="Ask for what changed before {end}, or use `keyset`.",
                path=("cursor", "slices"),
            )
        _check_paging(self.call, self.page)
        return self


def _check_paging(call: Call, page: Paging) -> None:
    needed = {"token": "token", "page": "page", "offset": "offset"}.get(page.kind)
    names = call.names()
    if needed is not None and needed not in names:
        raise FieldError(
            f"the call does not say where {{{needed}}} goes", hint=f"Put {{{needed}}} into its query.", path=("page",)
        )
    others = names & ({"token", "page", "offset"} - {needed})
    if others:
        raise FieldError(f"{{{others.pop()}}} is for another kind of paging", hint="Correct `page`.", path=("page",))
