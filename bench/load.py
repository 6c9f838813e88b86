"""The load: wrk with `hop.lua`, pinned to its core, each body sent once and every answer waited for."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

SCRIPT = Path(__file__).with_name("hop.lua")
DRAIN_SECONDS = 20  # so much longer wrk waits for the last answers; it ends with them
MARK = "RESULT "


@dataclass(frozen=True, slots=True)
class Load:
    """What one visit to one server gave. Times in milliseconds, except `seconds`: first request to last answer."""

    sent: int
    answered: int
    wrong: int
    first_wrong: str
    ran_out: bool
    seconds: float
    p50: float
    p99: float
    most: float
    errors: int

    @property
    def rate(self) -> float:
        return self.answered / self.seconds


def require_wrk() -> None:
    """Say what to install; raises ClickException."""
    for program, package in (("wrk", "wrk"), ("taskset", "util-linux")):
        if shutil.which(program) is None:
            raise click.ClickException(f"{program} is missing. Install it with: apt-get install {package}")


def run(
    url: str, bodies: Sequence[str], file: Path, *, once: bool, seconds: float, connections: int, core: int
) -> Load:
    """Send bodies for so many seconds, `connections` in flight; raises ClickException on any wrong answer."""
    file.write_text("\n".join(bodies) + "\n", "ascii")
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}"]
    command += [f"-d{int(seconds + 0.999) + DRAIN_SECONDS}s", "--timeout", "10s", "-s", str(SCRIPT), url]
    command += ["--", str(file), "once" if once else "cycle", str(seconds)]
    output = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in output.stdout.splitlines() if line.startswith(MARK)]
    if output.returncode or not lines:
        raise click.ClickException(f"wrk failed:\n{output.stdout}{output.stderr}")
    load = Load(**json.loads(lines[0].removeprefix(MARK)))
    if load.errors or load.wrong or load.sent != load.answered or not load.answered:
        raise click.ClickException(
            f"{url}: {load.sent} sent, {load.answered} answered, {load.wrong} not a CON screen with status 200 "
            f"({load.first_wrong or 'none'}), {load.errors} connection errors or time-outs"
        )
    return load
