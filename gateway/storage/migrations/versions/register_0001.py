"""The register: members, employers, employments and monthly contributions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "register_0001"
down_revision = None
branch_labels = ("register",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "employers",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("code", sa.String(8), nullable=False),
        sa.Column("name_lo", sa.String(120), nullable=False),
        sa.Column("name_latin", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_employers"),
        sa.UniqueConstraint("code", name="uq_employers_code"),
    )
    op.create_table(
        "members",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("name_lo", sa.String(120), nullable=False),
        sa.Column("name_latin", sa.String(120), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("msisdn", sa.String(16), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_members"),
        sa.UniqueConstraint("number", name="uq_members_number"),
        sa.CheckConstraint("name_lo <> '' OR name_latin <> ''", name="ck_members_named"),
        sa.CheckConstraint("msisdn LIKE '+%'", name="ck_members_e164"),
    )
    op.create_index("ix_members_msisdn", "members", ["msisdn"])
    op.create_table(
        "employments",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("employer_id", sa.Integer(), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("member_id", "employer_id", "started_on", name="pk_employments"),
        sa.CheckConstraint("ended_on >= started_on", name="ck_employments_order"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_employments_member_id"),
        sa.ForeignKeyConstraint(["employer_id"], ["employers.id"], name="fk_employments_employer_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "contributions",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("employer_id", sa.Integer(), nullable=False),
        sa.Column("insured_earnings", sa.Integer(), nullable=False),
        sa.Column("due", sa.Integer(), nullable=False),
        sa.Column("paid", sa.Integer(), nullable=False),
        sa.Column("posted_on", sa.Date(), nullable=True),
        sa.Column("month", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "month", "employer_id", name="pk_contributions"),
        sa.CheckConstraint("insured_earnings >= 0 AND due >= 0 AND paid >= 0", name="ck_contributions_amounts"),
        sa.CheckConstraint("status BETWEEN 0 AND 3", name="ck_contributions_status"),
        sa.CheckConstraint("paid = 0 OR status = 3", name="ck_contributions_paid"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_contributions_member_id"),
        sa.ForeignKeyConstraint(["employer_id"], ["employers.id"], name="fk_contributions_employer_id"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in ("contributions", "employments", "members", "employers"):
        op.drop_table(table)
