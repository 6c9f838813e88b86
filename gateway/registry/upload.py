"""Bring a form of LSSO into the register: what is due (`returns`) or what was paid (`postings`).

All of a file or nothing, with every reason why. The same file twice is known by its bytes; the same line in
another file changes nothing, because a line stands for one member, employer and month.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import CompoundSelect, Connection, Select, Table, and_, case, delete, func, insert, or_, select
from sqlalchemy.exc import IntegrityError

from gateway.registry.bulk import Row
from gateway.registry.form import Column, Line, read_form
from gateway.registry.problems import Problems, Tell
from gateway.registry.sheet import SheetError
from gateway.registry.staging import Cells, Progress, lay_out, merge
from gateway.registry.tables import contributions, imports
from gateway.storage.engines import open_engine
from gateway.storage.schema import upgrade
from gateway.text.reading import read_kip

KEYS: Final = ("member_id", "month", "employer_id")
TOLERANCE: Final = 1  # kip a line and amount: how LSSO rounds was not found, so either neighbour is right
SUMS_MAX: Final = 100  # lines of sums in one file (proposal); a form has six


class AlreadyImported(Exception):
    """This very file was imported before, at `moment`; nothing was changed."""

    def __init__(self, moment: datetime) -> None:
        super().__init__("this file was imported before")
        self.moment = moment


@dataclass(frozen=True, slots=True)
class Upload:
    """A kind of form: its columns, how a line is read, and what it makes of the register.

    `lines` is a temporary table whose first column is `line`; a summed column stands there by its name.
    """

    columns: Sequence[Column]
    lines: Table
    read: Callable[[Cells, date], tuple[Row, list[str]]]  # of a line and today
    refused: Sequence[
        tuple[str, Select[Any]]
    ]  # a reason and the lines it is true of; what else they hold fills it
    wanted: Select[Any] | CompoundSelect[Any]  # contributions as they shall be
    kept: Select[Any]  # one row for each line that would change what is posted, and may not


@dataclass(frozen=True, slots=True)
class Outcome:
    """Lines of a file, and what became of their contributions; those `kept` count as the same."""

    lines: int
    new: int
    changed: int
    same: int
    kept: int


def bring(
    upload: Upload,
    url: str,
    path: Path,
    now: datetime,
    today: date,
    *,
    again: bool = False,
    progress: Progress = lambda read: None,
    tell: Tell = lambda problem: None,
) -> Outcome:
    """Import the file in one transaction; `progress` hears how many more lines are read, `tell` every problem.

    Raises `AlreadyImported` unless `again`, `SheetError` for a file that is no such form, `LinesError` for lines
    that cannot stand.
    """
    upgrade(url, {"register"})
    with open_engine(url).begin() as connection:
        _remember(connection, path, now, again)
        upload.lines.create(connection)
        found = Problems(tell)
        stated: list[Line] = []
        members = _members(read_form(path, upload.columns), stated)
        lay_out(connection, upload.lines, members, partial(_read, upload, today), found, progress)
        _refuse(connection, upload, stated, found)
        outcome = _count(connection, upload)
        merge(connection, contributions, KEYS, upload.wanted)
        upload.lines.drop(connection)
    return outcome


def _remember(connection: Connection, path: Path, now: datetime, again: bool) -> None:
    """Note the file; a second process with the same one waits for the first at the key."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise SheetError(f"The file cannot be read: {problem.strerror}.") from problem
    before = connection.scalar(select(imports.c.imported_at).where(imports.c.digest == digest))
    if before is not None and not again:
        raise AlreadyImported(datetime.fromtimestamp(before, UTC))
    if before is not None:
        connection.execute(delete(imports).where(imports.c.digest == digest))
    try:
        connection.execute(insert(imports), {"digest": digest, "imported_at": int(now.timestamp())})
    except IntegrityError:
        raise AlreadyImported(now) from None


def _members(lines: Iterator[Line], stated: list[Line]) -> Iterator[tuple[int, Cells]]:
    """The lines of members; what the form states of them all is put aside."""
    for line in lines:
        if not line.is_sum:
            yield line.number, line.cells
        elif len(stated) < SUMS_MAX:
            stated.append(line)
        else:
            raise SheetError(f"The file has more than {SUMS_MAX} lines of sums.")


def _read(upload: Upload, today: date, cells: Cells) -> tuple[Row, list[str]]:
    return upload.read(cells, today)


def _refuse(connection: Connection, upload: Upload, stated: Sequence[Line], found: Problems) -> None:
    """Raise `LinesError` if anything is wrong; sums are compared only when all lines could be read."""
    if not found.count:
        _compare_sums(connection, upload, stated, found)
    for reason, select_lines in upload.refused:
        for line, *others in connection.execute(select_lines):
            found.add(line, reason.format(*others))
    found.refuse()


def _compare_sums(connection: Connection, upload: Upload, stated: Sequence[Line], found: Problems) -> None:
    names = [column.name for column in upload.columns if column.summed]
    sums = (func.coalesce(func.sum(upload.lines.c[name]), 0) for name in names)
    count, *totals = connection.execute(select(func.count(), *sums).select_from(upload.lines)).one()
    for line in stated:
        for name, total in zip(names, totals, strict=True):
            if text := line.cells.get(name):
                try:
                    differs = abs(read_kip(text) - total) > count * TOLERANCE
                except ValueError as problem:
                    found.add(line.number, f"{name}: {problem}")
                else:
                    if differs:
                        found.add(line.number, f"{name}: not the sum of its lines")


def _count(connection: Connection, upload: Upload) -> Outcome:
    """Compare what shall be with the register as it is."""
    wanted = upload.wanted.subquery()
    others = [column.name for column in wanted.c if column.name not in KEYS]
    differs = or_(*(wanted.c[name].is_distinct_from(contributions.c[name]) for name in others))
    outcome = case((contributions.c.member_id.is_(None), "new"), (differs, "changed"), else_="same")
    same = and_(*(wanted.c[key] == contributions.c[key] for key in KEYS))
    judged = select(outcome.label("outcome")).select_from(wanted.outerjoin(contributions, same)).subquery()
    counts: dict[str, int] = dict(
        connection.execute(select(judged.c.outcome, func.count()).group_by(judged.c.outcome)).all()
    )
    lines = connection.scalar(select(func.count()).select_from(upload.lines)) or 0
    kept = connection.scalar(select(func.count()).select_from(upload.kept.subquery())) or 0
    return Outcome(lines, kept=kept, **{name: counts.get(name, 0) for name in ("new", "changed", "same")})
