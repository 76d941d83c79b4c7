"""The contract reference and the code say the same, in both directions."""

import re
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from tallystick.contracts import ContractTerms, load_contract
from tallystick.money import Money, currency
from tallystick.outcomes.library import DOLLARS_COLLECTED
from tallystick.outcomes.meeting_qualified import QUALIFIED_MEETING
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED
from tallystick.statements.pricing import price_month
from tallystick.yamlfile import load_yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/contract-reference.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-z_.<>\[\]]+)` \| (.+?) \| (.+?) \| (.+) \|$", re.MULTILINE)
DESCRIBED = {term: (value, default, meaning) for term, value, default, meaning in ROW.findall(PAGE)}


def _model(annotation):
    """Give the model inside an annotation, and what leads to it: a name for each mapping, brackets for a list."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _model(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return next((found for part in get_args(annotation) if (found := _model(part))), None)
    if origin is dict:
        inner = _model(get_args(annotation)[1])
        return (inner[0], f".<name>{inner[1]}") if inner else None
    if origin is list:
        inner = _model(get_args(annotation)[0])
        return (inner[0], f"[]{inner[1]}") if inner else None
    return (annotation, "") if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _terms(model, path=""):
    for name, field in model.model_fields.items():
        term = f"{path}{field.alias or name}"
        yield term, field
        if inner := _model(field.annotation):
            yield from _terms(inner[0], f"{term}{inner[1]}.")


TERMS = dict(_terms(ContractTerms))


def test_every_term_is_described():
    """Every term of the code has a row on the page, and every row is a term, in the same order."""
    assert list(DESCRIBED) == list(TERMS)


def _default(field):
    """Give a default as the page writes it."""
    value = field.default
    if value is PydanticUndefined:
        return "needed"
    if isinstance(value, BaseModel):
        return "as below"
    if value is None:
        return "none"
    if value in ([], {}, ""):
        return "empty"
    return "false" if value is False else str(value)


@pytest.mark.parametrize("term", list(TERMS))
def test_row(term):
    """A row gives the meaning and the default that the code has."""
    _, default, meaning = DESCRIBED[term]

    assert (default, meaning) == (_default(TERMS[term]), TERMS[term].description)


def _blocks():
    return re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


TEMPLATES = {template.name: template for template in (DOLLARS_COLLECTED, QUALIFIED_MEETING, TICKET_RESOLVED)}
CUSTOM = {
    "billing": {"invoice": {"placed_at": "instant", "placed_with": "text"}},
    **{source: {} for source in ("crm", "desk", "dialer", "sales", "support")},
}
EUR = currency("EUR")


def _load(text, tmp_path):
    path = tmp_path / "contract.yaml"
    path.write_text(text, encoding="utf-8")
    return load_contract(path, templates=TEMPLATES, custom=CUSTOM)


def _fixture(name):
    """Give a good contract without the sentence about it in its first line."""
    return (ROOT / f"fixtures/contracts/good/{name}.yaml").read_text(encoding="utf-8").split("\n", 1)[1]


def test_the_examples_load(tmp_path):
    """The examples of the page are contracts, and the whole ones are the fixtures the tests use."""
    whole, outcome, dependent, every = _blocks()
    assert (whole, every) == (_fixture("dollars-collected"), _fixture("every-term"))
    head = whole[: whole.index("outcomes:")]
    names = {"recovered": (whole, head + outcome), "quiet": (head + dependent,)}
    for name, texts in names.items():
        for text in texts:
            assert list(_load(text, tmp_path).outcomes) == [name]
    assert list(_load(every, tmp_path).outcomes) == ["held_meeting", "resolved", "recovered"]


def test_the_numbers_of_the_page(tmp_path):
    """What the page says that meetings, tickets and payments of a month come to is what they come to."""
    contract = _load(_blocks()[3], tmp_path)

    def comes_to(outcome, *quantities):
        priced = price_month(contract.outcomes[outcome].price, list(map(Decimal, quantities)), EUR, "half_up")
        return str(sum((line.amount for line in priced), Money(0, EUR)))

    assert comes_to("held_meeting", *[1] * 7) == "480.00 EUR"
    assert comes_to("resolved", *[1] * 1600) == "1385.00 EUR"
    assert comes_to("recovered", 20_000, 40_000) == "6000.00 EUR"


def test_every_term_stands_in_a_good_contract():
    """The good fixtures use every term there is, so that each is loaded by a test."""
    used = set()
    for path in (ROOT / "fixtures/contracts/good").glob("*.yaml"):
        used |= set(_used(load_yaml(path).data, ContractTerms))

    assert set(TERMS) - used == set()


def _used(data, model, path=""):
    for name, field in model.model_fields.items():
        written = field.alias or name
        if written not in data:
            continue
        yield f"{path}{written}"
        inner = _model(field.annotation)
        for part in _parts(data[written], inner[1]) if inner else ():
            yield from _used(part, inner[0], f"{path}{written}{inner[1]}.")


def _parts(value, way):
    """Give the mappings that a way of names and brackets leads to; a clause may be a text instead."""
    if not way:
        return [value] if isinstance(value, dict) else []
    first = ".<name>" if way.startswith(".") else "[]"
    inner = value.values() if first == ".<name>" else value
    return [part for item in inner for part in _parts(item, way.removeprefix(first))]
