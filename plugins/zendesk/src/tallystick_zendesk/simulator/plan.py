"""The plan: everything that happens in the simulated Zendesk account, before it is in Zendesk's form.

A plan is data: the people of the account, and the acts that change its tickets. One ``Act`` is one audit, and so one
row of the ticket events export; whatever happens in it happens at the same second. Acts may be given in any order; they
take effect in the order of their instants, and acts of one second in the order they are given. All instants are Unix
seconds, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ARCHIVED_AFTER", "SYSTEM", "Act", "Effect", "Opening", "Plan", "User"]

SYSTEM = -1
"""The author of what nobody did: automations and the account itself."""

ARCHIVED_AFTER = 120 * 86_400
"""Seconds after closing until a ticket is archived, unless the plan says otherwise."""


@dataclass(frozen=True, slots=True)
class User:
    """A person of the account.

    Attributes:
        id: Zendesk's number of the user.
        name: Display name.
        email: Address.
        role: ``end-user``, ``agent`` or ``admin``.
        created_at: Unix seconds.
        role_type: Zendesk's finer role, where the account has it.
        changes: What changes later: (at, {"role": "end-user"}), (at, {"active": False}), (at, {"name": "..."}).
            Each moves ``updated_at``.
    """

    id: int
    name: str
    email: str
    role: str
    created_at: int
    role_type: int | None = None
    changes: tuple[tuple[int, dict[str, object]], ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """A side effect of a trigger or an automation inside an audit: a child event with its own ``rule`` via.

    Attributes:
        rule: Number of the trigger or automation.
        rel: ``trigger`` or ``automation``.
        status: The status it sets.
        assignee: The user it assigns the ticket to.
        group: The group it puts the ticket in.
        add_tags: Tags it adds.
        remove_tags: Tags it takes away.
    """

    rule: int
    rel: str = "trigger"
    status: str | None = None
    assignee: int | None = None
    group: int | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """What a ticket is when it is made.

    Attributes:
        requester: The user who asks.
        channel: ``via.channel`` in Zendesk's words: email, web, native_messaging, chat, api, phone_call_inbound, ...
        subject: Subject line.
        submitter: The user who sent it in, when not the requester.
        group: Group at creation.
        assignee: Assignee at creation.
        tags: Tags at creation.
        status: Status at creation.
        ai_agent: True for an AI agent ticket (messaging), until it is escalated.
        follow_up_of: The closed ticket this one follows up.
        external_id: The account's own number of the ticket.
        cc: Users in copy.
        fields: Custom field values at creation, by field number.
    """

    requester: int
    channel: str = "email"
    subject: str = "Help"
    submitter: int | None = None
    group: int | None = None
    assignee: int | None = None
    tags: tuple[str, ...] = ()
    status: str = "new"
    ai_agent: bool = False
    follow_up_of: int | None = None
    external_id: str | None = None
    cc: tuple[int, ...] = ()
    fields: tuple[tuple[int, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """One audit: one row of the ticket events export.

    Attributes:
        at: Unix seconds.
        ticket: The ticket it changes.
        author: ``updater_id``; -1 for the system or an automation.
        via: Channel of the event and, unless said otherwise, of its comment.
        opening: Set when the act makes the ticket.
        comment: Text of a comment.
        public: Whether the comment is public.
        comment_author: Its author, when not ``author``.
        comment_via: Its via, when not the event's; may be a plain string, on purpose.
        voice: The comment is a ``VoiceComment``.
        chat_ended: The act ends a chat.
        status: New status.
        assignee: New assignee.
        group: New group.
        unassign: Takes the assignee away.
        add_tags: Tags it adds.
        remove_tags: Tags it takes away.
        fields: Other changes: ("priority", "high"), or ("360001", "yes") for a custom field by its number.
        rating: ``offered``, ``good`` or ``bad``: also a row of the satisfaction ratings.
        survey: 1 to 5: a submitted survey response.
        merge_into: The ticket this one is merged into; closes this one, and the other gets an event of its own.
        merge_tag: The tag a merge sets; None for none.
        redacts: Instant of the earlier comment of this ticket whose text is taken out; later reads show it scrubbed.
        privacy: Instant of the earlier comment whose privacy is flipped; later reads show the flipped ``public``.
        escalate: An AI agent ticket becomes an ordinary one.
        macro: Number of the macro that was applied.
        side_conversation: A side conversation is opened.
        spam: The ticket is marked as spam, and so deleted.
        delete: The ticket is deleted.
        undelete: The ticket is brought back.
        effects: What rules did in the same audit.
        odd: Raw extra child events, delivered as they are (undocumented types).
    """

    at: int
    ticket: int
    author: int
    via: str = "web"
    opening: Opening | None = None
    comment: str | None = None
    public: bool = True
    comment_author: int | None = None
    comment_via: object = None
    voice: bool = False
    chat_ended: bool = False
    status: str | None = None
    assignee: int | None = None
    group: int | None = None
    unassign: bool = False
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    fields: tuple[tuple[str, object], ...] = ()
    rating: str | None = None
    survey: int | None = None
    merge_into: int | None = None
    merge_tag: str | None = "closed_by_merge"
    redacts: int | None = None
    privacy: int | None = None
    escalate: bool = False
    macro: int | None = None
    side_conversation: bool = False
    spam: bool = False
    delete: bool = False
    undelete: bool = False
    effects: tuple[Effect, ...] = ()
    odd: tuple[dict[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole account.

    Attributes:
        users: Its people.
        acts: What happens to its tickets, in any order.
        me: The admin the reader signs in as.
        archived_after: Seconds from closing until a ticket is archived.
        account: Number of the account; what the simulator itself numbers differs between two accounts.
    """

    users: tuple[User, ...]
    acts: tuple[Act, ...]
    me: int
    archived_after: int = ARCHIVED_AFTER
    account: int = 0
