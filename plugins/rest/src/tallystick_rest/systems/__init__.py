"""The systems whose descriptions come with this distribution."""

from __future__ import annotations

from pathlib import Path

from tallystick_rest.connector import described

__all__ = ["FreshdeskConnector", "IntercomConnector"]

_HERE = Path(__file__).parent

IntercomConnector = described(
    "intercom",
    _HERE / "intercom.yaml",
    source_name="support",
    starter="""\
# key: where the access token is kept of an app of your workspace that may read conversations, admins, and users.
# Accounts in Europe: https://api.eu.intercom.io; in Australia: https://api.au.intercom.io
# base_url: https://api.eu.intercom.io
# custom:
#   ticket:
#     fin_state: {path: ai_agent.resolution_state, type: text}
""",
    outcome="""\
resolved:
  source: support
  uses: ticket-resolved
  # Fin acts under the id fin; another AI agent under the id of the seat it was given.
  with: {bots: [fin], platform_ai: true, preset: buyer-strict}
  price: {per_unit: 1}
""",
)

FreshdeskConnector = described(
    "freshdesk",
    _HERE / "freshdesk.yaml",
    source_name="support",
    starter="""\
# base_url: the address of your account; key: where the API key is kept of an agent who sees all tickets.
base_url: https://your-company.freshdesk.com
""",
    outcome="""\
resolved:
  source: support
  uses: ticket-resolved
  # bots: the id of the AI agent, which Freshdesk lists among the agents.
  # Freshdesk does not tell since when a ticket is whose, so an assignment counts only if a person then acts; and it
  # does not show who asked for a person, so that is not among what voids.
  with:
    bots: ["80000000099"]
    preset: buyer-strict
    assignment_counts: when_followed
    handoff_voids: [assigned, public_reply]
  price: {per_unit: 1}
""",
)
