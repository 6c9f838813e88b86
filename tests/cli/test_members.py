"""`flask members` as somebody types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import Result
from flask import Flask

from gateway.cli.members import members
from gateway.registry.scheme import load_scheme
from tests.registry.test_load import LINE, written

TODAY = date(2026, 11, 23)

Command = Callable[..., Result]


@pytest.fixture
def command(database_url: str) -> Command:
    app = Flask("members")
    settings = SimpleNamespace(register_url=database_url)
    app.extensions["pakan"] = SimpleNamespace(settings=settings, scheme=load_scheme(), today=lambda: TODAY)
    app.cli.add_command(members)

    def run(*words: object) -> Result:
        return app.test_cli_runner().invoke(members, [str(word) for word in words])

    return run


def test_seed_then_sample(command: Command) -> None:
    seeded = command("seed", "--members", 30, "--employers", 3, "--months", 12)
    assert seeded.exit_code == 0, seeded.output
    assert "30 members of 3 employers, 12 months" in seeded.output

    told = command("sample")
    assert told.exit_code == 0, told.output
    assert "+8562020000001  number 9900000001, born 17/05/1990, try in lo" in told.output
    assert "Every month is paid. 12 of the last 12 months are paid." in told.output
    assert "This phone is on no record." in told.output

    people = json.loads(command("sample", "--json").output)
    assert [set(person) >= {"phone", "number", "birth_date", "language", "sees"} for person in people] == [
        True
    ] * 7
    assert people[1]["months"]["2026-09"] == "late"
    assert people[2]["right"] == {"live": False, "until": "2026-08-31", "months_short": 3}
    assert people[-1]["number"] is None


def test_seeding_twice_says_what_to_do(command: Command) -> None:
    words = ("seed", "--members", 10, "--employers", 1, "--months", 12)
    assert command(*words).exit_code == 0
    again = command(*words)
    assert again.exit_code == 1
    assert "The register holds members already. Add --replace" in again.output
    assert command(*words, "--replace", "--seed", 2).exit_code == 0


def test_sample_without_a_synthetic_register(command: Command) -> None:
    answer = command("sample")
    assert answer.exit_code == 1
    assert "First: flask members seed" in answer.output


def test_import_reports_new_changed_and_same(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text(written([LINE, {**LINE, "month": "2026-08"}]), "utf-8")
    assert "2 lines: 2 new, 0 changed, 0 the same." in command("import", path).output
    path.write_text(written([LINE, {**LINE, "month": "2026-08", "paid": "9"}]), "utf-8")
    assert "2 lines: 0 new, 1 changed, 1 the same." in command("import", path).output


def test_import_names_every_bad_line(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text(written([{**LINE, "month": "x"}] * 205), "utf-8")
    answer = command("import", path, "--rejects", tmp_path / "rejects.csv")
    assert answer.exit_code == 1
    assert len((tmp_path / "rejects.csv").read_text("utf-8-sig").splitlines()) == 206
    assert "line 2: month: not a month written MM/yyyy\n" in answer.output
    assert "205 problems. The other 5 are not shown. Nothing was imported." in answer.output


def test_import_of_something_else(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text("hello")
    answer = command("import", path)
    assert answer.exit_code == 1
    assert "Error: The first line must name the columns; missing: number" in answer.output
    assert command("import", tmp_path / "none.csv").exit_code == 2


@pytest.mark.parametrize("words", [(), ("seed",), ("import",), ("sample",)])
def test_every_command_explains_itself(command: Command, words: tuple[str, ...]) -> None:
    answer = command(*words, "--help")
    assert answer.exit_code == 0
    assert "Example" in answer.output or not words
