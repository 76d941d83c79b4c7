"""What an act does to its ticket, and the children it leaves in the event."""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.testing.instants import iso
from tallystick_zendesk.simulator.draft import Draft, Obj
from tallystick_zendesk.simulator.metrics import Metrics
from tallystick_zendesk.simulator.people import Person
from tallystick_zendesk.simulator.plan import Act, Effect, Opening
from tallystick_zendesk.simulator.tickets import Ticket
from tallystick_zendesk.simulator.vias import via

__all__ = ["Deed", "Ratings", "opened"]

_REDACTED = "\u2588" * 12
_RATINGS_FROM = 5_000_000_000_000


class Ratings:
    """The rows of the satisfaction ratings, in the order in which they were made, numbered from `first` on."""

    def __init__(self, first: int = 0) -> None:
        self.rows: list[Obj] = []
        self._first = _RATINGS_FROM + first

    def rate(self, ticket: Ticket, at: int, score: str, comment: str | None) -> None:
        """Offer a rating or give one; what was offered becomes what is given."""
        if ticket.rating is None:
            key = self._first + len(self.rows)
            ticket.rating = {
                "url": f"https://nordwind.zendesk.com/api/v2/satisfaction_ratings/{key}.json",
                "id": key,
                "assignee_id": ticket.assignee,
                "group_id": ticket.group,
                "requester_id": ticket.opening.requester,
                "ticket_id": ticket.id,
                "score": score,
                "created_at": iso(at),
                "updated_at": iso(at),
                "comment": None,
            }
            self.rows.append(ticket.rating)
        ticket.rating |= {"score": score, "updated_at": iso(at), "assignee_id": ticket.assignee}
        if comment is not None and score != "offered":
            ticket.rating["comment"] = comment


def opened(act: Act, opening: Opening) -> Ticket:
    """Make the ticket of an act, before anything else in the act has happened."""
    return Ticket(
        act.ticket,
        opening,
        act.at,
        Metrics(act.ticket, act.at),
        opening.status,
        opening.ai_agent,
        assignee=opening.assignee,
        group=opening.group,
        tags=sorted(set(opening.tags)),
        custom=dict(opening.fields),
    )


