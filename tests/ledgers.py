"""A project without a source: records are stored as a sync would, and what follows from them is the real thing."""

from decimal import Decimal

import msgspec

from tallystick.contracts import load_contract
from tallystick.database.engine import open_database
from tallystick.ledger import Log, fsck, load_or_create_key
from tallystick.period import format_instant, parse_instant, parse_period
from tallystick.records.catalog import Progress, RecordStore
from tallystick.records.model import Record
from tallystick.records.types import RECORD_TYPES
from tallystick.statements.issuing import StatementBook
from tallystick.verification.agreements import read_agreement
from tallystick.verification.audit import fsck_decisions
from tallystick.verification.intake import import_file
from tallystick.verification.recorder import read_verdicts, verify_contract

TERMS = """\
contract: acme
version: 1
buyer: Acme
vendor: {name: Vendor}
timezone: Europe/Berlin
currency: EUR
term: {start: 2026-01-01}
finality: {lock_days: 3, dispute_days: 10, clawback_days: 60}
outcomes:
  paid:
    source: billing
    record: payment
    clauses:
      known: "method in ('card', 'sepa_debit')"
      succeeded: {test: "status = 'succeeded'", open: "status = 'pending'"}
      unrefunded: {test: "count(refunds) = 0", until: "created_at + interval '48 hours'"}
    quantity: amount_captured
    price: {percent: 10}
"""
"""A tenth of what was paid, if two days later nothing was given back; it locks three days after that."""

_HEADER = "claim_id,outcome,ref,claimed_at,amount,currency\n"
_KINDS = ["payment", "refund", "change", "invoice", "invoice_payment"]


def at(text):
    """Give an instant of 2026: `09-10T12:00:00` in UTC, or a day at noon."""
    return parse_instant(f"2026-{text}Z" if "T" in text else f"2026-{text}T12:00:00Z")


def payment(record_id, created, amount="100.00", *, known=0, **changes):
    """Give a payment, as the source tells it so many microseconds after it was made."""
    values = {
        "created_at": created,
        "status": "succeeded",
        "method": "card",
        "amount_captured": Decimal(amount),
        "currency": "EUR",
        "exponent": 2,
        **changes,
    }
    return record("payment", record_id, created + known, **values)


def refund(record_id, payment_id, created):
    """Give a refund of a payment."""
    return record("refund", record_id, created, payment_id=payment_id, created_at=created, status="succeeded")


def record(kind, record_id, as_of, **values):
    """Give a record of any type."""
    columns = [column.name for column in RECORD_TYPES[kind].columns]
    raw = msgspec.json.encode({"id": record_id, **values}, enc_hook=str)
    return Record(kind, record_id, as_of, tuple(values.get(name) for name in columns), raw)


class Ledger:
    """A store of evidence, a ledger and the newest version of a contract, in a folder."""

    def __init__(self, folder, text=TERMS, *, database=None):
        self.folder = folder
        self.engine = open_database(database or folder / "tallystick.db", create=True)
        self.store = RecordStore(self.engine, folder / "records")
        self.log = Log(self.engine, "tallystick/test")
        self.signer = load_or_create_key(folder / "ledger.key", "tallystick/test")
        self.contract = self.agree(text)
        self.outlet = None

    def agree(self, text):
        """Read a contract from its text, and go by it from now on."""
        path = self.folder / "contract.yaml"
        path.write_text(text)
        self.contract = load_contract(path, templates={}, custom={"billing": {}})
        return self.contract

    def read(self, *records, upto):
        """Store records as one sync would that read everything up to an instant."""
        self.store.plan("billing", "all", _KINDS, [(0, upto, {})])
        progress = [Progress("all", 0, None, upto)]
        self.store.commit("billing", records, progress, connector="test 1", api_version="1", observed_at=upto)

    def claim(self, *lines, now):
        """Take in claims: `id,outcome,ref,claimed_at,amount,currency` each."""
        path = self.folder / "claims.csv"
        path.write_text(_HEADER + "".join(f"{line}\n" for line in lines))
        return import_file(self.engine, self.log, self.signer, self.contract, path, now=now)

    def verify(self, now):
        """Decide everything as of an instant; gives how many verdicts changed."""
        return verify_contract(
            self.engine, self.store, self.log, self.signer, self.contract, now=now, outlet=self.outlet
        ).changed

    def turn(self, *records, now):
        """Read records and decide everything, both as of an instant."""
        self.read(*records, upto=now)
        return self.verify(now)

    @property
    def verdicts(self):
        """The newest verdict of each subject."""
        return {verdict.subject: verdict for verdict in read_verdicts(self.engine, self.contract.name).values()}

    def told(self, claim_id):
        """Give how a claim stands: status, instant of the lock as text, and version of the contract."""
        verdict = self.verdicts[f"claim:{claim_id}"]
        lock = None if verdict.locks_at is None else format_instant(verdict.locks_at)
        return verdict.status, lock, verdict.contract_version

    @property
    def agreement(self):
        """All versions of the contract."""
        return read_agreement(self.engine, self.log, self.contract)

    @property
    def book(self):
        """The statements."""
        return StatementBook(self.engine, self.log, self.contract)

    def period(self, label):
        """Give a period in the contract's zone."""
        return parse_period(label, self.contract.timezone)

    def prepare(self, label, now):
        """Give the statement for a period."""
        return self.book.prepare(self.period(label), now=now)

    def issue(self, label, now):
        """Issue the statement for a period."""
        return self.book.issue(self.signer, self.period(label), now=now)

    def fsck(self):
        """Check the ledger and what stands beside it; give the findings."""
        findings = fsck(self.engine, self.log.origin, self.signer.verifier).findings
        return [*findings, *fsck_decisions(self.engine, self.log, self.store)]
