"""Associations: in batches, and one object at a time in the numbered spelling only."""

from __future__ import annotations

from tallystick_hubspot.simulator.batches import batch_answer, batch_error, input_ids
from tallystick_hubspot.simulator.errors import WireError
from tallystick_hubspot.simulator.items import Item, Link, Obj
from tallystick_hubspot.simulator.kinds import TYPE_IDS, Kind
from tallystick_hubspot.simulator.query import Call, after_number, after_text, kind_of
from tallystick_hubspot.simulator.world import World

__all__ = ["INPUTS", "Associations"]

INPUTS = 1_000
"""Inputs of a batch at most."""
_MOST = 500


class Associations:
    """Answers for the associations of one account.

    Args:
        world: The account.
        page: How many associations of one input a page of a batch has at most.
    """

    def __init__(self, world: World, page: int) -> None:
        self._world = world
        self._page = page

    def answer(self, call: Call) -> tuple[Obj, int]:
        """Give the content and the status of an answer.

        Raises:
            WireError: The call is refused.
        """
        match (call.method, call.place):
            case ("POST", ("associations", source, target, "batch", "read")):
                return self._batch(call, kind_of(source), kind_of(target))
            case ("GET", ("associations", source, target, "labels")):
                return {"results": self._labels(kind_of(source), kind_of(target))}, 200
            case ("GET", ("linked", source, key, "associations", target)):
                return self._of_one(call, kind_of(source), key, kind_of(target)), 200
        raise WireError.no_route()

    def _batch(self, call: Call, source: Kind, target: Kind) -> tuple[Obj, int]:
        body = call.body()
        keys = input_ids(body, INPUTS)
        results, errors = [], []
        for key, asked in zip(keys, body["inputs"], strict=True):
            item = self._world.found(source.name, key)
            links = {} if item is None or item.archived_at is not None else self._living(item, target)
            if not links:
                errors.append(_none(source, key, target))
                continue
            after = after_number(asked.get("after"))
            shown = sorted(number for number in map(int, links) if number > after)
            row: Obj = {"from": {"id": key}, "to": [_end(links, number) for number in shown[: self._page]]}
            if len(shown) > self._page:
                row["paging"] = call.next_page(after_text(shown[self._page - 1]))
            results.append(row)
        return batch_answer(self._world.now, results, errors)

    def _of_one(self, call: Call, source: Kind, key: str, target: Kind) -> Obj:
        item = self._world.found(source.name, key)
        if item is None or item.archived_at is not None:
            raise WireError.missing(f"{source.singular} {key}")
        links = self._living(item, target)
        after, limit = int(call.query.get("after") or 0), call.size(_MOST, _MOST)
        shown = sorted(number for number in map(int, links) if number > after)
        answer: Obj = {"results": [_end(links, number) for number in shown[:limit]]}
        if len(shown) > limit:
            answer["paging"] = call.next_page(str(shown[limit - 1]))
        return answer

    def _living(self, item: Item, target: Kind) -> dict[str, tuple[Link, ...]]:
        others = self._world.items[target.name]
        linked = item.links.get(target.name, {})
        return {key: links for key, links in linked.items() if others[key].archived_at is None}

    def _labels(self, source: Kind, target: Kind) -> list[Obj]:
        number = TYPE_IDS.get((source.name, target.name))
        found = set() if number is None else {Link("HUBSPOT_DEFINED", number, None)}
        for item in self._world.ordered(source.name):
            for links in item.links.get(target.name, {}).values():
                found.update(links)
        return [link.row() for link in sorted(found, key=lambda link: link.type_id)]


def _end(links: dict[str, tuple[Link, ...]], number: int) -> Obj:
    return {"toObjectId": number, "associationTypes": [link.row() for link in links[str(number)]]}


def _none(source: Kind, key: str, target: Kind) -> Obj:
    """Give the error for an input without associations: HubSpot does not tell it from an object that is not there."""
    context = {"fromObjectId": [key], "fromObjectType": [source.singular], "toObjectType": [target.singular]}
    text = f"No {target.singular} is associated with {source.singular} {key}."
    return batch_error("OBJECT_NOT_FOUND", text, context, subCategory="crm.associations.NO_ASSOCIATIONS_FOUND")
