"""Bring a database to the shape the code expects, from code alone: no configuration file, no output.

The migrations are one tree with two branches, `store` and `register`, because the gateway's own tables
and a register may live in one database or in two, and either may be brought up before the other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, pool, text
from sqlalchemy.exc import SQLAlchemyError

Holds = Literal["store", "register"]

MIGRATIONS: Final = Path(__file__).parent / "migrations"
CONNECT_SECONDS: Final = 2  # libpq accepts no less
IMPATIENT: Final = "-c lock_timeout=1000 -c statement_timeout=1000"  # milliseconds: a probe has to answer
LOCK: Final = 0x50414B414E  # "PAKAN": two processes that start together migrate one after the other


def upgrade(url: str, holds: Collection[Holds]) -> None:
    """Create or alter the tables of these branches; all of it, or on an error nothing.

    Raises what the database raises, e.g. `sqlalchemy.exc.OperationalError` when it cannot be reached.
    """
    engine = create_engine(url, poolclass=pool.NullPool)
    if engine.dialect.name == "sqlite":
        # the driver would commit at every CREATE; this also locks out a second process
        event.listen(engine, "connect", lambda driver, _: setattr(driver, "isolation_level", None))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        for branch in sorted(holds):
            command.upgrade(_config(connection), f"{branch}@head")


def current(url: str) -> frozenset[str]:
    """The newest revision of each branch this database holds; empty for a database without our tables."""
    wait = {} if url.startswith("sqlite") else {"connect_timeout": CONNECT_SECONDS, "options": IMPATIENT}
    with create_engine(url, poolclass=pool.NullPool, connect_args=wait).connect() as connection:
        return frozenset(MigrationContext.configure(connection).get_current_heads())


def wanted(holds: Collection[Holds]) -> frozenset[str]:
    """The revisions `current` gives once `upgrade` has run for these branches, and no others."""
    script = ScriptDirectory.from_config(_config())
    return frozenset(script.get_revision(f"{branch}@head").revision for branch in holds)


def shortfall(databases: Mapping[str, Collection[Holds]]) -> str:
    """What keeps these databases, by URL, from serving: empty, or one sentence without addresses or names."""
    for url, holds in databases.items():
        of = " and ".join(sorted(holds))
        try:
            missing = wanted(holds) - current(url)
        except SQLAlchemyError as problem:
            return f"The database of the {of} does not answer ({type(problem).__name__})."
        if missing:
            wants = ", ".join(sorted(missing))
            return f"The database of the {of} is not at revision {wants}: run `flask store upgrade`."
    return ""


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
