"""A third party's plugin: everything that a plugin may offer, each as small as it can be."""

from tallystick.connectors import Connector
from tallystick.hookspecs import Template, hookimpl
from tallystick.sinks import Sink
from tallystick_example.connector import NotebookConnector
from tallystick_example.sink import DiarySink
from tallystick_example.template import CALLED_BACK

__all__ = ["tallystick_connectors", "tallystick_outcome_templates", "tallystick_sinks"]


@hookimpl
def tallystick_connectors() -> list[type[Connector]]:
    """Offer the notebook."""
    return [NotebookConnector]


@hookimpl
def tallystick_outcome_templates() -> list[Template]:
    """Offer calls that lasted."""
    return [CALLED_BACK]


@hookimpl
def tallystick_sinks() -> list[type[Sink]]:
    """Offer the diary."""
    return [DiarySink]
