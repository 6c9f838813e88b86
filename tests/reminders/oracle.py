"""The rules of reminders once more, from the words of docs/reminders.md and of ladder.toml, not from the code.

It knows what happened and when, and says for each round which texts are posted and which leave. It shares with the
gateway the type `Month`, and the scheme's file of due days, which it reads by itself.
"""

from __future__ import annotations

import tomllib
from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final, NamedTuple

from gateway.text.values import Month
from tests.reminders.town import MONTHS, REGIMES, Employer, Event, What, scheme

AHEAD: Final = timedelta(hours=7)  # Laos, all the year
STEPS: Final = {  # from and until, after midnight of the due day in Laos
    "before": (timedelta(days=-5, hours=9), timedelta(hours=17)),
    "after": (timedelta(days=2, hours=9), timedelta(days=9, hours=17)),
}
BY_DAY: Final = range(8, 20)  # hours in Laos in which texts leave
A_MONTH: Final = 8  # bulk texts that a phone gets
IN_A_ROW: Final = 3  # texts that failed: the contact is not told any more
BEFORE: Final = 3  # months, of which one must be posted


class Name(NamedTuple):
    """One reminder, which is sent once or not at all."""

    step: str
    number: int  # of the employer
    month: Month


class Group(NamedTuple):
    """Texts to one phone, of which only so many leave, whichever they are."""

    phone: str
    names: frozenset[Name]
    leave: int


class Waiting(NamedTuple):
    """A text that has not left: since when it is due, to which phone, what it says and until when it may leave."""

    since: datetime
    phone: str
    due: date
    closes: datetime


@dataclass(slots=True)
class Firm:
    """What is known of one employer by now."""

    regime: str
    came: set[Month] = field(default_factory=set)
    posted: set[Month] = field(default_factory=set)
    stops: dict[What, date | None] = field(default_factory=dict)
    agreed: dict[str, bool] = field(default_factory=dict)


@cache
def due_day(month: Month, regime: str) -> date:
    """The latest day that any source claims for the regime, if one does, or for all; 0 is the month's last."""
    year, number = (month + 1).year, (month + 1).number
    first = date(year, number, 1)
    claims = [
        claim
        for claim in tomllib.loads(scheme())["due_days"]
        if claim["since"] <= first <= claim.get("until", date.max)
    ]
    of_it = [claim for claim in claims if claim.get("regime") == regime]
    of_it = of_it or [claim for claim in claims if "regime" not in claim]
    trusted = [claim for claim in of_it if claim["verified"]] or of_it
    return max(date(year, number, claim["day"] or monthrange(year, number)[1]) for claim in trusted)


