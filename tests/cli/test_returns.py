"""`flask returns` as an officer types it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from click.testing import Result
from flask import Flask

from gateway.cli.returns import returns
from gateway.registry.scheme import load_scheme
from tests.registry.rows import few
from tests.registry.test_load import rows, written
from tests.registry.test_returns import LINE, OTHER, POSTING

Command = Callable[..., Result]


@pytest.fixture
def url(database_url: str) -> str:
    return few(database_url)


@pytest.fixture
def command(url: str) -> Command:
    app = Flask("returns")
    app.extensions["pakan"] = SimpleNamespace(
        settings=SimpleNamespace(register_url=url),
        scheme=load_scheme(),
        clock=lambda: datetime(2026, 11, 23, 17, 30, tzinfo=UTC),
        today=lambda: date(2026, 11, 24),
        timezone=ZoneInfo("Asia/Vientiane"),
    )
    app.cli.add_command(returns)
    return lambda *words: app.test_cli_runner().invoke(returns, [str(word) for word in words])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "returns.csv"
    path.write_text(written([LINE, OTHER], columns=LINE), "utf-8")
    return path


def test_due_then_posted(command: Command, file: Path) -> None:
    answer = command("due", file)
    assert answer.exit_code == 0
    assert "2 lines read\n2 lines. Contributions: 2 new, 0 changed, 0 the same.\n" in answer.output
    file.write_text(written([POSTING], columns=POSTING), "utf-8")
    assert "1 line. Contributions: 0 new, 1 changed, 0 the same.\n" in command("posted", file).output
    file.write_text(written([{**LINE, "wage": "4000000", "due": ""}], columns=[*LINE][:4]), "utf-8")
    answer = command("due", file)
    assert "0 changed, 1 the same. 1 would change a month that is posted, and did not.\n" in answer.output


def test_the_same_file_twice_says_when_it_came(command: Command, file: Path) -> None:
    command("due", file)
    answer = command("due", file)
    assert answer.exit_code == 0
    assert answer.output == (
        "This file was imported on 24/11/2026 already; nothing was changed. --again imports it once more.\n"
    )
    assert "0 new, 0 changed, 2 the same." in command("due", file, "--again").output


def test_every_refused_line_is_in_the_file_of_rejects(command: Command, file: Path, url: str) -> None:
    rejects, before = file.with_name("rejects.csv"), rows(url)
    lines = [{**LINE, "month": "x"}] * 201 + [{**LINE, "employer_code": "99999-01"}]
    file.write_text(written(lines, columns=LINE), "utf-8")
    answer = command("due", file, "--rejects", rejects)
    assert answer.exit_code == 1
    assert "line 2: month: not a month written MM/yyyy\n" in answer.output
    assert "202 problems. The other 2 are not shown. Nothing was imported." in answer.output
    with rejects.open(encoding="utf-8-sig", newline="") as sheet:
        found = list(csv.reader(sheet))
    assert found[:2] == [["line", "reason"], ["2", "month: not a month written MM/yyyy"]]
    assert found[-1] == ["203", "employer_code: the register has no such employer"]
    assert len(found) == 203
    assert rows(url) == before

    file.write_text(written([LINE], columns=LINE), "utf-8")
    command("due", file, "--rejects", rejects)
    assert rejects.read_text("utf-8-sig") == "line,reason\n"


def test_rejects_never_take_the_place_of_the_file(command: Command, file: Path) -> None:
    before = file.read_bytes()
    answer = command("due", file, "--rejects", file)
    assert answer.exit_code == 2
    assert "this is the file to import" in answer.output
    assert file.read_bytes() == before
    answer = command("due", file, "--rejects", file.with_name("none") / "rejects.csv")
    assert answer.exit_code == 2
    assert "cannot be written: No such file or directory" in answer.output


def test_what_is_no_form(command: Command, file: Path) -> None:
    file.write_text("hello")
    answer = command("posted", file)
    assert answer.exit_code == 1
    assert "missing: amount, employer_code, month, posted_on. See --help. Nothing was imported." in answer.output


@pytest.mark.parametrize("words", [("due",), ("posted",)])
def test_help_names_every_heading(command: Command, words: tuple[str, ...]) -> None:
    answer = command(*words, "--help")
    assert answer.exit_code == 0
    assert "ລະຫັດປະກັນສັງຄົມຂອງຫົວໜ່ວຍແຮງງານ" in answer.output
    assert "Example" in answer.output
