"""Secrets of an installation: made once, for their owner's eyes only, and what they keep out of the tables."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from app import create_app
from gateway.registry.port import Posting
from gateway.storage.keys import (
    KEY_BYTES,
    NAMES,
    TOKEN,
    Hasher,
    Keys,
    Unsealable,
    rotate,
    version_of_hash,
    webhook_token,
)
from gateway.storage.schema import upgrade
from gateway.storage.tables import store
from gateway.text.values import Month
from tests.conftest import TOKEN as PATH_TOKEN
from tests.conftest import Clock
from tests.faults import hang_up
from tests.register import Register, paid

ROOT = Path(__file__).resolve().parents[2]
MADE = "import sys; from pathlib import Path; from gateway.storage import keys; sys.stdin.read(); "
CALLER, NUMBER = "+8562055512345", "9900071234"
RESTS = ("", "*1", "*1*0", "*1*0*98765432")  # what is typed once she is known


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_for_their_owners_eyes_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Keys(tmp_path / "keys")
        webhook_token(tmp_path / "keys")
    finally:
        os.umask(before)
    assert mode(tmp_path / "keys") == 0o700
    files = list((tmp_path / "keys").iterdir())
    assert {path.name for path in files} == {TOKEN, *(f"{name}.1.key" for name in NAMES)}
    assert {mode(path) for path in files} == {0o600}


def test_secrets_are_long_enough_and_never_alike(tmp_path: Path) -> None:
    tokens = {webhook_token(tmp_path / str(number)) for number in range(20)}
    assert len(tokens) == 20
    assert min(map(len, tokens)) >= 22  # 128 bits
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", token) for token in tokens)
    Keys(tmp_path / "a")
    assert len(bytes.fromhex((tmp_path / "a" / "index.1.key").read_text())) == KEY_BYTES


def test_sixteen_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    say = "d = Path(sys.argv[1]); print(keys.Keys(d).hasher('caller', 'x'), keys.webhook_token(d))"
    command = [sys.executable, "-c", MADE + say, str(tmp_path / "new" / "keys")]
    starting = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _process in range(16)
    ]
    said = [process.communicate("")[0] for process in starting]
    assert [process.returncode for process in starting] == [0] * 16
    assert len(set(said)) == 1
    assert len(list((tmp_path / "new" / "keys").iterdir())) == len(NAMES) + 1  # nothing half-made is left


def test_the_same_files_give_the_same_hashes(tmp_path: Path) -> None:
    assert Keys(tmp_path).hasher("caller", "x") == Keys(tmp_path).hasher("caller", "x")
    assert webhook_token(tmp_path) == webhook_token(tmp_path)
    assert Keys(tmp_path).hasher("caller", "x") != Keys(tmp_path / "other").hasher("caller", "x")


@pytest.mark.parametrize("content", ["", "00" * (KEY_BYTES - 1), "not hexadecimal at all"])
def test_a_key_that_is_too_short_or_no_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "index.1.key").write_text(content)
    with pytest.raises(ValueError, match=r"index.1.key (has|is not)"):
        Keys(tmp_path)


def test_a_hash_tells_purposes_keys_and_parts_apart() -> None:
    one, other = Hasher(b"1" * KEY_BYTES), Hasher(b"2" * KEY_BYTES)
    hashes = [
        one("caller", CALLER),
        one("session", CALLER),
        other("caller", CALLER),
        one("caller", CALLER, ""),
        one("caller", CALLER[:5], CALLER[5:]),
        one("caller", CALLER[:6], CALLER[6:]),
    ]
    assert len(set(hashes)) == len(hashes)
    assert all(re.fullmatch("[0-9a-f]{32}", value) for value in hashes)


def test_no_part_can_be_typed_to_look_like_two() -> None:
    """Session ids and key paths come from outside: no separator in them may make two events one."""
    ours = Hasher(b"1" * KEY_BYTES)
    for separator in ("\x1f", "\x00", ":", "|", "1:", "\x1e", ","):
        assert ours("event", "a", f"b{separator}c") != ours("event", f"a{separator}b", "c")


def test_any_text_can_be_hashed() -> None:
    ours = Hasher(b"1" * KEY_BYTES)
    assert len({ours("path", text) for text in ("", "\x00", "\ud800", "\udfff", "ກ" * 10_000, "👩‍👩‍👧")}) == 6


def test_no_plain_hash_of_a_number_matches(tmp_path: Path) -> None:
    kept = Keys(tmp_path).hasher("caller", CALLER)
    for message in (CALLER, CALLER[1:], f"6:caller{len(CALLER)}:{CALLER}", f"caller{CALLER}"):
        assert not hashlib.sha256(message.encode()).hexdigest().startswith(kept)


def test_a_hash_says_which_version_of_its_key_made_it(directory: Path) -> None:
    first = Keys(directory).hasher("caller", CALLER)
    assert rotate(directory, "index") == 2
    newest, older = Keys(directory).hashers
    assert older("caller", CALLER) == first
    assert re.fullmatch(r"2\.[0-9a-f]{32}", newest("caller", CALLER))
    assert newest("caller", CALLER)[2:] != first
    assert [version_of_hash(hasher("caller", CALLER)) for hasher in (newest, older)] == [2, 1]


def test_a_rotation_never_writes_over_a_key(directory: Path) -> None:
    Keys(directory)
    before = {path.name: path.read_text() for path in directory.iterdir()}
    assert [rotate(directory, "data") for _time in range(9)] == list(range(2, 11))  # ten comes after nine
    after = {path.name: path.read_text() for path in directory.iterdir()}
    assert before.items() <= after.items()
    assert len(set(after.values())) == len(after) == len(NAMES) + 9
    assert Keys(directory).sealer.version == 10


def test_numbers_are_compared_with_the_key_that_hashed_them(directory: Path) -> None:
    running = Keys(directory)
    first = running.numbers("number", "9900000001")
    rotate(directory, "number")
    restarted = Keys(directory)
    second = restarted.numbers("number", "9900000001")
    assert first != second
    for keys in (running, restarted):  # the first has not heard of the rotation
        for stored in (first, second):
            assert keys.is_number(stored, "number", "9900000001")
            assert not keys.is_number(stored, "number", "9900000002")
            assert not keys.is_number(stored, "ending", "9900000001")
    assert not restarted.is_number("7." + "0" * 32, "number", "9900000001")


def test_a_running_process_opens_what_a_newer_key_sealed_and_seals_with_it_from_then_on(directory: Path) -> None:
    running = Keys(directory)
    rotate(directory, "data")
    sealed = Keys(directory).sealer.seal("two months", "place:1")
    assert sealed.startswith("2.")
    assert running.sealer.seal("x", "place:1").startswith("1.")
    assert running.sealer.open(sealed, "place:1") == "two months"
    assert running.sealer.seal("x", "place:1").startswith("2.")
    rotate(directory, "pepper")
    assert set(running.peppers) == {1}
    assert 2 in running.peppers
    assert running.peppers[2] == Keys(directory).peppers[2]
    assert 3 not in running.peppers


def test_a_running_process_goes_on_when_a_bad_key_is_put_beside_its_own(directory: Path) -> None:
    running = Keys(directory)
    sealed = running.sealer.seal("two months", "place:1")
    (directory / "data.2.key").write_text("half a k")
    with pytest.raises(Unsealable):
        running.sealer.open("2" + sealed[1:], "place:1")
    assert running.sealer.open(sealed, "place:1") == "two months"
    with pytest.raises(ValueError, match=r"data\.2\.key"):
        Keys(directory)
    rotate(directory, "index")
    assert running.look_again()
    assert [hasher.version for hasher in running.hashers] == [2, 1]
    assert not running.look_again()


def test_a_retired_key_is_not_let_go_of_while_the_process_runs(directory: Path) -> None:
    running = Keys(directory)
    sealed = running.sealer.seal("two months", "place:1")
    rotate(directory, "data")
    (directory / "data.1.key").rename(directory / "data.1.retired")
    assert 2 in running.rings["data"]
    assert running.sealer.open(sealed, "place:1") == "two months"
    with pytest.raises(Unsealable):
        Keys(directory).sealer.open(sealed, "place:1")


def test_no_table_of_the_store_holds_a_number_or_what_was_typed(
    database_url: str, tmp_path: Path, clock: Clock
) -> None:
    upgrade(database_url, {"store", "register"})
    register = Register(database_url)
    gaps = {Month(2026, 2): Posting.ASSESSED}
    register.member(71234, CALLER, paid(Month(2025, 1), Month(2026, 9), gaps))
    register.member(85678, CALLER, {})
    register.close()
    app = create_app(
        {"database_url": database_url, "keys_dir": tmp_path / "keys", "webhook_tokens": (PATH_TOKEN,)}, clock=clock
    )
    client = app.test_client()
    calls = {
        "first-call-77": ["", "2", "2*1", f"2*1*{NUMBER}", *(f"2*1*{NUMBER}*05111990{rest}" for rest in RESTS)],
        "second-call-88": ["", "1", "1*2"],
    }
    shown = ""
    for session, texts in calls.items():
        for typed in texts:
            form = {"sessionId": session, "phoneNumber": CALLER, "text": typed}
            shown += client.post(f"/in/africastalking/{PATH_TOKEN}/ussd", data=form).text
    hang_up(app)
    assert "of the last 12 months are paid" in shown
    kept = re.sub(r"\b[0-9a-f]{32}\b", "(hash)", dump(database_url)).replace("71234", "(member)")
    assert len(re.findall("contributions.viewed", kept)) == 1
    spellings = ("+8562055512345", "8562055512345", "02055512345", "2055512345", "55512345", "020 5551 2345")
    typed_words = ("05111990", "1990-11-05", "98765432", "2*1", NUMBER)
    for secret in (*spellings, *typed_words, *calls, PATH_TOKEN, "Thotlong", "ທົດລອງ", "287500"):
        assert secret not in kept, secret


def dump(url: str) -> str:
    """Everything in the store's tables, as one text."""
    engine = create_engine(url)
    names = [table.name for table in store.sorted_tables]
    assert set(names) <= set(inspect(engine).get_table_names())
    with engine.connect() as connection:
        rows = [str(tuple(row)) for name in names for row in connection.execute(text(f"SELECT * FROM {name}"))]
    engine.dispose()
    assert len(rows) > 10
    return "\n".join(rows)
