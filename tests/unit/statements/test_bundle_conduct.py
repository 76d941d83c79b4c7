"""A dishonest keeper of a ledger signs entries that its own commands would refuse; who recomputes is told."""

from dataclasses import replace as changed
from datetime import date

import pytest
from tests.bundles import CONTRACT, DAY, NOW, START, BundleProject, again, members, payment, rebuild, refund

from tallystick.contracts import Termination
from tallystick.errors import Tampered
from tallystick.ledger.checkpoint import Checkpoint, sign_checkpoint
from tallystick.ledger.merkle import hash_leaf
from tallystick.ledger.pruned import PrunedTree, Shown, read_piece, write_piece
from tallystick.period import parse_period
from tallystick.statements import disclosed, issuing
from tallystick.statements.issuing import StatementBook
from tallystick.statements.rating import rate
from tallystick.verification import agreements, dispute_acts, intake, recorder, samples, sampling
from tallystick.verification.agreements import terminate
from tallystick.verification.dispute_acts import DisputeBook
from tallystick.verification.samples import draw_samples

LATE = START + 24 * DAY + DAY // 2


@pytest.fixture
def project(tmp_path):
    """A project with a claim that is verified, and one that is rejected."""
    made = BundleProject(tmp_path / "p")
    made.read(payment("ch_1", created_at=LATE), payment("ch_2", created_at=LATE, status="failed"))
    made.claim("A,paid,ch_1,,,", "B,paid,ch_2,,,")
    made.verify()
    yield made
    made.engine.dispose()


def _told(project, *, now=NOW):
    return [(one.where, one.field, one.found) for one in again(project.bundle(now=now)).differences]


def test_an_honest_ledger_has_nothing_to_tell(project):
    """What the commands write is what they may write, and a notice is told by who gave it."""
    notice = Termination(date(2026, 12, 31), "vendor", "No more.", NOW)
    terminate(project.engine, project.log, project.signer, project.contract, notice)
    project.verify()
    done = again(project.bundle())

    assert done.differences == []
    assert next(step.text for step in done.steps if step.name == "end").endswith("contract is 2026-12-31")


def test_a_reversal_after_the_clawback_is_told(project, monkeypatch):
    """A verdict that is reversed once nothing may move it is a difference, though the evidence bears it out."""
    late = NOW + 200 * DAY
    project.read(refund("re_1", "ch_1", created_at=late - DAY), now=late)
    monkeypatch.setattr("tallystick.verification.rules.is_kept", lambda *_, **__: False)
    project.verify(now=late)
    path = project.bundle(now=late)
    monkeypatch.undo()

    assert any("as nothing moves it from" in one.found for one in again(path).differences)


def test_a_locked_verdict_made_pending_is_told(project, monkeypatch):
    """What locked does not go back to pending because less is known; a ledger that says so is told."""
    late = NOW + 20 * DAY
    monkeypatch.setattr("tallystick.verification.rules.is_kept", lambda *_, **__: False)
    real = recorder.inputs_for
    monkeypatch.setattr(recorder, "inputs_for", lambda engine, outcome, now: real(engine, outcome, LATE))
    project.verify(now=late)
    path = project.bundle(now=late)
    monkeypatch.undo()

    assert any("verified, as it locked at" in one.found for one in again(path).differences)


def test_a_locked_verdict_reversed_for_want_of_evidence_is_told(project, monkeypatch):
    """A record that is deleted after the lock says nothing against it; a ledger that reverses it for that is told."""
    late = NOW + 20 * DAY
    project.read(payment("ch_1", created_at=LATE, as_of=late - DAY, deleted=True), now=late)
    monkeypatch.setattr("tallystick.verification.rules.is_kept", lambda *_, **__: False)
    project.verify(now=late)
    path = project.bundle(now=late)
    monkeypatch.undo()

    assert any("nothing is known against it" in one.found for one in again(path).differences)


