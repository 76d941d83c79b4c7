"""The records of the org: one table per object, and what finds a record by its id or by its key in the plan."""

from __future__ import annotations

from dataclasses import replace

from tallystick_salesforce.simulator.catalog import CURRENCY_OBJECTS, SHAPES, custom_shape
from tallystick_salesforce.simulator.ids import made
from tallystick_salesforce.simulator.plan import IDS_PER_SECOND, Plan
from tallystick_salesforce.simulator.shapes import Field, Shape
from tallystick_salesforce.simulator.values import Row

__all__ = ["Tables", "shapes_of"]

_PARENTS = {
    "EventRelation": "EventId",
    "CaseComment": "ParentId",
    "EmailMessage": "ParentId",
    "CaseHistory": "CaseId",
    "CaseHistory2": "CaseId",
    "OpportunityHistory": "OpportunityId",
    "OpportunityFieldHistory": "OpportunityId",
    "OpportunityContactRole": "OpportunityId",
    "LeadHistory": "LeadId",
    "AccountHistory": "AccountId",
    "ContactHistory": "ContactId",
    "ActivityFieldHistory": "ActivityId",
    "VideoCallParticipant": "VideoCallId",
}


class Tables:
    """All records that are there, those in the recycle bin included.

    Attributes:
        plan: The plan.
        shapes: All objects of the org by name.
        rows: Records by object and id.
        keys: Id of every key, of the plan and of rows made on the way.
        deletions: Instant and id of what was put into the recycle bin, by object, oldest first.
        belongings: Ids of what belongs to a record and goes with it.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.shapes = shapes_of(plan)
        self.keys = plan.ids()
        self.rows: dict[str, dict[str, Row]] = {name: {} for name in self.shapes}
        self.deletions: dict[str, list[tuple[int, str]]] = {name: [] for name in self.shapes}
        self.belongings: dict[str, list[str]] = {}
        self._homes: dict[str, str] = {}
        self._counts: dict[tuple[str, int], int] = {}
        self._cases = 1_000

    def find(self, record: str | None) -> Row | None:
        """Give a record by its id, None if there is none."""
        home = self._homes.get(record or "")
        return None if home is None else self.rows[home].get(record or "")

    def kind(self, record: str) -> str:
        """Give the name of the object that a record is of.

        Raises:
            KeyError: There is no such record.
        """
        return self._homes[record]

    def blank(self, name: str, record: str) -> Row:
        """Give a new record in which nothing is set."""
        row: Row = {field.name: _nothing(field) for field in self.shapes[name].fields.values()}
        return row | {"Id": record}

    def new_id(self, name: str, at: int) -> str:
        """Give the id of a record that Salesforce makes itself, out of the upper half of its second."""
        prefix = self.shapes[name].prefix
        count = self._counts.get((prefix, at), IDS_PER_SECOND // 2)
        self._counts[prefix, at] = count + 1
        return made(prefix, at * IDS_PER_SECOND + count)

    def add(self, name: str, row: Row, key: str | None = None) -> None:
        """Put a record into its table, and to what it belongs to."""
        self.rows[name][row["Id"]] = row
        self._homes[row["Id"]] = name
        if key is not None:
            self.keys[key] = row["Id"]
        parent = row[_PARENTS[name]] if name in _PARENTS else None
        if parent is not None:
            self.belong(row["Id"], parent)

    def belong(self, record: str, parent: str) -> None:
        """Let a record go with another."""
        self.belongings.setdefault(parent, []).append(record)

    def drop(self, record: str) -> None:
        """Make a record and its belongings vanish."""
        for belonging in self.belongings.pop(record, []):
            self.drop(belonging)
        home = self._homes.pop(record, None)
        if home is not None:
            del self.rows[home][record]
            self.deletions[home] = [entry for entry in self.deletions[home] if entry[1] != record]

    def title(self, record: str | None) -> str | None:
        """Give what people read instead of an id."""
        row = self.find(record)
        if row is None:
            return record
        names = (row.get(name) for name in ("Name", "CaseNumber", "Subject"))
        return next((name for name in names if name), record)

    def next_case_number(self) -> int:
        """Give the number of a new case."""
        self._cases += 1
        return self._cases


def shapes_of(plan: Plan) -> dict[str, Shape]:
    """Give all objects of an org with its custom fields.

    Raises:
        ValueError: A custom field or object is not declared as it must be, or its object is unknown.
    """
    found = {**SHAPES, **{custom.name: custom_shape(custom) for custom in plan.custom_objects}}
    if len(plan.currencies) > 1:
        code = Field("CurrencyIsoCode", "picklist", length=3, label="Currency ISO Code", values=plan.currencies)
        found |= {name: found[name].with_fields((code,)) for name in CURRENCY_OBJECTS}
    for name, customs in plan.custom.items():
        if name not in found:
            raise ValueError(f"there is no object {name} to have custom fields")
        found[name] = found[name].with_fields(tuple(custom.field() for custom in customs))
    picks: dict[str, dict[str, tuple[str, ...]]] = {
        "Opportunity": {"StageName": tuple(stage.name for stage in plan.stages)},
        "Case": {"Status": tuple(plan.case_statuses)},
        "MessagingSession": {"AgentType": ("Agent", "Bot", "BotToAgent", "System")},
        "EventRelation": {"Status": ("New", "Declined", "Accepted", "Uninvited", "Maybe")},
    }
    for name, values in picks.items():
        fields = found[name].fields
        found[name] = found[name].with_fields(tuple(replace(fields[f], values=v) for f, v in values.items()))
    return found


def _nothing(field: Field) -> object:
    return False if field.type == "boolean" else None
