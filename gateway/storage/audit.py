"""The audit: who looked at what. Rows are only ever added, and each is bound to the one before it by its hash.

One chain for everybody would make every hop wait for the row before it, so each writer (a thread) has a chain
of its own and keeps its end in memory: nothing is read to write. After any write that did not say yes the
database may or may not hold its rows; the writer begins another chain, and both verify (`verify`). What a chain
cannot show, that its end or all of it is gone, the signed heads of all chains do (`anchors`).
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import Integer, Text, bindparam, insert, or_, select
from sqlalchemy.sql import ClauseElement

from gateway.storage.hot import Conflict, Hot
from gateway.storage.tables import audit

CHAIN_BYTES: Final = 16  # random: two writers never meet
NOTE_SECONDS: Final = 0.5  # of the hop's 4.0 s, as any other write or read of the store
LOOK_SECONDS: Final = 0.5
LOOKS: Final = ("contributions.viewed", "amounts.viewed", "record.revealed")  # what a member can ask who did
MEMBER: Final = "member"  # actors; an officer is `officer:<account>`
SYSTEM: Final = "system"


class Row(NamedTuple):
    """What happened."""

    at: int
    actor: str
    channel: str
    caller: str
    action: str
    subject: str


class Chain(NamedTuple):
    """One writer's rows so far, as their last: its number and its hash."""

    name: str
    seq: int = 0
    hash: str = ""

    def link(self, row: Row) -> Chain:
        """This chain with one more row. The hash is SHA-256 of a JSON list without spaces, as UTF-8.

        >>> Chain("before").link(Row(1_795_000_000, "member", "ussd", "c", "contributions.viewed", "1")).hash[:16]
        'd6a30ab97c85cb4f'
        """
        seq = self.seq + 1
        return Chain(self.name, seq, sha256(orjson.dumps((self.name, seq, *row, self.hash))).hexdigest())


COLUMNS: Final = ("chain", "seq", "hash", *Row._fields)


def values(chain: Chain, row: Row) -> Mapping[str, Any]:
    """The columns of this row, which is the chain's last."""
    return dict(zip(COLUMNS, (*chain, *row), strict=True))


class Writer(threading.local):
    """Each thread's chain: taken for a write, and given back by a write that said yes."""

    chain: Chain | None = None

    def take(self) -> Chain:
        """The chain to go on with. Unless it is given back, another begins."""
        chain, self.chain = self.chain, None
        return chain or Chain(secrets.token_hex(CHAIN_BYTES))

    def give_back(self, chain: Chain) -> None:
        self.chain = chain


class Look(NamedTuple):
    """One look at a member's record."""

    at: int
    actor: str
    caller: str
    action: str


class Deed(NamedTuple):
    """One row of a caller, without its place in a chain."""

    at: int
    actor: str
    channel: str
    action: str
    subject: str


class Trail:
    """The audit beside the steps: what officers and the system do, and who looked at a record."""

    def __init__(self, hot: Hot) -> None:
        self._hot = hot
        self._writer = Writer()
        self._noted = hot.statement(noted().returning(audit.c.id))
        self._looks = hot.statement(_looks())
        self._deeds = hot.statement(_deeds())

    def note(self, actor: str, channel: str, caller: str, action: str, subject: str, at: int) -> None:
        """Add a row, committed when this returns; one that a lost link left in doubt is added again.

        Raises `TimeoutError` or `ConnectionError`: then it is not known whether the row was written.
        """
        row = Row(at, actor, channel, caller, action, subject)
        try:
            self._add(row)
        except Conflict:  # the place was taken: by the first try of a lost link, or by whoever forked this process
            self._add(row)

    def _add(self, row: Row) -> None:
        chain = self._writer.take().link(row)
        self._hot.rows(self._noted, values(chain, row), NOTE_SECONDS)
        self._writer.give_back(chain)

    def looks(self, member: str, most: int) -> Sequence[Look]:
        """The newest looks at this member's record, newest first."""
        found = self._hot.rows(self._looks, {"subject": member, "most": most}, LOOK_SECONDS)
        return [Look(*row) for row in found]

    def deeds(self, caller: str, most: int) -> Sequence[Deed]:
        """The newest rows of this caller, newest first. No index helps: for registers to try things on."""
        found = self._hot.rows(self._deeds, {"caller": caller, "most": most}, LOOK_SECONDS)
        return [Deed(*row) for row in found]


def noted() -> Any:
    """One more row."""
    return insert(audit).values({name: bindparam(name) for name in COLUMNS})


def _looks() -> ClauseElement:
    c = audit.c
    return (
        select(c.at, c.actor, c.caller, c.action)
        .where(c.subject == bindparam("subject", type_=Text), or_(*(c.action == look for look in LOOKS)))
        .order_by(c.id.desc())
        .limit(bindparam("most", type_=Integer))
    )


def _deeds() -> ClauseElement:
    c = audit.c
    return (
        select(*(c[name] for name in Deed._fields))
        .where(c.caller == bindparam("caller", type_=Text))
        .order_by(c.id.desc())
        .limit(bindparam("most", type_=Integer))
    )
