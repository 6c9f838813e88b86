"""`flask reminders`: who is reminded of a month's contribution, who is not and why, and the sending itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from random import SystemRandom
from typing import Final, NamedTuple

import click
from flask.cli import AppGroup

from gateway.cli.plans import PERIOD, REGIME, Sums, counted, many, month_and_due, refuse_without_operator
from gateway.cli.ready import ready
from gateway.installation import Installation
from gateway.outbox.ledger import Ledger
from gateway.outbox.sender import CLOSES, OPENS
from gateway.registry.firms import Firm, firms, regimes
from gateway.registry.scheme import ENTERPRISE
from gateway.reminders.arms import assign, held_out, note
from gateway.reminders.batches import Batch
from gateway.reminders.bounces import retire_lost
from gateway.reminders.dispatch import dispatch, judge, take_back
from gateway.reminders.ladder import Step, load_ladder, next_step
from gateway.reminders.plan import PURPOSE, Entry, Planner, Why
from gateway.text.showing import show_date, show_month

ENDING: Final = 3  # digits of a number that an officer sees


@click.group("reminders", cls=AppGroup)
def reminders() -> None:
    """Reminders to employers: who gets what and why, and the sending itself."""


@reminders.command("plan")
@PERIOD
@REGIME
@click.option("--list", "listed", is_flag=True, help="Every employer on a line of its own.")
def plan_command(period: str | None, regime: str | None, listed: bool) -> None:
    """Say who would be reminded of a month, why the others would not, and what the texts would be.

    Nothing is written or sent. Two texts belong to a month, one before the due day and one after; the plan is
    of the one that is open now, or of the next. Numbers are masked. Employers of several regimes, each with a due
    day of its own, have a plan each.

    \b
    Examples:
      flask reminders plan
      flask reminders plan --period 2026-10 --list | less
    """
    gateway = ready()
    planners, refused = _planners(gateway, period, regime, Ledger.read(gateway.outbox, PURPOSE))
    for label, planner in planners.items():
        click.echo(f"{label}{show_month(planner.month, 'en')} is due by {show_date(planner.due, 'en')}.")
        for line in _steps(planner):
            click.echo(line)
        _tell(planner.plan(_firms(gateway, planner)), listed, gateway.settings.sms_prices)
        percent = gateway.settings.holdout_percent
        if percent and step_of(planner) is planner.ladder[0]:
            click.echo(f"Of employers that get their very first text, {percent} % are held out at random instead.")
    _tell_refused(refused)


@reminders.command("send")
@PERIOD
@REGIME
@click.option("--officer", envvar="PAKAN_OFFICER", help="Your account, to ask for more than one person may send.")
@click.option("--again", is_flag=True, help="Texts that died, too: tried five times, and never left.")
@click.option("--yes", is_flag=True, help="Do not ask; for a timer.")
def send_command(period: str | None, regime: str | None, officer: str | None, again: bool, yes: bool) -> None:
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
    refuse_without_operator(gateway)
    ledger, url = Ledger.read(gateway.outbox, PURPOSE), gateway.settings.register_url
    planners, refused = _planners(gateway, period, regime, ledger, again)
    retired = sum(
        retire_lost(planner, _firms(gateway, planner), url, gateway.outbox, gateway.cases)
        for planner in planners.values()
    )
    judged = {label: judge(planner, _firms(gateway, planner)) for label, planner in planners.items()}
    others = _planners(gateway, None, None, ledger)[0] if period or regime else {}
    spared = [judge(planner, _firms(gateway, planner)) for planner in others.values()]
    taken_back = take_back(ledger, [*judged.values(), *spared], gateway.outbox)
    lost = f", {retired:,} lost numbers retired (flask cases list)" if retired else ""
    click.echo(f"{many(taken_back)} taken back{lost}.")
    rounds = [
        Round(label, _drawn(gateway, planner, judged[label].eligible), judged[label].eligible)
        for label, planner in planners.items()
    ]
    most = gateway.settings.reminders_alone
    alone = sum(one.fresh for one in rounds if one.fresh > batch_of(gateway, one.planner).approved) <= most
    posted = 0
    for one in rounds:
        try:
            posted += _send(gateway, one, alone, officer, yes, posted)
        except click.ClickException as problem:  # the others have their turn
            refused.append(f"{one.label}{problem.message}")
    _tell_refused(refused)


class Round(NamedTuple):
    """What a run has to do for one regime; `eligible`: workers by the employer's code, of those that owe."""

    label: str
    planner: Planner
    eligible: Mapping[str, int]

    @property
    def fresh(self) -> int:
        return sum(code not in self.planner.held_out for code in self.eligible)


