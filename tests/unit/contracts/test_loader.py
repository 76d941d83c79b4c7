"""A contract file becomes a contract, or every problem of it is said with its place."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tallystick.canonical import digest
from tallystick.contracts import Billing, Limits, Percent, PerUnit, load_contract
from tallystick.contracts.body import rule_body
from tallystick.errors import ContractError
from tallystick.money import Money, currency
from tallystick.outcomes import Param, PredicateSource, Template, predicate_from_source
from tallystick.outcomes.library import DOLLARS_COLLECTED
from tallystick.outcomes.meeting_qualified import QUALIFIED_MEETING
from tallystick.period import parse_instant

FIXTURES = Path(__file__).parents[3] / "fixtures/contracts"
BAD = sorted((FIXTURES / "bad").glob("*.yaml"))
TEMPLATES = {"dollars-collected": DOLLARS_COLLECTED}
CUSTOM = {"billing": {"invoice": {"placed_at": "instant", "placed_with": "text"}}}


def _load(path):
    return load_contract(path, templates=TEMPLATES, custom=CUSTOM)


@pytest.fixture
def changed(tmp_path):
    """Give what loads the good contract with texts replaced."""

    def load_changed(*changes, name="dollars-collected"):
        text = (FIXTURES / f"good/{name}.yaml").read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "contract.yaml"
        path.write_text(text)
        return _load(path)

    return load_changed


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_contracts(path):
    """Each bad contract is refused with exactly the problems that its last lines name, each at its place."""
    expected = re.findall(r"^# expect (.*)$", path.read_text(), re.MULTILINE)
    with pytest.raises(ContractError) as raised:
        _load(path)

    said = [line.removeprefix(f"{path}:") for line in str(raised.value).splitlines() if not line.startswith("  ")]
    assert said == expected
    assert expected


def test_every_fixture_says_what_it_expects():
    """There are bad contracts, and every one of them says what is wrong with it."""
    assert len(BAD) > 50
    assert [path.name for path in BAD if "# expect " not in path.read_text()] == []


def test_a_contract_with_a_template():
    """A contract that uses a template has a ready predicate, and its amounts are money."""
    contract = _load(FIXTURES / "good/dollars-collected.yaml")

    eur = currency("EUR")
    assert (contract.name, contract.version, contract.buyer) == ("acme-collections", 1, "Acme GmbH")
    assert contract.vendor.identities == {"billing": ("app_1Recoverly",)}
    assert contract.currency == eur
    assert contract.billing.limits == {eur: Limits(Money(50_000, eur), Money(1_200_000, eur), "forgiven")}
    assert contract.term.start == date(2026, 4, 1)
    assert contract.term.starts_at == parse_instant("2026-03-31T22:00:00Z")
    assert contract.term.ends_at == parse_instant("2027-03-31T22:00:00Z")
    outcome = contract.outcomes["recovered"]
    assert outcome.price == Percent(Decimal("12.5"))
    assert str(outcome.price) == "12.5 %"
    assert outcome.predicate.record == "payment"
    assert outcome.predicate.quantity_is_money
    assert "placed" in {clause.name for clause in outcome.predicate.clauses}


def test_a_contract_with_clauses():
    """Clauses written out become the predicate in their order, with windows, guards and sentences."""
    contract = _load(FIXTURES / "good/clauses.yaml")

    clauses = {clause.name: clause for clause in contract.outcomes["recovered"].predicate.clauses}
    assert list(clauses) == ["overdue", "paid", "on_platform"]
    assert clauses["paid"].until is not None
    assert clauses["paid"].says == "nothing is left of {received}"
    assert clauses["on_platform"].guard
    assert contract.outcomes["thank_you"].price == PerUnit(Money(240, currency("USD")))
    assert str(contract.outcomes["thank_you"].price) == "2.40 USD each"
    assert contract.billing == Billing({currency("USD"): Limits()}, "half_up")
    assert contract.term.ends_at is None


def test_hash_of_a_contract(changed):
    """The hash is that of the canonical body, so how the file is written makes no difference, and what it says does."""
    contract = _load(FIXTURES / "good/dollars-collected.yaml")

    assert contract.sha256 == digest(contract.body)
    same = changed(("12.50", "12.5"), ("12000", "12000.00"), ("# A share", "# Another share"), ("half_up", '"half_up"'))
    assert same.sha256 == contract.sha256
    for old, new in (
        ("12.50", "12.51"),
        ("version: 1", "version: 2"),
        ("lookback_days: 30", "lookback_days: 31"),
        ("end: 2027-04-01", "end: 2027-04-02"),
        ("cap: {monthly: 12000, excess: forgiven}", "cap: {monthly: 12001}"),
        ("Overdue invoices", "Old invoices"),
        ("app_1Recoverly", "app_2Recoverly"),
    ):
        assert changed((old, new)).sha256 != contract.sha256


def test_defaults_are_part_of_the_text(changed):
    """Writing a default out changes nothing, because the body holds it either way."""
    contract = _load(FIXTURES / "good/dollars-collected.yaml")

    assert changed(("lookback_days: 30", "lookback_days: 30, overpayment: capped")).sha256 == contract.sha256
    assert changed((", excess: forgiven", "")).sha256 == contract.sha256
    assert changed(("  rounding: half_up\n", "")).sha256 == contract.sha256


def test_the_rule_is_pinned(changed):
    """The body holds each rule in full and in order, so that a template that changes changes the hash."""
    body = _load(FIXTURES / "good/dollars-collected.yaml").body
    rule = body["outcomes"][0]["rule"]
    by_hand = _load(FIXTURES / "good/clauses.yaml").body["outcomes"][0]["rule"]

    assert [clause["name"] for clause in by_hand["clauses"]] == ["overdue", "paid", "on_platform"]
    assert {"name": "due", "text": "invoice_due_at"} in by_hand["facts"]
    assert rule["params"]["lookback_days"] == 30
    assert rule["quantity"] == "net_amount"
    placed = next(clause for clause in rule["clauses"] if clause["name"] == "placed")
    assert placed["test"] == "coalesce(placed_with = :agency, false)"
    swapped = (
        ("      on_platform: {test: \"channel = 'platform'\", guard: true}\n", ""),
        (
            "    clauses:\n      overdue",
            "    clauses:\n      on_platform: {test: \"channel = 'platform'\", guard: true}\n      overdue",
        ),
    )
    assert changed(*swapped, name="clauses").body["outcomes"][0]["rule"] != by_hand


def test_clauses_may_be_texts():
    """A template that gives a clause as a plain text is pinned like any other."""
    source = PredicateSource({}, {"paid": "captured"})
    rule = rule_body(predicate_from_source("payment", source), source, {})

    assert rule["clauses"] == [
        {"name": "paid", "test": "captured", "until": None, "open": None, "guard": False, "says": "", "waits": ""}
    ]


def test_yen_have_no_decimals(changed):
    """An amount has the decimals of its currency and no more."""
    yen = (("currency: EUR", "currency: JPY"), ("500.00", "500"))
    for changes in (yen, yen[:1]):
        assert changed(*changes).billing.limits[currency("JPY")].floor == Money(500, currency("JPY"))
    with pytest.raises(ContractError, match=r"500\.5 has too many decimals: JPY has no"):
        changed(("currency: EUR", "currency: JPY"), ("500.00", "500.5"))


def test_a_floor_without_a_cap(changed):
    """Floor and cap stand alone, and may be equal."""
    eur = currency("EUR")
    assert changed(("  cap: {monthly: 12000, excess: forgiven}\n", "")).billing.limits[eur].cap is None
    assert changed(("  floor: {monthly: 500.00}\n", "")).billing.limits[eur].floor is None
    equal = changed(("12000", "500")).billing.limits[eur]
    assert equal.cap == equal.floor


def test_an_empty_item_of_a_list(changed):
    """An empty list item is refused like an empty name."""
    with pytest.raises(ContractError, match=r"vendor.identities.billing.1 has no value"):
        changed(('["app_1Recoverly"]', "[app_1, ]".replace(", ", ", ~")))


def test_no_template_at_all():
    """Without any template the hint says so instead of guessing."""
    with pytest.raises(ContractError) as raised:
        load_contract(FIXTURES / "good/dollars-collected.yaml", templates={}, custom=CUSTOM)

    assert raised.value.hint == "There is: none."


CLOSED = Template(
    "closed",
    "payment",
    "For a test.",
    (
        Param("roles", "list", "Roles.", "Practice.", (), people=("closers", "role_in")),
        Param("ids", "list", "Ids.", "Practice.", (), people=("closers", "ids")),
    ),
    lambda values: PredicateSource({}, {c: f"method = '{c}'" for c in (*values["roles"], *values["ids"])}),
)
PEOPLE = """\
contract: acme
version: 1
buyer: Acme
vendor: {name: Vendor}
people:
  closers:
    billing: {role_in: [ae, lead]}
    other: {role_in: [boss], ids: [u1]}
