"""Lint rules beyond the examples of their page: variants, order, positions, and that no contract breaks them."""

from datetime import date
from io import StringIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from tests.contract_files import CUSTOM, TEMPLATES, differing

from tallystick.contracts.lint import RULES, lint, open_draft
from tallystick.errors import ConfigurationError

BUYER = "acme+1a94675e+AerhyHk7VZfEs/SQ52rDEXLEOWkPjuFBQruFGmH5pJ8O"
VENDOR = "uptime+abb349f9+AWJ/F9iT5Wl6S6Igi8gLApLn9Y2BIOs1PBtVQp25xrGW"
FAST = """\
contract: acme
version: 1
buyer: Acme GmbH
vendor: {name: Uptime AI}
timezone: Europe/Berlin
currency: EUR
term: {start: 2026-10-01}
outcomes:
  paid:
    source: billing
    record: payment
    clauses: {paid: "status = 'succeeded'"}
    price: {per_unit: 2.40}
"""
"""A contract that says as little as one can, and that loads quickly."""


@pytest.fixture
def found(tmp_path):
    """Give a function that lints a difference to a short contract and gives the findings by rule."""

    def run(difference="", *, ignore=(), remembers=None):
        base = tmp_path / "base.yaml"
        base.write_text(FAST)
        path = differing(tmp_path / "contract.yaml", difference, base)
        draft = open_draft(path, templates=TEMPLATES, custom=CUSTOM, remembers=remembers)
        return {finding.rule: finding for finding in lint(draft, ignore=ignore)}

    return run


def _paid(**terms):
    lines = "".join(f"    {name}: {value}\n" for name, value in terms.items())
    return f"outcomes:\n  paid:\n{lines}"


def test_a_contract_that_says_little(found):
    """What is left out is found: the sections by the rules about them, the clauses by those about the unit."""
    assert set(found()) == {
        "finality-unwritten",
        "no-baseline",
        "no-cap",
        "no-export-right",
        "no-floor",
        "no-identities",
        "no-keys",
        "no-off-ramp",
        "no-review",
        "no-unit-rule",
        "no-window",
    }


def test_findings_are_in_order_and_have_places(tmp_path):
    """Errors come first, then warnings and notes, in the order of the file; what is missing shows what is around."""
    path = tmp_path / "contract.yaml"
    path.write_text(f"{FAST}billing:\n  cap: {{monthly: 10, excess: carried}}\nunverifiable: {{borne_by: buyer}}\n")
    found = lint(open_draft(path, templates=TEMPLATES, custom=CUSTOM))

    places = {finding.rule: (finding.file, finding.line, finding.column) for finding in found}
    assert found[0].rule == "unverifiable-on-buyer"
    assert found[-1].rule == "no-floor"
    assert places["unverifiable-on-buyer"] == (str(path), 16, 16)
    assert places["carried-excess"] == (str(path), 15, 22)
    assert places["no-window"] == (str(path), 12, 5)
    assert places["no-keys"] == (str(path), 1, 1)
    warnings = [(finding.line, finding.column) for finding in found if finding.severity == "warning"]
    assert warnings == sorted(warnings)


def test_a_rule_is_ignored_by_its_name(found):
    """An ignored rule finds nothing and the others find what they found; a name that is none is refused."""
    assert set(found()) - set(found(ignore=["no-cap"])) == {"no-cap"}
    with pytest.raises(ConfigurationError, match="there is no lint rule 'no-cup'"):
        found(ignore=["no-cup"])


