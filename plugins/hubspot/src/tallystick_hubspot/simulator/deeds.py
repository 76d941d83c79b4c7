"""Deeds: what happens in the simulated account. A deed is data; `plan` says how they make a whole.

Every deed has `at`, the virtual instant (Unix milliseconds, UTC) at which it takes effect; `instants.instant` reads one
from ISO 8601. Objects are named by a pair of kind and id, like `("tickets", "101")`; the kinds are contacts, companies,
deals, tickets, meetings and calls, the ids are digits. Values of properties are texts as HubSpot delivers them
(`"true"`, `"1200000"`, `"2026-10-01T09:00:00Z"`), or None to clear one.

Example:
    >>> from tallystick_hubspot.simulator.instants import instant
    >>> at = instant("2026-10-01T09:00:00Z")
    >>> meeting = ("meetings", "501")
    >>> deeds = [
    ...     Create(at, meeting, {"hs_meeting_outcome": "SCHEDULED"}, by=app("77123", "Uptime AI")),
    ...     Set(at + 3_600_000, meeting, {"hs_meeting_outcome": "COMPLETED"}, by=person(9_001)),
    ...     Associate(at, meeting, ("contacts", "11")),
    ... ]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = [
    "CALCULATED",
    "PRIMARY",
    "Archive",
    "Assign",
    "Associate",
    "Author",
    "Create",
    "Deed",
    "Disassociate",
    "Erase",
    "Label",
    "LinkThread",
    "Merge",
    "MoveInbox",
    "OpenThread",
    "Ref",
    "Restore",
    "Say",
    "Set",
    "SetStatus",
    "app",
    "imported",
    "person",
    "workflow",
]

Ref = tuple[str, str]
"""An object: its kind and its id."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes values, as `propertiesWithHistory` tells it.

    Attributes:
        source: `sourceType`: CRM_UI, INTEGRATION, API, IMPORT, AUTOMATION_PLATFORM, CONVERSATIONS, CALCULATED, ...
        source_id: `sourceId`: `userId:NNN` for an edit by hand, the app's id for an app; None leaves it out.
        label: `sourceLabel`; None leaves it out.
        user: `updatedByUserId`: the **user** id, never the owner id; None leaves it out.
    """

    source: str = "CRM_UI"
    source_id: str | None = None
    label: str | None = None
    user: int | None = None


def person(user: int) -> Author:
    """Somebody edits by hand; `user` is the user id."""
    return Author("CRM_UI", f"userId:{user}", None, user)


def app(app_id: str, label: str | None = None, *, user: int | None = None) -> Author:
    """An app writes; `user` where it acts with the token of a person."""
    return Author("INTEGRATION", app_id, label, user)


def workflow(flow: str, label: str | None = None) -> Author:
    """A workflow of the account writes."""
    return Author("AUTOMATION_PLATFORM", f"flowId:{flow}", label, None)


def imported(user: int) -> Author:
    """A file is imported by somebody."""
    return Author("IMPORT", f"userId:{user}", "Import", user)


CALCULATED = Author("CALCULATED")
"""The account itself, from other values."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label of an association, beside the plain type that HubSpot defines.

    Attributes:
        id: `typeId` from the first object to the second.
        text: What it says; None for a type without words.
        back_id: `typeId` the other way; None takes the same.
        back_text: What it says the other way; None takes the same.
        category: USER_DEFINED, HUBSPOT_DEFINED or INTEGRATOR_DEFINED.
    """

    id: int
    text: str | None
    back_id: int | None = None
    back_text: str | None = None
    category: str = "USER_DEFINED"


PRIMARY = {
    "contacts": Label(1, "Primary", 2, category="HUBSPOT_DEFINED"),
    "deals": Label(5, "Primary", 6, category="HUBSPOT_DEFINED"),
    "tickets": Label(26, "Primary", 25, category="HUBSPOT_DEFINED"),
}
"""Labels that make a company the primary one, by the kind of the first object; a contact has its id as a property."""


@dataclass(frozen=True, slots=True)
class Create:
    """An object comes into being.

    What HubSpot computes is filled in: id, instants of creation and change, source, users, owner, stage and closing
    properties. A value given here wins over a computed one.

    Attributes:
        at: When.
        ref: The object.
        values: Its properties.
        by: Who makes it.
        dated: Instant of creation and of the first values where it is not `at`, as in an import.
    """

    at: int
    ref: Ref
    values: Mapping[str, str | None] = field(default_factory=dict)
    by: Author = field(default_factory=Author)
    dated: int | None = None


@dataclass(frozen=True, slots=True)
class Set:
    """Properties get values. A value that is there already makes no new history entry, but moves the stamp.

    A mass update is one `Set` per object with the same `at`: all get one stamp.

    Attributes:
        at: When it takes effect.
        ref: The object.
        values: New values; None clears one.
        by: Who writes.
        dated: Timestamp of the history entries where it is not `at`. An entry older than the newest one of its property
            goes behind it, and the property keeps its value.
        stamp: What the stamp (`hs_lastmodifieddate`, `lastmodifieddate`) becomes where it is not `at`.
        moves_stamp: False leaves the stamp as it is.
    """

    at: int
    ref: Ref
    values: Mapping[str, str | None]
    by: Author = field(default_factory=Author)
    dated: int | None = None
    stamp: int | None = None
    moves_stamp: bool = True


@dataclass(frozen=True, slots=True)
class Archive:
    """An object is deleted: gone from reads and from search, on the list with `archived=true`."""

    at: int
    ref: Ref


@dataclass(frozen=True, slots=True)
class Restore:
    """A deleted object is brought back; its stamp moves."""

    at: int
    ref: Ref


@dataclass(frozen=True, slots=True)
class Erase:
    """An object is deleted for good, as privacy law asks: nothing shows it any more."""

    at: int
    ref: Ref


@dataclass(frozen=True, slots=True)
class Merge:
    """Two objects become one: the loser is gone without a trace but its id in `hs_merged_object_ids` of the winner.

    Associations and threads of the loser go to the winner.

    Attributes:
        at: When.
        winner: What stays.
        loser: What goes.
        by: Who merges.
        moves_stamp: Whether the winner's stamp moves.
        redirects: Whether the loser's id still gives the winner, under the winner's id, when read by id.
    """

    at: int
    winner: Ref
    loser: Ref
    by: Author = field(default_factory=Author)
    moves_stamp: bool = True
    redirects: bool = False


@dataclass(frozen=True, slots=True)
class Associate:
    """Two objects are connected, in both directions; no stamp moves.

    Attributes:
        at: When.
        first: One.
        second: The other.
        label: A label beside the plain type. Kinds between which HubSpot defines nothing need one.
    """

    at: int
    first: Ref
    second: Ref
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class Disassociate:
    """Two objects are no longer connected, whatever the type; no stamp moves."""

    at: int
    first: Ref
    second: Ref


@dataclass(frozen=True, slots=True)
class OpenThread:
    """A conversation begins.

    A thread that a ticket has within a minute of being made becomes its originating one.

    Attributes:
        at: When.
        thread: Its id, digits.
        ticket: Id of the ticket it belongs to; None for none.
        contact: `associatedContactId`.
        inbox: `inboxId`.
        channel: `originalChannelId`: 1000 live chat, 1002 mail, ...
        account: `originalChannelAccountId`.
    """

    at: int
    thread: str
    ticket: str | None = None
    contact: str | None = None
    inbox: str = "70001"
    channel: str = "1000"
    account: str = "80001"


@dataclass(frozen=True, slots=True)
class LinkThread:
    """A thread goes to a ticket, for example to one that is made only when the bot hands over."""

    at: int
    thread: str
    ticket: str


@dataclass(frozen=True, slots=True)
class Say:
    """An entry of a thread that somebody writes.

    Attributes:
        at: When.
        thread: The thread.
        actor: Who: `A-` a person of the account, `B-` a chatflow bot, `L-` an LLM agent, `I-` an integration, `E-` an
            address, `S-` the system, `V-` a visitor; followed by an id (for `A-` the user id).
        text: What.
        type: MESSAGE, WELCOME_MESSAGE or COMMENT.
        direction: INCOMING or OUTGOING; None takes INCOMING for visitors and addresses, OUTGOING for others.
        client: `client.clientType`: HUBSPOT, INTEGRATION, SYSTEM or UNKNOWN; None takes INTEGRATION where `app_id` is
            given, HUBSPOT where not.
        app_id: `client.integrationAppId`; with an actor `A-`, an app that posts with the token of a person.
        recipients: Actors or addresses.
    """

    at: int
    thread: str
    actor: str
    text: str
    type: str = "MESSAGE"
    direction: str | None = None
    client: str | None = None
    app_id: int | None = None
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assign:
    """A thread is assigned.

    Attributes:
        at: When.
        thread: The thread.
        to: Actor it is assigned to; None takes the assignment away.
        by: Actor who assigns.
    """

    at: int
    thread: str
    to: str | None
    by: str = "S-hubspot"


@dataclass(frozen=True, slots=True)
class SetStatus:
    """A thread is closed or opened again.

    Attributes:
        at: When.
        thread: The thread.
        status: OPEN or CLOSED.
        by: Actor who does it.
    """

    at: int
    thread: str
    status: str
    by: str = "S-hubspot"


@dataclass(frozen=True, slots=True)
class MoveInbox:
    """A thread goes to another inbox.

    Attributes:
        at: When.
        thread: The thread.
        inbox: New `inboxId`.
        by: Actor who does it.
    """

    at: int
    thread: str
    inbox: str
    by: str = "S-hubspot"


Deed = (
    Create
    | Set
    | Archive
    | Restore
    | Erase
    | Merge
    | Associate
    | Disassociate
    | OpenThread
    | LinkThread
    | Say
    | Assign
    | SetStatus
    | MoveInbox
)
"""Anything that happens."""
