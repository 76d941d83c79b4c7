"""What leaves for sinks: which sinks there are, and the outbox of events for each of them.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["branch_labels", "depends_on", "down_revision", "downgrade", "revision", "upgrade"]

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables; a project without sinks keeps them empty."""
    op.create_table(
        "sink",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("covers", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("held", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outbox",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("sink", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("contract", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("idx", sa.BigInteger, nullable=False),
        sa.Column("replaces", sa.BigInteger),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("unsure_since", sa.BigInteger),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("done_at", sa.BigInteger),
        sa.Column("note", sa.Text),
    )
    op.create_index("outbox_by_key", "outbox", ["sink", "key"], unique=True)
    op.create_index("outbox_by_state", "outbox", ["sink", "state", "id"])
    op.create_index("outbox_by_claim", "outbox", ["sink", "contract", "subject"])


def downgrade() -> None:
    """Refuse: evidence and ledger are never dropped by a tool.

    Raises:
        NotImplementedError: Always.
    """
    raise NotImplementedError("a project is not taken back to an older revision; restore a backup instead")
