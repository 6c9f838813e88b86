"""One event, one effect: repeats, wrong paths, foreign sessions, and calls that were cut."""

from __future__ import annotations

from random import Random
from urllib.parse import urlencode

import pytest
from flask import Flask

from gateway.channels.pipeline import RESUME_SECONDS
from tests.channels.conftest import ALL_PAID, NOTHING_PAID, SHARED, STRANGER, Line, looks, state
from tests.conftest import TOKEN, Clock

MENU = "CON Social security\n1 My contributions\n2 Right to treatment\n3 Help\n4 Settings\n5 Employers"
SUMMARY = "CON 12 of the last 12 months are paid. Last paid: 10/2026."
INVALID = "CON Invalid choice."
WELCOME_BACK = "CON Welcome back.\n1 Continue\n2 Main menu"
NUMBER = "CON Type your social security number:\n0 Back"
JOURNEY = ("", "1", "1*2", "1*2*1", "1*2*1*0", "1*2*1*0*00", "1*2*1*0*00*2")


@pytest.fixture
def line(both: Flask, clock: Clock) -> Line:
    line = Line(both).in_english()
    clock.moves(seconds=RESUME_SECONDS + 1)
    return line


def test_a_repeat_gets_the_same_bytes_and_has_no_second_effect(line: Line, peopled: str, clock: Clock) -> None:
    """At once, after later hops, after the end, days later: in any order."""
    first = dict(zip(JOURNEY, line.call("s1", *JOURNEY), strict=True))
    assert first["1"].startswith(SUMMARY)
    before = state(peopled)
    assert looks(peopled) == 3  # the summary, the months of a year, and the record again for the treatment
    shuffled = list(JOURNEY) * 3
    Random(7).shuffle(shuffled)
    for days in (0, 2, 29):
        clock.moves(days=days)
        assert [line.hop("s1", typed) for typed in shuffled] == [first[typed] for typed in shuffled]
    assert state(peopled) == before


def test_a_repeat_from_the_call_before_does_not_disturb_the_one_under_way(line: Line) -> None:
    old = line.call("s1", "", "1")
    line.call("s2", "", "2", "2*1")
    assert line.hop("s1", "1") == old[1]
    assert line.hop("s2", "2*1*3").startswith("CON You have the right")


def test_a_repeat_is_known_by_its_bytes_and_not_by_their_spelling(line: Line, peopled: str) -> None:
    first = line.call("s1", "", "1")[1]
    number = ALL_PAID.replace("+856", "0")  # the same number, written as Lao people do
    form = {"text": "1", "serviceCode": "*1508#", "phoneNumber": number, "sessionId": "s1", "networkCode": "1"}
    again = line.client.post(
        f"/in/africastalking/{TOKEN}/ussd", data=urlencode(form), content_type="application/x-www-form-urlencoded"
    )
    assert again.text == first
    assert looks(peopled) == 1


def test_another_caller_with_the_same_session_and_path_is_another_caller(both: Flask, line: Line) -> None:
    other = Line(both, NOTHING_PAID).in_english()
    assert line.call("s1", "", "1")[1].startswith(SUMMARY)
    assert other.hop("s1", "1").startswith("CON None of the last 12 months is paid.")
    assert line.hop("s1", "1*1").startswith("CON No month is missing")
    stranger = Line(both, STRANGER).in_english()
    assert stranger.hop("s1", "1*1").startswith("CON Type your social")  # a shortcut ends at the question


def test_a_path_that_does_not_go_on_from_where_it_was_is_dialled_anew(line: Line) -> None:
    line.call("s1", "", "1", "1*1")
    assert line.hop("s1", "2").startswith("CON You have the right")
    assert line.hop("s1", "2*0") == MENU
    assert line.hop("s1", "3*0").startswith("CON Social security")  # as long, and different


def test_an_empty_path_in_the_middle_of_a_call_is_the_first_hop_again(line: Line) -> None:
    first = line.call("s1", "", "1", "1*1")[0]
    assert line.hop("s1", "") == first == MENU
    assert line.hop("s1", "1*1*0").startswith(SUMMARY)  # and the call goes on


def test_an_empty_path_after_a_shortcut_starts_again(line: Line) -> None:
    shortcut = line.hop("s1", "1*1")
    assert shortcut.startswith("CON No month is missing")
    assert line.hop("s1", "") == WELCOME_BACK  # as after a cut
    assert line.hop("s1", "1") == shortcut


