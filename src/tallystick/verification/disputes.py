"""Disputes: a party says that a verdict is wrong, the other answers, and together they settle it or let it be.

    open -> answered -> settled | withdrawn | lapsed | escalated

It lapses, or is escalated, when nobody settles it in time.
Everything here is a function of ledger entries, terms and `now`; `dispute_acts` reads and writes. The deadlines of a
dispute are fixed when it is opened, and no later event moves them. All instants are microseconds UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import msgspec

from tallystick.contracts import Contract, calendar_of, dispute_end
from tallystick.errors import Tampered
from tallystick.period import parse_instant
from tallystick.verification.exhibits import Exhibit
from tallystick.verification.verdict import Settlement, Verdict

__all__ = [
    "ANSWER",
    "DISPUTE",
    "REASONS",
    "RESOLUTION",
    "Answer",
    "Dispute",
    "LiveLook",
    "LiveRecord",
    "Party",
    "Resolution",
    "ResolvedAs",
    "Resolver",
    "State",
    "dispute_deadline",
    "disputes_of",
    "settlements_of",
]

DISPUTE, ANSWER, RESOLUTION = "dispute", "dispute_answer", "dispute_resolution"
"""Kinds of the ledger entries."""

Party: TypeAlias = Literal["buyer", "vendor"]
Resolver: TypeAlias = Literal["buyer", "vendor", "both"]
ResolvedAs: TypeAlias = Literal["verified", "rejected", "withdrawn"]
State: TypeAlias = Literal["open", "answered", "settled", "withdrawn", "lapsed", "escalated"]

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "not_held": "Whether the meeting took place, and as long as agreed.",
        "wrong_person": "Whether the people who attended, or accepted, are those the contract means.",
        "human_handoff": "Whether a person did the work, or part of it.",
        "unconfirmed": "Whether the customer agreed, or only fell silent.",
        "reopened": "Whether the customer came back, so that nothing was resolved.",
        "refunded": "Whether the money went back, by a refund or a chargeback.",
        "duplicate": "Whether it was claimed and paid before, under another id, channel, record or contract.",
        "wrong_amount": "How much it comes to; that it is owed is not in question.",
        "not_in_scope": "Whether the contract means such outcomes at all: the segment, the list, the term.",
        "missing_evidence": "What a fact that the records do not show was.",
        "record_changed": "Whether a record was written afterwards, or by somebody who should not have.",
        "other": "What the text says.",
    }
)
"""What may be in dispute, by its code, whichever side opens it."""


class LiveRecord(msgspec.Struct, frozen=True):
    """One record as the source showed it when the dispute was opened; its raw bytes are an exhibit.

    `cited` says that the disputed verdict rests on these very bytes.
    """

    type: str
    id: str
    as_of: str
    deleted: bool
    sha256: str
    size: int
    cited: bool


class LiveLook(msgspec.Struct, frozen=True):
    """A live look at what a claim means, with its history, when the dispute was opened."""

    source: str
    ref: str
    records: tuple[LiveRecord, ...]


class Answer(msgspec.Struct, frozen=True):
    """What the other side says; `late` when its time to answer was over."""

    by: Party
    text: str
    at: int
    late: bool
    evidence: tuple[Exhibit, ...] = ()


class Resolution(msgspec.Struct, frozen=True):
    """How a dispute ended. `quantity`, in units or major units of `currency`, is what is paid for."""

    outcome: ResolvedAs
    by: Resolver
    text: str
    at: int
    quantity: Decimal | None = None
    currency: str | None = None


class Dispute(msgspec.Struct, frozen=True):
    """One dispute on the verdict of a claim.

    `entry` is the ledger index of its opening, `verdict_entry` that of the disputed verdict, `verdict_status` what it
    said. `dispute_until` is when the time to dispute was over; the answer is due by `answer_until`, and from
    `settle_until` on nobody settles it any more, unless the contract escalates what is not settled.
    """

    id: str
    contract: str
    claim_id: str
    by: Party
    reason: str
    text: str
    opened_at: int
    entry: int
    verdict_entry: int
    verdict_status: str
    dispute_until: int
    answer_until: int
    settle_until: int
    on_silence: Literal["accept", "escalate"]
    evidence: tuple[Exhibit, ...] = ()
    lookup: LiveLook | None = None
    answer: Answer | None = None
    resolution: Resolution | None = None

    @property
    def subject(self) -> str:
        """The subject of the disputed verdict."""
        return f"claim:{self.claim_id}"

    @property
    def other(self) -> Party:
        """The party that did not open it."""
        return "vendor" if self.by == "buyer" else "buyer"

    def state(self, now: int) -> State:
        """Give how far it has come."""
        if self.resolution is not None:
            return "withdrawn" if self.resolution.outcome == "withdrawn" else "settled"
        if now >= self.settle_until:
            return "escalated" if self.on_silence == "escalate" else "lapsed"
        return "open" if self.answer is None else "answered"

    def unsettled(self, now: int) -> bool:
        """Tell whether it may still be settled."""
        return self.state(now) in {"open", "answered", "escalated"}

    def due(self, now: int) -> int:
        """Give the next deadline: that of the answer while it is awaited, else that of the settlement."""
        return self.answer_until if self.answer is None and now < self.answer_until else self.settle_until

    def exhibits(self) -> list[str]:
        """Give the hashes of all that was handed in for it."""
        answered = () if self.answer is None else self.answer.evidence
        live = () if self.lookup is None else self.lookup.records
        return [*(item.sha256 for item in (*self.evidence, *answered)), *(item.sha256 for item in live)]


def dispute_deadline(contract: Contract, verdict: Verdict, recorded_at: int) -> int:
    """Give the first instant at which a verdict is disputed no more.

    What is paid for has its finality calendar, from the lock on. What is not has the dispute days of the contract, from
    the instant at which the verdict was recorded.
    """
    if verdict.locks_at is not None and verdict.status in {"verified", "unverifiable"}:
        return calendar_of(contract, verdict.locks_at).disputable_until
    return dispute_end(contract, recorded_at)


def disputes_of(entries: Iterable[tuple[int, Mapping[str, Any]]]) -> list[Dispute]:
    """Give the disputes that ledger entries tell of, oldest first.

    Args:
        entries: Acts of the three kinds under one contract, with their ledger indexes, in the order of the ledger.

    Raises:
        Tampered: An entry is malformed, or answers or settles what was not opened.
    """
    found: dict[str, Dispute] = {}
    for idx, entry in entries:
        try:
            if entry["kind"] == DISPUTE:
                found[entry["key"]] = _opened(idx, entry)
            elif entry["kind"] == ANSWER:
                answer = _told(entry, Answer, "by", "text", "late", "evidence")
                found[entry["key"]] = msgspec.structs.replace(found[entry["key"]], answer=answer)
            elif entry["kind"] == RESOLUTION:
                resolution = _told(entry, Resolution, "outcome", "by", "text", "quantity", "currency")
                found[entry["key"]] = msgspec.structs.replace(found[entry["key"]], resolution=resolution)
        except (KeyError, msgspec.ValidationError) as error:
            raise Tampered(
                f"ledger entry {idx} is no {entry.get('kind')} as Tallystick writes it: {error}",
                hint="Keep the database, and run `tallystick ledger fsck`.",
            ) from error
    return list(found.values())


def settlements_of(disputes: Iterable[Dispute]) -> dict[str, Settlement]:
    """Give what the parties settled, by subject; what was withdrawn leaves the verdict to the evidence."""
    settled = {}
    for dispute in disputes:
        resolution = dispute.resolution
        if resolution is None or resolution.outcome == "withdrawn":
            continue
        who = "both parties" if resolution.by == "both" else f"the {resolution.by}"
        settled[dispute.subject] = Settlement(
            dispute=dispute.id,
            status=resolution.outcome,
            text=f"settled as {resolution.outcome} by {who} in {dispute.id}: {resolution.text}",
            at=resolution.at,
            quantity=resolution.quantity,
            currency=resolution.currency,
            # Who was only the wrong claimant leaves the outcome to the right one.
            frees=resolution.outcome == "rejected" and dispute.reason == "duplicate",
        )
    return settled


def _opened(idx: int, entry: Mapping[str, Any]) -> Dispute:
    values = {
        "id": entry["key"],
        "contract": entry["contract"],
        "claim_id": entry["claim_id"],
        "by": entry["by"],
        "reason": entry["reason"],
        "text": entry["text"],
        "opened_at": parse_instant(entry["at"]),
        "entry": idx,
        "verdict_entry": entry["verdict"]["entry"],
        "verdict_status": entry["verdict"]["status"],
        "on_silence": entry["on_silence"],
        "evidence": entry["evidence"],
        "lookup": entry["lookup"],
        **{name: parse_instant(entry[name]) for name in ("dispute_until", "answer_until", "settle_until")},
    }
    return msgspec.convert(values, Dispute)


def _told(entry: Mapping[str, Any], kind: Any, *names: str) -> Any:
    return msgspec.convert({"at": parse_instant(entry["at"]), **{name: entry[name] for name in names}}, kind)
