"""How many answers one phone may get. A text's sender is easily forged, and may be a machine that answers ours.

Answers by SMS go to Lao mobiles alone, so many an hour and a day; by chat they cost nothing and are not counted.
By either, texts that were not understood are answered a few times in a row, then no more until one is. Each answer
is counted before it is written, so that none slips through between (threats T06 and T23).
"""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import datetime
from typing import Final

import structlog

from gateway.outbox.port import LAO_MOBILE
from gateway.storage.keys import Keys
from gateway.storage.tallies import Tallies

HOUR_SECONDS: Final = 3_600
DAY_SECONDS: Final = 86_400
AN_HOUR: Final = 30  # so many replies between two numbers Twilio takes for a loop (its error 14107), in 30 seconds
A_DAY: Final = 60  # two such hours (proposal): whoever has more to ask dials
CHANGES_A_DAY: Final = 10  # of STOP and START, that are confirmed beside these (proposal)
PUZZLED: Final = 5  # in a row: so many GoAlert answers that lead to nothing (its pull request 1823)

BY_HOUR: Final = "answers by hour:"
BY_DAY: Final = "answers by day:"
CHANGES: Final = "changes confirmed by day:"
LIMITS: Final = {  # seconds of a period, and how many in one
    BY_HOUR: (HOUR_SECONDS, AN_HOUR),
    BY_DAY: (DAY_SECONDS, A_DAY),
    CHANGES: (DAY_SECONDS, CHANGES_A_DAY),
}

log = structlog.get_logger("pakan.outbox")


class Replies:
    """What may be said to whom. Raises what `Hot` raises; then nothing may."""

    def __init__(
        self, tallies: Tallies, keys: Keys, clock: Callable[[], datetime], chats: Container[str] = ()
    ) -> None:
        """`chats`: carriers whose messages cost nothing, and reach only who wrote by them."""
        self._tallies, self._keys, self._clock, self._chats = tallies, keys, clock, chats

    def may_go(self, msisdn: str, carrier: str, puzzled: int = 0, *, confirms: bool = False) -> bool:
        """Whether one more answer may go to this phone; it is counted.

        `puzzled`: how many of her texts in a row were not understood, with this one; `confirms`: that she stopped
        or started, which is said however much she was answered before.
        """
        why = self._against(msisdn, carrier, puzzled, confirms)
        if why:
            log.info("answer held back", carrier=carrier, why=why)
        return not why

    def prune(self) -> int:
        """Forget periods that are over; returns how many counts went."""
        now = int(self._clock().timestamp())
        return sum(self._tallies.forget(name, now // seconds) for name, (seconds, _most) in LIMITS.items())

    def _against(self, msisdn: str, carrier: str, puzzled: int, confirms: bool) -> str:
        if puzzled > PUZZLED:
            return "not understood again and again"
        if carrier in self._chats:
            return ""
        if LAO_MOBILE.fullmatch(msisdn) is None:
            return "not a Lao mobile"
        (caller, *older), now = self._keys.hashes("caller", msisdn), int(self._clock().timestamp())
        for name in (CHANGES,) if confirms else (BY_HOUR, BY_DAY):
            seconds, most = LIMITS[name]
            if not self._tallies.charge(name + caller, now // seconds, most, [name + one for one in older]):
                return "enough for now"
        return ""
