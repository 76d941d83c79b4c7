"""What `tallystick check` says about a HubSpot account: a few calls, and no write is ever tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import msgspec

from tallystick.connectors import CheckRow, Response
from tallystick.errors import Error
from tallystick_hubspot.client import HubSpotApi, clock
from tallystick_hubspot.directory import Directory
from tallystick_hubspot.faults import whole
from tallystick_hubspot.history import histories
from tallystick_hubspot.kinds import KINDS, Kind
from tallystick_hubspot.objects import ArchivedPage, Id, SearchPage
from tallystick_hubspot.settings import Settings
from tallystick_hubspot.tokens import SignIn
from tallystick_hubspot.who import app, writer

__all__ = ["CheckSettings", "check_source"]

_SAMPLE = 50
_SECOND = 1_000_000
_NEEDED = {
    "companies": "crm.objects.companies.read",
    "contacts": "crm.objects.contacts.read",
    "deals": "crm.objects.deals.read",
    "meetings": "crm.objects.contacts.read",
    "calls": "crm.objects.contacts.read",
    "tickets": "tickets",
}
_LOSES = {
    "hs_meeting_outcome": "whether a meeting took place is not told",
    "hs_call_duration": "how long people talked is not told",
    "dealstage": "acceptance by a deal's stage cannot be told",
    "hs_pipeline_stage": "whether a ticket is resolved is not told",
    "hs_merged_object_ids": "merges are not seen",
    "hubspot_owner_id": "whose it is is not told",
}
_SCOPES = "/oauth/v2/private-apps/get/access-token-info"


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """What of the configuration the check looks at."""

    kinds: Sequence[str] = tuple(KINDS)
    vendor_user_ids: Sequence[str] = ()
    vendor_app_ids: Sequence[str] = ()
    account_executive_ids: Sequence[str] = ()
    requests_per_second: float = 9
    minted: bool = False


class _Account(msgspec.Struct, rename="camel"):
    portal_id: Id | None = None
    time_zone: str | None = None
    company_currency: str | None = None


class _Token(msgspec.Struct, rename="camel"):
    scopes: list[str]


class _Usage(msgspec.Struct, rename="camel"):
    usage_limit: int | None = None
    current_usage: int | None = None


class _UsagePage(msgspec.Struct):
    results: list[_Usage]


@dataclass(slots=True)
class _Seen:
    """What the answers of all calls together tell."""

    date: int | None = None
    most: int | None = None
    interval: int | None = None
    apps: set[str] = field(default_factory=set)

    def add(self, answer: Response) -> None:
        """Take in one answer."""
        self.date = clock(answer)
        self.most = whole(answer.headers.get("x-hubspot-ratelimit-max")) or self.most
        self.interval = whole(answer.headers.get("x-hubspot-ratelimit-interval-milliseconds")) or self.interval


def check_source(
    api: HubSpotApi, sign_in: SignIn, directory: Directory, settings: Settings, checked: CheckSettings
) -> Iterator[CheckRow]:
    """Yield one row each about sign-in, scopes, properties, histories, stages, people, limits and clock.

    Stops early when there is no way to sign in or HubSpot cannot be reached: every further row would say the same.

    Args:
        api: Makes the calls.
        sign_in: The sign-in.
        directory: Owners, pipelines and properties.
        settings: How objects become records.
        checked: What else of the configuration is looked at.
    """
    yield _library_row()
    seen = _Seen()
    try:
        sign_in.ready()
        account = api.get(api.paths.account, None, _reader(seen, _Account))
    except Error as error:
        yield _failed("sign-in", error)
        return
    yield CheckRow("sign-in", "ok", f"account {_word(account.portal_id)}, its day begins in {_word(account.time_zone)}")
    yield _currency_row(account.company_currency)
    yield _scope_row(api, sign_in, checked)
    for name in checked.kinds:
        yield from _kind_rows(api, directory, settings, KINDS[name], seen)
    for name in ("tickets", "deals"):
        if name in checked.kinds:
            yield _stage_row(directory, name)
    if "tickets" in checked.kinds:
        yield _thread_row(api) if settings.threads else _UNREAD
    yield from _people_rows(directory, checked)
    yield from _app_rows(seen, checked)
    yield _day_row(api, seen)
    yield _pace_row(seen, checked.requests_per_second)
    yield _clock_row(seen.date)


def _reader(seen: _Seen, shape: type[Any]) -> Callable[[Response], Any]:
    def read(answer: Response) -> Any:
        seen.add(answer)
        return msgspec.json.decode(answer.body, type=shape)

    return read


def _library_row() -> CheckRow:
    found = version("urllib3")
    if found == "2.6.0":
        return CheckRow("urllib3", "failed", "2.6.0 breaks every call of hubspot-api-client", "Install urllib3>=2.6.1.")
    return CheckRow("urllib3", "ok", found)


def _currency_row(currency: str | None) -> CheckRow:
    if currency is None:
        return CheckRow(
            "currency", "warning", "not told; deals without a currency of their own have none", "Set one in HubSpot."
        )
    return CheckRow("currency", "ok", f"deals without a currency of their own are in {_word(currency)}")


def _scope_row(api: HubSpotApi, sign_in: SignIn, checked: CheckSettings) -> CheckRow:
    """Say whether the token may do what is needed and may write nothing, where HubSpot tells."""
    needed = {_NEEDED[name] for name in checked.kinds} | {"crm.objects.owners.read"}
    if "tickets" in checked.kinds:
        needed.add("conversations.read")
    if checked.minted:
        return _scopes_untold("HubSpot does not tell the scopes of a minted bearer", needed)
    try:
        scopes = set(api.post(_SCOPES, {"tokenKey": sign_in.bearer()}, _scopes))
    except Error as error:
        return _scopes_untold(f"cannot be told: {error.message}", needed)
    missing = sorted(needed - scopes)
    if missing:
        return CheckRow("scopes", "failed", f"missing: {', '.join(missing)}", "Grant them to the key.")
    writes = sorted(scope for scope in scopes if scope.endswith((".write", ".delete")) and scope not in needed)
    if writes:
        shown = ", ".join(map(_word, writes))
        return CheckRow("scopes", "failed", f"it may write: {shown}", "Take these scopes away: reading is enough.")
    return CheckRow("scopes", "ok", "what is needed, and nothing that writes (tickets apart, which HubSpot has as one)")


def _scopes(answer: Response) -> list[str]:
    return msgspec.json.decode(answer.body, type=_Token).scopes


def _scopes_untold(why: str, needed: set[str]) -> CheckRow:
    return CheckRow("scopes", "warning", why, f"See in HubSpot that it has {', '.join(sorted(needed))} and no write.")


def _kind_rows(
    api: HubSpotApi, directory: Directory, settings: Settings, kind: Kind, seen: _Seen
) -> Iterator[CheckRow]:
    """Yield whether a kind can be read: its properties, the search, and how deep its histories go."""
    row = f"properties {kind.name}"
    try:
        wanted = directory.wanted(kind.name, kind.properties, settings.declared(kind))
    except Error as error:
        yield _failed(row, error)
        return
    missing = [name for name in kind.properties if name not in wanted]
    if missing:
        lost = "; ".join(_LOSES[name] for name in missing if name in _LOSES)
        yield CheckRow(
            row,
            "warning",
            f"the account has no {', '.join(missing)}{': ' + lost if lost else ''}",
            "Nothing to do where the plan lacks them; else show them to the reader.",
        )
    else:
        yield CheckRow(row, "ok", f"all {len(wanted)} are there")
    yield from _stream_rows(api, directory, settings, kind, seen)


def _stream_rows(
    api: HubSpotApi, directory: Directory, settings: Settings, kind: Kind, seen: _Seen
) -> Iterator[CheckRow]:
    row = f"stream {kind.name}"
    body = {
        "properties": ["hs_object_id"],
        "sorts": [{"propertyName": kind.stamp, "direction": "DESCENDING"}],
        "limit": _SAMPLE,
    }
    try:
        page = api.post(f"{api.paths.objects(kind.name)}/search", body, _reader(seen, SearchPage))
        ids = [str(msgspec.json.decode(raw, type=_Id).id) for raw in page.results]
        asked = [name for name in settings.histories(kind) if name in directory.properties(kind.name)]
        found = histories(api, kind.name, asked, ids) if asked and ids else {}
    except Error as error:
        yield _failed(row, error)
        return
    yield CheckRow(row, "ok", f"readable; {len(ids)} in the sample")
    entries = [one for told in found.values() for values in told.values() for one in values]
    seen.apps |= {name for one in entries if (name := writer(one.entry).app) is not None}
    if not asked or not ids:
        return
    if not entries:
        yield CheckRow(
            f"history {kind.name}",
            "warning",
            "no value in the sample tells who wrote it",
            "Without histories nobody can be told to have accepted or resolved anything.",
        )
        return
    deepest = max(len(values) for told in found.values() for values in told.values())
    named = sum(1 for one in entries if writer(one.entry).actor is not None)
    yield CheckRow(
        f"history {kind.name}",
        "ok",
        f"{named} of {len(entries)} values in the sample name their writer; the longest history has {deepest}",
    )


class _Id(msgspec.Struct):
    id: Id


def _stage_row(directory: Directory, kind: str) -> CheckRow:
    row = f"stages {kind}"
    try:
        stages = directory.stages(kind)
    except Error as error:
        return _failed(row, error)
    states = [
        stages.stage(str(pipeline.id), str(stage.id)).closed
        for pipeline in stages.pipelines
        for stage in pipeline.stages or ()
    ]
    if True not in states:
        return CheckRow(row, "failed", "no stage is told to be closed", "Set in HubSpot which stages are closed.")
    if None in states:
        return CheckRow(
            row, "warning", f"{states.count(None)} stages do not tell whether they are closed", "Set it in HubSpot."
        )
    return CheckRow(row, "ok", f"{len(stages.pipelines)} pipelines; {states.count(True)} of {len(states)} are closed")


_UNREAD = CheckRow(
    "conversations",
    "warning",
    "not read (threads: false): a handoff is not seen, so no ticket can be shown to have had none",
    "Leave `threads` away, or verify tickets in another source.",
)


def _thread_row(api: HubSpotApi) -> CheckRow:
    try:
        api.get(api.paths.threads, {"limit": 1}, lambda answer: msgspec.json.decode(answer.body, type=ArchivedPage))
    except Error as error:
        return _failed("conversations", error)
    return CheckRow("conversations", "ok", "readable: a handoff is visible")


def _people_rows(directory: Directory, checked: CheckSettings) -> Iterator[CheckRow]:
    """Yield whether owners can be read, and whether the users named in the configuration are among them."""
    try:
        people = directory.owners().people
    except Error as error:
        yield _failed("owners", error)
        return
    left = sum(1 for one in people.values() if one.owner.archived)
    without = sum(1 for key in people if key.startswith("owner:"))
    yield CheckRow("owners", "ok", f"{len(people)}, of whom {left} left and {without} have no user id")
    shared = sorted(set(checked.vendor_user_ids) & set(checked.account_executive_ids))
    if shared:
        yield CheckRow(
            "roster",
            "failed",
            f"users {', '.join(shared)} are account executives and the vendor's: who is paid would accept",
            "Take them out of one of the lists.",
        )
    if not checked.vendor_user_ids and not checked.vendor_app_ids:
        yield CheckRow(
            "vendor", "warning", "nobody is named, so the vendor's own writes cannot be told", "Set vendor_app_ids."
        )
    for word, keys in (
        ("vendor user", checked.vendor_user_ids),
        ("account executive", checked.account_executive_ids),
    ):
        for key in dict.fromkeys(keys):
            one = people.get(key)
            if one is None:
                yield CheckRow(
                    f"{word} {key}", "failed", "no owner has this user id", "Give the user id, not the owner's."
                )
            else:
                yield CheckRow(f"{word} {key}", "ok", "left" if one.owner.archived else "is an owner")


def _app_rows(seen: _Seen, checked: CheckSettings) -> Iterator[CheckRow]:
    for key in dict.fromkeys(checked.vendor_app_ids):
        if app(key) in seen.apps:
            yield CheckRow(f"vendor app {key}", "ok", "wrote values in the sample")
        else:
            yield CheckRow(
                f"vendor app {key}", "warning", "wrote nothing in the sample", "Check the id if it should have."
            )


def _day_row(api: HubSpotApi, seen: _Seen) -> CheckRow:
    try:
        found = api.get(api.paths.usage, None, _reader(seen, _UsagePage)).results
    except Error as error:
        return CheckRow("calls of the day", "warning", f"not told: {error.message}", "Look it up in HubSpot.")
    known = [one for one in found if one.usage_limit is not None and one.current_usage is not None]
    if not known:
        return CheckRow("calls of the day", "warning", "not told", "Look it up in HubSpot.")
    left = min((one.usage_limit or 0) - (one.current_usage or 0) for one in known)
    limit = max(one.usage_limit or 0 for one in known)
    if left * 10 < limit:
        return CheckRow("calls of the day", "warning", f"{left} of {limit} are left", "Run the sync less often.")
    return CheckRow("calls of the day", "ok", f"{left} of {limit} are left")


def _pace_row(seen: _Seen, ours: float) -> CheckRow:
    if seen.most is None or not seen.interval:
        return CheckRow("pace", "warning", "the answers do not tell the limit of ten seconds", "Look it up in HubSpot.")
    allowed = seen.most * 1_000 / seen.interval
    if ours > allowed:
        return CheckRow(
            "pace",
            "warning",
            f"HubSpot allows {allowed:g} calls a second, requests_per_second is {ours:g}",
            f"Set requests_per_second below {allowed:g}.",
        )
    return CheckRow("pace", "ok", f"HubSpot allows {allowed:g} calls a second, we make at most {ours:g}")


def _clock_row(date: int | None) -> CheckRow:
    shown = datetime.fromtimestamp((date or 0) // _SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return CheckRow("clock", "ok", f"HubSpot's clock: {shown}; what it says decides up to when we have read")


def _failed(name: str, error: Error) -> CheckRow:
    return CheckRow(name, "failed", str(error), error.hint)


def _word(given: object) -> str:
    """Give a word of HubSpot's as it can be shown on one line."""
    plain = "".join(sign for sign in str(given or "") if sign.isprintable())[:60]
    return plain or "unknown"
