"""The HubSpot connector against the conformance kit."""

from tallystick_hubspot.kit import HubSpotKit


class TestHubSpot(HubSpotKit):
    """All checks of the kit, against the simulator."""
