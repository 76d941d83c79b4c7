"""The published schema of a contract file says what the loader accepts."""

import json

from tallystick.contracts import ContractTerms, contract_json_schema


def test_schema():
    """The JSON Schema is draft 2020-12, closed against unknown fields, and describes every field."""
    schema = contract_json_schema()

    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["properties"]) == set(ContractTerms.model_fields)
    objects = [schema, *schema["$defs"].values()]
    assert all(part["additionalProperties"] is False for part in objects)
    assert [name for part in objects for name, field in part["properties"].items() if "description" not in field] == []


def test_schema_of_numbers():
    """Prices are numbers above zero in the schema, a percentage at most 100, and one of the two is needed."""
    price = contract_json_schema()["$defs"]["PriceTerms"]

    assert price["properties"]["per_unit"]["anyOf"][0] == {"type": "number", "exclusiveMinimum": 0}
    assert price["properties"]["percent"]["anyOf"][0] == {"type": "number", "exclusiveMinimum": 0, "maximum": 100}
    assert price["oneOf"] == [{"required": ["per_unit"]}, {"required": ["percent"]}]


def test_schema_uses_the_names_of_the_file():
    """The schema calls parameters `with`, as the file does, and lets a clause be a text."""
    outcome = contract_json_schema()["$defs"]["OutcomeTerms"]["properties"]

    assert "with" in outcome
    assert "with_" not in outcome
    assert outcome["clauses"]["additionalProperties"]["anyOf"][0]["type"] == "string"
