"""A simulator of Stripe: stateful, seeded, with a virtual clock, served on a loopback socket.

Written from the vendor's public description at one API version, never from the connector it stands against. What it
does not simulate is listed in the README of this distribution.
"""

from tallystick.testing.serving import threaded
from tallystick_stripe.simulator.app import Simulator, create_app
from tallystick_stripe.simulator.objects_account import API_VERSION
from tallystick_stripe.simulator.state import Plan
from tallystick_stripe.simulator.story import SIZE, story

__all__ = ["API_VERSION", "SIZE", "Plan", "Simulator", "create_app", "serve", "story"]

serve = threaded(create_app)
