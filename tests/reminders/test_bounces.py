"""Three texts in a row that failed retire a number, and an officer hears of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from gateway.outbox.port import Draft, Kind, Message, Outcome, Refused
from gateway.outbox.rounds import drain
from gateway.registry.contacts import load_contacts
from gateway.registry.firms import BOUNCES, firms
from gateway.registry.tables import contacts
from gateway.reminders.bounces import retire_lost
from gateway.reminders.plan import PURPOSE, Why
from tests.conftest import Clock, Texts
from tests.flows.test_answers import BEFORE, BOSS, FIRM, OCTOBER, OTHER, Employers
from tests.registry.test_firms import LINE
from tests.registry.test_load import written


class Deaf(Texts):
    """An operator that knows no number but some."""

    known: set[str] = set()  # noqa: RUF012 (each test sets its own)

    def send(self, message: Message) -> Outcome:
        return super().send(message) if message.msisdn in self.known else Refused("no such number")


@pytest.fixture
def texts() -> Texts:
    return Deaf()


@pytest.fixture
def owing(app: Flask, gateway_url: str, clock: Clock) -> Employers:
    clock.now = BEFORE
    owing = Employers(app, gateway_url, "en", FIRM)
    owing.add(1, BOSS)
    return owing


def lose(owing: Employers, msisdn: str, count: int, clock: Clock) -> None:
    """So many texts to a number, each on a day of its own."""
    for _one in range(count):
        clock.now += timedelta(days=1)
        once = f"text {clock.now.timestamp()}"
        owing.gateway.outbox.post(Draft(Kind.REMINDER, msisdn, "synthetic", purpose=PURPOSE, once=once))
        drain(owing.gateway.sender, owing.gateway.reaper)


def retired(owing: Employers) -> int:
    return retire_lost(
        owing.plan(), firms(owing.url, OCTOBER, "enterprise"), owing.url, owing.gateway.outbox, owing.gateway.cases
    )


def test_three_lost_in_a_row_retire_a_number_once(owing: Employers, clock: Clock) -> None:
    lose(owing, BOSS, BOUNCES - 1, clock)
    assert retired(owing) == 0
    lose(owing, BOSS, 1, clock)
    assert retired(owing) == 1
    assert retired(owing) == 0
    assert owing.cases() == [("bounced", f"{FIRM} 2026-10")]
    clock.now = BEFORE
    assert owing.whys() == {FIRM: Why.BOUNCED}


def test_one_bad_morning_retires_nobody(owing: Employers, clock: Clock) -> None:
    for number in range(2 * BOUNCES):
        once = f"text {number}"
        owing.gateway.outbox.post(Draft(Kind.REMINDER, BOSS, "synthetic", purpose=PURPOSE, once=once))
    drain(owing.gateway.sender, owing.gateway.reaper)
    assert retired(owing) == 0


def test_another_contact_of_the_employer_is_told_instead(owing: Employers, clock: Clock, texts: Deaf) -> None:
    lose(owing, BOSS, BOUNCES, clock)
    assert retired(owing) == 1
    owing.add(1, OTHER)
    texts.known = {OTHER}
    clock.now = BEFORE
    assert owing.remind() == 1
    assert FIRM in texts.to(OTHER)[-1]


def test_one_that_arrives_begins_the_count_anew(owing: Employers, clock: Clock, texts: Deaf) -> None:
    lose(owing, BOSS, BOUNCES - 1, clock)
    texts.known = {BOSS}
    lose(owing, BOSS, 1, clock)
    texts.known = set()
    lose(owing, BOSS, BOUNCES - 1, clock)
    assert retired(owing) == 0


def test_a_number_that_the_office_gives_again_is_tried_again(
    owing: Employers, clock: Clock, tmp_path: Path
) -> None:
    lose(owing, BOSS, BOUNCES, clock)
    assert retired(owing) == 1
    clock.now += timedelta(seconds=1)  # the same day
    file = tmp_path / "contacts.csv"
    line = {**LINE, "employer_code": FIRM, "phone": BOSS}
    file.write_text(written([line], columns=tuple(LINE)), encoding="utf-8")
    assert load_contacts(owing.url, file, clock.now) == 1
    with owing.engine.connect() as connection:
        [row] = connection.execute(select(contacts.c.bounces, contacts.c.checked_at))
    assert tuple(row) == (0, int(clock.now.timestamp()))
    assert retired(owing) == 0
    assert Why.BOUNCED not in owing.whys().values()


def test_a_number_given_long_ago_is_as_one_never_given(owing: Employers, clock: Clock) -> None:
    with owing.engine.begin() as connection:
        connection.execute(update(contacts).values(checked_at=int(BEFORE.timestamp()) - 1))
    lose(owing, BOSS, BOUNCES, clock)
    assert retired(owing) == 1
