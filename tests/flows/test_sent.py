"""The texts she can verify by dialling: her own, on this phone, since it has been hers; nobody else's, ever."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from sqlalchemy import create_engine, text

from gateway.identity.bindings import BINDING_DAYS
from gateway.installation import Installation
from gateway.storage.keys import Keys, rotate
from gateway.storage.renewal import Renewal
from gateway.text.values import Month
from tests.chat import Phone
from tests.conftest import Clock, Texts
from tests.flows.test_sign_in import BIRTH_DATE, NOY, NUMBER, SUMMARY, gets_a_pin
from tests.register import Register, paid, social

Handset = Callable[..., Phone]

YEAR, TWO_MONTHS = paid(Month(2025, 11), Month(2026, 10)), paid(Month(2026, 5), Month(2026, 6))
LETTERS = "Texts LSSO sent you about your record. One that is not here is not ours:"
NOTHING = "LSSO sent you no text about your record lately. A text that says so is not ours: call %(hotline)s."
HERS = "LSSO: 12 of your last 12 months are paid"


def test_a_new_owner_of_a_number_reads_none_of_the_texts_of_the_one_before(
    phone: Handset, register: Register, texts: Texts, clock: Clock, gateway_url: str
) -> None:
    register.member(1, NOY, YEAR)
    phone(NOY, "en").says("1", "5")
    assert texts.last(NOY).startswith(HERS)
    clock.moves(days=BINDING_DAYS + 1)
    register.member(2, NOY, TWO_MONTHS, bound=False)  # the office writes the number to her row
    with create_engine(gateway_url).begin() as connection:
        connection.execute(text("UPDATE members SET msisdn = NULL WHERE id = 1"))
    keo = phone(NOY, "en").dial("3*1").sees(NUMBER)
    keo.says(social(2), BIRTH_DATE).sees(NOTHING, hotline="1508")
    keo.dial().says("2", "1", social(2), BIRTH_DATE, "5")
    assert len(texts.to(NOY)) == 2
    keo.dial().says("2", "3", "1", social(2), BIRTH_DATE).sees(LETTERS)
    assert keo.screen.count("/2027") == 1
    keo.says("1").sees("LSSO: 2 of your last 12 months are paid")  # her own


def test_members_of_one_phone_read_each_their_own(
    phone: Handset, register: Register, texts: Texts, clock: Clock
) -> None:
    register.member(1, NOY, YEAR)
    noy = phone(NOY, "en").says("1", "4")
    pin = gets_a_pin(noy, texts)
    register.member(2, NOY, TWO_MONTHS)
    clock.moves(minutes=1)
    noy.dial().says("2", "1", "0001", pin).sees(SUMMARY, paid=12, last="10/2026").says("5")
    assert texts.last(NOY).startswith(HERS)
    noy.dial().says("2", "3", "1").sees(NUMBER)
    noy.says(social(2), BIRTH_DATE).sees(NOTHING, hotline="1508")
    clock.moves(days=1)  # she proves herself again: what this phone got for her before is hers still
    noy.dial().says("2", "3", "1", "0001", pin).sees(LETTERS)
    assert noy.screen.count("23/11/2026") == 2
    noy.says("1").sees("Your LSSO PIN was set. Not you? Call %(hotline)s.", hotline="1508").says("0", "2").sees(
        HERS
    )


def test_nobody_reads_what_came_before_her_binding_was_woken(
    phone: Handset, register: Register, texts: Texts, clock: Clock
) -> None:
    """Somebody else may have had this number meanwhile, and asked for texts in her name."""
    register.member(1, NOY, YEAR)
    phone(NOY, "en").says("1", "5")
    assert texts.last(NOY).startswith(HERS)
    clock.moves(days=BINDING_DAYS)
    noy = phone(NOY, "en").dial("3*1").sees(NUMBER)
    noy.says(social(1), BIRTH_DATE).sees(NOTHING, hotline="1508")
    noy.dial().says("2", "1", "5")
    assert len(texts.to(NOY)) == 2
    noy.dial().says("2", "3", "1").sees(LETTERS)
    assert noy.screen.count("/2027") == 1


def test_for_whom_a_text_is_stays_sealed_and_outlives_its_keys(
    app: Flask, phone: Handset, register: Register, texts: Texts, gateway_url: str
) -> None:
    gateway: Installation = app.extensions["pakan"]
    register.member(864209, NOY, YEAR)
    noy = phone(NOY, "en").says("1", "5")
    assert len(texts.to(NOY)) == 1
    engine = create_engine(gateway_url)
    with engine.connect() as connection:
        [row] = connection.execute(text("SELECT * FROM outbox")).all()
    assert "864209" not in str(row)
    for key in ("index", "data"):
        rotate(gateway.keys.directory, key)
    Renewal(engine, Keys(gateway.keys.directory)).run()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT member FROM outbox")).scalar_one().startswith("2.")
    engine.dispose()
    noy.dial().says("2", "3", "1").sees(LETTERS)
