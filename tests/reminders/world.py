"""A gateway and its register in which a year goes by: what happens is written, schedulers and senders run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from select import select
from typing import Final, NamedTuple

from flask import Flask
from sqlalchemy import bindparam as value
from sqlalchemy import delete, insert, update

from gateway.installation import Installation
from gateway.outbox.port import Message, Outcome
from gateway.outbox.rounds import drain
from gateway.registry.bulk import write_rows
from gateway.registry.contacts import resume, stop
from gateway.registry.tables import contacts, contributions, employers, members
from gateway.storage.engines import open_engine
from gateway.storage.schema import upgrade
from tests.conftest import Clock
from tests.outbox.carrier import Provider
from tests.register import DUE
from tests.reminders.scheduler import gateway, send
from tests.reminders.town import Employer, Event, What
from tests.sealed import ROOT

SCHEDULERS: Final = 3
SECONDS: Final = 120.0  # that a run may take before the test fails
EARNS: Final = 2_500_000  # kip
AGREED_ON: Final = "2027-01-01"
STATUS: Final = {What.RECEIVED: 1, What.POSTED: 3}  # as the register writes it
COST: Final = re.compile(r"^([\d,]+) texts?, ([\d,]+) SMS:", re.MULTILINE)


class Left(NamedTuple):
    """A text that left, and when by the gateway's clock."""

    at: datetime
    phone: str
    words: str


class Cost(NamedTuple):
    """Texts and the SMS that they take."""

    texts: int
    parts: int


class Postman(Provider):
    """Takes every text, and notes when."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.left: list[Left] = []

    def send(self, message: Message) -> Outcome:
        self.left.append(Left(self._clock(), message.msisdn, message.text))
        return super().send(message)


class World:
    """One installation; its clock and its carrier are the test's."""

    def __init__(self, url: str, keys: Path, town: Sequence[Employer]) -> None:
        upgrade(url, {"store", "register"})
        self.url, self.keys, self.clock = url, keys, Clock()
        self.postman = Postman(self.clock)
        self.app: Flask = gateway(url, keys, self.clock, self.postman)
        self._gateway: Installation = self.app.extensions["pakan"]
        self._found(town)

    def happen(self, events: Sequence[Event]) -> None:
        """Bring the register and the outbox up to date."""
        money = {(event.number, event.month): event for event in events if event.what in STATUS}
        with open_engine(self.url).begin() as connection:
            if money:
                c = contributions.c
                mine = c.member_id == value("member"), c.month == value("of")
                connection.execute(
                    delete(contributions).where(*mine),
                    [{"member": number, "of": month.index} for number, month in money],
                )
                connection.execute(insert(contributions), [_row(event) for event in money.values()])
            for event in events:
                if event.what in {What.AGREED, What.WITHDREW}:
                    day = event.at.date() if event.what is What.AGREED else None
                    hers = contacts.c.employer_id == event.number, contacts.c.msisdn == event.phone
                    connection.execute(update(contacts).where(*hers).values(agreed_on=day))
        for event in events:
            self._tell(event)

    def plan(self) -> Cost:
        """What `flask reminders plan` says it will cost, of the regimes of which a step is open."""
        result = self.app.test_cli_runner().invoke(args=["reminders", "plan"])
        plans = [plan for plan in result.output.split(" is due by ")[1:] if "is open" in plan]
        found = [COST.search(plan) for plan in plans]
        assert all(found), (result.output, result.exception)
        costs = [[int(count.replace(",", "")) for count in cost.groups()] for cost in found if cost]
        return Cost(sum(texts for texts, _parts in costs), sum(parts for _texts, parts in costs))

    def counted(self) -> Cost:
        """What the outbox holds, whatever became of it."""
        counts = self._gateway.desk.counts()
        return Cost(sum(count.messages for count in counts), sum(count.parts for count in counts))

    def carry(self) -> Sequence[Left]:
        """What leaves now."""
        before = len(self.postman.left)
        drain(self._gateway.sender, self._gateway.reaper)
        self._gateway.reaper.forget()
        return self.postman.left[before:]

    def schedule(self) -> None:
        """As many schedulers one after another, in this process."""
        for _scheduler in range(SCHEDULERS):
            result = send(self.app)
            assert result.exit_code == 0, result.output

    def close(self) -> None:
        self._gateway.outbox.hot.close()

    def _tell(self, event: Event) -> None:
        match event.what:
            case What.CLOSED | What.PLAN:
                why = "closed" if event.what is What.CLOSED else "plan"
                assert stop(self.url, f"{event.number:05d}-01", why, event.until)
            case What.RESUMED:
                assert resume(self.url, f"{event.number:05d}-01")
            case What.MOVED:
                with open_engine(self.url).begin() as connection:
                    this = employers.c.id == event.number
                    connection.execute(update(employers).where(this).values(regime=event.regime))
            case What.STOP:
                self._gateway.mail.stop(event.phone)
            case What.START:
                self._gateway.mail.start(event.phone)

    def _found(self, town: Sequence[Employer]) -> None:
        names = ("", "Thotlong")
        with open_engine(self.url).begin() as connection:
            write_rows(connection, employers, ((firm.number, firm.code, *names, firm.regime) for firm in town))
            write_rows(
                connection,
                members,
                ((firm.number, f"99{firm.number:08d}", *names, "1990-01-01", None) for firm in town),
            )
            write_rows(
                connection,
                contacts,
                (
                    (firm.number, phone, language, "synthetic", AGREED_ON if agreed else None, bounces, 0, None)
                    for firm in town
                    for phone, language, agreed, bounces in firm.people
                ),
            )
            write_rows(
                connection,
                contributions,
                (
                    (firm.number, firm.number, EARNS, 0 if month in firm.nothing else DUE, 0, None, month.index, 0)
                    for firm in town
                    for month in (firm.months if firm.returned else ())
                ),
            )


def _row(event: Event) -> dict[str, object]:
    posted = event.what is What.POSTED
    return {
        "member_id": event.number,
        "employer_id": event.number,
        "insured_earnings": EARNS,
        "due": DUE,
        "paid": DUE if posted else 0,
        "posted_on": event.at.date() if posted else None,
        "month": event.month.index,
        "status": STATUS[event.what],
    }


@contextmanager
def world_on(url: str, keys: Path, town: Sequence[Employer]) -> Iterator[World]:
    """A world on an empty database; its link is closed in the end."""
    world = World(url, keys, town)
    try:
        yield world
    finally:
        world.close()


@contextmanager
def schedulers(world: World) -> Iterator[Callable[[], None]]:
    """Processes that run at once, each with links of its own, whenever what is yielded is called."""
    command = [sys.executable, "-m", "tests.reminders.scheduler", world.url, str(world.keys)]
    processes = [
        subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _scheduler in range(SCHEDULERS)
    ]

    def at_once() -> None:
        for process in processes:
            assert process.stdin
            process.stdin.write(f"{world.clock().isoformat()}\n")
            process.stdin.flush()
        for process in processes:
            answer = json.loads(_line(process))
            assert answer["exit"] == 0, answer["said"]

    try:
        assert [_line(process) for process in processes] == ["ready\n"] * SCHEDULERS
        yield at_once
    finally:
        for process in processes:
            with process:
                process.kill()


def _line(process: subprocess.Popen[str]) -> str:
    """Its next line; fails when there is none in time. Lines come one at a time, so none is left in a buffer."""
    assert process.stdout
    assert select([process.stdout], [], [], SECONDS)[0], "a scheduler does not answer"
    return process.stdout.readline()
