"""The index key is rotated amid what identity does: what was begun under the older one is found and goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import update

from gateway.identity.codes import LIFE_MINUTES, LIMITS
from gateway.identity.doorkeeper import BIRTH_DATES_A_DAY, EMPLOYER_CODES_A_DAY, Doorkeeper
from gateway.identity.port import Sending
from gateway.installation import Installation
from gateway.storage.keys import Keys, rotate
from gateway.storage.renewal import Renewal, needing
from gateway.storage.schema import upgrade
from gateway.storage.tables import bindings
from tests.channels.conftest import rows
from tests.conftest import Clock, Texts
from tests.faults import hang_up
from tests.flows.test_sign_in import (
    AMOUNTS,
    BIRTH_DATE,
    CLOSED,
    NOY,
    NUMBER,
    OTHER,
    SUMMARY,
    TWO_MONTHS,
    Handset,
    gets_a_pin,
)
from tests.register import NOON_SECONDS, Register, social

WORDING = "%(code)s, %(minutes)s"
OFFICER = "officer@example.la"


@pytest.fixture
def gateway_url(database_url: str) -> str:
    """Either database."""
    upgrade(database_url, {"store", "register"})
    return database_url


@pytest.fixture
def gateway(app: Flask) -> Iterator[Installation]:
    yield app.extensions["pakan"]
    hang_up(app)


@pytest.fixture
def keeper(gateway: Installation) -> Doorkeeper:
    keeper: Doorkeeper = gateway.pipeline.ask.identity
    return keeper


def rotates(gateway: Installation) -> None:
    rotate(gateway.keys.directory, "index")
    assert gateway.keys.look_again()


def test_a_swapped_card_is_put_to_sleep(gateway: Installation, phone: Handset, register: Register) -> None:
    """By a command that knows the newer key from the start, and by a process that does not yet."""
    register.member(1, NOY, TWO_MONTHS)
    rotates(gateway)
    assert gateway.office.sleep(NOY, OFFICER) == 1
    phone(NOY, "en").says("1").sees(NUMBER).says(social(1), BIRTH_DATE).sees(SUMMARY, paid=2, last="10/2026")
    rotate(gateway.keys.directory, "index")
    Renewal(register.engine, Keys(gateway.keys.directory)).run()
    assert gateway.office.sleep(NOY, OFFICER) == 1
    phone(NOY, "en").says("1").sees(NUMBER)


def test_a_code_sent_before_opens_once(
    gateway: Installation, phone: Handset, register: Register, texts: Texts
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, "en").says("1", "4", "1", social(1), BIRTH_DATE)
    code = texts.code(NOY)
    rotates(gateway)
    noy.says(code)
    noy.says(noy.digits()).sees(AMOUNTS)
    noy.dial("1*4")
    assert not gateway.pipeline.ask.identity.check_code(NOY, "sign in", code)


def test_codes_are_limited_across_it(
    gateway: Installation, keeper: Doorkeeper, gateway_url: str, clock: Clock
) -> None:
    def send() -> Sending:
        return keeper.send_code(NOY, "sign in", WORDING)

    assert send() is Sending.SENT
    rotates(gateway)
    assert send() is Sending.WAIT
    for _send in range(LIMITS[0][1] - 1):
        clock.moves(minutes=1)
        assert send() is Sending.SENT
        rotates(gateway)
    clock.moves(minutes=1)
    assert send() is Sending.WAIT
    assert len(rows(gateway_url, "SELECT caller FROM codes")) == 1  # and each took the place of the last


def test_a_pin_that_was_shown_before_is_hers_when_she_types_it_back(
    gateway: Installation, phone: Handset, register: Register, texts: Texts
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, "en").says("1", "4", "1", social(1), BIRTH_DATE, texts.later(NOY))
    rotates(gateway)
    noy.says(noy.digits()).sees(AMOUNTS)


def test_birth_dates_are_limited_across_it(gateway: Installation, phone: Handset, register: Register) -> None:
    register.member(1, NOY, TWO_MONTHS, bound=False)
    noy = phone(NOY, "en")
    for day in range(1, BIRTH_DATES_A_DAY + 1):
        noy.dial("1").says(social(1), f"{day:02d}011990").sees(CLOSED, hotline="1508")
        rotates(gateway)
    noy.dial("1").says(social(1), BIRTH_DATE).sees(CLOSED, hotline="1508")


@pytest.mark.parametrize("by_text", [False, True])
def test_codes_of_employers_are_limited_across_it(
    gateway: Installation, keeper: Doorkeeper, register: Register, by_text: bool
) -> None:
    code = register.contact(NOY)
    for _wrong in range(EMPLOYER_CODES_A_DAY):
        assert not keeper.speaks_for(NOY, "99999-99", by_text)
    rotates(gateway)
    assert not keeper.speaks_for(NOY, code, by_text)
    assert keeper.speaks_for(NOY, code, not by_text)


def test_a_change_of_number_that_was_announced_before_takes_effect(
    gateway: Installation, phone: Handset, register: Register, texts: Texts, clock: Clock
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, "en").says("1", "4")
    pin = gets_a_pin(noy, texts)
    clock.moves(minutes=11)
    noy.dial().says("4", "5", pin, texts.later(NOY), "02020000099")
    rotates(gateway)
    clock.moves(days=2)
    phone(OTHER, "en").says("1", social(1), BIRTH_DATE).sees(SUMMARY, paid=2, last="10/2026")


def test_her_own_looks_stay_her_own(gateway: Installation, phone: Handset, register: Register) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, "en").says("1")
    rotates(gateway)
    noy.says("00", "4", "4").sees("Who looked at your record:")
    assert "23/11/2026 12:00 this phone" in noy.reading()


@pytest.mark.parametrize("called", [True, False])
def test_a_case_of_before_binds_her_phone_as_it_is_known_now(
    gateway: Installation, phone: Handset, register: Register, gateway_url: str, called: bool
) -> None:
    """If she has called since, she was moved to the newer key; the case was not. What she chose is kept."""
    register.member(1, OTHER, TWO_MONTHS, bound=False)
    register.bind(NOY, 1, proved_at=0)
    with register.engine.begin() as connection:
        connection.execute(update(bindings).values(asks_pin=True))
    noy = phone(NOY, "en").says("1", social(1), BIRTH_DATE).sees(CLOSED, hotline="1508")
    rotates(gateway)
    if called:
        noy.dial()
    [case] = gateway.office.cases()
    gateway.office.approve(case.id, OFFICER)
    assert rows(gateway_url, "SELECT proved_at, asleep, asks_pin FROM bindings") == [(NOON_SECONDS, False, True)]


def test_the_older_key_is_needed_as_long_as_codes_that_it_names_count(
    gateway: Installation, keeper: Doorkeeper, register: Register, clock: Clock
) -> None:
    keeper.send_code(NOY, "sign in", WORDING)
    rotates(gateway)
    needed = needing(register.engine, gateway.keys, int(clock().timestamp()))
    assert needed["index"][1]["codes"] == 1
    clock.moves(days=1, minutes=LIFE_MINUTES)
    needed = needing(register.engine, gateway.keys, int(clock().timestamp()))
    assert "codes" not in needed["index"][1]
