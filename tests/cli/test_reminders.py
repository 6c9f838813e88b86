"""`flask reminders` as an officer types it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.exc import IntegrityError

from gateway.installation import Installation
from gateway.registry.contacts import load_contacts
from gateway.registry.scheme import load_scheme
from gateway.registry.seed import seed
from gateway.reminders.batches import Batch, Batches, Hold, Stage, Undecidable
from gateway.storage.engines import open_engine
from gateway.text.values import Month
from tests.conftest import NOON, Clock, Texts
from tests.registry.test_firms import LINE
from tests.registry.test_load import written

Command = Callable[..., Result]
PERIOD = ("--period", "2026-10")
BEFORE = Stage(Month(2026, 10), "enterprise", "before")


@pytest.fixture
def command(app: Flask, gateway_url: str, clock: Clock) -> Command:
    """On 26 November, with 40 employers of whom some owe for October."""
    clock.now = datetime(2026, 11, 26, 5, tzinfo=UTC)
    seed(gateway_url, 400, 40, 12, clock.now.date(), load_scheme())

    def run(*words: str) -> Result:
        return app.test_cli_runner().invoke(args=["reminders", *words], env={"PAKAN_OFFICER": "synthetic-1"})

    return run


def counted(text: str, what: str) -> int:
    found = re.search(rf"([\d,]+) +{what}", text)
    assert found, text
    return int(found[1])


def test_the_plan_says_what_is_sent_and_then_it_is(app: Flask, command: Command, texts: Texts) -> None:
    plan = command("plan", *PERIOD)
    assert plan.exit_code == 0, plan.output
    assert "10/2026 is due by 30/11/2026." in plan.output
    assert "before  25/11/2026 09:00 to 30/11/2026 17:00  is open" in plan.output
    assert counted(plan.output, "employers:") == 40
    planned, parts = counted(plan.output, "is reminded"), counted(plan.output, "SMS: no price")
    assert 0 < planned < 40

    assert texts.sent == []
    sent = command("send", *PERIOD, "--yes")
    assert sent.output == (
        f"0 texts taken back.\n{planned} texts in the outbox, which sends from 08:00 to 20:00.\n"
    )
    assert counted(command("plan", *PERIOD).output, "its text is on its way") == planned
    assert len(texts.sent) == planned
    assert "0 texts in the outbox" in command("send", *PERIOD, "--yes").output
    assert counted(command("plan", *PERIOD).output, "it was texted") == planned
    gateway: Installation = app.extensions["pakan"]
    assert sum(count.parts for count in gateway.desk.counts()) == parts


def test_every_employer_is_listed_with_its_reason_and_no_number(command: Command) -> None:
    lines = command("plan", *PERIOD, "--list").output.splitlines()
    listed = [line for line in lines if re.match(r"  \d{5}-01  ", line)]
    assert len(listed) == 40
    assert sum(re.search(r"is reminded \(before\) at \.\.\.\d{3}$", line) is not None for line in listed) > 0
    assert "+856" not in "\n".join(lines)


def test_a_closed_firm_is_not_texted_and_what_waits_is_taken_back(command: Command, texts: Texts) -> None:
    listed = command("plan", *PERIOD, "--list").output
    code = re.findall(r"(\d{5}-01)  is reminded", listed)[0]
    command("send", *PERIOD, "--yes")
    assert command("stop", code, "--why", "closed").output == "Noted.\n"
    assert "1 text taken back" in command("send", *PERIOD, "--yes").output
    assert code not in "".join(text for _phone, text in texts.sent)
    assert command("resume", code).output == "Noted.\n"
    assert f"{code}  is reminded" in command("plan", *PERIOD, "--list").output


@pytest.fixture
def alone(app: Flask) -> None:
    """One person may send one text."""
    gateway: Installation = app.extensions["pakan"]
    settings = gateway.settings.model_copy(update={"reminders_alone": 1})
    app.extensions["pakan"] = replace(gateway, settings=settings)


@pytest.mark.usefixtures("alone")
def test_two_people_answer_for_many(app: Flask, command: Command, texts: Texts) -> None:
    asked = command("send", *PERIOD, "--yes")
    assert asked.exit_code == 1
    assert "3 texts asked for; now somebody else" in asked.output
    mine = command("approve", *PERIOD, "--yes")
    assert "synthetic-1 asked for it: somebody else has to approve it." in mine.output
    assert (mine.exit_code, texts.sent) == (1, [])
    theirs = command("approve", *PERIOD, "--officer", "synthetic-2", "--yes")
    assert theirs.output == "3 texts about 10/2026 (before, enterprise) are approved.\n"
    assert (
        "Nothing waits to be approved." in command("approve", *PERIOD, "--officer", "synthetic-3", "--yes").output
    )
    assert "3 texts in the outbox" in command("send", *PERIOD, "--yes").output
    assert len(texts.sent) == 3
    gateway: Installation = app.extensions["pakan"]
    said = [(deed.actor, deed.action, deed.subject) for deed in gateway.trail.deeds("", 9)]
    assert said == [
        ("officer:synthetic-2", "reminders.approved 3", "2026-10 enterprise before"),
        ("officer:synthetic-1", "reminders.asked 3", "2026-10 enterprise before"),
    ]


@pytest.mark.usefixtures("alone")
def test_an_approval_is_spent(command: Command, gateway_url: str) -> None:
    codes = re.findall(r"(\d{5}-01)  is reminded", command("plan", *PERIOD, "--list").output)
    command("send", *PERIOD, "--yes")
    command("approve", *PERIOD, "--officer", "synthetic-2", "--yes")
    assert "3 texts in the outbox" in command("send", *PERIOD, "--yes").output
    for code in codes[:2]:
        command("stop", code, "--why", "plan")
    command("send", *PERIOD, "--yes")
    for code in codes[:2]:
        command("resume", code)
    assert "2 texts asked for" in command("send", *PERIOD, "--yes").output


@pytest.mark.usefixtures("alone")
def test_what_is_approved_is_what_was_seen(app: Flask, command: Command) -> None:
    command("send", *PERIOD, "--yes")
    gateway: Installation = app.extensions["pakan"]
    batches = Batches(gateway.outbox, gateway.trail)
    seen = batches.get(BEFORE)
    batches.ask(BEFORE, 5_000, "synthetic-1")
    with pytest.raises(Undecidable, match="Something else is asked for by now"):
        batches.approve(BEFORE, seen, "synthetic-2")
    assert batches.get(BEFORE).approved == 0
    with pytest.raises(Undecidable, match="somebody else has to approve it"):
        batches.approve(BEFORE, batches.get(BEFORE), " Synthetic-1 ")


@pytest.mark.usefixtures("alone")
def test_a_pause_outlives_what_is_asked_for(app: Flask, command: Command) -> None:
    gateway: Installation = app.extensions["pakan"]
    batches = Batches(gateway.outbox, gateway.trail)
    batches.hold(BEFORE, Hold.PAUSED, "synthetic-2")
    batches.ask(BEFORE, 3, "synthetic-1")
    assert batches.get(BEFORE) == Batch(3, "synthetic-1", "", Hold.PAUSED)


def test_a_pause_while_she_is_asked_is_kept(
    app: Flask, command: Command, texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway: Installation = app.extensions["pakan"]

    def confirm(*_of: object, **_more: object) -> bool:
        Batches(gateway.outbox, gateway.trail).hold(BEFORE, Hold.PAUSED, "synthetic-2")
        return True

    monkeypatch.setattr("click.confirm", confirm)
    assert "An officer has just decided otherwise. None was sent" in command("send", *PERIOD).output
    assert texts.sent == []


def test_what_stops_one_employer_does_not_stop_all(command: Command) -> None:
    told = command("stop", *PERIOD, "--why", "plan", "--until", "2027-03-31", "--yes")
    assert told.exit_code == 2
    assert "Say of which employer" in told.output
    assert counted(command("plan", *PERIOD).output, "is reminded") == 3


@pytest.mark.usefixtures("alone")
def test_whoever_does_not_say_who_she_is_cannot_ask_for_many(app: Flask, command: Command, texts: Texts) -> None:
    told = app.test_cli_runner().invoke(args=["reminders", "send", *PERIOD, "--yes"], env={"PAKAN_OFFICER": ""})
    assert "3 texts, and one person may send 1: ask for them with --officer. None was sent." in told.output
    assert "Nothing waits to be approved." in command("approve", *PERIOD, "--yes").output
    assert texts.sent == []


@pytest.mark.usefixtures("alone")
def test_more_than_was_approved_is_asked_for_anew(app: Flask, command: Command, clock: Clock) -> None:
    codes = re.findall(r"(\d{5}-01)  is reminded", command("plan", *PERIOD, "--list").output)
    command("stop", codes[0], "--why", "plan")
    command("send", *PERIOD, "--yes")
    command("approve", *PERIOD, "--officer", "synthetic-2", "--yes")
    command("resume", codes[0])
    assert "3 texts asked for" in command("send", *PERIOD, "--yes").output
    clock.now = datetime(2026, 12, 3, 5, tzinfo=UTC)
    assert "3 texts asked for" in command("send", *PERIOD, "--yes").output  # another step, another batch


def test_what_is_paused_is_taken_back_and_goes_on(command: Command, texts: Texts) -> None:
    command("send", *PERIOD, "--yes")
    assert command("pause", *PERIOD).output == "The texts of 10/2026 (before, enterprise): paused.\n"
    assert "0 texts in the outbox" in (told := command("send", *PERIOD, "--yes").output)
    assert "3 texts taken back" in told
    assert counted(command("plan", *PERIOD).output, "an officer has paused this text") == 3
    assert texts.sent == []
    assert command("resume", *PERIOD).output == "The texts of 10/2026 (before, enterprise): going on.\n"
    assert "3 texts in the outbox" in command("send", *PERIOD, "--yes").output
    assert len(texts.sent) == 3


def test_what_left_before_a_pause_is_not_sent_again(command: Command, texts: Texts) -> None:
    command("send", *PERIOD, "--yes")
    assert len(texts.sent) == 3
    command("pause", *PERIOD)
    assert counted(command("plan", *PERIOD).output, "it was texted") == 3
    command("resume", *PERIOD)
    command("send", *PERIOD, "--yes")
    assert len(texts.sent) == 3


def test_what_is_stopped_does_not_go_on_but_the_next_step_does(
    command: Command, texts: Texts, clock: Clock
) -> None:
    assert "[y/N]" in command("stop", *PERIOD).output  # and nobody answers
    assert command("stop", *PERIOD, "--yes").output == "The texts of 10/2026 (before, enterprise): stopped.\n"
    assert "It was stopped for good." in command("resume", *PERIOD).output
    command("send", *PERIOD, "--yes")
    assert texts.sent == []
    clock.now = datetime(2026, 12, 3, 5, tzinfo=UTC)
    assert "3 texts in the outbox" in command("send", *PERIOD, "--yes").output


def test_a_set_price_is_told(app: Flask, command: Command) -> None:
    gateway: Installation = app.extensions["pakan"]
    settings = gateway.settings.model_copy(update={"sms_prices": {"ETL": 150}})
    app.extensions["pakan"] = replace(gateway, settings=settings)
    plan = command("plan", *PERIOD).output
    assert "3 texts, 3 SMS: 450 kip." in plan.replace("\xa0", " ")
    assert "ETL, by its range: 3 SMS" in plan


def test_it_asks_first(command: Command, texts: Texts) -> None:
    asked = command("send", *PERIOD)  # nobody answers
    assert asked.exit_code == 1
    assert "texts about 10/2026? [y/N]" in asked.output
    assert texts.sent == []


def test_between_two_steps_nothing_is_sent(command: Command, texts: Texts, clock: Clock) -> None:
    clock.now = datetime(2026, 12, 1, 5, tzinfo=UTC)
    told = command("send", "--yes")
    assert told.exit_code == 0  # a timer comes here every day
    assert "0 texts taken back.\nNo step is open now.\n" in told.output
    assert "after   02/12/2026 09:00 to 09/12/2026 17:00  is to come" in told.output
    assert texts.sent == []


@pytest.mark.parametrize(
    ("day", "month"), [((2026, 11, 9), "09/2026"), ((2026, 11, 10), "10/2026"), ((2027, 1, 9), "11/2026")]
)
def test_without_a_month_it_is_the_first_that_is_not_over(
    command: Command, clock: Clock, day: tuple[int, int, int], month: str
) -> None:
    clock.now = datetime(*day, 5, tzinfo=UTC)
    assert command("plan").output.startswith(f"{month} is due by ")


def test_contacts_come_in_by_file(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "contacts.csv"
    file.write_text(written([LINE], columns=tuple(LINE)), encoding="utf-8")
    assert command("contacts", str(file)).output == "1 contact.\n"
    file.write_text(written([{**LINE, "language": "fr"}], columns=tuple(LINE)), encoding="utf-8")
    bad = command("contacts", str(file))
    assert bad.exit_code == 1
    assert "line 2: language: not one of lo_Latn, en, lo" in bad.output


def test_an_error_of_the_database_quotes_nobody(command: Command, gateway_url: str, tmp_path: Path) -> None:
    refusing = "CREATE TRIGGER no BEFORE INSERT ON contacts BEGIN SELECT RAISE(ABORT, 'synthetic'); END"
    engine = open_engine(gateway_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(refusing)
    file = tmp_path / "contacts.csv"
    file.write_text(written([LINE], columns=tuple(LINE)), encoding="utf-8")
    told = command("contacts", str(file))
    assert told.output == "Error: The register did not take it (IntegrityError). Nothing was imported.\n"
    with pytest.raises(IntegrityError) as raised:
        load_contacts(gateway_url, file, NOON)
    assert "+856" not in str(raised.value)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("plan", "--period", "2026-13"), "month 13 is not between 1 and 12"),
        (("stop", "12", "--why", "closed"), "not 5 and 2 digits"),
        (("stop", "99999-99", "--why", "closed"), "The register has no employer of this code."),
        (("plan", "--period", "2010-01"), "No source says when 01/2010 is due"),
    ],
)
def test_what_cannot_be_is_said(command: Command, words: tuple[str, ...], says: str) -> None:
    told = command(*words)
    assert told.exit_code != 0
    assert says in told.output