def _send(gateway: Installation, one: Round, alone: bool, officer: str | None, yes: bool, after: int) -> int:
    """Send what one officer may (`alone`), or two have approved, after so many of this run; how many are new.

    Raises ClickException where none may be sent.
    """
    planner, step = one.planner, step_of(one.planner)
    if step is None or not planner.is_open(step):
        click.echo("\n".join([f"{one.label}No step is open now.", *_steps(planner)]))
        return 0
    approved = batch_of(gateway, planner).approved
    if not alone and one.fresh > approved:
        raise click.ClickException(_asked(gateway, planner, step, one.fresh, officer))
    question = f"{one.label}Send {many(one.fresh)} about {show_month(planner.month, 'en')}?"
    if one.fresh and not yes and not click.confirm(question):
        raise click.ClickException("None was sent.")
    if batch_of(gateway, planner).hold is not planner.hold:
        raise click.ClickException("An officer has just decided otherwise. None was sent.")
    if _tries(gateway, planner):  # before the texts, so that none leaves uncounted
        note(gateway.settings.register_url, one.eligible, planner.month, gateway.outbox.now())
    drawn = (firm for firm in _firms(gateway, planner) if firm.code in one.eligible)
    posted = dispatch(planner, drawn, gateway.outbox, gateway.settings.bulk_pace, after) if one.fresh else 0
    if posted and approved:
        gateway.batches.spend(planner.stage(step), posted)
    click.echo(f"{one.label}{many(posted)} in the outbox, which sends from {OPENS:%H:%M} to {CLOSES:%H:%M}.")
    return posted


def _planners(
    gateway: Installation, period: str | None, regime: str | None, ledger: Ledger, again: bool = False
) -> tuple[dict[str, Planner], list[str]]:
    """A planner for each regime, by what its lines begin with; and what keeps the others from having one."""
    found, refused = {}, []
    for name, label in regimes_of(gateway, regime):
        try:
            found[label] = planner_of(gateway, period, name, ledger, again)
        except click.ClickException as problem:
            refused.append(f"{label}{problem.message}")
    return found, refused


def _tell_refused(refused: Sequence[str]) -> None:
    if refused:
        raise click.ClickException("\n".join(refused))


def regimes_of(gateway: Installation, regime: str | None) -> Iterator[tuple[str, str]]:
    """Each regime of the register, or the one that is asked for, and what its lines begin with."""
    found = regimes(gateway.settings.register_url) or [ENTERPRISE]
    if regime and regime not in found:
        raise click.BadParameter(f"The register's employers pay by: {', '.join(found)}.", param_hint="--regime")
    for one in [regime] if regime else found:
        yield one, f"{one}: " if len(found) > 1 else ""


def planner_of(
    gateway: Installation, period: str | None, regime: str, ledger: Ledger, again: bool = False
) -> Planner:
    """The terms of the month that is asked for, or of the first that is not over."""
    ladder = load_ladder()
    month, due = month_and_due(gateway, ladder, period, regime)
    planner = Planner(
        month=month,
        regime=regime,
        due=due,
        now=gateway.clock(),
        ladder=ladder,
        timezone=gateway.timezone,
        hotline=gateway.facts["hotline"].show("", "en", str),
        say=gateway.engine.catalogues.say,
        ledger=ledger,
        words=gateway.outbox.words,
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
    return gateway.batches.get(planner.stage(step)) if step else Batch()


def _firms(gateway: Installation, planner: Planner) -> Iterator[Firm]:
    """The employers that this planner judges, as they stand now."""
    return counted(firms(gateway.settings.register_url, planner.month, planner.regime), "employers")


def _asked(gateway: Installation, planner: Planner, step: Step, fresh: int, officer: str | None) -> str:
    """Ask for more than one person may send; what to do next."""
    most = gateway.settings.reminders_alone
    if officer is None:
        return f"{many(fresh)}, and one person may send {most:,}: ask for them with --officer. None was sent."
    gateway.batches.ask(planner.stage(step), fresh, officer)
    return f"{many(fresh)} asked for; now somebody else: flask reminders approve --officer. None was sent yet."


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
    sums = Sums(prices)
    for entry in entries:
        sums.add(entry.why)
        text = entry.text
        if text:
            sums.add_text(text.contact.language, text.words, text.parts, text.contact.msisdn)
        if listed:
            to = f" ({entry.step.name}) at ...{text.contact.msisdn[-ENDING:]}" if entry.step and text else ""
            click.echo(f"  {entry.firm.code}  {entry.why}{to}")
    for line in sums.lines("employer", "employers", Why):
        click.echo(line)
