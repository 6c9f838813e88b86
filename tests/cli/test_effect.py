"""`flask reminders effect` as an officer types it, after months of reminders."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import update

from app import create_app
from gateway.installation import Installation
from gateway.registry.bulk import write_rows
from gateway.registry.tables import contacts, contributions, employers, members
from gateway.reminders.arms import held_out, note
from gateway.reminders.effect import newcombe, wilson
from gateway.storage.engines import open_engine
from gateway.text.values import Month
from tests.conftest import Clock, Texts

EMPLOYERS = 400
OCTOBER = Month(2026, 10)
EVERY = range(1, EMPLOYERS + 1)
BEFORE = datetime(2026, 11, 26, 5, tzinfo=UTC)  # the step before October is due
AFTER = datetime(2026, 12, 4, 5, tzinfo=UTC)  # the step after it
TOLD = datetime(2026, 12, 20, 5, tzinfo=UTC)
Command = Callable[..., Result]


def code(number: int) -> str:
    return f"{number:05d}-01"


def phone_of(number: int) -> str:
    return f"+8562021{number:06d}"


@pytest.fixture
def app(gateway_url: str, clock: Clock, tmp_path: Path, texts: Texts) -> Flask:
    """It holds out one employer in five, of 400 that have a worker each, paid September and owe October."""
    with open_engine(gateway_url).begin() as connection:
        write_rows(connection, employers, ((n, code(n), "", "Thotlong", "enterprise") for n in EVERY))
        write_rows(connection, members, ((n, f"9900{n:06d}", "", "Thotlong", "1990-01-01", None) for n in EVERY))
        write_rows(
            connection, contacts, ((n, phone_of(n), "en", "synthetic", "2026-01-01", 0, 0, None) for n in EVERY)
        )
        paid = ((n, n, 1_000_000, 115_000, 115_000, "2026-10-30", OCTOBER.index - 1, 3) for n in EVERY)
        owed = ((n, n, 1_000_000, 115_000, 0, None, OCTOBER.index, 0) for n in EVERY)
        write_rows(connection, contributions, paid)
        write_rows(connection, contributions, owed)
    clock.now = BEFORE
    config = {"database_url": gateway_url, "keys_dir": tmp_path / "keys", "hotline": "1508", "holdout_percent": 20}
    config |= {"bulk_pace": 10**6}  # the clock stands still while texts leave
    return texts.of(create_app(config, clock=clock, carriers=(texts,)))


@pytest.fixture
def command(app: Flask, clock: Clock) -> Command:
    def run(*words: str) -> Result:
        said = app.test_cli_runner().invoke(args=["reminders", *words])
        clock.now += timedelta(minutes=1)  # by then all its texts are due
        return said

    return run


def pay(url: str, reminded: float, others: float, seed: int = 1) -> dict[str, int]:
    """Let October come in on the due day with these chances; how many of each arm paid."""
    random, paid, held = Random(seed), {"reminded": 0, "held": 0}, held_out(url)
    with open_engine(url).begin() as connection:
        for number in EVERY:
            arm = "held" if code(number) in held else "reminded"
            if random.random() < (others if arm == "held" else reminded):
                paid[arm] += 1
                its_row = contributions.c.employer_id == number, contributions.c.month == OCTOBER.index
                posted = {"paid": 115_000, "status": 3, "posted_on": date(2026, 11, 30)}
                connection.execute(update(contributions).where(*its_row).values(posted))
    return paid


def test_the_effect_is_told_from_what_was_sent_and_what_came(
    command: Command, gateway_url: str, clock: Clock, texts: Texts, tmp_path: Path
) -> None:
    assert "320 texts in the outbox" in command("send", "--yes").output
    assert len(texts.sent) == 320
    paid = pay(gateway_url, reminded=0.8, others=0.4)
    clock.now = AFTER
    late = 320 - paid["reminded"]
    assert f"{late} texts in the outbox" in command("send", "--yes").output
    assert len(texts.sent) == 320 + late
    clock.now = TOLD
    plot = tmp_path / "effect.svg"
    told = command("effect", "--price", "350", "--plot", str(plot))
    assert told.exit_code == 0, told.output

    shares = wilson(paid["reminded"], 320), wilson(paid["held"], 80)
    for name, of, on_time, (value, low, high) in (
        ("reminded", 320, paid["reminded"], shares[0]),
        ("held out", 80, paid["held"], shares[1]),
    ):
        its_shares = rf"{100 * value:.1f} %  {100 * low:.1f} to {100 * high:.1f} %"
        assert re.search(rf"{name} +{of} +{of} +{on_time} +{its_shares}", told.output)
    apart = newcombe(*shares)
    assert f"Difference: {100 * apart.value:+.1f} points" in told.output
    more = round(apart.value * 320)
    assert f"Reminders brought about {more:,} payments" in told.output
    assert f"{320 + late} SMS left" in told.output
    each = (320 + late) / (apart.value * 320)
    assert f"For each further payment on time {each:.1f} SMS" in told.output
    assert f"At 350 kip an SMS that is {round(350 * each):,}\xa0kip" in told.output
    drawn = ElementTree.parse(plot).getroot()
    assert "80 employers" in [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]


def test_who_is_held_out_is_not_texted_in_either_step_however_often_it_is_run(
    command: Command, gateway_url: str, clock: Clock, texts: Texts
) -> None:
    for now, sent in ((BEFORE, 320), (BEFORE, 320), (AFTER, 640), (AFTER, 640)):
        clock.now = now
        command("send", "--yes")
        assert len(texts.sent) == sent
    held = held_out(gateway_url)
    assert len(held) == EMPLOYERS // 5
    assert not held & {text.split()[1].strip(":") for _phone, text in texts.sent}
    assert f"{len(held)}  is held out, so that the effect can be told" in command("plan").output


def test_the_plan_draws_nobody_and_says_so(command: Command, gateway_url: str) -> None:
    told = command("plan").output
    assert "400  is reminded" in told
    assert "Of employers that get their very first text, 20 % are held out at random instead." in told
    assert held_out(gateway_url) == frozenset()


def test_who_is_late_already_is_not_drawn(command: Command, gateway_url: str, clock: Clock) -> None:
    clock.now = AFTER
    assert "400 texts in the outbox" in command("send", "--yes").output
    assert held_out(gateway_url) == frozenset()


def test_what_is_refused_is_not_counted(app: Flask, command: Command, clock: Clock) -> None:
    gateway: Installation = app.extensions["pakan"]
    settings = gateway.settings.model_copy(update={"reminders_alone": 10})
    app.extensions["pakan"] = replace(gateway, settings=settings)
    assert "320 texts, and one person may send 10" in command("send", "--yes").output
    clock.now = TOLD
    assert "In no month that is over were employers held out" in command("effect").output


def test_no_effect_is_told_where_there_is_none(command: Command, gateway_url: str, clock: Clock) -> None:
    command("send", "--yes")
    pay(gateway_url, reminded=0.5, others=0.5)
    clock.now = TOLD
    assert "No such file or directory" in command("effect", "--plot", "/nowhere/effect.svg").output
    told = command("effect").output
    assert "No effect can be told: the interval that counts holds 0." in told
    assert "What a further payment on time cost cannot be told." in told


def test_nor_what_it_cost_once_the_texts_are_forgotten(command: Command, gateway_url: str, clock: Clock) -> None:
    command("send", "--yes")
    pay(gateway_url, reminded=0.9, others=0.2)
    clock.now = datetime(2027, 3, 20, 5, tzinfo=UTC)
    told = command("effect", "--price", "350").output
    assert "Reminders brought about" in told
    assert "SMS of months that long ago are not kept, so what they cost cannot be told." in told


def test_it_is_told_from_the_months_whose_texts_are_kept(command: Command, gateway_url: str, clock: Clock) -> None:
    command("send", "--yes")
    pay(gateway_url, reminded=0.9, others=0.2)
    note(gateway_url, [code(number) for number in EVERY], OCTOBER + 1, int(TOLD.timestamp()))
    clock.now = datetime(2027, 3, 5, 5, tzinfo=UTC)
    told = command("effect").output
    assert "2 months from 10/2026 to 11/2026" in told
    assert "0 SMS left for employers that are reminded, for 320 of their months: others are not kept." in told


@pytest.mark.parametrize(
    ("words", "now", "says"),
    [
        ((), BEFORE, "In no month that is over were employers held out: no effect can be told."),
        (
            ("--period", "2026-10"),
            datetime(2026, 12, 10, 5, tzinfo=UTC),
            "10/2026 can be told from 11/12/2026 on.",
        ),
        (("--period", "2026-09"), TOLD, "No first text of 09/2026 was sent with employers held out."),
        (("--since", "2026-11"), TOLD, "In no month that is over were employers held out"),
        (("--since", "2026-13"), TOLD, "month 13 is not between 1 and 12"),
    ],
)
def test_what_cannot_be_told_is_said(
    command: Command, clock: Clock, words: tuple[str, ...], now: datetime, says: str
) -> None:
    command("send", "--yes")
    clock.now = now
    told = command("effect", *words)
    assert told.exit_code != 0
    assert says in told.output


@pytest.mark.parametrize(
    ("kept", "says"),
    [
        (0, "No employer was held out in these months: no effect can be told."),
        (
            7,
            "The smaller arm has 7 employers, too few to tell an effect. To see one of 10 points in a",
        ),
    ],
)
def test_with_nobody_or_few_held_out_there_is_no_number(
    command: Command, gateway_url: str, clock: Clock, kept: int, says: str
) -> None:
    command("send", "--yes")
    with open_engine(gateway_url).begin() as connection:
        held = "SELECT employer_id FROM arms WHERE arm = 'held_out' ORDER BY employer_id LIMIT -1 OFFSET"
        connection.exec_driver_sql(f"DELETE FROM trials WHERE employer_id IN ({held} {kept})")
    clock.now = TOLD
    told = command("effect")
    assert told.exit_code == 1
    assert says in told.output
    assert "ON TIME" not in told.output
