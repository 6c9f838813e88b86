"""Debian's Kannel as `deploy/kannel` configures it, between an operator of ours and whatever answers its HTTP."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from time import monotonic, sleep
from typing import IO, Any

import pytest

from app import LOCALES

DEPLOYED = LOCALES.parent / "deploy" / "kannel"
OPERATOR = Path(__file__).parent / "smsc"
FAKESMSC = "/usr/lib/kannel/test/fakesmsc"
PROGRAMS = ("bearerbox", "smsbox", FAKESMSC, "node", "npm")
SECONDS = 15.0  # on a loaded machine; each step takes about one
PASSWORD = "synthetic Password #1"
FAKE = """
group = smsc
smsc = fake
smsc-id = FAKE
port = {port}
connect-allow-ip = 127.0.0.1
denied-smsc-id = "UNITEL-USSD"
"""


class Told:
    """What a program prints, line by line as it comes."""

    def __init__(self, output: IO[str]) -> None:
        self.lines: Queue[str] = Queue()
        self._reader = Thread(target=self._read, args=(output,), daemon=True)
        self._reader.start()

    def _read(self, output: IO[str]) -> None:
        for line in output:
            self.lines.put(line.rstrip("\n"))

    def until(self, wanted: Callable[[str], bool], seconds: float = SECONDS) -> str:
        """The first line that is wanted; those before it are let go."""
        ends = monotonic() + seconds
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, ends - monotonic()))
            except Empty:
                raise AssertionError("it did not say what was waited for") from None
            if wanted(line):
                return line


class Operator:
    """The operator's end of every SMPP link, by npm's `smpp`: a library that nobody here wrote."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin
        assert process.stdout
        self._keyboard, self._told = process.stdin, Told(process.stdout)
        self.port = int(self.next("port")["port"])

    def next(self, kind: str, seconds: float = SECONDS) -> dict[str, Any]:
        """The next event of a kind: `bound`, `submit` or `answered`."""
        found: dict[str, Any] = json.loads(
            self._told.until(lambda line: f'"{kind}":' in line[: len(kind) + 4], seconds)
        )
        return found

    def delivers(self, link: str, **fields: object) -> None:
        """Send a message over a link, and wait until Kannel has taken it."""
        self._keyboard.write(json.dumps({"to": link, **fields}) + "\n")
        self._keyboard.flush()
        assert self.next("answered") == {"answered": 0}

    def reports(self, submit: str, stat: str) -> None:
        """Report what became of a message (SMPP 3.4, appendix B)."""
        said = (
            f"id:{submit} sub:001 dlvrd:001 submit date:2611231200 done date:2611231201 stat:{stat} err:000 text:"
        )
        self.delivers(
            "UNITEL-ID", source_addr="8562020000001", destination_addr="1508", esm_class=4, short_message=said
        )


class Kannel:
    """Its three processes. `settings` are those of a gateway that sends by it."""

    def __init__(self, operator: Operator, fake_port: int, sendsms: int) -> None:
        self.operator, self.fake_port = operator, fake_port
        self.settings = {
            "kannel_sendsms_url": f"http://127.0.0.1:{sendsms}/cgi-bin/sendsms",
            "kannel_username": "pakan",
            "kannel_password": PASSWORD,
        }

    @contextmanager
    def phone(self, *sent: str) -> Iterator[Told]:
        """Debian's `fakesmsc`: sends these messages and tells what it gets. Its own form, see its usage."""
        command = [FAKESMSC, "-H", "127.0.0.1", "-r", str(self.fake_port), "-i", "0.1"]
        command += ["-m", str(len(sent)), *sent]
        with running(command, stdin=subprocess.PIPE, stderr=subprocess.STDOUT, stdout=subprocess.PIPE) as process:
            assert process.stdout
            yield Told(process.stdout)


@contextmanager
def kannel(folder: Path, gateway: str, token: str) -> Iterator[Kannel]:
    """Start Kannel between an operator and a gateway at an address; `token` stands in what it calls."""
    needed()
    with running(["node", "operator.mjs"], cwd=OPERATOR, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        operator = Operator(process)
        admin, boxes, sms, ussd, fake = free_ports(5)
        (folder / "store").mkdir()
        (folder / "dlr").mkdir()
        configured(
            folder,
            {
                "/var/spool/kannel": str(folder),
                "admin-port = 13000": f"admin-port = {admin}",
                "smsbox-port = 13001": f"smsbox-port = {boxes}",
                "sendsms-port = 13013": f"sendsms-port = {sms}",
                "sendsms-port = 13014": f"sendsms-port = {ussd}",
                "port = 2775": f"port = {operator.port}",
                "SMS-HOST-OF-UNITEL": "127.0.0.1",
                "SMS-HOST-OF-LTC": "127.0.0.1",
                "USSD-HOST-OF-UNITEL": "127.0.0.1",
                "SENDSMS-PASSWORD": PASSWORD,
                "SHORT-CODE": "1508",
                "http://127.0.0.1:8000": gateway,
                "WEBHOOK-TOKEN": token,
                "UNITEL;LTC": "UNITEL;LTC;FAKE",
            },
        )
        with (folder / "links.conf").open("a") as links:
            links.write(FAKE.format(port=fake))
        with (
            running(["bearerbox", "--verbosity", "2", "sms.conf"], cwd=folder, stderr=subprocess.DEVNULL),
            answering(boxes),
            running(["smsbox", "--verbosity", "2", "sms.conf"], cwd=folder, stderr=subprocess.DEVNULL),
            running(["smsbox", "--verbosity", "2", "ussd.conf"], cwd=folder, stderr=subprocess.DEVNULL),
            answering(sms),
            answering(ussd),
        ):
            for _link in range(3):
                operator.next("bound")
            yield Kannel(operator, fake, sms)


def needed() -> None:
    """Fail in CI, else skip, where a program is missing; install the operator's library on first use."""
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        said = f"not installed, so Kannel was not tried: {', '.join(missing)}"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    if not (OPERATOR / "node_modules").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=OPERATOR, check=True, capture_output=True)


def configured(folder: Path, changes: Mapping[str, str]) -> None:
    """The configuration as it is deployed, with these words replaced."""
    unused = set(changes)
    for source in DEPLOYED.glob("*.conf"):
        text = source.read_text("utf-8")
        for old, new in changes.items():
            if old in text:
                unused.discard(old)
                text = text.replace(old, new)
        (folder / source.name).write_text(text, "utf-8")
    assert not unused, f"not in deploy/kannel: {sorted(unused)}"


@contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process that is ended, gently at first, when the block is left."""
    process = subprocess.Popen(command, text=True, **{"stdout": subprocess.DEVNULL, **options})
    try:
        yield process
    finally:
        if process.stdin:
            with suppress(OSError):
                process.stdin.close()
        process.terminate()
        try:
            process.wait(SECONDS / 2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


@contextmanager
def answering(port: int) -> Iterator[None]:
    """Wait until something listens on a port."""
    ends = monotonic() + SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert monotonic() < ends, "a box of Kannel did not start"
        sleep(0.05)
    yield


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at the moment."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports
