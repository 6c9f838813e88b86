"""One-time codes by SMS: six digits that live for five minutes, for one number and one purpose, entered once.

A code is charged and posted in one transaction: charged to its number, whose row keeps the times of the last
sends, and to the day of the whole platform. What fails on the wire stays charged and is never sent again when in
doubt (two codes confuse and cost); the caller asks for another. Codes are compared by their keyed hash.
"""

from __future__ import annotations

import hmac
import math
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from sqlalchemy import BigInteger, Integer, and_, bindparam, delete, func, insert, literal, null, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ClauseElement

from gateway.identity.port import Sending
from gateway.outbox.port import LAO_MOBILE, Draft, Kind
from gateway.storage.hot import Conflict, Hot
from gateway.storage.keys import Keys
from gateway.storage.links import Compiled, Values
from gateway.storage.tables import codes, tallies
from gateway.text.lao import ascii_digits

DIGITS: Final = 6  # this and the six below: reliability target R14
LIFE_MINUTES: Final = 5
CHECKS: Final = 3
APART_SECONDS: Final = 60
LIMITS: Final = ((600, 3), (86_400, 5))  # sends to one number in any window of so many seconds
A_DAY: Final = 2_000  # sends of the whole platform (reliability target R15)
ALARM_FROM: Final = 50  # codes sent in an hour, of which half have to be entered (reliability target R15)

HOUR_SECONDS: Final = 3_600
DAY_SECONDS: Final = 86_400
TALLY_DAYS: Final = 30
SQL_SECONDS: Final = 0.5  # each statement's share of the hop (reliability target R10)
PRUNE_SECONDS: Final = 60.0

SENT_A_DAY: Final = "codes sent, by day"  # of UTC
SENT: Final = "codes sent, by hour"
ENTERED: Final = "codes entered, by hour they were sent"
ALARMED: Final = "codes alarmed, by hour they were sent"
SLOTS: Final = {SENT_A_DAY: DAY_SECONDS, SENT: HOUR_SECONDS, ENTERED: HOUR_SECONDS, ALARMED: HOUR_SECONDS}

Posting = Callable[[Draft], tuple[Compiled, Values]]  # a message as one step of a transaction

log = structlog.get_logger("pakan.codes")


