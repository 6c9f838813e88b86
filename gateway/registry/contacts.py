"""Bring a file of employers' contacts into the register: all of it, or nothing and every reason why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, tuple_, update

from gateway.registry.line import read_phone
from gateway.registry.problems import PROBLEMS_SHOWN, LinesError, Problem
from gateway.registry.sheet import read_lines
from gateway.registry.tables import NAME_MAX, contacts, employers, stops
from gateway.storage.engines import open_engine
from gateway.storage.schema import upgrade
from gateway.text.catalogue import LANGUAGES
from gateway.text.lao import normalise
from gateway.text.reading import read_code, read_date

COLUMNS: Final = {
    "employer_code": "5 + 2 digits of form 2-01, such as 12345-01",
    "phone": "a Lao mobile, such as 020 2000 0001",
    "language": "lo, lo_Latn (Lao in Latin letters) or en",
    "role": "who this is at the firm, such as accountant",
    "agreed_on": "day on which the contact agreed to be reminded by text; empty: not asked, or no",
}
LIMIT: Final = 100_000  # lines: forty contacts for each of 2,300 firms, and small enough to compare in memory
AT_A_TIME: Final = 400  # pairs in one statement: SQLite takes 999 values


def load_contacts(url: str, path: Path, now: datetime) -> int:
    """Put every line into the register, in place of what it had for this employer and phone; how many there were.

    `now`: on the scheme's clock. A number that is given again is neither lost nor disputed any more.

    Raises `SheetError` for a file that is no such
    table, `LinesError` for lines that cannot stand.
    """
    upgrade(url, {"register"})
    problems: list[Problem] = []
    with open_engine(url).begin() as connection:
        ids = employer_ids(connection)
        rows: dict[tuple[int, str], dict[str, Any]] = {}
        for number, cells in read_lines(path, list(COLUMNS)):
            if number > LIMIT:
                problems.append(Problem(number, f"a file of contacts has {LIMIT:,} lines at most"))
                break
            values, reasons = _line(cells, ids, now)
            key = values.get("employer_id", 0), values.get("msisdn", "")
            if not reasons and key in rows:
                reasons = ["phone: the same employer and phone as an earlier line"]
            problems += [Problem(number, reason) for reason in reasons]
            rows[key] = values
        if problems:
            raise LinesError(problems[:PROBLEMS_SHOWN], len(problems))
        pairs = list(rows)
        both = tuple_(contacts.c.employer_id, contacts.c.msisdn)
        for start in range(0, len(pairs), AT_A_TIME):
            connection.execute(delete(contacts).where(both.in_(pairs[start : start + AT_A_TIME])))
        if rows:
            connection.execute(insert(contacts), list(rows.values()))
    return len(rows)


def stop(url: str, code: str, why: str, until: date | None) -> bool:
    """Note that an employer is not to be reminded; False when the register has none of this code."""
    with open_engine(url).begin() as connection:
        employer = _id(connection, code)
        if employer is None:
            return False
        connection.execute(delete(stops).where(stops.c.employer_id == employer, stops.c.why == why))
        connection.execute(insert(stops), {"employer_id": employer, "why": why, "until": until})
    return True


def believe(url: str, code: str, msisdn: str) -> None:
    """The number is this employer's after all, although it answered that it is not."""
    with open_engine(url).begin() as connection:
        hers = contacts.c.msisdn == msisdn, contacts.c.employer_id == _id(connection, code)
        connection.execute(update(contacts).where(*hers).values(disputed_on=None))


def resume(url: str, code: str, *whys: str) -> bool:
    """Forget these reasons not to remind an employer, or all; False when the register has none of this code."""
    with open_engine(url).begin() as connection:
        employer = _id(connection, code)
        if employer is None:
            return False
        forgotten = delete(stops).where(stops.c.employer_id == employer)
        connection.execute(forgotten.where(stops.c.why.in_(whys)) if whys else forgotten)
    return True


def retire(url: str, lost: Sequence[tuple[str, str, int]]) -> None:
    """Note for each employer's code and number that so many texts in a row were lost there."""
    c = contacts.c
    with open_engine(url).begin() as connection:
        for code, msisdn, bounces in lost:
            employer = select(employers.c.id).where(employers.c.code == code)
            hers = (c.msisdn == msisdn, c.employer_id.in_(employer))
            connection.execute(update(contacts).where(*hers).values(bounces=bounces))


def _id(connection: Connection, code: str) -> int | None:
    return connection.scalar(select(employers.c.id).where(employers.c.code == code))


def employer_ids(connection: Connection) -> Mapping[str, int]:
    """The register's own number of every employer, by its code."""
    rows = connection.execute(select(employers.c.code, employers.c.id))
    return {row.code: row.id for row in rows}


def _line(cells: Mapping[str, str], ids: Mapping[str, int], now: datetime) -> tuple[dict[str, Any], list[str]]:
    """The row of a line, and what is wrong with it; a reason never repeats a cell."""
    row: dict[str, Any] = {"bounces": 0, "checked_at": int(now.timestamp()), "disputed_on": None}
    reasons = []
    readers: dict[str, tuple[str, Callable[[str], Any]]] = {
        "employer_code": ("employer_id", lambda text: known(read_code(text), ids)),
        "phone": ("msisdn", read_phone),
        "language": ("language", _language),
        "role": ("role", _role),
        "agreed_on": ("agreed_on", lambda text: _past(text, now.date())),
    }
    for column, (name, read) in readers.items():
        try:
            row[name] = read(cells[column])
        except ValueError as problem:
            reasons.append(f"{column}: {problem}")
    return row, reasons


def known(code: str, ids: Mapping[str, int]) -> int:
    """The number of this employer; raises ValueError where the register has none."""
    if code not in ids:
        raise ValueError("the register has no such employer")
    return ids[code]


def _language(text: str) -> str:
    if text not in LANGUAGES:
        raise ValueError(f"not one of {', '.join(LANGUAGES)}")
    return text


def _role(text: str) -> str:
    role = " ".join(normalise(text).split())
    if not role or len(role) > NAME_MAX or not role.isprintable():
        raise ValueError(f"empty, longer than {NAME_MAX} characters, or with characters that cannot be shown")
    return role


def _past(text: str, today: date) -> date | None:
    if not text:
        return None
    day = read_date(text)
    if day > today:
        raise ValueError("after today")
    return day
