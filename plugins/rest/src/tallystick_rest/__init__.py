"""Any JSON API as a system of record for Tallystick; Intercom and Freshdesk come described."""

from tallystick.connectors import Connector
from tallystick.hookspecs import hookimpl
from tallystick_rest.connector import RestConnector
from tallystick_rest.systems import FreshdeskConnector, IntercomConnector

__all__ = ["tallystick_connectors"]


@hookimpl
def tallystick_connectors() -> list[type[Connector]]:
    """Offer the connector for any described system, and one for each description that comes with it."""
    return [RestConnector, IntercomConnector, FreshdeskConnector]
