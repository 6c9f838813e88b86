"""`/healthz` says that the process answers, `/readyz` whether it can serve, and neither says whom it serves."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from time import monotonic

import pytest

from app import create_app
from gateway.storage.schema import upgrade
from tests.faults import refused_port, wire_to

PLAIN = "text/plain; charset=utf-8"


def asked(tmp_path: Path, url: str, path: str = "/readyz", registry_url: str = "") -> tuple[int, str]:
    app = create_app({"database_url": url, "keys_dir": tmp_path / "keys", "registry_url": registry_url})
    answer = app.test_client().get(path)
    assert answer.content_type == PLAIN
    return answer.status_code, answer.text


def test_ready_when_every_table_is_there(tmp_path: Path, database_url: str) -> None:
    upgrade(database_url, {"store", "register"})
    assert asked(tmp_path, database_url) == (200, "ready\n")
    assert asked(tmp_path, database_url, "/healthz") == (200, "ok\n")


def test_not_ready_without_tables_and_alive_all_the_same(tmp_path: Path, database_url: str) -> None:
    status, said = asked(tmp_path, database_url)
    assert status == 503
    assert "flask store upgrade" in said
    assert asked(tmp_path, database_url, "/healthz") == (200, "ok\n")


def test_not_ready_with_half_of_the_tables(tmp_path: Path, database_url: str) -> None:
    upgrade(database_url, {"store"})
    assert asked(tmp_path, database_url)[0] == 503


def test_not_ready_when_the_tables_are_of_another_release(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    upgrade(f"sqlite:///{path}", {"store", "register"})
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'store_0000' WHERE version_num LIKE 'store%'")
    connection.close()
    assert asked(tmp_path, f"sqlite:///{path}")[0] == 503


@pytest.mark.parametrize("down", ["store", "register"])
def test_not_ready_while_a_database_is_down(tmp_path: Path, down: str) -> None:
    here = f"sqlite:///{tmp_path}/here.db"
    upgrade(here, {"store", "register"})
    gone = f"postgresql://secret-user:secret-word@127.0.0.1:{refused_port()}/secret-name"
    urls = (gone, here) if down == "store" else (here, gone)
    status, said = asked(tmp_path, urls[0], registry_url=urls[1])
    assert status == 503
    assert "secret" not in said
    assert "127.0.0.1" not in said


def test_not_ready_said_in_time_while_a_database_is_frozen(tmp_path: Path, postgres_url: str) -> None:
    upgrade(postgres_url, {"store", "register"})
    with wire_to(postgres_url) as (through, wire):
        assert asked(tmp_path, through)[0] == 200
        wire.freeze()
        began = monotonic()
        assert asked(tmp_path, through)[0] == 503
        assert monotonic() - began < 4.0
