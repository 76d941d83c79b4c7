"""A bundle: what it holds is enough to come to the same verdicts and the same statement, and it holds no more."""

import pytest
from tests.bundles import CONTRACT, DAY, NOW, BundleProject, again, members, payment, refund

from tallystick.errors import ConfigurationError
from tallystick.statements.issuing import StatementBook

OCTOBER = NOW + 30 * DAY


@pytest.fixture
def project(tmp_path):
    """A project with claims of every kind, verified."""
    project = BundleProject(tmp_path)
    project.read(
        payment("ch_1"),
        payment("ch_2"),
        payment("ch_3", status="failed"),
        payment("ch_4"),
        refund("re_1", "ch_4"),
        payment("ch_5", amount_captured=None),
    )
    project.claim(
        "C1,paid,ch_1,2026-09-10T00:00:00Z,100.00,EUR",
        "C2,paid,ch_1,,,",
        "C3,paid,ch_3,,,",
        "C4,paid,ch_4,,,",
        "C5,paid,nope,,,",
        "C6,paid,ch_5,,,",
    )
    project.verify()
    return project


def test_the_other_side_comes_to_the_same(project):
    """Every record, verdict and line of a bundle is decided and priced again, and nothing differs."""
    done = again(project.bundle())

    assert done.differences == []
    assert done.totals == ("10.00 EUR",)
    assert done.counts == {"records": 5, "opened": 5, "rows": 6, "verdicts": 7, "kept": 0, "lines": 1}
    told = ["ledger", "contract", "conduct", "claims", "evidence", "verdicts", "statement"]
    assert [step.name for step in done.steps] == told


def test_a_bundle_is_made_the_same_way_twice(project):
    """The same project gives the same bytes again, and writing them over themselves is no error."""
    first = project.bundle("a.tally").read_bytes()

    assert project.bundle("b.tally").read_bytes() == first
    assert project.bundle("a.tally").read_bytes() == first


def test_verdicts_that_are_not_current_make_no_bundle(project):
    """What the evidence does not bear out by now is not bundled; the hint says to verify first."""
    project.read(refund("re_2", "ch_1", as_of=NOW), now=NOW + DAY)

    with pytest.raises(ConfigurationError, match=r"claim:C1 is reversed") as refused:
        project.bundle(now=NOW + DAY)
    assert "tallystick verify acme" in refused.value.hint
    assert not (project.folder / "b.tally").exists()


def test_a_bundle_never_takes_the_place_of_another_file(project):
    """A file that exists with other bytes stays as it is."""
    (project.folder / "b.tally").write_text("mine")

    with pytest.raises(ConfigurationError, match="not written over"):
        project.bundle()
    assert (project.folder / "b.tally").read_text() == "mine"


def test_a_late_refund_is_a_note_on_both_sides(project):
    """A refund after the statement was issued becomes the same note when the next bundle is recomputed."""
    issued = again(project.bundle("september.tally", issue=True))
    project.read(payment("ch_9", day=33), refund("re_2", "ch_1", as_of=NOW + DAY), now=OCTOBER)
    project.claim("C9,paid,ch_9,,,", now=OCTOBER)
    project.verify(OCTOBER)
    done = again(project.bundle("october.tally", period="2026-10", now=OCTOBER))

    assert (issued.differences, done.differences) == ([], [])
    assert (issued.totals, done.totals) == (("10.00 EUR",), ("0.00 EUR",))
    assert b'"kind":"credit"' in members(project.folder / "october.tally")["statement.json"]


def test_the_bundle_of_an_issued_statement_holds_the_entry_that_issues_it(project):
    """The ledger entry that issues the statement is shown, and the digest in it is held against the statement."""
    content = members(project.bundle(issue=True))
    book = StatementBook(project.engine, project.log, project.contract)

    [issued] = book.issued()
    assert f'"sha256":"{issued.sha256}"'.encode() in content["ledger.jsonl"]


def test_a_statement_issued_before_later_verdicts_is_not_bundled_later(project):
    """Verdicts that came after a statement was issued cannot stand for those it rests on."""
    project.bundle("september.tally", issue=True)
    project.read(refund("re_2", "ch_1", as_of=NOW + DAY), now=OCTOBER)
    project.verify(OCTOBER)

    with pytest.raises(ConfigurationError, match="issued before ledger entry"):
        project.bundle("again.tally", now=OCTOBER)


