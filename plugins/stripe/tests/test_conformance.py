"""The Stripe connector against the conformance kit."""

from tallystick_stripe.kit import StripeKit


class TestStripe(StripeKit):
    """All checks of the kit, against the simulator."""
