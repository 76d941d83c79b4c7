"""Acceptance from a second source: what accepts, what is ambiguous, what is cited, and how far was read."""

from dataclasses import replace

import msgspec
import pytest
from tests.met import DAY, MINUTE, START, booking, invited

from tallystick.contracts import Evidence, load_contract
from tallystick.database.engine import open_database
from tallystick.errors import ContractError, PermanentError
from tallystick.ledger import Log, load_or_create_key
from tallystick.outcomes.meeting_qualified import QUALIFIED_MEETING
from tallystick.period import format_instant
from tallystick.records.catalog import Progress, RecordStore
from tallystick.records.model import Record
from tallystick.records.types import RECORD_TYPES
from tallystick.verification.audit import fsck_decisions
from tallystick.verification.corroboration import connect_outcome, inputs_for
from tallystick.verification.intake import import_file
from tallystick.verification.recorder import read_verdicts, verify_contract
from tallystick.verification.trace import trace

NOW = START + 20 * DAY

CONTRACT = """\
contract: acme
version: 1
buyer: Acme
vendor: {name: Vendor, identities: {crm: [bot], sales: [robot]}}
people: {account_executive: {crm: {role_in: [SDR]}, sales: {role_in: [AE]}}}
timezone: Europe/Berlin
currency: EUR
term: {start: 2026-01-01}
outcomes:
  met:
    source: crm
    uses: qualified-meeting
    with: {acceptance: deal_stage, accepting_stages: [Won]}
    evidence:
      acceptance: {source: sales, match: [external_id, attendees]}
    price: {per_unit: 240}
"""
OWN = ("meeting", "attendee", "call", "change", "account", "deal", "actor")
THERE = ("meeting", "attendee", "change", "deal", "contact", "actor")


class _Office:
    """Two sources with the same ids in both, a ledger, and a contract accepted in the second of them."""

    def __init__(self, folder):
        self.folder = folder
        self.engine = open_database(folder / "tallystick.db", create=True)
        self.store = RecordStore(self.engine, folder / "records")
        self.log = Log(self.engine, "tallystick/test")
        self.signer = load_or_create_key(folder / "ledger.key", "tallystick/test")
        self.contract = self.load()
        for source, kinds in (("crm", OWN), ("sales", THERE)):
            for kind in kinds:
                self.store.plan(source, kind, [kind], [(0, NOW, {})])

    @property
    def outcome(self):
        """The only outcome."""
        return self.contract.outcomes["met"]

    def load(self, *changes):
        """Read the contract, some texts in it replaced."""
        text = CONTRACT
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = self.folder / "acme.yaml"
        path.write_text(text)
        templates = {"qualified-meeting": QUALIFIED_MEETING}
        return load_contract(path, templates=templates, custom={"crm": {}, "sales": {}})

    def read(self, source, kind, *records, until=NOW):
        """Store records of a stream, read up to an instant."""
        stored = []
        for values in records:
            columns = [column.name for column in RECORD_TYPES[kind].columns]
            raw = msgspec.json.encode({"of": source, **values})
            stored.append(Record(kind, values["id"], START, tuple(values.get(name) for name in columns), raw))
        progress = [Progress(kind, 0, None, until)]
        self.store.commit(source, stored, progress, connector="test 1", api_version="1", observed_at=NOW)

    def won(self, source="sales", actor="ae", what="d1", name="c1", **columns):
        """Say that a deal was won a day after the meeting."""
        act = {"at": START + DAY, "field": "stage", "new": '"Won"', "object_type": "deal"}
        self.read(source, "change", {"id": name, "object_id": what, "actor_id": actor, **act, **columns})

    def verify(self):
        """Verify; give the verdict on the claim."""
        path = self.folder / "claims.csv"
        path.write_text("claim_id,outcome,ref,claimed_at,amount,currency\nA,met,m1,,,\n")
        import_file(self.engine, self.log, self.signer, self.contract, path, now=NOW)
        verify_contract(self.engine, self.store, self.log, self.signer, self.contract, now=NOW)
        [verdict] = [each for each in read_verdicts(self.engine, "acme").values() if not each.found]
        return verdict

    def said(self):
        """Verify; give status and deciding clause."""
        verdict = self.verify()
        return verdict.status, verdict.reasons[0].clause if verdict.reasons else ""


