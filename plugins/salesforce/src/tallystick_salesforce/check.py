"""What `tallystick check` says about a Salesforce org: calls that read only, and no write is ever tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from tallystick.connectors import CheckRow, Response
from tallystick.errors import Error
from tallystick_salesforce.budget import Budget
from tallystick_salesforce.catalog import ENTITIES, SNAPSHOTS, Entity, Snapshot
from tallystick_salesforce.client import clock
from tallystick_salesforce.describe import Described
from tallystick_salesforce.faults import MissingError
from tallystick_salesforce.history_check import activity_rows, reach_rows, tracking_rows
from tallystick_salesforce.objects import Row, field_names
from tallystick_salesforce.org import Org, read_rows
from tallystick_salesforce.soql import one_of, select
from tallystick_salesforce.tokens import SignIn

if TYPE_CHECKING:
    from tallystick_salesforce.config import SalesforceConfig

__all__ = ["check_source"]

_SECOND = 1_000_000
_DECIDING = {
    "Event": ("StartDateTime", "EndDateTime", "OwnerId", "IsChild"),
    "EventRelation": ("RelationId", "Relation.Email"),
    "VideoCall": ("DurationInSeconds", "EventId"),
    "VoiceCall": ("CallDurationInSeconds",),
    "Task": ("CallDurationInSeconds",),
    "Opportunity": ("StageName", "OwnerId", "AccountId"),
    "OpportunityHistory": ("CreatedById", "StageName"),
    "Lead": ("Status", "Email", "MasterRecordId"),
    "Contact": ("Email", "MasterRecordId"),
    "Account": ("MasterRecordId",),
    "Case": ("IsClosed", "OwnerId", "ContactId", "MasterRecordId"),
    "CaseHistory": ("CreatedById", "Field", "NewValue"),
    "MessagingSession": ("AgentType", "AcceptTime", "CaseId"),
    "ConversationEntry": ("ActorType", "EntryType", "EntryTime"),
    "EmailMessage": ("Incoming", "FromAddress", "Parent.ContactEmail"),
    "User": ("UserRole.Name", "Profile.Name", "IsActive"),
}
"""Fields that decide something: without one of them, a row says so."""


class _Me(msgspec.Struct):
    user_id: str
    organization_id: str | None = None


class _Version(msgspec.Struct):
    version: str


class _Limit(msgspec.Struct, rename="pascal"):
    max: int
    remaining: int


class _UserState(Row):
    is_active: bool | None = None


@dataclass(slots=True)
class _Seen:
    """What the answers so far tell: who we are, and Salesforce's clock."""

    me: str | None = None
    date: int | None = None


def check_source(org: Org, sign_in: SignIn, budget: Budget, config: SalesforceConfig) -> Iterator[CheckRow]:
    """Yield one row each about sign-in, reader, version, limits, objects, fields, histories, people and clock.

    Stops early when there is no way to sign in or Salesforce cannot be reached: every further row would say the same.

    Args:
        org: The org.
        sign_in: The sign-in.
        budget: How much of the org's quota we may use.
        config: What of the configuration is looked at.
    """
    seen = _Seen()
    try:
        sign_in.ready()
        me = org.api.get("/services/oauth2/userinfo", None, _reader(seen, _Me))
    except Error as error:
        yield _failed("sign-in", error)
        return
    seen.me = me.user_id[:15]
    yield CheckRow("sign-in", "ok", f"as user {me.user_id}")
    yield _reader_row(seen, config.vendor_user_ids)
    yield _version_row(org, seen, config.api_version)
    yield from _limit_rows(org, seen, config)
    found: dict[str, Described] = {}
    listed: list[Entity | Snapshot] = [*SNAPSHOTS, *ENTITIES]
    for entity in listed:
        yield from _object_rows(org, entity, found)
    yield _write_row(found)
    yield from _custom_rows(org, found)
    yield from _statuses(org)
    yield from tracking_rows(org, found)
    yield from reach_rows(org, found, config.start)
    yield from activity_rows(org, found, seen.date or 0)
    yield _currency_row(org)
    yield from _vendor_rows(org, config.vendor_user_ids)
    yield _usage_row(budget, config)
    yield _clock_row(seen.date)


