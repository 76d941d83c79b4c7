"""Meetings, calls and deals become records; pure.

The start and end of a meeting are what the calendar says. How long people really talked stands in a call alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from tallystick.records.model import Record, Value
from tallystick_hubspot.associations import Links
from tallystick_hubspot.directory import Directory, Stages
from tallystick_hubspot.objects import (
    CallProperties,
    DealProperties,
    MeetingProperties,
    at,
    boolean,
    decimal,
    identifier,
    lower,
    number,
)
from tallystick_hubspot.search import Item
from tallystick_hubspot.settings import Settings
from tallystick_hubspot.who import created_through

__all__ = [
    "DISPOSITIONS",
    "Around",
    "Person",
    "as_of",
    "attendees",
    "call_status",
    "call_values",
    "configured",
    "deal_values",
    "domain",
    "meeting_status",
    "meeting_values",
]

_OUTCOMES = {
    "SCHEDULED": "scheduled",
    "COMPLETED": "completed",
    "RESCHEDULED": "rescheduled",
    "NO_SHOW": "no_show",
    "CANCELED": "canceled",
}

DISPOSITIONS = {
    "f240bbac-87c9-4f6e-bf70-924b57d47db7": "connected",
    "9d9162e7-6cf3-4944-bf63-4dff82258764": "busy",
    "a4c4c377-d246-4b32-a13b-75a56a4cd0ff": "other",
    "b2cf5968-551e-4856-9783-52b3da59a7d0": "voicemail",
    "73a0d17f-1163-4015-bdd5-ec830791da20": "no_answer",
    "17b47fee-58de-441e-a44c-c6300d46f273": "wrong_number",
}
"""What HubSpot's own dispositions of a call mean; a live message that was left with somebody is `other`."""

_STATES = {"BUSY": "busy", "NO_ANSWER": "no_answer", "MISSED": "no_answer", "FAILED": "other", "CANCELED": "other"}

# Places of the currencies that do not have two; HubSpot gives amounts in major units.
_NONE = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
_THREE = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


class Person(NamedTuple):
    """A contact as attendees are read from it: its e-mail address in lower case, and its JSON as delivered."""

    email: str | None
    raw: bytes


class Around(NamedTuple):
    """What belongs to some objects: associations by kind, and the contacts they name by id."""

    links: Mapping[str, Links]
    contacts: Mapping[str, Person]

    def first(self, kind: str, key: str) -> str | None:
        """Give the object of a kind that belongs to one; of several the one with the lowest id."""
        found = self.links.get(kind)
        others = found.get(key) if found else None
        return others[0] if others else None

    def all(self, kind: str, key: str) -> Sequence[str]:
        """Give all objects of a kind that belong to one."""
        return self.links.get(kind, {}).get(key, ())


def as_of(item: Item, *instants: str | None) -> int:
    """Give as of when an object holds, by HubSpot's clock: what is around its properties counts before them.

    Raises:
        msgspec.ValidationError: It has no time at all.
    """
    for text in (item.row.updated_at, *instants, item.row.created_at):
        found = at(text)
        if found is not None:
            return found
    raise msgspec.ValidationError("an object has no time")


def meeting_status(outcome: str | None, settings: Settings) -> str | None:
    """Give what an outcome means; None for none, and for one that the buyer added and did not declare."""
    word = (outcome or "").strip().upper()
    return settings.outcomes.get(word) or _OUTCOMES.get(word)


def call_status(disposition: str | None, state: str | None, settings: Settings) -> str | None:
    """Give what a disposition means, else what the state of the call tells; that it is over tells nothing."""
    key = lower(disposition)
    if key is not None:
        return settings.dispositions.get(key) or DISPOSITIONS.get(key) or "other"
    return _STATES.get((state or "").strip().upper())


def meeting_values(item: Item, around: Around, directory: Directory, settings: Settings) -> tuple[Value, ...]:
    """Give the columns of a meeting."""
    found: MeetingProperties = item.row.properties
    return (
        at(found.hs_createdate) or at(item.row.created_at),
        at(found.hs_lastmodifieddate) or at(item.row.updated_at),
        at(found.hs_meeting_start_time) or at(found.hs_timestamp),
        at(found.hs_meeting_end_time),
        None,
        meeting_status(found.hs_meeting_outcome, settings),
        found.hs_meeting_title,
        directory.user(found.hubspot_owner_id),
        found.hs_created_by_user_id or None,
        created_through(found),
        around.first("companies", item.id),
        around.first("contacts", item.id),
        around.first("deals", item.id),
        _extra(item, settings.meeting_external_id) or found.hs_meeting_external_url or None,
        None,
        None,
        None,
    )


