"""Zendesk as a system of record for Tallystick."""

from tallystick.connectors import Connector
from tallystick.hookspecs import hookimpl
from tallystick_zendesk.connector import ZendeskConnector

__all__ = ["tallystick_connectors"]


@hookimpl
def tallystick_connectors() -> list[type[Connector]]:
    """Offer the Zendesk connector."""
    return [ZendeskConnector]
