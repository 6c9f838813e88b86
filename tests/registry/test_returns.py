"""What employers owe and what came, as files of form 2-01: all or nothing, and money never falls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import create_engine, pool, select

from gateway.registry.form import Column
from gateway.registry.postings import POSTINGS
from gateway.registry.problems import LinesError, Problem
from gateway.registry.returns import COLUMNS, insurable, returns
from gateway.registry.scheme import load_scheme
from gateway.registry.sheet import SheetError
from gateway.registry.tables import contributions
from gateway.registry.upload import AlreadyImported, Outcome, Upload, bring
from gateway.text.values import Kip
from tests.registry.rows import DUE, few
from tests.registry.test_load import rows, written

NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
TODAY = date(2026, 11, 23)
RETURNS = returns(load_scheme())

OCTOBER = 2026 * 12 + 9
# the floor of 2026 is 2,500,000 kip and the ceiling 4,500,000
LINE = {
    "employer_code": "00001-01",
    "month": "2026-10",
    "number": "9900001234",
    "wage": "3.000.000",
    "employer_share": "180.000",
    "insured_share": "165.000",
    "due": "345.000",
}
OTHER = {**LINE, "number": "9900005678"}
BARE = {**LINE, "employer_share": "", "insured_share": "", "due": ""}
POSTING = {
    "employer_code": "00001-01",
    "month": "2026-10",
    "number": "9900001234",
    "amount": "345.000",
    "posted_on": "20/11/2026",
}
UNDIVIDED = {**POSTING, "number": "", "amount": "690.000"}
ALL = (*LINE, "order", "name")

Line = Mapping[str, str]


class Office:
    """Somebody who imports files into a register of a few rows."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url, self.directory = few(url), directory

    def due(self, *lines: Line, columns: Iterable[str] = tuple(LINE), **more: Any) -> Outcome:
        return self.text(RETURNS, written(lines, columns=columns), **more)

    def posted(self, *lines: Line, **more: Any) -> Outcome:
        return self.text(POSTINGS, written(lines, columns=POSTING), **more)

    def text(self, upload: Upload, text: str, **more: Any) -> Outcome:
        path = self.directory / "lines.csv"
        path.write_text(text, "utf-8")
        return self.file(upload, path, **more)

    def file(self, upload: Upload, path: Path, **more: Any) -> Outcome:
        return bring(upload, self.url, path, NOW, TODAY, **more)

    def refused(self, upload: Upload, text: str) -> list[str]:
        before = rows(self.url)
        told: list[Problem] = []
        with pytest.raises(LinesError) as refused:
            self.text(upload, text, tell=told.append)
        assert rows(self.url) == before
        assert sorted(told) == list(refused.value.problems)
        return [f"{problem.line} {problem.reason}" for problem in refused.value.problems]

    def month(self, index: int = OCTOBER) -> list[tuple[Any, ...]]:
        """Member, employer, insured earnings, due, paid, posted on and status."""
        c = contributions.c
        wanted = (c.member_id, c.employer_id, c.insured_earnings, c.due, c.paid, c.posted_on, c.status)
        with create_engine(self.url, poolclass=pool.NullPool).connect() as connection:
            found = connection.execute(select(*wanted).where(c.month == index).order_by(c.member_id))
            return [tuple(row) for row in found]


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Office:
    return Office(database_url, tmp_path)


def due_text(*lines: Line, columns: Iterable[str] = tuple(LINE)) -> str:
    return written(lines, columns=columns)


def posted_text(*lines: Line) -> str:
    return written(lines, columns=POSTING)


def test_a_return_says_what_is_due(office: Office) -> None:
    assert office.due(LINE, OTHER) == Outcome(2, new=2, changed=0, same=0, kept=0)
    assert office.month() == [(1, 1, 3_000_000, 345_000, 0, None, 0), (2, 1, 3_000_000, 345_000, 0, None, 0)]


