"""What is asked for of each object, and that real orgs have it."""

import json
from pathlib import Path

import msgspec
import pytest
import yaml

from tallystick_salesforce.catalog import ENTITIES
from tallystick_salesforce.describe import Described, Field, choose
from tallystick_salesforce.faults import FieldError
from tallystick_salesforce.objects import EventRow, field_names, history_row

RECORDED = Path(__file__).parents[4] / "shared" / "data" / "salesforce-describe"
OBJECTS = ("Event", "Case", "Opportunity", "Lead", "Account", "Contact")
ELSEWHERE = {"CurrencyIsoCode", "ContactId"}
"""Fields that an org has only with several currencies, or that the recorded one is too old for."""

KINDS = {
    "datetime": {"datetime"},
    "Decimal": {"currency"},
    "bool": {"boolean"},
    "int": {"int"},
    "str": {"string", "picklist", "reference", "id", "email", "url", "combobox", "date", "textarea"},
}


def _recorded(name):
    if not RECORDED.is_dir():
        pytest.skip("the recorded descriptions are not beside the repository")
    recording = yaml.safe_load((RECORDED / f"{name}.yaml").read_text("utf-8"))
    found = json.loads(recording["response"]["body"]["string"])
    return {field["name"]: field for field in found["fields"]}


def _entity(name):
    return next(entity for entity in ENTITIES if entity.name == name)


@pytest.mark.parametrize("name", OBJECTS)
def test_a_real_org_has_the_fields_that_are_asked_for(name):
    """Each field of a query is in the recorded description, and its type is the one we read."""
    recorded, row = _recorded(name), _entity(name).row
    asked = {path for path, _ in field_names(row)} - ELSEWHERE

    assert asked <= set(recorded)
    for field in msgspec.structs.fields(row):
        if field.encode_name in asked:
            kinds = {kind for word, kinds in KINDS.items() if word in str(field.type) for kind in kinds}
            assert recorded[field.encode_name]["type"] in kinds, field.encode_name


@pytest.mark.parametrize("name", OBJECTS)
def test_a_real_org_can_be_filtered_by_what_we_filter_by(name):
    """The time stamp and the id order every window."""
    recorded = _recorded(name)

    assert recorded[_entity(name).cursor]["filterable"]
    assert recorded["Id"]["filterable"]


def test_what_is_not_seen_is_left_out_unless_it_must_be_there():
    """A hidden field breaks no query; without the time stamp there is none."""
    seen = {name: Field(name, "string") for name in ("Id", "SystemModstamp", "Subject", "Mine__c")}
    event = Described("Event", seen, frozenset({"Owner"}), writable=False)

    assert choose(event, EventRow, ["Mine__c", "Owner.Name", "Subject"]) == [
        "Id",
        "SystemModstamp",
        "Subject",
        "Mine__c",
        "Owner.Name",
    ]
    with pytest.raises(FieldError, match="Other__c"):
        choose(event, EventRow, ["Other__c"])
    with pytest.raises(FieldError, match="SystemModstamp"):
        choose(Described("Event", {"Id": seen["Id"]}, frozenset(), writable=False), EventRow, [])


def test_a_history_names_its_object_in_its_own_field():
    """The rows of each history are those of any other, but for the field that names the object."""
    names = [name for name, required in field_names(history_row("CaseId")) if required]

    assert names == ["Id", "CreatedDate", "CaseId"]


def test_every_entity_orders_by_a_field_that_it_reads():
    """The cursor carries what the last row says, so the row must have it."""
    for entity in ENTITIES:
        required = {name for name, needed in field_names(entity.row) if needed}
        assert {"Id", entity.cursor} <= required, entity.name
