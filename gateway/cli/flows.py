"""`flask flows`: check every conversation, and draw it."""

from __future__ import annotations

import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import click
from flask.cli import AppGroup

from gateway.conversation.check import NOTHING, check
from gateway.conversation.diagram import dot, mermaid
from gateway.conversation.graph import Atlas
from gateway.conversation.review import COLUMNS, Unusable, judge, rows, sheet
from gateway.installation import installation
from gateway.registry.sheet import SheetError, read_lines
from gateway.reminders.wording import SAID
from gateway.text.catalogue import LANGUAGES, read_entries, write_entries

flows = AppGroup("flows", help="The conversations: check them, draw them.")


@flows.command("check")
@click.argument("atlas", required=False)
def check_command(atlas: str | None) -> None:
    """Refuse a conversation that some caller could not finish or read.

    Finds unknown targets, unreachable states, traps, circles of work, missing or fuzzy wording,
    placeholders that differ between languages, and screens that do not fit a handset at worst case.

    \b
    flask flows check                              the conversations that are served
    flask flows check tests.conversation.broken:atlas    another atlas, here one full of faults
    """
    gateway = installation()
    chosen = _imported(atlas) if atlas else gateway.engine.atlas
    elsewhere = NOTHING if atlas else SAID
    faults = check(chosen, read_entries(gateway.locales), gateway.budgets, gateway.facts, elsewhere)
    for fault in faults:
        click.echo(fault)
    if faults:
        raise click.exceptions.Exit(1)
    states = sum(1 for _ in chosen)
    budgets = ", ".join(f"{name} {b.gsm7}/{b.ucs2}" for name, b in gateway.budgets.items())
    click.echo(f"{len(chosen.flows)} flows, {states} states, {len(LANGUAGES)} languages on {budgets}: no faults")


def _imported(path: str) -> Atlas:
    module, _colon, name = path.partition(":")
    try:
        found = getattr(import_module(module), name or "atlas")
    except (ImportError, AttributeError) as problem:
        raise click.BadParameter(f"there is no {path}") from problem
    if not isinstance(found, Atlas):
        raise click.BadParameter(f"{path} is no Atlas")
    return found


@flows.command("review")
@click.argument("file", type=click.Path(path_type=Path), required=False)
def review_command(file: Path | None) -> None:
    """Print every wording as a sheet for native speakers, or take their FILE (CSV or XLSX) back.

    Reviewers change what stands under lo and lo_Latn, write ok under verdict, and ask under comment. All of it is
    checked as `flask flows check` does, and then written into the catalogues, or none of it.

    \b
    flask flows review > wording.csv
    flask flows review wording.csv && make catalogues check
    """
    gateway = installation()
    entries, atlas = read_entries(gateway.locales), gateway.engine.atlas
    if file is None:
        click.echo(sheet(rows(atlas, entries, gateway.budgets, gateway.facts, SAID)), nl=False)
        return
    try:
        lines = read_lines(file, [column.lower() for column in COLUMNS])
        changes = judge(lines, atlas, entries, gateway.budgets, gateway.facts, SAID)
    except SheetError as problem:
        raise click.ClickException(f"{problem} Nothing was changed.") from problem
    except Unusable as refused:
        click.echo("\n".join(refused.problems), err=True)
        raise click.ClickException("Nothing was changed.") from refused
    for language, changed in changes.items():
        write_entries(gateway.locales, language, changed)
        click.echo(f"{language}: {len(changed)} changed")
    if not changes:
        click.echo("nothing was to be changed")


@flows.command("diagram")
@click.argument("only", required=False)
@click.option(
    "--svg",
    type=click.Path(path_type=Path),
    help="Draw into this file, or each flow into this folder (needs Graphviz).",
)
@click.option("--locale", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language shown.")
def diagram_command(only: str | None, svg: Path | None, locale: str) -> None:
    """Draw the conversations, or ONLY one flow, from the same graph that is run.

    \b
    flask flows diagram                    Mermaid, for a document
    flask flows diagram --svg all.svg      a picture, by Graphviz's dot
    flask flows diagram --svg docs         a picture of each flow, in a folder that is there
    flask flows diagram record --svg r.svg --locale lo
    """
    gateway = installation()
    atlas = gateway.engine.atlas
    if only and only not in {flow.name for flow in atlas.flows}:
        names = ", ".join(flow.name for flow in atlas.flows)
        raise click.BadParameter(f"there is no flow {only!r}; there are {names}")
    if svg is None:
        click.echo(mermaid(atlas, only), nl=False)
        return
    program = shutil.which("dot")
    if program is None:
        raise click.ClickException("Graphviz is not installed: apt-get install graphviz")
    say = gateway.engine.catalogues.speaker(locale)
    pictures = {svg: only}
    if svg.is_dir():
        pictures = {svg / f"{flow.name}.svg": flow.name for flow in atlas.flows if only in {None, flow.name}}
    for file, name in pictures.items():
        source = dot(atlas, say, name).encode()
        drawn = subprocess.run([program, "-Tsvg"], input=source, capture_output=True, check=True)  # noqa: S603
        file.write_bytes(drawn.stdout)
        click.echo(f"drawn: {file}")
