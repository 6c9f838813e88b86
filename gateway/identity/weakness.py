"""Which PINs are refused when a member chooses her own.

Only a blocklist of a tenth of all PINs or more makes the chosen ones harder to guess (Markert et al., "This PIN
Can Be Easily Guessed", IEEE S&P 2020, arXiv 2003.04868); this one is rules, and refuses one PIN in six. What
people take is dates first, then what the keypad draws, then repeats (Bonneau et al., "A birthday present every
eleven wallets?", FC 2012; Wang et al., "Understanding Human-Chosen PINs", AsiaCCS 2017).

A PIN that the system assigns is never asked about here: it is one of 10^6, all alike (reliability target R12),
and each one refused would leave fewer to guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Final

OWN_DIGITS: Final = (
    4  # so many of her own digits in a row give a PIN away: a year, a day and month, a number's end
)
MONTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # their days
CENTURIES: Final = ("19", "20")

RUNS: Final = "01234567890", "09876543210"
COUNTS: Final = "024681012", "1357911", "02468013579", "13579024680"
KEYPAD: Final = "123", "456", "789", "147", "258", "369", "580", "159", "357"  # its rows, columns and diagonals
CROSSED: Final = "2580", "0852"  # the column with four keys

_FOURS = [run[start : start + 4] for run in RUNS for start in range(len(run) - 3)]
_GIVEN_AWAY = re.compile("|".join((r"(.)\1\1\1", *_FOURS, *CROSSED)))  # 700007, 912345, 258074
_THREES = frozenset(
    [line for drawn in KEYPAD for line in (drawn, drawn[::-1])]
    + [run[start : start + 3] for run in RUNS for start in range(len(run) - 2)]
    + [digit * 3 for digit in "0123456789"]
)
_DAYS = frozenset(
    (f"{day:02}", f"{month:02}") for month, days in enumerate(MONTHS, 1) for day in range(1, days + 1)
)
_DATE = re.compile(r"(?P<century>\d\d)(?P<year>\d\d)-(?P<month>\d\d)-(?P<day>\d\d)")


def is_weak(pin: str, own: Sequence[str] = ()) -> bool:
    """Whether many would guess these six digits, or somebody who knows the member would.

    `own` is what such a person knows: numbers of hers with any separators, and dates as yyyy-mm-dd.

    >>> is_weak("123456"), is_weak("140290")
    (True, True)
    >>> is_weak("730592"), is_weak("730592", ["1973-05-09"]), is_weak("730592", ["+856 20 5557 3059"])
    (False, True, True)
    """
    return _is_pattern(pin) or _is_date(pin) or any(digits in pin for text in own for digits in _of_hers(text))


def _is_pattern(pin: str) -> bool:
    first, last = pin[:3], pin[3:]
    pairs = pin[:2], pin[2:4], pin[4:]
    return (
        len(set(pin)) <= 2  # 111111, 121212, 110110
        or _GIVEN_AWAY.search(pin) is not None
        or last in {first, first[::-1]}  # 123123, 520025
        or all(pair[0] == pair[1] for pair in pairs)  # 112233
        or (first in _THREES and last in _THREES)  # 789456, 159753, 111222
        or len(set(pairs)) <= 2  # 474793: a pair twice
        or _rises_evenly([int(pair) for pair in pairs])  # 102030
        or any(pin in count for count in COUNTS)  # 246810
    )


def _rises_evenly(numbers: Sequence[int]) -> bool:
    return numbers[1] - numbers[0] == numbers[2] - numbers[1]


def _is_date(pin: str) -> bool:
    """A day with a year of two digits in any order that somebody writes, or a year with two digits more."""
    first, middle, last = pin[:2], pin[2:4], pin[4:]
    if first in CENTURIES or middle in CENTURIES:
        return True
    days = (first, middle), (middle, first), (last, middle), (middle, last)  # ddmmyy, mmddyy, yymmdd, yyddmm
    return any(day in _DAYS for day in days)


def _of_hers(text: str) -> Iterator[str]:
    """Every four digits in a row of a number; of a date, in every order of its parts."""
    date = _DATE.fullmatch(text)
    spellings = ["".join(order) for order in permutations(date.groups())] if date else [re.sub(r"\D", "", text)]
    for digits in spellings:
        yield from (digits[start : start + OWN_DIGITS] for start in range(len(digits) - OWN_DIGITS + 1))
