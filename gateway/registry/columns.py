"""What every form says first, whose month it is, and how its cells are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Select, Table, select

from gateway.registry.form import Column
from gateway.registry.line import REMEMBERED
from gateway.registry.staging import Cells
from gateway.text.reading import BuddhistEra, read_date, read_month
from gateway.text.values import Month

Readers = Mapping[str, Callable[[str], Any]]  # by column; each raises ValueError without repeating the cell

JOINED: Final = "number: not on the register; form 1-02 is needed, or 1-04 for a worker who has a card already"
REPEATED: Final = "month: the same member, employer and month as line {}"
UNKNOWN: Final = "employer_code: the register has no such employer"

# Lao headings are those of form 2-01 and of LSSO's own pages; romanised ones are spelt as our screens spell them.
EMPLOYER: Final = Column(
    "employer_code",
    "5 + 2 digits, such as 12345-01",
    ("ລະຫັດປະກັນສັງຄົມຂອງຫົວໜ່ວຍແຮງງານ", "ລະຫັດຫົວໜ່ວຍ", "ລະຫັດຫົວໜ່ວຍແຮງງານ", "Lahat houanouay"),
)
MONTH: Final = Column(
    "month", "the month worked: 2026-10 or 10/2026", ("ປະຈຳເດືອນ", "ປະຈຳເດືອນ/ປີ", "ເດືອນ", "ເດືອນ/ປີ", "Duan")
)
NUMBER: Final = Column(
    "number", "the worker's social-security number", ("ລະຫັດປະກັນສັງຄົມ", "ເລກລະຫັດບັດປະກັນສັງຄົມ", "Lahat pakan sangkhom")
)


def without(table: Table, known: Table, column: str) -> Select[Any]:
    """Lines whose cell names nothing that the register knows; an empty cell names nothing."""
    nobody = table.outerjoin(known, known.c[column] == table.c[column])
    return select(table.c.line).select_from(nobody).where(known.c.id.is_(None), table.c[column] != "")


def readers(columns: Readers) -> Readers:
    """Readers that remember: lines of one employer and month repeat most of their cells."""
    return {column: lru_cache(REMEMBERED)(read) for column, read in columns.items()}


def read_values(cells: Cells, reading: Readers) -> tuple[dict[str, Any], list[str]]:
    """The value of each cell, and what is wrong with those that have none."""
    values, reasons = {}, []
    for column, read in reading.items():
        try:
            values[column] = read(cells[column])
        except BuddhistEra as era:
            reasons.append(f"{column}: {era}; {era.suggestion} in the Christian era?")
        except ValueError as problem:
            reasons.append(f"{column}: {problem}")
    return values, reasons


def read_worked(text: str) -> Month:
    """A month worked; a spreadsheet makes the first of it out of `10/2026`."""
    try:
        day = read_date(text)
    except ValueError:
        return read_month(text)
    if day.day != 1:
        raise ValueError("not a month written MM/yyyy")
    return Month.of(day)
