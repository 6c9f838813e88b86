"""A short road to a database of one table, and a store with its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from gateway.storage.hot import Hot
from gateway.storage.schema import upgrade
from gateway.storage.store import Store
from tests.emptied import one_database, postgres_url  # noqa: F401 (fixtures)

Open = Callable[[str], Hot]


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
    return Store(open_hot(store_url))
