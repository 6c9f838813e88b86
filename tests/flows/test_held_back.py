"""A sender is forged in a minute, and some are machines: how many answers one phone may get, and by what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine
from sqlalchemy import text as sql

from app import create_app
from gateway.channels.simulator import CHAT
from gateway.installation import Installation
from gateway.outbox.port import Draft, Kind
from gateway.outbox.replies import A_DAY, AN_HOUR, CHANGES_A_DAY, PUZZLED
from tests.chat import Phone
from tests.conftest import TOKEN, Clock, Texts
from tests.flows.test_texts import GUESS, NOBODY, NOY, STOPPED, SUMMARY, TWO_MONTHS, Texting
from tests.register import Register
from tests.web.test_metrics import hops

STARTED = "LSSO will text you again when there is news. To end it write STOP."
NOT_SENT = "No SMS can be sent now."
SATELLITE = "+8821300{:05}"


@pytest.fixture
def operator() -> Texts:
    return Texts("africastalking")


@pytest.fixture
def app(gateway_url: str, clock: Clock, tmp_path: Path, operator: Texts) -> Flask:
    account = {"at_username": "synthetic-user", "at_api_key": "synthetic-key-of-many-letters"}
    config = {"database_url": gateway_url, "keys_dir": tmp_path / "keys", "webhook_tokens": (TOKEN,)}
    carriers = (operator, Texts(CHAT))
    return operator.of(create_app({**config, **account, "hotline": "1508"}, clock=clock, carriers=carriers))


@pytest.fixture
def write(app: Flask) -> Callable[..., None]:
    """`write(NOY, "BAL", "1")`: texts by Africa's Talking, each a new one; it tells nobody what became of them."""
    client, count = app.test_client(), iter(range(10_000))

    def write(number: str, *texts: str) -> None:
        for one in texts:
            form = {"id": f"written-{next(count)}", "from": number, "text": one, "to": "1508"}
            assert client.post(f"/in/africastalking/{TOKEN}/sms", data=form).status_code == 200

    return write


