"""`python -m bench`: one table of what a hop costs, measured side by side. See README.md."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import click
from sqlalchemy import make_url

from bench import pins, sending, storm, torture, where
from bench.calls import Calls
from bench.data import FULL_MEMBERS, Data
from bench.load import require_wrk
from bench.rounds import Machine, Stream, round_of_visits, settings, streams, warm_up
from bench.table import best, markdown, rows, verdicts

ROOT = Path(__file__).parents[1]
VAR = ROOT / "var" / "bench"
RESULTS = ROOT / "bench" / "results"
POSTGRESQL = "postgresql://postgres@127.0.0.1:5432/pakan_bench"
BROKER = "amqp://guest:guest@127.0.0.1:5672"
TOKEN = "bench-" + "0" * 26
ZONE = ZoneInfo("Asia/Vientiane")  # the gateway's default
STOLEN_MAX = 0.05  # of a visit: beyond it requests a second say more about the neighbours than about us
QUICK = {"members": 20_000, "rounds": 1, "seconds": 2.0}


@click.command()
@click.option("--members", default=FULL_MEMBERS, show_default=True, help="Members of the synthetic register.")
@click.option("--rounds", default=7, show_default=True, help="How often every server is visited.")
@click.option("--seconds", default=4.0, show_default=True, help="Length of a visit.")
@click.option("--connections", default=8, show_default=True, help="Requests in flight.")
@click.option("--only", type=click.Choice(["sqlite", "postgresql"]), help="Leave the other database out.")
@click.option("--quick", is_flag=True, help="A smoke test: 20,000 members, one round of two seconds.")
@click.option("--where", "where_", is_flag=True, help="Instead: where each microsecond goes, in one process.")
@click.option("--pins", "pins_", is_flag=True, help="Instead: PINs beside menus, which must not wait for them.")
@click.option(
    "--storm", "storm_", is_flag=True, help="Instead: 20,000 events, each sent one to five times at once."
)
@click.option("--outbox", "outbox_", is_flag=True, help="Instead: the sender, with a provider that takes 5 ms.")
@click.option("--postgresql", "address", default=POSTGRESQL, show_default=True, help="Where PostgreSQL is.")
@click.option("--assert", "assert_", is_flag=True, help="Exit 1 when a target is not reached.")
def main(
    members: int,
    rounds: int,
    seconds: float,
    connections: int,
    only: str | None,
    quick: bool,
    where_: bool,
    pins_: bool,
    storm_: bool,
    outbox_: bool,
    address: str,
    assert_: bool,
) -> None:
    """Measure one summary hop of the real gateway against bare Flask, on the same server and the same core.

    Data are made once and kept in var/bench and in the PostgreSQL database; results go to bench/results.
    """
    if quick:
        members, rounds, seconds = int(QUICK["members"]), int(QUICK["rounds"]), float(QUICK["seconds"])
    if min(rounds, seconds, connections) < 1:
        raise click.UsageError("--rounds, --seconds and --connections are at least 1")
    require_wrk()
    for name in [name for name in os.environ if name.startswith("PAKAN_")]:
        del os.environ[name]  # what is measured must not depend on who measures
    if outbox_:
        click.echo(sending.report(torture.POSTGRESQL, BROKER))
        return
    VAR.mkdir(parents=True, exist_ok=True)
    machine = _machine()
    kinds = [only] if only else ["sqlite", "postgresql"]
    stocks = {kind: _stock(kind, members, address, machine) for kind in kinds}
    durability = {kind: calls.data.durability for kind, calls in stocks.items()}
    if pins_:
        table, good = pins.report(stocks, machine)
        click.echo(table)
        sys.exit(1 if assert_ and not good else 0)
    if storm_:
        table, good = storm.report(stocks, machine)
        click.echo(table)
        sys.exit(1 if assert_ and not good else 0)
    if where_:
        os.sched_setaffinity(0, {machine.server_core})
        click.echo(where.report(stocks))
        return
    with streams(["base", *kinds], machine, stocks) as all_streams:
        click.echo("Warming up")
        warm_up(all_streams, machine, connections)
        for number in range(1, rounds + 1):
            click.echo(f"Round {number} of {rounds}")
            round_of_visits(all_streams, machine, seconds, connections)
    stolen = [visit.stolen for stream in all_streams for visit in stream.visits]
    facts = _facts(members, rounds, seconds, connections, machine) | durability
    facts["stolen by the host"] = f"{median(stolen):.0%} of the machine's time, {max(stolen):.0%} at worst"
    if max(stolen) > STOLEN_MAX:
        facts["DO NOT QUOTE"] = (
            "the host gave too much of this machine's time to others; run again in a quiet hour"
        )
    missed = _publish(all_streams, facts, connections)
    sys.exit(1 if missed and assert_ else 0)


def _machine() -> Machine:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        click.echo("Only one core: server and load share it, so these numbers say little.", err=True)
    return Machine(cores[0], cores[-1], VAR, TOKEN)


def _stock(kind: str, members: int, address: str, machine: Machine) -> Calls:
    """The data of one database and calls on it; a smaller register stands beside the full one, not over it."""
    name = "" if members == FULL_MEMBERS else f"_{members}"
    if kind == "sqlite":
        url = f"sqlite:///{VAR / f'pakan{name}.db'}"
    else:
        there = make_url(address)
        url = there.set(database=f"{there.database}{name}").render_as_string(hide_password=False)
    data = Data(url, members, datetime.now(ZONE).date())
    click.echo(f"{kind}: {members:,} members; giving them a past")
    return Calls(data, settings(url, machine))


def _facts(members: int, rounds: int, seconds: float, connections: int, machine: Machine) -> dict[str, str]:
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return {
        "when": datetime.now(ZONE).isoformat(timespec="minutes"),
        "revision": revision.stdout.strip() or "unknown",
        "register": f"{members:,} members, 24 months",
        "visits": f"{rounds} rounds of {seconds:g} s, {connections} in flight",
        "cores": f"server on {machine.server_core}, wrk and the database's processes on {machine.load_core}",
        "load": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "versions": f"Python {platform.python_version()}, granian {version('granian')}, Flask {version('flask')}, "
        f"psycopg {version('psycopg')}",
    }


def _publish(all_streams: Sequence[Stream], facts: dict[str, str], connections: int) -> int:
    """Print and keep the table; returns how many targets were missed."""
    every = rows(all_streams)
    chosen = best(every)
    said = verdicts(chosen, connections)
    others = [row for row in every if row not in chosen]
    text = "\n".join(
        [
            *(f"- {name}: {value}" for name, value in facts.items()),
            "",
            markdown(chosen),
            "",
            *(f"- {verdict.sentence}" for verdict in said),
            *(["", "Tried too:", "", markdown(others)] if others else []),
        ]
    )
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / time.strftime("%Y%m%d-%H%M%S")
    file.with_suffix(".md").write_text(text + "\n", "utf-8")
    visits = {stream.name: [asdict(visit) for visit in stream.visits] for stream in all_streams}
    file.with_suffix(".json").write_text(
        json.dumps({"facts": facts, "rows": [asdict(row) for row in every], "visits": visits}, indent=1), "utf-8"
    )
    click.echo(f"\n{text}\n\nKept in {file.relative_to(ROOT)}.md and .json")
    return sum(not verdict.reached for verdict in said)


if __name__ == "__main__":
    main(prog_name="python -m bench")