def test_a_notice_too_short_is_told(project, monkeypatch):
    """An end that comes sooner than the terms allow is a difference."""
    monkeypatch.setattr(agreements, "_refuse_termination", lambda *_: None)
    notice = Termination(date(2026, 10, 6), "buyer", "At once.", NOW)
    terminate(project.engine, project.log, project.signer, project.contract, notice)
    project.verify()

    [(_, field, found)] = _told(project)
    assert field == "key"
    assert found.startswith("no earlier than")


def test_a_version_that_changes_the_past_is_told(project, monkeypatch):
    """A version whose entry was written after it took effect is a difference."""
    monkeypatch.setattr(intake, "_refuse_to_rewrite", lambda *_: None)
    text = CONTRACT.replace("version: 1", "version: 2\neffective: 2026-09-01").replace("percent: 10", "percent: 1")
    project.contract = project.load(text)
    project.verify()

    assert any("effective" in field for _, field, _ in _told(project))


def test_a_settlement_in_ones_own_favour_is_told(project, monkeypatch):
    """A dispute that the buyer alone settled against the vendor is a difference."""
    book = DisputeBook(project.engine, project.log, project.contract)
    opened = book.open(project.signer, "A", by="buyer", reason="other", text="No.", now=NOW)
    monkeypatch.setattr(dispute_acts, "check_resolve", lambda *_, **__: None)
    book.resolve(project.signer, opened.id, outcome="rejected", by="buyer", text="No.", now=NOW)
    project.verify()

    assert any("the buyer cannot settle" in found for *_, found in _told(project))


def test_an_act_in_no_dispute_is_refused(project):
    """An answer in a dispute that nobody opened is refused as everything is that no Tallystick writes."""
    book = DisputeBook(project.engine, project.log, project.contract)
    opened = book.open(project.signer, "A", by="buyer", reason="other", text="No.", now=NOW)
    book.answer(project.signer, opened.id, by="vendor", text="Yes.", now=NOW)
    path = project.bundle()
    content = members(path)
    *lines, answer = content["ledger.jsonl"].splitlines()
    piece = read_piece(answer, "x")
    entry = piece.entry.replace(b'"key":"acme-D1"', b'"key":"acme-D9"')
    lines.append(write_piece(Shown(piece.index, hash_leaf(entry), entry)))
    tree = PrunedTree(len(lines))
    for line in lines:
        tree.add(read_piece(line, "x"))
    signed = Checkpoint("tallystick/test", len(lines), tree.roots()[len(lines)])
    content["ledger.jsonl"] = b"".join(b"%b\n" % line for line in lines)
    content["checkpoint.txt"] = sign_checkpoint(signed, project.signer).encode()

    with pytest.raises(Tampered, match="no dispute_answer as Tallystick writes it: 'acme-D9'"):
        again(rebuild(path, content, project.signer))


def test_a_settlement_is_told_by_its_claim(project):
    """What both parties are said to have settled is listed, so that each compares it with what it agreed to."""
    book = DisputeBook(project.engine, project.log, project.contract)
    opened = book.open(project.signer, "A", by="buyer", reason="other", text="No.", now=NOW)
    book.resolve(project.signer, opened.id, outcome="rejected", by="both", text="No.", now=NOW)
    project.verify()
    done = again(project.bundle())

    assert done.differences == []
    assert "claim:A as rejected in acme-D1" in next(step.text for step in done.steps if step.name == "settled")


def test_time_that_goes_back_is_told(project, monkeypatch):
    """An entry dated before the one that stands before it is a difference."""
    monkeypatch.setattr(recorder, "refuse_the_past", lambda *_: None)
    project.claim("C,paid,nope,,,", now=NOW + DAY)
    project.verify(now=NOW)

    assert any(field == "at" and found.startswith("no earlier than") for _, field, found in _told(project))


