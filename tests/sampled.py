"""A project with payments of one month, verified, whose contract has a sample in its terms."""

import msgspec

from tallystick.contracts import load_contract
from tallystick.database.engine import open_database
from tallystick.ledger import Log, fsck, load_or_create_key
from tallystick.period import parse_instant
from tallystick.records.catalog import Progress, RecordStore
from tallystick.records.model import Record
from tallystick.records.types import RECORD_TYPES
from tallystick.verification.answers import Given, record_answers
from tallystick.verification.audit import fsck_decisions
from tallystick.verification.intake import import_file
from tallystick.verification.recorder import verify_contract
from tallystick.verification.samples import draw_samples, read_findings, read_month

DAY = 86_400_000_000
READ = parse_instant("2026-10-20T00:00:00Z")
MONTH = "2026-09"
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
    sample: {size: 10, tolerance: 5, rule: extrapolate}
  big:
    source: billing
    record: payment
    clauses: {succeeded: "status = 'succeeded' and amount_captured > 5000"}
    quantity: amount_captured
    price: {percent: 10}
    sample: {size: 3, tolerance: 0.1, confidence: 90, rule: hold}
  other:
    source: billing
    record: payment
    clauses: {succeeded: "status = 'succeeded'"}
    quantity: amount_captured
    price: {percent: 10}
"""


class Office:
    """A store, a ledger, a contract and the people who answer."""

    def __init__(self, folder, contract=CONTRACT):
        self.folder = folder
        self.engine = open_database(folder / "tallystick.db", create=True)
        self.store = RecordStore(self.engine, folder / "records")
        self.log = Log(self.engine, "tallystick/test")
        self.signer = load_or_create_key(folder / "ledger.key", "tallystick/test")
        self.now = READ
        (folder / "acme.yaml").write_text(contract)
        self.contract = load_contract(folder / "acme.yaml", templates={}, custom={"billing": {}})

    def read(self, *created, first=0, amount=100, watermark=READ):
        """Store one payment per instant at which one was made; claims on them are `C0`, `C1` and so on."""
        types = ["payment", "refund", "change", "invoice", "invoice_payment"]
        self.store.plan("billing", "all", types, [(0, READ, {})])
        records = [payment(f"ch_{number}", at, amount) for number, at in enumerate(created, first)]
        progress = [Progress("all", 0, None, watermark)]
        self.store.commit("billing", records, progress, connector="test 1", api_version="1", observed_at=READ)

    def claim(self, outcome, *numbers):
        """Import claims on payments by their numbers."""
        path = self.folder / "claims.csv"
        lines = (f"C{number},{outcome},ch_{number}\n" for number in numbers)
        path.write_text("claim_id,outcome,ref\n" + "".join(lines))
        import_file(self.engine, self.log, self.signer, self.contract, path, now=self.now)

    def verify(self):
        """Verify the contract."""
        return verify_contract(self.engine, self.store, self.log, self.signer, self.contract, now=self.now)

    def draw(self, *outcomes, month=MONTH, now=None):
        """Draw the samples of a month."""
        return draw_samples(
            self.engine, self.log, self.signer, self.contract, month, outcomes=outcomes, now=now or self.now
        )

    def answer(self, *given, correct=False, month=MONTH):
        """Record answers: (subject, answer), or with who says so and a note."""
        asked = [Given(*(answer if len(answer) > 2 else (*answer, "Ann"))) for answer in given]
        return record_answers(
            self.engine, self.log, self.signer, "acme", month=month, given=asked, now=self.now, correct=correct
        )

    def month(self, month=MONTH):
        """Give the samples of a month by outcome."""
        return {sample.entry.outcome: sample for sample in read_month(self.engine, self.log, "acme", month)}

    def findings(self, upto=None):
        """Give the findings."""
        return read_findings(self.engine, self.log, "acme", upto)

    def entries(self):
        """Give the ledger as values."""
        return [msgspec.json.decode(entry) for entry in self.log.entries()]

    def fsck(self):
        """Check the ledger and the tables beside it."""
        findings = fsck(self.engine, self.log.origin, self.signer.verifier).findings
        return [*findings, *fsck_decisions(self.engine, self.log, self.store)]


def payment(record_id, created_at, amount):
    """Give a payment that succeeded, in euros."""
    from decimal import Decimal

    values = {
        "created_at": created_at,
        "status": "succeeded",
        "amount_captured": Decimal(f"{amount}.00"),
        "currency": "EUR",
        "exponent": 2,
    }
    columns = [column.name for column in RECORD_TYPES["payment"].columns]
    raw = msgspec.json.encode({"id": record_id, **values}, enc_hook=str)
    return Record("payment", record_id, created_at, tuple(values.get(name) for name in columns), raw)


def in_september(day):
    """Give an instant on a day of September."""
    return parse_instant(f"2026-09-{day:02}T12:00:00Z")