def test_what_was_kept_since_its_lock_is_told(project):
    """A verdict that the end of the clawback keeps, against what the evidence says by now, counts by itself."""
    late = NOW + 150 * DAY
    project.read(refund("re_2", "ch_1", as_of=NOW + 149 * DAY), now=late)
    project.verify(late)
    done = again(project.bundle(now=late))

    assert done.differences == []
    assert done.counts["kept"] == 1
    [kept] = [step.text for step in done.steps if step.name == "kept"]
    assert kept.startswith("1 kept since their lock, although the evidence changed: claim:C1 (entry ")


def test_a_claim_under_another_contract_is_named_and_nothing_else_of_it(project, tmp_path):
    """Of another contract the bundle holds who comes first for a record that matters here, and hashes."""
    first = BundleProject(tmp_path / "other")
    for one in (project.contract, project.load(CONTRACT.replace("contract: acme", "contract: other"))):
        first.contract = one
        first.claim(f"X-{one.name},paid,ch_1,,,", f"Y-{one.name},paid,ch_{one.name},,,")
    first.read(payment("ch_1"), payment("ch_acme"), payment("ch_other"))
    for one in (project.contract, first.contract):
        first.verify(contract=one)
    content = members(first.bundle())

    assert again(first.folder / "b.tally").differences == []
    assert b"X-acme" in content["rivals.jsonl"]
    assert b"Y-acme" not in b"".join(content.values())
    assert b'"hash"' in content["ledger.jsonl"]


def test_records_that_matter_to_no_claim_stay_at_home(project):
    """A record that nobody claimed and that does not meet the predicate is not in the bundle."""
    project.read(payment("ch_private", status="failed"), now=NOW)
    project.verify()

    assert b"ch_private" not in b"".join(members(project.bundle()).values())


def test_versions_decide_what_happened_in_their_time(project):
    """A claim on what happened after the second version took effect is priced by that one on both sides."""
    text = CONTRACT.replace("version: 1", "version: 2\neffective: 2026-11-01").replace("percent: 10", "percent: 20")
    second = project.load(text)
    project.verify(contract=second)
    november = NOW + 60 * DAY
    project.read(payment("ch_n", day=65), now=november)
    project.claim("C9,paid,ch_n,,,", now=november, contract=second)
    project.verify(november, second)
    project.contract = second
    done = again(project.bundle("n.tally", period="2026-11", now=november))

    assert [version.version for version in done.agreement.versions] == [1, 2]
    assert (done.differences, done.totals) == ([], ("20.00 EUR",))


def test_a_tombstone_that_is_looked_up_last_does_no_harm(tmp_path):
    """A bundle is made where the last reference of an outcome means a deleted record of several versions."""
    made = BundleProject(tmp_path / "last")
    made.read(payment("ch_1"), payment("ch_2"))
    made.claim("C1,paid,ch_1,,,", "C2,paid,ch_2,,,")
    made.read(payment("ch_2", deleted=True, as_of=NOW), now=NOW + DAY)
    made.verify(NOW + DAY)
    done = again(made.bundle(now=NOW + DAY))
    made.engine.dispose()

    assert done.differences == []


def test_a_tombstone_is_told(project):
    """What the source deleted is in the bundle as the instant of its deletion, and decides the claim again."""
    project.read(payment("ch_3", status="failed", deleted=True, as_of=NOW), now=NOW + DAY)
    project.verify(NOW + DAY)
    done = again(project.bundle(now=NOW + DAY))

    assert done.differences == []
    assert b'"deleted":' in members(project.folder / "b.tally")["references.jsonl"]


def test_more_verdicts_than_are_held_at_hand(tmp_path):
    """Some hundred claims, taken in out of the order of their records and decided in two turns, agree on both sides."""
    project = BundleProject(tmp_path / "many")
    numbers = [number * 37 % 300 for number in range(300)]
    project.read(*[payment(f"ch_{number:03}", day=3 if number % 3 else 34) for number in range(300)])
    project.claim(*[f"C{number:03},paid,ch_{number:03},,," for number in numbers])
    project.verify()
    project.read(
        *[refund(f"re_{number}", f"ch_{number:03}", as_of=OCTOBER) for number in range(0, 300, 7)], now=OCTOBER
    )
    project.verify(now=OCTOBER)
    done = again(project.bundle(now=OCTOBER))

    assert done.differences == []
    assert (done.counts["verdicts"], done.counts["records"]) == (300, 300)