class Oracle:
    """`learn` what happened, then ask for a run of the schedulers (`run`) or of the senders (`carry`)."""

    def __init__(self, employers: Sequence[Employer]) -> None:
        self._town = {firm.number: firm for firm in employers}
        self._firms = {firm.number: Firm(firm.regime) for firm in employers}
        for firm in employers:
            self._firms[firm.number].agreed = {person.phone: person.agreed for person in firm.people}
        self._midnights = {
            regime: {month: datetime.combine(due_day(month, regime), time(), UTC) - AHEAD for month in MONTHS}
            for regime in REGIMES
        }
        self._refusing: set[str] = set()
        self._names: set[Name] = set()  # that were given to a text, and not given back
        self._waiting: dict[Name, Waiting] = {}
        self.said: dict[Name, date] = {}  # the due day in the last text of this name
        self._used: Counter[tuple[str, int, int]] = Counter()  # by phone, year and month

    def window(self, regime: str, month: Month, step: str) -> tuple[datetime, datetime]:
        """When this step may be sent: from, and until just before."""
        opens, closes = STEPS[step]
        return self._midnights[regime][month] + opens, self._midnights[regime][month] + closes

    def learn(self, events: Iterable[Event]) -> None:
        for event in events:
            self._learn(event)

    def run(self, now: datetime) -> set[Name]:
        """Which texts the schedulers post at this instant, all of them together."""
        self._give_back(name for name, text in self._waiting.items() if not self._stands(name, text, now))
        fresh = {}
        for number in self._town:
            name = self._name(number, now)
            phones = self._may_be_told(number, name.month, now)
            opens, closes = self.window(self._firms[number].regime, name.month, name.step)
            if phones and name not in self._names and opens <= now < closes:
                due = due_day(name.month, self._firms[number].regime)
                fresh[name] = Waiting(now, phones[0], due, closes)
                self.said[name] = due
        self._names |= fresh.keys()
        self._waiting |= fresh
        return set(fresh)

    def _name(self, number: int, now: datetime) -> Name:
        """The step that is open for this employer, or the next to open."""
        regime = self._firms[number].regime
        month = next(month for month in MONTHS if now < self.window(regime, month, "after")[1])
        return Name(next(step for step in STEPS if now < self.window(regime, month, step)[1]), number, month)

    def _stands(self, name: Name, text: Waiting, now: datetime) -> bool:
        """Whether a text that waits would still be said, in the same words."""
        is_same = name == self._name(name.number, now)
        due = due_day(name.month, self._firms[name.number].regime)
        return is_same and text.due == due and text.phone in self._may_be_told(name.number, name.month, now)

    def carry(self, now: datetime) -> list[Group]:
        """Which texts leave at this instant, phone by phone."""
        local = now + AHEAD
        over = [name for name, text in self._waiting.items() if now >= text.closes]
        for name in over:
            del self._waiting[name]
        if local.hour not in BY_DAY:
            return []
        by_phone: dict[str, set[Name]] = {}
        for name, text in self._waiting.items():
            if text.since <= now:
                by_phone.setdefault(text.phone, set()).add(name)
        groups = []
        for phone, names in by_phone.items():
            month = phone, local.year, local.month
            leave = min(len(names), A_MONTH - self._used[month])
            self._used[month] += leave
            groups.append(Group(phone, frozenset(names), leave))
            for name in names:  # what is more than a phone gets is not sent another day
                del self._waiting[name]
        return groups

    def _learn(self, event: Event) -> None:
        if event.what is What.STOP:
            self._refusing.add(event.phone)
            self._give_back(name for name, text in self._waiting.items() if text.phone == event.phone)
            return
        firm = self._firms[event.number]
        match event.what:
            case What.RECEIVED:
                firm.came.add(event.month)
            case What.POSTED:
                firm.came.add(event.month)
                firm.posted.add(event.month)
            case What.CLOSED | What.PLAN:
                firm.stops[event.what] = event.until
            case What.RESUMED:
                firm.stops.clear()
            case What.AGREED | What.WITHDREW:
                firm.agreed[event.phone] = event.what is What.AGREED
            case What.START:
                self._refusing.discard(event.phone)
            case What.MOVED:
                firm.regime = event.regime

    def _may_be_told(self, number: int, month: Month, now: datetime) -> list[str]:
        """Phones that may be told that this employer owes for this month, the best first; none if it does not."""
        firm, today = self._firms[number], (now + AHEAD).date()
        if month in firm.came or month in self._town[number].nothing:
            return []
        if any(until is None or today <= until for until in firm.stops.values()):
            return []
        if not any(month + -back in firm.posted for back in range(1, BEFORE + 1)):
            return []
        people = sorted((person.bounces, person.phone) for person in self._town[number].people)
        return [
            phone
            for bounces, phone in people
            if bounces < IN_A_ROW and firm.agreed[phone] and phone not in self._refusing
        ]

    def _give_back(self, names: Iterable[Name]) -> None:
        """Taken back, or stopped by its phone, before it was tried: it was not sent."""
        for name in list(names):
            del self._waiting[name]
            self._names.discard(name)
