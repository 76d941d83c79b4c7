"""What deeds look like to somebody who watches objects: for the journal and for webhooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tallystick_hubspot.simulator.deeds import (
    Archive,
    Associate,
    Author,
    Create,
    Deed,
    Disassociate,
    Erase,
    Merge,
    Ref,
    Restore,
    Set,
)

__all__ = ["Happening", "happenings"]


class Happening(NamedTuple):
    """Something that happened to one object.

    Attributes:
        at: Unix milliseconds.
        action: CREATE, UPDATE, DELETE, RESTORE, MERGE, GDPR_DELETE, ASSOCIATION_ADDED or ASSOCIATION_REMOVED.
        ref: The object.
        author: Who did it, where that is known.
        values: What the deed wrote; computed properties are not among it.
        other: The loser of a merge, or the other end of an association.
    """

    at: int
    action: str
    ref: Ref
    author: Author | None = None
    values: Mapping[str, str | None] = {}
    other: Ref | None = None


def happenings(deeds: Iterable[Deed]) -> Iterator[Happening]:
    """Give what deeds did to objects, in their order; what they did to threads is left out."""
    for deed in deeds:
        match deed:
            case Create():
                yield Happening(deed.at, "CREATE", deed.ref, deed.by, deed.values)
            case Set():
                yield Happening(deed.at, "UPDATE", deed.ref, deed.by, deed.values)
            case Archive() | Restore() | Erase():
                action = {Archive: "DELETE", Restore: "RESTORE", Erase: "GDPR_DELETE"}[type(deed)]
                yield Happening(deed.at, action, deed.ref)
            case Merge():
                yield Happening(deed.at, "MERGE", deed.winner, deed.by, other=deed.loser)
            case Associate() | Disassociate():
                action = "ASSOCIATION_ADDED" if isinstance(deed, Associate) else "ASSOCIATION_REMOVED"
                yield Happening(deed.at, action, deed.first, other=deed.second)
                yield Happening(deed.at, action, deed.second, other=deed.first)
