"""A small org in which each object is used and each thing that can happen happens once: for tests.

Everything lies in March 2026, but for one event of the year before, which is archived by then. Fields with a history
are `TRACKED`; who accepts a meeting sets `Event.Meeting_Accepted__c`.
"""

from __future__ import annotations

from tallystick.testing.instants import instant
from tallystick_salesforce.simulator.plan import DAY, Plan
from tallystick_salesforce.simulator.sample_cases import add_cases
from tallystick_salesforce.simulator.shapes import Custom, CustomObject

__all__ = ["END", "START", "TRACKED", "VENDOR_APP", "sample_plan"]

START = instant("2026-03-02T09:00:00Z")
"""When the first account of the sample is made."""

END = instant("2026-03-14T09:00:00Z")
"""When all of it has happened, and the recycle bin is still full."""

VENDOR_APP = "Meetbot Connector"
"""The application that the vendor's bot comes through."""

TRACKED = {
    "Opportunity": {"StageName", "OwnerId", "Amount"},
    "Lead": {"Status", "OwnerId"},
    "Account": {"Name", "OwnerId"},
    "Contact": {"Email", "AccountId"},
    "Case": {"Status", "OwnerId", "Priority", "Description"},
    "Event": {"Meeting_Accepted__c", "Subject", "OwnerId", "StartDateTime"},
    "Task": {"Status"},
}
"""Fields with a history."""

_HOUR = 3_600
_ACCOUNTS, _MEETINGS = 10, 20


def sample_plan() -> Plan:
    """Give the org; client credentials read it as `reader`."""
    plan = Plan(
        tracked={name: set(fields) for name, fields in TRACKED.items()},
        custom={
            "Event": (
                Custom("Meeting_Accepted__c", "boolean"),
                Custom("Meeting_Outcome__c", "picklist", values=("Held", "No Show", "Cancelled")),
            ),
            "Opportunity": (Custom("SAL_Date__c", "date"), Custom("Met_At__c", "reference", refers_to=("Event",))),
            "Case": (Custom("Resolved_By_AI__c", "boolean"), Custom("AI_Notes__c", "textarea")),
        },
        custom_objects=(
            CustomObject("Talkly__Call__c", "a0T", (Custom("Event__c", "reference", refers_to=("Event",)), _SECONDS)),
        ),
    )
    _people(plan)
    _companies(plan)
    _meetings(plan)
    _deals(plan)
    _leads(plan)
    _ends(plan)
    add_cases(plan, START)
    return plan


_SECONDS = Custom("Seconds__c", "double", "Talk time in seconds")


def _people(plan: Plan) -> None:
    early = START - 30 * DAY
    plan.user("admin", early, "Olga", "Admin", profile="System Administrator")
    plan.user("ae1", early, "Ada", "Berg", role="Account Executive", by="admin")
    plan.user("ae2", early, "Ben", "Claus", role="Account Executive", by="admin")
    plan.user("sdr", early, "Dora", "Ernst", role="SDR", by="admin", ManagerId="ae1")
    plan.user("agent", early, "Fay", "Grau", role="Support Agent", by="admin")
    plan.user("bot", early, "Meetbot", "Integration", role="SDR", by="admin")
    plan.user("flow", early, "Automated", "Process", by="admin", UserType="AutomatedProcess")
    plan.create(early, "Group", "queue", by="admin", Name="Support Queue", DeveloperName="Support", Type="Queue")
    plan.update(START + DAY, "sdr", by="admin", Title="Senior SDR")


def _companies(plan: Plan) -> None:
    for place in range(_ACCOUNTS):
        at = START + 60 * place
        owner = "ae1" if place % 2 else "ae2"
        plan.create(at, "Account", f"account{place}", by="admin", Name=f"Company {place}", OwnerId=owner)
        for person in range(2):
            plan.create(
                at + 10 + person,
                "Contact",
                f"contact{place}.{person}",
                by="admin",
                AccountId=f"account{place}",
                FirstName=("Ida", "Jan")[person],
                LastName=f"Kunde {place}",
                Email=f"person{person}@company{place}.example",
            )


def _meetings(plan: Plan) -> None:
    """Half an hour each, booked by the bot; of every second one a video call tells how long it really was."""
    for place in range(_MEETINGS):
        key, company, at = f"meeting{place}", place % _ACCOUNTS, START + 2 * _HOUR + 900 * place
        begin = START + 2 * DAY + _HOUR * place
        owner = "ae1" if company % 2 else "ae2"
        plan.create(
            at,
            "Event",
            key,
            by="bot",
            client=VENDOR_APP,
            invitees=(owner, f"contact{company}.0") if place < 5 else (),
            Subject=f"Introduction {place}",
            WhoId=f"contact{company}.0",
            WhatId=f"account{company}",
            OwnerId=owner,
            StartDateTime=begin,
            DurationInMinutes=30,
        )
        if place % 2 == 0:
            _video_call(plan, key, begin, 899 if place == 0 else 900 + 60 * place, owner)
        if place % 3 == 0:
            plan.update(begin + 2 * _HOUR, key, by=owner, Meeting_Accepted__c=True, Meeting_Outcome__c="Held")
    plan.update(START + DAY, "meeting0/ae2", by="ae2", Status="Accepted", RespondedDate=START + DAY)
    plan.update(START + DAY, "meeting1", by="sdr", StartDateTime=START + 3 * DAY, Description="Moved " * 60)
    plan.update(START + 4 * DAY, "meeting2", by="flow", system=True, ShowAs="Free")
    plan.create(
        START - 420 * DAY,
        "Event",
        "old meeting",
        by="admin",
        Subject="Long ago",
        StartDateTime=START - 410 * DAY,
        DurationInMinutes=30,
    )
    holiday = instant("2026-03-16T00:00:00Z")
    plan.create(START, "Event", "holiday", by="ae1", Subject="Fair", StartDateTime=holiday, EndDateTime=holiday + DAY,
                IsAllDayEvent=True)  # fmt: skip
    for place in range(6):
        _phone_call(plan, place)


