"""Real databases stand still, are locked, or are gone: every hop is answered in the time that was promised."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import psycopg
import psycopg.sql
import pytest

from gateway.channels.pipeline import RESUME_SECONDS
from gateway.installation import Installation
from gateway.text.alphabet import USSD
from tests.channels.conftest import DOWN, SUMMARY, Line, Open, fill, looks, rows, sorry
from tests.conftest import Clock
from tests.faults import hang_up, locked, refused_port, wire_to
from tests.register import Register

EMPLOYED = "+8562055500005"
PROMISED = 4.0  # seconds from the last byte in to the first byte out


@contextmanager
def in_time() -> Iterator[None]:
    began = monotonic()
    yield
    assert monotonic() - began < PROMISED


def test_the_register_locked_by_another(postgres_url: str, open_app: Open, clock: Clock, tmp_path: Path) -> None:
    app = open_app(fill(postgres_url, tmp_path / "keys"))
    line = Line(app).in_english()
    clock.moves(seconds=RESUME_SECONDS + 1)
    line.hop("s1", "")
    with locked(postgres_url, "contributions"):
        for attempt in range(3):
            with in_time():
                assert line.hop("s1", "1" if attempt == 0 else "1" + "*1" * attempt) == DOWN
    line.hop("s2", "")
    assert line.hop("s2", "1").startswith(SUMMARY)


@pytest.mark.parametrize("table", ["conversations", "inbound", "audit"])
def test_the_store_locked_by_another(postgres_url: str, open_app: Open, table: str, tmp_path: Path) -> None:
    app = open_app(fill(postgres_url, tmp_path / "keys"))
    line = Line(app).in_english()
    with locked(postgres_url, table), in_time():
        said = line.hop("s1", "1")
    assert said in {sorry(app, "en"), sorry(app, None)}
    assert line.hop("s1", "1").startswith(SUMMARY)
    assert looks(postgres_url) == 1


@pytest.mark.parametrize("cut_open", [True, False])
def test_everything_frozen_then_well_again(
    postgres_url: str, open_app: Open, cut_open: bool, tmp_path: Path
) -> None:
    fill(postgres_url, tmp_path / "keys")
    with wire_to(postgres_url) as (through, wire):
        app = open_app(through)
        line = Line(app).in_english()
        assert line.hop("s1", "1").startswith(SUMMARY)
        if not cut_open:
            hang_up(app)  # as after a deploy: nothing is connected yet
        wire.freeze()
        for attempt in range(2):
            with in_time():
                assert line.hop(f"s{2 + attempt}", "1") == sorry(app, None)
        wire.cut()
        wire.flow()
        for attempt in range(int(PROMISED / 0.1)):
            if line.hop(f"again-{attempt}", "1").startswith(SUMMARY):
                break
            sleep(0.1)
        else:
            pytest.fail("it did not recover")
        hang_up(app)
    assert looks(postgres_url) == 2


def test_only_the_register_frozen(postgres_url: str, open_app: Open, tmp_path: Path, clock: Clock) -> None:
    store_url = fill(f"sqlite:///{tmp_path}/store.db", tmp_path / "keys")
    fill(postgres_url, tmp_path / "keys")
    with wire_to(postgres_url) as (through, wire):
        app = open_app(store_url, registry_url=through)
        line = Line(app).in_english()
        clock.moves(seconds=RESUME_SECONDS + 1)
        assert line.call("s1", "", "1")[1].startswith(SUMMARY)
        wire.freeze()
        for path in ("1*2", "1*2*1"):  # a connection that went silent, then one that cannot be made
            with in_time():
                assert line.hop("s1", path) == DOWN
        wire.flow()
        hang_up(app)


def test_the_store_acts_but_its_answer_is_lost_so_the_retry_finds_it(
    postgres_url: str, open_app: Open, tmp_path: Path
) -> None:
    """Between "written" and "heard of": the provider's retry gets the answer, and there is one effect."""
    fill(postgres_url, tmp_path / "keys")
    with wire_to(postgres_url) as (through, wire):
        app = open_app(through, registry_url=postgres_url)
        gateway: Installation = app.extensions["pakan"]
        line = Line(app).in_english()
        line.call("warm", "1")
        before = looks(postgres_url)
        commit = gateway.pipeline.store._hot.rows

        def silent(*arguments: object, **named: object) -> object:
            if "INSERT INTO audit" in getattr(arguments[0], "sql", ""):
                wire.swallow_answers()
            return commit(*arguments, **named)  # type: ignore[arg-type]

        gateway.pipeline.store._hot.rows = silent  # type: ignore[method-assign, assignment]
        with in_time():
            assert line.hop("s1", "1") == sorry(app, "en")
        wire.cut()
        wire.flow()
        assert line.hop("s1", "1").startswith(SUMMARY)
        assert looks(postgres_url) == before + 1
        hang_up(app)


