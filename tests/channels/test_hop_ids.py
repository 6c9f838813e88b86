"""A gateway may give several hops one id, or be made to: what was typed tells them apart, and each is charged."""

from __future__ import annotations

import pytest
from flask import Flask

from gateway.channels.kannel_ussd import DIALECTS, UssdChannel
from gateway.channels.port import Inbound
from gateway.identity.doorkeeper import Doorkeeper
from gateway.identity.hashing import Gate
from gateway.identity.port import Verdict
from gateway.installation import Installation
from gateway.storage.store import Answer
from gateway.text.alphabet import USSD
from gateway.text.typed import Typed
from tests.channels.conftest import ALL_PAID, rows
from tests.faults import at_once, hang_up

KANNEL = UssdChannel(USSD, "*1508#", DIALECTS["smpp"])
GUESSES = 12
ASKED = "Type your PIN of 6 numbers:"
WRONG = "This PIN does not open."


class Sitting:
    """One call over Kannel that stands at the question for her PIN; whoever types chooses the ids of the hops."""

    def __init__(self, app: Flask, url: str) -> None:
        self.app, self.url = app, url
        gateway: Installation = app.extensions["pakan"]
        self.pipeline = gateway.pipeline
        keeper: Doorkeeper = gateway.pipeline.ask.identity
        self.pins = keeper._pins
        self.pins._gate = Gate(rate=1e6, burst=1_000_000, at_once=4, wait=30.0)
        self.pin = keeper.assign_pin(ALL_PAID, "1") or ""
        assert keeper.confirm_pin(ALL_PAID, "1", self.pin, "given") is Verdict.OPENED
        self.pins.hasher.evaluated = 0
        self.hop("dialled", "", begins=True)
        for key in ("2", "1"):
            self.hop(f"hop-{key}", key)
        assert self.hop("hop-4", "4").text.startswith(ASKED)

    def hop(self, name: str, typed: str, begins: bool = False) -> Answer:
        event = Inbound("one call", ALL_PAID, Typed(typed), hop=name, begins=begins)
        return self.pipeline.answer(KANNEL, event)

    def guess(self, name: str, number: int) -> Answer:
        """A wrong PIN, on a thread that hangs up."""
        try:
            return self.hop(name, self.wrong(number))
        finally:
            hang_up(self.app)

    def wrong(self, number: int) -> str:
        return f"{(int(self.pin) + 1 + number) % 10**6:06}"

    @property
    def charged(self) -> int:
        [(fails,)] = rows(self.url, "SELECT fails FROM bindings WHERE member = '1'")
        return int(fails)


@pytest.fixture
def sitting(both: Flask, peopled: str) -> Sitting:
    return Sitting(both, peopled)


def test_pins_typed_at_once_under_one_hop_id_are_charged_before_they_are_looked_at(sitting: Sitting) -> None:
    at_once([lambda number=number: sitting.guess("same", number) for number in range(GUESSES)])  # type: ignore[misc]
    assert 0 < sitting.pins.hasher.evaluated <= sitting.charged


def test_a_repeat_of_a_hop_is_one_and_another_text_under_its_id_is_another(sitting: Sitting) -> None:
    first = sitting.guess("same", 0)
    assert first.text.startswith(WRONG)
    assert sitting.guess("same", 0) == first
    assert sitting.charged == 1
    assert sitting.hop("again", "1").text.startswith(ASKED)
    assert sitting.guess("same", 0) == first  # late, and still one
    assert sitting.charged == 1
    assert sitting.guess("same", 1).text.startswith(WRONG)
    assert (sitting.charged, sitting.pins.hasher.evaluated) == (2, 2)
    kept = [rows(sitting.url, f"SELECT * FROM {table}") for table in ("inbound", "conversations", "bindings")]
    assert not any(sitting.wrong(number) in str(kept) for number in range(2))
