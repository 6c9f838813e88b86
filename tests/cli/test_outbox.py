"""`flask outbox` and `flask words` as an officer types them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from pydantic import SecretStr

from gateway.channels.inbox import Inbox
from gateway.installation import Installation
from gateway.outbox.outbox import Outbox
from gateway.outbox.port import Draft, Kind, Message, Outcome, Refused, Retry, Sent, Unknown
from gateway.outbox.states import State
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys
from gateway.storage.schema import upgrade
from tests.conftest import NOON, TOKEN, Clock, Texts
from tests.sealed import ROOT, lines

PHONE = "+8562020000001"
SECONDS = 20.0

Command = Callable[..., Result]


class Moody(Texts):
    """Answers each text as the text says."""

    said: dict[str, Outcome] = {  # noqa: RUF012 (never changed)
        "busy": Retry("the provider is busy", after=1),
        "no": Refused("no such number"),
        "silence": Unknown("no answer in time"),
    }

    def send(self, message: Message) -> Outcome:
        return self.said.get(message.text) or super().send(message)


@pytest.fixture
def texts() -> Texts:
    return Moody()


@pytest.fixture
def gateway(app: Flask) -> Installation:
    found: Installation = app.extensions["pakan"]
    return found


@pytest.fixture
def command(app: Flask) -> Command:
    """`command("outbox", "stats")`; what is asked is answered no."""

    def run(*words: str, answer: str = "n\n") -> Result:
        return app.test_cli_runner().invoke(args=words, input=answer)

    return run


def post(gateway: Installation, text: str, kind: Kind = Kind.REPLY, due_at: int = 0) -> None:
    assert gateway.outbox.post(Draft(kind, PHONE, text, due_at=due_at))


def refs(gateway: Installation, state: State) -> list[str]:
    return [line.ref for line in gateway.desk.lines(state, 100)]


def died(gateway: Installation, command: Command, clock: Clock, text: str = "busy") -> str:
    post(gateway, text, Kind.NOTICE)
    for _try in range(5):
        command("outbox", "drain")
        clock.moves(seconds=2)
    [ref] = refs(gateway, State.DEAD)
    return ref


def test_drain_sends_what_is_due_and_says_what_is_left(gateway: Installation, command: Command) -> None:
    for text in ("10/12", "11/12", "silence"):
        post(gateway, text)
    post(gateway, "later", due_at=int(NOON.timestamp()) + 60)
    said = command("outbox", "drain")
    assert said.exit_code == 0, said.output
    assert "2 sent. Left: 1 due, 1 in doubt.\n" in said.output
    assert "0 sent. Left: 1 due, 1 in doubt.\n" in command("outbox", "drain").output


def test_stats_count_and_show_nobody(gateway: Installation, command: Command) -> None:
    assert command("outbox", "stats").output == "The outbox is empty.\n"
    for text in ("10/12", "synthetic words", "no"):
        post(gateway, text)
    post(gateway, "synthetic words", Kind.CODE)
    command("outbox", "drain")
    said = command("outbox", "stats").output
    rows = [re.split(r"\s{1,}", line, maxsplit=5) for line in said.splitlines()]
    assert rows == [
        ["CARRIER", "KIND", "STATE", "MESSAGES", "SMS", "OLDEST DUE"],
        ["texts", "code", "accepted", "1", "1", "23/11/2026 12:00"],
        ["texts", "reply", "accepted", "2", "2", "23/11/2026 12:00"],
        ["texts", "reply", "failed", "1", "1", "23/11/2026 12:00"],
    ]


def test_a_list_names_what_died_and_why(gateway: Installation, command: Command, clock: Clock) -> None:
    assert command("outbox", "list").output == "No message is dead.\n"
    ref = died(gateway, command, clock)
    said = command("outbox", "list").output
    assert [ref, "notice", "texts", "...001", "5"] == said.splitlines()[1].split()[:5]
    assert said.rstrip().endswith("the provider is busy")
    assert PHONE[-8:] not in said


def test_a_long_list_says_how_to_go_on(gateway: Installation, command: Command) -> None:
    for _one in range(3):
        post(gateway, "10/12")
    first = command("outbox", "list", "--state", "due", "--most", "2").output.splitlines()
    assert first[-1] == f"More: flask outbox list --state due --after {first[-2].split()[0]}"
    rest = command(*first[-1].removeprefix("More: flask ").split()).output.splitlines()
    assert sorted(line.split()[0] for line in (*first[1:3], rest[1])) == refs(gateway, State.DUE)


def test_retry_asks_first(gateway: Installation, command: Command, clock: Clock) -> None:
    ref = died(gateway, command, clock)
    said = command("outbox", "retry", ref)
    assert said.exit_code == 1
    assert "Send 1 message again? [y/N]" in said.output
    assert refs(gateway, State.DEAD) == [ref]
    assert "1 message due again.\n" in command("outbox", "retry", ref, answer="y\n").output
    assert refs(gateway, State.DUE) == [ref]


def test_all_of_a_state_are_sent_again(
    gateway: Installation, command: Command, texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _one in range(3):
        post(gateway, "no")
    command("outbox", "drain")
    assert command("outbox", "retry", "--state", "failed", "--yes").output == "3 messages due again.\n"
    monkeypatch.setattr(texts, "send", lambda _message: Sent())
    assert "3 sent. Left: nothing." in command("outbox", "drain").output


def test_who_may_get_it_twice_is_said(gateway: Installation, command: Command) -> None:
    post(gateway, "silence")
    command("outbox", "drain")
    said = command("outbox", "retry", "--state", "in_doubt", "--yes").output
    assert said == ("1 of them may have arrived: whoever it is for may get it twice.\n1 message due again.\n")


def test_what_is_no_more_to_be_sent_is_left(gateway: Installation, command: Command) -> None:
    post(gateway, "10/12")
    post(gateway, "no", Kind.CODE)
    command("outbox", "drain")
    for one in (*refs(gateway, State.ACCEPTED), *refs(gateway, State.FAILED)):
        said = command("outbox", "retry", one, "--yes")
        assert (said.exit_code, said.output) == (1, "Error: Nothing here can be sent again.\n")
    assert "There is no message 00. Nothing was done." in command("outbox", "retry", "00", "--yes").output
    assert command("outbox", "retry").exit_code == 2
    assert refs(gateway, State.DUE) == []


def test_what_was_not_understood(gateway: Installation, command: Command) -> None:
    assert command("words", "missed").output == "Everything was understood.\n"
    for gist in ("pension", "somebody", "pension", "pension"):
        gateway.mail.missed(gist)
    assert command("words", "missed").output == "     3  pension\n"
    assert command("words", "missed", "--all").output == "     3  pension\n     1  somebody\n"


@pytest.mark.parametrize("words", [("offer",), ("work", "--pool", "now")], ids=" ".join)
def test_without_a_broker_nothing_is_offered(command: Command, words: tuple[str, ...]) -> None:
    said = command("outbox", *words)
    assert (said.exit_code, said.output) == (
        1,
        "Error: No broker is set: PAKAN_BROKER_URL. Without one: flask outbox send\n",
    )


def test_workers_of_a_carrier_that_is_not_connected_are_refused(
    app: Flask, command: Command, gateway: Installation
) -> None:
    settings = gateway.settings.model_copy(update={"broker_url": SecretStr("amqp://127.0.0.1/")})
    app.extensions["pakan"] = replace(gateway, settings=settings)
    said = command("outbox", "work", "--pool", "now", "--carrier", "texst")
    assert said.exit_code == 2
    assert "texst is not connected. Carriers here: texts" in said.output


@pytest.mark.parametrize(
    "words",
    [("outbox", name) for name in ("send", "offer", "work", "drain", "stats", "list", "retry")]
    + [("words", "missed")],
    ids=" ".join,
)
def test_every_command_explains_itself(command: Command, words: tuple[str, ...]) -> None:
    said = command(*words, "--help")
    assert said.exit_code == 0
    assert "Example" in said.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_sender_sends_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    with a_sender(tmp_path) as (url, sender):
        gateway = outbox_of(url, tmp_path)
        gateway.post(Draft(Kind.REPLY, PHONE, "10/12"))
        inbox = Inbox(tmp_path / "inbox.db")
        until = time.monotonic() + SECONDS
        while not inbox.after(0, PHONE)[1] and time.monotonic() < until:
            time.sleep(0.1)
        sender.send_signal(number)
        said, _none = sender.communicate(timeout=SECONDS)
        gateway.hot.close()
    assert inbox.after(0, PHONE)[1] == ["10/12"]
    assert sender.returncode == 0
    assert [line["event"] for line in lines(said)] == ["sender started", "sender stopped"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT] * 3)
def test_a_sender_that_has_only_just_started_stops_as_well(tmp_path: Path, number: signal.Signals) -> None:
    with a_sender(tmp_path) as (_url, sender):
        assert sender.stdout
        assert "sender started" in sender.stdout.readline()
        sender.send_signal(number)
        said, _none = sender.communicate(timeout=SECONDS)
    assert sender.returncode == 0
    assert "sender stopped" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_another_thread_gets_is_heard(number: signal.Signals) -> None:
    """The main thread waits in a system call that nobody interrupts then."""
    program = f"""
import signal, threading, time
from gateway.cli.outbox import Told

def somebody() -> None:
    while True:
        signal.pthread_kill(threading.get_ident(), {number.value})
        time.sleep(0.1)

told = Told()
assert not told.wait(0)
threading.Thread(target=somebody, daemon=True).start()
assert told.wait()
assert told.wait(0)
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=SECONDS, check=True)


@contextmanager
def a_sender(home: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`flask outbox send` on an empty outbox of its own, and its address; it does not outlive the test."""
    url = f"sqlite:///{home / 'pakan.db'}"
    upgrade(url, {"store", "register"})
    env = {
        **os.environ,
        "PAKAN_DATABASE_URL": url,
        "PAKAN_KEYS_DIR": str(home / "keys"),
        "PAKAN_WEBHOOK_TOKENS": TOKEN,
    }
    command = (str(Path(sys.executable).parent / "flask"), "--app", "app", "outbox", "send")
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as sender:
        try:
            yield url, sender
        finally:
            sender.kill()


def outbox_of(url: str, home: Path) -> Outbox:
    return Outbox(Hot(url), Keys(home / "keys"), lambda: datetime.now(UTC), "inbox")