def test_sqlite_written_by_another_for_long(tmp_path: Path, open_app: Open) -> None:
    url = fill(f"sqlite:///{tmp_path}/busy.db", tmp_path / "keys")
    app = open_app(url)
    line = Line(app).in_english()
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for _attempt in range(2):
        with in_time():
            assert line.hop("s1", "1") == sorry(app, "en")
    other.execute("ROLLBACK")
    other.close()
    assert line.hop("s1", "1").startswith(SUMMARY)
    assert looks(url) == 1


def test_no_store_at_all_is_said_fast_in_two_languages_a_thousand_times(open_app: Open) -> None:
    app = open_app(f"postgresql://postgres@127.0.0.1:{refused_port()}/none")
    line = Line(app)
    began = monotonic()
    for number in range(1000):
        assert line.hop(f"s{number}", "1") == sorry(app, None)
    assert USSD.fits(sorry(app, None).removeprefix("END "))
    assert monotonic() - began < PROMISED


def test_a_register_that_is_only_slow_keeps_her_place(
    postgres_url: str, open_app: Open, clock: Clock, tmp_path: Path
) -> None:
    """The look-up's share is used up; what is left of the hop is enough to write where she is."""
    app = open_app(fill(postgres_url, tmp_path / "keys"))
    line = Line(app).in_english()
    clock.moves(seconds=RESUME_SECONDS + 1)
    line.hop("s1", "")
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute("ALTER TABLE members RENAME TO quick")
        other.execute("CREATE VIEW members AS SELECT quick.* FROM quick, pg_sleep(6)")
        with in_time():
            assert line.hop("s1", "1") == DOWN
        other.execute("DROP VIEW members")
        other.execute("ALTER TABLE quick RENAME TO members")
    assert line.hop("s2", "").startswith("CON Welcome back.")
    assert line.hop("s2", "1").startswith(SUMMARY)


def test_a_database_that_writes_dates_another_way(postgres_url: str, open_app: Open, tmp_path: Path) -> None:
    """How an office set its server up is not ours to decide: dates, numbers and letters read the same."""
    register = Register(fill(postgres_url, tmp_path / "keys"), tmp_path / "keys")
    register.member(5, EMPLOYED, {})  # from a day on that has to be read
    register.close()
    with psycopg.connect(postgres_url, autocommit=True) as other:
        name = psycopg.sql.Identifier(other.info.dbname)
        for setting in ("datestyle = 'SQL, DMY'", "client_encoding = 'LATIN1'"):
            other.execute(psycopg.sql.SQL("ALTER DATABASE {} SET ").format(name) + psycopg.sql.SQL(setting))
    app = open_app(postgres_url)
    try:
        line = Line(app, EMPLOYED)
        line.call("language", "", "3")
        lao = line.hop("s1", "")
        assert "ນາຍຈ້າງ" in lao
        assert line.hop("s1", "") == lao
        assert line.hop("s1", "1").startswith("CON ")
        assert line.hop("s1", "1*1").startswith("CON ")
    finally:
        hang_up(app)
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute(psycopg.sql.SQL("ALTER DATABASE {} RESET ALL").format(name))
    sealer = app.extensions["pakan"].keys.sealer
    kept = [
        sealer.open(text, f"answer:{key}") for key, text in rows(postgres_url, "SELECT key, answer FROM inbound")
    ]
    assert "ນາຍຈ້າງ" in "".join(kept)  # as letters, and not as the bytes of another alphabet
