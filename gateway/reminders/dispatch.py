"""A plan becomes messages of the outbox: each employer, month and step once, however often this is run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gateway.outbox.outbox import Outbox
from gateway.outbox.pace import PACE, post_at_pace
from gateway.outbox.port import Draft, Kind
from gateway.registry.firms import Firm
from gateway.registry.port import Asked
from gateway.reminders.plan import PURPOSE, Entry, Planner


class Tidied(NamedTuple):
    """How many texts were taken back, and which employers (code: workers) get one now unless they are held out."""

    taken_back: int
    eligible: Mapping[str, int]


def tidy(planner: Planner, firms: Iterable[Firm], outbox: Outbox) -> Tidied:
    """Take back what is not to be said any more, before anything is sent. Raises what `Hot` raises."""
    taken_back, eligible = 0, {}
    for entry in planner.plan(firms):
        taken_back += sum(outbox.cancel(ref, "no reason any more") for ref in entry.stale)
        if entry.step and planner.is_open(entry.step):
            eligible[entry.firm.code] = entry.firm.workers
    return Tidied(taken_back, eligible)


def dispatch(planner: Planner, firms: Iterable[Firm], outbox: Outbox, pace: int = PACE) -> int:
    """Post the texts of the step that is open, so many due in a second; returns how many no other run had posted.

    Raises what `Hot` raises; what was posted by then stays posted, and another run goes on.
    """
    drafts = filter(None, (draft_of(entry, planner) for entry in planner.plan(firms)))
    return post_at_pace(drafts, outbox, planner.now, pace)


def draft_of(entry: Entry, planner: Planner) -> Draft | None:
    """The message of an employer that is reminded now; None where its step is only to come."""
    if entry.step is None or entry.text is None or not planner.is_open(entry.step):
        return None
    return Draft(
        Kind.REMINDER,
        entry.text.contact.msisdn,
        entry.text.words,
        purpose=PURPOSE,
        expires_at=int(entry.step.closes.on(planner.due, planner.timezone).timestamp()),
        once=planner.once(entry.step, entry.firm),
        about=str(Asked(entry.firm.code, planner.month, entry.text.contact.language)),
    )
