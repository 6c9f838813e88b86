"""The gateway's own memory: where each caller is, and what each event was answered with.

A hop is one read and one write. The write is optimistic: it succeeds only if nobody moved this caller
since she was read, and brings the session, the answer for repeats and the audit rows in one transaction.
Places and answers are sealed, each for its own row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Integer,
    Text,
    bindparam,
    delete,
    func,
    insert,
    literal,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ClauseElement

from gateway.storage.audit import COLUMNS, MEMBER, Row, Writer, noted
from gateway.storage.audit import values as audited
from gateway.storage.hot import Conflict, Hot
from gateway.storage.keys import Sealer, Unsealable
from gateway.storage.links import Compiled, Values
from gateway.storage.tables import audit, bindings, conversations, inbound

READ_SECONDS = 0.5  # shares of the hop's 4.0 s (reliability target)
WRITE_SECONDS = 0.5
ANSWER_DAYS = 30  # a provider may repeat an event days later; it is still one event
PLACE_HOURS = 24  # a screen nobody came back to is forgotten; the language is kept
DAY_SECONDS = 86_400
PRUNE_SECONDS = 60.0
LEFT = ""  # the last event of a row whose caller is kept under a newer key now


class Conversation(NamedTuple):
    """Where one caller is. `place` is the engine's session as stored, None after an END."""

    language: str | None
    event: str
    path_length: int
    place: Mapping[str, Any] | None
    version: int
    moved_at: int

    def __repr__(self) -> str:
        return f"Conversation(version={self.version})"  # the place may hold what was typed


class Bound(NamedTuple):
    """A member a number is bound to; `number` and `ending` are keyed hashes, `proved_at` seconds since 1970."""

    member: str
    number: str
    ending: str
    proved_at: int
    asleep: bool
    asks_pin: bool
    shared: bool
    alerts: str  # what a monthly text may say: identity.port.Alerts
    since: int  # when this phone became hers, seconds since 1970


class Loaded(NamedTuple):
    """What is known when an event comes in."""

    conversation: Conversation | None
    answer: Answer | None  # what this very event was answered before
    bound: Sequence[Bound]


class Answer(NamedTuple):
    """One reply to the caller: its text, and whether the call is over."""

    text: str
    ends: bool

    def __repr__(self) -> str:
        return f"Answer(ends={self.ends})"  # what was shown stays out of tracebacks and reports


WORDS_GONE = Answer("", ends=True)  # this event was answered, but with words that no key here opens


class Step(NamedTuple):
    """Everything one event changes."""

    key: str
    caller: str
    seen: int  # the version that was read; 0 for a new caller
    language: str | None
    path_length: int
    place: Mapping[str, Any] | None
    at: int
    answer: Answer
    channel: str
    effects: Sequence[tuple[str, str]]  # (action, subject) for the audit
    older: str | None = None  # her hash under an older key, when she was found by that: it is left in this step
    event: str = ""  # what the next event of the call is known to go on from; empty: the key
    seat: str = ""  # the row of this conversation; empty: the caller's, for texts are another than calls
    posts: Sequence[tuple[Compiled, Values]] = ()  # messages to be sent, each as a statement

    def __repr__(self) -> str:
        return f"Step(key={self.key!r}, seen={self.seen})"


