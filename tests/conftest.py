"""What every test may use: a gateway on a database of its own, a clock that stands still, a register to fill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
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


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gateway_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'pakan.db'}"
    upgrade(url, {"store", "register"})
    return url


@pytest.fixture
def app(gateway_url: str, clock: Clock, tmp_path: Path) -> Flask:
    return create_app(
        {
            "database_url": gateway_url,
            "keys_dir": tmp_path / "keys",
            "webhook_tokens": (TOKEN,),
            "hotline": "1508",
        },
        clock=clock,
    )


@pytest.fixture
def register(gateway_url: str) -> Iterator[Register]:
    register = Register(gateway_url)
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
