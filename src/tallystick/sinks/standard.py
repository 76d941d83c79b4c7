"""The sinks that come with Tallystick, offered through the same hook as anybody's."""

from __future__ import annotations

import pluggy

from tallystick.sinks.base import Sink
from tallystick.sinks.csv_file import CsvSink
from tallystick.sinks.webhook import WebhookSink

__all__ = ["tallystick_sinks"]

_hookimpl = pluggy.HookimplMarker("tallystick")


@_hookimpl
def tallystick_sinks() -> list[type[Sink]]:
    """Offer the webhook and the CSV files."""
    return [WebhookSink, CsvSink]
