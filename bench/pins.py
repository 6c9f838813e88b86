"""PINs beside menus: does hashing starve whoever only reads? Open loop, so that a slow answer delays no other.

PINs and menu hops arrive at times drawn beforehand, on one core for the server; an answer's wait is counted from
when its hop was due, not from when it was sent. First a busy hour (reliability target R8), then a flood of wrong
PINs, each of another member (T32).
"""

from __future__ import annotations

import http.client
import os
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from itertools import islice
from random import Random
from typing import NamedTuple

import click
from sqlalchemy import insert

from bench.calls import PATH, Calls, form
from bench.data import Person
from bench.rounds import Machine, settings
from bench.servers import Server, start
from gateway.identity.hashing import BURST, HASHES_A_SECOND, PinHasher
from gateway.storage.tables import pins

PIN_P99, MENU_P99 = 700, 300  # milliseconds (R8, T32)
WARM_SECONDS = 3
SENDERS = 64  # more than are ever on the way at these rates
PIN, WRONG = "140714", "140715"
OPENED, BUSY = ("12 months", "ເງິນທີ່ຖອກໃຫ້ທ່ານ"), ("Many people", "ມີຜູ້ໃຊ້ຫຼາຍ")
CLOSED = ("does not open", "ບໍ່ຖືກ")
THREADS = {"sqlite": 1, "postgresql": 4}  # as `flask serve` chooses


class Mix(NamedTuple):
    """What arrives: hops a second, for how long, and what is typed."""

    name: str
    pins: int
    menus: int
    seconds: int
    typed: str
    said: tuple[str, str]  # when it was looked at, in English and Lao


MIXES = (Mix("busy hour", 10, 100, 20, PIN, OPENED), Mix("flood", 500, 100, 60, WRONG, CLOSED))


class Due(NamedTuple):
    """One hop, and when it is due."""

    at: float
    is_pin: bool
    body: str


class Answered(NamedTuple):
    """How long it took from then on, in milliseconds, and what came."""

    is_pin: bool
    took: float
    text: str


