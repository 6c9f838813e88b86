"""A little of `make bench BENCH=--storm`: repeats of every event, all at once, at a served gateway."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from sqlalchemy import make_url

from bench import storm
from bench.__main__ import TOKEN, ZONE
from bench.calls import Calls
from bench.data import Data
from bench.rounds import Machine, settings

MEMBERS, EVENTS = 1_500, 400


def test_each_event_has_one_effect_and_one_answer(database_url: str, tmp_path: Path) -> None:
    cores = sorted(os.sched_getaffinity(0))
    machine = Machine(cores[0], cores[-1], tmp_path, TOKEN)
    data = Data(database_url, MEMBERS, datetime.now(ZONE).date())
    kind = make_url(database_url).get_backend_name()
    table, is_good = storm.report({kind: Calls(data, settings(database_url, machine))}, machine, 7, EVENTS)
    assert f"| {kind} | {EVENTS} |" in table
    assert is_good, table
