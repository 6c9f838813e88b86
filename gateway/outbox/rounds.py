"""The embedded engine: threads that carry what is due, pool by pool, with no broker to install.

Each carrier has two pools with threads of their own, so a code never waits for a campaign, and a provider that
trickles never holds up another one (reliability F21). Killed at any moment it loses nothing: see `reaper`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Final

import structlog

from gateway.logs import report
from gateway.outbox.reaper import Reaper
from gateway.outbox.sender import Ended, Sender

BATCH: Final = 20  # messages offered to a thread at a time; the last of them is taken well within the offer
IDLE_SECONDS: Final = 0.25  # between two looks at an empty pool
ILL_SECONDS: Final = 2.0  # after the database failed
SWEEP_SECONDS: Final = 5.0
FORGET_SECONDS: Final = 3_600.0
THREADS: Final = {False: 2, True: 2}  # of a carrier's pools, by whether they are bulk

log = structlog.get_logger("pakan.outbox")


class Rounds:
    """Run until `stop` is called; then every thread finishes the message it has in hand."""

    def __init__(self, sender: Sender, reaper: Reaper, threads: dict[bool, int] = THREADS) -> None:
        self._sender, self._reaper, self._threads_a_pool = sender, reaper, threads
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for carrier in self._sender.carriers:
            for bulk, count in self._threads_a_pool.items():
                for number in range(count):
                    self._begin(f"{carrier}-{'bulk' if bulk else 'now'}-{number}", self._carry, carrier, bulk)
        self._begin("reaper", self._sweep)

    def stop(self, seconds: float | None = None) -> None:
        """Take nothing more; wait for what is on the wire."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(seconds)

    def _begin(self, name: str, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _carry(self, carrier: str, bulk: bool) -> None:
        while not self._stopped.is_set():
            try:
                refs = self._sender.due(carrier, bulk, BATCH)
                for ref in refs:
                    if self._stopped.is_set():
                        return
                    self._sender.deliver(ref)
            except Exception as problem:  # whatever it is, the next message has its turn
                report("sender failed", problem)
                self._stopped.wait(ILL_SECONDS)
                continue
            if not refs:
                self._stopped.wait(IDLE_SECONDS)

    def _sweep(self) -> None:
        since_forgotten = FORGET_SECONDS
        while not self._stopped.is_set():
            try:
                swept = self._reaper.sweep()
                if swept:
                    log.info("messages settled", **dict(swept))
                if since_forgotten >= FORGET_SECONDS:
                    self._reaper.forget()
                    since_forgotten = 0.0
            except Exception as problem:  # the database is away: the next round finds the same
                report("reaper failed", problem)
            self._stopped.wait(SWEEP_SECONDS)
            since_forgotten += SWEEP_SECONDS


def drain(
    sender: Sender,
    reaper: Reaper,
    told: Callable[[Ended], None] = lambda _ended: None,
    only: Collection[str] | None = None,
) -> int:
    """Send what is due now, by all carriers or `only` some, one after another; returns how many left."""
    sent = 0
    reaper.sweep()
    for carrier in sender.carriers if only is None else only:
        for bulk in (False, True):
            while refs := sender.due(carrier, bulk, BATCH):
                for ref in refs:
                    ended = sender.deliver(ref)
                    sent += ended is Ended.SENT
                    told(ended)
    return sent