def test_stars_inside_an_input_are_typed_stars(both: Flask, clock: Clock) -> None:
    line = Line(both, SHARED).in_english()
    clock.moves(seconds=RESUME_SECONDS + 1)
    assert line.call("s1", "", "2", "2*1")[2] == NUMBER
    path = "2*1*99*0000*0004"
    assert line.hop("s1", path).startswith("CON Type your PIN of 6 numbers.")
    path += "*05*11*1990"  # in a secret it may be a second answer, and is none
    assert line.hop("s1", path).startswith("CON Please type 6 numbers, or a date")
    path += "*05111990"
    assert line.hop("s1", path).startswith("CON 2 of the last 12 months are paid.")
    path += "*1*1"
    assert line.hop("s1", path).startswith(INVALID)  # "1*1" is one answer, no two
    assert line.hop("s1", path + "*3").startswith("CON No right to treatment yet.")


def test_several_hops_at_once_are_read_as_one_answer(line: Line, peopled: str) -> None:
    line.hop("s1", "")
    assert line.hop("s1", "1*2*1").startswith(INVALID)
    assert looks(peopled) == 0


@pytest.mark.parametrize(
    "typed", ["*", "**", " ", "#", "\x00", "99", "1 1", "໑໑", "١", "１", "-1", "1.", "x" * 500]
)
def test_whatever_is_typed_there_is_a_screen_and_the_call_goes_on(line: Line, typed: str) -> None:
    line.hop("s1", "")
    assert line.hop("s1", typed).startswith("CON ")
    assert line.hop("s1", f"{typed}*00") == MENU


def test_lao_and_full_width_digits_are_digits(line: Line) -> None:
    line.hop("s1", "")
    assert line.hop("s1", "໑").startswith(SUMMARY)
    assert line.hop("s1", "໑*１").startswith("CON No month is missing")


def test_a_shortcut_leaves_the_same_audit_as_pressing_the_keys(line: Line, peopled: str) -> None:
    line.call("s1", "", "1", "1*3")
    assert looks(peopled) == 1
    assert line.hop("s2", "1*3").startswith("CON You have the right")
    assert looks(peopled) == 2
    line.hop("s3", "1*2*1")  # the record, then the months of a year
    assert looks(peopled) == 4


def test_a_cut_call_is_offered_for_ten_minutes(line: Line, clock: Clock) -> None:
    months = line.call("s1", "", "1", "1*2", "1*2*1")[-1]
    clock.moves(seconds=RESUME_SECONDS)
    assert line.call("s2", "", "1") == [WELCOME_BACK, months]
    assert line.hop("s2", "1*0").startswith("CON Months paid each year:")  # with the way back
    clock.moves(seconds=RESUME_SECONDS)
    assert line.call("s3", "", "2") == [WELCOME_BACK, MENU]
    line.hop("s4", "1")
    clock.moves(seconds=RESUME_SECONDS + 1)
    assert line.hop("s5", "") == MENU


def test_a_call_cut_at_the_offer_itself_is_offered_again(line: Line) -> None:
    summary = line.call("s1", "", "1")[1]
    assert line.hop("s2", "") == WELCOME_BACK
    assert line.hop("s3", "") == WELCOME_BACK
    assert line.hop("s3", "1") == summary


def test_after_the_last_words_a_repeat_is_the_last_words_and_a_new_path_a_new_start(
    both: Flask, line: Line
) -> None:
    stranger = Line(both, "withheld")
    assert stranger.call("s1", "", "1")[0] == stranger.hop("s1", "")
    assert stranger.hop("s1", "1").startswith("END ")
    assert line.hop("s1", "") == MENU


def test_two_calls_of_one_caller_interleaved_end_in_valid_screens_of_her_own(line: Line, peopled: str) -> None:
    """A late hop of a dead call is walked like a shortcut: no error, and nobody else's data."""
    line.call("s1", "", "1")
    line.hop("s2", "")
    assert line.hop("s1", "1*2").startswith("CON Months paid each year:")
    assert line.hop("s2", "3").startswith("CON Hotline")


def test_the_provider_repeats_a_whole_day_in_any_order(both: Flask, peopled: str, clock: Clock) -> None:
    """A day of calls is recorded and sent again, later and shuffled (threat T04)."""
    random = Random(11)
    recorded: dict[tuple[str, str, str], str] = {}
    for number in (ALL_PAID, NOTHING_PAID, SHARED):
        line = Line(both, number).in_english()
        for call in range(4):
            path = ""
            for _hop in range(8):
                recorded[(number, f"s{call}", path)] = line.hop(f"s{call}", path)
                path = f"{path}*{random.choice('1123400')}".lstrip("*")
            clock.moves(minutes=3)
    before = state(peopled)
    for later in ({"seconds": 1}, {"minutes": 10}, {"days": 2}, {"days": 27}):
        clock.moves(**later)
        events = list(recorded)
        random.shuffle(events)
        for number, session, path in events:
            assert Line(both, number).hop(session, path) == recorded[(number, session, path)]
    assert state(peopled) == before