class Codes:
    """The codes of one platform. `send` and `check` raise what `Hot` raises; then nothing was sent or opened."""

    def __init__(
        self,
        hot: Hot,
        keys: Keys,
        clock: Callable[[], datetime],
        posting: Posting | None,
        a_day: int = A_DAY,
        below: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self._hot, self._keys, self._clock = hot, keys, clock
        self._posting, self._a_day, self._below = posting, a_day, below
        self._sends = hot.statement(select(codes.c.sent).where(_is("caller")))
        self._charge = hot.statement(_counted(hot.is_sqlite, capped=True))
        self._count = hot.statement(_counted(hot.is_sqlite, capped=False))
        self._forget = hot.statement(delete(codes).where(_is("caller"), _is("sent")))
        self._write = hot.statement(
            insert(codes).values({column.name: bindparam(column.name) for column in codes.c})
        )
        self._try = hot.statement(_tried())
        self._use = hot.statement(_used())
        self._unentered = hot.statement(_unentered())
        self._alarm = hot.statement(_alarmed(hot.is_sqlite))

    def send(self, msisdn: str, caller: str, purpose: str, wording: str) -> Sending:
        """Send a new code to `msisdn`, of which `caller` is the keyed hash; it takes the place of the last one.

        `wording` is in her language, with %(code)s and %(minutes)s.
        """
        if self._posting is None or LAO_MOBILE.fullmatch(msisdn) is None:
            return Sending.OFF
        callers = self._keys.hashes("caller", msisdn)
        if caller not in callers:
            raise ValueError("a code's caller is the number it goes to")  # or one number would have many limits
        code = f"{self._below(10**DIGITS):0{DIGITS}}"
        now = self._clock().timestamp()
        self._judge(int(now))
        text = wording % {"code": code, "minutes": LIFE_MINUTES}
        letter = self._posting(Draft(Kind.CODE, msisdn, text, expires_at=int(now) + LIFE_MINUTES * 60))
        older = [one for one in callers if one != caller]
        return self._charged(caller, older, purpose, code, now, letter)

    def check(self, caller: str, purpose: str, typed: str, older: Sequence[str] = ()) -> bool:
        """Whether this is the last code sent to this caller for this purpose; charged first, true only once.

        `older`: what older keys call the caller, to whom it may have been sent.
        """
        asked = {"purpose": purpose, "now": int(self._clock().timestamp())}
        tries = (
            (one, self._hot.rows(self._try, {**asked, "caller": one}, SQL_SECONDS)) for one in (caller, *older)
        )
        tried = next(((one, rows) for one, rows in tries if rows), None)
        if tried is None:
            return False
        caller, [(ours, expires_at)] = tried
        if not hmac.compare_digest(ours, self._hash(caller, purpose, ascii_digits(typed))):
            return False
        hour = (expires_at - LIFE_MINUTES * 60) // HOUR_SECONDS
        steps = ((self._use, {"caller": caller, "hash": ours}), (self._count, {"name": ENTERED, "slot": hour}))
        return bool(self._hot.write(steps, SQL_SECONDS))

    def prune(self) -> int:
        """Forget codes that limit nothing any more, and old tallies; returns how many rows went."""
        now = int(self._clock().timestamp())
        old: list[Any] = [delete(codes).where(codes.c.expires_at < now - DAY_SECONDS)]
        for name, seconds in SLOTS.items():
            oldest = (now - TALLY_DAYS * DAY_SECONDS) // seconds
            old.append(delete(tallies).where(tallies.c.name == name, tallies.c.slot < oldest))
        gone = [
            self._hot.rows(self._hot.statement(statement.returning(literal(1))), {}, PRUNE_SECONDS)
            for statement in old
        ]
        return sum(map(len, gone))

    def _charged(
        self,
        caller: str,
        older: Sequence[str],
        purpose: str,
        code: str,
        now: float,
        letter: tuple[Compiled, Values],
    ) -> Sending:
        """Store the code, count it and post it, all of it or nothing."""
        at = int(now)
        seen = [
            {"caller": one, "sent": sent}
            for one in (caller, *older)
            for (sent,) in self._hot.rows(self._sends, {"caller": one}, SQL_SECONDS)
        ]
        before = sorted(int(time) for row in seen for time in row["sent"].split(","))
        if not _may_send(before, at):
            return Sending.WAIT
        row = {
            "caller": caller,
            "hash": self._hash(caller, purpose, code),
            "purpose": purpose,
            "expires_at": at + LIFE_MINUTES * 60,
            "checks": CHECKS,
            "sent": ",".join(map(str, [*before, math.ceil(now)][-max(most for _, most in LIMITS) :])),
        }
        steps = (
            (self._charge, {"name": SENT_A_DAY, "slot": at // DAY_SECONDS, "cap": self._a_day}),
            *((self._forget, last) for last in seen),
            (self._write, row),  # the key is taken if the row was moved since it was read: nothing is charged
            (self._count, {"name": SENT, "slot": at // HOUR_SECONDS}),
            letter,
        )
        try:
            counted = self._hot.write(steps, SQL_SECONDS)
        except Conflict:  # another request for this number was faster, and its code goes out
            return Sending.WAIT
        if not counted:
            return Sending.OFF
        if counted[0][0] == self._a_day:
            log.warning("codes of this day are used up", cap=self._a_day)
        return Sending.SENT

    def _hash(self, caller: str, purpose: str, code: str) -> str:
        return self._keys.codes("code", caller, purpose, code)

    def _judge(self, now: int) -> None:
        """One log line for each hour whose codes few callers entered, which is what pumped traffic looks like."""
        over = (now - LIFE_MINUTES * 60) // HOUR_SECONDS  # the first hour of which a code may yet be entered
        hours = {"since": over - DAY_SECONDS // HOUR_SECONDS, "over": over}
        for hour, sent, entered in self._hot.rows(self._unentered, hours, SQL_SECONDS):
            if self._hot.rows(self._alarm, {"slot": hour}, SQL_SECONDS):
                began = datetime.fromtimestamp(hour * HOUR_SECONDS, UTC).isoformat()
                log.warning("few codes are entered", hour=began, sent=sent, entered=entered)


def _may_send(before: Sequence[int], at: int) -> bool:
    """Whether the limits allow another send now. A clock that went back allows none."""
    apart = not before or at - before[-1] >= APART_SECONDS
    return apart and all(sum(at - time < window for time in before) < most for window, most in LIMITS)


def _is(name: str) -> Any:
    return codes.c[name] == bindparam(name, type_=codes.c[name].type)


def _counted(is_sqlite: bool, capped: bool) -> ClauseElement:
    """Count one more in a slot; returns the count, or with a cap that is reached no row."""
    count = tallies.c["count"]
    upsert = (sqlite.insert if is_sqlite else postgresql.insert)(tallies).values(
        name=bindparam("name"), slot=bindparam("slot"), count=1
    )
    return upsert.on_conflict_do_update(
        index_elements=[tallies.c.name, tallies.c.slot],
        set_={"count": count + 1},
        where=count < bindparam("cap", type_=Integer) if capped else None,
    ).returning(count)


def _tried() -> ClauseElement:
    """Charge one check to a code that is still good; returns what it has to be compared with."""
    return (
        update(codes)
        .where(
            _is("caller"),
            _is("purpose"),
            codes.c.hash.is_not(None),
            codes.c.checks > 0,
            codes.c.expires_at > bindparam("now", type_=BigInteger),
        )
        .values(checks=codes.c.checks - 1)
        .returning(codes.c.hash, codes.c.expires_at)
    )


def _used() -> ClauseElement:
    """Take a code that was right; returns a row to the first who does."""
    return update(codes).where(_is("caller"), _is("hash")).values(hash=null()).returning(codes.c.expires_at)


def _unentered() -> ClauseElement:
    """The hours of which few codes were entered: the hour, how many were sent, how many entered."""
    sent, entered = tallies.alias("sent"), tallies.alias("entered")
    opened = func.coalesce(entered.c["count"], 0)
    its_own = and_(entered.c.name == ENTERED, entered.c.slot == sent.c.slot)
    return (
        select(sent.c.slot, sent.c["count"], opened)
        .select_from(sent.outerjoin(entered, its_own))
        .where(
            sent.c.name == SENT,
            sent.c.slot >= bindparam("since", type_=BigInteger),
            sent.c.slot < bindparam("over", type_=BigInteger),
            sent.c["count"] >= ALARM_FROM,
            opened * 2 < sent.c["count"],
        )
    )


def _alarmed(is_sqlite: bool) -> ClauseElement:
    """Note that an hour was told of; returns a row to the first who does."""
    once = (sqlite.insert if is_sqlite else postgresql.insert)(tallies)
    return (
        once.values(name=ALARMED, slot=bindparam("slot"), count=1)
        .on_conflict_do_nothing()
        .returning(tallies.c.slot)
    )
