"""What a failure of the HTTP library means for the reader: wait, correct the configuration, or report it."""

from __future__ import annotations

import ssl

import httpx

from tallystick.errors import ConnectorError, PermanentError, RetryableError

__all__ = ["TooLargeError", "map_http_error"]

_DEEPEST = 8  # a chain of causes may be a ring
_LATER = "Check the network, or wait: the next run goes on where this one stopped."


class TooLargeError(httpx.StreamError):
    """An answer has more bytes than it may."""

    def __init__(self, largest: int) -> None:
        super().__init__(f"more than {largest:,} bytes")


def map_http_error(cause: Exception, name: str, request_id: str | None = None) -> ConnectorError:
    """Give what a failure of the HTTP library means for the reader.

    Args:
        cause: An exception of httpx.
        name: The system's name.
        request_id: The system's id of the request, if it had begun to answer.
    """
    kind = type(cause).__name__
    hopeless = _hopeless(cause, name, request_id)
    if hopeless is not None:
        return hopeless
    if isinstance(cause, httpx.TimeoutException):
        return RetryableError(f"{name} did not answer in time ({kind})", hint=_LATER, request_id=request_id)
    if isinstance(cause, httpx.NetworkError):
        return RetryableError(
            f"the connection to {name} failed: {str(cause) or kind}", hint=_LATER, request_id=request_id
        )
    if isinstance(cause, (httpx.RemoteProtocolError, httpx.DecodingError, httpx.ProxyError)):
        return RetryableError(f"the answer of {name} broke off ({kind})", hint=_LATER, request_id=request_id)
    return PermanentError(
        f"the call to {name} could not be made ({kind})",
        hint="This is a fault of the connector or of a header it was given; report it.",
        request_id=request_id,
    )


def _hopeless(cause: Exception, name: str, request_id: str | None) -> PermanentError | None:
    """Give what a failure means that would come again; None for any other."""
    if _is_certificate(cause):
        return PermanentError(
            f"the certificate of {name} could not be verified",
            hint="Somebody may be reading along. Check base_url and the certificates of this machine.",
        )
    if isinstance(cause, (httpx.UnsupportedProtocol, httpx.InvalidURL)):
        kind = type(cause).__name__
        return PermanentError(f"the address of {name} cannot be used ({kind})", hint="Correct base_url.")
    if isinstance(cause, TooLargeError):
        return PermanentError(
            f"{name} answered with {cause}, which no page of any system has",
            hint="Ask for fewer objects a page, or check base_url.",
            request_id=request_id,
        )
    return None


def _is_certificate(error: BaseException) -> bool:
    cause: BaseException | None = error
    for _ in range(_DEEPEST):
        if isinstance(cause, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(cause):
            return True
        cause = cause.__cause__ if cause is not None else None
    return False
