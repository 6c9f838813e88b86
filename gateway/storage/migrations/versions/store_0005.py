"""What an answer to a message is about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "store_0005"
down_revision = "store_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("about", sa.Text()))


def downgrade() -> None:
    op.drop_column("outbox", "about")
