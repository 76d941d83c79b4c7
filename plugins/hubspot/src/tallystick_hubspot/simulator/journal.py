"""The journal of changes: files by offset, behind presigned addresses that expire.

A file has what happened in an hour, in pieces of a hundred, and is there when the hour is over; three days later it is
gone. https://developers.hubspot.com/docs/api-reference/latest/webhooks-journal/journal-entries/guide.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from itertools import groupby
from typing import NamedTuple

from tallystick_hubspot.simulator.errors import WireError
from tallystick_hubspot.simulator.happenings import Happening, happenings
from tallystick_hubspot.simulator.instants import iso
from tallystick_hubspot.simulator.items import Obj
from tallystick_hubspot.simulator.kinds import KINDS
from tallystick_hubspot.simulator.query import Call
from tallystick_hubspot.simulator.world import World

__all__ = ["EVENTS", "EXPIRY", "KEPT", "Journal"]

EVENTS = 100
"""Events of a file at most."""
EXPIRY = 900_000
"""Virtual milliseconds for which an address is good."""
KEPT = 259_200_000
"""Virtual milliseconds for which a file is kept."""

_HOUR = 3_600_000
_TYPES = {"GDPR_DELETE": "gdpr_privacy_deletion", "ASSOCIATION_ADDED": "association"}
_TYPES["ASSOCIATION_REMOVED"] = "association"
_SPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")


class _File(NamedTuple):
    offset: str
    published_at: int
    events: list[Happening]


class Journal:
    """Answers for the journal of one account.

    Args:
        world: The account.
        seed: Same seed, same addresses.
    """

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._key = f"journal/{seed}".encode()

    def answer(self, call: Call) -> Obj | None:
        """Give where a file is, or None where there is none yet.

        Raises:
            WireError: The call is refused, or the offset is not known any more.
        """
        files = self._files()
        match (call.method, call.place[1:]):
            case ("GET", ("earliest",)):
                return self._found(call, files[:1])
            case ("GET", ("latest",)):
                return self._found(call, files[-1:])
            case ("GET", ("offset", offset, "next")):
                place = next((n for n, file in enumerate(files) if file.offset == offset), None)
                if place is None:
                    raise WireError.missing(f"offset {offset}")
                return self._found(call, files[place + 1 : place + 2])
        raise WireError.no_route()

    def file(self, call: Call) -> Obj:
        """Give a file to whoever has a good address of it.

        Raises:
            WireError: 403 in the words of a store; the address has expired or was never given.
        """
        offset, expires = call.place[-1], call.query.get("expires", "0")
        good = hmac.compare_digest(call.query.get("signature", ""), self._signature(offset, expires))
        found = [file for file in self._files() if file.offset == offset]
        if not good or int(expires) <= self._world.now or not found:
            raise WireError(403, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
        portal = self._world.plan.account.portal
        rows = [_row(event, portal) for event in found[0].events]
        return {"offset": offset, "journalEvents": rows, "publishedAt": iso(found[0].published_at)}

    def _files(self) -> list[_File]:
        now = self._world.now
        made = []
        for hour, group in groupby(happenings(self._world.happened()), key=lambda event: event.at // _HOUR):
            published = (hour + 1) * _HOUR
            events = list(group)
            if now - KEPT < published <= now:
                for start in range(0, len(events), EVENTS):
                    offset = str(uuid.uuid5(_SPACE, f"{hour}/{start}"))
                    made.append(_File(offset, published, events[start : start + EVENTS]))
        return made

    def _found(self, call: Call, files: list[_File]) -> Obj | None:
        if not files:
            return None
        offset, expires = files[0].offset, str(self._world.now + EXPIRY)
        query = f"expires={expires}&signature={self._signature(offset, expires)}"
        url = f"{call.origin}/_journal/{offset}?{query}"
        return {"url": url, "expiresAt": iso(int(expires)), "currentOffset": offset}

    def _signature(self, offset: str, expires: str) -> str:
        return hmac.new(self._key, f"{offset}/{expires}".encode(), hashlib.sha256).hexdigest()


def _row(event: Happening, portal: int) -> Obj:
    kind, key = event.ref
    row: Obj = {
        "type": _TYPES.get(event.action, "crmObject"),
        "portalId": portal,
        "occurredAt": iso(event.at),
        "action": event.action,
        "objectTypeId": KINDS[kind].type_id,
        "objectId": int(key),
    }
    if event.values:
        row["propertyChanges"] = dict(event.values)
    if event.other is not None and event.action == "MERGE":
        row["mergedObjectIds"] = [int(event.other[1])]
    elif event.other is not None:
        row |= {"associatedObjectTypeId": KINDS[event.other[0]].type_id, "associatedObjectId": int(event.other[1])}
    return row
