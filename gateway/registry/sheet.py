"""Lines of a CSV file or an Excel workbook as text, one at a time, however large the file."""

from __future__ import annotations

import codecs
import csv
import re
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, BinaryIO, Final, TextIO
from warnings import catch_warnings
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from gateway.text.table import restore

NOT_UTF8: Final = 'The file is not in UTF-8. Save it as "CSV UTF-8", or give the .xlsx file itself.'
NO_WORKBOOK: Final = "The file is not an Excel workbook (.xlsx)."

# Against files that were made to fill memory, or damaged; all four are proposals.
LINE_MAX: Final = 1_000_000  # characters of a line; one of ours has 200
COLUMNS_MAX: Final = 100  # cells of a line; our widest table has 13
SHEET_MAX: Final = 1_000_000_000  # bytes of a sheet, unpacked: a million lines need about a fifth of it
PART_MAX: Final = 100_000_000  # bytes of any other part of a workbook, unpacked: it is held in memory

ROWS_MAX: Final = 1_048_576  # Excel's own limit; a row's number beyond it would be counted up to
DELIMITERS: Final = ",;\t"
LOOK_AHEAD: Final = 20  # lines in which the sign between cells is looked for

_ENCODINGS: Final = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}  # Excel's "Unicode text"
# What openpyxl and zipfile let pass when a workbook is damaged, tried with some thousand damaged ones.
_DAMAGED: Final = (
    BadZipFile,
    ParseError,
    zlib.error,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
_IN_A_NUMBER: Final = re.compile(r"(?<=\d),(?=\d)")  # 1,250,000

Cells = list[str]


class SheetError(ValueError):
    """The file cannot be read at all; the message is a sentence for whoever chose it."""


def read_lines(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Number of each line in the file, and its cells by column; empty lines are left out.

    The first line names the columns, in any order. Raises `SheetError`.
    """
    lines = read_cells(path)
    _, header = next(lines, (0, []))
    names = [name.lower() for name in header]
    if sorted(names) != sorted(columns):
        raise SheetError(_header_problem(names, columns))
    for number, cells in lines:
        check_width(number, cells, names)
        yield number, dict(zip_longest(names, cells, fillvalue=""))


def read_cells(path: Path) -> Iterator[tuple[int, Cells]]:
    """Number of each line in the file that is not empty, and its cells as text. Raises `SheetError`."""
    for number, cells in _workbook(path) if path.suffix.lower() == ".xlsx" else _csv(path):
        while cells and not cells[-1]:  # formatted but empty cells at the right
            cells.pop()
        if len(cells) > COLUMNS_MAX:
            raise SheetError(f"Line {number} has more than {COLUMNS_MAX} cells.")
        if cells:
            yield number, cells


def check_width(number: int, cells: Cells, names: Sequence[str]) -> None:
    """Raise `SheetError` for a cell that stands under no name."""
    if len(cells) > len(names):
        raise SheetError(f"Line {number} has {len(cells)} cells, but there are {len(names)} columns.")


def _header_problem(names: Sequence[str], columns: Sequence[str]) -> str:
    missing = [column for column in columns if column not in names]
    if missing:
        return f"The first line must name the columns; missing: {', '.join(missing)}."
    return f"The first line must name each of these columns once, and no others: {', '.join(columns)}."


def _csv(path: Path) -> Iterator[tuple[int, Cells]]:
    try:
        with path.open("rb") as file:
            encoding = _ENCODINGS.get(file.read(2), "utf-8-sig")
        with path.open(encoding=encoding, newline="") as file:
            delimiter = _delimiter(list(islice(_bounded(file), LOOK_AHEAD)))
            file.seek(0)
            reader = csv.reader(_bounded(file), delimiter=delimiter, strict=True)
            for cells in reader:
                yield reader.line_num, [restore(cell.strip()).strip() for cell in cells]
    except UnicodeError as problem:
        raise SheetError(NOT_UTF8) from problem
    except csv.Error as problem:
        raise SheetError(f"Line {reader.line_num} is not CSV: {problem}.") from problem
    except OSError as problem:
        raise SheetError(f"The file cannot be read: {problem.strerror}.") from problem


def _bounded(file: TextIO) -> Iterator[str]:
    for number, line in enumerate(iter(lambda: file.readline(LINE_MAX), ""), start=1):
        if len(line) == LINE_MAX:
            raise SheetError(f"Line {number} has more than {LINE_MAX:,} characters.")
        yield line


def _delimiter(lines: Sequence[str]) -> str:
    """The sign that stands most often on the first line with any, commas inside of amounts left out."""
    plain = (_IN_A_NUMBER.sub("", line) for line in lines)
    first = next((line for line in plain if any(sign in line for sign in DELIMITERS)), "")
    return max(DELIMITERS, key=first.count)


def _workbook(path: Path) -> Iterator[tuple[int, Cells]]:
    try:
        with path.open("rb") as file:  # openpyxl would leave open what it cannot read
            yield from _first_sheet(file)
    except OSError as problem:
        raise SheetError(f"The file cannot be read: {problem.strerror}.") from problem


def _first_sheet(file: BinaryIO) -> Iterator[tuple[int, Cells]]:
    """The first sheet's values; of a formula, the value that was last computed."""
    from openpyxl import load_workbook  # here: it loads numpy where there is one, and no server reads workbooks

    try:
        _weigh(file)
        with catch_warnings(action="ignore"):  # of styles and validations, which are not read
            sheet = load_workbook(file, read_only=True, data_only=True).worksheets[0]
        sheet.reset_dimensions()  # a workbook may claim to be smaller than it is
        for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
            if number > ROWS_MAX:
                raise SheetError(f"The sheet has more than {ROWS_MAX:,} lines.")
            yield number, [restore(_text(value)).strip() for value in values]
    except SheetError:
        raise
    except _DAMAGED as problem:
        raise SheetError(NO_WORKBOOK) from problem


def _weigh(file: BinaryIO) -> None:
    """Refuse what would unpack to more than we can hold; no part can be longer than it says here."""
    with ZipFile(file) as parts:
        for part in parts.infolist():
            most = SHEET_MAX if part.filename.startswith("xl/worksheets/") else PART_MAX
            if part.file_size > most:
                raise SheetError("The workbook unpacks to more than a register's file can hold.")


def _text(value: Any) -> str:
    """A cell as somebody would type it: whole numbers without a fraction, dates as ISO."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
