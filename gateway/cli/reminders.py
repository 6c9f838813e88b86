"""`flask reminders`: who is reminded of a month's contribution, who is not and why, and the sending itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import click
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from gateway.cli.outbox import ready
from gateway.installation import Installation, installation
from gateway.outbox.ledger import Ledger
from gateway.outbox.sender import CLOSES, OPENS
from gateway.registry.contacts import COLUMNS, load_contacts, resume, stop
from gateway.registry.firms import Firm, Stop, firms
from gateway.registry.line import read_code
from gateway.registry.load import LinesError
from gateway.registry.scheme import load_scheme
from gateway.registry.sheet import SheetError
from gateway.reminders.dispatch import dispatch, tidy
from gateway.reminders.ladder import current_month, load_ladder
from gateway.reminders.plan import PURPOSE, Entry, Planner, Why
from gateway.text.catalogue import LANGUAGES
from gateway.text.showing import show_date, show_month
from gateway.text.values import Month

ALONE: Final = 500  # texts that one person may send; more is for two to look at
SAMPLES: Final = 3  # texts shown of each language
ENDING: Final = 3  # digits of a number that an officer sees
TICK: Final = 1_000  # employers between two signs of life

CONTACTS_HELP: Final = f"""Import who may be told for each employer from FILE (.csv or .xlsx).

The first line names the columns, in any order:

\b
{chr(10).join(f"  {column:<15}{meaning}" for column, meaning in COLUMNS.items())}

Either every line is imported or none: each line that cannot be is named with its reason. A line replaces what the
register has for this employer and phone; contacts without a line stay as they are.

\b
Example:
  flask reminders contacts contacts.csv
"""


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
    planner = _planner(gateway, period)
    click.echo(f"{show_month(planner.month, 'en')} is due by {show_date(planner.due, 'en')}.")
    for line in _steps(planner):
        click.echo(line)
    _tell(planner.plan(_counted(firms(gateway.settings.register_url, planner.month))), listed)


@reminders.command("send")
@PERIOD
@click.option("--most", default=ALONE, show_default=True, help="Refuse to send more new texts than this.")
@click.option("--again", is_flag=True, help="Texts that died, too: tried five times, and never left.")
@click.option("--yes", is_flag=True, help="Do not ask; for a timer.")
def send_command(period: str | None, most: int, again: bool, yes: bool) -> None:
    """Take back texts whose employer has paid, closed or wants none, then send those of the step that is open.

    Each employer, month and step is sent once, however often this is run: run it every few minutes, so that a
    text that waits is taken back as soon as money came. Look at `plan` first.

    \b
    Examples:
      flask reminders send
      flask reminders send --period 2026-10 --most 2300 --yes
    """
    gateway = ready()
    if not gateway.mail.carries:
        raise click.ClickException("No operator is connected for SMS, so nothing would leave: see the settings.")
    planner = _planner(gateway, period, again)
    read = partial(firms, gateway.settings.register_url, planner.month)
    tidied = tidy(planner, _counted(read()), gateway.outbox)
    taken_back = f"{_many(tidied.taken_back)} taken back"
    if not any(map(planner.is_open, planner.ladder)):
        click.echo("\n".join([f"No step is open now; {taken_back}.", *_steps(planner)]))
        return
    if tidied.fresh > most:
        raise click.ClickException(
            f"{_many(tidied.fresh)} would be sent, and --most is {most:,}. None was sent; {taken_back}. "
            "Let a second person look at the plan, then give the number."
        )
    if tidied.fresh and not yes:
        click.confirm(f"Send {_many(tidied.fresh)} about {show_month(planner.month, 'en')}?", abort=True)
    posted = dispatch(planner, _counted(read()), gateway.outbox) if tidied.fresh else 0
    click.echo(f"{_many(posted)} in the outbox, which sends from {OPENS:%H:%M} to {CLOSES:%H:%M}; {taken_back}.")


def _planner(gateway: Installation, period: str | None, again: bool = False) -> Planner:
    ladder, now = load_ladder(), gateway.clock()
    month = _month(period) if period else current_month(ladder, load_scheme().due_on, now, gateway.timezone)
    due = load_scheme().due_on(month)
    if due is None:
        raise click.ClickException(f"No source says when {show_month(month, 'en')} is due: see data/scheme.toml.")
    return Planner(
        month=month,
        due=due,
        now=now,
        ladder=ladder,
        timezone=gateway.timezone,
        hotline=gateway.facts["hotline"].show("", "en", str),
        say=gateway.engine.catalogues.say,
        ledger=Ledger.read(gateway.outbox, PURPOSE),
        again=again,
    )


def _steps(planner: Planner) -> Iterator[str]:
    """When each step may be sent, on the scheme's clock, and how it stands now."""
    for step in planner.ladder:
        opens, closes = (edge.on(planner.due, planner.timezone) for edge in (step.opens, step.closes))
        stands = "is over" if closes <= planner.now else "is open" if planner.is_open(step) else "is to come"
        local = (f"{moment.astimezone(planner.timezone):%d/%m/%Y %H:%M}" for moment in (opens, closes))
        yield f"  {step.name:<8}{' to '.join(local)}  {stands}"


