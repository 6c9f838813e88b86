"""`flask words`: what members wrote and nobody understood, so that the next release does."""

from __future__ import annotations

from typing import Final

import click
from flask.cli import AppGroup

from gateway.cli.ready import ready

SEVERAL: Final = 3  # times: what was written once may be somebody's own words, what several wrote is a wish

words = AppGroup("words", help="What members write.")


@words.command("missed")
@click.option("--all", "everything", is_flag=True, help=f"Also what was written fewer than {SEVERAL} times.")
def missed_command(everything: bool) -> None:
    """List what was not understood, the commonest first, with how often it was written.

    Nobody's number is kept beside it, and what holds a digit is never counted. What stands here often is a word
    that the flows should know.

    \b
    Examples:
      flask words missed
      flask words missed --all
    """
    listed = [(count, gist) for count, gist in ready().mail.words() if everything or count >= SEVERAL]
    if not listed:
        click.echo("Everything was understood.")
    for count, gist in listed:
        click.echo(f"{count:>6,}  {gist}")
