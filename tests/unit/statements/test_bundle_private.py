"""A private bundle shows no field of a record but those of opened claims, and these only as committed to."""

import json

import pytest
from tests.bundles import CONTRACT, DAY, NOW, BundleProject, again, members, payment, rebuild, refund

from tallystick.canonical import canonical
from tallystick.errors import ConfigurationError, Tampered
from tallystick.ledger import Signer
from tallystick.statements.commitments import Commitments, load_secret

STRANGER = Signer("stranger/key", b"\7" * 32)
SECRET = bytes(range(32))


@pytest.fixture
def project(tmp_path):
    """A project with two claims paid and one refunded."""
    project = BundleProject(tmp_path)
    project.read(payment("ch_1"), payment("ch_2"), payment("ch_4"), refund("re_1", "ch_4"))
    project.claim("C1,paid,ch_1,,,", "C2,paid,ch_2,,,", "C4,paid,ch_4,,,")
    project.verify()
    return project


def test_a_private_bundle_proves_the_money_and_shows_no_field(project):
    """With nothing opened no value of a record is in the bundle; ledger, claims and statement agree all the same."""
    path = project.bundle(commitments=Commitments(SECRET, frozenset()))
    done = again(path)

    assert (done.differences, done.totals) == ([], ("20.00 EUR",))
    assert {"opened": 0, "verdicts": 0, "taken": 3}.items() <= done.counts.items()
    evidence = members(path)["evidence.jsonl"]
    assert b'"data"' not in evidence
    assert b'succeeded",' not in evidence
    assert b"100.0000" not in evidence


def test_an_opened_claim_is_decided_again(project):
    """The rows of an opened claim, related ones too, are shown with their salts, and the claim is decided from them."""
    done = again(project.bundle(commitments=Commitments(SECRET, frozenset({"C4"}))))

    assert done.differences == []
    assert {"opened": 1, "verdicts": 1, "taken": 2}.items() <= done.counts.items()
    rows = [json.loads(line)["row"] for line in _evidence(project) if b'"row":{' in line]
    assert {row["id"] for row in rows if "data" in row} == {"ch_4", "re_1"}


def test_an_opened_claim_of_one_unit_is_decided_again(tmp_path):
    """Where an outcome has no quantity, an opened claim is the one unit that the ledger says it is."""
    text = CONTRACT.replace("    quantity: amount_captured\n", "").replace("percent: 10", "per_unit: 2.40")
    project = BundleProject(tmp_path, text)
    project.read(payment("ch_1"))
    project.claim("C1,paid,ch_1,,,")
    project.verify()
    done = again(project.bundle(commitments=Commitments(SECRET, frozenset({"C1"}))))
    project.engine.dispose()

    assert (done.differences, done.totals, done.counts["verdicts"]) == ([], ("2.40 EUR",), 1)


def test_an_opened_claim_that_is_kept_is_told(project):
    """What changed after the clawback moves no verdict: an opened claim that it would have moved is told as kept."""
    late = NOW + 200 * DAY
    project.read(refund("re_2", "ch_1", created_at=late - DAY), now=late)
    project.verify(now=late)
    done = again(project.bundle(now=late, commitments=Commitments(SECRET, frozenset({"C1"}))))

    assert (done.differences, done.counts["kept"]) == ([], 1)
    assert "claim:C1 (entry " in next(step.text for step in done.steps if step.name == "kept")


def _evidence(project):
    return members(project.folder / "b.tally")["evidence.jsonl"].splitlines()


def test_a_commitment_does_not_depend_on_what_is_opened(project):
    """The same field has the same commitment whether it is opened or not, so it can be opened later."""
    hidden = members(project.bundle("a.tally", commitments=Commitments(SECRET, frozenset())))["evidence.jsonl"]
    opened = members(project.bundle("b.tally", commitments=Commitments(SECRET, frozenset({"C1"}))))["evidence.jsonl"]

    def commitments(data):
        rows = [json.loads(line).get("row") for line in data.splitlines()]
        return {(row["id"], row["version"]): row["commitments"] for row in rows if isinstance(row, dict)}

    assert commitments(hidden) == commitments(opened)
    values = [held for row in commitments(hidden).values() for held in row.values()]
    assert len(set(values)) == len(values)


@pytest.mark.parametrize(("field", "value"), [("status", "failed"), ("amount_captured", "900.0000")])
def test_an_opened_field_that_was_changed_is_named(project, field, value):
    """A value that does not fit its commitment is refused with the row and the field."""
    content = members(project.bundle(commitments=Commitments(SECRET, frozenset({"C1"}))))
    lines = [json.loads(line) for line in content["evidence.jsonl"].splitlines()]
    [row] = [line["row"] for line in lines if isinstance(line["row"], dict) and "data" in line["row"]]
    row["data"][field] = value
    content["evidence.jsonl"] = b"".join(canonical(line) + b"\n" for line in lines)

    with pytest.raises(Tampered, match=f"payment ch_1 version 1: {field} is opened as '{value}'"):
        again(rebuild(project.folder / "changed.tally", content, STRANGER))


def test_the_secret_is_made_once_and_kept_to_its_owner(tmp_path):
    """The secret of a project has mode 0600 and stays the same; a damaged one is refused, not replaced."""
    path = tmp_path / "commitments.key"
    first = load_secret(path)

    assert load_secret(path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("x")
    with pytest.raises(ConfigurationError, match="secret"):
        load_secret(path)
    assert path.read_text() == "x"
