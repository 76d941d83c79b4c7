"""What the account is set up with: owners, pipelines, definitions of properties, and the account itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tallystick_hubspot.simulator.definitions import definition_row
from tallystick_hubspot.simulator.errors import WireError
from tallystick_hubspot.simulator.instants import instant, iso
from tallystick_hubspot.simulator.items import Obj
from tallystick_hubspot.simulator.plan import Owner, Pipeline, Property, Stage
from tallystick_hubspot.simulator.query import Call, after_number, after_text, kind_of
from tallystick_hubspot.simulator.world import World

__all__ = ["Settings", "midnight"]

_OWNERS = 100
_MOST_OWNERS = 500


class Settings:
    """Answers for what an account is set up with.

    Args:
        world: The account.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._own = {(made.kind, made.name) for made in world.plan.properties}

    def answer(self, call: Call, used: tuple[int, int]) -> Obj:
        """Give the content of an answer.

        Args:
            call: The call.
            used: Calls of the day that are allowed, and that were made.

        Raises:
            WireError: The call is refused.
        """
        if call.method != "GET":
            raise WireError.no_route()
        match call.place:
            case ("owners",):
                return self._owners(call)
            case ("owners", key):
                return self._owner(call, key)
            case ("pipelines", kind, *rest):
                return self._pipeline(kind, rest)
            case ("properties", kind, *rest):
                return self._property(kind, rest)
            case ("account-info", *rest):
                return self._account(rest, used)
        raise WireError.no_route()

    def _owners(self, call: Call) -> Obj:
        limit, after = call.size(_OWNERS, _MOST_OWNERS), after_number(call.query.get("after"))
        archived, email = call.flag("archived"), call.query.get("email")
        rows = [
            owner
            for owner in sorted(self._world.plan.owners, key=lambda owner: int(owner.id))
            if int(owner.id) > after
            and self._archived(owner) == archived
            and owner.created_at <= self._world.now
            and email in {None, "", owner.email}
        ]
        answer: Obj = {"results": [self._owner_row(owner) for owner in rows[:limit]]}
        if len(rows) > limit:
            answer["paging"] = call.next_page(after_text(int(rows[limit - 1].id)))
        return answer

    def _owner(self, call: Call, key: str) -> Obj:
        by_user = call.query.get("idProperty") == "userId"
        for owner in self._world.plan.owners:
            same = str(owner.user) == key if by_user else owner.id == key
            if same and self._archived(owner) == call.flag("archived"):
                return self._owner_row(owner)
        raise WireError.missing(f"owner {key}")

    def _archived(self, owner: Owner) -> bool:
        return owner.archived_at is not None and owner.archived_at <= self._world.now

    def _owner_row(self, owner: Owner) -> Obj:
        archived = self._archived(owner)
        row: Obj = {"id": owner.id, "email": owner.email, "type": owner.type}
        row |= {"firstName": owner.first, "lastName": owner.last}
        row |= {"userId": None if archived else owner.user, "userIdIncludingInactive": owner.user}
        changed = owner.archived_at if archived and owner.archived_at is not None else owner.created_at
        row |= {"createdAt": iso(owner.created_at), "updatedAt": iso(changed), "archived": archived}
        if owner.teams:
            row["teams"] = [{"id": team.id, "name": team.name, "primary": team.primary} for team in owner.teams]
        return row

    def _pipeline(self, name: str, rest: list[str]) -> Obj:
        kind = kind_of(name)
        rows = {one.id: _pipeline(one) for one in self._world.plan.pipelines if one.kind == kind.name}
        match rest:
            case []:
                return {"results": list(rows.values())}
            case [key] if key in rows:
                return rows[key]
            case [key, "stages"] if key in rows:
                return {"results": rows[key]["stages"]}
            case [key, "stages", stage] if key in rows:
                found = [one for one in rows[key]["stages"] if one["id"] == stage]
                if found:
                    return dict(found[0])
        raise WireError.missing("pipeline or stage")

    def _property(self, name: str, rest: list[str]) -> Obj:
        known = self._world.known[kind_of(name).name]
        if not rest:
            return {"results": [self._definition(made) for made in known.values()]}
        if len(rest) > 1 or rest[0] not in known:
            raise WireError.missing(f"property {rest[0]}")
        return self._definition(known[rest[0]])

    def _account(self, rest: list[str], used: tuple[int, int]) -> Obj:
        if rest == ["details"]:
            return self._details()
        if rest == ["api-usage", "daily", "private-apps"]:
            return {"results": [self._usage(*used)]}
        raise WireError.no_route()

    def _definition(self, made: Property) -> Obj:
        return definition_row(made, own=(made.kind, made.name) in self._own)

    def _details(self) -> Obj:
        account = self._world.plan.account
        local = datetime.fromtimestamp(self._world.now / 1_000, ZoneInfo(account.timezone))
        offset = local.utcoffset() or timedelta()
        return {
            "portalId": account.portal,
            "accountType": "STANDARD",
            "timeZone": account.timezone,
            "companyCurrency": account.currency,
            "additionalCurrencies": list(account.more_currencies),
            "utcOffset": local.strftime("%z")[:3] + ":" + local.strftime("%z")[3:],
            "utcOffsetMilliseconds": int(offset.total_seconds() * 1_000),
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "eu1",
        }

    def _usage(self, limit: int, used: int) -> Obj:
        now = self._world.now
        return {
            "name": "private-apps-api-calls-daily",
            "usageLimit": limit,
            "currentUsage": used,
            "collectedAt": iso(now),
            "fetchStatus": "SUCCESS",
            "resetsAt": iso(midnight(now, self._world.plan.account.timezone)),
        }


def midnight(now: int, timezone: str) -> int:
    """Give the next midnight in a time zone, in Unix milliseconds."""
    local = datetime.fromtimestamp(now / 1_000, ZoneInfo(timezone))
    next_day = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), ZoneInfo(timezone))
    return instant(next_day.astimezone(UTC).isoformat())


def _pipeline(pipeline: Pipeline) -> Obj:
    return {
        "label": pipeline.label,
        "displayOrder": 0,
        "id": pipeline.id,
        "stages": [_stage(pipeline.kind, stage, place) for place, stage in enumerate(pipeline.stages)],
        "createdAt": iso(0),
        "updatedAt": iso(0),
        "archived": pipeline.archived,
    }


def _stage(kind: str, stage: Stage, place: int) -> Obj:
    if kind == "tickets":
        metadata = {"ticketState": "CLOSED" if stage.closed else "OPEN"}
    else:
        metadata = {"isClosed": "true" if stage.closed else "false", "probability": stage.probability}
    row = {"label": stage.label, "displayOrder": place, "metadata": metadata, "id": stage.id}
    return {**row, "createdAt": iso(0), "updatedAt": iso(0), "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT"} | {
        "archived": stage.archived
    }
