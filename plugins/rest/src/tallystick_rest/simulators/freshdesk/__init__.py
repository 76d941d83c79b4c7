"""A simulator of Freshdesk: stateful, seeded, with a virtual clock, served on a loopback socket.

Written from the vendor's public description, never from the connector it stands against. What it does not simulate is
listed in the README of this distribution.
"""

from tallystick.testing.serving import threaded
from tallystick_rest.simulators.freshdesk.app import NOW, Freshdesk, create_app
from tallystick_rest.simulators.freshdesk.cases import cases
from tallystick_rest.simulators.labelled import Case

__all__ = ["NOW", "Case", "Freshdesk", "cases", "create_app", "serve"]

serve = threaded(create_app)
