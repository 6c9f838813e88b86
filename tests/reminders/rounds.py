"""When senders and schedulers run in the year, and what the clock says then: the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, NamedTuple

from tests.reminders.oracle import STEPS, Oracle
from tests.reminders.town import BEGINS, DAYS, MONTHS, Employer, Event, events_of

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
AGAIN: Final = 0.25  # of the rounds that need no scheduler, those with some all the same
FAR_OFF: Final = 10  # steps in which the clock is far ahead or back for a moment
SAME: Final = 14  # months at whose edges of the second regime nobody looks more closely than at other instants
STEP: Final = timedelta(days=40)  # of the clock, ahead or back (reliability F13)
CHANGES: Final = tuple(  # of New York's clocks, a second before and as they do: in November within a step
    datetime(2028, month, day, hour, tzinfo=UTC) - before
    for month, day, hour in ((3, 12, 7), (11, 5, 6))
    for before in (SECOND, timedelta())
)
DUE_DAYS: Final = (  # a second before the step ends: 31 January, and 29 February
    datetime(2028, 1, 31, 9, 59, 59, tzinfo=UTC),
    datetime(2028, 2, 29, 9, 59, 59, tzinfo=UTC),
)


class Round(NamedTuple):
    """An instant at which senders run, and perhaps schedulers before them. `now`: what the clock says of it."""

    real: datetime
    now: datetime
    schedules: bool = True


def rounds(oracle: Oracle, random: Random) -> list[Round]:
    """Around the edges of every step and of its days, on New York's nights, and some with the clock far off."""
    sure, perhaps = {*CHANGES, *DUE_DAYS}, set()
    windows = [
        oracle.window(regime, month, step)
        for regime, months in (("enterprise", MONTHS), ("state", MONTHS[SAME:]))
        for month in months
        for step in STEPS
    ]
    for number, (opens, closes) in enumerate(windows):
        if any(opens <= first < closes for first in CHANGES + DUE_DAYS):
            continue  # it begins there
        evening, morning = opens + 11 * HOUR, opens + 23 * HOUR
        begins = ({opens - SECOND, opens}, {evening}, {_within(evening, morning, random)})
        ends = ({closes - SECOND, closes}, {closes}, {_within(opens, closes, random)})
        sure |= begins[number % 3] | ends[number // 3 % 3]
        perhaps |= {morning - SECOND, morning}
    found = [Round(at, at) for at in sure]
    found += [Round(at, at, random.random() < AGAIN) for at in sorted(perhaps - sure)]
    for number, (opens, closes) in enumerate(random.sample(windows, FAR_OFF)):
        at, far = _within(opens, closes, random), (STEP, -STEP, -STEP)[number % 3]
        found.append(Round(at - far, at))
        found.append(Round(closes + MINUTE, closes + MINUTE + far, schedules=False))
    return sorted(one for one in found if timedelta() <= one.real - BEGINS < timedelta(DAYS))


def _within(opens: datetime, closes: datetime, random: Random) -> datetime:
    return opens + random.randrange((closes - opens) // MINUTE) * MINUTE


def history(employers: Sequence[Employer], seed: int) -> Iterator[tuple[Round, Sequence[Event]]]:
    """Each round of the year, and what happened since the one before."""
    events, known = events_of(employers), 0
    for one in rounds(Oracle(employers), Random(seed)):
        new = [event for event in events[known:] if event.at <= one.real]
        known += len(new)
        yield one, new