@pytest.mark.parametrize(
    ("wage", "insured", "due"),
    [
        ("0", 0, 0),
        ("1", 2_500_000, 287_500),
        ("2.499.999", 2_500_000, 287_500),
        ("2.500.009", 2_500_009, 287_501),  # 150,000.54 and 137,500.495
        ("4.500.001", 4_500_000, 517_500),
        ("99.000.000", 4_500_000, 517_500),
    ],
)
def test_floor_and_ceiling_of_the_month(office: Office, wage: str, insured: int, due: int) -> None:
    office.due({**BARE, "wage": wage})
    assert office.month() == [(1, 1, insured, due, 0, None, 0)]


def test_each_month_has_its_own_ceiling_and_an_unknown_floor_is_none() -> None:
    scheme = load_scheme()
    assert insurable(99_000_000, scheme.on(date(2016, 12, 1))) == Kip(2_000_000)
    assert insurable(99_000_000, scheme.on(date(2017, 1, 1))) == Kip(4_500_000)
    assert insurable(1, scheme.on(date(2025, 12, 1))) == Kip(1)


@pytest.mark.parametrize(("employer", "insured"), [("180.001", "164.999"), ("179.999", "165.001")])
def test_one_kip_of_rounding_is_the_forms_affair(office: Office, employer: str, insured: str) -> None:
    office.due({**LINE, "employer_share": employer, "insured_share": insured, "due": ""})
    assert office.month() == [(1, 1, 3_000_000, 345_000, 0, None, 0)]
    assert office.due({**LINE, "due": "345.002"}).changed == 1
    assert office.month() == [(1, 1, 3_000_000, 345_002, 0, None, 0)]


@pytest.mark.parametrize(
    ("difference", "reason"),
    [
        (
            {"employer_share": "180.002"},
            "employer_share: not 6.0 % of the wage within the month's floor and ceiling",
        ),
        (
            {"insured_share": "164.998"},
            "insured_share: not 5.5 % of the wage within the month's floor and ceiling",
        ),
        ({"due": "345.003"}, "due: not the employer's and the worker's share together"),
        ({"wage": "-1"}, "wage: not an amount in kip"),
        ({"wage": ""}, "wage: not an amount in kip"),
        ({"wage": "#REF!"}, "wage: not an amount in kip"),
        ({"wage": "3000000,50"}, "wage: not an amount in kip"),
        ({"wage": "2147483648"}, "wage: more than 2147483647 kip in a month"),
        ({"month": "12/2026"}, "month: after this month"),
        ({"month": "10/2569"}, "month: a year of the Buddhist era; 2026-10 in the Christian era?"),
        ({"month": "2026-10-02"}, "month: not a month written MM/yyyy"),
        ({"month": "05/2001"}, "month: no source says what was due then"),
        ({"employer_code": "1234"}, "employer_code: not 5 and 2 digits, such as 12345-01"),
        ({"employer_code": "99999-01"}, "employer_code: the register has no such employer"),
        ({"number": "99"}, "number: not 6 to 20 digits"),
        (
            {"number": "9900999999"},
            "number: not on the register; form 1-02 is needed, or 1-04 for a worker who has a card already",
        ),
    ],
)
def test_a_bad_line_and_why(office: Office, difference: Line, reason: str) -> None:
    assert office.refused(RETURNS, due_text({**LINE, **difference}, OTHER)) == [f"2 {reason}"]


def test_every_bad_line_is_named_and_none_is_imported(office: Office) -> None:
    assert office.refused(
        RETURNS,
        due_text({**LINE, "wage": "x", "month": "y"}, OTHER, {**LINE, "employer_code": "99999-01"}, OTHER),
    ) == [
        "2 month: not a month written MM/yyyy",
        "2 wage: not an amount in kip",
        "4 employer_code: the register has no such employer",
        "5 month: the same member, employer and month as line 3",
    ]


