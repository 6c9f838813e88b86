"""What employers in the two arms did: for which months they are counted, and whether they paid them on time.

**Counted** is an employer from the first month on whose first text it would have got, in every later month that
was tried, whether it would have got that text or not. Who pays early, says STOP or falls silent later may do so
because of earlier texts; to leave it out then would compare unlike with unlike.

**On time** is a month for which something was posted by its last day, for one worker at least: the rule by which
reminders end, too. The register knows the day of posting, not of payment, and the office posts days later; so
the last day is the due day and some days more (`POSTING_DAYS`). Who pays within them is on time here, who paid on
the due day and was posted after them is not. Money without a day of posting is not on time: `undated` counts it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, and_, case, func, select

from gateway.registry.firms import BATCH
from gateway.registry.port import Posting
from gateway.registry.tables import CODES, arms, contributions, employers, trials
from gateway.reminders.arms import Arm
from gateway.storage.engines import open_engine
from gateway.text.values import Month

POSTING_DAYS: Final = 10  # from payment to posting at most (proposal: no source says how long LSSO's office takes)


class Outcome(NamedTuple):
    """One employer and one month. `undated`: money came, and nobody knows on which day."""

    code: str
    month: Month
    arm: Arm
    stratum: str
    on_time: bool
    undated: bool


def tried(url: str) -> Sequence[Month]:
    """The months whose first text was sent with some employers held out, oldest first."""
    with open_engine(url).connect() as connection:
        found = connection.scalars(select(trials.c.month).distinct().order_by(trials.c.month))
        return [Month.from_index(index) for index in found]


def outcomes(url: str, month: Month, last_day: Callable[[str], date | None]) -> Iterator[Outcome]:
    """What every employer that is counted did about this month, if its regime was tried, by that one's last day.

    One of a regime without a due day is left out. Raises what the database raises.
    """
    with open_engine(url).connect() as connection:
        for row in connection.execution_options(yield_per=BATCH).execute(_statement(month)):
            last = last_day(row.regime)
            if last is None:
                continue
            on_time = row.posted_on is not None and row.posted_on <= last
            undated = not on_time and bool(row.undated)
            yield Outcome(row.code, month, Arm(row.arm), row.stratum, on_time, undated)


def _statement(month: Month) -> Select[Any]:
    c = contributions.c
    counted = select(trials.c.employer_id).where(trials.c.month <= month.index).distinct().subquery()
    of_trials = select(employers.c.regime).join(trials, trials.c.employer_id == employers.c.id)
    tried_now = of_trials.where(trials.c.month == month.index).distinct()
    came_some_day = and_(c.status != CODES[Posting.ASSESSED], c.posted_on.is_(None))
    came = (
        select(
            c.employer_id,
            func.min(case((c.status == CODES[Posting.POSTED], c.posted_on))).label("posted_on"),
            func.sum(case((came_some_day, 1), else_=0)).label("undated"),
        )
        .where(c.month == month.index)
        .group_by(c.employer_id)
        .subquery()
    )
    return (
        select(employers.c.code, employers.c.regime, arms.c.arm, arms.c.stratum, came.c.posted_on, came.c.undated)
        .join(arms, arms.c.employer_id == employers.c.id)
        .join(counted, counted.c.employer_id == employers.c.id)
        .outerjoin(came, came.c.employer_id == employers.c.id)
        .where(employers.c.regime.in_(tried_now))
        .order_by(employers.c.id)
    )
