"""A template with further clauses and facts of the contract, and the vendor's identities as its default."""

from decimal import Decimal
from pathlib import Path

import pytest

from tallystick.contracts import PerUnit, load_contract
from tallystick.errors import ContractError
from tallystick.money import Money, currency
from tallystick.outcomes.library import DOLLARS_COLLECTED
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED

GOOD = Path(__file__).parents[3] / "fixtures/contracts/good/ticket-resolved.yaml"
TEMPLATES = {"dollars-collected": DOLLARS_COLLECTED, "ticket-resolved": TICKET_RESOLVED}
CUSTOM = {"desk": {}, "other": {}, "billing": {"invoice": {"placed_at": "instant", "placed_with": "text"}}}
HEAD = """\
contract: acme-desk
version: 1
buyer: Acme GmbH
vendor: {name: Fixly, identities: {desk: ["900"]}}
timezone: Europe/Berlin
currency: EUR
term: {start: 2026-04-01}
outcomes:
  resolved:
    source: desk
    uses: ticket-resolved
    price: {per_unit: 0.99}
"""


@pytest.fixture
def load(tmp_path):
    """Give what loads a contract over the template with further lines of its outcome."""

    def run(*lines, head=HEAD):
        path = tmp_path / "acme.yaml"
        path.write_text(head + "".join(f"    {line}\n" for line in lines))
        return load_contract(path, templates=TEMPLATES, custom=CUSTOM)

    return run


def _refused(load, *lines, head=HEAD):
    """Give each problem of a contract that is refused, `line:column: text`, and the hint of the first."""
    with pytest.raises(ContractError) as caught:
        load(*lines, head=head)
    said = [line.split("acme.yaml:")[1] for line in str(caught.value).splitlines() if "acme.yaml:" in line]
    return said, caught.value.hint


def test_clauses_of_the_contract_come_after_the_templates():
    """Own clauses narrow the template: they come last, in their order, and may use its facts and the contract's."""
    contract = load_contract(GOOD, templates=TEMPLATES, custom=CUSTOM)
    outcome = contract.outcomes["resolved"]
    names = [clause.name for clause in outcome.predicate.clauses]

    assert names[-3:] == ["reopens_agree", "no_early_person", "by_message"]
    assert names[:-2] == [
        clause.name for clause in TICKET_RESOLVED.predicate(outcome.settings, vendors=["900"]).clauses
    ]
    own = outcome.predicate.clauses[-2]
    assert (own.until is not None, own.guard) == (True, False)
    assert own.related == {"ticket_event", "actor"}
    assert "first_person_at" in outcome.predicate.fact
    assert outcome.price == PerUnit(Money.of(Decimal("0.99"), currency("EUR"), "half_up"))
    assert (outcome.uses, outcome.settings["preset"]) == ("ticket-resolved", "buyer-strict")
    assert outcome.settings["handoff_voids"] == ("requested", "assigned")


def test_the_rule_holds_both(load):
    """The hashed text of a contract holds the template's clauses, its own, its facts, and what one unit is."""
    rule = load_contract(GOOD, templates=TEMPLATES, custom=CUSTOM).body["outcomes"][0]["rule"]
    facts = {fact["name"]: fact["text"] for fact in rule["facts"]}

    assert rule["record"] == "ticket"
    assert rule["clauses"][-2] == {
        "name": "no_early_person",
        "test": "coalesce(first_person_at >= answered_at, true)",
        "until": "window_end",
        "open": None,
        "guard": False,
        "says": "a person acted at {first_person_at}, before the answer at {answered_at}",
        "waits": "",
    }
    assert facts["first_person_at"] == "coalesce(h1_public_reply_at, h8_internal_at)"
    assert "'900', '901'" in facts["first_answer_at"]
    assert rule["unit"] == {"links": ["carries_on", "went_into"], "key": None, "days": None, "anywhere": None}
    assert rule["params"] == {"reopen_days": 14, "csat_threshold": 4}
    assert load().sha256 != load("clauses: {fine: 'answered_at is not null'}").sha256


def test_facts_alone_change_no_clause(load):
    """Facts of the contract may stand there without a clause, are checked, and are part of the text."""
    contract = load("facts: {late_at: window_end}")

    assert {"name": "late_at", "text": "window_end"} in contract.body["outcomes"][0]["rule"]["facts"]
    assert _refused(load, "facts: {late_at: nothing}")[0][0].startswith(
        "13:22: outcomes.resolved: unknown name nothing"
    )