class Store:
    """Sessions, answers and audit rows on one database."""

    def __init__(self, hot: Hot, sealer: Sealer) -> None:
        self._hot, self._sealer = hot, sealer
        self._load = hot.statement(_load(seated=False))
        self._load_seat = hot.statement(_load(seated=True))
        self._move = hot.statement(_move(hot.is_sqlite))
        self._answered = hot.statement(_answered())
        self._noted = hot.statement(noted())
        self._rekey = hot.statement(_rekey())
        self._leave, self._enter = hot.statement(_leave()), hot.statement(_enter())
        self._whole = () if hot.is_sqlite else (hot.statement(_whole(False)), hot.statement(_whole(True)))
        self._writer = Writer()

    def load(self, caller: str, key: str, seat: str = "") -> Loaded:
        """Where this caller is, whom her number is bound to, and what this very event was answered before.

        A `seat` of its own is another conversation of the same caller; until it has a language, hers counts.

        A place that no key here opens, or that an older release wrote in the clear, is none; such an answer is
        `WORDS_GONE`.
        """
        values = {"caller": caller, "key": key}
        if seat:
            rows = self._hot.rows(self._load_seat, {**values, "seat": seat}, READ_SECONDS)
        else:
            rows = self._hot.rows(self._load, values, READ_SECONDS)
        language, event, path_length, place, version, moved_at, text, ends, *_bound = rows[0]
        answer = None
        if text is not None:
            words = self._opened(text, answer_of(key))
            answer = WORDS_GONE if words is None else Answer(words, bool(ends))
        bound = [
            Bound(member, number, ending, proved_at, bool(asleep), bool(asks_pin), bool(shared), alerts, since)
            for *_call, member, number, ending, proved_at, asleep, asks_pin, shared, alerts, since in rows
            if member is not None
        ]
        if version is None or event == LEFT:
            new = Conversation(language, "", 0, None, 0, 0) if seat and language and version is None else None
            return Loaded(new, answer, bound)
        place = orjson.loads(self._opened(place, place_of(seat or caller)) or "null") if place else None
        return Loaded(Conversation(language, event, path_length, place, version, moved_at), answer, bound)

    def rekey(self, older: str, caller: str, phones: Mapping[str, str]) -> None:
        """Move bindings from a caller's hash under an older key; `phones` holds each member's, sealed anew."""
        for member, phone in phones.items():
            values = {"older": older, "caller": caller, "member": member, "phone": phone}
            with suppress(Conflict):  # another hop, or `flask keys renew`, has moved it
                self._hot.rows(self._rekey, values, WRITE_SECONDS)

    def commit(self, step: Step) -> bool:
        """Write a step; False when another event of this caller got there first, and nothing was written."""
        seat = step.seat or step.caller
        values = {
            "caller": seat,
            "older": step.older,
            "language": step.language,
            "path_length": step.path_length,
            "place": self._sealer.seal(orjson.dumps(step.place).decode(), place_of(seat)) if step.place else None,
            "seen": step.seen,
            "moved": step.seen + 1,
            "at": step.at,
            "key": step.key,
            "event": step.event or step.key,
            "answer": self._sealer.seal(step.answer.text, answer_of(step.key)),
            "ends": step.answer.ends,
        }
        notes, chain = [], self._writer.take()
        for action, subject in step.effects:
            row = Row(step.at, MEMBER, step.channel, step.caller, action, subject)
            chain = chain.link(row)
            notes.append({**values, **audited(chain, row)})
        try:
            alone = len(notes) <= 1 and not (step.older or step.posts)
            if self._whole and alone:  # one round trip instead of four
                statement = self._whole[len(notes)]
                written = bool(self._hot.rows(statement, notes[0] if notes else values, WRITE_SECONDS))
            else:
                moved = (self._leave, self._enter) if step.older else (self._move,)
                first = (*moved, self._answered)
                steps: list[tuple[Compiled, Values]] = [(statement, values) for statement in first]
                steps += [*((self._noted, note) for note in notes), *step.posts]
                written = bool(self._hot.write(steps, WRITE_SECONDS))
        except Conflict:
            written = False
        if written or not notes:
            self._writer.give_back(chain)
        return written

    def _opened(self, sealed: str, where: str) -> str | None:
        try:
            return self._sealer.open(sealed, where)
        except Unsealable:
            return None

    def prune(self, now: int) -> int:
        """Forget what is no longer needed; returns how many rows went or were emptied."""
        old_answers = delete(inbound).where(inbound.c.received_at < now - ANSWER_DAYS * DAY_SECONDS)
        old_places = (
            update(conversations)
            .where(conversations.c.place.is_not(None), conversations.c.moved_at < now - PLACE_HOURS * 3600)
            .values(place=None)
        )
        gone = [
            self._hot.rows(self._hot.statement(statement.returning(literal(1))), {}, PRUNE_SECONDS)
            for statement in (old_answers, old_places)
        ]
        return sum(map(len, gone))


