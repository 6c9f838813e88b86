"""Too many PINs at once are turned away before the database; menus are not (T32, the fast half of it)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from gateway.channels.pipeline import SECRETS_A_SECOND, SECRETS_AT_ONCE, may_be_secret
from gateway.conversation.screens import BUSY
from gateway.identity.hashing import Bucket
from gateway.installation import Installation
from gateway.text.typed import Typed
from tests.channels.conftest import Line
from tests.chat import Phone
from tests.register import Register
from tests.web.test_metrics import hops

PHONE = "+8562055500001"
ASKED = "This needs a PIN. You have none yet."


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
    gateway.pipeline.secrets = Bucket(SECRETS_A_SECOND, SECRETS_AT_ONCE, ticks)
    return ticks


def flood(app: Flask, count: int) -> list[str]:
    """What so many strangers hear who dial a PIN straight away."""
    return [Line(app, f"+85620777{number:05}").hop("flood", f"2*1*4*{number:06}") for number in range(count)]


def busy(app: Flask) -> str:
    gateway: Installation = app.extensions["pakan"]
    say = gateway.engine.catalogues.say
    return f"END {say('lo_Latn', BUSY)} / {say('en', BUSY)}"


def test_a_flood_of_pins_is_turned_away_and_menus_are_served(app: Flask, ticks: Ticks) -> None:
    heard = flood(app, int(SECRETS_AT_ONCE) + 20)
    assert [text == busy(app) for text in heard] == [False] * int(SECRETS_AT_ONCE) + [True] * 20
    assert Line(app, PHONE).hop("menu", "2") != busy(app)
    assert hops(app)["africastalking-ussd", "busy"] == 20
    ticks.now += 1.0
    assert flood(app, 500).count(busy(app)) == 500 - SECRETS_A_SECOND


def test_who_is_turned_away_is_where_she_was(
    app: Flask, phone: Callable[..., Phone], register: Register, language: str, ticks: Ticks
) -> None:
    register.member(1, PHONE, {})
    noy = phone(PHONE, language).says("1", "4").sees(ASKED)
    flood(app, int(SECRETS_AT_ONCE))
    noy.says("140714")
    assert noy.ended
    assert noy.screen == busy(app).removeprefix("END ")
    noy.dial().says("1").sees(ASKED)


def test_nothing_is_kept_of_who_is_turned_away(app: Flask, ticks: Ticks) -> None:
    """Neither read nor written: the database may be away."""
    gateway: Installation = app.extensions["pakan"]
    flood(app, int(SECRETS_AT_ONCE))
    gateway.pipeline.store = None  # type: ignore[assignment]
    assert flood(app, 3) == [busy(app)] * 3


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
def test_what_may_be_a_secret(typed: str, may_be: bool) -> None:
    assert may_be_secret(Typed(typed)) is may_be
