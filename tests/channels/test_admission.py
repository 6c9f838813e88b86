"""Too many PINs at once are turned away before they are looked at; menus, codes and repeats are not (T32)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from gateway.channels.pipeline import PINS_A_SECOND, PINS_AT_ONCE, may_be_pin
from gateway.conversation.screens import BUSY
from gateway.identity.hashing import Bucket
from gateway.installation import Installation
from gateway.text.typed import Typed
from tests.channels.conftest import Line
from tests.chat import Phone
from tests.conftest import Texts
from tests.register import Register
from tests.web.test_metrics import hops

PHONE = "+8562055500001"
ASKED = "Type your PIN of 6 numbers. No PIN yet? Type your birth date, as in 05111990:"


class Ticks:
    """A second hand that only the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks(app: Flask) -> Ticks:
    """The second hand of the gateway's door."""
    gateway: Installation = app.extensions["pakan"]
    ticks = Ticks()
    gateway.pipeline.pins = Bucket(PINS_A_SECOND, PINS_AT_ONCE, ticks)
    return ticks


TO_A_PIN = ("", "2", "2*1", "2*1*9900000009")


def flood(app: Flask, count: int, first: int = 0) -> list[str]:
    """What so many strangers hear who were asked for a PIN and type one."""
    strangers = [Line(app, f"+85620777{number:05}") for number in range(first, first + count)]
    for stranger in strangers:
        assert "PIN" in stranger.call("flood", *TO_A_PIN)[-1]
    return [stranger.hop("flood", f"{TO_A_PIN[-1]}*140714") for stranger in strangers]


def busy(app: Flask, language: str) -> str:
    gateway: Installation = app.extensions["pakan"]
    return f"END {gateway.engine.catalogues.say(language, BUSY)}"


def test_a_flood_of_pins_is_turned_away_and_menus_are_served(app: Flask, ticks: Ticks) -> None:
    heard = flood(app, int(PINS_AT_ONCE) + 20)
    assert [text == busy(app, "en") for text in heard] == [False] * int(PINS_AT_ONCE) + [True] * 20
    assert Line(app, PHONE).hop("menu", "2") != busy(app, "en")
    assert hops(app)["africastalking-ussd", "busy"] == 20
    ticks.now += 1.0
    assert flood(app, 60, first=1_000).count(busy(app, "en")) == 60 - PINS_A_SECOND


def test_who_is_turned_away_is_where_she_was(
    app: Flask, phone: Callable[..., Phone], register: Register, language: str, ticks: Ticks
) -> None:
    noy = phone(PHONE, language).says("1", "9900000009").sees(ASKED)
    flood(app, int(PINS_AT_ONCE))
    noy.says("140714")
    assert noy.ended
    assert noy.screen == busy(app, language).removeprefix("END ")
    ticks.now += 1.0
    noy.dial().says("1", "9900000009").sees(ASKED).says("140714")  # she goes on; her number was never kept
    assert not noy.ended


def test_a_repeat_gets_the_words_it_got(app: Flask, ticks: Ticks) -> None:
    line = Line(app, PHONE)
    before = line.call("call", *TO_A_PIN, f"{TO_A_PIN[-1]}*140714")[-1]
    flood(app, int(PINS_AT_ONCE))
    assert line.hop("call", f"{TO_A_PIN[-1]}*140714") == before != busy(app, "en")


def test_a_code_is_no_pin(
    app: Flask, phone: Callable[..., Phone], register: Register, texts: Texts, ticks: Ticks
) -> None:
    register.member(1, PHONE, {})
    noy = phone(PHONE, "en").says("1", "4").sees("This needs a PIN. You have none yet.").says("1")
    noy.says("9900000001", "05111990").sees("A code comes by SMS.")
    flood(app, int(PINS_AT_ONCE))
    noy.says(texts.code(PHONE))
    assert not noy.ended  # it was looked at
    assert hops(app).get(("africastalking-ussd", "busy"), 0) == 0


def test_six_digits_where_no_pin_is_asked_are_only_digits(app: Flask, ticks: Ticks) -> None:
    for number in range(int(PINS_AT_ONCE) + 5):
        assert Line(app, f"+85620777{number:05}").hop("menu", "2*140714") != busy(app, "en")


@pytest.mark.parametrize(
    ("typed", "may_be"),
    [
        ("140714", True),
        ("໑໔໐໗໑໔", True),
        ("14 07 14", True),
        ("l4O714", True),
        ("1", False),
        ("", False),
        ("05111990", False),
        ("9900000004", False),
        ("menu please", False),
        ("1" * 5_000, False),
    ],
)
def test_what_may_be_a_pin(typed: str, may_be: bool) -> None:
    assert may_be_pin(Typed(typed)) is may_be
