"""Files that any system exports, as a source for Tallystick."""

from tallystick.connectors import Connector
from tallystick.hookspecs import hookimpl
from tallystick_files.connector import FilesConnector

__all__ = ["tallystick_connectors"]


@hookimpl
def tallystick_connectors() -> list[type[Connector]]:
    """Offer the connector for files."""
    return [FilesConnector]
