"""A simulator of HubSpot: stateful, seeded, with a virtual clock, served on a loopback socket.

Written from the vendor's public description, never from the connector it stands against. What it does not simulate is
listed in the README of this distribution. What happens in its account is a `Plan`; how to write one is told in `plan`
and `deeds`.
"""

from tallystick.testing.serving import threaded
from tallystick_hubspot.simulator.app import Simulator, create_app
from tallystick_hubspot.simulator.limits import Limits
from tallystick_hubspot.simulator.plan import Plan
from tallystick_hubspot.simulator.story import SIZE, story

__all__ = ["SIZE", "Limits", "Plan", "Simulator", "create_app", "serve", "story"]

serve = threaded(create_app)
