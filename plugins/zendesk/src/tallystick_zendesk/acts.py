"""What happened to tickets, act by act: events of the export become `ticket_event` and `change` records; pure.

An event holds everything that happened in one go, in children. Who did a child's part is read from the child's own
`via` first, then from the event's: what a trigger did stands in the same event as what the person did who set it off.
A child of a kind we do not know is left out, and no child is ever an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from tallystick.connectors.says import classify
from tallystick.records.model import Record, Value
from tallystick_zendesk.fields import FIELDS, Fields, changed_fields, children_of, told_by_acts
from tallystick_zendesk.objects import Child, identifier
from tallystick_zendesk.parts import (
    SYSTEM,
    UNKNOWN,
    Head,
    Part,
    body,
    boolean,
    chat_agents,
    grade,
    lower,
    moved_tags,
    read_event,
    stars,
    words,
)
from tallystick_zendesk.via import NOWHERE, Via

__all__ = ["ActReader"]

UNSET = msgspec.UNSET
_OPEN = frozenset({"new", "open", "pending", "hold"})
_JOINED = frozenset({"comment", "voicecomment", "tpevoicecomment", "chatended"})
_SPOKEN = frozenset({"comment", "voicecomment", "tpevoicecomment", "facebookcomment", "tweet", "chatended"})


class _Act(msgspec.Struct, frozen=True, gc=False):
    """One act of a child; what is None is not said."""

    kind: str
    value: str | None = None
    previous: str | None = None
    public: bool | None = None
    says: str | None = None
    assignee: str | None = None
    group: str | None = None
    other: str | None = None
    score: int | None = None


class _Who(msgspec.Struct, frozen=True, gc=False):
    """Who did it: `by` is user, rule or system; the person; the rule; through what."""

    by: str
    actor: str | None
    rule: str | None
    channel: str | None


class ActReader:
    """Turns events into records.

    Args:
        merge_tags: Tags that Zendesk puts on a ticket that was merged into another.
    """

    def __init__(self, merge_tags: Iterable[str] = ()) -> None:
        self._merge_tags = frozenset(merge_tags)

    def records(self, raw: bytes) -> list[Record]:
        """Give the records of one event of the export.

        Args:
            raw: Its JSON exactly as delivered.

        Raises:
            msgspec.DecodeError: It is not JSON, or (`ValidationError`) not in the shape of an event.
        """
        return self.read(*read_event(raw))

    def read(self, head: Head, parts: Sequence[Part]) -> list[Record]:
        """Give the records of an event that was taken apart already.

        Args:
            head: What its parts share.
            parts: Its children, in their order.
        """
        return _Reading(head, parts, self._merge_tags).records()


class _Reading:
    """One event being read; `found` are its records."""

    __slots__ = ("_found", "_head", "_merge_tags", "_merged", "_parts", "_raws")

    def __init__(self, head: Head, parts: Sequence[Part], merge_tags: frozenset[str]) -> None:
        self._head = head
        self._merge_tags = merge_tags
        self._found: list[Record] = []
        self._parts = parts
        self._merged = False
        self._raws: Sequence[msgspec.Raw] | None = None

    def records(self) -> list[Record]:
        """Give the records: the creation first, then child by child."""
        made = [part for part in self._parts if part.kind == "create"]
        if made:
            self._created(made)
        for part in self._parts:
            read = _READERS.get(part.kind)
            acts = read(self, part) if read is not None else []
            if part.child.mark_as_spam is not UNSET and part.child.mark_as_spam and part.kind != "markasspam":
                acts.append(_Act("spam"))
            if acts:
                self._add(part, acts)
            if part.kind in _JOINED:
                self._joined(part)
            elif part.kind in {"change", "create"} and not told_by_acts(part.child):
                self._changes(part)
        return self._found

    def _add(self, part: Part, acts: Sequence[_Act]) -> None:
        author = part.child.author_id if part.kind in _SPOKEN else None
        if part.kind == "chatended" and author is None:
            author = part.child.actor_id
        who = self._who(part, author)
        key = f"{self._head.id}.{part.place:02d}"
        tags = 0
        for place, act in enumerate(acts):
            if act.kind in {"tagged", "untagged"}:
                # By its place among the tags alone: an id must not depend on the configuration.
                self._put(key + _suffix(tags), act, who)
                tags += 1
            elif act.kind == "merged" and act.other is None:
                self._put(f"{key}.mg", act, who)
            else:
                self._put(key if place == 0 else f"{key}.{place:02d}", act, who)

    def _joined(self, part: Part) -> None:
        """Add who else spoke: a call is its caller's, and a chat is told by whoever ended it."""
        child, key = part.child, f"{self._head.id}.{part.place:02d}"
        if part.kind == "chatended":
            for agent in chat_agents(child):
                self._put(f"{key}.chat.{agent}", _Act("call", public=True), _Who("user", agent or None, None, "chat"))
            return
        answered = identifier(child.data.get("answered_by_id")) if type(child.data) is dict else None
        if answered is not None:
            self._put(f"{key}.answered", _Act("call", public=True), _Who("user", answered, None, "voice"))

    def _put(self, key: str, act: _Act, who: _Who) -> None:
        head = self._head
        values: tuple[Value, ...] = (
            head.at,
            head.ticket_id,
            act.kind,
            who.actor,
            who.by,
            who.rule,
            who.channel,
            act.public,
            act.says,
            act.value,
            act.previous,
            act.assignee,
            act.group,
            act.other,
            act.score,
        )
        self._found.append(Record("ticket_event", key, head.at, values, head.raw))

    def _who(self, part: Part, author: object = None) -> _Who:
        """Give who did a child's part: user, rule or system; the person; the rule; the channel."""
        via = part.via or self._head.via or NOWHERE
        if via.rule:
            rule = identifier(part.child.via_reference_id) or via.origin
            return _Who("rule", None, rule or (None if part.via else self._head.rule_id), "rule")
        # What came through an API may have been written by anybody who has access to it.
        channel = "api" if via.word is not None and via.word.endswith("_api") else via.channel
        updater = self._head.updater
        if author is None:
            return _person(updater, channel)
        who = identifier(author)
        if who is None:
            # An author that cannot be read is somebody, and never the one whose update it was.
            return _Who("user", None, None, channel)
        if updater not in {None, SYSTEM, who}:
            channel = "on_behalf"
        return _person(who, channel)

    def _created(self, made: Sequence[Part]) -> None:
        """Add the creation as one act, and another one if the ticket was solved at once."""
        status = next((part for part in made if part.child.status is not UNSET), None)
        word = None if status is None else lower(status.child.status)
        groups = (identifier(part.child.group_id) for part in made if part.child.group_id is not UNSET)
        assignees = (identifier(part.child.assignee_id) for part in made if part.child.assignee_id is not UNSET)
        via = self._head.via or NOWHERE
        parent = next(iter(via.out_of), None) if via.rel == "follow_up" else None
        act = _Act("created", value=word, group=next(groups, None), assignee=next(assignees, None), other=parent)
        # Who opened it is told by the event; a trigger may have added a field at once.
        head = self._head
        first = made[0] if head.via is None else msgspec.structs.replace(made[0], via=None)
        self._put(f"{head.id}.cr", act, self._who(first))
        if status is not None and word == "solved":
            self._put(f"{head.id}.cs", _Act("solved", value=word), self._who(status))

    def _create(self, part: Part) -> list[_Act]:
        if part.child.tags is UNSET:
            return []
        tags = sorted(words(part.child.tags))
        return [_Act("tagged", value=tag) for tag in tags] + self._merged_by_tag(tags)

    def _change(self, part: Part) -> list[_Act]:
        child = part.child
        acts: list[_Act] = []
        old = child.previous_value
        if child.status is not UNSET:
            acts += self._status(part)
        if child.assignee_id is not UNSET:
            new = identifier(child.assignee_id)
            acts.append(_Act("assigned", value=new, previous=identifier(old), assignee=new))
        if child.group_id is not UNSET:
            new = identifier(child.group_id)
            acts.append(_Act("grouped", value=new, previous=identifier(old), group=new))
        if child.tags is not UNSET or child.added_tags is not None or child.removed_tags is not None:
            acts += self._tags(child)
        score = grade(child.satisfaction_score)
        if score is not None:
            acts.append(_Act("rated", value=child.satisfaction_score, previous=lower(old), score=score))
        return acts

    def _status(self, part: Part) -> list[_Act]:
        new, old = lower(part.child.status), lower(part.child.previous_value)
        kind = _turn(new, old)
        says = _reply(self._head, self._parts) if kind == "reopened" else None
        acts = [_Act(kind, value=new, previous=old, says=says)]
        via = (part.via or self._head.via or NOWHERE) if kind == "deleted" else NOWHERE
        if via.word is not None and "spam" in via.word:
            acts.append(_Act("spam"))
        return acts

    def _tags(self, child: Child) -> list[_Act]:
        added, removed = moved_tags(child)
        tagged = [_Act("tagged", value=tag) for tag in sorted(added)]
        return tagged + [_Act("untagged", value=tag) for tag in sorted(removed)] + self._merged_by_tag(added)

    def _merged_by_tag(self, added: Iterable[str]) -> list[_Act]:
        """Give the merge that a tag tells of; where the comment tells of it too, that one says more."""
        if not self._merge_tags.intersection(added) or self._merged or not self._closes():
            return []
        told = [act for part in self._parts if part.kind == "comment" for act in self._merge(part)]
        if any(act.kind == "merged" for act in told):
            return []
        self._merged = True
        return [_Act("merged")]

    def _closes(self) -> bool:
        """Tell whether the event closes the ticket: the tag alone, set by hand, merges nothing."""
        return any(part.kind == "change" and lower(part.child.status) == "closed" for part in self._parts)

    def _merge(self, part: Part) -> list[_Act]:
        """Give what a comment left by a merge tells: into which ticket this one went, or which came into it."""
        via, own = part.via or NOWHERE, self._head.ticket_id
        if not _is_merge(via):
            return []
        if via.into is not None and via.into != own:
            return [_Act("merged", other=via.into)]
        return [_Act("absorbed", other=other) for other in via.out_of if other != own]

    def _comment(self, part: Part) -> list[_Act]:
        child = part.child
        via = part.via or self._head.via or NOWHERE
        # Where it is not told what was merged, the text is all there is, and a person may have written it.
        if _is_merge(via) and (merged := self._merge(part)):
            return merged
        public = child.public if type(child.public) is bool else boolean(child.comment_public)
        if via.channel == "side_conversation" and public is not True:
            return [_Act("side_conversation")]
        if via.channel == "voice":
            return [_Act("call", public=public)]
        return [_Act("message", public=public, says=_says(part))]

    def _changes(self, part: Part) -> None:
        """Add a change for each field that no act carries."""
        changed = changed_fields(part.child, self._fields_of(part), custom_only=part.kind == "create")
        if not changed:
            return
        head = self._head
        actor = self._who(part).actor
        for place, (field, old, new) in enumerate(changed):
            key = f"{head.id}.{part.place:02d}{_suffix(place) if len(changed) > 1 else ''}"
            values: tuple[Value, ...] = (
                *(head.at, "ticket", head.ticket_id, "Change", field, old, new),
                *(actor, None, None),
            )
            self._found.append(Record("change", key, head.at, values, head.raw))

    def _fields_of(self, part: Part) -> Fields:
        """Give all fields of a child; they are looked for only where no act carries what changed."""
        if part.raw is not None:
            return FIELDS.decode(part.raw)
        if self._raws is None:
            self._raws = children_of(self._head.raw)
        return FIELDS.decode(self._raws[part.place])