class Deed:
    """Carries out one act on one ticket, child by child.

    Args:
        draft: Takes the children.
        ticket: The ticket.
        people: Users by id.
        ratings: Where ratings go.
    """

    def __init__(self, draft: Draft, ticket: Ticket, people: Mapping[int, Person], ratings: Ratings) -> None:
        self._draft = draft
        self._act = draft.act
        self._ticket = ticket
        self._people = people
        self._ratings = ratings

    def run(self) -> None:
        """Do all that the act says: its comment first, then changes, then what rules did."""
        act = self._act
        if act.opening is not None:
            self._ticket.metrics.opened()
        self._speak()
        if act.opening is not None:
            self._open(act.opening)
        self._change(status=act.status, assignee=act.assignee, group=act.group, add=act.add_tags, drop=act.remove_tags)
        if act.unassign and self._ticket.assignee is not None:
            self._draft.change("assignee_id", None, self._ticket.assignee)
            self._ticket.assignee = None
        for name, value in act.fields:
            self._field(name, value)
        self._opinions()
        self._history()
        self._marks()
        if act.merge_into is not None:
            tags = () if act.merge_tag is None else (act.merge_tag,)
            self._change(status="closed", add=tags)
        self._leave()
        for effect in act.effects:
            self._change(
                status=effect.status,
                assignee=effect.assignee,
                group=effect.group,
                add=effect.add_tags,
                drop=effect.remove_tags,
                by=effect,
            )
        for raw in act.odd:
            self._draft.children.append(dict(raw))

    def absorb(self, source: int) -> None:
        """Do the other half of a merge: the comment on the ticket that another went into."""
        text = f"Request #{source} was closed and merged into this request."
        self._say(text, self._act.author, via("merge", source={"ticket_id": source}, rel="merge"), public=False)

    def _speak(self) -> None:
        act = self._act
        author = act.author if act.comment_author is None else act.comment_author
        if act.merge_into is not None:
            text = act.comment or f"This request was closed and merged into request #{act.merge_into}."
            self._say(text, author, via("merge", to={"ticket_id": act.merge_into}, rel="merge"), public=False)
        elif act.comment is not None:
            self._say(act.comment, author, act.comment_via, public=act.public, voice=act.voice)
        if act.chat_ended:
            visitor = str(self._ticket.opening.requester)
            value = {"chat_id": f"{act.at}.{act.ticket}", "visitor_id": visitor}
            self._draft.add("ChatEnded", type="ChatEnded", author_id=author, value=value)

    def _say(self, text: str, author: int, came_by: object, *, public: bool, voice: bool = False) -> None:
        child = self._draft.comment(text, author=author, public=public, came_by=came_by, voice=voice)
        self._ticket.comments.append(child)
        person = self._people.get(author)
        requester = author == self._ticket.opening.requester
        self._ticket.metrics.comment(
            self._act.at, public=public, staff=bool(person and person.staff), requester=requester
        )

    def _open(self, opening: Opening) -> None:
        draft, ticket = self._draft, self._ticket
        draft.create("subject", opening.subject)
        draft.create("requester_id", opening.requester)
        draft.create("status", opening.status)
        draft.create("priority", None)
        draft.create("type", None)
        draft.create("is_public", bool(self._act.public))
        if opening.group is not None:
            draft.create("group_id", opening.group)
            ticket.metrics.groups += 1
        if opening.assignee is not None:
            draft.create("assignee_id", opening.assignee)
            ticket.metrics.assigned(self._act.at)
        if ticket.tags:
            draft.create("tags", list(ticket.tags))
        for key, value in opening.fields:
            draft.create("custom_ticket_fields", {str(key): value})
        if opening.status in {"solved", "closed"}:
            ticket.metrics.status(self._act.at, "solved", "new")
        if opening.status == "closed":
            ticket.closed_at = self._act.at

    def _change(
        self,
        *,
        status: str | None = None,
        assignee: int | None = None,
        group: int | None = None,
        add: tuple[str, ...] = (),
        drop: tuple[str, ...] = (),
        by: Effect | None = None,
    ) -> None:
        ticket, draft = self._ticket, self._draft
        if group is not None and group != ticket.group:
            draft.change("group_id", group, ticket.group, by)
            ticket.group = group
            ticket.metrics.groups += 1
        if assignee is not None and assignee != ticket.assignee:
            draft.change("assignee_id", assignee, ticket.assignee, by)
            ticket.assignee = assignee
            ticket.metrics.assigned(self._act.at)
        tags = sorted({*ticket.tags, *add} - set(drop))
        draft.tags(tags, ticket.tags, by)
        ticket.tags = tags
        if status is not None and status != ticket.status:
            self._status(status, by)

    def _status(self, new: str, by: Effect | None = None) -> None:
        ticket = self._ticket
        self._draft.change("status", new, ticket.status, by)
        if new == "deleted":
            ticket.before_delete = ticket.status
        elif ticket.status != "deleted":
            ticket.metrics.status(self._act.at, new, ticket.status)
        ticket.closed_at = self._act.at if new == "closed" else ticket.closed_at if new == "deleted" else None
        ticket.status = new

    def _field(self, name: str, value: object) -> None:
        ticket = self._ticket
        if name.isdigit():
            old = ticket.custom.get(int(name))
            ticket.custom[int(name)] = value
            self._draft.change("custom_ticket_fields", {name: value}, old)
            return
        old = ticket.plain.get(name, ticket.opening.subject if name == "subject" else None)
        ticket.plain[name] = value
        self._draft.change(name, value, old)

    def _opinions(self) -> None:
        act, ticket = self._act, self._ticket
        if act.rating is not None:
            old = ticket.rating["score"] if ticket.rating else "unoffered"
            self._ratings.rate(ticket, act.at, act.rating, act.comment)
            self._draft.change("satisfaction_score", act.rating, old)
        if act.survey is not None:
            answer: Obj = {"survey_response_id": f"response-{self._draft.event_id}", "rating": act.survey}
            self._draft.add("SurveyResponseSubmitted", **answer, rating_scale=5, assignee_id=ticket.assignee)

    def _history(self) -> None:
        """Change what an earlier event shows from now on."""
        act = self._act
        if act.redacts is not None:
            comment = self._earlier(act.redacts)
            comment |= {"body": _REDACTED, "html_body": _REDACTED, "plain_body": _REDACTED}
            self._draft.add("CommentRedactionEvent", comment_id=comment["id"])
        if act.privacy is not None:
            comment = self._earlier(act.privacy)
            comment["public"] = not comment["public"]
            self._draft.add("CommentPrivacyChange", comment_id=comment["id"], public=comment["public"])

    def _earlier(self, at: int) -> Obj:
        for event in reversed(self._ticket.events):
            for child in event.children:
                if event.at == at and child.get("type") in {"Comment", "VoiceComment"}:
                    event.forget()
                    return child
        raise ValueError(f"ticket {self._ticket.id} has no comment of {iso(at)}")

    def _marks(self) -> None:
        act, draft = self._act, self._draft
        if act.macro is not None:
            draft.add(
                "AgentMacroReference", macro_id=str(act.macro), macro_title=f"Macro {act.macro}", macro_deleted=False
            )
        if act.side_conversation:
            thread = f"thread-{draft.event_id}"
            draft.add("CollaborationThreadCreated", thread_id=thread, subject=self._ticket.opening.subject)
        if act.escalate:
            self._ticket.ai_agent = False

    def _leave(self) -> None:
        act = self._act
        if act.spam:
            self._draft.change("mark_as_spam", new=True, old=False)
            requester = self._people.get(self._ticket.opening.requester)
            if requester is not None and not requester.staff:
                requester.change(act.at, {"suspended": True})
        if (act.spam or act.delete) and self._ticket.status != "deleted":
            self._status("deleted")
        if act.undelete and self._ticket.status == "deleted":
            self._status(self._ticket.before_delete)
