"""The bundle of a statement with settled disputes: the other side comes to the same."""

import pytest
from tests.bundles import DAY, NOW, START, BundleProject, again, payment

from tallystick.verification.dispute_acts import DisputeBook

LATE = START + 24 * DAY + DAY // 2  # decided on the last day of September, and disputed until four hours after NOW


@pytest.fixture
def project(tmp_path):
    """A project with a claim that is verified, one that is rejected, one of an unknown record, and a second claim."""
    made = BundleProject(tmp_path / "p")
    made.read(payment("ch_1", created_at=LATE), payment("ch_2", created_at=LATE, status="failed"))
    made.claim("A,paid,ch_1,,,", "B,paid,ch_2,,,", "L,paid,ch_lost,,,", "A2,paid,ch_1,,,")
    made.verify()
    yield made
    made.engine.dispose()


def _settle(project, claim_id, by, outcome, *, reason="other", **more):
    book = DisputeBook(project.engine, project.log, project.contract)
    opened = book.open(project.signer, claim_id, by=by, reason=reason, text="No.", now=NOW)
    book.resolve(project.signer, opened.id, outcome=outcome, by="both", text="Yes.", now=NOW, **more)


def test_settled_claims_are_recomputed(project):
    """Claims that were settled, with and without a record, for and against the vendor, come to the same elsewhere."""
    _settle(project, "A", "buyer", "rejected")
    _settle(project, "B", "vendor", "verified", quantity="40.00")
    _settle(project, "L", "vendor", "verified", quantity="7.00")
    project.verify()

    september = again(project.bundle())
    october = again(project.bundle("c.tally", period="2026-10"))
    assert (september.differences, october.differences) == ([], [])
    assert (september.totals, october.totals) == (("4.00 EUR",), ("0.70 EUR",))


def test_a_settlement_without_its_verdict_is_seen(project):
    """Settled after the newest verdicts, a claim is not as the ledger says, and no bundle is made of it."""
    project.verify()
    _settle(project, "B", "vendor", "verified", quantity="40.00")

    with pytest.raises(Exception, match="claim:B is verified"):
        project.bundle()


def test_an_unsettled_dispute_changes_nothing(project):
    """An open dispute is in the bundle's ledger, and the verdict is what the evidence says."""
    book = DisputeBook(project.engine, project.log, project.contract)
    book.open(project.signer, "A", by="buyer", reason="other", text="No.", now=NOW)

    done = again(project.bundle())
    assert (done.differences, done.totals) == ([], ("10.00 EUR",))
