"""A buyer's warehouse as a source for Tallystick."""

from tallystick.connectors import Connector
from tallystick.hookspecs import hookimpl
from tallystick_sql.connector import SqlConnector

__all__ = ["tallystick_connectors"]


@hookimpl
def tallystick_connectors() -> list[type[Connector]]:
    """Offer the connector for warehouses."""
    return [SqlConnector]
