"""The first people of a synthetic register: fixed stories to try on a phone, right on whatever day it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

PAID, PART, RECEIVED, UNMATCHED, ASSESSED, SILENT = "PHRUA-"


@dataclass(frozen=True, slots=True)
class Archetype:
    """A member; months count back from the last completed one, which is 0."""

    story: str
    line: int  # which phone, counted from 1; two may share one
    birth_date: date
    language: str  # to try it in, a catalogue's name
    months: str = ""  # a letter a month, the last completed first; every older one is PAID
    joined: int | None = None  # on the first of that month; None: before the register's first month
    left: int | None = None  # on the last of that month; None: still there


ARCHETYPES: Final = (
    Archetype("Every month is paid.", 1, date(1990, 5, 17), "lo"),
    Archetype(
        "Some months are missing, each for another reason.",
        2,
        date(1987, 11, 2),
        "lo_Latn",
        months=RECEIVED + ASSESSED + PAID * 3 + SILENT + PART + UNMATCHED + ASSESSED,
    ),
    Archetype("Left her employer; the right to treatment has ended.", 3, date(1995, 2, 28), "lo", left=5),
    Archetype(
        "Joined recently; the last month is not due yet.", 4, date(2004, 8, 9), "en", months=SILENT, joined=1
    ),
    Archetype("Shares a phone with the next member. Every month is paid.", 5, date(1979, 1, 30), "lo"),
    Archetype(
        "Shares a phone with the member before. The employer stopped paying.",
        5,
        date(1982, 12, 12),
        "lo_Latn",
        months=ASSESSED * 5,
    ),
)

STRANGER_LINE: Final = 999_999  # a phone on no record: lines are given out from 1 up
STRANGER_STORY: Final = "This phone is on no record."
