"""The objects of the simulated org with their real key prefixes.

Event, Case, Opportunity, Lead, Account and Contact are compared with recorded descriptions in the tests; of the others
those fields are here that the object reference names and somebody may ask for.
"""

from __future__ import annotations

from tallystick_salesforce.simulator.catalog_cases import CASE_SHAPES
from tallystick_salesforce.simulator.catalog_meetings import MEETING_SHAPES
from tallystick_salesforce.simulator.catalog_people import PEOPLE_SHAPES
from tallystick_salesforce.simulator.catalog_sales import SALES_SHAPES
from tallystick_salesforce.simulator.shapes import CustomObject, Shape, declared

__all__ = ["CHILDREN", "CURRENCY_OBJECTS", "NAME", "SHAPES", "custom_shape"]

SHAPES: dict[str, Shape] = {
    shape.name: shape for shape in (*MEETING_SHAPES, *SALES_SHAPES, *CASE_SHAPES, *PEOPLE_SHAPES)
}
"""All standard objects by name."""

CHILDREN: dict[str, dict[str, tuple[str, str]]] = {
    "Account": {
        "Cases": ("Case", "AccountId"),
        "Contacts": ("Contact", "AccountId"),
        "Histories": ("AccountHistory", "AccountId"),
        "Opportunities": ("Opportunity", "AccountId"),
    },
    "Case": {
        "Cases": ("Case", "ParentId"),
        "CaseComments": ("CaseComment", "ParentId"),
        "EmailMessages": ("EmailMessage", "ParentId"),
        "Histories": ("CaseHistory", "CaseId"),
    },
    "Contact": {
        "Cases": ("Case", "ContactId"),
        "Histories": ("ContactHistory", "ContactId"),
        "OpportunityContactRoles": ("OpportunityContactRole", "ContactId"),
    },
    "Event": {"EventRelations": ("EventRelation", "EventId")},
    "Lead": {"Histories": ("LeadHistory", "LeadId")},
    "Opportunity": {
        "Histories": ("OpportunityFieldHistory", "OpportunityId"),
        "OpportunityContactRoles": ("OpportunityContactRole", "OpportunityId"),
        "OpportunityHistories": ("OpportunityHistory", "OpportunityId"),
    },
}
"""The ways from a parent to its child rows: object and field of the child, by parent and name of the relationship."""

CURRENCY_OBJECTS = ("Opportunity", "OpportunityHistory", "Account", "Lead", "Contact", "Case", "Event", "Task")
"""The objects that have `CurrencyIsoCode` in an org with several currencies."""

NAME = declared(
    "Name",
    "",
    """
    string Name FirstName LastName Alias Username Title Type
    email Email
    phone Phone
    boolean IsActive
    reference ProfileId>Profile UserRoleId>UserRole
    """,
)
"""What a reference to one of several objects shows of its parent, whatever that is."""


def custom_shape(custom: CustomObject) -> Shape:
    """Give the shape of a custom object.

    Raises:
        ValueError: Its name or that of a field does not end as it must.
    """
    if not custom.name.endswith("__c"):
        raise ValueError(f"{custom.name} is no name of a custom object: it ends in __c")
    standard = """
    string Name
    boolean IsDeleted
    reference OwnerId>Group|User
    datetime CreatedDate LastModifiedDate SystemModstamp
    reference CreatedById>User LastModifiedById>User
    """
    return declared(custom.name, custom.prefix, standard).with_fields(tuple(c.field() for c in custom.fields))