@pytest.fixture
def office(tmp_path):
    """A meeting m1 that was held, and the same one, o1, in the second source, with a deal that nobody has won."""
    made = _Office(tmp_path)
    booked = {"created_at": START - DAY, "updated_at": START, "created_by": "bot", "account_id": "a1"}
    made.read("crm", "meeting", {**booking("m1", external_id="x"), **booked, "deal_id": "d1"})
    guests = (invited("m1", domain="x.example"), invited("m1", "b@acme.example", internal=True, domain="acme.example"))
    made.read("crm", "attendee", *({"id": f"g{n}", "at": START, **guest} for n, guest in enumerate(guests)))
    call = {"started_at": START, "ended_at": START + 20 * MINUTE, "seconds": 1_200, "medium": "conference"}
    made.read("crm", "call", {"id": "k1", "meeting_id": "m1", **call})
    made.read("sales", "meeting", {**booking("o1", external_id="x"), "deal_id": "d1"})
    made.read("sales", "deal", {"id": "d1", "created_at": START - DAY})
    made.read("sales", "actor", *({"id": name, "role": "AE"} for name in ("ae", "bot", "robot")))
    for source, kind in (("crm", "change"), ("crm", "account"), ("sales", "change"), ("sales", "attendee")):
        made.read(source, kind)
    made.read("sales", "contact")
    yield made
    made.engine.dispose()


def test_an_act_in_the_second_source_accepts(office):
    """Without it nobody accepted; with it the meeting is verified, citing pair, deal, act and role as stored there."""
    assert office.said() == ("rejected", "accepted")

    office.won()
    verdict = office.verify()
    assert verdict.status == "verified"
    cited = {(item.type, item.id) for item in verdict.evidence if item.source == "sales"}
    assert cited == {("meeting", "o1"), ("deal", "d1"), ("change", "c1"), ("actor", "ae")}
    assert {item.type for item in verdict.evidence if item.source == "crm"} == {"meeting", "attendee", "call"}
    assert fsck_decisions(office.engine, office.log, office.store) == []


def test_the_same_ids_in_the_own_source_are_others(office):
    """A deal of that id won in the own source, by an executive of that id there, accepts nothing."""
    office.read("crm", "deal", {"id": "d1", "created_at": START - DAY})
    office.read("crm", "actor", {"id": "ae", "role": "AE"}, {"id": "sdr", "role": "SDR"})
    for number, actor in enumerate(("ae", "sdr")):
        office.won("crm", actor, name=f"c{number}")

    assert office.said() == ("rejected", "accepted")


def test_the_trace_agrees(office):
    """The reference interpreter tells the same of both sources, and the writes of each are told by its own ids."""
    office.won()
    office.won(actor="ae", what="m1", name="c2")
    office.won("crm", "someone", what="m1", name="c9", field="title")
    office.won("crm", "someone", what="o1", name="c8")
    verdict = office.verify()
    with connect_outcome(office.store, office.outcome) as database:
        told = trace(database, office.contract, office.outcome, verdict, inputs_for(office.engine, office.outcome, NOW))

    assert {clause.state for clause in told.clauses} == {"true"}
    assert {clause.clause: clause.reads for clause in told.clauses}["accepted"]["accepted_at"] == format_instant(
        START + DAY
    )
    assert [(write.object_id, write.field, write.by) for write in told.writes] == [
        ("m1", "title", "someone"),
        ("sales:d1", "stage", "sales:ae"),
    ]


def test_verifying_again_gives_the_same_bytes(office):
    """Nothing new in, nothing new in the ledger, and the same verdict from another order of records."""
    office.won()
    first = office.verify()
    size = office.log.size
    verify_contract(office.engine, office.store, office.log, office.signer, office.contract, now=NOW)

    assert office.log.size == size
    assert msgspec.json.encode(office.verify()) == msgspec.json.encode(first)


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        ("robot", ("rejected", "acceptance_independent")),
        ("bot", ("verified", "")),
        (None, ("unverifiable", "acceptance_attributed")),
        ("sdr", ("unverifiable", "acceptance_attributed")),
    ],
)
def test_people_and_the_vendor_are_those_of_the_second_source(office, actor, expected):
    """Roster and identities are asked for there; who is in the own source alone is nobody known."""
    office.read("crm", "actor", {"id": "sdr", "role": "SDR"})
    office.won(actor=actor)

    assert office.said() == expected


