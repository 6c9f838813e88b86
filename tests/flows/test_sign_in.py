"""Who is calling: proved once from her own phone, asked again only for more; and nothing for anybody else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app import create_app
from gateway.text.values import Month
from tests.chat import Phone
from tests.conftest import TOKEN, Clock, Texts
from tests.register import Register, paid, social

Handset = Callable[..., Phone]

NOY, KEO, OTHER = "+8562020000001", "+8562020000002", "+8562020000099"
BIRTH_DATE, WRONG_DATE = "05111990", "06111990"
SUMMARY = "%(paid)s of the last 12 months are paid. Last paid: %(last)s."
NUMBER = "Type your social security number:"
SECRET = "Type your PIN of 6 numbers. No PIN yet? Type your birth date, as in 05111990:"
CLOSED = (
    "Nothing can be shown. Check the number and try again; after many tries wait 15 minutes or longer. "
    "If they are right, LSSO will register this phone: bring your card. Hotline %(hotline)s."
)
PIN = "Type your PIN of 6 numbers:"
CODE = "A code comes by SMS. Type its 6 numbers:"
AMOUNTS = "Paid for you in the last 12 months:"
TWO_MONTHS = paid(Month(2026, 9), Month(2026, 10))


def gets_a_pin(handset: Phone, texts: Texts, number: int = 1) -> str:
    """From the question that needs one to the PIN, typed back; the handset stands where she wanted to go."""
    handset.says("1").sees(NUMBER)  # "Get a PIN"
    handset.says(social(number)).says(BIRTH_DATE).sees(CODE)
    handset.says(texts.code(handset.number))
    pin = handset.digits()
    handset.says(pin)
    return pin


def test_once_bound_her_phone_is_enough(phone: Handset, register: Register, language: str) -> None:
    register.member(1, NOY, TWO_MONTHS, bound=False)
    noy = phone(NOY, language).says("1").sees(NUMBER)
    noy.says(social(1)).sees(SECRET)
    noy.says(BIRTH_DATE).sees(SUMMARY, paid=2, last="10/2026")
    noy.says("0").sees("My contributions")  # the questions are no way back
    noy.dial().says("00", "1").sees(SUMMARY, paid=2, last="10/2026")
    noy.dial().says("00", "2").sees("No right to treatment yet. Paid months still needed: %(short)s.", short=1)


def test_whoever_is_not_shown_anything_reads_the_same_words(
    phone: Handset, register: Register, language: str, clock: Clock
) -> None:
    """Unknown, of another phone, of no phone, asleep, with a wrong number, date or PIN: same path, same words."""
    register.member(1, NOY, TWO_MONTHS)
    register.member(2, KEO, TWO_MONTHS, bound=False)
    register.member(3, None, TWO_MONTHS)
    screens = []
    for number, whose, secret in (
        (OTHER, social(9), BIRTH_DATE),
        (OTHER, social(1), BIRTH_DATE),
        (OTHER, social(3), BIRTH_DATE),
        (OTHER, social(1), "482913"),
        (KEO, social(2), WRONG_DATE),
        (KEO, social(2), "482913"),
        (KEO, "0002", BIRTH_DATE),
        (KEO, social(1), BIRTH_DATE),
    ):
        handset = phone(number, language).dial("1")
        asked = handset.sees(NUMBER).screen
        handset.says(whose).sees(SECRET)
        screens.append((asked, handset.says(secret).sees(CLOSED, hotline="1508").screen))
    clock.moves(days=46)
    asleep = phone(NOY, language).dial("1").sees(NUMBER)
    screens.append((asleep.screen, asleep.says(social(1), "482913").sees(CLOSED, hotline="1508").screen))
    assert len(set(screens)) == 1


def test_a_binding_sleeps_after_45_days_and_wakes_by_a_proof(
    phone: Handset, register: Register, clock: Clock
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, "en").says("1").sees(SUMMARY, paid=2, last="10/2026")
    clock.moves(days=44, hours=23, minutes=59)
    noy.dial("1").sees(SUMMARY, paid=2, last="10/2026")
    clock.moves(minutes=1)
    noy.dial("1").sees(NUMBER).says(social(1), BIRTH_DATE).sees(SUMMARY, paid=2, last="10/2026")
    clock.moves(days=44)
    noy.dial("1").sees(SUMMARY, paid=2, last="10/2026")


def test_a_pin_comes_after_two_proofs_and_opens_the_amounts(
    phone: Handset, register: Register, texts: Texts, language: str
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, language).says("1", "4").sees("This needs a PIN. You have none yet.")
    pin = gets_a_pin(noy, texts)
    noy.sees(AMOUNTS)  # where she wanted to go
    assert "10/2026" in noy.reading()
    assert {"en": "287,500 kip", "lo": "287.500 ກີບ", "lo_Latn": "287.500 kip"}[language] in noy.reading()
    assert noy.spoken("Your LSSO PIN was set. Not you? Call %(hotline)s.", hotline="1508") in texts.last(NOY)
    noy.dial().says("00", "1", "4").sees(PIN).says(pin).sees(AMOUNTS)


def test_a_pin_that_is_not_typed_back_is_not_set(phone: Handset, register: Register, texts: Texts) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, "en").says("1", "4", "1", social(1), BIRTH_DATE, texts.later(NOY))
    shown = noy.digits()
    noy.says("000000" if shown != "000000" else "000001")
    noy.sees("That was not the same PIN. It is not set.")
    noy.dial().says("00", "1", "4").sees("This needs a PIN. You have none yet.")


def test_a_pin_of_her_own_only_where_it_may_be_chosen_and_is_not_easily_guessed(
    gateway_url: str, register: Register, texts: Texts, clock: Clock, tmp_path: Path, language: str
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    config = {"database_url": gateway_url, "keys_dir": tmp_path / "keys", "webhook_tokens": (TOKEN,)}
    app = create_app({**config, "hotline": "1508", "pin_choice": True}, clock=clock, carriers=(texts,))
    texts.of(app)
    noy = Phone(app, NOY, language).says("1", "4", "1", social(1), BIRTH_DATE, texts.later(NOY))
    noy.sees("Choose a PIN of 6 numbers that nobody can guess:")
    for weak in ("123456", "051190", "900511", "202000", "990000"):  # a run, her birthday, her phone, her number
        noy.says(weak).sees("Too easy to guess.").says("1")
    noy.says("482913").sees("Type the same PIN again:").says("482914")
    noy.sees("That was not the same PIN. It is not set.").says("1", "482913", "482913").sees(AMOUNTS)
    noy.dial().says("00", "1", "4", "482913").sees(AMOUNTS)


def test_five_wrong_pins_lock_for_a_quarter_of_an_hour(
    phone: Handset, register: Register, texts: Texts, clock: Clock, language: str
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, language).says("1", "4")
    pin = gets_a_pin(noy, texts)
    wrong = "111111" if pin != "111111" else "222222"
    noy.dial().says("00", "1", "4")
    for _try in range(5):
        noy.says(wrong).sees("This PIN does not open. After 5 wrong ones wait 15 minutes or longer.").says("1")
    locked = noy.says(pin).screen
    noy.sees("This PIN does not open. After 5 wrong ones wait 15 minutes or longer.")
    clock.moves(minutes=14)
    assert noy.dial("1*4").says(pin).screen == locked
    clock.moves(minutes=2)
    noy.dial("1*4").says(pin).sees(AMOUNTS)


def test_a_shared_phone_tells_its_members_apart_and_shows_none_to_the_other(
    phone: Handset, register: Register, texts: Texts, language: str
) -> None:
    register.member(1, NOY, paid(Month(2025, 11), Month(2026, 10)))
    noy = phone(NOY, language).says("1", "4")
    pin = gets_a_pin(noy, texts)
    register.member(2, NOY, paid(Month(2026, 5), Month(2026, 6)))
    noy.dial().sees("Lao ABC")  # nothing is remembered, not even a language
    noy.says(noy.language_key, "1").sees(NUMBER)
    noy.says("໐໐໐໑").sees(SECRET)  # Lao digits are digits, and the last four are enough on her phone
    noy.says(pin).sees(SUMMARY, paid=12, last="10/2026")
    noy.says("00", "1").sees(NUMBER)  # the main menu forgets who was shown
    noy.says("0001").says(BIRTH_DATE).sees(CLOSED, hotline="1508")  # her sister knows when she was born
    noy.says("00", "1", social(1), BIRTH_DATE).sees(CLOSED, hotline="1508")
    noy.says("00", "1", social(2), BIRTH_DATE).sees(SUMMARY, paid=2, last="06/2026")
    noy.says("00", "2", "0002", pin).sees(CLOSED, hotline="1508")


def test_always_ask_my_pin(phone: Handset, register: Register, texts: Texts, clock: Clock, language: str) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, language).says("4", "3")
    pin = gets_a_pin(noy, texts)
    noy.sees("Privacy on this phone. Choose to change:").says("1")
    noy.sees("Always ask my PIN: %(asks_pin)s", asks_pin=noy.spoken("yes"))
    clock.moves(minutes=11)
    noy.dial().says("1").sees(NUMBER)
    noy.says(social(1), BIRTH_DATE).sees(CLOSED, hotline="1508")
    noy.says("00", "1", "0001", pin).sees(SUMMARY, paid=2, last="10/2026")
    clock.moves(days=46)
    noy.dial().says("1", social(1), BIRTH_DATE).sees(PIN)  # awake again, and still asked
    noy.says(pin).sees(SUMMARY, paid=2, last="10/2026")


def test_shared_phone_mode_remembers_nothing(phone: Handset, register: Register, texts: Texts) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, "en").says("4", "3")
    pin = gets_a_pin(noy, texts)
    noy.says("2").sees("Others use it too: %(shared)s", shared="yes")
    noy.dial().sees("Lao ABC").says("2", "1").sees(NUMBER).says("0001", pin).sees(SUMMARY, paid=2, last="10/2026")
    noy.dial().sees("Lao ABC")  # a cut call is offered to nobody


def test_she_sees_who_looked(phone: Handset, register: Register, language: str, clock: Clock) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, language).says("4", "4").sees("Nobody has looked at your record.")
    noy.says("00", "1", "00", "4", "4").sees("Who looked at your record:")
    assert f"23/11/2026 12:00 {noy.spoken('this phone')}" in noy.reading()
    for _look in range(7):
        clock.moves(minutes=1)
        noy.says("00", "1")
    noy.says("00", "4", "4")
    assert noy.reading().count("23/11/2026") == 5
    assert "12:07" in noy.reading()
    assert "12:02" not in noy.reading()


def test_her_number_moves_after_two_days_and_an_announcement(
    phone: Handset, register: Register, texts: Texts, clock: Clock, language: str
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, language).says("1", "4")
    pin = gets_a_pin(noy, texts)
    clock.moves(minutes=11)
    noy.dial().says("4", "5").sees(PIN).says(pin).sees(CODE)
    noy.says(texts.code(NOY)).sees("Type your new phone number:").says("02020000099")
    noy.sees("Your number changes on %(day)s. Sign in from the new phone after that.", day="25/11/2026")
    assert "25/11/2026" in texts.last(NOY)
    new = phone(OTHER, language).says("1", social(1), BIRTH_DATE).sees(CLOSED, hotline="1508")
    clock.moves(days=2)
    new.dial("1").says(social(1), BIRTH_DATE).sees(SUMMARY, paid=2, last="10/2026")
    noy.dial("1").sees(NUMBER)  # the old one sleeps


def test_a_change_of_number_can_be_stopped_from_the_old_one(
    phone: Handset, register: Register, texts: Texts, clock: Clock
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, "en").says("1", "4")
    pin = gets_a_pin(noy, texts)
    clock.moves(minutes=11)
    noy.dial().says("4", "5", pin, texts.later(NOY), "02020000099")
    clock.moves(days=1)
    noy.dial().says("4", "5", pin, texts.later(NOY)).sees("Your number changes on %(day)s.", day="25/11/2026")
    noy.says("1").sees("The change is stopped. Your number stays as it is.")
    clock.moves(days=2)
    phone(OTHER, "en").says("1", social(1), BIRTH_DATE).sees(CLOSED, hotline="1508")


@pytest.mark.parametrize("typed", ["1", "12345", "1234567", "482*913", "abcdef", "99999999", "31021990"])
def test_what_is_no_secret_is_asked_again_and_charged_to_nobody(
    phone: Handset, register: Register, typed: str
) -> None:
    register.member(1, NOY, TWO_MONTHS, bound=False)
    noy = phone(NOY, "en").says("1", social(1))
    for _try in range(7):
        noy.says(typed).sees("Please type 6 numbers, or a date as in 05111990.")
    noy.says(BIRTH_DATE).sees(SUMMARY, paid=2, last="10/2026")


def test_birth_dates_cannot_be_tried_all_day(phone: Handset, register: Register, clock: Clock) -> None:
    register.member(1, NOY, TWO_MONTHS, bound=False)
    noy = phone(NOY, "en")
    for day in range(1, 6):
        noy.dial("1").says(social(1), f"{day:02d}011990").sees(CLOSED, hotline="1508")
    noy.dial("1").says(social(1), BIRTH_DATE).sees(CLOSED, hotline="1508")
    clock.moves(days=1)
    noy.dial("1").says(social(1), BIRTH_DATE).sees(SUMMARY, paid=2, last="10/2026")


def test_no_more_than_five_members_a_number(phone: Handset, register: Register) -> None:
    for number in range(1, 7):
        register.member(number, NOY, TWO_MONTHS, bound=number < 6)
    noy = phone(NOY, "en").says("1", social(6), BIRTH_DATE).sees(CLOSED, hotline="1508")
    assert [case.kind for case in noy.gateway.office.cases()] == ["binding"]
