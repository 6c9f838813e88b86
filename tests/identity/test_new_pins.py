"""How a PIN becomes somebody's: shown or chosen, typed back once on the same number."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway.identity.port import Verdict
from tests.faults import at_once
from tests.identity.conftest import HER, ME, PIN, STRANGER, WRONG, Desk, Opener


@pytest.fixture
def bound(open_desk: Opener) -> Desk:
    desk = open_desk()
    desk.bind((ME, HER), (STRANGER, HER))
    return desk


def test_an_assigned_pin_is_hers_once_typed_back(bound: Desk) -> None:
    pin = bound.pins.assign(ME, HER)
    assert pin is not None
    assert len(pin) == 6
    assert pin.isdecimal()
    assert not bound.pins.has(HER)
    assert bound.pins.confirm(ME, HER, pin, "back") is Verdict.OPENED
    assert bound.pins.has(HER)
    assert bound.guess(pin) is Verdict.OPENED


def test_assigned_pins_are_spread_over_all_digits(bound: Desk) -> None:
    assigned = [bound.pins.assign(ME, HER) or "" for _time in range(200)]
    assert len(set(assigned)) > 195
    for place in range(6):
        assert {pin[place] for pin in assigned} == set("0123456789")  # one of ten missing: 1 in 10^8


def test_there_is_one_try(bound: Desk) -> None:
    bound.pins.choose(ME, HER, PIN, ())
    assert bound.pins.confirm(ME, HER, WRONG, "first") is Verdict.REFUSED
    assert bound.pins.confirm(ME, HER, PIN, "second") is Verdict.REFUSED
    assert bound.pins.confirm(ME, HER, PIN, "first") is Verdict.REFUSED
    assert not bound.pins.has(HER)


def test_only_the_number_it_was_shown_to_confirms(bound: Desk) -> None:
    bound.pins.choose(ME, HER, PIN, ())
    assert bound.pins.confirm(STRANGER, HER, PIN, "theirs") is Verdict.REFUSED
    assert bound.pins.confirm(ME, "99002", PIN, "another's") is Verdict.REFUSED
    assert bound.pins.confirm(ME, HER, PIN, "hers") is Verdict.OPENED


def test_a_repeat_of_the_confirmation_is_the_same_one(bound: Desk) -> None:
    bound.pins.choose(ME, HER, PIN, ())
    for _time in range(3):
        assert bound.pins.confirm(ME, HER, PIN, "same") is Verdict.OPENED
    assert bound.pins.confirm(ME, HER, PIN, "another") is Verdict.REFUSED
    assert bound.guess(PIN) is Verdict.OPENED


def test_of_many_confirmations_at_once_one_is_looked_at(bound: Desk) -> None:
    bound.pins.choose(ME, HER, PIN, ())

    def confirm(number: int) -> Verdict:
        try:
            return bound.pins.confirm(ME, HER, PIN if number == 0 else WRONG, f"event-{number}")
        finally:
            bound.hot.close()

    verdicts = at_once([lambda number=number: confirm(number) for number in range(12)])  # type: ignore[misc]
    assert bound.evaluated == 1
    assert bound.pins.has(HER) is (verdicts[0] is Verdict.OPENED)
    assert Verdict.OPENED not in verdicts[1:]


def test_the_old_pin_holds_until_the_new_one_is_confirmed(bound: Desk) -> None:
    bound.give_pin(pin=WRONG)
    bound.pins.choose(ME, HER, PIN, ())
    assert [bound.guess(PIN), bound.guess(WRONG)] == [Verdict.REFUSED, Verdict.OPENED]
    assert bound.pins.confirm(ME, HER, PIN, "back") is Verdict.OPENED
    assert [bound.guess(WRONG), bound.guess(PIN)] == [Verdict.REFUSED, Verdict.OPENED]


def test_a_void_pin_is_gone_with_what_was_shown(bound: Desk) -> None:
    bound.give_pin()
    pin = bound.pins.assign(ME, HER) or ""
    bound.pins.void(HER)
    assert not bound.pins.has(HER)
    assert bound.pins.confirm(ME, HER, pin, "late") is Verdict.REFUSED
    assert bound.guess(PIN) is Verdict.REFUSED
    bound.pins.void("99009")  # nobody's


@pytest.mark.parametrize(
    ("pin", "own"),
    [
        ("123456", ()),
        ("140290", ()),
        ("73059", ()),
        ("７３０５９２", ()),
        ("730592", ("1973-05-09",)),
        ("730592", ("+8562055573059",)),
        ("730592", ("9900730592",)),
    ],
)
def test_a_weak_pin_is_not_taken(bound: Desk, pin: str, own: Sequence[str]) -> None:
    assert bound.pins.choose(ME, HER, pin, own) is Verdict.REFUSED
    assert bound.says("SELECT member FROM pins") == []
