"""A sink without a network: a line of text for each event."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from tallystick.sinks import Attempt, EventName, OutcomeEvent, Sink, SinkConfig

__all__ = ["DiaryConfig", "DiarySink"]


class DiaryConfig(SinkConfig):
    """What `tallystick.yaml` may say about a diary.

    Attributes:
        path: The file, from the project's folder on.
    """

    path: str


class DiarySink(Sink):
    """Writes a line for each event, once."""

    name: ClassVar[str] = "diary"
    config_model: ClassVar[type[SinkConfig]] = DiaryConfig
    events: ClassVar[tuple[EventName, ...]] = ("verified", "reversed")

    def __init__(self, config: DiaryConfig, *, root: Path, clock: Callable[[], int]) -> None:
        del clock
        self._path = root / config.path

    def deliver(self, event: OutcomeEvent, attempt: Attempt) -> None:
        """Write the line, unless an earlier attempt did."""
        del attempt
        written = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
        if event.key not in written:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{event.key} {event.claim} {event.event} {event.quantity}\n")

    def close(self) -> None:
        """Give nothing back: nothing is open."""
