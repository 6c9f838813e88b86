"""What a month means today, at the edges of months and due days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise, permutations
from typing import NamedTuple, cast

import pytest

from gateway.registry.port import Contribution, Dues, Posting
from gateway.registry.scheme import Scheme, TreatmentRule, load_scheme
from gateway.registry.standing import Right, Why, judge, judge_firm, right_to_treatment, window
from gateway.text.values import Month

SCHEME = load_scheme()
RULE = TreatmentRule(qualifying=3, within=6, tail=3)
MONTH = Month(2026, 9)  # due on 31 October 2026, late until 1 December
ASSESSED, RECEIVED, UNMATCHED = (
    Contribution(MONTH, posting, full=False) for posting in (Posting.ASSESSED, Posting.RECEIVED, Posting.UNMATCHED)
)
PART = Contribution(MONTH, Posting.POSTED, full=False)
FULL = Contribution(MONTH, Posting.POSTED, full=True)


@pytest.mark.parametrize(
    ("today", "first", "last"),
    [
        (date(2026, 11, 23), Month(2025, 11), Month(2026, 10)),
        (date(2026, 11, 1), Month(2025, 11), Month(2026, 10)),
        (date(2026, 11, 30), Month(2025, 11), Month(2026, 10)),
        (date(2027, 1, 1), Month(2026, 1), Month(2026, 12)),
        (date(2028, 2, 29), Month(2027, 2), Month(2028, 1)),
        (date(2028, 3, 1), Month(2027, 3), Month(2028, 2)),
    ],
)
def test_window_ends_with_the_last_completed_month(today: date, first: Month, last: Month) -> None:
    months = window(today)
    assert (months[0], months[-1], len(months)) == (first, last, 12)
    assert all(after - before == 1 for before, after in pairwise(months))


@pytest.mark.parametrize(
    ("today", "why"),
    [
        (date(2026, 9, 15), Why.NOT_DUE),
        (date(2026, 10, 30), Why.NOT_DUE),
        (date(2026, 10, 31), Why.NOT_DUE),  # the due day itself
        (date(2026, 11, 1), Why.LATE),
        (date(2026, 12, 1), Why.LATE),  # 31 days after
        (date(2026, 12, 2), Why.UNPAID),
        (date(2027, 9, 1), Why.UNPAID),
    ],
)
def test_without_money_the_calendar_decides(today: date, why: Why) -> None:
    assert judge(MONTH, [ASSESSED], employed=True, today=today, scheme=SCHEME) is why
    assert judge(MONTH, [ASSESSED], employed=False, today=today, scheme=SCHEME) is why
    assert judge(MONTH, [], employed=True, today=today, scheme=SCHEME) is why
    assert judge(MONTH, [], employed=False, today=today, scheme=SCHEME) is Why.NOBODY


@pytest.mark.parametrize(
    ("month", "last_day_in_time"),
    [
        (Month(2028, 1), date(2028, 2, 29)),
        (Month(2027, 1), date(2027, 2, 28)),
        (Month(2026, 11), date(2026, 12, 31)),
    ],
)
def test_the_due_day_follows_the_calendar(month: Month, last_day_in_time: date) -> None:
    the_day_after = date.fromordinal(last_day_in_time.toordinal() + 1)
    assert judge(month, [], employed=True, today=last_day_in_time, scheme=SCHEME) is Why.NOT_DUE
    assert judge(month, [], employed=True, today=the_day_after, scheme=SCHEME) is Why.LATE


def test_where_no_due_day_is_known_nobody_is_late() -> None:
    long_ago = Month(2010, 1)
    assert judge(long_ago, [], employed=True, today=date(2026, 11, 23), scheme=SCHEME) is Why.NOT_DUE


@pytest.mark.parametrize("today", [date(2026, 9, 30), date(2026, 10, 31), date(2027, 5, 1)])
@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([FULL], Why.PAID),
        ([PART], Why.PARTIAL),
        ([RECEIVED], Why.POSTING),
        ([UNMATCHED], Why.UNMATCHED),
        ([ASSESSED, PART, UNMATCHED, RECEIVED, FULL], Why.PAID),
        ([ASSESSED, PART, UNMATCHED, RECEIVED], Why.POSTING),
        ([ASSESSED, PART, UNMATCHED], Why.UNMATCHED),
        ([ASSESSED, PART], Why.PARTIAL),
    ],
)
def test_of_several_employers_the_best_row_speaks(rows: list[Contribution], why: Why, today: date) -> None:
    for order in permutations(rows):
        assert judge(MONTH, order, employed=True, today=today, scheme=SCHEME) is why


class Regimes(NamedTuple):
    """A scheme of two due days; a third regime has none."""

    days: Mapping[str | None, date]

    def due_on(self, _month: Month, regime: str | None = None) -> date | None:
        return self.days.get(regime)


EARLY, LATEST = date(2026, 10, 12), date(2026, 10, 31)
TWO = cast(Scheme, Regimes({"state": EARLY, "enterprise": LATEST, None: LATEST}))


@pytest.mark.parametrize(
    ("regimes", "why"),
    [
        (["state"], Why.LATE),
        (["enterprise"], Why.NOT_DUE),
        ([None], Why.NOT_DUE),
        (["enterprise", "state"], Why.NOT_DUE),  # one of her employers still has time
        (["farmers"], Why.NOT_DUE),  # nobody knows
        ([], Why.NOT_DUE),
    ],
)
def test_each_employer_is_judged_by_its_regime(regimes: list[str | None], why: Why) -> None:
    rows = [ASSESSED._replace(regime=regime) for regime in regimes]
    assert judge(MONTH, rows, employed=True, today=date(2026, 10, 20), scheme=TWO) is why
    for regime in regimes[:1]:
        firm = Dues(MONTH, due=100, posted=0, workers=2, came=0, regime=regime)
        assert judge_firm(firm, date(2026, 10, 20), TWO) is (Why.LATE if regime == "state" else Why.NOT_DUE)


def months(*back: int, today: date = date(2026, 11, 23)) -> set[Month]:
    """Months so many before the last completed one."""
    return {Month.of(today) + (-1 - n) for n in back}


@pytest.mark.parametrize(
    ("back", "right"),
    [
        ((), Right(False, None, 3)),
        ((0,), Right(False, None, 2)),
        ((0, 1), Right(False, None, 1)),
        ((0, 1, 2), Right(True, date(2027, 1, 31), 0)),
        ((0, 4, 5), Right(True, date(2027, 1, 31), 0)),  # three of exactly six
        ((0, 5, 6), Right(False, None, 2)),  # three of seven; by next month the old ones have left the six
        ((2, 3, 4), Right(True, date(2026, 11, 30), 0)),  # the last month of the tail
        ((3, 4, 5), Right(False, date(2026, 10, 31), 1)),  # ended last month; one more month revives it
        ((5, 6, 7), Right(False, date(2026, 8, 31), 3)),  # the old ones leave as new ones come
        ((8, 9, 10), Right(False, date(2026, 5, 31), 3)),
        ((0, 8, 9, 10), Right(False, date(2026, 5, 31), 2)),
        (tuple(range(24)), Right(True, date(2027, 1, 31), 0)),
    ],
)
def test_right_to_treatment(back: tuple[int, ...], right: Right) -> None:
    assert right_to_treatment(months(*back), date(2026, 11, 23), RULE) == right


def test_the_right_ends_with_the_last_day_of_its_month() -> None:
    paid = {Month(2027, 9), Month(2027, 10), Month(2027, 11)}
    assert right_to_treatment(paid, date(2028, 2, 29), RULE) == Right(True, date(2028, 2, 29), 0)
    assert right_to_treatment(paid, date(2028, 3, 1), RULE) == Right(False, date(2028, 2, 29), 1)


def test_a_month_paid_ahead_counts() -> None:
    today = date(2026, 11, 23)
    paid = {Month(2026, 9), Month(2026, 10), Month(2026, 11)}
    assert right_to_treatment(paid, today, RULE) == Right(True, date(2027, 2, 28), 0)
    assert right_to_treatment({Month(2026, 11)}, today, RULE) == Right(False, None, 2)


def test_so_many_months_short_is_exactly_enough() -> None:
    """Paying that many from the last completed month on brings the right back; one fewer does not."""
    today, last = date(2026, 11, 23), Month(2026, 10)
    for pattern in range(2**9):
        paid = {last + -back for back in range(9) if pattern >> back & 1}
        right = right_to_treatment(paid, today, RULE)
        assert right.live == (right.months_short == 0)
        ahead = [month for month in (last + n for n in range(4)) if month not in paid]
        if not right.live:
            enough = paid.union(ahead[: right.months_short])
            assert right_to_treatment(enough, today, RULE).live
            assert not right_to_treatment(paid.union(ahead[: right.months_short - 1]), today, RULE).live


@pytest.mark.parametrize(
    ("due", "posted", "workers", "came", "why"),
    [
        (100, 100, 2, 2, Why.PAID),
        (100, 101, 2, 2, Why.PAID),
        (100, 99, 2, 2, Why.PARTIAL),
        (0, 99, 1, 1, Why.PARTIAL),  # posted in full of what? no return says how much
        (100, 0, 2, 1, Why.POSTING),
        (100, 0, 2, 0, Why.LATE),
        (0, 0, 2, 0, Why.LATE),
        (0, 0, 0, 0, Why.NOBODY),
    ],
)
def test_how_a_month_of_a_firm_stands(due: int, posted: int, workers: int, came: int, why: Why) -> None:
    assert judge_firm(Dues(MONTH, due, posted, workers, came), date(2026, 11, 23), SCHEME) is why


@pytest.mark.parametrize(
    ("today", "why"),
    [
        (date(2026, 10, 31), Why.NOT_DUE),
        (date(2026, 11, 1), Why.LATE),
        (date(2026, 12, 1), Why.LATE),
        (date(2026, 12, 2), Why.UNPAID),
    ],
)
def test_a_month_nothing_came_for_goes_by_the_calendar(today: date, why: Why) -> None:
    assert judge_firm(Dues(MONTH, due=100, posted=0, workers=2, came=0), today, SCHEME) is why
