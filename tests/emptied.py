"""One PostgreSQL database a package, emptied for each test: for packages with many tests that want one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import emptied
from tests.postgres import database_on


@pytest.fixture(scope="package")
def one_database(postgres_server: str) -> Iterator[str]:
    with database_on(postgres_server) as url:
        yield url


@pytest.fixture
def postgres_url(one_database: str) -> Iterator[str]:
    """An empty PostgreSQL database: the same one for all tests of this package, emptied."""
    with emptied(one_database) as url:
        yield url
