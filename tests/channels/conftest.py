"""A gateway on either database, and a line to it that remembers the key path as Africa's Talking does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from app import create_app
from gateway.conversation.screens import SORRY
from gateway.installation import Installation
from gateway.registry.port import Registry
from gateway.storage.schema import upgrade
from gateway.text.values import Month
from tests.conftest import TOKEN, Clock
from tests.emptied import one_database, postgres_url  # noqa: F401 (fixtures)
from tests.faults import hang_up
from tests.register import Register, paid

ALL_PAID = "+8562055500001"  # member 1: every month is paid
NOTHING_PAID = "+8562055500002"  # member 2: no month is paid
SHARED = "+8562055500003"  # members 3 (one month) and 4 (two months)
STRANGER = "+8562055500009"
SUMMARY = "CON 12 of the last 12 months are paid."  # what the first reads
DOWN = "END The record cannot be reached now. Dial *1508# again in a few minutes, or call 1508."

Open = Callable[..., Flask]


@pytest.fixture
def open_app(tmp_path: Path, clock: Clock) -> Iterator[Open]:
    """`open_app(url, registry=None, **settings)`: a gateway whose connections are closed in the end."""
    opened: list[Flask] = []

    def make(url: str, registry: Registry | None = None, **settings: Any) -> Flask:
        base = {"database_url": url, "keys_dir": tmp_path / "keys", "webhook_tokens": (TOKEN,), "hotline": "1508"}
        opened.append(create_app({**base, **settings}, clock=clock, registry=registry))
        return opened[-1]

    yield make
    for app in opened:
        hang_up(app)


@pytest.fixture
def peopled(database_url: str, tmp_path: Path) -> str:
    """Either database, with tables and four members."""
    return fill(database_url, tmp_path / "keys")


@pytest.fixture
def both(peopled: str, open_app: Open) -> Flask:
    """The gateway on either database."""
    return open_app(peopled)


def fill(url: str, keys: Path) -> str:
    """Tables, and four members whose phones are bound to them by these keys."""
    upgrade(url, {"store", "register"})
    register = Register(url, keys)
    register.member(1, ALL_PAID, paid(Month(2025, 1), Month(2026, 10)))
    register.member(2, NOTHING_PAID, {}, employed=None)
    register.member(3, SHARED, paid(Month(2026, 3), Month(2026, 3)))
    register.member(4, SHARED, paid(Month(2026, 4), Month(2026, 5)))
    register.close()
    return url


class Line:
    """One caller's line: `hop` posts exactly what it is given."""

    def __init__(self, app: Flask, number: str = ALL_PAID) -> None:
        self.app, self.number = app, number
        self.client = app.test_client()

    def hop(self, session: str, typed: str) -> str:
        form = {"sessionId": session, "phoneNumber": self.number, "serviceCode": "*1508#", "text": typed}
        answer = self.client.post(f"/in/africastalking/{TOKEN}/ussd", data=form)
        assert answer.status_code == 200
        assert answer.text[:4] in {"CON ", "END "}
        return answer.text

    def call(self, session: str, *texts: str) -> list[str]:
        return [self.hop(session, typed) for typed in texts]

    def in_english(self) -> Line:
        """The language is chosen, long enough ago that nothing is offered for resuming."""
        self.call(f"language of {self.number}", "", "2")
        return self


def sorry(app: Flask, language: str | None) -> str:
    """Our apology in a caller's language, or in the two that every handset can show."""
    gateway: Installation = app.extensions["pakan"]
    say = gateway.engine.catalogues.say
    return f"END {say(language, SORRY)}" if language else f"END {say('lo_Latn', SORRY)} / {say('en', SORRY)}"


def rows(url: str, query: str) -> list[Any]:
    """What a statement finds, read on a connection of its own."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def looks(url: str) -> int:
    """How many looks at somebody's record are on the audit."""
    [(count,)] = rows(url, "SELECT count(*) FROM audit WHERE action = 'contributions.viewed'")
    return int(count)


def state(url: str) -> list[Any]:
    """Everything the store holds, in an order that can be compared."""
    return [
        rows(url, "SELECT caller, event, path_length, place, version FROM conversations ORDER BY caller"),
        rows(url, "SELECT key, answer FROM inbound ORDER BY key"),
        rows(url, "SELECT caller, action, subject FROM audit ORDER BY id"),
    ]
