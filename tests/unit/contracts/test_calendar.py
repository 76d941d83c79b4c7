"""The finality calendar: its dates across clock changes, weekends and holidays, and what stage an instant is in."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.contracts import FinalityCalendar, calendar_of, grace_end, load_contract, lock_instant
from tallystick.contracts.contract import Finality, Unverifiable
from tallystick.period import DAY, format_instant, parse_instant, zone

TEXT = """\
contract: acme
version: 1
buyer: Acme
vendor: {name: Vendor}
timezone: Europe/Berlin
currency: EUR
term: {start: 2026-01-01}
calendar: {holidays: [2026-04-03, 2026-04-06, 2026-12-25]}
outcomes:
  paid:
    source: billing
    record: payment
    clauses: {succeeded: "status = 'succeeded'"}
    price: {per_unit: 1}
"""
HOLIDAYS = {(date(2026, 4, 3) - date(1970, 1, 1)).days, (date(2026, 4, 6) - date(1970, 1, 1)).days}
YEAR = (parse_instant("2026-01-01T00:00:00Z"), parse_instant("2027-01-01T00:00:00Z"))


@pytest.fixture(scope="module")
def contract(tmp_path_factory):
    """A contract in Berlin, where clocks change on 29 March and 25 October 2026, with Easter as holidays."""
    path = tmp_path_factory.mktemp("calendar") / "acme.yaml"
    path.write_text(TEXT)
    return load_contract(path, templates={}, custom={"billing": {}})


def _with(contract, lock=0, dispute=0, clawback=0, on_silence="accept", *, business=False):
    return replace(contract, finality=Finality(lock, dispute, clawback, on_silence, business))


def _dates(contract, decided):
    locks_at = lock_instant(contract, parse_instant(decided))
    calendar = calendar_of(contract, locks_at)
    instants = (locks_at, calendar.disputable_until, calendar.clawback_until, calendar.closes_at)
    return [format_instant(instant) for instant in instants]


@pytest.mark.parametrize(
    ("decided", "days", "expected"),
    [
        # On 29 March 2026 the clock goes from 02:00 to 03:00: a calendar day of 23 hours.
        ("2026-03-28T12:00:00Z", 1, "2026-03-29T11:00:00Z"),
        # 02:30 does not exist that day, and is moved forward by the gap.
        ("2026-03-28T01:30:00Z", 1, "2026-03-29T01:30:00Z"),
        # On 25 October it goes from 03:00 to 02:00: 25 hours, and 02:30 means the first of the two.
        ("2026-10-24T12:00:00Z", 1, "2026-10-25T13:00:00Z"),
        ("2026-10-24T00:30:00Z", 1, "2026-10-25T00:30:00Z"),
        ("2026-10-25T01:30:00Z", 1, "2026-10-26T01:30:00Z"),
        ("2026-02-28T23:30:00Z", 30, "2026-03-30T22:30:00Z"),
        ("2026-09-10T10:00:00Z", 0, "2026-09-10T10:00:00Z"),
    ],
)
def test_calendar_days_keep_the_time_on_the_wall(contract, decided, days, expected):
    """A day of the calendar is one on the wall of the contract's zone, of 23 or 25 hours where the clock changes."""
    assert _dates(_with(contract, lock=days), decided)[0] == expected
    assert _dates(_with(contract, dispute=days), decided)[1] == expected
    assert _dates(_with(contract, clawback=days), decided)[2] == expected


@pytest.mark.parametrize(
    ("decided", "days", "expected"),
    [
        ("2026-09-10T10:00:00Z", 1, "2026-09-11T22:00:00Z"),  # Thursday: over when Friday is
        ("2026-09-11T10:00:00Z", 1, "2026-09-14T22:00:00Z"),  # Friday: over when Monday is
        ("2026-09-12T10:00:00Z", 1, "2026-09-14T22:00:00Z"),  # Saturday
        ("2026-09-11T22:30:00Z", 1, "2026-09-14T22:00:00Z"),  # already Saturday in Berlin
        ("2026-04-02T10:00:00Z", 1, "2026-04-07T22:00:00Z"),  # Good Friday and Easter Monday are holidays
        ("2026-04-02T10:00:00Z", 2, "2026-04-08T22:00:00Z"),
        ("2026-03-27T10:00:00Z", 1, "2026-03-30T22:00:00Z"),  # the clock changes on the weekend
        ("2026-10-23T10:00:00Z", 1, "2026-10-26T23:00:00Z"),
        ("2026-09-12T10:00:00Z", 0, "2026-09-12T10:00:00Z"),  # no days: at once, on a Saturday, too
    ],
)
def test_business_days_end_at_midnight(contract, decided, days, expected):
    """Business days leave out weekends and holidays, and the last of them counts to its end."""
    assert _dates(_with(contract, lock=days, business=True), decided)[0] == expected
    assert _dates(_with(contract, dispute=days, business=True), decided)[1] == expected
    assert _dates(_with(contract, clawback=days, business=True), decided)[2] == expected


