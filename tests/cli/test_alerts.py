"""`flask alerts` as an officer types it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import update

from gateway.registry.port import Posting
from gateway.storage.tables import bindings
from gateway.text.values import Month
from tests.conftest import Clock, Texts
from tests.register import Register, paid, social

Command = Callable[..., Result]

OCTOBER = Month(2026, 10)


@pytest.fixture
def command(app: Flask, register: Register, clock: Clock) -> Command:
    """On 2 December, with three members who asked: one is paid, one is not, and one has slept."""
    clock.now = datetime(2026, 12, 2, 5, tzinfo=UTC)
    for number, october in enumerate((Posting.POSTED, Posting.ASSESSED, Posting.POSTED), start=1):
        register.member(number, f"+856202000000{number}", paid(Month(2026, 5), OCTOBER, {OCTOBER: october}))
    with register.engine.begin() as connection:
        connection.execute(update(bindings).values(alerts="full"))
        connection.execute(update(bindings).where(bindings.c.member == "3").values(asleep=True))

    def run(*words: str) -> Result:
        return app.test_cli_runner().invoke(args=["alerts", *words])

    return run


def counted(text: str, what: str) -> int:
    found = re.search(rf"([\d,]+) +{what}", text)
    assert found, text
    return int(found[1])


def test_the_plan_says_what_is_sent_and_then_it_is(command: Command, texts: Texts) -> None:
    plan = command("plan")
    assert plan.exit_code == 0, plan.output
    hours = "is told from 01/11/2026 00:00, the rest from 02/12/2026 09:00, till 09/12/2026 17:00."
    assert plan.output.startswith(f"10/2026: what is paid {hours}\n")
    assert [counted(plan.output, what) for what in ("members asked", "is told", "has proved nothing")] == [3, 2, 1]
    assert texts.sent == []
    sent = command("send", "--yes")
    assert "2 texts in the outbox, which sends from 08:00 to 20:00; 0 texts taken back." in sent.output
    assert counted(command("plan").output, "her text is on its way") == 2
    assert len(texts.sent) == 2
    assert counted(command("plan").output, "was texted") == 2


def test_every_member_is_listed_without_her_number(command: Command) -> None:
    listed = [line for line in command("plan", "--list").output.splitlines() if re.match(r"  \d  ", line)]
    assert sorted(listed) == [
        "  1  is told",
        "  2  is told",
        "  3  has proved nothing from her phone for too long",
    ]
    whole = command("plan", "--list").output
    assert not any(canary in whole for canary in ("+856", "2020000", social(1), "Thotlong"))


def test_more_than_one_person_may_answer_for_is_refused(command: Command, texts: Texts) -> None:
    refused = command("send", "--most", "1", "--yes")
    assert refused.exit_code == 1
    assert "2 texts would be sent, and --most is 1. None was sent; 0 texts taken back." in refused.output
    assert texts.sent == []


def test_it_asks_first(command: Command, texts: Texts) -> None:
    asked = command("send")  # nobody answers
    assert asked.exit_code == 1
    assert "Send 2 texts about 10/2026? [y/N]" in asked.output
    assert texts.sent == []


def test_a_month_that_is_over_is_planned_and_nobody_is_told(command: Command) -> None:
    assert counted(command("plan", "--period", "2026-08").output, "its texts are over") == 2


def test_when_nobody_asked_nothing_is_said(command: Command, register: Register) -> None:
    with register.engine.begin() as connection:
        connection.execute(update(bindings).values(alerts="off"))
    assert "\n0 members asked:\n" in command("plan").output
    assert command("send", "--yes").output.startswith("0 texts in the outbox")
