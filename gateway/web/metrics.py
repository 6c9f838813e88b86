"""`/metrics`, for Prometheus: what stands in the outbox, and how hops went. Every process tells the same.

No label is about anybody: carriers, kinds, states, pools, channels and outcomes are a few words each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.logs import report
from gateway.outbox.desk import Count
from gateway.outbox.states import BULK, State
from gateway.web.edge import plain

LABELS = ("carrier", "kind", "state")


def metrics(counts: Callable[[], Sequence[Count]], now: Callable[[], int], hops: Collector) -> Blueprint:
    """`counts` and `now` (seconds since 1970 UTC) are asked once a scrape."""
    blueprint = Blueprint("metrics", __name__)
    registry = CollectorRegistry()
    registry.register(Outbox(counts, now))
    registry.register(hops)

    @blueprint.get("/metrics")
    def scrape() -> Response:
        try:
            answer = plain(generate_latest(registry).decode())
        except OSError as problem:  # what `Hot` raises
            report("metrics failed", problem)
            return plain("The database does not answer.\n", 503)
        answer.content_type = CONTENT_TYPE_LATEST
        return answer

    return blueprint


class Outbox(Collector):
    """Reads the outbox when it is asked."""

    def __init__(self, counts: Callable[[], Sequence[Count]], now: Callable[[], int]) -> None:
        self._counts, self._now = counts, now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        messages = GaugeMetricFamily("pakan_outbox_messages", "Messages that stand here", labels=LABELS)
        parts = GaugeMetricFamily("pakan_outbox_parts", "SMS that they count for", labels=LABELS)
        late = GaugeMetricFamily("pakan_outbox_late_seconds", "Age of the oldest that is due", labels=("pool",))
        now = self._now()
        ages = {"now": 0, "bulk": 0}
        for one in self._counts():
            where = (one.carrier, one.kind, one.state)
            messages.add_metric(where, one.messages)
            parts.add_metric(where, one.parts)
            if one.state == State.DUE:
                pool = "bulk" if one.kind in BULK else "now"
                ages[pool] = max(ages[pool], now - one.oldest_due_at)
        for pool, age in ages.items():
            late.add_metric((pool,), age)
        yield from (messages, parts, late)
