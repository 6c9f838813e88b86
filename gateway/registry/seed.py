"""Write a synthetic register into a database: PostgreSQL by COPY, SQLite in batches, both in one transaction.

Indexes and keys of the two long tables are built once at the end, which checks every row as they would
have, in a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Final

from sqlalchemy import Connection, delete, func, select, text
from sqlalchemy.schema import AddConstraint, Constraint, CreateIndex, DropConstraint, DropIndex

from gateway.registry import synthetic
from gateway.registry.archetypes import ARCHETYPES
from gateway.registry.bulk import write_rows
from gateway.registry.scheme import Scheme
from gateway.registry.synthetic import NUMBER_START
from gateway.registry.tables import contacts, contributions, employers, employments, members, register
from gateway.storage.engines import open_engine
from gateway.storage.schema import upgrade

SORT_MEMORY: Final = "256MB"  # for building an index on 8 million rows; the server's own default is 64 MB
ANALYSIS_ROWS: Final = 1_000  # SQLite's own advice for how many rows of an index to look at


class SeedError(ValueError):
    """The register was left as it was; the message says why."""


def seed(
    url: str,
    member_count: int,
    employer_count: int,
    months: int,
    today: date,
    scheme: Scheme,
    *,
    seed: int = 1,
    replace: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Fill the register at `url`; `progress` hears how many more members are written.

    The same counts, months, today and seed give the same rows. Raises `SeedError` on numbers out of range, and
    where the register holds members: `replace` deletes them, but only when every one of them is synthetic.
    """
    _check(member_count, employer_count, months)
    span = synthetic.calendar(months, today, scheme)
    upgrade(url, {"register"})
    with open_engine(url).begin() as connection:
        _make_room(connection, replace)
        with _bare(connection):
            write_rows(connection, employers, synthetic.employers(employer_count))
            write_rows(connection, contacts, synthetic.contacts(employer_count, span.months[0].first))
            for batch in synthetic.batches(member_count, employer_count, span, seed):
                write_rows(connection, members, batch.members)
                write_rows(connection, employments, batch.employments)
                write_rows(connection, contributions, batch.contributions)
                progress(len(batch.members))
        _settle(connection)


def _check(member_count: int, employer_count: int, months: int) -> None:
    for what, given, least, most in (
        ("members", member_count, len(ARCHETYPES), synthetic.MEMBERS_MAX),
        ("employers", employer_count, 1, synthetic.EMPLOYERS_MAX),
        ("months", months, synthetic.MONTHS_MIN, synthetic.MONTHS_MAX),
    ):
        if not least <= given <= most:
            raise SeedError(f"A synthetic register has {least} to {most:,} {what}, not {given:,}.")


def _make_room(connection: Connection, replace: bool) -> None:
    if connection.scalar(select(members.c.id).limit(1)) is None and not replace:
        return
    real = select(members.c.id).where(~members.c.number.startswith(NUMBER_START)).limit(1)
    if connection.scalar(real) is not None:
        raise SeedError("The register holds members that are not synthetic. They are never deleted here.")
    if not replace:
        raise SeedError("The register holds members already. Add --replace to delete them and seed it anew.")
    if connection.dialect.name == "postgresql":
        names = ", ".join(table.name for table in register.sorted_tables)
        connection.execute(text(f"TRUNCATE {names}"))
    else:
        for table in reversed(register.sorted_tables):
            connection.execute(delete(table))


@contextmanager
def _bare(connection: Connection) -> Iterator[None]:
    """Take indexes and keys off while rows are written; SQLite keeps its keys, and appends in their order."""
    on_postgresql = connection.dialect.name == "postgresql"
    keys: list[Constraint] = [
        constraint
        for table in (contributions, employments)
        for constraint in (*table.foreign_key_constraints, table.primary_key)
        if on_postgresql
    ]
    keys.sort(key=lambda key: str(key.name))
    indexes = sorted(members.indexes | contributions.indexes, key=lambda index: str(index.name))
    for key in keys:
        connection.execute(DropConstraint(key))
    for index in indexes:
        connection.execute(DropIndex(index))
    yield
    if on_postgresql:
        connection.execute(text(f"SET LOCAL maintenance_work_mem = '{SORT_MEMORY}'"))
    for index in indexes:
        connection.execute(CreateIndex(index))
    for key in reversed(keys):
        connection.execute(AddConstraint(key, isolate_from_table=False))


def _settle(connection: Connection) -> None:
    """Let the next member get the next number, and tell the planner what is there."""
    if connection.dialect.name == "postgresql":
        for table in (members, employers):
            sequence = func.pg_get_serial_sequence(table.name, "id")
            connection.execute(select(func.setval(sequence, select(func.max(table.c.id)).scalar_subquery())))
        for table in register.sorted_tables:
            connection.execute(text(f"ANALYZE {table.name}"))
    else:
        connection.execute(text(f"PRAGMA analysis_limit = {ANALYSIS_ROWS}"))
        connection.execute(text("ANALYZE"))