@pytest.mark.parametrize(
    ("source", "more", "named"),
    [("crm", {"created_by": "bot"}, "m1 m2"), ("sales", {"deal_id": "d1"}, "sales:m2 sales:o1")],
)
def test_an_ambiguous_pair_proves_nothing_and_names_both(office, source, more, named):
    """Two meetings of either source that may be the one leave it unverifiable, and the reason names them."""
    office.won()
    office.read(source, "meeting", {**booking("m2", external_id="x"), "created_at": START, "updated_at": START, **more})
    verdict = office.verify()

    assert (verdict.status, verdict.reasons[0].clause) == ("unverifiable", "acceptance_told_apart")
    assert verdict.reasons[0].text.endswith(f"they may be any of '{named}'")


def test_a_meeting_that_is_not_there_is_unverifiable(office):
    """Where the second source has no such meeting, what was accepted there says nothing of this one."""
    office.won()
    office.read("sales", "meeting", {**booking("o1", external_id="y"), "deal_id": "d1"})

    assert office.said() == ("unverifiable", "acceptance_paired")


def _watermark(office, source, stream, value):
    """Say that a stream was read up to an instant, or never."""
    with office.engine.begin() as connection:
        told = "NULL" if value is None else value
        where = f"source = '{source}' AND stream = '{stream}'"
        connection.exec_driver_sql(f"UPDATE stream_state SET watermark = {told} WHERE {where}")


@pytest.mark.parametrize(
    ("source", "kind", "type_"),
    [
        ("sales", "meeting", "acceptance_meeting"),
        ("sales", "attendee", "acceptance_meeting"),
        ("crm", "attendee", "acceptance_meeting"),
        ("sales", "change", "acceptance_change"),
        ("sales", "deal", "acceptance_deal"),
        ("sales", "actor", "acceptance_actor"),
    ],
)
@pytest.mark.parametrize("value", [START + DAY, None])
def test_all_that_accepts_has_to_be_read(office, source, kind, type_, value):
    """As long as one stream of the second source, or one that pairs, is behind, nobody is known to be silent."""
    assert inputs_for(office.engine, office.outcome, NOW).read_to[type_] == NOW

    _watermark(office, source, kind, value)
    assert inputs_for(office.engine, office.outcome, NOW).read_to[type_] == value
    assert office.said()[0] == "pending"


def test_only_what_joins_has_to_be_read(office):
    """With external ids alone the attendees of the second source do not matter."""
    _watermark(office, "sales", "attendee", None)
    outcome = office.load(("[external_id, attendees]", "[external_id]")).outcomes["met"]

    assert inputs_for(office.engine, outcome, NOW).read_to["acceptance_meeting"] == NOW
    assert "acceptance_meeting" not in inputs_for(office.engine, replace(outcome, acceptance=None), NOW).read_to


def test_records_count_as_of_a_sequence_number(office):
    """What the second source told later is not seen as of an earlier sequence number."""
    before = office.store.last_seq()
    office.won()
    for as_of_seq, expected in ((before, 0), (None, 1)):
        with connect_outcome(office.store, office.outcome, as_of_seq) as database:
            assert database.execute("SELECT count(*) FROM acceptance_change").fetchall() == [(expected,)]


