"""`flask alerts`: which members are told this month how their contribution stands, and the sending itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import click
from flask.cli import AppGroup

from gateway.cli.plans import (
    ALONE,
    PERIOD,
    Sums,
    counted,
    many,
    month_and_due,
    refuse_more_than,
    refuse_without_operator,
)
from gateway.cli.ready import ready
from gateway.identity.subscribers import Subscriber, subscribers
from gateway.installation import Installation
from gateway.outbox.ledger import Ledger
from gateway.outbox.sender import CLOSES, OPENS
from gateway.reminders.alerts import PURPOSE, Hours, Planner, Why, dispatch, tidy
from gateway.reminders.ladder import load_ladder
from gateway.text.showing import show_month


@click.group("alerts", cls=AppGroup)
def alerts() -> None:
    """A text a month to members who asked for it: who is told, who is not and why, and the sending itself."""


@alerts.command("plan")
@PERIOD
@click.option("--list", "listed", is_flag=True, help="Every member who asked, on a line of her own.")
def plan_command(period: str | None, listed: bool) -> None:
    """Say who would be told of a month, why the others would not, and what the texts would be.

    Nothing is written or sent. Members ask on their phones: Settings, Privacy, Monthly text. They stand here by
    the register's own reference, without their numbers.

    \b
    Examples:
      flask alerts plan
      flask alerts plan --period 2026-10 --list | less
    """
    gateway = ready()
    planner, sums = _planner(gateway, period), Sums(gateway.settings.sms_prices)
    click.echo(_when(gateway, planner))
    for entry in planner.plan(counted(_asking(gateway), "members")):
        sums.add(entry.why)
        if entry.text:
            sums.add_text(*entry.text, entry.subscriber.msisdn)
        if listed:
            click.echo(f"  {entry.subscriber.member}  {entry.why}")
    for line in sums.lines("member asked", "members asked", Why):
        click.echo(line)


@alerts.command("send")
@click.option("--most", default=ALONE, show_default=True, help="Refuse to send more new texts than this.")
@click.option("--again", is_flag=True, help="Texts that died, too: tried five times, and never left.")
@click.option("--yes", is_flag=True, help="Do not ask; for a timer.")
def send_command(most: int, again: bool, yes: bool) -> None:
    """Take back texts that are not true or not wanted any more, then send those of the month that is not over.

    Each member is told of a month once, however often this is run: run it every few minutes, so that a text that
    waits is taken back as soon as money came. Look at `plan` first.

    \b
    Examples:
      flask alerts send
      flask alerts send --most 5000 --yes
    """
    gateway = ready()
    refuse_without_operator(gateway)
    planner = _planner(gateway, None, again)
    read = partial(_asking, gateway)
    tidied = tidy(planner, counted(read(), "members"), gateway.outbox)
    refuse_more_than(most, tidied.fresh, tidied.taken_back)
    if tidied.fresh and not yes:
        click.confirm(f"Send {many(tidied.fresh)} about {show_month(planner.month, 'en')}?", abort=True)
    posted = (
        dispatch(planner, counted(read(), "members"), gateway.outbox, gateway.settings.bulk_pace)
        if tidied.fresh
        else 0
    )
    click.echo(
        f"{many(posted)} in the outbox, which sends from {OPENS:%H:%M} to {CLOSES:%H:%M}; "
        f"{many(tidied.taken_back)} taken back."
    )


def _asking(gateway: Installation) -> Iterator[Subscriber]:
    return subscribers(gateway.settings.database_url, gateway.keys, gateway.outbox.now())


def _planner(gateway: Installation, period: str | None, again: bool = False) -> Planner:
    ladder = load_ladder()
    month, due = month_and_due(gateway, ladder, period)
    hours = Hours.of(month, due, ladder, gateway.timezone)
    code, hotline = (gateway.facts[name].show("", "en", str) for name in ("code", "hotline"))
    return Planner(
        month=month,
        hours=hours,
        now=gateway.clock(),
        today=gateway.today(),
        scheme=gateway.scheme,
        registry=gateway.registry,
        code=code,
        hotline=hotline,
        language=gateway.engine.catalogues.default,
        say=gateway.engine.catalogues.say,
        ledger=Ledger.read(gateway.outbox, PURPOSE, since=int(hours.opens.timestamp())),
        words=gateway.outbox.words,
        again=again,
    )


def _when(gateway: Installation, planner: Planner) -> str:
    """From when what is told, on the scheme's clock."""
    opens, late, closes = (f"{moment.astimezone(gateway.timezone):%d/%m/%Y %H:%M}" for moment in planner.hours)
    month = show_month(planner.month, "en")
    return f"{month}: what is paid is told from {opens}, the rest from {late}, till {closes}."
