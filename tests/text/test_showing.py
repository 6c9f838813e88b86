from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text.alphabet import is_gsm7, sendable
from gateway.text.reading import FIRST_YEAR, LAST_YEAR, MAX_KIP, read_date, read_kip, read_month
from gateway.text.showing import show_date, show_kip, show_month, show_number
from gateway.text.values import Kip, Month

LOCALES = ["en", "lo", "lo_Latn"]
locales = st.sampled_from(LOCALES)
days = st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31))


@pytest.mark.parametrize(
    ("locale", "shown"),
    [("en", "1,250,000\u00a0kip"), ("lo", "1.250.000\u00a0ກີບ"), ("lo_Latn", "1.250.000\u00a0kip")],
)
def test_kip(locale: str, shown: str) -> None:
    assert show_kip(Kip(1_250_000), locale) == shown


@pytest.mark.parametrize(("number", "shown"), [(0, "0"), (999, "999"), (1000, "1.000"), (-350_000, "-350.000")])
def test_numbers(number: int, shown: str) -> None:
    assert show_number(number, "lo") == shown


@pytest.mark.parametrize("locale", LOCALES)
def test_dates_and_months_are_padded_and_the_same_everywhere(locale: str) -> None:
    assert show_date(date(2026, 11, 5), locale) == "05/11/2026"
    assert show_month(Month(2026, 1), locale) == "01/2026"


@pytest.mark.parametrize("locale", ["", "lo-Latn", "lo_LA", "th", "EN"])
def test_other_locales_are_refused(locale: str) -> None:
    with pytest.raises(KeyError):
        show_number(1, locale)
    with pytest.raises(KeyError):
        show_kip(Kip(1), locale)
    with pytest.raises(KeyError):
        show_date(date(2026, 1, 1), locale)
    with pytest.raises(KeyError):
        show_month(Month(2026, 1), locale)


@given(st.integers(0, MAX_KIP), locales)
def test_amounts_read_back(amount: int, locale: str) -> None:
    shown = show_kip(Kip(amount), locale)
    assert read_kip(shown) == read_kip(sendable(shown)) == read_kip(show_number(amount, locale)) == amount
    assert is_gsm7(sendable(shown)) == (locale != "lo")


@given(days, locales)
def test_days_and_months_read_back(day: date, locale: str) -> None:
    assert read_date(show_date(day, locale)) == day
    assert read_month(show_month(Month.of(day), locale)) == Month.of(day)
