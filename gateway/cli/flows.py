"""`flask flows`: check every conversation, and draw it."""

from __future__ import annotations

import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import click
from flask.cli import AppGroup

from gateway.conversation.check import check
from gateway.conversation.diagram import dot, mermaid
from gateway.conversation.graph import Atlas
from gateway.installation import installation
from gateway.text.catalogue import LANGUAGES, read_entries

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
    faults = check(chosen, read_entries(gateway.locales), gateway.budgets, gateway.facts)
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


@flows.command("diagram")
@click.argument("only", required=False)
@click.option("--svg", type=click.Path(path_type=Path), help="Draw a picture into this file (needs Graphviz).")
@click.option("--locale", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language shown.")
def diagram_command(only: str | None, svg: Path | None, locale: str) -> None:
    """Draw the conversations, or ONLY one flow, from the same graph that is run.

    \b
    flask flows diagram                    Mermaid, for a document
    flask flows diagram --svg all.svg      a picture, by Graphviz's dot
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
    source = dot(atlas, gateway.engine.catalogues.speaker(locale), only)
    drawn = subprocess.run([program, "-Tsvg"], input=source.encode(), capture_output=True, check=True)  # noqa: S603
    svg.write_bytes(drawn.stdout)
    click.echo(f"drawn: {svg}")
