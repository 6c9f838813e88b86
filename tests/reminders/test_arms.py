"""Who is held out: drawn at random, in every size alike, once and for ever."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import date
from random import Random

import pytest
from sqlalchemy import select

from gateway.registry.bulk import write_rows
from gateway.registry.tables import arms, employers, trials
from gateway.reminders.arms import STRATA, Arm, Block, assign, held_out, note, stratum_of
from gateway.storage.engines import open_engine
from gateway.storage.schema import upgrade
from gateway.text.values import Month

EMPLOYERS = 437
TODAY = date(2026, 11, 26)
OCTOBER = Month(2026, 10)
WORKERS = (0, 1, 9, 10, 49, 50, 249, 250)  # both ends of every size


def code(number: int) -> str:
    return f"{number:05d}-01"


def some(first: int, last: int) -> dict[str, int]:
    """Employers of every size, by code."""
    return {code(number): WORKERS[number % len(WORKERS)] for number in range(first, last + 1)}


def drawn(url: str) -> dict[str, tuple[str, str]]:
    """Arm and stratum of every employer that has one."""
    with open_engine(url).connect() as connection:
        rows = connection.execute(select(employers.c.code, arms.c.arm, arms.c.stratum).join(arms))
        return {row.code: (row.arm, row.stratum) for row in rows}


@pytest.fixture
def url(database_url: str) -> str:
    upgrade(database_url, {"register"})
    with open_engine(database_url).begin() as connection:
        write_rows(
            connection, employers, ((n, code(n), "", "Thotlong", "enterprise") for n in range(1, EMPLOYERS + 1))
        )
    return database_url


def test_sizes_are_classed_by_their_ends() -> None:
    classes = [stratum_of(workers) for workers in WORKERS]
    assert classes == ["none", "1-9", "1-9", "10-49", "10-49", "50-249", "50-249", "250+"]
    assert set(classes) == set(STRATA)


@pytest.mark.parametrize("percent", [1, 10, 15, 50])
@pytest.mark.parametrize("at_a_time", [7, EMPLOYERS])
def test_every_size_has_its_share_within_one_block(url: str, percent: int, at_a_time: int) -> None:
    for first in range(1, EMPLOYERS + 1, at_a_time):
        assign(url, some(first, min(first + at_a_time - 1, EMPLOYERS)), percent, Random(first), TODAY)
    sizes = Counter(stratum for _arm, stratum in drawn(url).values())
    held = Counter(stratum for arm, stratum in drawn(url).values() if arm == Arm.HELD_OUT)
    assert sizes.total() == EMPLOYERS
    assert set(sizes) == set(STRATA)
    size, quota = Block.of(percent)
    for stratum in STRATA:
        assert 0 <= held[stratum] - sizes[stratum] // size * quota <= quota


def test_no_place_in_a_block_can_be_foreseen() -> None:
    """Of 2,000 blocks of ten, each place is held out in 200, give or take four standard errors."""
    places = Counter[int]()
    for seed in range(2_000):
        random, held = Random(seed), 0
        for place in range(10):
            if Block.of(10).draw(place, held, random) is Arm.HELD_OUT:
                held += 1
                places[place] += 1
        assert held == 1
    assert all(146 < places[place] < 254 for place in range(10))


def test_nothing_moves_an_employer_that_was_drawn(url: str) -> None:
    first = assign(url, some(1, 200), 10, Random(1), TODAY)
    before = drawn(url)
    assert 15 <= len(first) <= 25
    grown = dict.fromkeys(some(1, 200), 1_000)
    assert assign(url, grown, 10, Random(2), TODAY) == first
    assert assign(url, grown, 40, Random(3), date(2027, 11, 26)) == first
    assert drawn(url) == before
    later = assign(url, some(1, EMPLOYERS), 40, Random(4), TODAY)
    assert first < later == held_out(url)
    new = len(later - first) / (EMPLOYERS - 200)
    assert 0.35 < new < 0.45
    assert {code: drawn(url)[code] for code in before} == before


def test_schedulers_at_once_draw_each_employer_once_and_agree(url: str) -> None:
    told: list[frozenset[str]] = []
    barrier = threading.Barrier(3, timeout=30)

    def schedule(seed: int) -> None:
        barrier.wait()
        told.append(assign(url, some(1, EMPLOYERS), 10, Random(seed), TODAY))

    threads = [threading.Thread(target=schedule, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert told == [held_out(url)] * 3
    assert len(drawn(url)) == EMPLOYERS
    held = Counter(stratum for arm, stratum in drawn(url).values() if arm == Arm.HELD_OUT)
    sizes = Counter(stratum for _arm, stratum in drawn(url).values())
    assert all(abs(held[stratum] - sizes[stratum] / 10) <= 1 for stratum in STRATA)


def test_an_employer_and_month_are_noted_once_at_their_first_time(url: str) -> None:
    assign(url, some(1, 3), 10, Random(1), TODAY)
    note(url, [code(1), code(2)], OCTOBER, 1_000)
    note(url, [code(2), code(3)], OCTOBER, 2_000)
    with open_engine(url).connect() as connection:
        rows = connection.execute(select(trials).order_by(trials.c.employer_id)).all()
    assert [tuple(row) for row in rows] == [
        (1, OCTOBER.index, 1_000),
        (2, OCTOBER.index, 1_000),
        (3, OCTOBER.index, 2_000),
    ]
