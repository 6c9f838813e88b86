"""Employers of two regimes side by side: each is reminded by its own due day, and decided about by itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import insert, select

from gateway.installation import Installation
from gateway.registry.firms import Stop, regimes
from gateway.registry.port import Claim
from gateway.registry.scheme import read_scheme
from gateway.registry.seed import seed
from gateway.registry.tables import arms, contributions, employers, stops, trials
from gateway.reminders.claims import EmployerClaims
from gateway.reminders.ladder import load_ladder
from gateway.reminders.outcomes import outcomes
from gateway.storage.engines import open_engine
from gateway.text.values import Month
from tests.conftest import Clock, Texts

Command = Callable[..., Result]
OCTOBER = Month(2026, 10)
STATE = """
[[due_days]]
regime = "state"
since = 2018-06-27
day = 20
source = "synthetic"
verified = false
"""
SCHEME = read_scheme(resources.files("gateway.registry").joinpath("data/scheme.toml").read_text("utf-8") + STATE)
HEADER = "employer_code,regime\n"


@pytest.fixture
def gateway(app: Flask, gateway_url: str, clock: Clock) -> Installation:
    """On 26 November, with 40 employers of whom three owe for October: due on 30 November, or on 20."""
    clock.now = datetime(2026, 11, 26, 5, tzinfo=UTC)
    seed(gateway_url, 400, 40, 12, clock.now.date(), SCHEME)
    gateway: Installation = app.extensions["pakan"]
    app.extensions["pakan"] = replace(gateway, scheme=SCHEME)
    return app.extensions["pakan"]  # type: ignore[no-any-return]


@pytest.fixture
def command(app: Flask, gateway: Installation) -> Command:
    def run(*words: str) -> Result:
        return app.test_cli_runner().invoke(args=["reminders", *words], env={"PAKAN_OFFICER": "synthetic-1"})

    return run


@pytest.fixture
def ours(command: Command, tmp_path: Path) -> str:
    """The code of the employer that is put into the second regime, of the three that owe."""
    code: str = re.findall(r"(\d{5}-01)  is reminded", command("plan", "--list").output)[0]
    file = tmp_path / "regimes.csv"
    file.write_text(f"{HEADER}{code},state\n")
    assert command("regimes", str(file)).output == "1 employer.\n"
    return code


def test_each_is_told_its_own_day(command: Command, ours: str, texts: Texts) -> None:
    plan = command("plan").output
    assert plan.startswith("enterprise: 10/2026 is due by 30/11/2026.\n")
    assert "\nstate: 10/2026 is due by 20/11/2026.\n" in plan
    assert "after   22/11/2026 09:00 to 29/11/2026 17:00  is open" in plan
    sent = command("send", "--yes")
    assert re.findall(r"(\w+): (\d+) texts? in the outbox", sent.output) == [("enterprise", "2"), ("state", "1")]
    said = {ours in words: words for _phone, words in texts.sent}
    assert "20/11/2026" in said[True]
    assert "30/11/2026" in said[False]
    assert "30/11/2026" not in said[True]
    assert len(texts.sent) == 3
    assert re.findall(r"(\d) texts (?:in|taken)", command("send", "--yes").output) == ["0"] * 3
    assert len(texts.sent) == 3


def test_one_of_them_is_asked_for_by_its_name(command: Command, ours: str, texts: Texts) -> None:
    assert "state" not in command("plan", "--regime", "enterprise").output
    assert "enterprise: 2 texts in the outbox" in command("send", "--regime", "enterprise", "--yes").output
    assert ours not in "".join(words for _phone, words in texts.sent)
    refused = command("plan", "--regime", "farmers")
    assert refused.exit_code == 2
    assert "The register's employers pay by: enterprise, state." in refused.output


def test_a_decision_is_about_one_regime(command: Command, ours: str, texts: Texts) -> None:
    for word in ("pause", "resume", "approve"):
        told = command(word)
        assert told.exit_code == 2
        assert "Say about which employers: --regime with one of enterprise, state." in told.output
    assert command("pause", "--regime", "state").output == "The texts of 10/2026 (after, state): paused.\n"
    assert "enterprise: 2 texts in the outbox" in command("send", "--yes").output
    assert len(texts.sent) == 2


@pytest.fixture
def alone(app: Flask, gateway: Installation) -> None:
    """One person may send two texts."""
    settings = gateway.settings.model_copy(update={"reminders_alone": 2})
    app.extensions["pakan"] = replace(gateway, settings=settings)


@pytest.mark.usefixtures("alone")
def test_one_person_sends_no_more_by_putting_firms_into_regimes(command: Command, ours: str, texts: Texts) -> None:
    """Three texts are too many for one, be they one and two; what two have approved is not counted."""
    told = command("send", "--yes")
    assert told.exit_code == 1
    assert "Error: enterprise: 2 texts asked for" in told.output
    assert "state: 1 text asked for" in told.output
    assert texts.sent == []
    approved = command("approve", "--regime", "state", "--officer", "synthetic-2", "--yes")
    assert approved.output == "1 text about 10/2026 (after, state) are approved.\n"
    sent = command("send", "--yes")
    assert "enterprise: 2 texts in the outbox" in sent.output
    assert "state: 1 text in the outbox" in sent.output
    assert len(texts.sent) == 3


def test_a_no_about_one_regime_is_not_one_about_the_others(app: Flask, gateway: Installation, ours: str) -> None:
    told = app.test_cli_runner().invoke(args=["reminders", "send"], input="n\ny\n")
    assert told.exit_code == 1
    assert "enterprise: Send 2 texts about 10/2026? [y/N]: n" in told.output
    assert "state: Send 1 text about 10/2026? [y/N]: y" in told.output
    assert "state: 1 text in the outbox" in told.output
    assert told.output.endswith("Error: enterprise: None was sent.\n")


@pytest.mark.usefixtures("texts")
def test_who_moves_while_a_text_waits_gets_one_text_and_the_right_one(
    gateway: Installation, command: Command, ours: str, texts: Texts, clock: Clock, tmp_path: Path
) -> None:
    """At night a text waits; by the new regime another one is right in the morning, or none once she has paid."""
    clock.now = datetime(2026, 11, 26, 14, tzinfo=UTC)  # 21:00 in Laos
    assert "state: 1 text in the outbox" in command("send", "--yes").output
    back = tmp_path / "back.csv"
    back.write_text(f"{HEADER}{ours},enterprise\n")
    command("regimes", str(back))
    said = command("send", "--yes").output
    assert "1 text taken back." in said
    assert "1 text in the outbox" in said
    clock.now = datetime(2026, 11, 27, 3, tzinfo=UTC)
    [words] = [words for _phone, words in texts.sent if ours in words]
    assert "30/11/2026" in words


def test_who_paid_and_moved_is_not_texted(
    gateway: Installation, command: Command, ours: str, texts: Texts, clock: Clock, tmp_path: Path
) -> None:
    """By the other regime the month in question is another; what waits is taken back all the same."""
    clock.now = datetime(2026, 12, 2, 14, tzinfo=UTC)
    assert "enterprise: 2 texts in the outbox" in command("send", "--yes").output
    others = re.findall(r"(\d{5}-01)  its text is on its way", command("plan", "--list").output)
    file = tmp_path / "moved.csv"
    file.write_text(HEADER + "".join(f"{code},state\n" for code in others))
    command("regimes", str(file))
    with open_engine(gateway.settings.register_url).begin() as connection:
        connection.execute(
            contributions.update()
            .where(contributions.c.month == OCTOBER.index)
            .values(status=3, paid=contributions.c.due, posted_on=date(2026, 12, 2))
        )
    assert f"{len(others)} texts taken back." in command("send", "--yes").output
    clock.now = datetime(2026, 12, 3, 3, tzinfo=UTC)
    assert texts.sent == []


def test_a_regime_whose_day_nobody_knows_is_named_and_the_others_go_on(
    app: Flask, gateway: Installation, command: Command, ours: str, texts: Texts
) -> None:
    only = tuple(claim for claim in SCHEME.due_days if claim.value.regime == "state")
    app.extensions["pakan"] = replace(gateway, scheme=replace(SCHEME, due_days=only))
    told = command("send", "--yes")
    assert told.exit_code == 1
    assert "enterprise: No source says when" in told.output
    plan = command("plan")
    assert "state: 10/2026 is due by 20/11/2026." in plan.output
    assert (plan.exit_code, "enterprise: No source says when" in plan.output) == (1, True)
    assert [ours in words for _phone, words in texts.sent] == [True]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("00001-01,farmers\n", "line 2: regime: not one of enterprise, state, voluntary"),
        ("99999-01,state\n", "line 2: employer_code: the register has no such employer"),
        ("00001-01,state\n00001-01,state\n", "line 3: employer_code: the same employer as an earlier line"),
        ("00001-01,state\nx,\n", "line 3: employer_code: not 5 and 2 digits"),
    ],
)
def test_a_list_that_cannot_stand_changes_nothing(
    gateway: Installation, command: Command, tmp_path: Path, lines: str, reason: str
) -> None:
    file = tmp_path / "regimes.csv"
    file.write_text(HEADER + lines)
    told = command("regimes", str(file))
    assert told.exit_code == 1
    assert reason in told.output.lower().replace("line  ", "line ")
    assert regimes(gateway.settings.register_url) == ["enterprise"]


def test_an_answer_keeps_texts_back_until_its_own_ladder_is_over(
    app: Flask, gateway: Installation, ours: str
) -> None:
    claims = EmployerClaims(
        gateway.outbox.hot, gateway.cases, gateway.trail, gateway.keys, load_ladder(), SCHEME, gateway.clock
    )
    other = "00001-01" if ours != "00001-01" else "00002-01"
    for code in (ours, other):
        claims.make(Claim.PAID, code, OCTOBER, "+8562021000001")
    with open_engine(gateway.settings.register_url).connect() as connection:
        kept = select(employers.c.code, stops.c.until).join(stops).where(stops.c.why == Stop.ANSWERED)
        found = {row.code: row.until for row in connection.execute(kept)}
    assert found == {ours: date(2026, 11, 29), other: date(2026, 12, 9)}


def test_who_puts_firms_into_regimes_is_in_the_audit(gateway: Installation, ours: str) -> None:
    [deed] = [deed for deed in gateway.trail.deeds("", 9) if deed.action == "reminders.imported"]
    assert (deed.actor, deed.subject) == ("officer:synthetic-1", "1 employer")


def test_on_time_is_by_ones_own_day(gateway: Installation, ours: str) -> None:
    """Posted on 25 November: too late for who had to pay by the 20th (and no days for the office)."""
    url = gateway.settings.register_url
    with open_engine(url).begin() as connection:
        ids = {row.code: row.id for row in connection.execute(select(employers.c.code, employers.c.id))}
        two = [ids[ours], next(number for code, number in ids.items() if code != ours)]
        for number in two:
            drawn = {"arm": "reminded", "stratum": "1-9", "percent": 10, "drawn_on": date(2026, 10, 1)}
            connection.execute(insert(arms), {"employer_id": number, **drawn})
            connection.execute(insert(trials), {"employer_id": number, "month": OCTOBER.index, "eligible_at": 0})
            connection.execute(
                contributions.update()
                .where(contributions.c.employer_id == number, contributions.c.month == OCTOBER.index)
                .values(status=3, paid=contributions.c.due, posted_on=date(2026, 11, 25))
            )
    found = outcomes(url, OCTOBER, lambda regime: SCHEME.due_on(OCTOBER, regime))
    assert {outcome.code == ours: outcome.on_time for outcome in found} == {True: False, False: True}
    with open_engine(url).begin() as connection:
        connection.execute(
            trials.update().where(trials.c.employer_id == two[1]).values(month=(OCTOBER + -1).index)
        )
    found = outcomes(url, OCTOBER, lambda regime: SCHEME.due_on(OCTOBER, regime))
    assert [outcome.code for outcome in found] == [ours]  # nobody of the other regime was tried in October


def test_members_and_the_effect_wait_for_the_latest_day_of_them_all(
    app: Flask, gateway: Installation, command: Command, ours: str
) -> None:
    """No member is told "not paid" before any employer is, and no month is measured before it is over for all."""
    told = app.test_cli_runner().invoke(args=["alerts", "plan"]).output
    assert "02/12/2026" in told
    assert "22/11/2026" not in told
    command("send", "--yes")
    with open_engine(gateway.settings.register_url).begin() as connection:
        number = connection.scalar(select(employers.c.id).where(employers.c.code == ours))
        drawn = {"arm": "reminded", "stratum": "1-9", "percent": 10, "drawn_on": date(2026, 10, 1)}
        connection.execute(insert(arms), {"employer_id": number, **drawn})
        connection.execute(insert(trials), {"employer_id": number, "month": OCTOBER.index, "eligible_at": 0})
    early = command("effect", "--period", "2026-10")
    assert early.exit_code == 1
    assert "10/2026 can be told from 11/12/2026 on." in early.output
