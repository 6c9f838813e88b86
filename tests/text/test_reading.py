from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text.reading import (
    BUDDHIST_YEARS_AHEAD,
    FIRST_BUDDHIST_YEAR,
    FIRST_YEAR,
    LAST_BUDDHIST_YEAR,
    LAST_YEAR,
    MAX_KIP,
    MAX_TYPED,
    BuddhistEra,
    read_code,
    read_date,
    read_digits,
    read_kip,
    read_month,
)
from gateway.text.values import Month

READERS: list[Callable[[str], object]] = [
    *(read_month, read_date, read_kip, read_code),
    lambda text: read_digits(text, 4),
]
days = st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31))
LAO_DIGITS = str.maketrans("0123456789", "໐໑໒໓໔໕໖໗໘໙")


@pytest.mark.parametrize(
    "typed",
    ["10/2026", "10-2026", "10.2026", "10 2026", "10 / 2026", "102026", "2026-10", "2026/10", "202610",
     " 10/2026 ", "໑໐/໒໐໒໖", "１０/２０２６", "1O/2O26", "l0/2026", "10\u200b/2026", "10\u00a02026"],
)  # fmt: skip
def test_months(typed: str) -> None:
    assert read_month(typed) == Month(2026, 10)


@pytest.mark.parametrize("typed", ["1/2026", "01/2026", "2026-1", "012026"])
def test_january(typed: str) -> None:
    assert read_month(typed) == Month(2026, 1)


@pytest.mark.parametrize(
    "typed",
    ["", "10", "1026", "10/26", "26/10", "12026", "13/2026", "0/2026", "00/2026", "2026", "10/1026", "10/2300",
     "10/2439", "10/2601", "1/10/2026", "10//", "/2026", "-10/2026", "10+2026", "②/2026", "ten", "10/2026x"],
)  # fmt: skip
def test_no_months(typed: str) -> None:
    with pytest.raises(ValueError, match=r"^not a month written MM/yyyy$"):
        read_month(typed)


@pytest.mark.parametrize(
    "typed",
    ["05111990", "05/11/1990", "5/11/1990", "5-11-1990", "5.11.1990", "5 11 1990", "1990-11-05", "1990/11/5",
     "19901105", "໐໕໑໑໑໙໙໐", "O5/ll/I990", "05 / 11 / 1990"],
)  # fmt: skip
def test_dates(typed: str) -> None:
    assert read_date(typed) == date(1990, 11, 5)


@pytest.mark.parametrize(
    "typed",
    ["", "5111990", "051190", "05/11/90", "31/02/1990", "29/02/2023", "11/31/1990", "05/11/1890", "05/11/2200",
     "11/1990", "00/11/1990", "5/11/1990/1", "19900230", "5 Nov 1990"],
)  # fmt: skip
def test_no_dates(typed: str) -> None:
    with pytest.raises(ValueError, match=r"^not a date written dd/MM/yyyy$"):
        read_date(typed)


@given(days)
def test_every_way_to_write_a_day_has_one_meaning(day: date) -> None:
    for way in ("%d%m%Y", "%Y%m%d", "%d/%m/%Y", "%d-%m-%Y", "%Y-%m-%d", "%d.%m.%Y"):
        assert read_date(day.strftime(way)) == day
        assert read_date(day.strftime(way).translate(LAO_DIGITS)) == day
    for way in ("%m%Y", "%Y%m", "%m/%Y", "%Y-%m"):
        assert read_month(day.strftime(way)) == Month.of(day)


@given(st.integers(FIRST_BUDDHIST_YEAR, LAST_BUDDHIST_YEAR), st.integers(1, 12), st.integers(1, 28))
def test_a_buddhist_year_is_asked_about_not_guessed(year: int, month: int, day: int) -> None:
    christian = year - BUDDHIST_YEARS_AHEAD
    for typed in (f"{month}/{year}", f"{month:02d}{year}", f"{year}-{month:02d}", f"{year}{month:02d}"):
        with pytest.raises(BuddhistEra) as found:
            read_month(typed)
        assert found.value.suggestion == Month(christian, month)
    for typed in (f"{day}/{month}/{year}", f"{day:02d}{month:02d}{year}", f"{year}{month:02d}{day:02d}"):
        with pytest.raises(BuddhistEra) as found:
            read_date(typed)
        assert found.value.suggestion == date(christian, month, day)