def test_the_vendors_identities_are_who_acts(load):
    """Without `bots` the vendor's identities in the outcome's own source are the agent; those given count instead."""
    plain, given = load(), load("with: {bots: ['7']}")

    def who(contract):
        return contract.outcomes["resolved"].predicate.fact["first_answer_at"].text

    assert "('900')" in who(plain)
    assert "('7')" in who(given)
    named = HEAD.replace("desk: [", "other: ['1'], desk: [")
    assert who(load(head=named)) == who(plain)


@pytest.mark.parametrize(
    ("old", "new"), [("identities: {desk", "identities: {other"), ("source: desk", "source: other")]
)
def test_identities_in_another_source_are_nobody_here(load, old, new):
    """Where the vendor is named in another source only, the parameter is missing, and both ways out are named."""
    said, hint = _refused(load, head=HEAD.replace(old, new))

    assert said == ["10:5: outcomes.resolved: ticket-resolved needs the parameter bots"]
    assert hint.endswith("Or name them under vendor.identities.")


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        (["clauses:", "  confirmed: 'true'"], "14:7: outcomes.resolved: the template has confirmed already"),
        (["facts:", "  window_end: created_at"], "14:7: outcomes.resolved: the template has window_end already"),
        (
            ["clauses:", "  fine: 'true'", "  resolved: {test: 'true'}"],
            "15:7: outcomes.resolved: the template has resolved already",
        ),
    ],
)
def test_what_the_template_has_is_not_said_again(load, lines, place):
    """A clause or fact of the template's name is refused at its key: it would quietly mean something else."""
    said, hint = _refused(load, *lines)

    assert said == [place]
    assert hint == "Choose another name."


def test_a_clause_may_be_named_like_a_fact_of_the_template(load):
    """Clauses and facts are named apart."""
    contract = load("clauses: {resolved_at: 'answered_at is not null'}")

    assert contract.outcomes["resolved"].predicate.clauses[-1].name == "resolved_at"


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        (["clauses:", "  fine: 'answered_at > nothing'"], "14:28: outcomes.resolved: unknown name nothing"),
        (["clauses:", '  fine: {test: "true", until: resolved}'], "14:35: outcomes.resolved: unknown name resolved"),
        (
            ["clauses:", '  fine: {test: "true", says: "at {nothing}"}'],
            "14:38: outcomes.resolved: {nothing} is neither a fact nor an own column that is read",
        ),
        (["facts: {a: b, b: a}"], "13:16: outcomes.resolved: the fact a rests on itself: a -> b -> a"),
        (
            ["facts: {created_at: updated_at}"],
            "13:25: outcomes.resolved: a ticket has something named created_at already",
        ),
        (["clauses: {fine: 'events.kind'}"], "13:22: outcomes.resolved: "),
    ],
)
def test_errors_in_own_clauses_stand_at_their_character(load, lines, place):
    """What is wrong in a clause or fact of the contract is said with line and column inside its text."""
    [said], _ = _refused(load, *lines)

    assert said.startswith(place)


def test_errors_of_parameters_stand_at_the_parameter(load):
    """A parameter of the template that is wrong is said at its value."""
    said, hint = _refused(load, "with:", "  reopen_days: 400")

    assert said == ["14:20: outcomes.resolved: reopen_days of ticket-resolved is a whole number from 0 to 365, not 400"]
    assert hint.startswith("Calendar days after the resolution")


def test_what_the_template_says_already_is_refused(load):
    """Beside a template neither a record type nor a quantity may stand."""
    for line in ("record: ticket", "quantity: amount"):
        said, hint = _refused(load, line)
        assert said[0].endswith("the template says that already")
        assert hint.startswith(f"Leave out {line.split(':')[0]}, or leave out uses")


def test_clauses_may_narrow_money_too(load):
    """Beside a template of money a clause may use the facts that template has, and the price stays a percentage."""
    head = HEAD.replace("desk\n", "billing\n").replace("ticket-resolved", "dollars-collected")
    head = head.replace("{per_unit: 0.99}", "{percent: 10}")
    contract = load("with: {agency: fixly}", "clauses: {large: 'net_amount >= 100'}", head=head)

    outcome = contract.outcomes["resolved"]
    assert outcome.predicate.clauses[-1].name == "large"
    assert outcome.predicate.quantity_is_money
