"""The people named to try, on any day: what the register, the scheme and the calendar make of their stories."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gateway.registry.sample import NoSampleError, Sample, samples
from gateway.registry.scheme import load_scheme
from gateway.registry.seed import seed
from gateway.registry.sql import SqlRegistry
from gateway.registry.standing import Why
from gateway.storage.hot import Hot
from gateway.storage.schema import upgrade
from gateway.text.values import Month

SCHEME = load_scheme()
DAYS = [
    date(2026, 11, 1),
    date(2026, 11, 23),
    date(2026, 11, 30),
    date(2026, 12, 31),
    date(2027, 1, 1),
    date(2027, 3, 1),  # December is still within its 31 days
    date(2027, 3, 4),
    date(2028, 2, 29),
]
LETTERS = {
    Why.PAID: "P",
    Why.NOT_DUE: ".",
    Why.LATE: "L",
    Why.UNPAID: "X",
    Why.POSTING: "R",
    Why.PARTIAL: "H",
    Why.UNMATCHED: "U",
    Why.NOBODY: "-",
}


def seeded(url: str, today: date, asked: date | None = None) -> list[Sample]:
    seed(url, 6, 1, 12, today, SCHEME)
    hot = Hot(url)
    try:
        return list(samples(SqlRegistry(hot, lambda: asked or today), asked or today, SCHEME))
    finally:
        hot.close()


def letters(sample: Sample) -> str:
    """The last completed month first."""
    return "".join(LETTERS[why] for why in reversed(sample.months.values()))


@pytest.mark.parametrize("today", DAYS)
def test_stories_are_true_on_any_day(tmp_path: Path, today: date) -> None:
    paid, gaps, left, joined, shares, shared, stranger = seeded(f"sqlite:///{tmp_path}/test.db", today)
    last = Month.of(today) + -1
    assert letters(paid) == letters(shares) == "P" * 12
    assert letters(gaps) == "RLPPPXHUXPPP"
    assert letters(left) == "-----PPPPPPP"
    assert letters(joined) == ".P----------"
    assert letters(shared).replace("X", "L") == ".LLLLPPPPPPP"
    assert [sample.right and sample.right.live for sample in (paid, gaps, left, joined, shared)] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert paid.right is not None
    assert paid.right.until == (last + 3).last
    assert joined.right is not None
    assert (joined.right.until, joined.right.months_short) == (None, 2)
    assert shares.phone == shared.phone
    assert len({paid.phone, gaps.phone, left.phone, joined.phone, shares.phone, stranger.phone}) == 6
    assert stranger.number is None


def test_on_postgresql_too(postgres_url: str) -> None:
    assert letters(seeded(postgres_url, DAYS[1])[1]) == "RLPPPXHUXPPP"


def test_a_month_later_it_tells_what_is_so_then(tmp_path: Path) -> None:
    gaps = seeded(f"sqlite:///{tmp_path}/test.db", date(2026, 11, 23), asked=date(2026, 12, 23))[1]
    assert letters(gaps) == ".RXPPPXHUXPP"


def test_it_reads_as_sentences(tmp_path: Path) -> None:
    found = seeded(f"sqlite:///{tmp_path}/test.db", date(2026, 11, 23))
    assert found[0].sees == "12 of the last 12 months are paid. Right to treatment until 2027-01-31."
    assert found[2].sees.endswith("Right to treatment ended on 2026-08-31: back after 3 more paid months.")
    assert found[3].sees.endswith("No right to treatment yet: after 2 more paid months.")
    assert found[-1].sees == "No record can be shown."


def test_without_synthetic_people_it_says_so(database_url: str) -> None:
    upgrade(database_url, {"register"})
    hot = Hot(database_url)
    with pytest.raises(NoSampleError):
        samples(SqlRegistry(hot, lambda: DAYS[0]), DAYS[0], SCHEME)
    hot.close()