def report(stocks: Mapping[str, Calls], machine: Machine) -> tuple[str, bool]:
    """A markdown table, and whether every target was reached."""
    lines = [
        "| server | mix | PIN/s | menus/s | s | PINs | busy | PIN p50 | PIN p99 | menu p50 | menu p99 ms |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    good = True
    for kind, calls in stocks.items():
        mixes = [_within(mix, len(calls.data.people) // 2) for mix in MIXES]
        hops = _hops(calls, mixes)
        server = start(
            f"pins-{kind}",
            "app:serve",
            factory=True,
            threads=THREADS[kind],
            core=machine.server_core,
            settings=settings(calls.data.url, machine),
            log=machine.directory / f"pins-{kind}.log",
        )
        try:
            os.sched_setaffinity(0, {machine.load_core})
            for mix, due in zip(mixes, hops, strict=True):
                row, reached = _judge(mix, _run(server, PATH.format(token=machine.token), due))
                lines.append(f"| Pakan on {kind}, `{server.flags}` | {row} |")
                good &= reached
        finally:
            server.stop()
    return "\n".join(lines), good


def _within(mix: Mix, people: int) -> Mix:
    """As long as there are people for: each of them types once."""
    return mix._replace(seconds=min(mix.seconds, people // (mix.pins + mix.menus) - WARM_SECONDS))


def _judge(mix: Mix, answers: Sequence[Answered]) -> tuple[str, bool]:
    typed = [answer for answer in answers if answer.is_pin]
    looked_at = sum(any(words in answer.text for words in mix.said) for answer in typed)
    busy = sum(map(_is_busy, typed))
    strange = {a.text for a in answers if not a.text.startswith("CON ") and not (a.is_pin and _is_busy(a))}
    if looked_at + busy != len(typed) or strange:
        raise click.ClickException(f"{len(typed) - looked_at - busy} PINs were answered strangely. {strange}")
    by_pin, by_menu = ([a.took for a in answers if a.is_pin is is_pin] for is_pin in (True, False))
    cells = (_rank(by_pin, 0.5), _rank(by_pin, 0.99), _rank(by_menu, 0.5), _rank(by_menu, 0.99))
    shown = " | ".join(f"{cell:.1f}" for cell in cells)
    row = f"{mix.name} | {mix.pins} | {mix.menus} | {mix.seconds} | {len(typed)} | {busy} | {shown}"
    within = looked_at <= BURST + HASHES_A_SECOND * (mix.seconds + WARM_SECONDS)
    return row, within and cells[1] <= PIN_P99 and cells[3] <= MENU_P99


def _is_busy(answer: Answered) -> bool:
    return any(words in answer.text for words in BUSY)


def _hops(calls: Calls, mixes: Sequence[Mix]) -> list[list[Due]]:
    """Calls made ready: some wait at the question for a PIN, the others at the main menu."""
    random, people = Random(1), iter(calls.data.people)
    typists = {mix: list(islice(people, mix.pins * (mix.seconds + WARM_SECONDS))) for mix in mixes}
    _give_pins(calls, typists[mixes[0]], [person for mix in mixes[1:] for person in typists[mix]])
    taken = {person.phone for some in typists.values() for person in some}
    menus = sum(mix.menus * (mix.seconds + WARM_SECONDS) for mix in mixes)
    phones = calls.data.phones["en"]
    dialled = calls.ready("en", min(len(phones), menus + len(taken)))  # first: to dial again is to hang up
    free = (body for body in dialled if _phone(body) not in taken)
    every = []
    for mix in mixes:
        length = mix.seconds + WARM_SECONDS
        due = [Due(random.uniform(0, length), False, body) for body in islice(free, mix.menus * length)]
        if len(due) < mix.menus * length:
            raise click.ClickException("too few callers for the menus: more --members")
        due += [Due(random.uniform(0, length), True, _asked(calls, person, mix.typed)) for person in typists[mix]]
        every.append(sorted(due))
    return every


def _give_pins(calls: Calls, own: Sequence[Person], others: Sequence[Person]) -> None:
    """Everybody a PIN; those who will type a wrong one share a hash, which costs a guess no less."""
    keys = calls.gateway.keys
    hasher = PinHasher(keys.peppers, keys.sealer)
    shared = keys.sealer.open(hasher.hash("", PIN), "pin:")
    hashes = {person.member: hasher.hash(person.member, PIN) for person in own}
    hashes |= {person.member: keys.sealer.seal(shared, f"pin:{person.member}") for person in others}
    with calls.data.engine.begin() as connection:
        connection.execute(
            insert(pins),
            [{"member": member, "hash": sealed, "changed_at": 0} for member, sealed in hashes.items()],
        )


def _asked(calls: Calls, person: Person, typed: str) -> str:
    """Lead a caller to the question for her PIN; returns the hop that answers it."""
    session = f"pin-{person.member}"
    asked = form(session, person.phone, "1*4")
    said = calls.hop(asked)
    if "PIN" not in said and "ລະຫັດ" not in said:
        raise click.ClickException(f"The question for a PIN was not asked but: {said}")
    return form(session, person.phone, f"1*4*{typed}")


def _phone(body: str) -> str:
    return "+" + body.partition("phoneNumber=%2B")[2].partition("&")[0]


def _run(server: Server, path: str, hops: Sequence[Due]) -> list[Answered]:
    """Send every hop when it is due; those of the first seconds warm up and are not counted."""
    work: queue.SimpleQueue[tuple[float, Due] | None] = queue.SimpleQueue()
    answers: list[Answered] = []

    def send() -> None:
        link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        while (job := work.get()) is not None:
            at, hop = job
            link.request("POST", path, hop.body, {"Content-Type": "application/x-www-form-urlencoded"})
            text = link.getresponse().read().decode()
            if hop.at >= WARM_SECONDS:
                answers.append(Answered(hop.is_pin, (time.monotonic() - at) * 1000, text))
        link.close()

    senders = [threading.Thread(target=send) for _sender in range(SENDERS)]
    for sender in senders:
        sender.start()
    begun = time.monotonic() + 0.2
    for hop in hops:
        time.sleep(max(0.0, begun + hop.at - time.monotonic()))
        work.put((begun + hop.at, hop))
    for _sender in senders:
        work.put(None)
    for sender in senders:
        sender.join()
    return answers


def _rank(times: Sequence[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]
