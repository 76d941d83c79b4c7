"""The demo: a year of a software company's invoices, a collection agency paid by result, and what each claim deserves.

The agency `recoverly` is paid 12.5 percent of what it recovers from invoices that were at least 30 days overdue when
they were placed with it. The buyer tags each invoice (`metadata.placed_with`, `metadata.placed_at`) when it places it.
The labels are written by the author of each case, from the contract's words; nothing is evaluated here.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any

from tallystick.testing.instants import instant
from tallystick_stripe.simulator.aftermath import AFTERMATH
from tallystick_stripe.simulator.background import everyday, payouts
from tallystick_stripe.simulator.script import AGENCY, Script
from tallystick_stripe.simulator.state import Plan
from tallystick_stripe.simulator.traps import TRAPS, found, plain

__all__ = ["SIZE", "STAGES", "story", "story_plan"]

STAGES = ("2026-08-31T22:00:00Z", "2026-09-20T00:00:00Z", "2026-10-12T06:00:00Z")
"""When the demo reads and verifies: end of August in Berlin, mid September, mid October."""

SIZE = ("invoices", 2_000, 200)
"""What the size of the story is called, how large it is in full, and in a hurry."""

_PERIOD = ("2026-08-31T22:00:00Z", "2026-09-30T22:00:00Z")
_LEAST = 200

_CONTRACT = """\
contract: {agency}-collections
version: 1
buyer: Nordwind Software GmbH
vendor: {{name: Recoverly Collections}}
timezone: Europe/Berlin
currency: EUR
term: {{start: 2026-04-01}}
outcomes:
  recovered:
    source: billing
    uses: dollars-collected
    with:
      agency: {agency}
      basis: net_of_refunds_and_disputes
      dispute_effect: hold_until_closed
      reinstate_on_win: true
      lookback_days: 30
      min_age_days_overdue: 30
      attribution_days: 30
      settling_days: 7
      overpayment: capped
      count_automatic: false
      tag_provenance: proven
    price: {{percent: 12.5}}
billing:
  floor: {{monthly: 500.00}}
  cap: {{monthly: {cap}}}
  rounding: half_up
finality: {{lock_days: 0, dispute_days: 10, on_silence: accept, clawback_days: 120}}
"""


def story(seed: int, invoices: int = 2000) -> dict[str, Any]:
    """Give the demo: configuration, contract, claims and labels for the simulator of the same seed and size.

    Returns:
        `name`; `source`, `connector`, `source_config` and `environment` for the project file (`base_url` is to be
        added); `contract` as YAML; `claims` as rows of text; `labels` by subject: the `status` it must have at the last
        stage, the deciding `clause` or "", a short name of the `trap`, and the `net_amount` if verified; `stages`, the
        virtual instants to read and verify at, in turn; `period`, the month of the statement.

    Raises:
        ValueError: Fewer than 200 invoices.
    """
    script = _write(seed, invoices)
    tag = {"placed_at": ("metadata.placed_at", "instant"), "placed_with": ("metadata.placed_with", "text")}
    return {
        "name": "dollars collected",
        "source": "stripe",
        "connector": "stripe",
        "source_config": {
            "key": "env:STRIPE_KEY",
            "start": "2026-03-01",
            "livemode": True,
            "requests_per_second": 200,
            "custom": {"invoice": {name: {"path": path, "type": kind} for name, (path, kind) in tag.items()}},
        },
        "environment": {"STRIPE_KEY": "rk_live_demo"},
        "contract": _CONTRACT.format(agency=AGENCY, cap=_cap(script)),
        "claims": [dict(claim) for claim in script.claims],
        "labels": {subject: dict(label) for subject, label in script.labels.items()},
        "stages": list(STAGES),
        "period": "2026-09",
        "seed": seed,
        "invoices": invoices,
    }


def story_plan(seed: int, invoices: int = 2000) -> Plan:
    """Give all that happens in the account of the demo.

    Raises:
        ValueError: Fewer than 200 invoices.
    """
    return _write(seed, invoices).plan


@lru_cache(maxsize=2)
def _write(seed: int, invoices: int) -> Script:
    if invoices < _LEAST:
        raise ValueError(f"the story needs at least {_LEAST} invoices, not {invoices}")
    script = Script(seed)
    for case in (*TRAPS, *AFTERMATH):
        for _ in range(max(1, invoices // 500)):
            case(script)
    for _ in range(invoices // 8):
        plain(script)
    for _ in range(max(2, invoices // 80)):
        found(script)
    while script.bills < invoices:
        everyday(script)
    payouts(script)
    script.plan.actions.sort(key=lambda action: action.at)
    return script


def _cap(script: Script) -> str:
    """Give a monthly cap of about two thirds of the September fee, in whole hundreds of euro."""
    first, end = map(instant, _PERIOD)
    net = sum(amount for currency, amount, at in script.decided if currency == "eur" and first <= at < end)
    fee = Decimal(net) / 100 * Decimal("0.125")
    return f"{max(int(fee * 2 / 3) // 100 * 100, 600)}.00"
