"""The register in our own tables (`tables.py`): three statements, each read once and answered whole.

A look-up is on a caller's hop, so statements are compiled when the registry is built and rows come back
as the driver gives them: SQLite says dates as text, PostgreSQL as dates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

import orjson
from sqlalchemy import Select, bindparam, func, select

from gateway.registry.port import Contribution, Posting, Record
from gateway.registry.tables import POSTINGS, contributions, employments, members
from gateway.storage.hot import Hot
from gateway.text.values import Month

LOOK_UP_SECONDS: Final = 1.5  # share of the look-up in the 4.0 s of a hop (reliability target)

MONTH_COLUMNS: Final = (
    contributions.c.month,
    contributions.c.status,
    contributions.c.due,
    contributions.c.paid,
)


def records_statement(is_sqlite: bool, with_ending: bool) -> Select[Any]:
    """Members of one number, each with her months as one JSON cell: a cell costs less to carry than a row.

    Only a look-up that asks for it gets `ending`: SQLite plans a LIKE of a parameter anew at each call, at
    three times the look-up's cost.
    """
    row = func.json_array if is_sqlite else func.json_build_array
    gathered = func.json_group_array if is_sqlite else func.json_agg
    months = (
        select(gathered(row(*MONTH_COLUMNS)))
        .where(contributions.c.member_id == members.c.id, contributions.c.month >= bindparam("since"))
        .scalar_subquery()
    )
    of_number = select(members.c.id, months).where(members.c.msisdn == bindparam("msisdn")).order_by(members.c.id)
    return of_number.where(members.c.number.like(bindparam("ending"))) if with_ending else of_number


HISTORY: Final = (
    select(*MONTH_COLUMNS)
    .where(contributions.c.member_id == bindparam("member"))
    .order_by(contributions.c.month, contributions.c.employer_id)
)

EMPLOYMENTS: Final = select(employments.c.started_on, employments.c.ended_on).where(
    employments.c.member_id == bindparam("member")
)


class SqlRegistry:
    """The `Registry` of the port on one database; `today` says up to when an open employment has run."""

    def __init__(self, hot: Hot, today: Callable[[], date], within: float = LOOK_UP_SECONDS) -> None:
        self._hot, self._today, self._within = hot, today, within
        self._records = hot.statement(records_statement(hot.is_sqlite, with_ending=False))
        self._records_ending = hot.statement(records_statement(hot.is_sqlite, with_ending=True))
        self._history = hot.statement(HISTORY)
        self._employments = hot.statement(EMPLOYMENTS)

    def records(self, msisdn: str, since: Month, digits: str | None = None) -> Sequence[Record]:
        if not msisdn or not (digits is None or (digits.isascii() and digits.isdigit())):
            return ()
        values: dict[str, object] = {"msisdn": msisdn, "since": since.index}
        statement = self._records
        if digits is not None:
            statement, values["ending"] = self._records_ending, f"%{digits}"
        rows = self._hot.rows(statement, values, self._within)
        return tuple(
            Record(str(member), tuple(_contribution(*month) for month in sorted(orjson.loads(months or "[]"))))
            for member, months in rows
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


def _contribution(month: int, status: int, due: int, paid: int) -> Contribution:
    posting = POSTINGS[status]
    return Contribution(Month.from_index(month), posting, full=posting is Posting.POSTED and 0 < due <= paid)


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)
