"""Outcome events as CloudEvents 1.0 in the structured JSON form, in canonical bytes."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tallystick.canonical import canonical
from tallystick.period import format_instant
from tallystick.sinks.base import OutcomeEvent

__all__ = ["CONTENT_TYPE", "TYPE", "cloud_event"]

CONTENT_TYPE = "application/cloudevents+json"
TYPE = "com.tallystick.outcome.{event}.v1"


def cloud_event(event: OutcomeEvent) -> bytes:
    """Give an event as bytes: the same for the same event for ever.

    Nothing of a record goes along: no id of the buyer's system, no field of it, no text of a reason.
    """
    previous = event.previous
    data: dict[str, Any] = {
        "claim": event.claim,
        "outcome": event.outcome,
        "status": event.status,
        "quantity": event.quantity,
        "unit": event.unit,
        "clause": event.clause,
        "month": event.month,
        "locks_at": _instant(event.locks_at),
        "disputable_until": _instant(event.disputable_until),
        "clawback_until": _instant(event.clawback_until),
        "previous": previous,
        "contract": {"name": event.contract, "version": event.contract_version, "sha256": event.contract_sha256},
        "ledger": event.ledger,
    }
    return canonical(
        {
            "specversion": "1.0",
            "id": event.key,
            "source": f"/{quote(event.ledger.origin)}/{quote(event.contract, safe='')}",
            "type": TYPE.format(event=event.event),
            "subject": f"claim:{event.claim}",
            "time": _instant(event.at),
            "datacontenttype": "application/json",
            "data": data,
        }
    )


def _instant(at: int | None) -> str | None:
    return None if at is None else format_instant(at)
