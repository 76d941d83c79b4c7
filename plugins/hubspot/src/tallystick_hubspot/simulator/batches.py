"""Batches: their inputs, their errors, and the status that tells whether all of one went well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tallystick_hubspot.simulator.errors import WireError
from tallystick_hubspot.simulator.instants import iso
from tallystick_hubspot.simulator.items import Obj

__all__ = ["batch_answer", "batch_error", "input_ids"]


def input_ids(body: Mapping[str, object], most: int) -> list[str]:
    """Give the ids of a batch.

    Raises:
        WireError: 400; there are no inputs, or too many.
    """
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(one, dict) and "id" in one for one in inputs):
        raise WireError.bad("inputs is no list of ids")
    if len(inputs) > most:
        raise WireError.bad(f"at most {most} inputs are allowed, not {len(inputs)}")
    return [str(one["id"]) for one in inputs]


def batch_error(category: str, message: str, context: Mapping[str, Iterable[str]], **more: object) -> Obj:
    """Give one of the `errors` of a batch."""
    found: Obj = {"status": "error", "category": category, "message": message, **more}
    return {**found, "context": {name: list(values) for name, values in context.items()}, "links": {}, "errors": []}


def batch_answer(now: int, results: list[Obj], errors: list[Obj]) -> tuple[Obj, int]:
    """Give the answer of a batch and its status: 207 where some of it failed."""
    answer: Obj = {"status": "COMPLETE", "results": results}
    if errors:
        answer |= {"numErrors": len(errors), "errors": errors}
    answer |= {"startedAt": iso(now), "completedAt": iso(now)}
    return answer, 207 if errors else 200
