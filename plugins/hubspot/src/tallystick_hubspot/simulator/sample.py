"""A small account of about two hundred objects in which each thing that HubSpot can do happens once: for tests.

Everything lies in September 2026. The objects with a name here have a fate of their own; the others only fill the
account, and differ with the seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from tallystick_hubspot.simulator.deeds import (
    Archive,
    Assign,
    Associate,
    Author,
    Create,
    Deed,
    Disassociate,
    Erase,
    Label,
    LinkThread,
    Merge,
    MoveInbox,
    OpenThread,
    Ref,
    Restore,
    Say,
    Set,
    SetStatus,
    app,
    imported,
    person,
    workflow,
)
from tallystick_hubspot.simulator.instants import instant, iso
from tallystick_hubspot.simulator.plan import Account, Option, Owner, Pipeline, Plan, Property, Stage, Team

__all__ = [
    "AGENT",
    "BACK",
    "BOT_ONLY",
    "CALL",
    "DEAL",
    "END",
    "ERASED",
    "EXECUTIVE",
    "GONE",
    "HANDED_OVER",
    "LOSER",
    "MEETING",
    "REWRITTEN",
    "START",
    "VENDOR_APP",
    "WINNER",
    "sample_plan",
]

START = instant("2026-09-01T08:00:00Z")
"""When the first object of the sample is made."""
END = instant("2026-09-25T08:00:00Z")
"""When all of it has happened."""

EXECUTIVE, SETTER, AGENT, FORMER = 9_001, 9_002, 9_003, 9_004
"""User ids; their owner ids are 31 to 34, and 34 is archived."""
VENDOR_APP = "77123"
"""The app of an AI vendor."""

MEETING: Ref = ("meetings", "500001")
"""Held, with a call beside it that tells how long, and accepted by the account executive."""
REWRITTEN: Ref = ("meetings", "500002")
"""Its outcome is rewritten until the first author has fallen out of the history."""
CALL: Ref = ("calls", "600001")
"""Of 26 minutes, connected."""
DEAL: Ref = ("deals", "300001")
"""Won, in dollars."""
BOT_ONLY: Ref = ("tickets", "400001")
"""Two threads in which only bots and LLM agents answer."""
HANDED_OVER: Ref = ("tickets", "400002")
"""Made only when the bot hands over; closed by a person, reopened, closed again."""
WINNER: Ref = ("tickets", "400003")
"""Took in `LOSER`, and its stamp did not move."""
LOSER: Ref = ("tickets", "400004")
"""Merged into `WINNER`."""
GONE: Ref = ("tickets", "400005")
"""Archived."""
BACK: Ref = ("tickets", "400006")
"""Archived and restored."""
ERASED: Ref = ("contacts", "100002")
"""Deleted for good."""

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
_CONTACT: Ref = ("contacts", "100001")
_COMPANY: Ref = ("companies", "200001")
_COUNTS = {"companies": 20, "contacts": 50, "deals": 15, "tickets": 60, "meetings": 40, "calls": 20}
_BASES = {
    "contacts": 100_000,
    "companies": 200_000,
    "deals": 300_000,
    "tickets": 400_000,
    "meetings": 500_000,
    "calls": 600_000,
}
_NAMED = {"companies": 1, "contacts": 2, "deals": 1, "tickets": 6, "meetings": 2, "calls": 1}
_CONNECTED = "f240bbac-87c9-4f6e-bf70-924b57d47db7"
_VENDOR = app(VENDOR_APP, "Uptime AI")
_VISITOR, _BOT, _LLM, _HUMAN = "V-42", "B-7", "L-8", f"A-{AGENT}"


def sample_plan(seed: int = 1) -> Plan:
    """Give the account."""
    support = ("1", "New"), ("2", "Waiting on contact"), ("3", "Waiting on us"), ("4", "Closed")
    sales = ("appointmentscheduled", "Appointment"), ("qualifiedtobuy", "Qualified")
    return Plan(
        owners=_owners(),
        pipelines=(
            Pipeline("tickets", "0", "Support", tuple(Stage(key, text, closed=key == "4") for key, text in support)),
            Pipeline("tickets", "20", "Returns", (Stage("21", "Arrived"), Stage("22", "Refunded", closed=True))),
            Pipeline(
                "deals",
                "default",
                "Sales",
                (
                    *(Stage(key, text, probability="0.4") for key, text in sales),
                    Stage("closedwon", "Won", closed=True, probability="1.0"),
                    Stage("closedlost", "Lost", closed=True, probability="0.0"),
                ),
            ),
        ),
        properties=(
            Property("meetings", "accepted_by_ae", "Accepted by the account executive", "bool"),
            Property("meetings", "actual_minutes", "Minutes that it took", "number"),
            Property("tickets", "ai_outcome", "AI outcome", "enumeration", (Option("solved", "Solved by AI"),)),
            Property("contacts", "crm_key", "Key", unique=True),
        ),
        deeds=(*_fill(seed), *_sales(), *_rewriting(), *_bot_only(), *_handed_over(), *_departures()),
        account=Account(more_currencies=("USD",)),
    )


def _owners() -> tuple[Owner, ...]:
    early = START - 300 * _DAY
    sales, service = Team("901", "Sales"), Team("902", "Service")
    return (
        Owner("31", EXECUTIVE, "ada@nordwind.example", "Ada", "East", (sales,), created_at=early),
        Owner("32", SETTER, "bea@nordwind.example", "Bea", "Berg", (sales,), created_at=early),
        Owner("33", AGENT, "cem@nordwind.example", "Cem", "Can", (service,), created_at=early),
        Owner("34", FORMER, "dan@nordwind.example", "Dan", "Dorn", created_at=early, archived_at=START + 2 * _DAY),
        Owner("35", None, "support@nordwind.example", "Support", "", type="QUEUE", created_at=early),
    )


def _at(minutes: int, day: int = 0) -> int:
    return START + day * _DAY + minutes * _MINUTE


def _fill(seed: int) -> Iterator[Deed]:
    """Make all objects, those with a fate of their own first; by import, so that one instant is shared by many."""
    dice = random.Random(f"sample/{seed}")
    for kind, count in _COUNTS.items():
        for number in range(_NAMED[kind] + 1, count + 1):
            ref = (kind, str(_BASES[kind] + number))
            # A third comes in one import, with one instant for all.
            at = _at(5) if number % 3 == 0 else _at(dice.randrange(10, 60 * 24 * 15)) + dice.randrange(1_000)
            by: Author = imported(SETTER) if number % 3 == 0 else person(SETTER)
            yield Create(at, ref, _values(kind, number, at, dice), by)
            if kind in {"deals", "tickets", "meetings", "calls"}:
                contact = ("contacts", str(100_000 + dice.randrange(1, 16) * 3))
                yield Associate(max(at, _at(6)), ref, contact)
    yield Create(_at(0), _COMPANY, {"name": "Clay GmbH", "domain": "clay.example"}, person(SETTER))
    yield Create(_at(0), _CONTACT, {"email": "carl@clay.example", "firstname": "Carl"}, person(SETTER))
    yield Create(_at(0), ERASED, {"email": "eve@clay.example", "firstname": "Eve"}, person(SETTER))
    yield Associate(_at(1), _CONTACT, _COMPANY, Label(7, "Decision maker", 8, "Decided by"))


def _values(kind: str, number: int, at: int, dice: random.Random) -> dict[str, str | None]:
    starts = at + _DAY
    outcome = dice.choice(("SCHEDULED", "COMPLETED", "NO_SHOW", "CANCELED"))
    owner = dice.choice(("31", "32", "33"))
    found: dict[str, dict[str, str | None]] = {
        "companies": {"name": f"Company {number}", "domain": f"c{number}.example"},
        "contacts": {"email": f"p{number}@c.example", "firstname": f"P{number}", "crm_key": f"K-{number}"},
        "deals": {"dealname": f"Deal {number}", "amount": str(dice.randrange(1, 90) * 100), "hubspot_owner_id": owner},
        "tickets": {
            "subject": f"Ticket {number}",
            "content": "Where is my parcel?",
            "hs_pipeline": "20" if number % 4 == 0 else "0",
            "hs_ticket_priority": dice.choice(("LOW", "HIGH")),
            "source_type": "CHAT",
            "hubspot_owner_id": owner,
        },
        "meetings": {
            "hs_meeting_title": f"Demo {number}",
            "hs_meeting_start_time": iso(starts),
            "hs_meeting_end_time": iso(starts + 30 * _MINUTE),
            "hs_meeting_outcome": outcome,
            "hubspot_owner_id": owner,
        },
        "calls": {
            "hs_call_duration": str(dice.randrange(5, 2_400) * 1_000),
            "hs_call_status": "COMPLETED",
            "hs_call_direction": "OUTBOUND",
            "hs_call_disposition": _CONNECTED,
            "hubspot_owner_id": owner,
        },
    }
    return found[kind]


def _sales() -> tuple[Deed, ...]:
    """Booked by the vendor, held, accepted, and won."""
    booked = {
        "hs_meeting_title": "Demo for Clay",
        "hs_meeting_start_time": iso(_at(0, 2)),
        "hs_meeting_end_time": iso(_at(30, 2)),
        "hs_meeting_outcome": "SCHEDULED",
        "hubspot_owner_id": "32",
        "hs_attendee_owner_ids": "31;32",
    }
    called = {"hs_call_duration": "1560000", "hs_call_status": "COMPLETED", "hs_call_disposition": _CONNECTED}
    wanted = {"dealname": "Clay", "amount": "12000.50", "deal_currency_code": "USD", "hubspot_owner_id": "31"}
    return (
        Create(_at(60), MEETING, booked, _VENDOR),
        Associate(_at(60), MEETING, _CONTACT),
        Create(_at(28, 2), CALL, called, app("88001", "Dialler")),
        Associate(_at(29, 2), CALL, _CONTACT),
        Associate(_at(29, 2), MEETING, CALL, Label(301, "Recording of")),
        Set(_at(40, 2), MEETING, {"hs_meeting_outcome": "COMPLETED"}, workflow("555", "Close meetings")),
        Set(_at(50, 2), MEETING, {"hubspot_owner_id": "31", "accepted_by_ae": "true"}, person(EXECUTIVE)),
        Create(_at(55, 2), DEAL, wanted, person(EXECUTIVE)),
        Associate(_at(56, 2), DEAL, MEETING),
        Associate(_at(56, 2), DEAL, _COMPANY),
        Set(_at(0, 5), DEAL, {"dealstage": "qualifiedtobuy"}, person(EXECUTIVE)),
        Set(_at(0, 9), DEAL, {"dealstage": "closedwon"}, person(EXECUTIVE)),
        Associate(_at(0, 10), CALL, DEAL),
        Disassociate(_at(1, 10), CALL, DEAL),
    )


def _rewriting() -> Iterator[Deed]:
    yield Create(_at(70), REWRITTEN, {"hs_meeting_outcome": "NO_SHOW"}, person(SETTER))
    for turn in range(25):
        value = "COMPLETED" if turn % 2 == 0 else "NO_SHOW"
        yield Set(_at(80 + turn), REWRITTEN, {"hs_meeting_outcome": value}, _VENDOR)
    # An entry that an import brings with an instant of its own, older than what is there.
    yield Set(_at(0, 3), REWRITTEN, {"hs_meeting_outcome": "CANCELED"}, imported(SETTER), dated=_at(90))


def _bot_only() -> tuple[Deed, ...]:
    opened = {"subject": "Parcel", "content": "Where is it?", "source_type": "CHAT"}
    return (
        Create(_at(100), BOT_ONLY, opened, Author("CONVERSATIONS", "conversations")),
        OpenThread(_at(100), "700001", ticket=BOT_ONLY[1], contact=_CONTACT[1]),
        Say(_at(100), "700001", _BOT, "Hello, how can I help?", type="WELCOME_MESSAGE"),
        Say(_at(101), "700001", _VISITOR, "Where is my parcel?"),
        Assign(_at(101), "700001", _LLM),
        Say(_at(102), "700001", _LLM, "It arrives today."),
        SetStatus(_at(200), "700001", "CLOSED"),
        OpenThread(_at(300), "700002", ticket=BOT_ONLY[1], channel="1002"),
        Say(_at(300), "700002", "E-carl@clay.example", "Thank you."),
        Say(_at(301), "700002", "I-77123", "You are welcome.", app_id=int(VENDOR_APP), recipients=(_VISITOR,)),
        Set(_at(302), BOT_ONLY, {"hs_pipeline_stage": "4", "ai_outcome": "solved"}, _VENDOR),
    )


def _handed_over() -> tuple[Deed, ...]:
    return (
        OpenThread(_at(400), "700003", contact=_CONTACT[1]),
        Say(_at(400), "700003", _VISITOR, "A person, please."),
        Create(_at(402), HANDED_OVER, {"subject": "A person", "hubspot_owner_id": "33"}, _VENDOR),
        LinkThread(_at(402), "700003", HANDED_OVER[1]),
        Assign(_at(402), "700003", _HUMAN, by=_BOT),
        MoveInbox(_at(403), "700003", "70002"),
        Say(_at(404), "700003", _HUMAN, "Is anybody free?", type="COMMENT"),
        # The vendor posts with the token of a person.
        Say(_at(405), "700003", _HUMAN, "One moment.", app_id=int(VENDOR_APP)),
        Say(_at(410), "700003", _HUMAN, "Here I am.", recipients=(_VISITOR,)),
        Set(_at(420), HANDED_OVER, {"hs_pipeline_stage": "4"}, person(AGENT)),
        SetStatus(_at(420), "700003", "CLOSED", by=_HUMAN),
        SetStatus(_at(0, 4), "700003", "OPEN"),
        Set(_at(1, 4), HANDED_OVER, {"hs_pipeline_stage": "3"}, workflow("556", "Reopen")),
        Assign(_at(2, 4), "700003", None),
        Set(_at(3, 4), HANDED_OVER, {"hs_pipeline_stage": "4"}, person(AGENT)),
    )


def _departures() -> Iterator[Deed]:
    for place, ref in enumerate((WINNER, LOSER, GONE, BACK)):
        yield Create(_at(500 + place), ref, {"subject": f"Fate {place}"}, person(AGENT))
        yield Associate(_at(510 + place), ref, _CONTACT)
    yield Merge(_at(0, 6), WINNER, LOSER, person(AGENT), moves_stamp=False)
    yield Archive(_at(0, 7), GONE)
    yield Archive(_at(1, 7), BACK)
    yield Restore(_at(2, 7), BACK)
    yield Erase(_at(3, 7), ERASED)
    # A mass update: one stamp for many.
    for number in range(10, 20):
        ref = ("tickets", str(400_000 + number))
        yield Set(_at(0, 16), ref, {"hs_ticket_priority": "MEDIUM"}, workflow("557", "Tidy up"))
