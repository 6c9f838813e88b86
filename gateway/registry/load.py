"""Bring a file of members and contributions into the register: all of it, or nothing and every reason why.

Lines are first laid into a temporary table, so that memory does not grow with the file and the database
compares them with each other and with the register in a few statements. A file says what was paid, not
who works where: employments stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Date,
    Integer,
    MetaData,
    Select,
    SmallInteger,
    String,
    Table,
    and_,
    case,
    exists,
    false,
    func,
    insert,
    or_,
    select,
    text,
    true,
    update,
)

from gateway.registry.bulk import Row, write_rows
from gateway.registry.line import COLUMNS, read_line
from gateway.registry.sheet import read_lines
from gateway.registry.tables import contributions, employers, members
from gateway.storage.engines import open_engine
from gateway.storage.schema import upgrade

BATCH_LINES: Final = 5_000  # about 5 MB of lines in memory at a time
PROBLEMS_SHOWN: Final = 200  # more than one sitting of corrections; the rest is counted

PERSON: Final = ("number", "name_lo", "name_latin", "birth_date", "msisdn")
EMPLOYER_NAMES: Final = {"employer_lo": "name_lo", "employer_latin": "name_latin"}  # ours: the register's
AMOUNTS: Final = ("insured_earnings", "due", "paid", "posted_on", "status")

lines = Table(
    "import_lines",
    MetaData(),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("number", String),
    Column("name_lo", String),
    Column("name_latin", String),
    Column("birth_date", Date),
    Column("msisdn", String),
    Column("code", String),
    Column("employer_lo", String),
    Column("employer_latin", String),
    Column("month", SmallInteger),
    Column("insured_earnings", Integer),
    Column("due", Integer),
    Column("paid", Integer),
    Column("posted_on", Date),
    Column("status", SmallInteger),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Why a line cannot be imported; the reason names the column and repeats no cell."""

    line: int
    reason: str


class LinesError(ValueError):
    """Nothing was imported: `problems` has the first of `count`, by line."""

    def __init__(self, problems: Sequence[Problem], count: int) -> None:
        super().__init__(f"{count} problems; nothing was imported")
        self.problems, self.count = tuple(problems), count


@dataclass(frozen=True, slots=True)
class Report:
    """How many lines were read, and what they did; a line is changed if any of its cells is."""

    new: int
    changed: int
    same: int

    @property
    def lines(self) -> int:
        return self.new + self.changed + self.same


def load(url: str, path: Path, today: date, progress: Callable[[int], None] = lambda read: None) -> Report:
    """Import the file in one transaction; `progress` hears how many more lines are read.

    Raises `SheetError` for a file that is no such table, `LinesError` for lines that cannot stand.
    """
    upgrade(url, {"register"})
    with open_engine(url).begin() as connection:
        lines.create(connection)
        found = _Problems()
        _lay_out(connection, path, today, found, progress)
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"ANALYZE {lines.name}"))
        _compare(connection, found)
        if found.count:
            raise LinesError(found.first(), found.count)
        report = _count(connection)
        _merge(connection, members, ["number"], _members())
        _merge(connection, employers, ["code"], _employers())
        _merge(connection, contributions, ["member_id", "month", "employer_id"], _contributions())
        lines.drop(connection)
    return report


class _Problems:
    """Counts every problem and keeps a bounded number of them."""

    def __init__(self) -> None:
        self.count = 0
        self._kept: list[Problem] = []

    def add(self, line: int, reason: str) -> None:
        self.count += 1
        if len(self._kept) < PROBLEMS_SHOWN:
            self._kept.append(Problem(line, reason))

    def first(self) -> list[Problem]:
        return sorted(self._kept)


def _lay_out(
    connection: Connection, path: Path, today: date, found: _Problems, progress: Callable[[int], None]
) -> None:
    """Put every readable line into the temporary table."""
    read = read_lines(path, list(COLUMNS))
    while batch := list(islice(read, BATCH_LINES)):
        rows: list[Row] = []
        for number, cells in batch:
            values, reasons = read_line(cells, today)
            for reason in reasons:
                found.add(number, reason)
            if values:
                rows.append((number, *values))
        write_rows(connection, lines, rows)
        progress(len(batch))


