"""A member may ask for a text a month, and say how much it may tell on her phone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "store_0006"
down_revision = "store_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bindings", sa.Column("alerts", sa.Text(), nullable=False, server_default="off"))
    op.create_index("ix_bindings_alerts", "bindings", ["alerts"])


def downgrade() -> None:
    op.drop_index("ix_bindings_alerts", "bindings")
    op.drop_column("bindings", "alerts")
