"""`flask serve`: the production server with the settings that were measured; `--demo` for a newcomer."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click
from flask.cli import with_appcontext

from gateway.channels.hops import PLACE
from gateway.cli.store import upgrade_all
from gateway.installation import Installation, installation
from gateway.registry.sample import NoSampleError, samples
from gateway.registry.seed import SeedError, seed
from gateway.registry.sql import SqlRegistry
from gateway.storage.hot import Hot

SQLITE_THREADS = 1  # one thread a process beats several: they only wait for each other (bench/README.md)
POSTGRES_THREADS = 4  # while one waits for the server, another works
LOOK_SECONDS: Final = 0.2  # between two looks at the children
GONE_SECONDS: Final = 30.0  # what a sender has in hand, an attempt and its statement, takes 20 at most
STOP_SECONDS: Final = 5  # a hop is over in 4; a worker that has not loaded yet does not hear that it should stop
AGAIN_SECONDS: Final = 5.0  # before a sender that died is started again
LOGGING: Final = Path(__file__).with_name("granian.json")  # its own lines look like ours
DEMO_MEMBERS, DEMO_EMPLOYERS, DEMO_MONTHS = 500, 25, 24


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, envvar="PORT")
@click.option("--workers", default=1, show_default=True, help="Processes; one a core.")
@click.option("--threads", type=int, help="Threads a process.  [default: 1 on SQLite, 4 on PostgreSQL]")
@click.option("--sender/--no-sender", default=True, help="Send texts, too.  [default: unless a broker is set]")
@click.option("--demo", is_flag=True, help="Make the tables and a small synthetic register first.")
@with_appcontext
def serve(host: str, port: int, workers: int, threads: int | None, sender: bool, demo: bool) -> None:
    """Serve the webhooks with granian, and send texts beside it as `flask outbox send` does.

    Put nginx or HAProxy in front of anything the internet reaches: a slow sender holds a thread.
    """
    gateway = installation()
    refuse_taken(host, port)
    if demo:
        prepare_demo(gateway)
        show_demo(gateway, host, port)
    elif shortfall := gateway.shortfall():
        raise click.ClickException(shortfall)
    on_sqlite = gateway.settings.database_url.startswith("sqlite")
    command = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "app:serve"),
        *("--host", host, "--port", str(port), "--workers", str(workers)),
        *("--blocking-threads", str(threads or (SQLITE_THREADS if on_sqlite else POSTGRES_THREADS))),
        *("--respawn-failed-workers", "--log-level", "warning", "--log-config", str(LOGGING)),
        "--no-access-log",  # paths hold the token
        *("--workers-kill-timeout", str(STOP_SECONDS)),
    ]
    sending = (sys.executable, "-m", "flask", "--app", "app", "outbox", "send")
    with tempfile.TemporaryDirectory(prefix="pakan-") as counts:
        environment = {**os.environ, PLACE: counts}
        status = together(command, environment, sending if sender and not gateway.settings.broker_url else None)
    sys.exit(status)


def refuse_taken(host: str, port: int) -> None:
    """Whoever serves there already would share the port with us in silence: granian lets processes do that."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as problem:
        raise click.ClickException(f"Not served: {problem.strerror}. Another port: --port") from None


def together(server: Sequence[str], environment: Mapping[str, str], sender: Sequence[str] | None) -> int:
    """Run both until a signal, or until the server ends; its exit status. A sender that dies is started again."""
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # the last: her terminal was closed
        signal.signal(number, lambda number, _frame: told.append(number))
    serving = subprocess.Popen(server, env=environment)  # noqa: S603 (our own two commands)
    sending, again_at = None, 0.0
    while serving.poll() is None and not told:
        if sender and (sending is None or sending.poll() is not None) and time.monotonic() >= again_at:
            sending = subprocess.Popen(sender)  # noqa: S603
            again_at = time.monotonic() + AGAIN_SECONDS
        time.sleep(LOOK_SECONDS)
    for child in filter(None, (serving, sending)):
        child.terminate()
    until = time.monotonic() + GONE_SECONDS
    for child in filter(None, (serving, sending)):
        try:
            child.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()  # nothing is lost by it: what it held is settled by the next one
            child.wait()
    return serving.returncode


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
                gateway.scheme,
                progress=bar.update,
            )
        except SeedError:
            bar.update(DEMO_MEMBERS)  # it is there from an earlier start


def show_demo(gateway: Installation, host: str, port: int) -> None:
    """What a newcomer can type now."""
    hot = Hot(gateway.settings.register_url)
    try:
        found = samples(SqlRegistry(hot, gateway.today), gateway.today(), gateway.scheme)
    except NoSampleError:
        return
    finally:
        hot.close()
    phone = found[1].phone if len(found) > 1 else found[0].phone
    click.echo(
        f"""
Pakan answers on http://{host}:{port}. A phone in the browser:

  http://{host}:{port}/phone

In another terminal:

  .venv/bin/flask --app app chat --phone {phone}       a phone in this terminal
  .venv/bin/flask --app app members sample                    more people to try

or as Africa's Talking would call it:

  curl http://{host}:{port}/in/africastalking/{gateway.tokens[0]}/ussd \\
       -d sessionId=1 -d phoneNumber={phone} -d 'serviceCode={gateway.settings.service_code}' -d text=
"""
    )
