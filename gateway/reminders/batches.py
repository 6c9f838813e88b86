"""What officers decide about the texts of one step of a month: that so many may leave, or that none does now.

Two people answer for a large batch: one asks for it, another approves it. Every decision is a row of the audit.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Integer, Text, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.outbox.outbox import Outbox
from gateway.storage.audit import Trail
from gateway.storage.tables import batches
from gateway.text.values import Month

SQL_SECONDS: Final = 10.0  # an officer waits, hops do not
CHANNEL: Final = "office"


class Hold(StrEnum):
    """Whether the texts of a step are kept back; those that wait are taken back, too."""

    NONE = ""
    PAUSED = "paused"
    STOPPED = "stopped"  # for good: its ladder goes on with the next step


class Batch(NamedTuple):
    """One step of one month as officers left it."""

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
    """The officers' table. Raises what `Hot` raises."""

    def __init__(self, outbox: Outbox, trail: Trail) -> None:
        self._hot, self._now, self._trail = outbox.hot, outbox.now, trail
        self._get = outbox.hot.statement(_get())
        self._put = outbox.hot.statement(_put(outbox.hot.is_sqlite))

    def get(self, month: Month, step: str) -> Batch:
        rows = self._hot.rows(self._get, {"month": str(month), "step": step}, SQL_SECONDS)
        if not rows:
            return Batch()
        [(texts, asked_by, approved_by, hold)] = rows
        return Batch(texts, asked_by, approved_by, Hold(hold))

    def ask(self, month: Month, step: str, texts: int, officer: str) -> None:
        """Ask for so many texts; what was approved before is not any more."""
        batch = self.get(month, step)
        self._decide(month, step, batch._replace(texts=texts, asked_by=officer, approved_by=""), "asked", officer)

    def approve(self, month: Month, step: str, officer: str) -> Batch:
        """Let what was asked for leave. Raises `Undecidable` where nothing waits, or she asked for it herself."""
        batch = self.get(month, step)
        if not batch.asked_by or batch.approved_by:
            raise Undecidable("Nothing waits to be approved.")
        if batch.asked_by.casefold() == officer.casefold():
            raise Undecidable(f"{officer} asked for it: somebody else has to approve it.")
        return self._decide(month, step, batch._replace(approved_by=officer), "approved", officer)

    def hold(self, month: Month, step: str, hold: Hold, officer: str) -> None:
        """Pause a step, let it go on, or stop it. Raises `Undecidable` where it was stopped before."""
        batch = self.get(month, step)
        if batch.hold is Hold.STOPPED:
            raise Undecidable("It was stopped for good.")
        self._decide(month, step, batch._replace(hold=hold), hold or "resumed", officer)

    def _decide(self, month: Month, step: str, batch: Batch, deed: str, officer: str) -> Batch:
        now = self._now()
        row = {**batch._asdict(), "hold": str(batch.hold), "month": str(month), "step": step, "now": now}
        self._trail.note(f"officer:{officer}", CHANNEL, "", f"reminders.{deed}", f"{month} {step}", now)
        self._hot.rows(self._put, row, SQL_SECONDS)
        return batch


def _get() -> Any:
    b = batches.c
    return select(b.texts, b.asked_by, b.approved_by, b.hold).where(
        b.month == bindparam("month", type_=Text), b.step == bindparam("step", type_=Text)
    )


def _put(is_sqlite: bool) -> Any:
    texts = ("month", "step", "asked_by", "approved_by", "hold")
    row: dict[str, Any] = {
        **{name: bindparam(name, type_=Text) for name in texts},
        "texts": bindparam("texts", type_=Integer),
        "moved_at": bindparam("now", type_=BigInteger),
    }
    upsert = (sqlite.insert if is_sqlite else postgresql.insert)(batches).values(row)
    changed = {name: upsert.excluded[name] for name in row if name not in ("month", "step")}
    return upsert.on_conflict_do_update(index_elements=[batches.c.month, batches.c.step], set_=changed).returning(
        batches.c.month
    )
