"""The real server: what it writes about requests that come, go and fail has no token in it and nothing typed."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from app import LOCALES
from gateway.channels.inbox import NAME, Inbox
from gateway.cli.serve import LOGGING
from gateway.outbox.outbox import Outbox
from gateway.outbox.port import Draft, Kind
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys
from tests.channels.conftest import ALL_PAID
from tests.conftest import TOKEN
from tests.faults import refused_port
from tests.sealed import lines

START_SECONDS = 30.0
CANARY = "864209"
FORM = {"sessionId": "s1", "phoneNumber": ALL_PAID, "text": f"1*{CANARY}", "input": CANARY}
BIN = Path(sys.executable).parent
SERVE = (str(BIN / "flask"), "--app", "app", "serve", "--port")
BROKEN = (
    *(sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "tests.web.served:broken"),
    *("--log-level", "warning", "--log-config", str(LOGGING), "--port"),
)


@contextmanager
def posting(url: str, home: Path) -> Iterator[Outbox]:
    """The outbox of that server, to post into from outside."""
    hot = Hot(url)
    yield Outbox(hot, Keys(home / "keys"), lambda: datetime.now(UTC), NAME)
    hot.close()


@contextmanager
def served(command: tuple[str, ...], url: str, home: Path) -> Iterator[str]:
    """A server of its own; its address. What it wrote is in `home/log` when it has stopped."""
    port = refused_port()
    env = {
        **os.environ,
        "PAKAN_DATABASE_URL": url,
        "PAKAN_KEYS_DIR": str(home / "keys"),
        "PAKAN_WEBHOOK_TOKENS": TOKEN,
        "GRANIAN_LOG_ACCESS_ENABLED": "true",  # somebody was curious
        "PYTHONPATH": str(LOCALES.parent),
    }
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, str(port)], env=env, cwd=LOCALES.parent, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert server.poll() is None, (home / "log").read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(START_SECONDS)


def noise(address: str) -> None:
    """Requests that no client library would send."""
    host, port = address.removeprefix("http://").split(":")
    hook = f"/in/africastalking/{TOKEN}/ussd"
    for request in (
        b"NONSENSE\r\n\r\n",
        f"POST {hook} HTTP/1.1\r\nHost: \xff\r\nContent-Length: 9999\r\n\r\n".encode("latin1"),
        f"POST {hook} HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n{CANARY}".encode(),
        f"GET /in/africastalking/{TOKEN}/%ff%00?{CANARY} HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    ):
        with socket.create_connection((host, int(port)), timeout=5) as one:
            one.sendall(request)
            one.shutdown(socket.SHUT_WR)
            with suppress(OSError):
                one.recv(65_536)


def clean(logged: str) -> None:
    for secret in (TOKEN, CANARY, ALL_PAID, ALL_PAID[1:], ALL_PAID[4:], "Traceback", "parameters"):
        assert secret not in logged


def test_a_server_under_fire_writes_no_token_and_nothing_typed(url: str, tmp_path: Path) -> None:
    with served(SERVE, url, tmp_path) as address:
        hook = f"{address}/in/africastalking/{TOKEN}/ussd"
        said = [requests.post(hook, data={**FORM, "text": text}, timeout=5) for text in ("", "2", f"2*{CANARY}")]
        assert [answer.text[:4] for answer in said] == ["CON "] * 3
        assert requests.post(f"{hook}-end", data={**FORM, "status": "Failed"}, timeout=5).status_code == 200
        for path in ("/", f"/in/africastalking/{TOKEN}x/ussd", f"/in/africastalking//{TOKEN}/ussd", f"/{CANARY}"):
            assert requests.post(f"{address}{path}", data=FORM, timeout=5).status_code == 404
        noise(address)
        alter(url, "ALTER TABLE inbound RENAME TO gone")
        failed = requests.post(hook, data={**FORM, "text": f"2*{CANARY}*{CANARY}"}, timeout=5)
        assert (failed.status_code, failed.text[:4]) == (200, "END ")
    logged = (tmp_path / "log").read_text()
    clean(logged)
    events = [line["event"] for line in lines(logged)]
    assert {"call ended", "hop failed"} <= set(events)
    assert "granian.access" not in logged


def test_a_server_whose_application_raises_writes_kinds_and_place(url: str, tmp_path: Path) -> None:
    with served(BROKEN, url, tmp_path) as address:
        for method in ("POST", "PUT"):  # PUT: outside of Exception
            answer = requests.request(method, f"{address}/in/africastalking/{TOKEN}/ussd", data=FORM, timeout=5)
            assert (answer.status_code, answer.text) == (500, "Failed\n")
    logged = (tmp_path / "log").read_text()
    clean(logged)
    kinds = [line.get("kinds") for line in lines(logged) if line["event"] == "request failed"]
    assert kinds == [["RuntimeError"], ["Panic"]]


def alter(url: str, statement: str) -> None:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.execute(statement)
    connection.close()


def test_texts_are_sent_and_a_sender_that_dies_is_started_again(url: str, tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox.db")
    with served(SERVE, url, tmp_path), posting(url, tmp_path) as outbox:
        for text in ("one", "two"):
            outbox.post(Draft(Kind.REPLY, ALL_PAID, text))
            assert within(START_SECONDS, has_arrived(inbox, text))
            [sender] = senders(url)
            os.kill(sender, signal.SIGKILL)
        assert within(START_SECONDS, lambda: senders(url) not in ([], [sender]))
    assert senders(url) == []
    assert inbox.after(0, ALL_PAID)[1] == ["one", "two"]
    logged = (tmp_path / "log").read_text()
    clean(logged)
    assert {line["event"] for line in lines(logged)} <= {"sender started", "sender stopped"}


def test_a_worker_that_dies_is_started_again_and_all_that_is_written_is_ours(url: str, tmp_path: Path) -> None:
    with served((*SERVE[:-1], "--workers", "2", "--port"), url, tmp_path) as address:
        assert within(START_SECONDS, lambda: len(workers(address)) == 2)
        died, other = sorted(workers(address))
        os.kill(died, signal.SIGKILL)
        assert within(START_SECONDS, lambda: len(workers(address) - {died}) == 2)
        assert within(START_SECONDS, lambda: answers(f"{address}/healthz"))
        assert other in workers(address)
    assert workers(address) == set()
    written = lines((tmp_path / "log").read_text())
    assert ("error", "_granian") in {(line["level"], line.get("logger")) for line in written}


def test_whichever_process_is_asked_counts_for_all(url: str, tmp_path: Path) -> None:
    with served((*SERVE[:-1], "--workers", "2", "--port"), url, tmp_path) as address:
        hook = f"{address}/in/africastalking/{TOKEN}/ussd"
        for number in range(20):  # each over a connection of its own
            said = requests.post(hook, data={**FORM, "sessionId": f"s{number}", "text": ""}, timeout=5)
            assert said.text.startswith("CON ")
        told = [requests.get(f"{address}/metrics", timeout=5).text for _scrape in range(10)]
    answered = 'pakan_hop_seconds_count{channel="africastalking-ussd",outcome="answered"} 20.0'
    assert [text.count(answered) for text in told] == [1] * 10
    clean("".join(told))


def test_a_port_that_is_taken_is_not_shared(url: str, tmp_path: Path) -> None:
    with served(SERVE, url, tmp_path) as address:
        env = {**os.environ, "PAKAN_DATABASE_URL": url, "PAKAN_KEYS_DIR": str(tmp_path / "keys")}
        second = [*SERVE, address.rpartition(":")[2]]
        said = subprocess.run(second, env=env, cwd=LOCALES.parent, capture_output=True, text=True, timeout=60)
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith("Error: Not served: Address already in use")


def test_where_a_broker_is_set_nothing_is_sent_beside_it(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAKAN_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672/")
    with served(SERVE, url, tmp_path) as address:
        assert requests.get(f"{address}/readyz", timeout=5).status_code == 200
        assert senders(url) == []


def has_arrived(inbox: Inbox, text: str) -> Callable[[], bool]:
    return lambda: text in inbox.after(0, ALL_PAID)[1]


def senders(url: str) -> list[int]:
    """Processes that send what lies in this database."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"outbox" in words and url.encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found


def answers(url: str) -> bool:
    with suppress(requests.ConnectionError):
        return requests.get(url, timeout=5).ok
    return False


def workers(address: str) -> set[int]:
    """Processes of granian that serve this address, its main process left out."""
    port = address.rpartition(":")[2].encode()
    parents: dict[int, int] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"granian" in words and port in words:
                parents[int(process.name)] = int((process / "stat").read_text().rpartition(")")[2].split()[1])
    return {pid for pid, parent in parents.items() if parent in parents}


def within(seconds: float, is_so: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not is_so() and time.monotonic() < until:
        time.sleep(0.1)
    return is_so()
