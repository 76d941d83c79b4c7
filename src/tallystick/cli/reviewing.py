"""Counting a period of an opened project for its review."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tallystick.cli.project import Project
from tallystick.period import parse_period
from tallystick.review.numbers import Review, SampleFinding, happened_at, review_of
from tallystick.review.page import Page
from tallystick.review.report import page_of
from tallystick.review.signals import Signal, signals_of, stops_at_a_tier
from tallystick.statements import Restatement
from tallystick.statements.issuing import StatementBook
from tallystick.verification.corroboration import connect_outcome, inputs_for
from tallystick.verification.dispute_acts import read_disputes
from tallystick.verification.samples import read_samples
from tallystick.verification.verdict import VerdictHead

__all__ = ["Reviewed", "review_page", "review_project"]


@dataclass(frozen=True)
class Reviewed:
    """The numbers of a review, the signals beside them, disputes of the period by state, and samples of its months."""

    review: Review
    signals: Sequence[Signal]
    disputes: Mapping[str, int]
    samples: Sequence[SampleFinding]


def review_project(project: Project, name: str, label: str, now: int) -> Reviewed:
    """Count a period of a contract from the newest verdicts in the ledger.

    Raises:
        ConfigurationError: There is no such contract, or the period is not made of whole months.
    """
    contract = project.contract(name)
    period = parse_period(label, contract.timezone)
    book = StatementBook(project.engine, project.log, contract)
    issued = book.issued()
    restated, verdicts = book.standing([period, *(statement.period for statement in issued)])
    review = review_of(restated.agreement, verdicts, restated, issued, period, now=now)
    claims = [verdict for verdict in verdicts.values() if not verdict.found and happened_at(verdict) in period]
    return Reviewed(
        review,
        _signals(project, review, restated, claims, now=now),
        _disputes(project, name, claims, now),
        _samples(project, review),
    )


def review_page(project: Project, reviewed: Reviewed, now: int) -> Page:
    """Give the page of a review."""
    size = project.log.size
    ledger = (size, project.log.root(size).hex())
    return page_of(reviewed.review, reviewed.signals, reviewed.disputes, reviewed.samples, now=now, ledger=ledger)


def _disputes(project: Project, name: str, claims: Sequence[VerdictHead], now: int) -> dict[str, int]:
    """Count the disputes on some claims by the state they are in."""
    subjects = {verdict.subject for verdict in claims}
    disputes = read_disputes(project.engine, project.log, name)
    return dict(Counter(dispute.state(now) for dispute in disputes if dispute.subject in subjects))


def _samples(project: Project, review: Review) -> list[SampleFinding]:
    months = {month.label for month in review.in_period}
    samples = read_samples(project.engine, project.log, review.agreement.name)
    found = [(one.entry.month, one.entry.outcome, one.finding) for one in samples if one.entry.month in months]
    return sorted(found, key=lambda sample: sample[:2])


def _signals(
    project: Project, review: Review, restated: Restatement, claims: Sequence[VerdictHead], *, now: int
) -> list[Signal]:
    """Give the signals of the outcomes of the version in force when the period ends."""
    contract = review.agreement.governing(review.period.end - 1)
    months = [restated.lines.get(month.label, ()) for month in review.in_period]
    signals: list[Signal] = []
    for outcome in contract.outcomes.values():
        own = [verdict for verdict in claims if verdict.outcome == outcome.name]
        with connect_outcome(project.store, outcome) as database:
            signals += stops_at_a_tier(outcome, months)
            signals += signals_of(database, contract, outcome, inputs_for(project.engine, outcome, now), own)
    return signals
