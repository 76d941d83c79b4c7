"""API keys: only restricted ones are let in, each with the rights its name leaves it.

`rk_live_...` and `rk_test_...` may read everything. `..._no_disputes` lacks the right to read disputes, and
`..._no_disputes_no_events` lacks both. `rk_live_expired...` was rolled. No key may write, except that
`rk_live_meter...` and `rk_test_meter...` may report usage.
Documented at https://docs.stripe.com/keys/restricted-api-keys; the names of some rights are not confirmed.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tallystick_stripe.simulator.errors import WireError

__all__ = ["RIGHTS", "Key", "read_key"]

RIGHTS = {
    "account": "rak_accounts_kyc_basic",
    "balance": "rak_balance",
    "balance_transactions": "rak_balance_transaction_source",
    "charges": "rak_charge",
    "credit_notes": "rak_credit_note",
    "customers": "rak_customer",
    "disputes": "rak_dispute",
    "events": "rak_event",
    "invoice_payments": "rak_invoice",
    "invoices": "rak_invoice",
    "payment_intents": "rak_payment_intent",
    "payouts": "rak_payout",
    "refunds": "rak_charge",
}
"""The right that each resource needs, without `_read` or `_write`."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was let in."""

    shown: str
    livemode: bool
    lacks: frozenset[str]
    metering: bool = False

    def require(self, resource: str, account: str, access: str = "read") -> None:
        """Refuse what the key may not do.

        Raises:
            WireError: 403 that names the missing right.
        """
        if access == "read" and resource not in self.lacks:
            return
        right = f"{RIGHTS.get(resource, 'rak_' + resource.rstrip('s'))}_{access}"
        raise WireError(
            403,
            f"The provided key '{self.shown}' does not have the required permissions for this endpoint on account "
            f"'{account}'. Having the '{right}' permission would allow this request to continue.",
        )

    def require_metering(self) -> None:
        """Refuse a key that may not report usage.

        Raises:
            WireError: 403 that names the missing right.
        """
        if not self.metering:
            raise WireError(
                403,
                f"The provided key '{self.shown}' does not have the required permissions for this endpoint. Having the "
                "'rak_billing_meter_event_write' permission would allow this request to continue.",
            )


def read_key(headers: Mapping[str, str]) -> Key:
    """Read the key of a request, as bearer token or as the user name of basic authentication.

    Raises:
        WireError: 401; there is no key, it expired, or it is not a restricted key.
    """
    scheme, _, text = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            text = base64.b64decode(text, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            text = ""
    text = text.strip()
    if not text:
        raise WireError(
            401,
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        )
    shown = f"{text[:8]}{'*' * max(len(text) - 12, 4)}{text[-4:]}"
    if not text.startswith(("rk_live_", "rk_test_")) or not re.fullmatch(r"\w+", text):
        raise WireError(401, f"Invalid API Key provided: {shown}")
    if text[8:].startswith("expired"):
        raise WireError(401, f"Expired API Key provided: {shown}", code="api_key_expired")
    lacks = frozenset(re.findall(r"_no_([a-z]+(?:_(?!no_)[a-z]+)*)", text))
    return Key(shown, text.startswith("rk_live_"), lacks, text[8:].startswith("meter"))
