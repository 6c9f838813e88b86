"""The small fast road to the database: the only place where speed is bought with plainness.

Statements are written once in SQLAlchemy Core and compiled once for the database's dialect; a hop runs
their text on a driver connection of its own thread (measured in `bench/`). Only plain types pass:
integers, text, booleans; SQLite has neither dates nor booleans of its own.

Every call carries its own deadline, kept on the caller's side: when a server is frozen, its own time-outs
never fire. One watchdog thread cuts the connection of a call that overruns, and the call raises:
`TimeoutError` when it took too long, `ConnectionError` when the database cannot be used, `Conflict` when
another event got there first.
"""

from __future__ import annotations

import math
import os
import socket
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, cast

import psycopg
from psycopg import errors as pg
from sqlalchemy import URL, Dialect, make_url
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

LOCK_SECONDS = 0.4  # longest wait for another hop of the same caller (reliability target: 400 ms)
CONNECT_SECONDS = 2  # libpq accepts no less
REST_SECONDS = 1.0  # after a failed connection, everybody is refused at once for this long
TICK_SECONDS = 0.05  # how late the watchdog may be
SQLITE_MAP_BYTES = 2147418112
SQLITE_WAL_PAGES = 4_000  # 16 MB between checkpoints: what many hops touch is written back once

Row = tuple[Any, ...]
Values = Mapping[str, Any]


class Conflict(Exception):
    """Another event got there first: a unique key is taken."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A Core statement as the driver wants it: its text, and how to hand over its values."""

    sql: str
    order: tuple[str, ...] | None  # names in order for a positional driver; None: by name
    constants: Values  # values that stand in the statement itself

    def bind(self, values: Values) -> Any:
        merged = {**self.constants, **values} if self.constants else values
        return merged if self.order is None else [merged[name] for name in self.order]


class Slot:
    """A thread's place on the watchdog's list; a call fills it in and clears it, and allocates nothing."""

    __slots__ = ("__weakref__", "cut", "deadline", "expired", "lock")

    def __init__(self) -> None:
        self.deadline, self.cut, self.expired = math.inf, _nothing, False
        self.lock = threading.Lock()  # a call that is over is never cut

    def cut_if_late(self, now: float) -> None:
        with self.lock:
            if now > self.deadline and not self.expired:
                self.expired = True
                with suppress(Exception):
                    self.cut()


class Watchdog:
    """Cuts calls that outlive their deadline. One daemon thread a process, started with the first slot."""

    def __init__(self) -> None:
        self._slots: weakref.WeakSet[Slot] = weakref.WeakSet()  # a thread that ends takes its slot along
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        os.register_at_fork(after_in_child=self._forked)

    def slot(self) -> Slot:
        slot = Slot()
        with self._lock:
            self._slots.add(slot)
            if self._thread is None:
                self._start()
        return slot

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
        self._thread.start()

    def _forked(self) -> None:
        """A forked worker inherits the slots but no thread, and perhaps a lock that nobody will open."""
        self._lock = threading.Lock()
        if self._thread is not None:
            self._start()

    def _run(self) -> None:
        while True:
            sleep(TICK_SECONDS)
            with self._lock:
                slots = list(self._slots)
            now = monotonic()
            for slot in slots:
                slot.cut_if_late(now)


class Watch(threading.local):
    """What one thread is waiting for: cut by the watchdog once `deadline` has passed."""

    def __init__(self) -> None:
        self.slot = watchdog.slot()
        self.hop_until = math.inf  # when the hop of this thread has to be answered


def _nothing() -> None:
    """What an idle slot would cut."""


watchdog = Watchdog()
watch = Watch()


@contextmanager
def hop_within(seconds: float) -> Iterator[None]:
    """Everything this thread asks of any database now has to be over in so many seconds together."""
    watch.hop_until = monotonic() + seconds
    try:
        yield
    finally:
        watch.hop_until = math.inf


