"""Callers who keep calling, reading and repeating while something is done to the gateway; and what binds them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from random import Random
from time import monotonic, sleep

from flask import Flask
from sqlalchemy import create_engine, insert
from sqlalchemy.pool import NullPool

from gateway.storage.keys import Keys
from gateway.storage.renewal import phone_of_binding, phone_of_case, pin_of
from gateway.storage.tables import bindings, cases, pins
from gateway.text.values import Month
from tests.channels.conftest import Line
from tests.faults import hang_up
from tests.register import Register, paid

MENUS = {"1": "CON Pakan sangkhom", "2": "CON Social security", "3": "CON ອປຊ"}  # by the key of the language
THREADS, CALLERS = 3, 4
CALLS = 12  # at least so many after each step, by each thread
STEP_SECONDS = 60
PAUSE_SECONDS = 0.005
NOW = 1_795_000_000


def member_of(phone: str) -> str:
    return str(int(phone[-4:]) + 1000)


def phone_of(name: int, number: int) -> str:
    return f"+856205551{name}{number:03d}"


class Caller(threading.Thread):
    """Calls until it is told to stop: dials, reads her record, and sends answered events again."""

    def __init__(self, apps: list[Flask], name: int, going: threading.Event) -> None:
        super().__init__()
        self.apps, self.random, self.going = apps, Random(name), going
        self.menu = MENUS["123"[name % 3]]
        self.numbers = [phone_of(name, number) for number in range(CALLERS)]
        self.said: dict[tuple[str, str, str], str] = {}
        self.calls = self.repeats = 0
        self.problems: list[str] = []

    def settle(self) -> None:
        """Every caller chooses her language, and calls once."""
        for number in self.numbers:
            self.hop(number, "choose", "")
            key = next(key for key, menu in MENUS.items() if menu == self.menu)
            self.hop(number, "choose", key, self.menu)
        for _call in range(CALLERS):
            self.call()

    def run(self) -> None:
        try:
            while self.going.is_set():
                self.call()
                sleep(PAUSE_SECONDS)
        except Exception as problem:
            self.problems.append(repr(problem))
        finally:
            for app in self.apps:
                hang_up(app)

    def call(self) -> None:
        """One call, of which every hop may reach another process, and repeats of events of any time before."""
        number, session = self.numbers[self.calls % CALLERS], f"call-{self.calls}"
        self.hop(number, session, "")
        self.hop(number, session, "00", self.menu)
        self.hop(number, session, "00*1")
        self.hop(number, session, "00*1*0", self.menu)
        self.calls += 1
        for event in self.random.sample(sorted(self.said), 2):
            self.repeats += 1
            if (again := self.send(*event)) != self.said[event]:
                self.problems.append(f"{event}: {again!r} instead of {self.said[event]!r}")

    def hop(self, number: str, session: str, typed: str, wanted: str = "CON ") -> None:
        said = self.said[number, session, typed] = self.send(number, session, typed)
        if not said.startswith(wanted):
            self.problems.append(f"{session} {typed}: {said!r} instead of {wanted!r}")

    def send(self, number: str, session: str, typed: str) -> str:
        return Line(self.random.choice(self.apps), number).hop(session, typed)


class Crowd:
    """Many callers on the line of one or more processes."""

    def __init__(self, url: str, apps: list[Flask]) -> None:
        self.going = threading.Event()
        self.callers = [Caller(apps, name, self.going) for name in range(THREADS)]
        register = Register(url)
        for caller in self.callers:
            for number in caller.numbers:
                register.member(int(member_of(number)), number, paid(Month(2025, 1), Month(2026, 10)))
        register.close()

    def __enter__(self) -> Crowd:
        for caller in self.callers:
            caller.settle()
        self.going.set()
        for caller in self.callers:
            caller.start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self.going.clear()
        for caller in self.callers:
            caller.join(STEP_SECONDS)

    def calls_on(self) -> None:
        """Return when every thread has made so many calls more."""
        goals = [(caller, caller.calls + CALLS) for caller in self.callers]
        until = monotonic() + STEP_SECONDS
        while any(caller.calls < goal and caller.is_alive() for caller, goal in goals):
            assert monotonic() < until, "the callers stand still"
            sleep(0.05)

    def problems(self) -> list[str]:
        return [problem for caller in self.callers for problem in caller.problems]


def bind(url: str, keys: Keys, phones: Sequence[str]) -> None:
    """A binding, a case and a PIN for each of these numbers, by the newest keys."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for phone in phones:
            caller, member = keys.hasher("caller", phone), member_of(phone)
            connection.execute(insert(bindings).values(binding(keys, caller, member, phone)))
            sealed = keys.sealer.seal(phone, phone_of_case("number", caller, member, NOW))
            case = {"kind": "number", "caller": caller, "member": member, "phone": sealed, "opened_at": NOW}
            case |= {"number": keys.numbers("number", "99"), "ending": keys.numbers("ending", "99")}
            connection.execute(insert(cases).values({**case, "due_at": NOW, "state": "open"}))
            pin = keys.sealer.seal(f"1:argon2 of {member}", pin_of(member))
            connection.execute(insert(pins).values(member=member, hash=pin, pending=pin, changed_at=NOW))


def binding(keys: Keys, caller: str, member: str, phone: str) -> dict[str, object]:
    return {
        **dict.fromkeys(("asleep", "asks_pin", "shared"), False),
        "proved_at": NOW,
        **dict.fromkeys(("fails", "locked_until", "tried_at"), 0),
        "caller": caller,
        "member": member,
        "phone": keys.sealer.seal(phone, phone_of_binding(caller, member)),
        "number": keys.numbers("number", member),
        "ending": keys.numbers("ending", member),
        "last_try": "",
    }
