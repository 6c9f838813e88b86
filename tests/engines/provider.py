"""A gateway whose providers are files beside this process, so that they outlive whoever is killed.

Its clock runs ten times as fast as ours: a lease or an offer of thirty seconds is over after three.
"""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from pathlib import Path

from flask import Flask

from app import create_app
from gateway.outbox.port import Message, NotThere, Outcome, Sent
from tests.conftest import NOON

FASTER = 10
PLACE, STARTED = "ENGINES_PLACE", "ENGINES_STARTED"  # the environment: where the file is, when the test began
WIRE_SECONDS = 0.2  # before and after the provider has it
SLOW_SECONDS = 20.0  # the same, of a provider that answers, but late


class Ledger:
    """A provider that writes down every text that reaches it, also one that it has had before."""

    finds = True

    def __init__(self, place: Path, name: str = "ledger", seconds: float = WIRE_SECONDS) -> None:
        self.name, self._seconds = name, seconds
        self.began, self.took = place / f"{name}.began", place / f"{name}.took"

    def send(self, message: Message) -> Outcome:
        self._write(self.began, message)
        time.sleep(self._seconds)
        self._write(self.took, message)
        time.sleep(self._seconds)
        return Sent(message.ref)

    def find(self, ref: str) -> Sent | NotThere:
        return Sent(ref) if ref in [line.split()[0] for line in read(self.took)] else NotThere()

    def _write(self, path: Path, message: Message) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{message.ref} {message.text}\n")


def read(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []


def fast(started: float) -> datetime:
    return NOON + timedelta(seconds=(time.time() - started) * FASTER)


def create() -> Flask:
    """For `flask --app tests.engines.provider:create`."""
    started, place = float(os.environ[STARTED]), Path(os.environ[PLACE])
    carriers = Ledger(place), Ledger(place, "slow", SLOW_SECONDS)
    return create_app(clock=lambda: fast(started), carriers=carriers)
