"""Many guesses at the same moment, in several processes, one of which is killed: five are looked at, no more."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from gateway.identity.port import Verdict
from tests.conftest import Clock
from tests.identity.conftest import Desk

GUESSES = 128
GRANTED = 5  # reliability target R11
PLACES = {"sqlite": 4, "postgresql": 12}  # at once in each process: SQLite's writers wait for each other


class Worker:
    """One process of `guesser`."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.identity.guesser", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "ready"

    def begin(self, guesses: Sequence[tuple[str, str]]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(guesses) + "\n")
        self.process.stdin.flush()

    def verdicts(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(self._line())
        return found

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


Start = Callable[[], Worker]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "evaluations"


@pytest.fixture
def start(desk: Desk, clock: Clock, log: Path, tmp_path: Path) -> Iterator[Start]:
    started: list[Worker] = []
    kind = "sqlite" if desk.hot.is_sqlite else "postgresql"
    arguments = (desk.url, str(tmp_path / "keys"), str(log), str(int(clock().timestamp())), str(PLACES[kind]))

    def make() -> Worker:
        started.append(Worker(*arguments))
        return started[-1]

    yield make
    for worker in started:
        worker.kill()


def wrong(name: str, number: int) -> list[tuple[str, str]]:
    return [(f"{name}-{each}", f"{each:06}") for each in range(number)]


def test_of_128_guesses_at_once_exactly_five_are_looked_at(start: Start, desk: Desk, log: Path) -> None:
    """Two processes; after the first three guesses one is killed and replaced."""
    first, second = start(), start()
    first.begin(wrong("first", 2))
    second.begin(wrong("second", 1))
    assert first.verdicts() == {Verdict.REFUSED: 2}
    assert second.verdicts() == {Verdict.REFUSED: 1}
    assert log.stat().st_size == 3
    first.kill()
    third = start()
    rest = GUESSES - 3
    second.begin(wrong("second again", rest // 2))
    third.begin(wrong("third", rest - rest // 2))
    assert second.verdicts() == {Verdict.REFUSED: rest // 2}
    assert third.verdicts() == {Verdict.REFUSED: rest - rest // 2}
    assert log.stat().st_size == GRANTED
    assert desk.fails() == GRANTED


@pytest.mark.parametrize("seconds", [0.0, 0.1])
def test_a_process_killed_in_the_middle_gives_no_guess_back(
    start: Start, desk: Desk, log: Path, seconds: float
) -> None:
    doomed, other = start(), start()
    for name, worker in (("doomed", doomed), ("other", other)):
        worker.begin(wrong(name, GUESSES // 2))
    with pytest.raises(subprocess.TimeoutExpired):
        doomed.process.wait(seconds)
    doomed.kill()
    replaced = start()
    replaced.begin(wrong("replaced", GUESSES // 2))
    assert other.verdicts() == replaced.verdicts() == {Verdict.REFUSED: GUESSES // 2}
    assert desk.fails() == GRANTED
    assert log.stat().st_size <= GRANTED
