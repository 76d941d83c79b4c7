"""An index of the acts in the ledger: samples, disputes, signatures and whatever else people do under a contract.

No ledger of revision 0001 holds such an entry, so that the table starts empty.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["branch_labels", "depends_on", "down_revision", "downgrade", "revision", "upgrade"]

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the index."""
    op.create_table(
        "ledger_act",
        sa.Column("idx", _KEY, primary_key=True, autoincrement=False),
        sa.Column("contract", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
    )
    op.create_index("ledger_act_by_key", "ledger_act", ["contract", "kind", "key"])


def downgrade() -> None:
    """Refuse: evidence and ledger are never dropped by a tool.

    Raises:
        NotImplementedError: Always.
    """
    raise NotImplementedError("a project is not taken back to an older revision; restore a backup instead")
