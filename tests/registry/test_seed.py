"""A synthetic register: the same on every database, plausible in its shares, and never over a real one."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from hashlib import sha256
from pathlib import Path

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType
from sqlalchemy import Connection, create_engine, func, insert, inspect, pool, select, text

from gateway.registry import synthetic
from gateway.registry.archetypes import ARCHETYPES, STRANGER_LINE
from gateway.registry.port import Posting
from gateway.registry.scheme import load_scheme
from gateway.registry.seed import SeedError, seed
from gateway.registry.synthetic import Batch, Calendar
from gateway.registry.tables import CODES, contributions, employments, members, register
from gateway.text.values import Month
from tests.registry.rows import few
from tests.registry.test_schema import shape

TODAY = date(2026, 11, 23)
SCHEME = load_scheme()
POSTED = CODES[Posting.POSTED]
MOBILE = re.compile(r"^\+856(20[23579]\d{7}|208[78]\d{6})$")  # LA mobiles by libphonenumber 9.0.43


def small(url: str, **others: object) -> str:
    settings: dict[str, object] = {"member_count": 300, "employer_count": 12, "months": 24, "today": TODAY}
    seed(url, scheme=SCHEME, **(settings | others))  # type: ignore[arg-type]
    return url


def connect(url: str) -> Connection:
    return create_engine(url, poolclass=pool.NullPool).connect()


def fingerprint(url: str) -> str:
    digest = sha256()
    with connect(url) as connection:
        for table in register.sorted_tables:
            for row in connection.execute(select(table).order_by(*table.primary_key.columns)):
                digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def span() -> Calendar:
    return synthetic.calendar(24, TODAY, SCHEME)


@pytest.fixture(scope="module")
def crowd(span: Calendar) -> Batch:
    """20,000 members of 2,300 employers in one piece."""
    whole = Batch([], [], [])
    for batch in synthetic.batches(20_000, 2_300, span, seed=1):
        for part, rows in zip(whole, batch, strict=True):
            part.extend(rows)
    return whole


def test_the_same_rows_on_both_databases(tmp_path: Path, postgres_url: str) -> None:
    one = fingerprint(small(f"sqlite:///{tmp_path}/one.db"))
    assert fingerprint(small(postgres_url)) == one
    assert fingerprint(small(f"sqlite:///{tmp_path}/two.db", seed=2)) != one


def test_keys_and_indexes_are_all_there_afterwards(database_url: str) -> None:
    before = shape(few(database_url))
    with create_engine(database_url, poolclass=pool.NullPool).begin() as connection:
        for table in reversed(register.sorted_tables):
            connection.execute(table.delete())
    small(database_url)
    assert {row for row in shape(database_url) if "sqlite_stat" not in row[0]} == before


def test_every_reference_and_check_holds(tmp_path: Path) -> None:
    with connect(small(f"sqlite:///{tmp_path}/test.db")) as connection:
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        assert connection.execute(text("PRAGMA integrity_check")).all() == [("ok",)]


def test_seeding_twice_needs_to_be_asked_for(database_url: str) -> None:
    small(database_url)
    before = fingerprint(database_url)
    with pytest.raises(SeedError, match="holds members already"):
        small(database_url, seed=2)
    assert fingerprint(database_url) == before
    small(database_url, replace=True)
    assert fingerprint(database_url) == before


def test_real_members_are_never_deleted(database_url: str) -> None:
    small(database_url)
    person = {"number": "1234567890", "name_lo": "", "name_latin": "Real", "birth_date": date(1990, 1, 1)}
    with create_engine(database_url, poolclass=pool.NullPool).begin() as connection:
        connection.execute(insert(members), person)  # and the next number is free on PostgreSQL
    before = fingerprint(database_url)
    with pytest.raises(SeedError, match="never deleted"):
        small(database_url, replace=True)
    assert fingerprint(database_url) == before


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"member_count": 5}, "6 to 999,998 members, not 5"),
        ({"member_count": 999_999}, "not 999,999"),
        ({"employer_count": 0}, "1 to 99,999 employers, not 0"),
        ({"months": 11}, "12 to 120 months, not 11"),
    ],
)
def test_numbers_out_of_range_are_refused(tmp_path: Path, wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(SeedError, match=sentence):
        small(f"sqlite:///{tmp_path}/test.db", **wrong)
    assert not (tmp_path / "test.db").exists()


def test_a_day_whose_scheme_is_unknown_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not known from 2010-01 on"):
        small(f"sqlite:///{tmp_path}/test.db", today=date(2012, 1, 15))


def test_progress_adds_up_to_the_members(tmp_path: Path) -> None:
    heard: list[int] = []
    small(f"sqlite:///{tmp_path}/test.db", progress=heard.append)
    assert sum(heard) == 300


def test_one_employer_is_enough(database_url: str) -> None:
    small(database_url, employer_count=1, months=12)
    with connect(database_url) as connection:
        assert connection.scalar(select(func.count()).select_from(members)) == 300
        assert "ix_members_msisdn" in {index["name"] for index in inspect(connection).get_indexes("members")}


def months_of(employment: tuple[str, str | None], span: Calendar) -> range:
    started, ended = employment
    first = max(Month.of(date.fromisoformat(started)), span.months[0])
    last = Month.of(date.fromisoformat(ended)) if ended else span.months[-1]
    return range(first.index, last.index + 1)


def test_most_employed_months_are_paid_in_full(crowd: Batch, span: Calendar) -> None:
    employed = sum(len(months_of(row[2:], span)) for row in crowd.employments)
    full = sum(status == POSTED and paid >= due for _, _, _, due, paid, _, _, status in crowd.contributions)
    assert 0.80 < full / employed < 0.85


def test_every_kind_of_month_is_there(crowd: Batch, span: Calendar) -> None:
    due_on = {month.index: day.isoformat() for month, day in zip(span.months, span.due_on, strict=True)}
    kinds: Counter[str] = Counter()
    for _, _, earnings, due, paid, posted_on, month, status in crowd.contributions:
        kinds[str(status)] += 1
        kinds["late"] += posted_on is not None and posted_on > due_on[month]
        kinds["partial"] += status == POSTED and paid < due
        assert (posted_on is not None) == (status == POSTED) == (paid > 0)
        assert posted_on is None or posted_on <= TODAY.isoformat()
        assert span.lowest <= earnings <= 4_500_000
        assert due * 1000 == earnings * 115
    assert min(kinds.values()) > 500, kinds
    employed = {(row[0], row[1], month) for row in crowd.employments for month in months_of(row[2:], span)}
    reported = {(row[0], row[1], row[6]) for row in crowd.contributions}
    assert reported < employed  # some employers file no return
    by_month = Counter((member, month) for member, _, month in reported)
    assert sum(count > 1 for count in by_month.values()) > 500  # two employers at once


def test_employers_stop_for_months_on_end(crowd: Batch) -> None:
    owing: dict[int, set[int]] = {}
    for _, employer, _, _, _, _, month, status in crowd.contributions:
        if status == CODES[Posting.ASSESSED]:
            owing.setdefault(employer, set()).add(month)
    assert sum(any({m, m + 1, m + 2, m + 3} <= months for m in months) for months in owing.values()) > 100


def test_employers_differ_in_size(crowd: Batch) -> None:
    sizes = sorted(Counter(row[1] for row in crowd.employments).values())
    assert sizes[-1] > 20 * sizes[len(sizes) // 2]


def test_people_come_and_go(crowd: Batch, span: Calendar) -> None:
    joined = sum(row[2] > span.months[0].last.isoformat() for row in crowd.employments)
    left = sum(row[3] is not None for row in crowd.employments)
    assert joined > 2_000
    assert left > 2_000


def test_phones_are_valid_and_shared_by_few(crowd: Batch) -> None:
    phones = Counter(row[5] for row in crowd.members)
    assert 100 < phones.pop(None) < 300
    sharing = [count for count in phones.values() if count > 1]
    assert 0.015 < len(sharing) / len(phones) < 0.025
    assert max(sharing) <= 5
    assert all(MOBILE.match(phone) for phone in phones)
    assert synthetic.phone(STRANGER_LINE) not in phones


@pytest.mark.parametrize("line", [1, 350_000, STRANGER_LINE])
def test_the_highest_line_is_still_a_mobile(line: int) -> None:
    number = phonenumbers.parse(synthetic.phone(line))
    assert phonenumbers.is_valid_number(number)
    assert phonenumbers.number_type(number) == PhoneNumberType.MOBILE
    assert MOBILE.match(synthetic.phone(line))


def test_people_look_synthetic(crowd: Batch) -> None:
    assert all(re.fullmatch(r"9900\d{6}", row[1]) for row in crowd.members)
    assert all(row[2].startswith("ທົດລອງ ") and row[3].startswith("Thotlong ") for row in crowd.members)
    assert len({row[1] for row in crowd.members}) == len(crowd.members)
    assert len({row[2] for row in crowd.members}) == len(crowd.members)


def test_the_first_members_are_the_fixed_ones(crowd: Batch) -> None:
    assert [row[4] for row in crowd.members[: len(ARCHETYPES)]] == [
        archetype.birth_date.isoformat() for archetype in ARCHETYPES
    ]


DAYS = [date(2026, 11, 1), date(2026, 11, 30), date(2027, 1, 1), date(2028, 2, 29), date(2028, 3, 1)]


@pytest.mark.parametrize("today", DAYS)
def test_the_share_paid_does_not_hang_on_the_day(today: date) -> None:
    span = synthetic.calendar(24, today, SCHEME)
    employed = full = 0
    for batch in synthetic.batches(5_000, 2_300, span, seed=1):
        employed += sum(len(months_of(row[2:], span)) for row in batch.employments)
        full += sum(row[7] == POSTED and row[4] >= row[3] for row in batch.contributions)
    assert 0.78 < full / employed < 0.86


def test_employments_never_overlap_at_one_employer(crowd: Batch, span: Calendar) -> None:
    held = Counter((row[0], row[1], month) for row in crowd.employments for month in months_of(row[2:], span))
    assert set(held.values()) == {1}
    assert employments.primary_key.columns.keys() == ["member_id", "employer_id", "started_on"]
    assert contributions.primary_key.columns.keys() == ["member_id", "month", "employer_id"]
