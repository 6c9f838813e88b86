"""The outbox as an officer sees it: how many stand where, which they are, and what is sent again by hand."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Integer, Text, func, select

from gateway.outbox import statements
from gateway.outbox.outbox import Outbox
from gateway.outbox.port import Kind, Letter
from gateway.outbox.statements import may_have_left, o, value
from gateway.outbox.states import LIFE_SECONDS, State
from gateway.storage.keys import Unsealable
from gateway.storage.renewal import member_of_message, phone_of_message, text_of_message
from gateway.storage.tables import outbox

SQL_SECONDS: Final = 10.0  # an officer waits, hops do not
# By hand: a code is void by now and she asks for another; of a reminder only a new plan knows whether it is owed.
BY_HAND: Final = frozenset(Kind) - {Kind.CODE, Kind.REMINDER}
ENDING: Final = 3  # digits of a number that an officer sees
LOOKED_AT: Final = 100  # messages of one phone that are opened to find a member's: under a millisecond of the hop


class Count(NamedTuple):
    """How many messages stand alike, how many SMS they are, and when the oldest was due."""

    carrier: str
    kind: str
    state: str
    messages: int
    parts: int
    oldest_due_at: int


class Line(NamedTuple):
    """One message without what it says; `phone` is masked."""

    ref: str
    kind: str
    carrier: str
    phone: str
    state: str
    why: str
    attempt: int
    parts: int
    made_at: int
    moved_at: int


LINE: Final = (o.ref, o.kind, o.carrier, o.phone, o.state, o.why, o.attempt, o.parts, o.made_at, o.moved_at)


class Desk:
    """Reads the outbox, and puts back by hand what ended without arriving."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox, hot = outbox, outbox.hot
        self._counts = hot.statement(_counts())
        self._line = hot.statement(select(*LINE).where(o.ref == value("ref")))
        self._lines = hot.statement(_lines())
        self._lines_to = hot.statement(_lines_to())
        self._letters = hot.statement(_letters())
        self._requeue = hot.statement(statements.requeue())

    def counts(self) -> Sequence[Count]:
        return [Count(*row) for row in self._outbox.hot.rows(self._counts, {}, SQL_SECONDS)]

    def line(self, ref: str) -> Line | None:
        """The message of this reference, if there is one."""
        lines = self._read(self._outbox.hot.rows(self._line, {"ref": ref}, SQL_SECONDS))
        return lines[0] if lines else None

    def lines(self, state: State, most: int, after: str = "") -> Sequence[Line]:
        """Messages of one state, by reference."""
        values = {"state": str(state), "most": most, "after": after}
        return self._read(self._outbox.hot.rows(self._lines, values, SQL_SECONDS))

    def lines_to(self, caller: str, most: int) -> Sequence[Line]:
        """The last messages to one phone, newest first, codes too; `caller` is its keyed hash."""
        values = {"caller": caller, "most": most}
        return self._read(self._outbox.hot.rows(self._lines_to, values, SQL_SECONDS))

    def retry(self, ref: str, kind: Kind) -> bool:
        """Send again what is dead, failed, unknown or in doubt; False when it is not, or not `BY_HAND`."""
        if kind not in BY_HAND:
            return False
        now = self._outbox.now()
        values = {"ref": ref, "now": now, "expires_at": now + LIFE_SECONDS[kind]}
        return bool(self._outbox.hot.rows(self._requeue, values, SQL_SECONDS))

    def letters(self, msisdn: str, member: str, since: int, most: int, within: float) -> Sequence[Letter]:
        """The last messages for this member, to this phone and made since then, that may have left; newest first.

        By any key that may name the phone. For whom a message is stands sealed in its row, so it is opened to see.
        """
        found: list[Letter] = []
        opened = self._outbox.keys.sealer.open
        for hasher in self._outbox.keys.hashers:
            values = {"caller": hasher("caller", msisdn), "since": since, "most": LOOKED_AT}
            for ref, at, text, state, whose in self._outbox.hot.rows(self._letters, values, within):
                with suppress(Unsealable):
                    if opened(whose, member_of_message(ref)) == member:
                        found.append(Letter(at, opened(text, text_of_message(ref)), state))
        return sorted(found, reverse=True)[:most]

    def _read(self, rows: Sequence[Sequence[Any]]) -> Sequence[Line]:
        return [
            Line(ref, kind, carrier, self._masked(ref, phone), *rest) for ref, kind, carrier, phone, *rest in rows
        ]

    def _masked(self, ref: str, phone: str) -> str:
        try:
            return f"...{self._outbox.keys.sealer.open(phone, phone_of_message(ref))[-ENDING:]}"
        except Unsealable:
            return "?"


def _counts() -> Any:
    return (
        select(o.carrier, o.kind, o.state, func.count(), func.sum(o.parts), func.min(o.due_at))
        .group_by(o.carrier, o.kind, o.state)
        .order_by(o.carrier, o.kind, o.state)
    )


def _lines() -> Any:
    return (
        select(*LINE)
        .where(o.state == value("state"), o.ref > value("after"))
        .order_by(o.ref)
        .limit(value("most", Integer))
    )


def _lines_to() -> Any:
    return (
        select(*LINE)
        .where(o.caller == value("caller", Text))
        .order_by(o.made_at.desc(), o.ref.desc())
        .limit(value("most", Integer))
    )


def _letters() -> Any:
    return (
        select(o.ref, o.moved_at, o.text, o.state, o.member)
        .select_from(outbox)
        .where(
            o.caller == value("caller", Text),
            o.made_at >= value("since", BigInteger),
            o.member.is_not(None),
            o.kind != Kind.CODE,
            may_have_left(),
        )
        .order_by(o.made_at.desc())
        .limit(value("most", Integer))
    )
