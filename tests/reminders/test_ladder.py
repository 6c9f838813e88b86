"""When a step may be sent: by the scheme's own clock, whatever the host's is."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from zoneinfo import ZoneInfo

import pytest

from gateway.reminders.ladder import load_ladder, next_step, read_ladder

LAOS = ZoneInfo("Asia/Vientiane")
DUE = date(2026, 11, 30)


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Vientiane"])
def host_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()
    assert os.environ.get("TZ") != "America/New_York"


@pytest.mark.parametrize(
    ("now", "name"),
    [
        ((2026, 10, 1, 0), "before"),  # to come
        ((2026, 11, 25, 2), "before"),  # 09:00 in Vientiane
        ((2026, 11, 30, 9, 59), "before"),
        ((2026, 11, 30, 10), "after"),  # 17:00: the due day's texts are over
        ((2026, 12, 2, 2), "after"),
        ((2026, 12, 9, 9, 59), "after"),
        ((2026, 12, 9, 10), None),
        ((2027, 3, 1, 0), None),
    ],
)
@pytest.mark.usefixtures("host_zone")
def test_the_next_step(now: tuple[int, ...], name: str | None) -> None:
    step = next_step(load_ladder(), DUE, datetime(*now, tzinfo=UTC), LAOS)  # type: ignore[misc,arg-type]
    assert (step and step.name) == name


@pytest.mark.usefixtures("host_zone")
@pytest.mark.parametrize("due", [date(2028, 2, 29), date(2027, 2, 28), date(2027, 1, 31), date(2026, 11, 1)])
def test_edges_are_hours_of_vientiane_on_every_day(due: date) -> None:
    """The last is the night on which New York puts its clocks back."""
    for step in load_ladder():
        for edge in (step.opens, step.closes):
            instant = edge.on(due, LAOS)
            assert instant + timedelta(hours=7) == datetime.combine(due + timedelta(edge.days), edge.at, UTC)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("days = 2, at = 09:00:00", "days = 0, at = 16:00:00"), "before the next one begins"),
        (('name = "after"', 'name = "before"'), "same name"),
        (('says = "late"', 'says = "threat"'), "'threat', which is none of due, late"),
    ],
)
def test_a_ladder_that_cannot_be_climbed_is_refused(change: tuple[str, str], problem: str) -> None:
    toml = resources.files("gateway.reminders").joinpath("data/ladder.toml").read_text("utf-8")
    assert change[0] in toml
    with pytest.raises(ValueError, match=problem):
        read_ladder(toml.replace(*change))
