"""An office with a contract, payments and claims on them, of which the parties may dispute the verdicts."""

from contextlib import contextmanager
from decimal import Decimal

import msgspec
import pytest

from tallystick.contracts import load_contract
from tallystick.database.engine import open_database
from tallystick.errors import ConfigurationError
from tallystick.ledger import Log, fsck, load_or_create_key
from tallystick.period import parse_instant, parse_period
from tallystick.records.catalog import Progress, RecordStore
from tallystick.records.model import Record
from tallystick.records.types import RECORD_TYPES
from tallystick.statements.issuing import StatementBook
from tallystick.statements.render import render
from tallystick.verification.audit import fsck_decisions
from tallystick.verification.dispute_acts import DisputeBook
from tallystick.verification.intake import import_file
from tallystick.verification.recorder import read_verdicts, verify_contract

DAY = 86_400_000_000
NOW = parse_instant("2026-09-21T12:00:00Z")
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
finality: {dispute_days: 10, clawback_days: 120}
"""
FAILED = {"status": "failed"}
CLAIMS = "claim_id,outcome,ref,claimed_at,amount,currency\n"


def record(kind, record_id, as_of=NOW, **values):
    """Give a record of a kind."""
    columns = [column.name for column in RECORD_TYPES[kind].columns]
    raw = msgspec.json.encode({"id": record_id, **values}, enc_hook=str)
    return Record(kind, record_id, as_of, tuple(values.get(name) for name in columns), raw)


def payment(record_id, as_of=NOW, **changes):
    """Give a payment of 80.00 EUR, ten days before NOW: decided after five of them."""
    values = {
        "created_at": NOW - 10 * DAY,
        "status": "succeeded",
        "amount_captured": Decimal("80.00"),
        "currency": "EUR",
        "exponent": 2,
    }
    return record("payment", record_id, as_of, **(values | changes))


class Office:
    """A store, a ledger, a contract and the two parties."""

    def __init__(self, folder, old="", new=""):
        self.folder = folder
        self.engine = open_database(folder / "tallystick.db", create=True)
        self.store = RecordStore(self.engine, folder / "records")
        self.log = Log(self.engine, "tallystick/test")
        self.signer = load_or_create_key(folder / "ledger.key", "tallystick/test")
        assert old in CONTRACT
        (folder / "acme.yaml").write_text(CONTRACT.replace(old, new))
        self.contract = load_contract(folder / "acme.yaml", templates={}, custom={"billing": {}})
        self.book = DisputeBook(self.engine, self.log, self.contract)

    def read(self, *records, watermark=NOW):
        """Store records as one sync would that read everything up to the watermark."""
        types = ["payment", "refund", "change", "invoice", "invoice_payment"]
        self.store.plan("billing", "all", types, [(0, watermark, {})])
        progress = [Progress("all", 0, None, watermark)]
        self.store.commit("billing", records, progress, connector="test 1", api_version="1", observed_at=watermark)

    def claim(self, *lines, now=NOW):
        """Import claims."""
        path = self.folder / "claims.csv"
        path.write_text(CLAIMS + "".join(f"{line}\n" for line in lines))
        return import_file(self.engine, self.log, self.signer, self.contract, path, now=now)

    def verify(self, now=NOW):
        """Verify the contract and give how many verdicts changed."""
        return verify_contract(self.engine, self.store, self.log, self.signer, self.contract, now=now).changed

    def verdicts(self):
        """Give the newest verdict of each subject."""
        return {verdict.subject: verdict for verdict in read_verdicts(self.engine, "acme").values()}

    def statuses(self):
        """Give the newest status of each subject."""
        return {subject: verdict.status for subject, verdict in self.verdicts().items()}

    def open(self, claim_id="A", *, by="buyer", reason="refunded", text="It went back.", now=NOW, **more):
        """Open a dispute."""
        return self.book.open(self.signer, claim_id, by=by, reason=reason, text=text, now=now, **more)

    def answer(self, dispute_id="acme-D1", *, by="vendor", text="It did not.", now=NOW, **more):
        """Answer a dispute."""
        return self.book.answer(self.signer, dispute_id, by=by, text=text, now=now, **more)

    def resolve(self, outcome, dispute_id="acme-D1", *, by="both", text="Agreed by phone.", now=NOW, **more):
        """Resolve a dispute."""
        return self.book.resolve(self.signer, dispute_id, outcome=outcome, by=by, text=text, now=now, **more)

    def statement(self, label, now):
        """Give the statement of a month."""
        return self._statements().prepare(self._month(label), now=now)

    def issue(self, label, now):
        """Issue the statement of a month and give its bytes."""
        return render(self._statements().issue(self.signer, self._month(label), now=now), "json")

    def again(self, label, now):
        """Give the bytes of the statement of a month."""
        return render(self.statement(label, now), "json")

    def fsck(self):
        """Check the ledger and what stands beside it; give the findings."""
        findings = fsck(self.engine, self.log.origin, self.signer.verifier).findings
        return [*findings, *fsck_decisions(self.engine, self.log, self.store)]

    def _statements(self):
        return StatementBook(self.engine, self.log, self.contract)

    def _month(self, label):
        return parse_period(label, self.contract.timezone)


@contextmanager
def offices(folder):
    """Give a function that makes an office with claims A, B and C: verified, rejected and unverifiable."""
    made = []

    def build(old="", new=""):
        office = Office(folder, old, new)
        made.append(office)
        office.claim("A,paid,ch_1,,,", "B,paid,ch_2,,80.00,EUR", "C,paid,ch_3,,,")
        unknown = payment("ch_3", status=None)
        office.read(payment("ch_1"), payment("ch_2", **FAILED), unknown)
        office.verify()
        assert office.statuses() == {"claim:A": "verified", "claim:B": "rejected", "claim:C": "unverifiable"}
        return office

    yield build
    for office in made:
        office.engine.dispose()


def refused(office, words, act, *arguments, **more):
    """Check that something is refused in these words and that the ledger did not grow."""
    size = office.log.size
    with pytest.raises(ConfigurationError, match=words) as caught:
        act(*arguments, **more)
    assert office.log.size == size
    assert caught.value.exit_code == 2
    return str(caught.value)
