"""`flask reminders`: who is reminded of a month's contribution, who is not and why, and the sending itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from random import SystemRandom
from typing import Final

import click
from flask.cli import AppGroup

from gateway.cli.outbox import ready
from gateway.installation import Installation
from gateway.outbox.ledger import Ledger
from gateway.outbox.sender import CLOSES, OPENS
from gateway.registry.firms import Firm, firms
from gateway.registry.scheme import load_scheme
from gateway.reminders.arms import assign, held_out, note
from gateway.reminders.batches import Batch, Batches
from gateway.reminders.bounces import retire_lost
from gateway.reminders.cost import cost_of, operator_of
from gateway.reminders.dispatch import dispatch, tidy
from gateway.reminders.ladder import Step, current_month, load_ladder, next_step
from gateway.reminders.plan import PURPOSE, Entry, Planner, Why
from gateway.text.catalogue import LANGUAGES
from gateway.text.showing import show_date, show_kip, show_month
from gateway.text.values import Month

SAMPLES: Final = 3  # texts shown of each language
ENDING: Final = 3  # digits of a number that an officer sees
TICK: Final = 1_000  # employers between two signs of life


@click.group("reminders", cls=AppGroup)
def reminders() -> None:
    """Reminders to employers: who gets what and why, and the sending itself."""


PERIOD: Final = click.option(
    "--period", metavar="YYYY-MM", help="The month worked that is to be paid for.  [default: the first not over]"
)


@reminders.command("plan")
@PERIOD
@click.option("--list", "listed", is_flag=True, help="Every employer on a line of its own.")
def plan_command(period: str | None, listed: bool) -> None:
    """Say who would be reminded of a month, why the others would not, and what the texts would be.

    Nothing is written or sent. Two texts belong to a month, one before the due day and one after; the plan is
    of the one that is open now, or of the next. Numbers are masked.

    \b
    Examples:
      flask reminders plan
      flask reminders plan --period 2026-10 --list | less
    """
    gateway = ready()
    planner = planner_of(gateway, period)
    click.echo(f"{show_month(planner.month, 'en')} is due by {show_date(planner.due, 'en')}.")
    for line in _steps(planner):
        click.echo(line)
    entries = planner.plan(_counted(firms(gateway.settings.register_url, planner.month)))
    _tell(entries, listed, gateway.settings.sms_prices)
    percent = gateway.settings.holdout_percent
    if percent and step_of(planner) is planner.ladder[0]:
        click.echo(f"Of employers that get their very first text, {percent} % are held out at random instead.")


@reminders.command("send")
@PERIOD
@click.option("--officer", envvar="PAKAN_OFFICER", help="Your account, to ask for more than one person may send.")
@click.option("--again", is_flag=True, help="Texts that died, too: tried five times, and never left.")
@click.option("--yes", is_flag=True, help="Do not ask; for a timer.")
def send_command(period: str | None, officer: str | None, again: bool, yes: bool) -> None:
    """Take back texts whose employer has paid, closed or wants none, then send those of the step that is open.

    Each employer, month and step is sent once, however often this is run: run it every few minutes, so that a
    text that waits is taken back as soon as money came. Look at `plan` first. More new texts than
    PAKAN_REMINDERS_ALONE are asked for by one officer, approved by another, and sent by the next run.

    \b
    Examples:
      flask reminders send
      flask reminders send --officer ACCOUNT
      flask reminders send --period 2026-10 --yes
    """
    gateway = ready()
    if not gateway.mail.carries:
        raise click.ClickException("No operator is connected for SMS, so nothing would leave: see the settings.")
    planner, url = planner_of(gateway, period, again), gateway.settings.register_url
    read = partial(firms, url, planner.month)
    retired = retire_lost(planner, _counted(read()), url, gateway.outbox, gateway.cases)
    tidied = tidy(planner, _counted(read()), gateway.outbox)
    taken_back = f"{many(tidied.taken_back)} taken back"
    if retired:
        taken_back += f", {retired:,} lost numbers retired (flask cases list)"
    step = step_of(planner)
    if step is None or not planner.is_open(step):
        click.echo("\n".join([f"No step is open now; {taken_back}.", *_steps(planner)]))
        return
    planner, eligible = _drawn(gateway, planner, tidied.eligible), tidied.eligible
    fresh = sum(code not in planner.held_out for code in eligible)
    if fresh > max(gateway.settings.reminders_alone, batch_of(gateway, planner).approved):
        raise click.ClickException(f"{_asked(gateway, planner, step, fresh, officer)} {taken_back}.")
    if fresh and not yes:
        click.confirm(f"Send {many(fresh)} about {show_month(planner.month, 'en')}?", abort=True)
    if _tries(gateway, planner):  # before the texts, so that none leaves uncounted
        note(url, eligible, planner.month, gateway.outbox.now())
    counted = (firm for firm in _counted(read()) if firm.code in eligible)
    posted = dispatch(planner, counted, gateway.outbox) if fresh else 0
    click.echo(f"{many(posted)} in the outbox, which sends from {OPENS:%H:%M} to {CLOSES:%H:%M}; {taken_back}.")


def planner_of(gateway: Installation, period: str | None, again: bool = False) -> Planner:
    """The terms of the month that is asked for, or of the first that is not over."""
    ladder, now = load_ladder(), gateway.clock()
    month = month_of(period) if period else current_month(ladder, load_scheme().due_on, now, gateway.timezone)
    due = load_scheme().due_on(month)
    if due is None:
        raise click.ClickException(f"No source says when {show_month(month, 'en')} is due: see data/scheme.toml.")
    planner = Planner(
        month=month,
        due=due,
        now=now,
        ladder=ladder,
        timezone=gateway.timezone,
        hotline=gateway.facts["hotline"].show("", "en", str),
        say=gateway.engine.catalogues.say,
        ledger=Ledger.read(gateway.outbox, PURPOSE),
        again=again,
        held_out=held_out(gateway.settings.register_url) if gateway.settings.holdout_percent else frozenset(),
    )
    return replace(planner, hold=batch_of(gateway, planner).hold)


def step_of(planner: Planner) -> Step | None:
    """The step that is open, or the next."""
    return next_step(planner.ladder, planner.due, planner.now, planner.timezone)


def batch_of(gateway: Installation, planner: Planner) -> Batch:
    """What officers decided of it."""
    step = step_of(planner)
    return Batches(gateway.outbox, gateway.trail).get(planner.month, step.name) if step else Batch()


def many(count: int) -> str:
    return f"{count:,} text{'' if count == 1 else 's'}"


def _asked(gateway: Installation, planner: Planner, step: Step, fresh: int, officer: str | None) -> str:
    """Ask for more than one person may send; what to do next."""
    most = gateway.settings.reminders_alone
    if officer is None:
        return f"{many(fresh)}, and one person may send {most:,}: ask for them with --officer. None was sent;"
    Batches(gateway.outbox, gateway.trail).ask(planner.month, step.name, fresh, officer)
    return f"{many(fresh)} asked for; now somebody else: flask reminders approve --officer. None was sent yet;"


def _tries(gateway: Installation, planner: Planner) -> bool:
    """Whether employers are drawn and counted now: with a month's first text, which whoever is late has missed."""
    return gateway.settings.holdout_percent > 0 and planner.is_open(planner.ladder[0])