class Hot:
    """One database, a connection per thread."""

    def __init__(self, url: str) -> None:
        self.url: URL = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._dialect: Dialect = self.url.get_dialect()()
        self._mine = threading.local()
        self._rest_until = 0.0

    def statement(self, core: ClauseElement) -> Compiled:
        """Compile once, at start; a statement that the dialect cannot say fails here and not on a hop."""
        compiled = cast(SQLCompiler, core.compile(dialect=self._dialect))
        order = tuple(compiled.positiontup) if compiled.positiontup is not None else None
        constants = {name: value for name, value in compiled.params.items() if not compiled.binds[name].required}
        return Compiled(str(compiled), order, constants)

    def rows(self, compiled: Compiled, values: Values, within: float) -> list[Row]:
        """Run one statement in its own transaction and fetch everything, within so many seconds."""
        return self.write(((compiled, values),), within)

    def write(self, steps: Sequence[tuple[Compiled, Values]], within: float) -> list[Row]:
        """Run statements in one transaction: the first returns rows; if it returns none, nothing happens."""
        cursor, cut = self._cursor()
        slot, now = watch.slot, monotonic()
        if watch.hop_until <= now:
            raise TimeoutError("the hop's time is used up")
        slot.cut, slot.expired = cut, False
        slot.deadline = min(now + within, watch.hop_until)
        try:
            if self.is_sqlite:
                return _sqlite_steps(cursor, steps)
            return _postgres_steps(cursor, steps)
        except (sqlite3.IntegrityError, pg.UniqueViolation, pg.DeadlockDetected) as problem:
            raise Conflict from problem
        except (sqlite3.Error, psycopg.Error) as problem:
            self._drop()
            late = slot.expired or _is_late(problem)
            raise (TimeoutError if late else ConnectionError)(type(problem).__name__) from problem
        finally:
            with slot.lock:
                slot.deadline = math.inf
            if slot.expired:  # the answer may have come, but the wire is cut
                self._drop()

    def close(self) -> None:
        """Close this thread's connection."""
        self._drop()

    def _cursor(self) -> tuple[Any, Callable[[], None]]:
        mine = self._mine
        try:
            return mine.cursor, mine.cut
        except AttributeError:
            pass
        if monotonic() < self._rest_until:
            raise ConnectionError("resting after a failed connection")
        if watch.hop_until - monotonic() < CONNECT_SECONDS:
            raise TimeoutError("no time left in this hop to connect")
        try:
            connection = self._connect_sqlite() if self.is_sqlite else self._connect_postgres()
        except (sqlite3.Error, psycopg.Error) as problem:
            self._rest_until = monotonic() + REST_SECONDS
            raise ConnectionError(type(problem).__name__) from problem
        mine.connection, mine.cursor = connection, connection.cursor()
        mine.cut = connection.interrupt if isinstance(connection, sqlite3.Connection) else _hang_up(connection)
        return mine.cursor, mine.cut

    def _drop(self) -> None:
        connection = self._mine.__dict__.pop("connection", None)
        self._mine.__dict__.clear()
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def _connect_sqlite(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.url.database or ":memory:",
            timeout=LOCK_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # the watchdog interrupts from its own thread
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA mmap_size={SQLITE_MAP_BYTES}")
        connection.execute(f"PRAGMA wal_autocheckpoint={SQLITE_WAL_PAGES}")
        return connection

    def _connect_postgres(self) -> psycopg.Connection[Row]:
        plain = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        lock = int(LOCK_SECONDS * 1000)
        return psycopg.connect(
            plain,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            options=f"-c lock_timeout={lock} -c timezone=UTC",
            prepare_threshold=2,
        )


def _sqlite_steps(cursor: sqlite3.Cursor, steps: Sequence[tuple[Compiled, Values]]) -> list[Row]:
    (first, values), *rest = steps
    if not rest:
        return cursor.execute(first.sql, first.bind(values)).fetchall()
    cursor.execute("BEGIN IMMEDIATE")  # a writer that starts as a reader may be refused half-way
    try:
        rows = cursor.execute(first.sql, first.bind(values)).fetchall()
        for statement, its_values in rest if rows else ():
            cursor.execute(statement.sql, statement.bind(its_values))
        cursor.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            cursor.execute("ROLLBACK")
        raise
    return rows


def _postgres_steps(cursor: psycopg.Cursor[Row], steps: Sequence[tuple[Compiled, Values]]) -> list[Row]:
    (first, values), *rest = steps
    if not rest:
        return cursor.execute(first.sql, first.bind(values)).fetchall()
    with cursor.connection.transaction():
        rows = cursor.execute(first.sql, first.bind(values)).fetchall()
        for statement, its_values in rest if rows else ():
            cursor.execute(statement.sql, statement.bind(its_values))
    return rows


def _hang_up(connection: psycopg.Connection[Row]) -> Callable[[], None]:
    """Shut the socket: a call waiting on a frozen server wakes up at once with an error."""

    def cut() -> None:
        with socket.socket(fileno=connection.fileno()) as shared:
            try:
                shared.shutdown(socket.SHUT_RDWR)
            finally:
                shared.detach()  # libpq owns the descriptor

    return cut


def _is_late(problem: Exception) -> bool:
    if isinstance(problem, sqlite3.Error):
        return getattr(problem, "sqlite_errorcode", 0) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_INTERRUPT}
    return isinstance(problem, pg.QueryCanceled | pg.LockNotAvailable)
