"""For whom a text is, since when a phone has been hers; what tries say of a message; early opt-outs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "store_0008"
down_revision = "store_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bindings", sa.Column("since", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE bindings SET since = proved_at")  # when they were made is not known: not before that
    op.add_column("outbox", sa.Column("member", sa.Text(), nullable=True))
    for name in ("strikes", "doubts"):
        op.add_column("outbox", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.execute(  # what was tried twice may have been in doubt once: a notice is not sent a third time for it
        "UPDATE outbox SET strikes = attempt, doubts = CASE WHEN attempt > 1 THEN 1 ELSE 0 END"
        " + CASE WHEN state = 'in_doubt' THEN 1 ELSE 0 END WHERE attempt > 0"
    )
    op.add_column("receipts", sa.Column("opted_out", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("receipts", "opted_out")
    for name in ("doubts", "strikes", "member"):
        op.drop_column("outbox", name)
    op.drop_column("bindings", "since")
