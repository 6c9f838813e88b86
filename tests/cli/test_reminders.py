"""`flask reminders` as an officer types it."""

from __future__ import annotations

import re
from collections.abc import Callable
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
from gateway.storage.engines import open_engine
from tests.conftest import NOON, Clock, Texts
from tests.registry.test_firms import LINE
from tests.registry.test_load import written

Command = Callable[..., Result]
PERIOD = ("--period", "2026-10")


@pytest.fixture
def command(app: Flask, gateway_url: str, clock: Clock) -> Command:
    """On 26 November, with 40 employers of whom some owe for October."""
    clock.now = datetime(2026, 11, 26, 5, tzinfo=UTC)
    seed(gateway_url, 400, 40, 12, clock.now.date(), load_scheme())

    def run(*words: str) -> Result:
        return app.test_cli_runner().invoke(args=["reminders", *words])

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
    planned, parts = counted(plan.output, "is reminded"), counted(plan.output, "SMS; no price")
    assert 0 < planned < 40

    assert texts.sent == []
    sent = command("send", *PERIOD, "--yes")
    assert f"{planned} texts in the outbox, which sends from 08:00 to 20:00; 0 texts taken back." in sent.output
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


def test_more_than_one_person_may_answer_for_is_refused(command: Command, texts: Texts) -> None:
    refused = command("send", *PERIOD, "--most", "1", "--yes")
    assert refused.exit_code == 1
    assert "Let a second person look at the plan" in refused.output
    assert texts.sent == []


def test_what_is_refused_takes_back_all_the_same_and_counts_only_what_is_new(
    command: Command, texts: Texts
) -> None:
    codes = re.findall(r"(\d{5}-01)  is reminded", command("plan", *PERIOD, "--list").output)
    late, paid, *_others = codes
    command("stop", late, "--why", "plan")
    planned = str(len(codes) - 1)
    assert f"{planned} texts in the outbox" in command("send", *PERIOD, "--most", planned, "--yes").output
    command("resume", late)
    command("stop", paid, "--why", "closed")
    refused = command("send", *PERIOD, "--most", "0", "--yes")
    assert "1 text would be sent, and --most is 0. None was sent; 1 text taken back." in refused.output
    assert not {code for code in (late, paid) for _phone, text in texts.sent if code in text}


def test_it_asks_first(command: Command, texts: Texts) -> None:
    asked = command("send", *PERIOD)  # nobody answers
    assert asked.exit_code == 1
    assert "texts about 10/2026? [y/N]" in asked.output
    assert texts.sent == []


def test_between_two_steps_nothing_is_sent(command: Command, texts: Texts, clock: Clock) -> None:
    clock.now = datetime(2026, 12, 1, 5, tzinfo=UTC)
    told = command("send", "--yes")
    assert told.exit_code == 0  # a timer comes here every day
    assert "No step is open now; 0 texts taken back." in told.output
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
    assert command("contacts", str(file)).output == "1 contacts.\n"
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
        load_contacts(gateway_url, file, NOON.date())
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
