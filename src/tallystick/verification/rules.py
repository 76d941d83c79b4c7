"""Claims against records: one verdict for each claim, and one for each unclaimed record that meets the predicate.

A verdict is a function of the contract, the claims, the evidence up to a sequence number, `now`, the verdict given
before, how claims under other contracts stand, because one record is paid once, and what the parties settled. The
verdict given before tells `rejected` from `reversed`, and once it is locked nothing moves it but evidence against it,
up to the end of the clawback.

The rules are pure: where the records come from is behind `facts.Facts`, so that the buyer who holds them in a database
and the vendor who holds a bundle come to the same verdicts by the same rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any, Literal, TypeAlias

import msgspec

from tallystick.contracts import Contract, Outcome
from tallystick.outcomes import Inputs, describe
from tallystick.period import format_instant, zone
from tallystick.verification.claim import Claim
from tallystick.verification.facts import Candidates, Facts, Row
from tallystick.verification.finality import is_kept, lock_of
from tallystick.verification.units import Group, Held, Holder, Rivals, Units
from tallystick.verification.verdict import Evidence, Reason, Settlement, Status, Verdict

__all__ = ["Owner", "Rules", "Span", "decide_all", "decide_each", "recorded_quantity"]

_STATUS: Mapping[str, Status] = {
    "meets": "verified",
    "rejected": "rejected",
    "unverifiable": "unverifiable",
    "pending": "pending",
}


class _Ruling(msgspec.Struct, frozen=True, gc=False):
    """How a subject stands, and why; `deleted_id` is the record it means if that is not there any more."""

    status: Status
    reasons: tuple[Reason, ...] = ()
    deleted_id: str | None = None


_MEANT = _Ruling("pending")
_MET = _Ruling("verified")

Span: TypeAlias = tuple[int | None, int | None]

Owner: TypeAlias = dict[tuple[str, str], dict[str, str]]
"""Which claim holds a record: by source and record type, record id to claim id."""


class Rules:
    """One outcome being decided: first its claims, then what nobody claimed under any outcome of the contract.

    Args:
        facts: The records of the outcome.
        contract: The contract the claims are made under.
        outcome: One of its outcomes.
        inputs: Since when and up to when the streams were read; never later than `now`.
        before: The newest verdict of each subject in the ledger.
        rivals: Claims under other contracts.
        order: Ledger index of the import of each claim, to tell which of two claims came first.
        held: Claims under other outcomes of the contract that hold a record; those under this one are added.
        now: The instant that is decided as of.
        span: Instants between which an outcome has to happen to be decided by this version of the contract, half-open.
        settled: What the parties settled, by subject.
        meant_before: Gives the record of a subject in `before`, where that is known without the verdict.

    Once decided, `kept` holds the subjects that stay as they are although the evidence changed, and `undecided` those
    that were reversed because something is unknown.
    """

    def __init__(
        self,
        facts: Facts,
        contract: Contract,
        outcome: Outcome,
        inputs: Inputs,
        *,
        before: Mapping[str, Verdict],
        rivals: Rivals | None = None,
        order: Mapping[str, int] | None = None,
        held: Held | None = None,
        now: int,
        span: Span = (None, None),
        settled: Mapping[str, Settlement] | None = None,
        meant_before: Callable[[str], str | None] | None = None,
    ) -> None:
        self.facts = facts
        self.contract = contract
        self.outcome = outcome
        self.inputs = inputs
        self.before = before
        self.order = order or {}
        self.held = {} if held is None else held
        self.now = now
        self.span = span
        self.settled = settled or {}
        self._meant_before = meant_before
        self._place = (outcome.source, outcome.predicate.record)
        self.rivals = [rival for key, found in (rivals or {}).items() if key[:2] == self._place for rival in found]
        self.zone = zone(contract.timezone)
        self.evidence: Mapping[str, tuple[Evidence, ...]] = {}
        self.rows: Mapping[str, Row] = {}
        self.units = Units(None, (), self.zone)
        self.contested: dict[Group, list[tuple[int, Holder]]] = {}
        self.meant: Mapping[str, Candidates] | None = None
        self._refs: dict[str, str] = {}
        self.kept: set[str] = set()
        self.undecided: set[str] = set()

    def prepare(self, claims: Sequence[Claim]) -> None:
        """Find the records that claims mean, and decide the predicate over all records at once.

        Args:
            claims: All claims on the outcome, whichever version of the contract decides them.
        """
        self._refs = {claim.claim_id: self._ref_of(claim) for claim in claims}
        self.meant = self.facts.resolve(sorted(set(self._refs.values())))
        self.rows = self.facts.rows()

    def governs(self, claim: Claim) -> bool:
        """Tell whether what a claim means happened after this version took effect.

        What happened at no known instant is decided by the version that is in force; what locked keeps its version.
        """
        known = self.before.get(f"claim:{claim.claim_id}")
        if known is not None and known.locks_at is not None:
            return self.contract.version <= known.contract_version
        meant = (self.meant or {})[self._refs[claim.claim_id]]
        row = self.rows.get(meant.exact or (meant.others[0] if len(meant.others) == 1 else ""))
        at = self.now if row is None or row["occurred_at"] is None else row["occurred_at"]
        return self.span[0] is None or self.span[0] <= at

    def claimed(self, claims: Sequence[Claim], owner: Owner) -> list[Verdict]:
        """Give all that `each_claimed` gives."""
        return list(self.each_claimed(claims, owner))

    def each_claimed(self, claims: Sequence[Claim], owner: Owner) -> Iterator[Verdict]:
        """Give the verdicts on the claims, in their order, each when it is asked for.

        Args:
            claims: The claims on this outcome that this version decides, oldest first: the first claim on a record
                keeps it. They are prepared, unless they were.
            owner: Who holds which record already, under any outcome; the records claimed here are added.
        """
        if self.meant is None:
            self.prepare(claims)
        meant = self.meant or {}
        self.units = Units(
            self.outcome.predicate.unit,
            self.facts.unit_rows([holder.record_id for _, holder in self.rivals]),
            self.zone,
        )
        for rival in sorted(self.rivals, key=itemgetter(0)):
            for group in self.units.groups(rival[1].record_id):
                self.contested.setdefault(group, []).append(rival)
        self._take_over()
        held = owner.setdefault(self._place, {})
        self.evidence = self.facts.cited()
        for claim in claims:
            subject = f"claim:{claim.claim_id}"
            record_id, ruling = self._mean(claim, meant[self._refs[claim.claim_id]])
            row: Row | None = None
            if (settlement := self.settled.get(subject)) is not None:
                row = self.rows.get(record_id) if record_id is not None else None
                ruling = _Ruling(settlement.status, (Reason("dispute", settlement.text),), ruling.deleted_id)
                if record_id is not None:
                    self._keep(claim, record_id, settlement, held)
            elif record_id is not None:
                row = self.rows[record_id]
                if not self._in_span(row):
                    # It is no outcome of this version, so that a claim under the right one may hold it.
                    ruling = self._judge(row)
                elif (holder := held.setdefault(record_id, claim.claim_id)) != claim.claim_id:
                    text = f"{record_id} was already claimed as {holder}"
                    ruling = _Ruling("rejected", (Reason("duplicate", text),))
                else:
                    ruling = self._once(claim, record_id, self._judge(row))
            named = record_id or ruling.deleted_id
            yield self._verdict(subject, ruling, named, row, claim)

    def found(self, owner: Owner) -> list[Verdict]:
        """Give the records that meet the predicate and that nobody claimed, by id; then those found no more.

        Args:
            owner: Who holds which record, once the claims on every outcome are decided.
        """
        verdicts = self.unclaimed(owner)
        return verdicts + self.no_longer_found({verdict.subject for verdict in verdicts}, owner)

    def unclaimed(self, owner: Owner) -> list[Verdict]:
        """Give the records that meet the predicate and that nobody claimed, by id."""
        claimed = owner.get(self._place, {})
        unclaimed = (self.rows[record_id] for record_id in self.rows if record_id not in claimed)
        rows = [row for row in unclaimed if row["status"] == "meets" and self._in_term(row) and self._in_span(row)]
        self._take_over()
        verdicts = []
        for row in sorted(rows, key=itemgetter("id")):
            held = self.units.holder(row["id"]) or self._held_elsewhere(row["id"])
            if held is None and not self.contesting(row["id"]):
                self._hold(Holder("", row["id"], "verified", source=self.outcome.source))
                verdicts.append(self._found(row))
        return verdicts

    def _keep(self, claim: Claim, record_id: str, settlement: Settlement, held: dict[str, str]) -> None:
        """Let a claim that was settled hold its record, unless another one does.

        One that was settled as rejected holds it too: claimed again, it would get round what the parties settled.
        """
        if not settlement.frees:
            held.setdefault(record_id, claim.claim_id)
        if settlement.status == "verified":
            self._hold(Holder(claim.claim_id, record_id, "verified", source=self.outcome.source))

    def _take_over(self) -> None:
        """Let claims under other outcomes of the contract hold their units here too."""
        for holder in self.held.get(self._place, ()):
            self.units.hold(holder.record_id, holder)

    def _hold(self, holder: Holder) -> None:
        """Let a claim hold the unit of its record, here and in every source that calls the record the same."""
        self.units.hold(holder.record_id, holder)
        if (called := self.units.called(holder.record_id)) is not None:
            self.held.setdefault((self.outcome.predicate.record, *called), []).append(holder)

    def _held_elsewhere(self, record_id: str) -> Holder | None:
        """Give the claim that holds a record of another source that is the same; None where there is none."""
        called = self.units.called(record_id)
        holders = [] if called is None else self.held.get((self.outcome.predicate.record, *called), [])
        return next((holder for holder in holders if holder.source != self.outcome.source), None)

    def _once(self, claim: Claim, record_id: str, ruling: _Ruling) -> _Ruling:
        """Let one claim alone be paid for a unit: the first that is not rejected for another reason."""
        if ruling.status not in {"verified", "pending"}:
            return ruling
        own = self.order.get(claim.claim_id, 0) if self.contested else 0
        earlier = [holder for seq, holder in self.contesting(record_id) if seq < own]
        holder = earlier[0] if earlier else self.units.holder(record_id) or self._held_elsewhere(record_id)
        if holder is None or holder.status == "pending":
            # Who waits for an earlier claim is in line as well: what it would exclude waits with it.
            paid = holder is None and ruling.status == "verified"
            status: Literal["verified", "pending"] = "verified" if paid else "pending"
            in_line = Holder(claim.claim_id, record_id, status, source=self.outcome.source)
            self._hold(in_line)
            self.held.setdefault(self._place, []).append(in_line)
        if holder is None or ruling.status == "pending":
            return ruling
        what = self._near(record_id, holder)
        clause = "claimed_elsewhere" if holder.contract else "duplicate"
        if holder.status == "pending":
            text = f"{what} claimed before as {holder}, which is not decided yet"
            return _Ruling("pending", (Reason(clause, text),))
        return _Ruling("rejected", (Reason(clause, f"{what} already claimed as {holder}"),))

    def _near(self, record_id: str, holder: Holder) -> str:
        """Say which record it is that a claim holds, beside a record that it excludes."""
        where = "" if holder.source in {"", self.outcome.source} else f" in {holder.source}"
        if holder.record_id == record_id and not where:
            return f"{record_id} was"
        if where or self.units.of(record_id) == self.units.of(holder.record_id):
            return f"{holder.record_id}{where}, of the same unit, was"
        unit = self.outcome.predicate.unit
        return f"{holder.record_id}, less than {unit.days if unit else 0} days away, was"

    def contesting(self, record_id: str) -> list[tuple[int, Holder]]:
        """Give the claims under other contracts that exclude a record, those of its unit first, each oldest first."""
        if not self.contested:
            return []
        found = (rival for group in self.units.groups(record_id) for rival in self.contested.get(group, ()))
        return [rival for rival in found if self.units.exclude(record_id, rival[1].record_id)]

    def means(self, subject: str, ref: str) -> bool:
        """Tell whether a subject was looked up by a reference."""
        return self._refs.get(subject.removeprefix("claim:")) == ref

    def _ref_of(self, claim: Claim) -> str:
        """Give what a claim means: once it was found to mean a record it goes on meaning that one."""
        subject = f"claim:{claim.claim_id}"
        if self._meant_before is not None:
            record_id = self._meant_before(subject)
        else:
            known = self.before.get(subject)
            record_id = None if known is None else known.record_id
        # One text where they are equal, as they mostly are, rather than two.
        return claim.ref if record_id is None or record_id == claim.ref else record_id

    def _mean(self, claim: Claim, meant: Candidates) -> tuple[str | None, _Ruling]:
        """Say which record a claim means, or how the claim stands because it means none."""
        if meant.exact is not None or len(meant.others) == 1:
            return meant.exact or meant.others[0], _MEANT
        if meant.others:
            text = f"{claim.ref} may mean any of {', '.join(meant.others)}; claim one of them by its own id"
            return None, _Ruling("unverifiable", (Reason("ambiguous", text),))
        return None, self._missing(claim)

    def _missing(self, claim: Claim) -> _Ruling:
        """Say how a claim stands that means no record: absence is known only inside what was read."""
        kind = self.outcome.predicate.record
        read_from, read_to = self.inputs.read_from.get(kind), self.inputs.read_to.get(kind)
        ref = self._refs[claim.claim_id]
        if (gone := self.facts.deleted(ref)) is not None:
            text = f"{kind} {ref} was deleted at {format_instant(gone)}; what it said before is kept as evidence"
            return _Ruling("unverifiable", (Reason("deleted", text),), ref)
        if read_to is None or read_from is None or (claim.claimed_at is not None and read_to <= claim.claimed_at):
            text = f"no record {ref} has been read yet, and the source is not read past the claim"
            return _Ruling("pending", (Reason("no_such_record", text, until=claim.claimed_at),))
        if read_from > self.contract.term.starts_at:
            text = f"the source holds no {kind} {ref} since {format_instant(read_from)}, but the term began before that"
            return _Ruling("unverifiable", (Reason("no_such_record", text),))
        return _Ruling("rejected", (Reason("no_such_record", f"the source holds no {kind} {ref}"),))

    def _found(self, row: Mapping[str, Any]) -> Verdict:
        return self._verdict(f"found:{self.outcome.name}:{row['id']}", _Ruling("verified"), row["id"], row)

    def no_longer_found(self, still: Collection[str], owner: Owner) -> list[Verdict]:
        """Close the found subjects of earlier runs that are claimed by now, or do not meet the predicate any more.

        Args:
            still: Subjects that are found, by whichever version of the outcome.
            owner: Who holds which record.
        """
        prefix = f"found:{self.outcome.name}:"
        closed = []
        for subject in sorted(
            subject for subject in self.before if subject.startswith(prefix) and subject not in still
        ):
            record_id = subject.removeprefix(prefix)
            holder = owner.get(self._place, {}).get(record_id) or self.units.holder(record_id)
            elsewhere = self.contesting(record_id)
            holder = holder or (elsewhere[0][1] if elsewhere else self._held_elsewhere(record_id))
            text = f"it is claimed as {holder} by now" if holder else "it does not meet the predicate any more"
            if isinstance(holder, Holder) and not holder.claim_id:
                text = f"{holder.record_id} in {holder.source}, of the same unit, is found by now"
            closed.append(self._verdict(subject, _Ruling("rejected", (Reason("not_found", text),)), record_id, None))
        return closed

    def _judge(self, row: Mapping[str, Any]) -> _Ruling:
        status = _STATUS[row["status"]]
        if not self._in_term(row):
            text = f"it happened at {format_instant(row['occurred_at'])}, outside the term of the contract"
            return _Ruling("rejected", (Reason("term", text),))
        if not self._in_span(row):
            text = f"it happened at {format_instant(row['occurred_at'])}, when another version was in force, which has "
            return _Ruling("rejected", (Reason("version", text + f"no outcome {self.outcome.name}"),))
        if status == "verified":
            return _MET
        if row["clause"] is None:
            return _Ruling(status, (Reason("quantity", "what the price applies to is unknown"),))
        clause = self.outcome.predicate.clauses[row["clause"]]
        until = row["until"] if status == "pending" else None
        return _Ruling(status, (Reason(clause.name, describe(self.outcome.predicate, clause, row), until=until),))

    def _in_term(self, row: Mapping[str, Any]) -> bool:
        """Tell whether an outcome happened in the contract's term; one at no known instant is not refused by this."""
        at, term = row["occurred_at"], self.contract.term
        if at is None:
            return True
        ends_at = None if term.ends_at is None else self.zone.add_days(term.ends_at, term.tail_days)
        return bool(term.starts_at <= at and (ends_at is None or at < ends_at))

    def _in_span(self, row: Mapping[str, Any]) -> bool:
        at, (start, end) = row["occurred_at"], self.span
        return at is None or bool((start is None or start <= at) and (end is None or at < end))

    def _verdict(
        self,
        subject: str,
        ruling: _Ruling,
        record_id: str | None,
        row: Mapping[str, Any] | None,
        claim: Claim | None = None,
    ) -> Verdict:
        status = ruling.status
        known = self.before.get(subject)
        # Set once it is verified no more, so that deciding the same again gives the same bytes.
        was_verified = known is not None and (known.was_verified or (known.status == "verified" != status))
        if status in {"rejected", "unverifiable"} and claim and was_verified:
            status = "reversed"
        told: Mapping[str, Any] = row or {}
        met: Mapping[str, Any] = self._settled_as(subject, told) if status == "verified" else {}
        verdict = Verdict(
            contract=self.contract.name,
            contract_version=self.contract.version,
            contract_sha256=self.contract.sha256,
            outcome=self.outcome.name,
            subject=subject,
            status=status,
            ref=claim.ref if claim else str(record_id),
            record_type=self.outcome.predicate.record,
            record_id=record_id,
            reasons=ruling.reasons,
            quantity=recorded_quantity(met.get("quantity")),
            currency=met.get("currency"),
            exponent=met.get("exponent"),
            claimed_amount=claim.amount if claim else None,
            claimed_currency=claim.currency if claim else None,
            occurred_at=told.get("occurred_at"),
            decided_at=met.get("decided_at"),
            evidence=self.evidence.get(record_id or "", ()),
            was_verified=was_verified,
            claimed_at=claim.claimed_at if claim else None,
        )
        # Nobody has seen it yet, and its lock follows from what else it says.
        msgspec.structs.force_setattr(verdict, "locks_at", lock_of(self.contract, verdict, known))
        if known is None or subject in self.settled:
            return verdict
        unknown = ruling.status in {"pending", "unverifiable"}
        final = known if is_kept(self.contract, known, self.now, unknown=unknown) else verdict
        if final is known and verdict != known:
            self.kept.add(subject)
        elif unknown and final.status == "reversed":
            self.undecided.add(subject)
        return final

    def _settled_as(self, subject: str, told: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give what is paid for: what the parties settled, or where they settled nothing what the evidence says."""
        settlement = self.settled.get(subject)
        if settlement is None:
            return told
        quantity = told.get("quantity") if settlement.quantity is None else settlement.quantity
        paid_in = settlement.currency or told.get("currency")
        exponent = told.get("exponent") if paid_in == told.get("currency") else None
        at = told.get("decided_at") or settlement.at
        return {"exponent": exponent, "quantity": quantity, "currency": paid_in, "decided_at": at}


def recorded_quantity(quantity: Any) -> Decimal | None:
    """Give a number of units as it is read from the ledger again, so that a verdict that is kept keeps its bytes."""
    return Decimal(quantity) if type(quantity) is int else quantity


def decide_all(outcomes: Sequence[Rules], claims: Sequence[Claim]) -> list[Verdict]:
    """Give all that `decide_each` gives."""
    return list(decide_each(outcomes, claims))


def decide_each(outcomes: Sequence[Rules], claims: Sequence[Claim]) -> Iterator[Verdict]:
    """Give the verdicts on all claims under an agreement, then on what nobody claimed.

    Each claim is decided under the newest version that was in force when what it means happened. A verdict is made when
    it is asked for, so that as many as there are need not be held.

    Args:
        outcomes: Every outcome of every version, oldest version first; they share what claims hold.
        claims: All claims in the order in which they count.
    """
    for rules in outcomes:
        rules.prepare([claim for claim in claims if claim.outcome == rules.outcome.name])
    own: dict[int, list[Claim]] = {place: [] for place in range(len(outcomes))}
    places: dict[str, list[int]] = defaultdict(list)
    for place, rules in enumerate(outcomes):
        places[rules.outcome.name].append(place)
    for claim in claims:
        known = places[claim.outcome]
        governing = known[1:] and [place for place in known if outcomes[place].governs(claim)]
        own[(governing or known[:1])[-1]].append(claim)
    owner: Owner = {}
    for place, rules in enumerate(outcomes):
        yield from rules.each_claimed(own.pop(place), owner)
    found = [rules.unclaimed(owner) for rules in outcomes]
    still = {verdict.subject for verdicts_of in found for verdict in verdicts_of}
    # The newest version that has an outcome closes what none of them finds any more.
    newest = {rules.outcome.name: rules for rules in outcomes}
    for rules, verdicts_of in zip(outcomes, found, strict=True):
        yield from verdicts_of
        if newest[rules.outcome.name] is rules:
            yield from rules.no_longer_found(still, owner)
