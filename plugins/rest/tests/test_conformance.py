"""The connectors of Intercom and Freshdesk pass the conformance kit."""

from tallystick_rest.kit import FreshdeskKit, IntercomKit


class TestIntercom(IntercomKit):
    """The Intercom connector passes the kit."""


class TestFreshdesk(FreshdeskKit):
    """The Freshdesk connector passes the kit."""
