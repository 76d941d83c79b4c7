"""Stripe as a system of record for Tallystick, and as a place where outcomes are billed as usage."""

from tallystick.connectors import Connector
from tallystick.hookspecs import hookimpl
from tallystick.sinks import Sink
from tallystick_stripe.connector import StripeConnector
from tallystick_stripe.meter import StripeMeterSink

__all__ = ["tallystick_connectors", "tallystick_sinks"]


@hookimpl
def tallystick_connectors() -> list[type[Connector]]:
    """Offer the Stripe connector."""
    return [StripeConnector]


@hookimpl
def tallystick_sinks() -> list[type[Sink]]:
    """Offer usage reported to a billing meter."""
    return [StripeMeterSink]
