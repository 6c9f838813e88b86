"""Who may be told for an employer, and which employers are not reminded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "register_0002"
down_revision = "register_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contacts",
        sa.Column("employer_id", sa.Integer(), nullable=False),
        sa.Column("msisdn", sa.String(16), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("role", sa.String(120), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=True),
        sa.Column("bounces", sa.SmallInteger(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
        sa.Column("disputed_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("employer_id", "msisdn", name="pk_contacts"),
        sa.CheckConstraint("msisdn LIKE '+%'", name="ck_contacts_e164"),
        sa.ForeignKeyConstraint(["employer_id"], ["employers.id"], name="fk_contacts_employer_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stops",
        sa.Column("employer_id", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(8), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("employer_id", "why", name="pk_stops"),
        sa.ForeignKeyConstraint(["employer_id"], ["employers.id"], name="fk_stops_employer_id"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in ("stops", "contacts"):
        op.drop_table(table)
