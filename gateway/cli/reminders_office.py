"""`flask reminders`, the officer's part: who may be told, who is not reminded, and what two people answer for."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

import click

from gateway.cli.cases import officer_option
from gateway.cli.imports import FILE, importing
from gateway.cli.plans import PERIOD, REGIME, many
from gateway.cli.ready import ready
from gateway.cli.reminders import planner_of, regimes_of, reminders, step_of
from gateway.installation import Installation
from gateway.outbox.ledger import Ledger
from gateway.registry.contacts import COLUMNS, load_contacts, resume, stop
from gateway.registry.firms import Stop
from gateway.registry.regimes import COLUMNS as REGIME_COLUMNS
from gateway.registry.regimes import load_regimes
from gateway.registry.scheme import ENTERPRISE
from gateway.reminders.batches import CHANNEL, Hold, Stage, Undecidable
from gateway.reminders.plan import PURPOSE
from gateway.text.reading import read_code
from gateway.text.showing import show_month

CONTACTS_HELP: Final = f"""Import who may be told for each employer from FILE (.csv or .xlsx).

The first line names the columns, in any order:

\b
{chr(10).join(f"  {column:<15}{meaning}" for column, meaning in COLUMNS.items())}

Either every line is imported or none: each line that cannot be is named with its reason. A line replaces what the
register has for this employer and phone; contacts without a line stay as they are.

\b
Example:
  flask reminders contacts contacts.csv --officer ACCOUNT
"""

REGIMES_HELP: Final = f"""Import by which regime employers pay from FILE (.csv or .xlsx).

The first line names the columns, in any order:

\b
{chr(10).join(f"  {column:<15}{meaning}" for column, meaning in REGIME_COLUMNS.items())}

A regime is one that the scheme names, such as enterprise or state. Each, which may have a due day of its own,
has its reminders, approvals and pauses. An employer without a line keeps its regime; a new one is of {ENTERPRISE}.
Either every line is imported or none.

\b
Example:
  flask reminders regimes regimes.csv --officer ACCOUNT
"""


@reminders.command("contacts", help=CONTACTS_HELP)
@FILE
@officer_option
def contacts_command(file: Path, officer: str) -> None:
    gateway = ready()
    with importing(file):
        now = gateway.clock().astimezone(gateway.timezone)
        count = load_contacts(gateway.settings.register_url, file, now)
    _imported(gateway, many(count, "contact"), officer)


@reminders.command("regimes", help=REGIMES_HELP)
@FILE
@officer_option
def regimes_command(file: Path, officer: str) -> None:
    gateway = ready()
    with importing(file):
        count = load_regimes(gateway.settings.register_url, file, gateway.scheme.regimes)
    _imported(gateway, many(count, "employer"), officer)


@reminders.command("approve")
@PERIOD
@REGIME
@officer_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def approve_command(period: str | None, regime: str | None, officer: str, yes: bool) -> None:
    """Let the texts leave that another officer asked for. Look at `plan` first; the next `send` sends them.

    \b
    Example:
      flask reminders approve --officer ACCOUNT
    """
    gateway = ready()
    stage = _open(gateway, period, regime)
    seen = gateway.batches.get(stage)
    texts, of = many(seen.texts), _of(stage)
    if not yes:
        click.confirm(f"Let {texts} about {of} leave?", abort=True)
    try:
        gateway.batches.approve(stage, seen, officer)
    except Undecidable as problem:
        raise click.ClickException(str(problem)) from problem
    click.echo(f"{texts} about {of} are approved.")


@reminders.command("pause")
@PERIOD
@REGIME
@officer_option
def pause_command(period: str | None, regime: str | None, officer: str) -> None:
    """Keep back the texts of the step that is open, or next: the next `send` takes back those that wait.

    \b
    Example:
      flask reminders pause --officer ACCOUNT
    """
    _hold(period, regime, Hold.PAUSED, officer)


@reminders.command("resume")
@click.argument("code", required=False)
@PERIOD
@REGIME
@officer_option
def resume_command(code: str | None, period: str | None, regime: str | None, officer: str) -> None:
    """Remind the employer of this CODE again, whatever stopped it; without one, go on with what was paused."""
    if code is None:
        _hold(period, regime, Hold.NONE, officer)
        return
    gateway = ready()
    _noted(resume(gateway.settings.register_url, _code(code)), gateway, code, "resumed", officer)


@reminders.command("stop")
@click.argument("code", required=False)
@click.option(
    "--why", type=click.Choice([str(Stop.CLOSED), str(Stop.PLAN)]), help="What keeps this employer from paying."
)
@click.option("--until", metavar="YYYY-MM-DD", type=click.DateTime(["%Y-%m-%d"]), help="The last day it holds.")
@PERIOD
@REGIME
@officer_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def stop_command(
    code: str | None,
    why: str | None,
    until: datetime | None,
    period: str | None,
    regime: str | None,
    officer: str,
    yes: bool,
) -> None:
    """Remind the employer of this CODE no more: it has closed, or pays by a plan. Without one: stop the step that
    is open, or next, for good.

    \b
    Examples:
      flask reminders stop 12345-01 --why closed --officer ACCOUNT
      flask reminders stop 12345-01 --why plan --until 2027-03-31 --officer ACCOUNT
      flask reminders stop --period 2026-10 --officer ACCOUNT
    """
    if code is None and (why or until):
        raise click.UsageError("Say of which employer: --why and --until are of one CODE.")
    if code is None:
        if not yes:
            click.confirm("Stop this step for every employer, for good?", abort=True)
        _hold(period, regime, Hold.STOPPED, officer)
        return
    if why is None:
        raise click.UsageError("Say why: --why closed or --why plan.")
    gateway = ready()
    done = stop(gateway.settings.register_url, _code(code), why, until.date() if until else None)
    _noted(done, gateway, code, why, officer)


def _imported(gateway: Installation, what: str, officer: str) -> None:
    now = int(gateway.clock().timestamp())
    gateway.trail.note(f"officer:{officer}", CHANNEL, "", "reminders.imported", what, now)
    click.echo(f"{what}.")


def _noted(done: bool, gateway: Installation, code: str, deed: str, officer: str) -> None:
    if not done:
        raise click.ClickException("The register has no employer of this code.")
    now = int(gateway.clock().timestamp())
    gateway.trail.note(f"officer:{officer}", CHANNEL, "", f"reminders.{deed}", _code(code), now)
    click.echo("Noted.")


def _hold(period: str | None, regime: str | None, hold: Hold, officer: str) -> None:
    gateway = ready()
    stage = _open(gateway, period, regime)
    try:
        gateway.batches.hold(stage, hold, officer)
    except Undecidable as problem:
        raise click.ClickException(str(problem)) from problem
    click.echo(f"The texts of {_of(stage)}: {hold or 'going on'}.")


def _open(gateway: Installation, period: str | None, regime: str | None) -> Stage:
    """What is decided about: one decision is about the employers of one regime."""
    names = [name for name, _label in regimes_of(gateway, regime)]
    if len(names) > 1:
        raise click.UsageError(f"Say about which employers: --regime with one of {', '.join(names)}.")
    planner = planner_of(gateway, period, names[0], Ledger.read(gateway.outbox, PURPOSE))
    step = step_of(planner)
    if step is None:
        raise click.ClickException(f"Both texts of {show_month(planner.month, 'en')} are over.")
    return planner.stage(step)


def _of(stage: Stage) -> str:
    return f"{show_month(stage.month, 'en')} ({stage.step}, {stage.regime})"


def _code(code: str) -> str:
    try:
        return read_code(code)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="CODE") from problem
