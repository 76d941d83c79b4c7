"""`describe`, of the whole org and of one object.

As in the real one nothing here tells whether a field has field history; `FieldDefinition` does, by SOQL.
"""

from __future__ import annotations

from typing import Any

from tallystick_salesforce.simulator.catalog import CHILDREN
from tallystick_salesforce.simulator.history import ALL_HISTORIES
from tallystick_salesforce.simulator.schema import Schema
from tallystick_salesforce.simulator.shapes import Field, Shape, label_of
from tallystick_salesforce.simulator.values import FLOATS

__all__ = ["described", "everything"]

_SOAP = {
    "boolean": "xsd:boolean",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "id": "tns:ID",
    "int": "xsd:int",
    "reference": "tns:ID",
    "anyType": "xsd:anyType",
    "address": "urn:address",
}
_FIXED = {"Id", "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"}
_OLD_RECORDS = {"CaseStatus", "OpportunityStage", "LoginHistory", "Organization"}


def everything(schema: Schema, version: int, base: str) -> dict[str, Any]:
    """Give the description of the whole org."""
    shapes = schema.shapes(version)
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": [_object(schema, one, base) for one in shapes]}


def described(schema: Schema, shape: Shape, base: str) -> dict[str, Any]:
    """Give the description of one object with its fields."""
    writable = schema.writable(shape.name)
    fields = [_field(field, writable=writable) for field in shape.fields.values()]
    children = [
        {"childSObject": child, "field": way, "relationshipName": name, "deprecatedAndHidden": False}
        for name, (child, way) in CHILDREN.get(shape.name, {}).items()
    ]
    more = {"fields": fields, "childRelationships": children, "recordTypeInfos": [], "supportedScopes": []}
    return {**_object(schema, shape, base), **more}


def _object(schema: Schema, shape: Shape, base: str) -> dict[str, Any]:
    here = f"{base}/sobjects/{shape.name}"
    writable = schema.writable(shape.name)
    kept = shape.name in ALL_HISTORIES or shape.name in _OLD_RECORDS or shape.virtual
    return {
        "name": shape.name,
        "label": label_of(shape.name),
        "labelPlural": f"{label_of(shape.name)}s",
        "keyPrefix": shape.prefix or None,
        "custom": shape.name.endswith("__c"),
        "customSetting": False,
        "deprecatedAndHidden": False,
        "queryable": True,
        "retrieveable": not shape.virtual,
        "replicateable": "IsDeleted" in shape.fields,
        "searchable": not kept,
        "createable": writable,
        "updateable": writable,
        "deletable": writable and not kept,
        "undeletable": writable and "IsDeleted" in shape.fields,
        "mergeable": writable and shape.name in {"Account", "Contact", "Lead"},
        "triggerable": not kept,
        "urls": {"sobject": here, "describe": f"{here}/describe", "rowTemplate": here + "/{ID}"},
    }


def _field(field: Field, *, writable: bool) -> dict[str, Any]:
    free = writable and field.name not in _FIXED
    sortable = field.filterable and field.type != "address"
    picks = [
        {"active": True, "defaultValue": False, "label": value, "validFor": None, "value": value}
        for value in field.values
    ]
    soap = "xsd:double" if field.type in FLOATS else _SOAP.get(field.type, "xsd:string")
    return {
        "name": field.name,
        "label": field.label or label_of(field.name),
        "type": field.type,
        "soapType": soap,
        "length": field.length,
        "byteLength": field.length * 3 if field.type not in {"id", "reference"} else field.length,
        "precision": 18 if field.type in FLOATS else 0,
        "scale": 2 if field.type == "currency" else 0,
        "digits": 8 if field.type == "int" else 0,
        "custom": field.custom,
        "nillable": field.nillable,
        "filterable": field.filterable,
        "sortable": sortable,
        "groupable": sortable and field.type not in {"datetime", *FLOATS},
        "aggregatable": sortable,
        "createable": free,
        "updateable": free,
        "calculated": False,
        "defaultedOnCreate": field.name in _FIXED or field.type == "boolean",
        "permissionable": field.custom,
        "idLookup": field.name == "Id",
        "nameField": field.name == "Name",
        "namePointing": field.polymorphic,
        "polymorphicForeignKey": field.polymorphic,
        "referenceTo": list(field.refers_to),
        "relationshipName": field.relationship,
        "picklistValues": picks,
        "restrictedPicklist": False,
    }
