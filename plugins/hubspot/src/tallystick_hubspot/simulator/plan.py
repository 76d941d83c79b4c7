"""The plan: everything that is set up and that happens in the simulated HubSpot account, before it is on the wire.

A plan is data: the account, its owners, pipelines and own properties, and a list of deeds. Deeds may be given in any
order; they take effect in the order of their instants, and deeds of one instant in the order they are given. Moving the
virtual clock lets more of them have happened; moving it back takes them back.

How usual things are told by deeds:

- A meeting that was held: `Create` with a scheduled start and end, `Set` of `hs_meeting_outcome`, and for how long it
  took a call (`hs_call_duration`, milliseconds) that `Associate` ties to the same contact.
- Acceptance: a `Set` by `person(user id)` of the account executive, or of somebody else; a deal that `Create` makes by
  that person and `Associate` ties to the meeting; a `Set` of `dealstage`.
- A late edit: a `Set` with a later `at`. A value brought with an older timestamp: `Set(..., dated=...)`.
- A mass update: one `Set` per object, all with one `at`.
- What no search by the stamp finds: `Associate`, `Disassociate`, `Merge(..., moves_stamp=False)`,
  `Set(..., moves_stamp=False)`, `Archive`, `Erase`.
- A ticket that a bot resolves: `Create`, `OpenThread` with it, `Say` by `V-`, `B-` and `L-` actors, `Set` of
  `hs_pipeline_stage` by the vendor's `app(...)`.
- A handoff: `Assign` to an `A-` actor, `Say` by it. A vendor that posts with a person's token: `Say` by the `A-` actor
  with `app_id`. A ticket made only at the handoff: `OpenThread` without one, later `Create` and `LinkThread`.
- A reopening: a `Set` of `hs_pipeline_stage` back to an open stage; what HubSpot computes from it follows.

An answer shows the account as it is at the virtual instant, but search matches what its index knew up to `index_lag`
earlier, and delivers what is there now.

Example:
    >>> from tallystick_hubspot.simulator.deeds import Create, person
    >>> from tallystick_hubspot.simulator.instants import instant
    >>> plan = Plan(
    ...     owners=(Owner("31", 9_001, "ae@nordwind.example", "Ada", "East"),),
    ...     pipelines=(Pipeline("tickets", "0", "Support", (Stage("1", "New"), Stage("4", "Closed", closed=True))),),
    ...     properties=(Property("meetings", "accepted_by_ae", "Accepted", "bool"),),
    ...     deeds=(Create(instant("2026-10-01T09:00:00Z"), ("tickets", "101"), {"hs_pipeline": "0"}, person(9_001)),),
    ... )
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tallystick_hubspot.simulator.deeds import Deed

__all__ = ["Account", "Option", "Owner", "Pipeline", "Plan", "Property", "Stage", "Team"]


@dataclass(frozen=True, slots=True)
class Account:
    """The account itself.

    Attributes:
        portal: Portal id.
        timezone: IANA name; the daily limit begins anew at midnight there.
        currency: Code of the company's currency.
        more_currencies: Codes of the others.
    """

    portal: int = 4_400_001
    timezone: str = "Europe/Berlin"
    currency: str = "EUR"
    more_currencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Team:
    """A team that an owner belongs to."""

    id: str
    name: str
    primary: bool = True


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who can own records.

    Attributes:
        id: Owner id: what `hubspot_owner_id` holds.
        user: User id: what history and audits hold. None for a queue.
        email: Address.
        first: First name.
        last: Last name.
        teams: Teams.
        type: PERSON or QUEUE.
        created_at: Unix milliseconds.
        archived_at: From when on the owner is archived: listed with `archived=true` only, `userId` null, and the user
            id under `userIdIncludingInactive` alone. None for never.
    """

    id: str
    user: int | None
    email: str
    first: str = ""
    last: str = ""
    teams: tuple[Team, ...] = ()
    type: str = "PERSON"
    created_at: int = 0
    archived_at: int | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a pipeline.

    Attributes:
        id: Its id; unique in the account for deals, often small numbers for tickets.
        label: Its name.
        closed: Closed; in the metadata `ticketState` of tickets, `isClosed` of deals.
        probability: Of deals: 1.0 is won.
        archived: No longer in use.
    """

    id: str
    label: str
    closed: bool = False
    probability: str = "0.2"
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline of tickets or deals."""

    kind: str
    id: str
    label: str
    stages: tuple[Stage, ...]
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """A value that an enumeration may have."""

    value: str
    label: str
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Property:
    """A property that the account itself defines, or other options for one of HubSpot's.

    Attributes:
        kind: Kind of object.
        name: Internal name.
        label: Shown name.
        type: string, number, date, datetime, enumeration or bool.
        options: Values of an enumeration.
        unique: Whether a record can be read by it (`idProperty`).
    """

    kind: str
    name: str
    label: str
    type: str = "string"
    options: tuple[Option, ...] = ()
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole account.

    Attributes:
        owners: Its owners.
        pipelines: Its pipelines; without one of a kind the stages of that kind compute nothing.
        properties: Its own properties. A deed that writes one that is neither here nor HubSpot's own is not possible.
        deeds: All that happens, in any order.
        account: The account itself.
        history_depth: How many values of a property are kept, for all kinds but contacts.
        contact_history_depth: The same for contacts.
    """

    owners: tuple[Owner, ...] = ()
    pipelines: tuple[Pipeline, ...] = ()
    properties: tuple[Property, ...] = ()
    deeds: tuple[Deed, ...] = ()
    account: Account = field(default_factory=Account)
    history_depth: int = 20
    contact_history_depth: int = 45