def _drawn(gateway: Installation, planner: Planner, eligible: Mapping[str, int]) -> Planner:
    """The planner once every employer that is about to get its very first text has an arm."""
    if not _tries(gateway, planner):
        return planner
    url, percent = gateway.settings.register_url, gateway.settings.holdout_percent
    return replace(planner, held_out=assign(url, eligible, percent, SystemRandom(), gateway.today()))


def _steps(planner: Planner) -> Iterator[str]:
    """When each step may be sent, on the scheme's clock, and how it stands now."""
    for step in planner.ladder:
        opens, closes = (edge.on(planner.due, planner.timezone) for edge in (step.opens, step.closes))
        stands = "is over" if closes <= planner.now else "is open" if planner.is_open(step) else "is to come"
        local = (f"{moment.astimezone(planner.timezone):%d/%m/%Y %H:%M}" for moment in (opens, closes))
        yield f"  {step.name:<8}{' to '.join(local)}  {stands}"


def _tell(entries: Iterator[Entry], listed: bool, prices: Mapping[str, int]) -> None:
    """The plan as sums and samples, of any number of employers."""
    whys: Counter[Why] = Counter()
    texts: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    carried: Counter[str] = Counter()
    samples: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    for entry in entries:
        whys[entry.why] += 1
        text = entry.text
        if text:
            language = text.contact.language
            texts[language] += 1
            parts[language] += text.parts
            carried[operator_of(text.contact.msisdn)] += text.parts
            if len(samples[language]) < SAMPLES:
                samples[language].append(f"  {language}, {text.parts} SMS: {text.words}")
        if listed:
            to = f" ({entry.step.name}) at ...{text.contact.msisdn[-ENDING:]}" if entry.step and text else ""
            click.echo(f"  {entry.firm.code}  {entry.why}{to}")
    click.echo(f"\n{whys.total():,} employers:")
    for why in Why:
        if whys[why]:
            click.echo(f"  {whys[why]:>7,}  {why}")
    cost = cost_of(carried, prices)
    price = show_kip(cost, "en") if cost is not None else "no price is set for all (PAKAN_SMS_PRICES)"
    click.echo(f"\n{many(texts.total())}, {parts.total():,} SMS: {price}.")
    for language in LANGUAGES:
        if texts[language]:
            click.echo(f"  {language:<8}{many(texts[language])}, {parts[language]:,} SMS")
    for operator, count in carried.most_common():
        click.echo(f"  {operator}, by its range: {count:,} SMS")
    for sample in (line for lines in samples.values() for line in lines):
        click.echo(sample)


def _counted(found: Iterator[Firm]) -> Iterator[Firm]:
    """Every thousandth employer is told on the error stream, so that long work is seen to go on."""
    for number, firm in enumerate(found, start=1):
        if number % TICK == 0:
            click.echo(f"{number:,} employers read", err=True)
        yield firm


def month_of(period: str, option: str = "--period") -> Month:
    """The month that was typed for an option."""
    try:
        return Month.parse(period)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint=option) from problem
