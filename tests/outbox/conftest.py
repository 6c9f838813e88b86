"""An outbox on each database, with a provider that does as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.outbox.outbox import Outbox
from gateway.outbox.port import Draft, Kind
from gateway.outbox.reaper import Reaper
from gateway.outbox.sender import Sender
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys
from gateway.storage.schema import upgrade
from gateway.storage.tallies import Tallies
from tests.conftest import Clock
from tests.emptied import one_database, postgres_url  # noqa: F401 (fixtures)
from tests.outbox.carrier import Provider

PHONE = "+8562020000001"


@pytest.fixture
def hot(database_url: str) -> Iterator[Hot]:
    upgrade(database_url, {"store"})
    hot = Hot(database_url)
    yield hot
    hot.close()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys")


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def outbox(hot: Hot, keys: Keys, clock: Clock) -> Outbox:
    return Outbox(hot, keys, clock, "synthetic", Random(1))


@pytest.fixture
def sender(outbox: Outbox, provider: Provider) -> Sender:
    return Sender(outbox, {provider.name: provider}, Tallies(outbox.hot), ZoneInfo("Asia/Vientiane"))


@pytest.fixture
def reaper(outbox: Outbox, provider: Provider) -> Reaper:
    return Reaper(outbox, {provider.name: provider})


@pytest.fixture
def post(outbox: Outbox) -> Callable[..., None]:
    """`post()`: a message that is due; its kind, number and so on may be given."""

    def make(kind: Kind = Kind.REPLY, msisdn: str = PHONE, text: str = "10/12", **more: Any) -> None:
        assert outbox.post(Draft(kind, msisdn, text)._replace(**more))

    return make
