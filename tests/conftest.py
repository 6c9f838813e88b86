"""What every test may use: a gateway on a database of its own, a clock that stands still, a register to fill."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from gateway.installation import Installation
from gateway.outbox.port import Message, NotThere, Outcome, Sent
from gateway.outbox.rounds import drain
from gateway.storage.schema import upgrade
from gateway.text.catalogue import LANGUAGES
from tests.chat import Phone
from tests.register import Register

pytest_plugins = ["tests.postgres"]

TOKEN = "synthetic-token-0123456789"
NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)  # noon in Vientiane; October is not due until the 30th


class Clock:
    """A clock that only tests move."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def moves(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    def is_at(self, day: date) -> None:
        self.now = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)


class Texts:
    """An operator that takes every SMS; what was sent, phone by phone, once the outbox is emptied."""

    finds = True

    def __init__(self, name: str = "texts") -> None:
        self.name = name
        self._refs: dict[str, tuple[str, str]] = {}
        self._apps: list[Flask] = []

    def of(self, app: Flask) -> Flask:
        """Carry what is due in this gateway whenever a text is asked for."""
        self._apps.append(app)
        return app

    def send(self, message: Message) -> Outcome:
        self._refs[message.ref] = (message.msisdn, message.text)
        return Sent(message.ref)

    def find(self, ref: str) -> Sent | NotThere:
        return Sent(ref) if ref in self._refs else NotThere()

    @property
    def sent(self) -> list[tuple[str, str]]:
        for app in self._apps:
            gateway: Installation = app.extensions["pakan"]
            drain(gateway.sender, gateway.reaper)
        return list(self._refs.values())

    def last(self, number: str) -> str:
        return [text for msisdn, text in self.sent if msisdn == number][-1]

    def to(self, number: str) -> list[str]:
        """Everything that went to this phone, oldest first."""
        return [text for msisdn, text in self.sent if msisdn == number]

    def code(self, number: str) -> str:
        """The code in the last text to this phone that holds one."""
        codes = [code for text in self.to(number) for code in re.findall(r"\b\d{6}\b", text)]
        return str(codes[-1])

    def later(self, number: str) -> Callable[[], str]:
        """The code that will be in the last text when it is typed."""
        return lambda: self.code(number)


@pytest.fixture
def texts() -> Texts:
    return Texts()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gateway_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'pakan.db'}"
    upgrade(url, {"store", "register"})
    return url


@pytest.fixture
def app(gateway_url: str, clock: Clock, tmp_path: Path, texts: Texts) -> Flask:
    app = create_app(
        {
            "database_url": gateway_url,
            "keys_dir": tmp_path / "keys",
            "webhook_tokens": (TOKEN,),
            "hotline": "1508",
            "bulk_pace": 10**6,  # the clock stands still while texts leave
            "holdout_percent": 0,  # every employer that owes is texted, but where a test holds some out
        },
        clock=clock,
        carriers=(texts,),
    )
    return texts.of(app)


@pytest.fixture
def register(gateway_url: str, tmp_path: Path) -> Iterator[Register]:
    register = Register(gateway_url, tmp_path / "keys")
    yield register
    register.close()


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def phone(app: Flask) -> Callable[..., Phone]:
    """`phone("+85620...", language="lo")`: a handset of this gateway; with a language it has already chosen."""

    def handset(number: str = "+8562020000001", language: str | None = None) -> Phone:
        return Phone(app, number, language)

    return handset
