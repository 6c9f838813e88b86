"""`flask reminders effect`: what reminders did, told by the employers that were held out, or not told at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from typing import TextIO

import click
from flask.cli import with_appcontext

from gateway.cli.plans import month_of
from gateway.cli.ready import ready
from gateway.installation import Installation
from gateway.outbox.ledger import Ledger
from gateway.outbox.reaper import KEEP_SECONDS
from gateway.reminders.arms import Arm
from gateway.reminders.chart import draw
from gateway.reminders.cost import sms
from gateway.reminders.effect import WORTH_SEEING, Effect, Estimate, NoArm, Side, TooFew, measure
from gateway.reminders.ladder import load_ladder
from gateway.reminders.outcomes import POSTING_DAYS, Outcome, outcomes, tried
from gateway.reminders.plan import PURPOSE
from gateway.text.showing import show_date, show_kip, show_month
from gateway.text.values import Month


@click.command("effect")
@with_appcontext
@click.option(
    "--period",
    "periods",
    metavar="YYYY-MM",
    multiple=True,
    help="A month; may be repeated.  [default: every month]",
)
@click.option("--since", metavar="YYYY-MM", help="This month and all later ones.")
@click.option(
    "--days",
    type=click.IntRange(0, 60),
    default=POSTING_DAYS,
    show_default=True,
    help="Days after the due day by which money has to be posted: what the office takes. Decide before you look.",
)
@click.option("--price", type=click.FloatRange(0, min_open=True), metavar="KIP", help="What one SMS costs.")
@click.option("--plot", type=click.File("w", "utf-8", lazy=True), metavar="FILE.svg", help="Draw both arms, too.")
def effect(periods: Sequence[str], since: str | None, days: int, price: float | None, plot: TextIO | None) -> None:
    """Say how many more employers paid on time because they were reminded, and what each cost.

    It compares employers that are reminded with those that were held out at random (PAKAN_HOLDOUT_PERCENT). With
    nobody held out, or too few, no effect is told. An employer counts from the first month on whose text it would
    have got; how it is counted, and what "on time" is: docs/reminders.md.

    \b
    Examples:
      flask reminders effect
      flask reminders effect --since 2026-10 --price 350 --plot effect.svg
    """
    gateway = ready()
    months = _months(gateway, periods, since, days)
    found = [
        outcome
        for month in months
        for outcome in outcomes(gateway.settings.register_url, month, partial(_last_day, gateway, days, month))
    ]
    try:
        told = measure(found)
    except NoArm:
        raise click.ClickException("No employer was held out in these months: no effect can be told.") from None
    except TooFew as few:
        raise click.ClickException(
            f"The smaller arm has {few.smaller:,} employers, too few to tell an effect. To see one of "
            f"{100 * WORTH_SEEING:.0f} points in a month takes about {few.needed:,} held out of {few.total:,}."
        ) from few
    heading = f"{_span(months)}: posted {days} days after the due day at the latest."
    lines = [*_compared(told, found), "", _verdict(told), *_cost(gateway, told, found, price)]
    click.echo("\n".join([heading, "", *lines]))
    if plot:
        plot.write(draw(told, heading, _verdict(told)))
        click.echo(f"Drawn: {plot.name}")


def _last_day(gateway: Installation, days: int, month: Month, regime: str | None = None) -> date | None:
    """By which something has to be posted; without a regime, the latest of them all."""
    due = gateway.scheme.due_on(month, regime)
    return due and due + timedelta(days)


def _months(gateway: Installation, periods: Sequence[str], since: str | None, days: int) -> Sequence[Month]:
    """The months to be told of; one that is not over is refused if it was named."""
    asked = {month_of(period) for period in periods}
    first = month_of(since, "--since") if since else None
    wanted: list[Month] = []
    for month in tried(gateway.settings.register_url):
        last = _last_day(gateway, days, month)
        if last is None or (asked and month not in asked) or (first and month < first):
            continue
        if last < gateway.today():
            wanted.append(month)
        elif month in asked:
            after = show_date(last + timedelta(1), "en")
            raise click.ClickException(f"{show_month(month, 'en')} can be told from {after} on.")
    if missing := asked - set(wanted):
        raise click.ClickException(
            f"No first text of {show_month(min(missing), 'en')} was sent with employers held out."
        )
    if not wanted:
        raise click.ClickException("In no month that is over were employers held out: no effect can be told.")
    return wanted


def _span(months: Sequence[Month]) -> str:
    first, last = show_month(months[0], "en"), show_month(months[-1], "en")
    return first if len(months) == 1 else f"{len(months)} months from {first} to {last}"


def _compared(effect: Effect, found: Sequence[Outcome]) -> Iterator[str]:
    yield f"{'':<10}{'EMPLOYERS':>10}{'MONTHS':>10}{'ON TIME':>10}{'SHARE':>9}  95 % INTERVAL"
    yield _side("reminded", effect.reminded)
    yield _side("held out", effect.held_out)
    yield ""
    yield f"Difference: {_points(effect.difference)}."
    yield f"Within one size and month: {_points(effect.stratified)}. This is the one that counts."
    if undated := sum(outcome.undated for outcome in found):
        yield f"{undated:,} months count as not on time, though money came: nobody knows on which day."


def _side(name: str, side: Side) -> str:
    value, low, high = (100 * share for share in side.share)
    return (
        f"{name:<10}{side.employers:>10,}{side.months:>10,}{side.on_time:>10,}{value:>7.1f} %"
        f"  {low:.1f} to {high:.1f} %"
    )


def _points(estimate: Estimate) -> str:
    value, low, high = (100 * share for share in estimate)
    return f"{value:+.1f} points ({low:+.1f} to {high:+.1f})"


def _verdict(effect: Effect) -> str:
    if not effect.is_told:
        return "No effect can be told: the interval that counts holds 0."
    low, high = sorted(abs(round(end)) for end in (effect.more.low, effect.more.high))
    told = f"{abs(round(effect.more.value)):,} payments ({low:,} to {high:,})"
    if effect.stratified.value > 0:
        return f"Reminders brought about {told} in on time that would not have been."
    return f"Reminders kept about {told} from being on time."


def _cost(gateway: Installation, effect: Effect, found: Sequence[Outcome], price: float | None) -> Iterator[str]:
    """The SMS that left, and how many went for each further payment on time, if there is such an effect."""
    kept = [one for one in found if one.arm is Arm.REMINDED and _remembers(gateway, one.month)]
    if not kept:
        yield "SMS of months that long ago are not kept, so what they cost cannot be told."
        return
    left = sms(Ledger.read(gateway.outbox, PURPOSE), load_ladder(), kept)
    rest = (
        "" if len(kept) == effect.reminded.months else f", for {len(kept):,} of their months: others are not kept"
    )
    yield f"{left:,} SMS left for employers that are reminded{rest}."
    if effect.stratified.low <= 0:
        yield "What a further payment on time cost cannot be told."
        return
    value, low, high = effect.stratified
    each = [left / len(kept) / share for share in (value, high, low)]
    yield "For each further payment on time {:,.1f} SMS ({:,.1f} to {:,.1f}).".format(*each)
    if price is None:
        yield "What that is in kip: --price."
    else:
        amount, least, most = (show_kip(round(count * price), "en") for count in each)
        yield f"At {price:g} kip an SMS that is {amount} ({least} to {most})."


def _remembers(gateway: Installation, month: Month) -> bool:
    """Whether the outbox still has every text of this month."""
    dues = filter(None, (gateway.scheme.due_on(month, regime) for regime in gateway.scheme.regimes))
    opened = (load_ladder()[0].opens.on(due, gateway.timezone).timestamp() for due in dues)
    return gateway.outbox.now() < min(opened, default=0) + KEEP_SECONDS
