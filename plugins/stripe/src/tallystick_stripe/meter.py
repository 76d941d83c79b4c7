"""Outcomes as usage in Stripe: one billing meter event for each outcome that locked, corrected while Stripe lets us."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import urlencode

import msgspec
from pydantic import Field, field_validator, model_validator

from tallystick.connectors import HttpClient, Response, Retry, SecretRef, Timer, TokenBucket
from tallystick.connectors.base import checked_address
from tallystick.errors import ConnectorError, Error, PermanentError
from tallystick.sinks import Attempt, Earlier, EventName, OutcomeEvent, Sink, SinkConfig, UndeliverableError
from tallystick_stripe.client import API_VERSION, StripeKey
from tallystick_stripe.faults import KEPT_HEADERS, classify

__all__ = ["StripeMeterConfig", "StripeMeterSink"]

_EVENTS = "/v1/billing/meter_events"
_ADJUSTMENTS = "/v1/billing/meter_event_adjustments"
_FORM = "application/x-www-form-urlencoded"
_KNOWN = "event already exists with identifier"
_DAY = 86_400_000_000
_SKEW = 600_000_000
_MEMORY = _DAY - _SKEW
"""How long Stripe surely knows an identifier, and lets an event be cancelled: a day, less what clocks may differ."""

_PAST = 35 * _DAY
_DIGITS = 15


class StripeMeterConfig(SinkConfig):
    """What `tallystick.yaml` may say about a meter.

    Attributes:
        base_url: The API's origin.
        key: Where a restricted key is kept that may write billing meter events, and nothing else.
        livemode: True to report real usage, False to report it in test mode.
        event_name: The meter's event name.
        customer: The customer who is billed (`cus_...`).
        value: What is reported: `units`, or `minor_units` of the amount that an outcome counts.
        currency: Currency of the amounts, for `minor_units`.
        timestamp: Which instant is reported: when the outcome `locked`, or when it `occurred`.
    """

    base_url: str = "https://api.stripe.com"
    key: SecretRef
    livemode: bool = True
    event_name: str = Field(min_length=1, max_length=100)
    customer: str = Field(pattern=r"^cus_[A-Za-z0-9]+$")
    value: Literal["units", "minor_units"] = "units"
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    timestamp: Literal["locked", "occurred"] = "locked"

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        return checked_address(value)

    @model_validator(mode="after")
    def _check_currency(self) -> StripeMeterConfig:
        if (self.value == "minor_units") != (self.currency is not None):
            raise ValueError("currency belongs to value: minor_units, and to nothing else")
        return self


class StripeMeterSink(Sink):
    """Reports each outcome that locked as a meter event whose identifier is the event's key.

    Stripe tells an identifier again for 24 hours. A call that may have arrived is therefore not made again after that:
    it would be billed twice, so the event becomes a dead letter for a person to look up. What is reversed or corrected
    is cancelled, which Stripe allows for as long; later it is a dead letter with what to settle by hand.

    No `Idempotency-Key` is sent: under it Stripe would repeat an answer of 500 for as long as it knows the key.

    Args:
        config: A validated `StripeMeterConfig`.
        root: Unused; a meter reads no file.
        clock: Unused; the attempt says when it is.
        timer: Waits; tests pass their own.
    """

    name: ClassVar[str] = "stripe-meter"
    config_model: ClassVar[type[SinkConfig]] = StripeMeterConfig
    events: ClassVar[tuple[EventName, ...]] = ("locked", "corrected", "reversed")

    def __init__(
        self, config: StripeMeterConfig, *, root: Path, clock: Callable[[], int], timer: Timer | None = None
    ) -> None:
        del root, clock
        timer = timer or Timer()
        self._config = config
        self._key = StripeKey(config.key, livemode=config.livemode)
        self._http = HttpClient(
            config.base_url,
            name="Stripe",
            bucket=TokenBucket(20, timer),
            # Once: after a second try a refusal would no longer say that nothing arrived.
            retry=Retry(timer, attempts=1),
            timer=timer,
            classify=_classify,
            headers=self._headers,
            keep=KEPT_HEADERS,
        )

    def deliver(self, event: OutcomeEvent, attempt: Attempt) -> None:
        """Report an outcome that locked, or cancel what was reported of it.

        Raises:
            UndeliverableError: An earlier attempt may have arrived more than a day ago; the instant is out of Stripe's
                range; the outcome does not count whole units or the currency; it is too late to cancel.
            Error: Stripe refused, or did not answer.
        """
        # An attempt that is yet to come is one of another clock, which may be older than a day.
        if attempt.unsure_since is not None and not -_SKEW <= attempt.now - attempt.unsure_since < _MEMORY:
            raise UndeliverableError(
                "an attempt that may be more than 24 hours old had no known end, and Stripe may not know a repetition "
                "any more",
                hint=f"Look for the identifier {event.key} in Stripe. If it is not there, run `tallystick sinks retry "
                f"{event.key}`.",
            )
        fields = None if event.event == "reversed" else self._fields(event, attempt.now)
        cancelled = None if event.event == "locked" else self._cancel(_reported(attempt.earlier), event, attempt)
        if fields is None:
            return
        try:
            self._report(fields)
        except Error as failed:
            if cancelled is None:
                raise
            # Nothing could tell a next attempt that the cancellation is done: it would be refused, and say otherwise.
            raise UndeliverableError(
                f"the usage {cancelled.key} is cancelled, and the new one did not arrive for sure: {failed.message}",
                hint=f"Look for the identifier {event.key} in Stripe. If it is not there, report {event.quantity} "
                f"{event.unit} by hand: now the claim counts nothing there.",
            ) from None

    def close(self) -> None:
        """Give back the connection."""
        self._http.close()

    def _fields(self, event: OutcomeEvent, now: int) -> dict[str, str]:
        at = event.at if self._config.timestamp == "locked" else event.occurred_at
        if at is None:
            raise UndeliverableError("it is not known when the outcome occurred", hint="Report `timestamp: locked`.")
        if not now - _PAST < at <= now:
            days = (now - at) // _DAY
            raise UndeliverableError(
                f"the outcome {self._config.timestamp} {days} days ago; Stripe takes usage of the last 35 days",
                hint="Bill it with an invoice item, or report `timestamp: locked`.",
            )
        return {
            "event_name": self._config.event_name,
            "identifier": event.key,
            "payload[stripe_customer_id]": self._config.customer,
            "payload[value]": self._value(event),
            "timestamp": str(at // 1_000_000),
        }

    def _value(self, event: OutcomeEvent) -> str:
        wanted = self._config.currency or "unit"
        if event.unit != wanted:
            raise UndeliverableError(
                f"the outcome counts {event.quantity} {event.unit}, and the meter counts {wanted}",
                hint="Give the sink the contracts that count what the meter does, or change `value`.",
            )
        found = event.quantity.scaleb(event.exponent or 0)
        if found != found.to_integral_value() or len(str(int(found))) > _DIGITS:
            raise UndeliverableError(
                f"the outcome counts {event.quantity} {event.unit}, and a meter counts whole numbers of 15 digits",
                hint="Bill it with an invoice item.",
            )
        return str(int(found))

    def _report(self, fields: dict[str, str]) -> None:
        try:
            self._http.post(_EVENTS, urlencode(fields).encode(), content_type=_FORM)
        except _KnownError:
            # Its key is of this outcome alone: Stripe has it from an attempt whose answer was lost.
            return

    def _cancel(self, reported: Earlier | None, event: OutcomeEvent, attempt: Attempt) -> Earlier | None:
        """Cancel what was reported, if anything was; gives it."""
        if reported is None:
            return None
        owed = event.previous.quantity if event.previous else Decimal(0)
        by_hand = (
            f"It counted {owed} {event.unit}, and counts {event.quantity} {event.unit} now. Settle the difference in "
            f"Stripe by hand, such as with a credit note."
        )
        if reported.state == "dead":
            raise UndeliverableError(
                f"the usage {reported.key} before it was given up",
                hint=f"Look for it in Stripe. If it is not there, settle nothing, and do not retry it. {by_hand}",
            )
        if attempt.now - reported.done_at >= _MEMORY:
            raise UndeliverableError(
                f"the usage {reported.key} was reported more than 24 hours ago and cannot be cancelled", hint=by_hand
            )
        fields = {"event_name": self._config.event_name, "type": "cancel", "cancel[identifier]": reported.key}
        try:
            self._http.post(_ADJUSTMENTS, urlencode(fields).encode(), content_type=_FORM)
        except PermanentError as refused:
            again = " An earlier attempt may have cancelled it." if attempt.unsure_since is not None else ""
            raise UndeliverableError(f"{refused.message}{again}", hint=by_hand) from None
        return reported

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key.reveal()}", "Stripe-Version": API_VERSION}


class _KnownError(PermanentError):
    """Stripe has an event of that identifier."""


class _Said(msgspec.Struct):
    message: str = ""


class _Refusal(msgspec.Struct):
    error: _Said


def _classify(response: Response) -> ConnectorError | None:
    found = classify(response)
    # Stripe gives this refusal no code, so its words have to do.
    if response.status == 400 and _KNOWN in _message(response.body):
        return _KnownError("Stripe has it", request_id=response.request_id)
    return found


def _message(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Refusal).error.message
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def _reported(earlier: tuple[Earlier, ...]) -> Earlier | None:
    """Give the usage that counts for a claim as far as Stripe was told; None if there is none."""
    for one in reversed(earlier):
        if one.event != "reversed":
            return one
        if one.state == "delivered":
            return None
    return None
