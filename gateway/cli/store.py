"""`flask store`: bring the databases to the shape this release expects, and forget what is no longer needed."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import make_url

from gateway.installation import Installation, installation
from gateway.storage.schema import upgrade

store = AppGroup("store", help="The gateway's own databases.")


@store.command("upgrade")
def upgrade_command() -> None:
    """Create or migrate the tables. Safe to run again, and by two processes at once."""
    upgrade_all(installation())


def upgrade_all(gateway: Installation) -> None:
    for url, holds in gateway.databases().items():
        make_room(url)
        upgrade(url, holds)
        click.echo(f"{make_url(url).render_as_string(hide_password=True)}: {' and '.join(sorted(holds))} ready")


def make_room(url: str) -> None:
    """SQLite makes its file, but not the folder around it."""
    database = make_url(url)
    if database.get_backend_name() == "sqlite" and database.database:
        Path(database.database).parent.mkdir(parents=True, exist_ok=True)


@store.command("prune")
def prune_command() -> None:
    """Forget screens older than a day, answers older than thirty days, codes and counts. Run it daily."""
    gateway = installation()
    now = int(gateway.clock().timestamp())
    gone = gateway.pipeline.store.prune(now) + gateway.office.prune() + gateway.pipeline.replies.prune()
    gone += gateway.sender.prune()
    click.echo(f"{gone} rows forgotten")
