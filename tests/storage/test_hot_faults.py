"""The short road when the database is frozen, locked, slow or gone: the caller keeps her time, and it heals."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

import psycopg
import pytest
from sqlalchemy import bindparam, func, literal, literal_column, select, text

from gateway.storage.hot import REST_SECONDS, TICK_SECONDS, Hot, hop_within, watch
from gateway.storage.links import CONNECT_SECONDS, LOCK_SECONDS, Compiled, PostgresLink, Row, Steps
from tests.faults import at_once, frozen, locked, refused_port, wire_to
from tests.storage.conftest import Open

LATE = TICK_SECONDS + 0.25  # how much later than its deadline a call may end on a busy machine
ROOT = Path(__file__).resolve().parents[2]
ONE = select(literal(1))
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@contextmanager
def ends_within(seconds: float) -> Iterator[None]:
    began = monotonic()
    yield
    took = monotonic() - began
    assert took < seconds, f"took {took:.2f} s of {seconds:.2f}"


def sleeping(hot: Hot) -> Compiled:
    return hot.statement(select(func.pg_sleep(bindparam("seconds"))))


def test_a_frozen_wire_is_cut_at_the_callers_deadline_and_heals(postgres_url: str, open_hot: Open) -> None:
    with wire_to(postgres_url) as (url, wire):
        hot = open_hot(url)
        one = hot.statement(ONE)
        assert hot.rows(one, {}, 1.0) == [(1,)]
        wire.freeze()
        with ends_within(0.5 + LATE), pytest.raises(TimeoutError):
            hot.rows(one, {}, 0.5)
        wire.flow()
        assert hot.rows(one, {}, 1.0) == [(1,)]
        assert wire.connections == 2  # the cut one, and one more


def test_a_wire_that_dies_in_the_middle_of_a_long_question_is_cut_too(postgres_url: str, open_hot: Open) -> None:
    with wire_to(postgres_url) as (url, wire):
        hot = open_hot(url)
        echo = hot.statement(select(func.length(bindparam("words"))))
        assert hot.rows(echo, {"words": "x"}, 1.0) == [(1,)]
        wire.hold_after = 10_000
        with ends_within(0.5 + LATE), pytest.raises(TimeoutError):
            hot.rows(echo, {"words": "x" * 20_000_000}, 0.5)


def test_a_stopped_server_process_is_cut_and_heals(postgres_url: str, open_hot: Open) -> None:
    hot = open_hot(postgres_url)
    [(pid,)] = hot.rows(hot.statement(select(func.pg_backend_pid())), {}, 1.0)
    with frozen(pid), ends_within(0.4 + LATE), pytest.raises(TimeoutError):
        hot.rows(hot.statement(ONE), {}, 0.4)
    assert hot.rows(hot.statement(ONE), {}, 1.0) == [(1,)]


def test_a_locked_table_is_given_up_before_the_share_is_used(postgres_url: str, open_hot: Open) -> None:
    hot = open_hot(postgres_url)
    with psycopg.connect(postgres_url) as other:
        other.execute("CREATE TABLE notes (id int)")
    counted = hot.statement(select(func.count()).select_from(text("notes")))
    hot.rows(counted, {}, 1.0)
    with locked(postgres_url, "notes"), ends_within(LOCK_SECONDS + LATE), pytest.raises(TimeoutError):
        hot.rows(counted, {}, 1.5)
    assert hot.rows(counted, {}, 1.0) == [(0,)]


def test_a_slow_question_is_cut(postgres_url: str, open_hot: Open) -> None:
    hot = open_hot(postgres_url)
    hot.rows(sleeping(hot), {"seconds": 0.0}, 1.0)
    with ends_within(0.3 + LATE), pytest.raises(TimeoutError):
        hot.rows(sleeping(hot), {"seconds": 5.0}, 0.3)
    assert hot.rows(hot.statement(ONE), {}, 1.0) == [(1,)]


def test_an_answer_that_comes_as_the_wire_is_cut_does_not_spoil_the_next(
    postgres_url: str, open_hot: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    hot = open_hot(postgres_url)
    one = hot.statement(ONE)

    def just_too_late(link: PostgresLink, steps: Steps) -> list[Row]:
        rows = answered(link, steps)
        watch.slot.deadline = 0.0
        watch.slot.cut_if_late(monotonic())
        return rows

    answered = PostgresLink.run
    with monkeypatch.context() as patched:
        patched.setattr(PostgresLink, "run", just_too_late)
        assert hot.rows(one, {}, 1.0) == [(1,)]
    assert hot.rows(one, {}, 1.0) == [(1,)]


def test_each_of_many_slow_callers_is_cut_on_time(postgres_url: str, open_hot: Open) -> None:
    hot = open_hot(postgres_url)
    slow = sleeping(hot)

    def wait(share: float) -> None:
        hot.rows(slow, {"seconds": 0.0}, 3.0)
        with ends_within(share + 2 * LATE), pytest.raises(TimeoutError):
            hot.rows(slow, {"seconds": 9.0}, share)
        hot.close()

    at_once([lambda share=share: wait(share) for share in (0.2, 0.4, 0.6, 0.8)])  # type: ignore[misc]


def test_a_hop_bounds_the_sum_of_its_calls(postgres_url: str, open_hot: Open) -> None:
    hot = open_hot(postgres_url)
    slow = sleeping(hot)
    hot.rows(slow, {"seconds": 0.0}, 1.0)
    with ends_within(1.0 + LATE), hop_within(1.0):
        for _call in range(2):
            hot.rows(slow, {"seconds": 0.4}, 0.5)
        with pytest.raises(TimeoutError):
            hot.rows(slow, {"seconds": 0.4}, 0.5)


def test_a_link_killed_while_idle_costs_nobody_an_answer(postgres_url: str, open_hot: Open) -> None:
    hot = open_hot(postgres_url)
    [(pid,)] = hot.rows(hot.statement(select(func.pg_backend_pid())), {}, 1.0)
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (pid,))
    with ends_within(0.5):
        assert hot.rows(hot.statement(ONE), {}, 1.0) == [(1,)]
    assert hot.rows(hot.statement(select(func.pg_backend_pid())), {}, 1.0) != [(pid,)]


def test_nobody_listens_so_everybody_is_refused_at_once_for_a_while(open_hot: Open) -> None:
    hot = open_hot(f"postgresql://postgres@127.0.0.1:{refused_port()}/none")
    one = hot.statement(ONE)
    with ends_within(0.5), pytest.raises(ConnectionError, match="OperationalError"):
        hot.rows(one, {}, 1.0)
    began = monotonic()
    for _caller in range(1000):
        with pytest.raises(ConnectionError, match="resting"):
            hot.rows(one, {}, 1.0)
    assert monotonic() - began < 0.5
    sleep(REST_SECONDS - (monotonic() - began) + 0.05)
    with pytest.raises(ConnectionError, match="OperationalError"):  # after the rest it is tried again
        hot.rows(one, {}, 1.0)


def test_a_server_that_comes_back_is_found_after_the_rest(postgres_url: str, open_hot: Open) -> None:
    with wire_to(postgres_url) as (url, wire):
        hot = open_hot(url)
        one = hot.statement(ONE)
        upstream, wire.upstream = wire.upstream, ("127.0.0.1", refused_port())
        with pytest.raises(ConnectionError):
            hot.rows(one, {}, 1.0)
        wire.upstream = upstream
        with pytest.raises(ConnectionError, match="resting"):
            hot.rows(one, {}, 1.0)
        sleep(REST_SECONDS)
        assert hot.rows(one, {}, 1.0) == [(1,)]


def test_a_host_that_never_answers_takes_no_longer_than_the_connection_share(
    postgres_url: str, open_hot: Open
) -> None:
    with wire_to(postgres_url) as (url, wire):
        wire.freeze()
        hot = open_hot(url)
        with ends_within(CONNECT_SECONDS + LATE), pytest.raises(ConnectionError), hop_within(3.5):
            hot.rows(hot.statement(ONE), {}, 1.0)


def test_sqlite_write_locked_by_another_process(tmp_path: Path, open_hot: Open) -> None:
    path = tmp_path / "locked.db"
    hot = open_hot(f"sqlite:///{path}")
    hot.rows(hot.statement(text("CREATE TABLE notes (id INTEGER)")), {}, 1.0)
    add = hot.statement(text("INSERT INTO notes VALUES (1) RETURNING id"))
    hold = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read(); c.close()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        for times in (1, 2):  # as one statement, and as a transaction
            with ends_within(LOCK_SECONDS + LATE), pytest.raises(TimeoutError):
                hot.write([(add, {})] * times, 3.0)
        counted = hot.statement(text("SELECT count(*) FROM notes"))
        assert hot.rows(counted, {}, 1.0) == [(0,)]  # readers are not in the way of a writer
        other.communicate("")
    assert hot.rows(add, {}, 1.0) == [(1,)]


def test_an_endless_sqlite_question_is_interrupted(tmp_path: Path, open_hot: Open) -> None:
    hot = open_hot(f"sqlite:///{tmp_path / 'endless.db'}")
    with ends_within(0.3 + LATE), pytest.raises(TimeoutError):
        hot.rows(hot.statement(text(ENDLESS)), {}, 0.3)
    assert hot.rows(hot.statement(ONE), {}, 1.0) == [(1,)]


def test_an_interrupted_transaction_leaves_nothing_and_no_lock(tmp_path: Path, open_hot: Open) -> None:
    url = f"sqlite:///{tmp_path / 'half.db'}"
    hot = open_hot(url)
    hot.rows(hot.statement(text("CREATE TABLE notes (id INTEGER)")), {}, 1.0)
    add = hot.statement(text("INSERT INTO notes VALUES (1) RETURNING id"))
    with pytest.raises(TimeoutError):
        hot.write([(add, {}), (hot.statement(text(ENDLESS)), {})], 0.3)
    other = sqlite3.connect(tmp_path / "half.db", timeout=0)
    other.execute("INSERT INTO notes VALUES (2)")
    assert other.execute("SELECT id FROM notes").fetchall() == [(2,)]
    other.close()


def test_a_sqlite_file_that_cannot_be_opened(tmp_path: Path, open_hot: Open) -> None:
    hot = open_hot(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")
    with ends_within(0.2), pytest.raises(ConnectionError):
        hot.rows(hot.statement(ONE), {}, 1.0)
    (tmp_path / "no" / "such").mkdir(parents=True)
    assert hot.rows(hot.statement(ONE), {}, 1.0) == [(1,)]  # a file needs no rest: it may be there the next moment


def test_a_question_that_means_nothing_is_no_timeout(tmp_path: Path, open_hot: Open) -> None:
    hot = open_hot(f"sqlite:///{tmp_path / 'wrong.db'}")
    with pytest.raises(ConnectionError, match="OperationalError"):
        hot.rows(hot.statement(select(literal_column("nothing"))), {}, 1.0)


FORKED = """
import os, sys
from sqlalchemy import text
from gateway.storage.hot import Hot
hot = Hot(sys.argv[1])
hot.rows(hot.statement(text("SELECT 1")), {}, 1.0)
hot.close()
if os.fork() == 0:
    try:
        hot.rows(hot.statement(text(sys.argv[2])), {}, 0.3)
    except TimeoutError:
        os._exit(0)
    os._exit(1)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_a_forked_worker_still_keeps_its_deadlines(tmp_path: Path) -> None:
    """A server may fork its workers from a process that has asked already: threads do not survive a fork."""
    command = [sys.executable, "-c", FORKED, f"sqlite:///{tmp_path / 'fork.db'}", ENDLESS]
    with subprocess.Popen(command, start_new_session=True, cwd=ROOT) as parent:
        try:
            assert parent.wait(10) == 0
        finally:
            with suppress(ProcessLookupError):
                os.killpg(parent.pid, signal.SIGKILL)


WAITING = """
import os, sys, threading
from time import monotonic, sleep
from gateway.storage.links import CHECKPOINTING
held = threading.Event()
def write_back():
    with CHECKPOINTING:
        held.set()
        sleep(0.5)
threading.Thread(target=write_back).start()
held.wait()
began = monotonic()
if os.fork() == 0:
    os._exit(0 if CHECKPOINTING.acquire(blocking=False) else 1)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]) or monotonic() - began < 0.3)
"""


def test_a_fork_waits_for_a_checkpoint() -> None:
    """A child that inherited the locks SQLite holds while it writes would wait for them for ever."""
    assert subprocess.run([sys.executable, "-c", WAITING], cwd=ROOT, timeout=10).returncode == 0
