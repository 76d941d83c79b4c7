"""One kind of object read with all that belongs to it, in batches: associations, histories, conversations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from tallystick.connectors import Response, extract
from tallystick.errors import PermanentError
from tallystick.records.model import Record, Value
from tallystick.records.types import RECORD_TYPES
from tallystick_hubspot.acts import MERGED, OWNER, STAGE, merged_ids, removed, ticket_acts
from tallystick_hubspot.associations import Links, check_faults, links
from tallystick_hubspot.changes import ChangeReader
from tallystick_hubspot.client import HubSpotApi
from tallystick_hubspot.directory import Directory
from tallystick_hubspot.history import BATCH, Histories, histories
from tallystick_hubspot.kinds import Kind
from tallystick_hubspot.messages import thread_records
from tallystick_hubspot.objects import Fault, Id, at, lower
from tallystick_hubspot.people import company_values, contact_values, merged_away
from tallystick_hubspot.sales import (
    Around,
    Person,
    as_of,
    attendees,
    call_values,
    configured,
    deal_values,
    meeting_values,
)
from tallystick_hubspot.search import Item
from tallystick_hubspot.settings import Settings
from tallystick_hubspot.threads import conversations
from tallystick_hubspot.tickets import ticket_values

__all__ = ["ObjectReader"]

_BATCH = 100
_ACTS = (STAGE, OWNER, MERGED)
_NONE_THERE = frozenset({"OBJECT_NOT_FOUND"})
_LONE = Around({}, {})


class _ContactProperties(msgspec.Struct, gc=False):
    email: str | None = None


class _Contact(msgspec.Struct, gc=False):
    id: Id
    properties: _ContactProperties


class _Found(msgspec.Struct, rename="camel"):
    results: list[msgspec.Raw]
    errors: list[Fault] | None = None
    num_errors: int = 0


class ObjectReader:
    """Turns objects of one kind into records, making the calls they need: never one per object, but for conversations.

    Args:
        api: Makes the calls.
        kind: The kind.
        settings: How objects become records.
        directory: Owners, pipelines and properties of this run.
    """

    def __init__(self, api: HubSpotApi, kind: Kind, settings: Settings, directory: Directory) -> None:
        self.kind = kind
        self._api = api
        self._settings = settings
        self._directory = directory
        self._fields = settings.fields(kind)
        self._history = settings.histories(kind)
        self._changes = ChangeReader(kind, settings, directory)
        self._targets = (*kind.targets, *(("meetings",) if self._joins_meetings() else ()))
        self._narrowed = bool(settings.pipelines or settings.owners or settings.created_after)
        self._attended = kind.name in {"meetings", "calls"}
        self._width = len(RECORD_TYPES[kind.record].columns)

    @property
    def types(self) -> tuple[str, ...]:
        """Record types it makes."""
        found = [self.kind.record, *(["change"] if self._history else [])]
        if self._attended:
            found.append("attendee")
        if self.kind.name == "tickets":
            found += ["ticket_event", *(["actor"] if self._settings.threads else [])]
        return tuple(found)

    @property
    def chunk(self) -> int:
        """Objects of which all records are made before any is handed over: a kill loses the calls for them."""
        return BATCH if self.kind.name == "tickets" and self._settings.threads else 4 * BATCH

    def known(self) -> frozenset[str]:
        """Give the properties that the account has.

        Raises:
            Error: The call was refused or could not be made.
        """
        return self._directory.properties(self.kind.name)

    def properties(self) -> list[str]:
        """Give the properties to ask for.

        Raises:
            PermanentError: One that the configuration names does not exist.
        """
        return self._directory.wanted(self.kind.name, self.kind.properties, self._settings.declared(self.kind))

    def around(self, items: Sequence[Item]) -> Around:
        """Give what belongs to some objects.

        Raises:
            Error: A call was refused in whole or in part, or could not be made.
        """
        ids = [item.id for item in items]
        if not ids or not self._targets:
            return _LONE
        found = {target: links(self._api, self.kind.name, target, ids) for target in self._targets}
        return self.with_people(found)

    def with_people(self, found: Mapping[str, Links]) -> Around:
        """Give what belongs to some objects, from their associations by kind.

        Raises:
            Error: A call was refused in whole or in part, or could not be made.
        """
        if not self._attended:
            return Around(found, {})
        contacts = dict.fromkeys(key for keys in found.get("contacts", {}).values() for key in keys)
        return Around(found, self._people(list(contacts)))

    def asked(self) -> list[str]:
        """Give the properties whose history is read, as far as the account has them."""
        asked = (*self._history, *(_ACTS if self.kind.name == "tickets" else ()))
        known = self.known()
        return [name for name in dict.fromkeys(asked) if name in known]

    def records(self, items: Sequence[Item], around: Around, *, again: bool = False) -> list[Record]:
        """Give the records of some objects and of what belongs to them.

        Args:
            items: The objects.
            around: What belongs to them.
            again: Whether they did not change: then only what may change without them is read.

        Raises:
            Error: A call was refused in whole or in part, or could not be made.
        """
        found = self._plain(items, around)
        spoken = self._settings.threads and not (again and not self._settings.recheck_threads)
        all_of_them = not again or (spoken and self.kind.name == "tickets")
        wanted = [item for item in items if self._merged(item) or (all_of_them and self._is_candidate(item))]
        if not self._history and self.kind.name != "tickets":
            wanted = []
        told = self._histories([item.id for item in wanted])
        for item in wanted:
            if item.id in told:
                found += self._told(item, told[item.id], spoken=spoken)
        return found

    def tombstones(self, items: Sequence[Item]) -> list[Record]:
        """Give what was deleted, as it was, with the time it was deleted at; a ticket has a status that says so."""
        values, found = self._values(_LONE, deleted=True), []
        is_ticket = self.kind.name == "tickets"
        for item in items:
            when = at(item.row.archived_at) or as_of(item)
            custom = self._beside(item, _LONE)
            found.append(Record(self.kind.record, item.id, when, values(item), item.raw, not is_ticket, custom))
            if is_ticket:
                found.append(removed(item, when))
        return found

    def live(self, item: Item, around: Around, told: Histories) -> list[Record]:
        """Give the records of one object whose histories came with it."""
        return [*self._plain([item], around), *self._told(item, told, spoken=self._settings.threads)]

    def _plain(self, items: Sequence[Item], around: Around) -> list[Record]:
        """Give the objects themselves, and what stands in them of others."""
        kind, values, found = self.kind, self._values(around), []
        merges, attended = kind.merges and kind.name != "tickets", self._attended
        for item in items:
            custom = self._beside(item, around)
            stand = at(item.row.updated_at)
            if stand is None:
                stand = as_of(item, getattr(item.row.properties, kind.stamp))
            found.append(Record(kind.record, item.id, stand, values(item), item.raw, False, custom))
            if attended:
                found += attendees(item, around, self._directory, call=kind.name == "calls")
            elif merges and item.row.properties.hs_merged_object_ids:
                found += merged_away(item, kind.record, stand, self._width)
        return found

    def _values(self, around: Around, *, deleted: bool = False) -> Callable[[Item], tuple[Value, ...]]:
        """Give what turns an object into the columns of its record."""
        directory, settings = self._directory, self._settings
        match self.kind.name:
            case "meetings":
                return lambda item: meeting_values(item, around, directory, settings)
            case "calls":
                return lambda item: call_values(item, around, directory, settings)
            case "deals":
                stages = directory.stages("deals")
                return lambda item: deal_values(item, around, directory, stages)
            case "contacts":
                return lambda item: contact_values(item, around, directory)
            case "companies":
                return lambda item: company_values(item, directory)
            case _:
                stages = directory.stages("tickets")
                return lambda item: ticket_values(item, around, directory, stages, deleted=deleted)

    def _told(self, item: Item, told: Histories, *, spoken: bool) -> Iterator[Record]:
        """Yield what the histories of an object tell, and for a ticket what its conversations do."""
        if self._history:
            yield from self._changes.records(item.id, {name: told[name] for name in self._history if name in told})
        if self.kind.name != "tickets":
            return
        yield from ticket_acts(item, told, self._directory.stages("tickets"), self._directory)
        if spoken:
            said = conversations(self._api, item.id)
            yield from thread_records(item.id, said, self._directory.owners().emails)

    def _histories(self, ids: Sequence[str]) -> dict[str, Histories]:
        """Give histories; of an object that the search shows and the batch does not, it must be known why.

        Raises:
            PermanentError: It was neither deleted nor merged.
        """
        if not ids:
            return {}
        names = self.asked()
        if not names:
            return {key: {} for key in ids}
        found = histories(self._api, self.kind.name, names, ids)
        missing = [key for key in ids if key not in found]
        if missing:
            self._explain(missing)
        return found

    def _explain(self, missing: Sequence[str]) -> None:
        """See that objects that a batch leaves out were deleted, or are named by those they were merged into."""
        gone = {
            str(msgspec.json.decode(raw, type=_Contact).id)
            for raw in self._batch(self.kind.name, missing, ["hs_object_id"], archived=True)
        }
        left = [key for key in missing if key not in gone and not self._is_merged(key)]
        if left:
            raise PermanentError(
                f"HubSpot finds {self.kind.name} {', '.join(left[:5])} and does not show them, neither as they are nor"
                " as deleted",
                hint="Give the reader access to all records; where they were only just deleted, run the sync again.",
            )

    def _is_merged(self, key: str) -> bool:
        """Tell whether an object was merged into another one, which names it."""
        body = {
            "filterGroups": [
                {"filters": [{"propertyName": MERGED, "operator": "CONTAINS_TOKEN", "value": key}]},
            ],
            "properties": [MERGED],
            "limit": 100,
        }
        path = f"{self._api.paths.objects(self.kind.name)}/search"
        rows = self._api.post(path, body, lambda response: _FOUND(response.body)).results
        return any(key in merged_ids(_MERGED(raw).properties.hs_merged_object_ids) for raw in rows)

    def _people(self, ids: Sequence[str]) -> dict[str, Person]:
        """Give contacts by id, with their e-mail addresses; one that was deleted meanwhile is left out."""
        found = {}
        for raw in self._batch("contacts", ids, ["email"]):
            contact = _CONTACT(raw)
            found[str(contact.id)] = Person(lower(contact.properties.email), raw)
        return found

    def _batch(
        self, kind: str, ids: Sequence[str], properties: Sequence[str], *, archived: bool = False
    ) -> Iterator[bytes]:
        for start in range(0, len(ids), _BATCH):
            body = {"properties": properties, "inputs": [{"id": key} for key in ids[start : start + _BATCH]]}
            params = {"archived": "true"} if archived else None
            page = self._api.post(f"{self._api.paths.objects(kind)}/batch/read", body, _found, params)
            yield from map(bytes, page.results)

    def _is_candidate(self, item: Item) -> bool:
        settings, found = self._settings, item.row.properties
        if not self._narrowed:
            return True
        pipeline = getattr(found, "hs_pipeline", None) or getattr(found, "pipeline", None)
        if settings.pipelines and self.kind.name in {"tickets", "deals"} and pipeline not in settings.pipelines:
            return False
        owner = found.hubspot_owner_id
        if settings.owners and not {owner, self._directory.user(owner)} & settings.owners:
            return False
        created = at(item.row.created_at)
        return created is None or created >= settings.created_after

    def _merged(self, item: Item) -> bool:
        return self.kind.name == "tickets" and bool(item.row.properties.hs_merged_object_ids)

    def _beside(self, item: Item, around: Around) -> dict[str, Value] | None:
        """Give the declared fields, and what a column is read from beside the object: a change is a new version."""
        found = extract(msgspec.json.decode(item.raw), self._fields) if self._fields else {}
        if self._attended:
            found |= configured(item, self.kind.name, self._settings)
        for kind, linked in around.links.items():
            others = linked.get(item.id)
            if others:
                found[f"associated_{kind}"] = others[0] if len(others) == 1 else " ".join(others)
        return found or None

    def _joins_meetings(self) -> bool:
        return self.kind.name == "calls" and self._settings.call_meeting == "association"


class _MergedProperties(msgspec.Struct, gc=False):
    hs_merged_object_ids: str | None = None


class _Merged(msgspec.Struct, gc=False):
    properties: _MergedProperties


_CONTACT = msgspec.json.Decoder(_Contact).decode
_FOUND = msgspec.json.Decoder(_Found).decode
_MERGED = msgspec.json.Decoder(_Merged).decode


def _found(response: Response) -> _Found:
    page = _FOUND(response.body)
    check_faults(page.errors, page.num_errors, _NONE_THERE)
    for raw in page.results:
        _CONTACT(raw)
    return page
