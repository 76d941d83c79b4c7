"""The way out: when the contract may end, and whether a party may leave it early, with the months and the days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from tallystick.contracts import Agreement
from tallystick.period import zone
from tallystick.review.off_ramp import Measured, OffRampState
from tallystick.review.page import Section, Table

__all__ = ["Ending", "ending_of", "way_out"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a contract ends: `on` is the first day after it, on the calendar of its zone.

    `by` is who gave notice; `itself` where its term is over before a notice could end it, and `notice` for one that is
    given on the day `asked`, whose days of notice alone would end on `by_notice`.
    """

    by: Literal["buyer", "vendor", "itself", "notice"]
    on: date
    asked: date
    by_notice: date


def ending_of(agreement: Agreement, now: int) -> Ending:
    """Give how a contract ends if a notice is given now, unless it was ended already or ends by itself.

    Args:
        agreement: The terms, version by version.
        now: In microseconds UTC.
    """
    contract = agreement.governing(now)
    asked = (_EPOCH + timedelta(microseconds=zone(contract.timezone).to_local(now))).date()
    by_notice = asked + contract.term.notice_days * _DAY
    if agreement.termination is not None:
        return Ending(agreement.termination.by, agreement.termination.on, asked, by_notice)
    earliest, end = agreement.earliest_end(now), contract.term.end
    if end is not None and end <= earliest:
        return Ending("itself", end, asked, by_notice)
    return Ending("notice", earliest, asked, by_notice)


def way_out(agreement: Agreement, off_ramps: Sequence[OffRampState], now: int) -> Section:
    """Give the section that says what may be done about the contract, and when.

    Args:
        agreement: The terms, version by version.
        off_ramps: The thresholds and what was measured.
        now: The instant at which a notice would be given, in microseconds UTC.
    """
    notice = _notice(ending_of(agreement, now))
    if not off_ramps:
        return Section("The way out", f"The contract names no threshold under which a party may leave. {notice}")
    rows = [[*_row(state), "open" if state.open else "may open" if state.may_open else "closed"] for state in off_ramps]
    headers = ["Measure", "Below", "Months", "Measured in whole months", "Is"]
    return Section("The way out", f"{_advice(off_ramps)} {notice}", None, Table(headers, rows))


def _advice(off_ramps: Sequence[OffRampState]) -> str:
    if told := " ".join(_told(state) for state in off_ramps if state.open):
        return f"A way out is open. {told} Decide on it now."
    if told := " ".join(_told(state) for state in off_ramps if state.may_open):
        return f"No way out is open yet; one opens unless what is pending is verified. {told}"
    return "No way out is open: go on."


def _notice(ending: Ending) -> str:
    last = (ending.on - _DAY).isoformat()
    if ending.by == "itself":
        return f"The contract ends by itself: its last day is {last}, and no notice ends it earlier."
    if ending.by != "notice":
        return f"The {ending.by} ended the contract: its last day is {last}."
    days = (ending.by_notice - ending.asked).days
    text = f"A notice of {days} day{'' if days == 1 else 's'}, given on {ending.asked.isoformat()}, ends the contract"
    text += f" at the earliest with {last} as its last day."
    if ending.on > ending.by_notice:
        text += " Until then the least term holds."
    return text


def _told(state: OffRampState) -> str:
    months = ", ".join(f"{month.month} ({_value(month)})" for month in state.measured)
    return f"The {_measure(state)} was below {_threshold(state)} in {months}."


def _row(state: OffRampState) -> list[str]:
    shown = ", ".join(f"{month.month}: {_value(month)}" for month in state.measured)
    return [_measure(state), _threshold(state), str(state.terms.months), shown or "none yet"]


def _measure(state: OffRampState) -> str:
    return {"verified_rate": "share verified", "verified_units": "number verified"}[state.terms.measure]


def _threshold(state: OffRampState) -> str:
    return f"{state.terms.below:,} %" if state.terms.measure == "verified_rate" else f"{state.terms.below:,}"


def _value(month: Measured) -> str:
    """Give what was measured, and what it may still become."""
    if month.most is None:
        return "nothing"
    value = "nothing decided" if month.value is None else f"{month.value:f}"
    return value if month.most == month.value else f"{value}, at most {month.most:f}"