def _tell(entries: Iterator[Entry], listed: bool) -> None:
    """The plan as sums and samples, of any number of employers."""
    whys: Counter[Why] = Counter()
    texts: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    samples: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    for entry in entries:
        whys[entry.why] += 1
        text = entry.text
        if text:
            language = text.contact.language
            texts[language] += 1
            parts[language] += text.parts
            if len(samples[language]) < SAMPLES:
                samples[language].append(f"  {language}, {text.parts} SMS: {text.words}")
        if listed:
            to = f" ({entry.step.name}) at ...{text.contact.msisdn[-ENDING:]}" if entry.step and text else ""
            click.echo(f"  {entry.firm.code}  {entry.why}{to}")
    click.echo(f"\n{whys.total():,} employers:")
    for why in Why:
        if whys[why]:
            click.echo(f"  {whys[why]:>7,}  {why}")
    click.echo(f"\n{_many(texts.total())}, {parts.total():,} SMS; no price of an SMS is known here.")
    for language in LANGUAGES:
        if texts[language]:
            click.echo(f"  {language:<8}{_many(texts[language])}, {parts[language]:,} SMS")
    for sample in (line for lines in samples.values() for line in lines):
        click.echo(sample)


def _counted(found: Iterator[Firm]) -> Iterator[Firm]:
    """Every thousandth employer is told on the error stream, so that long work is seen to go on."""
    for number, firm in enumerate(found, start=1):
        if number % TICK == 0:
            click.echo(f"{number:,} employers read", err=True)
        yield firm


@reminders.command("contacts", help=CONTACTS_HELP)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def contacts_command(file: Path) -> None:
    gateway = installation()
    try:
        count = load_contacts(gateway.settings.register_url, file, gateway.today())
    except SQLAlchemyError as problem:
        raise click.ClickException(
            f"The register did not take it ({type(problem).__name__}). Nothing was imported."
        ) from None  # its own words may quote a number
    except SheetError as problem:
        raise click.ClickException(f"{problem} Nothing was imported.") from problem
    except LinesError as bad:
        for wrong in bad.problems:
            click.echo(f"line {wrong.line}: {wrong.reason}", err=True)
        raise click.ClickException(f"{bad.count:,} problems. Nothing was imported.") from bad
    click.echo(f"{count:,} contacts.")


@reminders.command("stop")
@click.argument("code")
@click.option(
    "--why", type=click.Choice([str(why) for why in Stop]), required=True, help="What keeps it from paying."
)
@click.option("--until", metavar="YYYY-MM-DD", type=click.DateTime(["%Y-%m-%d"]), help="The last day it holds.")
def stop_command(code: str, why: str, until: datetime | None) -> None:
    """Remind the employer of this CODE no more: it has closed, or pays by a plan.

    \b
    Examples:
      flask reminders stop 12345-01 --why closed
      flask reminders stop 12345-01 --why plan --until 2027-03-31
    """
    if not stop(installation().settings.register_url, _code(code), why, until.date() if until else None):
        raise click.ClickException("The register has no employer of this code.")
    click.echo("Noted.")


@reminders.command("resume")
@click.argument("code")
def resume_command(code: str) -> None:
    """Remind the employer of this CODE again, whatever stopped it."""
    if not resume(installation().settings.register_url, _code(code)):
        raise click.ClickException("The register has no employer of this code.")
    click.echo("Noted.")


def _many(count: int) -> str:
    return f"{count:,} text{'' if count == 1 else 's'}"


def _month(period: str) -> Month:
    try:
        return Month.parse(period)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--period") from problem


def _code(code: str) -> str:
    try:
        return read_code(code)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="CODE") from problem
