"""Who is who at Nordwind: the buyer's own people, the vendor's seat and application, and the other programs."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.testing.instants import instant

__all__ = [
    "APPS",
    "CALENDAR",
    "EXECUTIVES",
    "EXECUTIVE_ROLES",
    "GUEST",
    "LEFT",
    "MANAGER",
    "OFFICE",
    "PEOPLE",
    "PROMOTED",
    "RECORDER",
    "SETTERS",
    "SHARED",
    "START",
    "VENDOR_APP",
    "VENDOR_SEAT",
    "App",
    "Person",
]

START = instant("2026-09-01T06:00:00Z")
"""When everybody is there."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with access.

    Attributes:
        key: Name in the story.
        number: A number of his own, for systems that number people.
        first: First name.
        last: Last name.
        role: What he is.
        became: A later role, and from when.
        left: When he left.
    """

    key: str
    number: int
    first: str
    last: str
    role: str
    became: tuple[int, str] | None = None
    left: int | None = None

    @property
    def email(self) -> str:
        """His address at the company."""
        return f"{self.first}.{self.last}@nordwind.example".lower()


@dataclass(frozen=True, slots=True)
class App:
    """A program that writes; `seat` is the user it signs in as, in systems where every program does."""

    key: str
    number: int
    name: str
    seat: str


_AE, _SENIOR, _SDR = "Account Executive", "Senior Account Executive", "SDR"
EXECUTIVE_ROLES = (_AE, _SENIOR)
"""Roles of those who may accept."""

EXECUTIVES = ("ada", "ben", "chris", "dana", "emre")
SETTERS = ("ruth", "sam")
MANAGER = "mona"
OFFICE = "olga"
"""Somebody of the office, who looks after the system."""
SHARED = "vera"
"""An account executive under whose name the vendor signs in too."""
LEFT = "lena"
"""An account executive who leaves in between."""
PROMOTED = "otto"
"""One who sets up meetings, and becomes an account executive in between."""
GUEST = "gast"
"""A user without any role."""
VENDOR_SEAT = "uptime"

VENDOR_APP, RECORDER, CALENDAR = "uptime-app", "recorder", "calendar"

PEOPLE = {
    person.key: person
    for person in (
        Person(OFFICE, 9_001, "Olga", "Peters", "Operations"),
        Person("ada", 9_011, "Ada", "Berg", _AE),
        Person("ben", 9_012, "Ben", "Claus", _AE),
        Person("chris", 9_013, "Chris", "Dahl", _SENIOR),
        Person("dana", 9_014, "Dana", "Engel", _AE),
        Person("emre", 9_015, "Emre", "Falk", _SENIOR),
        Person("ruth", 9_021, "Ruth", "Grimm", _SDR),
        Person("sam", 9_022, "Sam", "Hoppe", _SDR),
        Person(MANAGER, 9_031, "Mona", "Iversen", "Sales Manager"),
        Person(SHARED, 9_041, "Vera", "Jansen", _AE),
        Person(LEFT, 9_042, "Lena", "Krug", _AE, left=instant("2026-10-20T15:00:00Z")),
        Person(PROMOTED, 9_043, "Otto", "Lind", _SDR, became=(instant("2026-10-20T06:00:00Z"), _AE)),
        Person(GUEST, 9_044, "Gustav", "Moll", ""),
        Person(VENDOR_SEAT, 9_051, "Uptime", "Agent", "Vendor"),
        Person("recorder-seat", 9_061, "Recorder", "Service", "Integration"),
        Person("calendar-seat", 9_062, "Calendar", "Service", "Integration"),
    )
}
"""Everybody by key."""

APPS = {
    app.key: app
    for app in (
        App(VENDOR_APP, 77_123, "Uptime AI", VENDOR_SEAT),
        App(RECORDER, 88_001, "Meeting Recorder", "recorder-seat"),
        App(CALENDAR, 88_002, "Calendar Sync", "calendar-seat"),
    )
}
"""Every program by key."""
