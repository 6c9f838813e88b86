"""The audit becomes tamper-evident: chained rows, signed anchors, and triggers that let both only grow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.storage.audit import Chain, Row, values

revision = "store_0003"
down_revision = "store_0002"
branch_labels = None
depends_on = None

BATCH = 10_000


def upgrade() -> None:
    op.execute("CREATE TEMPORARY TABLE audit_before AS SELECT * FROM audit")
    op.drop_table("audit")
    audit = op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("chain", "seq", name="uq_audit_chain"),
    )
    op.create_index("ix_audit_subject", "audit", ["subject", "id"])
    op.create_table(
        "anchors",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("heads", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    _carry_over(audit)
    op.execute("DROP TABLE audit_before")
    _protect()


def _carry_over(audit: sa.Table) -> None:
    """The rows there were, in their order, as a chain of their own."""
    connection, chain = op.get_bind(), Chain("before")
    before = sa.text("SELECT at, 'member', channel, caller, action, subject FROM audit_before ORDER BY id")
    for batch in connection.execute(before, execution_options={"yield_per": BATCH}).partitions():
        chained = []
        for row in batch:
            chain = chain.link(Row(*row))
            chained.append(values(chain, Row(*row)))
        connection.execute(sa.insert(audit), chained)


def _protect() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            """
            CREATE OR REPLACE FUNCTION only_grows() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'rows of this table are neither changed nor deleted'; END $$
            """
        )
        for table in ("audit", "anchors"):
            op.execute(
                f"CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION only_grows()"
            )
        return
    for table in ("audit", "anchors"):
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table}\n"
                "BEGIN SELECT RAISE(ABORT, 'rows of this table are neither changed nor deleted'); END"
            )


def downgrade() -> None:
    """The rows stay; what proves them goes."""
    columns = "id, at, channel, caller, action, subject"
    op.execute(f"CREATE TEMPORARY TABLE audit_after AS SELECT {columns} FROM audit")  # noqa: S608
    for table in ("anchors", "audit"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION only_grows()")
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    rest = columns.removeprefix("id, ")
    op.execute(f"INSERT INTO audit ({rest}) SELECT {rest} FROM audit_after ORDER BY id")  # noqa: S608
    op.execute("DROP TABLE audit_after")
