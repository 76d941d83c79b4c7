"""Two contracts term by term and clause by clause."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract_files import CLEAN, CUSTOM, TEMPLATES, differing

from tallystick.contracts import load_contract
from tallystick.contracts.difference import TermDifference, differences

OUTCOME = """\
outcomes:
  paid:
    source: billing
    record: payment
    facts: {due: invoice_due_at}
    clauses:
      succeeded: "status = 'succeeded'"
      late: {test: due < created_at, until: "created_at + interval '3 days'", guard: true, says: "no"}
    price: {per_unit: 2.40}
"""


@pytest.fixture
def body(tmp_path):
    """Give a function that gives the body of the clean contract with one outcome of its own, and a difference."""
    base = differing(tmp_path / "base.yaml", f"# without outcomes.held_meeting\n# without outcomes.resolved\n{OUTCOME}")

    def build(difference=""):
        path = differing(tmp_path / "contract.yaml", difference, base)
        return load_contract(path, templates=TEMPLATES, custom=CUSTOM).body

    return build


def test_terms_and_clauses(body):
    """Terms differ value by value, and a clause as a whole, with its window and what it says."""
    changed = """
version: 2
off_ramp: []
outcomes:
  paid:
    facts: {due: invoice_finalized_at}
    clauses: {late: {until: "created_at + interval '5 days'"}, captured: captured}
    price: {per_unit: 2.50}
billing: {discounts: [{percent: 5, reason: pilot}]}
"""
    late = "due < created_at; until: created_at + interval '{} days'; says: no; guard"
    found = differences(body(), body(f"# without outcomes.paid.clauses.succeeded{changed}"))
    assert [difference.part for difference in found] == ["term"] * 7 + ["clause"] * 3 + ["fact"] * 3
    assert {difference.path: difference for difference in found} == {
        difference.path: difference
        for difference in (
            TermDifference("term", "version", "changed", "1", "2"),
            TermDifference("term", "outcomes.paid.price.per_unit", "changed", "2.40", "2.50"),
            TermDifference("term", "off_ramp.1.measure", "removed", "verified_rate", None),
            TermDifference("term", "off_ramp.1.below", "removed", "60", None),
            TermDifference("term", "off_ramp.1.months", "removed", "2", None),
            TermDifference("term", "billing.discounts.1.percent", "added", None, "5"),
            TermDifference("term", "billing.discounts.1.reason", "added", None, "pilot"),
            TermDifference("clause", "outcomes.paid.rule.clauses.succeeded", "removed", "status = 'succeeded'", None),
            TermDifference("clause", "outcomes.paid.rule.clauses.late", "changed", late.format(3), late.format(5)),
            TermDifference("clause", "outcomes.paid.rule.clauses.captured", "added", None, "captured"),
            TermDifference("fact", "outcomes.paid.rule.facts.due", "changed", "invoice_due_at", "invoice_finalized_at"),
            TermDifference("fact", "outcomes.paid.rule.facts.invoice_due_at", "removed", "min(invoices.due_at)", None),
            TermDifference(
                "fact", "outcomes.paid.rule.facts.invoice_finalized_at", "added", None, "min(invoices.finalized_at)"
            ),
        )
    }


def test_a_default_written_out_is_no_difference(body):
    """Layout, and a default that is written out, change nothing."""
    assert differences(body(), body("billing: {rounding: half_up}\nunverifiable: {grace_days: 14}")) == []


def test_another_outcome(body):
    """An outcome that only one of them has is added with everything it has."""
    more = OUTCOME.replace("paid:", "again:")
    found = differences(body(), body(more))

    assert {difference.kind for difference in found} == {"added"}
    assert all(difference.path.startswith("outcomes.again.") for difference in found)
    assert {difference.part for difference in found} == {"term", "clause", "fact"}


LEAF = st.one_of(st.none(), st.booleans(), st.integers(0, 3), st.sampled_from(["a", "b"]), st.just([]))
BODY = st.fixed_dictionaries(
    {
        "currency": LEAF,
        "holidays": st.lists(st.sampled_from(["2026-01-01", "2026-05-01"]), max_size=2),
        "term": st.dictionaries(st.sampled_from("xyz"), LEAF, max_size=3),
        "outcomes": st.lists(
            st.fixed_dictionaries(
                {
                    "name": st.sampled_from("mno"),
                    "price": LEAF,
                    "rule": st.fixed_dictionaries(
                        {
                            "clauses": st.lists(
                                st.fixed_dictionaries(
                                    {
                                        "name": st.sampled_from("cd"),
                                        "test": st.sampled_from("tu"),
                                        "guard": st.booleans(),
                                    }
                                ),
                                unique_by=lambda clause: clause["name"],
                                max_size=2,
                            ),
                            "facts": st.dictionaries(st.sampled_from("fg"), st.sampled_from("vw"), max_size=2).map(
                                lambda facts: [{"name": name, "text": text} for name, text in facts.items()]
                            ),
                        }
                    ),
                }
            ),
            unique_by=lambda outcome: outcome["name"],
            max_size=2,
        ),
    }
)
_BACK = {"added": "removed", "removed": "added", "changed": "changed"}


@settings(max_examples=200)
@given(one=BODY, other=BODY)
def test_laws(one, other):
    """A contract does not differ from itself, and the way back is the way there with both texts exchanged."""
    assert differences(one, one) == []
    there, back = differences(one, other), differences(other, one)
    turned = {TermDifference(d.part, d.path, _BACK[d.kind], d.new, d.old) for d in back}
    assert set(there) == turned
    assert len(there) == len(back)


def test_the_clean_contract_has_words(tmp_path):
    """The whole contract differs from one without outcomes of templates in nothing but those outcomes."""
    whole = load_contract(CLEAN, templates=TEMPLATES, custom=CUSTOM).body
    path = differing(tmp_path / "contract.yaml", "# without outcomes.held_meeting\n")
    part = load_contract(path, templates=TEMPLATES, custom=CUSTOM).body

    assert {difference.path.split(".")[1] for difference in differences(whole, part)} == {"held_meeting"}
