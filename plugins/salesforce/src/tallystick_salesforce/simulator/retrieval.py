"""Single records, many by their ids, and the lists of what was deleted or changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tallystick_salesforce.simulator.call import Call
from tallystick_salesforce.simulator.errors import WireError
from tallystick_salesforce.simulator.ids import same
from tallystick_salesforce.simulator.plan import DAY
from tallystick_salesforce.simulator.rendering import record
from tallystick_salesforce.simulator.schema import Schema
from tallystick_salesforce.simulator.shapes import Field, Shape
from tallystick_salesforce.simulator.values import Row, rest_time
from tallystick_salesforce.simulator.world import BIN_DAYS, World

__all__ = ["MOST_IDS", "Retrieval"]

MOST_IDS = 2_000
"""Ids of one call."""

_UPDATED_DAYS = 30


class Retrieval:
    """Reading of records by their ids.

    Args:
        world: The org.
        schema: What the reader may see.
    """

    def __init__(self, world: World, schema: Schema) -> None:
        self._world = world
        self._schema = schema

    def one(self, call: Call, name: str, text: str) -> Row:
        """Give one record; `?fields=A,B` chooses its fields.

        Raises:
            WireError: 404, with ENTITY_IS_DELETED for what is in the recycle bin; 400 for an unknown field.
        """
        shape = self.shape(name, call.version)
        row = self._row(shape, text)
        if row is None:
            raise WireError.missing()
        if row.get("IsDeleted"):
            raise WireError(404, "ENTITY_IS_DELETED", "entity is deleted")
        chosen = call.query.get("fields")
        fields = list(shape.fields.values()) if chosen is None else self._fields(shape, chosen.split(","))
        return record(shape.name, row, fields, call.base)

    def many(self, call: Call, name: str) -> list[Row | None]:
        """Give records in the order of their ids, null for each that is not there; ids and fields are in the body.

        Raises:
            WireError: 400; too many ids, or an unknown field.
        """
        shape, asked = self.shape(name, call.version), call.json()
        ids, names = asked.get("ids"), asked.get("fields")
        if not isinstance(ids, list) or not isinstance(names, list) or not ids or not names:
            raise WireError.bad("MISSING_ARGUMENT", "ids and fields must be given")
        if len(ids) > MOST_IDS:
            raise WireError.bad(
                "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MOST_IDS} records"
            )
        fields = self._fields(shape, [str(name) for name in names])
        rows = (self._row(shape, str(text)) for text in ids)
        return [
            None if row is None or row.get("IsDeleted") else record(shape.name, row, fields, call.base) for row in rows
        ]

    def deleted(self, call: Call, name: str) -> dict[str, Any]:
        """Give what was deleted in a window of at most 15 days back, merged records among them."""
        shape = self.shape(name, call.version)
        start, end = self._window(call, BIN_DAYS)
        log = self._world.org.deletions[shape.name]
        earliest = min((at for at, _ in log), default=self._world.now - BIN_DAYS * DAY)
        found = [{"deletedDate": rest_time(at), "id": key} for at, key in log if start <= at < end]
        return {
            "deletedRecords": found,
            "earliestDateAvailable": rest_time(earliest),
            "latestDateCovered": rest_time(min(end, self._world.now)),
        }

    def updated(self, call: Call, name: str) -> dict[str, Any]:
        """Give the ids of what was made or changed in a window of at most 30 days back, by `SystemModstamp`."""
        shape = self.shape(name, call.version)
        start, end = self._window(call, _UPDATED_DAYS)
        hidden = self._world.unshared()
        stamp = next((name for name in ("SystemModstamp", "CreatedDate") if name in shape.fields), None)
        if stamp is None:
            raise WireError.bad("INVALID_TYPE", f"{shape.name} cannot be replicated")
        rows = self._world.org.rows[shape.name].values()
        found = [row["Id"] for row in rows if start <= row[stamp] < end and not row.get("IsDeleted")]
        shown = [key for key in found if key not in hidden]
        return {"ids": shown, "latestDateCovered": rest_time(min(end, self._world.now))}

    def shape(self, name: str, version: int) -> Shape:
        """Give an object that the reader may see.

        Raises:
            WireError: 404; there is none.
        """
        found = self._schema.shape(name, version)
        if found is None or found.name == "Name":
            raise WireError.missing()
        return found

    def _row(self, shape: Shape, text: str) -> Row | None:
        key = same(text)
        row = None if shape.virtual or key is None else self._world.org.rows[shape.name].get(key)
        return None if row is None or row["Id"] in self._world.unshared() else row

    def _fields(self, shape: Shape, names: list[str]) -> list[Field]:
        found = []
        for name in names:
            field = shape.find(name.strip())
            if field is None:
                raise WireError.bad("INVALID_FIELD", f"No such column '{name}' on sobject of type {shape.name}")
            found.append(field)
        return found

    def _window(self, call: Call, days: int) -> tuple[int, int]:
        try:
            start, end = (int(datetime.fromisoformat(call.query[name]).timestamp()) for name in ("start", "end"))
        except (KeyError, ValueError) as error:
            raise WireError.bad("INVALID_REPLICATION_DATE", "start and end must be dates with a time") from error
        if end - start < 60:
            raise WireError.bad("INVALID_REPLICATION_DATE", "endDate must be at least one minute after startDate")
        if start < self._world.now - days * DAY:
            raise WireError.bad("INVALID_REPLICATION_DATE", f"startDate cannot be more than {days} days ago")
        return start, end
