"""What the pages for officers name is there: commands with their options, units, settings and metrics."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from flask import Flask

from app import LOCALES
from gateway.settings import PREFIX, Settings, read_settings

ROOT = LOCALES.parent
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.*"))
TEXTS = [ROOT / "docs" / f"{page}.md" for page in ("operations", "outbox", "reminders")]
PAGES = "\n".join(path.read_text("utf-8") for path in (*TEXTS, *UNITS))
COMMANDS = sorted(set(re.findall(r"\bflask (?:--app app )?([a-z][^`\n#|&]*)", PAGES)))


def test_there_are_some() -> None:
    assert len(COMMANDS) > 15
    assert len(UNITS) > 3


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_is_there_with_its_options(app: Flask, words: str) -> None:
    said = app.test_cli_runner().invoke(args=[*shlex.split(words), "--help"])
    assert said.exit_code == 0, said.output


def test_every_setting_is_one() -> None:
    named = set(re.findall(rf"\b{PREFIX}([A-Z_]+)", PAGES))
    assert named
    assert {name.lower() for name in named} <= {*Settings.model_fields, "officer"}


def test_an_officer_says_once_who_she_is(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}OFFICER", "synthetic-1")
    assert read_settings()
    said = app.test_cli_runner().invoke(args=["cases", "refuse", "1"])
    assert "Missing option" not in said.output


def test_every_metric_is_told(app: Flask) -> None:
    told = set(re.findall(r"\bpakan_\w+", app.test_client().get("/metrics").text))
    assert set(re.findall(r"\bpakan_(?:outbox|hop)_\w+", PAGES)) <= told


def test_what_is_to_be_run_at_its_times_has_a_timer() -> None:
    said = re.findall(r"\b(Daily|Hourly): `flask ([^`]+)`", PAGES)
    assert len(said) > 1
    units = {unit.name: unit.read_text("utf-8") for unit in UNITS}
    for often, words in said:
        [service] = [name for name, text in units.items() if f"flask --app app {words}\n" in text]
        timer = service.replace(".service", ".timer")
        assert f"OnCalendar={often.lower()}\n" in units[timer]
        assert timer in PAGES  # where the officer is told to enable it


@pytest.mark.skipif(
    not (shutil.which("systemd-analyze") or os.environ.get("CI")), reason="no systemd here to ask; CI has it"
)
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_a_unit(unit: Path, tmp_path: Path) -> None:
    for one in UNITS:  # a timer asks for its service
        text = one.read_text("utf-8").replace("/opt/pakan/.venv/bin/flask", "/bin/true")
        text = re.sub(r"^User=.*$", "User=root", text, flags=re.MULTILINE)
        (tmp_path / one.name.replace("@", "@now")).write_text(text, "utf-8")
    copy = tmp_path / unit.name.replace("@", "@now")
    asked = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, timeout=60)
    assert (asked.returncode, asked.stdout + asked.stderr) == (0, "")
