"""What goes wrong outside: a wire that goes silent, a server process that stands still, threads that crowd in."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from flask import Flask
from psycopg import sql
from sqlalchemy import make_url

from gateway.installation import Installation

Result = TypeVar("Result")

JOIN_SECONDS = 20.0


class Wire:
    """A TCP proxy on this machine. Each direction can be held: what was sent then waits until it flows again."""

    def __init__(self, host: str, port: int) -> None:
        self.upstream = (host, port)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self.listener.getsockname()[1]
        self.there, self.back = threading.Event(), threading.Event()
        self.connections = 0
        self.hold_after: int | None = None  # bytes from the caller that still pass
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._open = True
        self.flow()
        self._start(self._accept)

    def freeze(self) -> None:
        """Nothing passes, nothing is refused: the kernel accepts, and nobody answers."""
        self.there.clear()
        self.back.clear()

    def swallow_answers(self) -> None:
        """The server hears and acts, the caller never learns."""
        self.back.clear()

    def flow(self) -> None:
        self.hold_after = None
        self.there.set()
        self.back.set()

    def cut(self) -> None:
        """Every open connection ends; new ones are welcome."""
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._open = False
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()
        self.flow()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)
        for one in self._sockets:
            one.close()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while self._open:
            try:
                caller, _address = self.listener.accept()
            except OSError:
                return
            self._sockets.append(caller)
            try:
                server = socket.create_connection(self.upstream)
            except OSError:
                caller.close()
                continue
            self._sockets.append(server)
            self.connections += 1
            self._start(self._pump, caller, server, self.there)
            self._start(self._pump, server, caller, self.back)

    def _pump(self, source: socket.socket, target: socket.socket, flows: threading.Event) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if flows is self.there and self.hold_after is not None:
                    self.hold_after -= len(data)
                    if self.hold_after < 0:
                        self.freeze()
                flows.wait()
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire_to(url: str) -> Iterator[tuple[str, Wire]]:
    """The same database behind a wire: its URL through the wire, and the wire."""
    direct = make_url(url)
    wire = Wire(direct.host or "127.0.0.1", direct.port or 5432)
    try:
        through = direct.set(host="127.0.0.1", port=wire.port)
        yield through.render_as_string(hide_password=False), wire
    finally:
        wire.close()


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A server process of this machine stands still (SIGSTOP); skips where that is not ours to do."""
    with suppress(FileNotFoundError):
        name = Path(f"/proc/{pid}/comm").read_text()
        if name.strip() in {"postgres", "postmaster"}:
            try:
                os.kill(pid, signal.SIGSTOP)
            except PermissionError:
                pytest.skip("only root may stop a process of the database server")
            try:
                yield
            finally:
                os.kill(pid, signal.SIGCONT)
            return
    pytest.skip("the database server runs elsewhere: its processes cannot be stopped")


@contextmanager
def locked(url: str, table: str) -> Iterator[None]:
    """Another client holds the whole table."""
    with psycopg.connect(url) as other:
        other.execute(f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE'.encode())
        yield
        other.rollback()


@contextmanager
def emptied(url: str) -> Iterator[str]:
    """The same PostgreSQL database for many tests, without tables each time: far cheaper than a new one."""
    with psycopg.connect(url, autocommit=True) as connection:
        name = sql.Identifier(make_url(url).database or "")
        connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    yield url


def refused_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def at_once(works: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run these on one thread each, released together; their results in order, the first error raised."""
    barrier = threading.Barrier(len(works))
    results: dict[int, Result] = {}
    problems: list[BaseException] = []

    def run(number: int, work: Callable[[], Result]) -> None:
        try:
            barrier.wait(JOIN_SECONDS)
            results[number] = work()
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=run, args=item) for item in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(JOIN_SECONDS)
    if problems:
        raise problems[0]
    return [results[number] for number in range(len(works))]


def hang_up(app: Flask) -> None:
    """Close this thread's connections of a gateway, as the end of a worker would."""
    gateway: Installation = app.extensions["pakan"]
    for owner in (gateway.pipeline.store, getattr(gateway.pipeline.ask, "registry", None)):
        hot = getattr(owner, "_hot", None)
        if hot is not None:
            hot.close()
