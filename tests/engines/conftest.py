"""Both engines as processes of their own: the embedded one on SQLite, and workers behind RabbitMQ."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from kombu import Connection

from gateway.outbox.desk import Desk
from gateway.outbox.outbox import Outbox
from gateway.outbox.port import Draft, Kind
from gateway.outbox.spread import POOLS, queue_of
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys
from gateway.storage.schema import upgrade
from tests.conftest import TOKEN
from tests.engines.provider import PLACE, STARTED, Ledger, fast, read
from tests.faults import Wire
from tests.outbox.carrier import Provider
from tests.sealed import ROOT, lines

BROKER = "amqp://guest:guest@127.0.0.1:5672/"
CARRIERS = ("ledger", "slow", Provider.name)  # of all tests here
FLASK = (str(Path(sys.executable).with_name("flask")), "--app", "tests.engines.provider:create", "outbox")
EMBEDDED = (("send",),)
SPREAD = (("offer",), ("work", "--pool", "now"), ("work", "--pool", "bulk"))
APART = (("offer",), *(("work", "--pool", "now", "--carrier", name) for name in ("ledger", "slow")))
SECONDS = 120.0  # a machine that does much else starts a process in half a minute


class Engine:
    """What carries this outbox, and what it is made of."""

    def __init__(self, outbox: Outbox, ledger: Ledger, home: Path, commands: tuple[tuple[str, ...], ...]) -> None:
        self.outbox, self.ledger, self.home, self.commands = outbox, ledger, home, commands
        self.processes: list[subprocess.Popen[bytes]] = []
        self.troubles: set[str] = set()  # errors that a test expects to be logged

    def start(self) -> None:
        with (self.home / "log").open("ab") as log:
            self.processes = [
                subprocess.Popen([*FLASK, *command], cwd=ROOT, stderr=log, start_new_session=True)
                for command in self.commands
            ]

    def kill(self) -> None:
        """Nobody gets to finish: every process and its children at once."""
        for process in self.processes:
            os.killpg(process.pid, signal.SIGKILL)
        for process in self.processes:
            process.wait(SECONDS)

    def stop(self) -> list[int]:
        """As an officer stops it; the exit statuses."""
        for process in self.processes:
            process.terminate()
        return [process.wait(SECONDS) for process in self.processes]

    def post(self, count: int, kind: Kind = Kind.NOTICE, carrier: str = "") -> None:
        for number in range(count):
            assert self.outbox.post(Draft(kind, f"+85620{number:08}", f"{kind}-{number}", carrier=carrier))

    @property
    def took(self) -> list[str]:
        """Texts that reached the provider, sorted."""
        return sorted(line.split()[1] for line in read(self.ledger.took))

    @property
    def states(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for count in Desk(self.outbox).counts():
            found[count.state] = found.get(count.state, 0) + count.messages
        return found

    @property
    def log(self) -> list[dict[str, object]]:
        """What all of its processes wrote, every line checked."""
        return lines((self.home / "log").read_text())


def until(is_so: Callable[[], bool], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def started(home: Path, url: str, commands: tuple[tuple[str, ...], ...], broker_url: str = "") -> Iterator[Engine]:
    began = time.time()
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "PAKAN_DATABASE_URL": url,
            "PAKAN_KEYS_DIR": str(home / "keys"),
            "PAKAN_WEBHOOK_TOKENS": TOKEN,
            "PAKAN_BROKER_URL": broker_url,
            PLACE: str(home),
            STARTED: str(began),
        }.items():
            environment.setenv(name, value)
        upgrade(url, {"store", "register"})
        hot, ledger = Hot(url), Ledger(home)
        engine = Engine(Outbox(hot, Keys(home / "keys"), lambda: fast(began), ledger.name), ledger, home, commands)
        engine.start()
        try:
            yield engine
            assert {str(line["event"]) for line in engine.log if line["level"] == "error"} <= engine.troubles
        finally:
            with suppress(ProcessLookupError):
                engine.kill()
            hot.close()


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Engine]:
    with started(tmp_path, f"sqlite:///{tmp_path / 'pakan.db'}", EMBEDDED) as engine:
        yield engine


@pytest.fixture
def spread(tmp_path: Path, wire: Wire, postgres_url: str) -> Iterator[Engine]:
    with started(tmp_path, postgres_url, SPREAD, through(wire)) as engine:
        yield engine


@pytest.fixture
def wire(broker: None) -> Iterator[Wire]:
    """The way to the broker, which can be frozen and cut; its queues are empty."""
    purge()
    wire = Wire("127.0.0.1", 5672)
    yield wire
    wire.close()
    purge()


def through(wire: Wire) -> str:
    return BROKER.replace("5672", str(wire.port))


@pytest.fixture(params=["embedded", "spread"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["embedded", "apart"])
def apart(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Each engine as it is run with several carriers."""
    if request.param == "embedded":
        yield request.getfixturevalue("embedded")
        return
    wire, url = request.getfixturevalue("wire"), request.getfixturevalue("postgres_url")
    with started(tmp_path, url, APART, through(wire)) as engine:
        yield engine


@pytest.fixture(scope="session")
def broker() -> None:
    try:
        socket.create_connection(("127.0.0.1", 5672), timeout=2).close()
    except OSError:
        missing = "no RabbitMQ on 127.0.0.1:5672: install Debian's rabbitmq-server"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)


def purge() -> int:
    """Empty the queues, as somebody with the broker's console may at any moment; how many offers were lost."""
    with Connection(BROKER) as connection:
        channel, lost = connection.default_channel, 0
        for queue in (queue_of(carrier, pool) for carrier in CARRIERS for pool in POOLS.values()):
            with suppress(connection.channel_errors):
                lost += channel.queue_purge(queue)
                continue
            channel = connection.channel()  # there was no such queue yet, and the broker closed the channel
        return lost
