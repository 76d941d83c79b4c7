"""Events to a receiver over HTTP: CloudEvents, signed as Standard Webhooks 1.0.0 says."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from tallystick.connectors.answers import Response, retry_after
from tallystick.connectors.base import checked_address
from tallystick.connectors.http import HttpClient
from tallystick.connectors.origin import PinnedTransport
from tallystick.connectors.pacing import Timer, TokenBucket
from tallystick.connectors.retry import Retry
from tallystick.connectors.secrets import SecretRef
from tallystick.errors import AuthorizationError, ConfigurationError, Error, PermanentError, RateLimited, RetryableError
from tallystick.sinks.base import Attempt, OutcomeEvent, Sink, SinkConfig, UndeliverableError
from tallystick.sinks.cloudevents import CONTENT_TYPE, cloud_event

__all__ = ["WebhookConfig", "WebhookSink", "sign"]

_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64
_LARGEST_ANSWER = 1_000_000
_AGAIN = frozenset({408, 425})


class WebhookConfig(SinkConfig):
    """What `tallystick.yaml` may say about a webhook.

    Attributes:
        url: Where events are posted: https, or http on this machine.
        secret: Where the signing secret is kept: `whsec_` and 24 to 64 bytes in base64.
        previous_secret: The secret before it, while receivers change over: each event carries both signatures.
        allow_private: Also post to addresses of a private network.
        timeout_seconds: Longest silence of the receiver.
        per_second: Events a second at most.
    """

    url: str
    secret: SecretRef
    previous_secret: SecretRef | None = None
    allow_private: bool = False
    timeout_seconds: float = Field(default=15, gt=0, le=120, allow_inf_nan=False)
    per_second: float = Field(default=20, gt=0, le=10_000, allow_inf_nan=False)

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        return checked_address(value)


class WebhookSink(Sink):
    """Posts each event to one address.

    2xx says that it was taken. 410 is final; any other 4xx is a refusal; after 408, 425, 429, 5xx and silence it is
    tried again.

    Args:
        config: A validated `WebhookConfig`.
        root: Unused; a webhook reads no file.
        clock: Gives the instant of an attempt, which is signed: receivers refuse one that is minutes old.
        timer: Waits; tests pass their own.
    """

    name: ClassVar[str] = "webhook"
    config_model: ClassVar[type[SinkConfig]] = WebhookConfig

    def __init__(
        self, config: WebhookConfig, *, root: Path, clock: Callable[[], int], timer: Timer | None = None
    ) -> None:
        del root
        parts = urlsplit(config.url)
        timer = timer or Timer()
        self._config = config
        self._clock = clock
        self._path = parts.path or "/"
        self._http = HttpClient(
            f"{parts.scheme}://{parts.netloc}",
            name="the webhook's receiver",
            bucket=TokenBucket(config.per_second, timer),
            retry=Retry(timer, attempts=3, longest=5.0),
            timer=timer,
            classify=_classify,
            headers=dict,
            read_timeout=config.timeout_seconds,
            connections=1,
            transport=PinnedTransport("the webhook's receiver", allow_private=config.allow_private),
            largest_body=_LARGEST_ANSWER,
        )

    def deliver(self, event: OutcomeEvent, attempt: Attempt) -> None:  # noqa: ARG002 - a receiver knows a key again
        """Post an event, signed anew for each repetition.

        Raises:
            ConfigurationError: A secret is not there, or is none.
            Error: What the answer means, or that there was none.
        """
        secrets = [_reveal(ref) for ref in (self._config.secret, self._config.previous_secret) if ref is not None]
        body = cloud_event(event)

        def headers() -> dict[str, str]:
            at = self._clock() // 1_000_000
            signature = sign(secrets, event.key, at, body)
            return {"webhook-id": event.key, "webhook-timestamp": str(at), "webhook-signature": signature}

        self._http.post(self._path, body, content_type=CONTENT_TYPE, headers=headers)

    def close(self) -> None:
        """Give back the connection."""
        self._http.close()


def sign(secrets: Sequence[bytes], key: str, at: int, body: bytes) -> str:
    """Give the header `webhook-signature`: one signature for each secret, HMAC-SHA256 over `key.at.body` in base64.

    Args:
        secrets: The secrets' bytes.
        key: The event's key, as in `webhook-id`.
        at: The instant of the attempt in Unix seconds, as in `webhook-timestamp`.
        body: The bytes of the request.
    """
    content = b".".join((key.encode(), str(at).encode(), body))
    made = (hmac.new(secret, content, hashlib.sha256).digest() for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(each).decode()}" for each in made)


def _reveal(ref: SecretRef) -> bytes:
    prefix, text = (revealed := ref.reveal())[: len(_PREFIX)], revealed[len(_PREFIX) :]
    try:
        secret = base64.b64decode(text, validate=True)
    except binascii.Error:
        secret = b""
    if prefix != _PREFIX or not _SHORTEST <= len(secret) <= _LONGEST:
        raise ConfigurationError(
            f"the secret at {ref} is not one for webhooks",
            hint=f"Store {_PREFIX} and {_SHORTEST} to {_LONGEST} random bytes in base64 there.",
        )
    return secret


def _classify(response: Response) -> Error | None:
    status = response.status
    if 200 <= status < 300:
        return None
    said = f"the webhook's receiver answered {status}"
    if status in {401, 403}:
        return AuthorizationError(said, hint="Its owner and you must have the same secret; compare them.")
    wait = retry_after(response)
    if status == 429 or (status == 503 and wait is not None):
        return RateLimited(said, retry_after=wait, hint="It asks to wait; the next turn goes on.")
    if status >= 500 or status in _AGAIN:
        return RetryableError(said, hint="It is in trouble; the next turn goes on.")
    if status == 410:
        return UndeliverableError(said, hint="It says that it is gone for good. Ask its owner for a new address.")
    return PermanentError(said, hint="Ask its owner what is wrong with the event, and check the url.")
