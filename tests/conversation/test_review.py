"""The sheet for native speakers: everything that is said stands in it, and it comes back whole or not at all."""

from __future__ import annotations

import csv
import dataclasses
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from app import LOCALES
from gateway.conversation.review import COLUMNS
from gateway.text.catalogue import read_entries
from tests.test_catalogues import wordings

ASKED = "Welcome back."
Run = Callable[..., Result]


@pytest.fixture
def locales(tmp_path: Path) -> Path:
    return shutil.copytree(LOCALES, tmp_path / "locales", ignore=shutil.ignore_patterns("*.mo"))


@pytest.fixture
def run(app: Flask, locales: Path) -> Run:
    """`flask flows review`, on catalogues of its own."""
    app.extensions["pakan"] = dataclasses.replace(app.extensions["pakan"], locales=locales)
    return lambda *words: app.test_cli_runner().invoke(args=["flows", "review", *map(str, words)])


@pytest.fixture
def back(run: Run, tmp_path: Path) -> Callable[..., Result]:
    """`back({"Help": {"lo": "..."}})`: the sheet as it was sent, with these cells changed, comes back."""

    def take(changes: dict[str, dict[str, str]], delimiter: str = ",") -> Result:
        path = tmp_path / "back.csv"
        lines = read(run().output)
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            sheet = csv.DictWriter(file, COLUMNS, delimiter=delimiter)
            sheet.writeheader()
            sheet.writerows({**line, **changes.get(line["English"], {})} for line in lines)
        return run(path)

    return take


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text.removeprefix("\ufeff"))))


def files(locales: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(locales.rglob("*.po"))}


def test_every_wording_stands_in_it_once(run: Run) -> None:
    lines = read(run().output)
    names = [line["English"] for line in lines]
    assert len(names) == len(set(names))
    assert set(names) == wordings()
    assert not [line for line in lines if not (line["state"] and line["lo"] and line["lo_Latn"])]
    [asked] = [line for line in lines if line["English"] == ASKED]
    assert asked["state"] == "main.welcome_back"
    assert asked["comment"].startswith("composed")
    assert asked["units"].endswith("/70, pages: 1")
    assert not [cell for line in lines for cell in line.values() if cell and cell[0] in "=+-@"]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_as_it_was_sent_it_changes_no_byte(back: Callable[..., Result], locales: Path, delimiter: str) -> None:
    before = files(locales)
    result = back({}, delimiter)
    assert (result.exit_code, result.output) == (0, "nothing was to be changed\n")
    assert files(locales) == before


def test_a_better_wording_and_a_verdict_go_into_the_catalogue(back: Callable[..., Result], locales: Path) -> None:
    before = read_entries(locales)
    changes = {
        ASKED: {"verdict": "OK", "lo": "ຍິນດີຕ້ອນຮັບ."},
        "Help": {"lo_Latn": "Suay"},
        "Continue": {"comment": "or ຕໍ່ໄປ?"},
    }
    result = back(changes)
    assert (result.exit_code, result.output) == (0, "lo: 2 changed\nlo_Latn: 2 changed\n")
    after = read_entries(locales)
    assert (after["lo"][ASKED].text, after["lo"][ASKED].question) == ("ຍິນດີຕ້ອນຮັບ.", "")
    assert after["lo_Latn"][ASKED].question == ""
    assert after["lo_Latn"]["Help"].text == "Suay"
    assert after["lo"]["Continue"].question == "or ຕໍ່ໄປ?"
    for language, entries in after.items():
        assert {name: one for name, one in entries.items() if name not in changes} == {
            name: one for name, one in before[language].items() if name not in changes
        }


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"Help": {"English": "Halp"}}, "no screen says 'Halp'; the column English is never changed"),
        ({"Help": {"English": "Settings"}}, "'Settings' stands on line"),
        ({"Help": {"verdict": "good"}}, "the verdict is ok or empty, not 'good'"),
        ({"Help": {"lo": " "}}, "there is no wording under lo"),
        ({"Help": {"lo_Latn": "ຊ່ວຍ"}}, "main.menu: 'Help' needs UCS-2 in lo_Latn because of 'ຊ່ວຍ'"),
        ({"Year %(year)s": {"lo": "ປີ %(yaer)s"}}, "'Year %(year)s' has other placeholders in lo: yaer for year"),
        ({"Help": {"lo": "ຊ" * 71}}, "main.menu: does not fit USSD in lo"),
    ],
)
def test_one_fault_and_nothing_is_written(
    back: Callable[..., Result], locales: Path, changes: dict[str, dict[str, str]], says: str
) -> None:
    before = files(locales)
    result = back({**changes, "Continue": {"lo": "ສືບ"}})
    assert result.exit_code == 1
    assert says in result.output
    assert result.output.endswith("Nothing was changed.\n")
    assert files(locales) == before


def test_a_file_that_is_no_such_sheet(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    result = run(other)
    assert result.exit_code == 1
    assert "missing: state, english" in result.output
    assert "The file cannot be read" in run(tmp_path / "nowhere.csv").output
