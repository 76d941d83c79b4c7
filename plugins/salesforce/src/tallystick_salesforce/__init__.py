"""Salesforce as a system of record for Tallystick."""

from tallystick.connectors import Connector
from tallystick.hookspecs import hookimpl
from tallystick_salesforce.connector import SalesforceConnector

__all__ = ["tallystick_connectors"]


@hookimpl
def tallystick_connectors() -> list[type[Connector]]:
    """Offer the Salesforce connector."""
    return [SalesforceConnector]
