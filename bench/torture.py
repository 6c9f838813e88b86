"""`python -m bench.torture`: senders are killed, thousands of times, at any moment; nothing is lost or sent twice.

Against a provider that can be asked by our reference, every message arrives exactly once. Against one that cannot,
no reminder arrives twice, and every message of which nobody knows is listed. `--syscalls` kills one send at each
of its system calls (needs strace).
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from select import select as ready
from time import monotonic, sleep
from typing import NamedTuple
from zoneinfo import ZoneInfo

import click
from sqlalchemy import create_engine, func, make_url, pool, select, text

from bench.double import Carrier, Double
from gateway.outbox.desk import Desk
from gateway.outbox.outbox import Outbox
from gateway.outbox.port import Draft, Kind
from gateway.outbox.reaper import Reaper
from gateway.outbox.sender import Sender
from gateway.outbox.states import State
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys
from gateway.storage.schema import upgrade
from gateway.storage.tables import outbox as table
from gateway.storage.tallies import Tallies

AT_ONCE = 4
LEASE_SECONDS = 2
OFFER_SECONDS = 1
BATCH = 4
LIVES_SECONDS = (0.012, 0.1)  # from its first offer to its end, as in the reference's own measurement (3.5)
SWEEP_SECONDS = 0.25
SETTLE_SECONDS = 60.0
TRIES = 4  # at a system call: memory is not asked of the kernel at the same moment each time
MORE = 1_000  # messages, when all are sent before enough were killed
PHONES = 1_000_000
ZONE = ZoneInfo("Asia/Vientiane")
POSTGRESQL = "postgresql://postgres@127.0.0.1:5432/pakan_torture"


def by_day() -> Callable[[], datetime]:
    """A clock that runs, and began at ten in the morning in Vientiane: bulk is sent by day."""
    began = datetime.now(UTC)
    ten = began.astimezone(ZONE).replace(hour=10, minute=0, second=0, microsecond=0).astimezone(UTC)
    return lambda: datetime.now(UTC) + (ten - began)


class World(NamedTuple):
    """What a sender needs; its databases are opened in its own process."""

    url: str
    keys: Path
    port: int
    finds: bool
    clock: Callable[[], datetime]

    def outbox(self) -> Outbox:
        return Outbox(Hot(self.url), Keys(self.keys), self.clock, "double", lease_seconds=LEASE_SECONDS)

    def sender(self) -> Sender:
        outbox = self.outbox()
        carriers = {"double": Carrier(self.port, self.finds)}
        return Sender(outbox, carriers, Tallies(outbox.hot), ZONE, a_month=PHONES)

    def post(self, count: int) -> None:
        outbox, run = self.outbox(), secrets.token_hex(4)
        rows = [
            outbox.row(Draft(Kind.REMINDER, f"+85620{n % PHONES:08}", "reminder", once=f"{run}:{n}"))
            for n in range(count)
        ]
        engine = create_engine(self.url, poolclass=pool.NullPool)
        with engine.begin() as connection:
            connection.execute(table.insert(), rows)

    def counts(self) -> Counter[str]:
        engine = create_engine(self.url, poolclass=pool.NullPool)
        with engine.connect() as connection:
            rows = connection.execute(select(table.c.state, func.count()).group_by(table.c.state))
            return Counter({str(state): int(count) for state, count in rows})

    def refs(self, *states: State) -> set[str]:
        engine = create_engine(self.url, poolclass=pool.NullPool)
        with engine.connect() as connection:
            return set(connection.scalars(select(table.c.ref).where(table.c.state.in_(states))))


class Result(NamedTuple):
    """What a run came to; `unlisted` are messages of which nobody knows and which no list names."""

    kills: int
    messages: int
    lost: int
    duplicated: int
    in_doubt: int
    unlisted: int

    def is_good(self, finds: bool) -> bool:
        return not (self.lost or self.duplicated or self.unlisted or (finds and self.in_doubt))


class Child:
    """A process that will be killed. Forked, so that it works within a millisecond or two."""

    def __init__(self, world: World, work: Callable[[World, int], None], life: float = 0.0) -> None:
        self.told, tell = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                work(world, tell)
            finally:
                os._exit(1)
        os.close(tell)
        self.life, self.dies_at = life, 0.0

    def is_over(self, now: float) -> bool:
        if not self.dies_at and ready([self.told], [], [], 0)[0]:
            self.dies_at = now + self.life
        return bool(self.dies_at) and now >= self.dies_at

    def kill(self) -> None:
        """Raises RuntimeError when it had ended by itself: that is no kill, and not what is measured."""
        os.kill(self.pid, signal.SIGKILL)
        _pid, status = os.waitpid(self.pid, 0)
        os.close(self.told)
        if not _is_killed(status):
            raise RuntimeError("a process of the torture ended by itself")


def _is_killed(status: int) -> bool:
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def _send(world: World, tell: int) -> None:
    """Send whatever is due, for ever; tell when the first was offered."""
    sender, told = world.sender(), 0
    while True:
        with contextlib.suppress(TimeoutError, ConnectionError):
            refs = sender.outbox.offer("double", bulk=True, most=BATCH, seconds=OFFER_SECONDS)
            told = told or os.write(tell, b".")
            for ref in refs:
                sender.deliver(ref)


def _sweep(world: World, _tell: int) -> None:
    outbox = world.outbox()
    reaper = Reaper(outbox, {"double": Carrier(world.port, world.finds)})
    while True:
        sleep(SWEEP_SECONDS)
        with contextlib.suppress(TimeoutError, ConnectionError):
            reaper.sweep()


def run(world: World, kills: int, messages: int, seed: int, told: Callable[[int], None]) -> Result:
    """Kill so many senders, then let others finish; compare what the provider took with what the rows say."""
    random, done = Random(seed), 0
    world.post(messages)
    sweeper = Child(world, _sweep)  # a process, for what threads hold while another forks is held for ever
    children = [Child(world, _send, random.uniform(*LIVES_SECONDS)) for _ in range(AT_ONCE)]
    checked = monotonic()
    while done < kills:
        sleep(0.001)
        for at, child in enumerate(children):
            if child.is_over(monotonic()):
                child.kill()
                done += 1
                told(1)
                children[at] = Child(world, _send, random.uniform(*LIVES_SECONDS))
        if monotonic() - checked > 1:
            checked = monotonic()
            if world.counts()[State.DUE] < MORE // 2:
                world.post(MORE)
                messages += MORE
    ends = monotonic() + SETTLE_SECONDS + messages / 100
    moving = (State.DUE, State.CLAIMED, *((State.IN_DOUBT,) if world.finds else ()))
    while monotonic() < ends and any(world.counts()[state] for state in moving):
        sleep(SWEEP_SECONDS)
    for child in (*children, sweeper):
        child.kill()
    return _judged(world, done, messages)


def _judged(world: World, kills: int, messages: int) -> Result:
    taken = Counter(Carrier(world.port).taken())
    everything = world.refs(*State)
    listed = {
        line.ref
        for state in (State.IN_DOUBT, State.UNKNOWN, State.DEAD)
        for line in Desk(world.outbox()).lines(state, messages)
    }
    known = world.refs(State.ACCEPTED, State.DELIVERED)
    return Result(
        kills=kills,
        messages=len(everything),
        lost=len(everything - set(taken) - listed) + abs(messages - len(everything)),
        duplicated=sum(count > 1 for count in taken.values()) + len(set(taken) - everything),
        in_doubt=len(listed),
        unlisted=len(everything - known - listed) + len(known - set(taken)),
    )


class Calls(NamedTuple):
    """How many sends were killed, at system calls of their own; at which none was; which did not arrive once."""

    killed: int
    missed: list[str]
    wrong: list[str]


def syscalls(world: World, most: int, told: Callable[[str], None]) -> Calls:
    """Kill one send at each of its system calls, or at `most` of them or a few more."""
    world.post(1)
    _recover(world)  # what a process does the first time only is done here, before others are forked from it
    calls, _status = _traced(world, None)
    found = Calls(0, [], [])
    every = max(1, len(calls) // most)
    seen: Counter[str] = Counter()
    for number, name in enumerate(calls):
        seen[name] += 1
        if number % every:
            continue
        for _try in range(TRIES):
            before = Carrier(world.port).taken()
            _calls, status = _traced(world, f"inject={name}:signal=KILL:when={seen[name]}")
            _recover(world)
            taken = sorted((Carrier(world.port).taken() - before).values())
            if taken != [1]:
                found.wrong.append(f"{name} {seen[name]}: taken {taken}")
            if _is_killed(status):
                found = found._replace(killed=found.killed + 1)
                break
        else:
            found.missed.append(f"{name} {seen[name]}")
        told(f"{number + 1}/{len(calls)} {name}")
    return found


def _traced(world: World, inject: str | None) -> tuple[list[str], int]:
    """Deliver one message in a process that strace holds; the names of its system calls in order, and its end."""
    world.post(1)
    hold, go = os.pipe()
    tell, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            sender = world.sender()
            [ref] = sender.outbox.offer("double", bulk=True, most=1, seconds=OFFER_SECONDS)
            sender.deliver("0" * 32)  # what is done the first time only is done now
            os.write(told, b".")
            os.read(hold, 1)
            sender.deliver(ref)
        finally:
            os._exit(0)
    os.read(tell, 1)
    with tempfile.NamedTemporaryFile() as trace:
        command = ["strace", "-f", "-o", trace.name, "-p", str(pid), *(["-e", inject] if inject else [])]
        strace = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert strace.stderr
        strace.stderr.readline()  # "Process ... attached"
        os.write(go, b".")
        _pid, status = os.waitpid(pid, 0)
        strace.wait(10)
        strace.stderr.close()
        lines = Path(trace.name).read_text("utf-8", "replace").splitlines()
    for end in (hold, go, tell, told):
        os.close(end)
    named = re.compile(r"^(?P<pid>\d+) +(?P<name>[a-z]\w*)\(")
    found = [match for match in map(named.match, lines) if match and int(match["pid"]) == pid]
    return [match["name"] for match in found if match["name"] != "exit_group"], status


def _recover(world: World) -> None:
    """Another process, later: the lease is over, the reaper asks, and somebody sends what never left."""
    later = world._replace(clock=lambda: world.clock() + timedelta(seconds=60))
    sender = later.sender()
    reaper = Reaper(sender.outbox, sender.carriers)
    for _round in range(3):
        reaper.sweep()
        for ref in sender.outbox.offer("double", bulk=True, most=BATCH, seconds=0):
            sender.deliver(ref)
    sender.outbox.hot.close()


@contextlib.contextmanager
def world_on(database: str, finds: bool, clock: Callable[[], datetime]) -> Iterator[World]:
    """A database and a provider of their own."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/pakan.db" if database == "sqlite" else fresh(database)
        upgrade(url, {"store"})
        Keys(Path(folder) / "keys")
        double = Double()
        try:
            yield World(url, Path(folder) / "keys", double.port, finds, clock)
        finally:
            double.close()


