"""The cases of the sample: resolved by the bot, handed to a person, reopened, merged; sessions, mail, comments."""

from __future__ import annotations

from tallystick_salesforce.simulator.plan import DAY, Plan

__all__ = ["add_cases"]

_CASES = 20
_APP = "Helpbot Connector"


def add_cases(plan: Plan, start: int) -> None:
    """Write the cases into a plan that has the people and contacts of the sample.

    Args:
        plan: The plan.
        start: Unix seconds of the first case.
    """
    plan.user("helpbot", start - 30 * DAY, "Helpbot", "Integration", role="Support Agent", by="admin")
    for place in range(_CASES):
        # Ten of them at one second, as a load makes them.
        at = start + (DAY if place >= 10 else 600 * place)
        plan.create(
            at,
            "Case",
            f"case{place}",
            by="helpbot",
            client=_APP,
            ContactId=f"contact{place % 8}.1",
            Subject=f"Printer {place}",
            Description="It blinks. " * 12,
            Origin="Chat",
            Priority="Medium",
        )
        _conversation(plan, f"case{place}", at, handed=place in {1, 2})
        if place % 2 == 0:
            plan.update(at + 1_800, f"case{place}", by="helpbot", client=_APP, Status="Closed", Resolved_By_AI__c=True)
    _handed_over(plan, start)
    plan.update(start + 2 * DAY, "case4", by="agent", Status="Working")
    plan.update(start + 2 * DAY, "case6", by="agent", Description="It blinks red. " * 12, AI_Notes__c="Rewritten")
    plan.merge(start + 3 * DAY, "case7", "case9", by="agent")
    plan.hard_delete(start + 3 * DAY, "case18", by="admin")
    plan.delete(start + 3 * DAY, "case17", by="agent")
    plan.create(start + 4 * DAY, "Case", "case child", by="agent", Subject="Once more", ParentId="case0")


def _conversation(plan: Plan, case: str, at: int, *, handed: bool) -> None:
    session = f"{case} session"
    plan.create(
        at,
        "MessagingSession",
        session,
        by="helpbot",
        client=_APP,
        CaseId=case,
        AgentType="BotToAgent" if handed else "Bot",
        Status="Ended",
        StartTime=at,
        AcceptTime=at + 300 if handed else None,
        EndTime=at + 900,
        EndedByType="Agent" if handed else "Bot",
        Origin="InboundInitiated",
        ChannelType="EmbeddedMessaging",
    )
    said = [("EndUser", "Text"), ("Bot", "Text"), *([("Bot", "BotEscalated"), ("Agent", "Text")] if handed else [])]
    for place, (actor, kind) in enumerate(said):
        plan.create(
            at + 10 * place,
            "ConversationEntry",
            f"{session} {place}",
            by="helpbot",
            client=_APP,
            ConversationId=session,
            ActorType=actor,
            ActorId={"Agent": "agent", "Bot": "helpbot"}.get(actor),
            ActorName=actor,
            EntryType=kind,
            EntryTime=at + 10 * place,
            Message="Hello",
        )


def _handed_over(plan: Plan, start: int) -> None:
    at = start + 600
    plan.update(at + 300, "case1", by="helpbot", client=_APP, OwnerId="queue", Status="Escalated", IsEscalated=True)
    plan.update(at + 600, "case1", by="agent", OwnerId="agent", Priority="High")
    plan.create(at + 900, "EmailMessage", "mail out", by="agent", ParentId="case1", Incoming=False, Status="3",
                Subject="Your printer", TextBody="I look into it.", MessageDate=at + 900,
                FromAddress="fay.grau@nordwind.example", ToAddress="person1@company1.example")  # fmt: skip
    plan.create(at + 1_200, "EmailMessage", "mail in", by="flow", ParentId="case1", Incoming=True, Status="0",
                Subject="Re: Your printer", TextBody="Thanks.", MessageDate=at + 1_200,
                FromAddress="person1@company1.example")  # fmt: skip
    plan.create(at + 1_500, "CaseComment", "comment", by="agent", ParentId="case1", CommentBody="Done.",
                IsPublished=True)  # fmt: skip
    plan.update(at + 1_800, "case1", by="agent", Status="Closed")
