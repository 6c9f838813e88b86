"""She asks for a text a month on her phone, says how much it may tell, and gets it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from gateway.text.values import Month
from tests.chat import Phone
from tests.conftest import Clock, Texts
from tests.flows.test_sign_in import gets_a_pin
from tests.register import Register, paid

Handset = Callable[..., Phone]

NOY, KEO = "+8562020000001", "+8562020000002"
PAID = paid(Month(2026, 5), Month(2026, 10))
MENU = (
    "Each month LSSO can text you whether your month is paid. "
    "If others use this phone, it says only that you have a notice."
)
TOLD = "Monthly text to this phone: %(alerts)s. To end it write STOP. If you wrote STOP before, write START."
LINE = "Monthly text: %(alerts)s"


@pytest.fixture
def send(app: Flask) -> Callable[[], str]:
    """The scheduler comes by."""
    return lambda: app.test_cli_runner().invoke(args=["alerts", "send", "--yes"]).output


@pytest.fixture
def noy(phone: Handset, register: Register, texts: Texts, language: str) -> Phone:
    """Noy, whose October is paid, with her privacy before her."""
    register.member(1, NOY, PAID)
    noy = phone(NOY, language).says("4", "3")
    gets_a_pin(noy, texts)
    return noy.sees("Privacy on this phone. Choose to change:")


def test_it_is_off_until_she_asks(noy: Phone, texts: Texts, send: Callable[[], str]) -> None:
    noy.sees(LINE, alerts=noy.spoken("no"))
    before = len(texts.to(NOY))
    assert send().startswith("0 texts in the outbox")
    assert len(texts.to(NOY)) == before


def test_she_is_told_in_full_and_once(noy: Phone, texts: Texts, clock: Clock, send: Callable[[], str]) -> None:
    noy.says("3").sees(MENU).says("1").sees(TOLD, alerts=noy.spoken("in full"))
    before = len(texts.to(NOY))
    clock.moves(minutes=1)
    assert send().startswith("1 text in the outbox")
    told = (
        noy.spoken("LSSO: your contributions for %(month)s are paid.", month="10/2026"),
        noy.spoken("Right to treatment until %(until)s.", until="31/01/2027"),
        noy.spoken("No more: STOP"),
    )
    assert texts.to(NOY)[before:] == [" ".join(told)]
    assert send().startswith("0 texts in the outbox")
    noy.dial().says("2", "3", "1", "1").sees("LSSO: your contributions for %(month)s are paid.", month="10/2026")


def test_a_phone_that_others_use_is_told_only_that_there_is_a_notice(
    noy: Phone, texts: Texts, clock: Clock, send: Callable[[], str]
) -> None:
    noy.says("3", "1", "0", "0", "2").sees(LINE, alerts=noy.spoken("only a notice"))
    noy.says("3", "1").sees(TOLD, alerts=noy.spoken("only a notice"))  # nor does it help to insist
    clock.moves(days=9)
    assert send().startswith("1 text in the outbox")
    assert "10/2026" not in texts.last(NOY)
    assert "*1508#" in texts.last(NOY)


def test_always_ask_my_pin_holds_for_texts_too(noy: Phone) -> None:
    noy.says("3", "1", "0", "0", "1").sees(LINE, alerts=noy.spoken("only a notice"))


def test_a_phone_of_two_is_told_the_truth_of_what_it_will_get(
    noy: Phone, register: Register, language: str
) -> None:
    register.member(2, NOY, PAID)
    noy.says("3", "1").sees(TOLD, alerts=noy.spoken("only a notice"))


def test_she_ends_it_where_she_began_it(noy: Phone, texts: Texts, send: Callable[[], str]) -> None:
    noy.says("3", "1", "0").sees(MENU).says("3").sees(LINE, alerts=noy.spoken("no"))
    assert send().startswith("0 texts in the outbox")


def test_without_a_pin_nobody_asks_for_it(phone: Handset, register: Register, language: str) -> None:
    register.member(1, NOY, PAID)
    phone(NOY, language).says("4", "3").sees("This needs a PIN. You have none yet.")


def test_it_outlives_a_new_proof_and_not_a_new_phone(
    phone: Handset, register: Register, texts: Texts, clock: Clock, send: Callable[[], str]
) -> None:
    register.member(1, NOY, PAID)
    noy = phone(NOY, "en").says("4", "3")
    gets_a_pin(noy, texts)
    noy.says("3", "1")
    clock.moves(days=46)  # the number may be another's by now
    assert send().startswith("0 texts in the outbox")
    noy.dial("1").says("9900000001", "05111990")  # it is still hers
    assert "1 text in the outbox" in send()