def test_reasons_repeat_nothing_of_a_worker(office: Office) -> None:
    secret = {column: f"secret{column}" for column in LINE}
    assert "secret" not in " ".join(office.refused(RETURNS, due_text(secret)))


def test_the_same_file_is_known_by_its_bytes(office: Office) -> None:
    office.due(LINE)
    office.posted(POSTING)
    before = rows(office.url)
    with pytest.raises(AlreadyImported) as known:
        office.due(LINE)
    assert known.value.moment == NOW
    assert rows(office.url) == before
    assert office.due(LINE, again=True) == Outcome(1, new=0, changed=0, same=1, kept=0)
    assert rows(office.url) == before


def test_two_who_import_one_file_at_once_import_it_once(office: Office) -> None:
    path = office.directory / "lines.csv"
    path.write_text(due_text(LINE, OTHER), "utf-8")
    both = Barrier(2, timeout=60)

    def one() -> Outcome | None:
        both.wait()
        try:
            return office.file(RETURNS, path)
        except AlreadyImported:
            return None

    with ThreadPoolExecutor(2) as threads:
        found = [asked.result(timeout=60) for asked in [threads.submit(one) for _ in range(2)]]
    assert sorted(found, key=str) == [None, Outcome(2, new=2, changed=0, same=0, kept=0)]
    assert len(office.month()) == 2


def test_a_refused_file_may_come_again(office: Office) -> None:
    text = due_text({**LINE, "employer_code": "99999-01"})
    assert office.refused(RETURNS, text) == office.refused(RETURNS, text)
    assert rows(office.url)["imports"] == []


def test_the_same_line_in_another_file_changes_nothing(office: Office) -> None:
    office.due(LINE)
    assert office.due(LINE, OTHER) == Outcome(2, new=1, changed=0, same=1, kept=0)
    assert office.due({**BARE, "wage": "4.000.000"}, OTHER) == Outcome(2, new=0, changed=1, same=1, kept=0)
    assert [row[3] for row in office.month()] == [460_000, 345_000]


def test_a_return_never_takes_money_back(office: Office) -> None:
    march = 2026 * 12 + 2  # member 1 is posted, 2 is unmatched
    before = office.month(march)
    lines = [{**BARE, "month": "2026-03", "number": number} for number in ("9900001234", "9900005678")]
    assert office.due(*lines) == Outcome(2, new=0, changed=1, same=1, kept=1)
    after = office.month(march)
    assert after[0] == before[0]
    assert after[1] == (2, 1, 3_000_000, 345_000, 0, None, 2)
    assert after[2:] == before[2:]


FORM = """ແບບສະແດງການຈ່າຍເງິນສົມທົບ;;;;;
ລະຫັດປະກັນສັງຄົມຂອງຫົວໜ່ວຍແຮງງານ:;00001-01;;ປະຈໍາເດືອນ:;໑໐/໒໐໒໖;
ໂທລະສັບ;021225045;;;;
;;;;;
ລ/ດ;ຊື່ ແລະ ນາມສະກຸນ;ລະຫັດປະກັນສັງຄົມ;ເງິນເດືອນປະກັນຕົນ (ກີບ);ເງິນສົມທົບ;
;;;;(1) ຜູ້ໃຊ້ແຮງງານ 6 %;(2) ຜູ້ອອກແຮງງານ 5,5 %
1;ທົດລອງ;9900001234;3.000.000;180.000;165.000
2;ທົດລອງ;໙໙໐໐໐໐໕໖໗໘;໓.໐໐໐.໐໐໐;180.000;165.000
;ລວມ;;6.000.000;360.000;330.000
ລວມຈໍານວນເງິນສົມທົບທີ່ນໍາສົ່ງ;690.000;;;;
;;;;;
ລາຍເຊັນ;;;;;
"""


def test_a_form_as_it_is_printed(office: Office) -> None:
    assert office.text(RETURNS, FORM) == Outcome(2, new=2, changed=0, same=0, kept=0)
    assert office.month() == [(1, 1, 3_000_000, 345_000, 0, None, 0), (2, 1, 3_000_000, 345_000, 0, None, 0)]


