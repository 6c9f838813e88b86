"""Lines of a CSV file or an Excel workbook as text, one at a time, however large the file."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

NOT_UTF8: Final = 'The file is not in UTF-8. Save it as "CSV UTF-8", or give the .xlsx file itself.'

Cells = list[str]


class SheetError(ValueError):
    """The file cannot be read at all; the message is a sentence for whoever chose it."""


def read_lines(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Number of each line in the file, and its cells by column; empty lines are left out.

    The first line names the columns, in any order. Raises `SheetError`.
    """
    lines = _workbook(path) if path.suffix.lower() == ".xlsx" else _csv(path)
    _, header = next(lines, (0, []))
    names = [name.lower() for name in header]
    if sorted(names) != sorted(columns):
        raise SheetError(_header_problem(names, columns))
    for number, cells in lines:
        if len(cells) > len(names):
            raise SheetError(f"Line {number} has {len(cells)} cells, but there are {len(names)} columns.")
        if any(cells):
            yield number, dict(zip(names, cells + [""] * (len(names) - len(cells)), strict=True))


def _header_problem(names: Sequence[str], columns: Sequence[str]) -> str:
    missing = [column for column in columns if column not in names]
    if missing:
        return f"The first line must name the columns; missing: {', '.join(missing)}."
    return f"The first line must name each of these columns once, and no others: {', '.join(columns)}."


def _csv(path: Path) -> Iterator[tuple[int, Cells]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(",;", key=first.count), strict=True)
            for cells in reader:
                yield reader.line_num, [cell.strip() for cell in cells]
    except UnicodeDecodeError as problem:
        raise SheetError(NOT_UTF8) from problem
    except csv.Error as problem:
        raise SheetError(f"Line {reader.line_num} is not CSV: {problem}.") from problem
    except OSError as problem:
        raise SheetError(f"The file cannot be read: {problem.strerror}.") from problem


def _workbook(path: Path) -> Iterator[tuple[int, Cells]]:
    """The first sheet's values; of a formula, the value that was last computed."""
    from openpyxl import load_workbook  # here: it loads numpy where there is one, and no server reads workbooks
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, BadZipFile, KeyError, ValueError) as problem:
        raise SheetError("The file is not an Excel workbook (.xlsx).") from problem
    except OSError as problem:
        raise SheetError(f"The file cannot be read: {problem.strerror}.") from problem
    try:
        for number, values in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1):
            cells = [_text(value) for value in values]
            while cells and not cells[-1]:  # formatted but empty cells at the right
                cells.pop()
            yield number, cells
    finally:
        book.close()


def _text(value: Any) -> str:
    """A cell as somebody would type it: whole numbers without a fraction, dates as ISO."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
