"""A migrated database is the one the tables describe, to the last constraint."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, create_engine, inspect, pool, select, text

from gateway.registry.tables import KIP_MAX, register
from gateway.storage.schema import Holds, _config, current, shortfall, upgrade, wanted
from gateway.storage.tables import store
from tests.postgres import database_on

BRANCHES: list[tuple[Holds, MetaData]] = [("register", register), ("store", store)]


def engine(url: str) -> Engine:
    return create_engine(url, poolclass=pool.NullPool)


def shape(url: str) -> set[Any]:
    """Everything the database itself says of our tables: SQLite their text, PostgreSQL every constraint."""
    texts = {
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%' AND name NOT LIKE 'sqlite%'",
        "postgresql": """
            SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'alembic%'
            UNION ALL
            SELECT table_name, column_name, ordinal_position || data_type || is_nullable || is_identity
            FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'alembic%'
            UNION ALL
            SELECT tablename, indexname, indexdef FROM pg_indexes
            WHERE schemaname = 'public' AND tablename NOT LIKE 'alembic%'
        """,
    }
    with engine(url).connect() as connection:
        rows = connection.execute(text(texts[connection.dialect.name])).all()
    return {tuple(" ".join(str(value).split()) for value in row) for row in rows}  # ALTER TABLE breaks no lines


@pytest.mark.parametrize(("branch", "metadata"), BRANCHES)
def test_migrations_and_tables_do_not_differ(database_url: str, branch: Holds, metadata: MetaData) -> None:
    upgrade(database_url, {branch})
    with engine(database_url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    migrated = shape(database_url)
    assert migrated
    with engine(database_url).begin() as connection:
        metadata.drop_all(connection)
    assert not shape(database_url)
    with engine(database_url).begin() as connection:
        metadata.create_all(connection)
    assert shape(database_url) == migrated


@pytest.mark.parametrize("order", [("register", "store"), ("store", "register")])
def test_one_database_may_hold_both_in_any_order(database_url: str, order: tuple[Holds, Holds]) -> None:
    assert current(database_url) == frozenset()
    upgrade(database_url, {order[0]})
    assert current(database_url) == wanted({order[0]})
    upgrade(database_url, {"register", "store"})
    assert current(database_url) == wanted({"register", "store"})
    upgrade(database_url, {"register", "store"})
    with engine(database_url).connect() as connection:
        tables = {*register.tables, *store.tables, "alembic_version"}
        assert set(inspect(connection).get_table_names()) == tables


def test_decisions_of_before_regimes_are_those_about_enterprises(database_url: str) -> None:
    with engine(database_url).begin() as connection:
        command.upgrade(_config(connection), "store_0006")
    decided = "'2026-10', 'before', 700, 'a', 'b', 'paused', 1"
    with engine(database_url).begin() as connection:
        connection.execute(text(f"INSERT INTO batches VALUES ({decided})"))
    upgrade(database_url, {"store"})
    with engine(database_url).connect() as connection:
        [row] = connection.execute(select(store.tables["batches"])).all()
    assert tuple(row) == ("2026-10", "enterprise", "before", 700, "a", "b", "paused", 1)


def test_bindings_and_messages_of_before_say_no_more_than_was_known(database_url: str) -> None:
    """A binding shows nothing of before its last proof; of a notice that was tried twice, one may have arrived."""
    bound = "'a', '1', 'sealed', 'n', 'e', 1700000000, false, false, false, 0, 0, 0, '', 'off'"
    tries = {"new": ("due", 0), "lost": ("in_doubt", 1), "again": ("claimed", 2), "ill": ("due", 1)}
    with engine(database_url).begin() as connection:
        command.upgrade(_config(connection), "store_0007")
    with engine(database_url).begin() as connection:
        connection.execute(text(f"INSERT INTO bindings VALUES ({bound})"))
        for ref, (state, attempt) in tries.items():
            row = f"'{ref}', NULL, 'notice', '', 'c', false, 'a', 'p', 't', NULL, 1, '{state}', '', {attempt}"
            connection.execute(text(f"INSERT INTO outbox VALUES ({row}, '', '', 1, 1, 1, 0, 0, 1)"))
    upgrade(database_url, {"store"})
    with engine(database_url).connect() as connection:
        since = connection.execute(text("SELECT since FROM bindings")).scalar_one()
        rows = connection.execute(text("SELECT ref, member, strikes, doubts FROM outbox")).all()
    assert since == 1_700_000_000
    assert sorted(tuple(row) for row in rows) == [
        ("again", None, 2, 1),
        ("ill", None, 1, 0),
        ("lost", None, 1, 1),
        ("new", None, 0, 0),
    ]


def test_a_migration_that_fails_leaves_nothing(database_url: str) -> None:
    with engine(database_url).begin() as connection:
        connection.execute(text("CREATE TABLE contributions (id integer)"))
    with pytest.raises(Exception, match="already exists"):
        upgrade(database_url, {"register"})
    with engine(database_url).connect() as connection:
        assert inspect(connection).get_table_names() == ["contributions"]


def test_processes_that_start_together_migrate_one_after_the_other(database_url: str) -> None:
    holds: Collection[Holds] = {"register", "store"}
    with ThreadPoolExecutor(4) as threads:
        for outcome in [threads.submit(upgrade, database_url, holds) for _ in range(4)]:
            outcome.result()
    assert current(database_url) == wanted(holds)


def test_it_says_nothing(database_url: str, capfd: pytest.CaptureFixture[str]) -> None:
    upgrade(database_url, {"register", "store"})
    assert capfd.readouterr() == ("", "")


def test_a_password_with_a_percent_sign_is_no_trouble(postgres_server: str) -> None:
    with database_on(postgres_server) as url:
        upgrade(url.replace("postgres@", "postgres:100%25@"), {"register"})
        assert current(url) == wanted({"register"})


@pytest.mark.parametrize(
    "broken",
    [
        "(1, 1, 0, 0, 1, NULL, 24000, 0)",
        "(1, 1, -1, 0, 0, NULL, 24000, 0)",
        "(1, 1, 0, 0, 0, NULL, 24000, 4)",
    ],
)
def test_the_database_itself_refuses_impossible_rows(database_url: str, broken: str) -> None:
    upgrade(database_url, {"register"})
    with pytest.raises(Exception, match=r"(?i)check constraint"), engine(database_url).begin() as connection:
        connection.execute(text(f"INSERT INTO contributions VALUES {broken}"))


def test_shortfall_says_what_keeps_a_database_from_serving(database_url: str) -> None:
    holds: dict[str, Collection[Holds]] = {database_url: {"register", "store"}}
    upgrade(database_url, {"register"})
    [newest] = wanted({"store"})
    sentence = f"The database of the register and store is not at revision {newest}: run `flask store upgrade`."
    assert shortfall(holds) == sentence
    upgrade(database_url, {"store"})
    assert shortfall(holds) == ""


def test_shortfall_of_a_database_that_does_not_answer_gives_nothing_away() -> None:
    sentence = shortfall({"postgresql://secret:secret@127.0.0.1:1/secret": {"store"}})
    assert sentence == "The database of the store does not answer (OperationalError)."


def test_amounts_fit_the_column() -> None:
    assert KIP_MAX == 2**31 - 1


def test_a_probe_answers_though_the_tables_are_locked(postgres_url: str) -> None:
    upgrade(postgres_url, {"store", "register"})
    with psycopg.connect(postgres_url) as other:
        other.execute("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
        began = monotonic()
        assert "does not answer" in shortfall({postgres_url: {"store", "register"}})
        assert monotonic() - began < 3.0
