"""PINs: charged before they are looked at, so that nobody guesses more often than the ladder allows.

The counters belong to one member on one number: a stranger on another number cannot lock her out. All time is
the gateway's clock; a clock set back makes every lock longer and none shorter, one set ahead ends locks early.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, NamedTuple

import structlog
from sqlalchemy import BigInteger, Text, bindparam, case, exists, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.identity import breaker
from gateway.identity.hashing import Gate, PinHasher
from gateway.identity.port import Verdict
from gateway.identity.weakness import is_weak
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys
from gateway.storage.tables import bindings, pins

PIN_SECONDS: Final = 0.5  # share of the hop's 4.0 s, for each statement about PINs (reliability target)
PRUNE_SECONDS: Final = 60.0
PIN_DIGITS: Final = 6
BINDING_DAYS: Final = 45  # as long as a number rests before somebody else may get it (FCC; reliability T08)
TRIES_MAX: Final = 10  # then a new proof and a new PIN (reliability targets R11, R12)
LOCKS: Final = {5: 900, 6: 3600, 7: 86_400, 8: 86_400, 9: 86_400}  # seconds after so many wrong in a row (T11)
DAY_SECONDS: Final = 86_400

log = structlog.get_logger("pakan.pins")

_PIN = re.compile(rf"[0-9]{{{PIN_DIGITS}}}")


class Guess(NamedTuple):
    """A try that was granted: wrong ones in a row, this one counted, and the hash to hold it against."""

    fails: int
    sealed: str


class Pins:
    """Checks, assigns and changes the PINs of members.

    Every method raises what `Hot` raises, and `Unsealable` when a key is missing. An `event` names one thing that
    was typed, and never two: a repeat of it, by the provider or by the pipeline, is the same guess.
    """

    def __init__(self, hot: Hot, keys: Keys, clock: Callable[[], datetime], gate: Gate) -> None:
        self._hot, self._clock, self._gate = hot, clock, gate
        self.hasher = PinHasher(keys.peppers, keys.sealer)
        statement, is_sqlite = hot.statement, hot.is_sqlite
        self._charge, self._charged = statement(_charge()), statement(_charged())
        self._tried = statement(breaker.counted(breaker.TRIED, is_sqlite))
        self._right = statement(breaker.counted(breaker.RIGHT, is_sqlite))
        self._trip, self._forget = statement(breaker.tripped(is_sqlite)), statement(breaker.forgotten())
        self._reset, self._sleep = statement(_reset()), statement(_sleep())
        self._replace, self._spend = statement(_replace()), statement(_spend())
        self._offer, self._claim = statement(_offer(is_sqlite)), statement(_claim())
        self._accept, self._drop = statement(_accept()), statement(_drop())
        self._has, self._ran_out = statement(_has()), statement(_ran_out())
        self._void, self._forgive = statement(_void()), statement(_forgive())

    def check(self, caller: str, member: str | None, pin: str, event: str) -> Verdict:
        """Whether this is the PIN of `member`, typed by `caller` (keyed hash).

        With nobody it could belong to, and for whom it may not be tried now, it takes as long to say no. What
        cannot be a PIN is not charged.
        """
        now = self._now()
        whose = member if member is not None and _PIN.fullmatch(pin) else ""  # a row that nobody has
        with self._gate.hashing() as admitted:
            if not admitted:
                return Verdict.BUSY
            guess = self._granted(caller, whose, event, now)
            if guess is None:
                self.hasher.waste(pin)
                return Verdict.REFUSED
            right = self.hasher.matches(whose, pin, guess.sealed)
        values = {"caller": caller, "member": whose, "sealed": guess.sealed, **_times(now)}
        if right:
            self._hot.write([(self._reset, values), (self._right, values)], PIN_SECONDS)
            self._refresh(whose, pin, guess.sealed)
            return Verdict.OPENED
        if guess.fails >= TRIES_MAX:
            self._hot.write([(self._sleep, values), (self._spend, values)], PIN_SECONDS)
        return Verdict.REFUSED

    def assign(self, caller: str, member: str) -> str | None:
        """Six random digits for her to type back; None when too many are being hashed just now."""
        pin = f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}}"
        return pin if self._offered(caller, member, pin) else None

    def choose(self, caller: str, member: str, pin: str, own: Sequence[str]) -> Verdict:
        """OPENED when she may have it and is to type it again; `own` is what `is_weak` takes."""
        if not _PIN.fullmatch(pin) or is_weak(pin, own):
            return Verdict.REFUSED
        return Verdict.OPENED if self._offered(caller, member, pin) else Verdict.BUSY

    def confirm(self, caller: str, member: str, typed: str, event: str, older: Sequence[str] = ()) -> Verdict:
        """The PIN she was shown or chose becomes hers if she types it back: one try, on the same number.

        `older`: what older keys call the caller, to whom it may have been shown.
        """
        with self._gate.hashing() as admitted:
            if not admitted:
                return Verdict.BUSY
            values = {"member": member, "event": event, "now": self._now()}
            shown = ({**values, "caller": one} for one in (caller, *older))
            claimed = next(filter(None, (self._hot.rows(self._claim, to, PIN_SECONDS) for to in shown)), None)
            if claimed is None:
                return Verdict.REFUSED
            [(sealed,)] = claimed
            right = self.hasher.matches(member, typed, sealed)
        self._hot.rows(self._accept if right else self._drop, {**values, "sealed": sealed}, PIN_SECONDS)
        return Verdict.OPENED if right else Verdict.REFUSED

    def has(self, member: str) -> bool:
        return bool(self._hot.rows(self._has, {"member": member}, PIN_SECONDS))

    def ran_out(self, member: str) -> bool:
        """Whether wrong guesses voided her PIN, on whichever of her phones, and she has none since."""
        return bool(self._hot.rows(self._ran_out, {"member": member}, PIN_SECONDS))

    def void(self, member: str) -> None:
        """An officer's decision: forget her PIN, the one she was shown, and that it ran out."""
        values = {"member": member, "now": self._now()}
        self._hot.write([(self._void, values), (self._forgive, values)], PIN_SECONDS)

    def prune(self) -> int:
        """Remove tallies that no longer count; returns how many."""
        return len(self._hot.rows(self._forget, _times(self._now()), PRUNE_SECONDS))

    def _granted(self, caller: str, member: str, event: str, now: int) -> Guess | None:
        """Charge this try; None when it may not be made. One charged before is granted again."""
        values = {"caller": caller, "member": member, "event": event, **_times(now)}
        granted = self._hot.write([(self._charge, values), (self._tried, values)], PIN_SECONDS)
        if not granted:
            granted = self._hot.rows(self._charged, values, PIN_SECONDS)
        elif self._hot.rows(self._trip, values, PIN_SECONDS):
            log.warning("slow mode after too many wrong PINs", minutes=breaker.WINDOW_MINUTES)
        return Guess(*granted[0]) if granted else None

    def _refresh(self, member: str, pin: str, sealed: str) -> None:
        """Hash a right PIN anew if it was hashed weaker than today; when that may not be now, the next time."""
        if not self.hasher.is_stale(member, sealed):
            return
        with self._gate.hashing() as admitted, suppress(OSError):  # she was right, whatever becomes of this
            if admitted:
                values = {"member": member, "sealed": sealed, "fresh": self.hasher.hash(member, pin)}
                self._hot.rows(self._replace, values, PIN_SECONDS)

    def _offered(self, caller: str, member: str, pin: str) -> bool:
        with self._gate.hashing() as admitted:
            if admitted:
                sealed = self.hasher.hash(member, pin)
                values = {"caller": caller, "member": member, "sealed": sealed, "now": self._now()}
                self._hot.rows(self._offer, values, PIN_SECONDS)
            return admitted

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _times(now: int) -> dict[str, int]:
    return {"now": now, "minute": now // 60}


_caller: Any = bindparam("caller", type_=Text)
_member: Any = bindparam("member", type_=Text)
_event: Any = bindparam("event", type_=Text)
_sealed: Any = bindparam("sealed", type_=Text)
_now: Any = bindparam("now", type_=BigInteger)

_this_binding = (bindings.c.caller == _caller) & (bindings.c.member == _member)
_awake = bindings.c.asleep.is_(False) & (bindings.c.proved_at > _now - BINDING_DAYS * DAY_SECONDS)
_her_pin = (pins.c.member == _member) & pins.c.hash.is_not(None)


def _charge() -> Any:
    """Count one more wrong PIN and lock accordingly, if this binding may try now; returns a `Guess`."""
    b = bindings.c
    locked_until = case({fails - 1: _now + seconds for fails, seconds in LOCKS.items()}, value=b.fails, else_=0)
    return (
        update(bindings)
        .where(
            _this_binding,
            _awake,
            b.fails < TRIES_MAX,
            b.locked_until <= _now,
            b.last_try != _event,
            exists().where(_her_pin),
            # in slow mode; a right PIN leaves none wrong, so it never makes its owner wait (T13)
            or_(b.fails == 0, b.tried_at <= _now - breaker.SLOW_SECONDS, ~breaker.slow()),
        )
        .values(fails=b.fails + 1, locked_until=locked_until, tried_at=_now, last_try=_event)
        .returning(b.fails, _hash())
    )


def _charged() -> Any:
    """The `Guess` of the event that was charged last, whatever lock it brought."""
    mine = bindings.c.last_try == _event
    return select(bindings.c.fails, _hash()).where(_this_binding, _awake, mine, exists().where(_her_pin))


def _hash() -> Any:
    return select(pins.c.hash).where(pins.c.member == _member).scalar_subquery()


def _reset() -> Any:
    """A right PIN is a proof, once: its repeat must not be tallied as a second one."""
    return (
        update(bindings)
        .where(_this_binding, bindings.c.asleep.is_(False), bindings.c.fails > 0)
        .values(fails=0, locked_until=0, proved_at=_now)
        .returning(literal(1))
    )


def _sleep() -> Any:
    too_many = bindings.c.fails >= TRIES_MAX
    return update(bindings).where(_this_binding, too_many).values(asleep=True).returning(literal(1))


def _spend() -> Any:
    """Void the PIN that was guessed at, unless she has another by now."""
    return update(pins).where(pins.c.member == _member, pins.c.hash == _sealed).values(_nothing())


def _replace() -> Any:
    fresh = bindparam("fresh", type_=Text)
    same = pins.c.hash == _sealed
    return update(pins).where(pins.c.member == _member, same).values(hash=fresh).returning(literal(1))


def _offer(is_sqlite: bool) -> Any:
    offered = {"pending": _sealed, "pending_by": _caller}
    upsert = (sqlite.insert if is_sqlite else postgresql.insert)(pins).values(
        member=_member, changed_at=_now, **offered
    )
    return upsert.on_conflict_do_update(index_elements=[pins.c.member], set_=offered).returning(literal(1))


def _claim() -> Any:
    """Take the one try at what is pending: from now on it is this event's, and no other's."""
    whose = pins.c.pending_by.in_((_caller, _event))
    return (
        update(pins)
        .where(pins.c.member == _member, whose, pins.c.pending.is_not(None))
        .values(pending_by=_event)
        .returning(pins.c.pending)
    )


def _accept() -> Any:
    """What is pending stays where it is, claimed: a repeat of the event finds it right again."""
    same = pins.c.pending == _sealed
    return (
        update(pins)
        .where(pins.c.member == _member, same)
        .values(hash=_sealed, changed_at=_now)
        .returning(literal(1))
    )


def _drop() -> Any:
    same = pins.c.pending == _sealed
    nothing = {"pending": None, "pending_by": None}
    return update(pins).where(pins.c.member == _member, same).values(nothing).returning(literal(1))


def _has() -> Any:
    return select(literal(1)).where(_her_pin)


def _ran_out() -> Any:
    spent = (bindings.c.member == _member) & (bindings.c.fails >= TRIES_MAX)
    return select(literal(1)).where(exists().where(spent), ~exists().where(_her_pin))


def _forgive() -> Any:
    """Her bindings sleep on: a proof wakes them, as any other."""
    spent = (bindings.c.member == _member) & (bindings.c.fails >= TRIES_MAX)
    return update(bindings).where(spent).values(fails=0, locked_until=0)


def _void() -> Any:
    return update(pins).where(pins.c.member == _member).values(_nothing()).returning(literal(1))


def _nothing() -> dict[str, Any]:
    return {"hash": None, "pending": None, "pending_by": None, "changed_at": _now}
