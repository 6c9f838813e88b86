"""Values a screen can show: typed when stored, formatted per locale only when shown."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Self

MONTHS_IN_YEAR = 12


class Kip(int):
    """An amount in whole kip; the scheme has no smaller unit."""


class Month(int):
    """A calendar month of the Christian era, the unit of every contribution.

    It is the number of months since January of the year 0 (`index`), so that months are counted, compared
    and looked up at the price of integers: a hop judges a dozen of them.

    >>> Month(2026, 11) + 2
    Month(2027, 1)
    >>> Month(2026, 11) - Month(2026, 1)
    10
    >>> str(Month.parse("2026-03"))
    '2026-03'
    """

    __slots__ = ()

    def __new__(cls, year: int, number: int) -> Self:
        """Raises ValueError when `number` is not 1 to 12."""
        if not 1 <= number <= MONTHS_IN_YEAR:
            raise ValueError(f"month {number} is not between 1 and 12")
        return int.__new__(cls, year * MONTHS_IN_YEAR + number - 1)

    @classmethod
    def from_index(cls, index: int) -> Self:
        """The month with this `index`."""
        return int.__new__(cls, index)

    @classmethod
    def of(cls, day: date) -> Self:
        return int.__new__(cls, day.year * MONTHS_IN_YEAR + day.month - 1)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `YYYY-MM`, the stored form; raises ValueError for anything else."""
        year, dash, number = text.partition("-")
        if not (dash and len(year) == 4 and len(number) == 2 and (year + number).isdecimal()):
            raise ValueError(f"{text!r} is not a month written YYYY-MM")
        return cls(int(year), int(number))

    @property
    def index(self) -> int:
        """Months since January of the year 0, as the register stores it."""
        return int(self)

    @property
    def year(self) -> int:
        return int(self) // MONTHS_IN_YEAR

    @property
    def number(self) -> int:
        return int(self) % MONTHS_IN_YEAR + 1

    @property
    def first(self) -> date:
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        return (self + 1).first - timedelta(days=1)

    def __add__(self, months: int) -> Self:
        return int.__new__(type(self), int(self) + months)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    def __repr__(self) -> str:
        return f"Month({self.year}, {self.number})"
