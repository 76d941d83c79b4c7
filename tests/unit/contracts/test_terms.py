"""The published schema of a contract file says what the loader accepts, as far as a schema can."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from tallystick.contracts import ContractTerms, contract_json_schema
from tallystick.contracts.checks import refuse_unseen
from tallystick.errors import ContractError
from tallystick.yamlfile import load_yaml

FIXTURES = Path(__file__).parents[3] / "fixtures/contracts"
SCHEMA = contract_json_schema()
BEYOND = {
    "discount-order": "compares two days",
    "far-too-fine": "counts decimals",
    "holiday-as-text": "knows a day from a text that looks like one",
    "key-malformed": "computes the hash of a key",
    "key-of-both": "compares two lists",
    "minimum-beyond-the-end": "adds months to a day",
    "most-below-least": "compares two amounts",
    "percent-too-fine": "counts decimals",
    "rate-and-limits": "compares two mappings",
    "term-order": "compares two days",
    "tiers-out-of-order": "compares the items of a list",
    "unknown-currency": "knows all currencies",
    "unknown-zone": "knows all zones",
    "currency-unknown-abroad": "knows all currencies",
}
"""Bad contracts whose terms are refused by what no schema can say, and what that is."""


def _as_json(value):
    """Give a value of a YAML file as what a JSON Schema is about."""
    if isinstance(value, dict):
        return {name: _as_json(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_as_json(inner) for inner in value]
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


def _readable(path):
    """Give the content of a contract file that is YAML, and shows what it says."""
    try:
        document = load_yaml(path, error=ContractError)
        refuse_unseen(document)
    except ContractError:
        return None
    return document.data


def _terms_refuse(data):
    try:
        ContractTerms.model_validate(data)
    except ValidationError:
        return True
    return False


BAD = {path.stem: data for path in sorted((FIXTURES / "bad").glob("*.yaml")) if (data := _readable(path)) is not None}
GOOD = {path.stem: _readable(path) for path in sorted((FIXTURES / "good").glob("*.yaml"))}


def test_schema():
    """The JSON Schema is draft 2020-12, closed against unknown fields, and describes every field."""
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(SCHEMA["properties"]) == set(ContractTerms.model_fields)
    objects = [SCHEMA, *SCHEMA["$defs"].values()]
    assert all(part["additionalProperties"] is False for part in objects)
    assert [name for part in objects for name, field in part["properties"].items() if "description" not in field] == []


def test_schema_has_no_null():
    """A name without a value is refused, so no field of the schema may be null, or is so by default."""
    assert "null" not in json.dumps(SCHEMA)


def test_schema_of_numbers():
    """Prices are numbers above zero in the schema, a percentage at most 100, and one of the kinds is needed."""
    price = SCHEMA["$defs"]["PriceTerms"]

    per_unit, percent = (price["properties"][name] for name in ("per_unit", "percent"))
    assert (per_unit["type"], per_unit["exclusiveMinimum"], per_unit["exclusiveMaximum"]) == ("number", 0, 10**12)
    assert (percent["type"], percent["exclusiveMinimum"], percent["maximum"]) == ("number", 0, 100)
    assert price["oneOf"] == [{"required": ["per_unit"]}, {"required": ["percent"]}, {"required": ["tiers"]}]


def test_schema_uses_the_names_of_the_file():
    """The schema calls parameters `with` and a start `from`, as the file does, and lets a clause be a text."""
    outcome = SCHEMA["$defs"]["OutcomeTerms"]["properties"]

    assert "with" in outcome
    assert "with_" not in outcome
    assert "from" in SCHEMA["$defs"]["DiscountTerms"]["properties"]
    assert outcome["clauses"]["additionalProperties"]["anyOf"][0]["type"] == "string"


@pytest.mark.parametrize("name", list(GOOD))
def test_schema_accepts_what_is_good(name):
    """Every contract that the loader accepts is one by the schema."""
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(_as_json(GOOD[name]))] == []


@pytest.mark.parametrize("name", [name for name, data in BAD.items() if _terms_refuse(data) and name not in BEYOND])
def test_schema_refuses_what_is_bad(name):
    """Whatever a term refuses by itself is refused by the schema, where a schema can say so."""
    assert not Draft202012Validator(SCHEMA).is_valid(_as_json(BAD[name]))


def test_what_the_schema_cannot_say():
    """Terms that are refused and that the schema accepts are those of the list, each for its reason."""
    beyond = {
        name
        for name, data in BAD.items()
        if _terms_refuse(data) and Draft202012Validator(SCHEMA).is_valid(_as_json(data))
    }

    assert beyond == set(BEYOND)


@pytest.mark.parametrize(
    "number", [Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity"), 2.5, True]
)
def test_a_number_is_exact_and_finite(number):
    """Neither a float nor what is no number at all is an amount, a percentage or a rate."""
    base = GOOD["dollars-collected"]
    for terms in ({"floor": {"monthly": number}}, {"rates": {"USD": {"rate": number, "source": "ECB"}}}):
        with pytest.raises(ValidationError, match="a number is expected here"):
            ContractTerms.model_validate({**base, "billing": terms})


def test_a_whole_number_may_have_a_point():
    """95 and 95.0 percent of confidence are the same term."""
    given = {"size": 10, "tolerance": 5, "rule": "hold"}
    outcome = GOOD["dollars-collected"]["outcomes"]["recovered"]
    read = [
        ContractTerms.model_validate(
            {
                **GOOD["dollars-collected"],
                "outcomes": {"recovered": {**outcome, "sample": {**given, "confidence": confidence}}},
            }
        )
        for confidence in (95, Decimal("95.0"))
    ]

    assert read[0] == read[1]
