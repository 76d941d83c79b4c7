"""HubSpot as a system of record for Tallystick."""

from tallystick.connectors import Connector
from tallystick.hookspecs import hookimpl
from tallystick_hubspot.connector import HubSpotConnector

__all__ = ["tallystick_connectors"]


@hookimpl
def tallystick_connectors() -> list[type[Connector]]:
    """Offer the HubSpot connector."""
    return [HubSpotConnector]
