"""Bring a file of members and contributions into the register: all of it, or nothing and every reason why.

A file says what was paid, not who works where: employments stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial
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
    func,
    or_,
    select,
)

from gateway.registry.line import COLUMNS, read_line
from gateway.registry.problems import Problems, Tell
from gateway.registry.sheet import read_lines
from gateway.registry.staging import Progress, lay_out, merge, repeats
from gateway.registry.tables import contributions, employers, members
from gateway.storage.engines import open_engine
from gateway.storage.schema import upgrade

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


@dataclass(frozen=True, slots=True)
class Report:
    """How many lines were read, and what they did; a line is changed if any of its cells is."""

    new: int
    changed: int
    same: int

    @property
    def lines(self) -> int:
        return self.new + self.changed + self.same


def load(
    url: str,
    path: Path,
    today: date,
    progress: Progress = lambda read: None,
    tell: Tell = lambda problem: None,
) -> Report:
    """Import the file in one transaction; `progress` hears how many more lines are read, `tell` every problem.

    Raises `SheetError` for a file that is no such table, `LinesError` for lines that cannot stand.
    """
    upgrade(url, {"register"})
    with open_engine(url).begin() as connection:
        lines.create(connection)
        found = Problems(tell)
        read = partial(read_line, today=today)
        lay_out(connection, lines, read_lines(path, list(COLUMNS)), read, found, progress)
        _compare(connection, found)
        found.refuse()
        report = _count(connection)
        merge(connection, members, ["number"], _members())
        merge(connection, employers, ["code"], _employers())
        merge(connection, contributions, ["member_id", "month", "employer_id"], _contributions())
        lines.drop(connection)
    return report


def _compare(connection: Connection, found: Problems) -> None:
    """Find lines that contradict an earlier one."""
    for keys, others, reason in (
        (("number",), PERSON[1:], "number: name, birth date or phone differ from those on line {}"),
        (("code",), tuple(EMPLOYER_NAMES), "employer_code: the employer's name differs from the one on line {}"),
        (("number", "code", "month"), (), "month: the same member, employer and month as line {}"),
    ):
        for line, other in connection.execute(repeats(lines, keys, others)):
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
