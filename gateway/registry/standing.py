"""What the rows of the register mean for a member today. Pure: values in, values out.

Nothing here is a decision of LSSO. Where the law was not read, the reading chosen is the one that accuses
nobody early and promises nothing that money on the record does not carry.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from gateway.registry.port import Contribution, Dues, Posting
from gateway.registry.scheme import Scheme, TreatmentRule
from gateway.text.values import MONTHS_IN_YEAR, Month

WINDOW_MONTHS: Final = MONTHS_IN_YEAR  # one year is what fits a caller's question "am I paid up?"
LATE_DAYS: Final = 31  # one more wage month: after it a payment that is "on its way" is not (our choice)


class Why(StrEnum):
    """How one month stands, and why."""

    PAID = "paid"  # on her record in full
    NOT_DUE = "not_due"  # the employer still has time
    LATE = "late"  # the due day passed at most LATE_DAYS ago
    UNPAID = "unpaid"  # the due day passed longer ago
    POSTING = "posting"  # the money arrived, the office is posting it
    PARTIAL = "partial"  # less than due is on her record
    UNMATCHED = "unmatched"  # money arrived that fits nobody
    NOBODY = "nobody"  # no employer reported her this month


SHORT_OF_PAID: Final = {  # of several employers' money, the first speaks
    Posting.RECEIVED: Why.POSTING,
    Posting.UNMATCHED: Why.UNMATCHED,
    Posting.POSTED: Why.PARTIAL,
}


@dataclass(frozen=True, slots=True)
class Right:
    """The right to treatment today."""

    live: bool
    until: date | None  # the last day, past or to come; None: there never was a right
    months_short: int  # when not live: paid months that bring it back, from the last completed month on


@lru_cache(maxsize=4)  # every caller of a day asks for the same twelve
def window(today: date) -> tuple[Month, ...]:
    """The twelve calendar months that end with the last completed one, oldest first.

    The month under way is left out: its contribution falls due in the next.
    """
    this_month = Month.of(today)
    return tuple(this_month + -back for back in range(WINDOW_MONTHS, 0, -1))


def judge(
    month: Month, contributions: Collection[Contribution], employed: bool, today: date, scheme: Scheme
) -> Why:
    """How `month` stands, from its rows (one an employer) and whether anybody reported her employed.

    Of several employers the best row speaks, because a month counts once: in full from one of them is paid;
    then money that is being posted, which needs nobody's help; then money that fits nobody, which she or her
    employer can clear up; then a part. Only with no money at all does the calendar decide, by the employer
    that has the most time.
    """
    if any(row.full for row in contributions):
        return Why.PAID
    for posting, why in SHORT_OF_PAID.items():
        if any(row.posting is posting for row in contributions):
            return why
    if not contributions and not employed:
        return Why.NOBODY
    dues = (scheme.due_on(month, regime) for regime in {row.regime for row in contributions} or {None})
    return _by_calendar(max(filter(None, dues), default=None), today)


def judge_firm(total: Dues, today: date, scheme: Scheme) -> Why:
    """How a month of an employer stands: what is posted speaks, then what came, then the calendar."""
    if total.posted:
        return Why.PAID if 0 < total.due <= total.posted else Why.PARTIAL
    if total.came:
        return Why.POSTING
    return _by_calendar(scheme.due_on(total.month, total.regime), today) if total.workers else Why.NOBODY


def right_to_treatment(paid: Collection[Month], today: date, rule: TreatmentRule) -> Right:
    """Whether health care is open today, from the months that are on the record in full.

    With the rule of 2018 (3 of the last 6, continuing 3): the right lives until the end of the third month
    after the latest paid month that has at least 3 paid months among the 6 ending with it. That only months
    posted in full count, and that the six are calendar months, is our reading; LSSO has not confirmed it.
    """
    until = _covered_until(paid, rule)
    if until is not None and today <= until:
        return Right(True, until, 0)
    months, month, short = set(paid), Month.of(today) + -1, 0
    while (covered := _covered_until(months, rule)) is None or covered < today:
        short += month not in months
        months.add(month)
        month += 1
    return Right(False, until, short)


def _by_calendar(due: date | None, today: date) -> Why:
    if due is None or today <= due:  # with no known due day nobody is late
        return Why.NOT_DUE
    return Why.LATE if today <= due + timedelta(days=LATE_DAYS) else Why.UNPAID


def _covered_until(paid: Collection[Month], rule: TreatmentRule) -> date | None:
    """The last day of the right that these months give, None where they give none."""
    months = sorted(set(paid))
    for earliest in range(len(months) - rule.qualifying, -1, -1):
        latest = months[earliest + rule.qualifying - 1]
        if latest - months[earliest] < rule.within:
            return (latest + rule.tail).last
    return None