def _reader(seen: _Seen, shape: type[Any]) -> Callable[[Response], Any]:
    def read(answer: Response) -> Any:
        seen.date = clock(answer)
        return msgspec.json.decode(answer.body, type=shape)

    return read


def _reader_row(seen: _Seen, vendors: Sequence[str]) -> CheckRow:
    if seen.me in {key[:15] for key in vendors}:
        return CheckRow(
            "reader",
            "failed",
            f"user {seen.me} is the vendor's: who is paid would keep the score",
            "Let the external client app run as a user of your own.",
        )
    if vendors:
        return CheckRow("reader", "ok", "is none of the vendor's users")
    return CheckRow(
        "reader",
        "warning",
        "no vendor_user_ids are set, so it cannot be told whether the reader is the vendor",
        "Set vendor_user_ids.",
    )


def _version_row(org: Org, seen: _Seen, version: str) -> CheckRow:
    try:
        offered = [row.version for row in org.api.get("/services/data/", None, _reader(seen, list[_Version]))]
    except Error as error:
        return _failed("API version", error)
    if version not in offered:
        return CheckRow("API version", "failed", f"{version} is not offered by the org", "Set another api_version.")
    return CheckRow("API version", "ok", f"{version} of up to {max(offered, key=float)}")


def _limit_rows(org: Org, seen: _Seen, config: SalesforceConfig) -> Iterator[CheckRow]:
    try:
        limits = org.api.get("/limits", None, _reader(seen, dict[str, msgspec.Raw]))
        told = {name: msgspec.json.decode(limits[name], type=_Limit) for name in _LIMITS if name in limits}
    except (Error, msgspec.DecodeError) as error:
        yield CheckRow("limits", "warning", f"cannot be told: {type(error).__name__}", "Look them up in Setup.")
        return
    calls = told.get("DailyApiRequests")
    if calls is None:
        yield CheckRow("limits", "warning", "the org does not tell how many calls a day it allows", "See Setup.")
        return
    used = calls.max - calls.remaining
    detail = f"{calls.remaining} of {calls.max} calls left today; one run uses at most {config.share_per_run:.0%}"
    if used >= config.stop_at_org_use * calls.max:
        yield CheckRow("limits", "failed", f"{detail}; we stop at {config.stop_at_org_use:.0%}", "Wait, or buy calls.")
    else:
        yield CheckRow("limits", "ok", detail)
    jobs = told.get("DailyBulkV2QueryJobs")
    if jobs is not None and jobs.remaining < 1:
        yield CheckRow("bulk jobs", "warning", "none are left today: first loads go by pages", "Wait a day.")


_LIMITS = ("DailyApiRequests", "DailyBulkV2QueryJobs")


def _object_rows(org: Org, entity: Entity | Snapshot, found: dict[str, Described]) -> Iterator[CheckRow]:
    name = entity.name
    if not org.reads(name):
        yield CheckRow(name, "warning", f"left out by `without`: {entity.loss}")
        return
    try:
        described = found[name] = org.describer.describe(name)
    except MissingError:
        yield CheckRow(
            name,
            "failed",
            f"readable: no; {entity.loss}",
            f"Let the reader see {name}; if the org does not use it, add it to `without`.",
        )
        return
    except Error as error:
        yield _failed(name, error)
        return
    unseen = [path for path, required in field_names(entity.row) if required and not described.has(path)]
    hidden = [path for path in _DECIDING.get(name, ()) if not described.has(path)]
    if unseen:
        yield CheckRow(name, "failed", f"readable: without {', '.join(unseen)}; {entity.loss}", _GRANT)
    elif hidden:
        yield CheckRow(name, "warning", f"readable: without {', '.join(hidden)}, which decide", _GRANT)
    else:
        yield CheckRow(name, "ok", "readable: yes")


_GRANT = "Give the reader the permission to read these fields."


