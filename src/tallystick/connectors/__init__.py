"""What a connector author imports."""

from tallystick.connectors.answers import Response, retry_after
from tallystick.connectors.base import CheckRow, Connector, ConnectorConfig, Cursor, HttpConfig, Page, Slice, Stream
from tallystick.connectors.bearer import Bearer, Token, TokenEndpoint
from tallystick.connectors.custom import CustomField, extract
from tallystick.connectors.http import HttpClient, Params, user_agent
from tallystick.connectors.origin import PinnedTransport, same_origin
from tallystick.connectors.pacing import Timer, TokenBucket
from tallystick.connectors.retry import Retry
from tallystick.connectors.secrets import SecretRef, masked

__all__ = [
    "Bearer",
    "CheckRow",
    "Connector",
    "ConnectorConfig",
    "Cursor",
    "CustomField",
    "HttpClient",
    "HttpConfig",
    "Page",
    "Params",
    "PinnedTransport",
    "Response",
    "Retry",
    "SecretRef",
    "Slice",
    "Stream",
    "Timer",
    "Token",
    "TokenBucket",
    "TokenEndpoint",
    "extract",
    "masked",
    "retry_after",
    "same_origin",
    "user_agent",
]
