"""Claims against records: every kind of verdict, and that one order of the claims decides."""

from decimal import Decimal

import pytest

from tallystick.contracts import load_contract
from tallystick.outcomes import Inputs
from tallystick.verification.claim import Claim
from tallystick.verification.verdict import Verdict
from tallystick.verification.verifier import Decision

DAY = 86_400_000_000
NOW = 1_790_000_000_000_000
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
      succeeded: {test: "status = 'succeeded'", open: "status = 'pending'"}
      method_known: "method = 'card' or method is null"
      platform: {test: "channel = 'platform'", guard: true}
      waited: {test: "amount_captured > 0", until: "created_at + interval '5 days'"}
    quantity: amount_captured
    price: {percent: 10}
"""
ALL_READ = Inputs(read_from={"payment": 0}, read_to={"payment": NOW})


@pytest.fixture
def contract(tmp_path):
    """A contract over payments, without related records."""
    path = tmp_path / "acme.yaml"
    path.write_text(CONTRACT)
    return load_contract(path, templates={}, custom={"billing": {}})


@pytest.fixture
def verdicts(contract, evidence):
    """Give a function from records and claims to verdicts by subject."""

    def build(records, claims, *, inputs=ALL_READ, now=0, before=None):
        known = {subject: _earlier(subject, status) for subject, status in (before or {}).items()}
        decision = Decision(evidence(*records), contract, contract.outcomes["paid"], inputs, now=0, before=known)
        owner = {}
        found = decision.claimed(claims, owner) + decision.found(owner)
        assert len({verdict.subject for verdict in found}) == len(found)
        return {verdict.subject: verdict for verdict in found}

    return build


def _earlier(subject, status, record_id=None):
    """Give an earlier verdict on a subject."""
    fixed = {
        "contract": "acme",
        "contract_version": 1,
        "contract_sha256": "",
        "outcome": "paid",
        "record_type": "payment",
    }
    return Verdict(
        **fixed, subject=subject, status=status, ref="", record_id=record_id, was_verified=status == "reversed"
    )


def _claim(claim_id, ref, claimed_at=NOW - DAY, amount=None):
    return Claim(claim_id=claim_id, outcome="paid", ref=ref, claimed_at=claimed_at, amount=amount, currency=None)


def _short(verdict):
    return verdict.status, verdict.reasons[0].clause if verdict.reasons else ""


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("verified", "")),
        ({"status": "failed"}, ("rejected", "succeeded")),
        ({"status": "pending"}, ("pending", "succeeded")),
        ({"status": None}, ("unverifiable", "succeeded")),
        ({"channel": "off_platform"}, ("unverifiable", "platform")),
        ({"created_at": NOW - 2 * DAY}, ("pending", "waited")),
        ({"status": "failed", "channel": "off_platform"}, ("rejected", "succeeded")),
    ],
)
def test_status_follows_the_clauses(verdicts, payment, changes, expected):
    """The first false clause, then a missing fact, then an open window decide; otherwise the claim is verified."""
    found = verdicts([payment("ch_1", **changes)], [_claim("A", "ch_1")])

    assert _short(found["claim:A"]) == expected


@pytest.mark.parametrize(("days_before_term", "expected"), [(1, ("rejected", "term")), (0, ("verified", ""))])
def test_only_what_happened_in_the_term_counts(verdicts, payment, contract, days_before_term, expected):
    """An outcome before the first instant of the term is rejected, and not found either; at that instant it counts."""
    happened = contract.term.starts_at - days_before_term * DAY
    found = verdicts(
        [payment("ch_1", created_at=happened), payment("ch_2", created_at=happened)], [_claim("A", "ch_1")]
    )

    assert _short(found["claim:A"]) == expected
    assert ("found:paid:ch_2" in found) == (expected[0] == "verified")


def test_a_verified_claim_carries_what_is_priced(verdicts, payment):
    """A verified claim has quantity, currency, the instant it is decided at and the record version it rests on."""
    verdict = verdicts([payment("ch_1")], [_claim("A", "ch_1", amount=Decimal(120))])["claim:A"]

    assert (verdict.quantity, verdict.currency) == (Decimal("100.0000"), "EUR")
    assert verdict.decided_at == NOW - 5 * DAY
    assert verdict.claimed_amount == Decimal(120)
    assert [(item.type, item.id, item.version) for item in verdict.evidence] == [("payment", "ch_1", 1)]


def test_the_first_claim_on_a_record_keeps_it(verdicts, payment):
    """A second claim on the same record, by whatever name, is rejected as a duplicate and names the first."""
    found = verdicts([payment("ch_1", intent_id="pi_1")], [_claim("B", "pi_1"), _claim("A", "ch_1")])

    assert _short(found["claim:B"]) == ("verified", "")
    assert _short(found["claim:A"]) == ("rejected", "duplicate")
    assert "B" in found["claim:A"].reasons[0].text


def test_no_such_record(verdicts):
    """A claim on nothing is pending until the source is read past the claim, and rejected after that."""
    claims = [_claim("A", "nothing", NOW - 1), _claim("B", "nothing", NOW), _claim("C", "nothing", None)]
    found = verdicts([], claims)

    assert _short(found["claim:A"]) == ("rejected", "no_such_record")
    assert _short(found["claim:B"]) == ("pending", "no_such_record")
    assert _short(found["claim:C"]) == ("rejected", "no_such_record")


def test_a_record_may_be_older_than_the_history(verdicts):
    """Where the history begins after the term did, a missing record is unverifiable, not missing."""
    late = Inputs(read_from={"payment": NOW - 30 * DAY}, read_to={"payment": NOW})

    assert _short(verdicts([], [_claim("A", "nothing")], inputs=late)["claim:A"]) == ("unverifiable", "no_such_record")


def test_an_unknown_quantity_is_unverifiable(contract, evidence, payment, tmp_path):
    """A record that meets every clause and says no amount is unverifiable, because nothing can be priced."""
    path = tmp_path / "free.yaml"
    path.write_text(CONTRACT.replace("amount_captured > 0", "captured"))
    outcome = load_contract(path, templates={}, custom={"billing": {}}).outcomes["paid"]
    decision = Decision(evidence(payment("ch_1", amount_captured=None)), contract, outcome, ALL_READ, now=0, before={})

    assert _short(decision.claimed([_claim("A", "ch_1")], {})[0]) == ("unverifiable", "quantity")


def test_nothing_is_known_of_a_source_never_read(verdicts, payment):
    """With no watermark nothing is verified, and a missing record is not called missing."""
    never = Inputs(read_from={}, read_to={})
    found = verdicts(
        [payment("ch_1")], [_claim("A", "ch_1"), _claim("B", "nothing"), _claim("C", "nothing", None)], inputs=never
    )

    assert {verdict.status for verdict in found.values()} == {"pending"}


def test_an_ambiguous_reference_names_its_candidates(verdicts, payment):
    """A reference that may mean two records is unverifiable and names both."""
    records = [payment("ch_1", intent_id="pi_1"), payment("ch_2", intent_id="pi_1")]
    found = verdicts(records, [_claim("A", "pi_1")])

    assert _short(found["claim:A"]) == ("unverifiable", "ambiguous")
    assert "ch_1, ch_2" in found["claim:A"].reasons[0].text
    assert {"found:paid:ch_1", "found:paid:ch_2"} <= set(found)


def test_what_nobody_claimed_is_found(verdicts, payment):
    """Records that meet the predicate and that nobody claimed are found, in the order of their ids."""
    records = [payment("ch_3"), payment("ch_2", status="failed"), payment("ch_1")]
    found = verdicts(records, [])

    assert list(found) == ["found:paid:ch_1", "found:paid:ch_3"]
    assert all(verdict.found and verdict.status == "verified" for verdict in found.values())


def test_found_is_closed_once_claimed(verdicts, payment):
    """A record found earlier and claimed now is closed as found, so that it never counts twice."""
    found = verdicts([payment("ch_1")], [_claim("A", "ch_1")], before={"found:paid:ch_1": "verified"})

    assert _short(found["claim:A"]) == ("verified", "")
    assert _short(found["found:paid:ch_1"]) == ("rejected", "not_found")
    assert found["found:paid:ch_1"].quantity is None


@pytest.mark.parametrize("before", ["verified", "reversed"])
def test_what_was_verified_is_reversed(verdicts, payment, before):
    """A claim verified before and false now is reversed, stays reversed, and carries no quantity."""
    found = verdicts([payment("ch_1", status="failed")], [_claim("A", "ch_1")], before={"claim:A": before})

    assert _short(found["claim:A"]) == ("reversed", "succeeded")
    assert found["claim:A"].quantity is None


def test_what_was_rejected_is_not_reversed(verdicts, payment):
    """A claim that was never verified is rejected, not reversed."""
    found = verdicts([payment("ch_1", status="failed")], [_claim("A", "ch_1")], before={"claim:A": "rejected"})

    assert _short(found["claim:A"]) == ("rejected", "succeeded")


def test_the_same_input_gives_the_same_verdicts(verdicts, payment):
    """Deciding again gives equal verdicts, whatever order the records came in."""
    records = [payment(f"ch_{number}") for number in range(20)]
    claims = [_claim(f"C{number}", f"ch_{number}") for number in range(10)]
    first, second = verdicts(records, claims), verdicts(records[::-1], claims)

    strip = lambda verdict: (verdict.subject, _short(verdict), verdict.quantity, verdict.decided_at)  # noqa: E731
    assert [strip(verdict) for verdict in first.values()] == [strip(verdict) for verdict in second.values()]
