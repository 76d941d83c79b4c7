"""The story of a ticket: act by act, who did it, where windows end, and which clause an act made false."""

import duckdb
import pyarrow as pa
import pytest

from tallystick.contracts import load_contract
from tallystick.outcomes import Inputs
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED
from tallystick.period import format_instant, parse_instant
from tallystick.records.types import COMMON, RECORD_TYPES
from tallystick.verification.trace import trace
from tallystick.verification.verdict import Verdict

HOUR = 3_600_000_000
DAY = 24 * HOUR
START = parse_instant("2026-06-10T08:00:00Z")
BOT, PERSON, CUSTOMER = "900", "501", "700"
CONTRACT = """\
contract: desk
version: 1
buyer: Acme
vendor: {name: Fixly, identities: {desk: ["900"], other: ["501"]}}
timezone: Europe/Berlin
currency: EUR
term: {start: 2026-01-01}
outcomes:
  resolved:
    source: desk
    uses: ticket-resolved
    with: {handoff_voids: [requested, public_reply]}
    price: {per_unit: 1}
  created:
    source: desk
    record: actor
    clauses: {known: "active"}
    price: {per_unit: 1}
"""
ARROW = {
    "text": pa.string(),
    "integer": pa.int64(),
    "money": pa.decimal128(18, 4),
    "rate": pa.decimal128(38, 12),
    "boolean": pa.bool_(),
    "instant": pa.int64(),
}


class _Desk:
    """A help desk with one ticket, its users, and acts as a test adds them."""

    def __init__(self, folder, database):
        self.folder = folder
        self.database = database
        self.rows = {kind: [] for kind in RECORD_TYPES}
        self.user(BOT, "Fixly Bot", "agent")
        self.user(PERSON, "Ann", "agent")
        self.user(CUSTOMER, "Cleo", "end-user")
        ticket = {"created_at": START, "updated_at": START, "status": "closed", "channel": "email"}
        self.rows["ticket"].append({"id": "t1", "requester_id": CUSTOMER, "reopens_reported": 0, **ticket})

    def user(self, name, called, role, since=0):
        """Say what a user is called and which role it has from an instant on."""
        version = 1 + sum(row["id"] == name for row in self.rows["actor"])
        known = {"id": name, "version": version, "as_of": since, "created_at": 0, "active": True}
        self.rows["actor"].append({**known, "name": called, "role": role})

    def act(self, kind, hours, actor=None, **columns):
        """Add an act on the ticket, so many hours after it was opened."""
        number = len(self.rows["ticket_event"])
        known = {"id": f"{number:04}", "ticket_id": "t1", "by": "user" if actor else "system"}
        at = START + round(hours * HOUR)
        self.rows["ticket_event"].append({**known, "at": at, "kind": kind, "actor_id": actor, **columns})

    def say(self, hours, actor, says="other", **columns):
        """Add a message that the customer sees."""
        self.act("message", hours, actor, **{"public": True, "says": says, **columns})

    def trace(self, outcome="resolved", record_id="t1", contract=CONTRACT):
        """Retell a verdict on the ticket, with everything read."""
        for kind, declared in RECORD_TYPES.items():
            columns = {column.name: ARROW[column.kind] for column in (*COMMON, *declared.columns)}
            common = {"source": "desk", "version": 1, "seq": 1, "as_of": START, "deleted": False, "raw_sha256": "00"}
            rows = [{**common, **row} for row in self.rows[kind]]
            newest = {row["id"]: row for row in rows}.values()
            for name, held in ((kind, newest), (f"{kind}_all", rows)):
                table = pa.table({key: pa.array([row.get(key) for row in held], of) for key, of in columns.items()})
                self.database.register(name, table)
        path = self.folder / "desk.yaml"
        path.write_text(contract)
        agreed = load_contract(path, templates={"ticket-resolved": TICKET_RESOLVED}, custom={"desk": {}, "other": {}})
        verdict = Verdict(
            contract="desk",
            contract_version=1,
            contract_sha256=agreed.sha256,
            outcome=outcome,
            subject="claim:A",
            status="rejected",
            ref="t1",
            record_type=agreed.outcomes[outcome].predicate.record,
            record_id=record_id,
        )
        inputs = Inputs(dict.fromkeys(RECORD_TYPES, 0), dict.fromkeys(RECORD_TYPES, START + 60 * DAY))
        return trace(self.database, agreed, agreed.outcomes[outcome], verdict, inputs)

    def story(self, **more):
        """Give the story as hours, who, what."""
        told = self.trace(**more).story
        return [((parse_instant(moment.at) - START) / HOUR, moment.who, moment.what) for moment in told]

    def blamed(self, **more):
        """Give the clauses that each moment made false, by hours and what; moments without any are left out."""
        return {
            ((parse_instant(moment.at) - START) / HOUR, moment.what): moment.clauses
            for moment in self.trace(**more).story
            if moment.clauses
        }


