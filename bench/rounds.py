"""Rounds of visits: every server in turn, in every language, each visit counted in the database afterwards."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from bench import load
from bench.calls import PATH, Calls, form
from bench.data import LANGUAGES, Data
from bench.servers import Server, cpu_seconds, machine_seconds, start

BASE_PATH = "/ussd"
WARM_SECONDS = 1.0
GUESS_RATE = 4_000  # requests a second, before anything was measured
SPARE = 1.3  # so many times more calls are made ready than the last visit used
THREADS = {"base": (1,), "sqlite": (1,), "postgresql": (1, 4)}  # blocking threads to try


@dataclass(frozen=True, slots=True)
class Machine:
    """Which core does what, and where files go."""

    server_core: int
    load_core: int
    directory: Path
    token: str


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of a few seconds. CPU in microseconds a request, the database's own 0 where it is in-process."""

    rate: float
    cpu: float
    database_cpu: float
    p50: float
    p99: float
    most: float
    answered: int
    stolen: float  # share of the machine's time that its host gave to others


@dataclass(slots=True)
class Stream:
    """One server asked in one language, and what its visits gave, a round each."""

    kind: str  # base, sqlite or postgresql
    language: str  # empty for the base
    server: Server
    calls: Calls | None
    visits: list[Visit] = field(default_factory=list)
    expected_rate: float = GUESS_RATE

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.kind, f"{self.server.threads}t", self.language)))


@contextmanager
def streams(kinds: Iterable[str], machine: Machine, stocks: dict[str, Calls]) -> Iterator[list[Stream]]:
    """Start every server, all at once; stop them whatever happens."""
    found: list[Stream] = []
    servers: list[Server] = []
    try:
        for kind in kinds:
            calls = stocks.get(kind)
            for threads in THREADS[kind]:
                name = f"{kind}-{threads}"
                server = start(
                    name,
                    "app:serve" if calls else "bench.base:app",
                    factory=calls is not None,
                    threads=threads,
                    core=machine.server_core,
                    settings=settings(calls.data.url, machine) if calls else {},
                    log=machine.directory / f"{name}.log",
                )
                servers.append(server)
                found += [Stream(kind, language, server, calls) for language in (LANGUAGES if calls else ("",))]
        yield found
    finally:
        for server in servers:
            server.stop()


def settings(url: str, machine: Machine) -> dict[str, str]:
    """The environment of a gateway under test."""
    return {
        "PAKAN_DATABASE_URL": url,
        "PAKAN_WEBHOOK_TOKENS": machine.token,
        "PAKAN_KEYS_DIR": str(machine.directory / "keys"),
    }


def warm_up(streams: Sequence[Stream], machine: Machine, connections: int) -> None:
    """Connect, prepare statements, fill caches, and learn how many calls a visit will need."""
    for stream in streams:
        visit(stream, machine, WARM_SECONDS, connections)
        stream.visits.clear()


def round_of_visits(streams: Sequence[Stream], machine: Machine, seconds: float, connections: int) -> None:
    """Make all calls ready first, so that the visits stand close together; then visit each in turn."""
    for stream in streams:
        _bodies(stream, seconds, fresh=True)
    for stream in streams:
        visit(stream, machine, seconds, connections)
        its = stream.visits[-1]
        click.echo(
            f"  {stream.name:<18} {its.rate:7.0f} req/s {its.cpu:6.0f} us  "
            f"load {os.getloadavg()[0]:.1f}  stolen {its.stolen:.0%}"
        )


def visit(stream: Stream, machine: Machine, seconds: float, connections: int) -> None:
    """Load one server, then hold what it answered against what its database wrote."""
    bodies = _bodies(stream, seconds, fresh=False)
    calls, server = stream.calls, stream.server
    path = PATH.format(token=machine.token) if calls else BASE_PATH
    before = calls.data.counts() if calls else (0, 0, 0)
    database = calls.data.backends() if calls else []
    for pid in database:
        os.sched_setaffinity(pid, {machine.load_core})
    stolen, passed = machine_seconds()
    cpu, database_cpu = server.cpu_seconds(), cpu_seconds(database)
    result = load.run(
        server.url(path),
        bodies,
        machine.directory / "bodies.txt",
        once=calls is not None,
        seconds=seconds,
        connections=connections,
        core=machine.load_core,
    )
    cpu, database_cpu = server.cpu_seconds() - cpu, cpu_seconds(database) - database_cpu
    stolen, passed = (after - was for after, was in zip(machine_seconds(), (stolen, passed), strict=True))
    if calls:
        calls.used(stream.language, result.sent)
        _verify(stream, calls.data, before, result.answered)
    if result.ran_out:
        click.echo(f"  {stream.name}: all {result.sent} calls were used after {result.seconds:.1f} s")
    stream.expected_rate = result.rate
    micros = 1e6 / result.answered
    stream.visits.append(
        Visit(
            result.rate,
            cpu * micros,
            database_cpu * micros,
            result.p50,
            result.p99,
            result.most,
            result.answered,
            stolen / passed,
        )
    )


def _bodies(stream: Stream, seconds: float, fresh: bool) -> list[str]:
    if stream.calls is None:
        return [form(f"{at:032x}", f"+8562020{at:06d}", "1") for at in range(1_000)]
    wanted = math.ceil(stream.expected_rate * seconds * SPARE) if fresh or not stream.visits else 1
    return stream.calls.ready(stream.language, wanted)


def _verify(stream: Stream, data: Data, before: tuple[int, int, int], answered: int) -> None:
    """Every answer is one event, one audit row and one caller who reads the summary; or the run ends here."""
    grown = tuple(after - was for after, was in zip(data.counts(), before, strict=True))
    if grown != (answered, answered, answered):
        raise click.ClickException(
            f"{stream.name}: {answered} requests were answered, but the database gained {grown[0]} events, "
            f"{grown[1]} audit rows and {grown[2]} callers at the summary. Not one number of this run counts."
        )
