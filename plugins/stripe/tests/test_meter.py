"""Outcomes as usage in Stripe: once each, within Stripe's limits, corrected while that is possible."""

import re
from decimal import Decimal

import msgspec
import pytest
from pydantic import ValidationError

from tallystick.errors import AuthorizationError, ConfigurationError, PermanentError, RateLimited, RetryableError
from tallystick.sinks import Attempt, Earlier, LedgerPlace, OutcomeEvent, Previous, UndeliverableError
from tallystick.testing.serving import running
from tallystick_stripe.meter import StripeMeterConfig, StripeMeterSink
from tallystick_stripe.simulator import create_app

START = "2026-10-12T06:00:00Z"
NOW = 1_791_784_800_000_000
HOUR = 3_600_000_000
DAY = 24 * HOUR
CUSTOMER = "cus_Buyer1"
LOCKED = OutcomeEvent(
    key="oe_1",
    event="locked",
    at=NOW - DAY,
    contract="acme",
    contract_version=1,
    contract_sha256="cd" * 32,
    outcome="resolved",
    claim="A",
    status="verified",
    quantity=Decimal(1),
    unit="unit",
    exponent=None,
    clause=None,
    month="2026-10",
    occurred_at=NOW - 10 * DAY,
    locks_at=NOW - DAY,
    disputable_until=None,
    clawback_until=None,
    previous=None,
    ledger=LedgerPlace("tallystick/test", 7, 9, "ab" * 32),
)
BEFORE = Previous(7, "verified", Decimal(1), "unit")


def _event(**changes):
    return msgspec.structs.replace(LOCKED, **changes)


@pytest.fixture(scope="module")
def app():
    """A simulated account."""
    return create_app(5, invoices=200, now=START)


@pytest.fixture(scope="module")
def origin(app):
    """Where it is served."""
    with running(app) as where:
        yield where


@pytest.fixture
def meters(app):
    """The live account's meters, without usage and faults."""
    app.reset()
    yield app.meters[True]
    app.reset()


