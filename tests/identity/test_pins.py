"""What a PIN opens, when a guess is charged, and how long wrong ones lock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.identity.hashing import Gate
from gateway.identity.pins import BINDING_DAYS, LOCKS, TRIES_MAX
from gateway.identity.port import Verdict
from tests.conftest import Clock
from tests.faults import at_once
from tests.identity.conftest import HER, ME, PIN, STRANGER, WRONG, Desk, Opener

DAY = 86_400


def test_the_right_pin_opens_and_is_a_proof(desk: Desk, clock: Clock) -> None:
    clock.moves(days=30)
    assert [desk.guess(WRONG), desk.guess(PIN)] == [Verdict.REFUSED, Verdict.OPENED]
    [row] = desk.says("SELECT fails, locked_until, proved_at FROM bindings")
    assert row == (0, 0, int(clock().timestamp()))
    assert (desk.tally("pins.tried"), desk.tally("pins.right"), desk.evaluated) == (2, 1, 2)


def test_the_ladder_of_locks_ends_in_sleep_and_without_a_pin(desk: Desk, clock: Clock) -> None:
    for wrong in range(1, TRIES_MAX + 1):
        assert desk.guess(WRONG) is Verdict.REFUSED
        assert (desk.fails(), desk.evaluated) == (wrong, wrong)
        if wrong in LOCKS:
            clock.moves(seconds=LOCKS[wrong] - 1)
            assert desk.guess(PIN) is Verdict.REFUSED
            assert (desk.fails(), desk.evaluated) == (wrong, wrong)  # locked: neither charged nor looked at
            clock.moves(seconds=1)
    assert LOCKS == {5: 15 * 60, 6: 60 * 60, 7: DAY, 8: DAY, 9: DAY}
    assert not desk.pins.has(HER)
    assert desk.pins.ran_out(HER)
    clock.moves(days=2)
    assert desk.guess(PIN) is Verdict.REFUSED
    desk.give_pin()  # a new PIN alone wakes nobody up
    assert desk.guess(PIN) is Verdict.REFUSED
    assert desk.says("SELECT fails, asleep FROM bindings") == [(TRIES_MAX, True)]
    assert desk.evaluated == 0


def test_only_wrong_guesses_make_a_pin_run_out_and_the_office_forgives_them(desk: Desk) -> None:
    desk.bind((STRANGER, HER))  # another phone of hers
    assert not desk.pins.ran_out(HER)
    desk.says("UPDATE bindings SET fails = :most WHERE caller = :caller", most=TRIES_MAX - 1, caller=STRANGER)
    desk.pins.void(HER)  # she forgot it
    assert not desk.pins.ran_out(HER)
    desk.give_pin()
    assert desk.guess(WRONG, STRANGER) is Verdict.REFUSED
    assert desk.pins.ran_out(HER)
    assert not desk.pins.ran_out("99002")
    desk.pins.void(HER)
    assert not desk.pins.ran_out(HER)
    assert sorted(desk.says("SELECT fails, asleep FROM bindings")) == [(0, False), (0, True)]
    desk.give_pin()
    assert not desk.pins.ran_out(HER)


@pytest.mark.parametrize("before", range(TRIES_MAX))
def test_a_right_pin_forgives_all_wrong_ones_before_it(desk: Desk, before: int) -> None:
    desk.says("UPDATE bindings SET fails = :before", before=before)
    assert desk.guess(PIN) is Verdict.OPENED
    assert desk.says("SELECT fails, locked_until, asleep FROM bindings") == [(0, 0, False)]
    assert desk.pins.has(HER)


def test_a_clock_set_back_unlocks_nothing_early(desk: Desk, clock: Clock) -> None:
    for _time in range(5):
        desk.guess(WRONG)
    locked_at = clock.now
    for jump in (-3600.0, -DAY, -400 * DAY, 0.0, 899.0):
        clock.now = locked_at + timedelta(seconds=jump)
        assert desk.guess(PIN) is Verdict.REFUSED
    assert desk.evaluated == 5
    clock.now = locked_at + timedelta(seconds=900)
    assert desk.guess(PIN) is Verdict.OPENED


def test_a_clock_set_back_before_a_lock_makes_it_no_shorter(desk: Desk, clock: Clock) -> None:
    for _time in range(4):
        desk.guess(WRONG)
    clock.moves(hours=-5)
    desk.guess(WRONG)
    clock.moves(seconds=899)
    assert desk.guess(PIN) is Verdict.REFUSED
    clock.moves(seconds=1)
    assert desk.guess(PIN) is Verdict.OPENED


def test_a_binding_not_proved_for_long_sleeps(desk: Desk, clock: Clock) -> None:
    clock.moves(days=BINDING_DAYS, seconds=-1)
    assert desk.guess(PIN) is Verdict.OPENED
    clock.moves(days=BINDING_DAYS)
    assert desk.guess(PIN) is Verdict.REFUSED
    assert (desk.fails(), desk.evaluated) == (0, 1)


@pytest.mark.parametrize("asleep", [True, False])
def test_a_binding_put_to_sleep_stays_so(desk: Desk, asleep: bool) -> None:
    desk.says("UPDATE bindings SET asleep = :asleep", asleep=asleep)
    assert desk.guess(PIN) is (Verdict.REFUSED if asleep else Verdict.OPENED)
    assert desk.says("SELECT asleep FROM bindings") == [(asleep,)]


def test_nobody_without_a_pin_is_charged(open_desk: Opener) -> None:
    desk = open_desk()
    desk.bind((ME, HER))
    assert not desk.pins.has(HER)
    assert desk.guess(PIN) is Verdict.REFUSED
    desk.pins.choose(ME, HER, PIN, ())  # shown, and not typed back
    assert desk.guess(PIN) is Verdict.REFUSED
    assert not desk.pins.has(HER)
    assert (desk.fails(), desk.evaluated, desk.tally("pins.tried")) == (0, 0, 0)


def test_a_stranger_on_another_number_locks_nobody(desk: Desk) -> None:
    desk.bind((STRANGER, "99002"))
    for number in range(30):
        assert desk.guess(WRONG, STRANGER) is Verdict.REFUSED
        assert desk.guess(PIN, STRANGER) is Verdict.REFUSED
        assert desk.guess(PIN, f"unknown-{number}") is Verdict.REFUSED
        assert desk.guess(PIN, STRANGER, None) is Verdict.REFUSED
    assert (desk.evaluated, desk.fails(), desk.tally("pins.tried")) == (0, 0, 0)
    assert desk.guess(PIN) is Verdict.OPENED


def test_sharers_of_a_member_or_of_a_phone_have_counters_of_their_own(desk: Desk) -> None:
    desk.bind((STRANGER, HER), (ME, "99002"))
    desk.give_pin("99002", WRONG)
    for _time in range(6):
        desk.guess(WRONG, STRANGER)
    assert desk.evaluated == 5
    assert desk.guess(WRONG, ME, "99002") is Verdict.OPENED
    assert desk.guess(PIN, ME, "99002") is Verdict.REFUSED
    assert desk.guess(PIN) is Verdict.OPENED


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "７３０５９２", "730592\0", "73059\ud800", " 730592", "abcdef"]
)
def test_what_cannot_be_a_pin_is_not_charged(desk: Desk, typed: str) -> None:
    assert desk.guess(typed) is Verdict.REFUSED
    assert (desk.fails(), desk.evaluated) == (0, 0)


def test_a_repeat_is_the_same_guess(desk: Desk) -> None:
    for _time in range(12):
        assert desk.guess(WRONG, event="once") is Verdict.REFUSED
    assert (desk.fails(), desk.tally("pins.tried")) == (1, 1)
    for _time in range(3):
        assert desk.guess(PIN, event="twice") is Verdict.OPENED
    assert (desk.fails(), desk.tally("pins.tried"), desk.tally("pins.right")) == (0, 2, 1)


@pytest.mark.parametrize("before", [0, 4, 8, TRIES_MAX - 1])
@pytest.mark.parametrize(("pin", "verdict"), [(PIN, Verdict.OPENED), (WRONG, Verdict.REFUSED)])
def test_a_guess_cut_off_after_it_was_charged_is_taken_up_again(
    desk: Desk, clock: Clock, before: int, pin: str, verdict: Verdict
) -> None:
    """The process died between charge and hash; its own lock does not keep the provider's retry out."""
    desk.says("UPDATE bindings SET fails = :before", before=before)
    assert desk.pins._granted(ME, HER, "cut off", int(clock().timestamp())) is not None
    assert desk.fails() == before + 1
    if before + 1 == TRIES_MAX:
        assert desk.guess(PIN) is Verdict.REFUSED  # an eleventh is not looked at
        assert desk.evaluated == 0
    assert desk.guess(pin, event="cut off") is verdict
    assert desk.fails() == (0 if verdict is Verdict.OPENED else before + 1)
    assert desk.tally("pins.tried") == 1
    assert desk.pins.has(HER) is (verdict is Verdict.OPENED or before + 1 < TRIES_MAX)


