"""Export and import of what the parties did: versions, an end, issued statements with a note, samples, disputes."""

import json
from datetime import date

import msgspec
import pytest
from tests.exports import HOST, Alone, same_files, take_in, take_out
from tests.sampled import CONTRACT, MONTH, Office, in_september, payment

from tallystick.cli.project import open_project
from tallystick.cli.work import fsck_project, prepare_statement
from tallystick.contracts import Termination, load_contract
from tallystick.period import parse_instant, parse_period
from tallystick.records.catalog import Progress
from tallystick.statements.issuing import StatementBook
from tallystick.statements.render import render
from tallystick.verification.agreements import terminate
from tallystick.verification.dispute_acts import DisputeBook
from tallystick.verification.samples import read_findings

NEW_YEAR = parse_instant("2027-01-05T00:00:00Z")
PROJECT = """\
project: test
sources: {billing: {connector: stripe, key: env:STRIPE_KEY, start: "2026-01-01T00:00:00Z"}}
contracts: [acme.yaml]
"""
FIRST = CONTRACT + "finality: {dispute_days: 60}\n"
SECOND = (
    FIRST.replace("version: 1\n", "version: 2\neffective: 2026-11-01\n")
    .replace("price: {percent: 10}", "price: {percent: 12.5}", 1)
    .replace("outcomes:", "billing: {floor: {monthly: 300.00}}\noutcomes:")
)


def _failed_later(office, record_id, at):
    """Store that a payment, which had succeeded, failed after all, read completely up to that instant."""
    record = payment(record_id, at, 100)
    values = tuple("failed" if value == "succeeded" else value for value in record.values)
    record = msgspec.structs.replace(record, values=values, raw=record.raw.replace(b"succeeded", b"failed"))
    office.store.commit(
        "billing", [record], [Progress("all", 0, None, at)], connector="test 1", api_version="1", observed_at=at
    )


@pytest.fixture
def project(tmp_path):
    """A project of two versions that was ended, with statements, a note, samples with answers, and a dispute."""
    folder = tmp_path / "project"
    inside = folder / ".tallystick"
    inside.mkdir(mode=0o700, parents=True)
    office = Office(inside, FIRST)
    office.read(*(in_september(1 + number % 20) for number in range(40)))
    office.claim("paid", *range(30))
    office.verify()
    office.draw()
    office.answer(*((subject, "right") for subject in office.month()["paid"].entry.drawn))
    book = StatementBook(office.engine, office.log, office.contract)
    book.issue(office.signer, parse_period(MONTH, "Europe/Berlin"), now=office.now)
    said = {
        "by": "buyer",
        "reason": "refunded",
        "text": "Paid back in cash.",
        "now": parse_instant("2026-10-21T00:00:00Z"),
    }
    dispute = DisputeBook(office.engine, office.log, office.contract).open(office.signer, "C1", **said)

    office.now = parse_instant("2026-10-25T00:00:00Z")
    (folder / "acme.yaml").write_text(SECOND)
    office.contract = load_contract(folder / "acme.yaml", templates={}, custom={"billing": {}})
    office.verify()
    said = {"outcome": "rejected", "by": "vendor", "text": "So it was.", "now": parse_instant("2026-10-26T00:00:00Z")}
    DisputeBook(office.engine, office.log, office.contract).resolve(office.signer, dispute.id, **said)
    office.now = parse_instant("2026-11-05T00:00:00Z")
    _failed_later(office, "ch_2", office.now)
    office.verify()
    given = parse_instant("2026-11-06T00:00:00Z")
    end = Termination(date(2026, 12, 20), "buyer", "price", given)
    terminate(office.engine, office.log, office.signer, office.contract, end)
    book = StatementBook(office.engine, office.log, office.contract)
    issued = book.issue(office.signer, parse_period("2026-10", "Europe/Berlin"), now=given)
    assert [note.period for note in issued.notes] == [MONTH]
    office.engine.dispose()
    (folder / "tallystick.yaml").write_text(PROJECT)
    return folder


def _told(folder):
    """Give everything that a project says: statements as `tallystick statement` prints them, samples, and fsck."""
    with open_project(folder / "tallystick.yaml", HOST) as opened:
        periods = (MONTH, "2026-10", "2026-11", "2026-12")
        prepared = [prepare_statement(opened, "acme", period, NEW_YEAR) for period in periods]
        findings = read_findings(opened.engine, opened.log, "acme")
        return [render(statement, "json") for statement in prepared], findings, fsck_project(opened)


def test_what_the_parties_did_comes_back(project, tmp_path):
    """Every statement, issued or not, is the same bytes from an imported project, as are samples, fsck and export."""
    new, export = tmp_path / "new", tmp_path / "export"
    new.mkdir()
    take_out(project, export)
    take_in(new, export, key=project / ".tallystick" / "ledger.key")

    expected = _told(project)
    assert _told(new) == expected
    assert expected[2]["fsck"] == "ok"
    asked = ("statement", "acme", "2026-10", "--now", "2027-01-05T00:00:00Z")
    assert Alone(new).run(*asked).encode() == expected[0][1]
    kinds = {json.loads(line)["kind"] for line in (export / "ledger" / "entries.jsonl").read_bytes().splitlines()}
    assert kinds == {
        *("contract", "claims", "verdict", "sample", "sample_verdict"),
        *("statement", "dispute", "dispute_resolution", "termination"),
    }
    assert sorted(path.name for path in (export / "contracts").iterdir()) == ["acme.v1.json", "acme.v2.json"]
    take_out(new, tmp_path / "again")
    assert same_files(export, tmp_path / "again")
