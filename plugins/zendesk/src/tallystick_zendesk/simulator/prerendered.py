"""Ready-made pages of tickets and of their events, as fast as a socket takes them: for benchmarks only.

Serves the cursor export of tickets and the export of ticket events with the paging of the real ones, two handfuls of
users, tokens for whoever asks, an empty page for every other export, and nothing else. Eight events make one ticket,
one after the other. Each row is filled into a template rendered once, and pages are kept, so that a second read of one
costs nothing: a hundred thousand tickets take 1.5 GB.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import formatdate
from urllib.parse import parse_qs

import msgspec

from tallystick.testing.instants import instant, iso
from tallystick.testing.prerendered import Body, Prerendered
from tallystick_zendesk.simulator.deeds import Deed, Ratings, opened
from tallystick_zendesk.simulator.draft import Draft, Obj
from tallystick_zendesk.simulator.errors import WireError
from tallystick_zendesk.simulator.exports import MOST, WITHHELD
from tallystick_zendesk.simulator.people import Person
from tallystick_zendesk.simulator.plan import Act, Opening, User
from tallystick_zendesk.simulator.query import export_cursor, export_place
from tallystick_zendesk.simulator.tickets import Event, Ticket

__all__ = ["EVENTS", "Pages"]

EVENTS = 8
"""Events of each ticket."""

_FIRST = instant("2026-04-01T00:00:00Z")
_UNTIL = "2026-10-12T06:00:00Z"
_TICKETS_FROM = 1_000_000_000
_EVENTS_FROM = 14_000_000_000_000
_ME, _BOT, _REQUESTERS = 900_000_000_001, 900_000_000_002, 10
_VARIANTS = 20
_TICKET_BYTES, _EVENT_BYTES = 2_000, 1_500

_CUT = re.compile(rb"(777777777777|1777777777|1234567890|2009-02-13T23:31:30Z)")
_MARK_EVENT, _MARK_TICKET, _MARK_TIME = 77_777_777_777_700, 1_777_777_777, 1_234_567_890
_SPEECH = (
    (-1, "My printer does not print any more. It blinks red and says that there is no paper, but there is."),
    (_BOT, "Sorry to hear that. Please open the tray, take out the paper, and put it back until it clicks."),
    (-1, "I did that twice. It still blinks, and now it hums as well."),
    (_BOT, "Thank you. Please switch it off, wait for ten seconds, and switch it on again."),
    (-1, "That worked, thank you!"),
    (_BOT, "Great. I set this request to solved. Just reply here should it come back."),
)


class Pages(Prerendered):
    """The rows by number from 0 (oldest), and the pages made of them.

    Args:
        tickets: How many tickets there are.
        now: Virtual instant, ISO 8601, by default in October 2026. Rows are spread evenly from April 2026 to the minute
            before it.

    Raises:
        ValueError: `now` is no instant, or there are more events than seconds for them.
    """

    def __init__(self, tickets: int, now: str | None = None) -> None:
        self.tickets = tickets
        self.events = tickets * EVENTS
        self.now = instant(now or _UNTIL)
        self._span = self.now - WITHHELD - _FIRST
        if self.events > self._span:
            raise ValueError(f"{self.events} events do not fit into {self._span} seconds")
        people = _people()
        self.users = b",".join(person.render() for person in people.values())
        made = [_variant(place, people) for place in range(_VARIANTS)]
        self._rows = [_pieces(ticket.row(())) for ticket, _ in made]
        self._sets = [_pieces(ticket.metrics.row(_MARK_TIME, solved=True)) for ticket, _ in made]
        self._events = [[_pieces(msgspec.json.decode(e.render(comments=True))) for e in events] for _, events in made]
        self._kept: dict[tuple[str, int, int], bytes] = {}
        self._date = formatdate(self.now, usegmt=True).encode()

    def reply(self, head: bytes, content: bytes, number: int) -> tuple[bytes, Body]:  # noqa: ARG002 - nothing is sent
        """Answer a call."""
        host = re.search(rb"\r\n[Hh]ost: *([^\r]*)", head)
        origin = "http://" + (host[1].decode() if host else "127.0.0.1")
        try:
            status, body = b"200 OK", self._answer(head.split(b" ", 2)[1].decode(), origin)
        except WireError as error:
            status, body = b"%d Refused" % error.status, [error.content()[0]]
        lines = b"HTTP/1.1 %s\r\nContent-Type: application/json; charset=utf-8\r\nDate: %s\r\nX-Request-Id: %032d\r\n"
        return lines % (status, self._date, number), body

    def _answer(self, target: str, origin: str) -> Body:
        path, _, text = target.partition("?")
        query = {name: values[-1] for name, values in parse_qs(text).items()}
        if path == "/api/v2/incremental/tickets/cursor.json":
            return self.ticket_page(query, origin)
        if path == "/api/v2/incremental/ticket_events.json":
            return self.event_page(query, origin)
        if path == "/api/v2/incremental/users/cursor.json":
            cursor = export_cursor(_FIRST - 86_400, _ME + 100 + _REQUESTERS)
            rows = b"" if "cursor" in query else self.users
            link = f"{origin}{path}?cursor={cursor.replace('=', '%3D')}"
            ends = {"after_cursor": cursor, "after_url": link, "before_cursor": None, "end_of_stream": True}
            return [b'{"users":[', rows, b"],", msgspec.json.encode(ends)[1:]]
        return [msgspec.json.encode(_small(path))]

    def event_time(self, number: int) -> int:
        """Give the second of an event; no two share one."""
        return _FIRST + self._span * number // self.events

    def ticket_time(self, number: int) -> int:
        """Give the `generated_timestamp` of a ticket: the second of its last event."""
        return self.event_time(number * EVENTS + EVENTS - 1)

    def ticket_page(self, query: dict[str, str], origin: str) -> Body:
        """Give one page of the cursor export."""
        scope = query.get("support_type_scope", "agent")
        size = min(int(query.get("per_page", MOST)), MOST)
        after = export_place(query["cursor"]) if "cursor" in query else (int(query.get("start_time", 0)), 0)
        first = self._after(self.tickets, self.ticket_time, after, _TICKETS_FROM)
        last = first if scope == "ai_agent" else min(first + size, self.tickets)
        place = (self.ticket_time(last - 1), _TICKETS_FROM + last - 1) if last > first else after
        text = export_cursor(*place)
        included = query.get("include", "")
        link = f"{origin}/api/v2/incremental/tickets/cursor.json?cursor={text.replace('=', '%3D')}&per_page={size}"
        link += f"&support_type_scope={scope}&include={included.replace(',', '%2C')}"
        end = scope == "ai_agent" or last >= self.tickets
        ends = {
            "after_url": link,
            "before_url": None,
            "after_cursor": text,
            "before_cursor": None,
            "end_of_stream": end,
        }
        body = [b'{"tickets":[', self._page("tickets", first, last), b"],"]
        if "metric_sets" in included:
            body += [b'"metric_sets":[', self._page("metric_sets", first, last), b"],"]
        return [*body, msgspec.json.encode(ends)[1:]]

    def event_page(self, query: dict[str, str], origin: str) -> Body:
        """Give one page of the time-based export; its last second comes again with the next."""
        start, size = int(query.get("start_time", 0)), min(int(query.get("per_page", MOST)), MOST)
        first = self._after(self.events, self.event_time, (start, 0), 1)
        last = min(first + size, self.events)
        end = self.event_time(last - 1) if last > first else None
        link = f"{origin}/api/v2/incremental/ticket_events.json?start_time={end}&per_page={size}"
        link += f"&include=comment_events&support_type_scope={query.get('support_type_scope', 'agent')}"
        ends: Obj = {"next_page": link if end is not None else None, "count": last - first, "end_time": end}
        ends["end_of_stream"] = last >= self.events
        return [b'{"ticket_events":[', self._page("ticket_events", first, last), b"],", msgspec.json.encode(ends)[1:]]

    @staticmethod
    def _after(count: int, clock: Callable[[int], int], place: tuple[int, int], base: int) -> int:
        """Give the number of the first row behind a place (clock, id), by halving."""
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            if (clock(middle), base + middle) <= place:
                low = middle + 1
            else:
                high = middle
        return low

    def _page(self, kind: str, first: int, last: int) -> bytes:
        key = (kind, first, last)
        if key not in self._kept:
            fill = {"tickets": self._ticket, "metric_sets": self._metric_set, "ticket_events": self._event}[kind]
            self._kept[key] = b",".join(fill(number) for number in range(first, last))
        return self._kept[key]

    def _ticket(self, number: int) -> bytes:
        return self._fill(self._rows[number % _VARIANTS], number, number * EVENTS + EVENTS - 1)

    def _metric_set(self, number: int) -> bytes:
        return self._fill(self._sets[number % _VARIANTS], number, number * EVENTS + EVENTS - 1)

    def _event(self, number: int) -> bytes:
        ticket, place = divmod(number, EVENTS)
        return self._fill(self._events[ticket % _VARIANTS][place], ticket, number)

    def _fill(self, pieces: list[bytes], ticket: int, event: int) -> bytes:
        at = self.event_time(event)
        marks = {
            # An event and its children differ in the last two digits, which stay as they are.
            b"777777777777": b"%d" % (_EVENTS_FROM // 100 + event),
            b"1777777777": b"%d" % (_TICKETS_FROM + ticket),
            b"1234567890": b"%d" % at,
            b"2009-02-13T23:31:30Z": iso(at).encode(),
        }
        return b"".join([marks.get(piece, piece) for piece in pieces])


def _pieces(row: Obj) -> list[bytes]:
    """Render a row and cut it at what differs between rows of one template."""
    return _CUT.split(msgspec.json.encode(row))


def _people() -> dict[int, Person]:
    users = [
        User(_ME, "Ada Admin", "ada@nordwind.example", "admin", _FIRST - 86_400),
        User(_BOT, "Helpbot", "bot@nordwind.example", "agent", _FIRST - 86_400),
    ]
    for place in range(_REQUESTERS):
        user = User(_ME + 100 + place, f"Customer {place}", f"c{place}@customer.example", "end-user", _FIRST - 86_400)
        users.append(user)
    return {user.id: Person.made(user) for user in users}


def _variant(variant: int, people: dict[int, Person]) -> tuple[Ticket, list[Event]]:
    """Let one ticket live its eight events, with marks for its id, theirs and every instant."""
    requester = _ME + 100 + variant % _REQUESTERS
    padding = f" Reference {variant:03d}."
    opening = Opening(requester, "email", f"Printer {variant}", tags=("printer", "nordwind_pro"))
    acts = [
        Act(_MARK_TIME, _MARK_TICKET, requester if who < 0 else who, comment=text + padding, via="email")
        for who, text in _SPEECH
    ]
    acts[0] = Act(_MARK_TIME, _MARK_TICKET, requester, via="email", opening=opening, comment=_SPEECH[0][1] + padding)
    acts.append(Act(_MARK_TIME, _MARK_TICKET, _BOT, comment="Solved.", public=False, assignee=_BOT, status="solved"))
    acts.append(Act(_MARK_TIME, _MARK_TICKET, requester, rating="good", comment="Thanks!"))
    ticket, ratings = opened(acts[0], opening), Ratings()
    for act in acts:
        draft = Draft(_MARK_EVENT, act)
        Deed(draft, ticket, people, ratings).run()
        event = Event(_MARK_EVENT, ticket.id, act.at, act.author, act.via, draft.children)
        event.children[0]["html_body"] += (
            "<!-- " + "x" * max(0, _EVENT_BYTES - len(event.render(comments=True)) - 9) + " -->"
        )
        event.forget()
        ticket.events.append(event)
        ticket.act(act.at)
    ticket.plain["subject"] = opening.subject + " " + "x" * max(0, (_TICKET_BYTES - len(ticket.render(()))) // 2)
    return ticket, ticket.events


def _small(path: str) -> Obj:
    """Give what is the same for everybody."""
    if path == "/oauth/tokens":
        return {"access_token": "prerendered", "token_type": "bearer", "scope": "read", "expires_in": 7_200}
    if path == "/api/v2/oauth/tokens/current.json":
        return {"token": {"id": 1, "user_id": _ME, "scopes": ["read"], "expires_at": None}}
    people = _people()
    if path == "/api/v2/users/me.json":
        return {"user": people[_ME].row}
    user = re.fullmatch(r"/api/v2/users/(\d+)\.json", path)
    if user and int(user[1]) in people:
        return {"user": people[int(user[1])].row}
    if path == "/api/v2/satisfaction_ratings.json":
        links = {"prev": None, "next": None}
        meta = {"has_more": False, "after_cursor": None, "before_cursor": None}
        return {"satisfaction_ratings": [], "meta": meta, "links": links, "next_page": None, "count": 0}
    found = re.fullmatch(r"/api/v2/incremental/(\w+)\.json", path)
    if found is None:
        raise WireError.missing()
    return {found[1]: [], "count": 0, "end_time": None, "next_page": None, "end_of_stream": True}
