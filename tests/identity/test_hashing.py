"""What a stored hash gives away, how keys and parameters change under it, and how much is hashed at once."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

import pytest

from gateway.identity.hashing import BURST, HASHES_A_SECOND, MEMORY_KIB, Gate, PinHasher
from gateway.identity.port import Verdict
from gateway.storage.keys import Keys, Unsealable
from tests.faults import at_once
from tests.identity.conftest import HER, LIGHT_KIB, ME, PIN, STRANGER, WRONG, Desk, Opener, open_gate

ROUNDS = 40
LEVEL_SECONDS = 0.010  # threat T18: medians at most 10 ms apart


def hash_of(desk: Desk) -> str:
    [(sealed,)] = desk.says("SELECT hash FROM pins")
    return str(sealed)


def with_key(keys: Keys, name: str, version: int, digits: str) -> Keys:
    (keys.directory / f"{name}.{version}.key").write_text(digits * 64)
    return Keys(keys.directory)


def test_hashes_cost_what_owasp_asks(keys: Keys) -> None:
    hasher = PinHasher(keys.peppers, keys.sealer)
    opened = keys.sealer.open(hasher.hash(HER, PIN), f"pin:{HER}")
    assert opened.startswith("1:$argon2id$v=19$m=19456,t=2,p=1$")
    assert hasher.hash(HER, PIN) != hasher.hash(HER, PIN)


def test_a_dump_without_pepper_and_data_key_opens_nothing(desk: Desk, keys: Keys, tmp_path: Path) -> None:
    desk.guess(PIN)
    sealed = hash_of(desk)
    for lost in ("pepper", "data"):
        thiefs = tmp_path / f"without-{lost}"
        shutil.copytree(keys.directory, thiefs)
        (thiefs / f"{lost}.1.key").write_text("ab" * 32)
        partly = Keys(thiefs)
        thief = PinHasher(partly.peppers, partly.sealer, LIGHT_KIB)
        if lost == "data":
            with pytest.raises(Unsealable):
                thief.matches(HER, PIN, sealed)
        else:
            assert not thief.matches(HER, PIN, sealed)
    assert desk.pins.hasher.matches(HER, PIN, sealed)
    for table in ("bindings", "pins", "tallies"):
        assert PIN not in str(desk.says(f"SELECT * FROM {table}"))
        assert "argon2" not in str(desk.says(f"SELECT * FROM {table}"))


def test_a_hash_moved_to_another_member_opens_nothing(desk: Desk) -> None:
    desk.bind((STRANGER, "99002"))
    desk.says("INSERT INTO pins (member, hash, changed_at) VALUES ('99002', :h, 0)", h=hash_of(desk))
    with pytest.raises(Unsealable, match=r"^pin$"):
        desk.guess(PIN, STRANGER, "99002")


def test_member_and_pin_cannot_be_shifted_into_each_other(keys: Keys) -> None:
    hasher = PinHasher(keys.peppers, keys.sealer, LIGHT_KIB)
    assert hasher._peppered(1, "991", "123456") != hasher._peppered(1, "99", "1123456")


def test_a_right_pin_moves_to_the_newest_pepper(desk: Desk, keys: Keys, open_desk: Opener) -> None:
    old = hash_of(desk)
    newer = with_key(keys, "pepper", 2, "a")
    rotated = open_desk(newer)
    assert rotated.guess(WRONG) is Verdict.REFUSED
    assert hash_of(desk) == old
    assert rotated.guess(PIN) is Verdict.OPENED
    moved = hash_of(desk)
    assert newer.sealer.open(moved, f"pin:{HER}").startswith("2:")
    assert rotated.guess(PIN) is Verdict.OPENED
    assert hash_of(desk) == moved  # once
    (keys.directory / "pepper.1.key").unlink()
    assert open_desk(Keys(keys.directory)).guess(PIN) is Verdict.OPENED


def test_a_pepper_we_do_not_hold_is_named_and_nothing_else(desk: Desk, keys: Keys, open_desk: Opener) -> None:
    newer = with_key(keys, "pepper", 2, "a")
    open_desk(newer).guess(PIN)
    (newer.directory / "pepper.2.key").unlink()
    with pytest.raises(Unsealable, match=r"^pin$"):
        desk.guess(PIN)


def test_while_the_gate_is_full_the_old_hash_stays(desk: Desk, keys: Keys, open_desk: Opener) -> None:
    old = hash_of(desk)
    one = open_desk(with_key(keys, "pepper", 2, "a"), gate=Gate(rate=0.0, burst=1))
    assert one.guess(PIN) is Verdict.OPENED
    assert hash_of(desk) == old
    assert one.guess(PIN) is Verdict.BUSY


def test_parameters_only_rise(desk: Desk, open_desk: Opener) -> None:
    light = hash_of(desk)
    heavy = open_desk(light=False)
    assert heavy.guess(WRONG) is Verdict.REFUSED
    assert hash_of(desk) == light
    assert heavy.guess(PIN) is Verdict.OPENED
    raised = hash_of(desk)
    assert f"m={MEMORY_KIB}" in desk.keys.sealer.open(raised, f"pin:{HER}")
    assert desk.guess(PIN) is Verdict.OPENED  # an older process, while the new one is rolled out
    assert hash_of(desk) == raised


def test_every_refusal_takes_as_long(open_desk: Opener) -> None:
    """Nobody, a stranger's number, locked, asleep, dormant, without a PIN: none stands out from a wrong one."""
    desk = open_desk(light=False)
    pairs = {name: (f"caller-{name}", f"99{name}") for name in ("wrong", "locked", "asleep", "dormant", "new")}
    desk.bind(*pairs.values())
    for name in ("wrong", "locked", "asleep", "dormant"):
        desk.give_pin(pairs[name][1])
    desk.says("UPDATE bindings SET locked_until = 9999999999 WHERE caller = 'caller-locked'")
    desk.says("UPDATE bindings SET asleep = true WHERE caller = 'caller-asleep'")
    desk.says("UPDATE bindings SET proved_at = 0 WHERE caller = 'caller-dormant'")
    cases: dict[str, tuple[str, str | None]] = {
        **pairs,
        "unbound": ("caller-nobody", "99wrong"),
        "nobody": (ME, None),
    }
    took: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(ROUNDS):
        for name, (caller, member) in cases.items():
            event = f"{name}-{number}"
            started = perf_counter()
            assert desk.pins.check(caller, member, WRONG, event) is Verdict.REFUSED
            took[name].append(perf_counter() - started)
        if number % 4 == 3:
            desk.says("UPDATE bindings SET fails = 0, locked_until = 0 WHERE caller = 'caller-wrong'")
            desk.says("DELETE FROM tallies")
    assert desk.evaluated == ROUNDS
    medians = {name: median(times) for name, times in took.items()}
    assert max(medians.values()) - min(medians.values()) < LEVEL_SECONDS, medians


