"""Taking in claims, recording verdicts: only what is new becomes a ledger entry, and all of it or nothing."""

from decimal import Decimal

import msgspec
import pytest

from tallystick.contracts import load_contract
from tallystick.database.engine import open_database, transaction
from tallystick.errors import ConfigurationError, ContractError, InputError
from tallystick.ledger import Log, fsck, load_or_create_key
from tallystick.records.catalog import Progress, RecordStore
from tallystick.records.model import Record
from tallystick.records.scan import connect
from tallystick.records.types import RECORD_TYPES
from tallystick.verification.audit import fsck_decisions
from tallystick.verification.corroboration import inputs_of
from tallystick.verification.intake import import_file, read_stored_claims
from tallystick.verification.recorder import read_verdicts, verify_contract
from tallystick.verification.trace import trace

DAY = 86_400_000_000
NOW = 1_790_000_000_000_000
CONTRACT = """\
contract: acme
version: 1
buyer: Acme
vendor: {name: Vendor}
timezone: Europe/Berlin
currency: EUR
term: {start: 2026-01-01}
outcomes:
  paid:
    source: billing
    record: payment
    clauses:
      succeeded: "status = 'succeeded'"
      unrefunded: {test: "count(refunds) = 0", until: "created_at + interval '5 days'"}
    quantity: amount_captured
    price: {percent: 10}
"""
CLAIMS = "claim_id,outcome,ref,claimed_at,amount,currency\n"


