"""Numbers at which nothing arrives: retired, each with a case for an officer, until the office gives a number."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Final

from gateway.identity.cases import Cases, Kind
from gateway.outbox.outbox import Outbox
from gateway.registry.contacts import retire
from gateway.registry.firms import Firm
from gateway.reminders.plan import BOUNCES, Planner

NEVER: Final = date(1970, 1, 1)


def retire_lost(planner: Planner, firms: Iterable[Firm], url: str, outbox: Outbox, cases: Cases) -> int:
    """Retire contacts whose last texts all failed; returns how many. `url` is the register's.

    Raises what the register raises, and what `Hot` raises; then another run goes on.
    """
    lost = [
        (firm.code, contact.msisdn, count)
        for firm in firms
        for contact in firm.contacts
        if (count := planner.ledger.lost(contact.msisdn, _seconds(contact.checked_on)))
        >= BOUNCES
        > contact.bounces
    ]
    for code, msisdn, _count in lost:  # first: a case that is open already is not opened again
        caller = outbox.keys.hasher("caller", msisdn)
        cases.open(Kind.BOUNCED, caller, f"{code} {planner.month}", msisdn, "", "", outbox.now())
    retire(url, lost)
    return len(lost)


def _seconds(day: date | None) -> int:
    return int(datetime.combine(day or NEVER, time(), UTC).timestamp())