@pytest.mark.parametrize(
    "name", ["employer_code,month,number,wage", "LAHAT HOUANOUAY,Duan,Lahat pakan sangkhom,Ngeun duan"]
)
def test_ours_and_romanised_headings(office: Office, name: str) -> None:
    assert office.text(RETURNS, f"{name}\n00001-01,10/2026,9900001234,3000000\n").new == 1


@pytest.mark.parametrize(
    ("was", "now", "reason"),
    [
        ("6.000.000", "6.000.003", "9 wage: not the sum of its lines"),
        ("360.000", "359.997", "9 employer_share: not the sum of its lines"),
        ("690.000", "690.003", "10 due: not the sum of its lines"),
        ("690.000", "many", "10 due: not an amount in kip"),
    ],
)
def test_sums_at_the_foot_are_compared(office: Office, was: str, now: str, reason: str) -> None:
    assert office.refused(RETURNS, FORM.replace(was, now)) == [reason]


@pytest.mark.parametrize("name", ["Duan", "ເດືອນ", "ລວມ", "Total", "ຈຳນວນເງິນ: ໑"])
def test_a_worker_may_be_called_like_a_heading(office: Office, name: str) -> None:
    assert office.text(RETURNS, FORM.replace("1;ທົດລອງ", f"1;{name}")).new == 2


def test_a_worker_without_a_number_is_not_lost_among_totals(office: Office) -> None:
    assert office.refused(RETURNS, FORM.replace("2;ທົດລອງ;໙໙໐໐໐໐໕໖໗໘", "2;ລວມ;")) == [
        "9 employer_share: not the sum of its lines",
        "9 insured_share: not the sum of its lines",
        "9 wage: not the sum of its lines",
        "10 due: not the sum of its lines",
    ]


def test_sums_above_the_lines_are_compared_too(office: Office) -> None:
    text = FORM.replace("ໂທລະສັບ;021225045", "ເງິນສົມທົບຂອງຜູ້ໃຊ້ແຮງງານ;1")
    assert office.refused(RETURNS, text) == ["5 employer_share: not the sum of its lines"]


@pytest.mark.parametrize(
    ("was", "now", "sentence"),
    [
        ("ລະຫັດປະກັນສັງຄົມຂອງຫົວໜ່ວຍແຮງງານ:;00001-01", ";", "missing: employer_code. See --help"),
        ("ຊື່ ແລະ ນາມສະກຸນ", "ບ່ອນຢູ່", "Line 5: the heading of column 2 is not known"),
        ("ລ/ດ;", "wage;", "Line 5: the heading of column 4 stands there twice"),
        ("ລາຍເຊັນ;;;", "3;;9900011234;3.000.000", "Line 12 has an amount, but stands below the sums"),
        ("2;ທົດລອງ;", "2;ທົດລອງ;;;;;;", "Line 8 has 11 cells, but there are 6 columns"),
    ],
)
def test_what_is_no_form(office: Office, was: str, now: str, sentence: str) -> None:
    assert was in FORM
    with pytest.raises(SheetError, match=sentence):
        office.text(RETURNS, FORM.replace(was, now))
    assert rows(office.url)["imports"] == []


def test_a_workbook_whose_months_became_days(office: Office, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["employer_code", "month", "number", "wage"])
    sheet.append(["00001-01", datetime(2026, 10, 1), 9900001234, 3_000_000.0])
    book.save(tmp_path / "return.xlsx")
    assert office.file(RETURNS, tmp_path / "return.xlsx").new == 1
    assert office.month() == [(1, 1, 3_000_000, 345_000, 0, None, 0)]


def test_headings_are_told_apart() -> None:
    for upload in (RETURNS, POSTINGS):
        headings = [heading for column in upload.columns for heading in (column.name, *column.headings)]
        assert len(headings) == len(set(headings))
    assert {column.name for column in COLUMNS} == set(ALL)
    assert isinstance(COLUMNS[0], Column)


