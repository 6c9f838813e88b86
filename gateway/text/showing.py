"""Amounts and dates as a phone shows them, in each of the three locales.

Plain code and not Babel: for `lo`, CLDR 47 writes ₭1.250.000 (₭ is not in GSM-7), a compact ₭1 ລ້ານ for 1.25
million and 5/11/2026 without padding; for `en` it puts the month first; `lo_Latn` it does not know at all.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from gateway.text.alphabet import NBSP
from gateway.text.values import Month


class _Style(NamedTuple):
    group: str  # between thousands
    kip: str


# Grouping as on Lao forms and in CLDR's `lo`; the unit stands after the amount, as Lao people write it.
_STYLES = {"en": _Style(",", "kip"), "lo": _Style(".", "ກີບ"), "lo_Latn": _Style(".", "kip")}


def show_number(number: int, locale: str) -> str:
    """A whole number in ASCII digits with thousands grouped: `1.250.000`. KeyError for an unknown locale."""
    return f"{number:,}".replace(",", _STYLES[locale].group)


def show_kip(amount: int, locale: str) -> str:
    """An amount in whole kip with its unit: `1.250.000 ກີບ`. KeyError for an unknown locale."""
    return f"{show_number(amount, locale)}{NBSP}{_STYLES[locale].kip}"


def show_date(day: date, locale: str) -> str:
    """A day of the Christian era, dd/MM/yyyy in every locale. KeyError for an unknown one."""
    return f"{day.day:02d}/{show_month(Month.of(day), locale)}"


def show_month(month: Month, locale: str) -> str:
    """A month of the Christian era, MM/yyyy in every locale. KeyError for an unknown one."""
    _ = _STYLES[locale]
    return f"{month.number:02d}/{month.year}"
