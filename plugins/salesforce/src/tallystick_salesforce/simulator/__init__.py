"""A simulator of Salesforce: stateful, with a virtual clock, served on a loopback socket.

Written from the vendor's public description, never from the connector it stands against.

Not simulated: writing over the API; SOAP, Bulk 1, Apex, tooling and metadata; the password, refresh and browser flows
of OAuth; SOQL's aggregates beside `COUNT()`, further pages of child rows, `TYPEOF`, `FIELDS()`, semi-joins, `HAVING`,
date functions and relative dates; `composite` and `composite/batch` with several parts; change events; gzip; pages cut
short because their rows are wide; formula fields and roll-ups; validation rules and required fields; deletion of an
account with all that is under it; the restriction of big objects to filters in the order of their index; the ageing of
field history; series of events, which are rows like all others.
"""

from tallystick.testing.serving import threaded
from tallystick_salesforce.simulator.api import Paging
from tallystick_salesforce.simulator.app import Simulator, create_app
from tallystick_salesforce.simulator.plan import Deed, Plan, Stage
from tallystick_salesforce.simulator.sample import sample_plan
from tallystick_salesforce.simulator.shapes import Custom, CustomObject
from tallystick_salesforce.simulator.story import SIZE, story

__all__ = [
    "SIZE",
    "Custom",
    "CustomObject",
    "Deed",
    "Paging",
    "Plan",
    "Simulator",
    "Stage",
    "create_app",
    "sample_plan",
    "serve",
    "story",
]

serve = threaded(create_app)