def test_no_suggestion_for_a_day_that_never_was() -> None:
    with pytest.raises(ValueError, match="not a date"):
        read_date("29/02/2566")  # 2023 had no such day
    with pytest.raises(BuddhistEra) as found:
        read_date("29/02/2567")
    assert found.value.suggestion == date(2024, 2, 29)


@pytest.mark.parametrize(
    "typed",
    ["1250000", "1.250.000", "1,250,000", "1 250 000", "1250000 kip", "1250000kip", "1.250.000 ກີບ", "1.250.000ກີບ",
     "1,250,000 KIP", "1250000 LAK", "1.250.000 ₭", "໑.໒໕໐.໐໐໐ ກີບ", "1\u00a0250\u00a0000 kip", " 1250000 "],
)  # fmt: skip
def test_amounts(typed: str) -> None:
    assert read_kip(typed) == 1_250_000


@pytest.mark.parametrize(("typed", "amount"), [("0", 0), ("1.250", 1250), ("999", 999), (str(MAX_KIP), MAX_KIP)])
def test_edges_of_amounts(typed: str, amount: int) -> None:
    assert read_kip(typed) == amount


@pytest.mark.parametrize(
    "typed",
    ["", "kip", "1.25", "1.2500", "1250.50", "1.250,000", "1,250.00", "1.250.00", "12.50.000", "1250.000", "0.250",
     "007", "-5", "+5", "1e6", "1..250", "1.250.", "1 250 00", "five", "5 5", "1250000 dollars", str(MAX_KIP + 1)],
)  # fmt: skip
def test_no_amounts(typed: str) -> None:
    with pytest.raises(ValueError, match=r"^not an amount in kip$"):
        read_kip(typed)


@pytest.mark.parametrize(
    "typed", ["1024", "1 0 2 4", "10-24", "1.0.2.4", "໑໐໒໔", "lO24", "1O24#", "*1024#", "I024"]
)
def test_digits(typed: str) -> None:
    assert read_digits(typed, 4) == "1024"


def test_digits_keep_their_leading_zeros() -> None:
    assert read_digits("0007", 4) == "0007"


@pytest.mark.parametrize("typed", ["", "102", "10245", "10a4", "1,024", "①024", "10²4", "ສອງ"])
def test_no_digits(typed: str) -> None:
    with pytest.raises(ValueError, match=r"^not 4 digits$"):
        read_digits(typed, 4)


@pytest.mark.parametrize("reader", READERS)
def test_what_is_too_long_is_refused_unread(reader: Callable[[str], object]) -> None:
    with pytest.raises(ValueError, match=f"^longer than {MAX_TYPED} characters$"):
        reader("1" * (MAX_TYPED + 1))


def complaint(reader: Callable[[str], object], typed: str) -> str:
    try:
        reader(typed)
    except ValueError as problem:
        return str(problem)
    return "none"


@given(st.text(max_size=MAX_TYPED) | st.from_regex(re.compile(r"[0-9໐-໙ /.,-]{1,20}"), fullmatch=True))
def test_no_message_repeats_what_was_typed(typed: str) -> None:
    assert {complaint(reader, typed) for reader in READERS} <= {
        "none",
        "not a month written MM/yyyy",
        "not a date written dd/MM/yyyy",
        "not an amount in kip",
        "not 4 digits",
        "not 5 and 2 digits, such as 12345-01",
        "a year of the Buddhist era",
    }


@pytest.mark.parametrize("typed", ["12345-01", "1234501", "12345 01", " ໑໒໓໔໕-໐໑ ", "l2345.Ol"])
def test_an_employers_code_is_read_as_the_form_prints_it(typed: str) -> None:
    assert read_code(typed) == "12345-01"


@pytest.mark.parametrize("typed", ["", "123450", "12345012", "12345-0x"])
def test_what_is_no_code_of_an_employer(typed: str) -> None:
    with pytest.raises(ValueError, match=r"^not 5 and 2 digits, such as 12345-01$"):
        read_code(typed)