def test_names_of_rules_are_unique():
    """No two rules have one name, so that ignoring one ignores no other."""
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize(
    ("rule", "difference", "fires"),
    [
        ("no-unit-rule", _paid(price="{percent: 10}", quantity="net_amount"), False),
        ("no-netting", _paid(price="{percent: 10}", quantity="net_amount"), False),
        ("no-netting", _paid(price="{percent: 10}", quantity="amount_captured"), True),
        ("no-netting", _paid(price="{percent: 10}", quantity="amount_captured - sum(refunds.amount)"), True),
        ("vendor-writable-field", _paid(clauses="{marked: \"custom.mark = 'won'\"}"), True),
        (
            "vendor-writable-field",
            _paid(clauses="{marked: \"custom.mark = 'won' and count(changes) > 0\"}"),
            False,
        ),
        ("no-minimum-duration", _paid(source="crm", record="meeting", clauses='{was: "starts_at is not null"}'), True),
        (
            "no-minimum-duration",
            _paid(source="crm", record="meeting", clauses='{was: "sum(calls.seconds) > 900"}'),
            False,
        ),
        ("price-not-below-baseline", _paid(baseline="{cost_per_outcome: 2.40, basis: y}"), True),
        ("price-not-below-baseline", _paid(baseline="{cost_per_outcome: 2.41, basis: y}"), False),
        (
            "price-not-below-baseline",
            _paid(
                baseline="{cost_per_outcome: 2.41, basis: y}",
                price="{tiers: {mode: volume, steps: [{up_to: 9, per_unit: 2.41}, {per_unit: 1}]}}",
            ),
            True,
        ),
        ("baseline-of-a-percentage", _paid(baseline="{cost_per_outcome: 2.41, basis: y}"), False),
        ("no-cap", "billing: {cap: {monthly: 10}, currencies: {USD: {floor: {monthly: 1}}}}", True),
        ("no-cap", "billing: {cap: {monthly: 10}, currencies: {USD: {cap: {monthly: 1}}}}", False),
        ("carried-excess", "billing: {currencies: {USD: {cap: {monthly: 1, excess: carried}}}}", True),
        ("high-floor", "billing: {floor: {monthly: 1}}", True),
        ("high-floor", "billing: {floor: {monthly: 5}, cap: {monthly: 10}}", False),
        ("high-floor", "billing: {floor: {monthly: 5.01}, cap: {monthly: 10}}", True),
        ("discount-ends", "billing: {discounts: [{percent: 5, until: 2027-01-01, reason: pilot}]}", True),
        (
            "discount-ends",
            "term: {end: 2027-01-01}\nbilling: {discounts: [{percent: 5, until: 2027-01-01, reason: pilot}]}",
            False,
        ),
        ("long-commitment", "term: {end: 2027-10-01}", True),
        ("long-commitment", "term: {end: 2027-09-30}", False),
        ("long-commitment", "term: {end: 2027-10-01}\noff_ramp: [{measure: verified_rate, below: 50}]", False),
        ("long-commitment", "term: {minimum_months: 11}", False),
        ("finality-unwritten", "finality: {lock_days: 0, dispute_days: 10}", True),
        ("no-dispute-days", "finality: {dispute_days: 0}", True),
        ("quick-silence", "finality: {dispute_days: 0}", False),
        ("quick-silence", "finality: {dispute_days: 4}", True),
        ("quick-silence", "finality: {dispute_days: 5}", False),
        ("no-export-right", "data_rights: {export: none}", True),
        ("no-review", "review: {every: month}", False),
        ("no-keys", f"keys: {{buyer: [{BUYER}]}}", True),
        ("no-keys", f"keys: {{buyer: [{BUYER}], vendor: [{VENDOR}]}}", False),
    ],
)
def test_variants(found, rule, difference, fires):
    """A rule fires exactly where what it says is the case."""
    assert (rule in found(difference)) is fires


def test_memory_is_that_of_the_record_types_a_clause_reads(found):
    """A window is held against the memory of what its own clause reads, in elapsed time too."""
    clause = "{test: count(changes) = 0, until: \"created_at + interval '%s'\"}"
    memory = {"billing": {"change": 30, "refund": 1}}

    def fires(window, remembers):
        return "window-beyond-memory" in found(_paid(clauses="{still: %s}" % (clause % window)), remembers=remembers)

    assert fires("31 days", memory)
    assert fires("745 hours", memory)
    assert not fires("30 days", memory)
    assert not fires("31 days", {"billing": {"refund": 1}})
    assert not fires("31 days", {"other": {"change": 1}})


