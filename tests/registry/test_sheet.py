"""Files as spreadsheets save them, and files that were made to hurt."""

from __future__ import annotations

import zipfile
from pathlib import Path
from random import Random

import pytest
from openpyxl import Workbook

from gateway.registry.sheet import COLUMNS_MAX, LINE_MAX, PART_MAX, ROWS_MAX, SheetError, read_cells

SHEET = "xl/worksheets/sheet1.xml"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
CONTENT = """<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml"
 ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>"""


def cells(path: Path) -> list[list[str]]:
    return [found for _number, found in read_cells(path)]


def saved(path: Path, *rows: list[object]) -> Path:
    book = Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(path)
    return path


def rewritten(path: Path, part: str, text: str) -> Path:
    """The workbook with another text in one of its parts."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, found in parts.items():
            new.writestr(name, text if name == part else found)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_every_encoding_and_sign_that_a_spreadsheet_saves(tmp_path: Path, encoding: str, sign: str) -> None:
    path = tmp_path / "lines.csv"
    text = f'code{sign}ເດືອນ{sign}wage\r\n12345-01{sign}໑໐/໒໐໒໖{sign}"2,500,000"\r\n\r\n{sign}{sign}\r\n'
    path.write_bytes((("\ufeff" if encoding[-2:] in {"le", "be"} else "") + text).encode(encoding))
    assert cells(path) == [["code", "ເດືອນ", "wage"], ["12345-01", "໑໐/໒໐໒໖", "2,500,000"]]


def test_amounts_with_commas_are_not_taken_for_cells(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text("code;wage;due\n12345-01;1,250,000,000;2,500,000,000\n", "utf-8")
    assert cells(path)[1] == ["12345-01", "1,250,000,000", "2,500,000,000"]


def test_title_lines_do_not_hide_the_sign(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text("Return for October\n\na;b;c\n1;2;3\n", "utf-8")
    assert cells(path)[-1] == ["1", "2", "3"]


def test_lines_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text('a,b\n\n"1\n2",x\n3,y\n', "utf-8")
    assert [number for number, _cells in read_cells(path)] == [1, 4, 5]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a" * LINE_MAX * 2, "more than 1,000,000 characters"),
        ("a,b\n" + "," * 100_000 + "x", f"Line 2 has more than {COLUMNS_MAX} cells"),
    ],
)
def test_what_would_fill_memory_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "lines.csv"
    path.write_text(text)
    with pytest.raises(SheetError, match=sentence):
        cells(path)


@pytest.mark.parametrize("data", [b"\xff\xfea", b"\xff\xfe\x00\xd8a\x00", b"number\n\xff"])
def test_what_is_no_text_gets_a_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "lines.csv"
    path.write_bytes(data)
    with pytest.raises(SheetError, match="not in UTF-8"):
        cells(path)


def test_of_a_formula_the_computed_value_counts(tmp_path: Path) -> None:
    path = saved(tmp_path / "lines.xlsx", ["wage"], ["x"])
    formula = '<c r="A2"><f>1+1</f><v>2</v></c>'
    with zipfile.ZipFile(path) as book:
        sheet = book.read(SHEET).decode()
    start, end = sheet.index('<c r="A2"'), sheet.index("</c>", sheet.index('<c r="A2"')) + len("</c>")
    rewritten(path, SHEET, sheet[:start] + formula + sheet[end:])
    assert cells(path) == [["wage"], ["2"]]


def test_a_workbook_that_claims_to_be_smaller_is_read_whole(tmp_path: Path) -> None:
    path = saved(tmp_path / "lines.xlsx", ["a", "b"], ["1", "2"], ["3", "4"])
    with zipfile.ZipFile(path) as book:
        sheet = book.read(SHEET).decode()
    assert 'ref="A1:B3"' in sheet
    rewritten(path, SHEET, sheet.replace('ref="A1:B3"', 'ref="A1:A1"'))
    assert cells(path) == [["a", "b"], ["1", "2"], ["3", "4"]]


def test_a_row_far_away_is_not_counted_up_to(tmp_path: Path) -> None:
    path = saved(tmp_path / "lines.xlsx", ["a"], ["b"])
    with zipfile.ZipFile(path) as book:
        sheet = book.read(SHEET).decode()
    rewritten(path, SHEET, sheet.replace('r="2"', 'r="99999999999"').replace('r="A2"', 'r="A99999999999"'))
    with pytest.raises(SheetError, match=f"more than {ROWS_MAX:,} lines|not an Excel workbook"):
        cells(path)


def test_a_workbook_of_too_many_columns(tmp_path: Path) -> None:
    with pytest.raises(SheetError, match="more than 100 cells"):
        cells(saved(tmp_path / "lines.xlsx", ["x"] * 16_384))


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = saved(tmp_path / "lines.xlsx", ["a"])
    rewritten(path, "xl/styles.xml", " " * (PART_MAX + 1))
    assert path.stat().st_size < 1_000_000
    with pytest.raises(SheetError, match="unpacks to more"):
        cells(path)


def test_entities_that_multiply_are_no_workbook(tmp_path: Path) -> None:
    path = saved(tmp_path / "lines.xlsx", ["a"])
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    row = '<row r="1"><c r="A1" t="inlineStr"><is><t>&e11;</t></is></c></row>'
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{row}</sheetData></worksheet>'
    rewritten(path, SHEET, f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]>{sheet}')
    with pytest.raises(SheetError, match="not an Excel workbook"):
        cells(path)


@pytest.mark.parametrize("part", ["xl/workbook.xml", SHEET, "xl/styles.xml"])
@pytest.mark.parametrize("text", ["", "<a>", "<a/>", CONTENT])
def test_a_damaged_workbook_gets_a_sentence_or_has_no_lines(tmp_path: Path, part: str, text: str) -> None:
    path = rewritten(saved(tmp_path / "lines.xlsx", ["a", "b"]), part, text)
    try:
        found = cells(path)
    except SheetError as problem:
        found = [[str(problem)]]
    assert found in ([], [["a", "b"]], [["The file is not an Excel workbook (.xlsx)."]])


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_damaged_gets_a_sentence(tmp_path: Path, seed: int) -> None:
    chance = Random(seed)
    path = saved(tmp_path / "lines.xlsx", *([f"a{n}", n, 2.5] for n in range(20)))
    damaged = bytearray(path.read_bytes())
    for _ in range(8):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    path.write_bytes(damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])])
    try:
        found = len(cells(path))
    except SheetError as problem:
        found = str(problem).startswith(("The file is not", "The workbook unpacks", "The sheet has", "Line"))
    assert found
