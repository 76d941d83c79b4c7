"""The demo: two months of a software company's support, a bot paid for what it resolves, and what each claim deserves.

Uptime AI is paid USD 0.99 for each ticket it resolves with no human handoff and no return within seven days. The labels
are written by the author of each case, from the contract's words; nothing is evaluated here.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any

from tallystick.testing.instants import instant
from tallystick_zendesk.simulator.background import everyday
from tallystick_zendesk.simulator.cases_escalation import ESCALATION_CASES
from tallystick_zendesk.simulator.cases_identity import IDENTITY_CASES
from tallystick_zendesk.simulator.cases_merges import MERGE_CASES
from tallystick_zendesk.simulator.cases_people import PEOPLE_CASES
from tallystick_zendesk.simulator.cases_ratings import RATING_CASES
from tallystick_zendesk.simulator.cases_returns import RETURN_CASES
from tallystick_zendesk.simulator.cases_routing import ROUTING_CASES
from tallystick_zendesk.simulator.cases_silence import SILENCE_CASES
from tallystick_zendesk.simulator.cases_units import UNIT_CASES
from tallystick_zendesk.simulator.plan import Plan
from tallystick_zendesk.simulator.script import AI_GROUP, AI_GROUP_TOO, BOT, SEAT, Case, Script

__all__ = ["SIZE", "STAGES", "story", "story_plan"]

STAGES = ("2026-10-12T06:00:00Z", "2026-10-28T06:00:00Z", "2026-11-20T06:00:00Z")
"""When the demo reads and verifies: mid October, after the end of summer time, and well after the month was over."""

SIZE = ("tickets", 10_000, 1_000)
"""What the size of the story is called, how large it is in full, and in a hurry."""

_CASES: tuple[Case, ...] = (
    *PEOPLE_CASES,
    *IDENTITY_CASES,
    *ROUTING_CASES,
    *ESCALATION_CASES,
    *SILENCE_CASES,
    *RATING_CASES,
    *RETURN_CASES,
    *MERGE_CASES,
    *UNIT_CASES,
)
_PERIOD = ("2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")
_PRICE = Decimal("0.99")
_LEAST = 400
_TURNS = 4

_CONTRACT = """\
contract: helpdesk-resolutions
version: 1
buyer: Nordwind Software GmbH
vendor:
  name: Uptime AI
  identities:
    support: ["{bot}"]
timezone: Europe/Berlin
currency: USD
term: {{start: 2026-09-15}}
outcomes:
  resolved:
    source: support
    uses: ticket-resolved
    with:
      confirmation: any_of
      silence_hours: {{email: 72, messaging: 24, chat: 24, voice: 0, web: 72, social: 72, api: 72, other: 72}}
      clock_start: last_agent_reply
      min_substantive_reply: true
      handoff_voids: [requested, assigned, public_reply]
      billable_handoffs: [procedure_returns]
      escalation_tags: [escalated, needs_human]
      escalation_fields: ["360001"]
      ai_groups: ["{group}", "{group_too}"]
      shared_seats: ["{seat}"]
      negative_feedback_voids: true
      csat_threshold: 3
      reopen_days: 7
      reopen_scope: same_ticket
      reopen_effect: void
      unit_scope: requester_per_day
      spam_and_test_exclusions: [test, internal_qa]
      platform_ai: false
    price: {{per_unit: 0.99}}
    baseline: {{cost_per_outcome: 4.20, basis: "the help desk's own people, first half of 2026"}}
billing:
  floor: {{monthly: {floor}}}
  cap: {{monthly: {cap}}}
  rounding: half_up
finality: {{lock_days: 0, dispute_days: 10, on_silence: accept, clawback_days: 120}}
off_ramp: [{{measure: verified_rate, below: 60, months: 2}}]
data_rights: {{export: all, retention_months: 36}}
review: {{every: quarter}}
"""


def story(seed: int, tickets: int = 10_000) -> dict[str, Any]:
    """Give the demo: configuration, contract, claims and labels for the simulator of the same seed and size.

    Returns:
        `name`; `source`, `source_name`, `connector`, `source_config` and `environment` for the project file
        (`base_url` is to be added); `contract` as YAML; `claims` as rows of text; `labels` by subject: the `status` it
        must have at the last stage, the deciding `clause` or "", a short name of the `trap`, and `net_amount`, which
        tickets do not have; `stages`, the virtual instants to read and verify at, in turn; `period`, the month of the
        statement.

    Raises:
        ValueError: Fewer than 400 tickets.
    """
    script = _write(seed, tickets)
    floor, cap = _limits(script)
    contract = _CONTRACT.format(bot=BOT, group=AI_GROUP, group_too=AI_GROUP_TOO, seat=SEAT, floor=floor, cap=cap)
    return {
        "name": "tickets resolved",
        "source": "zendesk",
        "source_name": "support",
        "connector": "zendesk",
        "source_config": {
            "client_id": "tallystick-reader",
            "client_secret": "env:ZENDESK_SECRET",
            "start": "2026-09-01",
            "requests_per_minute": 60_000,
            "export_requests_per_minute": 60_000,
            "user_export_requests_per_minute": 60_000,
        },
        "environment": {"ZENDESK_SECRET": "demo-secret"},
        "contract": contract,
        "claims": [dict(claim) for claim in script.claims],
        "labels": {subject: dict(label) for subject, label in script.labels.items()},
        "stages": list(STAGES),
        "period": "2026-10",
        "seed": seed,
        "size": tickets,
    }


def story_plan(seed: int, tickets: int = 10_000) -> Plan:
    """Give all that happens in the account of the demo.

    Raises:
        ValueError: Fewer than 400 tickets.
    """
    return _write_plan(seed, tickets)


@lru_cache(maxsize=2)
def _write_plan(seed: int, tickets: int) -> Plan:
    return _write(seed, tickets).plan


@lru_cache(maxsize=2)
def _write(seed: int, tickets: int) -> Script:
    """Write the cases, as often as the size has room for, and fill up with everyday tickets."""
    if tickets < _LEAST:
        raise ValueError(f"the story needs at least {_LEAST} tickets, not {tickets}")
    script = Script(seed)
    for turn in range(max(1, min(_TURNS, tickets // 2_500))):
        script.turn = turn
        for case in _CASES:
            case(script)
    while script.tickets < tickets:
        everyday(script)
    return script


def _limits(script: Script) -> tuple[str, str]:
    """Give a monthly floor that October passes with ease, and a cap a little below its fee, in whole ten dollars."""
    first, end = map(instant, _PERIOD)
    fee = _PRICE * sum(first <= at < end for at in script.decided)
    cap = int(fee * Decimal("0.90")) // 10 * 10
    return f"{cap // 4}.00", f"{cap}.00"
