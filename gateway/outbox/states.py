"""Where a message stands. What moves it, and when: `outbox`, `reports` and `reaper`, and docs/outbox.md."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from gateway.outbox.port import Kind


class State(StrEnum):
    """A status only rises: no end is left but for a delivery that is reported after all."""

    DUE = "due"
    CLAIMED = "claimed"  # somebody may be sending it, until the lease ends
    IN_DOUBT = "in_doubt"  # nobody knows whether it left
    ACCEPTED = "accepted"  # the provider has it
    DELIVERED = "delivered"
    FAILED = "failed"  # the provider or the network said no
    UNKNOWN = "unknown"  # nobody ever said
    DEAD = "dead"  # it never left, though it was tried as often as it may be
    DROPPED = "dropped"  # we did not send it: too late, not wanted, enough for this month, no reason any more


MAX_ATTEMPTS: Final = 5  # that count against a message: not while its provider is ill (reliability F19)
BULK: Final = frozenset({Kind.REMINDER, Kind.CAMPAIGN})  # nobody waits for these: quiet hours, a cap, own pools
HOUR: Final = 3_600
LIFE_SECONDS: Final = {  # from when it was due; later it helps nobody
    Kind.CODE: 300,  # as long as a code lives (reliability R14)
    Kind.REPLY: HOUR,
    Kind.NOTICE: 72 * HOUR,
    Kind.REMINDER: 24 * HOUR,
    Kind.CAMPAIGN: 48 * HOUR,
}
