"""`flask serve`: the production server with the settings that were measured; `--demo` for a newcomer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from flask.cli import with_appcontext

from gateway.cli.store import upgrade_all
from gateway.installation import Installation, installation
from gateway.registry.sample import NoSampleError, samples
from gateway.registry.scheme import load_scheme
from gateway.registry.seed import SeedError, seed
from gateway.registry.sql import SqlRegistry
from gateway.storage.hot import Hot

SQLITE_THREADS = 1  # one thread a process beats several: they only wait for each other (bench/README.md)
POSTGRES_THREADS = 4  # while one waits for the server, another works
DEMO_MEMBERS, DEMO_EMPLOYERS, DEMO_MONTHS = 500, 25, 24


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, envvar="PORT")
@click.option("--workers", default=1, show_default=True, help="Processes; one a core.")
@click.option("--threads", type=int, help="Threads a process.  [default: 1 on SQLite, 4 on PostgreSQL]")
@click.option("--demo", is_flag=True, help="Make the tables and a small synthetic register first.")
@with_appcontext
def serve(host: str, port: int, workers: int, threads: int | None, demo: bool) -> None:
    """Serve the webhooks with granian.

    Put nginx or HAProxy in front of anything the internet reaches: a slow sender holds a thread.
    """
    gateway = installation()
    if demo:
        prepare_demo(gateway)
        show_demo(gateway, host, port)
    elif shortfall := gateway.shortfall():
        raise click.ClickException(shortfall)
    on_sqlite = gateway.settings.database_url.startswith("sqlite")
    granian = Path(sys.executable).with_name("granian")
    command = [
        *(str(granian), "--interface", "wsgi", "--factory", "app:create_app"),
        *("--host", host, "--port", str(port), "--workers", str(workers)),
        *("--blocking-threads", str(threads or (SQLITE_THREADS if on_sqlite else POSTGRES_THREADS))),
        *("--respawn-failed-workers", "--log-level", "warning"),
    ]
    os.execv(granian, command)  # noqa: S606 (the shell is what is avoided)


def prepare_demo(gateway: Installation) -> None:
    """Tables, and a few hundred people who do not exist, unless somebody is there already."""
    upgrade_all(gateway)
    with click.progressbar(length=DEMO_MEMBERS, label="A synthetic register") as bar:
        try:
            seed(
                gateway.settings.register_url,
                DEMO_MEMBERS,
                DEMO_EMPLOYERS,
                DEMO_MONTHS,
                gateway.today(),
                load_scheme(),
                progress=bar.update,
            )
        except SeedError:
            bar.update(DEMO_MEMBERS)  # it is there from an earlier start


def show_demo(gateway: Installation, host: str, port: int) -> None:
    """What a newcomer can type now."""
    hot = Hot(gateway.settings.register_url)
    try:
        found = samples(SqlRegistry(hot, gateway.today), gateway.today(), load_scheme())
    except NoSampleError:
        return
    finally:
        hot.close()
    phone = found[1].phone if len(found) > 1 else found[0].phone
    click.echo(
        f"""
Pakan answers on http://{host}:{port}. In another terminal:

  .venv/bin/flask --app app chat --phone {phone}       a phone in this terminal
  .venv/bin/flask --app app members sample                    more people to try

or as Africa's Talking would call it:

  curl http://{host}:{port}/in/africastalking/{gateway.tokens[0]}/ussd \\
       -d sessionId=1 -d phoneNumber={phone} -d 'serviceCode={gateway.settings.service_code}' -d text=
"""
    )