def test_a_members_posting_is_on_her_record(office: Office) -> None:
    office.due(LINE, OTHER)
    assert office.posted(POSTING) == Outcome(1, new=0, changed=1, same=0, kept=0)
    assert office.month() == [
        (1, 1, 3_000_000, 345_000, 345_000, date(2026, 11, 20), 3),
        (2, 1, 3_000_000, 345_000, 0, None, 0),
    ]
    assert office.posted(POSTING, again=True) == Outcome(1, new=0, changed=0, same=1, kept=0)
    assert office.posted({**POSTING, "amount": "345.001"}).changed == 1
    assert office.due({**BARE, "wage": "4.000.000"}).kept == 1


def test_an_employers_money_is_received_until_it_is_divided(office: Office) -> None:
    office.due(LINE, OTHER)
    assert office.posted(UNDIVIDED) == Outcome(1, new=0, changed=2, same=0, kept=0)
    assert [row[4:] for row in office.month()] == [(0, None, 1), (0, None, 1)]
    assert office.posted(POSTING).changed == 1
    assert office.posted({**UNDIVIDED, "posted_on": "21/11/2026"}) == Outcome(1, new=0, changed=0, same=2, kept=0)
    assert [row[4:] for row in office.month()] == [(345_000, date(2026, 11, 20), 3), (0, None, 1)]


def test_an_employers_money_may_be_more_than_one_member_could_owe(office: Office) -> None:
    office.due(LINE)
    assert office.posted({**UNDIVIDED, "amount": "5.000.000.000"}).changed == 1
    assert office.refused(POSTINGS, posted_text({**POSTING, "amount": "5.000.000.000"})) == [
        "2 amount: more than 2147483647 kip for one member"
    ]


@pytest.mark.parametrize(
    ("lines", "reasons"),
    [
        ([{**POSTING, "amount": "-5"}], ["2 amount: not an amount in kip"]),
        ([{**POSTING, "amount": "0"}], ["2 amount: nothing was paid"]),
        ([{**POSTING, "posted_on": "24/11/2026"}], ["2 posted_on: after today"]),
        (
            [{**POSTING, "posted_on": "20/11/2569"}],
            ["2 posted_on: a year of the Buddhist era; 2026-11-20 in the Christian era?"],
        ),
        ([{**POSTING, "posted_on": ""}], ["2 posted_on: not a date written dd/MM/yyyy"]),
        (
            [{**POSTING, "month": "2026-09"}, {**UNDIVIDED, "month": "2026-08"}],
            [f"{line} month: nothing is due for it on the register; bring its return first" for line in (2, 3)],
        ),
        (
            [{**UNDIVIDED, "amount": "689.997"}],
            ["2 amount: less than what is due for this month; give it member by member"],
        ),
        (
            [POSTING, UNDIVIDED],
            ["3 number: this employer and month stand with and without members, as on line 2"],
        ),
        ([UNDIVIDED, UNDIVIDED], ["3 month: the same member, employer and month as line 2"]),
        ([{**UNDIVIDED, "employer_code": "99999-01"}], ["2 employer_code: the register has no such employer"]),
        (
            [{**POSTING, "month": "2026-03", "amount": str(DUE - 2)}],
            ["2 amount: less than what is posted already"],
        ),
    ],
)
def test_postings_that_cannot_stand(office: Office, lines: list[Line], reasons: list[str]) -> None:
    office.due(LINE, OTHER)
    assert office.refused(POSTINGS, posted_text(*lines)) == reasons


def test_money_that_is_divided_later_in_full_is_posted(office: Office) -> None:
    office.due(LINE, OTHER)
    office.posted(UNDIVIDED)
    assert office.posted(POSTING, {**POSTING, "number": "9900005678"}).changed == 2
    assert {row[6] for row in office.month()} == {3}
