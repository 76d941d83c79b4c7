"""Associations: which contacts, companies and deals belong to many objects, a thousand of them at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from tallystick.connectors import Response
from tallystick.errors import PermanentError
from tallystick_hubspot.client import HubSpotApi
from tallystick_hubspot.objects import AssociationPage, Fault, identifier

__all__ = ["Links", "check_faults", "links"]

Links: TypeAlias = Mapping[str, Sequence[str]]
"""Ids of the other kind by the id of the object, each list in the order of numbers."""

_INPUTS = 1_000
_MOST_ROUNDS = 1_000
_NONE_THERE = frozenset({"OBJECT_NOT_FOUND"})
_WORD = re.compile(r"[A-Za-z_.]{1,80}", re.ASCII)
_DECODE = msgspec.json.Decoder(AssociationPage).decode


def links(api: HubSpotApi, source: str, target: str, ids: Sequence[str]) -> dict[str, list[str]]:
    """Give the associations of some objects with another kind; one without any is left out or has an empty list.

    Args:
        api: Makes the calls.
        source: Kind of the objects.
        target: The other kind.
        ids: Ids of the objects.

    Raises:
        Error: A call was refused in whole or in part, or could not be made.
    """
    found: dict[str, list[str]] = {}
    asked: list[dict[str, str]] = [{"id": key} for key in ids]
    again: set[str] = set()
    for _ in range(_MOST_ROUNDS):
        if not asked:
            return found
        part, asked = asked[:_INPUTS], asked[_INPUTS:]
        page = api.post(api.paths.associations(source, target), {"inputs": part}, _convert)
        # Of what an answer passes over in silence it is not known that there is nothing, until it does so twice.
        silent = {one["id"] for one in part} - _told_of(page) - again
        asked += [one for one in part if one["id"] in silent]
        again |= silent
        for row in page.results:
            key = str(row.source.id)
            others = [str(other.to_object_id) for other in row.to]
            if len(others) > 1 or key in found:
                others = sorted({*others, *found.get(key, ())}, key=_order)
            found[key] = others
            if row.paging is not None and row.paging.after is not None:
                asked.append({"id": key, "after": row.paging.after})
    raise PermanentError(
        f"the associations of {source} with {target} never end", hint="Report it to the plugin's author."
    )


def check_faults(faults: Sequence[Fault] | None, count: int, none_there: frozenset[str]) -> None:
    """See that a batch was answered in full.

    Args:
        faults: What it says about parts of what was asked.
        count: How many parts it says were not answered.
        none_there: Categories that only say that there is nothing of that id.

    Raises:
        PermanentError: Part of it was refused.
    """
    if count and not faults:
        raise _partly("without a reason")
    for fault in faults or ():
        words = [word for word in (fault.category, fault.sub_category) if type(word) is str]
        if not any(word in none_there or word.endswith("NO_ASSOCIATIONS_FOUND") for word in words):
            raise _partly(", ".join(word for word in words if _WORD.fullmatch(word)) or "without a category")


def _partly(why: str) -> PermanentError:
    return PermanentError(
        f"HubSpot answered only part of a batch (207): {why}",
        hint="Grant the reader the scopes and the records it lacks; `tallystick check` lists the scopes.",
    )


def _told_of(page: AssociationPage) -> set[str]:
    """Give the ids that a batch says something of, if only that there is nothing."""
    told = {str(row.source.id) for row in page.results}
    for fault in page.errors or ():
        ids = fault.context.get("fromObjectId") if type(fault.context) is dict else None
        told |= {key for one in ids if (key := identifier(one)) is not None} if type(ids) is list else set()
    return told


def _convert(response: Response) -> AssociationPage:
    page = _DECODE(response.body)
    check_faults(page.errors, page.num_errors, _NONE_THERE)
    return page


def _order(key: str) -> tuple[int, str]:
    return (int(key), "") if key.isascii() and key.isdigit() else (1 << 63, key)
