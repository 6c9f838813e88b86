"""What officers decide about the texts of a stage: that so many may leave, or that none does now.

Two people answer for a large batch: one asks for it, another approves it. Every decision is a row of the audit.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Integer, Text, bindparam, case, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.outbox.outbox import Outbox
from gateway.storage.audit import Trail
from gateway.storage.links import Compiled
from gateway.storage.tables import batches
from gateway.text.values import Month

SQL_SECONDS: Final = 10.0  # an officer waits, hops do not
CHANNEL: Final = "office"
b = batches.c
KEY: Final = (b.month, b.regime, b.step)


class Hold(StrEnum):
    """Whether the texts of a step are kept back; those that wait are taken back, too."""

    NONE = ""
    PAUSED = "paused"
    STOPPED = "stopped"  # for good: its ladder goes on with the next step


class Stage(NamedTuple):
    """The texts that are decided about: those of one step of a month, to employers of one regime."""

    month: Month
    regime: str
    step: str

    def __str__(self) -> str:
        return f"{self.month} {self.regime} {self.step}"

    def key(self) -> dict[str, str]:
        """The row of its decisions."""
        return {"month": str(self.month), "regime": self.regime, "step": self.step}


class Batch(NamedTuple):
    """One stage as officers left it."""

    texts: int = 0
    asked_by: str = ""
    approved_by: str = ""
    hold: Hold = Hold.NONE

    @property
    def approved(self) -> int:
        """So many texts two people have answered for."""
        return self.texts if self.approved_by else 0


class Undecidable(ValueError):
    """This cannot be decided so; the message says why."""


class Batches:
    """The officers' table. Raises what `Hot` raises. Each decision changes what it is about and nothing else."""

    def __init__(self, outbox: Outbox, trail: Trail) -> None:
        self._hot, self._now, self._trail = outbox.hot, outbox.now, trail
        self._get = self._hot.statement(_get())
        self._ask = self._hot.statement(_put(self._hot.is_sqlite, "texts", "asked_by", "approved_by"))
        self._hold = self._hot.statement(_put(self._hot.is_sqlite, "hold"))
        self._approve = self._hot.statement(_approve())
        self._spend = self._hot.statement(_spend())

    def get(self, stage: Stage) -> Batch:
        rows = self._hot.rows(self._get, stage.key(), SQL_SECONDS)
        if not rows:
            return Batch()
        [(texts, asked_by, approved_by, hold)] = rows
        return Batch(texts, asked_by, approved_by, Hold(hold))

    def ask(self, stage: Stage, texts: int, officer: str) -> None:
        """Ask for so many texts; what was approved before is not any more."""
        self._decide(self._ask, stage, f"asked {texts}", officer, texts=texts, asked_by=officer)

    def approve(self, stage: Stage, seen: Batch, officer: str) -> None:
        """Let what was asked for leave, as it was seen.

        Raises `Undecidable` where nothing waits, she asked for it herself, or something else is asked for by now.
        """
        if not seen.asked_by or seen.approved_by:
            raise Undecidable("Nothing waits to be approved.")
        if _same(seen.asked_by, officer):
            raise Undecidable(f"{officer} asked for it: somebody else has to approve it.")
        asked = {"texts": seen.texts, "asked_by": seen.asked_by, "approved_by": officer}
        if not self._decide(self._approve, stage, f"approved {seen.texts}", officer, **asked):
            raise Undecidable("Something else is asked for by now: look again.")

    def hold(self, stage: Stage, hold: Hold, officer: str) -> None:
        """Pause a stage, let it go on, or stop it. Raises `Undecidable` where it was stopped before."""
        if not self._decide(self._hold, stage, hold or "resumed", officer, hold=str(hold)):
            raise Undecidable("It was stopped for good.")

    def spend(self, stage: Stage, texts: int) -> None:
        """So many of the approved texts were posted: they cannot be posted twice."""
        self._hot.rows(self._spend, {**stage.key(), "texts": texts, "now": self._now()}, SQL_SECONDS)

    def _decide(self, statement: Compiled, stage: Stage, deed: str, officer: str, **changed: object) -> bool:
        """Whether it was so; a row of the audit then."""
        now = self._now()
        row = {**Batch()._asdict(), "hold": "", **changed, **stage.key(), "now": now}
        if not self._hot.rows(statement, row, SQL_SECONDS):
            return False
        self._trail.note(f"officer:{officer}", CHANNEL, "", f"reminders.{deed}", str(stage), now)
        return True


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _this() -> Sequence[Any]:
    return [column == bindparam(column.name, type_=Text) for column in KEY]


def _get() -> Any:
    return select(b.texts, b.asked_by, b.approved_by, b.hold).where(*_this())


def _put(is_sqlite: bool, *names: str) -> Any:
    """A row, or these columns of the one that is there, unless it was stopped for good."""
    row: dict[str, Any] = {
        **{
            column.name: bindparam(column.name, type_=Text) for column in (*KEY, b.asked_by, b.approved_by, b.hold)
        },
        "texts": bindparam("texts", type_=Integer),
        "moved_at": bindparam("now", type_=BigInteger),
    }
    upsert = (sqlite.insert if is_sqlite else postgresql.insert)(batches).values(row)
    return upsert.on_conflict_do_update(
        index_elements=KEY,
        set_={name: upsert.excluded[name] for name in (*names, "moved_at")},
        where=b.hold != Hold.STOPPED,
    ).returning(b.month)


def _approve() -> Any:
    asked = b.texts == bindparam("texts", type_=Integer), b.asked_by == bindparam("asked_by", type_=Text)
    return (
        update(batches)
        .where(*_this(), *asked, b.approved_by == literal(""))
        .values(approved_by=bindparam("approved_by", type_=Text), moved_at=bindparam("now", type_=BigInteger))
        .returning(b.month)
    )


def _spend() -> Any:
    left = b.texts - bindparam("texts", type_=Integer)
    return (
        update(batches)
        .where(*_this(), b.approved_by != literal(""))
        .values(texts=case((left < 0, 0), else_=left), moved_at=bindparam("now", type_=BigInteger))
        .returning(b.month)
    )
