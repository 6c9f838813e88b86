"""Ten wrong PINs void a PIN. Where her phone is guarded by it, what is left is the office, and no birth date."""

from __future__ import annotations

import pytest

from gateway.identity.pins import TRIES_MAX
from tests.chat import Phone
from tests.conftest import Clock, Texts
from tests.flows.test_sign_in import (
    AMOUNTS,
    BIRTH_DATE,
    CLOSED,
    NOY,
    NUMBER,
    OTHER,
    PIN,
    SUMMARY,
    TWO_MONTHS,
    Handset,
    gets_a_pin,
)
from tests.register import Register, social

OFFICER = "officer@example.la"
OF_ITS_OWN = {"always ask my PIN": "1", "others use it too": "2"}
GUARDS = [*OF_ITS_OWN, "two members"]


def redials(handset: Phone) -> Phone:
    """To the main menu, which a shared phone reaches by its language."""
    handset.dial()
    return handset.says(handset.language_key if "Lao ABC" in handset.screen else "00")


def guesses(handset: Phone, pin: str, clock: Clock) -> None:
    """Ten wrong PINs, each as soon as the locks allow."""
    for _try in range(TRIES_MAX):
        redials(handset).says("1", "0001", "111111" if pin != "111111" else "222222")
        clock.moves(days=1)


def cases(handset: Phone) -> list[tuple[str, str]]:
    return [(case.kind, case.member) for case in handset.gateway.office.cases()]


@pytest.mark.parametrize("guard", GUARDS)
def test_on_a_guarded_phone_only_the_office_lets_a_new_pin_be_made(
    phone: Handset, register: Register, texts: Texts, clock: Clock, guard: str, language: str
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, language).says("4", "3")
    pin = gets_a_pin(noy, texts)
    if guard in OF_ITS_OWN:
        noy.says(OF_ITS_OWN[guard])
    else:
        register.member(2, NOY, TWO_MONTHS)
    guesses(noy, pin, clock)
    before = len(texts.to(NOY))
    for _time in range(2):
        redials(noy).says("1").sees(NUMBER).says(social(1), BIRTH_DATE).sees(CLOSED, hotline="1508")
        redials(noy).says("1", "4").sees(NUMBER).says(social(1), BIRTH_DATE).sees(CLOSED, hotline="1508")
    assert cases(noy) == [("pin", "1")]
    assert len(texts.to(NOY)) == before  # and no code
    if guard == "two members":
        redials(noy).says("1", social(2), BIRTH_DATE).sees(SUMMARY, paid=2, last="10/2026")
    [case] = noy.gateway.office.cases()
    noy.gateway.office.approve(case.id, OFFICER)
    clock.moves(days=1)
    redials(noy).says("1", social(1), BIRTH_DATE).sees(SUMMARY, paid=2, last="10/2026")
    noy.says("4", "1", texts.later(NOY))
    fresh = noy.digits()
    noy.says(fresh).sees(AMOUNTS)
    redials(noy).says("1", social(1), BIRTH_DATE).sees(CLOSED, hotline="1508")  # guarded again
    redials(noy).says("1", "0001", fresh).sees(SUMMARY, paid=2, last="10/2026")


def test_a_case_that_was_refused_opens_nothing(
    phone: Handset, register: Register, texts: Texts, clock: Clock
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, "en").says("4", "3")
    pin = gets_a_pin(noy, texts)
    noy.says("1")
    guesses(noy, pin, clock)
    redials(noy).says("1", social(1), BIRTH_DATE)
    [case] = noy.gateway.office.cases()
    noy.gateway.office.refuse(case.id, OFFICER)
    clock.moves(minutes=1)
    redials(noy).says("1", social(1), BIRTH_DATE).sees(CLOSED, hotline="1508")
    assert cases(noy) == [("pin", "1")]  # she may ask again


def test_a_pin_guessed_at_on_one_phone_leaves_the_other_guarded(
    phone: Handset, register: Register, texts: Texts, clock: Clock
) -> None:
    """Her number has moved and the register has the old phone still, where her PIN is always asked."""
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, "en").says("4", "3")
    pin = gets_a_pin(noy, texts)
    noy.says("1")
    register.bind(OTHER, 1)
    other = phone(OTHER, "en")
    for _try in range(TRIES_MAX):
        redials(other).says("1", "4").sees(PIN).says("111111" if pin != "111111" else "222222")
        clock.moves(days=1)
    redials(noy).says("1", social(1), BIRTH_DATE).sees(CLOSED, hotline="1508")
    assert cases(noy) == [("pin", "1")]


def test_on_a_phone_of_her_own_her_birth_date_and_a_code_make_a_new_one(
    phone: Handset, register: Register, texts: Texts, clock: Clock
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, "en").says("1", "4")
    pin = gets_a_pin(noy, texts)
    for _try in range(TRIES_MAX):
        redials(noy).says("1", "4").sees(PIN).says("111111" if pin != "111111" else "222222")
        clock.moves(days=1)
    redials(noy).says("1", social(1), BIRTH_DATE).sees(SUMMARY, paid=2, last="10/2026")
    noy.says("4", "1", texts.later(NOY))
    noy.says(noy.digits()).sees(AMOUNTS)
    assert cases(noy) == []
