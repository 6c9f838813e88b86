"""Bring a list of employers and their regimes into the register: all of it, or nothing and every reason why."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import bindparam, update

from gateway.registry.columns import read_values
from gateway.registry.contacts import employer_ids, known
from gateway.registry.problems import PROBLEMS_SHOWN, LinesError, Problem
from gateway.registry.sheet import read_lines
from gateway.registry.tables import employers
from gateway.storage.engines import open_engine
from gateway.storage.schema import upgrade
from gateway.text.reading import read_code

COLUMNS: Final = {
    "employer_code": "5 + 2 digits of form 2-01, such as 12345-01",
    "regime": "by whose rules it pays: a regime of data/scheme.toml",
}


def load_regimes(url: str, path: Path, regimes: Collection[str]) -> int:
    """Note these employers' regimes, of those that the scheme knows; how many there were.

    Raises `SheetError` for a file that is no such table, `LinesError` for lines that cannot stand.
    """
    upgrade(url, {"register"})
    problems: list[Problem] = []
    found: dict[int, Mapping[str, Any]] = {}
    with open_engine(url).begin() as connection:
        ids = employer_ids(connection)
        readers = {
            "employer_code": lambda text: known(read_code(text), ids),
            "regime": lambda text: _regime(text, regimes),
        }
        for number, cells in read_lines(path, list(COLUMNS)):
            values, reasons = read_values(cells, readers)
            employer = values.get("employer_code", 0)
            if employer in found:
                reasons.append("employer_code: the same employer as an earlier line")
            problems += [Problem(number, reason) for reason in reasons]
            if employer:
                found[employer] = {"employer": employer, "its": values.get("regime")}
        if problems:
            raise LinesError(problems[:PROBLEMS_SHOWN], len(problems))
        if found:
            this = employers.c.id == bindparam("employer")
            connection.execute(update(employers).where(this).values(regime=bindparam("its")), list(found.values()))
    return len(found)


def _regime(text: str, regimes: Collection[str]) -> str:
    regime = text.casefold()
    if regime not in regimes:
        raise ValueError(f"not one of {', '.join(regimes)}")
    return regime