def test_a_repeat_opens_nothing_once_the_binding_sleeps(desk: Desk) -> None:
    assert desk.guess(PIN, event="same") is Verdict.OPENED
    desk.says("UPDATE bindings SET asleep = true")
    assert desk.guess(PIN, event="same") is Verdict.REFUSED
    assert desk.evaluated == 1


def test_copies_of_one_guess_at_once_are_charged_once(desk: Desk) -> None:
    verdicts = at_once([lambda: desk.guess(WRONG, event="copied")] * 8)
    assert verdicts == [Verdict.REFUSED] * 8
    assert (desk.fails(), desk.tally("pins.tried")) == (1, 1)


def test_a_full_gate_charges_nobody(open_desk: Opener, desk: Desk) -> None:
    busy = open_desk(gate=Gate(rate=0.0, burst=0))
    assert busy.guess(PIN) is Verdict.BUSY
    assert busy.guess(PIN, member=None) is Verdict.BUSY
    assert busy.pins.assign(ME, HER) is None
    assert busy.pins.choose(ME, HER, PIN, ()) is Verdict.BUSY
    assert busy.pins.confirm(ME, HER, PIN, "e") is Verdict.BUSY
    assert desk.says("SELECT fails, tried_at, last_try FROM bindings") == [(0, 0, "")]
    assert desk.tally("pins.tried") == 0
    assert desk.guess(PIN) is Verdict.OPENED


def test_the_counters_of_minutes_gone_by_are_removed(desk: Desk, clock: Clock) -> None:
    desk.says("INSERT INTO tallies (name, slot, count) VALUES ('codes.sent', 1, 5)")
    desk.guess(WRONG)
    assert desk.pins.prune() == 0
    clock.moves(minutes=10)
    assert desk.pins.prune() == 1
    assert desk.says("SELECT name FROM tallies") == [("codes.sent",)]
