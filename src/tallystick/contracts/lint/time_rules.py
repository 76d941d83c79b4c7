"""Rules about time and trust: finality, disputes, ways out, rights to the data, keys."""

from __future__ import annotations

from collections.abc import Iterator

from tallystick.contracts.lint.rule import Draft, Hit, rule
from tallystick.contracts.settlement_terms import FinalityTerms

__all__ = ["RULES"]

_LONGEST_NOTICE = 30
_LONGEST_COMMITMENT = 12
_LONGEST_TAIL = 90
_FEWEST_DISPUTE_DAYS = 5


@rule("finality-unwritten", "warning", "When an outcome may still change is left to the defaults of a program.")
def _finality_unwritten(draft: Draft) -> Iterator[Hit]:
    written = draft.terms.finality.model_fields_set if "finality" in draft.terms.model_fields_set else set()
    finality = draft.terms.finality
    missing = {name: getattr(finality, name) for name in FinalityTerms.model_fields if name not in written}
    if missing:
        yield Hit(
            ("finality",),
            f"it does not stand in the contract, so that neither party looked at it: {', '.join(missing)}",
            f"finality: {{{', '.join(f'{name}: {value}' for name, value in missing.items())}}}",
        )


@rule("no-clawback", "warning", "Evidence that comes after the lock never makes a note.")
def _no_clawback(draft: Draft) -> Iterator[Hit]:
    if draft.contract.finality.clawback_days == 0:
        yield Hit(
            ("finality", "clawback_days"),
            "a refund, a reopened ticket or a deleted record after the lock is yours to bear",
            "clawback_days: 120",
        )


@rule("no-dispute-days", "error", "There is no time to dispute an outcome.")
def _no_dispute_days(draft: Draft) -> Iterator[Hit]:
    if draft.contract.finality.dispute_days == 0:
        yield Hit(
            ("finality", "dispute_days"), "what locks can never be questioned, by either side", "dispute_days: 10"
        )


@rule("quick-silence", "warning", "Whoever does not look within a few days has accepted.")
def _quick_silence(draft: Draft) -> Iterator[Hit]:
    finality = draft.contract.finality
    if finality.on_silence == "accept" and 0 < finality.dispute_days < _FEWEST_DISPUTE_DAYS:
        yield Hit(
            ("finality", "dispute_days"),
            f"{finality.dispute_days} days are over before anybody is back from a long weekend",
            "dispute_days: 10, or on_silence: escalate",
        )


@rule("unverifiable-on-buyer", "error", "What cannot be verified is paid as claimed.")
def _unverifiable_on_buyer(draft: Draft) -> Iterator[Hit]:
    if draft.contract.unverifiable.borne_by == "buyer":
        yield Hit(
            ("unverifiable", "borne_by"),
            "a missing fact pays: whoever is paid has no reason to supply it",
            "unverifiable: {borne_by: vendor, grace_days: 14}",
        )


@rule("long-notice", "warning", "It takes more than a month to end the contract.")
def _long_notice(draft: Draft) -> Iterator[Hit]:
    days = draft.contract.term.notice_days
    if days > _LONGEST_NOTICE:
        yield Hit(
            ("term", "notice_days"),
            f"{days} days are paid for after you decided to leave",
            f"notice_days: {_LONGEST_NOTICE}",
        )


@rule("long-commitment", "warning", "The buyer is bound for a year, and has no way out.")
def _long_commitment(draft: Draft) -> Iterator[Hit]:
    term = draft.contract.term
    if term.minimum_months is not None and term.minimum_months >= _LONGEST_COMMITMENT:
        yield Hit(
            ("term", "minimum_months"),
            f"no notice ends it for {term.minimum_months} months, whatever the outcomes are",
            "minimum_months: 3",
        )
    if term.end is not None and not draft.contract.off_ramps:
        months = (term.end.year - term.start.year) * 12 + term.end.month - term.start.month
        if months - (term.end.day < term.start.day) >= _LONGEST_COMMITMENT:
            yield Hit(
                ("term", "end"),
                f"it runs for {months} months, and no number of outcomes lets you leave before",
                "off_ramp: [{measure: verified_rate, below: 60, months: 2}]",
            )


@rule("no-off-ramp", "warning", "Nothing lets the buyer leave when the outcomes do not come.")
def _no_off_ramp(draft: Draft) -> Iterator[Hit]:
    if not draft.contract.off_ramps:
        yield Hit(
            ("off_ramp",),
            "a vendor whose claims are not verified is kept until notice ends it",
            "off_ramp: [{measure: verified_rate, below: 60, months: 2}]",
        )


@rule("long-tail", "warning", "Outcomes are paid for long after the end.")
def _long_tail(draft: Draft) -> Iterator[Hit]:
    days = draft.contract.term.tail_days
    if days > _LONGEST_TAIL:
        yield Hit(
            ("term", "tail_days"),
            f"what happens up to {days} days after the end still counts as the vendor's work",
            f"tail_days: {_LONGEST_TAIL}",
        )


@rule("no-export-right", "warning", "The buyer has no right to take along what decided.")
def _no_export_right(draft: Draft) -> Iterator[Hit]:
    export = draft.contract.export
    if export != "all":
        has = "nothing is said about it" if export is None else f"export is {export}"
        yield Hit(
            ("data_rights", "export"),
            f"{has}: after the end nobody can prove what was paid for",
            "data_rights: {export: all, retention_months: 36}",
        )


@rule("no-review", "warning", "Nobody looks at the numbers at least once a quarter.")
def _no_review(draft: Draft) -> Iterator[Hit]:
    every = draft.contract.review_every
    if every not in {"month", "quarter"}:
        has = "no review is agreed" if every is None else f"a review every {every} comes too late to act on"
        yield Hit(("review", "every"), has, "review: {every: quarter}")


@rule("no-keys", "warning", "Nobody can sign.")
def _no_keys(draft: Draft) -> Iterator[Hit]:
    missing = [party for party in ("buyer", "vendor") if not draft.contract.keys.get(party)]
    if missing:
        yield Hit(
            ("keys",),
            f"no key is named for the {' and the '.join(missing)}: a signature could be anybody's",
            f"keys: {{{', '.join(f'{party}: [...]' for party in missing)}}}, as each party's program prints them",
        )


@rule("disputes-hang", "note", "For the vendor: a silent buyer holds an outcome open.")
def _disputes_hang(draft: Draft) -> Iterator[Hit]:
    if draft.contract.finality.on_silence == "escalate":
        yield Hit(
            ("finality", "on_silence"),
            "good for you; without a person on each side who settles it, nothing ever closes",
            "Name who settles it, and by when, beside the contract.",
        )


RULES = (
    _finality_unwritten,
    _no_clawback,
    _no_dispute_days,
    _quick_silence,
    _unverifiable_on_buyer,
    _long_notice,
    _long_commitment,
    _no_off_ramp,
    _long_tail,
    _no_export_right,
    _no_review,
    _no_keys,
    _disputes_hang,
)