@pytest.fixture
def desk(tmp_path):
    """A help desk with a ticket on which nothing was done yet."""
    with duckdb.connect() as database:
        yield _Desk(tmp_path, database)


@pytest.fixture
def resolved(desk):
    """A ticket that the agent answered after one hour and resolved after two, and that a rule closed."""
    desk.say(0, CUSTOMER)
    desk.say(1, BOT)
    desk.act("solved", 2, BOT, previous="open", value="solved")
    desk.act("closed", 98, by="rule", previous="solved", value="closed")
    return desk


def test_a_story_is_told_in_its_order(resolved):
    """Acts and the ends of windows come in the order of time, each with who did it."""
    assert resolved.story() == [
        (0, "Cleo (end-user)", "public message"),
        (1, "Fixly Bot (the vendor)", "public message"),
        (2, "Fixly Bot (the vendor)", "solved open -> solved"),
        (73, "", "silence end"),
        (98, "a rule", "closed solved -> closed"),
        (170, "", "window end"),
    ]
    assert resolved.blamed() == {}


def test_acts_of_one_instant_are_told_by_id(desk):
    """Acts of one instant keep the order of their ids, and a window that ends then is over before them."""
    desk.say(1, BOT)
    desk.act("solved", 1, BOT)
    desk.act("tagged", 1, BOT, value="a")
    desk.say(73, CUSTOMER, "thanks")

    assert [what for _, _, what in desk.story()] == [
        "public message",
        "solved",
        "tagged a",
        "silence end",
        "public message: thanks",
        "window end",
    ]


def test_names_and_roles_are_those_of_the_act(desk):
    """Who became somebody else later is told under name and role of then; before the first version, under that one."""
    desk.user(PERSON, "Ann B.", "end-user", since=START + 2 * HOUR)
    desk.say(1, PERSON)
    desk.say(2, PERSON)

    assert [who for _, who, _ in desk.story()] == ["Ann (agent)", "Ann B. (end-user)"]


def test_who_nobody_knows_is_told_by_id(desk):
    """A user the system does not show is told by id, as unknown; a nameless one with the role; no one as the system."""
    desk.user("502", None, "admin")
    desk.user("503", "Bo", None)
    desk.say(1, "404")
    desk.say(2, "502")
    desk.say(3, "503")
    desk.act("closed", 4)

    assert [who for _, who, _ in desk.story()] == ["404 (unknown)", "502 (admin)", "Bo (unknown)", "the system"]


def test_the_vendor_is_that_of_the_source(desk):
    """An identity of the vendor in another source is nobody's here."""
    desk.say(1, PERSON)
    desk.say(2, BOT)

    assert [who for _, who, _ in desk.story()] == ["Ann (agent)", "Fixly Bot (the vendor)"]


@pytest.mark.parametrize(
    ("kind", "columns", "what"),
    [
        ("message", {"public": False, "says": "other"}, "internal note"),
        ("message", {"public": False, "says": "greeting"}, "internal note: greeting"),
        ("message", {"public": True, "says": None}, "public message"),
        ("assigned", {"assignee_id": PERSON}, "assigned Ann"),
        ("assigned", {"assignee_id": "404", "previous": BOT}, "assigned 900 -> 404"),
        ("assigned", {"previous": BOT}, "assigned"),
        ("grouped", {"group_id": "g2", "previous": "g1"}, "grouped g1 -> g2"),
        ("merged", {"other_ticket_id": "t9"}, "merged t9"),
        ("rated", {"score": 4}, "rated 4"),
        ("rated", {"score": 4, "value": "good"}, "rated good"),
        ("spam", {}, "spam"),
    ],
)
def test_what_was_done(desk, kind, columns, what):
    """An act is told with what it changed: from what to what, to whom by name, into which ticket."""
    desk.act(kind, 1, PERSON, **columns)

    assert desk.story() == [(1, "Ann (agent)", what)]


