"""A third party's plugin: everything that a plugin may offer, each as small as it can be."""

from tallystick.connectors import Connector
from tallystick.hookspecs import Template, hookimpl
from tallystick_example.connector import NotebookConnector
from tallystick_example.template import CALLED_BACK

__all__ = ["tallystick_connectors", "tallystick_outcome_templates"]


@hookimpl
def tallystick_connectors() -> list[type[Connector]]:
    """Offer the notebook."""
    return [NotebookConnector]


@hookimpl
def tallystick_outcome_templates() -> list[Template]:
    """Offer calls that lasted."""
    return [CALLED_BACK]
