"""How something came in: Zendesk's `via`, which is an object, a text for people or a number, in our words; pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import msgspec

from tallystick_zendesk.objects import identifier

__all__ = ["NOWHERE", "Via", "channel", "decode_via", "read_via"]

_PREFIXES = (
    ("facebook", "social"),
    ("instagram", "social"),
    ("twitter", "social"),
    ("phone", "voice"),
    ("voice", "voice"),
    ("sunshine_conversations", "messaging"),
    ("whatsapp", "messaging"),
    ("chat", "chat"),
)
_CHANNELS = {
    "any_channel": "social",
    "api": "api",
    "closed_ticket": "web",
    "email": "email",
    "gmail": "email",
    "google_business_messages": "messaging",
    "google_play": "social",
    "google_rcs": "messaging",
    "help_center": "web",
    "helpcenter": "web",
    "kakaotalk": "messaging",
    "line": "messaging",
    "linkedin": "social",
    "mail": "email",
    "mailgun": "email",
    "merge": "merge",
    "messaging": "messaging",
    "mobile": "web",
    "mobile_sdk": "web",
    "native_messaging": "messaging",
    "offline_chat": "chat",
    "side_conversation": "side_conversation",
    "talk": "voice",
    "telegram": "messaging",
    "ticket_merge": "merge",
    "viber": "messaging",
    "web": "web",
    "web_form": "web",
    "web_service": "api",
    "web_service_api": "api",
    "web_widget": "web",
    "wechat": "messaging",
    "x": "social",
    "youtube": "social",
}
_RULES = frozenset({"rule", "trigger", "automation", "business_rule"})
_NUMBERS = {0: "web", 4: "mail", 5: "web_service", 8: "rule"}
_MOST_TICKETS = 100
_OTHER_SIGNS = re.compile(r"[^a-z0-9]+")


class Via(NamedTuple):
    """How something came in.

    `said` is Zendesk's own word, `word` the same in lower case with `_` for whatever is no letter. `rule` says that a
    trigger or an automation did it. `origin` is the id in `source.from`. `into` and `out_of` are the tickets that a
    merge or a follow-up names.
    """

    said: str | None = None
    word: str | None = None
    channel: str | None = None
    rule: bool = False
    rel: str | None = None
    origin: str | None = None
    into: str | None = None
    out_of: tuple[str, ...] = ()


NOWHERE = Via()


def read_via(via: object) -> Via | None:
    """Give what a `via` says; None when it says nothing that can be read."""
    if type(via) is str:
        return _text(via)
    if type(via) is dict:
        return _object(via)
    if type(via) is int:
        return _text(_NUMBERS.get(via, f"via {via}"))
    return None


@lru_cache(maxsize=4096)
def decode_via(raw: bytes) -> Via | None:
    """Give what the JSON of a `via` says; most of them are alike, so that each is read once."""
    return read_via(msgspec.json.decode(raw))


@lru_cache(maxsize=4096)
def channel(word: str | None, *, messaging: bool = False) -> str:
    """Give a ticket's channel in our words: email, messaging, chat, voice, web, social, api or other.

    Args:
        word: Zendesk's word in lower case.
        messaging: Whether Zendesk calls it a messaging ticket, which decides.
    """
    found = "messaging" if messaging else _channel(word)
    return found if found not in {"rule", "merge", "side_conversation"} else "other"


def _channel(word: str | None) -> str:
    if word is None:
        return "other"
    if _is_rule(word):
        return "rule"
    return _CHANNELS.get(word) or next((ours for prefix, ours in _PREFIXES if word.startswith(prefix)), "other")


def _is_rule(word: str) -> bool:
    return word in _RULES or word.startswith(("trigger_", "automation_", "rule_"))


@lru_cache(maxsize=4096)
def _text(said: str) -> Via | None:
    word = _OTHER_SIGNS.sub("_", said.lower()).strip("_")
    return Via(said, word, _channel(word), _is_rule(word)) if word else None


def _object(via: dict[str, object]) -> Via | None:
    said = via.get("channel")
    if type(said) is int:
        said = _NUMBERS.get(said, f"via {said}")
    known = _text(said) if type(said) is str else None
    source = via.get("source")
    if type(source) is not dict:
        return known
    rel = source.get("rel")
    rel = rel if type(rel) is str and rel else None
    from_, to = source.get("from"), source.get("to")
    if not from_ and not to and rel is None:
        return known
    from_, to = _dict(from_), _dict(to)
    if known is None and rel is None and not from_:
        return None
    known = known or NOWHERE
    rule = known.rule or (rel is not None and _is_rule(rel.lower()))
    return Via(
        known.said,
        known.word,
        "rule" if rule else known.channel,
        rule,
        rel,
        identifier(from_.get("id")),
        identifier(to.get("ticket_id")),
        _tickets(from_),
    )


def _dict(value: object) -> dict[str, object]:
    return value if type(value) is dict else {}


def _tickets(source: dict[str, object]) -> tuple[str, ...]:
    if "ticket_id" not in source and "ticket_ids" not in source:
        return ()
    many = source.get("ticket_ids")
    given = [source.get("ticket_id"), *(many[:_MOST_TICKETS] if type(many) is list else ())]
    return tuple(dict.fromkeys(found for found in map(identifier, given) if found is not None))
