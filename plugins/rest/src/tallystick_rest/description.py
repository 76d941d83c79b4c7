"""The description of a system: one YAML file that says how its API is read and what its objects mean."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, field_validator, model_validator

from tallystick.connectors import HttpConfig
from tallystick.connectors.mapping import Document, FieldError, PathText, Shape, Tables, load_described
from tallystick_rest.reads import Budget, StreamDescription

__all__ = [
    "Auth",
    "Basic",
    "Bearer",
    "ClientCredentials",
    "Description",
    "ErrorRule",
    "Header",
    "Limits",
    "Meaning",
    "load_description",
]

HeaderName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
HeaderText: TypeAlias = Annotated[str, Field(pattern=r"^[\x20-\x7e]{1,500}$")]


class Bearer(Shape):
    """`Authorization: Bearer KEY`; the key is where `key` of the source says.

    Attributes:
        kind: `bearer`.
    """

    kind: Literal["bearer"]


class Header(Shape):
    """The key in a header of the system's own.

    Attributes:
        kind: `header`.
        name: The header.
        prefix: What stands before the key, such as `Token `.
    """

    kind: Literal["header"]
    name: HeaderName
    prefix: str = Field(default="", pattern=r"^[\x20-\x7e]{0,40}$")


class Basic(Shape):
    """User and password (RFC 7617).

    Attributes:
        kind: `basic`.
        key_is: Which of the two is the key.
        other: The other one, where it is the same for everybody; else `user` of the source is the user.
    """

    kind: Literal["basic"]
    key_is: Literal["user", "password"] = "password"
    other: Annotated[str, Field(pattern=r"^[\x21-\x7e]{0,200}$")] | None = None

    @model_validator(mode="after")
    def _check(self) -> Basic:
        if self.key_is == "user" and self.other is None:
            raise FieldError("the password is missing", hint='Add `other:`, such as "X".', path=("key_is",))
        return self


class ClientCredentials(Shape):
    """OAuth 2 client credentials (RFC 6749, 4.4): `user` of the source is the client, `key` its secret.

    Attributes:
        kind: `client_credentials`.
        path: Where tokens are given, below the base URL.
        scope: The scope asked for.
        send: Whether client and secret go in a `form`, as `json`, or as `basic`.
    """

    kind: Literal["client_credentials"]
    path: str = Field(pattern=r"^/[A-Za-z0-9_./-]*$")
    scope: HeaderText | None = None
    send: Literal["form", "json", "basic"] = "form"


Auth: TypeAlias = Annotated[Bearer | Header | Basic | ClientCredentials, Field(discriminator="kind")]


class Limits(Shape):
    """How fast the system may be asked, unless the source says otherwise.

    Attributes:
        requests_per_second: Calls a second of all streams and look-ups together.
        remaining: Header that tells how many calls are left; at none, the next call waits.
        reset: Header that tells until when it waits.
        reset_is: Whether that is an amount of `seconds` or a Unix time (`unix`).
    """

    requests_per_second: float = Field(gt=0, le=10_000)
    remaining: HeaderName | None = None
    reset: HeaderName | None = None
    reset_is: Literal["seconds", "unix"] = "seconds"


Meaning: TypeAlias = Literal["retry", "rate_limited", "authorization", "permanent", "cursor_expired", "missing"]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, (int, str)) and not isinstance(value, bool) else value


class ErrorRule(Shape):
    """What an answer means; the first rule that fits counts.

    Attributes:
        status: Statuses it is for; a good one too, where a system tells errors in good answers.
        path: Where a word stands in the body,
        in: and which words it is for.
        means: What the reader does: `retry`, `rate_limited` (wait as asked, then retry), `authorization`, `permanent`,
            `cursor_expired` (begin the stream again), or `missing` (the object is gone).
        hint: What a person does next.
    """

    status: Annotated[list[Annotated[int, Field(ge=200, le=599)]], BeforeValidator(_listed), Field(min_length=1)]
    path: PathText | None = None
    is_in: Annotated[list[str], BeforeValidator(_listed)] | None = Field(default=None, alias="in", min_length=1)
    means: Meaning
    hint: str = Field(default="", max_length=300)

    @model_validator(mode="after")
    def _check(self) -> ErrorRule:
        if (self.path is None) != (self.is_in is None):
            raise FieldError("path and in go together", hint="Write {path: error.code, in: [expired]}.")
        if self.path is None and any(status < 300 for status in self.status):
            raise FieldError("a good status needs a word that makes it an error", hint="Add `path` and `in`.")
        return self


class Description(Shape):
    """A system as its description says; `tallystick.yaml` adds the account.

    Attributes:
        system: The system's name, in small letters.
        title: Its name for people.
        api_version: The version of its API that is read.
        base_url: Where its API is, where that is the same for every account.
        auth: How to sign in.
        headers: Further headers of every call.
        request_id: Response header with the system's id of a call.
        limits: How fast it may be asked.
        errors: What its refusals mean, beyond the usual meaning of a status.
        says: Where a refusal says its reason in words.
        budget: Calls that may be spent on what belongs to the objects of lists.
        largest_page: Bytes an answer may have.
        values: Tables of values that several columns use by name (`values: NAME`).
        streams: Kinds of objects, in the order in which they begin.
        lookup: The stream whose objects are looked up live.
        cannot_show: What the API cannot show, one sentence each; `check` says it.
    """

    system: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    title: str = Field(min_length=1, max_length=60)
    api_version: str = Field(min_length=1, max_length=40)
    base_url: str | None = None
    auth: Auth
    headers: dict[HeaderName, HeaderText] = Field(default={})
    request_id: HeaderName = "x-request-id"
    limits: Limits
    errors: list[ErrorRule] = Field(default=[])
    says: list[PathText] = Field(default=[])
    budget: Budget = Budget()
    largest_page: int = Field(default=64_000_000, ge=1_000, le=256_000_000)
    values: Tables = Field(default={})
    streams: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], StreamDescription] = Field(min_length=1)
    lookup: str | None = None
    cannot_show: list[Annotated[str, Field(min_length=1, max_length=500)]] = Field(default=[])

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str | None) -> str | None:
        return value if value is None else HttpConfig(base_url=value).base_url

    @model_validator(mode="after")
    def _check(self) -> Description:
        for name, stream in self.streams.items():
            for place, other in enumerate(stream.follows):
                if other not in self.streams or other == name:
                    path = ("streams", name, "follows", place)
                    raise FieldError("there is no such other stream", hint=_there_are(self.streams), path=path)
        if self.lookup is not None:
            looked_up = self.streams.get(self.lookup)
            if looked_up is None:
                raise FieldError("there is no such stream", hint=_there_are(self.streams), path=("lookup",))
            if looked_up.object is None:
                raise FieldError("that stream has no `object`", hint="Say how one is read.", path=("lookup",))
        return self


def _there_are(names: Any) -> str:
    return f"There are: {', '.join(names)}."


def load_description(path: str) -> tuple[Document, Description]:
    """Read a description.

    Returns:
        The document, for positions, and the description.

    Raises:
        ConfigurationError: The file cannot be read, or does not fit; says every problem with file, line and column.
    """
    return load_described(path, Description)
