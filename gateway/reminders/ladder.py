"""The ladder of reminders, read from `data/ladder.toml`: which step is open at an instant, and none in between.

A step belongs to a month's due day, never to "so long since the last": a clock that jumps, a second scheduler or
a run that was missed changes nothing about which instants a step may be sent in.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from importlib import resources
from typing import Any, Final, NamedTuple

from gateway.reminders.wording import SAYS
from gateway.text.values import Month

MONTHS_BACK: Final = 3  # a month is due in the next one, and its ladder ends in the one after


class Edge(NamedTuple):
    """A moment relative to a due day, on the clock of the scheme's time zone."""

    days: int
    at: time

    def on(self, due: date, timezone: tzinfo) -> datetime:
        """The instant, in UTC."""
        return datetime.combine(due + timedelta(self.days), self.at, timezone).astimezone(UTC)


class Step(NamedTuple):
    """One text of the ladder; it may be sent from `opens` until just before `closes`."""

    name: str
    says: str
    opens: Edge
    closes: Edge


Ladder = Sequence[Step]


def load_ladder() -> Ladder:
    """The steps that ship with the gateway, first to last."""
    return read_ladder(resources.files("gateway.reminders").joinpath("data/ladder.toml").read_text("utf-8"))


def read_ladder(toml: str) -> Ladder:
    """Steps as written; raises ValueError where two could be sent at once, or one says what has no wording."""
    steps = [
        Step(entry["name"], entry["says"], _edge(entry["from"]), _edge(entry["until"]))
        for entry in tomllib.loads(toml)["steps"]
    ]
    edges = [edge for step in steps for edge in (step.opens, step.closes)]
    if edges != sorted(set(edges)):
        raise ValueError("each step must end after it begins and before the next one begins")
    if len({step.name for step in steps}) < len(steps):
        raise ValueError("two steps have the same name, so that one would silence the other")
    for step in steps:
        if step.says not in SAYS:
            raise ValueError(f"step {step.name} says {step.says!r}, which is none of {', '.join(sorted(SAYS))}")
    return steps


def next_step(ladder: Ladder, due: date, now: datetime, timezone: tzinfo) -> Step | None:
    """The step that is open, or the next one to open; None once the ladder is over."""
    return next((step for step in ladder if now < step.closes.on(due, timezone)), None)


def current_month(
    ladder: Ladder, due_on: Callable[[Month], date | None], now: datetime, timezone: tzinfo
) -> Month:
    """The first month, of the last few, whose ladder is not over yet."""
    this = Month.of(now.astimezone(timezone).date())
    for month in (this + back for back in range(-MONTHS_BACK, 0)):
        due = due_on(month)
        if due and next_step(ladder, due, now, timezone):
            return month
    return this


def _edge(entry: dict[str, Any]) -> Edge:
    return Edge(int(entry["days"]), entry["at"])
