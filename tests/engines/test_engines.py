"""The same promises on both engines: everything arrives, once, whoever dies on the way."""

from __future__ import annotations

from gateway.outbox.port import Kind
from tests.engines.conftest import Engine, purge, until
from tests.engines.provider import Ledger, read
from tests.faults import Wire


def everything(count: int, *kinds: Kind) -> list[str]:
    return sorted(f"{kind}-{number}" for kind in kinds for number in range(count))


def test_everything_arrives_once_and_a_stop_finishes_what_is_on_the_wire(engine: Engine) -> None:
    engine.post(12)
    engine.post(12, Kind.REMINDER)
    until(lambda: len(read(engine.ledger.began)) > 4)
    assert engine.stop() == [0] * len(engine.commands)
    assert "claimed" not in engine.states
    assert len(engine.took) == len(read(engine.ledger.began)) == engine.states["accepted"]
    engine.start()
    until(lambda: engine.states == {"accepted": 24})
    assert engine.took == everything(12, Kind.NOTICE, Kind.REMINDER)


def test_who_is_killed_in_the_middle_of_sending_loses_nothing_and_doubles_nothing(engine: Engine) -> None:
    engine.post(8)
    until(lambda: len(read(engine.ledger.began)) > 2)
    engine.kill()
    assert engine.states["claimed"] > 0
    engine.start()
    until(lambda: engine.states == {"accepted": 8})
    assert engine.took == everything(8, Kind.NOTICE)


def test_a_provider_that_answers_late_holds_up_no_other(apart: Engine) -> None:
    slow = Ledger(apart.home, "slow")
    apart.post(12, Kind.REPLY, slow.name)
    until(lambda: bool(read(slow.began)))
    apart.post(6)
    until(lambda: len(apart.took) == 6)
    assert read(slow.took) == []


def test_a_broker_that_goes_away_and_comes_back_empty_loses_nothing(spread: Engine, wire: Wire) -> None:
    spread.troubles = {"logged", "offer failed"}  # the library's own lines, and ours
    spread.post(30)
    until(lambda: len(spread.took) > 2)
    wire.freeze()
    wire.cut()
    assert purge() > 0
    wire.flow()
    until(lambda: spread.states == {"accepted": 30})
    assert spread.took == everything(30, Kind.NOTICE)
