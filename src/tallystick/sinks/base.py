"""What a sink is: a config model, the events it takes, and one duty, to hand over one event at a time.

All instants are microseconds since 1970-01-01T00:00Z.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

import msgspec
from pydantic import BaseModel, ConfigDict

from tallystick.errors import PermanentError

__all__ = [
    "EVENTS",
    "Attempt",
    "Earlier",
    "EventName",
    "LedgerPlace",
    "OutcomeEvent",
    "Previous",
    "Sink",
    "SinkConfig",
    "UndeliverableError",
]

EventName: TypeAlias = Literal["verified", "locked", "corrected", "reversed"]
"""One of `EVENTS`."""

EVENTS: tuple[EventName, ...] = ("verified", "locked", "corrected", "reversed")
"""What is told of a claim.

`verified`: it is verified now. `locked`: its lock has passed, and it is paid for. `corrected`: it is still paid for,
and counts another quantity than was told. `reversed`: what was told holds no more; it counts nothing.
"""


class LedgerPlace(msgspec.Struct, frozen=True):
    """Where the ledger (its `origin`) holds what an event tells: `entry`, and `size` and `root` of the checkpoint."""

    origin: str
    entry: int
    size: int
    root: str


class Previous(msgspec.Struct, frozen=True):
    """How the claim stood before: its ledger `entry` and `status`, and the `quantity` it counted, in `unit`."""

    entry: int
    status: str
    quantity: Decimal
    unit: str


class OutcomeEvent(msgspec.Struct, frozen=True):
    """One thing that became of one claim; made from the ledger alone, so that it never changes.

    `key` is the idempotency key: the same for the same event for ever, another for any other. `at` is when the verdict
    was recorded; of `locked`, when the outcome locked. `quantity` is what the claim counts from now on, in `unit`:
    units, or major units of a currency, which then has `exponent` decimal places; 0 for `reversed`. `status` is that of
    the verdict, and `clause` the one that decides against it. `month` is the calendar month of `at` in the contract's
    zone, as `2026-09`; for `locked` that of the statement with its line. `locks_at`, `disputable_until` and
    `clawback_until` are the dates of the finality calendar; None as long as no lock is known. `contract_version` and
    `contract_sha256` say under which text it was decided, `previous` how the claim stood before, and `ledger` where all
    of this is recorded.

    `occurred_at` is there to choose an instant by, such as that of a usage record. It is not in what a webhook sends.
    """

    key: str
    event: EventName
    at: int
    contract: str
    contract_version: int
    contract_sha256: str
    outcome: str
    claim: str
    status: str
    quantity: Decimal
    unit: str
    exponent: int | None
    clause: str | None
    month: str
    occurred_at: int | None
    locks_at: int | None
    disputable_until: int | None
    clawback_until: int | None
    previous: Previous | None
    ledger: LedgerPlace


class Earlier(msgspec.Struct, frozen=True):
    """An earlier `event` of the same claim for the same sink, by its `key`.

    `state` is how it ended, `delivered` or `dead` (given up, whether a person let it rest since or not), and `done_at`
    when.
    """

    key: str
    event: EventName
    state: str
    done_at: int


class Attempt(msgspec.Struct, frozen=True):
    """What is known about the delivery of an event. `now` is the instant of this attempt.

    `unsure_since` is when the first attempt began whose end is not known, such as a call without an answer, or one by a
    process that was killed; None where the event certainly has not arrived yet. `earlier` are the earlier events of the
    claim that were sent or given up, oldest first.
    """

    now: int
    unsure_since: int | None = None
    earlier: tuple[Earlier, ...] = ()


class UndeliverableError(PermanentError):
    """No attempt will ever deliver the event: it goes to the dead letters at once, for a person to decide."""


class SinkConfig(BaseModel):
    """What a sink of the project file may set; a kind's own model adds to it."""

    # What was typed may be a secret in the wrong place, so errors do not repeat it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Sink(ABC):
    """One place that outcomes leave for. Constructing one makes no call and resolves no secret."""

    name: ClassVar[str]
    config_model: ClassVar[type[SinkConfig]]
    events: ClassVar[tuple[EventName, ...]] = EVENTS
    """The events it can take; all of them where the project file chooses none."""

    @abstractmethod
    def __init__(self, config: Any, *, root: Path, clock: Callable[[], int]) -> None:
        """Take the settings.

        Args:
            config: A validated instance of `config_model`.
            root: The project's folder, which relative paths start from.
            clock: Gives the instant of an attempt.
        """

    @abstractmethod
    def deliver(self, event: OutcomeEvent, attempt: Attempt) -> None:
        """Hand an event over; returning says that it is durable on the other side.

        It may be called again with the same event, after a crash for example, so it hands `event.key` along.

        Raises:
            UndeliverableError: No attempt can work; a person decides.
            PermanentError: It was refused, and certainly has not arrived; after a few refusals it is a dead letter.
            RateLimited: It was refused for now, and certainly has not arrived.
            RetryableError: It may or may not have arrived.
            Error: The sink as a whole cannot be used, such as a key that is not accepted; nothing arrived.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back what it holds; safe to call twice."""
