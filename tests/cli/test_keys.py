"""`flask keys` as an officer types it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import create_engine, delete
from sqlalchemy.pool import NullPool

from app import create_app, setup
from gateway.cli.keys import keys as command_group
from gateway.storage.keys import KEY_BYTES, NAMES, TOKEN, Keys, rotate
from gateway.storage.schema import upgrade
from gateway.storage.tables import bindings
from tests.channels.conftest import Line, fill, rows
from tests.conftest import TOKEN as SAMPLE_TOKEN
from tests.conftest import Clock
from tests.faults import hang_up
from tests.storage.crowd import bind

GOOD_TOKEN = "pV3vZr8Qn1Lx6Tb9Kd4Ws7Mf2Hc5Jg0y"
GOOD_KEY = "9f1c64e07ab35d28c2f08b6e14d7935fa86012cb4de97730f5b81e6c2493da57"

Command = Callable[..., Result]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def url(database_url: str, tmp_path: Path) -> str:
    """Four members, none of whom has proved who she is."""
    fill(database_url, tmp_path / "of others")
    with create_engine(database_url, poolclass=NullPool).begin() as connection:
        connection.execute(delete(bindings))
    return database_url


@pytest.fixture
def gateway(url: str, directory: Path, clock: Clock) -> Iterator[Flask]:
    config = {"database_url": url, "keys_dir": directory, "webhook_tokens": (SAMPLE_TOKEN,), "hotline": "1508"}
    app = create_app(config, clock=clock)
    yield app
    hang_up(app)


@pytest.fixture
def command(gateway: Flask, url: str, directory: Path, clock: Clock) -> Command:
    """`command("rotate", "data")`: what it says, in a process that reads the keys as they are now."""

    def run(*words: object) -> Result:
        config = {"database_url": url, "keys_dir": directory, "webhook_tokens": (SAMPLE_TOKEN,)}
        app = create_app(config, clock=clock)
        return app.test_cli_runner().invoke(command_group, [str(word) for word in words])

    return run


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_make_makes_what_is_missing_deliberately(directory: Path) -> None:
    app = setup({"keys_dir": directory, "production": True})
    runner = app.test_cli_runner()
    before = os.umask(0)
    try:
        said = runner.invoke(args=["keys", "make"])
    finally:
        os.umask(before)
    assert said.exit_code == 0, said.output
    assert f"{len(NAMES) + 1} made" in said.output
    files = sorted(directory.iterdir())
    assert [path.name for path in files] == sorted([TOKEN, *(f"{name}.1.key" for name in NAMES)])
    assert {mode(path) for path in files} == {0o400}
    assert mode(directory) == 0o700
    content = [path.read_text() for path in files]
    assert not any(secret in said.output for secret in content)
    create_app({"production": True, "keys_dir": directory})

    directory.chmod(0o755)
    (directory / "code.1.key").unlink()
    (directory / "data.1.key").chmod(0o644)
    said = runner.invoke(args=["keys", "make"])
    assert re.findall(r"made: .*/(.*)", said.output) == ["code.1.key"]
    assert {mode(path) for path in directory.iterdir()} == {0o400}
    kept = [path for path in files if path.name != "code.1.key"]
    assert [path.read_text() for path in kept] == [
        text for path, text in zip(files, content, strict=True) if path.name != "code.1.key"
    ]
    assert mode(directory) == 0o700


def test_status_says_what_each_key_protects_and_what_needs_it(
    command: Command, gateway: Flask, url: str, directory: Path, clock: Clock
) -> None:
    os.utime(directory / "index.1.key", (clock().timestamp() - 400 * 86_400,) * 2)
    Line(gateway).in_english().call("s1", "00*1")
    bind(url, Keys(directory), ["+8562055510001"])
    rotate(directory, "index")
    said = command("status")
    assert said.exit_code == 0, said.output
    assert f"{directory}, rights 0700" in said.output
    assert "version 2, newest: 0 days old, rights 0400, nothing needs it" in said.output
    needed = "1 bindings, 1 cases, 1 conversations, 3 answers need it"
    assert f"version 1: 400 days old, rights 0600, {needed}" in said.output
    assert (
        "1 phones of bindings, 1 phones of cases, 1 places, 3 answers, 1 PINs, 1 PINs not confirmed" in said.output
    )
    assert re.search(r"pepper: .*\n  version 1, newest: .*, 1 PINs, 1 PINs not confirmed need it", said.output)
    assert "1 numbers of bindings, 1 endings of bindings need it" in said.output
    for path in directory.glob("*.key"):
        assert path.read_text() not in said.output


@pytest.mark.parametrize("name", NAMES)
def test_rotate_adds_a_version_and_says_what_comes_next(command: Command, directory: Path, name: str) -> None:
    older = (directory / f"{name}.1.key").read_text()
    said = command("rotate", name)
    assert said.exit_code == 0, said.output
    assert f"{name} has a version 2." in said.output
    assert "Restart every gateway process" in said.output
    assert (f"flask keys retire {name} 1" in said.output) == (name != "audit")
    assert ("flask keys renew" in said.output) == (name in {"index", "data"})
    assert (directory / f"{name}.1.key").read_text() == older
    fresh = directory / f"{name}.2.key"
    assert mode(fresh) == 0o400
    assert len(bytes.fromhex(fresh.read_text())) == KEY_BYTES
    assert fresh.read_text() not in said.output
    assert command("rotate", name).exit_code == 0
    assert (directory / f"{name}.3.key").exists()


def test_data_is_rotated_renewed_and_retired(command: Command, gateway: Flask, url: str, directory: Path) -> None:
    Line(gateway).in_english().call("s1", "00*1")
    bind(url, Keys(directory), ["+8562055510001"])
    assert "is the newest. First: flask keys rotate data" in command("retire", "data", 1).output
    assert command("rotate", "data").exit_code == 0
    refused = command("retire", "data", 1)
    assert refused.exit_code == 1
    assert "1 phones of bindings, 1 phones of cases, 1 places, 3 answers, 1 PINs" in refused.output
    assert "First: flask keys renew. Nothing was retired." in refused.output
    assert (directory / "data.1.key").exists()

    renewed = command("renew")
    assert renewed.exit_code == 0, renewed.output
    assert "7 renewed, 0 emptied, 0 left to hops that were faster." in renewed.output
    assert "0 renewed" in command("renew").output
    retired = command("retire", "data", 1)
    assert retired.exit_code == 0, retired.output
    assert "data.1.retired" in retired.output
    assert (directory / "data.1.retired").exists()
    assert not (directory / "data.1.key").exists()
    assert "There is no version 1 of data." in command("retire", "data", 1).output
    keys = Keys(directory)
    for key, answer in rows(url, "SELECT key, answer FROM inbound"):
        keys.sealer.open(answer, f"answer:{key}")


def test_index_is_retired_when_everybody_moved_or_is_forgotten(
    command: Command, gateway: Flask, url: str, directory: Path, clock: Clock
) -> None:
    mover, sleeper = "+8562055510001", "+8562055510002"
    for phone in (mover, sleeper):
        Line(gateway, phone).in_english()
    bind(url, Keys(directory), [mover, sleeper])
    assert command("rotate", "index").exit_code == 0
    config = {"database_url": url, "keys_dir": directory, "webhook_tokens": (SAMPLE_TOKEN,), "hotline": "1508"}
    app = create_app(config, clock=clock)
    Line(app, mover).call("s1", "", "3")
    refused = command("retire", "index", 1, "--forget")
    assert refused.exit_code == 1
    assert "1 bindings, 2 cases need it. First: flask keys renew." in refused.output

    assert command("renew").exit_code == 0
    refused = command("retire", "index", 1)
    assert "1 conversations, 4 answers need it" in refused.output
    assert rows(url, "SELECT count(*) FROM conversations WHERE event <> ''") == [(2,)]

    assert command("retire", "index", 1, "--forget").exit_code == 0
    assert not (directory / "index.1.key").exists()
    assert rows(url, "SELECT language FROM conversations") == [("en",)]
    assert rows(url, "SELECT count(*) FROM bindings") == [(2,)]
    restarted = create_app(config, clock=clock)
    assert Line(restarted, mover).hop("s2", "").startswith("CON Welcome back.")
    assert Line(restarted, sleeper).hop("s2", "").startswith("CON 1 Lao ABC")
    for gone in (app, restarted):
        hang_up(gone)


def test_pepper_number_and_audit_are_not_retired_while_somebody_needs_them(
    command: Command, url: str, directory: Path
) -> None:
    bind(url, Keys(directory), ["+8562055510001"])
    for name in ("pepper", "number", "audit", "code"):
        command("rotate", name)
    assert "1 PINs, 1 PINs not confirmed need it." in command("retire", "pepper", 1).output
    assert "1 numbers of bindings, 1 endings of bindings need it." in command("retire", "number", 1).output
    assert "What it signed is verified with it: it stays." in command("retire", "audit", 1).output
    assert command("retire", "code", 1).exit_code == 0
    kept = {path.name for path in directory.glob("*.1.key")}
    assert kept == {f"{name}.1.key" for name in set(NAMES) - {"code"}}


def test_renew_names_rows_that_no_key_opens(command: Command, gateway: Flask, url: str, directory: Path) -> None:
    Line(gateway).in_english()
    command("rotate", "data")
    (directory / "data.1.key").unlink()
    said = command("renew")
    assert said.exit_code == 1
    assert "3 rows open with no key that is here: is one missing?" in said.output
    assert "of no key that is here: 1 places, 2 answers need it" in command("status").output


def test_without_tables_it_says_what_to_do(database_url: str, directory: Path) -> None:
    app = create_app({"database_url": database_url, "keys_dir": directory, "webhook_tokens": (SAMPLE_TOKEN,)})
    for words in (["status"], ["renew"]):
        said = app.test_cli_runner().invoke(command_group, words)
        assert said.exit_code == 1
        assert "flask store upgrade" in said.output
    upgrade(database_url, {"store", "register"})
    assert app.test_cli_runner().invoke(command_group, ["status"]).exit_code == 0


@pytest.mark.parametrize("words", [("make",), ("status",), ("rotate",), ("renew",), ("retire",)])
def test_every_command_explains_itself(gateway: Flask, words: tuple[str, ...]) -> None:
    answer = gateway.test_cli_runner().invoke(command_group, [*words, "--help"])
    assert answer.exit_code == 0
    assert "Example" in answer.output