def test_the_dates_of_an_outcome(contract):
    """Dispute and clawback are counted from the lock, the lock from when the outcome was decided."""
    terms = _with(contract, lock=5, dispute=10, clawback=120)

    assert _dates(terms, "2026-09-10T10:00:00Z") == [
        "2026-09-15T10:00:00Z",
        "2026-09-25T10:00:00Z",
        "2027-01-13T11:00:00Z",
        "2027-01-13T11:00:00Z",
    ]
    assert _dates(_with(contract, dispute=10), "2026-09-10T10:00:00Z")[3] == "2026-09-20T10:00:00Z"


def test_grace_is_of_calendar_days(contract):
    """The time to supply a missing fact counts calendar days, whatever the other days are."""
    terms = replace(_with(contract, business=True), unverifiable=Unverifiable("buyer", 2))

    assert format_instant(grace_end(terms, parse_instant("2026-10-24T12:00:00Z"))) == "2026-10-26T13:00:00Z"


@pytest.mark.parametrize(
    ("on_silence", "dispute", "clawback", "stages"),
    [
        ("accept", 20, 30, ["provisional", "disputable", "accepted", "closed"]),
        ("accept", 30, 20, ["provisional", "disputable", "disputable", "closed"]),
        ("accept", 20, 20, ["provisional", "disputable", "closed", "closed"]),
        ("accept", 10, 30, ["provisional", "accepted", "accepted", "closed"]),
        ("escalate", 20, 30, ["provisional", "disputable", "escalated", "escalated"]),
    ],
)
def test_stages(on_silence, dispute, clawback, stages):
    """Each stage begins at its first instant: locked, dispute over, closed; an escalated outcome waits for a person."""
    calendar = FinalityCalendar(10, dispute, clawback, on_silence)

    assert [calendar.stage(now) for now in (9, 10, 20, 30)] == stages
    assert calendar.stage(19) == ("disputable" if dispute > 19 else "accepted")


@given(
    st.integers(*YEAR),
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 400)),
    st.booleans(),
    st.sampled_from(("Europe/Berlin", "America/New_York", "Pacific/Apia", "UTC")),
)
def test_the_dates_are_in_order(contract, decided, days, business, place):
    """Whatever the days and the zone: decided, locked, then the dispute and the clawback over, then closed."""
    terms = replace(_with(contract, *days, business=business), timezone=place, holidays=frozenset(HOLIDAYS))
    locks_at = lock_instant(terms, decided)
    calendar = calendar_of(terms, locks_at)

    assert decided <= locks_at <= min(calendar.disputable_until, calendar.clawback_until)
    assert calendar.closes_at == max(calendar.disputable_until, calendar.clawback_until)
    ends = [(locks_at, decided, days[0]), (calendar.disputable_until, locks_at, days[1])]
    for end, begin, count in ends:
        least = count * DAY - 3_600_000_000 * 25
        assert (end == begin) == (count == 0)
        assert end - begin >= least


@given(st.integers(*YEAR), st.integers(1, 40))
def test_a_business_deadline_is_a_midnight(contract, decided, days):
    """The end of some business days is the midnight after a Monday to Friday that is no holiday, so many of them on."""
    terms = replace(_with(contract, lock=days, business=True), holidays=frozenset(HOLIDAYS))
    berlin = zone("Europe/Berlin")
    local = berlin.to_local(lock_instant(terms, decided))
    last, first = local // DAY - 1, berlin.to_local(decided) // DAY

    def works(day):
        return datetime.fromtimestamp(day * 86_400, UTC).weekday() < 5 and day not in HOLIDAYS

    assert local % DAY == 0
    assert works(last)
    assert sum(works(day) for day in range(first + 1, last + 1)) == days


@given(st.lists(st.integers(0, 100), min_size=2, max_size=30), st.sampled_from(("accept", "escalate")))
def test_a_stage_never_goes_back(instants, on_silence):
    """As time passes an outcome that nobody disputes only ever moves on."""
    calendar = FinalityCalendar(20, 40, 60, on_silence)
    order = ["provisional", "disputable", "accepted", "escalated", "closed"]
    seen = [order.index(calendar.stage(now)) for now in sorted(instants)]

    assert seen == sorted(seen)
