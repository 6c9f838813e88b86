"""PINs on a real database: a ring of keys, bindings to try them on, and a gate that stands open."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, create_engine, insert, literal, select, text

from gateway.identity.hashing import Gate, PinHasher
from gateway.identity.pins import Pins
from gateway.identity.port import Verdict
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys
from gateway.storage.schema import upgrade
from gateway.storage.tables import bindings
from tests.conftest import Clock
from tests.emptied import one_database, postgres_url  # noqa: F401 (fixtures)

LIGHT_KIB = 8  # argon2's least: for tests of what surrounds the hash
PIN, WRONG = "730592", "730593"
ME, STRANGER = "caller-1", "caller-2"
HER = "99001"


def open_gate(at_once: int = 2) -> Gate:
    return Gate(rate=1e9, burst=1_000_000_000, at_once=at_once, wait=30.0)


class Desk:
    """One gateway's PINs, and what its tables say."""

    def __init__(self, url: str, keys: Keys, clock: Clock, gate: Gate | None = None, light: bool = True) -> None:
        self.url, self.keys, self.clock = url, keys, clock
        self.hot = Hot(url)
        self.pins = Pins(self.hot, keys, clock, gate or open_gate())
        if light:
            self.pins.hasher = PinHasher(keys.peppers, keys.sealer, LIGHT_KIB)
        self._events = count()
        self._anchor = Hot(url)  # stays connected: SQLite tidies up when the last one leaves, and keeps others out
        self._anchor.rows(self._anchor.statement(select(literal(1))), {}, 1.0)

    @property
    def evaluated(self) -> int:
        return self.pins.hasher.evaluated

    def guess(self, pin: str, caller: str = ME, member: str | None = HER, event: str | None = None) -> Verdict:
        """A guess of its own, unless an event is given."""
        try:
            return self.pins.check(caller, member, pin, event or f"event-{next(self._events)}")
        finally:
            self.hot.close()

    def says(self, sql: str, **values: object) -> list[Any]:
        engine = create_engine(self.url)
        with engine.begin() as connection:
            result = connection.execute(text(sql), values)
            rows = [tuple(row) for row in result] if result.returns_rows else []
        engine.dispose()
        return rows

    def close(self) -> None:
        self.hot.close()
        self._anchor.close()

    def bind(self, *pairs: tuple[str, str]) -> None:
        """These callers are bound to these members since now."""
        proved = {"proved_at": int(self.clock().timestamp()), "asleep": False, "asks_pin": False, "shared": False}
        never = {"fails": 0, "locked_until": 0, "tried_at": 0, "last_try": ""}
        sealed = {"phone": "", "number": "", "ending": ""}
        pairs_only = [{"caller": caller, "member": member} for caller, member in pairs]
        self.fill(bindings, [{**pair, **proved, **never, **sealed} for pair in pairs_only])

    def fill(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        engine = create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(insert(table), rows)
        engine.dispose()

    def give_pin(self, member: str = HER, pin: str = PIN) -> None:
        assert self.pins.choose("office", member, pin, ()) is Verdict.OPENED
        assert self.pins.confirm("office", member, pin, f"given-{next(self._events)}") is Verdict.OPENED
        self.pins.hasher.evaluated = 0

    def fails(self, caller: str = ME) -> int:
        [(fails,)] = self.says("SELECT fails FROM bindings WHERE caller = :caller", caller=caller)
        return int(fails)

    def tally(self, name: str) -> int:
        [(total,)] = self.says("SELECT coalesce(sum(count), 0) FROM tallies WHERE name = :name", name=name)
        return int(total)


Opener = Callable[..., Desk]


@pytest.fixture
def pins_url(database_url: str) -> str:
    upgrade(database_url, {"store"})
    return database_url


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys")


@pytest.fixture
def open_desk(pins_url: str, keys: Keys, clock: Clock) -> Iterator[Opener]:
    """`open_desk()`: PINs on the test's database; `keys`, `gate` and `light` may be given."""
    opened: list[Desk] = []

    def make(keys: Keys = keys, gate: Gate | None = None, light: bool = True) -> Desk:
        opened.append(Desk(pins_url, keys, clock, gate, light))
        return opened[-1]

    yield make
    for desk in opened:
        desk.close()


@pytest.fixture
def desk(open_desk: Opener) -> Desk:
    """She is bound to her number and has a PIN."""
    desk = open_desk()
    desk.bind((ME, HER))
    desk.give_pin()
    return desk
