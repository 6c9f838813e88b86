"""The data under load: a synthetic register, made once, and a gateway whose callers have all called before.

Every run begins with the same memory: for each member who can be measured a phone that is bound to her, a
conversation with its language, one answered event and one audit row of last month, so that no table or index
is empty.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from random import Random
from typing import NamedTuple

import click
from sqlalchemy import Engine, MetaData, Table, create_engine, func, inspect, make_url, pool, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from gateway.identity.port import Alerts
from gateway.registry.bulk import write_rows
from gateway.registry.port import Posting
from gateway.registry.scheme import load_scheme
from gateway.registry.seed import SeedError, seed
from gateway.registry.standing import window
from gateway.registry.tables import CODES, contributions, members, register
from gateway.storage.audit import MEMBER, Chain, Row, values
from gateway.storage.keys import Keys
from gateway.storage.renewal import phone_of_binding
from gateway.storage.schema import upgrade
from gateway.storage.store import answer_of
from gateway.storage.tables import audit, bindings, conversations, inbound
from gateway.text.values import Month

MONTHS = 24
MEMBERS_OF_AN_EMPLOYER = 152  # as at LSSO: 350,000 members, 2,300 employers
FULL_MEMBERS = 350_000
LANGUAGES = ("en", "lo")
LAST_CALL_DAYS = 20  # longer ago than a call may be resumed, shorter than answers are kept
VERSIONS = "alembic_version"
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


class Person(NamedTuple):
    """A member who can be measured."""

    phone: str
    member: str  # the register's reference
    number: str


class Data:
    """One database, its register filled, and who may call."""

    def __init__(self, url: str, member_count: int, today: date) -> None:
        self.url, self.today = url, today
        self.is_postgres = make_url(url).get_backend_name() == "postgresql"
        self.engine: Engine = create_engine(url, poolclass=pool.NullPool)
        if self.is_postgres:
            self._create_database()
        else:
            Path(make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
        self._fill(member_count)
        self.phones: dict[str, list[str]] = {}
        self.people: list[Person] = []

    @property
    def durability(self) -> str:
        """How durable a commit is here; raises ClickException when PostgreSQL promises less than it should."""
        if not self.is_postgres:
            return "WAL, synchronous=NORMAL: survives a killed process, not a power cut"
        with self.engine.connect() as connection:
            for name in DURABLE:
                if connection.scalar(text(f"SHOW {name}")) != "on":
                    raise click.ClickException(f"PostgreSQL runs with {name} off: its numbers would flatter.")
        return "synchronous_commit=on, fsync=on: survives a power cut"

    def remember(self, keys: Keys) -> None:
        """Give every member who can be measured a past: half of them in English, half in Lao."""
        people, hasher = self._measurable(), keys.hasher
        Random(1).shuffle(people)
        self.people = people
        phones = [person.phone for person in people]
        self.phones = {language: phones[at :: len(LANGUAGES)] for at, language in enumerate(LANGUAGES)}
        then = int(time.time()) - LAST_CALL_DAYS * 86_400
        some_hash = hasher("event", "of the call before")
        known = {"path_length": 0, "place": None, "version": 1, "moved_at": then}
        callers = [(hasher("caller", phone), language) for language, some in self.phones.items() for phone in some]

        def conversation(caller: str, language: str) -> tuple[object, ...]:
            its = {**known, "caller": caller, "language": language}
            return tuple(its.get(column.name, some_hash) for column in conversations.columns)

        rows: dict[Table, Iterable[tuple[object, ...]]] = {
            conversations: [conversation(*caller) for caller in sorted(callers)],
            bindings: sorted(_binding(person, keys, then) for person in people),
            inbound: sorted(
                (key, keys.sealer.seal("Social security", answer_of(key)), False, then)
                for key in (hasher("event", caller) for caller, _ in callers)
            ),
            audit: _past(callers, then),
        }
        self._empty_store()
        with self.engine.begin() as connection:
            for table, its_rows in rows.items():
                write_rows(connection, table, its_rows)
            if self.is_postgres:
                connection.execute(
                    text("SELECT setval(pg_get_serial_sequence('audit', 'id'), max(id)) FROM audit")
                )
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if self.is_postgres:
                for table in rows:
                    connection.execute(text(f"VACUUM ANALYZE {table.name}"))
                connection.execute(text("CHECKPOINT"))
            else:
                connection.execute(text("PRAGMA analysis_limit = 1000"))
                connection.execute(text("ANALYZE"))
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))

    def forget_places(self, language: str) -> None:
        """Let the callers of a language call anew, when more calls are needed than there are callers."""
        with self.engine.begin() as connection:
            connection.execute(
                update(conversations).where(conversations.c.language == language).values(place=None)
            )

    def counts(self) -> tuple[int, int, int]:
        """Events answered, audit rows, and callers who are reading the summary."""
        with self.engine.connect() as connection:
            reading = conversations.c.path_length > 0  # places are sealed; who dialled has typed nothing yet
            return (
                connection.scalar(select(func.count()).select_from(inbound)) or 0,
                connection.scalar(select(func.count()).select_from(audit)) or 0,
                connection.scalar(select(func.count()).select_from(conversations).where(reading)) or 0,
            )

    def backends(self) -> list[int]:
        """Process ids of the server processes that work for this database; none for SQLite."""
        if not self.is_postgres:
            return []
        query = text(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with self.engine.connect() as connection:
            pids: Iterable[int] = connection.scalars(query)
            return [pid for pid in pids if _is_postgres(pid)]

    def _empty_store(self) -> None:
        """Make the gateway's own tables anew; the last run's may be of a later revision."""
        theirs = {*register.tables, VERSIONS}
        with self.engine.begin() as connection:
            there = MetaData()
            there.reflect(connection, only=lambda name, _metadata: name not in theirs)
            there.drop_all(connection)
            if inspect(connection).has_table(VERSIONS):
                connection.execute(text(f"DELETE FROM {VERSIONS} WHERE version_num LIKE 'store%'"))
        upgrade(self.url, {"store"})

    def _measurable(self) -> list[Person]:
        """Phones that stand for exactly one member, with at least one month paid of the last twelve."""
        months = window(self.today)
        c = contributions.c
        paid = select(c.member_id).where(
            c.month.between(months[0].index, months[-1].index),
            c.status == CODES[Posting.POSTED],
            c.due > 0,
            c.paid >= c.due,
        )
        alone = (
            select(members.c.msisdn, func.min(members.c.id).label("id"))
            .where(members.c.msisdn.is_not(None))
            .group_by(members.c.msisdn)
            .having(func.count() == 1)
            .subquery()
        )
        found = select(alone.c.msisdn, members.c.id, members.c.number).where(
            members.c.id == alone.c.id, paid.where(c.member_id == alone.c.id).exists()
        )
        with self.engine.connect() as connection:
            return sorted(
                Person(phone, str(member), number) for phone, member, number in connection.execute(found)
            )

    def _fill(self, member_count: int) -> None:
        self._empty_store()
        upgrade(self.url, {"register"})
        if self._filled(member_count):
            return
        employers = max(1, member_count // MEMBERS_OF_AN_EMPLOYER)
        kind = "PostgreSQL" if self.is_postgres else "SQLite"
        with click.progressbar(length=member_count, label=f"Seeding {kind}, once") as bar:
            try:
                seed(
                    self.url,
                    member_count,
                    employers,
                    MONTHS,
                    self.today,
                    load_scheme(),
                    replace=True,
                    progress=bar.update,
                )
            except SeedError as problem:
                raise click.ClickException(str(problem)) from problem

    def _filled(self, member_count: int) -> bool:
        """Whether the register is of this size and goes up to the last month; its first member always paid."""
        with self.engine.connect() as connection:
            there = connection.scalar(select(func.count()).select_from(members))
            newest = connection.scalar(
                select(func.max(contributions.c.month)).where(contributions.c.member_id == 1)
            )
        return there == member_count and newest == Month.of(self.today).index - 1

    def _create_database(self) -> None:
        url = make_url(self.url)
        server = create_engine(url.set(database="postgres"), poolclass=pool.NullPool, isolation_level="AUTOCOMMIT")
        try:
            with server.connect() as connection:
                query = text("SELECT 1 FROM pg_database WHERE datname = :name")
                if connection.scalar(query, {"name": url.database}) is None:
                    connection.execute(text(f'CREATE DATABASE "{url.database}"'))
        except SQLAlchemyError as problem:
            shown = url.render_as_string(hide_password=True)
            raise click.ClickException(
                f"PostgreSQL does not serve {shown}: {problem}\nStart it (apt-get install postgresql), name "
                "another with --postgresql URL, or leave it out with --only sqlite."
            ) from problem


def _past(callers: Iterable[tuple[str, str]], at: int) -> Iterator[tuple[object, ...]]:
    """A look of each caller at her record, in one chain; the columns in the order of `audit`."""
    chain = Chain("of last month")
    for number, (caller, _language) in enumerate(callers, start=1):
        row = Row(at, MEMBER, "africastalking-ussd", caller, "contributions.viewed", str(number))
        chain = chain.link(row)
        its = {**values(chain, row), "id": number}
        yield tuple(its[column.name] for column in audit.columns)


def _binding(person: Person, keys: Keys, proved_at: int) -> tuple[object, ...]:
    """A row of `bindings`, in the order of its columns."""
    caller, numbers = keys.hasher("caller", person.phone), keys.numbers
    return (
        caller,
        person.member,
        keys.sealer.seal(person.phone, phone_of_binding(caller, person.member)),
        numbers("number", person.number),
        numbers("ending", person.number[-4:]),
        proved_at,
        *(False, False, False),  # awake, and nothing chosen
        *(0, 0, 0, ""),  # no wrong PIN
        str(Alerts.OFF),
        proved_at,  # hers since then
    )


def _is_postgres(pid: int) -> bool:
    """Whether this process is on this machine and what the database says it is."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("postgres")
    except OSError:
        return False