class _Project:
    """A store, a ledger and a contract in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.engine = open_database(folder / "tallystick.db", create=True)
        self.store = RecordStore(self.engine, folder / "records")
        self.log = Log(self.engine, "tallystick/test")
        self.signer = load_or_create_key(folder / "ledger.key", "tallystick/test")
        self.contract = self.load(CONTRACT)

    def load(self, text):
        """Read a contract from its text."""
        (self.folder / "acme.yaml").write_text(text)
        return load_contract(self.folder / "acme.yaml", templates={}, custom={"billing": {}})

    def read(self, *records, watermark=NOW):
        """Store records as one sync would that read everything up to the watermark."""
        types = ["payment", "refund", "change", "invoice", "invoice_payment"]
        self.store.plan("billing", "all", types, [(0, NOW, {})])
        progress = [Progress("all", 0, None, watermark)]
        self.store.commit("billing", records, progress, connector="test 1", api_version="1", observed_at=NOW)

    def claim(self, *lines, **more):
        """Import a file of claims."""
        path = self.folder / "claims.csv"
        path.write_text(CLAIMS + "".join(f"{line}\n" for line in lines))
        return import_file(self.engine, self.log, self.signer, self.contract, path, now=NOW, **more)

    def verify(self, contract=None, now=NOW):
        """Verify the contract."""
        return verify_contract(self.engine, self.store, self.log, self.signer, contract or self.contract, now=now)

    def statuses(self):
        """Give the newest status of each subject."""
        return {verdict.subject: verdict.status for verdict in read_verdicts(self.engine, "acme").values()}

    def fsck(self):
        """Check the ledger and the claims; give the findings."""
        findings = fsck(self.engine, self.log.origin, self.signer.verifier).findings
        return [*findings, *fsck_decisions(self.engine, self.log, self.store)]


@pytest.fixture
def project(tmp_path):
    """An empty project."""
    made = _Project(tmp_path)
    yield made
    made.engine.dispose()


def _record(kind, record_id, as_of=NOW, **values):
    columns = [column.name for column in RECORD_TYPES[kind].columns]
    raw = msgspec.json.encode({"id": record_id, **values}, enc_hook=str)
    return Record(kind, record_id, as_of, tuple(values.get(name) for name in columns), raw)


def _payment(record_id, as_of=NOW, **changes):
    values = {
        "created_at": NOW - 10 * DAY,
        "status": "succeeded",
        "amount_captured": Decimal("80.00"),
        "currency": "EUR",
        "exponent": 2,
    }
    return _record("payment", record_id, as_of, **(values | changes))


def test_claims_are_taken_in_once(project):
    """The same file again takes nothing in, and the ledger records each import once with its contract before it."""
    assert project.claim("A,paid,ch_1,,80.00,EUR", "B,paid,ch_2,,,").imported == 2
    again = project.claim("A,paid,ch_1,,80.00,EUR", "B,paid,ch_2,,,", "C,paid,ch_3,,,")

    assert (again.imported, again.known, again.total) == (1, 2, 3)
    kinds = [msgspec.json.decode(entry)["kind"] for entry in project.log.entries()]
    assert kinds == ["contract", "claims", "claims"]
    assert project.claim("A,paid,ch_1,,80.00,EUR").imported == 0
    assert project.log.size == 3
    assert project.fsck() == []


def test_a_claim_taken_in_as_it_was_typed_is_known_again(project):
    """A claim that was taken in before its id was told in full is the same in a later file; a new one is whole."""
    whole_ids = {"paid": lambda ref: ref.removesuffix("_whole") + "_whole"}
    project.claim("A,paid,ch_1,,80.00,EUR")
    for _ in range(2):
        report = project.claim("A,paid,ch_1,,80.00,EUR", "B,paid,ch_2,,,", whole_ids=whole_ids)

    assert (report.imported, report.known, report.total) == (0, 2, 2)
    with project.engine.connect() as connection:
        assert [claim.ref for claim in read_stored_claims(connection, "acme")] == ["ch_1", "ch_2_whole"]
    assert project.claim("B,paid,ch_2_whole,,,", whole_ids=whole_ids).known == 1
    with pytest.raises(InputError, match="already submitted with other content: A;"):
        project.claim("A,paid,ch_1_whole,,80.00,EUR", whole_ids=whole_ids)
    assert project.fsck() == []


def test_a_changed_claim_takes_nothing_in(project):
    """A file with one known claim changed is refused whole: its new claims are not taken in either."""
    project.claim("A,paid,ch_1,,80.00,EUR")
    with pytest.raises(InputError, match="already submitted with other content: A;"):
        project.claim("A,paid,ch_1,,81.00,EUR", "B,paid,ch_2,,,")

    assert project.claim("A,paid,ch_1,,80.00,EUR").total == 1
    assert project.log.size == 2


@pytest.mark.parametrize(
    ("statement", "findings"),
    [
        ("UPDATE claim SET ref = 'ch_2' WHERE claim_id = 'A'", 1),
        ("DELETE FROM claim", 1),
        ("UPDATE contract_version SET sha256 = 'x'", 1),
        ("DELETE FROM contract_version", 1),
        ("UPDATE verdict_head SET status = 'verified' WHERE subject = 'claim:B'", 1),
        ("UPDATE verdict_head SET idx = 2", 1),
        ("DELETE FROM verdict_head WHERE subject = 'claim:A'", 1),
        ("DELETE FROM segment", 1),
    ],
)
def test_what_stands_beside_the_ledger_is_held_against_it(project, statement, findings):
    """Claims, contract versions, verdict heads and evidence altered in the database are found by fsck."""
    project.read(_payment("ch_1"))
    project.claim("A,paid,ch_1,,80.00,EUR", "B,paid,ch_9,,,")
    project.verify()
    assert project.fsck() == []
    with project.engine.begin() as connection:
        connection.exec_driver_sql(statement)

    assert len(project.fsck()) == findings


def test_an_entry_that_cannot_be_read_is_a_finding(project):
    """An entry that is no JSON is a finding of fsck, not the end of it."""
    with transaction(project.engine) as connection:
        project.log.append(connection, [b"not json"])
        project.log.checkpoint(connection, project.signer)

    [finding] = project.fsck()
    assert "ledger entry 0: not readable" in finding


def test_verdicts_are_recorded_once(project):
    """Verifying again with nothing new in writes nothing; a new fact writes the one verdict it changes."""
    project.read(_payment("ch_1"), _payment("ch_2"), _payment("ch_3"))
    project.claim("A,paid,ch_1,,80.00,EUR", "B,paid,ch_2,,,")
    first = project.verify()

    assert first.changed == 3
    assert first.counts == {
        "claimed": 2, "verified": 2, "rejected": 0, "pending": 0, "unverifiable": 0, "reversed": 0, "found": 1,
    }  # fmt: skip
    assert project.verify(now=NOW + DAY).changed == 0
    project.read(_payment("ch_2", NOW + 1, status_note="x", status="failed"))
    assert project.verify().changed == 1
    assert project.statuses() == {"claim:A": "verified", "claim:B": "reversed", "found:paid:ch_3": "verified"}
    assert project.verify().reasons == []
    assert project.fsck() == []


def test_nothing_is_verified_before_it_is_read(project):
    """Before the watermark passes the window a claim is pending; deciding as of the past again is refused."""
    project.read(_payment("ch_1"), watermark=NOW - 6 * DAY)
    project.claim("A,paid,ch_1,,,")

    assert project.verify().counts["pending"] == 1
    project.read(_payment("ch_1"))
    assert project.verify().counts["verified"] == 1
    with pytest.raises(ConfigurationError, match="later than"):
        project.verify(now=NOW - 6 * DAY)


def test_a_refund_takes_the_claim_back(project):
    """A refund that is read after the verdict reverses it, and the verdict cites the refund."""
    project.read(_payment("ch_1"))
    project.claim("A,paid,ch_1,,,")
    project.verify()
    project.read(_record("refund", "re_1", payment_id="ch_1", created_at=NOW - DAY, status="succeeded"))

    assert project.verify().counts["reversed"] == 1
    [verdict] = read_verdicts(project.engine, "acme").values()
    assert [item.id for item in verdict.evidence] == ["ch_1", "re_1"]


def test_a_contract_version_never_changes(project):
    """The same version with another text is refused, and so is an older version after a newer one."""
    project.verify()
    changed = project.load(CONTRACT.replace("percent: 10", "percent: 11"))
    with pytest.raises(ContractError, match="already used with another text"):
        project.verify(changed)
    with pytest.raises(ContractError, match="does not say from when on it decides"):
        project.verify(project.load(CONTRACT.replace("version: 1", "version: 2")))
    with pytest.raises(ContractError, match="it would change the past"):
        project.verify(project.load(CONTRACT.replace("version: 1", "version: 2\neffective: 2026-09-01")))
    second = project.load(CONTRACT.replace("version: 1", "version: 2\neffective: 2026-10-01"))
    project.verify(second)
    project.read(_payment("ch_1"))
    project.verify(second)
    with pytest.raises(ContractError, match="version 2 was already used"):
        project.claim("A,paid,ch_1,,,")  # under version 1
    assert project.load(CONTRACT) == project.contract
    assert project.fsck() == []


def test_one_payment_is_one_unit_in_all_outcomes(project):
    """A payment claimed under two outcomes of a contract is verified once, and found under neither."""
    outcomes = CONTRACT[CONTRACT.index("  paid:") :]
    contract = project.load(CONTRACT + outcomes.replace("  paid:", "  again:"))
    project.contract = contract
    project.read(_payment("ch_1"), _payment("ch_2"))
    project.claim("A,again,ch_1,2026-09-01T00:00:00Z,,", "B,paid,ch_1,2026-09-02T00:00:00Z,,")

    assert project.verify().counts["verified"] == 1
    statuses = project.statuses()
    assert (statuses["claim:B"], statuses["claim:A"]) == ("verified", "rejected")
    assert [subject for subject in statuses if subject.startswith("found:")] == ["found:paid:ch_2", "found:again:ch_2"]


def test_a_claim_goes_on_meaning_the_same_record(project):
    """A second instalment on an invoice does not make the claim on the first one ambiguous."""
    invoice = _record("invoice", "in_1", created_at=NOW - 20 * DAY)
    applied = [
        _record("invoice_payment", f"inpay_{n}", created_at=NOW - 9 * DAY, invoice_id="in_1", payment_ref=f"ch_{n}")
        for n in (1, 2)
    ]
    project.read(_payment("ch_1"), invoice, applied[0])
    project.claim("A,paid,in_1,,,")
    project.verify()
    project.read(_payment("ch_2"), applied[1])
    project.verify()

    assert project.statuses() == {"claim:A": "verified", "found:paid:ch_2": "verified"}


def test_what_is_unknown_moves_nothing_that_is_locked(project):
    """A claim that was verified stays so while its record is open again, and is reversed once it is false."""
    project.read(_payment("ch_1"))
    project.claim("A,paid,ch_1,,,")
    project.verify()
    project.read(_payment("ch_1", NOW + 1, created_at=NOW - DAY))
    assert project.verify().changed == 0
    project.read(_payment("ch_1", NOW + 2, status="failed"))

    assert project.verify().counts["reversed"] == 1


def test_reversed_is_not_forgotten(project):
    """A claim that was verified, then open before its lock, then false is reversed, not rejected."""
    slow = CONTRACT.replace("outcomes:", "finality: {lock_days: 30}\noutcomes:")
    project.contract = project.load(slow)
    project.read(_payment("ch_1"))
    project.claim("A,paid,ch_1,,,")
    project.verify()
    project.read(_payment("ch_1", NOW + 1, created_at=NOW - DAY))
    assert project.verify().counts["pending"] == 1
    project.read(_payment("ch_1", NOW + 2, status="failed"))

    assert project.verify().counts["reversed"] == 1


def test_a_trace_retells_the_verdict(project):
    """A trace decides again with the interpreter, shows who wrote what, and says what would have flipped it."""
    project.read(
        _payment("ch_1", status_note="x"),
        _record("refund", "re_1", payment_id="ch_1", created_at=NOW - DAY, status="succeeded"),
        _record("change", "evt_1", object_id="re_1", at=NOW - DAY, event="refund.created", request_id="req_1"),
        _record("change", "evt_2", object_id="ch_1", at=NOW - DAY, event="charge.updated", field="status", new='"x"'),
    )
    project.claim("A,paid,ch_1,,,", "B,paid,nothing,,,")
    project.verify()
    told = {}
    for verdict in read_verdicts(project.engine, "acme").values():
        with connect(project.store, "billing") as database:
            inputs = inputs_of(project.engine, "billing", NOW)
            told[verdict.subject] = trace(
                database, project.contract, project.contract.outcomes["paid"], verdict, inputs
            )

    refunded = told["claim:A"]
    assert [clause.clause for clause in refunded.clauses if clause.decides] == ["unrefunded"]
    assert refunded.clauses[1].would_hold_if
    assert [(write.event, write.by) for write in refunded.writes] == [
        ("refund.created", "req_1"),
        ("charge.updated", "automation"),
    ]
    assert told["claim:B"].clauses == []


def test_a_trace_of_a_deleted_record_has_no_clauses(project):
    """A record deleted in the source leaves the verdict's reasons and evidence, and no clause to retell."""
    project.read(_payment("ch_1"))
    project.claim("A,paid,ch_1,,,")
    project.verify()
    project.read(Record("payment", "ch_1", NOW + 1, _payment("ch_1").values, b'{"deleted":true}', deleted=True))
    [verdict] = read_verdicts(project.engine, "acme").values()
    with connect(project.store, "billing") as database:
        inputs = inputs_of(project.engine, "billing", NOW)
        told = trace(database, project.contract, project.contract.outcomes["paid"], verdict, inputs)

    assert told.clauses == []
    assert project.verify().counts["verified"] == 1


