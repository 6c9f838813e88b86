"""The register in our own tables (`tables.py`): a statement for each question, answered whole.

A look-up is on a caller's hop, so statements are compiled when the registry is built and rows come back
as the driver gives them: SQLite says dates as text, PostgreSQL as dates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

import orjson
from sqlalchemy import Select, bindparam, func, select

from gateway.registry.port import Amount, Contribution, Found, Posting, Record
from gateway.registry.tables import POSTINGS, contributions, employers, employments, members
from gateway.storage.hot import Hot
from gateway.text.values import Month

LOOK_UP_SECONDS: Final = 1.5  # share of the look-up in the 4.0 s of a hop (reliability target)

MONTH_COLUMNS: Final = (
    contributions.c.month,
    contributions.c.status,
    contributions.c.due,
    contributions.c.paid,
    employers.c.regime,
)
OF_EMPLOYERS: Final = contributions.join(employers, employers.c.id == contributions.c.employer_id)


FIND: Final = select(members.c.id, members.c.msisdn).where(
    members.c.number == bindparam("number"), members.c.birth_date == bindparam("born")
)


OWN: Final = select(members.c.number, members.c.birth_date).where(members.c.id == bindparam("member"))


def record_statement(is_sqlite: bool) -> Select[Any]:
    """A member with her months as one JSON cell: a cell costs less to carry than a row."""
    row = func.json_array if is_sqlite else func.json_build_array
    gathered = func.json_group_array if is_sqlite else func.json_agg
    months = (
        select(gathered(row(*MONTH_COLUMNS)))
        .select_from(OF_EMPLOYERS)
        .where(contributions.c.member_id == members.c.id, contributions.c.month >= bindparam("since"))
        .scalar_subquery()
    )
    return select(months).where(members.c.id == bindparam("member"))


HISTORY: Final = (
    select(*MONTH_COLUMNS)
    .select_from(OF_EMPLOYERS)
    .where(contributions.c.member_id == bindparam("member"))
    .order_by(contributions.c.month, contributions.c.employer_id)
)

AMOUNTS: Final = (
    select(
        contributions.c.month,
        employers.c.name_lo,
        employers.c.name_latin,
        contributions.c.due,
        contributions.c.paid,
    )
    .join(employers, employers.c.id == contributions.c.employer_id)
    .where(contributions.c.member_id == bindparam("member"), contributions.c.month >= bindparam("since"))
    .order_by(contributions.c.month.desc(), contributions.c.employer_id)
)

EMPLOYMENTS: Final = select(employments.c.started_on, employments.c.ended_on).where(
    employments.c.member_id == bindparam("member")
)


class SqlRegistry:
    """The `Registry` of the port on one database; `today` says up to when an open employment has run."""

    def __init__(self, hot: Hot, today: Callable[[], date], within: float = LOOK_UP_SECONDS) -> None:
        self._hot, self._today, self._within = hot, today, within
        self._find = hot.statement(FIND)
        self._own = hot.statement(OWN)
        self._record = hot.statement(record_statement(hot.is_sqlite))
        self._amounts = hot.statement(AMOUNTS)
        self._history = hot.statement(HISTORY)
        self._employments = hot.statement(EMPLOYMENTS)

    def find(self, number: str, born: date) -> Found | None:
        if not (number.isascii() and number.isdigit()):
            return None
        rows = self._hot.rows(self._find, {"number": number, "born": born.isoformat()}, self._within)
        return Found(str(rows[0][0]), rows[0][1]) if rows else None

    def own(self, member: str) -> Sequence[str]:
        rows = self._hot.rows(self._own, {"member": int(member)}, self._within)
        return tuple(str(value) for row in rows for value in row)

    def record(self, member: str, since: Month) -> Record | None:
        rows = self._hot.rows(self._record, {"member": int(member), "since": since.index}, self._within)
        if not rows:
            return None
        months = sorted(orjson.loads(rows[0][0] or "[]"))
        return Record(member, tuple(_contribution(*month) for month in months))

    def amounts(self, member: str, since: Month) -> Sequence[Amount]:
        rows = self._hot.rows(self._amounts, {"member": int(member), "since": since.index}, self._within)
        return tuple(
            Amount(Month.from_index(month), (lao, latin), due, paid) for month, lao, latin, due, paid in rows
        )

    def history(self, member: str) -> Sequence[Contribution]:
        rows = self._hot.rows(self._history, {"member": int(member)}, self._within)
        return tuple(_contribution(*row) for row in rows)

    def employed(self, member: str, since: Month) -> Sequence[Month]:
        rows = self._hot.rows(self._employments, {"member": int(member)}, self._within)
        today = self._today()
        months: set[int] = set()
        for started, ended in rows:
            first = max(Month.of(_day(started)).index, since.index)
            last = Month.of(min(_day(ended), today) if ended else today).index
            months.update(range(first, last + 1))
        return tuple(Month.from_index(index) for index in sorted(months))


def _contribution(month: int, status: int, due: int, paid: int, regime: str) -> Contribution:
    posting = POSTINGS[status]
    return Contribution(Month.from_index(month), posting, posting is Posting.POSTED and 0 < due <= paid, regime)


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)
