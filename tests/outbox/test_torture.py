"""A little of `make torture`: senders are killed at any moment, and at chosen system calls."""

from __future__ import annotations

import os
import shutil

import pytest

from bench.torture import AT_ONCE, by_day, run, syscalls, world_on

KILLS, MESSAGES, CALLS = 60, 1_000, 12
LATE = 20  # answers that a busy machine gave too late


@pytest.mark.parametrize("finds", [True, False], ids=["can be asked", "cannot be asked"])
def test_nothing_is_lost_or_sent_twice(finds: bool) -> None:
    with world_on("sqlite", finds, by_day()) as world:
        result = run(world, KILLS, MESSAGES, seed=7, told=lambda _kills: None)
    assert result.kills >= KILLS
    assert result.messages >= MESSAGES
    assert result.is_good(finds), result
    if not finds:  # or the kills did not come while something was sent
        assert KILLS // 4 <= result.in_doubt <= result.kills + AT_ONCE + LATE


def test_killed_at_a_system_call_it_still_arrives_once() -> None:
    if not shutil.which("strace"):
        if os.environ.get("CI"):
            pytest.fail("strace is not installed")
        pytest.skip("strace is not installed, so no send was killed at a system call")
    with world_on("sqlite", True, by_day()) as world:
        found = syscalls(world, CALLS, lambda _line: None)
    assert found.wrong == []
    assert found.killed >= CALLS, found.missed