def test_what_was_deleted_after_the_claim_is_told_from_what_never_was(project):
    """A record that its source deleted makes the claim on it unverifiable, and before its lock what was verified."""
    project.contract = project.load(CONTRACT.replace("outcomes:", "finality: {lock_days: 30}\noutcomes:"))
    project.read(_payment("ch_1", intent_id="pi_1"), _payment("ch_2"))
    project.claim("A,paid,pi_1,,,", "B,paid,ch_2,,,", "C,paid,ch_3,,,")
    project.verify()
    assert project.statuses() == {"claim:A": "verified", "claim:B": "verified", "claim:C": "rejected"}

    gone = [Record("payment", name, NOW + 1, _payment(name).values, b"{}", deleted=True) for name in ("ch_1", "ch_3")]
    project.read(*gone)
    project.verify()
    verdicts = {verdict.subject: verdict for verdict in read_verdicts(project.engine, "acme").values()}

    assert project.statuses() == {"claim:A": "reversed", "claim:B": "verified", "claim:C": "unverifiable"}
    assert (verdicts["claim:A"].record_id, verdicts["claim:C"].record_id) == ("ch_1", "ch_3")
    [reason] = verdicts["claim:A"].reasons
    assert reason.clause == "deleted"
    assert reason.text.startswith("payment ch_1 was deleted at 2026-09-21T14:13:20.000001Z; what it said before is")
    assert project.verify().changed == 0
    assert project.fsck() == []


def test_what_came_back_is_decided_again(project):
    """A record that is there again after it was deleted is judged as it stands."""
    project.read(_payment("ch_1"))
    project.claim("A,paid,ch_1,,,")
    project.read(Record("payment", "ch_1", NOW + 1, _payment("ch_1").values, b"{}", deleted=True))
    project.verify()
    assert project.statuses() == {"claim:A": "unverifiable"}

    project.read(_payment("ch_1", NOW + 2))
    project.verify()
    assert project.statuses() == {"claim:A": "verified"}