def test_one_phone_gets_so_many_answers_an_hour_and_a_day(
    write: Callable[..., None], operator: Texts, clock: Clock, register: Register
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    write(NOY, *["BAL"] * (AN_HOUR + 10))
    assert len(operator.to(NOY)) == AN_HOUR
    write(NOBODY, "BAL")
    assert len(operator.to(NOBODY)) == 1  # another phone's answers are its own
    for _hour in range(3):
        clock.moves(hours=1)
        write(NOY, *["BAL"] * (AN_HOUR + 10))
        assert len(operator.to(NOY)) == A_DAY == 2 * AN_HOUR
    clock.moves(days=1)
    write(NOY, "BAL")
    assert len(operator.to(NOY)) == A_DAY + 1


@pytest.mark.parametrize("number", [SATELLITE.format(7), "+66812345678", "+85621212345", "+856302345678"])
def test_no_sms_leaves_for_what_is_no_lao_mobile(
    write: Callable[..., None], operator: Texts, app: Flask, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway: Installation = app.extensions["pakan"]
    write(number, "BAL", "help", "STOP")
    assert operator.sent == []
    assert gateway.outbox.reports.come_back(gateway.keys.hasher("caller", number))  # STOP was heard all the same
    assert hops(app) == {("africastalking-sms", "held"): 3}
    logged = capsys.readouterr().err
    assert logged.count('"answer held back"') == logged.count('"why":"not a Lao mobile"') == 3
    assert number[-6:] not in logged


def test_a_machine_that_sends_our_answers_back_soon_has_the_last_word(
    write: Callable[..., None], operator: Texts, app: Flask
) -> None:
    write(NOBODY, "zzzz")
    for _round in range(50):
        write(NOBODY, operator.to(NOBODY)[-1])
    assert len(operator.to(NOBODY)) == PUZZLED
    assert hops(app)["africastalking-sms", "held"] == 51 - PUZZLED


@pytest.mark.parametrize("question", [["CALC"], ["employer", "3"]])
def test_a_question_is_not_asked_for_ever(
    write: Callable[..., None], operator: Texts, register: Register, question: list[str]
) -> None:
    register.contact(NOY)
    write(NOY, *question, *["I am driving"] * 20)
    assert len(operator.to(NOY)) == len(question) + PUZZLED


def test_what_is_understood_ends_the_silence_and_is_read_against_what_she_saw(
    app: Flask, operator: Texts, write: Callable[..., None], clock: Clock
) -> None:
    noy = Texting(app, operator, NOBODY).writes(*["manu xyz"] * PUZZLED).reads(GUESS)
    menu = noy.gateway.engine.catalogues.say("lo_Latn", "Main menu")
    [seen] = [line[0] for line in noy.inbox[-1].split("\n") if menu in line]
    write(NOBODY, "wow such health")  # she never sees what this would have offered
    assert len(noy.inbox) == PUZZLED
    clock.moves(minutes=1)
    noy.writes(seen).reads("My contributions")
    clock.moves(minutes=1)
    noy.writes("wow such health").reads(GUESS)
    assert menu not in noy.inbox[-1].split("\n")[int(seen)]


def test_stop_is_confirmed_however_much_she_was_answered_once_for_each_time_she_left(
    write: Callable[..., None], operator: Texts, app: Flask, clock: Clock
) -> None:
    gateway: Installation = app.extensions["pakan"]
    noy = Texting(app, operator, NOY)
    write(NOY, *["help"] * (AN_HOUR + 1))
    assert len(noy.inbox) == AN_HOUR
    clock.moves(seconds=5)
    noy.writes("STOP").reads(STOPPED)
    clock.moves(seconds=5)
    write(NOY, *["STOP"] * 20)
    assert len(noy.inbox) == AN_HOUR + 1
    gateway.outbox.post(Draft(Kind.REMINDER, NOY, "a reminder", purpose="reminder"))
    assert "a reminder" not in noy.inbox
    clock.moves(days=1)
    noy.writes("START").reads(STARTED)
    clock.moves(seconds=5)
    noy.writes("START").reads("My contributions")  # nothing to confirm: what there is
    clock.moves(seconds=5)
    noy.writes("STOP").reads(STOPPED)
    assert len(noy.inbox) == AN_HOUR + 4


def test_stop_and_start_in_turns_are_heard_each_time_and_told_a_few_times(
    write: Callable[..., None], operator: Texts, app: Flask, clock: Clock
) -> None:
    gateway: Installation = app.extensions["pakan"]
    for _turn in range(50):
        clock.moves(seconds=1)
        write(NOY, "STOP", "START")
    assert len(operator.to(NOY)) == CHANGES_A_DAY
    write(NOY, "STOP")
    gateway.outbox.post(Draft(Kind.REMINDER, NOY, "a reminder", purpose="reminder"))
    assert "a reminder" not in operator.to(NOY)


def test_a_stop_that_was_heard_and_not_kept_is_confirmed_when_it_is_brought_again(
    app: Flask, operator: Texts, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway: Installation = app.extensions["pakan"]

    def gone(*_arguments: object) -> None:
        raise ConnectionError

    noy = Texting(app, operator, NOY).writes("help")
    noy.form |= {"id": "another", "text": "STOP"}
    with monkeypatch.context() as broken:
        broken.setattr(gateway.pipeline.store, "commit", gone)
        noy.again(503)
    clock.moves(minutes=1)
    noy.again().again().reads(STOPPED)
    assert len(noy.inbox) == 2


def test_a_text_that_was_not_answered_is_not_answered_when_it_is_brought_again(
    app: Flask, operator: Texts, write: Callable[..., None], clock: Clock
) -> None:
    noy = Texting(app, operator, NOY).writes("help")
    first = dict(noy.form)
    write(NOY, *["help"] * (AN_HOUR - 1))
    noy.writes("menu")
    assert len(noy.inbox) == AN_HOUR
    clock.moves(hours=2)  # there is room for more
    noy.again()
    noy.form = first
    noy.again()
    assert len(noy.inbox) == AN_HOUR
    assert hops(app) == {
        ("africastalking-sms", "answered"): AN_HOUR,
        ("africastalking-sms", "held"): 1,
        ("africastalking-sms", "repeated"): 2,
    }


def test_what_is_sent_from_a_call_counts_among_her_answers(
    phone: Callable[..., Phone], write: Callable[..., None], register: Register, operator: Texts, language: str
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    write(NOY, *["help"] * (AN_HOUR - 2))
    noy = phone(NOY, language).says("1")
    for _time in range(2):
        noy.says("5").sees("It comes to this phone by SMS. Whoever reads your texts can read it.").says("0")
    for _time in range(3):
        noy.says("5").sees(NOT_SENT).says("0")
    noy.sees(SUMMARY, paid=2, last="10/2026")
    assert len(operator.to(NOY)) == AN_HOUR


def test_chat_costs_nothing_and_ends_with_a_machine_all_the_same(app: Flask, gateway_url: str) -> None:
    def answers() -> int:
        with create_engine(gateway_url).connect() as connection:
            return len(connection.execute(sql("SELECT ref FROM outbox")).all())

    def chat(name: str, text: str, number: str) -> None:
        sent = {"id": name, "phone": number, "text": text}
        assert app.test_client().post(f"/in/simulator/{TOKEN}/chat", json=sent).status_code == 200

    for count in range(AN_HOUR + 10):
        chat(f"m{count}", "help", SATELLITE.format(1))
    assert answers() == AN_HOUR + 10
    for count in range(20):
        chat(f"z{count}", "zzzz qqq", NOY)
    assert answers() == AN_HOUR + 10 + PUZZLED


def test_counts_of_hours_and_days_that_are_over_are_forgotten(
    app: Flask, write: Callable[..., None], gateway_url: str, clock: Clock
) -> None:
    def counts() -> list[tuple[str, int]]:
        with create_engine(gateway_url).connect() as connection:
            found = connection.execute(sql("SELECT name, count FROM tallies ORDER BY name")).all()
        return [(str(name).partition(":")[0], int(count)) for name, count in found]

    write(NOY, "help", "STOP")
    runner = app.test_cli_runner()
    runner.invoke(args=["store", "prune"])
    today = [("answers by day", 1), ("changes confirmed by day", 1)]
    assert counts() == [today[0], ("answers by hour", 1), today[1]]
    clock.moves(hours=1)
    runner.invoke(args=["store", "prune"])
    assert counts() == today
    clock.moves(days=1)
    runner.invoke(args=["store", "prune"])
    assert counts() == []
