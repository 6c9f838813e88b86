"""Importing files: all or nothing, every reason at once, and the same file twice changes nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import create_engine, insert, pool, select

from gateway.registry.line import COLUMNS, read_line, read_phone
from gateway.registry.load import Report, load
from gateway.registry.problems import PROBLEMS_SHOWN, LinesError
from gateway.registry.sheet import SheetError
from gateway.registry.tables import contributions, employers, employments, members, register

TODAY = date(2026, 11, 23)
LINE = {
    "number": "9900000001",
    "name_lo": "ທົດລອງ ກາມາ",
    "name_latin": "Thotlong Kama",
    "birth_date": "17/05/1990",
    "phone": "020 2000 0001",
    "employer_code": "12345-01",
    "employer_name": "ບໍລິສັດ ທົດລອງ",
    "month": "2026-09",
    "insured_earnings": "2.500.000",
    "due": "287.500",
    "paid": "287.500",
    "posted_on": "2026-10-20",
    "status": "posted",
}
UNPAID = {"paid": "0", "posted_on": "", "status": "assessed"}
OTHER = {**LINE, "number": "9900000002", "name_latin": "", "phone": ""}

Line = Mapping[str, str]


def written(lines: Iterable[Line], delimiter: str = ",", columns: Iterable[str] = tuple(COLUMNS)) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(columns), delimiter=delimiter, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(lines)
    return file.getvalue()


def rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in register.sorted_tables
        }


class Importing:
    def __init__(self, url: str, directory: Path) -> None:
        self.url, self.directory = url, directory

    def __call__(self, *lines: Line, **file: Any) -> Report:
        return self.text(written(lines, **file))

    def text(self, text: str, encoding: str = "utf-8") -> Report:
        path = self.directory / "lines.csv"
        path.write_bytes(text.encode(encoding))
        return load(self.url, path, TODAY)

    def refused(self, *lines: Line) -> list[str]:
        before = rows(self.url)
        with pytest.raises(LinesError) as refused:
            self(*lines)
        assert rows(self.url) == before
        assert refused.value.count == len(refused.value.problems)
        return [f"{problem.line} {problem.reason}" for problem in refused.value.problems]


@pytest.fixture
def importing(database_url: str, tmp_path: Path) -> Importing:
    importing = Importing(database_url, tmp_path)
    importing(LINE, {**LINE, **UNPAID, "month": "10/2026"})
    return importing


def test_what_a_line_becomes(importing: Importing) -> None:
    found = rows(importing.url)
    assert found["members"] == [
        (1, "9900000001", "ທົດລອງ ກາມາ", "Thotlong Kama", date(1990, 5, 17), "+8562020000001")
    ]
    assert found["employers"] == [(1, "12345-01", "ບໍລິສັດ ທົດລອງ", "", "enterprise")]
    assert found["contributions"] == [
        (1, 1, 2_500_000, 287_500, 287_500, date(2026, 10, 20), 2026 * 12 + 8, 3),
        (1, 1, 2_500_000, 287_500, 0, None, 2026 * 12 + 9, 0),
    ]
    assert found["employments"] == []


def test_the_same_file_again_changes_nothing(importing: Importing) -> None:
    before = rows(importing.url)
    assert importing(LINE, {**LINE, **UNPAID, "month": "2026-10"}) == Report(new=0, changed=0, same=2)
    assert rows(importing.url) == before


@pytest.mark.parametrize(
    ("difference", "report"),
    [
        ({}, Report(0, 0, 1)),
        ({"paid": "1"}, Report(0, 1, 0)),
        ({"paid": "0", "posted_on": "", "status": "received"}, Report(0, 1, 0)),
        ({"posted_on": ""}, Report(0, 1, 0)),
        ({"phone": ""}, Report(0, 1, 0)),
        ({"name_lo": "ທົດລອງ ມານີ"}, Report(0, 1, 0)),
        ({"employer_name": "Thotlong Company"}, Report(0, 1, 0)),
        ({"month": "2026-08"}, Report(1, 0, 0)),
        ({"employer_code": "1234502"}, Report(1, 0, 0)),
        ({"number": "9900000009"}, Report(1, 0, 0)),
    ],
)
def test_a_line_is_new_changed_or_the_same(importing: Importing, difference: Line, report: Report) -> None:
    line = {**LINE, **difference}
    assert importing(line) == report
    assert report.lines == 1
    assert importing(line) == Report(0, 0, 1)


def test_an_employer_keeps_the_name_in_the_other_script(importing: Importing) -> None:
    importing({**LINE, "employer_name": "Thotlong Company"})
    assert rows(importing.url)["employers"] == [(1, "12345-01", "ບໍລິສັດ ທົດລອງ", "Thotlong Company", "enterprise")]


def test_others_in_the_register_stay(importing: Importing) -> None:
    before = rows(importing.url)
    assert importing(OTHER) == Report(1, 0, 0)
    after = rows(importing.url)
    assert after["members"][0] == before["members"][0]
    assert after["contributions"][:2] == before["contributions"]
    assert after["members"][1][5] is None


def test_employments_are_left_alone(importing: Importing) -> None:
    job = {"member_id": 1, "employer_id": 1, "started_on": date(2020, 1, 1), "ended_on": None}
    with create_engine(importing.url, poolclass=pool.NullPool).begin() as connection:
        connection.execute(insert(employments), job)
    importing({**LINE, "paid": "5"})
    assert rows(importing.url)["employments"] == [tuple(job.values())]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv_as_spreadsheets_save_it(importing: Importing, delimiter: str, encoding: str) -> None:
    text = written([LINE, OTHER], delimiter, reversed(COLUMNS)).replace("number", "NUMBER", 1)
    assert importing.text(text + "\r\n" * 3, encoding) == Report(1, 0, 1)


def test_lao_spelling_and_digits_are_read(importing: Importing) -> None:
    typed = {
        "number": "໙໙໐໐ ໐໐໐ ໐໐໑",
        "name_lo": "  ທົດລອງ   ກາມາ\u200b",
        "birth_date": "໑໗/໐໕/໑໙໙໐",
        "phone": "໐໒໐ ໒໐໐໐ ໐໐໐໑",
        "employer_code": "໑໒໓໔໕໐໑",
        "month": "໐໙/໒໐໒໖",
        "paid": "໒໘໗.໕໐໐ ກີບ",
        "status": "Posted",
    }
    assert importing({**LINE, **typed}) == Report(0, 0, 1)


@pytest.mark.parametrize(
    ("typed", "e164"),
    [
        ("02020000001", "+8562020000001"),
        ("2020000001", "+8562020000001"),
        ("20000001", "+8562020000001"),
        ("+856 20 2000 0001", "+8562020000001"),
        ("008562020000001", "+8562020000001"),
        ("8562020000001", "+8562020000001"),
        ("55123456", "+8562055123456"),
        ("0305123456", "+856305123456"),
        ("021225045", "+85621225045"),
        ("21225045", "+85621225045"),  # a fixed line of Vientiane before a mobile without its 20
        ("+66 81 234 5678", "+66812345678"),
    ],
)
def test_phones_become_e164(typed: str, e164: str) -> None:
    assert read_phone(typed) == e164


@pytest.mark.parametrize("typed", ["1508", "hello", "0201234567890", "+8562010000001", "12345678"])
def test_what_is_no_phone_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="not a phone number"):
        read_phone(typed)


@pytest.mark.parametrize(
    ("difference", "reason"),
    [
        ({"number": "12345"}, "number: not 6 to 20 digits"),
        ({"number": "99OO000001"}, "number: not 6 to 20 digits"),
        ({"name_lo": "", "name_latin": " "}, "name_lo: empty, and so is name_latin"),
        ({"name_lo": "ກ" * 121}, "name_lo: longer than 120 characters"),
        ({"name_latin": "Thotlong\x07"}, "name_latin: has characters that cannot be shown"),
        ({"birth_date": "31/02/1990"}, "birth_date: not a date written dd/MM/yyyy"),
        ({"birth_date": "17/05/2533"}, "birth_date: a year of the Buddhist era"),
        ({"birth_date": "24/11/2026"}, "birth_date: after today"),
        ({"phone": "1508"}, "phone: not a phone number"),
        ({"employer_code": "1234-01"}, "employer_code: not 5 and 2 digits, such as 12345-01"),
        ({"employer_name": ""}, "employer_name: empty"),
        ({"month": "2026-13"}, "month: not a month written MM/yyyy"),
        ({"month": "2026-12"}, "month: after this month"),
        ({"insured_earnings": "1,5"}, "insured_earnings: not an amount in kip"),
        ({"due": "-1"}, "due: not an amount in kip"),
        ({"due": "2147483648"}, "due: more than 2147483647 kip in a month"),
        ({"paid": ""}, "paid: not an amount in kip"),
        ({"posted_on": "24/11/2026"}, "posted_on: after today"),
        ({"status": "paid"}, "status: not one of assessed, received, unmatched, posted"),
        ({**UNPAID, "paid": "1"}, "paid: must be 0 until the status is posted"),
        ({**UNPAID, "posted_on": "2026-10-20"}, "posted_on: must be empty until the status is posted"),
    ],
)
def test_one_bad_cell_and_why(difference: Line, reason: str) -> None:
    assert read_line({**LINE, **difference}, TODAY) == ((), [reason])


def test_every_bad_line_is_named_and_none_is_imported(importing: Importing) -> None:
    assert importing.refused(
        {**OTHER, "month": "x", "due": "y"},
        OTHER,
        {**OTHER, "month": "2026-08", "phone": "12"},
    ) == [
        "2 due: not an amount in kip",
        "2 month: not a month written MM/yyyy",
        "4 phone: not a phone number",
    ]


def test_lines_that_contradict_each_other(importing: Importing) -> None:
    assert importing.refused(
        {**LINE, "paid": "1"},
        LINE,
        {**LINE, "month": "2026-08", "phone": ""},
        {**OTHER, "employer_name": "ບໍລິສັດ"},
        {**OTHER, "month": "2026-08"},
    ) == [
        "3 month: the same member, employer and month as line 2",
        "4 number: name, birth date or phone differ from those on line 2",
        "5 employer_code: the employer's name differs from the one on line 2",
    ]


def test_reasons_repeat_nothing_personal(importing: Importing) -> None:
    secret = {column: f"secret{column}" for column in COLUMNS if "name" not in column}
    reasons = " ".join(importing.refused({**LINE, **secret}))
    assert reasons.count(":") == len(secret)
    assert "secret" not in reasons


def test_so_many_reasons_are_kept_and_all_are_counted(importing: Importing) -> None:
    with pytest.raises(LinesError) as refused:
        importing(*[{**LINE, "month": "x"}] * (PROBLEMS_SHOWN + 5))
    assert len(refused.value.problems) == PROBLEMS_SHOWN
    assert refused.value.count == PROBLEMS_SHOWN + 5


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "missing: number, name_lo"),
        (written([LINE]).replace("due", "owed"), "missing: due"),
        (written([LINE]).replace("status", "status,note", 1), "each of these columns once, and no others"),
        (written([LINE]).replace("posted\r", "posted,more\r"), "Line 2 has 14 cells"),
        (written([LINE]) + '"open', "Line 3 is not CSV"),
    ],
)
def test_files_that_are_no_such_table(importing: Importing, text: str, sentence: str) -> None:
    with pytest.raises(SheetError, match=sentence):
        importing.text(text)


def test_other_encodings_get_a_sentence(importing: Importing) -> None:
    with pytest.raises(SheetError, match=r"not in UTF-8. Save it as"):
        importing.text("number\nไทย", "cp874")


def workbook(path: Path, lines: Iterable[Mapping[str, Any]]) -> Path:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(list(COLUMNS))
    for line in lines:
        sheet.append([line[column] for column in COLUMNS])
    book.save(path)
    return path


def test_a_workbook_with_typed_cells(importing: Importing, tmp_path: Path) -> None:
    typed = {
        **LINE,
        "number": 9900000001,
        "birth_date": datetime(1990, 5, 17),
        "phone": 2020000001.0,
        "insured_earnings": 2_500_000,
        "due": 287_500.0,
        "paid": 287_500,
        "posted_on": datetime(2026, 10, 20),
        "employer_code": "12345-01",
    }
    empty = dict.fromkeys(COLUMNS)
    path = workbook(tmp_path / "lines.xlsx", [typed, empty, {**typed, "month": "2026-08"}])
    assert load(importing.url, path, TODAY) == Report(1, 0, 1)
    bad = workbook(tmp_path / "bad.xlsx", [typed, empty, {**typed, "due": 1.5}])
    with pytest.raises(LinesError) as refused:
        load(importing.url, bad, TODAY)
    assert [problem.line for problem in refused.value.problems] == [4]


def test_what_is_no_workbook(importing: Importing, tmp_path: Path) -> None:
    path = tmp_path / "lines.xlsx"
    path.write_text("number")
    with pytest.raises(SheetError, match="not an Excel workbook"):
        load(importing.url, path, TODAY)
    with pytest.raises(SheetError, match="cannot be read"):
        load(importing.url, tmp_path / "none.xlsx", TODAY)
    with pytest.raises(SheetError, match="cannot be read"):
        load(importing.url, tmp_path, TODAY)


def test_many_lines_pass_through_in_batches(database_url: str, tmp_path: Path) -> None:
    lines = [
        {**LINE, "number": f"9900{n % 600:06d}", "month": f"20{20 + n // 7200}-{n // 600 % 12 + 1:02d}"}
        for n in range(12_000)
    ]
    lines = [{**line, "phone": f"02020{int(line['number'][4:]):06d}"} for line in lines]
    path = tmp_path / "lines.csv"
    path.write_text(written(lines), "utf-8")
    heard: list[int] = []
    assert load(database_url, path, TODAY, heard.append) == Report(12_000, 0, 0)
    assert load(database_url, path, TODAY) == Report(0, 0, 12_000)
    assert heard == [5_000, 5_000, 2_000]
    found = rows(database_url)
    assert (len(found["members"]), len(found["employers"]), len(found["contributions"])) == (600, 1, 12_000)
    assert {members.name, employers.name, contributions.name} < set(found)
