"""A worker process that guesses: every line on standard input is a burst of guesses, all at once.

Each evaluation adds a byte to a file before it begins, so that those of a killed process count, too.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from gateway.identity.hashing import PinHasher
from gateway.identity.pins import Pins
from gateway.identity.port import Verdict
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys
from tests.faults import at_once
from tests.identity.conftest import HER, ME, open_gate

KIB = 4096  # long enough that guesses overlap


class Counted(PinHasher):
    def __init__(self, keys: Keys, log: str) -> None:
        super().__init__(keys.peppers, keys.sealer, KIB)
        self.log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def matches(self, member: str, pin: str, sealed: str) -> bool:
        os.write(self.log, b".")
        return super().matches(member, pin, sealed)


def main(url: str, keys_dir: str, log: str, at: str, places: str) -> None:
    keys, hot = Keys(Path(keys_dir)), Hot(url)
    pins = Pins(hot, keys, lambda: datetime.fromtimestamp(int(at), UTC), open_gate(int(places)))
    pins.hasher = Counted(keys, log)

    def guess(event: str, pin: str) -> Verdict:
        try:
            return pins.check(ME, HER, pin, event)
        finally:
            hot.close()

    print("ready", flush=True)
    for line in sys.stdin:
        guesses = [lambda event=event, pin=pin: guess(event, pin) for event, pin in json.loads(line)]
        print(json.dumps(Counter(at_once(guesses))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
