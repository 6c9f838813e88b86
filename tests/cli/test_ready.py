"""On databases that were not brought up yet, a command says what to do: no traceback, and nothing half done."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import create_app

COMMANDS = (
    "alerts plan",
    "alerts send --yes",
    "audit verify",
    "bindings sleep 02055512345 --officer synthetic-1",
    "cases approve 1 --officer synthetic-1 --yes",
    "cases list",
    "cases refuse 1 --officer synthetic-1",
    "chat 1",
    "keys renew",
    "outbox drain",
    "outbox list",
    "outbox send",
    "outbox stats",
    "reminders approve --officer synthetic-1 --yes",
    "reminders effect",
    "reminders pause --officer synthetic-1",
    "reminders plan",
    "reminders resume 12345-01 --officer synthetic-1",
    "reminders send --yes",
    "reminders stop 12345-01 --why closed --officer synthetic-1",
    "words missed",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_needs_its_databases_says_how_to_bring_them_up(command: str, tmp_path: Path) -> None:
    app = create_app({"database_url": f"sqlite:///{tmp_path / 'empty.db'}", "keys_dir": tmp_path / "keys"})
    said = app.test_cli_runner().invoke(args=command.split())
    assert said.exit_code == 1
    assert said.output.startswith("Error: The database of the ")
    assert said.output.endswith(": run `flask store upgrade`.\n")
