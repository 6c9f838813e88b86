"""How many hops there were, how they ended and how long they took, for `/metrics`.

A scrape reaches any one of the processes that serve: `flask serve` gives them a directory in which
prometheus-client lets all of them count together. An observation costs 5 microseconds of a hop's 800.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from prometheus_client import CollectorRegistry, Histogram, Metric, multiprocess

PLACE: Final = "PROMETHEUS_MULTIPROC_DIR"  # the library reads it when it is imported
BOUNDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.5)  # seconds; a hop is cut at the last


class Outcome(StrEnum):
    """How a hop ended for us; whichever it was, whoever called had words."""

    ANSWERED = "answered"
    HELD = "held"  # a text was taken, and is not answered: see `outbox.replies`
    REPEATED = "repeated"  # its answer was kept from before
    NO_REGISTER = "no_register"  # she was asked to come back later
    BUSY = "busy"  # there were too many PINs to look at: hers was not
    FAILED = "failed"


class Hops:
    """Counts of this process, or of all that share a directory."""

    def __init__(self, channels: Iterable[str]) -> None:
        """`channels` by name. Each is counted from 0, so that a full disk is met now and not on a hop."""
        labels = "channel", "outcome"
        self._seconds = Histogram(
            "pakan_hop_seconds", "Hops and texts", labels, registry=CollectorRegistry(), buckets=BOUNDS
        )
        for channel in channels:
            for outcome in Outcome:
                self._seconds.labels(channel, outcome.value)

    def tell(self, channel: str, outcome: Outcome, seconds: float) -> None:
        self._seconds.labels(channel, outcome.value).observe(seconds)

    def collect(self) -> Iterable[Metric]:
        """What Prometheus is told."""
        shared: Any = multiprocess.MultiProcessCollector
        found: Iterable[Metric] = shared(None).collect() if PLACE in os.environ else self._seconds.collect()
        return found
