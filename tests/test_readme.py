"""The README's dialogues are run: what it shows is what a caller reads on 23 November 2026."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import LOCALES
from gateway.registry.scheme import load_scheme
from gateway.registry.seed import seed
from tests.conftest import Clock

README = (LOCALES.parent / "README.md").read_text("utf-8")
DIALOGUES = re.findall(r"```console\n\$ \.venv/bin/flask --app app (chat [^\n]+)\n(.*?)```", README, re.DOTALL)


def test_there_are_dialogues_in_lao_and_in_english() -> None:
    assert {"en", "lo"} <= {command.split("--locale ")[1].split()[0] for command, _ in DIALOGUES}


@pytest.mark.parametrize(("command", "screens"), DIALOGUES, ids=[command for command, _ in DIALOGUES])
def test_a_dialogue_is_what_a_caller_reads(
    app: Flask, gateway_url: str, clock: Clock, command: str, screens: str
) -> None:
    seed(gateway_url, 50, 5, 24, clock().date(), load_scheme())
    result = app.test_cli_runner().invoke(args=shlex.split(command))
    assert result.output.strip("\n") == screens.strip("\n")


def test_its_flow_is_one() -> None:
    [example] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {"__name__": "example"}
    exec(example, names)
    flow = names["flow"]
    talk: dict[str, str] = {}
    way = flow.works["find"](talk)
    assert flow.by_name["find"].ways[way] == "nearest"
    assert flow.fields["town"].show(talk["town"], "en", str) == "Pakse"


def test_files_it_names_are_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (LOCALES.parent / target).exists(), target


def test_commands_it_names_are_there(app: Flask) -> None:
    makefile = Path(LOCALES.parent / "Makefile").read_text()
    for command in set(re.findall(r"\bmake ([a-z]+)", README)):
        assert f"\n{command}:" in makefile, command
    for group, command in set(re.findall(r"flask (?:--app app )?(\w+) (\w+)", README)):
        found = app.cli.commands.get(group)
        assert found, group
        assert group in {"chat", "serve"} or command in found.commands, f"{group} {command}"  # type: ignore[attr-defined]
