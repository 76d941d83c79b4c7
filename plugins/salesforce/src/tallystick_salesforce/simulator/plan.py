"""The plan: everything that happens in the simulated org, and how the org is set up, before it is in Salesforce's form.

A plan is written with its methods and then served; nothing happens while it is written.

    plan = Plan(tracked={"Opportunity": {"StageName", "OwnerId"}})
    plan.user("ada", at, "Ada", "Berg", role="Account Executive")
    plan.user("bot", at, "Vendor", "Bot", role="SDR")
    plan.create(at + 60, "Account", "acme", by="bot", client="Vendor App", Name="Acme")
    plan.create(at + 90, "Opportunity", "deal", by="bot", AccountId="acme", Name="Acme 1", StageName="Prospecting",
                CloseDate="2026-12-01", Amount=1000)
    plan.update(at + 9000, "deal", by="ada", StageName="Qualification")

Names. Every object of the plan has a `key`: a name of the author's own, unique in the plan. It stands wherever an id is
meant: in `by` (the key of a User) and as the value of a reference field. `plan.ids()` gives the 18-character id of each
key; they follow from the plan alone, so that labels of a story can be written from them. An id is the greater the later
its object was created, whatever `CreatedDate` says. A value of 18 characters that is a right id stands for itself.

Values. Text, bool, int, float or Decimal for numbers, None for null; a datetime field takes Unix seconds (int) or ISO
8601 with an offset, a date field `YYYY-MM-DD`. Fields that Salesforce sets are refused (`CreatedDate`, `IsClosed`,
`Name` of a person, ...); the two that it sets but accepts as well are `Probability` and `ForecastCategoryName`.

Time. All instants (`at`) are Unix seconds, UTC. Deeds may be written in any order; they happen in the order of their
instants, and at one instant in the order they are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tallystick_salesforce.simulator.catalog import SHAPES
from tallystick_salesforce.simulator.ids import made
from tallystick_salesforce.simulator.shapes import Custom, CustomObject

__all__ = ["CASE_STATUSES", "DAY", "IDS_PER_SECOND", "STAGES", "Deed", "Plan", "Stage"]

DAY = 86_400
"""Seconds."""

IDS_PER_SECOND = 65_536
"""Numbers that ids of one second and one prefix may have; the upper half is for rows that Salesforce writes itself."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of opportunities.

    Attributes:
        name: `StageName`.
        probability: Per cent that a new value of the stage sets.
        closed: Whether the deal is over.
        won: Whether it was won.
        category: Forecast category in its short form, like `BestCase`.
    """

    name: str
    probability: int
    closed: bool = False
    won: bool = False
    category: str = "Pipeline"


STAGES = (
    Stage("Prospecting", 10),
    Stage("Qualification", 20),
    Stage("Proposal", 60, category="BestCase"),
    Stage("Negotiation", 80, category="Forecast"),
    Stage("Closed Won", 100, closed=True, won=True, category="Closed"),
    Stage("Closed Lost", 0, closed=True, category="Omitted"),
)
"""Stages of opportunities, unless a plan has its own."""

CASE_STATUSES = {"New": False, "Working": False, "Escalated": False, "Closed": True}
"""Statuses of cases and whether each is closed, unless a plan has its own; the first is that of a new case."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that somebody does; written by the methods of `Plan`.

    Attributes:
        at: Unix seconds.
        kind: create, update, delete, undelete, merge or hard_delete.
        key: The object it is done to; for a merge the one that is left.
        by: Key of the user.
        object: Name of the object's kind, for create.
        fields: Values.
        client: Application the user came through.
        audit: Audit fields set by hand, for create.
        late: Seconds after `at` until anybody sees it.
        system: Whether an automation did it, so that `LastModifiedDate` stays.
        invitees: Keys of the users, contacts and leads invited to an event, for create.
        loser: Key of the object that a merge takes away.
    """

    at: int
    kind: str
    key: str
    by: str
    object: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    client: str = "Browser"
    audit: Mapping[str, Any] = field(default_factory=dict)
    late: int = 0
    system: bool = False
    invitees: tuple[str, ...] = ()
    loser: str = ""


@dataclass
class Plan:
    """An org and all that happens in it. The methods that write deeds raise nothing: serving checks the plan.

    Attributes:
        reader: Key of the user that client credentials run as. If no user has this key, one is made before all deeds:
            `Reader`, with a profile for integrations.
        organization: Name of the org.
        time_zone: IANA name; in it lie the days of `ConvertedDate` and `ActivityDate`.
        currencies: ISO 4217 codes, the corporate one first. With more than one, records have `CurrencyIsoCode`.
        stages: Stages of opportunities in their order.
        case_statuses: Statuses of cases and whether each is closed; the first is that of a new case.
        lead_status: Status of a new lead.
        closed_task_statuses: Statuses of tasks that are done.
        tracked: Which fields have field history: {"Opportunity": {"StageName", "OwnerId"}}. At most 20 of an object;
            Event and Task count too and fill `ActivityFieldHistory`. `OpportunityHistory` and `CaseHistory2` are always
            written.
        custom: Custom fields by object: {"Event": (Custom("Meeting_Accepted__c", "boolean"),)}.
        custom_objects: Objects of packages, like those of conversation recorders.
        hidden_objects: Objects that the reader has no right to.
        hidden_fields: Fields that the reader has no right to, by object.
        unshared: Keys of records that sharing rules keep from the reader.
        writable: Objects that the reader may write (seen in describe; the simulator takes no writes).
        archived_after: Seconds from the end of an event, or from the due day of a closed task, until it is archived.
        shared_activities: Whether `EventRelation` also has rows for whom (`IsParent`) and what (`IsWhat`) an event is
            about, as in orgs with shared activities; otherwise it has only who was invited.
        deeds: All deeds; usually written by the methods.
    """

    reader: str = "reader"
    organization: str = "Nordwind"
    time_zone: str = "Europe/Berlin"
    currencies: tuple[str, ...] = ("EUR",)
    stages: tuple[Stage, ...] = STAGES
    case_statuses: Mapping[str, bool] = field(default_factory=lambda: dict(CASE_STATUSES))
    lead_status: str = "Open"
    closed_task_statuses: frozenset[str] = frozenset({"Completed"})
    tracked: dict[str, set[str]] = field(default_factory=dict)
    custom: dict[str, tuple[Custom, ...]] = field(default_factory=dict)
    custom_objects: tuple[CustomObject, ...] = ()
    hidden_objects: set[str] = field(default_factory=set)
    hidden_fields: dict[str, set[str]] = field(default_factory=dict)
    unshared: set[str] = field(default_factory=set)
    writable: set[str] = field(default_factory=set)
    archived_after: int = 365 * DAY
    shared_activities: bool = False
    deeds: list[Deed] = field(default_factory=list)

    def create(
        self,
        at: int,
        object: str,  # noqa: A002 - the word of the field
        key: str,
        *,
        by: str,
        client: str = "Browser",
        late: int = 0,
        audit: Mapping[str, Any] | None = None,
        invitees: tuple[str, ...] = (),
        **fields: Any,
    ) -> str:
        """Create an object, and give its key.

        Defaults: the owner is `by`; a case is New, a lead Open, a user active. Any object may be created, also a
        history row (for what is not derived, like `Field="ownerAccepted"`), with its own `CreatedDate` by `audit`.

        Args:
            at: Unix seconds.
            object: Name of its kind: Event, EventRelation, Task, VideoCall, Opportunity, Case, ..., or of a custom one.
            key: Its name in the plan.
            by: Key of the user: `CreatedById`, and author of the history.
            client: Application the user came through: one row a day of `LoginHistory` tells of it.
            late: Seconds of a long transaction: the stamps say `at`, but until `at + late` nobody sees it.
            audit: `CreatedDate`, `CreatedById`, `LastModifiedDate` or `LastModifiedById` set by hand (back-dating);
                `SystemModstamp` and the id still tell when it was really made.
            invitees: For an Event: users, contacts and leads. Each gets an `EventRelation` (key `<event>/<invitee>`,
                Status New), each user also a copy of the event (key `<event>/<invitee>/copy`, `IsChild` true), which
                follows its parent. An answer is an update of the relation: `Status="Accepted", RespondedDate=...`.
            fields: Values.
        """
        deed = Deed(at, "create", key, by, object, fields, client, dict(audit or {}), late, invitees=invitees)
        self.deeds.append(deed)
        return key

    def update(
        self,
        at: int,
        key: str,
        *,
        by: str,
        client: str = "Browser",
        late: int = 0,
        system: bool = False,
        **fields: Any,
    ) -> None:
        """Change fields of an object; with no fields it is touched, which moves its stamps only.

        Args:
            at: Unix seconds.
            key: The object, or a row Salesforce made: `<event>/<invitee>`, `<event>/<invitee>/copy`.
            by: Key of the user.
            client: Application the user came through.
            late: Seconds until anybody sees it. Nothing else may happen to the object meanwhile: it is locked.
            system: An automation does it: `SystemModstamp` moves, `LastModifiedDate` and `LastModifiedById` stay.
            fields: Values. For a Lead `IsConverted=True` with `ConvertedAccountId` and so on converts it.
        """
        self.deeds.append(Deed(at, "update", key, by, "", fields, client, {}, late, system))

    def delete(self, at: int, key: str, *, by: str, client: str = "Browser", late: int = 0) -> None:
        """Put an object into the recycle bin, from where it vanishes after 15 days.

        With it go what belongs to it: its history, relations and copies of an event, comments and mails of a case.
        """
        self.deeds.append(Deed(at, "delete", key, by, client=client, late=late))

    def undelete(self, at: int, key: str, *, by: str, client: str = "Browser") -> None:
        """Bring an object back from the recycle bin, with what went with it."""
        self.deeds.append(Deed(at, "undelete", key, by, client=client))

    def hard_delete(self, at: int, key: str, *, by: str, client: str = "Browser") -> None:
        """Make an object vanish at once: no query and no list of deletions will ever tell."""
        self.deeds.append(Deed(at, "hard_delete", key, by, client=client))

    def merge(self, at: int, key: str, loser: str, *, by: str, client: str = "Browser", **fields: Any) -> None:
        """Merge two accounts, contacts, leads or cases.

        The loser goes to the recycle bin with `MasterRecordId`; every reference to it points to the other from then on,
        which moves only the `SystemModstamp` of those rows; `fields` change on the one that is left.
        """
        self.deeds.append(Deed(at, "merge", key, by, "", fields, client, loser=loser))

    def user(
        self,
        key: str,
        at: int,
        first: str,
        last: str,
        *,
        role: str = "",
        profile: str = "Standard User",
        by: str = "",
        **fields: Any,
    ) -> str:
        """Create a user with a role and a profile by their names, and give its key.

        The role and the profile are created with the first user that has them; their keys are `role:<name>` and
        `profile:<name>`. `Username` and `Email` are made from the names unless given. A later change of role is an
        update with `UserRoleId="role:<name>"`; `make_role` makes one that no user begins with.
        """
        maker = by or key
        if role:
            self.make_role(at, role, by=maker)
        if not self._has(f"profile:{profile}"):
            self.create(at, "Profile", f"profile:{profile}", by=maker, Name=profile)
        address = f"{first}.{last}@{self.organization}.example".lower().replace(" ", "")
        values = {"Username": address, "Email": address, "ProfileId": f"profile:{profile}", "Alias": key[:8]}
        if role:
            values["UserRoleId"] = f"role:{role}"
        return self.create(at, "User", key, by=maker, **{**values, "FirstName": first, "LastName": last, **fields})

    def make_role(self, at: int, name: str, *, by: str) -> str:
        """Create a role unless there is one of that name, and give its key, `role:<name>`."""
        key = f"role:{name}"
        if not self._has(key):
            self.create(at, "UserRole", key, by=by, Name=name)
        return key

    def _has(self, key: str) -> bool:
        return any(deed.key == key and deed.kind == "create" for deed in self.deeds)

    def ordered(self) -> list[Deed]:
        """Give all deeds in the order they happen in, the making of the reader included."""
        deeds = sorted(self.deeds, key=lambda deed: deed.at)
        if self._has(self.reader):
            return deeds
        own = Plan(self.reader, self.organization)
        first = (deeds[0].at if deeds else 2 * DAY) - DAY
        own.user(self.reader, first, "Tally", "Reader", profile="Minimum Access - API Only Integrations")
        return [*(deed for deed in own.deeds if not self._has(deed.key)), *deeds]

    def prefixes(self) -> dict[str, str]:
        """Give the key prefix of every object of the org that has records."""
        standard = {shape.name: shape.prefix for shape in SHAPES.values() if not shape.virtual}
        return {**standard, **{custom.name: custom.prefix for custom in self.custom_objects}}

    def ids(self) -> dict[str, str]:
        """Give the id of every key that a deed creates; `World.id` gives it too, and those of rows made on the way.

        Raises:
            ValueError: A key is created twice, an object is unknown, or there are too many records in one second.
        """
        prefixes, found = self.prefixes(), dict[str, str]()
        counts: dict[tuple[str, int], int] = {}
        for deed in self.ordered():
            if deed.kind != "create":
                continue
            if deed.key in found:
                raise ValueError(f"{deed.key} is created twice")
            if deed.object not in prefixes:
                raise ValueError(f"{deed.key}: there is no object {deed.object}")
            place = (prefixes[deed.object], deed.at)
            counts[place] = counts.get(place, 0) + 1
            if counts[place] >= IDS_PER_SECOND // 2:
                raise ValueError(f"{deed.key}: more than {IDS_PER_SECOND // 2 - 1} records of a kind in one second")
            found[deed.key] = made(place[0], deed.at * IDS_PER_SECOND + counts[place])
        return found
