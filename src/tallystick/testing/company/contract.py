"""The contract of the story: one text for every system, but for where an outcome is read."""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.testing.company.company import Limits
from tallystick.testing.company.people import EXECUTIVE_ROLES
from tallystick.testing.company.times import HOLIDAY

__all__ = ["NAME", "contract"]

NAME = "held-meetings"

_HEAD = """\
contract: {name}
version: 1
buyer: Nordwind Software GmbH
vendor:
  name: Uptime AI
  identities:
{identities}
people:
  account_executive:
{people}
timezone: Europe/Berlin
currency: EUR
term: {{start: 2026-09-15}}
outcomes:
{outcomes}
billing:
  floor: {{monthly: {floor}}}
  cap: {{monthly: {cap}}}
  rounding: half_up
finality: {{lock_days: 0, dispute_days: 10, on_silence: accept, clawback_days: 120}}
off_ramp: [{{measure: verified_rate, below: 50, months: 2}}]
data_rights: {{export: all, retention_months: 36}}
review: {{every: quarter}}
"""

_OUTCOME = """\
  {name}:
    source: {source}
    uses: qualified-meeting
    with:
      min_minutes: 15
      duration_sources: [conference, call]
      evidence_hours: 24
      buyer_attendees: 1
      prospect_attendees: 1
      attendance: invited
      business_email: true
      internal_domains: [nordwind.example]
      excluded_domains: [uptime.example]
      no_show_report_hours: 24
      acceptance: meeting_field
      acceptance_field: accepted
      acceptance_business_days: 5
      holidays: ["{holiday}"]
      on_silence: reject
      clawback_days: 21
      booked_by: vendor
      reschedule_rule: follows_original
      recurring: first_only
      one_per_account_days: 90
      one_across_sources: true
      existing_pipeline_exclusion_days: 180
    price: {{per_unit: 240.00}}
    baseline: {{cost_per_outcome: 610.00, basis: "two people in sales development, second quarter of 2026"}}
"""


def contract(outcomes: Mapping[str, str], vendor: Mapping[str, tuple[str, ...]], limits: Limits) -> str:
    """Give the text.

    Args:
        outcomes: For each outcome where it is read.
        vendor: For each source of the project who the vendor is there.
        limits: Floor and cap.
    """
    roles = ", ".join(EXECUTIVE_ROLES)
    quoted = {source: ", ".join(f'"{one}"' for one in ids) for source, ids in vendor.items()}
    return _HEAD.format(
        name=NAME,
        identities="\n".join(f"    {source}: [{ids}]" for source, ids in quoted.items()),
        people="\n".join(f"    {source}: {{role_in: [{roles}]}}" for source in vendor),
        outcomes="".join(
            _OUTCOME.format(name=name, source=source, holiday=HOLIDAY) for name, source in outcomes.items()
        ).rstrip("\n"),
        floor=limits.floor,
        cap=limits.cap,
    )
