"""What officers decide about reminders is of the employers of one regime."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "store_0007"
down_revision = "store_0006"
branch_labels = None
depends_on = None

DECIDED = "texts, asked_by, approved_by, hold, moved_at"


def upgrade() -> None:
    _make_anew(["month", "regime", "step"], "month, 'enterprise', step")


def downgrade() -> None:
    op.execute("DELETE FROM batches WHERE regime <> 'enterprise'")
    _make_anew(["month", "step"], "month, step")


def _make_anew(key: list[str], kept: str) -> None:
    """The table with this key; what it held stays."""
    op.execute(f"CREATE TABLE kept AS SELECT {kept}, {DECIDED} FROM batches")  # noqa: S608 (our own words)
    op.drop_table("batches")
    op.create_table(
        "batches",
        *(sa.Column(name, sa.Text(), nullable=False) for name in key),
        sa.Column("texts", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("hold", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*key),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO batches SELECT * FROM kept")
    op.drop_table("kept")
