"""Bulk 2.0 query jobs: made, polled, and read as CSV in several results."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from tallystick_salesforce.simulator.call import Call
from tallystick_salesforce.simulator.errors import WireError
from tallystick_salesforce.simulator.ids import made, same
from tallystick_salesforce.simulator.plan import DAY
from tallystick_salesforce.simulator.rendering import DELIMITERS, csv_head, csv_line
from tallystick_salesforce.simulator.schema import Schema
from tallystick_salesforce.simulator.soql import bind
from tallystick_salesforce.simulator.values import rest_time
from tallystick_salesforce.simulator.world import World

__all__ = ["RESULT", "Jobs"]

RESULT = 50_000
"""Rows of a result at most, unless said otherwise."""

_KEPT = 7 * DAY
_PARALLEL = 5
_REFUSED = {"CaseStatus", "OpportunityStage", "EntityDefinition", "FieldDefinition"}
_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}


@dataclass
class _Job:
    key: str
    text: str
    name: str
    every: bool
    delimiter: str
    ending: str
    version: int
    head: bytes
    lines: list[bytes]
    opened: int
    by: str
    polls: int = 0
    end: str = ""

    def place(self) -> str:
        return f"/services/data/v{self.version}.0/jobs/query/{self.key}"


class Jobs:
    """The query jobs of one org. What a job finds is what is there when it is made.

    Args:
        world: The org.
        schema: What the reader may see.
        polls: Calls that ask for the state of a job and are told that it goes on, before it is done.
        seconds: Virtual seconds that a job needs at least.
        result: Rows of a result at most.
    """

    def __init__(self, world: World, schema: Schema, *, polls: int = 1, seconds: int = 0, result: int = RESULT) -> None:
        self._world = world
        self._schema = schema
        self._polls = polls
        self._seconds = seconds
        self._result = result
        self._jobs: dict[str, _Job] = {}

    def create(self, call: Call, by: str) -> dict[str, Any]:
        """Make a job.

        Raises:
            WireError: The statement cannot be served, or not by Bulk.
        """
        asked = call.json()
        operation, text = asked.get("operation"), asked.get("query")
        delimiter, ending = str(asked.get("columnDelimiter", "COMMA")), str(asked.get("lineEnding", "LF"))
        if operation not in ("query", "queryAll") or not isinstance(text, str):
            raise WireError.bad("INVALIDJOB", "operation must be query or queryAll, and query a statement")
        if delimiter not in DELIMITERS or ending not in _ENDINGS:
            raise WireError.bad("INVALIDJOB", "columnDelimiter or lineEnding is not known")
        bound = bind(text, self._world.org, self._schema, call.version)
        if bound.shape.name in _REFUSED:
            raise WireError.bad("INVALIDENTITY", f"Entity '{bound.shape.name}' is not supported by the Bulk API.")
        if bound.counting or bound.children or any(column.field.type == "address" for column in bound.columns):
            raise WireError.bad(
                "FEATURENOTENABLED", "Compound data, aggregates and nested queries are not supported in Bulk Query"
            )
        rows = bound.rows(every=operation == "queryAll", unshared=self._world.unshared())
        mark, end = DELIMITERS[delimiter], _ENDINGS[ending]
        lines = [csv_line(bound, row, mark, end) for row in rows]
        job = _Job(
            key=made("750", len(self._jobs) + 1),
            text=text,
            name=bound.shape.name,
            every=operation == "queryAll",
            delimiter=delimiter,
            ending=ending,
            version=call.version,
            head=csv_head(bound.columns, mark, end),
            lines=lines,
            opened=self._world.now,
            by=by,
        )
        self._jobs[job.key] = job
        return self._row(job, "UploadComplete")

    def poll(self, text: str, *, failed: bool = False) -> dict[str, Any]:
        """Give the state of a job, and count the question; `failed` makes it fail.

        Raises:
            WireError: 404; there is no such job.
        """
        job = self._job(text)
        job.polls += 1
        if failed:
            job.end = "Failed"
        state = self._state(job)
        row = self._row(job, state)
        if state == "Failed":
            row["errorMessage"] = "InternalServerError : Unexpected error during query execution"
        if state == "JobComplete":
            row |= {"numberRecordsProcessed": len(job.lines), "retries": 0, "totalProcessingTime": 1}
        return row

    def abort(self, text: str) -> dict[str, Any]:
        """End a job that is not done."""
        job = self._job(text)
        if self._state(job) == "JobComplete":
            raise WireError.bad("INVALIDJOBSTATE", "Aborting a completed job not allowed")
        job.end = "Aborted"
        return self._row(job, "Aborted")

    def delete(self, text: str) -> None:
        """Forget a job."""
        del self._jobs[self._job(text).key]

    def results(self, call: Call, text: str) -> tuple[bytes, dict[str, str]]:
        """Give one result as CSV, with the headers that say how many rows it has and where the next begins.

        Raises:
            WireError: The job is not done, or the locator is none.
        """
        job = self._done(text)
        first, most = _place(call.query.get("locator", "")), call.query.get("maxRecords", str(self._result))
        if not most.isdigit() or not int(most):
            raise WireError.bad("INVALID_ARGUMENT", "maxRecords must be a positive number")
        last = first + min(int(most), self._result)
        lines = job.lines[first:last]
        locator = _locator(last) if last < len(job.lines) else "null"
        headers = {"Sforce-NumberOfRecords": str(len(lines)), "Sforce-Locator": locator}
        return b"".join([job.head, *lines]), headers

    def pages(self, call: Call, text: str) -> dict[str, Any]:
        """Give the places of up to five results, to be read at once."""
        job = self._done(text)
        first = _place(call.query.get("locator", ""))
        starts = range(first, max(len(job.lines), first + 1), self._result)
        links = [f"{job.place()}/results" + (f"?locator={_locator(one)}" if one else "") for one in starts]
        more = len(links) > _PARALLEL
        after = f"{job.place()}/resultPages?locator={_locator(starts[_PARALLEL])}" if more else None
        return {
            "done": not more,
            "nextRecordsUrl": after,
            "resultPages": [{"resultLink": link} for link in links[:_PARALLEL]],
        }

    def all(self) -> dict[str, Any]:
        """Give all jobs."""
        rows = [self._row(job, self._state(job)) for job in self._jobs.values()]
        return {"done": True, "nextRecordsUrl": None, "records": rows}

    def _state(self, job: _Job) -> str:
        if job.end:
            return job.end
        ready = job.polls > self._polls and self._world.now >= job.opened + self._seconds
        return "JobComplete" if ready else "InProgress" if job.polls else "UploadComplete"

    def _job(self, text: str) -> _Job:
        job = self._jobs.get(same(text) or "")
        if job is None or job.opened + _KEPT < self._world.now:
            raise WireError.missing()
        return job

    def _done(self, text: str) -> _Job:
        job = self._job(text)
        if self._state(job) != "JobComplete":
            raise WireError.bad("INVALIDJOBSTATE", f"Job is in state {self._state(job)}, not JobComplete")
        return job

    def _row(self, job: _Job, state: str) -> dict[str, Any]:
        return {
            "id": job.key,
            "operation": "queryAll" if job.every else "query",
            "object": job.name,
            "createdById": job.by,
            "createdDate": rest_time(job.opened),
            "systemModstamp": rest_time(job.opened),
            "state": state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(job.version),
            "jobType": "V2Query",
            "lineEnding": job.ending,
            "columnDelimiter": job.delimiter,
        }


def _locator(place: int) -> str:
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def _place(locator: str) -> int:
    if locator in {"", "null"}:
        return 0
    try:
        return int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)))
    except (binascii.Error, ValueError) as error:
        raise WireError.bad("INVALID_QUERY_LOCATOR", "invalid query locator") from error
