"""A text a month to members who asked for it: planned from who asked, posted once, taken back when no longer true.

What is paid is told once the month is over; anything else only when employers, too, are told that nothing came,
for money takes its days and nobody is to be accused early. A mere notice waits as long: its hour tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from enum import StrEnum
from typing import Final, NamedTuple

from gateway.identity.port import Alerts
from gateway.identity.subscribers import Subscriber
from gateway.outbox.ledger import Held, Ledger
from gateway.outbox.outbox import Outbox
from gateway.outbox.pace import PACE, post_at_pace
from gateway.outbox.port import Draft, Kind
from gateway.outbox.states import State
from gateway.registry import standing
from gateway.registry.port import Registry
from gateway.registry.scheme import Scheme
from gateway.registry.standing import judge, right_to_treatment, window
from gateway.reminders import plan
from gateway.reminders.alerts_wording import STANDINGS, Alert, render
from gateway.reminders.ladder import Ladder
from gateway.text.alphabet import segments, sendable
from gateway.text.values import Month

PURPOSE: Final = "alerts"  # what a phone may opt out of


class Why(StrEnum):
    """What becomes of a member who asked, in the words of the plan; only the first is sent."""

    SEND = "is told"
    WAITING = "her text is on its way"
    TOLD = "was texted"
    EARLY = "to be told later: not paid by now, or a mere notice"
    OVER = "its texts are over"
    ASLEEP = "has proved nothing from her phone for too long"
    SILENCED = "her phone wants no texts"
    GONE = "not in the register any more: for an officer"
    SEALED = "no key here opens her number: for an officer"
    DIED = "her text was tried five times and never left: send --again"
    LOST = "her text did not arrive, or her phone had enough for a month"


STANDS: Final = {state: Why[of_firm.name] for state, of_firm in plan.STANDS.items()}


class Text(NamedTuple):
    """One text to one phone."""

    language: str
    words: str
    parts: int


class Entry(NamedTuple):
    """One member in the plan; `text` only where she is told now.

    `held`: her text that waits and is still true, or that this one takes the place of.
    """

    subscriber: Subscriber
    why: Why
    text: Text | None = None
    held: Held | None = None


class Hours(NamedTuple):
    """When a month is told of, in UTC."""

    opens: datetime  # what is paid
    late: datetime  # anything else
    closes: datetime

    @classmethod
    def of(cls, month: Month, due: date, ladder: Ladder, timezone: tzinfo) -> Hours:
        """From the first day after the month until employers are reminded of it no more."""
        last = ladder[-1]
        opens = datetime.combine((month + 1).first, time(), timezone)
        return cls(opens, last.opens.on(due, timezone), last.closes.on(due, timezone))


@dataclass(frozen=True, slots=True)
class Planner:
    """What every member is judged by. `again`: texts that died are planned anew."""

    month: Month
    hours: Hours
    now: datetime
    today: date  # where the scheme is
    scheme: Scheme
    registry: Registry
    code: str
    hotline: str
    language: str  # of a phone that remembers none
    say: Callable[[str, str], str]
    ledger: Ledger
    words: Callable[[str], str | None]  # what a message says that waits
    again: bool = False

    @property
    def is_open(self) -> bool:
        return self.hours.opens <= self.now < self.hours.closes

    @property
    def is_late(self) -> bool:
        return self.hours.late <= self.now

    def once(self, member: str) -> str:
        """The name under which the outbox knows her text: not its words, nor the phone it goes to."""
        return f"alert:{self.month}:{member}"

    def plan(self, found: Iterable[Subscriber]) -> Iterator[Entry]:
        """Nothing is written and nothing is sent. Raises what the registry raises."""
        return map(self._entry, found)

    def _entry(self, her: Subscriber) -> Entry:
        reasons = (
            (Why.SEALED, not her.msisdn),
            (Why.ASLEEP, not her.awake),
            (Why.SILENCED, self.ledger.refuses(her.msisdn)),
        )
        for why, holds in reasons:
            if holds:
                return Entry(her, why)
        held = self.ledger.held(self.once(her.member))
        if held and not (held.state is State.DUE or (self.again and held.state is State.DEAD)):
            return Entry(her, STANDS.get(held.state, Why.LOST))
        told = self._text(her)
        if isinstance(told, Why):
            return Entry(her, told)
        if held and self.ledger.goes_to(held, her.msisdn) and self.words(held.ref) == told.words:
            return Entry(her, Why.WAITING, held=held)
        return Entry(her, Why.SEND, told, held)

    def _text(self, her: Subscriber) -> Text | Why:
        """What she is told now, or why nothing."""
        if not self.is_open:
            return Why.OVER if self.now >= self.hours.closes else Why.EARLY
        alert, in_full = self._alert(her.member), her.alerts is Alerts.FULL
        if alert is None:
            return Why.GONE
        is_time = self.is_late or (in_full and alert.why is standing.Why.PAID)
        if not is_time or alert.why not in STANDINGS:
            return Why.EARLY
        language = her.language or self.language
        words = sendable(render(alert, language, self.say, in_full))
        return Text(language, words, segments(words).parts)

    def _alert(self, member: str) -> Alert | None:
        """How her month and her right to treatment stand; None when the register has her no more."""
        month = self.month
        record = self.registry.record(member, min(month, window(self.today)[0]))
        if record is None:
            return None
        rows = [row for row in record.contributions if row.month == month]
        employed = not rows and month in self.registry.employed(member, month)
        why = judge(month, rows, employed, self.today, self.scheme)
        rule = self.scheme.on(self.today).treatment
        paid = {row.month for row in record.contributions if row.full}
        right = right_to_treatment(paid, self.today, rule.value) if rule else None
        return Alert(why, month, right, self.code, self.hotline)


class Tidied(NamedTuple):
    """How many texts were taken back, and how many are to be sent now that were not before."""

    taken_back: int
    fresh: int


def tidy(planner: Planner, found: Iterable[Subscriber], outbox: Outbox) -> Tidied:
    """Take back what would not be said now, to whomever, before anything is sent. Raises what `Hot` raises."""
    stale, fresh = set(planner.ledger.waiting()), 0
    for entry in planner.plan(found):
        if entry.held:
            (stale.discard if entry.why is Why.WAITING else stale.add)(entry.held.ref)
        fresh += entry.text is not None
    return Tidied(sum(outbox.cancel(ref, "no reason any more") for ref in stale), fresh)


def dispatch(planner: Planner, found: Iterable[Subscriber], outbox: Outbox, pace: int = PACE) -> int:
    """Post what is to be told now; returns how many texts no other run had posted.

    Raises what `Hot` raises; what was posted by then stays posted, and another run goes on.
    """
    drafts = (draft_of(entry, planner) for entry in planner.plan(found))
    return post_at_pace(filter(None, drafts), outbox, planner.now, pace)


def draft_of(entry: Entry, planner: Planner) -> Draft | None:
    """The message of a member who is told now: as bulky, and as soon out of date, as a reminder."""
    if entry.text is None:
        return None
    return Draft(
        Kind.REMINDER,
        entry.subscriber.msisdn,
        entry.text.words,
        purpose=PURPOSE,
        expires_at=int(planner.hours.closes.timestamp()),
        once=planner.once(entry.subscriber.member),
        member=entry.subscriber.member,
    )
