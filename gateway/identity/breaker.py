"""Too many wrong PINs on the whole platform: slow mode, in which a binding that failed may try once an hour.

PINs tried and PINs right are tallied by the minute. A PIN counts as tried before it is looked at, so those that
are being looked at count as wrong: a race cannot outrun the breaker by more than the tries already under way.
One guess at each of many members is slowed by the gate alone (`hashing`), and right once in 10^6.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from gateway.storage.tables import tallies

WINDOW_MINUTES: Final = 10  # reliability target R13: 300 wrong in ten minutes before slow mode
WRONG_MAX: Final = 300
SHARE_MAX: Final = 5  # or more than one wrong in five
SHARE_OF_AT_LEAST: Final = 200  # of so many; fewer say nothing
SLOW_SECONDS: Final = 3600  # in slow mode, from one try of a binding to the next

TRIED, RIGHT, SLOW = "pins.tried", "pins.right", "pins.slow"

minute: Any = bindparam("minute", type_=BigInteger)  # the number of the minute since 1970
_in_window = tallies.c.slot > minute - WINDOW_MINUTES  # those to come, too: a clock set back forgets nothing


def slow() -> ColumnElement[bool]:
    """Whether the breaker tripped less than a window ago."""
    return exists().where(tallies.c.name == SLOW, _in_window)


def counted(name: str, is_sqlite: bool) -> Any:
    """Add one to this minute's tally."""
    upsert = (sqlite.insert if is_sqlite else postgresql.insert)(tallies).values(name=name, slot=minute, count=1)
    return upsert.on_conflict_do_update(
        index_elements=[tallies.c.name, tallies.c.slot], set_={"count": tallies.c.count + 1}
    )


def tripped(is_sqlite: bool) -> Any:
    """Trip if the window holds too many wrong ones; a row for whoever tripped it, and for nobody else."""
    tried, right = _sum(TRIED), _sum(RIGHT)
    too_many = tried - right > WRONG_MAX
    too_large_a_share = and_(tried >= SHARE_OF_AT_LEAST, (tried - right) * SHARE_MAX > tried)
    trip = select(literal(SLOW, Text), minute, literal(1)).where(or_(too_many, too_large_a_share), ~slow())
    upsert = (sqlite.insert if is_sqlite else postgresql.insert)(tallies)
    return upsert.from_select(["name", "slot", "count"], trip).on_conflict_do_nothing().returning(tallies.c.slot)


def forgotten() -> Any:
    """Remove the tallies of minutes that no window holds any more."""
    ours = or_(*(tallies.c.name == name for name in (TRIED, RIGHT, SLOW)))
    return delete(tallies).where(ours, ~_in_window).returning(literal(1))


def _sum(name: str) -> Any:
    total = func.coalesce(func.sum(tallies.c.count), 0)
    return select(total).where(tallies.c.name == name, _in_window).scalar_subquery()
