"""Employers as reminders see them: what is due for a month, what came, and who may be told.

Totals of a firm only: no member is named. One statement reads them all, in the order of their ids; a firm is
finished before the next one is looked at, so that memory stays that of one batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, case, func, select

from gateway.registry.port import Posting
from gateway.registry.tables import CODES, contacts, contributions, employers, stops
from gateway.storage.engines import open_engine
from gateway.text.values import Month

BATCH: Final = 2_000  # rows fetched at a time
BOUNCES: Final = 3  # texts in a row that never arrived: the number is not this employer's any more (proposal)
LATELY: Final = 3  # months before the one in question in which something was posted (EPFO's own rule)


class Stop(StrEnum):
    """Why an employer is not reminded, though nothing came."""

    CLOSED = "closed"
    PLAN = "plan"  # it pays by a plan that was agreed on with the office
    ANSWERED = "answered"  # it said something of the kind, and an officer has not looked yet


class Contact(NamedTuple):
    """Somebody who may be told for an employer; with `bounces` it is retired: so many texts in a row were lost."""

    msisdn: str  # E.164
    language: str
    role: str
    agreed: bool
    bounces: int
    checked_at: int = 0  # when the office gave the number, in seconds since 1970 UTC

    def __repr__(self) -> str:
        return f"Contact({self.role!r})"  # the number stays out of tracebacks and reports


class Firm(NamedTuple):
    """An employer and one month. `due` is 0 where no return says how much."""

    code: str
    due: int  # kip, all its members together
    workers: int  # on the return of this month
    came: int  # of them: members for whom money arrived, posted or not yet
    posted_lately: bool
    contacts: tuple[Contact, ...]
    stops: tuple[tuple[Stop, date | None], ...]  # until when each holds, that day included


def regimes(url: str) -> Sequence[str]:
    """The regimes of the register's employers, that of most of them first; raises what the database raises."""
    with open_engine(url).connect() as connection:
        regime = employers.c.regime
        return connection.scalars(select(regime).group_by(regime).order_by(func.count().desc(), regime)).all()


def firms(url: str, month: Month, regime: str) -> Iterator[Firm]:
    """Every employer of this regime in the register at `url`; raises what the database raises."""
    with open_engine(url).connect() as connection:
        stopped = _stopped(connection.execute(select(stops)).all())
        with connection.execution_options(yield_per=BATCH).execute(_statement(month, regime)) as rows:
            for employer, of_one in groupby(rows, attrgetter("id")):
                yield _firm(list(of_one), stopped.get(employer, ()))


def _firm(rows: Sequence[Any], its_stops: tuple[tuple[Stop, date | None], ...]) -> Firm:
    """One employer out of its rows, one a contact."""
    first = rows[0]
    people = tuple(
        Contact(row.msisdn, row.language, row.role, _agrees(row), row.bounces, row.checked_at)
        for row in rows
        if row.msisdn is not None
    )
    due, workers, came = (int(total or 0) for total in (first.due, first.workers, first.came))
    return Firm(first.code, due, workers, came, bool(first.posted), people, its_stops)


def _agrees(row: Any) -> bool:
    """To be reminded by text; whoever says that it is a wrong number does not."""
    return row.agreed_on is not None and row.disputed_on is None


def _stopped(rows: Sequence[Any]) -> dict[int, tuple[tuple[Stop, date | None], ...]]:
    """Few employers are stopped, so they are read beforehand."""
    found: dict[int, tuple[tuple[Stop, date | None], ...]] = {}
    for row in rows:
        found[row.employer_id] = (*found.get(row.employer_id, ()), (Stop(row.why), row.until))
    return found


def _statement(month: Month, regime: str) -> Select[Any]:
    c = contributions.c
    is_posted, this = c.status == CODES[Posting.POSTED], c.month == month.index
    came = c.status != CODES[Posting.ASSESSED]
    totals = (
        select(
            c.employer_id,
            func.sum(case((this, c.due), else_=0)).label("due"),
            func.sum(case((this, 1), else_=0)).label("workers"),
            func.sum(case((this & came, 1), else_=0)).label("came"),
            func.sum(case((~this & is_posted, 1), else_=0)).label("posted"),
        )
        .where(c.month.between(month.index - LATELY, month.index))
        .group_by(c.employer_id)
        .subquery()
    )
    return (
        select(
            employers.c.id,
            employers.c.code,
            totals.c.due,
            totals.c.workers,
            totals.c.came,
            totals.c.posted,
            contacts.c.msisdn,
            contacts.c.language,
            contacts.c.role,
            contacts.c.agreed_on,
            contacts.c.bounces,
            contacts.c.checked_at,
            contacts.c.disputed_on,
        )
        .outerjoin(totals, totals.c.employer_id == employers.c.id)
        .outerjoin(contacts, contacts.c.employer_id == employers.c.id)
        .where(employers.c.regime == regime)
        .order_by(employers.c.id, contacts.c.msisdn)
    )
