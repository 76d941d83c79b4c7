"""What `tallystick check` says about a Stripe account: one call per stream, and no write is ever tried."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from tallystick.connectors import CheckRow, Response
from tallystick.errors import AuthorizationError, ConfigurationError, Error
from tallystick_stripe.client import API_VERSION, PAGE_SIZE, StripeApi, StripeKey
from tallystick_stripe.currencies import EXPONENTS
from tallystick_stripe.streams import EVENT_MEMORY, PATHS

__all__ = ["check_source"]

_SECOND = 1_000_000
_STREAMS = [*sorted(PATHS.values()), "/v1/events"]
# More than one object where it costs no more calls: which currencies there are is worth knowing.
_LIMITS = {"/v1/charges": PAGE_SIZE}


class _Sample(msgspec.Struct):
    id: str
    created: int | None = None
    currency: str | None = None
    livemode: bool | None = None


class _Seen:
    """What the answers of all streams together tell."""

    def __init__(self) -> None:
        self.currencies: set[str] = set()
        self.modes: set[bool] = set()
        self.versions: set[str] = set()
        self.date: int | None = None

    def add(self, answer: Response, samples: Sequence[_Sample]) -> None:
        """Take in one answer."""
        self.date = answer.date or self.date
        self.versions |= {answer.headers[name] for name in ("stripe-version",) if name in answer.headers}
        self.currencies |= {sample.currency.upper() for sample in samples if sample.currency}
        self.modes |= {sample.livemode for sample in samples if sample.livemode is not None}


def check_source(api: StripeApi, key: StripeKey, *, livemode: bool) -> Iterator[CheckRow]:
    """Yield one row each about the key, every stream, the mode, rights, history, currencies, version and clock.

    Stops early when the key cannot be used or Stripe cannot be reached, since every further row would say the same.

    Args:
        api: Makes the calls.
        key: The key.
        livemode: The mode the configuration expects.
    """
    try:
        key.reveal()
    except ConfigurationError as error:
        yield _failed("key", error)
        return
    yield CheckRow("key", "ok", f"restricted key ({'live' if livemode else 'test'} mode expected)")
    seen = _Seen()
    for path in _STREAMS:
        name = "stream " + path.rpartition("/")[2]
        try:
            answer, rows = api.probe(path, _LIMITS.get(path, 1))
            samples = [msgspec.json.decode(raw, type=_Sample) for raw in rows]
        except msgspec.DecodeError:
            yield CheckRow(name, "failed", "the newest object has a shape we do not know", "Update tallystick-stripe.")
        except AuthorizationError as error:
            yield _failed(name, error)
            if "(401)" in error.message:
                return
        except Error as error:
            yield _failed(name, error)
            return
        else:
            seen.add(answer, samples)
            yield CheckRow(name, "ok", _newest(samples))
    yield from _summary(seen, livemode=livemode)


def _summary(seen: _Seen, *, livemode: bool) -> Iterator[CheckRow]:
    yield _mode_row(seen.modes, livemode=livemode)
    yield CheckRow(
        "write rights",
        "ok",
        "not known to the API; Tallystick never tries to write",
        "See in the dashboard that every right of the key is Read or None.",
    )
    yield _history_row(seen.date)
    yield _currency_row(seen.currencies)
    yield _version_row(seen.versions)
    yield _clock_row(seen.date)
    if os.environ.get("STRIPE_LOG"):
        yield CheckRow(
            "STRIPE_LOG", "warning", "is set: Stripe's SDK prints whole answers during a look-up", "Unset STRIPE_LOG."
        )


def _failed(name: str, error: Error) -> CheckRow:
    return CheckRow(name, "failed", str(error), error.hint)


def _newest(samples: Sequence[_Sample]) -> str:
    if not samples:
        return "readable; there is no object yet"
    created = samples[0].created
    return f"readable; newest {samples[0].id}" + (f" of {_date(created * _SECOND)}" if created is not None else "")


def _mode_row(modes: set[bool], *, livemode: bool) -> CheckRow:
    if not modes:
        return CheckRow("livemode", "ok", "no object says in which mode it was made")
    if modes != {livemode}:
        word = "real money" if True in modes else "test mode"
        return CheckRow(
            "livemode",
            "failed",
            f"the objects are {word}, but livemode is {str(livemode).lower()}",
            "Correct livemode, or store the key of the other mode.",
        )
    return CheckRow("livemode", "ok", "real money" if livemode else "test mode: nothing of it is ever billed")


def _history_row(date: int | None) -> CheckRow:
    reach = f"back to {_date(date - EVENT_MEMORY)}" if date is not None else "30 days back"
    return CheckRow(
        "history",
        "ok",
        f"Stripe remembers changes {reach}; what changed before is not known",
        "Sync at least every 25 days, so that no change is missed.",
    )


def _currency_row(currencies: set[str]) -> CheckRow:
    known = ", ".join(f"{code} ({EXPONENTS[code]})" for code in sorted(currencies) if code in EXPONENTS)
    unknown = sorted(currencies - set(EXPONENTS))
    if unknown:
        return CheckRow(
            "currencies",
            "warning",
            f"unknown: {', '.join(code[:8] for code in unknown)}; known: {known or 'none'}",
            "Amounts in unknown currencies are never verified; update tallystick-stripe.",
        )
    return CheckRow("currencies", "ok", f"seen, with their decimal places: {known or 'none yet'}")


def _version_row(versions: set[str]) -> CheckRow:
    other = sorted(versions - {API_VERSION})
    if other:
        return CheckRow(
            "API version",
            "warning",
            f"asked for {API_VERSION}, answered with {', '.join(other)}",
            "Something between here and Stripe changes the calls; check base_url.",
        )
    return CheckRow("API version", "ok", f"{API_VERSION}, asked for with every call")


def _clock_row(date: int | None) -> CheckRow:
    if date is None:
        return CheckRow(
            "clock",
            "failed",
            "the answers have no Date header",
            "Something removes it; check base_url and the network.",
        )
    return CheckRow("clock", "ok", f"Stripe's clock: {_date(date)}; what it says decides up to when we have read")


def _date(at: int) -> str:
    return datetime.fromtimestamp(at // _SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