def fresh(url: str) -> str:
    """The same database, emptied."""
    there = make_url(url)
    server = create_engine(there.set(database="postgres"), poolclass=pool.NullPool, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{there.database}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{there.database}"'))
    return url


@click.command()
@click.option(
    "--kills", default=2_000, show_default=True, help="Senders that are killed, of each kind of provider."
)
@click.option("--messages", default=10_000, show_default=True, help="Messages that are due at the start.")
@click.option("--database", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
@click.option("--postgresql", "address", default=POSTGRESQL, show_default=True, help="Made anew for each run.")
@click.option("--seed", default=1, show_default=True, help="Of when each is killed.")
@click.option("--syscalls", "by_syscall", is_flag=True, help="Instead: kill one send at each of its system calls.")
def main(kills: int, messages: int, database: str, address: str, seed: int, by_syscall: bool) -> None:
    """Kill senders at any moment, and see that nothing is lost or sent twice. Exits 1 where something was."""
    chosen = address if database == "postgresql" else "sqlite"
    if by_syscall:
        with world_on(chosen, True, by_day()) as world:
            found = syscalls(world, 10_000, lambda line: click.echo(f"\r{line:40}", nl=False))
        click.echo(f"\nKilled at {found.killed} system calls; not sent exactly once: {len(found.wrong)}")
        click.echo("".join(f"  {line}\n" for line in found.wrong), nl=False)
        click.echo("".join(f"  {line}: did not happen again\n" for line in found.missed), nl=False)
        sys.exit(bool(found.wrong))
    good = True
    lines = [
        "| database | provider | kills | messages | lost | sent twice | in doubt, listed | in doubt, not listed |"
    ]
    lines.append("|---|---|---:|---:|---:|---:|---:|---:|")
    for finds in (True, False):
        title = "can be asked" if finds else "cannot be asked"
        with world_on(chosen, finds, by_day()) as world, click.progressbar(length=kills, label=title) as bar:
            result = run(world, kills, messages, seed, bar.update)
        good &= result.is_good(finds)
        told = (*result[:2], result.lost, result.duplicated, result.in_doubt, result.unlisted)
        lines.append(f"| {database} | {title} | " + " | ".join(f"{number:,}" for number in told) + " |")
    click.echo("\n" + "\n".join(lines))
    sys.exit(not good)


if __name__ == "__main__":
    main(prog_name="python -m bench.torture")
