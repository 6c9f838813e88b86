"""The plan of one month: every employer once, with what it gets and why, or why it gets nothing.

Nothing is written and nothing is sent here. Employers come one after the other from the register, so that memory
does not grow with their number; what was sent or refused before is known from the outbox's ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Final, NamedTuple

from gateway.outbox.ledger import Held, Ledger
from gateway.outbox.states import State
from gateway.registry.firms import BOUNCES, Contact, Firm, Stop
from gateway.reminders.batches import Hold, Stage
from gateway.reminders.ladder import Ladder, Step, next_step
from gateway.reminders.wording import Reminder, render
from gateway.text.alphabet import segments, sendable
from gateway.text.values import Kip, Month

PURPOSE: Final = "reminders"  # what a phone may opt out of


class Why(StrEnum):
    """What becomes of an employer, in the words of the plan; only the first is sent."""

    SEND = "is reminded"
    WAITING = "its text is on its way"
    TOLD = "it was texted"
    PAID = "money came for this month"
    CLOSED = "it has closed"
    PLANNED = "it pays by a plan"
    ANSWERED = "it answered: for an officer"
    NOTHING = "its return says 0 kip: for an officer"
    IDLE = "nothing posted in the 3 months before: for an officer, not for a text"
    UNKNOWN = "no contact has agreed to texts: for an officer"
    BOUNCED = "no text reaches its contacts: for an officer"
    SILENCED = "its contacts want no texts: for an officer"
    DIED = "its text was tried five times and never left: send --again"
    LOST = "its text did not arrive, or its phone had enough for a month: for an officer"
    OVER = "both texts are over: for an officer"
    PAUSED = "an officer has paused this text"
    STOPPED = "an officer has stopped this text"
    HELD_OUT = "is held out, so that the effect can be told"


STANDS: Final = {  # a text of this step, by what the outbox knows of it
    State.DUE: Why.WAITING,
    State.CLAIMED: Why.WAITING,
    State.IN_DOUBT: Why.WAITING,
    State.ACCEPTED: Why.TOLD,
    State.DELIVERED: Why.TOLD,
    State.DEAD: Why.DIED,
}


HOLDS: Final = {Hold.PAUSED: Why.PAUSED, Hold.STOPPED: Why.STOPPED}


class Text(NamedTuple):
    """One text to one contact."""

    contact: Contact
    words: str
    parts: int


class Entry(NamedTuple):
    """One employer in the plan; `text` only where it is reminded, at one contact, of however many.

    `step` also where it would be, but is held out. `keeps`: the reference of a text that waits and is still true.
    `replaces`: that of one, waiting or dead, whose place this one takes. All else that waits is to be taken back.
    """

    firm: Firm
    why: Why
    step: Step | None = None
    text: Text | None = None
    keeps: str = ""
    replaces: str = ""


def once(step: Step, code: str, month: Month) -> str:
    """The name under which the outbox knows a reminder: not its words, nor the phone it goes to."""
    return f"reminder:{step.name}:{code}:{month}"


@dataclass(frozen=True, slots=True)
class Planner:
    """What every employer is judged by. `again`: texts that died are planned anew. `held_out`: codes (`arms`)."""

    month: Month
    regime: str  # of its employers
    due: date
    now: datetime
    ladder: Ladder
    timezone: tzinfo
    hotline: str
    say: Callable[[str, str], str]
    ledger: Ledger
    words: Callable[[str], str | None]  # what a message says that waits
    again: bool = False
    hold: Hold = Hold.NONE  # what officers decided of the step that is open or next
    held_out: Container[str] = frozenset()

    def is_open(self, step: Step) -> bool:
        """Whether this step may be sent now."""
        return step.opens.on(self.due, self.timezone) <= self.now < step.closes.on(self.due, self.timezone)

    def stage(self, step: Step) -> Stage:
        """What officers decide about."""
        return Stage(self.month, self.regime, step.name)

    def once(self, step: Step, firm: Firm) -> str:
        return once(step, firm.code, self.month)

    def plan(self, firms: Iterable[Firm]) -> Iterator[Entry]:
        step = next_step(self.ladder, self.due, self.now, self.timezone)
        return (self._entry(firm, step) for firm in firms)

    def _entry(self, firm: Firm, step: Step | None) -> Entry:
        agreed = [contact for contact in firm.contacts if contact.agreed]
        reached = [contact for contact in agreed if contact.bounces < BOUNCES]
        wanted = [contact for contact in reached if not self.ledger.refuses(contact.msisdn)]
        why = self._why_not(firm, agreed, reached, wanted)
        if why or step is None:
            return Entry(firm, why or Why.OVER)
        held = self.ledger.held(self.once(step, firm))
        waits = held is not None and held.state is State.DUE
        stands = held is not None and not self._gives_way(firm, step, held, wanted)
        if self.hold and (waits or not stands):
            return Entry(firm, HOLDS[self.hold])
        if firm.code in self.held_out:
            return Entry(firm, Why.HELD_OUT, step)
        if held and stands:
            return Entry(firm, STANDS.get(held.state, Why.LOST), keeps=held.ref if waits else "")
        best = min(wanted, key=lambda contact: (contact.bounces, contact.msisdn))
        return Entry(firm, Why.SEND, step, self._text(firm, step, best), replaces=held.ref if held else "")

    def _gives_way(self, firm: Firm, step: Step, held: Held, wanted: Sequence[Contact]) -> bool:
        """Whether another text takes its place: it waits but would be said otherwise or elsewhere; or it died."""
        if held.state is not State.DUE:
            return self.again and held.state is State.DEAD
        to = next((contact for contact in wanted if self.ledger.goes_to(held, contact.msisdn)), None)
        return to is None or self.words(held.ref) != self._text(firm, step, to).words

    def _why_not(
        self, firm: Firm, agreed: Sequence[Contact], reached: Sequence[Contact], wanted: Sequence[Contact]
    ) -> Why | None:
        """The first reason that holds: whether it owes, then whether it can be told."""
        local = self.now.astimezone(self.timezone).date()
        stops = {stop for stop, until in firm.stops if until is None or local <= until}
        reasons = (
            (Why.CLOSED, Stop.CLOSED in stops),
            (Why.PAID, firm.came > 0),
            (Why.PLANNED, Stop.PLAN in stops),
            (Why.ANSWERED, Stop.ANSWERED in stops),
            (Why.NOTHING, firm.workers > 0 and not firm.due),
            (Why.IDLE, not firm.posted_lately),
            (Why.UNKNOWN, not agreed),
            (Why.BOUNCED, not reached),
            (Why.SILENCED, not wanted),
        )
        return next((why for why, holds in reasons if holds), None)

    def _text(self, firm: Firm, step: Step, contact: Contact) -> Text:
        amount = Kip(firm.due) if firm.due else None
        reminder = Reminder(step.says, firm.code, self.month, self.due, amount, self.hotline)
        words = sendable(render(reminder, contact.language, self.say))
        return Text(contact, words, segments(words).parts)
