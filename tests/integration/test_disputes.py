"""`tallystick dispute` against a source as a process of its own: live look-ups, evidence, settlement, and refusals."""

import hashlib
import json

import pytest
from tests.exports import same_files, take_in, take_out

from tallystick.cli.project import open_project
from tallystick.cli.work import fsck_project
from tallystick.period import format_instant, parse_instant

DAY = 86_400_000_000


@pytest.fixture
def decided(company):
    """A company whose claims have verdicts; its `claims` are those ids by status, `contract` the name of the terms."""
    with open_project(company.folder / "tallystick.yaml") as project:
        [company.contract] = project.contracts
    company.run("claims", "import", company.write_claims(), "--contract", company.contract, "--now", company.now)
    company.run("sync", "--now", company.now)
    company.run("verify", "--now", company.now)
    from tallystick.verification.recorder import read_verdicts

    company.claims = {}
    with open_project(company.folder / "tallystick.yaml") as project:
        for verdict in read_verdicts(project.engine, company.contract).values():
            if not verdict.found and verdict.record_id:
                company.claims.setdefault(verdict.status, []).append(verdict)
    return company


def _open(company, claim_id, *more, by="vendor", reason="other", check=True, now=None):
    words = ["dispute", "open", claim_id, "--by", by, "--reason", reason, "--text", "We do not agree.", *more]
    return company.run(*words, "--now", now or company.now, "--json", check=check)


def _entries(company):
    return company.json("ledger", "fsck")["entries"]


def test_a_dispute_from_opening_to_settlement(decided):
    """A dispute keeps the record as the source shows it, is answered, settled, explained, and moves the verdict."""
    claim = decided.claims["rejected"][0]
    claim_id = claim.subject.removeprefix("claim:")
    (decided.folder / "mail.eml").write_text("They paid on the 3rd.")
    opened = json.loads(_open(decided, claim_id, "--evidence", "mail.eml", "--lookup").stdout)

    assert opened["state"] == "open"
    assert opened["id"] == f"{decided.contract}-D1"
    assert opened["lookup"]["ref"] == claim.record_id
    live = {(item["type"], item["id"]) for item in opened["lookup"]["records"]}
    assert ("payment", claim.record_id) in live
    folder = decided.folder / ".tallystick/evidence"
    exhibits = [*opened["evidence"], *opened["lookup"]["records"]]
    for item in exhibits:
        data = (folder / item["sha256"]).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (item["sha256"], item["size"])
    cited = {item["sha256"] for item in opened["lookup"]["records"] if item["cited"]}
    assert cited <= {item.raw_sha256 for item in claim.evidence}
    assert opened["evidence"][0]["name"] == "mail.eml"

    explained = decided.json("explain", claim_id, "--now", decided.now)
    assert explained["finality"]["stage"] == "disputed"
    assert [(item["id"], item["state"], item["until"]) for item in explained["disputes"]] == [
        (opened["id"], "open", opened["answer_until"])
    ]

    answered = decided.json("dispute", "answer", opened["id"], "--by", "buyer", "--text", "True.", "--now", decided.now)
    assert (answered["state"], answered["answer"]["late"]) == ("answered", False)
    [listed] = decided.json("dispute", "list", "--unsettled", "--now", decided.now)["disputes"]
    assert listed == answered == decided.json("dispute", "show", opened["id"], "--now", decided.now)

    resolve = ["dispute", "resolve", opened["id"], "--outcome", "verified", "--text", "It was paid.", "--by"]
    alone = decided.run(*resolve, "vendor", "--quantity", "80.00", "--now", decided.now, check=False)
    assert (alone.returncode, "in its own favour" in alone.stderr or "alone" in alone.stderr) == (2, True)
    settled = decided.json(*resolve, "both", "--quantity", "80.00", "--currency", "EUR", "--now", decided.now)
    assert (settled["state"], settled["resolution"]["quantity"]) == ("settled", "80.00")
    assert decided.json("verify", "--now", decided.now)["contracts"][0]["changed"] >= 1
    explained = decided.json("explain", claim_id, "--now", decided.now)
    assert (explained["status"], explained["finality"]["stage"]) == ("verified", "settled")
    assert explained["reasons"][0].startswith("dispute: settled as verified by both parties")
    assert "the parties settled it" in explained["kept"]
    assert decided.json("dispute", "list", "--unsettled", "--now", decided.now)["disputes"] == []
    assert decided.json("ledger", "fsck")["fsck"] == "ok"

    told = decided.run("explain", claim_id, "--now", decided.now).stdout
    assert "now settled" in told
    assert f"{opened['id']}: settled as verified" in told
    assert opened["id"] in decided.run("dispute", "list", "--now", decided.now).stdout
    assert "mail.eml" in decided.run("dispute", "show", opened["id"], "--now", decided.now).stdout

    take_out(decided.folder, decided.folder / "out")
    copy = decided.folder / "copy"
    copy.mkdir()
    take_in(copy, decided.folder / "out", key=decided.folder / ".tallystick/ledger.key")
    assert same_files(folder, copy / ".tallystick/evidence")
    with open_project(copy / "tallystick.yaml") as project:
        assert fsck_project(project)["fsck"] == "ok"

    (folder / opened["evidence"][0]["sha256"]).write_text("They paid on the 4th.")
    done = decided.run("ledger", "fsck", check=False)
    assert (done.returncode, "is altered" in done.stdout) == (4, True)


