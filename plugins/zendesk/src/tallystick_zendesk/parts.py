"""The parts of an event: its head, its children, and what stands in a child; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from tallystick.connectors.says import strip_html
from tallystick_zendesk.objects import CHILD, EVENT, LOOSE_EVENT, Child, Event, identifier, moment, number
from tallystick_zendesk.via import Via, decode_via

__all__ = [
    "SYSTEM",
    "UNKNOWN",
    "Head",
    "Part",
    "body",
    "boolean",
    "chat_agents",
    "grade",
    "lower",
    "moved_tags",
    "read_event",
    "read_parts",
    "stars",
    "words",
]

SYSTEM = "-1"
"""The id by which Zendesk says that nobody did it."""

UNKNOWN = ""
"""Stands for somebody whose id cannot be read."""

_STARS = 5
_UNSET = msgspec.UNSET
_OTHER_SIGNS = re.compile(r"[^a-z]")


class Head(msgspec.Struct, frozen=True, gc=False):
    """What all parts of one event share: `at` in microseconds UTC; `updater` may be None, SYSTEM or UNKNOWN."""

    id: str
    ticket_id: str
    at: int
    updater: str | None
    via: Via | None
    rule_id: str | None
    raw: bytes


class Part(msgspec.Struct, frozen=True, gc=False):
    """A child, where it stands in its event, what kind of child it is, and how it came in itself.

    `raw` are its bytes, where it was read by itself; None where the event's bytes hold it at that place.
    """

    place: int
    child: Child
    kind: str
    via: Via | None
    raw: msgspec.Raw | bytes | None = None


def read_event(raw: bytes) -> tuple[Head, list[Part]]:
    """Give what the parts of an event of the export share, and those parts that can be read.

    Raises:
        msgspec.DecodeError: It is not JSON, or (`ValidationError`) not in the shape of an event.
    """
    try:
        event = EVENT.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        loose = LOOSE_EVENT.decode(raw)
        return _head(loose, raw), read_parts(loose.child_events or [])
    children = event.child_events or ()
    return _head(event, raw), [
        Part(place, child, _kind(child), decode_via(bytes(child.via))) for place, child in enumerate(children)
    ]


def _head(event: Event, raw: bytes) -> Head:
    key, ticket = identifier(event.id), identifier(event.ticket_id)
    at = moment(event.timestamp, event.created_at)
    if key is None or ticket is None or at is None:
        raise msgspec.ValidationError("an event of a ticket has no id, no ticket or no time")
    via = decode_via(bytes(event.via))
    rule = identifier(event.via_reference_id) or (via.origin if via else None)
    updater = identifier(event.updater_id)
    if updater is None and event.updater_id is not None:
        updater = UNKNOWN
    return Head(key, ticket, at, updater, via, rule, raw)


def read_parts(raws: Sequence[msgspec.Raw | bytes]) -> list[Part]:
    """Give the children that can be read, each by itself; their places count those too that cannot.

    Raises:
        msgspec.ValidationError: A child is an object and cannot be read.
    """
    found = []
    for place, raw in enumerate(raws):
        try:
            child = CHILD.decode(raw)
        except msgspec.DecodeError as cause:
            if bytes(raw).lstrip().startswith(b"{"):
                # A part that says something we cannot read may be the handoff: it must not get lost.
                raise msgspec.ValidationError(f"part {place} of an event cannot be read: {cause}") from None
            continue  # a part that is no object says nothing
        found.append(Part(place, child, _kind(child), decode_via(bytes(child.via)), raw))
    return found


def _kind(child: Child) -> str:
    """Give what kind of child it is; its `type` may be a changed field of that name."""
    first, second = child.event_type, child.type
    if type(first) is str and first:
        kind = _squeezed(first)
        return "voicecomment" if kind == "comment" and second == "VoiceComment" else kind
    return _squeezed(second) if type(second) is str else ""


@lru_cache(maxsize=1024)
def _squeezed(name: str) -> str:
    # The spelling of these names varies between pages of Zendesk's own reference.
    return _OTHER_SIGNS.sub("", name.lower())


def moved_tags(child: Child) -> tuple[set[str], set[str]]:
    """Give the tags that came and those that went; none where the tags before are not known."""
    if child.added_tags is not None or child.removed_tags is not None:
        return words(child.added_tags), words(child.removed_tags)
    if child.previous_value is _UNSET:
        return set(), set()
    new, old = words(child.tags), words(child.previous_value)
    return new - old, old - new


def body(child: Child) -> str | None:
    """Give the text of a comment; None when it came without one."""
    if type(child.plain_body) is str:
        return child.plain_body
    if type(child.body) is str:
        return child.body
    try:
        markup = msgspec.json.decode(child.html_body)
    except msgspec.DecodeError:
        return None
    return strip_html(markup) if type(markup) is str else None


def stars(child: Child) -> int | None:
    """Give the rating of a survey, 1 to 5, from wherever in the child it stands."""
    response = child.survey_response if type(child.survey_response) is dict else {}
    answers = child.answers if type(child.answers) is list else response.get("answers")
    answered = [answer.get("rating") for answer in answers if type(answer) is dict] if type(answers) is list else []
    for given in (child.rating, response.get("rating"), *answered, child.score):
        found = number(given)
        if found is not None and 1 <= found <= _STARS:
            return found
    return None


def chat_agents(child: Child) -> list[str]:
    """Give the agents in the history of a chat, each once; UNKNOWN for one whose id cannot be read."""
    history = child.value.get("history") if type(child.value) is dict else None
    lines = [line for line in history if type(line) is dict] if type(history) is list else []
    agents = [line.get("actor_id") for line in lines if lower(line.get("actor_type")) == "agent"]
    return sorted({identifier(agent) or UNKNOWN for agent in agents})


def words(tags: object) -> set[str]:
    """Give tags, which come as a list or as one text with spaces."""
    if type(tags) is str:
        return set(tags.split())
    return {tag for tag in tags if type(tag) is str and tag} if type(tags) is list else set()


def lower(value: object) -> str | None:
    """Give a text in lower case; None for anything else."""
    return value.lower() if type(value) is str else None


def boolean(value: object) -> bool | None:
    """Give a truth value; None for anything else."""
    return value if type(value) is bool else None


def grade(word: object) -> int | None:
    """Give the rating that a word of Zendesk's stands for: 5 for good, 1 for bad, None for anything else."""
    if type(word) is not str:
        return None
    return 5 if word.startswith("good") else 1 if word.startswith("bad") else None
