"""Whoever does not get in learns nothing: the same words, as many steps, as long a wait (reliability T18, R24)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter

import pytest
from flask import Flask

from gateway.identity.hashing import Bucket, Gate, PinHasher
from gateway.installation import Installation
from gateway.text.values import Month
from tests.chat import Phone
from tests.conftest import Clock, Texts
from tests.faults import hang_up
from tests.register import Register, paid, social

Open = Callable[..., Flask]

PROBES = 2_000  # over all kinds
GAP_SECONDS = 0.010  # between the medians of any two kinds (reliability target R24)
MEMBERS = {"locked": 1, "asleep": 2, "wrong PIN": 3}
PIN = "140714"


def number_of(kind: str) -> str:
    return f"+85620555012{MEMBERS.get(kind, 9):02d}"


@pytest.fixture
def probed(app: Flask, register: Register, clock: Clock) -> Iterator[Flask]:
    """Three members who want their PIN asked: locked out, asleep and awake; and gates that are wide open."""
    gateway: Installation = app.extensions["pakan"]
    doorkeeper = gateway.pipeline.ask.identity
    gateway.pipeline.pins = Bucket(10_000, 10_000)
    doorkeeper._pins._gate = Gate(rate=10_000, burst=10_000, ticks=perf_counter)
    for number in MEMBERS.values():
        register.member(number, f"+85620555012{number:02d}", paid(Month(2026, 9), Month(2026, 10)))
        with register.engine.begin() as connection:
            sealed = PinHasher(gateway.keys.peppers, gateway.keys.sealer).hash(str(number), PIN)
            connection.exec_driver_sql(
                "INSERT INTO pins (member, hash, changed_at) VALUES (?, ?, 0)", (str(number), sealed)
            )
    now = int(clock().timestamp())
    with register.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE bindings SET asks_pin = 1")
        connection.exec_driver_sql(
            "UPDATE bindings SET fails = 5, locked_until = ? WHERE member = '1'", (now + 10**9,)
        )
        connection.exec_driver_sql("UPDATE bindings SET asleep = 1 WHERE member = '2'")
    yield app
    hang_up(app)


def test_two_thousand_probes_learn_nothing(probed: Flask, register: Register, texts: Texts) -> None:
    kinds = ("unknown", *MEMBERS)
    phones = {kind: Phone(probed, number_of(kind), "en") for kind in kinds}
    spent: dict[str, list[float]] = {kind: [] for kind in kinds}
    words: set[tuple[str, ...]] = set()
    for probe in range(PROBES // len(kinds)):
        for kind in kinds:
            phone = phones[kind].dial("1")
            seen = [phone.screen, phone.says(social(MEMBERS.get(kind, 9))).screen]
            began = perf_counter()
            seen.append(phone.says(f"{999_999 - probe:06d}").screen)
            spent[kind].append(perf_counter() - began)
            words.add(tuple(seen))
        if probe % 4 == 3:  # the awake one stays awake: her wrong PINs are forgiven by the test alone
            with register.engine.begin() as connection:
                connection.exec_driver_sql("UPDATE bindings SET fails = 0, locked_until = 0 WHERE member = '3'")
                connection.exec_driver_sql("DELETE FROM tallies")
    assert len(words) == 1
    medians = [median(times) for times in spent.values()]
    assert max(medians) - min(medians) <= GAP_SECONDS