def _write_row(found: dict[str, Described]) -> CheckRow:
    writable = sorted(name for name, described in found.items() if described.writable)
    untold = sorted(name for name, described in found.items() if described.writable is None)
    if writable:
        return CheckRow(
            "no write permission",
            "failed",
            f"the reader may write {', '.join(writable)}",
            "Take create, edit and delete from the reader's permission sets.",
        )
    if untold:
        return CheckRow("no write permission", "warning", f"cannot be told for {', '.join(untold)}", "See in Setup.")
    return CheckRow("no write permission", "ok", "the reader may write none of what is read")


def _custom_rows(org: Org, found: dict[str, Described]) -> Iterator[CheckRow]:
    for kind, fields in sorted(org.settings.custom.items()):
        objects = [entity.name for entity in ENTITIES if entity.custom == kind and entity.name in found]
        for name, field in sorted(fields.items()):
            having = [entity for entity in objects if found[entity].has(field.path)]
            row = f"field {kind} {field.path if name.startswith('_') else name}"
            if having:
                types = {found[entity].kind(field.path) or "by lookup" for entity in having}
                yield CheckRow(row, "ok", f"{field.path} of {', '.join(having)} ({', '.join(sorted(types))})")
            else:
                yield CheckRow(row, "failed", f"{field.path} cannot be seen", "Correct the name, or grant the field.")


def _statuses(org: Org) -> Iterator[CheckRow]:
    if org.reads("Case") and org.reads("CaseHistory"):
        try:
            closed = sorted(org.closed_statuses)
        except Error as error:
            yield _failed("statuses of cases", error)
        else:
            yield CheckRow("statuses of cases", "ok", f"closed by: {', '.join(closed)}")


def _currency_row(org: Org) -> CheckRow:
    if not org.reads("Opportunity"):
        return CheckRow("currency", "ok", "no amounts are read")
    try:
        several = org.describer.describe("Opportunity").has("CurrencyIsoCode")
        currency = org.currency
    except Error as error:
        return _failed("currency", error)
    if several:
        return CheckRow("currency", "ok", "several: each amount names its own")
    if currency.code is None:
        return CheckRow("currency", "warning", "amounts name no currency, and the org tells none", "Set currency.")
    return CheckRow("currency", "ok", f"one: {currency.code}")


def _vendor_rows(org: Org, vendors: Sequence[str]) -> Iterator[CheckRow]:
    keys = list(dict.fromkeys(vendors))
    if not keys:
        return
    try:
        soql = select("User", ("Id", "IsActive"), where=[one_of("Id", keys)])
        known = {row.id[:15]: row for row in read_rows(org.api, soql, _UserState)}
    except Error as error:
        yield _failed("vendor users", error)
        return
    for key in keys:
        person = known.get(key[:15])
        if person is None:
            yield CheckRow(f"vendor user {key}", "failed", "there is no such user", "Correct the id.")
            continue
        state = "active" if person.is_active else "not active"
        if key == person.id:
            yield CheckRow(f"vendor user {key}", "ok", f"exists, {state}")
        else:
            yield CheckRow(
                f"vendor user {key}",
                "warning",
                f"exists, {state}; records name it by 18 signs, so a contract with this id would not know the vendor",
                f"Write {person.id} here and in the contract.",
            )


def _usage_row(budget: Budget, config: SalesforceConfig) -> CheckRow:
    usage = budget.usage
    if usage is None:
        return CheckRow(
            "quota",
            "warning",
            "answers do not tell how many calls are used: the quota is not kept",
            "See the network.",
        )
    return CheckRow("quota", "ok", f"{usage.used} of {usage.allowed} used; we stop at {config.stop_at_org_use:.0%}")


def _clock_row(date: int | None) -> CheckRow:
    shown = datetime.fromtimestamp((date or 0) // _SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return CheckRow("clock", "ok", f"Salesforce's clock: {shown}; what it says decides up to when we have read")


def _failed(name: str, error: Error) -> CheckRow:
    return CheckRow(name, "failed", str(error), error.hint)
