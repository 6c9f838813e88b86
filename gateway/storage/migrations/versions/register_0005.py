"""An employer's totals of a month, without a look at its members' rows."""

from __future__ import annotations

from alembic import op

revision = "register_0005"
down_revision = "register_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    columns = ["employer_id", "month", "status", "due", "paid"]
    op.create_index("ix_contributions_employer_id", "contributions", columns)


def downgrade() -> None:
    op.drop_index("ix_contributions_employer_id", "contributions")
