"""Calls of a provider that sends only what was typed last: the same conversation, and each hop counts once."""

from __future__ import annotations

from itertools import count

import pytest
from flask import Flask

from gateway.channels.port import Inbound
from gateway.installation import Installation
from gateway.storage.store import Answer
from gateway.text.typed import Typed
from tests.channels.conftest import ALL_PAID, SUMMARY, Line, Open, rows, state
from tests.conftest import Clock


class Deltas:
    """One caller's line to a gateway, by a provider that names every hop."""

    def __init__(self, app: Flask, number: str = ALL_PAID) -> None:
        gateway: Installation = app.extensions["pakan"]
        self.pipeline, self.channel = gateway.pipeline, gateway.ussd
        self.number, self.names = number, count()

    def hop(self, session: str, typed: str, begins: bool = False, name: str = "") -> Answer:
        name = name or f"hop {next(self.names)}"
        event = Inbound(session, self.number, Typed(typed), hop=name, begins=begins)
        return self.pipeline.answer(self.channel, event)

    def dials(self, session: str, typed: str = "", name: str = "") -> Answer:
        return self.hop(session, typed, begins=True, name=name)


@pytest.fixture
def line(both: Flask) -> Deltas:
    Line(both).in_english()
    return Deltas(both)


MENU = "Social security"
YEARS = "Months paid each year"
PAID = SUMMARY.removeprefix("CON ")


def test_each_hop_is_an_answer_to_the_last(line: Deltas) -> None:
    assert line.dials("1").text.startswith(MENU)
    assert line.hop("1", "1").text.startswith(PAID)
    assert line.hop("1", "2").text.startswith(YEARS)
    assert line.hop("1", "0").text.startswith(PAID)


def test_the_same_key_twice_is_two_answers_and_a_repeat_is_one(line: Deltas, peopled: str) -> None:
    line.dials("1", name="a")
    first = line.hop("1", "9", name="b")
    before = state(peopled)
    assert line.hop("1", "9", name="b") == first
    assert state(peopled) == before
    line.hop("1", "9", name="c")
    assert len(rows(peopled, "SELECT key FROM inbound")) == len(before[1]) + 1


def test_a_star_is_a_letter_of_an_answer(line: Deltas) -> None:
    line.dials("1")
    assert "1 My contributions" in line.hop("1", "1*2").text  # no choice, and not two


def test_a_shortcut_is_walked_where_it_is_dialled(line: Deltas) -> None:
    assert line.dials("1", "1*2").text.startswith(YEARS)


def test_a_session_that_is_used_again_is_another_call(line: Deltas, clock: Clock) -> None:
    line.dials("1")
    line.hop("1", "1")
    clock.moves(hours=1)
    assert line.dials("1").text.startswith(MENU)
    assert line.hop("1", "1").text.startswith(PAID)


def test_a_call_cut_off_is_offered_again(line: Deltas) -> None:
    line.dials("1")
    line.hop("1", "1")
    assert "1 Continue" in line.dials("2").text
    assert line.hop("2", "1").text.startswith(PAID)


@pytest.mark.parametrize("typed", ["1", "1*2", "86420"])
def test_an_answer_to_a_call_we_do_not_know_walks_nowhere(line: Deltas, clock: Clock, typed: str) -> None:
    clock.moves(hours=1)
    assert line.hop("never dialled", typed).text.startswith(MENU)
    assert line.hop("never dialled", "1").text.startswith(PAID)


def test_an_answer_of_another_number_is_none_to_this_call(line: Deltas, both: Flask) -> None:
    line.dials("1")
    line.hop("1", "1")
    other = Deltas(both, "+8562055500009")
    assert not other.hop("1", "2").text.startswith(YEARS)


def test_the_path_of_another_provider_goes_on_as_before(both: Flask, open_app: Open, peopled: str) -> None:
    line = Line(both).in_english()
    deltas = Deltas(both)
    deltas.dials("1")
    assert line.call("at", "", "1", "1*1")[-1].startswith("CON ")
    assert not deltas.hop("1", "1").text.startswith(PAID)  # her last hop was of the other call
