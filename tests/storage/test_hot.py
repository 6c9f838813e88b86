"""The short road on healthy databases: what comes back, who holds which connection, how time is shared."""

from __future__ import annotations

import gc
import os
import sqlite3
import threading
import weakref
from pathlib import Path
from time import monotonic
from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, bindparam, cast, create_engine, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import CompileError

from gateway.storage.hot import Conflict, Hot, _hang_up, hop_within
from gateway.storage.links import LOCK_SECONDS
from tests.faults import at_once
from tests.storage.conftest import Open

NOTES = Table("notes", MetaData(), Column("id", Integer, primary_key=True), Column("words", Text, nullable=False))
ALL = select(NOTES.c.id, NOTES.c.words).order_by(NOTES.c.id)


@pytest.fixture
def notes_url(database_url: str) -> str:
    engine = create_engine(database_url)
    NOTES.create(engine)
    engine.dispose()
    return database_url


@pytest.fixture
def hot(notes_url: str, open_hot: Open) -> Hot:
    return open_hot(notes_url)


def adding() -> Any:
    return insert(NOTES).values(id=bindparam("id"), words=bindparam("words")).returning(NOTES.c.id)


def test_rows_come_back_as_plain_tuples(hot: Hot) -> None:
    add = hot.statement(adding())
    words = "ລາວ 'quoted' %s :x \u0000"[: -1 if not hot.is_sqlite else None]
    assert hot.rows(add, {"id": 1, "words": words}, 1.0) == [(1,)]
    assert hot.rows(hot.statement(ALL), {}, 1.0) == [(1, words)]


def test_a_taken_key_is_a_conflict_and_the_connection_stays_good(hot: Hot) -> None:
    add = hot.statement(adding())
    hot.rows(add, {"id": 1, "words": "first"}, 1.0)
    for _time in range(3):
        with pytest.raises(Conflict):
            hot.rows(add, {"id": 1, "words": "second"}, 1.0)
    assert hot.rows(hot.statement(ALL), {}, 1.0) == [(1, "first")]


def test_a_conflict_in_a_later_step_undoes_the_earlier(hot: Hot) -> None:
    add = hot.statement(adding())
    hot.rows(add, {"id": 1, "words": "first"}, 1.0)
    with pytest.raises(Conflict):
        hot.write([(add, {"id": 2, "words": "new"}), (add, {"id": 1, "words": "taken"})], 1.0)
    assert hot.rows(hot.statement(ALL), {}, 1.0) == [(1, "first")]


def test_when_the_first_step_returns_nothing_the_others_do_not_happen(hot: Hot) -> None:
    none = hot.statement(select(NOTES.c.id).where(NOTES.c.id == bindparam("wanted", type_=Integer)))
    add = hot.statement(adding())
    assert hot.write([(none, {"wanted": 7}), (add, {"id": 1, "words": "never"})], 1.0) == []
    assert hot.rows(hot.statement(ALL), {}, 1.0) == []


def test_a_statement_the_database_cannot_say_fails_when_it_is_compiled(open_hot: Open) -> None:
    hot = open_hot("sqlite:///nowhere/at/all.db")
    with pytest.raises(CompileError):
        hot.statement(select(cast(NOTES.c.words, ARRAY(Text))))
    assert not hasattr(hot._mine, "link")  # nobody was asked


def test_values_that_stand_in_the_statement_need_not_be_handed_over(hot: Hot) -> None:
    hot.rows(hot.statement(insert(NOTES).values(id=5, words="fixed").returning(NOTES.c.id)), {}, 1.0)
    found = hot.statement(select(NOTES.c.words).where(NOTES.c.id == bindparam("id", type_=Integer)).limit(1))
    assert hot.rows(found, {"id": 5}, 1.0) == [("fixed",)]


def test_a_thread_keeps_its_connection_and_shares_it_with_nobody(hot: Hot) -> None:
    seen: list[tuple[object, object]] = []

    def use() -> None:
        for _time in range(20):
            hot.rows(hot.statement(select(func.count()).select_from(NOTES)), {}, 2.0)
        seen.append((threading.current_thread(), hot._mine.link))
        hot.close()

    at_once([use] * 6)
    assert len({id(connection) for _thread, connection in seen}) == 6


