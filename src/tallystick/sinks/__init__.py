"""Where outcomes leave for: what a sink author imports.

Writing the outbox (`outbox`) knows the database and no network; sending (`deliver`, and the sinks themselves) decides
nothing. See `docs/sinks.md`.
"""

from tallystick.sinks.base import (
    EVENTS,
    Attempt,
    Earlier,
    EventName,
    LedgerPlace,
    OutcomeEvent,
    Previous,
    Sink,
    SinkConfig,
    UndeliverableError,
)

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
