"""How fast the embedded sender is with a provider that takes 5 ms, beside what that provider alone allows."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep

import click

from bench.double import Carrier, Double
from bench.torture import Child, World, by_day, fresh
from gateway.cli.outbox import FILL_EVERY_SECONDS
from gateway.outbox.port import Kind, Message
from gateway.outbox.reaper import Reaper
from gateway.outbox.rounds import Rounds
from gateway.outbox.spread import Spread
from gateway.outbox.states import State
from gateway.storage.keys import Keys
from gateway.storage.schema import upgrade

PROVIDER_SECONDS = 0.005
THREADS = 4
MESSAGES = 3_000
WARM = 200
LOOK_SECONDS = 0.02
GIVE_UP_SECONDS = 120.0


def report(postgresql: str, broker: str) -> str:
    """A markdown table: messages a second through the outbox, beside the same threads with no outbox at all."""
    lines = ["| engine | database | at once | messages/s | of the provider alone |", "|---|---|---:|---:|---:|"]
    with _provider() as port:
        bare = _bare(port)
        lines.append(f"| none: the same threads, no outbox | | {THREADS} | {bare:,.0f} | 1.00 |")
        for name, url in (("SQLite", ""), ("PostgreSQL", postgresql)):
            with tempfile.TemporaryDirectory() as folder:
                place = fresh(url) if url else f"sqlite:///{folder}/pakan.db"
                upgrade(place, {"store"})
                Keys(Path(folder) / "keys")
                rate = _embedded(World(place, Path(folder) / "keys", port, True, by_day()))
                lines.append(f"| embedded | {name} | {THREADS} | {rate:,.0f} | {rate / bare:.2f} |")
                click.echo(lines[-1])
        with tempfile.TemporaryDirectory() as folder:
            place = fresh(postgresql)
            upgrade(place, {"store"})
            Keys(Path(folder) / "keys")
            rate = _spread(World(place, Path(folder) / "keys", port, True, by_day()), broker)
            lines.append(f"| Celery on RabbitMQ | PostgreSQL | {THREADS} | {rate:,.0f} | {rate / bare:.2f} |")
            click.echo(lines[-1])
    return "\n".join(lines)


@contextlib.contextmanager
def _provider() -> Iterator[int]:
    double = Double(PROVIDER_SECONDS / 2)
    try:
        yield double.port
    finally:
        double.close()


def _bare(port: int) -> float:
    carrier = Carrier(port)
    messages = [Message(f"{number:032x}", Kind.REMINDER, "", "x", 0) for number in range(MESSAGES)]
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(carrier.send, messages[:WARM]))
        began = monotonic()
        list(threads.map(carrier.send, messages))
        return MESSAGES / (monotonic() - began)


def _embedded(world: World) -> float:
    sender = world.sender()
    rounds = Rounds(sender, Reaper(sender.outbox, sender.carriers), {True: THREADS})
    rounds.start()
    try:
        return _rate(world)
    finally:
        rounds.stop(10)


def _spread(world: World, broker: str) -> float:
    """Celery's own processes, as many as the embedded sender has threads, and one that offers."""

    def offer(world: World, _tell: int) -> None:
        spread = Spread(broker, world.sender())
        while True:
            spread.offer()
            sleep(FILL_EVERY_SECONDS)

    def work(world: World, _tell: int) -> None:
        Spread(broker, world.sender()).work("bulk", THREADS)

    children = [Child(world, offer), Child(world, work)]
    try:
        return _rate(world)
    finally:
        for child in children:
            child.kill()


def _rate(world: World) -> float:
    world.post(WARM)
    _until_sent(world, WARM)
    world.post(MESSAGES)
    began = monotonic()
    _until_sent(world, WARM + MESSAGES)
    return MESSAGES / (monotonic() - began)


def _until_sent(world: World, count: int) -> None:
    ends = monotonic() + GIVE_UP_SECONDS
    while world.counts()[State.ACCEPTED] < count:
        if monotonic() > ends:
            raise click.ClickException(f"not all were sent: {dict(world.counts())}")
        sleep(LOOK_SECONDS)