def test_an_act_that_rules_it_out_names_its_clause(resolved):
    """The act that made a clause false is marked with it, and no other act is."""
    resolved.say(3, PERSON)

    assert resolved.blamed() == {(3, "public message"): ["no_human_reply"]}


def test_only_the_first_of_such_acts_is_marked(resolved):
    """The first reply of a person decided; a second one added nothing."""
    resolved.say(3, PERSON)
    resolved.say(4, PERSON)

    assert resolved.blamed() == {(3, "public message"): ["no_human_reply"]}


def test_each_act_is_marked_with_its_own_clause(resolved):
    """A message breaks the silence, and the reopening a moment later is the return."""
    resolved.say(5, CUSTOMER)
    resolved.act("reopened", 6, CUSTOMER, previous="solved", value="open")

    assert resolved.blamed() == {(5, "public message"): ["confirmed"], (6, "reopened solved -> open"): ["not_returned"]}


def test_a_clause_that_holds_marks_nothing(resolved):
    """What came after the window is told and made nothing false."""
    resolved.say(171, PERSON)

    assert resolved.blamed() == {}
    assert resolved.story()[-1] == (171, "Ann (agent)", "public message")


def _with(clauses):
    """Give the contract with further clauses of its own beside the template."""
    price = "    price: {per_unit: 1}\n  created"
    assert price in CONTRACT
    return CONTRACT.replace(price, f"    clauses: {clauses}\n{price}")


def test_clauses_of_the_contract_are_marked_too(resolved):
    """One act may make several clauses false, those that the contract adds among them; one that holds is not named."""
    clauses = '{no_person: "h1_public_reply_at is null", fine: "h1_public_reply_at > created_at"}'
    resolved.say(3, PERSON)

    assert resolved.blamed(contract=_with(clauses)) == {(3, "public message"): ["no_human_reply", "no_person"]}


def test_an_instant_read_twice_is_marked_once(resolved):
    """A clause that names one instant several times is named once at its act."""
    resolved.say(1.5, PERSON, public=False)
    clauses = '{noted: "h8_internal_at < created_at or h8_internal_at is null"}'

    assert resolved.blamed(contract=_with(clauses)) == {(1.5, "internal note"): ["noted"]}


def test_other_tickets_are_not_told(resolved):
    """The story is that of the record alone."""
    resolved.act("spam", 3, PERSON, ticket_id="t2")

    assert "spam" not in [what for _, _, what in resolved.story()]


def test_a_long_story_is_cut(desk):
    """Of very many acts the first two hundred are told, and the ends of windows all the same."""
    desk.act("solved", 0, BOT)
    for number in range(1, 251):
        desk.act("tagged", number / 100, BOT, value=str(number))
    told = desk.story()

    assert [what for _, _, what in told[:2]] == ["solved", "tagged 1"]
    assert [what for _, _, what in told[199:]] == ["tagged 199", "window end"]


def test_a_type_without_acts_has_no_story(resolved):
    """A record type that says nothing about acts has clauses to tell, and no story."""
    told = resolved.trace(outcome="created", record_id=PERSON)

    assert [(clause.clause, clause.state) for clause in told.clauses] == [("known", "true")]
    assert told.story == []


@pytest.mark.parametrize("record_id", [None, "t2"])
def test_a_record_that_is_not_there_has_no_story(resolved, record_id):
    """A claim that means no record, or one that is gone, has neither clauses nor story."""
    told = resolved.trace(record_id=record_id)

    assert (told.clauses, told.story, told.evidence) == ([], [], [])


def test_the_rest_of_a_trace_is_told_beside_it(resolved):
    """Clauses, writes and story stand side by side; instants are written out in UTC."""
    change = {"at": START + 3 * HOUR, "object_type": "ticket", "object_id": "t1", "event": "update", "field": "status"}
    resolved.rows["change"].append({"id": "c1", **change, "old": '"open"', "new": '"solved"', "actor_id": BOT})
    told = resolved.trace()

    assert [(write.at, write.field, write.by) for write in told.writes] == [
        (format_instant(START + 3 * HOUR), "status", BOT)
    ]
    assert {clause.clause for clause in told.clauses} >= {"answered", "resolved", "confirmed"}
    assert told.story[0].at == "2026-06-10T08:00:00Z"
