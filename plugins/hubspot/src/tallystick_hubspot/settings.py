"""What of the configuration decides how objects become records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tallystick.connectors import CustomField
from tallystick_hubspot.kinds import Kind

__all__ = ["Settings"]

_ROOT = "properties."


@dataclass(frozen=True)
class Settings:
    """How objects become records.

    Attributes:
        custom: Custom fields by record type.
        history: Properties whose history is read, by kind; where a kind is absent, its own list counts.
        pipelines: Pipelines whose tickets and deals are candidates; empty: all.
        owners: Owners, by user id or owner id, whose objects are candidates; empty: all.
        created_after: What was created earlier is no candidate; microseconds UTC.
        dispositions: Status of a call by its disposition, beside HubSpot's own.
        outcomes: Status of a meeting by its outcome, beside HubSpot's own.
        conference: The property of a call and the values by which it is a conference.
        call_meeting: The property of a call with the id of its meeting, or `association`.
        call_external_id: The property of a call with what its telephone system calls it.
        meeting_external_id: The property of a meeting with what its calendar calls it.
        threads: Whether conversations are read.
        recheck_threads: Whether those of open tickets are read again in every run.
        role: What the role of a user is: `agent` for each, or the name of the `team` where there is one.
    """

    custom: Mapping[str, Mapping[str, CustomField]] = field(default_factory=dict)
    history: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pipelines: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    created_after: int = 0
    dispositions: Mapping[str, str] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)
    conference: tuple[str, frozenset[str]] | None = None
    call_meeting: str | None = None
    call_external_id: str | None = None
    meeting_external_id: str | None = None
    threads: bool = True
    recheck_threads: bool = False
    role: str = "agent"

    def words(self, kind: Kind | None) -> str:
        """Give a text that changes when the records of a kind would be others; of the owners where there is no kind."""
        if kind is None:
            return self.role
        narrowed = (sorted(self.pipelines), sorted(self.owners), self.created_after)
        found: list[object] = [
            sorted((name, repr(one)) for name, one in self.fields(kind).items()),
            sorted(self.histories(kind)),
        ]
        found += [narrowed] if found[1] or kind.name == "tickets" else []
        if kind.name == "meetings":
            found += [sorted(self.outcomes.items()), self.meeting_external_id]
        if kind.name == "calls":
            conference = self.conference and (self.conference[0], sorted(self.conference[1]))
            found += [sorted(self.dispositions.items()), conference, self.call_meeting, self.call_external_id]
        if kind.name == "tickets":
            found.append(self.threads)
        return repr(found)

    def fields(self, kind: Kind) -> Mapping[str, CustomField]:
        """Give the declared fields of a kind by name."""
        return self.custom.get(kind.record, {})

    def names(self, kind: Kind) -> dict[str, str]:
        """Give what the changes of a property are called: our column, or the declared field, by property."""
        declared = {
            found.path.removeprefix(_ROOT).split(".")[0]: f"custom.{name}"
            for name, found in self.fields(kind).items()
            if found.path.startswith(_ROOT)
        }
        return {**declared, **kind.columns}

    def typed(self, kind: Kind) -> dict[str, CustomField]:
        """Give the declared fields of a kind by property."""
        return {
            found.path.removeprefix(_ROOT).split(".")[0]: found
            for found in self.fields(kind).values()
            if found.path.startswith(_ROOT)
        }

    def histories(self, kind: Kind) -> tuple[str, ...]:
        """Give the properties whose history is read: those of the list, and every declared one of a kind with any."""
        listed = self.history.get(kind.name, kind.history)
        if not listed:
            return ()
        return tuple(dict.fromkeys([*listed, *self._declared(kind)]))

    def declared(self, kind: Kind) -> tuple[str, ...]:
        """Give the properties the configuration names, which have to exist."""
        named = [*self._declared(kind), *self.history.get(kind.name, ())]
        if kind.name == "calls":
            linked = None if self.call_meeting == "association" else self.call_meeting
            named += [name for name in (self.conference and self.conference[0], linked, self.call_external_id) if name]
        if kind.name == "meetings" and self.meeting_external_id:
            named.append(self.meeting_external_id)
        return tuple(dict.fromkeys(named))

    def _declared(self, kind: Kind) -> list[str]:
        paths = [found.path for found in self.fields(kind).values()]
        return [path.removeprefix(_ROOT).split(".")[0] for path in paths if path.startswith(_ROOT)]
