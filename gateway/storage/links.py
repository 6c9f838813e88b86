"""One thread's link to a database, as close to the driver as a hop can afford (measured in `bench/`).

Both run a few statements in one transaction: the first returns rows; if it returns none, the others are left
out. Values are integers, text, booleans or None; a date comes back as its ISO text, from SQLite a boolean as
0 or 1.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Protocol

import psycopg
from psycopg import errors as pg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import URL

LOCK_SECONDS = 0.4  # longest wait for another hop of the same caller (reliability target: 400 ms)
SWITCH_SECONDS = 0.01  # between two tries to put a new file in WAL mode
CONNECT_SECONDS = 2  # libpq accepts no less
SQLITE_MAP_BYTES = 2_147_418_112  # pages are read in place instead of copied (SQLite's own limit)
SQLITE_WAL_PAGES = 32_768  # 128 MB: where a hop would have to checkpoint, if `Checkpoints` did not keep up
CHECKPOINT_SECONDS = 5.0  # what many hops touch is written back once, and no hop waits for it

Row = tuple[Any, ...]
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A Core statement as the driver wants it: its text, and the names of its values in order."""

    sql: str
    order: tuple[str, ...]
    constants: Values  # values that stand in the statement itself

    def bind(self, values: Values) -> list[Any]:
        merged = {**self.constants, **values} if self.constants else values
        return [merged[name] for name in self.order]


Steps = Sequence[tuple[Compiled, Values]]


class Link(Protocol):
    """What `Hot` needs of a database; raises the driver's own errors."""

    def run(self, steps: Steps) -> list[Row]: ...

    def cut(self) -> None:
        """Make a call that another thread is waiting for fail at once."""

    def close(self) -> None: ...


class SqliteLink:
    """The embedded database, in WAL mode: readers never wait, a commit survives a killed process.

    A power cut may take the last `CHECKPOINT_SECONDS` of commits; the file stays sound. `synchronous=FULL` keeps
    them, and holds the one writer's lock while the disk works: beside a busy sender some hops wait for it in vain.
    """

    def __init__(self, url: URL) -> None:
        self._connection = sqlite3.connect(
            url.database or ":memory:",
            timeout=LOCK_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # the watchdog interrupts from its own thread
        )
        _log_ahead(self._connection)
        for pragma in (
            "synchronous=NORMAL",
            "foreign_keys=ON",
            f"mmap_size={SQLITE_MAP_BYTES}",
            f"wal_autocheckpoint={SQLITE_WAL_PAGES}",
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        self._cursor = self._connection.cursor()
        self.cut = self._connection.interrupt
        self.close = self._connection.close

    def run(self, steps: Steps) -> list[Row]:
        (first, values), *rest = steps
        execute = self._cursor.execute
        if not rest:
            return execute(first.sql, first.bind(values)).fetchall()
        execute("BEGIN IMMEDIATE")  # a writer that starts as a reader may be refused half-way
        try:
            rows = execute(first.sql, first.bind(values)).fetchall()
            for statement, its_values in rest if rows else ():
                execute(statement.sql, statement.bind(its_values))
            execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                execute("ROLLBACK")
            raise
        return rows


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Put a new file in WAL mode. SQLite refuses two that switch it together at once, without its own patience."""
    until = monotonic() + LOCK_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchall()
            return
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() >= until:
                raise
            sleep(SWITCH_SECONDS)


CHECKPOINTING = threading.Lock()  # a fork waits for it: a child that inherits SQLite's own locks, held, hangs
os.register_at_fork(
    before=CHECKPOINTING.acquire, after_in_parent=CHECKPOINTING.release, after_in_child=CHECKPOINTING.release
)


class Checkpoints(threading.Thread):
    """Writes a SQLite log back into its file beside the hops, as long as `owner` lives."""

    def __init__(self, path: str, owner: object) -> None:
        super().__init__(name="checkpoints", daemon=True)
        self._file = f"{Path(path).absolute().as_uri()}?mode=rw"  # a file that went away is not made again
        self._owner = weakref.ref(owner)

    def run(self) -> None:
        while self._owner() is not None:
            sleep(CHECKPOINT_SECONDS)
            with CHECKPOINTING, suppress(sqlite3.Error), closing(self._opened()) as file:
                file.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _opened(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=0, uri=True)


LOADERS: Mapping[int, Callable[[bytes], Any]] = {  # by type's OID; anything else is text
    16: b"t".__eq__,  # boolean
    20: int,
    21: int,
    23: int,
}


class PostgresLink:
    """PostgreSQL through libpq's prepared statements: half the cost of the driver's cursor."""

    def __init__(self, url: URL) -> None:
        self._connection = psycopg.connect(
            url.set(drivername="postgresql").render_as_string(hide_password=False),
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            client_encoding="UTF8",  # whatever the server was set up for: values are read below
            options=f"-c lock_timeout={int(LOCK_SECONDS * 1000)} -c timezone=UTC -c datestyle=ISO",
        )
        self._libpq = self._connection.pgconn
        self._prepared: dict[str, bytes] = {}
        self.close = self._connection.close

    def run(self, steps: Steps) -> list[Row]:
        (first, values), *rest = steps
        if not rest:
            return self._execute(first, values)
        self._checked(self._libpq.exec_(b"BEGIN"))
        try:
            rows = self._execute(first, values)
            for statement, its_values in rest if rows else ():
                self._execute(statement, its_values)
            self._checked(self._libpq.exec_(b"COMMIT"))
        except BaseException:
            self._libpq.exec_(b"ROLLBACK")
            raise
        return rows

    def cut(self) -> None:
        """Shut the socket: a call that waits for a frozen server wakes up with an error."""
        with socket.socket(fileno=self._libpq.socket) as shared:
            try:
                shared.shutdown(socket.SHUT_RDWR)
            finally:
                shared.detach()  # libpq owns the descriptor

    def _execute(self, statement: Compiled, values: Values) -> list[Row]:
        name = self._prepared.get(statement.sql) or self._prepare(statement.sql)
        dumped: list[Any] = [_dumped(value) for value in statement.bind(values)]  # None is NULL
        result = self._checked(self._libpq.exec_prepared(name, dumped))
        columns = range(result.nfields)
        loaders = [LOADERS.get(result.ftype(column), bytes.decode) for column in columns]
        return [
            tuple(
                None if (value := result.get_value(row, column)) is None else loaders[column](value)
                for column in columns
            )
            for row in range(result.ntuples)
        ]

    def _prepare(self, sql: str) -> bytes:
        name = b"hop%d" % len(self._prepared)
        self._checked(self._libpq.prepare(name, sql.encode()))
        self._prepared[sql] = name
        return name

    def _checked(self, result: PGresult) -> PGresult:
        if result.status in {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}:
            return result
        raise pg.error_from_result(result)


def _dumped(value: Any) -> bytes | None:
    """A value as PostgreSQL reads it in text form."""
    if value is None:
        return None
    if isinstance(value, bool):
        return b"t" if value else b"f"
    dumped = str(value).encode()
    if b"\0" in dumped:
        raise ValueError("text with a NUL cannot be stored")  # libpq would cut it off there without a word
    return dumped
