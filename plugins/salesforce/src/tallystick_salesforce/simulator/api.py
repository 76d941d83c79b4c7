"""The resources under `/services/data/vXX.0/`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tallystick_salesforce.simulator.bulk import RESULT, Jobs
from tallystick_salesforce.simulator.call import Call
from tallystick_salesforce.simulator.describe import described, everything
from tallystick_salesforce.simulator.errors import WireError
from tallystick_salesforce.simulator.queries import PAGE, Queries
from tallystick_salesforce.simulator.retrieval import Retrieval
from tallystick_salesforce.simulator.schema import FIRST_VERSION, LAST_VERSION, Schema
from tallystick_salesforce.simulator.usage import Usage
from tallystick_salesforce.simulator.world import World

__all__ = ["JSON", "Answer", "Api", "Paging", "versions"]

JSON = "application/json;charset=UTF-8"
"""Media type of REST."""

_CSV = "text/csv"
_RETIRED = 31
_SEASONS = ("Spring", "Summer", "Winter")


@dataclass(frozen=True, slots=True)
class Paging:
    """Sizes and delays.

    Attributes:
        page: Rows of a page of a query at most.
        short: Whether every page has a third fewer rows than asked for.
        result: Rows of a result of a Bulk job at most.
        polls: How often a Bulk job is told to go on before it is done.
        job_seconds: Virtual seconds a Bulk job needs at least.
    """

    page: int = PAGE
    short: bool = False
    result: int = RESULT
    polls: int = 1
    job_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no error."""

    content: bytes
    media: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200


class Api:
    """The API of one org for one reader.

    Args:
        world: The org.
        usage: The daily allowance.
        paging: Sizes and delays.
    """

    def __init__(self, world: World, usage: Usage, paging: Paging) -> None:
        self.schema = Schema(world.org)
        self._usage = usage
        self._queries = Queries(world, self.schema, page=paging.page, short=paging.short)
        self._retrieval = Retrieval(world, self.schema)
        self._jobs = Jobs(world, self.schema, polls=paging.polls, seconds=paging.job_seconds, result=paging.result)

    def answer(self, call: Call, user: str, kind: str) -> Answer:
        """Answer a call; `kind` is the fault that struck, for those that change an answer.

        Raises:
            WireError: The call is refused.
        """
        if 0 <= call.version < _RETIRED:
            raise WireError(410, "UNSUPPORTED_API_VERSION", "The requested API version is retired")
        if not FIRST_VERSION <= call.version <= LAST_VERSION:
            raise WireError.missing()
        parts = call.rest.split("/")
        if parts[:2] == ["jobs", "query"]:
            return self._job(call, parts[2:], user, failed=kind == "job_failed")
        found = self._get(call, parts, short=kind == "short_page") if call.method == "GET" else self._post(call, parts)
        return Answer(msgspec.json.encode(found))

    def _get(self, call: Call, parts: list[str], *, short: bool) -> Any:
        if parts[0] in {"query", "queryAll"} and len(parts) <= 2:
            return self._queries.answer(call, short=short)
        if parts == ["limits"]:
            return self._usage.table(len(self._jobs.all()["records"]))
        if parts == [""]:
            return {name: f"{call.base}/{name}" for name in ("sobjects", "query", "queryAll", "limits", "jobs")}
        if parts[0] == "sobjects":
            return self._object(call, parts[1:])
        raise WireError.missing()

    def _object(self, call: Call, parts: list[str]) -> Any:
        if not parts:
            return everything(self.schema, call.version, call.base)
        name = parts[0]
        if parts[1:] == ["describe"]:
            return described(self.schema, self._retrieval.shape(name, call.version), call.base)
        own: dict[str, Callable[[Call, str], Any]] = {
            "deleted": self._retrieval.deleted,
            "updated": self._retrieval.updated,
        }
        if len(parts) == 2:
            return own[parts[1]](call, name) if parts[1] in own else self._retrieval.one(call, name, parts[1])
        raise WireError.missing()

    def _post(self, call: Call, parts: list[str]) -> Any:
        if call.method == "POST" and parts[:2] == ["composite", "sobjects"] and len(parts) == 3:
            return self._retrieval.many(call, parts[2])
        if parts[0] == "sobjects" and len(parts) > 1:
            self._retrieval.shape(parts[1], call.version)
            raise WireError(403, "INSUFFICIENT_ACCESS", "the simulator takes no writes")
        raise WireError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed")

    def _job(self, call: Call, parts: list[str], user: str, *, failed: bool) -> Answer:
        jobs = self._jobs
        if parts == []:
            found = jobs.create(call, user) if call.method == "POST" else jobs.all()
            return Answer(msgspec.json.encode(found))
        if len(parts) == 1 and call.method == "DELETE":
            jobs.delete(parts[0])
            return Answer(b"", status=204)
        if len(parts) == 1 and call.method == "PATCH":
            return Answer(msgspec.json.encode(jobs.abort(parts[0])))
        if len(parts) == 1:
            return Answer(msgspec.json.encode(jobs.poll(parts[0], failed=failed)))
        if parts[1:] == ["results"]:
            content, headers = jobs.results(call, parts[0])
            return Answer(content, _CSV, headers)
        if parts[1:] == ["resultPages"]:
            return Answer(msgspec.json.encode(jobs.pages(call, parts[0])))
        raise WireError.missing()


def versions() -> list[dict[str, str]]:
    """Give the versions of the API: three a year, of which 68 is that of Winter '27."""
    found = []
    for number in range(FIRST_VERSION, LAST_VERSION + 1):
        year, season = divmod(number - LAST_VERSION + 2, 3)
        label = f"{_SEASONS[season]} '{26 + year + (season == 2)}"
        found.append({"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"})
    return found
