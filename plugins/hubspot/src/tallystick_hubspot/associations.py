"""Associations: which contacts, companies and deals belong to many objects, a thousand of them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from tallystick.connectors import Response
from tallystick.errors import PermanentError
from tallystick_hubspot.client import HubSpotApi
from tallystick_hubspot.objects import AssociationPage, Fault

__all__ = ["Links", "check_faults", "links"]

Links: TypeAlias = Mapping[str, Sequence[str]]
"""Ids of the other kind by the id of the object, each list in the order of numbers."""

_INPUTS = 1_000
_MOST_ROUNDS = 1_000
_NONE_THERE = frozenset({"OBJECT_NOT_FOUND"})
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
    for _ in range(_MOST_ROUNDS):
        if not asked:
            return found
        page = api.post(api.paths.associations(source, target), {"inputs": asked[:_INPUTS]}, _convert)
        asked = asked[_INPUTS:]
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


def check_faults(faults: Sequence[Fault] | None, none_there: frozenset[str]) -> None:
    """See that a batch was answered in full.

    Args:
        faults: What it says about parts of what was asked.
        none_there: Categories that only say that there is nothing of that id.

    Raises:
        PermanentError: Part of it was refused.
    """
    for fault in faults or ():
        words = [word for word in (fault.category, fault.sub_category) if type(word) is str]
        if not any(word in none_there or word.endswith("NO_ASSOCIATIONS_FOUND") for word in words):
            shown = "".join(sign for sign in ", ".join(words) if sign.isprintable())[:100] or "without a category"
            raise PermanentError(
                f"HubSpot answered only part of a batch (207): {shown}",
                hint="Grant the reader the scopes and the records it lacks; `tallystick check` lists the scopes.",
            )


def _convert(response: Response) -> AssociationPage:
    page = _DECODE(response.body)
    check_faults(page.errors, _NONE_THERE)
    return page


def _order(key: str) -> tuple[int, str]:
    return (int(key), "") if key.isascii() and key.isdigit() else (1 << 63, key)