def _call(_: _Reading, part: Part) -> list[_Act]:
    return [_Act("call", public=boolean(part.child.public))]


def _social(_: _Reading, part: Part) -> list[_Act]:
    return [_Act("message", public=boolean(part.child.public), says=_says(part))]


def _rated(_: _Reading, part: Part) -> list[_Act]:
    score = grade(part.child.score)
    return [] if score is None else [_Act("rated", value=part.child.score, score=score)]


def _surveyed(_: _Reading, part: Part) -> list[_Act]:
    score = stars(part.child)
    return [] if score is None else [_Act("rated", value=str(score), score=score)]


def _redacted(_: _Reading, part: Part) -> list[_Act]:
    return [_Act("redacted", value=identifier(part.child.comment_id))]


def _privacy(_: _Reading, part: Part) -> list[_Act]:
    public = boolean(part.child.public)
    return [_Act("privacy", value=None if public is None else "public" if public else "private")]


def _macro(_: _Reading, part: Part) -> list[_Act]:
    return [_Act("macro", value=identifier(part.child.macro_id))]


def _plain(kind: str) -> Callable[[_Reading, Part], list[_Act]]:
    return lambda _, __: [_Act(kind)]


_READERS: dict[str, Callable[[_Reading, Part], list[_Act]]] = {
    "agentmacroreference": _macro,
    "attachmentredactionevent": _redacted,
    "change": _Reading._change,  # noqa: SLF001 - the table of the class above
    "chatended": _call,
    "collaborationthreadcreated": _plain("side_conversation"),
    "comment": _Reading._comment,  # noqa: SLF001
    "commentprivacychange": _privacy,
    "commentredactionevent": _redacted,
    "create": _Reading._create,  # noqa: SLF001
    "markasspam": _plain("spam"),
    "satisfactionrating": _rated,
    "surveyresponsesubmitted": _surveyed,
    "facebookcomment": _social,
    "ticketsharingevent": _plain("shared"),
    "tpevoicecomment": _call,
    "tweet": _social,
    "voicecomment": _call,
}


