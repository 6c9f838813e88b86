"""No cell of a table becomes a formula, and every cell comes back as it was."""

from __future__ import annotations

import csv
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.registry.sheet import read_cells
from gateway.text.table import defuse, restore, write_table

ROOT = Path(__file__).parents[2]
PLANTED = "=cmd|' /C calc'!A0"
DANGEROUS = [
    PLANTED,
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n1",
    "\0=1",
    " =1",
    "＝1",
    "＋1",
    "－1",
    "＠1",
    "−1",
    "'=1",
]


@pytest.mark.parametrize("cell", DANGEROUS)
def test_what_begins_a_formula_is_quoted(cell: str) -> None:
    assert defuse(cell).startswith("'" + cell[0])


@pytest.mark.parametrize("cell", ["", "1=1", "12345-01", "ກ=1", "'tis", "a@b", " a", "a, b; c", "020 2000 0001"])
def test_anything_else_is_left_alone(cell: str) -> None:
    assert defuse(cell) == cell == restore(cell)


@given(st.text(alphabet="'=+-@ \t＝a;\"", max_size=12))
def test_every_cell_comes_back(cell: str) -> None:
    assert restore(defuse(cell)) == cell
    assert defuse(cell)[:1] not in set("=+-@\t＝")


@given(st.lists(st.text(alphabet=";,=+@a'\"\n ", max_size=8), min_size=1, max_size=3))
def test_no_formula_begins_whatever_the_spreadsheet_takes_for_the_end_of_a_cell(cells: list[str]) -> None:
    out = StringIO()
    write_table(out, [cells])
    for sign in ",;\t":
        for row in csv.reader(StringIO(out.getvalue()), delimiter=sign):
            assert not [cell for cell in row if cell.strip(' "').startswith(tuple("=+-@"))]


def test_numbers_and_phones_go_out_and_in_again(tmp_path: Path) -> None:
    cells = ["-5", "+8562020000001", PLANTED, "''=1", "a;=1", "ກີບ"]
    path = tmp_path / "out.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        write_table(out, [cells])
    assert path.read_text("utf-8-sig").startswith("'-5,'+856")
    assert [found for _number, found in read_cells(path)] == [cells]


@pytest.mark.parametrize(
    "code",
    [
        "import csv\ncsv.writer",
        "from csv import writer",
        "import csv as c\nc.DictWriter",
        "from csv import DictWriter as D",
        "from openpyxl import Workbook",
        "import openpyxl\nopenpyxl.Workbook",
    ],
)
@pytest.mark.parametrize("room", ["gateway/web/new.py", "gateway/cli/new.py", "flows/new.py", "app.py"])
def test_no_other_place_of_the_house_may_write_a_table(code: str, room: str) -> None:
    ruff = [sys.executable, "-m", "ruff", "check", "--no-cache", "--stdin-filename", str(ROOT / room), "-"]
    checked = subprocess.run(ruff, input=code, capture_output=True, text=True, cwd=ROOT, timeout=30, check=False)
    assert "TID251" in checked.stdout
    assert "write_table" in checked.stdout


def test_the_one_place_is_the_only_one_that_is_excused() -> None:
    excused = [
        path.relative_to(ROOT).as_posix()
        for room in ("gateway", "flows")
        for path in sorted((ROOT / room).rglob("*.py"))
        if "TID251" in path.read_text("utf-8")
    ]
    assert excused == ["gateway/text/table.py"]
