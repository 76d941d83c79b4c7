"""Tallystick: outcomes decided in the buyer's own system of record, billed to the cent."""

__all__ = ["__version__"]

__version__ = "0.1.0"
