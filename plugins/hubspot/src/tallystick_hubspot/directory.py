"""What all streams of a run look things up in: owners, pipelines, properties and the account; each read once.

Histories name people by their user id, records by their owner id. The id of a person is the user id everywhere in our
records; an owner without one is `owner:<owner id>`, and so is an owner id that no list of owners has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, NamedTuple, TypeVar

import msgspec

from tallystick.connectors import Params, Response
from tallystick.errors import AuthorizationError, PermanentError, SchemaChanged
from tallystick_hubspot.client import HubSpotApi, clock
from tallystick_hubspot.objects import Id, Paging, boolean, decimal, identifier, lower

__all__ = ["Directory", "FoundOwner", "Owner", "Owners", "Pipeline", "Stage", "Stages", "Team", "user_id"]

T = TypeVar("T")

_PAGE = 100
_MOST_PAGES = 1_000


class Team(msgspec.Struct, gc=False):
    """A team an owner is in."""

    name: str | None = None
    primary: bool | None = None


class Owner(msgspec.Struct, gc=False, rename="camel"):
    """Somebody or something that records can belong to."""

    id: Id
    email: str | None = None
    type: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    user_id: Id | None = None
    user_id_including_inactive: Id | None = None
    created_at: str | None = None
    updated_at: str | None = None
    archived: bool | None = None
    teams: list[Team] | None = None


class FoundOwner(NamedTuple):
    """An owner and its JSON exactly as delivered."""

    owner: Owner
    raw: bytes


class Owners(NamedTuple):
    """All owners, one per person.

    `users` are the ids of people by owner id, `emails` by address in lower case, `people` the owners by the id of the
    person: of somebody who left and came back, the present one. `date` is HubSpot's clock when the list began.
    """

    users: dict[str, str]
    emails: dict[str, str]
    people: dict[str, FoundOwner]
    date: int


class Stage(NamedTuple):
    """What a stage means; None where the pipeline does not say."""

    closed: bool | None = None
    won: bool | None = None


class _StageRow(msgspec.Struct):
    id: Id
    label: str | None = None
    metadata: dict[str, Any] | None = None


class Pipeline(msgspec.Struct):
    """A pipeline and its stages."""

    id: Id
    label: str | None = None
    stages: list[_StageRow] | None = None


class _Pipelines(msgspec.Struct):
    results: list[Pipeline]


class _OwnersPage(msgspec.Struct):
    results: list[msgspec.Raw]
    paging: Paging | None = None


class _Property(msgspec.Struct):
    name: str


class _Properties(msgspec.Struct):
    results: list[_Property]


class _Account(msgspec.Struct, rename="camel"):
    company_currency: str | None = None


class Stages:
    """What the stages of all pipelines of a kind mean.

    Args:
        pipelines: The pipelines.
    """

    def __init__(self, pipelines: Sequence[Pipeline]) -> None:
        self.pipelines = pipelines
        self._by_pipeline: dict[tuple[str, str], Stage] = {}
        self._by_stage: dict[str, Stage] = {}
        for pipeline in pipelines:
            for row in pipeline.stages or ():
                stage, key = _stage(row), str(row.id)
                self._by_pipeline[str(pipeline.id), key] = stage
                # Pipelines that do not agree on a stage leave open what it means.
                self._by_stage[key] = stage if self._by_stage.get(key, stage) == stage else Stage()

    def stage(self, pipeline: str | None, stage: str | None) -> Stage:
        """Give what a stage means, in its pipeline first; nothing is known of one that no pipeline has."""
        if not stage:
            return Stage()
        return self._by_pipeline.get((pipeline or "", stage)) or self._by_stage.get(stage) or Stage()


class Directory:
    """Reads each list when it is first needed; safe to share between threads.

    Args:
        api: Makes the calls.
    """

    def __init__(self, api: HubSpotApi) -> None:
        self._api = api
        self._lock = Lock()
        self._known: dict[str, Any] = {}
        self._users: dict[str, str] | None = None

    def owners(self) -> Owners:
        """Give all owners, those who left included.

        Raises:
            Error: A call was refused or could not be made.
        """
        return self._once("owners", self._owners)

    def user(self, owner: str | None) -> str | None:
        """Give the id of the person an owner id stands for; None for none."""
        if not owner:
            return None
        users = self._users
        if users is None:
            users = self._users = self.owners().users
        return users.get(owner) or f"owner:{owner}"

    def stages(self, kind: str) -> Stages:
        """Give the stages of a kind that has pipelines.

        Raises:
            Error: The call was refused or could not be made.
        """
        path = self._api.paths.pipelines(kind)
        return self._once(f"stages {kind}", lambda: Stages(self._api.get(path, None, _read(_Pipelines)).results))

    def properties(self, kind: str) -> frozenset[str]:
        """Give the names of the properties that objects of a kind have in this account.

        Raises:
            Error: The call was refused or could not be made.
        """
        path = self._api.paths.properties(kind)

        def read() -> frozenset[str]:
            return frozenset(found.name for found in self._api.get(path, None, _read(_Properties)).results)

        return self._once(f"properties {kind}", read)

    def wanted(self, kind: str, ours: Sequence[str], declared: Sequence[str]) -> list[str]:
        """Give the properties to ask for: ours as far as the account has them, and those that were declared.

        HubSpot answers a misspelt property as it answers an empty one, so they are compared with its list.

        Raises:
            PermanentError: A declared property does not exist.
            Error: The call was refused or could not be made.
        """
        known = self.properties(kind)
        missing = sorted(set(declared) - known)
        if missing:
            raise PermanentError(
                f"{kind} of this account have no property {', '.join(missing)}",
                hint="Correct the name in tallystick.yaml; it is HubSpot's internal name, not the label.",
            )
        return list(dict.fromkeys([*(name for name in ours if name in known), *declared]))

    def currency(self) -> str | None:
        """Give the account's own currency; None if it is not told."""
        path = self._api.paths.account

        def read() -> str | None:
            try:
                return self._api.get(path, None, _read(_Account)).company_currency
            except AuthorizationError:
                return None

        return self._once("currency", read)

    def _owners(self) -> Owners:
        found: list[FoundOwner] = []
        date: int | None = None
        for archived in ("true", "false"):
            after: str | None = None
            for _ in range(_MOST_PAGES):
                params: Params = {"limit": _PAGE, "archived": archived, **({"after": after} if after else {})}
                page, when = self._api.get(self._api.paths.owners, params, _owners_page)
                date = when if date is None else date
                found += page.owners
                if page.after is None:
                    break
                if page.after == after:
                    raise _endless()
                after = page.after
            else:
                raise _endless()
        users = {str(one.owner.id): user_id(one.owner) for one in found}
        emails = {mail: user_id(one.owner) for one in found if (mail := lower(one.owner.email))}
        # Those who left come first in the list, so that whoever is there now stands for the person.
        return Owners(users, emails, {user_id(one.owner): one for one in found}, date or 0)

    def _once(self, name: str, read: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._known:
                self._known[name] = read()
            found: T = self._known[name]
            return found


def user_id(owner: Owner) -> str:
    """Give the id of the person an owner is: the user id, of one who left too; else `owner:<owner id>`."""
    user = identifier(owner.user_id) or identifier(owner.user_id_including_inactive)
    return user or f"owner:{owner.id}"


def _endless() -> SchemaChanged:
    return SchemaChanged("the list of owners never ends", hint="Report it to the plugin's author.")


class _Got(NamedTuple):
    owners: list[FoundOwner]
    after: str | None


def _owners_page(response: Response) -> tuple[_Got, int]:
    page = _OWNERS(response.body)
    owners = [FoundOwner(_OWNER(raw), bytes(raw)) for raw in page.results]
    return _Got(owners, None if page.paging is None else page.paging.after), clock(response)


_OWNERS = msgspec.json.Decoder(_OwnersPage).decode
_OWNER = msgspec.json.Decoder(Owner).decode


def _read(shape: type[T]) -> Callable[[Response], T]:
    decode = msgspec.json.Decoder(shape).decode
    return lambda response: decode(response.body)


def _stage(row: _StageRow) -> Stage:
    told = row.metadata or {}
    if (state := lower(_text(told.get("ticketState")))) is not None:
        return Stage({"closed": True, "open": False}.get(state))
    closed = boolean(_text(told.get("isClosed")))
    chance = decimal(_text(told.get("probability")))
    return Stage(closed, None if closed is None else closed and chance == 1)


def _text(value: Any) -> str | None:
    return value if type(value) is str else str(value) if type(value) in {bool, int, float} else None
