"""`flask returns`: what employers owe, as they report it, and what came."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
from flask.cli import AppGroup

from gateway.cli.imports import FILE, REJECTS, importing, lines_read
from gateway.installation import installation
from gateway.registry.form import Column
from gateway.registry.postings import POSTINGS
from gateway.registry.returns import returns as returned
from gateway.registry.scheme import load_scheme
from gateway.registry.upload import AlreadyImported, Outcome, Upload, bring
from gateway.text.showing import show_date

AGAIN: Final = click.option("--again", is_flag=True, help="Though this very file was imported before.")


def _help(first: str, columns: Sequence[Column], last: str) -> str:
    """The help of a command that reads a form: what its columns are, in our words and the form's."""
    described = []
    for column in columns:
        described.append(f"  {column.name:<16}{column.meaning}")
        if column.headings:
            described.append(f"  {'':<16}{' | '.join(column.headings)}")
    return "\n\n".join(
        [
            first,
            "The headings stand within the first 30 lines, in any order, in these words:",
            "\b\n" + "\n".join(described),
            "What holds for every line may stand above the headings instead (month: 10/2026), and sums below the "
            "lines: each is compared. CSV is UTF-8 or Excel's Unicode text, with commas, semicolons or tabs. "
            "Either every line is imported or none: each line that cannot be is named with its reason. The same "
            "file again changes nothing, nor does the same line in another file.",
            last,
        ]
    )


DUE_HELP: Final = _help(
    "Import what is due from FILE (.csv or .xlsx): the list behind form 2-01, a worker's month a line.",
    returned(load_scheme()).columns,
    "Amounts may be 1 kip beside ours. A month that is posted stays as it is; no worker is added to the register."
    "\n\n\b\nExample:\n  flask returns due 2-01-october.xlsx --rejects rejects.csv",
)
POSTED_HELP: Final = _help(
    "Import what came from FILE (.csv or .xlsx): posted to a worker's month, or received from an employer.",
    POSTINGS.columns,
    "With a worker's number, the amount is all that is posted to the month so far, and never less than before. "
    "Without one, it is the employer's money for all its workers, at least what is due: their months count as "
    "received until they are posted.\n\n\b\nExample:\n  flask returns posted bank-2026-11-20.csv",
)


@click.group("returns", cls=AppGroup)
def returns() -> None:
    """What employers owe, as they report it on form 2-01, and what came."""


@returns.command("due", help=DUE_HELP)
@FILE
@REJECTS
@AGAIN
def due_command(file: Path, rejects: Path | None, again: bool) -> None:
    _bring(returned(installation().scheme), file, rejects, again)


@returns.command("posted", help=POSTED_HELP)
@FILE
@REJECTS
@AGAIN
def posted_command(file: Path, rejects: Path | None, again: bool) -> None:
    _bring(POSTINGS, file, rejects, again)


def _bring(upload: Upload, file: Path, rejects: Path | None, again: bool) -> None:
    gateway = installation()
    url, now, today = gateway.settings.register_url, gateway.clock(), gateway.today()
    try:
        with importing(file, rejects) as tell:
            outcome = bring(upload, url, file, now, today, again=again, progress=lines_read(), tell=tell)
    except AlreadyImported as before:
        day = show_date(before.moment.astimezone(gateway.timezone).date(), "en")
        click.echo(f"This file was imported on {day} already; nothing was changed. --again imports it once more.")
        return
    click.echo(_told(outcome))


def _told(outcome: Outcome) -> str:
    noun = "line" if outcome.lines == 1 else "lines"
    kept = f" {outcome.kept:,} would change a month that is posted, and did not." if outcome.kept else ""
    return (
        f"{outcome.lines:,} {noun}. Contributions: {outcome.new:,} new, {outcome.changed:,} changed, "
        f"{outcome.same:,} the same.{kept}"
    )
