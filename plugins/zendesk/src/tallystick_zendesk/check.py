"""What `tallystick check` says about a Zendesk account: a few calls, and no write is ever tried."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from tallystick.connectors import CheckRow, Params, Response
from tallystick.errors import Error
from tallystick_zendesk.client import ZendeskApi, clock
from tallystick_zendesk.faults import MissingError, TooRecentError, plan_limit
from tallystick_zendesk.objects import RatingsPage, TicketEventsPage, TicketsPage, UsersPage, identifier
from tallystick_zendesk.tokens import SignIn

__all__ = ["CheckSettings", "check_source"]

_SECOND = 1_000_000
_HOUR = 3_600
_REACHES = (_HOUR, 7 * 24 * _HOUR)
_SAMPLE = 100
_SPOKEN = ("Comment", "VoiceComment", "TpeVoiceComment", "FacebookComment", "Tweet")  # no set: what came may be no word


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """What of the configuration the check looks at."""

    legacy: bool = False
    vendor_user_ids: Sequence[str] = ()
    bot_user_ids: Sequence[str] = ()
    requests_per_minute: float = 200
    ratings: bool = True


class _User(msgspec.Struct):
    id: int | str | None = None
    name: str | None = None
    role: str | None = None
    active: bool | None = None


class _UserBody(msgspec.Struct):
    user: _User


class _Token(msgspec.Struct):
    scopes: list[str]


class _TokenBody(msgspec.Struct):
    token: _Token


class _Child(msgspec.Struct):
    event_type: Any = None
    author_id: Any = None
    public: Any = None
    comment_present: Any = None


class _Event(msgspec.Struct):
    child_events: list[_Child] | None = None


@dataclass(slots=True)
class _Seen:
    """What the answers of all calls together tell."""

    me: str | None = None
    date: int | None = None
    limit: int | None = None
    rows: list[msgspec.Raw] = field(default_factory=list)

    def add(self, answer: Response) -> None:
        """Take in one answer."""
        self.date = clock(answer)
        self.limit = plan_limit(answer.headers) or self.limit


@dataclass(frozen=True, slots=True)
class _Probe:
    """How a stream is looked at: its name, where it is read, and the shape of the answer."""

    name: str
    path: str
    shape: type[Any]


def check_source(api: ZendeskApi, sign_in: SignIn, settings: CheckSettings) -> Iterator[CheckRow]:
    """Yield one row each about sign-in, role, scope, streams, comments, people, limits and clock.

    Stops early when there is no way to sign in or Zendesk cannot be reached: every further row would say the same.

    Args:
        api: Makes the calls.
        sign_in: The sign-in.
        settings: What of the configuration is looked at.
    """
    if os.environ.get("DEBUG_LOG") is not None:
        yield CheckRow(
            "DEBUG_LOG", "warning", "is set: zenpy then logs every address and answer of a look-up", "Unset DEBUG_LOG."
        )
    seen = _Seen()
    try:
        sign_in.ready()
        me = api.get("/users/me.json", None, _reader(seen, _UserBody)).user
    except Error as error:
        yield _failed("sign-in", error)
        return
    yield from _me_rows(me, seen)
    if seen.me is None:
        return
    yield _legacy_row() if settings.legacy else _scope_row(api, seen)
    yield from _stream_rows(api, seen, settings)
    yield from _people_rows(api, seen, settings)
    yield _limit_row(seen.limit, settings.requests_per_minute)
    yield _clock_row(seen.date)


def _reader(seen: _Seen, shape: type[Any]) -> Callable[[Response], Any]:
    def read(answer: Response) -> Any:
        seen.add(answer)
        return msgspec.json.decode(answer.body, type=shape)

    return read


def _me_rows(me: _User, seen: _Seen) -> Iterator[CheckRow]:
    seen.me = identifier(me.id)
    if seen.me is None:
        yield CheckRow(
            "sign-in",
            "failed",
            "Zendesk answers as to somebody unknown",
            "Check the sign-in and what is stored for it.",
        )
        return
    yield CheckRow("sign-in", "ok", f"as user {seen.me}")
    if me.role == "admin":
        yield CheckRow("role", "ok", "admin, as the exports need")
    else:
        yield CheckRow(
            "role",
            "failed",
            f"{_word(me.role)}; exports and ratings are for admins",
            "Let the OAuth client act as an admin that is used for nothing else.",
        )


def _legacy_row() -> CheckRow:
    return CheckRow(
        "scope",
        "warning",
        "an API token has no scope and may write; none can be made since 2026-10-27, one idle for 30 days is switched"
        " off, and all stop on 2027-04-30",
        "Make a confidential OAuth client and set client_id and client_secret.",
    )


def _scope_row(api: ZendeskApi, seen: _Seen) -> CheckRow:
    try:
        scopes = api.get("/oauth/tokens/current.json", None, _reader(seen, _TokenBody)).token.scopes
    except Error as error:
        return CheckRow(
            "scope", "warning", f"cannot be told: {error.message}", "See in Zendesk that the client has the scope read."
        )
    if sorted(scopes) == ["read"]:
        return CheckRow("scope", "ok", "read, and nothing that writes")
    shown = ", ".join(_word(scope) for scope in scopes) or "none"
    return CheckRow("scope", "failed", f"{shown}; it must be read alone", "Limit the OAuth client to the scope read.")


def _stream_rows(api: ZendeskApi, seen: _Seen, settings: CheckSettings) -> Iterator[CheckRow]:
    """Yield whether each stream can be read, with one call each, and what the newest events show."""
    since = (seen.date or 0) // _SECOND - _HOUR
    every, alone = {"support_type_scope": "all"}, {"support_type_scope": "ai_agent"}
    page = {"start_time": since, "per_page": _SAMPLE}
    users = _Probe("users", "/incremental/users/cursor.json", UsersPage)
    tickets = _Probe("tickets", "/incremental/tickets/cursor.json", TicketsPage)
    ratings = _Probe("satisfaction_ratings", "/satisfaction_ratings.json", RatingsPage)
    yield _stream_row(api, seen, users, page)
    yield _stream_row(api, seen, tickets, {**page, **every, "include": "metric_sets"})
    yield from _event_rows(api, seen)
    yield _scoped(_stream_row(api, seen, _Probe("ai_agent_tickets", tickets.path, TicketsPage), {**page, **alone}))
    if settings.ratings:
        yield _stream_row(api, seen, ratings, {"start_time": since, "score": "received", "page[size]": 1})


def _stream_row(api: ZendeskApi, seen: _Seen, probe: _Probe, params: Params) -> CheckRow:
    row = f"stream {probe.name}"
    try:
        found = api.get(probe.path, params, _reader(seen, probe.shape))
    except TooRecentError:
        return CheckRow(row, "ok", "readable; there is nothing yet")
    except Error as error:
        return _failed(row, error)
    seen.rows = next(value for value in msgspec.structs.asdict(found).values() if type(value) is list)
    return CheckRow(row, "ok", f"readable; {len(seen.rows)} in the sample")


def _scoped(row: CheckRow) -> CheckRow:
    """Give the row of the AI agent tickets with what its failing means."""
    if row.status != "failed":
        return msgspec.structs.replace(row, detail=f"{row.detail}; support_type_scope is accepted")
    return msgspec.structs.replace(
        row, action="Without support_type_scope, what an AI agent finished alone is hidden; ask Zendesk's support."
    )


def _event_rows(api: ZendeskApi, seen: _Seen) -> Iterator[CheckRow]:
    """Yield whether events can be read, and whether they show who spoke: a handoff is not visible otherwise."""
    probe = _Probe("ticket_events", "/incremental/ticket_events.json", TicketEventsPage)
    row = CheckRow("stream ticket_events", "failed", "")
    for reach in _REACHES:
        params: Params = {
            "start_time": (seen.date or 0) // _SECOND - reach,
            "include": "comment_events",
            "support_type_scope": "all",
            "per_page": _SAMPLE,
        }
        row = _stream_row(api, seen, probe, params)
        if row.status == "failed":
            break
        told, hidden = _comments(seen.rows)
        if told or hidden:
            yield row
            yield _comment_row(told, hidden)
            return
    yield row
    if row.status != "failed":
        yield CheckRow(
            "comments", "warning", "no event of the last seven days has a comment", "Check again after the next one."
        )


def _comments(rows: Sequence[msgspec.Raw]) -> tuple[int, int]:
    """Count the comments of which it is shown who wrote them and who may read them, and those of which it is not."""
    told = hidden = 0
    for raw in rows:
        try:
            children = msgspec.json.decode(raw, type=_Event).child_events or ()
        except msgspec.DecodeError:
            continue
        for child in children:
            if child.event_type in _SPOKEN and child.author_id is not None and type(child.public) is bool:
                told += 1
            elif child.event_type in _SPOKEN or child.comment_present is True:
                hidden += 1
    return told, hidden


def _comment_row(told: int, hidden: int) -> CheckRow:
    if told and not hidden:
        return CheckRow("comments", "ok", f"{told} in the sample, with their authors: a handoff is visible")
    return CheckRow(
        "comments",
        "failed",
        f"{hidden} of {told + hidden} in the sample do not tell their author, or whether they are public:"
        " who spoke, and so a handoff, is not visible",
        "Ask Zendesk's support why comment_events are not shown to this reader.",
    )


def _people_rows(api: ZendeskApi, seen: _Seen, settings: CheckSettings) -> Iterator[CheckRow]:
    """Yield whether the reader is independent, and whether the users named in the configuration exist."""
    if seen.me in {*settings.vendor_user_ids, *settings.bot_user_ids}:
        yield CheckRow(
            "reader",
            "failed",
            f"user {seen.me} is the vendor's or a bot: who is paid would keep the score",
            "Sign in as an admin of your own.",
        )
    elif settings.vendor_user_ids:
        yield CheckRow("reader", "ok", "is none of the vendor's users")
    else:
        yield CheckRow(
            "reader",
            "warning",
            "no vendor_user_ids are set, so it cannot be told whether the reader is the vendor",
            "Set vendor_user_ids.",
        )
    for word, keys in (("vendor", settings.vendor_user_ids), ("bot", settings.bot_user_ids)):
        for key in dict.fromkeys(keys):
            yield _person_row(api, seen, f"{word} user {key}", key)


def _person_row(api: ZendeskApi, seen: _Seen, name: str, key: str) -> CheckRow:
    try:
        user = api.get(f"/users/{key}.json", None, _reader(seen, _UserBody)).user
    except MissingError:
        return CheckRow(name, "failed", "there is no such user", "Correct the id.")
    except Error as error:
        return _failed(name, error)
    state = "" if user.active is not False else ", deleted"
    return CheckRow(name, "ok", f"{_word(user.role)}{state}")


def _limit_row(limit: int | None, ours: float) -> CheckRow:
    if limit is None:
        return CheckRow("limits", "warning", "the answers do not tell the plan's limit", "Look it up in Zendesk.")
    if ours > limit:
        return CheckRow(
            "limits",
            "warning",
            f"the plan allows {limit} calls a minute, requests_per_minute is {ours:g}",
            f"Set requests_per_minute well below {limit}: the account's other traffic shares it.",
        )
    return CheckRow("limits", "ok", f"the plan allows {limit} calls a minute, we use at most {ours:g}")


def _clock_row(date: int | None) -> CheckRow:
    shown = datetime.fromtimestamp((date or 0) // _SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return CheckRow("clock", "ok", f"Zendesk's clock: {shown}; what it says decides up to when we have read")


def _failed(name: str, error: Error) -> CheckRow:
    return CheckRow(name, "failed", str(error), error.hint)


def _word(text: str | None) -> str:
    """Give a word of Zendesk's as it can be shown on one line."""
    plain = "".join(sign for sign in text or "" if sign.isprintable())[:40]
    return plain or "no role"
