"""A plan of far more employers than Laos has: quick, and in the memory of one batch."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, date, datetime
from itertools import islice
from time import monotonic
from zoneinfo import ZoneInfo

from sqlalchemy import create_engine, pool

from app import LOCALES
from gateway.registry.bulk import write_rows
from gateway.registry.firms import firms
from gateway.registry.tables import contacts, contributions, employers, members
from gateway.reminders.ladder import load_ladder
from gateway.reminders.plan import Planner, Why
from gateway.storage.schema import upgrade
from gateway.text.catalogue import LANGUAGES, Catalogues
from gateway.text.values import Month
from tests.reminders.conftest import blank

EMPLOYERS = 100_000
SECONDS, MEGABYTES = 30, 20
OCTOBER = Month(2026, 10)
REGIME = "enterprise"


def test_a_hundred_thousand_reminders_are_planned(postgres_url: str) -> None:
    upgrade(postgres_url, {"register"})
    every = range(1, EMPLOYERS + 1)
    with create_engine(postgres_url, poolclass=pool.NullPool).begin() as connection:
        names = ("", "Thotlong")
        write_rows(
            connection, employers, ((n, f"{n % 100_000:05d}-{n // 100_000:02d}", *names, REGIME) for n in every)
        )
        write_rows(connection, members, ((n, f"9900{n:06d}", *names, "1990-01-01", None) for n in every))
        told = ((n, f"+8562021{n:06d}", LANGUAGES[n % 3], "synthetic", "2026-01-01", 0, 0, None) for n in every)
        write_rows(connection, contacts, told)
        owed = ((n, n, 1_000_000, 115_000, 0, None, OCTOBER.index, 0) for n in every)
        paid = ((n, n, 1_000_000, 115_000, 115_000, "2026-10-30", OCTOBER.index - 1, 3) for n in every)
        write_rows(connection, contributions, owed)
        write_rows(connection, contributions, paid)
    planner = Planner(
        OCTOBER,
        REGIME,
        date(2026, 11, 30),
        datetime(2026, 11, 26, 5, tzinfo=UTC),
        load_ladder(),
        ZoneInfo("Asia/Vientiane"),
        "1508",
        Catalogues.load(LOCALES).say,
        blank(),
        lambda _ref: None,
    )
    began = monotonic()
    assert sum(entry.why is Why.SEND for entry in planner.plan(firms(postgres_url, OCTOBER, REGIME))) == EMPLOYERS
    assert monotonic() - began < SECONDS

    tracemalloc.start()
    try:
        for _entry in islice(planner.plan(firms(postgres_url, OCTOBER, REGIME)), EMPLOYERS // 4):
            pass
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEGABYTES * 2**20
