"""The servers measured: granian on one core, and what their processes cost, from /proc."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
START_SECONDS = 30
STOP_SECONDS = 10
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """One granian with one worker process."""

    name: str
    threads: int
    port: int
    process: subprocess.Popen[bytes]

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def flags(self) -> str:
        return f"--workers 1 --blocking-threads {self.threads}"

    def cpu_seconds(self) -> float:
        """User and system time of the whole process tree so far."""
        return cpu_seconds(tree(self.process.pid))

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for pid in tree(self.process.pid):
                os.kill(pid, signal.SIGKILL)
            self.process.wait()


def start(
    name: str, target: str, *, factory: bool, threads: int, core: int, settings: Mapping[str, str], log: Path
) -> Server:
    """Start a server on a free port and wait until it accepts; raises ClickException with its last words."""
    port = _free_port()
    command = ["taskset", "-c", str(core), sys.executable, "-m", "granian", "--interface", "wsgi"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--blocking-threads", str(threads)]
    command += ["--log-level", "warning", *(["--factory"] if factory else []), target]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PAKAN_", "GRANIAN_"))}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**environment, **settings}, stdout=output, stderr=subprocess.STDOUT
        )
    server = Server(name, threads, port, process)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.1)
    if process.poll() is None:
        server.stop()
    raise click.ClickException(f"The server {name!r} did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")


def tree(root: int) -> list[int]:
    """A process and all that descend from it, now."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:  # grows while it is read
        found.extend(children.get(pid, ()))
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of these processes and of their children that have ended."""
    return sum(sum(map(int, fields[11:15])) for pid in pids if (fields := _stat(pid))) / TICKS


def machine_seconds() -> tuple[float, float]:
    """Over all cores since start-up: time a hypervisor gave to others while we wanted it, and all time."""
    first_line = Path("/proc/stat").read_text().partition("\n")[0]
    times = [int(field) / TICKS for field in first_line.split()[1:9]]  # the two after are counted in these
    return times[7], sum(times)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on; empty for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _free_port() -> int:
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return int(any_port.getsockname()[1])
