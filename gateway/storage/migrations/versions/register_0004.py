"""Which files were imported already."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "register_0004"
down_revision = "register_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_imports"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("imports")
