"""An agreement: all versions of one contract, each with the time in which it decides, and how it was ended."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Literal

from tallystick.contracts.contract import Contract
from tallystick.errors import ContractError
from tallystick.period import format_instant, zone

__all__ = ["Agreement", "Termination"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Termination:
    """The end of a contract by notice: `on` is the first day after the last one, in its time zone."""

    on: date
    by: Literal["buyer", "vendor"]
    reason: str
    given_at: int


@dataclass(frozen=True)
class Agreement:
    """The versions of one contract, oldest first, and its termination, if there was one.

    A version decides what happened from the day it takes effect up to the day the next one does; the first one decides
    whatever happened before, too. A termination ends the term of all of them.
    """

    versions: tuple[Contract, ...]
    termination: Termination | None = None

    @classmethod
    def of(cls, *versions: Contract, termination: Termination | None = None) -> Agreement:
        """Put versions in their order and let a termination end their terms.

        Raises:
            ContractError: A later version takes effect at no known day, or not after the one before it.
        """
        ordered = sorted(versions, key=lambda contract: contract.version)
        for before, after in pairwise(ordered):
            if after.effective_at is None:
                raise ContractError(
                    f"{after.name} version {after.version} does not say from when on it decides",
                    hint="Add `effective:` with the first day of a coming month.",
                )
            if before.effective_at is not None and after.effective_at <= before.effective_at:
                raise ContractError(
                    f"{after.name} version {after.version} takes effect at {format_instant(after.effective_at)}, not "
                    f"after version {before.version}",
                    hint="A later version never takes the place of an earlier one in the past.",
                )
        if termination is not None:
            ordered = [_ended(contract, termination) for contract in ordered]
        return cls(tuple(ordered), termination)

    @property
    def newest(self) -> Contract:
        """The version with the highest number, whether it is in force yet or not."""
        return self.versions[-1]

    @property
    def name(self) -> str:
        """The contract's name."""
        return self.newest.name

    @cached_property
    def by_sha256(self) -> Mapping[str, Contract]:
        """The versions by the hash of their text."""
        return {contract.sha256: contract for contract in self.versions}

    def span(self, contract: Contract) -> tuple[int | None, int | None]:
        """Give the half-open interval in which a version decides; None is without end."""
        place = self.versions.index(contract)
        later = self.versions[place + 1 :]
        return (contract.effective_at if place else None), (later[0].effective_at if later else None)

    def governing(self, at: int) -> Contract:
        """Give the version that decides what happens at an instant."""
        found = self.versions[0]
        for contract in self.versions[1:]:
            if contract.effective_at is not None and contract.effective_at <= at:
                found = contract
        return found

    def earliest_end(self, given_at: int) -> date:
        """Give the earliest first day after the contract that a notice given at an instant can name.

        It is the day of the notice in the contract's zone and its days of notice, or the day on which the months end
        that the contract runs at least, whichever comes later. That the contract may end before by itself, or was ended
        already, is not asked.

        Args:
            given_at: In microseconds UTC; the version that governs then says how much notice it takes.
        """
        contract = self.governing(given_at)
        term = contract.term
        given = (_EPOCH + timedelta(microseconds=zone(contract.timezone).to_local(given_at))).date()
        by_notice = given + timedelta(days=term.notice_days)
        if term.minimum_months is None:
            return by_notice
        year, month = divmod(term.start.year * 12 + term.start.month - 1 + term.minimum_months, 12)
        return max(by_notice, date(year, month + 1, min(term.start.day, monthrange(year, month + 1)[1])))


def _ended(contract: Contract, termination: Termination) -> Contract:
    """Let a contract end on a day, unless its term is over before; its text, and so its hash, stay what they are."""
    if contract.term.end is not None and contract.term.end <= termination.on:
        return contract
    day = termination.on
    midnight = (datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH).days * _DAY
    ends_at = zone(contract.timezone).to_instant(midnight)
    return replace(contract, term=replace(contract.term, end=day, ends_at=ends_at))
