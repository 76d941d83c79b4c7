"""Ready-made pages of tickets, as fast as a socket takes them: for benchmarks only.

Serves search for tickets by window and keyset (`hs_lastmodifieddate` GTE and LT, `hs_object_id` GT, rising by id),
their batch reads with the history of the stage, one contact for each of them, the settings that a connector reads
first, an empty page for every other search, list and batch, and nothing else. Each row is filled into a template
rendered once, and pages are kept, so that a second read of one costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from operator import itemgetter

import msgspec

from tallystick.testing.prerendered import Body, Prerendered
from tallystick_hubspot.simulator.deeds import Create, Set, app, person
from tallystick_hubspot.simulator.errors import WireError
from tallystick_hubspot.simulator.instants import instant, iso, moment
from tallystick_hubspot.simulator.items import Obj
from tallystick_hubspot.simulator.objects import SEARCH, SEARCHED
from tallystick_hubspot.simulator.plan import Owner, Pipeline, Plan, Stage
from tallystick_hubspot.simulator.query import Call
from tallystick_hubspot.simulator.settings import Settings
from tallystick_hubspot.simulator.world import World

__all__ = ["PROPERTIES", "Pages"]

_FIRST = instant("2026-04-01T00:00:00Z")
_UNTIL = "2026-10-12T06:00:00Z"
_TICKETS_FROM, _CONTACTS_FROM = 4_000_000_000, 1_000_000_000
_VARIANTS = 20
_ROW_BYTES = 1_100
_KEPT_BYTES = 300_000_000

_MARK_CREATED, _MARK_TIME = 1_234_567_890_123, 1_234_567_950_123
_MARKS = (b"4777777777", b"2009-02-13T23:31:30.123Z", b"2009-02-13T23:32:30.123Z")
_CUT = re.compile(b"|".join(map(re.escape, _MARKS)))

PROPERTIES = (
    *("subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_is_closed", "createdate", "closed_date"),
    *("time_to_close", "hs_resolution", "hs_ticket_priority", "hs_ticket_category", "source_type", "hubspot_owner_id"),
    *("hubspot_owner_assigneddate", "hs_all_owner_ids", "first_agent_reply_date", "hs_num_times_contacted"),
    *("hs_num_associated_conversations", "hs_merged_object_ids", "hs_created_by_user_id", "hs_lastmodifieddate"),
    *("hs_object_source", "hs_object_source_id", "hs_object_id"),
)
"""Properties of every row, whatever a call asks for."""

_Template = tuple[bytes, Callable[[tuple[bytes, ...]], tuple[bytes, ...]]]


class Pages(Prerendered):
    """The tickets by number from 0 (oldest), and the pages made of them.

    Args:
        tickets: How many tickets there are.
        now: Virtual instant, ISO 8601, by default in October 2026. The stamps are spread evenly from April 2026 to the
            minute before it.

    Raises:
        ValueError: `now` is no instant, or there are more tickets than milliseconds for them.
    """

    def __init__(self, tickets: int, now: str | None = None) -> None:
        self.tickets = tickets
        self.now = instant(now or _UNTIL)
        self._span = self.now - 60_000 - _FIRST
        if tickets > self._span:
            raise ValueError(f"{tickets} tickets do not fit into {self._span} milliseconds")
        world = _world()
        self.settings = Settings(world)
        known = world.known["tickets"]
        rows = [item.row(world.plan.account.portal, PROPERTIES, None, known) for item in world.ordered("tickets")]
        histories = [
            item.row(world.plan.account.portal, PROPERTIES, ("hs_pipeline_stage", "hubspot_owner_id"), known)
            for item in world.ordered("tickets")
        ]
        self._rows = [_template(row) for row in rows]
        self._histories = [_template(row) for row in histories]
        self._kept: dict[tuple[int, int], bytes] = {}
        self._bytes = 0
        self._date = formatdate(self.now // 1_000, usegmt=True).encode()

    def reply(self, head: bytes, content: bytes, number: int) -> tuple[bytes, Body]:
        """Answer a call."""
        method, target, _ = head.decode("latin-1").split(" ", 2)
        path, _, query = target.partition("?")
        try:
            # Only the reading of settings needs more than the place and the body.
            call = Call.read(method, path, query, headers={}, origin="http://127.0.0.1", content=content)
            status, body = b"200 OK", self._answer(call)
        except WireError as error:
            status, body = b"%d Refused" % error.status, [error.content("prerendered")[0]]
        lines = (
            b"HTTP/1.1 %s\r\nContent-Type: application/json;charset=utf-8\r\nDate: %s\r\n"
            b"X-HubSpot-Correlation-Id: %032d\r\n"
        )
        return lines % (status, self._date, number), body

    def _answer(self, call: Call) -> Body:
        posts: dict[tuple[str, ...], Callable[[Obj], Body]] = {
            ("objects", "tickets", "search"): self.search,
            ("objects", "tickets", "batch", "read"): self.batch,
            ("associations", "tickets", "contacts", "batch", "read"): self.contacts,
        }
        if call.place in posts:
            return posts[call.place](call.body())
        if call.place == ("oauth", "token"):
            return [
                b'{"token_type":"bearer","access_token":"prerendered","refresh_token":"prerendered","expires_in":1800}'
            ]
        if call.place[:1] == ("objects",) or call.place[-1:] == ("threads",):
            return [b'{"total":0,"results":[]}' if call.place[-1] == "search" else b'{"results":[]}']
        if call.place[:1] == ("associations",):
            return [_batch([], self.now)]
        return [msgspec.json.encode(self.settings.answer(call, (1_000_000, 0)))]

    def stamp(self, number: int) -> int:
        """Give the `hs_lastmodifieddate` of a ticket, in Unix milliseconds; no two share one."""
        return _FIRST + self._span * number // self.tickets

    def search(self, asked: Obj) -> Body:
        """Give one page of search.

        Raises:
            WireError: 400; a filter is none of those served, or the place lies beyond what one search gives.
        """
        low, high = 0, self.tickets
        for group in asked.get("filterGroups") or []:
            for one in group.get("filters") or []:
                low, high = self._narrow(low, high, one)
        total = max(0, high - low)
        start = int(asked.get("after") or 0)
        if start >= SEARCHED:
            raise WireError.bad(f"after must be below {SEARCHED}")
        end = min(start + min(int(asked.get("limit") or 10), SEARCH), SEARCHED, total)
        page = self._page(low + start, low + end) if end > start else b""
        more = b',"paging":{"next":{"after":"%d"}}' % end if end < total and end > start else b""
        return [b'{"total":%d,"results":[' % total, page, b"]", more, b"}"]

    def _narrow(self, low: int, high: int, one: Obj) -> tuple[int, int]:
        name, operator, value = one.get("propertyName"), one.get("operator"), str(one.get("value"))
        if name == "hs_object_id" and operator == "GT":
            return max(low, int(value) - _TICKETS_FROM + 1), high
        at = moment(value)
        if name == "hs_lastmodifieddate" and operator in {"GTE", "LT"} and at is not None:
            first = self._first(at)
            return (max(low, first), high) if operator == "GTE" else (low, min(high, first))
        raise WireError.bad(f"only the keyset of a window is served, not {name} {operator} {value}")

    def _first(self, at: int) -> int:
        """Give the number of the first ticket with a stamp of an instant or later, by halving."""
        low, high = 0, self.tickets
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self.stamp(middle) < at else (low, middle)
        return low

    def batch(self, asked: Obj) -> Body:
        """Give tickets by id, with the history of the stage and the owner where any history is asked for."""
        templates = self._histories if asked.get("propertiesWithHistory") else self._rows
        numbers = [int(one["id"]) - _TICKETS_FROM for one in asked["inputs"]]
        rows = [self._fill(templates, number) for number in numbers if 0 <= number < self.tickets]
        ends = b'],"startedAt":"%s","completedAt":"%s"}' % ((iso(self.now).encode(),) * 2)
        return [b'{"status":"COMPLETE","results":[', b",".join(rows), ends]

    def contacts(self, asked: Obj) -> Body:
        """Give the contact of each ticket: one for ten neighbours."""
        links = [{"category": "HUBSPOT_DEFINED", "typeId": 16, "label": None}]
        results = [
            {
                "from": {"id": one["id"]},
                "to": [{"toObjectId": _CONTACTS_FROM + int(one["id"]) // 10, "associationTypes": links}],
            }
            for one in asked["inputs"]
        ]
        return [_batch(results, self.now)]

    def _page(self, first: int, last: int) -> bytes:
        key = (first, last)
        if key not in self._kept:
            made = b",".join([self._fill(self._rows, number) for number in range(first, last)])
            if self._bytes + len(made) > _KEPT_BYTES:
                return made
            self._bytes += len(made)
            self._kept[key] = made
        return self._kept[key]

    def _fill(self, templates: list[_Template], number: int) -> bytes:
        at = self.stamp(number)
        text, choose = templates[number % _VARIANTS]
        return text % choose((b"%d" % (_TICKETS_FROM + number), _text(at - 60_000), _text(at)))


def _template(row: Obj) -> _Template:
    """Render a row with gaps for its id, its creation and its stamp."""
    # Templates are tickets of a world, so their ids differ in it.
    text = msgspec.json.encode(row).replace(row["id"].encode(), _MARKS[0])
    gaps = [_MARKS.index(mark) for mark in _CUT.findall(text)]
    return _CUT.sub(b"%b", text.replace(b"%", b"%%")), itemgetter(*gaps)


def _text(at: int) -> bytes:
    """Write Unix milliseconds as ISO 8601; neighbours share their day."""
    day, left = divmod(at, 86_400_000)
    minutes, left = divmod(left, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds, fraction = divmod(left, 1_000)
    if fraction:
        return b"%bT%02d:%02d:%02d.%03dZ" % (_day(day), hours, minutes, seconds, fraction)
    return b"%bT%02d:%02d:%02dZ" % (_day(day), hours, minutes, seconds)


@lru_cache(maxsize=64)
def _day(day: int) -> bytes:
    return iso(day * 86_400_000)[:10].encode()


def _world() -> World:
    """Let one ticket per template be made and closed by a bot a minute later."""
    support = Pipeline("tickets", "0", "Support", (Stage("1", "New"), Stage("4", "Closed", closed=True)))
    owners = (Owner("31", 9_001, "ada@nordwind.example", "Ada", "East"), Owner("32", 9_002, "bot@nordwind.example"))
    deeds: list[Create | Set] = []
    for variant in range(_VARIANTS):
        ref = ("tickets", str(9_100_000_000 + variant))
        words = {
            "subject": f"Printer {variant:02d} does not print",
            "content": f"It blinks red and says that there is no paper, but there is. Number {variant:02d}.",
            "hs_ticket_priority": ("LOW", "HIGH")[variant % 2],
            "hs_ticket_category": "PRODUCT_ISSUE",
            "source_type": "CHAT",
            "hubspot_owner_id": ("31", "32")[variant % 2],
        }
        deeds.append(Create(_MARK_CREATED, ref, words, app("77123", "Uptime AI", user=9_002)))
        closing = {"hs_pipeline_stage": "4", "hs_resolution": "ISSUE_FIXED"}
        deeds.append(Set(_MARK_TIME, ref, closing, person(9_002)))
    plan = Plan(owners=owners, pipelines=(support,), deeds=tuple(deeds))
    world = World(plan, _MARK_TIME)
    for item in world.ordered("tickets"):
        missing = _ROW_BYTES - len(msgspec.json.encode(item.row(1, PROPERTIES, None, PROPERTIES)))
        item.values["content"] = f"{item.values['content']} {'x' * max(0, missing)}"
    return world


def _batch(results: list[Obj], now: int) -> bytes:
    at = iso(now)
    return msgspec.json.encode({"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at})
