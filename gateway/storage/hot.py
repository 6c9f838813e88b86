"""The small fast road to the database: the only place where speed is bought with plainness.

Statements are written once in SQLAlchemy Core and compiled once for the database's dialect; a hop runs
their text on its own thread's link (`links`), without the layers between. Measured in `bench/`.

Every call carries its own deadline, kept on the caller's side: when a server is frozen, its own time-outs
never fire. One watchdog thread cuts the connection of a call that overruns, and the call raises:
`TimeoutError` when it took too long, `ConnectionError` when the database cannot be used, `Conflict` when
another event got there first.
"""

from __future__ import annotations

import math
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import Any, cast

import psycopg
from psycopg import errors as pg
from sqlalchemy import URL, Dialect, make_url
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

from gateway.storage.links import (
    CONNECT_SECONDS,
    Checkpoints,
    Compiled,
    Link,
    PostgresLink,
    Row,
    SqliteLink,
    Steps,
    Values,
)

REST_SECONDS = 1.0  # after a failed connection, everybody is refused at once for this long
TICK_SECONDS = 0.05  # how late the watchdog may be


class Conflict(Exception):
    """Another event got there first: a unique key is taken."""


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
    """One database, a link per thread."""

    def __init__(self, url: str) -> None:
        self.url: URL = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        style = "qmark" if self.is_sqlite else "numeric_dollar"
        dialect: Any = self.url.get_dialect()
        self._dialect: Dialect = dialect(paramstyle=style)
        self._mine = threading.local()
        self._rest_until = 0.0
        self._checkpoints: threading.Thread | None = None

    def statement(self, core: ClauseElement) -> Compiled:
        """Compile once, at start; a statement that the dialect cannot say fails here and not on a hop."""
        compiled = cast(SQLCompiler, core.compile(dialect=self._dialect))
        constants = {name: value for name, value in compiled.params.items() if not compiled.binds[name].required}
        return Compiled(str(compiled), tuple(compiled.positiontup or ()), constants)

    def rows(self, compiled: Compiled, values: Values, within: float) -> list[Row]:
        """Run one statement in its own transaction and fetch everything, within so many seconds."""
        return self.write(((compiled, values),), within)

    def write(self, steps: Steps, within: float) -> list[Row]:
        """Run statements in one transaction: the first returns rows; if it returns none, nothing happens.

        A link that was idle when its server restarted is replaced once. That may run the steps twice, which
        every writer here must allow, as `Store.commit` does: its second attempt finds the version moved.
        """
        was_open = hasattr(self._mine, "link")
        try:
            return self._run(steps, within)
        except ConnectionError:
            if not was_open:
                raise
            return self._run(steps, within)

    def _run(self, steps: Steps, within: float) -> list[Row]:
        link = self._link()
        slot, now = watch.slot, monotonic()
        if watch.hop_until <= now:
            raise TimeoutError("the hop's time is used up")
        slot.cut, slot.expired = link.cut, False
        slot.deadline = min(now + within, watch.hop_until)
        try:
            return link.run(steps)
        except (sqlite3.IntegrityError, pg.UniqueViolation, pg.DeadlockDetected) as problem:
            raise Conflict from problem
        except (sqlite3.Error, psycopg.Error) as problem:
            self.close()
            late = slot.expired or _is_late(problem)
            raise (TimeoutError if late else ConnectionError)(type(problem).__name__) from problem
        finally:
            with slot.lock:
                slot.deadline, slot.cut = math.inf, _nothing
            if slot.expired:  # the answer may have come, but the wire is cut
                self.close()

    def close(self) -> None:
        """Close this thread's link; the next call opens another."""
        link = self._mine.__dict__.pop("link", None)
        if link is not None:
            with suppress(Exception):
                link.close()

    def _link(self) -> Link:
        link: Link | None = getattr(self._mine, "link", None)
        if link is not None:
            return link
        if monotonic() < self._rest_until:
            raise ConnectionError("resting after a failed connection")
        if not self.is_sqlite and watch.hop_until - monotonic() < CONNECT_SECONDS:
            raise TimeoutError("no time left in this hop to connect")
        try:
            self._mine.link = link = SqliteLink(self.url) if self.is_sqlite else PostgresLink(self.url)
        except (sqlite3.Error, psycopg.Error) as problem:
            if not self.is_sqlite:  # a file that was busy may be free the next moment
                self._rest_until = monotonic() + REST_SECONDS
            raise ConnectionError(type(problem).__name__) from problem
        weakref.finalize(link, _hang_up, link.close, os.getpid()).atexit = False
        if self.is_sqlite and (self._checkpoints is None or not self._checkpoints.is_alive()):
            self._checkpoints = Checkpoints(self.url.database or "", self)  # anew after a fork, too
            self._checkpoints.start()
        return link


def _hang_up(close: Callable[[], None], opened_by: int) -> None:
    """When a thread ends, or a gateway is thrown away; a fork only holds a copy, and the wire is its parent's."""
    if os.getpid() == opened_by:
        with suppress(Exception):
            close()


def _is_late(problem: Exception) -> bool:
    if isinstance(problem, sqlite3.Error):
        return getattr(problem, "sqlite_errorcode", 0) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_INTERRUPT}
    return isinstance(problem, pg.QueryCanceled | pg.LockNotAvailable)
