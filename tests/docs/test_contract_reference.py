"""The contract reference and the code say the same, in both directions."""

import re
from pathlib import Path
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from tallystick.contracts import ContractTerms, load_contract
from tallystick.outcomes.library import DOLLARS_COLLECTED

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/contract-reference.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-z_.<>]+)` \| (.+?) \| (.+?) \| (.+) \|$", re.MULTILINE)
DESCRIBED = {term: (value, default, meaning) for term, value, default, meaning in ROW.findall(PAGE)}


def _model(annotation):
    """Give the model inside an annotation, and in how many mappings by name it stands."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _model(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return next((found for part in get_args(annotation) if (found := _model(part))), None)
    if origin is dict:
        inner = _model(get_args(annotation)[1])
        return (inner[0], inner[1] + 1) if inner else None
    return (annotation, 0) if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _terms(model, path=""):
    for name, field in model.model_fields.items():
        term = f"{path}{field.alias or name}"
        yield term, field
        if inner := _model(field.annotation):
            yield from _terms(inner[0], f"{term}.{'<name>.' * inner[1]}")


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
        assert value.model_dump() == {"floor": None, "cap": None, "rounding": "half_up"}
        return "half_up, no floor, no cap"
    if value is None:
        return "none"
    return "false" if value is False else value or "empty"


@pytest.mark.parametrize("term", list(TERMS))
def test_row(term):
    """A row gives the meaning and the default that the code has."""
    _, default, meaning = DESCRIBED[term]

    assert (default, meaning) == (_default(TERMS[term]), TERMS[term].description)


def _blocks():
    return re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_the_examples_load(tmp_path):
    """The examples of the page are contracts, and the first is the fixture the tests use."""
    whole, outcome, dependent = _blocks()
    fixture = (ROOT / "fixtures/contracts/good/dollars-collected.yaml").read_text(encoding="utf-8")
    assert whole == fixture.split("\n", 1)[1]
    head = whole[: whole.index("outcomes:")]
    custom = {"billing": {"invoice": {"placed_at": "instant", "placed_with": "text"}}, "support": {}}
    for text, name in ((whole, "recovered"), (head + outcome, "recovered"), (head + dependent, "quiet")):
        path = tmp_path / "contract.yaml"
        path.write_text(text, encoding="utf-8")
        contract = load_contract(path, templates={"dollars-collected": DOLLARS_COLLECTED}, custom=custom)
        assert list(contract.outcomes) == [name]