@pytest.mark.parametrize("places", [1, 2, 3])
def test_no_more_than_allowed_hash_at_once(places: int) -> None:
    gate = open_gate(places)
    inside, most, lock = 0, 0, threading.Lock()

    def work() -> bool:
        nonlocal inside, most
        with gate.hashing() as admitted:
            with lock:
                inside += 1
                most = max(most, inside)
            sleep(0.01)
            with lock:
                inside -= 1
        return admitted

    assert all(at_once([work] * 12))
    assert most == places


def test_who_finds_no_place_in_time_is_told_so() -> None:
    gate = Gate(wait=0.05)
    started = perf_counter()
    with gate.hashing() as first, gate.hashing() as second:
        assert (first, second) == (True, False)
    assert 0.05 <= perf_counter() - started < 0.4
    with gate.hashing() as third:
        assert third


def test_a_place_is_free_again_after_an_error() -> None:
    gate = Gate(wait=0.0)

    def fail() -> None:
        with gate.hashing() as admitted:
            raise ConnectionError if admitted else AssertionError

    for _time in range(3):
        with pytest.raises(ConnectionError):
            fail()


def test_a_flood_is_refused_without_waiting() -> None:
    now = 100.0
    gate = Gate(ticks=lambda: now)

    def admitted(tries: int) -> int:
        total = 0
        for _time in range(tries):
            with gate.hashing() as one:
                total += one
        return total

    assert admitted(500) == BURST
    now += 1.0
    assert admitted(500) == HASHES_A_SECOND
    now += 3600.0
    started = perf_counter()
    assert admitted(500) == BURST
    assert perf_counter() - started < 0.1
