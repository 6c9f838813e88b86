"""Synthetic employers of every kind, and what happens to them in a year: the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from gateway.text.catalogue import LANGUAGES
from gateway.text.values import Month

MONTHS: Final = tuple(Month(2027, 8) + n for n in range(18))  # three before the first that is told of in 2028
BEGINS: Final = datetime(2028, 1, 1, tzinfo=UTC)
DAYS: Final = 366
BUREAU_SERVES: Final = 20  # firms of one accountant's phone: more than it gets texts a month


SHIPPED: Final = Path(__file__).parents[2] / "gateway/registry/data/scheme.toml"
REGIMES: Final = ("enterprise", "state")  # each with its due days, one beside the other
OTHER: Final = """
[[due_days]]
regime = "state"
since = 2018-06-27
day = 12
source = "synthetic: a regime that pays earlier than the others"
verified = false
"""


def scheme() -> str:
    """The scheme of the town: that which ships with the gateway, and a second regime."""
    return SHIPPED.read_text("utf-8") + OTHER


def regime_of(number: int) -> str:
    """Of an employer as the year begins: every fifth pays by the second one."""
    return REGIMES[number % 5 == 0]


class What(StrEnum):
    """What can happen."""

    RECEIVED = "money arrived"
    POSTED = "money is posted"
    CLOSED = "closed"
    PLAN = "pays by a plan"
    RESUMED = "resumed"
    AGREED = "a contact agrees"
    WITHDREW = "a contact agrees no more"
    STOP = "a phone wants no texts"
    START = "a phone wants texts again"
    MOVED = "pays by another regime"


MONEY: Final = frozenset({What.RECEIVED, What.POSTED})


class Event(NamedTuple):
    """One thing that happened. `until`: the last day of a plan; `regime`: by which it pays from now on."""

    at: datetime
    what: What
    number: int = 0  # of the employer
    month: Month = MONTHS[0]
    phone: str = ""
    until: date | None = None
    regime: str = ""


class Person(NamedTuple):
    """Who may be told, as the year begins."""

    phone: str
    language: str
    agreed: bool = True
    bounces: int = 0


@dataclass(slots=True)
class Employer:
    """One employer of the town; `months` it has to pay for, `returned` of them with a return beforehand."""

    number: int
    random: Random
    people: list[Person] = field(default_factory=list)
    months: Sequence[Month] = MONTHS
    returned: bool = True
    nothing: set[Month] = field(default_factory=set)  # months whose return says 0 kip
    events: list[Event] = field(default_factory=list)

    @property
    def code(self) -> str:
        return f"{self.number:05d}-01"

    @property
    def regime(self) -> str:
        return regime_of(self.number)

    def person(self, series: int = 1, agreed: bool = True, bounces: int = 0) -> Person:
        """One more contact, with a phone of its own."""
        self.people.append(
            Person(f"+856202{series}{self.number:06d}", self.random.choice(LANGUAGES), agreed, bounces)
        )
        return self.people[-1]

    def happens(
        self,
        what: What,
        at: datetime | None = None,
        phone: str = "",
        until: date | None = None,
        regime: str = "",
    ) -> datetime:
        """At an instant, or at any of the year; returns it."""
        at = at or BEGINS + timedelta(seconds=self.random.randrange(DAYS * 86_400))
        self.events.append(Event(at, what, self.number, phone=phone, until=until, regime=regime))
        return at

    def pays(self, first: float, last: float, forgets: float = 0.0) -> None:
        """Each month so many days into the next; some are forgotten for long, some are slow to be posted."""
        for month in self.months:
            if month in self.nothing:
                continue
            late = self.random.random() < forgets
            days = self.random.uniform(20, 80) if late else self.random.uniform(first, last)
            at = datetime.combine((month + 1).first, time(), UTC) + timedelta(seconds=int(days * 86_400))
            if self.random.random() < 0.2:
                self.events.append(Event(at, What.RECEIVED, self.number, month))
                at += timedelta(days=self.random.randrange(1, 60))
            self.events.append(Event(at, What.POSTED, self.number, month))


def _regular(firm: Employer) -> None:
    firm.person()
    firm.pays(0, 24, forgets=0.04)


def _late(firm: Employer) -> None:
    firm.person()
    firm.pays(20, 80)


def _never(firm: Employer) -> None:
    firm.person()
    firm.months = ()


def _ends(firm: Employer) -> None:
    """Pays no more from some month on, and after three months there is nothing to be reminded of."""
    firm.person()
    firm.months = MONTHS[: firm.random.randrange(2, 12)]
    firm.pays(0, 24)


def _new(firm: Employer) -> None:
    firm.person()
    firm.months = MONTHS[firm.random.randrange(4, 12) :]
    firm.pays(20, 50)


def _closes(firm: Employer) -> None:
    _late(firm)
    at = firm.happens(What.CLOSED)
    if firm.random.random() < 0.5:
        firm.happens(What.RESUMED, at + timedelta(days=firm.random.uniform(0.1, 40)))


def _plans(firm: Employer) -> None:
    _late(firm)
    at = BEGINS + timedelta(days=firm.random.uniform(0, DAYS))
    firm.happens(What.PLAN, at, until=at.date() + timedelta(days=firm.random.randrange(60)))


def _agrees_to_nothing(firm: Employer) -> None:
    person = firm.person(agreed=False)
    firm.pays(20, 80)
    if firm.random.random() < 0.5:
        firm.happens(What.AGREED, phone=person.phone)


def _has_two(firm: Employer) -> None:
    """One of two contacts wants no more texts, or does not agree any more."""
    people = [firm.person(), firm.person(2, bounces=firm.random.choice((0, 0, 1)))]
    firm.pays(20, 80)
    firm.happens(firm.random.choice((What.STOP, What.WITHDREW)), phone=firm.random.choice(people).phone)


def _stops(firm: Employer) -> None:
    person = firm.person()
    firm.pays(20, 80)
    at = firm.happens(What.STOP, phone=person.phone)
    if firm.random.random() < 0.5:
        firm.happens(What.START, at + timedelta(days=firm.random.uniform(0.1, 60)), phone=person.phone)


def _shares(firm: Employer) -> None:
    """Its contact is an accountant's bureau, who speaks for its neighbours, too."""
    phone = f"+8562023{firm.number // BUREAU_SERVES:06d}"
    firm.people.append(Person(phone, "en"))
    firm.pays(20, 80)
    if firm.number == 2 * BUREAU_SERVES:
        firm.happens(What.STOP, phone=phone)


