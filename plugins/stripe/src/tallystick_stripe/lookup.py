"""One object, live, through Stripe's own SDK.

The SDK makes the calls, its users know them; the facts come from the raw bytes that the guarded session keeps, mapped
exactly as the streams map them. The SDK's objects are thrown away: a pickled one would carry the key.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar

import msgspec

from tallystick.connectors import Retry, TokenBucket
from tallystick.errors import ConfigurationError, Error, PermanentError, RateLimited, RetryableError, SchemaChanged
from tallystick.records.model import Record
from tallystick_stripe.client import API_VERSION, PAGE_SIZE, StripeKey
from tallystick_stripe.faults import refusal
from tallystick_stripe.mapping import Mapper

if TYPE_CHECKING:
    import stripe

    from tallystick_stripe.session import GuardedSession, Kept

__all__ = ["Lookup", "map_sdk_error"]

_LOG = logging.getLogger(__name__)
_LATER = "Check the network, or run the command again later."

T = TypeVar("T")
_Params: TypeAlias = dict[str, Any]
_Call: TypeAlias = Callable[..., Any]

_PREFIXES = {
    "ch_": "charge",
    "py_": "charge",
    "pi_": "payment_intent",
    "in_": "invoice",
    "re_": "refund",
    "pyr_": "refund",
    "dp_": "dispute",
    "du_": "dispute",
    "inpay_": "invoice_payment",
}


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool


class _Links(msgspec.Struct):
    """Where an object leads; only ids, whatever kind of object it is."""

    id: str
    charge: str | None = None
    invoice: str | None = None
    payment_intent: str | None = None
    payment: dict[str, Any] | None = None


class Lookup:
    """A live look at one object and what belongs to it; one SDK client, used in one thread and closed on leaving.

    Args:
        base_url: Origin, with a path prefix if any; no other origin is ever called.
        key: The key.
        mapper: Makes the records.
        bucket: What every call spends from, shared with the streams.
        retry: How often and how long to repeat, shared with the streams.
        account: Connected account to read, if not the key's own.
    """

    def __init__(
        self, base_url: str, key: StripeKey, mapper: Mapper, *, bucket: TokenBucket, retry: Retry, account: str | None
    ) -> None:
        self._mapper = mapper
        self._bucket = bucket
        self._retry = retry
        self._session, self._stripe = _open(base_url, key.reveal(), account)
        self._records: dict[tuple[str, str], Record] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def records(self, ref: str) -> list[Record]:
        """Give the records of the object and of the payments, refunds, disputes, ledger rows and invoices around it.

        Args:
            ref: An id; its prefix says what it is.

        Raises:
            ConfigurationError: The prefix is none that can be looked up.
            MissingError: Stripe has no such object.
            Error: A call was refused or could not be made.
        """
        kind = next((name for prefix, name in _PREFIXES.items() if ref.startswith(prefix)), None)
        if kind is None or not ref.isascii() or not ref.replace("_", "").isalnum():
            raise ConfigurationError(
                "that is no id of Stripe's that can be looked up",
                hint=f"Give an id that begins with one of {', '.join(_PREFIXES)}.",
            )
        read: dict[str, Callable[[str], None]] = {
            "charge": self._charge,
            "payment_intent": self._intent,
            "invoice": self._invoice,
            "refund": self._refund,
            "dispute": self._dispute,
            "invoice_payment": self._invoice_payment,
        }
        read[kind](ref)
        return list(self._records.values())

    def _charge(self, key: str) -> None:
        if ("payment", key) in self._records:
            return
        self._around(self._one("charge", self._stripe.v1.charges.retrieve, key))

    def _intent(self, key: str) -> None:
        for links in self._all("charge", self._stripe.v1.charges.list, payment_intent=key):
            self._around(links)

    def _around(self, charge: _Links) -> None:
        """Read what belongs to a charge: what went back, the ledger rows of it all, and the invoices it paid."""
        v1 = self._stripe.v1
        refunds = self._all("refund", v1.refunds.list, charge=charge.id)
        disputes = self._all("dispute", v1.disputes.list, charge=charge.id)
        for source in (charge, *refunds, *disputes):
            self._all("balance_transaction", v1.balance_transactions.list, source=source.id)
        payment = {"type": "charge", "charge": charge.id}
        if charge.payment_intent:
            payment = {"type": "payment_intent", "payment_intent": charge.payment_intent}
        for part in self._all("invoice_payment", v1.invoice_payments.list, payment=payment):
            if part.invoice and ("invoice", part.invoice) not in self._records:
                self._invoice_itself(part.invoice)

    def _invoice(self, key: str) -> None:
        self._invoice_itself(key)
        for part in self._all("invoice_payment", self._stripe.v1.invoice_payments.list, invoice=key):
            self._paid_by(part)

    def _invoice_itself(self, key: str) -> None:
        self._one("invoice", self._stripe.v1.invoices.retrieve, key)
        self._all("credit_note", self._stripe.v1.credit_notes.list, invoice=key)

    def _refund(self, key: str) -> None:
        refund = self._one("refund", self._stripe.v1.refunds.retrieve, key)
        if refund.charge:
            self._charge(refund.charge)

    def _dispute(self, key: str) -> None:
        dispute = self._one("dispute", self._stripe.v1.disputes.retrieve, key)
        if dispute.charge:
            self._charge(dispute.charge)

    def _invoice_payment(self, key: str) -> None:
        part = self._one("invoice_payment", self._stripe.v1.invoice_payments.retrieve, key)
        if part.invoice:
            self._invoice_itself(part.invoice)
        self._paid_by(part)

    def _paid_by(self, part: _Links) -> None:
        payment = part.payment or {}
        if payment.get("payment_intent"):
            self._intent(str(payment["payment_intent"]))
        elif payment.get("charge"):
            self._charge(str(payment["charge"]))

    def _one(self, name: str, call: _Call, key: str) -> _Links:
        kept = self._ask(call, key)
        return self._keep(name, kept.body, kept)

    def _all(self, name: str, call: _Call, **filters: Any) -> list[_Links]:
        params: _Params = {**filters, "limit": PAGE_SIZE}
        found: list[_Links] = []
        while True:
            kept = self._ask(call, params=params)
            page = _decoded(kept, _Page)
            found += [self._keep(name, bytes(raw), kept) for raw in page.data]
            if not page.has_more or not found:
                return found
            params = {**params, "starting_after": found[-1].id}

    def _keep(self, name: str, raw: bytes, kept: Kept) -> _Links:
        links = _decoded(kept, _Links, raw)
        if kept.date is None:
            raise SchemaChanged("Stripe's answer has no Date header", hint=_LATER, request_id=kept.request_id)
        try:
            records = self._mapper.records(name, raw, kept.date)
        except (msgspec.DecodeError, UnicodeDecodeError) as cause:
            raise _unknown_shape(cause, kept) from None
        self._records |= {(record.type, record.id): record for record in records}
        return links

    def _ask(self, call: _Call, *given: Any, **named: Any) -> Kept:
        """Make one call through the SDK and give what the session kept of it."""
        try:
            return self._retry(lambda: self._call(call, *given, **named))
        except _UnreadableError as error:
            raise SchemaChanged(error.message, hint=error.hint, request_id=error.request_id) from None

    def _call(self, call: _Call, *given: Any, **named: Any) -> Kept:
        import stripe

        self._bucket.acquire()
        self._session.kept = None
        with warnings.catch_warnings(record=True) as notices:
            warnings.simplefilter("always")
            try:
                call(*given, **named)
            except stripe.StripeError as cause:
                error = self._session.refused or map_sdk_error(cause, self._session.kept)
                if isinstance(error, RateLimited):
                    self._bucket.slow_down()
                raise error from None
        for notice in notices:
            _LOG.info("notice from Stripe's SDK: %s", notice.message)
        if self._session.kept is None:
            raise PermanentError(
                "Stripe's SDK answered without making a call", hint="Report this to the plugin's author."
            )
        return self._session.kept


class _UnreadableError(RetryableError):
    """A good status with a body that is not JSON."""


def map_sdk_error(cause: stripe.StripeError, kept: Kept | None = None) -> Error:
    """Give what an error of the SDK means for the reader; never repeats a key, never keeps an object of the SDK.

    Args:
        cause: An error of the SDK.
        kept: The answer behind it, if there was one.
    """
    import stripe

    if isinstance(cause, stripe.APIConnectionError):
        return _unreachable(passing=bool(cause.should_retry))
    status = cause.http_status
    if kept is not None and kept.status == status and not 200 <= kept.status < 300:
        return refusal(kept.status, kept.body, kept.headers, kept.request_id, kept.retry_after)
    if status is not None and 200 <= status < 300:
        return _UnreadableError(
            f"Stripe answered {status} with a body that is not JSON",
            hint="Something between here and Stripe answers in its place; check base_url and the network.",
            request_id=cause.request_id,
        )
    if status is None:
        return PermanentError(f"Stripe's SDK gave up ({type(cause).__name__})", hint=_LATER)
    return refusal(status, msgspec.json.encode(cause.json_body or {}), {}, cause.request_id)


def _unreachable(*, passing: bool) -> Error:
    if passing:
        return RetryableError("the connection to Stripe failed during a look-up", hint=_LATER)
    return PermanentError(
        "Stripe could not be reached safely (its certificate, or a fault of the HTTP library)",
        hint="Check base_url and the certificates of this machine.",
    )


def _decoded(kept: Kept, shape: type[T], raw: bytes | None = None) -> T:
    try:
        return msgspec.json.decode(kept.body if raw is None else raw, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        raise _unknown_shape(cause, kept) from None


def _unknown_shape(cause: Exception, kept: Kept) -> SchemaChanged:
    reason = str(cause) if isinstance(cause, msgspec.ValidationError) else type(cause).__name__
    return SchemaChanged(
        f"Stripe answered in a shape this connector does not know: {reason}",
        hint="Update tallystick-stripe.",
        request_id=kept.request_id,
    )


def _open(base_url: str, key: str, account: str | None) -> tuple[GuardedSession, stripe.StripeClient]:
    import stripe

    from tallystick_stripe.session import GuardedSession

    # Before the first client: afterwards no id file is written and no telemetry header sent.
    stripe.enable_telemetry = False
    session = GuardedSession(base_url)
    client = stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        stripe_account=account,
        base_addresses={"api": base_url.rstrip("/")},
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=(5, 30), session=session),
    )
    return session, client
