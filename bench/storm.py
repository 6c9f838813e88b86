"""A storm of repeats: each event is sent one to five times, in any order, over 32 connections; it has one effect.

An effect is what a hop leaves behind: its answer, kept for repeats, and a row of the audit (reliability F1).
"""

from __future__ import annotations

import http.client
import queue
import threading
from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

import click

from bench.calls import PATH, Calls
from bench.rounds import Machine, settings
from bench.servers import Server, start

EVENTS = 20_000
MOST_COPIES = 5
CONNECTIONS = 32
THREADS = {"sqlite": 1, "postgresql": 4}  # as `flask serve` chooses
WAIT_SECONDS = 60
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Said(NamedTuple):
    """What one request was answered with."""

    event: int
    status: int
    body: bytes


def report(stocks: Mapping[str, Calls], machine: Machine, seed: int = 1, events: int = EVENTS) -> tuple[str, bool]:
    """A markdown table, and whether each event had one effect and one answer."""
    lines = [
        "| database | events | requests | answered | in the audit | another answer to a repeat | not answered |"
    ]
    lines.append("|---|---:|---:|---:|---:|---:|---:|")
    good = True
    for kind, calls in stocks.items():
        languages = list(calls.data.phones)
        each = min(events // len(languages), *(len(calls.data.phones[language]) for language in languages))
        bodies = [body for language in languages for body in calls.ready(language, each)[:each]]
        before = calls.data.counts()
        random = Random(seed)
        copies = [event for event in range(len(bodies)) for _copy in range(random.randint(1, MOST_COPIES))]
        random.shuffle(copies)
        said = _storm(kind, calls, machine, bodies, copies)
        answered, noted = (now - then for now, then in zip(calls.data.counts()[:2], before[:2], strict=True))
        first: dict[int, bytes] = {}
        odd = len(copies) - sum(one.status == 200 and one.body.startswith(b"CON ") for one in said)
        other = sum(first.setdefault(one.event, one.body) != one.body for one in said)
        numbers = (len(bodies), len(copies), answered, noted, other, odd)
        lines.append(f"| {kind} | " + " | ".join(f"{number:,}" for number in numbers) + " |")
        good &= answered == noted == len(bodies) and not (other or odd)
    return "\n".join(lines), good


def _storm(kind: str, calls: Calls, machine: Machine, bodies: list[str], copies: list[int]) -> list[Said]:
    server = start(
        f"storm-{kind}",
        "app:serve",
        factory=True,
        threads=THREADS[kind],
        core=machine.server_core,
        settings=settings(calls.data.url, machine),
        log=machine.directory / f"storm-{kind}.log",
    )
    try:
        with click.progressbar(length=len(copies), label=f"A storm on {kind}") as bar:
            return _sent(server, PATH.format(token=machine.token), bodies, copies, bar.update)
    finally:
        server.stop()


def _sent(
    server: Server, path: str, bodies: list[str], copies: list[int], told: Callable[[int], None]
) -> list[Said]:
    work: queue.SimpleQueue[int] = queue.SimpleQueue()
    for event in copies:
        work.put(event)
    said: list[Said] = []

    def send() -> None:
        link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT_SECONDS)
        while True:
            try:
                event = work.get_nowait()
            except queue.Empty:
                break
            link.request("POST", path, bodies[event], FORM)
            answer = link.getresponse()
            said.append(Said(event, answer.status, answer.read()))
        link.close()

    senders = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
    for sender in senders:
        sender.start()
    shown = 0
    for sender in senders:
        while sender.is_alive():
            sender.join(0.2)
            shown, before = len(said), shown
            told(shown - before)
    return said
