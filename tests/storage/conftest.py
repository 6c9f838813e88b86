"""A short road to a database of one table, and a store with its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from gateway.channels import pipeline
from gateway.storage import links
from gateway.storage import store as store_module
from gateway.storage.hot import Hot
from gateway.storage.keys import Sealer
from gateway.storage.schema import upgrade
from gateway.storage.store import Store
from tests.channels.conftest import fill
from tests.conftest import TOKEN, Clock
from tests.emptied import one_database, postgres_url  # noqa: F401 (fixtures)
from tests.faults import hang_up

Open = Callable[[str], Hot]
OpenApp = Callable[[], Flask]
PATIENCE_SECONDS = 10.0
SEALER = Sealer({1: bytes(range(32))})


@pytest.fixture
def open_hot() -> Iterator[Open]:
    """`open_hot(url)`: a short road that is closed in the end."""
    opened: list[Hot] = []

    def make(url: str) -> Hot:
        opened.append(Hot(url))
        return opened[-1]

    yield make
    for hot in opened:
        hot.close()


@pytest.fixture
def store_url(database_url: str) -> str:
    upgrade(database_url, {"store"})
    return database_url


@pytest.fixture
def store(store_url: str, open_hot: Open) -> Store:
    return Store(open_hot(store_url), SEALER)


@pytest.fixture
def url(database_url: str, directory: Path) -> str:
    return fill(database_url, directory)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that others use, too: this is not about time, so hops may take theirs."""
    monkeypatch.setattr(links, "LOCK_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(store_module, "READ_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(store_module, "WRITE_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(pipeline, "HOP_SECONDS", 3 * PATIENCE_SECONDS)


@pytest.fixture
def start(url: str, directory: Path, clock: Clock) -> Iterator[OpenApp]:
    """`start()`: another process of the gateway, as far as keys go: it reads them as they are now."""
    started: list[Flask] = []

    def make() -> Flask:
        config = {"database_url": url, "keys_dir": directory, "webhook_tokens": (TOKEN,), "hotline": "1508"}
        started.append(create_app(config, clock=clock))
        return started[-1]

    yield make
    for app in started:
        hang_up(app)
