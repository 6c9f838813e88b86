"""`flask audit`: sign the heads of the audit, and prove that it is what was written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from flask.cli import AppGroup
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from gateway.installation import installation
from gateway.storage import anchors, verify
from gateway.storage.engines import open_engine
from gateway.storage.keys import Keys
from gateway.storage.schema import shortfall

audit = AppGroup("audit", help="Who looked at what: signed, and verified.")


@audit.command("anchor")
def anchor_command() -> None:
    """Sign the heads of all chains that grew, and print them as one line of JSON.

    Run it every hour, and send the line to another machine at once: it is what a database that was set back, or
    lost the end of its audit, is found out with.

    \b
    Example:
      flask audit anchor | ssh witness 'cat >> pakan-anchors.jsonl'
    """
    gateway = installation()
    key = Ed25519PrivateKey.from_private_bytes(_keys().signing_key)
    try:
        with connected() as connection:
            anchor, before = anchors.take(connection, key, int(gateway.clock().timestamp()))
    except IntegrityError as problem:
        raise click.ClickException("Another anchor was taken at the same moment; this one was not.") from problem
    click.echo(anchor.line(before))


@audit.command("verify")
@click.option(
    "--anchors", "kept", type=click.File(encoding="utf-8"), help="Lines of `flask audit anchor`, kept elsewhere."
)
@click.option(
    "--public-key",
    "given",
    metavar="HEX",
    multiple=True,
    help="What anchors were signed with.  [default: our own]",
)
def verify_command(kept: TextIO | None, given: tuple[str, ...]) -> None:
    """Check every row, every anchor and, given them, the anchors kept elsewhere.

    One sentence for each thing that is wrong, and exit status 1 when there is any. Rows newer than the last
    anchor are checked too, but their end cannot be known: an hour, if anchors are taken every hour.

    \b
    Examples:
      flask audit verify
      flask audit verify --anchors pakan-anchors.jsonl
    """
    keys = [_public(text) for text in given] or [private.public_key() for private in _private_keys()]
    with connected() as connection:
        rows = verify.count(connection)
        with click.progressbar(length=rows, label="Rows", file=sys.stderr) as bar:
            report = verify.verify(connection, keys, kept or (), bar.update)
    for finding in report.findings:
        click.echo(finding)
    if report.count:
        rest = report.count - len(report.findings)
        more = f" The other {rest:,} are not shown." if rest else ""
        noun = "thing is" if report.count == 1 else "things are"
        raise click.ClickException(f"{report.count:,} {noun} wrong with the audit.{more}")
    click.echo(
        f"{report.rows:,} rows in {report.chains:,} chains and {report.anchors:,} anchors hold; "
        f"{report.unanchored:,} rows are newer than the last anchor."
    )


@audit.command("public-key")
def public_key_command() -> None:
    """Print the key to verify with elsewhere."""
    click.echo(_private_keys()[0].public_key().public_bytes_raw().hex())


@contextmanager
def connected() -> Iterator[Connection]:
    """The store's database, in one transaction."""
    url = installation().settings.database_url
    if missing := shortfall({url: {"store"}}):
        raise click.ClickException(missing)
    try:
        with open_engine(url).begin() as connection:
            yield connection
    except IntegrityError:
        raise
    except SQLAlchemyError as problem:
        raise click.ClickException(
            f"The database of the store does not answer ({type(problem).__name__})."
        ) from problem


def _keys() -> Keys:
    return installation().keys


def _private_keys() -> list[Ed25519PrivateKey]:
    return [Ed25519PrivateKey.from_private_bytes(key) for key in _keys().signing_keys]


def _public(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    except ValueError as problem:
        raise click.BadParameter("64 hexadecimal digits, as `flask audit public-key` prints them") from problem
