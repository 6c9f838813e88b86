"""A table as LSSO's form 2-01 has it: headings in its own words, statements above and below, sums at the foot.

Headings may be ours, the form's or romanised; percentages, units and numbering around them do not matter. What
holds for every line (`ປະຈຳເດືອນ: 10/2026`) may stand above the table in place of a column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import lru_cache
from itertools import chain, islice, pairwise, zip_longest
from pathlib import Path
from typing import Final, NamedTuple

from gateway.registry.sheet import SheetError, check_width, read_cells
from gateway.text.lao import ascii_digits, normalise

HEADER_WITHIN: Final = 30  # lines: a form's own head has about a dozen
REMEMBERED: Final = 10_000  # cells looked at lately: most lines repeat the ones before

_TRIMMINGS: Final = re.compile(r"\([^)]*\)|[\d\s_.,:;%/\[\]*'\"-]+")  # `(1)`, `6 %`, `(ກີບ)`, `_`


class Column(NamedTuple):
    """A column of a form. `headings` are what it may be called besides `name`."""

    name: str
    meaning: str
    headings: tuple[str, ...] = ()
    needed: bool = True
    summed: bool = False  # its sum may stand at the foot


class Line(NamedTuple):
    """One line: a member's, or with `is_sum` what the form states of all lines above."""

    number: int
    cells: Mapping[str, str]
    is_sum: bool = False


def read_form(path: Path, columns: Sequence[Column]) -> Iterator[Line]:
    """Every line below the headings; a column that is not there is empty. Raises `SheetError`."""
    names = {plain(heading): column.name for column in columns for heading in (column.name, *column.headings)}
    needed = {column.name for column in columns if column.needed}
    amounts = {column.name for column in columns if column.summed}
    blank = dict.fromkeys((column.name for column in columns), "")
    lines = read_cells(path)
    at, head, headings = _headings(lines, names, needed, amounts)
    below = next(lines, (at, []))
    if all(plain(cell) in names for cell in below[1] if cell):  # headings of two rows, the upper ones merged
        headings = _over(headings, below[1])
    else:
        lines = chain([below], lines)
    header = _columns(at, headings, names)
    given = {name: value for name, value in head.items() if name not in amounts}
    own = needed - given.keys()  # what a member's line says itself, whatever else looks like a heading in it
    is_closed = False
    for number, cells in lines:
        found = {name: cell for name, cell in zip(header, cells, strict=False) if cell}
        if not own <= found.keys() and (sums := _sums(cells, found, names, amounts)):
            yield Line(number, sums, is_sum=True)
            is_closed = True
        elif not is_closed:
            check_width(number, cells, header)
            yield Line(number, blank | given | found)
        elif found.keys() & amounts:
            raise SheetError(f"Line {number} has an amount, but stands below the sums of the form.")
    yield Line(at, {name: value for name, value in head.items() if name in amounts}, is_sum=True)


def _sums(
    cells: Sequence[str], found: Mapping[str, str], names: Mapping[str, str], amounts: Set[str]
) -> dict[str, str]:
    """The sums that a line states, in a row of totals or as a heading and its value."""
    stated = found if any(plain(cell) in _TOTAL for cell in cells) else _statements(cells, names)
    return {name: value for name, value in stated.items() if name in amounts}


@lru_cache(REMEMBERED)
def plain(heading: str) -> str:
    """A heading without its trimmings, one spelling for all."""
    return _TRIMMINGS.sub("", ascii_digits(normalise(heading))).casefold()


_TOTAL: Final = frozenset(map(plain, ("total", "sum", "ລວມ", "ລວມທັງໝົດ", "ລວມທັງໝົດທັງສິ້ນ")))


def _headings(
    lines: Iterator[tuple[int, list[str]]],
    names: Mapping[str, str],
    needed: Set[str],
    amounts: Set[str],
) -> tuple[int, dict[str, str], list[str]]:
    """The line of the headings, what is stated above it, and the headings. Raises `SheetError`.

    What is needed may be stated above, but for amounts: there they are sums.
    """
    head: dict[str, str] = {}
    above: list[str] = []
    nearest = needed
    for number, cells in islice(lines, HEADER_WITHIN):
        for headings, stated in ((cells, head | _statements(above, names)), (_over(above, cells), head)):
            named = {names[plain(heading)] for heading in headings if plain(heading) in names}
            missing = needed - (stated.keys() - amounts) - named
            if not missing and len(named) > 1:
                return number, stated, headings
            nearest = min(nearest, missing, key=len)
        head |= _statements(above, names)
        above = cells
    raise SheetError(
        f"None of the first lines names all the columns; missing: {', '.join(sorted(nearest))}. See --help."
    )


def _over(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    return [low or high for high, low in zip_longest(upper, lower, fillvalue="")]


def _columns(number: int, headings: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """The column under each heading, empty where there is none. Raises `SheetError`."""
    header = [names.get(plain(heading), "") for heading in headings]
    for at, (name, heading) in enumerate(zip(header, headings, strict=True), start=1):
        if heading and not name:
            raise SheetError(
                f"Line {number}: the heading of column {at} is not known. See --help, or leave it out."
            )
        if name and header.index(name) != at - 1:
            raise SheetError(f"Line {number}: the heading of column {at} stands there twice.")
    return header


def _statements(cells: Sequence[str], names: Mapping[str, str]) -> dict[str, str]:
    """What a line says in pairs, a heading and its value, in two cells or around a colon."""
    parts = [part.strip() for cell in cells for part in cell.split(":") if part.strip()]
    said = [(names.get(plain(part), ""), part) for part in parts]
    return {name: value for (name, _), (other, value) in pairwise(said) if name and not other}