def test_a_source_that_cannot_be_asked(decided):
    """Where the source fails nothing is opened, exit 3; without the look-up the dispute is opened all the same."""
    claim_id = decided.claims["rejected"][0].subject.removeprefix("claim:")
    size = _entries(decided)
    decided.environment["STRIPE_KEY"] = "rk_live_expired"

    failed = _open(decided, claim_id, check=False)
    assert failed.returncode == 3, failed.stderr
    assert "Traceback" not in failed.stderr
    assert _entries(decided) == size
    assert json.loads(_open(decided, claim_id, "--no-lookup").stdout)["lookup"] is None


def test_bad_input_opens_nothing(decided):
    """Each wrong word of a dispute is refused with exit 2 and one message, and nothing is written."""
    rejected, verified = (
        decided.claims[status][0].subject.removeprefix("claim:") for status in ("rejected", "verified")
    )
    (decided.folder / "big").write_bytes(b"x" * 25_000_001)
    size = _entries(decided)
    late = format_instant(parse_instant(decided.now) + 400 * DAY)
    cases = {
        "no contract has a verdict": {"claim_id": "C-none"},
        "this project has no contract 'none'": {"claim_id": rejected, "more": ["--contract", "none"]},
        "no reason for a dispute": {"claim_id": rejected, "reason": "unfair"},
        "could be disputed until": {"claim_id": rejected, "now": late},
        "nothing to dispute": {"claim_id": rejected, "by": "buyer"},
        "only dispute how much": {"claim_id": verified},
        "there is no file": {"claim_id": rejected, "more": ["--evidence", "none.pdf"]},
        "has more than 25,000,000 bytes": {"claim_id": rejected, "more": ["--evidence", "big"]},
        "not one of 'buyer', 'vendor'": {"claim_id": rejected, "by": "us"},
    }
    for words, case in cases.items():
        more = case.pop("more", [])
        done = _open(decided, case.pop("claim_id"), *more, check=False, **case)
        said = " ".join((done.stderr + done.stdout).split())
        assert (done.returncode, words in said, "Traceback" in said) == (2, True, False), said
    for words in (
        ["answer", "x-D1", "--by", "buyer", "--text", "No."],
        ["resolve", "x-D1", "--outcome", "rejected", "--by", "both", "--text", "No."],
        ["show", "x-D1"],
    ):
        done = decided.run("dispute", *words, check=False)
        assert (done.returncode, "no dispute 'x-D1'" in done.stderr) == (2, True), done.stderr

    assert _entries(decided) == size
    assert not (decided.folder / ".tallystick/evidence").exists()
    _open(decided, rejected, "--no-lookup")
    twice = _open(decided, rejected, "--no-lookup", check=False)
    assert (twice.returncode, "is disputed in" in twice.stderr) == (2, True)


def test_explain_shows_the_calendar(decided):
    """A verified claim is explained with the dates of its finality, and the stage they put it in at each instant."""
    verdict = decided.claims["verified"][0]
    claim_id = verdict.subject.removeprefix("claim:")
    dates = decided.json("explain", claim_id, "--now", decided.now)["finality"]
    assert dates["locks_at"] == format_instant(verdict.locks_at)
    assert dates["observed_at"] == format_instant(verdict.occurred_at)
    assert dates["locks_at"] <= dates["disputable_until"] <= dates["closes_at"]
    assert dates["on_silence"]

    stages = [
        decided.json("explain", claim_id, "--now", at)["finality"]["stage"]
        for at in (dates["locks_at"], dates["disputable_until"], dates["closes_at"])
    ]
    assert stages == ["disputable", "accepted", "closed"]
    assert "disputable until" in decided.run("explain", claim_id, "--now", decided.now).stdout


def test_hubspot_is_asked_by_type_and_id(sales_company):
    """A system whose ids do not say what they are is asked for the record's type and id."""
    with open_project(sales_company.folder / "tallystick.yaml") as project:
        for name in project.sources:
            with project.connector(name) as connector:
                wanted = "meeting/512" if connector.name == "hubspot" else "512"
                assert connector.ref_of("meeting", "512") == wanted
