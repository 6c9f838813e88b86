"""An employer pays by the rules of a regime, which may be due on a day of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "register_0006"
down_revision = "register_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("employers", sa.Column("regime", sa.String(16), nullable=False, server_default="enterprise"))


def downgrade() -> None:
    op.drop_column("employers", "regime")
