"""The gateway's own memory: where each caller is, and what each event was answered with.

A hop is one read and one write. The write is optimistic: it succeeds only if nobody moved this caller
since she was read, and brings the session, the answer for repeats and the audit rows in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import BigInteger, Boolean, Integer, Text, bindparam, delete, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ClauseElement

from gateway.storage.hot import Conflict, Hot
from gateway.storage.tables import audit, conversations, inbound

READ_SECONDS = 0.5  # shares of the hop's 4.0 s (reliability target)
WRITE_SECONDS = 0.5
ANSWER_DAYS = 30  # a provider may repeat an event days later; it is still one event
PLACE_HOURS = 24  # a screen nobody came back to is forgotten; the language is kept
DAY_SECONDS = 86_400
PRUNE_SECONDS = 60.0


class Conversation(NamedTuple):
    """Where one caller is. `place` is the engine's session as stored, None after an END."""

    language: str | None
    event: str
    path_length: int
    place: Mapping[str, Any] | None
    version: int
    moved_at: int


class Answer(NamedTuple):
    """One reply to the caller: its text, and whether the call is over."""

    text: str
    ends: bool


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


class Store:
    """Sessions, answers and audit rows on one database."""

    def __init__(self, hot: Hot) -> None:
        self._hot = hot
        self._load = hot.statement(_load())
        self._move = hot.statement(_move(hot.is_sqlite))
        self._answered = hot.statement(_answered())
        self._noted = hot.statement(_noted())
        self._whole = () if hot.is_sqlite else (hot.statement(_whole(False)), hot.statement(_whole(True)))

    def load(self, caller: str, key: str) -> tuple[Conversation | None, Answer | None]:
        """Where this caller is, and what this very event was answered before."""
        [row] = self._hot.rows(self._load, {"caller": caller, "key": key}, READ_SECONDS)
        language, event, path_length, place, version, moved_at, text, ends = row
        answer = Answer(text, bool(ends)) if text is not None else None
        if version is None:
            return None, answer
        place = orjson.loads(place) if place else None
        return Conversation(language, event, path_length, place, version, moved_at), answer

    def commit(self, step: Step) -> bool:
        """Write a step; False when another event of this caller got there first, and nothing was written."""
        values = {
            "caller": step.caller,
            "language": step.language,
            "path_length": step.path_length,
            "place": orjson.dumps(step.place).decode() if step.place else None,
            "seen": step.seen,
            "moved": step.seen + 1,
            "at": step.at,
            "key": step.key,
            "answer": step.answer.text,
            "ends": step.answer.ends,
            "channel": step.channel,
        }
        notes = [{**values, "action": action, "subject": subject} for action, subject in step.effects]
        try:
            if self._whole and len(notes) <= 1:  # one round trip instead of four
                statement = self._whole[len(notes)]
                return bool(self._hot.rows(statement, notes[0] if notes else values, WRITE_SECONDS))
            steps = [(self._move, values), (self._answered, values), *((self._noted, note) for note in notes)]
            return bool(self._hot.write(steps, WRITE_SECONDS))
        except Conflict:
            return False

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


def _load() -> ClauseElement:
    one = select(literal(1).label("one")).subquery("one")
    c = conversations.c
    return select(
        c.language,
        c.event,
        c.path_length,
        c.place,
        c.version,
        c.moved_at,
        inbound.c.answer,
        inbound.c.ends,
    ).select_from(
        one.outerjoin(conversations, c.caller == bindparam("caller", type_=Text)).outerjoin(
            inbound, inbound.c.key == bindparam("key", type_=Text)
        )
    )


def _move(is_sqlite: bool) -> Any:
    """Insert or move a caller; returns a row only if she is where she was read."""
    upsert = (sqlite.insert if is_sqlite else postgresql.insert)(conversations).values(
        caller=bindparam("caller"),
        language=bindparam("language"),
        event=bindparam("key"),
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


def _answered() -> Any:
    return insert(inbound).values(
        key=bindparam("key"), answer=bindparam("answer"), ends=bindparam("ends"), received_at=bindparam("at")
    )


def _noted() -> Any:
    return insert(audit).values(
        at=bindparam("at"),
        channel=bindparam("channel"),
        caller=bindparam("caller"),
        action=bindparam("action"),
        subject=bindparam("subject"),
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
        note = select(
            bindparam("at", type_=BigInteger),
            *(bindparam(name, type_=Text) for name in ("channel", "caller", "action", "subject")),
        ).select_from(moved)
        columns = ["at", "channel", "caller", "action", "subject"]
        parts.append(insert(audit).from_select(columns, note).cte("noted"))
    return select(moved.c.version).add_cte(*parts)