@pytest.fixture
def sink(origin, meters, monkeypatch, timer, tmp_path):
    """Make sinks for the account; all are closed afterwards."""
    opened = []

    def make(key="rk_live_meter", **settings):
        monkeypatch.setenv("METER_KEY", key)
        given = {"base_url": origin, "key": "env:METER_KEY", "event_name": "outcomes", "customer": CUSTOMER, **settings}
        config = StripeMeterConfig(**given)
        opened.append(StripeMeterSink(config, root=tmp_path, clock=lambda: NOW, timer=timer))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_what_is_reported(sink, meters):
    """An outcome that locked is one unit of the customer, at the instant of its lock, under the event's key."""
    sink().deliver(LOCKED, Attempt(NOW))
    [event] = meters.events

    assert event["identifier"] == "oe_1"
    assert event["payload"] == {"stripe_customer_id": CUSTOMER, "value": "1"}
    assert (event["event_name"], event["timestamp"]) == ("outcomes", (NOW - DAY) // 1_000_000)
    assert meters.totals == {f"outcomes {CUSTOMER}": 1}


def test_minor_units_of_an_amount(sink, meters):
    """An amount is reported in minor units of its currency, exactly."""
    collected = sink(event_name="collected", value="minor_units", currency="EUR")
    collected.deliver(_event(quantity=Decimal("100.05"), unit="EUR", exponent=2), Attempt(NOW))
    collected.deliver(_event(key="oe_2", quantity=Decimal("3.00"), unit="EUR", exponent=2), Attempt(NOW))

    assert meters.totals == {f"collected {CUSTOMER}": 10_305}


@pytest.mark.parametrize(
    ("settings", "changes", "said"),
    [
        ({}, {"quantity": Decimal("1.5")}, "whole numbers"),
        ({}, {"quantity": Decimal("100.00"), "unit": "EUR", "exponent": 2}, "counts 100.00 EUR"),
        ({"value": "minor_units", "currency": "USD"}, {"quantity": Decimal(5), "unit": "EUR"}, "the meter counts USD"),
        (
            {"value": "minor_units", "currency": "EUR"},
            {"quantity": Decimal("0.005"), "unit": "EUR", "exponent": 2},
            "whole numbers",
        ),
        ({}, {"quantity": Decimal(10**15)}, "15 digits"),
        ({"timestamp": "occurred"}, {"occurred_at": NOW - 35 * DAY}, "occurred 35 days ago"),
        ({"timestamp": "occurred"}, {"occurred_at": None}, "not known when"),
        ({}, {"at": NOW - 40 * DAY}, "locked 40 days ago"),
    ],
)
def test_what_a_meter_cannot_take(sink, meters, settings, changes, said):
    """What Stripe could not bill rightly is not sent, and the dead letter says why."""
    with pytest.raises(UndeliverableError, match=said):
        sink(**settings).deliver(_event(**changes), Attempt(NOW))

    assert meters.events == []


def test_the_instant_it_occurred(sink, meters):
    """Where the contract bills by the instant of the outcome, that one is reported."""
    sink(timestamp="occurred").deliver(LOCKED, Attempt(NOW))

    assert meters.events[0]["timestamp"] == (NOW - 10 * DAY) // 1_000_000


def test_an_answer_that_was_lost(app, sink, meters):
    """A call whose answer was lost may have arrived; made again, Stripe knows it, and it counts once."""
    meter = sink()
    app.faults.load([{"path": "/v1/billing/meter_events", "after": 0, "times": 1, "kind": "truncated"}])
    with pytest.raises(RetryableError):
        meter.deliver(LOCKED, Attempt(NOW))
    assert len(meters.events) == 1

    meter.deliver(LOCKED, Attempt(NOW + HOUR, unsure_since=NOW))
    assert meters.totals == {f"outcomes {CUSTOMER}": 1}


def test_too_late_to_be_known_again(sink, meters):
    """A day after an attempt whose end is not known nothing is sent: Stripe might count it twice."""
    for late in (DAY, DAY - 600_000_000):
        with pytest.raises(UndeliverableError, match="24 hours") as caught:
            sink().deliver(LOCKED, Attempt(NOW + late, unsure_since=NOW))
        assert "sinks retry oe_1" in caught.value.hint
    assert meters.events == []

    sink().deliver(LOCKED, Attempt(NOW + DAY - 600_000_001, unsure_since=NOW))
    assert len(meters.events) == 1


def test_a_clock_that_was_set_back(sink, meters):
    """An attempt that is yet to come may be older than a day; some minutes are what clocks differ."""
    with pytest.raises(UndeliverableError, match="more than 24 hours"):
        sink().deliver(LOCKED, Attempt(NOW, unsure_since=NOW + 600_000_001))
    sink().deliver(LOCKED, Attempt(NOW, unsure_since=NOW + 600_000_000))
    assert len(meters.events) == 1


def test_reversed_within_a_day(sink, meters):
    """What is reversed within a day of its report is cancelled, and counts nothing."""
    meter = sink()
    meter.deliver(LOCKED, Attempt(NOW))
    back = _event(key="oe_2", event="reversed", status="reversed", quantity=Decimal(0), previous=BEFORE)
    meter.deliver(back, Attempt(NOW + HOUR, earlier=(Earlier("oe_1", "locked", "delivered", NOW),)))

    assert meters.totals == {}


def test_corrected_within_a_day(sink, meters):
    """What is corrected within a day is cancelled and reported anew; another correction cancels the newest report."""
    meter = sink()
    meter.deliver(LOCKED, Attempt(NOW))
    earlier = (Earlier("oe_1", "locked", "delivered", NOW),)
    meter.deliver(_event(key="oe_2", event="corrected", quantity=Decimal(3)), Attempt(NOW, earlier=earlier))
    assert meters.totals == {f"outcomes {CUSTOMER}": 3}

    earlier += (Earlier("oe_2", "corrected", "delivered", NOW),)
    meter.deliver(_event(key="oe_3", event="corrected", quantity=Decimal(2)), Attempt(NOW, earlier=earlier))
    assert meters.totals == {f"outcomes {CUSTOMER}": 2}
    assert meters.cancelled == {"oe_1", "oe_2"}


@pytest.mark.parametrize("fault", ["429", "401", "reset"])
def test_cancelled_and_not_reported_anew(app, sink, meters, fault):
    """Where the new usage fails behind a cancellation, the dead letter says that Stripe may count nothing now."""
    meter = sink()
    meter.deliver(LOCKED, Attempt(NOW))
    app.faults.load([{"path": "/v1/billing/meter_events", "after": 0, "times": None, "kind": fault}])
    earlier = (Earlier("oe_1", "locked", "delivered", NOW),)
    with pytest.raises(UndeliverableError, match="oe_1 is cancelled") as caught:
        meter.deliver(_event(key="oe_2", event="corrected", quantity=Decimal(3)), Attempt(NOW, earlier=earlier))

    assert "report 3 unit by hand" in caught.value.hint
    assert meters.totals == {}


def test_reversed_and_locked_again(sink, meters):
    """What was reversed and locks again is reported again under the new event's key."""
    meter = sink()
    meter.deliver(LOCKED, Attempt(NOW))
    earlier = (Earlier("oe_1", "locked", "delivered", NOW),)
    meter.deliver(_event(key="oe_2", event="reversed", quantity=Decimal(0)), Attempt(NOW, earlier=earlier))
    earlier += (Earlier("oe_2", "reversed", "delivered", NOW),)
    meter.deliver(_event(key="oe_3"), Attempt(NOW, earlier=earlier))
    assert meters.totals == {f"outcomes {CUSTOMER}": 1}

    earlier += (Earlier("oe_3", "locked", "delivered", NOW),)
    meter.deliver(_event(key="oe_4", event="reversed", quantity=Decimal(0)), Attempt(NOW, earlier=earlier))
    assert meters.totals == {}


@pytest.mark.parametrize(
    ("earlier", "said"),
    [
        (Earlier("oe_1", "locked", "delivered", NOW - DAY), "more than 24 hours ago"),
        (Earlier("oe_1", "locked", "dead", NOW), "was given up\n.*If it is not there, settle nothing"),
        (Earlier("oe_unknown", "locked", "delivered", NOW), "Stripe refused"),
    ],
)
def test_corrections_that_a_person_settles(sink, meters, earlier, said):
    """What can be cancelled no more, or may not be there, is a dead letter that says what to settle."""
    back = _event(key="oe_2", event="reversed", quantity=Decimal(0), previous=BEFORE)
    with pytest.raises(UndeliverableError) as caught:
        sink().deliver(back, Attempt(NOW, earlier=(earlier,)))

    assert re.search(said, caught.value.diagnostics())
    assert "counted 1 unit, and counts 0 unit now" in caught.value.hint
    assert meters.events == []


def test_nothing_was_reported(sink, meters):
    """A reversal of what was never reported needs no call."""
    sink().deliver(_event(key="oe_2", event="reversed", quantity=Decimal(0)), Attempt(NOW))

    assert (meters.events, meters.cancelled) == ([], set())


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("429", RateLimited),
        ("500", RetryableError),
        ("409", RetryableError),
        ("reset", RetryableError),
        ("401", AuthorizationError),
    ],
)
def test_refusals(app, sink, meters, fault, error):
    """Each of Stripe's refusals is the error that says whether the event may have arrived, after one call."""
    app.faults.load([{"path": "/v1/billing/meter_events", "after": 0, "times": None, "kind": fault}])
    with pytest.raises(error):
        sink().deliver(LOCKED, Attempt(NOW))

    assert app.calls["/v1/billing/meter_events"] == 1


def test_the_wrong_meter_or_key(sink):
    """An unknown meter is refused; a key that may not report usage, or more than that, stops the sink."""
    with pytest.raises(PermanentError, match="No active meter"):
        sink(event_name="other").deliver(LOCKED, Attempt(NOW))
    with pytest.raises(AuthorizationError, match="rak_billing_meter_event_write"):
        sink("rk_live_demo").deliver(LOCKED, Attempt(NOW))
    with pytest.raises(ConfigurationError, match="which can move money"):
        sink("sk_live_meter").deliver(LOCKED, Attempt(NOW))


@pytest.mark.parametrize(
    "settings", [{"value": "minor_units"}, {"currency": "EUR"}, {"customer": "Acme"}, {"base_url": "http://x.test"}]
)
def test_settings_that_are_refused(settings):
    """Minor units need a currency and units have none; a customer is an id; http is for this machine."""
    with pytest.raises(ValidationError):
        StripeMeterConfig(key="env:K", event_name="outcomes", **{"customer": CUSTOMER, **settings})
