"""Laws of contracts: whoever holds the body alone has the very same contract, however its file was written."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.canonical import canonical, digest
from tallystick.contracts import contract_from_body, load_contract
from tallystick.errors import ContractError, Position
from tallystick.ledger.keys import Signer
from tallystick.outcomes import ClauseSource, Inputs, PredicateSource, compile_predicate, predicate_from_source
from tallystick.outcomes.library import DOLLARS_COLLECTED
from tallystick.outcomes.meeting_qualified import QUALIFIED_MEETING
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED
from tallystick.period import zone
from tallystick.records.types import RECORD_TYPES

GOOD = sorted((Path(__file__).parents[2] / "fixtures/contracts/good").glob("*.yaml"))
TEMPLATES = {template.name: template for template in (DOLLARS_COLLECTED, QUALIFIED_MEETING, TICKET_RESOLVED)}
BILLING = {
    "invoice": {"placed_at": "instant", "placed_with": "text"},
    "payment": {"segment": "text", "weight": "integer"},
}
CUSTOM = {"billing": BILLING, **{source: {} for source in ("crm", "desk", "dialer", "sales")}}
READ = Inputs(dict.fromkeys(RECORD_TYPES, 0), dict.fromkeys(RECORD_TYPES, 4_000_000_000_000_000))
laws = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


# --- files nobody wrote


def _cents(least, most):
    return st.integers(least, most).map(lambda minor: Decimal(minor).scaleb(-2))


amounts = _cents(1, 10**8)
percentages = st.integers(1, 10**8).map(lambda number: Decimal(number).scaleb(-6))
texts = st.text(st.characters(categories=["L", "N", "P", "S"], include_characters=" "), min_size=1, max_size=12).filter(
    str.strip
)
months = st.dates(date(2026, 1, 1), date(2029, 12, 1)).map(lambda day: day.replace(day=1))


def _some(**fields):
    """Give mappings with any of some fields."""
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def _tiers(draw, kind, rates, ends):
    stops = sorted(draw(st.sets(ends, max_size=4)))
    steps = [{"up_to": stop, kind: draw(rates)} for stop in stops]
    return {"mode": draw(st.sampled_from(["graduated", "volume"])), "steps": [*steps, {kind: draw(rates)}]}


@st.composite
def _prices(draw, *, money):
    if money and draw(st.booleans()):
        kind = draw(st.sampled_from(["percent", "tiers"]))
        price = {kind: draw(percentages if kind == "percent" else _tiers("percent", percentages, amounts))}
        least, most = sorted([draw(amounts), draw(amounts)])
        return price | draw(_some(min=st.just(least), max=st.just(most)))
    kind = draw(st.sampled_from(["per_unit", "tiers"]))
    price = {kind: draw(amounts if kind == "per_unit" else _tiers("per_unit", amounts, st.integers(1, 10**6)))}
    return price | draw(_some(included=st.integers(0, 10**6)))


shared = {
    "baseline": st.fixed_dictionaries({"cost_per_outcome": amounts, "basis": texts}),
    "sample": st.fixed_dictionaries(
        {
            "size": st.integers(1, 500),
            "tolerance": percentages.filter(lambda percent: percent < 100),
            "rule": st.sampled_from(["extrapolate", "hold"]),
        },
        optional={"confidence": st.sampled_from([90, 95, 99])},
    ),
    "description": texts,
}


@st.composite
def _by_hand(draw):
    """An outcome with clauses and facts of its own, that reads custom fields, in any order."""
    facts = {
        "later": "due + interval '5 days'",
        "due": "coalesce(invoice_due_at, collected_at)",
        "kind": "lower(custom.segment)",
        "heavy": "coalesce(custom.weight > 3, false)",
        "refunded": "count(refunds)",
    }
    clauses = {
        "paid": {"test": "net_amount > 0", "until": "later", "says": "nothing is left at {due}"},
        "known": "status = 'succeeded'",
        "light": {"test": "not heavy", "guard": True},
        "segment": {"test": "kind in ('a', 'b')", "open": "kind is null"},
        "kept": "refunded = 0",
    }
    names = draw(st.lists(st.sampled_from(sorted(clauses)), min_size=1, unique=True))
    quantity = draw(st.sampled_from([None, "net_amount", "count(refunds)"]))
    return {
        "source": "billing",
        "record": "payment",
        "facts": dict(draw(st.permutations(list(facts.items())))),
        "clauses": {name: clauses[name] for name in names},
        **({"quantity": quantity} if quantity else {}),
        "price": draw(_prices(money=quantity == "net_amount")),
        **draw(_some(**shared)),
    }


@st.composite
def _by_template(draw):
    """An outcome of one of the three families, some with a preset, some with a second source."""
    uses = draw(st.sampled_from(sorted(TEMPLATES)))
    given: dict[str, object] = {"uses": uses}
    if uses == "dollars-collected":
        given["source"] = "billing"
        given["with"] = {"agency": "fixly"} | draw(_some(lookback_days=st.integers(0, 400)))
    elif uses == "ticket-resolved":
        given["source"] = "desk"
        hours = st.integers(0, 99) | st.fixed_dictionaries({"email": st.integers(0, 99)})
        presets = [name for name, preset in TICKET_RESOLVED.presets.items() if "judge" not in preset.values]
        given["with"] = draw(
            _some(
                preset=st.sampled_from(presets),
                silence_hours=hours,
                reopen_days=st.integers(0, 99),
                bots=st.just(["900"]) | st.just(["7"]),
            )
        )
        given |= draw(_some(facts=st.just({"noted_at": "coalesce(h1_public_reply_at, h8_internal_at)"})))
        given |= draw(_some(clauses=st.just({"by_message": "channel in ('email', 'messaging')"})))
    else:
        given["source"] = "crm"
        match = st.sampled_from([["external_id"], ["attendees"], ["attendees", "external_id"], ["external_id"] * 2])
        second = {name: st.fixed_dictionaries({"source": st.just(of), "match": match}) for name, of in _SECOND.items()}
        given["evidence"] = draw(_some(**second))
        given["with"] = draw(
            _some(
                min_minutes=st.integers(1, 60),
                one_per_account_days=st.integers(0, 200),
                holidays=st.just(["2026-12-24"]),
                internal_domains=st.just(["acme.example"]),
            )
        )
    given["price"] = draw(_prices(money=uses == "dollars-collected"))
    return given | draw(_some(**shared))


_SECOND = {"calls": "dialer", "acceptance": "sales"}


@st.composite
def files(draw):
    """The content of a contract file, without what stands where."""
    outcomes = draw(
        st.dictionaries(st.sampled_from(["one", "two", "three"]), _by_hand() | _by_template(), min_size=1, max_size=2)
    )
    discounts = [
        {"percent": draw(percentages), "reason": draw(texts), **draw(_some(outcomes=st.just(sorted(outcomes)[:1])))}
        for _ in range(draw(st.integers(0, 2)))
    ]
    floor, cap = sorted([draw(amounts), draw(amounts)])
    excess = _some(excess=st.sampled_from(["forgiven", "carried"]))
    limits = _some(floor=st.just({"monthly": floor}), cap=excess.map(lambda more: {"monthly": cap, **more}))
    given = {
        "contract": "acme",
        "version": draw(st.integers(1, 9)),
        "buyer": draw(texts),
        "vendor": {"name": draw(texts), "identities": {"desk": ["900", "901"], "sales": ["u-bot"], "crm": ["u-bot"]}},
        "people": {"account_executive": {source: {"role_in": ["AE"]} for source in ("crm", "sales")}},
        "timezone": draw(st.sampled_from(["Europe/Berlin", "America/New_York", "UTC"])),
        "currency": draw(st.sampled_from(["EUR", "USD"])),
        "term": {
            "start": date(2026, 4, 1),
            **draw(_some(tail_days=st.integers(0, 90), notice_days=st.integers(0, 90))),
        },
        "outcomes": outcomes,
        "billing": {
            **draw(limits),
            **draw(_some(rounding=st.sampled_from(["half_up", "half_even", "half_towards_positive"]))),
            "discounts": discounts,
            "currencies": draw(_some(JPY=st.just({"cap": {"monthly": 5000}}))),
            "rates": draw(_some(GBP=st.just({"rate": Decimal("1.150"), "source": "ECB"}))),
        },
    }
    holidays = st.lists(st.dates(date(2026, 1, 1), date(2027, 1, 1)), max_size=3, unique=True)
    days = st.integers(0, 200)
    signers = [Signer(name, bytes([number] * 32)).verifier.vkey for number, name in enumerate(("acme", "fixly"))]
    return given | draw(
        _some(
            effective=months.filter(lambda day: day >= date(2026, 4, 1)),
            calendar=st.fixed_dictionaries({"holidays": holidays}),
            finality=_some(
                lock_days=days,
                dispute_days=days,
                days=st.sampled_from(["calendar", "business"]),
                on_silence=st.sampled_from(["accept", "escalate"]),
                clawback_days=days,
            ),
            unverifiable=_some(borne_by=st.sampled_from(["vendor", "buyer"]), grace_days=days),
            off_ramp=st.lists(
                st.fixed_dictionaries(
                    {"measure": st.sampled_from(["verified_rate", "verified_units"]), "below": st.integers(1, 100)},
                    optional={"months": st.integers(1, 36)},
                ),
                max_size=2,
            ),
            data_rights=st.fixed_dictionaries({"export": st.sampled_from(["all", "own", "none"])}),
            review=st.fixed_dictionaries({"every": st.sampled_from(["month", "quarter", "year"])}),
            keys=st.just({"buyer": signers[:1], "vendor": signers[1:]}),
        )
    )


def _written(value):
    """Give a value as YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_written(name)}: {_written(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)


def _load(content):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "contract.yaml"
        path.write_text(content if isinstance(content, str) else _written(content), encoding="utf-8")
        return load_contract(path, templates=TEMPLATES, custom=CUSTOM)


def _queries(contract):
    place = zone(contract.timezone)
    return {name: compile_predicate(outcome.predicate, READ, place) for name, outcome in contract.outcomes.items()}


def _held_alone(contract):
    """Give the contract of whoever holds the bytes of the body and nothing else."""
    return contract_from_body(json.loads(canonical(contract.body)))


# --- the laws


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_the_body_of_a_fixture_is_the_contract(path):
    """Each good contract is the same after its body went through JSON: terms, hash, predicates and queries."""
    contract = load_contract(path, templates=TEMPLATES, custom=CUSTOM)
    alone = _held_alone(contract)

    assert alone == contract
    assert alone.sha256 == contract.sha256 == digest(contract.body)
    assert _queries(alone) == _queries(contract)


@laws
@given(files())
def test_the_body_is_the_contract(content):
    """Any contract is the same after its body went through JSON: terms, hash, predicates and queries."""
    contract = _load(content)
    alone = _held_alone(contract)

    assert alone == contract
    assert alone.sha256 == contract.sha256 == digest(contract.body)
    assert _queries(alone) == _queries(contract)
    assert _held_alone(alone) == alone


@laws
@given(files())
def test_the_rule_in_the_body_is_the_template(content):
    """The rule that the body holds in full decides by the very query that the template, or the file, does."""
    contract = _load(content)
    place = zone(contract.timezone)
    for name, outcome in contract.outcomes.items():
        given_ = content["outcomes"][name]
        custom = CUSTOM[outcome.source]
        if outcome.uses is None:
            source = PredicateSource(given_["facts"], _clauses(given_["clauses"]), given_.get("quantity"))
            direct = predicate_from_source("payment", source, custom=custom)
        else:
            template = TEMPLATES[outcome.uses]
            found = template.source(
                outcome.settings,
                custom=custom,
                vendors=contract.vendor.known_in(outcome.source, outcome.calls),
                people=contract.people[outcome.acceptance.source if outcome.acceptance else outcome.source]
                if outcome.source == "crm"
                else {},
                beside=contract.vendor.known_beside(outcome.acceptance),
            )
            own = PredicateSource(
                {**found.facts, **given_.get("facts", {})},
                {**found.clauses, **_clauses(given_.get("clauses", {}))},
                found.quantity,
                found.params,
                found.unit,
            )
            direct = predicate_from_source(template.record, own, custom=custom)
        assert compile_predicate(outcome.predicate, READ, place) == compile_predicate(direct, READ, place)
        assert outcome.predicate.unit == direct.unit
        assert [(clause.says, clause.waits) for clause in outcome.predicate.clauses] == [
            (clause.says, clause.waits) for clause in direct.clauses
        ]


def _clauses(given_):
    return {
        name: ClauseSource(clause) if isinstance(clause, str) else ClauseSource(**clause)
        for name, clause in given_.items()
    }


@laws
@given(files())
def test_the_body_is_plain_data(content):
    """A body is made of texts, whole numbers, truth values, lists and mappings: no float, and no tuple."""
    kinds = set()

    def walk(value):
        kinds.add(type(value))
        inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
        for item in inner:
            walk(item)

    body = _load(content).body
    walk(body)
    assert kinds <= {type(None), bool, int, str, list, dict}
    assert json.loads(canonical(body)) == body


@laws
@given(files(), st.data())
def test_how_it_is_written_makes_no_difference(content, data):
    """The order of terms, zeros at the end of a number, comments and line breaks change no hash."""
    plain = _load(content)
    shuffled = dict(data.draw(st.permutations(list(content.items()))))
    for name in ("billing", "term", "vendor", "finality", "unverifiable"):
        if name in shuffled:
            shuffled[name] = dict(data.draw(st.permutations(list(shuffled[name].items()))))
    text = "# a comment\n" + "\n".join(
        f"{name}: {_written(value)}0" if type(value) is Decimal else f"{name}:   {_written(value)}  # {name}"
        for name, value in shuffled.items()
    )

    assert _load(text).sha256 == plain.sha256


@laws
@given(files(), st.data())
def test_what_is_agreed_makes_the_hash(content, data):
    """Another price of any outcome changes the hash."""
    name = data.draw(st.sampled_from(sorted(content["outcomes"])))
    other = {**content["outcomes"][name], "price": {"per_unit": Decimal("123456789.01")}}

    assert _load({**content, "outcomes": {**content["outcomes"], name: other}}).sha256 != _load(content).sha256


@laws
@given(files())
def test_a_default_written_out_is_none(content):
    """A parameter that is written with the value it has without it changes no hash."""
    contract = _load(content)
    filled = {}
    for name, outcome in contract.outcomes.items():
        given_ = content["outcomes"][name]
        if outcome.uses == "ticket-resolved":
            values = TICKET_RESOLVED.values(outcome.settings, vendors=["900", "901"])
            plain = {key: value for key, value in values.items() if isinstance(value, int) and key != "bots"}
            filled[name] = {**given_, "with": {**given_["with"], **plain}}
        else:
            filled[name] = given_

    assert _load({**content, "outcomes": filled}).sha256 == contract.sha256


broken = st.sampled_from(
    [Decimal("0.001"), -1, 0, 10**15, "1", True, None, [], {}, date(2026, 4, 1), "\u202e", "\x00", "", Decimal("1e-30")]
)


@settings(laws, max_examples=40)
@given(files(), st.data())
def test_no_file_breaks_the_loader(content, data):
    """Whatever stands in the place of a term, the contract loads, or is refused with the place of what is wrong."""
    path = []
    inner = content
    while isinstance(inner, (dict, list)) and inner and (not path or data.draw(st.booleans())):
        path.append(data.draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner)))))
        inner = inner[path[-1]]

    def replaced(value, steps):
        if not steps:
            return data.draw(broken)
        if isinstance(value, list):
            return [replaced(item, steps[1:]) if place == steps[0] else item for place, item in enumerate(value)]
        return {name: replaced(item, steps[1:]) if name == steps[0] else item for name, item in value.items()}

    try:
        where = _load(replaced(content, path)) and None
    except ContractError as refused:
        where = refused.where

    assert where is None or isinstance(where, Position)
