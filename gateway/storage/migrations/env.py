"""What Alembic runs around the migrations: on the connection, and in the transaction, of `schema.upgrade`."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=False)
context.run_migrations()
