"""The objects of the simulator against recorded descriptions, and what a description hides."""

import json
from pathlib import Path

import pytest
import yaml

from tallystick_salesforce.simulator import Custom, Plan, create_app
from tallystick_salesforce.simulator.catalog import SHAPES
from tallystick_salesforce.simulator.describe import described, everything
from tallystick_salesforce.simulator.errors import WireError
from tallystick_salesforce.simulator.schema import Schema
from tallystick_salesforce.simulator.soql import bind
from tallystick_salesforce.simulator.tables import Tables

RECORDED = Path(__file__).parents[4] / "shared" / "data" / "salesforce-describe"
OBJECTS = ("Event", "Case", "Opportunity", "Lead", "Account", "Contact", "OpportunityContactRole")
PER_ORG = {"RecordTypeId"}
"""Fields that an object has only where the org made record types for it."""


def _recorded(name):
    if not RECORDED.is_dir():
        pytest.skip("the recorded descriptions are not beside the repository")
    recording = yaml.safe_load((RECORDED / f"{name}.yaml").read_text("utf-8"))
    return json.loads(recording["response"]["body"]["string"])


def _standard(fields):
    return {field["name"]: field for field in fields if not field["name"].endswith("__c")}


def _described(plan, name, version=68):
    schema = Schema(Tables(plan))
    return described(schema, schema.shape(name, version), f"/services/data/v{version}.0")


@pytest.mark.parametrize("name", OBJECTS)
def test_fields_are_those_of_a_real_org(name):
    """Each standard field of a recorded description is there with its type and flag, and no other is."""
    recorded = _recorded(name)
    theirs = {key: field for key, field in _standard(recorded["fields"]).items() if key not in PER_ORG}
    ours = _standard(_described(Plan(), name)["fields"])
    wanted = {key: (field["type"], field["filterable"]) for key, field in theirs.items()}
    assert {key: (field["type"], field["filterable"]) for key, field in ours.items()} == wanted
    assert _described(Plan(), name)["keyPrefix"] == recorded["keyPrefix"]


@pytest.mark.parametrize("name", OBJECTS)
def test_references_lead_where_they_lead_in_a_real_org(name):
    """Ways to parents have their recorded names; what a reference points to is among the recorded objects."""
    theirs = _standard(_recorded(name)["fields"])
    for key, field in _standard(_described(Plan(), name)["fields"]).items():
        if field["type"] == "reference":
            assert field["relationshipName"] == theirs[key]["relationshipName"]
            assert set(field["referenceTo"]) <= set(theirs[key]["referenceTo"])


@pytest.mark.parametrize("name", OBJECTS)
def test_ways_to_child_rows_are_those_of_a_real_org(name):
    """Every way down has the name, the object and the field that were recorded."""
    recorded = _recorded(name)["childRelationships"]
    theirs = {(way["relationshipName"], way["childSObject"], way["field"]) for way in recorded}
    ours = _described(Plan(), name)["childRelationships"]
    assert {(way["relationshipName"], way["childSObject"], way["field"]) for way in ours} <= theirs


@pytest.mark.parametrize("name", OBJECTS)
def test_descriptions_have_only_keys_of_real_ones(name):
    """No key of an object or of a field was made up."""
    recorded, ours = _recorded(name), _described(Plan(), name)
    assert set(ours) <= set(recorded)
    assert set(ours["fields"][0]) <= set(recorded["fields"][0])


def test_a_hidden_field_is_in_no_description_and_no_query():
    """A field the reader has no right to is absent, and asking for it is INVALID_FIELD."""
    plan = Plan(hidden_fields={"Case": {"Priority"}})
    assert "Priority" not in _standard(_described(plan, "Case")["fields"])
    org = Tables(plan)
    with pytest.raises(WireError, match="No such column 'Priority' on entity 'Case'") as caught:
        bind("SELECT Id, Priority FROM Case", org, Schema(org), 68)
    assert caught.value.code == "INVALID_FIELD"


def test_a_hidden_object_is_in_no_description_and_no_query():
    """An object the reader has no right to is not listed, and asking for it is INVALID_TYPE."""
    org = Tables(Plan(hidden_objects={"Lead"}))
    schema = Schema(org)
    assert "Lead" not in {one["name"] for one in everything(schema, 68, "")["sobjects"]}
    with pytest.raises(WireError) as caught:
        bind("SELECT Id FROM Lead", org, schema, 68)
    assert caught.value.code == "INVALID_TYPE"


def test_older_versions_lack_newer_objects_and_fields():
    """What came with a later version of the API is not there in an earlier one."""
    schema = Schema(Tables(Plan()))
    assert schema.shape("CaseHistory2", 58) is None
    assert schema.shape("CaseHistory2", 59) is not None
    assert "PrevAmount" not in schema.shape("OpportunityHistory", 49).fields


def test_activity_history_is_there_only_where_activities_are_tracked():
    """Without a tracked field of Event or Task the org has no ActivityFieldHistory."""
    assert Schema(Tables(Plan())).shape("ActivityFieldHistory", 68) is None
    assert Schema(Tables(Plan(tracked={"Task": {"Status"}}))).shape("ActivityFieldHistory", 68) is not None


def test_tracking_is_told_by_field_definition():
    """`FieldDefinition` tells by SOQL which fields have a history; a description never does."""
    org = Tables(Plan(tracked={"Opportunity": {"StageName"}}))
    text = (
        "SELECT QualifiedApiName FROM FieldDefinition"
        " WHERE EntityDefinition.QualifiedApiName = 'Opportunity' AND IsFieldHistoryTracked = true"
    )
    rows = bind(text, org, Schema(org), 68).rows(every=False, unshared=set())
    assert [row["QualifiedApiName"] for row in rows] == ["StageName"]


def test_currency_codes_are_there_only_with_several_currencies():
    """`CurrencyIsoCode` is a field only where the org has more than one currency."""
    assert "CurrencyIsoCode" not in _standard(_described(Plan(), "Opportunity")["fields"])
    assert "CurrencyIsoCode" in _standard(_described(Plan(currencies=("EUR", "USD")), "Opportunity")["fields"])


def test_the_reader_may_write_only_what_the_plan_says():
    """Rights to write are seen on the object."""
    assert not _described(Plan(), "Case")["updateable"]
    assert _described(Plan(writable={"Case"}), "Case")["updateable"]


@pytest.mark.parametrize(
    "custom",
    [Custom("Accepted", "boolean"), Custom("Met__c", "reference"), Custom("Met__c", "date", refers_to=("Event",))],
)
def test_a_custom_field_must_be_one(custom):
    """A name without its ending, and a reference to nothing, are refused when the plan is served."""
    with pytest.raises(ValueError, match=custom.name):
        create_app(plan=Plan(custom={"Event": (custom,)}))


def test_key_prefixes_are_told_apart():
    """No two objects share a key prefix, but for the histories of fields, which all do."""
    prefixes = [shape.prefix for shape in SHAPES.values() if not shape.virtual and shape.prefix != "017"]
    assert len(prefixes) == len(set(prefixes))
