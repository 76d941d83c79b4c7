"""The systems whose descriptions come with this distribution."""

from __future__ import annotations

from pathlib import Path

from tallystick_rest.connector import described

__all__ = ["IntercomConnector"]

_HERE = Path(__file__).parent

IntercomConnector = described(
    "intercom",
    _HERE / "intercom.yaml",
    source_name="support",
    starter="""\
# The access token of an app of your workspace that may read conversations, admins, and users; where it is kept.
key: env:INTERCOM_KEY
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
  with: {bots: [fin], preset: buyer-strict}
  price: {per_unit: 1}
""",
)
