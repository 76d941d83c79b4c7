"""A small project with evidence, claims and a ledger, and the bundle of its statement."""

import os
from decimal import Decimal

import msgspec

from tallystick.contracts import load_contract
from tallystick.database.engine import open_database
from tallystick.ledger import Log, open_ledger_key
from tallystick.period import parse_instant, parse_period
from tallystick.records.catalog import Progress, RecordStore
from tallystick.records.model import Record
from tallystick.records.types import RECORD_TYPES
from tallystick.statements.archive import open_archive
from tallystick.statements.archive_writer import ArchiveWriter
from tallystick.statements.bundling import Bundling, decide_current, write_bundle
from tallystick.statements.issuing import StatementBook
from tallystick.statements.recompute import recompute
from tallystick.verification.agreements import read_agreement
from tallystick.verification.intake import import_file
from tallystick.verification.recorder import open_turn, verify_contract

DAY = 86_400_000_000
START = parse_instant("2026-09-01T00:00:00Z")
NOW = parse_instant("2026-10-05T08:00:00Z")
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
finality: {dispute_days: 5, clawback_days: 120}
"""
CLAIMS = "claim_id,outcome,ref,claimed_at,amount,currency\n"


class BundleProject:
    """A store, a ledger and a contract in a folder."""

    def __init__(self, folder, text=CONTRACT):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.engine = open_database(folder / "tallystick.db", create=True)
        self.store = RecordStore(self.engine, folder / "records")
        self.log = Log(self.engine, "tallystick/test")
        self.signer, self.keys = open_ledger_key(folder / "ledger.key", "tallystick/test")
        self.contract = self.load(text)
        self.reads = 0

    def load(self, text):
        """Read a contract from its text."""
        path = self.folder / "acme.yaml"
        path.write_text(text)
        return load_contract(path, templates={}, custom={"billing": {}})

    def read(self, *records, now=NOW):
        """Store records as one sync would that read everything up to `now`."""
        types = ["payment", "refund", "change", "invoice", "invoice_payment"]
        if not self.reads:
            self.store.plan("billing", "all", types, [(0, 2**60, {})])
        self.reads += 1
        progress = [Progress("all", 0, None, now)]
        self.store.commit("billing", records, progress, connector="test 1", api_version="1", observed_at=now)

    def claim(self, *lines, now=NOW, contract=None):
        """Import a file of claims."""
        path = self.folder / "claims.csv"
        path.write_text(CLAIMS + "".join(f"{line}\n" for line in lines))
        return import_file(self.engine, self.log, self.signer, contract or self.contract, path, now=now)

    def verify(self, now=NOW, contract=None):
        """Decide everything and record it."""
        return verify_contract(self.engine, self.store, self.log, self.signer, contract or self.contract, now=now)

    def bundle(self, name="b.tally", *, period="2026-09", now=NOW, issue=False, commitments=None):
        """Write the bundle of a statement, and give its path."""
        book = StatementBook(self.engine, self.log, self.contract)
        wanted = parse_period(period, self.contract.timezone)
        path = self.folder / name
        made = Bundling(self.engine, self.log, self.keys, [self.signer], commitments)
        agreement = read_agreement(self.engine, self.log, self.contract, upto=self.log.size)
        with open_turn(self.engine, self.store, self.log, agreement, now=now) as turn:
            verdicts = decide_current(turn)
            prepared = book.issue(self.signer, wanted, now=now) if issue else book.prepare(wanted, now=now)
            write_bundle(path, made, turn, prepared, verdicts)
        return path


def payment(record_id, day=3, *, as_of=None, deleted=False, **changes):
    """Give a payment of 100.00 EUR on a day of September 2026, changed as asked."""
    values = {
        "created_at": START + day * DAY,
        "status": "succeeded",
        "amount": Decimal("100.00"),
        "amount_captured": Decimal("100.00"),
        "currency": "EUR",
        "exponent": 2,
    }
    return _record("payment", record_id, values | changes, as_of, deleted)


def refund(record_id, payment_id, day=5, *, as_of=None, **changes):
    """Give a refund of a payment."""
    values = {"created_at": START + day * DAY, "status": "succeeded", "payment_id": payment_id, "currency": "EUR"}
    return _record("refund", record_id, values | {"amount": Decimal("100.00")} | changes, as_of)


def _record(kind, record_id, values, as_of=None, deleted=False):
    raw = msgspec.json.encode([kind, record_id, values], enc_hook=str)
    listed = tuple(values.get(column.name) for column in RECORD_TYPES[kind].columns)
    return Record(kind, record_id, as_of or values["created_at"], listed, raw, deleted)


def again(path, **options):
    """Recompute a bundle."""
    with open_archive(path) as archive:
        return recompute(archive, **options)


def die(*_):
    """End the process in which this runs, as one that is killed does."""
    os._exit(9)


def begin_and_die(connection, *_):
    """Say what a process that decides evidence says first, and end it."""
    connection.send_bytes(b"b")
    os._exit(9)


def members(path):
    """Give the content of each member of a bundle by name, without those that the archive itself needs."""
    with open_archive(path) as archive:
        return {member.name: archive.read(member.name) for member in archive.members}


def rebuild(path, content, signer):
    """Write a bundle with other content and a right manifest, signed by somebody."""
    path.unlink(missing_ok=True)
    with ArchiveWriter(path) as archive:
        for name, data in content.items():
            archive.add(name, data)
        archive.seal([signer])
    return path