def _video_call(plan: Plan, meeting: str, begin: int, seconds: int, host: str) -> None:
    key, at = f"{meeting} video", begin + seconds + 120
    plan.create(
        at,
        "VideoCall",
        key,
        by="flow",
        client="Video Provider",
        EventId=meeting,
        HostId=host,
        Name="Video call",
        VendorName="Zoom",
        ExternalId=f"zoom-{meeting}",
        StartDateTime=begin,
        EndDateTime=begin + seconds,
    )
    plan.create(at, "VideoCallParticipant", f"{key} guest", by="flow", VideoCallId=key, JoinDateTime=begin + 20,
                Email="person0@company0.example")  # fmt: skip
    plan.create(at, "Talkly__Call__c", f"{meeting} talk", by="flow", Name=meeting, Event__c=meeting, Seconds__c=seconds)


def _phone_call(plan: Plan, place: int) -> None:
    begin, key = START + 5 * DAY + _HOUR * place, f"call{place}"
    plan.create(begin, "Task", key, by="sdr", Subject="Call", WhoId=f"contact{place}.0", TaskSubtype="Call",
                CallType="Outbound", CallDurationInSeconds=300 + place)  # fmt: skip
    plan.update(begin + 400, key, by="sdr", Status="Completed", CallDisposition="Connected")
    plan.create(begin + 400, "VoiceCall", f"{key} voice", by="sdr", ActivityId=key, CallStartDateTime=begin,
                CallEndDateTime=begin + 300 + place, CallType="Outbound", UserId="sdr")  # fmt: skip


def _deals(plan: Plan) -> None:
    for place in range(12):
        at, company = START + 3 * DAY + 600 * place, place % _ACCOUNTS
        key = f"deal{place}"
        plan.create(
            at,
            "Opportunity",
            key,
            by="bot",
            client=VENDOR_APP,
            AccountId=f"account{company}",
            ContactId=f"contact{company}.0",
            Name=f"Company {company}: plan",
            StageName="Prospecting",
            CloseDate="2026-06-30",
            Amount=1_000 * (place + 1),
            LeadSource="AI SDR",
            # Two that somebody dated back.
            audit={"CreatedDate": at - 20 * DAY} if place in {3, 4} else None,
        )
        if place % 2 == 0:
            plan.create(at + 5, "OpportunityContactRole", f"{key} role", by="bot", OpportunityId=key, IsPrimary=True,
                        ContactId=f"contact{company}.0", Role="Decision Maker")  # fmt: skip
    plan.update(START + 6 * DAY, "deal0", by="ae2", StageName="Qualification", SAL_Date__c="2026-03-08")
    plan.update(START + 7 * DAY, "deal0", by="ae2", Amount=1_500.5, CloseDate="2026-07-31", Met_At__c="meeting0")
    plan.update(START + 8 * DAY, "deal0", by="ae2", StageName="Closed Won")
    plan.update(START + 6 * DAY, "deal1", by="sdr", StageName="Qualification", OwnerId="ae1")
    plan.update(START + 6 * DAY, "deal2", by="ae2", StageName="Closed Lost", late=600)


def _leads(plan: Plan) -> None:
    for place in range(8):
        plan.create(
            START + 4 * DAY + 60 * place,
            "Lead",
            f"lead{place}",
            by="bot",
            client=VENDOR_APP,
            FirstName="Lea",
            LastName=f"Licht {place}",
            Company=f"Prospect {place}",
            Email=f"lea@prospect{place}.example",
        )
    plan.update(START + 5 * DAY, "lead0", by="ae1", Status="Sales Accepted", OwnerId="ae1")
    plan.update(START + 6 * DAY, "lead0", by="ae1", IsConverted=True, Status="Qualified", ConvertedAccountId="account1",
                ConvertedContactId="contact1.0", ConvertedOpportunityId="deal1")  # fmt: skip


def _ends(plan: Plan) -> None:
    """What is deleted, brought back, merged and made to vanish."""
    plan.delete(START + 9 * DAY, "meeting19", by="sdr")
    plan.delete(START + 9 * DAY, "meeting4", by="bot", client=VENDOR_APP)
    plan.delete(START + 9 * DAY, "lead6", by="sdr")
    plan.undelete(START + 9 * DAY + 600, "lead6", by="admin")
    plan.hard_delete(START + 9 * DAY, "lead7", by="admin")
    plan.merge(START + 10 * DAY, "account8", "account9", by="admin", Name="Company 8 and 9")
    plan.delete(START - 20 * DAY, "old task", by="admin")
    plan.create(START - 21 * DAY, "Task", "old task", by="admin", Subject="Purged")
