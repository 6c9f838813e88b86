"""Whoever does not get in learns nothing: the same words, as many steps, as long a wait (reliability T18, R24)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from time import perf_counter

import pytest
from flask import Flask

from gateway.identity.hashing import Bucket, Gate, PinHasher
from gateway.installation import Installation
from gateway.text.values import Month
from tests.chat import Phone
from tests.conftest import Clock
from tests.faults import hang_up
from tests.register import Register, paid, social

PROBES = 2_000  # over all kinds
BY_DEFAULT = 1_000  # the same, with the setting that most members have
GAP_SECONDS = 0.010  # between the medians of any two kinds (reliability target R24)
MEMBERS = {"locked": 1, "asleep": 2, "wrong PIN": 3}
PHONES = {**MEMBERS, "a stranger": 8, "unknown": 9}
PIN = "140714"


def number_of(kind: str) -> str:
    return f"+85620555012{PHONES[kind]:02d}"


@pytest.fixture
def probed(app: Flask, register: Register, clock: Clock) -> Iterator[Flask]:
    """Three members with a PIN: locked out, asleep and awake; and gates that are wide open."""
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
        connection.exec_driver_sql(
            "UPDATE bindings SET fails = 5, locked_until = ? WHERE member = '1'", (now + 10**9,)
        )
        connection.exec_driver_sql("UPDATE bindings SET asleep = 1 WHERE member = '2'")
    yield app
    hang_up(app)


class Probes:
    """Callers of several kinds, in turns: what each reads on her way, and how long the last answer takes."""

    def __init__(self, app: Flask, register: Register) -> None:
        self.app, self.register = app, register
        self.words: dict[str, set[tuple[str, ...]]] = {}
        self.spent: dict[str, list[float]] = {}

    def probe(self, turns: int, dialled: str, numbers: Mapping[str, tuple[str, ...]]) -> None:
        """`numbers`: of each kind what she is asked for before the PIN, which is another every time."""
        phones = {kind: Phone(self.app, number_of(kind), "en") for kind in numbers}
        for turn in range(turns):
            for kind, typed in numbers.items():
                phone = phones[kind].dial(dialled)
                seen = [phone.screen, *(phone.says(number).screen for number in typed)]
                began = perf_counter()
                seen.append(phone.says(f"{999_999 - turn:06d}").screen)
                self.spent.setdefault(kind, []).append(perf_counter() - began)
                self.words.setdefault(kind, set()).add(tuple(seen))
            if turn % 4 == 3:  # the awake one stays awake: her wrong PINs are forgiven by the test alone
                with self.register.engine.begin() as connection:
                    awake = "UPDATE bindings SET fails = 0, locked_until = 0 WHERE member = '3'"
                    connection.exec_driver_sql(awake)
                    connection.exec_driver_sql("DELETE FROM tallies")

    def read(self, *kinds: str) -> tuple[str, ...]:
        """What all of these read, which is the same for all; it took them as long."""
        [words] = set.union(*(self.words[kind] for kind in kinds))
        medians = [median(self.spent[kind]) for kind in kinds]
        assert max(medians) - min(medians) <= GAP_SECONDS
        return words


def test_two_thousand_probes_learn_nothing(probed: Flask, register: Register) -> None:
    """Where members want their PIN asked, nobody's phone is known before it."""
    with register.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE bindings SET asks_pin = 1")
    kinds = ("unknown", *MEMBERS)
    probes = Probes(probed, register)
    probes.probe(PROBES // len(kinds), "1", {kind: (social(MEMBERS.get(kind, 9)),) for kind in kinds})
    probes.read(*kinds)


def test_by_default_whoever_calls_from_no_phone_of_hers_learns_nothing(probed: Flask, register: Register) -> None:
    """On her own phone she reads that it is her PIN, and is not told whether it is locked or wrong."""
    strangers = {
        "unknown": social(9),
        "asleep": social(MEMBERS["asleep"]),
        "a stranger": social(MEMBERS["wrong PIN"]),
    }
    numbers = {**{kind: (number,) for kind, number in strangers.items()}, "locked": (), "wrong PIN": ()}
    probes = Probes(probed, register)
    probes.probe(BY_DEFAULT // len(numbers), "1*4", numbers)
    closed, wrong = probes.read(*strangers), probes.read("locked", "wrong PIN")
    assert closed[-1].startswith("Nothing can be shown.")
    assert wrong[-1].startswith("This PIN does not open.")