def test_a_thread_that_ends_hangs_up(hot: Hot) -> None:
    hung_up: list[object] = []

    def ask() -> None:
        hot.rows(hot.statement(ALL), {}, within=5)
        weakref.finalize(hot._mine.link, hung_up.append, True)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert hung_up == [True]


def test_a_link_is_closed_when_nobody_holds_it_and_only_by_who_opened_it() -> None:
    closed: list[str] = []
    _hang_up(lambda: closed.append("mine"), os.getpid())
    _hang_up(lambda: closed.append("my parent's"), os.getppid())
    assert closed == ["mine"]


@pytest.mark.filterwarnings("error")
def test_a_road_that_is_thrown_away_hangs_up(notes_url: str) -> None:
    hot = Hot(notes_url)
    hot.rows(hot.statement(ALL), {}, within=5)
    connection = hot._mine.link._connection
    del hot
    gc.collect()
    with pytest.raises((sqlite3.ProgrammingError, psycopg.OperationalError)):
        connection.execute("SELECT 1")


def test_threads_that_write_at_once_all_arrive(hot: Hot) -> None:
    add = hot.statement(adding())

    def write(first: int) -> None:
        for number in range(10):
            hot.rows(add, {"id": first + number, "words": "x"}, 3.0)
        hot.close()

    at_once([lambda first=first: write(first) for first in range(0, 80, 10)])  # type: ignore[misc]
    assert len(hot.rows(hot.statement(ALL), {}, 1.0)) == 80


def test_threads_that_open_a_new_file_at_once_all_get_in(tmp_path: Path) -> None:
    """Each would put it in WAL mode; SQLite refuses one of two that try together, without waiting."""

    def look(url: str) -> None:
        hot = Hot(url)
        assert hot.rows(hot.statement(ALL), {}, 1.0) == []
        hot.close()

    for number in range(60):  # untreated, about one file in fifteen was refused to somebody
        url = f"sqlite:///{tmp_path / f'{number}.db'}"
        NOTES.create(engine := create_engine(url))
        engine.dispose()
        at_once([lambda url=url: look(url)] * 5)  # type: ignore[misc]


def test_closing_twice_is_no_harm_and_the_next_call_connects_again(hot: Hot) -> None:
    hot.rows(hot.statement(ALL), {}, 1.0)
    hot.close()
    hot.close()
    assert hot.rows(hot.statement(ALL), {}, 1.0) == []


def test_a_hop_whose_time_is_used_up_asks_nothing_more(hot: Hot) -> None:
    count = hot.statement(ALL)
    hot.rows(count, {}, 1.0)
    with hop_within(0.0), pytest.raises(TimeoutError):
        hot.rows(count, {}, 1.0)
    assert hot.rows(count, {}, 1.0) == []  # outside of the hop the road is open


def test_a_hop_without_time_to_connect_to_a_server_does_not_begin_to(postgres_url: str, open_hot: Open) -> None:
    hot = open_hot(postgres_url)
    began = monotonic()
    with hop_within(1.0), pytest.raises(TimeoutError, match="no time left"):
        hot.rows(hot.statement(ALL), {}, 1.0)
    assert monotonic() - began < 0.5  # to connect would take its 2 seconds
    assert not hasattr(hot._mine, "link")


def test_hops_of_two_threads_do_not_share_their_time(hot: Hot) -> None:
    count = hot.statement(ALL)
    hot.rows(count, {}, 1.0)

    def other() -> list[Any]:
        try:
            return hot.rows(count, {}, 1.0)
        finally:
            hot.close()

    with hop_within(0.0):
        assert at_once([other]) == [[]]


def test_waiting_for_a_lock_is_bounded_below_every_share_of_a_hop() -> None:
    assert LOCK_SECONDS < 0.5


def test_a_nul_is_refused_rather_than_cut_off_without_a_word(postgres_url: str, open_hot: Open) -> None:
    hot = open_hot(postgres_url)
    with pytest.raises(ValueError, match="NUL"):
        hot.rows(hot.statement(select(bindparam("words", type_=Text))), {"words": "ab\x00cd"}, 1.0)
    assert hot.rows(hot.statement(select(bindparam("words", type_=Text))), {"words": "abcd"}, 1.0) == [("abcd",)]