timezone: Europe/Berlin
currency: EUR
term: {start: 2026-04-01}
outcomes:
  closed: {source: billing, uses: closed, price: {per_unit: 1}}
  others: {source: other, uses: closed, price: {per_unit: 1}}
"""


@pytest.fixture
def people(tmp_path):
    """Give what loads the contract with a group of people, some texts replaced."""

    def load(*changes):
        text = PEOPLE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "contract.yaml"
        path.write_text(text)
        return load_contract(path, templates={"closed": CLOSED}, custom={"billing": {}, "other": {}})

    return load


def test_people_are_those_of_the_source(people):
    """A template gets the group as the outcome's own source knows it, and the group is part of the hash."""
    contract = people()

    names = {name: [clause.name for clause in of.predicate.clauses] for name, of in contract.outcomes.items()}
    assert names == {"closed": ["ae", "lead"], "others": ["boss", "u1"]}
    assert contract.people == {
        "billing": {"closers": {"role_in": ("ae", "lead"), "ids": ()}},
        "other": {"closers": {"role_in": ("boss",), "ids": ("u1",)}},
    }
    assert contract.body["people"]["closers"]["other"] == {"role_in": ["boss"], "ids": ["u1"]}
    assert people(("ids: [u1]", "ids: [u2]")).sha256 != contract.sha256


