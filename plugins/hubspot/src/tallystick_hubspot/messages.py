"""What was said and done in conversations becomes acts on a ticket, and the strangers in them become actors; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tallystick.connectors.says import classify, strip_html
from tallystick.records.model import Record
from tallystick_hubspot.acts import act
from tallystick_hubspot.objects import identifier, moment
from tallystick_hubspot.people import stranger
from tallystick_hubspot.threads import Said, ThreadEntry
from tallystick_hubspot.who import Party, Who, app, party, role_of

__all__ = ["thread_records"]

_PUBLIC: Mapping[str, bool] = {"MESSAGE": True, "WELCOME_MESSAGE": True, "COMMENT": False}
_CHANNELS: Mapping[str, str] = {"1000": "chat", "1001": "social", "1002": "email", "1003": "web", "1007": "messaging"}


def thread_records(ticket: str, found: Sequence[Said], emails: Mapping[str, str]) -> Iterator[Record]:
    """Yield the messages and assignments of a ticket's threads, and each stranger once.

    Changes of a thread's own state or inbox are no acts on the ticket.

    Args:
        ticket: The ticket's id.
        found: What stands in its threads.
        emails: Users by e-mail address in lower case.
    """
    seen: set[str] = set()
    for said in found:
        entry = said.entry
        kind = entry.type if type(entry.type) is str else ""
        if kind not in _PUBLIC and kind != "ASSIGNMENT":
            continue
        when = moment(entry.created_at)
        if when is None:
            raise msgspec.ValidationError("something in a conversation has no time")
        author = _author(entry)
        who = _who(entry, party(author, emails))
        part = f"{said.thread.id}.{entry.id}"
        if kind in _PUBLIC:
            yield _message(ticket, part, when, said, who)
        else:
            to, before = _given(entry.assigned_to, emails), _given(entry.assigned_from, emails)
            yield act(ticket, part, when, "assigned", who, raw=said.raw, value=to, previous=before, assignee=to)
            yield from _strangers([(to, entry.assigned_to)], when, seen)
        given = entry.client.integration_app_id if who.app is not None and entry.client is not None else author
        yield from _strangers([(who.actor, given)], when, seen)


def _message(ticket: str, part: str, when: int, said: Said, who: Who) -> Record:
    entry = said.entry
    if who.by == "system":
        # What the system itself says is an automatic reply.
        who = Who("rule")
    channel = _channel(said)
    if who.by == "rule":
        channel = "rule"
    elif entry.client is not None and app(entry.client.integration_app_id) is not None:
        channel = "api"
    elif _on_behalf(entry):
        channel = "on_behalf"
    return act(
        ticket,
        part,
        when,
        "message",
        who,
        raw=said.raw,
        channel=channel,
        public=_PUBLIC[entry.type],
        says=_says(entry),
    )


def _who(entry: ThreadEntry, author: Party) -> Who:
    """Give who did it; what came through an application is the application's, in whose name ever it wrote."""
    through = app(entry.client.integration_app_id) if entry.client is not None else None
    if author.by == "system" and through is None:
        return Who("system")
    if author.id is not None and author.id[:2] in {"V-", "E-"}:
        # A customer's own words stay the customer's, whichever channel delivers them.
        return Who("user", author.id)
    return Who("user", author.id, through)


def _author(entry: ThreadEntry) -> Any:
    """Give the prefixed id of the author: who sent a message, else who made the entry."""
    sent = [sender.actor_id for sender in entry.senders or () if sender.actor_id is not None]
    return sent[0] if sent else msgspec.json.decode(entry.created_by)


def _on_behalf(entry: ThreadEntry) -> bool:
    made = identifier(msgspec.json.decode(entry.created_by))
    return made is not None and identifier(_author(entry)) != made


def _given(actor: Any, emails: Mapping[str, str]) -> str | None:
    """Give to whom it was given; somebody who is not known has an id that no actor has."""
    text = identifier(actor)
    return None if text is None else party(text, emails).id or text


def _channel(said: Said) -> str | None:
    given = identifier(said.entry.channel_id) or identifier(said.thread.original_channel_id)
    return _CHANNELS.get(given or "")


def _says(entry: ThreadEntry) -> str | None:
    """Give what a message says; one that is cut, or has a file attached, says more than its words."""
    text = entry.text if type(entry.text) is str else None
    if text is None and type(entry.rich_text) is str:
        text = strip_html(entry.rich_text)
    says = classify(text)
    cut = type(entry.truncation_status) is str and entry.truncation_status != "NOT_TRUNCATED"
    more = bool(entry.attachments) or cut
    if says is None and more:
        return "other"
    return "other" if more and says in {"thanks", "greeting", "empty"} else says


def _strangers(parties: Sequence[tuple[str | None, Any]], when: int, seen: set[str]) -> Iterator[Record]:
    for actor, given in parties:
        known = actor is not None and (role_of(actor) is not None or actor.startswith("app:"))
        if actor is not None and known and actor not in seen:
            seen.add(actor)
            yield stranger(actor, when, msgspec.json.encode(given))
