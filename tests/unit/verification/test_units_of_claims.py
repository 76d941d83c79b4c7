"""One unit, one claim: records that belong together are paid once, whichever of them is claimed."""

from dataclasses import replace

import pytest
from tests.united import APART, CONVERSATION, DAY, NOW, PER_DAY

from tallystick.contracts import load_contract
from tallystick.outcomes import Inputs
from tallystick.outcomes.predicate import Unit
from tallystick.period import parse_instant
from tallystick.verification.claim import Claim
from tallystick.verification.units import Holder
from tallystick.verification.verifier import Decision

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
    facts: {carries_on: beneficiary, went_into: app_id, asked_by: customer_id}
    clauses:
      succeeded: {test: "status = 'succeeded'", open: "status = 'pending'"}
      method_known: "method = 'card' or method is null"
    price: {per_unit: 1}
"""
ALL_READ = Inputs(read_from={"payment": 0}, read_to={"payment": NOW})


@pytest.fixture
def decide(tmp_path, evidence):
    """Give a function from records, claims and a unit to verdicts by subject."""
    path = tmp_path / "acme.yaml"
    path.write_text(CONTRACT)
    contract = load_contract(path, templates={}, custom={"billing": {}})

    def build(records, claims, unit=CONVERSATION, **more):
        plain = contract.outcomes["paid"]
        outcome = replace(plain, predicate=replace(plain.predicate, unit=unit))
        decision = Decision(evidence(*records), contract, outcome, ALL_READ, **{"now": 0, "before": {}, **more})
        owner = {}
        verdicts = decision.claimed(claims, owner) + decision.found(owner)
        return {verdict.subject: verdict for verdict in verdicts}

    return build


def _claims(*refs):
    """Give one claim on each record, oldest first, named after it."""
    return [Claim(f"C-{ref}", "paid", ref, NOW - DAY, None, None) for ref in refs]


def _short(verdicts):
    """Give status and first reason of each subject."""
    return {
        subject: (verdict.status, verdict.reasons[0].clause if verdict.reasons else "")
        for subject, verdict in verdicts.items()
    }


LINKED = {
    "follow-up": {"carries_on": "ch_1"},
    "merged": {"went_into": "ch_1"},
}
COLUMNS = {"carries_on": "beneficiary", "went_into": "app_id"}


@pytest.mark.parametrize("how", LINKED)
def test_a_later_claim_on_the_same_unit_is_a_duplicate(decide, payment, how):
    """The claim that comes first is paid, and the other is rejected with the record and the claim that were."""
    columns = {COLUMNS[name]: value for name, value in LINKED[how].items()}
    records = [payment("ch_1"), payment("ch_2", **columns)]

    first = decide(records, _claims("ch_1", "ch_2"))
    assert _short(first) == {"claim:C-ch_1": ("verified", ""), "claim:C-ch_2": ("rejected", "duplicate")}
    assert first["claim:C-ch_2"].reasons[0].text == "ch_1, of the same unit, was already claimed as C-ch_1"
    second = decide(records, _claims("ch_2", "ch_1"))
    assert _short(second) == {"claim:C-ch_2": ("verified", ""), "claim:C-ch_1": ("rejected", "duplicate")}


def test_a_chain_goes_through_what_is_not_paid(decide, payment):
    """Two ends of a chain whose middle meets nothing and is claimed by nobody are one unit."""
    records = [
        payment("ch_1"),
        payment("ch_2", status="failed", beneficiary="ch_1"),
        payment("ch_3", status="failed", beneficiary="ch_2"),
        payment("ch_4", beneficiary="ch_3"),
    ]

    assert _short(decide(records, _claims("ch_1", "ch_4")))["claim:C-ch_4"] == ("rejected", "duplicate")


def test_one_requester_on_one_day_is_one_unit(decide, payment):
    """Of two records of one requester on one day one is paid; the next day starts another unit."""
    noon = parse_instant("2026-06-10T10:00:00Z")
    records = [
        payment("ch_1", customer_id="c", created_at=noon),
        payment("ch_2", customer_id="c", created_at=noon + DAY // 4),
        payment("ch_3", customer_id="c", created_at=noon + DAY),
        payment("ch_4", customer_id="d", created_at=noon),
    ]
    found = _short(decide(records, _claims("ch_1", "ch_2", "ch_3", "ch_4"), PER_DAY))

    assert [status for status, _ in found.values()] == ["verified", "rejected", "verified", "verified"]
    assert {status for status, _ in _short(decide(records, _claims("ch_1", "ch_2"))).values()} == {"verified"}


def test_the_first_pending_claim_holds(decide, payment):
    """A claim that could be verified waits for an earlier one on its unit that is not decided yet."""
    records = [payment("ch_1", status="pending"), payment("ch_2", beneficiary="ch_1")]
    found = decide(records, _claims("ch_1", "ch_2"))

    assert _short(found) == {"claim:C-ch_1": ("pending", "succeeded"), "claim:C-ch_2": ("pending", "duplicate")}
    text = "ch_1, of the same unit, was claimed before as C-ch_1, which is not decided yet"
    assert found["claim:C-ch_2"].reasons[0].text == text


def test_a_later_pending_claim_says_its_own_reason(decide, payment):
    """A later claim that is not decided itself is pending by its own clause, whoever holds the unit."""
    records = [payment("ch_1"), payment("ch_2", status="pending", beneficiary="ch_1")]

    assert _short(decide(records, _claims("ch_1", "ch_2")))["claim:C-ch_2"] == ("pending", "succeeded")


@pytest.mark.parametrize(
    ("changes", "status"), [({"status": "failed"}, "rejected"), ({"status": None}, "unverifiable")]
)
def test_a_claim_that_is_not_paid_frees_the_unit(decide, payment, changes, status):
    """An earlier claim that is rejected or cannot be verified leaves the unit to the later one."""
    records = [payment("ch_1", **changes), payment("ch_2", beneficiary="ch_1")]

    assert _short(decide(records, _claims("ch_1", "ch_2"))) == {
        "claim:C-ch_1": (status, "succeeded"),
        "claim:C-ch_2": ("verified", ""),
    }


def test_a_rejected_claim_keeps_its_own_clause(decide, payment):
    """A later claim that is false for itself is rejected by its clause, not as a duplicate."""
    records = [payment("ch_1"), payment("ch_2", status="failed", beneficiary="ch_1")]

    assert _short(decide(records, _claims("ch_1", "ch_2")))["claim:C-ch_2"] == ("rejected", "succeeded")


def test_a_unit_that_was_freed_and_is_held_again_is_reversed(decide, payment):
    """A claim that was verified while the earlier one was rejected is reversed once that one is verified."""
    records = [payment("ch_1", status="failed"), payment("ch_2", beneficiary="ch_1")]
    before = decide(records, _claims("ch_1", "ch_2"))
    after = decide([payment("ch_1"), records[1]], _claims("ch_1", "ch_2"), before=before)

    assert _short(after) == {"claim:C-ch_1": ("verified", ""), "claim:C-ch_2": ("reversed", "duplicate")}


def test_two_claims_on_one_record_of_a_unit(decide, payment):
    """A second claim on the same record is a duplicate of the first, also while that one waits."""
    records = [payment("ch_1", status="pending"), payment("ch_2", beneficiary="ch_1")]
    claims = [*_claims("ch_1", "ch_2"), Claim("again", "paid", "ch_2", NOW - DAY, None, None)]

    assert _short(decide(records, claims))["claim:again"] == ("rejected", "duplicate")


@pytest.mark.parametrize("status", ["succeeded", "pending"])
def test_nothing_is_found_in_a_unit_that_is_held(decide, payment, status):
    """A record that nobody claimed is not found where a claim on another record of its unit is verified or pending."""
    records = [payment("ch_2", status=status), payment("ch_1", beneficiary="ch_2")]

    assert list(decide(records, _claims("ch_2"))) == ["claim:C-ch_2"]


def test_one_record_of_a_free_unit_is_found(decide, payment):
    """Of a unit that nobody claimed, or whose claim was rejected, the record of the first id is found."""
    records = [payment("ch_3", beneficiary="ch_2"), payment("ch_2"), payment("ch_1", status="failed", app_id="ch_2")]

    assert list(decide(records, [])) == ["found:paid:ch_2"]
    assert list(decide(records, _claims("ch_1"))) == ["claim:C-ch_1", "found:paid:ch_2"]
    assert list(decide(records, [], None)) == ["found:paid:ch_2", "found:paid:ch_3"]


def test_found_is_closed_once_its_unit_is_claimed(decide, payment):
    """A record found earlier is found no more when another record of its unit is claimed."""
    records = [payment("ch_1"), payment("ch_2", beneficiary="ch_1")]
    before = decide(records, [])
    after = _short(decide(records, _claims("ch_2"), before=before))

    assert after == {"claim:C-ch_2": ("verified", ""), "found:paid:ch_1": ("rejected", "not_found")}


def test_what_happened_outside_the_term_holds_nothing(decide, payment):
    """A claim on a record before the term is rejected and leaves its unit to a later one inside."""
    records = [payment("ch_1", created_at=0), payment("ch_2", beneficiary="ch_1")]
    found = _short(decide(records, _claims("ch_1", "ch_2")))

    assert found == {"claim:C-ch_1": ("rejected", "term"), "claim:C-ch_2": ("verified", "")}
    assert list(decide(records, [])) == ["found:paid:ch_2"]


BILLING = ("billing", "payment", "ch_1")


@pytest.mark.parametrize(
    ("seq", "status", "expected"),
    [
        (1, "verified", ("rejected", "claimed_elsewhere")),
        (1, "pending", ("pending", "claimed_elsewhere")),
        (3, "verified", ("verified", "")),
        (3, "pending", ("verified", "")),
    ],
)
def test_an_earlier_claim_under_another_contract_comes_first(decide, payment, seq, status, expected):
    """Only a claim under another contract that was taken in before keeps the record."""
    rivals = {BILLING: [(seq, Holder("X", "ch_1", status, "other"))]}
    verdicts = decide([payment("ch_1")], _claims("ch_1"), rivals=rivals, order={"C-ch_1": 2})

    assert _short(verdicts) == {"claim:C-ch_1": expected}
    if expected[1]:
        assert "X under contract other" in verdicts["claim:C-ch_1"].reasons[0].text


def test_a_claim_in_line_behind_another_contract_says_its_own_reason(decide, payment):
    """A claim that is itself not decided is pending by its clause, and a false one rejected by it."""
    rivals = {BILLING: [(1, Holder("X", "ch_1", "verified", "other"))]}
    for status, expected in (("pending", ("pending", "succeeded")), ("failed", ("rejected", "succeeded"))):
        verdicts = decide([payment("ch_1", status=status)], _claims("ch_1"), rivals=rivals, order={"C-ch_1": 2})
        assert _short(verdicts) == {"claim:C-ch_1": expected}


def test_nothing_is_found_that_is_claimed_under_another_contract(decide, payment):
    """A record that is claimed under another contract is not found under this one."""
    rivals = {BILLING: [(1, Holder("X", "ch_1", "pending", "other"))]}

    assert list(decide([payment("ch_1"), payment("ch_2")], [], rivals=rivals)) == ["found:paid:ch_2"]


def test_a_record_that_is_only_linked_to_joins_by_its_day(decide, payment):
    """ch_3 carries on ch_2, which the requester of ch_1 opened that day: one unit, claimed or not."""
    noon = parse_instant("2026-06-10T10:00:00Z")
    records = [
        payment("ch_1", customer_id="c", created_at=noon),
        payment("ch_2", customer_id="c", created_at=noon + 1, status="failed"),
        payment("ch_3", customer_id="c", created_at=noon + 9 * DAY, beneficiary="ch_2"),
    ]

    assert _short(decide(records, _claims("ch_1", "ch_3"), PER_DAY))["claim:C-ch_3"] == ("rejected", "duplicate")


RIVALS = {BILLING: [(1, Holder("X", "ch_1", "verified", "other"))]}


def test_a_unit_held_by_another_contract_is_not_found(decide, payment):
    """A follow-up is not found where another contract is paid for the record it carries on."""
    records = [payment("ch_1"), payment("ch_2", beneficiary="ch_1")]
    found = decide(records, _claims("ch_1"), rivals=RIVALS, order={"C-ch_1": 2})

    assert _short(found) == {"claim:C-ch_1": ("rejected", "claimed_elsewhere")}


def test_a_unit_held_by_another_contract_is_not_claimed(decide, payment):
    """A claim on a follow-up is refused where an earlier claim under another contract holds its unit."""
    records = [payment("ch_1"), payment("ch_2", beneficiary="ch_1")]
    found = decide(records, _claims("ch_2"), rivals=RIVALS, order={"C-ch_2": 2})

    assert _short(found) == {"claim:C-ch_2": ("rejected", "claimed_elsewhere")}


def test_what_is_not_paid_excludes_nothing(decide, payment):
    """With a day between each and two asked for, the first and the third are paid, whichever came in between."""
    records = [payment(f"ch_{n}", customer_id="c", created_at=NOW - 9 * DAY + n * DAY) for n in (1, 2, 3)]
    verdicts = decide(records, _claims("ch_1", "ch_2", "ch_3"), APART)

    assert [status for status, _ in _short(verdicts).values()] == ["verified", "rejected", "verified"]
    text = "ch_1, less than 2 days away, was already claimed as C-ch_1"
    assert verdicts["claim:C-ch_2"].reasons[0].text == text
    found = _short(decide(records, _claims("ch_2", "ch_1", "ch_3"), APART))
    assert [status for status, _ in found.values()] == ["verified", "rejected", "rejected"]
    assert list(decide(records, [], APART)) == ["found:paid:ch_1", "found:paid:ch_3"]


@pytest.mark.parametrize("second", ["succeeded", "pending"])
def test_what_a_waiting_claim_would_exclude_waits_with_it(decide, payment, second):
    """A claim is not paid as long as an earlier one, itself waiting for a third, may still exclude it."""
    at = {f"ch_{n}": {"customer_id": "c", "created_at": NOW - 9 * DAY + n * DAY} for n in (1, 2, 3)}
    later = [payment("ch_2", **at["ch_2"], status=second), payment("ch_3", **at["ch_3"])]
    claims = _claims("ch_1", "ch_2", "ch_3")

    found = _short(decide([payment("ch_1", **at["ch_1"], status="pending"), *later], claims, APART))
    assert found["claim:C-ch_3"] == ("pending", "duplicate")
    found = _short(decide([payment("ch_1", **at["ch_1"]), *later], claims, APART))
    assert found["claim:C-ch_3"] == ("verified", "")


def test_what_nobody_claimed_is_not_found_beside_a_claim(decide, payment):
    """A record too close to a verified or pending claim of its key is not found; one far enough is."""
    records = [payment(f"ch_{n}", customer_id="c", created_at=NOW - 9 * DAY + n * DAY) for n in (1, 2, 3)]

    assert list(decide(records, _claims("ch_1"), APART)) == ["claim:C-ch_1", "found:paid:ch_3"]
    before = decide(records, [], APART)
    assert _short(decide(records, _claims("ch_2"), APART, before=before))["found:paid:ch_1"] == (
        "rejected",
        "not_found",
    )


def test_another_contract_excludes_too(decide, payment):
    """An earlier claim under another contract on a record of the same key keeps off what is too close to it."""
    records = [payment(f"ch_{n}", customer_id="c", created_at=NOW - 9 * DAY + n * DAY) for n in (1, 2, 3)]
    found = decide(records, _claims("ch_2", "ch_3"), APART, rivals=RIVALS, order={"C-ch_2": 2, "C-ch_3": 3})

    assert _short(found) == {
        "claim:C-ch_2": ("rejected", "claimed_elsewhere"),
        "claim:C-ch_3": ("verified", ""),
    }


def test_a_claim_under_another_outcome_excludes_too(decide, payment):
    """What a claim under another outcome of the contract holds excludes by its days here too, claimed here or not."""
    held_here = payment("ch_1", customer_id="c", created_at=NOW - 9 * DAY, status="failed")
    records = [held_here, payment("ch_2", customer_id="c", created_at=NOW - 8 * DAY)]
    held = {("billing", "payment"): [Holder("B", "ch_1", "verified")]}

    assert _short(decide(records, _claims("ch_2"), APART, held=held)) == {"claim:C-ch_2": ("rejected", "duplicate")}


@pytest.fixture
def decide_in_both(decide, evidence, tmp_path):
    """Give a function that decides two outcomes of one contract, each read in a source of its own, in turn."""
    path = tmp_path / "both.yaml"
    again = CONTRACT[CONTRACT.index("  paid:") :].replace("paid:", "also:").replace("billing", "shop")
    path.write_text(CONTRACT + again)
    contract = load_contract(path, templates={}, custom={"billing": {}, "shop": {}})

    def build(records, claims, before=None):
        held, owner, decisions, verdicts = {}, {}, [], []
        for name, found in records.items():
            plain = contract.outcomes[name]
            outcome = replace(plain, predicate=replace(plain.predicate, unit=Unit(anywhere="asked_by")))
            decisions.append(
                Decision(evidence(*found), contract, outcome, ALL_READ, now=0, before=before or {}, held=held)
            )
        for decision in decisions:
            own = [claim for claim in claims if claim.outcome == decision.outcome.name]
            verdicts += decision.claimed(own, owner)
        for decision in decisions:
            verdicts += decision.found(owner)
        return {verdict.subject: verdict for verdict in verdicts}

    return build


def _both(payment, *, days=0, name="c"):
    """Give one record in each of two sources, with other ids."""
    return {
        "paid": [payment("ch_1", customer_id="c", created_at=NOW - 9 * DAY)],
        "also": [payment("sh_1", customer_id=name, created_at=NOW - 9 * DAY + days * DAY)],
    }


ONE_IN_EACH = [
    Claim("A", "paid", "ch_1", NOW - DAY, None, None),
    Claim("B", "also", "sh_1", NOW - DAY, None, None),
]


def test_what_two_sources_call_the_same_is_paid_once(decide_in_both, payment):
    """Of records of two sources that are called the same on one day, the claim on the first outcome alone is paid."""
    found = decide_in_both(_both(payment), ONE_IN_EACH)

    assert _short(found) == {"claim:A": ("verified", ""), "claim:B": ("rejected", "duplicate")}
    assert found["claim:B"].reasons[0].text == "ch_1 in billing, of the same unit, was already claimed as A"


@pytest.mark.parametrize("more", [{"days": 1}, {"name": "d"}, {"name": None}])
def test_another_day_or_name_is_another_unit(decide_in_both, payment, more):
    """Records of two sources on two days, under two names or under none are paid both."""
    found = decide_in_both(_both(payment, **more), ONE_IN_EACH)

    assert _short(found) == {"claim:A": ("verified", ""), "claim:B": ("verified", "")}


def test_one_name_in_one_source_is_no_unit(decide_in_both, payment):
    """Two records of one source under one name are two: a room may be used twice a day."""
    records = {"paid": [payment(f"ch_{n}", customer_id="c") for n in (1, 2)], "also": []}
    claims = [Claim(f"C-{n}", "paid", f"ch_{n}", NOW - DAY, None, None) for n in (1, 2)]

    assert {verdict.status for verdict in decide_in_both(records, claims).values()} == {"verified"}


def test_what_is_claimed_in_one_source_is_not_found_in_another(decide_in_both, payment):
    """A record that another source's claim is paid for is no outcome that somebody forgot; of two, one is found."""
    assert _short(decide_in_both(_both(payment), ONE_IN_EACH[:1])) == {"claim:A": ("verified", "")}
    assert _short(decide_in_both(_both(payment), ONE_IN_EACH[1:])) == {"claim:B": ("verified", "")}
    before = decide_in_both({"paid": [], "also": _both(payment)["also"]}, [])
    assert _short(before) == {"found:also:sh_1": ("verified", "")}
    after = decide_in_both(_both(payment), [], before)
    assert _short(after) == {"found:paid:ch_1": ("verified", ""), "found:also:sh_1": ("rejected", "not_found")}
    assert after["found:also:sh_1"].reasons[0].text == "ch_1 in billing, of the same unit, is found by now"
