"""Numbers at which nothing arrives: retired, each with a case for an officer, until the office gives a number."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.identity.cases import Cases, Kind
from gateway.outbox.outbox import Outbox
from gateway.registry.contacts import retire
from gateway.registry.firms import BOUNCES, Firm
from gateway.reminders.plan import Planner


def retire_lost(planner: Planner, firms: Iterable[Firm], url: str, outbox: Outbox, cases: Cases) -> int:
    """Retire contacts whose last texts all failed, on days enough; returns how many. `url` is the register's.

    Raises what the register raises, and what `Hot` raises; then another run goes on.
    """
    lost = [
        (firm.code, contact.msisdn, count)
        for firm in firms
        for contact in firm.contacts
        if (count := planner.ledger.lost(contact.msisdn, contact.checked_at)) >= BOUNCES > contact.bounces
    ]
    for code, msisdn, _count in lost:  # first: a case that is open already is not opened again
        caller = outbox.keys.hasher("caller", msisdn)
        cases.open(Kind.BOUNCED, caller, f"{code} {planner.month}", msisdn, "", "", outbox.now())
    retire(url, lost)
    return len(lost)
