"""What people type, into values: digits of any script, in the orders people use. What is unclear is refused.

Every reader raises ValueError for what it cannot read; no message repeats what was typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import TypeVar

from gateway.text.lao import ascii_digits, normalise
from gateway.text.values import Kip, Month

MAX_TYPED = 40  # characters: twice the longest amount with its spaces and unit
FIRST_YEAR, LAST_YEAR = 1900, 2100
# Wall calendars in Laos count from the Buddha's passing: 2026 is 2569 there. The two ranges are far apart.
FIRST_BUDDHIST_YEAR, LAST_BUDDHIST_YEAR = 2440, 2600
BUDDHIST_YEARS_AHEAD = 543
MAX_KIP = 999_999_999_999  # far above a month's contributions of the largest employer

Value = TypeVar("Value", Month, date)

# Mobile numbers of the Lao numbering plan without 0 or +856, as libphonenumber has them (2026).
MOBILE = re.compile(r"20[23579]\d{7}|208[78]\d{6}|30\d{7}", re.ASCII)

# An employer's code: LSSO form 2-01 prints 5 boxes, a dash and 2 boxes.
_CODE = re.compile(r"(\d{5})(\d{2})", re.ASCII)

_LOOK_ALIKES = str.maketrans("OoIl", "0011")
_BETWEEN_DIGITS = re.compile(r"[ .#*-]")

_SEPARATOR = r"[ /.-]+"
_MONTH_SHAPES = (
    re.compile(rf"(?P<month>\d\d?){_SEPARATOR}(?P<year>\d{{4}})"),
    re.compile(rf"(?P<year>\d{{4}}){_SEPARATOR}(?P<month>\d\d?)"),
    re.compile(r"(?P<month>\d\d)(?P<year>\d{4})"),
    re.compile(r"(?P<year>\d{4})(?P<month>\d\d)"),
)
_DATE_SHAPES = (
    re.compile(rf"(?P<day>\d\d?){_SEPARATOR}(?P<month>\d\d?){_SEPARATOR}(?P<year>\d{{4}})"),
    re.compile(rf"(?P<year>\d{{4}}){_SEPARATOR}(?P<month>\d\d?){_SEPARATOR}(?P<day>\d\d?)"),
    re.compile(r"(?P<day>\d\d)(?P<month>\d\d)(?P<year>\d{4})"),
    re.compile(r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"),
)
# Groups of three, parted by one and the same sign. Kip have no decimals, so `1.250` can only be 1250.
_AMOUNT = re.compile(
    r"(0|[1-9]\d*|[1-9]\d{0,2}(?P<group>[., ])\d{3}(?:(?P=group)\d{3})*) ?(?:kip|lak|ກີບ|₭)?", re.IGNORECASE
)


class BuddhistEra(ValueError):
    """A year of the Buddhist era was typed; `suggestion` is the same month or day in the Christian era."""

    def __init__(self, suggestion: Month | date) -> None:
        super().__init__("a year of the Buddhist era")
        self.suggestion = suggestion


def read_month(text: str) -> Month:
    """Read `10/2026`, `2026-10`, `102026` or `202610`; a year of two digits is refused, it has two eras.

    Raises BuddhistEra for the years 2440 to 2600, ValueError for the rest.
    """
    return _read_calendar(text, _MONTH_SHAPES, _month, "not a month written MM/yyyy")


def read_date(text: str) -> date:
    """Read `05111990`, `5/11/1990`, `5-11-1990`, `1990-11-05` or `19901105`: day before month, or year first.

    Raises BuddhistEra for the years 2440 to 2600, ValueError for the rest.
    """
    return _read_calendar(text, _DATE_SHAPES, date, "not a date written dd/MM/yyyy")


def read_kip(text: str) -> Kip:
    """Read `1250000`, `1.250.000`, `1,250,000` or `1 250 000`, with or without the unit; 0 to MAX_KIP.

    Raises ValueError for decimals, mixed or uneven groups (`1.25`) and leading zeros.
    """
    found = _AMOUNT.fullmatch(_typed(text))
    amount = int(re.sub(r"\D", "", found[1])) if found else MAX_KIP + 1
    if amount > MAX_KIP:
        raise ValueError("not an amount in kip")
    return Kip(amount)


def read_digits(text: str, length: int) -> str:
    """Read exactly `length` digits, such as a PIN or a number's end; O, I and l count as 0, 1 and 1.

    Spaces, dots, dashes, * and # are left out. Raises ValueError.
    """
    return read_number(text, length, length)


def read_number(text: str, least: int, most: int) -> str:
    """Read a number of so many digits that is no amount, such as a social-security number; as `read_digits`."""
    digits = _digits(text)
    if not (least <= len(digits) <= most and digits.isdecimal()):
        raise ValueError(f"not {least} digits" if least == most else f"not {least} to {most} digits")
    return digits


def read_code(text: str) -> str:
    """Read an employer's code as form 2-01 prints it, `12345-01`, with or without its dash; as `read_digits`."""
    found = _CODE.fullmatch(_digits(text))
    if not found:
        raise ValueError("not 5 and 2 digits, such as 12345-01")
    return f"{found[1]}-{found[2]}"


def read_mobile(text: str) -> str:
    """Read a Lao mobile number as people write it: `020 5551 2345`, `+856 20...`, `20...`; gives E.164.

    Raises ValueError.
    """
    digits = _BETWEEN_DIGITS.sub("", _typed(text).removeprefix("+"))
    for prefix in ("00856", "856", "0"):
        digits = digits.removeprefix(prefix)
    if not MOBILE.fullmatch(digits):
        raise ValueError("not a Lao mobile number")
    return f"+856{digits}"


def _digits(text: str) -> str:
    """What stands between the marks that people put between digits."""
    return _BETWEEN_DIGITS.sub("", _typed(text).translate(_LOOK_ALIKES))


def _typed(text: str) -> str:
    """The text with ASCII digits, canonical Lao and single spaces. ValueError if too long to be meant."""
    if len(text) > MAX_TYPED:
        raise ValueError(f"longer than {MAX_TYPED} characters")
    return " ".join(ascii_digits(normalise(text)).split())


def _month(year: int, month: int) -> Month:
    return Month(year, month)


def _read_calendar(
    text: str, shapes: tuple[re.Pattern[str], ...], build: Callable[..., Value], complaint: str
) -> Value:
    """The value of the first shape that gives a real one; no text has a real value in two shapes."""
    typed = _typed(text).translate(_LOOK_ALIKES)
    for shape in shapes:
        if not (found := shape.fullmatch(typed)):
            continue
        parts = {name: int(digits) for name, digits in found.groupdict().items()}
        buddhist = FIRST_BUDDHIST_YEAR <= parts["year"] <= LAST_BUDDHIST_YEAR
        if buddhist:
            parts["year"] -= BUDDHIST_YEARS_AHEAD
        elif not FIRST_YEAR <= parts["year"] <= LAST_YEAR:
            continue
        try:
            value = build(**parts)
        except ValueError:  # no such day or month: perhaps another order
            continue
        if buddhist:
            raise BuddhistEra(value)
        return value
    raise ValueError(complaint)
