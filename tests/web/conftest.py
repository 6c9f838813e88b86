"""The gateway behind HTTP, on SQLite; and what it holds, to see that nothing changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app import create_app
from tests.channels.conftest import fill
from tests.conftest import TOKEN, Clock
from tests.faults import hang_up

NEXT_TOKEN = "the-token-of-next-month-4711"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return fill(f"sqlite:///{tmp_path}/web.db", tmp_path / "keys")


@pytest.fixture
def client(url: str, tmp_path: Path, clock: Clock) -> Iterator[FlaskClient]:
    config = {"database_url": url, "keys_dir": tmp_path / "keys", "webhook_tokens": (TOKEN, NEXT_TOKEN)}
    app = create_app(config, clock=clock)
    yield app.test_client()
    hang_up(app)
