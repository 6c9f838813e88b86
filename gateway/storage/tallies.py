"""Counters that cannot be outrun: charged in the database, in one statement, before anything is done."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import BigInteger, Integer, Text, bindparam, delete, literal, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.storage.hot import Conflict, Hot
from gateway.storage.tables import tallies

TALLY_SECONDS: Final = 0.3  # share of the 4.0 s of a hop
PRUNE_SECONDS: Final = 60.0


class Tallies:
    """So many of something in each period of so many seconds; periods are numbered since 1970."""

    def __init__(self, hot: Hot) -> None:
        self._hot = hot
        self._charge = hot.statement(_charge(hot.is_sqlite))
        self._refund = hot.statement(_refund())
        self._rename = hot.statement(_rename())
        self._forget = hot.statement(_forget())

    def charge(self, name: str, slot: int, most: int, older: Sequence[str] = ()) -> bool:
        """Count one more in this period; False, and nothing is counted, when there were `most`.

        `older`: what older keys call the same; what was counted under these names goes on under this one.
        """
        for old in older:
            with suppress(Conflict):  # a process that does not know the newer key counted once more under the old
                self._hot.rows(self._rename, {"old": old, "name": name, "slot": slot}, TALLY_SECONDS)
        values = {"name": name, "slot": slot, "most": most}
        return bool(self._hot.rows(self._charge, values, TALLY_SECONDS))

    def refund(self, name: str, slot: int) -> None:
        self._hot.rows(self._refund, {"name": name, "slot": slot}, TALLY_SECONDS)

    def forget(self, beginning: str, before: int) -> int:
        """Remove counts of earlier periods whose names begin so; returns how many."""
        return len(self._hot.rows(self._forget, {"beginning": beginning, "before": before}, PRUNE_SECONDS))


def _charge(is_sqlite: bool) -> Any:
    upsert = (sqlite.insert if is_sqlite else postgresql.insert)(tallies).values(
        name=bindparam("name"), slot=bindparam("slot"), count=1
    )
    return upsert.on_conflict_do_update(
        index_elements=[tallies.c.name, tallies.c.slot],
        set_={"count": tallies.c.count + 1},
        where=tallies.c.count < bindparam("most", type_=Integer),
    ).returning(tallies.c.count)


def _rename() -> Any:
    old, slot = bindparam("old", type_=Text), bindparam("slot", type_=BigInteger)
    return (
        update(tallies)
        .where(tallies.c.name == old, tallies.c.slot == slot)
        .values(name=bindparam("name", type_=Text))
        .returning(tallies.c.count)
    )


def _refund() -> Any:
    return (
        update(tallies)
        .where(tallies.c.name == bindparam("name"), tallies.c.slot == bindparam("slot"), tallies.c.count > 0)
        .values(count=tallies.c.count - 1)
        .returning(tallies.c.count)
    )


def _forget() -> Any:
    begins = tallies.c.name.startswith(bindparam("beginning", type_=Text))
    return (
        delete(tallies).where(begins, tallies.c.slot < bindparam("before", type_=BigInteger)).returning(literal(1))
    )
