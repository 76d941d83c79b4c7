"""Intercom and Freshdesk in the conformance kit: simulated accounts, steered, and what is expected of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from tallystick.testing.kit import UNKNOWN_WORD, Capability, ConnectorKit, Lack, SteeredSystem, Tape
from tallystick_rest.simulators import freshdesk, intercom
from tallystick_rest.simulators.desk import Desk
from tallystick_rest.systems import FreshdeskConnector, IntercomConnector

__all__ = ["FreshdeskKit", "IntercomKit"]

_PAGE = 3
_FAULTS = {
    Capability.SIGN_IN: "401",
    Capability.THROTTLING: "429_bare",
    Capability.RETRY_AFTER: "429",
    Capability.SERVER_ERROR: "500",
    Capability.MAINTENANCE_PAGE: "503_html",
    Capability.TRUNCATION: "truncated",
    Capability.RESET: "reset",
    Capability.CLOCK_SKEW: "clock_skew",
}
_CHANGES: dict[Capability, dict[str, Any]] = {
    Capability.GAINED_FIELD: {"change": "set", "value": {"shares": [0.5, None]}},
    Capability.LOST_FIELD: {"change": "drop"},
    Capability.RETYPED_FIELD: {"change": "object"},
    Capability.UNKNOWN_WORD: {"change": "set", "value": UNKNOWN_WORD},
}
_FIXED = "its keys do not expire; one that was replaced is a refused sign-in"
_PERSON = "a contact has no field of fixed words"


class _Account(SteeredSystem[Desk[Any]]):
    """One account of a help desk.

    `kinds` are what the simulator calls the objects that become records of a type, and `fields` the field of each on
    the wire that a column of it is read from, with that column.
    """

    kinds: ClassVar[Mapping[str, str]]
    fields: ClassVar[Mapping[str, tuple[str, str]]]

    def __init__(self, number: int, app: Desk[Any], tape: Tape, origin: str) -> None:
        variable, key = f"REST_KEY_{number}", f"kit{number}Qm7Zr2Vx9Tb4Lw8Ke"
        config = {"base_url": origin, "key": f"env:{variable}", "start": "2026-08-01", "page_size": _PAGE}
        super().__init__(app, tape, config, page_size=_PAGE, environment={variable: key})

    def create(self, record_type: str) -> str:
        """Make a contact, or a conversation or ticket of a new contact."""
        return str(self._steer("create", record_type)["ids"][0])

    def edit(self, record_type: str, record_id: str) -> str | None:
        """Change an object; of what is not a contact the system tells who did it."""
        by = self._steer("edit", record_type, id=record_id).get("by")
        return None if by is None else str(by)

    def delete(self, record_type: str, record_id: str) -> None:
        """Delete an object."""
        self._steer("delete", record_type, id=record_id)

    def set_fault(self, fault: Capability, *, after: int = 0, times: int | None = 1, seconds: int = 0) -> None:
        """Let calls go wrong, or the lists lag behind."""
        if fault is Capability.LAG:
            self.app.steer("lag", {"seconds": seconds})
            return
        line = {"path": "/*", "kind": _FAULTS[fault], "after": after, "times": times, "seconds": seconds}
        self.app.faults.load([line])

    def change_wire(self, change: Capability, record_type: str) -> str:
        """Let objects be delivered otherwise."""
        field, column = self.fields[record_type]
        name = "field_of_the_future" if change is Capability.GAINED_FIELD else field
        self.app.steer("wire", [{"kind": self.kinds[record_type], "field": name, **_CHANGES[change]}])
        return "" if change is Capability.GAINED_FIELD else column

    def clear(self) -> None:
        """Let all go well again."""
        super().clear()
        self.app.steer("lag", {"seconds": 0})
        self.app.steer("wire", [])

    def _steer(self, name: str, record_type: str, **more: str) -> Any:
        return self.app.steer(name, {"kind": self.kinds[record_type], **more})


class _Intercom(_Account):
    kinds: ClassVar[Mapping[str, str]] = {"ticket": "conversation", "actor": "contact"}
    fields: ClassVar[Mapping[str, tuple[str, str]]] = {"ticket": ("state", "status"), "actor": ("name", "name")}


class _Freshdesk(_Account):
    kinds: ClassVar[Mapping[str, str]] = {"ticket": "ticket", "actor": "contact"}
    fields: ClassVar[Mapping[str, tuple[str, str]]] = {"ticket": ("status", "status"), "actor": ("name", "name")}


class IntercomKit(ConnectorKit):
    """Intercom as its description reads it: a search, and one call for each changed conversation."""

    connector = IntercomConnector
    creates = ("ticket", "actor")
    lacks: ClassVar[Mapping[Lack, str]] = {
        Capability.DELETIONS: "what was deleted only disappears",
        Capability.MERGES: "conversations are not merged, and a merged contact only disappears",
        Capability.TOKEN_EXPIRY: _FIXED,
        (Capability.PROVENANCE, "actor"): "who edited a contact is not told",
        (Capability.UNKNOWN_WORD, "actor"): _PERSON,
    }
    calls_idle = 3
    calls_per_page = 1 + _PAGE
    lag_seconds = 300

    @contextmanager
    def open(self, number: int) -> Iterator[_Intercom]:
        """Serve a workspace."""
        app = intercom.create_app(number, conversations=1, labelled=False)
        tape = Tape(app)
        with tape.running() as origin:
            yield _Intercom(number, app, tape, origin)


class FreshdeskKit(ConnectorKit):
    """Freshdesk as its description reads it: lists, and one call for what was said to each changed ticket."""

    connector = FreshdeskConnector
    creates = ("ticket", "actor")
    lacks: ClassVar[Mapping[Lack, str]] = {
        Capability.MERGES: "that something was merged is told in the text of a note only",
        Capability.TOKEN_EXPIRY: _FIXED,
        (Capability.PROVENANCE, "actor"): "who edited a contact is not told",
        (Capability.UNKNOWN_WORD, "actor"): _PERSON,
    }
    # The four agents are on two of these small pages.
    calls_idle = 8
    # Each page begins with the last ticket of the one before: of three, two are new.
    calls_per_page = (1 + _PAGE) * 1.5
    lag_seconds = 60

    @contextmanager
    def open(self, number: int) -> Iterator[_Freshdesk]:
        """Serve an account."""
        app = freshdesk.create_app(number, tickets=1, labelled=False)
        tape = Tape(app)
        with tape.running() as origin:
            yield _Freshdesk(number, app, tape, origin)
