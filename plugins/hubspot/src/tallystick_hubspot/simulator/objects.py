"""Objects: lists, reads by id, batches and search."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import islice

from tallystick_hubspot.simulator.batches import batch_answer, batch_error, input_ids
from tallystick_hubspot.simulator.errors import WireError
from tallystick_hubspot.simulator.filters import matcher, sort_key
from tallystick_hubspot.simulator.items import Item, Obj
from tallystick_hubspot.simulator.kinds import Kind, kind_named, link_name
from tallystick_hubspot.simulator.query import Call, after_number, after_text, kind_of, page_size
from tallystick_hubspot.simulator.world import World

__all__ = ["BATCH", "BATCH_WITH_HISTORY", "SEARCH", "SEARCHED", "Objects"]

BATCH, BATCH_WITH_HISTORY = 100, 50
"""Objects of a list or a batch at most, without histories and with them."""
SEARCH, SEARCHED = 200, 10_000
"""Objects of a page of search at most, and of all pages of one search."""
_USUAL = 10
_INLINE = 100
_QUERY = 3_000


class Objects:
    """Answers for the objects of one account.

    Args:
        world: The account.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.known = world.known

    def answer(self, call: Call) -> tuple[Obj, int]:
        """Give the content and the status of an answer.

        Raises:
            WireError: The call is refused.
        """
        kind = kind_of(call.place[1])
        match (call.method, call.place[2:]):
            case ("GET", ()):
                return self._list(call, kind), 200
            case ("POST", ("search",)):
                return self._search(call, kind), 200
            case ("POST", ("batch", "read")):
                return self._batch(call, kind)
            case ("GET", (key,)):
                return self._one(call, kind, key), 200
        raise WireError.no_route()

    def _list(self, call: Call, kind: Kind) -> Obj:
        histories = call.names("propertiesWithHistory")
        limit = call.size(_USUAL, BATCH_WITH_HISTORY if histories else BATCH)
        after = after_number(call.query.get("after"))
        archived = call.flag("archived")
        items = self._world.ordered(kind.name)
        first = bisect_right(items, after, key=lambda item: item.number)
        wanted = (item for item in islice(items, first, None) if (item.archived_at is not None) == archived)
        found = list(islice(wanted, limit + 1))
        results = [self._row(call, kind, item, call.names("properties"), histories) for item in found[:limit]]
        answer: Obj = {"results": results}
        if len(found) > limit:
            answer["paging"] = call.next_page(after_text(found[limit - 1].number))
        return answer

    def _one(self, call: Call, kind: Kind, key: str) -> Obj:
        item = self._found(kind, key, call.query.get("idProperty"), archived=call.flag("archived"))
        if item is None:
            raise WireError.missing(f"{kind.singular} {key}")
        return self._row(call, kind, item, call.names("properties"), call.names("propertiesWithHistory"))

    def _batch(self, call: Call, kind: Kind) -> tuple[Obj, int]:
        body = call.body()
        histories = _texts(body, "propertiesWithHistory")
        keys = input_ids(body, BATCH_WITH_HISTORY if histories else BATCH)
        asked = _texts(body, "properties")
        results, missing = [], []
        for key in dict.fromkeys(keys):
            item = self._found(kind, key, body.get("idProperty"), archived=call.flag("archived"))
            if item is None:
                missing.append(key)
            else:
                results.append(self._row(call, kind, item, asked, histories))
        text = f"Some {kind.singular.upper()} objects could not be read: they are deleted, or were never there."
        errors = [batch_error("OBJECT_NOT_FOUND", text, {"ids": missing})] if missing else []
        return batch_answer(self._world.now, results, errors)

    def _search(self, call: Call, kind: Kind) -> Obj:
        body = call.body()
        known = self.known[kind.name]
        matches = matcher(body.get("filterGroups"), known)
        order = sort_key(body.get("sorts"), known)
        limit = page_size(body.get("limit"), _USUAL, SEARCH)
        after = str(body.get("after") or 0)
        words = str(body.get("query") or "")
        if not after.isdigit() or int(after) >= SEARCHED or len(words) > _QUERY:
            raise WireError.bad(f"after must be below {SEARCHED}, and query no longer than {_QUERY} characters")
        start = int(after)
        items = self._world.items[kind.name]
        rows = self._world.index.rows(kind.name)
        found = [key for key, values in rows.items() if matches(values) and (not words or _mentions(values, words))]
        # The index may lag behind: what it still knows may be gone, and what it finds may have changed.
        found = [key for key in found if key in items and items[key].archived_at is None]
        found.sort(key=int)
        if order is not None:
            found.sort(key=lambda key: order[0](rows[key]), reverse=order[1])
        names = _texts(body, "properties") or kind.usual
        page = found[start : min(start + limit, SEARCHED)]
        portal = self._world.plan.account.portal
        results = [items[key].row(portal, names, None, known) for key in page]
        answer: Obj = {"total": len(found), "results": results}
        if start + len(page) < len(found) and page:
            answer["paging"] = {"next": {"after": str(start + len(page))}}
        return answer

    def _found(self, kind: Kind, key: str, named: object, *, archived: bool) -> Item | None:
        if named not in {None, "", "hs_object_id"}:
            item = self._by_property(kind, key, str(named))
        else:
            item = self._world.found(kind.name, key)
        return item if item is not None and (item.archived_at is not None) == archived else None

    def _by_property(self, kind: Kind, key: str, name: str) -> Item | None:
        made = self.known[kind.name].get(name)
        if made is None or not (made.unique or (kind.name, name) == ("contacts", "email")):
            raise WireError.bad(f"{name} is no unique property of {kind.name}")
        return next((item for item in self._world.ordered(kind.name) if item.values.get(name) == key), None)

    def _row(self, call: Call, kind: Kind, item: Item, names: Sequence[str], histories: Sequence[str]) -> Obj:
        known = self.known[kind.name]
        row = item.row(self._world.plan.account.portal, names or kind.usual, histories, known)
        linked = {}
        for name in call.names("associations"):
            other = kind_named(name)
            if other is not None and item.links.get(other.name):
                linked[other.name] = self._linked(call, item, other)
        if linked:
            row["associations"] = linked
        return row

    @staticmethod
    def _linked(call: Call, item: Item, other: Kind) -> Obj:
        keys = sorted(item.links[other.name], key=int)
        name = link_name(item.kind, other.name)
        results = []
        for key in keys[:_INLINE]:
            for link in item.links[other.name][key]:
                kind = name if link.label is None else link.label.lower().replace(" ", "_")
                results.append({"id": key, "type": kind})
        found: Obj = {"results": results}
        if len(keys) > _INLINE:
            after = keys[_INLINE - 1]
            place = f"{call.origin}/crm/v4/objects/{item.kind}/{item.id}/associations/{other.name}"
            found["paging"] = {"next": {"after": after, "link": f"{place}?after={after}"}}
        return found


def _texts(body: Mapping[str, object], name: str) -> list[str]:
    found = body.get(name) or []
    if not isinstance(found, list):
        raise WireError.bad(f"{name} is no list")
    return [str(one) for one in found]


def _mentions(values: Mapping[str, str | None], words: str) -> bool:
    text = " ".join(value for value in values.values() if value).casefold()
    return all(word in text for word in words.casefold().split())
