"""Lines of a file beside the register: laid into a temporary table, compared there, then merged.

So memory does not grow with the file, and the database compares lines with each other and with the register in a
few statements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Select,
    Table,
    and_,
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
from gateway.registry.problems import Problems

BATCH_LINES: Final = 5_000  # about 5 MB of lines in memory at a time

Cells = Mapping[str, str]
Read = Callable[[Cells], tuple[Row, list[str]]]  # a line's values without its number, or what is wrong with it
Progress = Callable[[int], None]  # hears how many more lines are read


def lay_out(
    connection: Connection,
    table: Table,
    lines: Iterable[tuple[int, Cells]],
    read: Read,
    found: Problems,
    progress: Progress,
) -> None:
    """Put every readable line into the table, its number first."""
    lines = iter(lines)
    while batch := list(islice(lines, BATCH_LINES)):
        rows: list[Row] = []
        for number, cells in batch:
            values, reasons = read(cells)
            for reason in reasons:
                found.add(number, reason)
            if values:
                rows.append((number, *values))
        write_rows(connection, table, rows)
        progress(len(batch))
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"ANALYZE {table.name}"))


def repeats(table: Table, keys: Sequence[str], others: Sequence[str] = ()) -> Select[Any]:
    """Lines with the keys of an earlier one, and its number: all, or those that differ in one of the others."""
    same_keys = [table.c[key] for key in keys]
    later = select(table, func.min(table.c.line).over(partition_by=same_keys).label("first")).subquery()
    earlier = table.alias()
    any_repeat = false() if others else true()
    return (
        select(later.c.line, later.c.first)
        .join(earlier, earlier.c.line == later.c.first)
        .where(later.c.line > later.c.first)
        .where(or_(any_repeat, *(later.c[name].is_distinct_from(earlier.c[name]) for name in others)))
        .order_by(later.c.line)
    )


def merge(
    connection: Connection, table: Table, keys: Sequence[str], rows: Select[Any] | CompoundSelect[Any]
) -> None:
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
