"""Which employers are held out of reminders, and which months they would have been reminded of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "register_0003"
down_revision = "register_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "arms",
        sa.Column("employer_id", sa.Integer(), nullable=False),
        sa.Column("arm", sa.String(8), nullable=False),
        sa.Column("stratum", sa.String(8), nullable=False),
        sa.Column("percent", sa.SmallInteger(), nullable=False),
        sa.Column("drawn_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("employer_id", name="pk_arms"),
        sa.ForeignKeyConstraint(["employer_id"], ["employers.id"], name="fk_arms_employer_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trials",
        sa.Column("employer_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.SmallInteger(), nullable=False),
        sa.Column("eligible_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("employer_id", "month", name="pk_trials"),
        sa.ForeignKeyConstraint(["employer_id"], ["arms.employer_id"], name="fk_trials_employer_id"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in ("trials", "arms"):
        op.drop_table(table)
