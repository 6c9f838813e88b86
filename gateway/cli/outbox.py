"""`flask outbox`: send what is due, see what stands where, and send again what ended without arriving."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import click
import structlog
from flask.cli import AppGroup

from gateway.cli.ready import ready
from gateway.installation import Installation
from gateway.logs import seal_process
from gateway.outbox.desk import BY_HAND, Line
from gateway.outbox.port import Kind
from gateway.outbox.rounds import Rounds, drain
from gateway.outbox.spread import POOLS, Spread
from gateway.outbox.states import State

OFFER_EVERY_SECONDS: Final = 1.0
FILL_EVERY_SECONDS: Final = 0.1  # while there is something to offer: the pools are kept from running dry
AGAIN: Final = (State.DEAD, State.FAILED, State.UNKNOWN, State.IN_DOUBT)  # what may be sent again by hand
TWICE: Final = frozenset({State.UNKNOWN, State.IN_DOUBT})  # of these nobody knows whether they arrived
OPEN: Final = (State.DUE, State.CLAIMED, State.IN_DOUBT)
SHOWN: Final = 50  # lines of a list
PAGE: Final = 200  # messages read at a time

log = structlog.get_logger("pakan.outbox")

outbox = AppGroup("outbox", help="The messages that leave here: send them, count them, send them again.")


@outbox.command("send")
def send_command() -> None:
    """Send what is due until SIGTERM or SIGINT, then finish what is on the wire.

    The sender of one machine, with no broker; `flask serve` starts one by itself. Several may run, on one
    machine or many: a message is claimed by one of them. Killed at any moment it loses nothing: what it held is
    asked after, or settled by what kind of message it is (docs/outbox.md). It writes one line of JSON an event.

    \b
    Example:
      flask outbox send
    """
    gateway = ready()
    seal_process()
    told = Told()
    rounds = Rounds(gateway.sender, gateway.reaper)
    rounds.start()
    log.info("sender started")
    told.wait()
    rounds.stop()
    log.info("sender stopped")


@outbox.command("offer")
def offer_command() -> None:
    """Offer what is due to the workers, at least every second, until SIGTERM or SIGINT. Needs PAKAN_BROKER_URL.

    One is enough; two may run, so that one can die. It settles what is in doubt, too, and carries nothing itself.

    \b
    Example:
      flask outbox offer
    """
    gateway, spread = spread_out()
    seal_process()
    told = Told()
    reaping = Rounds(gateway.sender, gateway.reaper, {})  # no pools: it only settles
    reaping.start()
    log.info("offers started")
    pause = OFFER_EVERY_SECONDS
    while not told.wait(pause):
        pause = FILL_EVERY_SECONDS if spread.offer() else OFFER_EVERY_SECONDS
    spread.close()
    reaping.stop()
    log.info("offers stopped")


@outbox.command("work")
@click.option(
    "--pool", type=click.Choice(list(POOLS.values())), required=True, help="What is waited for, or what is not."
)
@click.option("--carrier", "carriers", multiple=True, metavar="NAME", help="Only this one's.  [default: all]")
@click.option("--concurrency", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
def work_command(pool: str, carriers: Sequence[str], concurrency: int) -> None:
    """Send what `flask outbox offer` offers, until SIGTERM or SIGINT, then finish what is on the wire.

    Any number may run, on any number of machines that reach the database and the broker and hold the keys. A code
    never waits for a campaign: each pool has workers of its own. With several carriers give each workers of its
    own, too, so that one whose provider answers slowly holds up no other.

    \b
    Examples:
      flask outbox work --pool now
      flask outbox work --pool bulk --concurrency 4
      flask outbox work --pool now --carrier kannel
    """
    gateway, spread = spread_out()
    if unknown := set(carriers) - set(gateway.sender.carriers):
        known = ", ".join(gateway.sender.carriers)
        raise click.UsageError(f"{min(unknown)} is not connected. Carriers here: {known}")
    seal_process()
    log.info("worker started")
    status = spread.work(pool, concurrency, carriers)
    log.info("worker stopped")
    sys.exit(status)


@outbox.command("drain")
def drain_command() -> None:
    """Send everything that is due now, once, and say what is left.

    For cron, and after a provider came back. What is offered to a running sender is left to it; reminders and
    campaigns wait for the day (08:00 to 20:00), and leave at their pace: more than a second's worth of them stays.

    \b
    Example:
      flask outbox drain
    """
    gateway = ready()
    due = sum(count.messages for count in gateway.desk.counts() if count.state == State.DUE)
    with click.progressbar(length=due, label="Due", file=sys.stderr) as bar:
        sent = drain(gateway.sender, gateway.reaper, lambda _ended: bar.update(1))
    left = Counter[str]()
    for count in gateway.desk.counts():
        left[count.state] += count.messages
    told = ", ".join(f"{left[state]:,} {_words(state)}" for state in OPEN if left[state])
    click.echo(f"{sent:,} sent. Left: {told or 'nothing'}.")


@outbox.command("stats")
def stats_command() -> None:
    """How many messages stand where, how many SMS they are, and when the oldest of them was due.

    `dead` and an old `due` want somebody: see `flask outbox list`, and docs/operations.md.

    \b
    Example:
      flask outbox stats
    """
    gateway = ready()
    counts = gateway.desk.counts()
    if not counts:
        click.echo("The outbox is empty.")
        return
    click.echo(f"{'CARRIER':<10} {'KIND':<9} {'STATE':<10} {'MESSAGES':>9} {'SMS':>9}  OLDEST DUE")
    for one in counts:
        oldest = _when(gateway, one.oldest_due_at)
        click.echo(f"{one.carrier:<10} {one.kind:<9} {one.state:<10} {one.messages:>9,} {one.parts:>9,}  {oldest}")


@outbox.command("list")
@click.option(
    "--state", type=click.Choice([state.value for state in State]), default=State.DEAD.value, show_default=True
)
@click.option("--most", type=click.IntRange(1), default=SHOWN, show_default=True, help="Messages.")
@click.option("--after", default="", metavar="REF", help="Go on behind this one.")
def list_command(state: str, most: int, after: str) -> None:
    """List messages of one state, the oldest first. Numbers are masked, and no text is shown.

    \b
    Examples:
      flask outbox list                     what died: tried five times, and never left
      flask outbox list --state in_doubt    what may have left or not
    """
    gateway = ready()
    lines = gateway.desk.lines(State(state), most, after)
    if not lines:
        click.echo(f"No message is {_words(state)}.")
        return
    click.echo(f"{'REF':<32} {'KIND':<9} {'CARRIER':<10} {'PHONE':<7} {'TRIES':>5}  {'SINCE':<16} WHY")
    for line in lines:
        click.echo(
            f"{line.ref:<32} {line.kind:<9} {line.carrier:<10} {line.phone:<7} {line.attempt:>5}  "
            f"{_when(gateway, line.moved_at)} {line.why}"
        )
    if len(lines) == most:
        click.echo(f"More: flask outbox list --state {state} --after {lines[-1].ref}")


@outbox.command("retry")
@click.argument("refs", metavar="[REF]...", nargs=-1)
@click.option("--state", type=click.Choice([state.value for state in AGAIN]), help="All messages of this state.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def retry_command(refs: Sequence[str], state: str | None, yes: bool) -> None:
    """Send messages again that are dead, failed, unknown or in doubt, as if they had just been written.

    What is unknown or in doubt may have arrived: she may get it twice. One-time codes are never sent again; she
    asks for another. Nor are reminders and monthly texts: `flask reminders send --again` and `flask alerts send
    --again` look how things stand by now.

    \b
    Examples:
      flask outbox retry 019abc...          as `flask outbox list` names it
      flask outbox retry --state dead       once the provider is well
    """
    if bool(refs) == bool(state):
        raise click.UsageError("Either references or --state.")
    gateway = ready()
    found = list(_all(gateway, State(state))) if state else _those(gateway, refs)
    lines = [line for line in found if line.state in AGAIN and Kind(line.kind) in BY_HAND]
    if not lines:
        raise click.ClickException("Nothing here can be sent again.")
    twice = sum(line.state in TWICE for line in lines)
    if twice:
        click.echo(f"{twice:,} of them may have arrived: whoever it is for may get it twice.")
    if not yes:
        click.confirm(f"Send {_many(len(lines))} again?", abort=True)
    moved = sum(gateway.desk.retry(line.ref, Kind(line.kind)) for line in lines)
    rest = len(found) - moved
    click.echo(f"{_many(moved)} due again{f'; {rest:,} left as they are' if rest else ''}.")


class Told:
    """SIGTERM or SIGINT from here on, whichever thread gets it and whatever the main thread is in.

    A byte in a pipe, for an Event that a handler sets waits for itself when the signal comes amid its own `wait`.
    """

    def __init__(self) -> None:
        self._here, self._there = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._there, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: None)  # without one the byte would not be written

    def wait(self, seconds: float | None = None) -> bool:
        """Whether it was told within so many seconds, or ever."""
        return bool(select.select([self._here], [], [], seconds)[0])


def spread_out() -> tuple[Installation, Spread]:
    """The gateway, and its sender as the broker reaches it."""
    gateway = ready()
    url = gateway.settings.broker_url.get_secret_value()
    if not url:
        raise click.ClickException("No broker is set: PAKAN_BROKER_URL. Without one: flask outbox send")
    return gateway, Spread(url, gateway.sender)


def _those(gateway: Installation, refs: Sequence[str]) -> list[Line]:
    lines = [(ref, gateway.desk.line(ref)) for ref in refs]
    if unknown := [ref for ref, line in lines if line is None]:
        raise click.ClickException(f"There is no message {unknown[0]}. Nothing was done.")
    return [line for _ref, line in lines if line is not None]


def _all(gateway: Installation, state: State) -> Iterator[Line]:
    after = ""
    while lines := gateway.desk.lines(state, PAGE, after):
        yield from lines
        after = lines[-1].ref


def _many(count: int) -> str:
    return f"{count:,} message{'' if count == 1 else 's'}"


def _words(state: str) -> str:
    return state.replace("_", " ")


def _when(gateway: Installation, at: int) -> str:
    return f"{datetime.fromtimestamp(at, gateway.timezone):%d/%m/%Y %H:%M}"
