"""A verdict: what was found for one claim, or for one record nobody claimed."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

__all__ = ["Evidence", "Reason", "Settlement", "Status", "Verdict", "VerdictHead"]

Status = Literal["verified", "pending", "rejected", "unverifiable", "reversed"]


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """One record version a verdict rests on."""

    source: str
    type: str
    id: str
    version: int
    raw_sha256: str


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why a verdict is what it is.

    `clause` is the clause that decided, or `duplicate` (another claim under the contract holds it), `claimed_elsewhere`
    (one under another contract does), `no_such_record`, `deleted`, `ambiguous`, `term`, `version` (no version in force
    has the outcome), `dispute` (the parties settled it). `until` is the instant
    before which a pending clause cannot be known.
    """

    clause: str
    text: str
    until: int | None = None


class VerdictHead(msgspec.Struct, frozen=True, gc=False):
    """A verdict without the evidence it rests on: all that its price depends on.

    `subject` is `claim:<claim id>`, or `found:<outcome>:<record id>` for a record that meets the predicate and that
    nobody claimed. `quantity` is what the price applies to, in units or in major units of `currency`; it is set for
    `verified` only. `occurred_at` is when the outcome happened; `decided_at` is the instant after which no window of
    any clause is open. `locks_at` is set when it is first verified, or borne by the buyer though unverifiable; no later
    event moves it, and it picks the period whose statement carries the line. `exponent` is the decimal places the
    system of record uses for `currency`. `was_verified` says that the subject was `verified` once and then was not.
    Instants are microseconds, UTC.
    """

    contract: str
    contract_version: int
    contract_sha256: str
    outcome: str
    subject: str
    status: Status
    ref: str
    record_type: str
    record_id: str | None
    reasons: tuple[Reason, ...] = ()
    quantity: Decimal | None = None
    currency: str | None = None
    exponent: int | None = None
    claimed_amount: Decimal | None = None
    claimed_currency: str | None = None
    occurred_at: int | None = None
    decided_at: int | None = None
    was_verified: bool = False
    locks_at: int | None = None
    claimed_at: int | None = None

    @property
    def found(self) -> bool:
        """True for an outcome that nobody claimed."""
        return self.subject.startswith("found:")


class Verdict(VerdictHead, frozen=True, gc=False):
    """The finding for one subject, as it is written to the ledger."""

    evidence: tuple[Evidence, ...] = ()


class Settlement(msgspec.Struct, frozen=True):
    """How the parties settled a dispute: it takes the place of what the evidence says.

    `at` is when they did, in microseconds UTC. `quantity`, in units or major units of `currency`, is what they agreed
    on; None where the evidence tells it. `frees` says that somebody else may claim the record: the claim was rejected,
    not what happened.
    """

    dispute: str
    status: Literal["verified", "rejected"]
    text: str
    at: int
    quantity: Decimal | None = None
    currency: str | None = None
    frees: bool = False
