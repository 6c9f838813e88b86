"""What keeps a file from being imported: every line that cannot stand, with its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

PROBLEMS_SHOWN: Final = 200  # more than one sitting of corrections; the rest is counted


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Why a line cannot be imported; the reason names the column and repeats no cell."""

    line: int
    reason: str


Tell = Callable[[Problem], None]


class LinesError(ValueError):
    """Nothing was imported: `problems` has the first of `count`, by line."""

    def __init__(self, problems: Sequence[Problem], count: int) -> None:
        super().__init__(f"{count} problems; nothing was imported")
        self.problems, self.count = tuple(problems), count


class Problems:
    """Counts every problem, tells it to whoever listens, and keeps a bounded number of them."""

    def __init__(self, tell: Tell = lambda problem: None) -> None:
        self.count = 0
        self._tell = tell
        self._kept: list[Problem] = []

    def add(self, line: int, reason: str) -> None:
        problem = Problem(line, reason)
        self.count += 1
        self._tell(problem)
        if len(self._kept) < PROBLEMS_SHOWN:
            self._kept.append(problem)

    def refuse(self) -> None:
        """Raises `LinesError` if there was any."""
        if self.count:
            raise LinesError(sorted(self._kept), self.count)
