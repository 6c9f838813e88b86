"""`/metrics` counts the outbox for Prometheus, and names nobody in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from app import create_app
from gateway.installation import Installation
from gateway.outbox.port import Draft, Kind
from gateway.outbox.rounds import drain
from gateway.storage.schema import upgrade
from tests.conftest import NOON, TOKEN, Clock
from tests.faults import refused_port

PHONE = "+8562020000001"
Samples = dict[tuple[str, ...], float]


def scraped(app: Flask) -> Samples:
    """Every sample of the outbox, by its name and the values of its labels."""
    answer = app.test_client().get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=")
    assert PHONE[-8:] not in answer.text
    return {
        (sample.name.removeprefix("pakan_outbox_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name.startswith("pakan_outbox_")
    }


def hops(app: Flask) -> Samples:
    """How many hops there were, by channel and outcome, those without any left out."""
    told = app.test_client().get("/metrics").text
    return {
        (sample.labels["channel"], sample.labels["outcome"]): sample.value
        for family in text_string_to_metric_families(told)
        for sample in family.samples
        if sample.name == "pakan_hop_seconds_count" and sample.value
    }


@pytest.fixture
def gateway(app: Flask) -> Installation:
    found: Installation = app.extensions["pakan"]
    return found


def test_an_empty_outbox_is_not_late(app: Flask) -> None:
    assert scraped(app) == {("late_seconds", "now"): 0, ("late_seconds", "bulk"): 0}


def test_messages_and_parts_by_where_they_stand(app: Flask, gateway: Installation) -> None:
    for text in ("10/12", "long " * 40):
        gateway.outbox.post(Draft(Kind.REPLY, PHONE, text))
    drain(gateway.sender, gateway.reaper)
    gateway.outbox.post(Draft(Kind.CODE, PHONE, "10/12"))
    assert scraped(app) == {
        ("messages", "texts", "reply", "accepted"): 2,
        ("parts", "texts", "reply", "accepted"): 3,
        ("messages", "texts", "code", "due"): 1,
        ("parts", "texts", "code", "due"): 1,
        ("late_seconds", "now"): 0,
        ("late_seconds", "bulk"): 0,
    }


def test_the_oldest_that_is_due_is_told_by_pool(app: Flask, gateway: Installation, clock: Clock) -> None:
    at = int(NOON.timestamp())
    for kind, due_at in ((Kind.NOTICE, at), (Kind.REPLY, at + 60), (Kind.REMINDER, at + 30)):
        gateway.outbox.post(Draft(kind, PHONE, "10/12", due_at=due_at))
    late = scraped(app)
    assert (late["late_seconds", "now"], late["late_seconds", "bulk"]) == (0, 0)  # what is due later is not late
    clock.moves(seconds=90)
    late = scraped(app)
    assert (late["late_seconds", "now"], late["late_seconds", "bulk"]) == (90, 60)


def test_hops_are_counted_by_how_they_ended(
    app: Flask, gateway: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hop(session: str, text: str = "") -> str:
        form = {"sessionId": session, "phoneNumber": PHONE, "text": text}
        return app.test_client().post(f"/in/africastalking/{TOKEN}/ussd", data=form).text

    assert hops(app) == {}
    assert hop("1") == hop("1")
    hop("1", "1")
    assert hops(app) == {("africastalking-ussd", "answered"): 2, ("africastalking-ussd", "repeated"): 1}

    def away(*_asked: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(gateway.pipeline.store, "load", away)
    assert hop("2").startswith("END ")
    assert hops(app)["africastalking-ussd", "failed"] == 1


def test_a_register_that_is_away_is_told_apart(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'pakan.db'}"
    upgrade(url, {"store", "register"})
    down = f"postgresql://nobody@127.0.0.1:{refused_port()}/register"
    config = {"database_url": url, "registry_url": down, "keys_dir": tmp_path / "keys", "webhook_tokens": (TOKEN,)}
    app = create_app(config, clock=clock)
    for text in ("", "2", "2*1", "2*1*9900000002", "2*1*9900000002*02111987"):
        form = {"sessionId": "1", "phoneNumber": PHONE, "text": text}
        app.test_client().post(f"/in/africastalking/{TOKEN}/ussd", data=form)
    assert hops(app)["africastalking-ussd", "no_register"] >= 1
    assert "register not reached" in capsys.readouterr().err


def test_without_a_database_there_are_no_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path / 'pakan.db'}"
    upgrade(url, {"store", "register"})
    down = f"postgresql://nobody@127.0.0.1:{refused_port()}/pakan"
    app = create_app(
        {"database_url": down, "registry_url": url, "keys_dir": tmp_path / "keys", "webhook_tokens": (TOKEN,)}
    )
    answer = app.test_client().get("/metrics")
    assert (answer.status_code, answer.text) == (503, "The database does not answer.\n")
    assert "metrics failed" in capsys.readouterr().err
