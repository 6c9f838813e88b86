"""`deliver(ref)`: one message from its row to the wire and back, the same for every engine that runs it.

The embedded `rounds` call it in a loop; Celery's workers (`spread`) call it for what the beat offered them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum
from time import monotonic
from typing import Final

import structlog

from gateway.outbox.circuit import Circuit
from gateway.outbox.outbox import Claim, Outbox
from gateway.outbox.port import Carrier, OptedOut, Retry, Sent, Unknown
from gateway.storage.tallies import Tallies

OPENS: Final = time(8)  # bulk is sent in these hours of the scheme's own time zone, so that nobody is woken
CLOSES: Final = time(20)
A_MONTH: Final = 8  # bulk messages to one phone: two reminders, a monthly notice, a campaign, and room
PACE: Final = "pace:"  # how the tallies of a second are named, by carrier
MONTHLY: Final = "bulk:"  # and those of a month, by caller
BULK: Final = f"{PACE}*"  # the tally of all that is bulk; a carrier's own is named after it
SHARE: Final = 0.8  # of a carrier's rate that bulk may use: the rest is for those who wait

log = structlog.get_logger("pakan.outbox")


class Ended(StrEnum):
    """What one call of `deliver` did."""

    SENT = "sent"
    NOT_SENT = "not sent"  # for now or for good; the row says why
    IN_DOUBT = "in doubt"
    NOTHING = "nothing"  # it is not due, or somebody else has it


class Sender:
    """Carries what is due. Holds nothing that a restart would miss."""

    def __init__(
        self,
        outbox: Outbox,
        carriers: Mapping[str, Carrier],
        tallies: Tallies,
        timezone: tzinfo,
        rates: Mapping[str, int] | None = None,
        a_month: int = A_MONTH,
        bulk_pace: int | None = None,
    ) -> None:
        """`rates`: messages a second by carrier, for all processes together; one that is not named has none.

        `bulk_pace`: bulk messages a second by all carriers together, whenever they became due; None: no bound.
        """
        self.outbox, self.carriers = outbox, carriers
        self._tallies, self._timezone, self._rates, self._a_month = tallies, timezone, rates or {}, a_month
        self._bulk_pace, self._bulk_rests = bulk_pace, 0
        self._circuits = {name: Circuit() for name in carriers}

    def deliver(self, ref: str) -> Ended:
        """Claim, check, send, record. Raises what `Hot` raises; the row is then settled by the reaper."""
        began = monotonic()
        claim = self.outbox.take(ref, bulk_now=self.is_open())
        if claim is None:
            return Ended.NOTHING
        if not self._may_go(claim):
            return Ended.NOT_SENT
        if monotonic() - began > self.outbox.lease_seconds / 2:
            return Ended.IN_DOUBT  # this process slept on its claim, and somebody else may have it by now
        outcome = self.carriers[claim.carrier].send(claim.message)
        is_ill = isinstance(outcome, Unknown) or (isinstance(outcome, Retry) and outcome.provider_is_ill)
        self._circuits[claim.carrier].told(is_ill)
        state = self.outbox.record(claim, outcome)
        if not isinstance(outcome, Sent):
            why = "opted out" if isinstance(outcome, OptedOut) else outcome.why
            log.warning("message not sent", message=ref, carrier=claim.carrier, why=why, state=state)
        if isinstance(outcome, Sent):
            return Ended.SENT
        return Ended.IN_DOUBT if isinstance(outcome, Unknown) else Ended.NOT_SENT

    def due(self, carrier: str, bulk: bool, most: int) -> Sequence[str]:
        """References of what may be delivered now; they are offered to nobody else for a while."""
        if bulk and (not self.is_open() or self._bulk_rests == self.outbox.now()):
            return ()
        return self.outbox.offer(carrier, bulk, most)

    def prune(self) -> int:
        """Forget what was counted in seconds and months that are over; returns how many counts went."""
        return self._tallies.forget(PACE, self.outbox.now()) + self._tallies.forget(MONTHLY, self._month())

    def is_open(self) -> bool:
        """Whether bulk may be sent now."""
        return OPENS <= self._local().time() < CLOSES

    def _local(self) -> datetime:
        return self.outbox.clock().astimezone(self._timezone)

    def _may_go(self, claim: Claim) -> bool:
        circuit = self._circuits.get(claim.carrier)
        if circuit is None:
            self.outbox.put_back(claim, timedelta(minutes=5).total_seconds(), "its carrier is not connected")
            return False
        if rest := circuit.closed_in():
            self.outbox.put_back(claim, rest, "the provider is ill")
            return False
        rate = self._rates.get(claim.carrier)
        if rate is not None:
            most = max(1, int(rate * SHARE)) if claim.bulk else rate
            if not self._tallies.charge(f"{PACE}{claim.carrier}", self.outbox.now(), most):
                self.outbox.put_back(claim, 1, "the carrier's rate is used up")
                return False
        if claim.bulk and self._bulk_pace and not self._tallies.charge(BULK, self.outbox.now(), self._bulk_pace):
            self._bulk_rests = self.outbox.now()  # until this second is over nothing more is claimed in vain
            self.outbox.put_back(claim, 1, "bulk leaves at a pace")
            return False
        name, *older = (f"{MONTHLY}{one}" for one in self.outbox.keys.hashes("caller", claim.message.msisdn))
        month = name, self._month(), self._a_month, older
        if claim.bulk and claim.message.attempt == 1 and not self._tallies.charge(*month):
            self.outbox.drop(claim, "enough for this month")
            return False
        return True

    def _month(self) -> int:
        day = self._local()
        return day.year * 12 + day.month