def test_what_keys_are_missing_is_said(found):
    """The reason names the party without a key, or both."""
    assert found(f"keys: {{buyer: [{BUYER}]}}")["no-keys"].reason.startswith("no key is named for the vendor")
    assert found()["no-keys"].reason.startswith("no key is named for the buyer and the vendor")


DAYS = st.dates(min_value=date(2000, 1, 1), max_value=date(2050, 1, 1))
PERCENT = st.integers(1, 100)
AMOUNT = st.integers(1, 10**6)


@st.composite
def _terms(draw):
    """Give sections of a contract, each there or not, with values of every kind the schema has."""
    sections = {
        "term": st.builds(
            lambda start, months, notice, tail: {
                "start": start,
                "notice_days": notice,
                "tail_days": tail,
                **({"minimum_months": months} if months else {}),
            },
            DAYS,
            st.integers(0, 60),
            st.integers(0, 3660),
            st.integers(0, 3660),
        ),
        "billing": st.fixed_dictionaries(
            {},
            optional={
                "floor": st.fixed_dictionaries({"monthly": st.integers(1, 10)}),
                "cap": st.fixed_dictionaries({"monthly": AMOUNT.map(lambda x: x + 10)}),
                "rates": st.just({"USD": {"rate": 1, "source": "bank"}}),
                "currencies": st.just({"GBP": {"floor": {"monthly": 1}}}),
                "discounts": st.lists(st.builds(lambda p: {"percent": p, "reason": "r"}, PERCENT), max_size=3),
            },
        ),
        "finality": st.fixed_dictionaries(
            {},
            optional={
                "lock_days": st.integers(0, 3660),
                "dispute_days": st.integers(0, 3660),
                "days": st.sampled_from(["calendar", "business"]),
                "on_silence": st.sampled_from(["accept", "escalate"]),
                "clawback_days": st.integers(0, 3660),
            },
        ),
        "unverifiable": st.fixed_dictionaries({"borne_by": st.sampled_from(["vendor", "buyer"])}),
        "off_ramp": st.lists(st.just({"measure": "verified_rate", "below": 1}), max_size=2),
        "data_rights": st.fixed_dictionaries({"export": st.sampled_from(["all", "own", "none"])}),
        "review": st.fixed_dictionaries({"every": st.sampled_from(["month", "quarter", "year"])}),
        "keys": st.sampled_from([{"buyer": [BUYER]}, {"vendor": [VENDOR]}]),
    }
    price = st.one_of(
        st.builds(lambda x: {"per_unit": x}, AMOUNT),
        st.builds(
            lambda x: {"tiers": {"mode": "graduated", "steps": [{"up_to": 5, "per_unit": x}, {"per_unit": 1}]}}, AMOUNT
        ),
        st.builds(lambda x: {"percent": x, "min": 1}, PERCENT),
    )
    chosen = {name: draw(values) for name, values in sections.items() if draw(st.booleans())}
    outcome = {"price": draw(price), "quantity": draw(st.sampled_from(["net_amount", "gross"]))}
    if draw(st.booleans()):
        outcome["baseline"] = {"cost_per_outcome": draw(AMOUNT), "basis": "b"}
    return {**chosen, "outcomes": {"paid": outcome}}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(terms=_terms())
def test_no_contract_breaks_the_rules(terms, tmp_path):
    """Whatever loads is linted to its end, and every finding has a place, a reason and a rewrite."""
    text = StringIO()
    YAML(typ="safe", pure=True).dump(terms, text)
    base = tmp_path / "base.yaml"
    base.write_text(FAST)
    draft = open_draft(differing(tmp_path / "contract.yaml", text.getvalue(), base), templates=TEMPLATES, custom=CUSTOM)

    for finding in lint(draft):
        assert finding.line >= 1
        assert finding.column >= 1
        assert finding.reason
        assert finding.rewrite
