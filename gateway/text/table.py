"""Tables that somebody opens in a spreadsheet: the one place that writes CSV, so that no cell becomes a formula.

ruff refuses another `csv.writer` anywhere in the house (TID251 in pyproject.toml).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import Final, TextIO

BOM: Final = "\ufeff"  # tells Excel that a CSV is in UTF-8

# What begins a formula, by ASVS 1.2.10 and OWASP, CSV Injection: these signs, in other widths too, after what a
# spreadsheet skips. It may stand within a cell, for Excel in Lao parts cells at semicolons, whatever we wrote.
# A quote of ours is skipped like any other, so that `restore` takes away exactly what `defuse` put in.
_CELL: Final = r"(?:^|(?<=[,;\t\r\n\"]))"
_FORMULA: Final = r"(?=[\s\"']*[=+\-@＝＋－＠﹦﹢﹣﹫−\t\r\n\0])"
_BEFORE: Final = re.compile(_CELL + _FORMULA)
_QUOTED: Final = re.compile(f"{_CELL}'{_FORMULA}")


def defuse(cell: str) -> str:
    """The cell as a spreadsheet shows it and does not reckon with it: `=1+1` becomes `'=1+1`."""
    return _BEFORE.sub("'", cell)


def restore(cell: str) -> str:
    """What `defuse` was given."""
    return _QUOTED.sub("", cell) if "'" in cell else cell


def write_table(out: TextIO, rows: Iterable[Iterable[str]]) -> None:
    """Write rows as CSV, every cell defused."""
    writer = csv.writer(out, lineterminator="\n")  # noqa: TID251 (the one place)
    writer.writerows([defuse(cell) for cell in row] for row in rows)
