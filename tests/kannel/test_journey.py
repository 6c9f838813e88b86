"""The whole journey by SMS in Lao script: an operator's phone, real Kannel, the gateway, its outbox, and back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from app import create_app
from gateway.installation import Installation
from gateway.outbox.rounds import Rounds
from gateway.storage.schema import upgrade
from gateway.text.alphabet import segments
from gateway.text.values import Month
from tests.conftest import TOKEN, Clock
from tests.faults import hang_up
from tests.kannel.boxes import SECONDS, Kannel, Operator, free_ports, kannel
from tests.register import Register, paid

NOY = "+8562090000001"  # a number of Unitel, so that the link is known
LAO = "lo"


def arriving(operator: Operator, count: int) -> dict[str, str]:
    """The next texts of the gateway, by the number each goes to, their parts put together."""
    parts: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    whole: dict[str, str] = {}
    while len(whole) < count:
        part = operator.next("submit", SECONDS)
        assert part["coding"] == 8
        # 0003, a reference, how many, which one (3GPP TS 23.040, 9.2.3.24.1)
        udh, of_one = part["udh"] or "0101", parts[f"+{part['to']}"]
        of_one[udh[-2:]] = part
        if len(of_one) == int(udh[-4:-2], 16):
            text = "".join(str(of_one[number]["text"]) for number in sorted(of_one))
            assert len(of_one) == segments(text).parts
            whole[f"+{part['to']}"] = text
    for part in (part for of_one in parts.values() for part in of_one.values()):
        if part["wants_report"] & 1:
            operator.reports(part["submit"], "DELIVRD")
    return whole


class Phone:
    """A handset of the operator: what she writes, and what arrives."""

    def __init__(self, running: Kannel, gateway: Installation, number: str = NOY) -> None:
        self.operator, self.gateway, self.number = running.operator, gateway, number

    def writes(self, text: str) -> str:
        fields = {"source_addr_ton": 1, "destination_addr": "1508", "data_coding": 8, "short_message": text}
        self.operator.delivers("UNITEL-ID", source_addr=self.number.removeprefix("+"), **fields)
        return arriving(self.operator, 1)[self.number]

    def says(self, wording: str, **values: object) -> str:
        said = self.gateway.engine.catalogues.say(LAO, wording)
        return said % values if values else said


@pytest.fixture
def served(tmp_path: Path, clock: Clock) -> Iterator[tuple[Flask, Kannel]]:
    """The gateway on a port, its sender beside it, Kannel between it and the operator."""
    url = f"sqlite:///{tmp_path / 'pakan.db'}"
    upgrade(url, {"store", "register"})
    [port] = free_ports(1)
    address = f"http://127.0.0.1:{port}"
    (tmp_path / "kannel").mkdir()
    with kannel(tmp_path / "kannel", address, TOKEN) as running:
        config = {
            "database_url": url,
            "keys_dir": tmp_path / "keys",
            "webhook_tokens": (TOKEN,),
            "hotline": "1508",
        }
        app = create_app({**config, **running.settings, "kannel_dlr_url": address}, clock=clock)
        gateway: Installation = app.extensions["pakan"]
        server, rounds = make_server("127.0.0.1", port, app, threaded=True), Rounds(gateway.sender, gateway.reaper)
        listening = Thread(target=server.serve_forever, daemon=True)
        listening.start()
        rounds.start()
        yield app, running
        rounds.stop(SECONDS)
        server.shutdown()
        listening.join(SECONDS)
        server.server_close()
    hang_up(app)


def test_she_asks_in_lao_and_reads_the_whole_answer_in_lao(served: tuple[Flask, Kannel], tmp_path: Path) -> None:
    app, running = served
    register = Register(f"sqlite:///{tmp_path / 'pakan.db'}", tmp_path / "keys")
    register.member(1, NOY, paid(Month(2026, 7), Month(2026, 9)))
    noy = Phone(running, app.extensions["pakan"])
    summary = noy.says("%(paid)s of the last 12 months are paid. Last paid: %(last)s.", paid=3, last="09/2026")
    assert summary in noy.writes("ຂໍຮູ້ ຍອດ ເງິນສົມທົບ ແດ່")
    assert noy.says("%(gaps)s of the last 12 months are not on your record. Choose one:", gaps=9) in noy.writes(
        "1"
    )
    assert noy.says("Your employer still has time to pay. Look again next month.") in noy.writes("໑")
    assert noy.says("Not understood. Answer with a number:") in noy.writes("ສະບາຍດີ")
    assert noy.says("LSSO will send you only answers to your own texts. To get the others again write START.") in (
        noy.writes("ຢຸດ")
    )
    register.close()
    gateway: Installation = app.extensions["pakan"]
    sent = {count.state: count.messages for count in gateway.desk.counts()}
    assert sum(sent.values()) == 5
    assert set(sent) <= {"accepted", "delivered"}
