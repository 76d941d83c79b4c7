"""Salesforce in the conformance kit: one simulated org, steered, and what the connector is held to."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple

from tallystick.testing.kit import UNKNOWN_WORD, Capability, ConnectorKit, Lack, SteeredSystem, Tape
from tallystick_salesforce.connector import SalesforceConnector
from tallystick_salesforce.simulator import Deed, Paging, Plan, Simulator, create_app
from tallystick_salesforce.streams import LAG

__all__ = ["SalesforceKit"]

_DAY = 86_400
_YEAR = 365 * _DAY
_START = 1_772_442_000
"""2026-03-02T09:00:00Z; each further org begins a year later, so that ids, which follow from time, differ."""

_PAGE = 5
_DATA, _TOKEN = "/services/data/*", "/services/oauth2/token"
_FAULTS = {
    Capability.TOKEN_EXPIRY: "401",
    Capability.THROTTLING: "429",
    Capability.SERVER_ERROR: "500",
    Capability.MAINTENANCE_PAGE: "503_html",
    Capability.TRUNCATION: "truncated",
    Capability.RESET: "reset",
    Capability.CLOCK_SKEW: "clock_skew",
}


class _Kind(NamedTuple):
    """An object of Salesforce: what it is made of, what an edit changes, and fields that columns are read from."""

    name: str
    values: Mapping[str, Any]
    edited: Mapping[str, Any]
    field: str
    column: str
    word: str = ""
    word_column: str = ""


_KINDS = {
    "deal": _Kind(
        "Opportunity",
        {
            "AccountId": "acme",
            "Name": "Plan",
            "StageName": "Prospecting",
            "CloseDate": "2026-12-31",
            "Amount": 900,
            "LeadSource": "Web",
        },
        {"Amount": 1_200},
        "LeadSource",
        "lead_source",
        "StageName",
        "stage",
    ),
    # A status is a word of the org's own, of which Salesforce itself says whether it closes a case.
    "ticket": _Kind(
        "Case", {"ContactId": "ida", "Origin": "Web"}, {"Status": "Working"}, "Origin", "via", "Origin", "channel"
    ),
    "contact": _Kind(
        "Contact",
        {"AccountId": "acme", "LastName": "Kunde", "Email": "kunde@acme.example", "Title": "Buyer"},
        {"Email": "new@acme.example"},
        "Title",
        "title",
    ),
    "actor": _Kind(
        "User",
        {"FirstName": "Kim", "LastName": "Neu", "ProfileId": "profile:Standard User", "Alias": "kim"},
        {"Email": "other@nordwind.example"},
        "Email",
        "email",
        "UserType",
        "kind",
    ),
}


class _Org(SteeredSystem[Simulator]):
    """One org; what is made in it is a deed that no plan tells."""

    def __init__(self, number: int, app: Simulator, tape: Tape, origin: str) -> None:
        variable = f"SALESFORCE_SECRET_{number}"
        config = {
            "base_url": origin,
            "client_id": "3MVG9_of_the_kit",
            "client_secret": f"env:{variable}",
            "start": "2026-01-01",
        }
        super().__init__(app, tape, config, page_size=_PAGE, environment={variable: f"SecretOfTheKit{number}Zq8"})
        self._serial = itertools.count()
        self._keys: dict[str, str] = {}
        self._late = 0
        self._lost: str | None = None
        self._altered: tuple[str, str, Any] | None = None

    def create(self, record_type: str) -> str:
        """Make an opportunity, a case, a contact or a user."""
        kind, key = _KINDS[record_type], f"kit {next(self._serial)}"
        values = dict(kind.values)
        if record_type == "actor":
            values |= {"Username": f"{key.replace(' ', '.')}@nordwind.example", "Email": "kim@nordwind.example"}
        self._do("create", key, object=kind.name, fields=values, late=self._late)
        record = self.app.world.id(key)
        self._keys[record] = key
        if self._altered is not None and self._altered[0] == record_type:
            self.app.world.record(key)[self._altered[1]] = self._altered[2]
        return record

    def edit(self, record_type: str, record_id: str) -> str:
        """Change a field whose history is kept."""
        self._do("update", self._keys[record_id], fields=_KINDS[record_type].edited)
        return self.app.world.id("agent")

    def delete(self, record_type: str, record_id: str) -> None:  # noqa: ARG002 - the id says what it is
        """Put an object into the recycle bin."""
        self._do("delete", self._keys[record_id])

    def merge(self, record_type: str, kept: str, gone: str) -> None:  # noqa: ARG002 - the ids say what they are
        """Merge two contacts or cases."""
        self._do("merge", self._keys[kept], loser=self._keys[gone])

    def set_fault(self, fault: Capability, *, after: int = 0, times: int | None = 1, seconds: int = 0) -> None:
        """Let calls go wrong."""
        if fault is Capability.LAG:
            self._late = seconds
        elif fault is Capability.SIGN_IN:
            lines = {_DATA: "401", _TOKEN: "400_client"}
            self.app.faults.load([{"path": path, "kind": kind, "times": times} for path, kind in lines.items()])
        else:
            line = {"path": _DATA, "kind": _FAULTS[fault], "after": after, "times": times, "seconds": seconds}
            self.app.faults.load([line])

    def change_wire(self, change: Capability, record_type: str) -> str:
        """Take a field from the reader, or let the objects made from now on hold other values in one."""
        kind = _KINDS[record_type]
        if change is Capability.UNKNOWN_WORD:
            self._altered = (record_type, kind.word, UNKNOWN_WORD)
            return kind.word_column
        if change is Capability.LOST_FIELD:
            self._lost = f"{kind.name}.{kind.field}"
            self.app.schema.lose(self._lost)
        else:
            self._altered = (record_type, kind.field, {"value": 7})
        return kind.column

    def clear(self) -> None:
        """Let all go well again."""
        super().clear()
        self._late, self._altered = 0, None
        if self._lost is not None:
            self.app.schema.give_back(self._lost)
            self._lost = None

    def secrets(self) -> Collection[str]:
        """Give the secret, and the tokens given for it."""
        return {*self.environment.values(), *self.app.access.tokens}

    def _do(self, kind: str, key: str, **more: Any) -> None:
        self.app.world.perform(Deed(self.app.now, kind, key, "agent", **more))


class SalesforceKit(ConnectorKit):
    """The Salesforce connector: windows of objects, histories, and users read whole."""

    connector = SalesforceConnector
    creates = ("deal", "ticket", "contact", "actor")
    lacks: ClassVar[Mapping[Lack, str]] = {
        Capability.RETRY_AFTER: "Salesforce's refusals do not say how long to wait",
        Capability.GAINED_FIELD: "a query delivers the fields it asks for, and no others",
        (Capability.MERGES, "deal"): "opportunities cannot be merged",
        (Capability.MERGES, "actor"): "users cannot be merged",
        (Capability.DELETIONS, "actor"): "users cannot be deleted, only switched off",
        (Capability.PROVENANCE, "actor"): "there is no history of users that a query could read",
        (Capability.LOOKUP, "actor"): "no claim is about a user",
        (Capability.UNKNOWN_WORD, "contact"): "a contact has no field of fixed words",
    }
    calls_idle = 60
    calls_per_page = 3
    lag_seconds = LAG // 1_000_000

    @contextmanager
    def open(self, number: int) -> Iterator[_Org]:
        """Serve an org."""
        start = _START + (number - 1) * _YEAR
        app = create_app(number, plan=_plan(start), paging=Paging(page=_PAGE))
        tape = Tape(app)
        with tape.running() as origin:
            yield _Org(number, app, tape, origin)


def _plan(start: int) -> Plan:
    """Give an org with one of everything that is read."""
    plan = Plan(
        tracked={"Opportunity": {"Amount"}, "Case": {"Status"}, "Contact": {"Email"}, "Event": {"Subject"}},
    )
    plan.user("agent", start, "Fay", "Grau", role="Support Agent")
    plan.create(start, "Group", "queue", by="agent", Name="Queue", DeveloperName="Queue", Type="Queue")
    at = start + _DAY
    plan.create(at, "Account", "acme", by="agent", Name="Acme")
    plan.create(at, "Contact", "ida", by="agent", AccountId="acme", LastName="Ida", Email="ida@acme.example")
    plan.create(at, "Lead", "lea", by="agent", LastName="Lea", Company="Licht", Email="lea@licht.example")
    plan.create(at, "Event", "demo", by="agent", invitees=("ida",), Subject="Demo", WhoId="ida",
                StartDateTime=at + _DAY, DurationInMinutes=30)  # fmt: skip
    plan.update(at + 60, "demo", by="agent", Subject="Demo, again")
    plan.create(at, "Task", "call", by="agent", Subject="Call", TaskSubtype="Call", CallDurationInSeconds=300)
    plan.create(at, "VideoCall", "video", by="agent", EventId="demo", HostId="agent", Name="Call", StartDateTime=at,
                EndDateTime=at + 900)  # fmt: skip
    plan.create(at, "VideoCallParticipant", "guest", by="agent", VideoCallId="video", Email="ida@acme.example")
    plan.create(at, "VoiceCall", "voice", by="agent", ActivityId="call", CallStartDateTime=at, CallType="Outbound",
                CallEndDateTime=at + 300, UserId="agent")  # fmt: skip
    plan.create(at, "Opportunity", "deal", by="agent", **_KINDS["deal"].values)
    plan.create(at, "OpportunityContactRole", "role", by="agent", OpportunityId="deal", ContactId="ida", IsPrimary=True)
    plan.update(at + 60, "deal", by="agent", StageName="Qualification", Amount=950)
    plan.create(at, "Case", "case", by="agent", **_KINDS["ticket"].values)
    plan.create(at, "MessagingSession", "session", by="agent", CaseId="case", AgentType="Bot", Status="Ended",
                StartTime=at, EndTime=at + 60, Origin="InboundInitiated", ChannelType="EmbeddedMessaging")  # fmt: skip
    plan.create(at, "ConversationEntry", "said", by="agent", ConversationId="session", ActorType="Bot", EntryTime=at,
                ActorName="Bot", EntryType="Text", Message="Hello")  # fmt: skip
    plan.create(at, "EmailMessage", "mail", by="agent", ParentId="case", Incoming=False, Status="3", Subject="Hello",
                TextBody="Hello.", MessageDate=at, FromAddress="fay@nordwind.example")  # fmt: skip
    plan.create(at, "CaseComment", "note", by="agent", ParentId="case", CommentBody="Done.", IsPublished=True)
    plan.update(at + 60, "case", by="agent", Status="Closed")
    return plan