def _person(actor: str | None, channel: str | None) -> _Who:
    if actor is None or actor == SYSTEM:
        return _Who("system", None, None, channel)
    return _Who("user", None if actor == UNKNOWN else actor, None, channel)


def _turn(new: str | None, old: str | None) -> str:
    """Give what a change of status means."""
    if new == old:
        return "status"
    if new == "deleted":
        return "deleted"
    if old == "deleted":
        return "undeleted"
    if new in {"closed", "solved"}:
        return new
    return "reopened" if old == "solved" and new in _OPEN else "status"


def _reply(head: Head, parts: Sequence[Part]) -> str | None:
    """Give what the public comment says that the person wrote whose update the event is; None if there is none.

    The event does not tell who is a customer; the role of the actor, which the act carries, does.
    """
    if head.updater is None or head.updater == SYSTEM:
        return None
    said = [
        _says(part)
        for part in parts
        if part.kind == "comment" and part.child.public is True and identifier(part.child.author_id) == head.updater
        if not (part.via or head.via or NOWHERE).rule
    ]
    # Thanks together with something else is something else.
    return next((word for word in said if word != "thanks"), said[0] if said else None)


def _says(part: Part) -> str | None:
    """Give what a comment says; one with a file attached says more than its words."""
    says = classify(body(part.child))
    return "other" if part.child.attachments and says in {"thanks", "greeting"} else says


def _is_merge(via: Via) -> bool:
    return via.channel == "merge" or via.rel == "merge"


def _suffix(place: int) -> str:
    """Give what tells acts of one child apart: .a to .y, .za, ... in order as text."""
    return "." + "z" * (place // 25) + chr(ord("a") + place % 25)
