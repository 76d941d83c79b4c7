"""The fault plan of a simulator: which calls go wrong, and how.

A fault is set over HTTP as `{"path": "/v1/things", "after": 2, "times": 1, "kind": "reset"}`: of the calls to that path
made from then on, the third goes wrong. A path that ends in `*` means all that begin so, and no path means all; `times`
null means always. `"only": "word"` passes over the calls of which the simulator does not say that word.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Generic, TypeVar

__all__ = ["COMMON_KINDS", "FOREIGN", "Fault", "FaultPlan", "matches"]

FOREIGN = "http://127.0.0.2:9"
"""Another origin, where nobody is."""

COMMON_KINDS = {
    "200_html": "a maintenance page of HTML with status 200",
    "500_html": "server error as a page of HTML",
    "502_html": "a gateway's page of HTML",
    "503_html": "a gateway's page of HTML",
    "redirect": "302 to another origin",
    "truncated": "the body ends in the middle and the connection closes",
    "reset": "the connection is reset before any answer",
    "slow": "a good answer after <seconds>",
    "clock_skew": "a good answer whose Date is wrong by <seconds>",
}
"""What can go wrong at every simulator, and is done by `SteeredApp`."""


def matches(pattern: str, path: str) -> bool:
    """Tell whether a path is the pattern, or begins with it if it ends in `*`."""
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


@dataclass
class Fault:
    """One line of the plan, and how often a call that it means was seen since.

    `kind` is what goes wrong with calls to `path`: after `after` of them, the next `times` (None: all), or of those
    only that have the trait `only`. `seconds` is how long, how far or when, as the kind has it.

    A simulator adds keys of its own by a subclass, which is a dataclass too.
    """

    kind: str
    path: str = "*"
    after: int = 0
    times: int | None = 1
    seconds: float = 1.0
    only: str | None = None
    seen: int = field(default=0, init=False)

    def covers(self, path: str) -> bool:
        """Tell whether a path is one that the line means."""
        return matches(self.path, path)

    def strikes(self, path: str, traits: Collection[str] = ()) -> bool:
        """Count a call to `path` with these `traits`, if the line means it, and tell whether it goes wrong."""
        if not self.covers(path) or (self.only is not None and self.only not in traits):
            return False
        self.seen += 1
        return self.seen > self.after and (self.times is None or self.seen <= self.after + self.times)


F = TypeVar("F", bound=Fault)


class FaultPlan(Generic[F]):
    """The plan in force; `plan` are its lines.

    Args:
        kinds: What can go wrong beside the common kinds, and what each means.
        fault: The class of the lines.
    """

    def __init__(self, kinds: Mapping[str, str], fault: type[F]) -> None:
        self.kinds = {**COMMON_KINDS, **kinds}
        self.plan: list[F] = []
        self._fault = fault
        self._keys = {key.name for key in fields(fault) if key.init}

    def load(self, lines: Sequence[dict[str, Any]]) -> None:
        """Replace the plan.

        Raises:
            ValueError: A line names an unknown kind or key; the message names the kinds.
        """
        plan = []
        for line in lines:
            if set(line) - self._keys or line.get("kind") not in self.kinds:
                raise ValueError(f"not a fault: {line}; kinds are {', '.join(self.kinds)}")
            plan.append(self._fault(**line))
        self.plan = plan

    def strike(self, path: str, traits: Collection[str] = ()) -> F | None:
        """Count a call against every line and give the first that strikes.

        Args:
            path: Path of the call.
            traits: What the simulator says of the call, for lines with `only`.
        """
        struck = [fault for fault in self.plan if fault.strikes(path, traits)]
        return struck[0] if struck else None