def test_calls_and_acceptance_may_come_from_two_sources(office):
    """One outcome may take calls from one source and acceptance from another, or both from one."""
    both = "calls: {source: sales, match: [attendees]}\n      acceptance:"
    outcome = office.load(("acceptance: {source", f"{both} {{source")).outcomes["met"]
    spoken = {"started_at": START, "ended_at": START + 9 * MINUTE, "seconds": 540, "medium": "phone"}
    office.store.plan("sales", "call", ["call"], [(0, NOW, {})])
    office.read("sales", "call", {"id": "k1", **spoken})
    guests = ({"id": "g8", "call_id": "k1"}, {"id": "g9", "meeting_id": "o1"})
    office.read("sales", "attendee", *({"email": "p@x.example", "at": START, **guest} for guest in guests))

    with connect_outcome(office.store, outcome) as database:
        calls = database.execute("SELECT source, meeting_id FROM call ORDER BY 1").fetchall()
        assert calls == [("crm", "m1"), ("sales", "m1")]
        assert database.execute("SELECT meeting_id, id FROM acceptance_meeting").fetchall() == [("m1", "o1")]
    assert (outcome.calls.match, outcome.acceptance.match) == (("attendees",), ("external_id", "attendees"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            [("source: sales", "source: salez")],
            "15:28: outcomes.met.evidence.acceptance.source: no source is named salez",
        ),
        ([("source: sales", "source: crm")], "15:28: outcomes.met.evidence.acceptance.source: it is the outcome's own"),
        ([("match: [external_id, attendees]", "match: []")], "15:42: outcomes.met.evidence.acceptance.match"),
        ([("match: [external_id, attendees]", "match: [name]")], "15:43: outcomes.met.evidence.acceptance.match.0"),
        (
            [("deal_stage, accepting_stages: [Won]", "none")],
            "15:28: outcomes.met.evidence.acceptance.source: nothing of the outcome asks who accepted it",
        ),
        ([("sales: {role_in: [AE]}", "sales: {role_in: [AE]}, other: {ids: [x]}")], "people.account_executive.other"),
        ([("crm: {role_in: [SDR]}, sales: {role_in: [AE]}", "crm: {role_in: [SDR]}")], "13:11: outcomes.met: "),
        ([("sales: [robot]", 'sales: ["a robot"]')], "13:11: outcomes.met: "),
        (
            [
                (
                    "uses: qualified-meeting\n    with: {acceptance: deal_stage, accepting_stages: [Won]}",
                    "record: payment\n    clauses: {paid: captured}",
                )
            ],
            "15:28: outcomes.met.evidence.acceptance.source: a payment has no acceptance",
        ),
    ],
)
def test_evidence_that_says_nothing_is_refused(office, changes, said):
    """A second source that is none, no key, nobody to accept, or an outcome that asks nobody is refused in place."""
    with pytest.raises(ContractError) as caught:
        office.load(*changes)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    "clauses",
    ["{known: count(acceptance_deals) > 0}", '{known: "created_at < read_to(acceptance_deal)"}'],
)
def test_clauses_may_read_a_second_source_that_is_named(office, clauses):
    """Clauses written out may read what is around the meeting there, if the contract names the source."""
    uses = "uses: qualified-meeting\n    with: {acceptance: deal_stage, accepting_stages: [Won]}"
    written = (uses, f"record: meeting\n    clauses: {clauses}")
    assert office.load(written).outcomes["met"].predicate.beside

    evidence = "    evidence:\n      acceptance: {source: sales, match: [external_id, attendees]}\n"
    with pytest.raises(ContractError, match=r"11:13: outcomes\.met\.source: it reads acceptance_deal.*, and evidence"):
        office.load(written, (evidence, ""))


def test_nothing_is_stored_or_decided_as_of_a_second_source(office):
    """A connector cannot store what stands for a second source, nor can an outcome be about it."""
    with pytest.raises(PermanentError, match="there is no such record type"):
        office.read("sales", "acceptance_deal", {"id": "d1"})
    uses = "uses: qualified-meeting\n    with: {acceptance: deal_stage, accepting_stages: [Won]}"
    with pytest.raises(ContractError, match="unknown record type 'acceptance_deal'"):
        office.load((uses, "record: acceptance_deal\n    clauses: {won: won}"))


def test_the_second_source_is_part_of_what_is_pinned(office):
    """Source, keys, roster and the vendor's identities there are in the contract's body, and so in its hash."""
    outcome = next(given for given in office.contract.body["outcomes"] if given["name"] == "met")

    assert outcome["evidence"] == {"acceptance": {"source": "sales", "match": ["external_id", "attendees"]}}
    params = outcome["rule"]["params"]
    assert (params["vendor_ids"], params["acceptance_vendor_ids"]) == ("bot", "robot")
    for change in (("[external_id, attendees]", "[external_id]"), ("[robot]", "[robots]"), ("[AE]", "[Closer]")):
        assert office.load(change).sha256 != office.contract.sha256


def test_a_join_that_fails_leaves_no_connection(office):
    """What goes wrong while joining is raised as it is."""
    with pytest.raises(KeyError, match="nothing"):
        connect_outcome(office.store, replace(office.outcome, acceptance=Evidence("sales", ("nothing",))))
