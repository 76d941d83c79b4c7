"""The simulator harness: finds the simulators that plugins ship and runs each as a process of its own on loopback.

A simulator is a module named by an entry point in the group `tallystick.simulators`. `python -m <module> --port 0
--seed S --now INSTANT` serves it and prints `listening on http://127.0.0.1:<port>` once it does. Its clock is virtual
and moves only when told to (`POST /_simulator/clock`); `GET /_simulator/stats` counts calls and `POST
/_simulator/faults` sets faults. Its function `story(seed)` describes a company with labelled outcomes.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Any

import httpx
import msgspec

from tallystick.errors import PluginError

__all__ = ["Label", "Simulator", "Story", "load_stories", "start_simulator"]

GROUP = "tallystick.simulators"
_PREFIX = "listening on "


class Label(msgspec.Struct, frozen=True):
    """The verdict one subject must get, the clause that decides it, and the trap it stands for."""

    status: str
    clause: str
    trap: str
    net_amount: str | None = None


class Story(msgspec.Struct, frozen=True):
    """A simulated company, its contract and claims, and the right answer for each subject.

    `stages` are the instants of the virtual clock at which the source is read and the claims are verified in turn; the
    labels hold at the last one. `period` is the month whose statement the story ends with. `source_name` is what the
    contract calls the source. `options` start the simulator with the same story.
    """

    name: str
    source: str
    connector: str
    source_config: dict[str, Any]
    environment: dict[str, str]
    contract: str
    claims: list[dict[str, Any]]
    labels: dict[str, Label]
    stages: list[str]
    period: str
    source_name: str = "billing"
    module: str = ""
    seed: int = 0
    options: tuple[str, ...] = ()


class Simulator:
    """A running simulator.

    Args:
        origin: Where it listens, for `base_url`.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._client = httpx.Client(base_url=origin, trust_env=False, timeout=60)

    def move_clock(self, to: str) -> None:
        """Move the virtual clock forward to an instant (ISO 8601); everything due by then happens."""
        self._client.post("/_simulator/clock", json={"to": to}).raise_for_status()

    def set_faults(self, faults: Sequence[dict[str, Any]]) -> None:
        """Set the faults to inject, replacing those set before."""
        self._client.post("/_simulator/faults", json=list(faults)).raise_for_status()

    def calls(self) -> int:
        """Give the number of API calls served so far."""
        return int(self._client.get("/_simulator/stats").raise_for_status().json()["calls"])

    def close(self) -> None:
        """Give back the control connection."""
        self._client.close()


def load_stories(seed: int, *, fast: bool = False, sizes: Mapping[str, int] | None = None) -> list[Story]:
    """Give the stories of all installed simulators, in the order of their names.

    Args:
        seed: Seed of the simulated companies; the same seed gives the same story.
        fast: Stories of the smaller of their two sizes.
        sizes: Other sizes, by what a story calls its own, for example `{"invoices": 400}`.

    Raises:
        PluginError: A simulator cannot be loaded; names it and the cause.
    """
    stories = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            simulator = point.load()
        except ImportError as cause:
            raise PluginError(
                f"the simulator {point.name} ({point.value}) cannot be loaded: {cause}",
                hint=f"Install what it needs: pip install 'tallystick-{point.name}[simulator]'",
            ) from cause
        option, full, small = simulator.SIZE
        size = (sizes or {}).get(option, small if fast else full)
        told = simulator.story(seed, **{option: size})
        known = {name: value for name, value in told.items() if name in Story.__struct_fields__}
        story = msgspec.convert(known, Story)
        options = (f"--{option}", str(size))
        stories.append(msgspec.structs.replace(story, module=point.value, seed=seed, options=options))
    return stories


@contextmanager
def start_simulator(
    module: str, *, seed: int, now: str | None = None, options: Sequence[str] = ()
) -> Iterator[Simulator]:
    """Run a simulator as a process of its own on a free loopback port, and stop it on leaving.

    Raises:
        PluginError: It ended before it listened; its last words are in the message.
    """
    command = [sys.executable, "-m", module, "--port", "0", "--seed", str(seed), *options]
    if now is not None:
        command += ["--now", now]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own interpreter and module
    try:
        simulator = Simulator(_wait(process, module))
        try:
            yield simulator
        finally:
            simulator.close()
    finally:
        process.terminate()
        process.wait(timeout=30)
        if process.stdout:
            process.stdout.close()


def _wait(process: subprocess.Popen[str], module: str) -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line.startswith(_PREFIX):
        raise PluginError(f"the simulator {module} did not start: {line.strip() or 'it ended without a word'}")
    return line.removeprefix(_PREFIX).strip()
