"""Drawing every sample of a ledger again, and holding the answers of people against what was drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from tallystick.canonical import digest
from tallystick.contracts import Sample
from tallystick.errors import Error
from tallystick.period import parse_period
from tallystick.verification.drawn import ANSWER, SAMPLE, Answered, DrawnSample, SampleEntry
from tallystick.verification.samples import list_lines
from tallystick.verification.sampling import draw
from tallystick.verification.verdict import Verdict

__all__ = ["SampleAudit"]


class SampleAudit:
    """Sees the entries of a ledger in their order, and says what is not as it should be.

    Args:
        root: What gives the root of the ledger at a size.
    """

    def __init__(self, root: Callable[[int], bytes]) -> None:
        self._root = root
        self._bodies: dict[str, Mapping[str, Any]] = {}
        self._samples: dict[tuple[str, str], DrawnSample] = {}
        self._standing: dict[tuple[str, str, str], int] = {}
        self._decided_up_to = 0

    def see_contract(self, sha256: str, body: Mapping[str, Any]) -> None:
        """Take in a version of a contract."""
        self._bodies[sha256] = body

    def see_verdict(self, idx: int) -> None:
        """Take in that the entry is a verdict: a list made before it is another list."""
        self._decided_up_to = idx + 1

    def see_act(self, idx: int, kind: str, data: bytes, verdicts: Iterable[dict[str, Any]]) -> Iterator[str]:
        """Check an act; acts that are about no sample are left alone.

        Args:
            idx: Its index in the ledger.
            kind: Its kind.
            data: The entry.
            verdicts: The newest verdict of each subject under its contract, as of this entry.

        Yields:
            One sentence for each thing that is wrong.
        """
        if kind not in {SAMPLE, ANSWER}:
            return
        try:
            if kind == SAMPLE:
                entry = msgspec.json.decode(data, type=SampleEntry)
                wrong = list(self._sample(idx, entry, verdicts))
            else:
                contract, key = (str(msgspec.json.decode(data).get(name)) for name in ("contract", "key"))
                wrong = list(self._answer(idx, (contract, key), msgspec.json.decode(data, type=Answered)))
        except (msgspec.DecodeError, KeyError, TypeError, Error) as error:
            wrong = [f"it cannot be checked: {error}"]
        yield from (f"ledger entry {idx}, a {kind}: {text}" for text in wrong)

    def _sample(self, idx: int, entry: SampleEntry, verdicts: Iterable[dict[str, Any]]) -> Iterator[str]:
        before = self._samples.setdefault((entry.contract, entry.key), DrawnSample(idx, entry))
        if before.idx != idx:
            yield f"the sample of {entry.key} was drawn in entry {before.idx} already"
        body = self._bodies[entry.contract_sha256]
        agreed = {outcome["name"]: outcome["sample"] for outcome in body["outcomes"]}.get(entry.outcome)
        if agreed is None or msgspec.convert(agreed, Sample) != entry.terms:
            yield f"its terms are not those of {entry.outcome} in the contract it names"
        if not self._decided_up_to <= entry.ledger.size <= idx:
            yield "its list is not that of the verdicts before it"
        elif self._root(entry.ledger.size).hex() != entry.ledger.root:
            yield f"the ledger has another root at size {entry.ledger.size}"
        month = parse_period(entry.month, body["timezone"])
        lines = list_lines((msgspec.convert(verdict, Verdict) for verdict in verdicts), entry.outcome, month)
        if (len(lines), digest(lines)) != (entry.population.count, entry.population.sha256):
            yield f"its list has {entry.population.count} lines, and the verdicts before it give another one"
        if list(entry.drawn) != draw(lines, entry.terms.size, entry.seed):
            yield "its seed draws other lines"

    def _answer(self, idx: int, place: tuple[str, str], answered: Answered) -> Iterator[str]:
        sample = self._samples.get(place)
        if sample is None or sample.idx != answered.sample or answered.subject not in sample.entry.drawn:
            yield f"{answered.subject} was not drawn in entry {answered.sample}"
            return
        before = self._standing.get((*place, answered.subject))
        if answered.replaces != before:
            yield f"it replaces {answered.replaces}, and what stands is {before}"
        self._standing[*place, answered.subject] = idx
