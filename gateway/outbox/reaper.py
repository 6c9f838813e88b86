"""What is in doubt, and what is over: asked of the provider where it can be asked, else by the kind of message.

Nothing in doubt is simply sent again (reliability 3.5): a missed reminder is cheaper than harassment, two codes
confuse and cost, only a security notice is sent once more, for it has to arrive.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import BigInteger, delete

from gateway.outbox import statements
from gateway.outbox.outbox import Outbox
from gateway.outbox.port import WIRE_SECONDS, Carrier, Kind, NotThere, Sent
from gateway.outbox.reports import PARKED_SECONDS
from gateway.outbox.statements import among, o, value
from gateway.outbox.states import MAX_ATTEMPTS, State
from gateway.storage.links import Row
from gateway.storage.tables import outbox, receipts

SQL_SECONDS: Final = 10.0  # this waits, hops do not
BATCH: Final = 100
DOUBT_SECONDS: Final = 900  # as long as a report may resolve it (reliability 3.5)
NO_REPORT_SECONDS: Final = 72 * 3_600  # reliability F17
KEEP_SECONDS: Final = 90 * 86_400  # of what has ended; the audit of who was told what is not here
ENDS: Final = (State.DELIVERED, State.FAILED, State.UNKNOWN, State.DEAD, State.DROPPED)


class Reaper:
    """Settles what nobody is working on. Any number may run at once: every move is fenced by the claim's token."""

    def __init__(self, outbox: Outbox, carriers: Mapping[str, Carrier]) -> None:
        self._outbox, self._carriers = outbox, carriers
        hot = outbox.hot
        self._lapse = hot.statement(statements.lapse())
        self._doubtful = hot.statement(statements.doubtful())
        self._expire = hot.statement(statements.expire())
        self._give_up = hot.statement(statements.give_up())
        self._forget = [hot.statement(one) for one in _forgotten()]

    def sweep(self) -> Counter[str]:
        """One round over everything; returns how many messages went where."""
        now, done = self._outbox.now(), Counter[str]()
        done["in_doubt"] = len(self._rows(self._lapse, {"now": now}))
        done["dropped"] = len(self._rows(self._expire, {"now": now}))
        done["unknown"] = len(self._rows(self._give_up, {"now": now, "before": now - NO_REPORT_SECONDS}))
        after = ""
        while batch := self._rows(self._doubtful, {"after": after, "most": BATCH}):
            for row in batch:
                if state := self._settle(*row):
                    done[state] += 1
            after = batch[-1][0]
        return +done

    def forget(self) -> int:
        """Delete what ended long ago; returns how many rows went."""
        now = self._outbox.now()
        times = {"ended": now - KEEP_SECONDS, "parked": now - PARKED_SECONDS}
        return sum(len(self._rows(statement, times)) for statement in self._forget)

    def _settle(
        self,
        ref: str,
        token: str,
        kind: str,
        carrier: str,
        strikes: int,
        doubts: int,
        lease_until: int,
        since: int,
    ) -> State | None:
        move = self._outbox.move
        there = self._carriers.get(carrier)
        now = self._outbox.now()
        if there is not None and there.finds:
            found = there.find(ref)
            if isinstance(found, Sent):
                return self._outbox.accept(ref, token, carrier, found.provider_id)
            if isinstance(found, NotThere) and now >= lease_until:  # before, it may yet be on the wire
                dies = strikes + 1 >= MAX_ATTEMPTS  # it may be what breaks the provider each time
                to = State.DEAD if dies else State.DUE
                return move(ref, token, to, "never arrived at the provider", strike=1)
            return None
        if kind == Kind.NOTICE and doubts == 1 and now >= max(lease_until, since + WIRE_SECONDS):
            return move(ref, token, State.DUE, "in doubt, and it has to arrive")
        if kind == Kind.CODE or now - since >= DOUBT_SECONDS:
            return move(ref, token, State.UNKNOWN, "nobody knows whether it left")
        return None

    def _rows(self, statement: Any, values: Mapping[str, Any]) -> list[Row]:
        return self._outbox.hot.rows(statement, values, SQL_SECONDS)


def _forgotten() -> list[Any]:
    over = delete(outbox).where(among(o.state, *ENDS), o.moved_at < value("ended", BigInteger)).returning(o.ref)
    parked = delete(receipts).where(receipts.c.at < value("parked", BigInteger)).returning(receipts.c.name)
    return [over, parked]