def call_values(item: Item, around: Around, directory: Directory, settings: Settings) -> tuple[Value, ...]:
    """Give the columns of a call."""
    found: CallProperties = item.row.properties
    started = at(found.hs_timestamp)
    lasted = number(found.hs_call_duration)
    meeting = settings.call_meeting
    linked = around.first("meetings", item.id) if meeting == "association" else _extra(item, meeting)
    return (
        started,
        None if started is None or lasted is None else started + lasted * 1_000,
        None if lasted is None else lasted // 1_000,
        _medium(item, settings),
        call_status(found.hs_call_disposition, found.hs_call_status, settings),
        linked,
        directory.user(found.hubspot_owner_id),
        found.hs_created_by_user_id or None,
        created_through(found),
        around.first("companies", item.id),
        around.first("contacts", item.id),
        around.first("deals", item.id),
        _extra(item, settings.call_external_id),
        bool(found.hs_call_recording_url),
        None,
    )


def configured(item: Item, kind: str, settings: Settings) -> dict[str, Value]:
    """Give what a column is by the configuration alone: a change of that changes no byte of the object."""
    found: Any = item.row.properties
    if kind == "meetings" and settings.outcomes:
        return {"configured_status": meeting_status(found.hs_meeting_outcome, settings)}
    if kind != "calls":
        return {}
    beside: dict[str, Value] = {}
    if settings.dispositions:
        beside["configured_status"] = call_status(found.hs_call_disposition, found.hs_call_status, settings)
    if settings.conference is not None:
        beside["configured_medium"] = _medium(item, settings)
    return beside


def _medium(item: Item, settings: Settings) -> str:
    conference = settings.conference
    return "conference" if conference is not None and _extra(item, conference[0]) in conference[1] else "phone"


def deal_values(item: Item, around: Around, directory: Directory, stages: Stages) -> tuple[Value, ...]:
    """Give the columns of a deal; its amount is in the deal's own currency, else in the account's."""
    found: DealProperties = item.row.properties
    stage = stages.stage(found.pipeline, found.dealstage)
    closed = boolean(found.hs_is_closed) if stage.closed is None else stage.closed
    won = boolean(found.hs_is_closed_won) if stage.won is None else stage.won
    amount = decimal(found.amount)
    currency = found.deal_currency_code or (None if amount is None else directory.currency())
    currency = currency.strip().upper() if currency else None
    return (
        at(found.createdate) or at(item.row.created_at),
        at(found.hs_lastmodifieddate) or at(item.row.updated_at),
        found.dealname,
        around.first("companies", item.id),
        around.first("contacts", item.id),
        directory.user(found.hubspot_owner_id),
        found.hs_created_by_user_id or None,
        created_through(found),
        found.pipeline,
        found.dealstage,
        closed,
        won,
        at(found.closedate) if closed else None,
        amount,
        currency,
        None if currency is None else 0 if currency in _NONE else 3 if currency in _THREE else 2,
        found.hs_analytics_source,
    )


def attendees(item: Item, around: Around, directory: Directory, *, call: bool) -> list[Record]:
    """Give those who were invited to a meeting, or took part in a call: the contacts, and the owners it names.

    Nobody's reply or presence is told by HubSpot.
    """
    found: Any = item.row.properties
    when = at(found.hs_timestamp) if call else at(found.hs_createdate) or at(item.row.created_at)
    owners = directory.owners()
    named = [found.hubspot_owner_id] if call else (found.hs_attendee_owner_ids or "").split(";")
    rows: list[tuple[str, str | None, str | None, str | None, bytes]] = []
    for contact in around.all("contacts", item.id):
        person = around.contacts.get(contact, Person(None, item.raw))
        known = owners.emails.get(person.email) if person.email else None
        rows.append((f"contact.{contact}", person.email, known, contact, person.raw))
    for owner in dict.fromkeys((text or "").strip() for text in named):
        user = directory.user(owner)
        if user is not None:
            one = owners.people.get(user)
            rows.append(
                (f"user.{user}", lower(one.owner.email) if one else None, user, None, one.raw if one else item.raw)
            )
    kind, stamp = ("call", found.hs_timestamp) if call else ("meeting", found.hs_lastmodifieddate)
    stand = as_of(item, stamp)
    records = []
    for part, mail, actor, prospect, raw in rows:
        internal = True if actor is not None else None if mail is None else False
        values: tuple[Value, ...] = (
            *(when, None if call else item.id, item.id if call else None, mail, domain(mail)),
            *(internal, actor, prospect, None, None, None),
        )
        records.append(Record("attendee", f"{kind}.{item.id}.{part}", stand, values, raw))
    return records


def domain(mail: str | None) -> str | None:
    """Give what stands behind the @ of an address; None where there is none."""
    return mail.rpartition("@")[2] or None if mail and "@" in mail else None


class _Plain(msgspec.Struct):
    properties: dict[str, str | None]


_PLAIN = msgspec.json.Decoder(_Plain).decode


def _extra(item: Item, name: str | None) -> str | None:
    """Give a property that only the configuration names."""
    return None if name is None else identifier(_PLAIN(item.raw).properties.get(name))
