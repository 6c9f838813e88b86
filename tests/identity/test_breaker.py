"""A spray over the whole platform: when slow mode begins, whom it slows, when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import count

import pytest
from structlog.testing import capture_logs

from gateway.identity.breaker import SHARE_OF_AT_LEAST, WRONG_MAX
from gateway.identity.port import Verdict
from gateway.storage.tables import pins
from tests.conftest import Clock
from tests.faults import at_once
from tests.identity.conftest import PIN, WRONG, Desk, Opener

SPRAYERS = 8
MEMBERS = 120
events = count()


@pytest.fixture
def town(open_desk: Opener) -> Desk:
    """Many members, each bound to a number of her own, all with a PIN."""
    desk = open_desk()
    desk.bind(*((f"caller-{number}", f"99{number:03}") for number in range(MEMBERS + 5)))
    members = [f"99{number:03}" for number in range(MEMBERS + 5)]
    hashed = [
        {"member": member, "hash": desk.pins.hasher.hash(member, PIN), "changed_at": 0} for member in members
    ]
    desk.fill(pins, hashed)
    return desk


def tries(town: Desk, number: int, pin: str) -> Verdict:
    return town.pins.check(f"caller-{number}", f"99{number:03}", pin, f"try-{next(events)}")


def spray(town: Desk, guesses: Sequence[int]) -> None:
    """Wrong PINs from many threads at once, each with its share of these members."""

    def some(sprayer: int) -> None:
        try:
            for number in guesses[sprayer::SPRAYERS]:
                assert tries(town, number, WRONG) is Verdict.REFUSED
        finally:
            town.hot.close()

    at_once([lambda sprayer=sprayer: some(sprayer) for sprayer in range(SPRAYERS)])  # type: ignore[misc]


@pytest.mark.parametrize(("honest", "bound"), [(0, SHARE_OF_AT_LEAST), (5000, WRONG_MAX + 1)])
def test_a_spray_is_stopped(town: Desk, clock: Clock, honest: int, bound: int) -> None:
    """Each has failed once, and three more lock nobody: only the breaker stands between, at night and at noon."""
    now = int(clock().timestamp())
    fresh = [f"caller-{number}" for number in range(MEMBERS, MEMBERS + 5)]
    town.says("UPDATE bindings SET fails = 1, tried_at = :now", now=now)
    for caller in fresh:
        town.says("UPDATE bindings SET fails = 0, tried_at = 0 WHERE caller = :caller", caller=caller)
    for name in ("pins.tried", "pins.right"):
        town.says("INSERT INTO tallies VALUES (:n, :s, :c)", n=name, s=now // 60, c=honest)
    with capture_logs() as lines:
        spray(town, [*range(MEMBERS)] * 3)
        assert bound <= town.evaluated < bound + SPRAYERS
        assert town.tally("pins.tried") == honest + town.evaluated

        stopped_at = town.evaluated
        clock.moves(minutes=1)
        for number in [MEMBERS, MEMBERS + 1] * 10:
            tries(town, number, WRONG)
        assert town.evaluated == stopped_at + 2  # one an hour for those who had not failed yet

        for number in (MEMBERS + 2, MEMBERS + 2, MEMBERS + 2):  # who knows her PIN feels nothing
            assert tries(town, number, PIN) is Verdict.OPENED
        assert tries(town, MEMBERS, PIN) is Verdict.REFUSED
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("slow mode after too many wrong PINs", "warning")
    ]
    assert lines[0]["minutes"] == 10

    clock.moves(minutes=-9)
    assert tries(town, MEMBERS, PIN) is Verdict.REFUSED  # a clock set back ends nothing
    clock.moves(minutes=9 + 9)
    assert tries(town, MEMBERS, PIN) is Verdict.OPENED


def test_a_spray_that_goes_on_trips_again_at_once(town: Desk, clock: Clock) -> None:
    town.says(
        "INSERT INTO tallies VALUES ('pins.tried', :slot, 301), ('pins.slow', :begun, 1)",
        slot=int(clock().timestamp()) // 60,
        begun=int((clock() - timedelta(minutes=10)).timestamp()) // 60,
    )
    with capture_logs() as lines:
        spray(town, [*range(SPRAYERS)] * 4)
    assert len(lines) == 1
    assert town.evaluated <= 2 * SPRAYERS  # the tries under way when it tripped, and one an hour


def test_slow_mode_lets_a_binding_that_failed_try_once_an_hour(town: Desk, clock: Clock) -> None:
    tries(town, 1, WRONG)
    for minutes, verdict in ((59, Verdict.REFUSED), (1, Verdict.OPENED)):
        clock.moves(minutes=minutes)
        town.says("DELETE FROM tallies WHERE name = 'pins.slow'")
        town.says("INSERT INTO tallies VALUES ('pins.slow', :slot, 1)", slot=int(clock().timestamp()) // 60)
        assert tries(town, 1, PIN) is verdict


@pytest.mark.parametrize(
    ("tried", "wrong", "trips"),
    [
        *((198, 198, False), (199, 41, True), (199, 39, False)),
        *((999, 199, False), (999, 200, True), (2000, 299, False), (2000, 300, True)),
    ],
)
def test_more_than_one_wrong_in_five_of_two_hundred_trips_too(
    town: Desk, clock: Clock, tried: int, wrong: int, trips: bool
) -> None:
    """The next wrong one is the one that counts; the window's minutes are added up."""
    now = int(clock().timestamp()) // 60
    rows = [("pins.tried", now - 9, tried // 2), ("pins.tried", now - 3, tried - tried // 2)]
    rows += [("pins.right", now - 5, tried - wrong), ("pins.tried", now - 10, 9999), ("pins.right", now - 10, 7)]
    for name, slot, number in rows:
        town.says("INSERT INTO tallies VALUES (:n, :s, :c)", n=name, s=slot, c=number)
    tries(town, 1, WRONG)
    assert town.tally("pins.slow") == trips
    assert tries(town, 1, PIN) is (Verdict.REFUSED if trips else Verdict.OPENED)
