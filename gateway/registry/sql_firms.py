"""The `Firms` of the port in our own tables: totals of one employer, added up by the database on a caller's hop.

The totals come from `ix_contributions_employer_id` alone: an employer of 3,500 members is one range of it, and no
row of a member is fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, bindparam, case, func, literal, select

from gateway.registry.firms import BOUNCES
from gateway.registry.port import Dues, Posting
from gateway.registry.sql import LOOK_UP_SECONDS
from gateway.registry.tables import CODES, contacts, contributions, employers
from gateway.storage.hot import Hot
from gateway.text.values import Month

OF_CODE: Final = employers.c.code == bindparam("code")

SPEAKS_FOR: Final = (
    select(literal(1))
    .select_from(employers.join(contacts, contacts.c.employer_id == employers.c.id))
    .where(
        OF_CODE,
        contacts.c.msisdn == bindparam("msisdn"),
        contacts.c.disputed_on.is_(None),  # whoever answered that it is a wrong number reads nothing more
        contacts.c.bounces < BOUNCES,
    )
)


def dues_statement() -> Select[Any]:
    """Each month of one employer as a row: month, kip due, kip posted, workers, of them with money, its regime."""
    c = contributions.c
    employer, regime = (
        select(column).where(OF_CODE).scalar_subquery() for column in (employers.c.id, employers.c.regime)
    )
    came = case((c.status != CODES[Posting.ASSESSED], 1), else_=0)
    return (
        select(c.month, func.sum(c.due), func.sum(c.paid), func.count(), func.sum(came), regime)
        .where(c.employer_id == employer, c.month >= bindparam("since"))
        .group_by(c.month)
        .order_by(c.month.desc())
    )


class SqlFirms:
    """The employers of one database."""

    def __init__(self, hot: Hot, within: float = LOOK_UP_SECONDS) -> None:
        self._hot, self._within = hot, within
        self._speaks_for = hot.statement(SPEAKS_FOR)
        self._dues = hot.statement(dues_statement())

    def speaks_for(self, msisdn: str, code: str) -> bool:
        return bool(self._hot.rows(self._speaks_for, {"msisdn": msisdn, "code": code}, self._within))

    def dues(self, code: str, since: Month) -> Sequence[Dues]:
        rows = self._hot.rows(self._dues, {"code": code, "since": since.index}, self._within)
        return tuple(
            Dues(Month.from_index(month), int(due), int(posted), workers, int(came), regime)
            for month, due, posted, workers, came, regime in rows
        )
