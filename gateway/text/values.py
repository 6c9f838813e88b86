"""Values a screen can show: typed when stored, formatted per locale only when shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

MONTHS_IN_YEAR = 12


class Kip(int):
    """An amount in whole kip; the scheme has no smaller unit."""


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month of the Christian era, the unit of every contribution.

    >>> Month(2026, 11) + 2
    Month(year=2027, number=1)
    >>> Month(2026, 11) - Month(2026, 1)
    10
    >>> str(Month.parse("2026-03"))
    '2026-03'
    """

    year: int
    number: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= MONTHS_IN_YEAR:
            raise ValueError(f"month {self.number} is not between 1 and 12")

    @classmethod
    def of(cls, day: date) -> Self:
        return cls(day.year, day.month)

    @classmethod
    def from_index(cls, index: int) -> Self:
        """The month with this `index`."""
        year, month = divmod(index, MONTHS_IN_YEAR)
        return cls(year, month + 1)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `YYYY-MM`, the stored form; raises ValueError for anything else."""
        year, dash, number = text.partition("-")
        if not (dash and len(year) == 4 and len(number) == 2 and (year + number).isdecimal()):
            raise ValueError(f"{text!r} is not a month written YYYY-MM")
        return cls(int(year), int(number))

    @property
    def index(self) -> int:
        """Months since January of the year 0, so that months can be counted and stored as one integer."""
        return self.year * MONTHS_IN_YEAR + self.number - 1

    @property
    def first(self) -> date:
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        return (self + 1).first - timedelta(days=1)

    def __add__(self, months: int) -> Self:
        return type(self).from_index(self.index + months)

    def __sub__(self, other: Month) -> int:
        return self.index - other.index

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"
