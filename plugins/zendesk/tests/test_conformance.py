"""The Zendesk connector against the conformance kit."""

from tallystick_zendesk.kit import ZendeskKit


class TestZendesk(ZendeskKit):
    """All checks of the kit, against the simulator."""
