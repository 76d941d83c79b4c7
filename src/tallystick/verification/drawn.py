"""Samples as the ledger holds them: what was drawn, what people said of it, and what follows; from entries alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tallystick.contracts import Sample
from tallystick.errors import Tampered
from tallystick.verification.sampling import Answer, Finding, judge, seed_of

__all__ = [
    "ANSWER",
    "SAMPLE",
    "Answered",
    "DrawnSample",
    "Listed",
    "ReadAt",
    "SampleEntry",
    "findings_of",
    "samples_of",
]

SAMPLE, ANSWER = "sample", "sample_verdict"
"""Kinds of ledger entries."""

_LARGEST_POWER = 30


class ReadAt(msgspec.Struct, frozen=True):
    """The ledger a list was made from: its size, and its root in hexadecimal."""

    size: int
    root: str


class Listed(msgspec.Struct, frozen=True):
    """The list the sample was drawn from: its length, and the SHA-256 of the sorted list as canonical JSON."""

    count: int
    sha256: str


class SampleEntry(msgspec.Struct, frozen=True):
    """A sample as the ledger holds it; `drawn` stands in the order of the draw."""

    at: str
    contract: str
    contract_sha256: str
    outcome: str
    month: str
    terms: Sample
    ledger: ReadAt
    population: Listed
    drawn: tuple[str, ...]

    @property
    def key(self) -> str:
        """What its acts are looked up by."""
        return f"{self.outcome}/{self.month}"

    @property
    def seed(self) -> bytes:
        """The seed that anybody can derive from it."""
        return seed_of(self.ledger.root, self.contract_sha256, self.outcome, self.month)


class Answered(msgspec.Struct, frozen=True):
    """What a person says about a line; `sample` and `replaces` are indexes: of the sample, of what it corrects."""

    at: str
    sample: int
    subject: str
    answer: Answer
    by: str
    note: str = ""
    replaces: int | None = None


@dataclass(frozen=True)
class DrawnSample:
    """A sample with its ledger index, and the answer that stands for each of its lines, with the index of that."""

    idx: int
    entry: SampleEntry
    answers: Mapping[str, tuple[int, Answered]] = field(default_factory=dict)

    @property
    def finding(self) -> Finding:
        """What it says so far."""
        said = [answered.answer for _, answered in self.answers.values()]
        counts = (said.count("right"), said.count("wrong"), said.count("unclear"))
        return judge(self.entry.terms, self.entry.population.count, *counts)


def samples_of(acts: Iterable[tuple[int, Mapping[str, Any]]]) -> list[DrawnSample]:
    """Give the samples among acts of one contract, each with its ledger index, with the answers among them.

    The first sample of an outcome and month counts, and the last answer on a line; answers on lines that were not
    drawn are left out. `tallystick ledger fsck` reports what should not be there.
    """
    samples: dict[str, tuple[int, SampleEntry]] = {}
    said: dict[str, dict[str, tuple[int, Answered]]] = {}
    for idx, act in sorted(acts, key=lambda item: item[0]):
        if act["kind"] == SAMPLE:
            samples.setdefault(act["key"], (idx, _checked(msgspec.convert(act, SampleEntry))))
            said.setdefault(act["key"], {})
        elif act["kind"] == ANSWER and act["key"] in samples:
            said[act["key"]][act["subject"]] = (idx, msgspec.convert(act, Answered))
    return [
        DrawnSample(idx, entry, {subject: said[key][subject] for subject in entry.drawn if subject in said[key]})
        for key, (idx, entry) in samples.items()
    ]


def _checked(entry: SampleEntry) -> SampleEntry:
    """Give a sample of which something can be computed: forged numbers would take for ever."""
    tolerance = entry.terms.tolerance
    sound = tolerance.is_finite() and (not tolerance or -_LARGEST_POWER <= tolerance.adjusted() <= _LARGEST_POWER)
    if not sound or len(entry.drawn) != min(entry.terms.size, entry.population.count):
        raise Tampered(f"the sample of {entry.key} has not the lines or the tolerance that a sample has")
    return entry


def findings_of(acts: Iterable[tuple[int, Mapping[str, Any]]]) -> dict[tuple[str, str], Finding]:
    """Give what the samples among acts of one contract say, by outcome and month; what was not drawn is not there."""
    return {(sample.entry.outcome, sample.entry.month): sample.finding for sample in samples_of(acts)}
