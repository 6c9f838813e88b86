"""Look-ups on real databases: who is behind a phone, what was paid, who was employed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import pytest

from gateway.registry.port import Contribution, Found, Posting, Registry
from gateway.registry.sql import SqlRegistry
from gateway.storage.hot import Hot
from gateway.storage.links import Compiled, Row, Values
from gateway.text.values import Month
from tests.registry.rows import BORN, SHARED, few

REGIME = "enterprise"
TODAY = date(2026, 7, 15)
JANUARY, FEBRUARY, MARCH, APRIL = (Month(2026, number) for number in range(1, 5))


class Counting(Hot):
    """Counts statements, because a look-up may cost only one."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.count = 0
        self.within = 0.0

    def rows(self, compiled: Compiled, values: Values, within: float) -> list[Row]:
        self.count += 1
        self.within = within
        return super().rows(compiled, values, within)


@pytest.fixture
def hot(database_url: str) -> Iterator[Counting]:
    hot = Counting(few(database_url))
    yield hot
    hot.close()


@pytest.fixture
def registry(hot: Counting) -> Registry:
    return SqlRegistry(hot, today=lambda: TODAY)


def record(registry: Registry, member: str, since: Month) -> Sequence[Contribution]:
    found = registry.record(member, since)
    assert found
    assert found.member == member
    return found.contributions


def test_a_record_starts_with_the_month_asked_for_and_tells_full_from_part(registry: Registry) -> None:
    assert record(registry, "1", FEBRUARY) == (
        Contribution(FEBRUARY, Posting.POSTED, full=True, regime=REGIME),
        Contribution(MARCH, Posting.POSTED, full=False, regime=REGIME),
        Contribution(APRIL, Posting.RECEIVED, full=False, regime=REGIME),
    )
    assert record(registry, "2", FEBRUARY) == (Contribution(MARCH, Posting.UNMATCHED, full=False, regime=REGIME),)


def test_two_employers_in_one_month_are_two_rows(registry: Registry) -> None:
    assert [(c.posting, c.full) for c in record(registry, "3", MARCH)] == [
        (Posting.ASSESSED, False),
        (Posting.POSTED, True),
    ]


def test_nothing_due_is_never_paid_in_full(registry: Registry) -> None:
    assert record(registry, "3", FEBRUARY)[0] == Contribution(FEBRUARY, Posting.POSTED, full=False, regime=REGIME)


def test_a_member_without_contributions_is_still_found(registry: Registry) -> None:
    assert record(registry, "4", JANUARY) == ()
    assert record(registry, "1", Month(2027, 1)) == ()
    assert registry.record("999", JANUARY) is None


def test_number_and_birth_date_find_a_member_and_her_phone(registry: Registry) -> None:
    assert registry.find("9900001234", BORN) == Found("1", SHARED)
    assert registry.find("9900005678", BORN) == Found("2", SHARED)
    assert registry.find("9900001234", BORN + timedelta(days=1)) is None


@pytest.mark.parametrize("number", ["", "%", "1234", "9900001%", "99000012345", "໙໙໐໐໐໐໑໒໓໔", "²", "' OR ''='"])
def test_what_is_not_a_whole_number_finds_nobody(registry: Registry, number: str) -> None:
    assert registry.find(number, BORN) is None


def test_amounts_are_newest_first_with_their_employer(registry: Registry) -> None:
    amounts = registry.amounts("1", FEBRUARY)
    assert [amount.month for amount in amounts] == [APRIL, MARCH, FEBRUARY]
    assert amounts[-1].due == amounts[-1].paid > 0
    assert all(any(amount.employer) for amount in amounts)
    assert registry.amounts("999", JANUARY) == ()


def test_a_look_up_is_one_statement_within_the_share_of_a_hop(registry: Registry, hot: Counting) -> None:
    for ask in (
        lambda: registry.record("1", JANUARY),
        lambda: registry.find("9900001234", BORN),
        lambda: registry.amounts("1", JANUARY),
    ):
        hot.count = 0
        ask()
        assert (hot.count, hot.within) == (1, 1.5)


def test_history_has_every_month(registry: Registry) -> None:
    assert [c.month for c in registry.history("1")] == [JANUARY, FEBRUARY, MARCH, APRIL]
    assert registry.history("4") == ()
    assert registry.history("999") == ()


def test_employed_counts_every_month_touched_up_to_today(registry: Registry) -> None:
    months = [Month(2025, 12), JANUARY, FEBRUARY, *(Month(2026, n) for n in (5, 6, 7))]
    assert registry.employed("1", since=Month(2025, 1)) == tuple(months)
    assert registry.employed("1", since=FEBRUARY) == tuple(months[2:])
    assert registry.employed("2", since=Month(2026, 6)) == (Month(2026, 6), Month(2026, 7))
    assert registry.employed("3", since=JANUARY) == ()  # starts after today
    assert registry.employed("5", since=JANUARY) == ()


def test_a_register_without_tables_is_out_of_reach(database_url: str) -> None:
    hot = Hot(database_url)
    with pytest.raises(ConnectionError):
        SqlRegistry(hot, today=lambda: TODAY).record("1", since=JANUARY)
    hot.close()