def _has_nobody(firm: Employer) -> None:
    firm.pays(20, 80)


def _says_nothing(firm: Employer) -> None:
    firm.person()
    firm.nothing = {month for month in MONTHS if firm.random.random() < 0.5}
    firm.pays(20, 80)


def _makes_no_return(firm: Employer) -> None:
    """The register learns of its month with the money."""
    firm.returned = False
    _late(firm)


def _moves(firm: Employer) -> None:
    """Pays by the other regime from some day on, be it while a text about the first one's due day waits."""
    _late(firm)
    for times in range(1, firm.random.choice((2, 7))):
        firm.happens(What.MOVED, regime=REGIMES[times % 2])


def _bounces(firm: Employer) -> None:
    firm.person(bounces=firm.random.choice((2, 3)))
    firm.pays(20, 80)


KINDS: Final[dict[Callable[[Employer], None], int]] = {  # of a hundred employers
    _regular: 69,
    _late: 4,
    _never: 1,
    _ends: 4,
    _new: 3,
    _closes: 3,
    _plans: 2,
    _agrees_to_nothing: 1,
    _has_two: 2,
    _stops: 2,
    _has_nobody: 1,
    _says_nothing: 1,
    _makes_no_return: 2,
    _bounces: 1,
    _moves: 4,
}
BUREAUS: Final = 0.02  # of all employers are served by one


def town(count: int, seed: int) -> Sequence[Employer]:
    """So many employers, numbered from 1; the first are neighbours with a bureau."""
    random, kinds, weights = Random(seed), list(KINDS), list(KINDS.values())
    employers = [Employer(number, random) for number in range(1, count + 1)]
    shared = BUREAU_SERVES * max(1, int(count * BUREAUS / BUREAU_SERVES)) - 1
    for firm in employers:
        kind = _shares if firm.number <= shared else random.choices(kinds, weights)[0]
        kind(firm)
    return employers


def events_of(employers: Sequence[Employer]) -> list[Event]:
    """Everything that happens, in its order."""
    return sorted((event for firm in employers for event in firm.events), key=lambda event: event.at)
