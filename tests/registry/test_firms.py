"""Employers, what came from them for a month, and who may be told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert, pool

from gateway.registry.contacts import COLUMNS, load_contacts, resume, stop
from gateway.registry.firms import Contact, Firm, Stop, firms
from gateway.registry.port import Posting
from gateway.registry.problems import LinesError
from gateway.registry.tables import employers
from gateway.storage.schema import upgrade
from gateway.text.values import Month
from tests.register import DUE, Register
from tests.registry.test_load import written

NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
TODAY = NOW.date()
OCTOBER = Month(2026, 10)
REGIME = "enterprise"
CODE = "00001-01"  # of the employer that `Register` makes
LINE = {
    "employer_code": CODE,
    "phone": "020 2100 0001",
    "language": "lo",
    "role": "ບັນຊີ",
    "agreed_on": "01/10/2026",
}


@pytest.fixture
def register_url(database_url: str) -> str:
    """One employer with two members: nothing came for October; September of the first was posted."""
    upgrade(database_url, {"register"})
    register = Register(database_url)
    register.member(1, None, {OCTOBER: Posting.ASSESSED, OCTOBER + -1: Posting.POSTED})
    register.member(2, None, {OCTOBER: Posting.ASSESSED})
    register.close()
    with create_engine(database_url, poolclass=pool.NullPool).begin() as connection:
        row = {"id": 2, "code": "00002-01", "name_lo": "", "name_latin": "Thotlong"}
        connection.execute(insert(employers), row)
    return database_url


@pytest.fixture
def imports(register_url: str, tmp_path: Path) -> Imports:
    return Imports(register_url, tmp_path / "contacts.csv")


class Imports:
    """`imports(line, ...)`: a file of these lines, imported; how many contacts there were."""

    def __init__(self, url: str, path: Path) -> None:
        self.url, self.path = url, path

    def __call__(self, *lines: Mapping[str, str]) -> int:
        self.path.write_text(written(lines, columns=COLUMNS), encoding="utf-8")
        return load_contacts(self.url, self.path, NOW)

    def first(self, month: Month = OCTOBER) -> Firm:
        return next(firms(self.url, month, REGIME))


def test_what_is_due_and_what_came(register_url: str) -> None:
    first, second = firms(register_url, OCTOBER, REGIME)
    assert first == Firm(CODE, 2 * DUE, 2, 0, posted_lately=True, contacts=(), stops=())
    assert second == Firm("00002-01", 0, 0, 0, posted_lately=False, contacts=(), stops=())


@pytest.mark.parametrize("posting", [Posting.RECEIVED, Posting.UNMATCHED, Posting.POSTED])
def test_money_that_is_not_posted_yet_came_too(register_url: str, posting: Posting) -> None:
    register = Register(register_url)
    register.member(3, None, {OCTOBER: posting})
    register.close()
    assert next(firms(register_url, OCTOBER, REGIME)).came == 1


@pytest.mark.parametrize(("month", "lately"), [(Month(2026, 12), True), (Month(2027, 1), False)])
def test_lately_is_three_months(register_url: str, month: Month, lately: bool) -> None:
    assert next(firms(register_url, month, REGIME)).posted_lately is lately


def test_contacts_are_told_in_their_language_once_they_agreed(imports: Imports) -> None:
    other = {**LINE, "phone": "020 2100 0002", "language": "en", "agreed_on": ""}
    assert imports(LINE, other) == 2
    assert imports.first().contacts == (
        Contact("+8562021000001", "lo", "ບັນຊີ", agreed=True, bounces=0, checked_at=int(NOW.timestamp())),
        Contact("+8562021000002", "en", "ບັນຊີ", agreed=False, bounces=0, checked_at=int(NOW.timestamp())),
    )


def test_a_line_takes_the_place_of_what_was_there_and_the_same_file_changes_nothing(imports: Imports) -> None:
    imports(LINE)
    once = imports.first()
    imports(LINE)
    assert imports.first() == once
    imports({**LINE, "language": "en"})
    assert [contact.language for contact in imports.first().contacts] == ["en"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"employer_code": "99999-01"}, "employer_code: the register has no such employer"),
        ({"employer_code": "x"}, "employer_code: not 5 and 2 digits, such as 12345-01"),
        ({"phone": "12"}, "phone: not a phone number"),
        ({"language": "fr"}, "language: not one of lo_Latn, en, lo"),
        ({"role": ""}, "role: empty, longer than 120 characters, or with characters that cannot be shown"),
        ({"agreed_on": "24/11/2026"}, "agreed_on: after today"),
    ],
)
def test_a_line_that_cannot_stand_leaves_everything_as_it_was(
    imports: Imports, change: Mapping[str, str], reason: str
) -> None:
    with pytest.raises(LinesError) as bad:
        imports(LINE, {**LINE, "phone": "020 2100 0002", **change})
    assert [(problem.line, problem.reason) for problem in bad.value.problems] == [(3, reason)]
    assert imports.first().contacts == ()


def test_the_same_phone_twice_is_named(imports: Imports) -> None:
    with pytest.raises(LinesError) as bad:
        imports(LINE, LINE)
    assert bad.value.problems[0].reason == "phone: the same employer and phone as an earlier line"


def test_stopped_and_resumed(register_url: str) -> None:
    until = date(2027, 3, 31)
    assert stop(register_url, CODE, Stop.PLAN, None)
    assert stop(register_url, CODE, Stop.PLAN, until)
    assert next(firms(register_url, OCTOBER, REGIME)).stops == ((Stop.PLAN, until),)
    assert resume(register_url, CODE)
    assert next(firms(register_url, OCTOBER, REGIME)).stops == ()
    assert not stop(register_url, "99999-01", Stop.CLOSED, None)
    assert not resume(register_url, "99999-01")
