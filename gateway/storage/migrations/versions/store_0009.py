"""For whom a text is, since when a phone has been a member's, and whether an early report says she opted out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "store_0009"
down_revision = "store_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bindings", sa.Column("since", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE bindings SET since = proved_at")  # when they were made is not known: not before that
    op.add_column("outbox", sa.Column("member", sa.Text(), nullable=True))
    op.add_column("receipts", sa.Column("opted_out", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("receipts", "opted_out")
    op.drop_column("outbox", "member")
    op.drop_column("bindings", "since")