def test_without_people_nobody_is_known(changed):
    """A contract that names no people knows none in any source."""
    contract = changed()

    assert contract.body["people"] == {}
    assert contract.people == {}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("closers:", "closer:", "6:3: people.closer: no template asks for a group of that name"),
        ("other: {role", "othr: {role", "8:5: people.closers.othr: no source is named othr"),
        (
            "{role_in: [boss], ids: [u1]}",
            "{role_in: [], ids: []}",
            "8:12: people.closers.other: nobody is named",
        ),
        ("role_in: [ae, lead]", "roles: [ae, lead]", "7:15: unknown field people.closers.billing.roles"),
        ("role_in: [ae, lead]", "role_in: ['']", "7:25: people.closers.billing.role_in.0: it must not be empty"),
    ],
)
def test_people_that_are_nobody_are_refused(people, old, new, said):
    """A group, a source or a roster that would be nobody is refused at its place, with what is meant."""
    with pytest.raises(ContractError) as caught:
        people((old, new))

    assert said in str(caught.value)


def _meetings(text, tmp_path):
    path = tmp_path / "contract.yaml"
    path.write_text(text)
    return load_contract(path, templates={"qualified-meeting": QUALIFIED_MEETING}, custom={"crm": {}, "other": {}})


def test_a_contract_about_meetings(tmp_path):
    """The roster, the vendor, the holidays and all domains that are no business ones are part of what is pinned."""
    text = (FIXTURES / "good/qualified-meeting.yaml").read_text()
    contract = _meetings(text, tmp_path)
    rule = contract.body["outcomes"][0]["rule"]

    assert rule["record"] == "meeting"
    assert rule["unit"] == {
        "links": ["copied_from", "stands_in_for", "in_series"],
        "key": "account_key",
        "days": 90,
        "anywhere": None,
    }
    assert rule["params"]["vendor_ids"] == "u-bot app-77"
    assert rule["params"]["account_executive_ids"] == "u-boss"
    assert rule["params"]["holidays"] == "2026-12-25 2026-12-26 2027-01-01"
    assert "gmail.com" in rule["params"]["free_mail_domains"].split()
    assert (
        "changes.actor_role in ('AE', 'Senior AE')"
        in {fact["name"]: fact["text"] for fact in rule["facts"]}["accepted_at"]
    )
    assert [_meetings(text, tmp_path).sha256] == [contract.sha256]
    longer = _meetings(text.replace("one_per_account_days: 90", "one_per_account_days: 91"), tmp_path)
    assert longer.sha256 != contract.sha256


def test_a_roster_of_another_source_is_nobody_here(tmp_path):
    """A roster that the outcome's own source does not know leaves nobody who may accept."""
    text = (FIXTURES / "good/qualified-meeting.yaml").read_text()
    with pytest.raises(ContractError, match=r"nobody may accept: name people\.account_executive"):
        _meetings(text.replace("    crm: {role", "    other: {role"), tmp_path)