@pytest.fixture
def sampled(tmp_path):
    """A project whose contract samples two of four lines of September, and the function that draws them."""
    text = CONTRACT.replace(
        "price: {percent: 10}", "price: {percent: 10}\n    sample: {size: 2, tolerance: 5, rule: hold}"
    )
    made = BundleProject(tmp_path / "p", text)
    made.read(*(payment(f"ch_{number}") for number in range(4)))
    made.claim(*(f"C{number},paid,ch_{number},,," for number in range(4)))
    made.verify()
    yield made, lambda: draw_samples(made.engine, made.log, made.signer, made.contract, "2026-09", now=NOW)
    made.engine.dispose()


def test_a_sample_is_drawn_again(sampled):
    """A sample that follows from the ledger before it is no difference."""
    project, draw = sampled
    draw()

    assert _told(project) == []


def test_a_sample_of_chosen_lines_is_told(sampled, monkeypatch):
    """A sample of lines that somebody chose, and no seed drew, is a difference."""
    project, draw = sampled
    monkeypatch.setattr(samples, "draw", lambda lines, size, _: sorted(lines, reverse=True)[:size])
    [drawn] = draw()
    honest = sampling.draw([f"claim:C{number}" for number in range(4)], 2, drawn.entry.seed)

    assert set(drawn.entry.drawn) != set(honest) or list(drawn.entry.drawn) != honest
    assert any("its seed draws other lines" in found for *_, found in _told(project))


@pytest.mark.parametrize("forged", [{"tolerance": "1E+999999999"}, {"size": 10**12}, {"tolerance": "NaN"}])
def test_a_sample_that_takes_for_ever_is_refused(sampled, monkeypatch, forged):
    """A sample entry whose numbers nothing can be computed of in time is refused as it stands."""
    project, draw = sampled
    draw()
    path = project.bundle()
    terms = {"size": 2, "tolerance": "5", "rule": "hold", "confidence": 95, **forged}
    real = disclosed.findings_of
    monkeypatch.setattr(
        disclosed,
        "findings_of",
        lambda acts: real((at, {**act, "terms": terms} if act["kind"] == "sample" else act) for at, act in acts),
    )
    with pytest.raises(Tampered, match="a sample in the bundle cannot be read"):
        again(path)


def test_a_sample_under_other_terms_is_told(sampled, monkeypatch):
    """A sample with a tolerance that the contract does not name is a difference."""
    project, draw = sampled
    real = samples.append_acts
    loose = {"size": 2, "tolerance": "50", "rule": "hold", "confidence": 95}
    monkeypatch.setattr(
        samples, "append_acts", lambda *start, entries=None: real(*start[:3], [{**start[3][0], "terms": loose}])
    )
    draw()

    assert any("its terms are not those" in found for *_, found in _told(project))


def test_a_month_billed_twice_is_told(project, monkeypatch):
    """A quarter that holds a month whose statement was issued is a difference, whether it is issued or not."""
    monkeypatch.setattr(issuing, "_refuse_overlap", lambda *_: None)
    late = NOW + 90 * DAY
    project.read(now=late)
    project.verify(now=late)
    book = StatementBook(project.engine, project.log, project.contract)
    book.issue(project.signer, parse_period("2026-09", "Europe/Berlin"), now=late)
    draft = again(project.bundle("draft.b", period="2026Q3", now=late)).differences
    final = again(project.bundle("final.b", period="2026Q3", now=late, issue=True)).differences

    assert [(one.field, one.found) for one in draft] == [("2026-09", "billed in 2026Q3")]
    assert "nothing, as 2026-09 was issued" in [one.found for one in final]


def test_a_month_billed_before_it_is_over_is_told(project, monkeypatch):
    """A statement that was issued before its period was over is a difference."""
    monkeypatch.setattr(issuing, "rate", lambda *given, **more: changed(rate(*given, **more), provisional=()))
    book = StatementBook(project.engine, project.log, project.contract)
    book.issue(project.signer, parse_period("2026-10", "Europe/Berlin"), now=NOW)
    found = again(project.bundle(period="2026-09", now=NOW)).differences

    assert any(one.field == "2026-10" and one.found.startswith("issued no earlier than") for one in found)
