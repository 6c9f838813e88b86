"""What a new version of a key leaves to be done: which rows older versions made, and writing them anew.

Safe while the gateway serves: a row is replaced only if it still holds what was read, in short transactions, so
a hop that was faster wins. It can be stopped at any time and run again; what is done is not done twice.

Some rows cannot be written anew, because what was hashed is stored nowhere: conversations move at their
caller's next call, answers go after `ANSWER_DAYS`, hashes of social-security numbers at the next proof.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from time import monotonic, sleep
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Row,
    and_,
    case,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError

from gateway.storage.keys import Keys, Sealer, Unsealable
from gateway.storage.store import LEFT, answer_of, place_of
from gateway.storage.tables import bindings, cases, codes, conversations, inbound, outbox, pins, refusals

DAY_SECONDS: Final = 86_400
BATCH: Final = 100  # rows a transaction: a hop waits for a lock at most 400 ms (reliability target)
TRIES: Final = 5  # of a batch that met a hop's own write
REST_MAX_SECONDS: Final = (
    0.2  # between two batches, as long as the batch took: the lock is the hops' half the time
)

SEALED_TEXT: Final = re.compile(r"[1-9][0-9]*\.[A-Za-z0-9+/]{38,}={0,2}")  # nonce and tag alone are 28 bytes

Progress = Callable[[int], None]
Renew = Callable[[Connection, Any], str]


def phone_of_binding(caller: str, member: str) -> str:
    """Where `bindings.phone` is sealed for."""
    return f"binding:{caller}:{member}"


def phone_of_case(kind: str, caller: str, member: str, opened_at: int) -> str:
    """Where `cases.phone` is sealed for."""
    return f"case:{kind}:{caller}:{member}:{opened_at}"


def phone_of_message(ref: str) -> str:
    """Where `outbox.phone` is sealed for."""
    return f"outbox:phone:{ref}"


def text_of_message(ref: str) -> str:
    """Where `outbox.text` is sealed for."""
    return f"outbox:text:{ref}"


def about_of_message(ref: str) -> str:
    """Where `outbox.about` is sealed for."""
    return f"outbox:about:{ref}"


def member_of_message(ref: str) -> str:
    """Where `outbox.member` is sealed for."""
    return f"outbox:member:{ref}"


def phone_of_refusal(caller: str, purpose: str) -> str:
    """Where `refusals.phone` is sealed for."""
    return f"refusal:{caller}:{purpose}"


def pin_of(member: str) -> str:
    """Where `pins.hash` and `pins.pending` are sealed for."""
    return f"pin:{member}"


class Made(NamedTuple):
    """A column that holds what a key made. `what` is said to the officer; `still` leaves out what is over."""

    what: str
    column: Column[Any]
    still: ColumnElement[bool] | None = None


SEALED: Final = (
    Made("phones of bindings", bindings.c.phone),
    Made("phones of cases", cases.c.phone),
    Made("places", conversations.c.place),
    Made("answers", inbound.c.answer),
    Made("PINs", pins.c.hash),
    Made("PINs not confirmed", pins.c.pending),
    Made("phones of messages", outbox.c.phone),
    Made("messages", outbox.c.text),
    Made("what messages ask about", outbox.c.about),
    Made("whom messages are for", outbox.c.member),
    Made("phones of refusals", refusals.c.phone),
)
HASHED: Final = {
    "index": (
        Made("bindings", bindings.c.caller),
        Made("cases", cases.c.caller),
        Made("conversations", conversations.c.caller, conversations.c.event != LEFT),
        Made("answers", inbound.c.key),
        Made("messages", outbox.c.caller),
        Made("refusals", refusals.c.caller),
    ),
    "number": (Made("numbers of bindings", bindings.c.number), Made("endings of bindings", bindings.c.ending)),
}


def needing(engine: Engine, keys: Keys, now: int) -> dict[str, dict[int, Counter[str]]]:
    """For each key and version: how many rows of what were made with it. Version 0: sealed by no key at all."""
    limiting = Made("codes", codes.c.caller, codes.c.expires_at > now - DAY_SECONDS)  # sends of the last day count
    with engine.connect() as connection:
        found = {
            "index": _counted(connection, (*HASHED["index"], limiting), keys.rings["index"], _hashed_by),
            "data": _counted(connection, SEALED, keys.rings["data"], _sealed_by),
            "pepper": _peppered(connection, keys.sealer),
            "number": _counted(connection, HASHED["number"], keys.rings["number"], _hashed_by),
        }
        alive = (Made("codes", codes.c.hash, codes.c.expires_at > now),)
        found["code"] = _counted(connection, alive, keys.rings["code"], _hashed_by)
    return found


class Renewal:
    """Writes anew what older versions of `data` and `index` made, where it can be."""

    def __init__(self, engine: Engine, keys: Keys, progress: Progress = lambda rows: None) -> None:
        self._engine, self._progress = engine, progress
        self._hasher, self._sealer = keys.hasher, keys.sealer
        self._data, self._index = keys.sealer.version, keys.hasher.version

    def rows(self) -> int:
        """How many rows `run` will look at."""
        with self._engine.connect() as connection:
            parts = [
                connection.scalar(select(func.count()).select_from(t).where(old)) for t, old, _ in self._works()
            ]
        return sum(part or 0 for part in parts)

    def run(self) -> Counter[str]:
        """Every row once; returns how many were renewed, emptied, or cannot be opened by any key that is here."""
        return sum((self._pass(*work) for work in self._works()), Counter())

    def _works(self) -> Iterator[tuple[Any, ColumnElement[bool], Renew]]:
        b, c = bindings.c, cases.c
        yield bindings, or_(_not_by(b.phone, self._data), not_(_hashed_by(b.caller, self._index))), self._binding
        yield cases, or_(_not_by(c.phone, self._data), not_(_hashed_by(c.caller, self._index))), self._case
        yield pins, or_(*(_not_by(column, self._data) for column in (pins.c.hash, pins.c.pending))), self._pin
        o, r = outbox.c, refusals.c
        by_data = (_not_by(column, self._data) for column in (o.phone, o.text, o.about, o.member))
        yield outbox, or_(*by_data, not_(_hashed_by(o.caller, self._index))), self._message
        yield refusals, or_(_not_by(r.phone, self._data), not_(_hashed_by(r.caller, self._index))), self._refusal
        yield conversations, _not_by(conversations.c.place, self._data), self._place
        yield inbound, _not_by(inbound.c.answer, self._data), self._answer

    def _pass(self, table: Any, old: ColumnElement[bool], renew: Renew) -> Counter[str]:
        """Batches in the order of the primary key; each transaction is short, and hops have a turn in between."""
        key = list(table.primary_key.columns)
        done: Counter[str] = Counter()
        batch = select(table).where(old).order_by(*key).limit(BATCH)
        with self._engine.connect() as connection:
            rows = connection.execute(batch).all()
            connection.rollback()
            while rows:
                began = monotonic()
                done += _together(connection, rows, renew)
                self._progress(len(rows))
                sleep(min(REST_MAX_SECONDS, monotonic() - began))
                last = tuple(getattr(rows[-1], column.name) for column in key)
                rows = connection.execute(batch.where(tuple_(*key) > last)).all()
                connection.rollback()
        return done

    def _binding(self, connection: Connection, row: Any) -> str:
        b = bindings.c
        phone = self._opened(row.phone, phone_of_binding(row.caller, row.member))
        if phone is None:
            return "not opened"
        caller = self._hasher("caller", phone)
        this = and_(b.caller == row.caller, b.member == row.member, b.phone == row.phone)
        taken = select(exists().where(b.caller == caller, b.member == row.member))
        if caller != row.caller and connection.scalar(taken):  # she proved herself again since: that one counts
            connection.execute(delete(bindings).where(this))
            return "renewed"
        fresh = {"caller": caller, "phone": self._sealer.seal(phone, phone_of_binding(caller, row.member))}
        return _swapped(connection, update(bindings).where(this).values(fresh))

    def _case(self, connection: Connection, row: Any) -> str:
        phone = self._opened(row.phone, phone_of_case(row.kind, row.caller, row.member, row.opened_at))
        if phone is None:
            return "not opened"
        caller = self._hasher("caller", phone)
        where = phone_of_case(row.kind, caller, row.member, row.opened_at)
        fresh = {"caller": caller, "phone": self._sealer.seal(phone, where)}
        this = and_(cases.c.id == row.id, cases.c.phone == row.phone)
        return _swapped(connection, update(cases).where(this).values(fresh))

    def _message(self, connection: Connection, row: Any) -> str:
        phone = self._opened(row.phone, phone_of_message(row.ref))
        text = self._opened(row.text, text_of_message(row.ref))
        about = row.about and self._opened(row.about, about_of_message(row.ref))
        member = row.member and self._opened(row.member, member_of_message(row.ref))
        if phone is None or text is None or (row.about and about is None) or (row.member and member is None):
            return "not opened"
        fresh = {
            "caller": self._hasher("caller", phone),
            "phone": self._sealer.seal(phone, phone_of_message(row.ref)),
            "text": self._sealer.seal(text, text_of_message(row.ref)),
            "about": about and self._sealer.seal(about, about_of_message(row.ref)),
            "member": member and self._sealer.seal(member, member_of_message(row.ref)),
        }
        this = and_(outbox.c.ref == row.ref, outbox.c.phone == row.phone)
        return _swapped(connection, update(outbox).where(this).values(fresh))

    def _refusal(self, connection: Connection, row: Any) -> str:
        r = refusals.c
        phone = self._opened(row.phone, phone_of_refusal(row.caller, row.purpose))
        if phone is None:
            return "not opened"
        caller = self._hasher("caller", phone)
        this = and_(r.caller == row.caller, r.purpose == row.purpose, r.phone == row.phone)
        taken = select(exists().where(r.caller == caller, r.purpose == row.purpose))
        if caller != row.caller and connection.scalar(taken):  # she said it again since
            connection.execute(delete(refusals).where(this))
            return "renewed"
        fresh = {"caller": caller, "phone": self._sealer.seal(phone, phone_of_refusal(caller, row.purpose))}
        return _swapped(connection, update(refusals).where(this).values(fresh))

    def _pin(self, connection: Connection, row: Any) -> str:
        """Only the seal: the pepper below it changes when the right PIN is next typed."""
        ends = set()
        for column in (pins.c.hash, pins.c.pending):
            sealed = getattr(row, column.name)
            if sealed is None:
                continue
            hashed = self._opened(sealed, pin_of(row.member))
            if hashed is None:
                ends.add("not opened")
                continue
            fresh = {column.name: self._sealer.seal(hashed, pin_of(row.member))}
            this = and_(pins.c.member == row.member, column == sealed)
            ends.add(_swapped(connection, update(pins).where(this).values(fresh)))
        return next(end for end in ("not opened", "renewed", "moved") if end in ends)

    def _place(self, connection: Connection, row: Any) -> str:
        """A screen that an older release left in the clear is forgotten; the language is kept."""
        place = self._opened(row.place, place_of(row.caller))
        if place is None and _looks_sealed(row.place):
            return "not opened"
        fresh = None if place is None else self._sealer.seal(place, place_of(row.caller))
        this = and_(conversations.c.caller == row.caller, conversations.c.place == row.place)
        swapped = _swapped(connection, update(conversations).where(this).values(place=fresh))
        return "emptied" if fresh is None and swapped == "renewed" else swapped

    def _answer(self, connection: Connection, row: Any) -> str:
        """Words in the clear are forgotten; that the event was answered is kept, so it has no second effect."""
        words = self._opened(row.answer, answer_of(row.key))
        if words is None and _looks_sealed(row.answer):
            return "not opened"
        fresh = {"answer": self._sealer.seal(words or "", answer_of(row.key)), "ends": row.ends or words is None}
        this = and_(inbound.c.key == row.key, inbound.c.answer == row.answer)
        swapped = _swapped(connection, update(inbound).where(this).values(fresh))
        return "emptied" if words is None and swapped == "renewed" else swapped

    def _opened(self, sealed: str, where: str) -> str | None:
        try:
            return self._sealer.open(sealed, where)
        except Unsealable:
            return None


def forget_callers(engine: Engine, version: int) -> int:
    """Forget conversations and answers that only this version of the index key finds; returns how many rows."""
    gone = 0
    for column in (conversations.c.caller, inbound.c.key):
        some = select(column).where(_hashed_by(column, version)).limit(BATCH)
        batch = delete(column.table).where(column.in_(some))
        rows = -1
        while rows:
            began = monotonic()
            with engine.begin() as connection:
                rows = connection.execute(batch).rowcount
            gone += rows
            sleep(min(REST_MAX_SECONDS, monotonic() - began))
    return gone


def _together(connection: Connection, rows: Sequence[Row[Any]], renew: Renew) -> Counter[str]:
    """One transaction; from the start again when a hop wrote at the same moment."""
    tries = 0
    while True:
        try:
            done = Counter(renew(connection, row) for row in rows)
            connection.commit()
            return done
        except (IntegrityError, OperationalError):
            connection.rollback()
            tries += 1
            if tries == TRIES:
                raise
            sleep(REST_MAX_SECONDS)


def _swapped(connection: Connection, swap: Any) -> str:
    """A row that moved since it was read is left to whoever moved it."""
    return "renewed" if connection.execute(swap).rowcount else "moved"


def _counted(connection: Connection, made: Sequence[Made], versions: Any, made_by: Any) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = {version: Counter() for version in (0, *versions)}
    for what, column, still in made:
        sums = [func.coalesce(func.sum(case((made_by(column, version), 1), else_=0)), 0) for version in versions]
        query = select(func.count(column), *sums)
        total, *each = connection.execute(query if still is None else query.where(still)).one()
        for version, count in zip((0, *versions), (total - sum(each), *each), strict=True):
            if count:
                found[version][what] = count
    return found


def _peppered(connection: Connection, sealer: Sealer) -> dict[int, Counter[str]]:
    """The pepper's version is sealed with the hash: `<version>:<argon2id>`."""
    found: dict[int, Counter[str]] = {}
    for row in connection.execute(select(pins.c.member, pins.c.hash, pins.c.pending)):
        for what, sealed in (("PINs", row.hash), ("PINs not confirmed", row.pending)):
            if sealed is None:
                continue
            try:
                version = int(sealer.open(sealed, pin_of(row.member)).partition(":")[0])
            except Unsealable:
                version = 0
            found.setdefault(version, Counter())[what] += 1
    return found


def _sealed_by(column: Column[Any], version: int) -> ColumnElement[bool]:
    return column.like(f"{version}.%")


def _hashed_by(column: Column[Any], version: int) -> ColumnElement[bool]:
    return column.not_like("%.%") if version == 1 else column.like(f"{version}.%")


def _not_by(column: Column[Any], version: int) -> ColumnElement[bool]:
    """Made by another version, or in the clear; NULL is neither."""
    return column.not_like(f"{version}.%")


def _looks_sealed(text: str) -> bool:
    """Whether this may be a sealed text whose key is not here, and not words of an older release."""
    return SEALED_TEXT.fullmatch(text) is not None
