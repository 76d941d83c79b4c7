"""The Salesforce connector against the conformance kit."""

from tallystick_salesforce.kit import SalesforceKit


class TestSalesforce(SalesforceKit):
    """All checks of the kit, against the simulator."""