def place_of(caller: str) -> str:
    """Where a place is sealed for."""
    return f"place:{caller}"


def answer_of(key: str) -> str:
    """Where an answer is sealed for."""
    return f"answer:{key}"


def _load(seated: bool) -> ClauseElement:
    home = conversations.alias("home")
    one = select(literal(1).label("one")).subquery("one")
    c = conversations.c
    language = func.coalesce(c.language, home.c.language) if seated else c.language
    seats = one.outerjoin(conversations, c.caller == bindparam("seat" if seated else "caller", type_=Text))
    if seated:
        seats = seats.outerjoin(home, home.c.caller == bindparam("caller", type_=Text))
    return select(
        language,
        c.event,
        c.path_length,
        c.place,
        c.version,
        c.moved_at,
        inbound.c.answer,
        inbound.c.ends,
        *(bindings.c[name] for name in Bound._fields),
    ).select_from(
        seats.outerjoin(inbound, inbound.c.key == bindparam("key", type_=Text)).outerjoin(
            bindings, bindings.c.caller == bindparam("caller", type_=Text)
        )
    )


def _move(is_sqlite: bool) -> Any:
    """Insert or move a caller; returns a row only if she is where she was read."""
    upsert = (sqlite.insert if is_sqlite else postgresql.insert)(conversations).values(
        caller=bindparam("caller"),
        language=bindparam("language"),
        event=bindparam("event"),
        path_length=bindparam("path_length"),
        place=bindparam("place"),
        version=bindparam("moved"),
        moved_at=bindparam("at"),
    )
    new = upsert.excluded
    return upsert.on_conflict_do_update(
        index_elements=[conversations.c.caller],
        set_={column.name: new[column.name] for column in conversations.c if not column.primary_key},
        where=conversations.c.version == bindparam("seen", type_=Integer),
    ).returning(conversations.c.version)


def _rekey() -> Any:
    b = bindings.c
    return (
        update(bindings)
        .where(b.caller == bindparam("older", type_=Text), b.member == bindparam("member", type_=Text))
        .values(caller=bindparam("caller"), phone=bindparam("phone"))
        .returning(literal(1))
    )


def _leave() -> Any:
    """Her row under an older key stays as a sign for a process that does not know the newer one yet.

    Its values stand in the statement: as parameters they would have the names of the step's own.
    """
    c = conversations.c
    return (
        update(conversations)
        .where(c.caller == bindparam("older", type_=Text), c.version == bindparam("seen", type_=Integer))
        .values(event=literal_column(f"'{LEFT}'"), language=null(), place=null(), version=c.version + 1)
        .returning(c.version)
    )


def _enter() -> Any:
    """A plain insert: a row that is there already is a `Conflict`."""
    names = {"version": "moved", "moved_at": "at"}
    return insert(conversations).values(
        {c.name: bindparam(names.get(c.name, c.name), type_=c.type) for c in conversations.c}
    )


def _answered() -> Any:
    return insert(inbound).values(
        key=bindparam("key"), answer=bindparam("answer"), ends=bindparam("ends"), received_at=bindparam("at")
    )


def _whole(with_note: bool) -> Any:
    """The same step as one PostgreSQL statement: the answer and the note are written only if she moved."""
    moved = _move(is_sqlite=False).cte("moved")
    answer = select(
        bindparam("key", type_=Text),
        bindparam("answer", type_=Text),
        bindparam("ends", type_=Boolean),
        bindparam("at", type_=BigInteger),
    ).select_from(moved)
    parts = [insert(inbound).from_select(["key", "answer", "ends", "received_at"], answer).cte("answered")]
    if with_note:
        note = select(*(bindparam(name, type_=audit.c[name].type) for name in COLUMNS)).select_from(moved)
        parts.append(insert(audit).from_select(COLUMNS, note).cte("noted"))
    return select(moved.c.version).add_cte(*parts)
