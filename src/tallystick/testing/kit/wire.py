"""Checks of an API that changes its answers: fields come, go and change their type, and words are new."""

from __future__ import annotations

from tallystick.errors import SchemaChanged
from tallystick.sync.engine import SyncReport
from tallystick.testing.kit.base import KitBase, needs
from tallystick.testing.kit.capability import Capability
from tallystick.testing.kit.contents import State
from tallystick.testing.kit.desk import Desk
from tallystick.testing.kit.failing import fail, require, said
from tallystick.testing.kit.system import UNKNOWN_WORD

__all__ = ["WireChecks"]

_UNKNOWN = (
    "What cannot be read is unknown: store None in its column, or raise `SchemaChanged` where nothing can be decided"
    " without it. Never put in a default."
)


class WireChecks(KitBase):
    """What was not foreseen may be unknown or an error, and is never made up."""

    @needs(Capability.GAINED_FIELD)
    def test_a_gained_field_is_kept(self, desk: Desk) -> None:
        """A field nobody has heard of stops nothing, and stands in the raw bytes."""
        for name in self._types(Capability.GAINED_FIELD):
            plain, _ = self._make(desk, name, f"{name}-before")
            desk.system.change_wire(Capability.GAINED_FIELD, name)
            found, report = self._make(desk, name, name)
            desk.system.clear()
            if plain is None or found is None:
                fail(
                    f"with a new field, {name} did not arrive: {_errors(report)}",
                    "Let the decoder pass over fields that it does not know.",
                )
            require(
                len(found.raw) > len(plain.raw),
                f"the new field of {name} is not in its raw bytes",
                "Keep the bytes of the object as they came, not what was decoded of them.",
            )

    @needs(Capability.LOST_FIELD)
    def test_a_lost_field_is_unknown(self, desk: Desk) -> None:
        """A field that is no longer delivered is None, or the stream stops with `SchemaChanged`."""
        self._unknown(desk, Capability.LOST_FIELD)

    @needs(Capability.RETYPED_FIELD)
    def test_a_retyped_field_is_unknown(self, desk: Desk) -> None:
        """A field of another type is None, or the stream stops with `SchemaChanged`."""
        self._unknown(desk, Capability.RETYPED_FIELD)

    @needs(Capability.UNKNOWN_WORD)
    def test_an_unknown_word_is_not_taken_for_a_known_one(self, desk: Desk) -> None:
        """A word nobody has heard of is stored as it is, or as None or unknown, or `SchemaChanged` says it."""
        for name in self._types(Capability.UNKNOWN_WORD):
            column = desk.system.change_wire(Capability.UNKNOWN_WORD, name)
            found, report = self._make(desk, name, name)
            desk.system.clear()
            if found is None:
                _stopped(report, f"with an unknown word, {name} did not arrive")
                continue
            value = found.columns[column]
            require(
                value in {None, "unknown", "other"} or UNKNOWN_WORD in str(value).lower(),
                f"{name}.{column} was delivered as {UNKNOWN_WORD} and stored as {value!r}",
                "Translate the words you know; pass on all others as they are, or as None. Never end in a default.",
            )

    def _unknown(self, desk: Desk, change: Capability) -> None:
        for name in self._types(change):
            column = desk.system.change_wire(change, name)
            found, report = self._make(desk, name, name)
            desk.system.clear()
            if found is None:
                _stopped(report, f"with {change.value} in {column}, {name} did not arrive")
                continue
            value = found.columns[column]
            require(
                value is None,
                f"{name}.{column} could not be read ({change.value}) and was stored as {value!r}",
                _UNKNOWN,
            )

    def _make(self, desk: Desk, record_type: str, store: str) -> tuple[State | None, SyncReport]:
        """Make an object and read it; None where it did not arrive."""
        [key] = desk.create(record_type, 1)
        desk.settle()
        report = desk.sync(store)
        states = desk.contents(store).get(key)
        return (states[-1] if states else None), report


def _stopped(report: SyncReport, found: str) -> None:
    require(any(isinstance(error, SchemaChanged) for error in report.errors), f"{found}: {_errors(report)}", _UNKNOWN)


def _errors(report: SyncReport) -> str:
    return "; ".join(said(error) for error in report.errors) or "and the sync says that all is well"
