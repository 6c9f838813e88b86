"""A plan becomes messages of the outbox: each employer, month and step once, however often this is run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from gateway.outbox.ledger import Ledger
from gateway.outbox.outbox import Outbox
from gateway.outbox.pace import PACE, post_at_pace
from gateway.outbox.port import Draft, Kind
from gateway.registry.firms import Firm
from gateway.registry.port import Asked
from gateway.reminders.plan import PURPOSE, Entry, Planner


class Judged(NamedTuple):
    """What a plan comes to: references as of `Entry`, and which employers (code: workers) owe and may be told."""

    keeps: Set[str]
    replaces: Set[str]
    eligible: Mapping[str, int]


def judge(planner: Planner, firms: Iterable[Firm]) -> Judged:
    """Nothing is written and nothing is sent. Raises what `Hot` raises."""
    keeps, replaces, eligible = set(), set(), {}
    for entry in planner.plan(firms):
        keeps.add(entry.keeps)
        replaces.add(entry.replaces)
        if entry.step and planner.is_open(entry.step):
            eligible[entry.firm.code] = entry.firm.workers
    return Judged(keeps, replaces, eligible)


def take_back(ledger: Ledger, judged: Sequence[Judged], outbox: Outbox) -> int:
    """Take back every text that waits and none of these plans would say now: of whatever month, step or regime.

    How many were; before anything is sent. Raises what `Hot` raises.
    """
    kept = set[str]().union(*(one.keeps for one in judged))
    stale = (set(ledger.waiting()) - kept).union(*(one.replaces for one in judged)) - {""}
    return sum(outbox.cancel(ref, "no reason any more") for ref in sorted(stale))


def dispatch(planner: Planner, firms: Iterable[Firm], outbox: Outbox, pace: int = PACE, after: int = 0) -> int:
    """Post the texts of the step that is open, so many due in a second, after so many; how many are new.

    Raises what `Hot` raises; what was posted by then stays posted, and another run goes on.
    """
    drafts = filter(None, (draft_of(entry, planner) for entry in planner.plan(firms)))
    return post_at_pace(drafts, outbox, planner.now, pace, after)


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
