"""Look-ups on real databases: who is behind a phone, what was paid, who was employed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from gateway.registry.port import Contribution, Posting, Record, Registry
from gateway.registry.sql import SqlRegistry
from gateway.storage.hot import Hot
from gateway.storage.links import Compiled, Row, Values
from gateway.text.values import Month
from tests.registry.rows import ALONE, NEW, SHARED, few

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


def test_a_record_starts_with_the_month_asked_for_and_tells_full_from_part(registry: Registry) -> None:
    first, second = registry.records(SHARED, since=FEBRUARY)
    assert first == Record(
        "1",
        (
            Contribution(FEBRUARY, Posting.POSTED, full=True),
            Contribution(MARCH, Posting.POSTED, full=False),
            Contribution(APRIL, Posting.RECEIVED, full=False),
        ),
    )
    assert second == Record("2", (Contribution(MARCH, Posting.UNMATCHED, full=False),))


def test_two_employers_in_one_month_are_two_rows(registry: Registry) -> None:
    (record,) = registry.records(ALONE, since=MARCH)
    assert [(c.posting, c.full) for c in record.contributions] == [
        (Posting.ASSESSED, False),
        (Posting.POSTED, True),
    ]


def test_nothing_due_is_never_paid_in_full(registry: Registry) -> None:
    (record,) = registry.records(ALONE, since=FEBRUARY)
    assert record.contributions[0] == Contribution(FEBRUARY, Posting.POSTED, full=False)


def test_a_member_without_contributions_is_still_found(registry: Registry) -> None:
    assert registry.records(NEW, since=JANUARY) == (Record("4", ()),)
    assert [record.contributions for record in registry.records(SHARED, since=Month(2027, 1))] == [(), ()]


@pytest.mark.parametrize(
    ("digits", "members"),
    [("1234", ["1"]), ("5678", ["2"]), ("0000", []), ("", ["1", "2"]), ("9900001234", ["1"])],
)
def test_digits_choose_among_members_of_one_phone(registry: Registry, digits: str, members: list[str]) -> None:
    assert [record.member for record in registry.records(SHARED, since=JANUARY, digits=digits or None)] == members


@pytest.mark.parametrize("digits", ["", "%", "_234", "12a4", "໑໒໓໔", "²"])
def test_what_is_not_digits_fits_nobody(registry: Registry, digits: str) -> None:
    assert registry.records(SHARED, since=JANUARY, digits=digits) == ()


@pytest.mark.parametrize("msisdn", ["", "%", "+8562029999999", "2020000001", "' OR ''='"])
def test_a_phone_on_no_record_finds_nobody(registry: Registry, msisdn: str) -> None:
    assert registry.records(msisdn, since=JANUARY) == ()


def test_a_look_up_is_one_statement_within_the_share_of_a_hop(registry: Registry, hot: Counting) -> None:
    registry.records(SHARED, since=JANUARY, digits="1234")
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
        SqlRegistry(hot, today=lambda: TODAY).records(SHARED, since=JANUARY)
    hot.close()
