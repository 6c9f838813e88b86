"""A scheduler as a process of its own: `flask reminders send` at each instant that its standard input names.

`python -m tests.reminders.scheduler URL KEYS`; one line of JSON a run, with what the command said. All that is not
the gateway's own here is the clock.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Final

from click.testing import Result
from flask import Flask

from app import create_app
from gateway.registry.scheme import read_scheme
from tests.conftest import TOKEN, Clock
from tests.outbox.carrier import Provider
from tests.reminders.town import scheme

SEND: Final = ("reminders", "send", "--yes")
NO_LIMITS: Final = {
    "holdout_percent": 0,
    "reminders_alone": 10**6,
    "bulk_pace": 10**6,
}  # they have tests of their own
TRIES: Final = 20  # of a run that the database stopped: the timer comes again
STOPPED: Final = (TimeoutError, ConnectionError)


def gateway(url: str, keys: Path, clock: Clock, carrier: Provider) -> Flask:
    """The gateway as these tests run it."""
    settings = {"database_url": url, "keys_dir": keys, "webhook_tokens": (TOKEN,), "hotline": "1508"}
    facts = read_scheme(scheme())
    return create_app({**settings, **NO_LIMITS}, clock=clock, carriers=(carrier,), scheme=facts)


def send(app: Flask) -> Result:
    """One run, made again where others kept the database from it."""
    for _try in range(TRIES):
        result = app.test_cli_runner().invoke(args=SEND)
        if not isinstance(result.exception, STOPPED):
            break
    return result


def main(url: str, keys: str) -> None:
    clock = Clock()
    app = gateway(url, Path(keys), clock, Provider())
    print("ready", flush=True)
    for line in sys.stdin:
        clock.now = datetime.fromisoformat(line.strip())
        result = send(app)
        print(json.dumps({"exit": result.exit_code, "said": result.output}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
