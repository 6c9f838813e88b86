"""Databases for commands: no pool, patient with locks, and errors that quote no value."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Engine, create_engine, pool

LOCK_SECONDS: Final = 30  # a command waits, hops do not


def open_engine(url: str) -> Engine:
    """Connects anew each time; raises what the database raises, without what was written to it."""
    wait = {"timeout": LOCK_SECONDS} if url.startswith("sqlite") else {}
    return create_engine(url, poolclass=pool.NullPool, connect_args=wait, hide_parameters=True)
