"""The simulator harness: finds the simulators that plugins ship and runs each as a process of its own on loopback.

A simulator is a module named by an entry point in the group `tallystick.simulators`. `python -m <module> --port 0
--seed S --now INSTANT` serves it and prints `listening on http://127.0.0.1:<port>` once it does. Its clock is virtual
and moves only when told to (`POST /_simulator/clock`); `GET /_simulator/stats` counts calls and `POST
/_simulator/faults` sets faults. Its function `story(seed)` describes a company with labelled outcomes.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import entry_points
from io import StringIO
from typing import Any

import httpx
import msgspec

from tallystick.errors import PluginError

__all__ = [
    "Label",
    "Simulator",
    "Story",
    "StorySource",
    "begin_story",
    "load_stories",
    "start_simulator",
    "start_story",
    "story_of",
]

GROUP = "tallystick.simulators"
_PREFIX = "listening on "


class Label(msgspec.Struct, frozen=True):
    """The verdict one subject must get, the clause that decides it, and the trap it stands for."""

    status: str
    clause: str
    trap: str
    net_amount: str | None = None


class StorySource(msgspec.Struct, frozen=True):
    """A source that a story is read from, and the simulator that stands for it.

    `source` is the system, `source_name` what the contract calls it. `options` start the simulator with the same story.
    """

    source: str
    connector: str
    source_config: dict[str, Any]
    environment: dict[str, str]
    source_name: str = "billing"
    module: str = ""
    seed: int = 0
    options: tuple[str, ...] = ()


class Story(msgspec.Struct, frozen=True):
    """A simulated company, its contract and claims, and the right answer for each subject.

    `stages` are the instants of the virtual clock at which the sources are read and the claims are verified in turn;
    the labels hold at the last one. `period` is the month whose statement the story ends with.
    """

    name: str
    sources: tuple[StorySource, ...]
    contract: str
    claims: list[dict[str, Any]]
    labels: dict[str, Label]
    stages: list[str]
    period: str

    @property
    def source(self) -> str:
        """The systems it is told in."""
        return " and ".join(source.source for source in self.sources)

    @property
    def environment(self) -> dict[str, str]:
        """What its sources look for in the environment."""
        return {name: value for source in self.sources for name, value in source.environment.items()}


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
    """Give the stories of all installed simulators, in the order of their names; those of one title are one story.

    Args:
        seed: Seed of the simulated companies; the same seed gives the same story.
        fast: Stories of the smaller of their two sizes.
        sizes: Other sizes, by what a story calls its own, for example `{"invoices": 400}`.

    Raises:
        PluginError: A simulator cannot be loaded; names it and the cause.
    """
    stories: dict[str, Story] = {}
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
        options = (f"--{option}", str(size))
        story = story_of(simulator.story(seed, **{option: size}), module=point.value, seed=seed, options=options)
        known = stories.get(story.name)
        stories[story.name] = story if known is None else _together(known, story)
    return list(stories.values())


def story_of(told: Mapping[str, Any], *, module: str, seed: int, options: Sequence[str]) -> Story:
    """Give the story of one simulator.

    Args:
        told: What its function `story` gives.
        module: The simulator.
        seed: Seed of the company.
        options: What else starts the simulator with this story.
    """
    own = {name: value for name, value in told.items() if name in StorySource.__struct_fields__}
    source = {**own, "module": module, "seed": seed, "options": tuple(options)}
    shared = {name: value for name, value in told.items() if name in Story.__struct_fields__}
    return msgspec.convert({**shared, "sources": (source,)}, Story)


def _together(one: Story, other: Story) -> Story:
    """Tell two stories as one: the claims and labels of both, and the contract that holds what both contracts do.

    Raises:
        PluginError: They do not fit together.
    """
    if (one.stages, one.period) != (other.stages, other.period) or one.labels.keys() & other.labels.keys():
        raise PluginError(f"two simulators tell {one.name}, and not the same story: {one.source}, {other.source}")
    return msgspec.structs.replace(
        one,
        sources=(*one.sources, *other.sources),
        contract=_merged(one.contract, other.contract),
        claims=[*one.claims, *other.claims],
        labels={**one.labels, **other.labels},
    )


def _merged(one: str, other: str) -> str:
    from ruamel.yaml import YAML

    yaml, text = YAML(), StringIO()
    document = yaml.load(one)
    _add(document, yaml.load(other))
    yaml.dump(document, text)
    return text.getvalue()


def _add(document: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(document.get(key), dict):
            _add(document[key], value)
        elif document.setdefault(key, value) != value:
            raise PluginError(f"two contracts of one story differ in {key}: {document[key]} and {value}")


@contextmanager
def start_simulator(
    module: str, *, seed: int, now: str | None = None, options: Sequence[str] = ()
) -> Iterator[Simulator]:
    """Run a simulator as a process of its own on a free loopback port, and stop it on leaving.

    Raises:
        PluginError: It ended before it listened; its last words are in the message.
    """
    launched = _launched(module, seed=seed, now=now, options=options)
    with launched as process, _listening(process, module) as simulator:
        yield simulator


@contextmanager
def start_story(story: Story, *, now: str | None = None) -> Iterator[tuple[Simulator, ...]]:
    """Run the simulators of a story, at its first stage unless told, in the order of its sources.

    Raises:
        PluginError: One ended before it listened.
    """
    with begin_story(story, now=now) as listening:
        yield listening()


@contextmanager
def begin_story(story: Story, *, now: str | None = None) -> Iterator[Callable[[], tuple[Simulator, ...]]]:
    """Begin to run the simulators of a story, and stop them on leaving; see `start_story`.

    Gives a function that waits until all of them listen, and gives them: each builds its company before it does. It
    raises `PluginError` if one ended before.
    """
    at = story.stages[0] if now is None else now
    with ExitStack() as running:
        processes = [
            running.enter_context(_launched(one.module, seed=one.seed, now=at, options=one.options))
            for one in story.sources
        ]

        def listening() -> tuple[Simulator, ...]:
            pairs = zip(processes, story.sources, strict=True)
            return tuple(running.enter_context(_listening(process, one.module)) for process, one in pairs)

        yield listening


@contextmanager
def _launched(module: str, *, seed: int, now: str | None, options: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", module, "--port", "0", "--seed", str(seed), *options]
    if now is not None:
        command += ["--now", now]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own interpreter and module
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)
        if process.stdout:
            process.stdout.close()


@contextmanager
def _listening(process: subprocess.Popen[str], module: str) -> Iterator[Simulator]:
    simulator = Simulator(_wait(process, module))
    try:
        yield simulator
    finally:
        simulator.close()


def _wait(process: subprocess.Popen[str], module: str) -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line.startswith(_PREFIX):
        raise PluginError(f"the simulator {module} did not start: {line.strip() or 'it ended without a word'}")
    return line.removeprefix(_PREFIX).strip()
