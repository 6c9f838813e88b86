"""Offers while the broker is away, frozen or full: nothing waits for it long, and no row is lost to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from zoneinfo import ZoneInfo

import pytest
from kombu import Connection

from gateway.outbox.outbox import OFFER_SECONDS, Outbox
from gateway.outbox.port import Draft, Kind
from gateway.outbox.sender import Ended, Sender
from gateway.outbox.spread import BROKER_SECONDS, DEPTH, Spread, queue_of
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys
from gateway.storage.schema import upgrade
from gateway.storage.tallies import Tallies
from tests.conftest import Clock
from tests.engines.conftest import BROKER, through, until
from tests.faults import Wire, refused_port
from tests.outbox.carrier import Provider

PHONE = "+8562020000001"
QUEUE = queue_of(Provider.name, "now")


@pytest.fixture
def sender(tmp_path: Path, clock: Clock) -> Iterator[Sender]:
    url = f"sqlite:///{tmp_path / 'pakan.db'}"
    upgrade(url, {"store"})
    hot, provider = Hot(url), Provider()
    outbox = Outbox(hot, Keys(tmp_path / "keys"), clock, provider.name)
    yield Sender(outbox, {provider.name: provider}, Tallies(hot), ZoneInfo("Asia/Vientiane"))
    hot.close()


def post(sender: Sender, count: int = 1) -> None:
    for _one in range(count):
        assert sender.outbox.post(Draft(Kind.REPLY, PHONE, "10/12"))


def depth() -> int:
    with Connection(BROKER) as connection:
        count: int = connection.default_channel.queue_declare(QUEUE, passive=True).message_count
        return count


def waiting() -> list[str]:
    """References that wait in the queue, and nothing else does."""
    found = []
    with Connection(BROKER) as connection:
        queue = connection.default_channel
        while message := queue.basic_get(QUEUE, no_ack=True):
            body = message.body if isinstance(message.body, bytes) else message.body.encode()
            assert PHONE[-8:].encode() not in body
            found.append(message.headers["argsrepr"])
    return found


def test_a_broker_that_is_away_costs_no_row(sender: Sender) -> None:
    post(sender)
    spread = Spread(f"amqp://guest:guest@127.0.0.1:{refused_port()}/", sender)
    began = monotonic()
    assert spread.offer() == 0
    assert monotonic() - began < BROKER_SECONDS
    [ref] = sender.due("synthetic", False, 10)  # it was offered to nobody
    assert sender.deliver(ref) is Ended.SENT


def test_a_broker_that_freezes_is_not_waited_for_and_found_again(sender: Sender, wire: Wire, clock: Clock) -> None:
    spread = Spread(through(wire), sender)
    post(sender)
    assert spread.offer() == 1
    until(lambda: depth() == 1)  # it is through the wire
    wire.freeze()
    post(sender)
    began = monotonic()
    assert spread.offer() == 0
    assert monotonic() - began < 3 * BROKER_SECONDS
    wire.flow()
    wire.cut()
    clock.moves(seconds=OFFER_SECONDS + 1)
    assert spread.offer() == 2  # the second, and once more the first, which nobody took
    spread.close()
    until(lambda: depth() == 3)
    assert len(waiting()) == 3


def test_no_more_wait_than_can_be_carried_in_time(sender: Sender, wire: Wire) -> None:
    post(sender, DEPTH + 10)
    spread = Spread(through(wire), sender)
    assert spread.offer() == DEPTH
    until(lambda: depth() == DEPTH)
    assert spread.offer() == 0
    assert len(set(waiting())) == DEPTH
    assert spread.offer() == 10
    spread.close()
