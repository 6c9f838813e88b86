"""Which employers are held out of reminders, so that their effect can be told: drawn once, at random, and kept.

An employer is drawn when it would first be reminded, in permuted blocks within its size, so that every size has
its share held out. The draw is in the register: neither growth nor another percentage moves an employer later.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from enum import StrEnum
from math import gcd
from random import Random
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.registry.tables import arms, employers, trials
from gateway.storage.engines import open_engine
from gateway.text.values import Month

SIZES: Final = (1, 10, 50, 250)  # workers on the return: the size classes of OECD and Eurostat (proposal)
STRATA: Final = ("none", "1-9", "10-49", "50-249", "250+")  # none: no return says how many


class Arm(StrEnum):
    """What becomes of an employer that would be reminded."""

    REMINDED = "reminded"
    HELD_OUT = "held_out"


class Block(NamedTuple):
    """Of every `size` employers of a stratum, `quota` are held out."""

    size: int
    quota: int

    @classmethod
    def of(cls, percent: int) -> Block:
        """The smallest block that holds out exactly so many of a hundred."""
        common = gcd(percent, 100)
        return cls(100 // common, percent // common)

    def draw(self, drawn: int, held: int, random: Random) -> Arm:
        """The next arm of a stratum in which so many were drawn and, of them, held out."""
        places = self.size - drawn % self.size
        to_hold = (drawn // self.size + 1) * self.quota - held
        return Arm.HELD_OUT if random.randrange(places) < to_hold else Arm.REMINDED


def stratum_of(workers: int) -> str:
    """The size class of an employer with so many workers on its return."""
    return STRATA[bisect(SIZES, workers)]


def held_out(url: str) -> frozenset[str]:
    """Codes of the employers that are held out; raises what the database raises."""
    with open_engine(url).connect() as connection:
        return _held_out(connection)


def assign(url: str, workers: Mapping[str, int], percent: int, random: Random, today: date) -> frozenset[str]:
    """Draw an arm for each of these employers (code: workers) that has none; codes of all that are held out.

    Two that draw at once cannot move an employer: the first to write counts, and both read what was written.
    """
    with open_engine(url).begin() as connection:
        rows = _drawn(connection, workers, percent, random)
        _insert(connection, arms, [{**row, "drawn_on": today} for row in rows])
        return _held_out(connection)


def note(url: str, codes: Collection[str], month: Month, now: int) -> None:
    """Keep that these employers, who have arms, would get this month's first text; `now`: seconds since 1970."""
    with open_engine(url).begin() as connection:
        ids = _ids(connection)
        rows = [{"employer_id": ids[code], "month": month.index, "eligible_at": now} for code in codes]
        _insert(connection, trials, sorted(rows, key=lambda row: row["employer_id"]))


def _drawn(
    connection: Connection, workers: Mapping[str, int], percent: int, random: Random
) -> list[dict[str, Any]]:
    """Rows of the employers that have no arm, by id, so that two that write at once do not wait for each other."""
    block, ids = Block.of(percent), _ids(connection)
    drawn, held, known = Counter[str](), Counter[str](), set[int]()
    for row in connection.execute(select(arms)):
        known.add(row.employer_id)
        if row.percent == percent:
            drawn[row.stratum] += 1
            held[row.stratum] += row.arm == Arm.HELD_OUT
    rows = []
    for employer, code in sorted((ids[code], code) for code in workers):
        if employer not in known:
            stratum = stratum_of(workers[code])
            arm = block.draw(drawn[stratum], held[stratum], random)
            drawn[stratum] += 1
            held[stratum] += arm is Arm.HELD_OUT
            rows.append({"employer_id": employer, "arm": str(arm), "stratum": stratum, "percent": percent})
    return rows


def _held_out(connection: Connection) -> frozenset[str]:
    chosen = select(employers.c.code).join(arms).where(arms.c.arm == Arm.HELD_OUT)
    return frozenset(connection.scalars(chosen))


def _ids(connection: Connection) -> dict[str, int]:
    return {row.code: row.id for row in connection.execute(select(employers.c.code, employers.c.id))}


def _insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows that are not there yet."""
    if rows:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)
