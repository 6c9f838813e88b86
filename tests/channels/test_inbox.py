"""Where no operator is connected, a newcomer reads her texts in the terminal, and nobody else reads them."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask

from app import create_app
from gateway.channels.connections import by_sms
from gateway.channels.inbox import KEPT, Inbox
from gateway.cli.chat import Handset
from gateway.installation import Installation
from gateway.outbox.port import Draft, Kind, Message, NotThere, Retry, Sent
from gateway.outbox.sender import Sender
from gateway.storage.hot import Hot
from gateway.storage.tallies import Tallies
from tests.conftest import Clock
from tests.faults import at_once

NUMBER, OTHER = "+8562055500123", "+8562055500124"


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path / "var" / "inbox.db")


def message(text: str, msisdn: str = NUMBER, ref: str = "") -> Message:
    return Message(ref or uuid4().hex, Kind.REPLY, msisdn, text, expires_at=0)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_texts_are_read_in_order_by_whom_they_were_for(inbox: Inbox) -> None:
    assert inbox.after(0, NUMBER) == (0, [])
    assert not inbox.path.exists()  # reading makes no file
    for number, text in ((NUMBER, "ລະຫັດ 1"), (OTHER, "two"), (NUMBER, "three")):
        inbox.send(message(text, number))
    mark, texts = inbox.after(0, NUMBER)
    assert texts == ["ລະຫັດ 1", "three"]
    assert inbox.after(mark, NUMBER) == (mark, [])
    inbox.send(message("four"))
    assert inbox.after(mark, OTHER) == (mark + 1, [])
    assert inbox.after(mark, NUMBER) == (mark + 1, ["four"])


def test_the_last_hundred_are_kept(inbox: Inbox) -> None:
    for number in range(KEPT + 7):
        inbox.send(message(str(number)))
    mark, texts = inbox.after(0, NUMBER)
    assert texts == [str(number) for number in range(7, KEPT + 7)]
    assert mark == KEPT + 7


def test_it_is_for_its_owners_eyes_only(inbox: Inbox) -> None:
    before = os.umask(0)
    try:
        inbox.send(message("one"))
        assert mode(inbox.path) == 0o600
        inbox.path.chmod(0o644)
        inbox.send(message("two"))
        assert {mode(path) for path in inbox.path.parent.iterdir()} == {0o600}
    finally:
        os.umask(before)


def test_eight_writers_at_once_lose_nothing(inbox: Inbox) -> None:
    def write() -> None:
        for _ in range(5):
            Inbox(inbox.path).send(message("text"))

    at_once([write] * 8)
    assert inbox.after(0, NUMBER) == (40, ["text"] * 40)


@pytest.mark.parametrize("wrong", ["a folder", "a link", "not ours"])
def test_a_file_that_cannot_be_written_is_a_text_not_sent(inbox: Inbox, tmp_path: Path, wrong: str) -> None:
    inbox.path.parent.mkdir()
    if wrong == "a folder":
        inbox.path.mkdir()
    elif wrong == "a link":
        inbox.path.symlink_to(tmp_path / "elsewhere")
    else:
        inbox.path.write_text("something else, long enough to be no empty database" * 50)
    assert inbox.send(message("secret 000123")) == Retry("the inbox cannot be written", provider_is_ill=True)
    assert not isinstance(inbox.find("b" * 32), Sent)
    assert not (tmp_path / "elsewhere").exists()


def test_the_same_message_twice_is_one_text(inbox: Inbox) -> None:
    assert isinstance(inbox.find("a" * 32), NotThere)
    for _attempt in range(2):
        assert isinstance(inbox.send(message("one", ref="a" * 32)), Sent)
    assert isinstance(inbox.find("a" * 32), Sent)
    assert inbox.after(0, NUMBER)[1] == ["one"]


def test_a_newcomers_texts_stay_here_and_in_production_there_are_none(app: Flask, tmp_path: Path) -> None:
    config = {"database_url": f"sqlite:///{tmp_path / 'none.db'}", "keys_dir": tmp_path / "var" / "keys"}
    gateway: Installation = create_app(config).extensions["pakan"]
    assert gateway.inbox
    assert gateway.inbox.path == tmp_path / "var" / "inbox.db"
    assert by_sms([], "") == ""
    with pytest.raises(SystemExit, match="PAKAN_SMS_CARRIER: kannel is not connected; connected: inbox"):
        by_sms([gateway.inbox], "kannel")


def test_a_phone_in_the_terminal_shows_a_text_after_the_hop_it_came_with(
    app: Flask, gateway_url: str, clock: Clock, tmp_path: Path, inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway: Installation = app.extensions["pakan"]
    inboxes = {gateway.outbox.first: inbox}
    gateway = replace(
        gateway, inboxes=inboxes, sender=Sender(gateway.outbox, {"texts": inbox}, Tallies(Hot(gateway_url)), UTC)
    )
    inbox.send(message("from another day"))
    phone = Handset(app.test_client(), gateway, NUMBER)
    for number in (NUMBER, OTHER):
        assert gateway.outbox.post(Draft(Kind.CODE, number, "Code 123456, 5 minutes."))
    phone.dial()
    [line] = [line for line in capsys.readouterr().out.splitlines() if "SMS" in line]
    assert line == " SMS: Code 123456, 5 minutes."
    phone.press("2")
    assert "SMS" not in capsys.readouterr().out
