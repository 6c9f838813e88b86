"""Delivery reports: late, twice, before the submit's own answer, or of nobody. A status only rises.

A report that names an id nobody knows yet is parked, for the sender may be about to learn that id; the sender
looks there after it wrote the id, and we look for the message once more after parking, so one of us sees it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.outbox import statements
from gateway.outbox.port import Receipt, Status
from gateway.outbox.statements import o, value
from gateway.outbox.states import State
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys
from gateway.storage.renewal import phone_of_message, phone_of_refusal
from gateway.storage.tables import receipts, refusals

SQL_SECONDS: Final = 0.5  # share of a hop, as every other write of the store
PARKED_SECONDS: Final = 72 * 3_600  # reliability F17
ID_MAX: Final = 128  # characters of a provider's id; theirs have 36 at most (providers.md)
ANYTHING: Final = "*"  # the purpose of somebody who wants nothing that she did not ask for
STATES: Final = {
    Status.ACCEPTED: State.ACCEPTED,
    Status.DELIVERED: State.DELIVERED,
    Status.FAILED: State.FAILED,
}


class Reports:
    """What providers say of messages after they took them, and what phones say of messages they do not want."""

    def __init__(self, hot: Hot, keys: Keys, clock: Callable[[], datetime]) -> None:
        self._hot, self._keys, self._clock = hot, keys, clock
        self._by_ref = {s: hot.statement(statements.rise(STATES[s], o.ref == value("ref"))) for s in Status}
        theirs = o.provider_id == value("provider_id")
        self._by_id = {s: hot.statement(statements.rise(STATES[s], theirs)) for s in Status}
        self._park = hot.statement(_park(hot.is_sqlite))
        self._parked = hot.statement(
            select(receipts.c.status, receipts.c.why, receipts.c.opted_out).where(receipts.c.name == value("name"))
        )
        self._refuse = hot.statement(statements.refuse(hot.is_sqlite))
        self._withdraw = hot.statement(statements.withdraw())
        self._want = hot.statement(
            delete(refusals).where(refusals.c.caller == value("caller")).returning(refusals.c.purpose)
        )

    def apply(self, receipt: Receipt) -> bool:
        """Take in a report; whether it changed a message. Raises what `Hot` raises."""
        if self._apply(receipt):
            return True
        if receipt.ref or not receipt.provider_id:
            return False
        name, now = _name(receipt.carrier, receipt.provider_id), self._now()
        parked = {"name": name, "status": int(receipt.status), "why": receipt.why, "at": now}
        parked["opted_out"] = receipt.opted_out
        self._hot.rows(self._park, parked, SQL_SECONDS)
        return self._apply(receipt)

    def _apply(self, receipt: Receipt) -> bool:
        values = {"carrier": receipt.carrier, "why": receipt.why, "now": self._now()}
        if receipt.ref:
            rows = self._hot.rows(self._by_ref[receipt.status], {**values, "ref": receipt.ref}, SQL_SECONDS)
        else:
            theirs = {**values, "provider_id": receipt.provider_id[:ID_MAX]}
            rows = self._hot.rows(self._by_id[receipt.status], theirs, SQL_SECONDS) if receipt.provider_id else []
        for ref, caller, phone in rows if receipt.opted_out else ():
            self.leave(caller, self._keys.sealer.open(phone, phone_of_message(ref)))
        return bool(rows)

    def take_up(self, carrier: str, provider_id: str, ref: str) -> None:
        """Apply what came before we knew that the provider's id is of this message of ours."""
        for status, why, out in self._hot.rows(self._parked, {"name": _name(carrier, provider_id)}, SQL_SECONDS):
            self.apply(Receipt(carrier, Status(status), ref=ref, why=why, opted_out=bool(out)))

    def leave(self, caller: str, msisdn: str, purpose: str = ANYTHING) -> int:
        """She wants no more of this: committed with the withdrawal of everything that was due to her.

        Since when she wants none, in seconds since 1970 UTC.
        """
        at = self._now()
        phone = self._keys.sealer.seal(msisdn, phone_of_refusal(caller, purpose))
        row = {"caller": caller, "purpose": purpose, "phone": phone, "at": at}
        [(since,)] = self._hot.write(((self._refuse, row), (self._withdraw, row)), SQL_SECONDS)
        return int(since)

    def come_back(self, caller: str) -> bool:
        """She wants to be told again; whether she had left."""
        return bool(self._hot.rows(self._want, {"caller": caller}, SQL_SECONDS))

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _name(carrier: str, provider_id: str) -> str:
    return f"{carrier}:{provider_id[:ID_MAX]}"


def _park(is_sqlite: bool) -> Any:
    """The first end that was reported of an id, as of a message that is known: delivered never regresses (F17)."""
    upsert = (sqlite.insert if is_sqlite else postgresql.insert)(receipts)
    new = upsert.values({column.name: bindparam(column.name) for column in receipts.c})
    return new.on_conflict_do_update(
        index_elements=[receipts.c.name],
        set_={name: new.excluded[name] for name in ("status", "why", "at", "opted_out")},
        where=receipts.c.status == int(Status.ACCEPTED),
    ).returning(receipts.c.name)
