"""`flask cases` and `flask bindings`: what an officer decides, until there is a console."""

from __future__ import annotations

from collections.abc import Callable

import click
from flask.cli import AppGroup

from gateway.cli.ready import ready
from gateway.identity.cases import Kind
from gateway.identity.office import Case, Undecidable
from gateway.installation import Installation, installation
from gateway.registry.contacts import believe, resume, stop
from gateway.registry.firms import Stop
from gateway.registry.line import read_phone

cases = AppGroup("cases", help="Requests that an officer decides.")
bindings = AppGroup("bindings", help="Which numbers speak for which members.")

HELD_BACK = frozenset({Kind.PAID, Kind.PLAN, Kind.CLOSED})  # answers that keep an employer's reminders back

officer_option = click.option(
    "--officer",
    required=True,
    envvar="PAKAN_OFFICER",
    help="Your account: the member sees that the office looked.",
)


@cases.command("list")
@click.option("--state", type=click.Choice(["open", "done", "refused"]), default="open", show_default=True)
def list_command(state: str) -> None:
    """List cases, the oldest first. Phones are masked; ABOUT is the register's reference of a member, or an
    employer and the month that its answer to a reminder is about.
    """
    gateway = ready()
    found = gateway.office.cases(state)
    if not found:
        click.echo(f"No case is {state}.")
        return
    click.echo(f"{'CASE':>6}  {'KIND':<8} {'ABOUT':<16} {'PHONE':<14} OPENED")
    for case in found:
        click.echo(f"{case.id:>6}  {case.kind:<8} {case.member:<16} {case.phone:<14} {_when(gateway, case)}")


@cases.command("approve")
@click.argument("number", type=int)
@officer_option
@click.option("--yes", is_flag=True, help="Do not ask whether you have seen the card, or made sure.")
def approve_command(number: int, officer: str, yes: bool) -> None:
    """Approve case NUMBER: bind the phone, void the forgotten PIN, or let an employer's answer count.

    A member's only while she stands before you with her card: compare it with the register, and the phone in her
    hand with the masked number. Nobody at the office sees or chooses a PIN: she gets a new one on her phone.

    Of employers' answers, "closed" then keeps reminders back for good; "paid" and "plan" until this month's are
    over: note a plan that was agreed on with `flask reminders stop`. "wrong" took the number off the employer
    already: import the right one with `flask reminders contacts`.

    \b
    Example:
      flask cases approve 12 --officer ACCOUNT
    """
    gateway = ready()
    if not yes:
        click.confirm("Have you seen the member's card, or that the answer is true?", abort=True)
    case = _decided(gateway.office.approve, number, officer, "approved")
    if case.kind is Kind.CLOSED:
        _settle(case, Stop.CLOSED)


@cases.command("refuse")
@click.argument("number", type=int)
@officer_option
def refuse_command(number: int, officer: str) -> None:
    """Refuse case NUMBER: everything stays as it is. Stops a change of number, too.

    An employer whose answer was not true is reminded again.
    """
    gateway = ready()
    case = _decided(gateway.office.refuse, number, officer, "refused")
    if case.kind is Kind.WRONG:
        believe(gateway.settings.register_url, case.member.split()[0], gateway.office.phone(case.id))
    elif case.kind in HELD_BACK:
        _settle(case)


@bindings.command("sleep")
@click.argument("phones", nargs=-1, required=True)
@officer_option
def sleep_command(phones: tuple[str, ...], officer: str) -> None:
    """Put the bindings of PHONES to sleep: their cards were swapped, lost, or given to somebody else.

    Whoever calls from them next has to prove who she is again. Safe to repeat.

    \b
    Examples:
      flask bindings sleep 02055512345 --officer ACCOUNT
      xargs flask bindings sleep --officer feed < swapped.txt
    """
    gateway = ready()
    try:
        numbers = [read_phone(phone) for phone in phones]
    except ValueError as problem:
        raise click.BadParameter("one of these is no phone number, and nothing was done") from problem
    slept = sum(gateway.office.sleep(number, officer) for number in numbers)
    click.echo(f"{len(numbers)} numbers, {slept} bindings asleep")


def _settle(case: Case, lasts: Stop | None = None) -> None:
    """What an employer said of itself no longer counts, or counts for good; what else it said still does."""
    gateway, (code, _month) = installation(), case.member.split()
    if lasts:
        stop(gateway.settings.register_url, code, lasts, None)
    if not any(one.kind in HELD_BACK and one.member.split()[0] == code for one in gateway.office.cases()):
        resume(gateway.settings.register_url, code, Stop.ANSWERED)


def _decided(decide: Callable[[int, str], Case], number: int, officer: str, word: str) -> Case:
    try:
        case = decide(number, officer)
    except Undecidable as problem:
        raise click.ClickException(str(problem)) from problem
    click.echo(f"Case {case.id} ({case.kind}, {case.member}, phone {case.phone}) is {word}.")
    return case


def _when(gateway: Installation, case: Case) -> str:
    opened = case.opened_at.astimezone(gateway.timezone)
    due = case.due_at.astimezone(gateway.timezone)
    waits = f", takes effect {due:%d/%m/%Y %H:%M}" if due > opened else ""
    return f"{opened:%d/%m/%Y %H:%M}{waits}"