def _compare(connection: Connection, found: _Problems) -> None:
    """Find lines that contradict an earlier one."""
    for keys, others, reason in (
        (("number",), PERSON[1:], "number: name, birth date or phone differ from those on line {}"),
        (("code",), tuple(EMPLOYER_NAMES), "employer_code: the employer's name differs from the one on line {}"),
        (("number", "code", "month"), (), "month: the same member, employer and month as line {}"),
    ):
        same_keys = [lines.c[key] for key in keys]
        later = select(lines, func.min(lines.c.line).over(partition_by=same_keys).label("first")).subquery()
        earlier = lines.alias()
        any_repeat = false() if others else true()
        contradicting = (
            select(later.c.line, later.c.first)
            .join(earlier, earlier.c.line == later.c.first)
            .where(later.c.line > later.c.first)
            .where(or_(any_repeat, *(later.c[name].is_distinct_from(earlier.c[name]) for name in others)))
            .order_by(later.c.line)
        )
        for line, other in connection.execute(contradicting):
            found.add(line, reason.format(other))


def _count(connection: Connection) -> Report:
    """Compare every line with the register as it is."""
    is_new = contributions.c.member_id.is_(None)
    differs = or_(
        *(lines.c[name].is_distinct_from(members.c[name]) for name in PERSON),
        *(lines.c[name].is_distinct_from(contributions.c[name]) for name in AMOUNTS),
        *(
            and_(lines.c[ours] != "", lines.c[ours] != employers.c[theirs])
            for ours, theirs in EMPLOYER_NAMES.items()
        ),
    )
    known = (
        lines.outerjoin(members, members.c.number == lines.c.number)
        .outerjoin(employers, employers.c.code == lines.c.code)
        .outerjoin(
            contributions,
            and_(
                contributions.c.member_id == members.c.id,
                contributions.c.month == lines.c.month,
                contributions.c.employer_id == employers.c.id,
            ),
        )
    )
    outcome = case((is_new, "new"), (differs, "changed"), else_="same").label("outcome")
    judged = select(outcome).select_from(known).subquery()
    counted = select(judged.c.outcome, func.count()).group_by(judged.c.outcome)
    counts: dict[str, int] = dict(connection.execute(counted).all())
    return Report(**{name: counts.get(name, 0) for name in ("new", "changed", "same")})


def _merge(connection: Connection, table: Table, keys: Sequence[str], rows: Select[Any]) -> None:
    """Make the table agree with the rows: change what differs, then add what is missing."""
    source = rows.subquery()
    same = and_(*(table.c[key] == source.c[key] for key in keys))
    others = [column.name for column in source.c if column.name not in keys]
    connection.execute(
        update(table)
        .values({name: source.c[name] for name in others})
        .where(same, or_(*(table.c[name].is_distinct_from(source.c[name]) for name in others)))
    )
    missing = select(source).where(~exists().where(same))
    connection.execute(insert(table).from_select([column.name for column in source.c], missing))


def _members() -> Select[Any]:
    return select(*(lines.c[name] for name in PERSON)).distinct()


def _employers() -> Select[Any]:
    """A file names an employer in one script; a name the register has in the other stays."""
    names = (
        func.coalesce(func.nullif(lines.c[ours], ""), employers.c[theirs], "").label(theirs)
        for ours, theirs in EMPLOYER_NAMES.items()
    )
    return select(lines.c.code, *names).outerjoin(employers, employers.c.code == lines.c.code).distinct()


def _contributions() -> Select[Any]:
    return (
        select(
            members.c.id.label("member_id"),
            employers.c.id.label("employer_id"),
            lines.c.month,
            *(lines.c[name] for name in AMOUNTS),
        )
        .join(members, members.c.number == lines.c.number)
        .join(employers, employers.c.code == lines.c.code)
    )
